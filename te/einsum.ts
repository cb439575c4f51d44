/** `einsum`: contractions written by axis names. */
import { constInt } from "../src/ir/index.ts";
import { describe } from "./build.ts";
import { compute } from "./compute.ts";
import { TeError } from "./error.ts";
import type { Axis, Expr } from "./expr.ts";
import { checkName, extentNode } from "./extent.ts";
import { sum } from "./reduce.ts";
import { quote } from "./scope.ts";
import { isTensor, type Tensor } from "./tensor.ts";
import type { AnyTensor, DTypeOf, Extent, FactsOf, Read, Red, Shape } from "./types.ts";

/** The names in a text, as a tuple. */
export type Words<S extends string, Out extends readonly string[] = readonly []> = S extends `${infer A} ${infer B}`
  ? Words<B, A extends "" ? Out : readonly [...Out, A]>
  : S extends ""
    ? Out
    : readonly [...Out, S];
export type Operands<S extends string> = S extends `${infer A},${infer B}`
  ? Words<A>[number] | Operands<B>
  : Words<S>[number];
export type EinsumOut<S extends string> = S extends `${string}->${infer O}` ? Words<O> : readonly string[];
export type EinsumIn<S extends string> = S extends `${infer I}->${string}` ? Operands<I> : string;
export type EinsumShape<S extends string> =
  EinsumOut<S> extends infer W extends readonly string[] ? { readonly [K in keyof W]: Extent } : Shape;

/**
 * The sum, over all names that the result lacks, of the product of the tensors. Names are separated by blanks, operands by commas.
 *
 *     const C = einsum("C", "i k, k j -> i j", A, B);
 *     const d = einsum("d", "n h q c, n h k c -> n h q k", Q, K);
 *
 * Throws TeError where operands and names differ in number, one name stands for two extents, or a result's name has no operand.
 */
export function einsum<
  const N extends string,
  const S extends string,
  const T extends readonly [AnyTensor, ...AnyTensor[]],
>(
  name: N,
  spec: S,
  ...tensors: T
): Tensor<
  DTypeOf<T[0]>,
  EinsumOut<S>[number],
  Read<FactsOf<T[number]>> | Red<Exclude<EinsumIn<S>, EinsumOut<S>[number]>>,
  EinsumShape<S>,
  N
> {
  checkName(name, "tensor");
  if (typeof spec !== "string")
    throw new TeError(
      "te.einsum",
      `einsum "${name}": expected a text such as "i k, k j -> i j", but was given ${describe(spec)}`,
    );
  const fail = (why: string): TeError => new TeError("te.einsum", `einsum "${name}", "${spec}": ${why}`);
  const words = (s: string): string[] => s.split(" ").filter((w) => w !== "");
  const [left, right, ...rest] = spec.split("->");
  if (left === undefined || right === undefined || rest.length > 0)
    throw fail('expected "operands -> result", as in "i k, k j -> i j"');
  const operands = left.split(",").map(words);
  const out = words(right);
  if (operands.length !== tensors.length) throw fail(`${operands.length} operands, but ${tensors.length} tensors`);

  tensors.forEach((t: unknown, n) => {
    if (!isTensor(t)) throw fail(`operand ${n} is ${describe(t)}: expected a tensor`);
  });

  const extents = new Map<string, { readonly extent: Extent; readonly tensor: string }>();
  operands.forEach((names, n) => {
    const t = tensors[n]!;
    if (names.length !== t.shape.length)
      throw fail(
        `"${t.name}" has ${t.shape.length} axes, but "${names.join(" ")}" names ${names.length} (separate names with blanks)`,
      );
    names.forEach((axis, d) => {
      const extent = (t.shape as readonly Extent[])[d]!;
      const old = extents.get(axis);
      if (old === undefined) extents.set(axis, { extent, tensor: t.name });
      else if (node(old.extent) !== node(extent))
        throw fail(`"${axis}" is ${text(old.extent)} in "${old.tensor}" but ${text(extent)} in "${t.name}"`);
    });
  });
  for (const o of out) if (!extents.has(o)) throw fail(`"${o}" of the result is in no operand`);
  if (new Set(out).size !== out.length) throw fail(`the result names an axis twice: ${quote(out)}`);
  const summed = [...extents.keys()].filter((k) => !out.includes(k));
  const record = (names: readonly string[]): Record<string, Extent> =>
    Object.fromEntries(names.map((k) => [k, extents.get(k)!.extent]));

  const product = (at: Readonly<Record<string, Axis>>): Expr =>
    operands.map((names, n): Expr => tensors[n]!.at(...names.map((k) => at[k]!))).reduce((a, b) => a.mul(b));
  return compute(name, record(out), (o) =>
    summed.length === 0 ? product(o as never) : sum(record(summed), (r) => product({ ...o, ...r } as never) as never),
  ) as never;
}
const node = (x: Extent): unknown => extentNode(x, "einsum");
const text = (x: Extent): string => (typeof x === "number" ? `${x}` : `${constInt(x.node) ?? x.toString()}`);
