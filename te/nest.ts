// biome-ignore-all lint/suspicious/noExplicitAny: `any` as a type argument means "whatever facts", and must not be checked
/** `nest`: a tensor by a loop nest written by hand, for what no expression says. */
import { type Buffer, buffer, type DType } from "../src/ir/index.ts";
import { checkDType, describe } from "./build.ts";
import { Cells } from "./cells.ts";
import { checkFunction, checkOptions, checkSize, isRecord } from "./check.ts";
import { finishTensors } from "./compute.ts";
import { TeError } from "./error.ts";
import { type AxisList, checkName, openAxes } from "./extent.ts";
import { filled } from "./fill.ts";
import { NestBuilder } from "./nest-builder.ts";
import { checkReadsListed } from "./nest-reads.ts";
import { axisRecord } from "./reduce.ts";
import { inFrame } from "./scope.ts";
import type { Tensor } from "./tensor.ts";
import type {
  AnyExpr,
  AnyTensor,
  Axes,
  AxesSpec,
  AxisNames,
  Extent,
  FactsOf,
  Inside,
  Named,
  Names,
  Read,
  Shape,
  ShapeOf,
  SizeOf,
  Vals,
} from "./types.ts";

/** A result of a nest: its shape at each point of the nest's axes, and its dtype. */
export interface NestResult {
  readonly shape: AxesSpec;
  readonly dtype: DType;
}
export type NestResults = NestResult | { readonly [n: string]: NestResult };
export interface NestSpec<X, A, R> {
  /** Every tensor, scalar and size that the body reads: they become arguments of the kernel. */
  readonly reads?: X;
  /** Axes along which the results are independent: their leading dimensions, and loops to schedule. None unless told otherwise. */
  readonly axes?: A;
  readonly results: R;
}
export type NestFacts<X extends readonly unknown[], A, R extends NestResult> =
  | Read<FactsOf<X[number]>>
  | SizeOf<Vals<A>>
  | SizeOf<Vals<R["shape"]>>
  | Inside<AxisNames<R["shape"]>>;
export type NestTensor<N extends string, X extends readonly unknown[], A, R extends NestResult> = Tensor<
  R["dtype"],
  Names<A> | AxisNames<R["shape"]>,
  NestFacts<X, A, R>,
  [Names<A>] extends [never] ? ShapeOf<R["shape"]> : readonly Extent[],
  N
>;
/** What `nest` returns: a tensor, or a record of tensors for a record of results. */
export type Nested<N extends string, X extends readonly unknown[], A, R> = R extends NestResult
  ? NestTensor<N, X, A, R>
  : { readonly [K in Names<R>]: R[K] extends NestResult ? NestTensor<`${N}.${K}`, X, A, R[K]> : never };
export type CellsOf<R extends NestResult> = Cells<
  R["dtype"],
  R["shape"] extends Shape ? never : Names<R["shape"]>,
  ShapeOf<R["shape"]>
>;
/** The results as the body writes them. */
export type NestCells<R> = R extends NestResult
  ? CellsOf<R>
  : { readonly [K in Names<R>]: R[K] extends NestResult ? CellsOf<R[K]> : never };

/**
 * A tensor, or several at once, computed by statements: loops, branches, named values and memory of its own, for what no
 * expression says (sorting, cumulative decisions, graph walks). It is one block of a schedule; its `axes` are loops around that, and
 * what stands inside stays as it is written.
 *
 *     const total = nest("total", { reads: [A], axes: { y: h }, results: { shape: { x: w }, dtype: "f32" } }, ({ y }, out, b) => {
 *       const sum = b.alloc("sum", [], "f32");
 *       b.for("x", w, (x) => { sum.store([], sum.at().add(A.at(y, x))); out.store([x], sum.at()); });
 *     });
 *
 * The body runs once, to write the statements down. It sees the results at one point of the axes only, so points are independent of
 * each other. Everything starts as 0 (which costs nothing where the body provably writes it first). Inputs are read with
 * `.at`, as everywhere.
 *
 * Throws TeError as `compute` does, for an index that can't be proven inside (one that depends on data is clamped in a read,
 * and nothing is written where it is outside in a `store`), for a value used outside of the loop or branch that made it, and
 * where `reads` lists too little or too much.
 */
export function nest<
  const N extends string,
  const R extends NestResults,
  const A extends Named = Record<never, never>,
  const X extends readonly (AnyTensor | AnyExpr)[] = readonly [],
>(
  name: N,
  spec: NestSpec<X, A, R>,
  body: (axes: Axes<A>, results: NestCells<R>, b: NestBuilder) => void,
): Nested<N, X, A, R> {
  checkName(name, "tensor");
  const what = `nest "${name}"`;
  if (!isRecord(spec))
    throw new TeError("te.body", `${what}: expected { reads, axes, results }, but was given ${describe(spec)}`);
  checkOptions(spec, ["reads", "axes", "results"], what);
  checkFunction(body, `the body of ${what}`, "({ y }, out, b) => { ... }");
  const { reads = [], axes: given = {}, results } = spec;
  if (Array.isArray(given)) throw new TeError("te.extent", `${what}: name the axes, as in { y: 480 }`);
  const outer = openAxes(given as Named, name);
  const list = resultList(results, outer, name, what);

  const builder = new NestBuilder(name, outer.axes);
  const cells = list.map(
    (r) =>
      new Cells(
        r.buffer.name,
        r.buffer,
        r.own.named ? r.own.axes.map((a) => a.name) : [],
        outer.axes.map((a) => a.var),
        builder.writer,
      ),
  );
  const keys = list.map((r) => r.key);
  const record =
    keys[0] === undefined ? cells[0] : Object.freeze(Object.fromEntries(keys.map((k, n) => [k, cells[n]])));
  const call = (): unknown => (body as (...args: unknown[]) => unknown)(axisRecord(outer.axes), record, builder);
  const written = inFrame("nest", name, outer.axes, call, (value) => {
    if (value !== undefined)
      throw new TeError(
        "te.body",
        `the body of ${what} returned ${describe(value)}: it writes with store(...), and returns nothing`,
      );
    return builder.finish();
  });
  const buffers = list.map((r) => r.buffer);
  const statement = filled(written, buffers, outer.axes);
  checkReadsListed(what, reads, statement, [outer, ...list.map((r) => r.own)]);
  return finishTensors(
    name,
    list.map((r) => ({ key: r.key, buffer: r.buffer, list: r.all })),
    {
      kind: "nest",
      name,
      axes: outer.axes.map((a) => ({ var: a.var, extent: a.extent })),
      outputs: buffers,
      body: statement,
    },
  ) as never;
}

interface Result {
  /** Undefined: the only one. */
  readonly key: string | undefined;
  readonly buffer: Buffer;
  /** Its axes at one point of the nest's, and all of them. */
  readonly own: AxisList;
  readonly all: AxisList;
}

function resultList(results: unknown, outer: AxisList, name: string, what: string): Result[] {
  const example = '{ shape: { x: 640 }, dtype: "f32" }';
  if (!isRecord(results))
    throw new TeError(
      "te.body",
      `${what}: its results are ${describe(results)}: expected ${example}, or a record of those`,
    );
  const one = "dtype" in results && !isRecord(results.dtype);
  const entries: [string | undefined, unknown][] = one ? [[undefined, results]] : Object.entries(results);
  if (entries.length === 0) throw new TeError("te.body", `${what} has no results: nothing to compute`);
  return entries.map(([key, r]) => {
    if (key !== undefined) checkName(key, `${what}: result`);
    const title = key === undefined ? name : `${name}.${key}`;
    if (!isRecord(r) || r.shape === undefined)
      throw new TeError("te.body", `the result "${title}" is ${describe(r)}: expected ${example}`);
    checkOptions(r, ["shape", "dtype"], `the result "${title}"`);
    checkDType(r.dtype, `the result "${title}"`);
    const own = openAxes(r.shape as AxesSpec, title);
    const twice = own.axes.find((a) => outer.axes.some((o) => o.name === a.name));
    if (twice)
      throw new TeError("te.shadow", `"${title}": its axis "${twice.name}" and an axis of the nest share their name`);
    const axes = [...outer.axes, ...own.axes];
    const extents = axes.map((a) => a.extent);
    checkSize(title, extents);
    const all: AxisList = { axes, shape: Object.freeze([...outer.shape, ...own.shape]), named: true };
    return { key, buffer: buffer(title, r.dtype, extents), own, all };
  });
}
