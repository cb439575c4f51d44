// biome-ignore-all lint/suspicious/noExplicitAny: `any` as a type argument means "whatever facts", and must not be checked
/** `scatter`: accumulation at computed positions (histograms, scatter-add, sums per group). */

import { Facts } from "../src/arith/index.ts";
import { type Combiner, type DType, type Expr as Node, variable } from "../src/ir/index.ts";
import { indexNode, inside, isAsserted, missingConditions, type Readable } from "./access.ts";
import { assume, checkReads, type Known } from "./bounds.ts";
import { describe, literal, operand } from "./build.ts";
import { checkFunction, checkOptions, isRecord } from "./check.ts";
import { type SimpleReduction, simpleCombiner } from "./combiner.ts";
import { finish, outputBuffers } from "./compute.ts";
import { TeError } from "./error.ts";
import { type Expr, isExpr } from "./expr.ts";
import { type AxisList, checkName, openAxes } from "./extent.ts";
import { axisRecord, expectExpr, userCombiner } from "./reduce.ts";
import { inFrame, quote, withRanges } from "./scope.ts";
import type { Tensor } from "./tensor.ts";
import type {
  AnyExpr,
  Arg,
  Axes,
  DTypeOf,
  Extent,
  FactsOf,
  Given,
  Index,
  Inside,
  Named,
  Names,
  Red,
  SizeOf,
  Vals,
} from "./types.ts";

/** A position per axis of the result, in order or by name. */
export type Position<A> = readonly Index[] | { readonly [K in Names<A>]: Index };
/** What one point adds, and where. */
export interface Contribution<A> {
  readonly at: Position<A>;
  readonly value: AnyExpr;
}
export type PositionFacts<P> = P extends readonly unknown[] ? FactsOf<P[number]> : FactsOf<P[keyof P]>;
/** A combiner of one's own: associative, commutative, made of its operands and constants only; combine(identity, x) is x. */
export interface ScatterCombiner<D extends DType> {
  readonly name?: string;
  readonly combine: (a: Expr<D, never>, b: Expr<D, never>) => Expr<D, any>;
  readonly identity: Arg<D, never>;
}
export interface ScatterOptions<A, O, D extends DType, G, W> {
  /** How contributions to one element combine, with each other and with what it starts as. "sum" unless told otherwise. */
  readonly combine?: SimpleReduction | ScatterCombiner<D>;
  /** What elements start as: the combiner's identity (0 for sums) unless told otherwise. */
  readonly init?: Arg<D, G> | ((axes: Axes<A>) => Expr<D, G>);
  /** Points where it is false take no part and are not evaluated. */
  readonly where?: (axes: Axes<O>) => Expr<"bool", W>;
}
export type Scattered<N extends string, A, O, C extends Contribution<A>, G, W> = Tensor<
  DTypeOf<C["value"]>,
  Names<A>,
  | FactsOf<C["value"]>
  | PositionFacts<C["at"]>
  | Given<G>
  | Given<W>
  | SizeOf<Vals<A>>
  | SizeOf<Vals<O>>
  | Red<Names<O>>
  | Inside<Names<A>>,
  readonly Extent[],
  N
>;

/**
 * A tensor over `axes` to whose elements the points of `over` contribute, each at a position that it computes: several may
 * meet in one element, where they combine (by adding, unless told otherwise) in no fixed order. A position outside of the
 * result is left out; `asserted(...)` vouches that there is none, and saves the test.
 *
 *     const H = scatter("H", { bin: 256 }, { y: h, x: w }, ({ y, x }) => ({ at: [img.at(y, x).cast("i32")], value: lit(1, "i32") }));
 *     const rows = scatter("rows", { y: h, bin: 256 }, { y: h, x: w }, ({ y, x }) => ({ at: [y, img.at(y, x).cast("i32")], value: ... }));
 *
 * An axis of `over` that is a position by itself, over the whole axis of the result, is as independent as an axis of
 * `compute`; the others are reductions. (NumPy: np.add.at; TensorFlow: tensor_scatter_nd_add; Halide: an update over an RDom.)
 *
 * Throws TeError as `compute` does, for a reduction inside, for a position of another rank than the result, and for a
 * combiner that the values' dtype lacks.
 */
export function scatter<
  const N extends string,
  const A extends Named,
  const O extends Named,
  const C extends Contribution<A>,
  G = never,
  W = never,
>(
  name: N,
  axes: A,
  over: O,
  body: (axes: Axes<O>) => C,
  options: ScatterOptions<A, O, DTypeOf<C["value"]>, G, W> = {},
): Scattered<N, A, O, C, G, W> {
  checkName(name, "tensor");
  const what = `scatter "${name}"`;
  const to = openNamed(axes, name);
  const from = openNamed(over, name);
  checkFunction(body, `the body of ${what}`, '({ i }) => ({ at: [A.at(i)], value: lit(1, "i32") })');
  checkOptions(options, ["combine", "init", "where"], what);
  const { where: condition, init, combine = "sum" } = options;
  if (condition !== undefined) checkFunction(condition, `the where of ${what}`, "({ i }) => i.lt(3)");

  const target: Readable = {
    name,
    axes: to.axes.map((a) => a.name),
    buffer: outputBuffers(name, to, undefined, [variable("", "i32")])[0]!,
  };
  const call = (): { where: unknown; point: unknown } => {
    const record = axisRecord(from.axes);
    const where = (condition as ((axes: unknown) => unknown) | undefined)?.(record);
    return { where, point: (body as (axes: unknown) => unknown)(record) };
  };
  const parts = inFrame("scatter", name, from.axes, call, (r) => {
    const guard = condition && whereNode(expectExpr(r.where, name, "where"), what);
    const { at, asserted, value } = contribution(r.point, target, what);
    return { result: { guard, at, asserted, value }, nodes: [...(guard ? [guard] : []), ...at, value] };
  });
  const { guard, at, asserted, value } = parts;
  let known: Known = { facts: withRanges(Facts.empty, from.axes), given: new Set() };
  if (guard) known = assume(known, guard);
  const checked = at.map((p, d) => !asserted[d] && missingConditions(p, to.axes[d]!.extent, known.facts).length > 0);
  const before = guard ? [guard] : [];
  const bounds = at.flatMap((p, d) => (checked[d] ? inside(p, to.axes[d]!.extent) : []));
  checkReads(name, before, from.axes);
  checkReads(name, at, from.axes, before);
  checkReads(name, [value], from.axes, [...before, ...bounds]);

  const combiner = combinerOf(combine, value, what);
  const start = startOf(init, to, combiner, name);
  return finish(name, to, { keys: undefined, nodes: [value] }, (outputs) => ({
    kind: "scatter",
    name,
    axes: to.axes.map((a) => ({ var: a.var, extent: a.extent })),
    over: from.axes.map((a) => ({ var: a.var, extent: a.extent })),
    outputs: [outputs[0]!],
    combiner,
    init: start,
    where: guard,
    at,
    checked,
    value,
  })) as never;
}

function openNamed(spec: Named, name: string): AxisList {
  if (Array.isArray(spec))
    throw new TeError("te.extent", `scatter "${name}": name the axes, as in { bin: 256 } and { y: 480, x: 640 }`);
  return openAxes(spec, name);
}
function whereNode(e: AnyExpr, what: string): Node {
  if (e.node.dtype !== "bool")
    throw new TeError("te.dtype", `the where of ${what} is ${e.node.dtype}: expected a comparison`);
  return e.node;
}

function contribution(
  x: unknown,
  target: Readable,
  what: string,
): { readonly at: readonly Node[]; readonly asserted: readonly boolean[]; readonly value: Node } {
  const example = '{ at: [A.at(i)], value: lit(1, "i32") }';
  if (!isRecord(x) || isExpr(x) || !("at" in x) || !("value" in x))
    throw new TeError("te.body", `the body of ${what} returned ${describe(x)}: expected ${example}`);
  checkOptions(x, ["at", "value"], `the body of ${what}`, "te.body");
  const value = expectExpr(x.value, target.name, "value").node;
  const { axes } = target;
  let list: readonly unknown[];
  if (Array.isArray(x.at)) list = x.at;
  else if (isRecord(x.at) && !isExpr(x.at)) {
    const record = x.at;
    const wrong = Object.keys(record).find((k) => !axes.includes(k)) ?? axes.find((a) => !Object.hasOwn(record, a));
    if (wrong !== undefined)
      throw new TeError(
        "te.index-name",
        `the position of ${what} has the axes ${quote(Object.keys(record))}, but those of "${target.name}" are ${quote(axes)}`,
      );
    list = axes.map((a) => record[a]);
  } else
    throw new TeError(
      "te.body",
      `the position of ${what} is ${describe(x.at)}: expected a list of i32 expressions, one per axis of "${target.name}"`,
    );
  if (list.length !== axes.length)
    throw new TeError(
      "te.rank",
      `the position of ${what} has ${list.length} indices, but "${target.name}" has ${axes.length} axes (${axes.join(", ")})`,
    );
  return { at: list.map((p, d) => indexNode(target, d, p)), asserted: list.map(isAsserted), value };
}

function combinerOf(combine: unknown, value: Node, what: string): Combiner {
  const { dtype } = value;
  if (isRecord(combine)) {
    checkOptions(combine, ["name", "combine", "identity"], `the combiner of ${what}`, "te.body");
    const { name = "combine", combine: f, identity } = combine;
    checkName(name, "combiner");
    checkFunction(f, `the combine of ${what}`, "(a, b) => a.add(b)");
    return userCombiner(name as string, what, [dtype], {
      combine: (a, b) => [(f as (a: unknown, b: unknown) => unknown)((a as unknown[])[0], (b as unknown[])[0])],
      identity: [identity],
    });
  }
  const known = ["sum", "prod", "min", "max", "any", "all"];
  if (!known.includes(combine as string))
    throw new TeError(
      "te.option",
      `${what}: combine is ${describe(combine)}: expected one of ${quote(known)}, or { combine, identity }`,
    );
  const logical = combine === "any" || combine === "all";
  if (logical !== (dtype === "bool"))
    throw new TeError(
      "te.dtype",
      `${what}: ${combine} of ${dtype} values: ` +
        (logical ? "compare first, as in x.ne(0)" : 'count with .cast("i32"), or use "any" or "all"'),
    );
  return simpleCombiner(combine as SimpleReduction, dtype);
}

/** What elements start as, over the result's axes. */
function startOf(init: unknown, to: AxisList, combiner: Combiner, name: string): Node {
  const { dtype } = combiner.identities[0]!;
  if (init === undefined) return combiner.identities[0]!;
  const what = `init of scatter "${name}"`;
  if (isExpr(init)) return operand(init, dtype, what);
  if (typeof init !== "function") return literal(init, dtype, what);
  const node = inFrame(
    "scatter",
    name,
    to.axes,
    () => (init as (axes: unknown) => unknown)(axisRecord(to.axes)),
    (x) => {
      const e = operand(expectExpr(x, name, "init"), dtype, what);
      return { result: e, nodes: [e] };
    },
  );
  checkReads(name, [node], to.axes);
  return node;
}
