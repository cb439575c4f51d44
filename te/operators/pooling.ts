// biome-ignore-all lint/suspicious/noExplicitAny: `any` as a type argument means "whatever facts", and must not be checked
/** Pooling: the largest or the average value of windows, or of whole planes. */
import { isFloat, minInt } from "../../src/ir/index.ts";
import { compute } from "../compute.ts";
import type { Expr } from "../expr.ts";
import { lit } from "../functions.ts";
import { sum } from "../reduce.ts";
import type { Tensor } from "../tensor.ts";
import type { DTypeOf, FloatType, NumericType, Red } from "../types.ts";
import type { Floats } from "./activation.ts";
import { Call, type Carried, type IndexRecord, record, type ShapeIn, type TensorOf, type Values } from "./common.ts";
import { largest } from "./largest.ts";
import { type Reduction, reduceMax, reduceMean } from "./reduction.ts";
import {
  besideInput,
  type Layouts,
  type PerAxis,
  padded,
  perAxis,
  placement,
  type Rank,
  type Sliding,
  type SpatialNames,
  sliding,
  tapAt,
  type WindowOptions,
} from "./window.ts";

export interface PoolOptions<R extends Rank> extends Omit<WindowOptions, "dilation"> {
  /** Elements of a window along each spatial axis. */
  readonly size: PerAxis;
  /** Order of the axes of input and result; channels last unless told otherwise. */
  readonly layout?: Layouts[R];
}
export interface MaxPoolOptions<R extends Rank> extends PoolOptions<R>, WindowOptions {}
export interface AveragePoolOptions<R extends Rank> extends PoolOptions<R> {
  /** Elements of the padding count as zeros; false unless told otherwise: they don't count at all. */
  readonly countPadding?: boolean;
}
/** Loops: n, the spatial axes, c; the reduction goes over kd, kh, kw, as far as there are. */
export type Pooled<R extends Rank, N extends string, X> = Tensor<
  DTypeOf<X>,
  "n" | "c" | SpatialNames[R],
  Carried<X> | Red<`k${SpatialNames[R]}`>,
  ShapeIn<X>,
  N
>;

function pool(
  kind: "max" | "average",
  rank: Rank,
  name: string,
  x: unknown,
  options: MaxPoolOptions<any> & AveragePoolOptions<any>,
): never {
  const call = new Call(`${kind}Pool${rank}d`, name);
  const input = kind === "max" ? call.numeric(x, "X") : call.float(x, "X");
  call.options(options, ["size", "stride", "padding", "layout", kind === "max" ? "dilation" : "countPadding"]);
  const place = placement(call, rank, options?.layout);
  call.rank(input, "X", rank + 2, place.layout);
  if (options?.size === undefined)
    throw call.error("te.option", "size is missing: give the window's, as in { size: 2 }");
  const taps = perAxis(call, options.size, "size", rank, 1, 1);
  const countPadding = call.flag(options.countPadding, "countPadding");
  const windows = sliding(call, place.inner(input.shape), taps, { ...options, stride: options.stride ?? options.size });
  windows.forEach((v, d) => {
    const beside = besideInput(v);
    if (beside)
      throw call.error("te.option", `axis ${d}: ${beside}: a window would lie in the padding alone; pad less`);
  });
  const least = isFloat(input.dtype) ? -Infinity : minInt(input.dtype as never);
  const outside = kind === "average" ? 0 : input.dtype === "i64" || input.dtype === "u64" ? least : Number(least);
  const p = padded(name, input, place, windows, outside);
  const ks = place.spatial.map((s) => `k${s}`);
  const shape = place.order(
    input.shape[0]!,
    windows.map((v) => v.out),
    input.shape[place.channelAxis]!,
  );
  return compute(name, record(place.order("n", place.spatial, "c"), shape), (axes: IndexRecord) => {
    const element = (r: IndexRecord): Expr<any, any> => {
      const at = windows.map((v, d) => tapAt(v, axes[place.spatial[d]!]!, r[ks[d]!]!));
      return p.at(...place.order(axes.n!, at, axes.c!));
    };
    if (kind === "max") return largest(record(ks, taps), element, input.dtype);
    const total: Expr<"f32", any> = sum(record(ks, taps), element);
    const count = countPadding
      ? taps.reduce((a, b) => a * b)
      : countOf(
          input,
          windows,
          place.spatial.map((s) => axes[s]!),
        );
    // counts are few, and mostly known: their reciprocals are constants, while each division would take as long as a small window
    return total.mul(typeof count === "number" ? 1 / count : lit(1, input.dtype as "f32").div(count));
  }) as never;
}
/** How many elements of windows at a position are the input's own. */
function countOf(x: Values, windows: readonly Sliding[], at: readonly Expr<"i32", any>[]): number | Expr<any, any> {
  const fixed = windows.reduce((n, w) => (w.padded ? n : n * w.taps), 1);
  const counts = windows.flatMap((w, d): Expr<"i32", any>[] => {
    if (!w.padded) return [];
    const first = (w.stride === 1 ? at[d]! : at[d]!.mul(w.stride)).sub(w.before as never);
    return [
      first
        .add(w.taps)
        .min(w.input as never)
        .sub(first.max(0)),
    ];
  });
  if (counts.length === 0) return fixed;
  const product = counts.reduce((a, b) => a.mul(b));
  return (fixed === 1 ? product : product.mul(fixed)).cast(x.dtype);
}

/**
 * The largest value of each window over one spatial axis; see `maxPool2d`. X `[n, w, C]` ("NWC") or `[n, C, w]` ("NCW").
 *
 *     const P = maxPool1d("P", placeholder("X", [1, 400, 64]), { size: 2 });
 *     const Q = maxPool1d("Q", X, { size: 3, stride: 2, padding: 1 });
 */
export function maxPool1d<const N extends string, const X extends TensorOf<NumericType>>(
  name: N,
  x: X,
  options: MaxPoolOptions<1>,
): Pooled<1, N, X> {
  return pool("max", 1, name, x, options as never);
}
/**
 * The largest value of each window over two spatial axes; a NaN is passed over, as by C's fmax. X `[n, h, w, C]` (layout "NHWC") or
 * `[n, C, h, w]` ("NCHW"); the result has as many windows as a `conv2d` with the same options. Stride is the size unless told otherwise. Padding is
 * never the largest. The dtype stays.
 *
 *     const P = maxPool2d("P", placeholder("X", [1, 112, 112, 64]), { size: 3, stride: 2, padding: 1 });
 *     const Q = maxPool2d("Q", X, { size: 2, layout: "NCHW" });
 *
 * Throws TeError for other ranks, bool, options that make no sense, windows larger than the padded input or within the padding alone.
 * (ONNX: MaxPool.)
 */
export function maxPool2d<const N extends string, const X extends TensorOf<NumericType>>(
  name: N,
  x: X,
  options: MaxPoolOptions<2>,
): Pooled<2, N, X> {
  return pool("max", 2, name, x, options as never);
}
/**
 * The largest value of each window over three spatial axes; see `maxPool2d`. X `[n, d, h, w, C]` ("NDHWC") or `[n, C, d, h, w]`.
 *
 *     const P = maxPool3d("P", placeholder("X", [1, 16, 56, 56, 64]), { size: [1, 2, 2] });
 *     const Q = maxPool3d("Q", X, { size: 3, stride: 2, padding: "same" });
 */
export function maxPool3d<const N extends string, const X extends TensorOf<NumericType>>(
  name: N,
  x: X,
  options: MaxPoolOptions<3>,
): Pooled<3, N, X> {
  return pool("max", 3, name, x, options as never);
}
/**
 * The average of each window over one spatial axis; see `averagePool2d`. X `[n, w, C]` ("NWC") or `[n, C, w]` ("NCW").
 *
 *     const P = averagePool1d("P", placeholder("X", [1, 400, 64]), { size: 2 });
 *     const Q = averagePool1d("Q", X, { size: 3, stride: 1, padding: "same" });
 */
export function averagePool1d<const N extends string, const X extends TensorOf<FloatType>>(
  name: N,
  x: X,
  options: AveragePoolOptions<1>,
): Pooled<1, N, X> {
  return pool("average", 1, name, x, options as never);
}
/**
 * The average of each window over two spatial axes, of floats. Layouts, windows and errors as `maxPool2d`. Elements of the padding
 * don't count, unless `countPadding` makes them zeros.
 *
 *     const P = averagePool2d("P", placeholder("X", [1, 56, 56, 64]), { size: 3, stride: 2, padding: 1 });
 *     const Q = averagePool2d("Q", X, { size: 3, stride: 1, padding: "same", countPadding: true });
 *
 * (ONNX: AveragePool, with count_include_pad.)
 */
export function averagePool2d<const N extends string, const X extends TensorOf<FloatType>>(
  name: N,
  x: X,
  options: AveragePoolOptions<2>,
): Pooled<2, N, X> {
  return pool("average", 2, name, x, options as never);
}
/**
 * The average of each window over three spatial axes; see `averagePool2d`. X `[n, d, h, w, C]` ("NDHWC") or `[n, C, d, h, w]`.
 *
 *     const P = averagePool3d("P", placeholder("X", [1, 16, 56, 56, 64]), { size: [1, 2, 2] });
 *     const Q = averagePool3d("Q", X, { size: 3, stride: 2, padding: "same" });
 */
export function averagePool3d<const N extends string, const X extends TensorOf<FloatType>>(
  name: N,
  x: X,
  options: AveragePoolOptions<3>,
): Pooled<3, N, X> {
  return pool("average", 3, name, x, options as never);
}

export interface GlobalPoolOptions<K extends boolean = boolean> {
  readonly layout?: Layouts[Rank];
  /** Leave the spatial axes, with extent 1. */
  readonly keepDims?: K;
}
function planes(call: Call, x: unknown, options: GlobalPoolOptions) {
  const t = call.numeric(x, "X");
  call.options(options, ["layout", "keepDims"]);
  call.rank(t, "X", 3, "a batch, one to three spatial axes, channels", 5);
  const place = placement(call, (t.shape.length - 2) as Rank, options.layout);
  const axes = t.shape.map((_, d) => d).filter((d) => d !== 0 && d !== place.channelAxis);
  return { axes, ...(options.keepDims === undefined ? {} : { keepDims: options.keepDims }) };
}
/**
 * The largest value of each channel: X `[n, h, w, C]` (or "NCHW" and its kin, of one to three spatial axes) to `[n, C]`.
 *
 *     const P = globalMaxPool("P", placeholder("X", [1, 7, 7, 512]));
 *     const Q = globalMaxPool("Q", X, { layout: "NCHW", keepDims: true });
 *
 * The dtype stays. Throws TeError for other ranks and bool. (ONNX: GlobalMaxPool, which keeps the axes.)
 */
export function globalMaxPool<
  const N extends string,
  const X extends TensorOf<NumericType>,
  const K extends boolean = false,
>(name: N, x: X, options: GlobalPoolOptions<K> = {}): Reduction<N, X, K> {
  return reduceMax(name, x, planes(new Call("globalMaxPool", name), x, options)) as never;
}
/**
 * The average of each channel, of floats: X `[n, h, w, C]` (or "NCHW" and its kin, of one to three spatial axes) to `[n, C]`.
 *
 *     const P = globalAveragePool("P", placeholder("X", [1, 7, 7, 512]));
 *     const Q = globalAveragePool("Q", X, { layout: "NCHW", keepDims: true });
 *
 * Throws TeError for other ranks and dtypes. (ONNX: GlobalAveragePool, which keeps the axes.)
 */
export function globalAveragePool<const N extends string, const X extends Floats, const K extends boolean = false>(
  name: N,
  x: X,
  options: GlobalPoolOptions<K> = {},
): Reduction<N, X, K> {
  return reduceMean(name, x, planes(new Call("globalAveragePool", name), x, options)) as never;
}
