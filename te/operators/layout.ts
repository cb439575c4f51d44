// biome-ignore-all lint/suspicious/noExplicitAny: `any` as a type argument means "whatever facts", and must not be checked
/** The same elements in another order or place: no arithmetic, any dtype. Axes of results are i0, i1, ... */
import { asserted } from "../access.ts";
import { operand } from "../build.ts";
import { compute } from "../compute.ts";
import { constantEdge, mirrorEdge, repeatEdge, wrapEdge } from "../edges.ts";
import type { Expr } from "../expr.ts";
import { extentNode } from "../extent.ts";
import { where } from "../functions.ts";
import type { Tensor } from "../tensor.ts";
import { describe } from "../text.ts";
import type { AnyTensor, AxisNames, DTypeOf, Extent, Shape, SizeOf } from "../types.ts";
import {
  Call,
  type Carried,
  extentText,
  isOne,
  known,
  plus,
  quotient,
  type ShapeIn,
  sameExtent,
  shapeText,
  times,
  type Values,
} from "./common.ts";
import { divisor, product } from "./fused.ts";

type Point = Expr<"i32", any>;
/** X with its axes in another order or of other extents. */
export type Moved<N extends string, X, S extends Shape = Shape> = Tensor<DTypeOf<X>, AxisNames<S>, Carried<X>, S, N>;

/**
 * The axes of X in another order: axis d of the result is axis order[d] of X; from last to first unless told otherwise.
 *
 *     const T = transpose("T", placeholder("X", [64, 32]));      // [32, 64]
 *     const F = transpose("F", image, [0, 3, 1, 2]);             // NHWC to NCHW
 *
 * Throws TeError where the order is no permutation of the axes. (NumPy: transpose; ONNX: Transpose.)
 */
export function transpose<const N extends string, const X extends AnyTensor>(
  name: N,
  x: X,
  order?: readonly number[],
): Moved<N, X> {
  const call = new Call("transpose", name);
  const t = call.tensor(x, "X");
  const rank = t.shape.length;
  const all = t.shape.map((_, d) => d);
  if (order !== undefined && !Array.isArray(order))
    throw call.error(
      "te.option",
      `the order is ${describe(order)}: expected a list such as [${all.toReversed().join(", ")}]`,
    );
  const list = (order ?? all.toReversed()).map((d) => call.axis(d, rank, "an axis of the order"));
  if (list.length !== rank || new Set(list).size !== rank)
    throw call.error("te.rank", `the order [${list.join(", ")}] is no permutation of the ${rank} axes of "${t.name}"`);
  const shape = list.map((d) => t.shape[d]!);
  return compute(name, shape, (...p) => t.at(...all.map((d) => p[list.indexOf(d)]!))) as never;
}

/** Axes of both shapes that hold the same elements: [from, to) in each. */
interface Span {
  readonly of: readonly [number, number];
  readonly into: readonly [number, number];
}
/** Shapes cut into the shortest spans of equal products, or undefined where there are none. */
function spans(a: Shape, b: Shape): Span[] | undefined {
  const out: Span[] = [];
  let [i, j] = [0, 0];
  while (i < a.length || j < b.length) {
    let found: readonly [number, number] | undefined;
    for (let n = 1; found === undefined && n <= a.length - i + (b.length - j); n++)
      for (let p = Math.max(0, n - (b.length - j)); found === undefined && p <= Math.min(n, a.length - i); p++)
        if (sameExtent(product(a.slice(i, i + p)), product(b.slice(j, j + n - p)))) found = [i + p, j + n - p];
    // empty tensors: any cut will do, and a short one may leave axes over
    if (found === undefined)
      return sameExtent(product(a), product(b)) ? [{ of: [0, a.length], into: [0, b.length] }] : undefined;
    out.push({ of: [i, found[0]], into: [j, found[1]] });
    [i, j] = found;
  }
  return out;
}

export type Reshaped<N extends string, X, S extends Shape> = Tensor<
  DTypeOf<X>,
  AxisNames<S>,
  Carried<X> | SizeOf<S[number]>,
  { readonly [K in keyof S]: Extent },
  N
>;
/**
 * The elements of X, in row-major order, with another shape. One extent may be -1: what is left over.
 *
 *     const F = reshape("F", placeholder("X", [8, 7, 7, 64]), [8, -1]); // [8, 3136]
 *     const H = reshape("H", X, [n, 12, 64]);                           // heads apart: from [n, 768]
 *
 * Throws TeError where the numbers of elements are not, or can't be shown to be, the same. (NumPy, ONNX: Reshape.)
 */
export function reshape<const N extends string, const X extends AnyTensor, const S extends Shape>(
  name: N,
  x: X,
  shape: S,
): Reshaped<N, X, S> {
  const call = new Call("reshape", name);
  const t = call.tensor(x, "X");
  if (!Array.isArray(shape))
    throw call.error("te.extent", `the shape is ${describe(shape)}: expected a list of extents`);
  const to = leftOver(call, t, shape);
  to.forEach((n, d) => void extentNode(n, `axis ${d} of ${call.title}`));
  const cut = spans(t.shape, to);
  if (cut === undefined)
    throw call.error(
      "te.extent",
      `"${t.name}" ${shapeText(t.shape)} has ${extentText(product(t.shape))} elements, but ${shapeText(to)} has ${extentText(product(to))}: they must agree`,
    );
  return compute(name, to, (...p) => {
    const index: (Point | number)[] = [];
    for (const { of, into } of cut) {
      const own = t.shape.slice(...of);
      const flat = p.slice(...into).reduce<Point | undefined>((e, i, d) => {
        const n = to[into[0] + d]!;
        return isOne(n) ? e : e === undefined ? i : e.mul(n as never).add(i);
      }, undefined);
      // the span's products agree, so each part of the flat index is inside, whether or not a proof would find that
      own.forEach((n, d) => {
        const behind = product(own.slice(d + 1));
        if (isOne(n) || flat === undefined) index.push(0);
        else {
          const upper = isOne(behind) ? flat : flat.div(divisor(behind));
          const first = own.slice(0, d).every(isOne);
          index.push(asserted(first ? upper : upper.mod(divisor(n))));
        }
      });
    }
    return t.at(...index);
  }) as never;
}
/** The shape with what stands for -1. */
function leftOver(call: Call, x: Values, shape: Shape): Shape {
  const at = shape.flatMap((n, d) => (n === -1 ? [d] : []));
  if (at.length === 0) return shape;
  if (at.length > 1) throw call.error("te.extent", "-1 stands for several extents: give all but one of them");
  const rest = shape.filter((n) => n !== -1);
  // what both have in full needs no division
  const own = [...x.shape];
  const others = rest.filter((n) => {
    const d = own.findIndex((m) => typeof n !== "number" && sameExtent(m, n));
    if (d >= 0) own.splice(d, 1);
    return d < 0;
  });
  const [all, divisor] = [product(own), known(product(others))];
  const constant = known(all);
  if (divisor === undefined || divisor === 0 || (constant !== undefined && constant % divisor !== 0))
    throw call.error(
      "te.extent",
      `"${x.name}" ${shapeText(x.shape)} has ${extentText(product(x.shape))} elements, which ${shapeText(rest)} for the other axes doesn't divide`,
    );
  const symbolic = own.filter((n) => known(n) === undefined);
  const fixed = own.reduce<number>((n, e) => n * (known(e) ?? 1), 1);
  const rests = fixed % divisor === 0 ? times(product(symbolic), fixed / divisor) : quotient(all, divisor);
  return shape.map((n) => (n === -1 ? (constant === undefined ? rests : constant / divisor) : n));
}

export interface PadOptions {
  /**
   * What stands around X: a value; its nearest element ("edge"); it mirrored without ("reflect") or with the element at the edge
   * ("symmetric"); or itself again ("wrap"). "constant" unless told otherwise.
   */
  readonly mode?: "constant" | "edge" | "reflect" | "symmetric" | "wrap";
  /** For "constant": 0 unless told otherwise. */
  readonly value?: number | bigint | boolean;
}
/**
 * X with elements around it: for each axis a number on both sides, or [before, behind]. Shape: n + before + behind.
 *
 *     const P = pad("P", placeholder("X", [1, 56, 56, 64]), [0, 1, 1, 0]);
 *     const R = pad("R", X, [0, [1, 2], [1, 2], 0], { mode: "reflect" });
 *
 * Throws TeError for a list of another length, negative numbers (see `slice`), an unknown mode, a value that the dtype can't hold.
 * (NumPy: pad; ONNX: Pad.)
 */
export function pad<const N extends string, const X extends AnyTensor>(
  name: N,
  x: X,
  widths: readonly (number | readonly [number, number])[],
  options: PadOptions = {},
): Moved<N, X, ShapeIn<X>> {
  const call = new Call("pad", name);
  const t = call.tensor(x, "X");
  call.options(options, ["mode", "value"]);
  const mode = call.oneOf(options.mode, "mode", ["constant", "edge", "reflect", "symmetric", "wrap"], "constant");
  if (options.value !== undefined && mode !== "constant")
    throw call.error("te.option", `a value is given, but the mode is "${mode}": leave one of them out`);
  if (!Array.isArray(widths) || widths.length !== t.shape.length)
    throw call.error(
      "te.rank",
      `"${t.name}" has ${t.shape.length} axes: expected a list of as many numbers, each for both sides, or [before, behind]`,
    );
  const sides = widths.map((w: unknown, d) => {
    const pair: readonly unknown[] = Array.isArray(w) ? w : [w, w];
    if (pair.length !== 2) throw call.error("te.option", `axis ${d}: expected a number or [before, behind]`);
    return [call.whole(pair[0], `axis ${d}, before,`, 0), call.whole(pair[1], `axis ${d}, behind,`, 0)] as const;
  });
  const zero = t.dtype === "bool" ? false : 0;
  operand(options.value ?? zero, t.dtype, call.title);
  const edge =
    mode === "constant"
      ? constantEdge(t, (options.value ?? zero) as never)
      : mode === "edge"
        ? repeatEdge(t)
        : mode === "wrap"
          ? wrapEdge(t)
          : mirrorEdge(t, { edge: mode === "reflect" ? "once" : "twice" });
  const shape = t.shape.map((n, d) => plus(n, sides[d]![0] + sides[d]![1]));
  return compute(name, shape, (...p) =>
    edge.at(...(p.map((i, d) => (sides[d]![0] === 0 ? i : i.sub(sides[d]![0]))) as never)),
  ) as never;
}

/** All of an axis, or the elements from `start` to before `stop` (null: the end), each `step`th. Negative ones count from the end. */
export type Range =
  | null
  | readonly [start: number, stop: number | null]
  | readonly [start: number, stop: number | null, step: number];
/**
 * A part of X: for each axis null (all of it) or [start, stop] or [start, stop, step]. Shape: ceil((stop - start) / step).
 *
 *     const Q = slice("Q", placeholder("qkv", [197, 2304]), [null, [0, 768]]);
 *     const E = slice("E", X, [[1, -1], [0, null, 2]]);
 *
 * Throws TeError for a list of another length, ranges that leave the axis or are reversed, steps below 1. Of an axis of symbolic extent, what
 * counts from its end, or goes up to it, is checked when the kernel is called; [0, 4] needs `dim("m", { min: 4 })`. (NumPy: basic slicing; ONNX: Slice.)
 */
export function slice<const N extends string, const X extends AnyTensor>(
  name: N,
  x: X,
  ranges: readonly Range[],
): Moved<N, X, ShapeIn<X>> {
  const call = new Call("slice", name);
  const t = call.tensor(x, "X");
  if (!Array.isArray(ranges) || ranges.length !== t.shape.length)
    throw call.error(
      "te.rank",
      `"${t.name}" has ${t.shape.length} axes: expected a list of as many ranges, each null or [start, stop]`,
    );
  const parts = ranges.map((r: unknown, d) => {
    const n = t.shape[d]!;
    if (r === null) return { start: 0 as Extent, step: 1, extent: n };
    if (!Array.isArray(r) || r.length < 2 || r.length > 3)
      throw call.error(
        "te.option",
        `the range of axis ${d} is ${describe(r)}: expected null, [start, stop] or [start, stop, step]`,
      );
    const place = (v: unknown, what: string): Extent => {
      const i = call.whole(v, `${what} of axis ${d}`, -(2 ** 31));
      return i < 0 ? plus(n, i) : i;
    };
    const start = place(r[0], "the start");
    const stop = r[1] === null ? n : place(r[1], "the stop");
    const step = call.whole(r[2] ?? 1, `the step of axis ${d}`, 1);
    const [a, b, all] = [known(start), known(stop), known(n)];
    if ((all !== undefined && (a! < 0 || b! > all)) || (a !== undefined && b !== undefined && a > b))
      throw call.error(
        "te.extent",
        `axis ${d} of "${t.name}" has ${extentText(n)} elements: ${String(r[0])} to ${String(r[1])} is no range of them`,
      );
    const length = plus(stop, typeof start === "number" ? -start : start.neg());
    return { start, step, extent: quotient(plus(length, step - 1), step) };
  });
  return compute(
    name,
    parts.map((p) => p.extent),
    (...p) => t.at(...parts.map(({ start, step }, d) => plus(step === 1 ? p[d]! : p[d]!.mul(step), start) as Point)),
  ) as never;
}

/** Several tensors of one dtype as one. */
export type Joined<N extends string, T extends readonly AnyTensor[], S extends Shape = Shape> = Tensor<
  DTypeOf<T[0]>,
  AxisNames<S>,
  Carried<T[number]>,
  S,
  N
>;
function operands(call: Call, tensors: unknown): Values[] {
  if (!Array.isArray(tensors) || tensors.length === 0)
    throw call.error("te.body", `the operands are ${describe(tensors)}: expected a list of tensors, as in [A, B]`);
  const list = tensors.map((t, n) => call.tensor(t, `operand ${n}`));
  for (const t of list) {
    call.sameDType(list[0]!, t);
    call.rank(t, "operand", list[0]!.shape.length, `as "${list[0]!.name}" ${shapeText(list[0]!.shape)}`);
  }
  return list;
}
const agree = (call: Call, list: readonly Values[], but?: number): void => {
  for (const t of list)
    t.shape.forEach((n, d) => {
      if (d !== but) call.same(list[0]!.shape[d]!, n, `axis ${d} of "${list[0]!.name}"`, `axis ${d} of "${t.name}"`);
    });
};
/**
 * Tensors one after another along an axis they all have, the first unless told otherwise; the other extents agree.
 *
 *     const C = concat("C", [placeholder("A", [8, 64]), placeholder("B", [3, 64])]);   // [11, 64]
 *     const D = concat("D", [A, B], { axis: -1 });
 *
 * Throws TeError for an empty list, other ranks, extents or dtypes, an axis they lack. (NumPy: concatenate; ONNX: Concat.)
 */
export function concat<const N extends string, const T extends readonly [AnyTensor, ...AnyTensor[]]>(
  name: N,
  tensors: T,
  options: { readonly axis?: number } = {},
): Joined<N, T, ShapeIn<T[0]>> {
  const call = new Call("concat", name);
  call.options(options, ["axis"]);
  const list = operands(call, tensors);
  const axis = call.axis(options.axis ?? 0, list[0]!.shape.length);
  agree(call, list, axis);
  const starts: Extent[] = [0];
  for (const t of list) starts.push(plus(starts.at(-1)!, t.shape[axis]!));
  const shape = list[0]!.shape.map((n, d) => (d === axis ? starts.at(-1)! : n));
  return compute(name, shape, (...p) => {
    const read = (n: number): Expr<any, any> => {
      const s = starts[n]!;
      const own = p[axis]!.sub(s as never);
      return list[n]!.at(...p.map((i, d) => (d === axis && s !== 0 ? own : i)));
    };
    return list
      .slice(0, -1)
      .reduceRight<Expr<any, any>>(
        (rest, _, n) => where(p[axis]!.lt(starts[n + 1] as never), read(n), rest),
        read(list.length - 1),
      );
  }) as never;
}
/**
 * Tensors of one shape along a new axis, the first of the result unless told otherwise.
 *
 *     const S = stack("S", [placeholder("A", [8, 64]), placeholder("B", [8, 64])]);    // [2, 8, 64]
 *     const T = stack("T", [A, B], { axis: -1 });                                      // [8, 64, 2]
 *
 * Throws TeError for an empty list, other shapes or dtypes, an axis that the result lacks. (NumPy: stack.)
 */
export function stack<const N extends string, const T extends readonly [AnyTensor, ...AnyTensor[]]>(
  name: N,
  tensors: T,
  options: { readonly axis?: number } = {},
): Joined<N, T> {
  const call = new Call("stack", name);
  call.options(options, ["axis"]);
  const list = operands(call, tensors);
  agree(call, list);
  const axis = call.axis(options.axis ?? 0, list[0]!.shape.length + 1);
  return compute(name, list[0]!.shape.toSpliced(axis, 0, list.length), (...p) => {
    const at = p.toSpliced(axis, 1);
    return list
      .slice(0, -1)
      .reduceRight<Expr<any, any>>((rest, t, n) => where(p[axis]!.eq(n), t.at(...at), rest), list.at(-1)!.at(...at));
  }) as never;
}
