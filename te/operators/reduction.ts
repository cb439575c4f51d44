// biome-ignore-all lint/suspicious/noExplicitAny: `any` as a type argument means "whatever facts", and must not be checked
/** Reductions over axes of a tensor. Named reduce... since sum, max, ... are those inside expressions. */
import { compute } from "../compute.ts";
import type { Expr } from "../expr.ts";
import { max, min, prod, sum } from "../reduce.ts";
import type { Tensor } from "../tensor.ts";
import type { AxisNames, DTypeOf, Extent, FloatType, NumericType, Red, Shape } from "../types.ts";
import { Call, type Carried, type IndexRecord, record, type ShapeIn, type TensorOf, type Values } from "./common.ts";
import { countOf } from "./count.ts";

export interface AxesOptions<K extends boolean = boolean> {
  /** Axes to reduce over, negative ones counted from the end; all of them unless told otherwise. */
  readonly axes?: number | readonly number[];
  /** Leave them as axes of extent 1. */
  readonly keepDims?: K;
}
export type ReducedShape<X, K> = K extends true ? ShapeIn<X> : Shape;
/** What a reduction of X over some axes is. Loops of the reduction are r0, r1, ..., by the axes of X. */
export type Reduction<N extends string, X, K> = Tensor<
  DTypeOf<X>,
  AxisNames<ReducedShape<X, K>>,
  Carried<X> | Red<`r${number}`>,
  ReducedShape<X, K>,
  N
>;

type Body = (x: Expr<any, any>) => Expr<any, any>;
/** The reduction of X over some of its axes, one element of the result at a time. */
export interface Reducing {
  readonly axes: readonly number[];
  /** Extents to go over, named r0, r1, ... */
  readonly over: Readonly<Record<string, Extent>>;
  /** Of the result. */
  readonly shape: Shape;
  /** The index of X from that of the result and the reduced axes. */
  readonly index: (point: readonly Expr<"i32", any>[], over: IndexRecord) => readonly Expr<"i32", any>[];
}
export function reducing(x: Values, axes: readonly number[], keep: boolean): Reducing {
  const kept = x.shape.map((_, d) => d).filter((d) => keep || !axes.includes(d));
  return {
    axes,
    over: record(
      axes.map((d) => `r${d}`),
      axes.map((d) => x.shape[d]!),
    ),
    shape: kept.map((d) => (axes.includes(d) ? 1 : x.shape[d]!)),
    index: (point, over) => x.shape.map((_, d) => (axes.includes(d) ? over[`r${d}`]! : point[kept.indexOf(d)]!)),
  };
}

type Reduce = (over: Readonly<Record<string, Extent>>, body: (over: IndexRecord) => Expr<any, any>) => Expr<any, any>;

function reduced(
  operator: string,
  name: string,
  x: unknown,
  options: AxesOptions,
  how: Reduce,
  floats = false,
  after: (e: Expr<any, any>, count: Expr<any, any> | number) => Expr<any, any> = (e) => e,
): never {
  const call = new Call(operator, name);
  const t = floats ? call.float(x, "X") : call.numeric(x, "X");
  call.options(options, ["axes", "keepDims"]);
  const axes = call.axes(options.axes, t.shape.length);
  const r = reducing(t, axes, call.flag(options.keepDims, "keepDims"));
  const count = countOf(
    axes.map((d) => t.shape[d]!),
    t.dtype,
  );
  return compute(name, r.shape, (...point) =>
    axes.length === 0
      ? after(t.at(...point), 1)
      : after(
          how(r.over, (over) => t.at(...r.index(point, over))),
          count,
        ),
  ) as never;
}
const simple = (f: unknown): Reduce => f as Reduce;

/**
 * The sum over axes of X, which has any shape; 0 over nothing. The dtype stays (integers wrap; floats add in no fixed order).
 *
 *     const S = reduceSum("S", X, { axes: -1 });                    // [8, 64]: [8]
 *     const T = reduceSum("T", X, { axes: [0, 1], keepDims: true }); // [8, 64]: [1, 1]
 *
 * Throws TeError for axes that X lacks or that are named twice, and for bool. (NumPy: sum; ONNX: ReduceSum.)
 */
export function reduceSum<
  const N extends string,
  const X extends TensorOf<NumericType>,
  const K extends boolean = false,
>(name: N, x: X, options: AxesOptions<K> = {}): Reduction<N, X, K> {
  return reduced("reduceSum", name, x, options, simple(sum));
}
/**
 * The product over axes of X, 1 over nothing; shapes, dtypes and errors as `reduceSum`. (NumPy: prod; ONNX: ReduceProd.)
 *
 *     const P = reduceProd("P", X, { axes: 0 });
 *     const all = reduceProd("all", X);
 */
export function reduceProd<
  const N extends string,
  const X extends TensorOf<NumericType>,
  const K extends boolean = false,
>(name: N, x: X, options: AxesOptions<K> = {}): Reduction<N, X, K> {
  return reduced("reduceProd", name, x, options, simple(prod));
}
/**
 * The largest value over axes of X (NaN if there is one), the dtype's least over nothing; shapes, dtypes and errors as `reduceSum`.
 * (NumPy: max; ONNX: ReduceMax.)
 *
 *     const M = reduceMax("M", X, { axes: -1 });
 *     const top = reduceMax("top", X);
 */
export function reduceMax<
  const N extends string,
  const X extends TensorOf<NumericType>,
  const K extends boolean = false,
>(name: N, x: X, options: AxesOptions<K> = {}): Reduction<N, X, K> {
  return reduced("reduceMax", name, x, options, simple(max));
}
/**
 * The smallest value over axes of X (NaN if there is one), the dtype's greatest over nothing; shapes, dtypes and errors as
 * `reduceSum`. (NumPy: min; ONNX: ReduceMin.)
 *
 *     const M = reduceMin("M", X, { axes: -1 });
 *     const low = reduceMin("low", X);
 */
export function reduceMin<
  const N extends string,
  const X extends TensorOf<NumericType>,
  const K extends boolean = false,
>(name: N, x: X, options: AxesOptions<K> = {}): Reduction<N, X, K> {
  return reduced("reduceMin", name, x, options, simple(min));
}
/**
 * The arithmetic mean over axes of X, of floats; NaN over nothing. Shapes and errors as `reduceSum`. (NumPy: mean; ONNX: ReduceMean.)
 *
 *     const M = reduceMean("M", X, { axes: -1 });
 *     const mean = reduceMean("mean", X);
 */
export function reduceMean<
  const N extends string,
  const X extends TensorOf<FloatType>,
  const K extends boolean = false,
>(name: N, x: X, options: AxesOptions<K> = {}): Reduction<N, X, K> {
  return reduced("reduceMean", name, x, options, simple(sum), true, (e, n) => e.div(n));
}

export interface VarianceOptions<K extends boolean = boolean> extends AxesOptions<K> {
  /** The divisor is the number of elements less this; 0 unless told otherwise. */
  readonly correction?: number;
}
/** The mean of X over some axes, which stay as axes of extent 1. */
export function meanOf(name: string, x: Values, axes: readonly number[]): Values {
  const r = reducing(x, axes, true);
  const count = countOf(
    axes.map((d) => x.shape[d]!),
    x.dtype,
  );
  const total = simple(sum);
  return compute(name, r.shape, (...point) =>
    total(r.over, (over) => x.at(...r.index(point, over))).div(count),
  ) as never;
}
/** The sum over some axes of a function of X less its mean. The axes stay as axes of extent 1 where `keep`. */
export function sumCentered(
  x: Values,
  mean: Values,
  axes: readonly number[],
  keep: boolean,
  name: string,
  after: Body,
): Values {
  const r = reducing(x, axes, keep);
  const total = simple(sum);
  return compute(name, r.shape, (...point) => {
    const e = total(r.over, (over) => {
      const index = r.index(point, over);
      const c = x.at(...index).sub(mean.at(...index.map((i, d) => (axes.includes(d) ? 0 : i))));
      return c.mul(c);
    });
    return after(e);
  }) as never;
}
/**
 * The variance over axes of X, of floats: the mean of squared distances from the mean, which is a stage of its own
 * (`name`.mean). With a correction of 1, the sample's. NaN over nothing. Shapes as `reduceSum`.
 *
 *     const V = reduceVariance("V", X, { axes: -1 });
 *     const S = reduceVariance("S", X, { axes: -1, correction: 1 });
 *
 * Throws TeError as `reduceSum`, for integers, and for a correction that is no number. (NumPy: var, with ddof.)
 */
export function reduceVariance<
  const N extends string,
  const X extends TensorOf<FloatType>,
  const K extends boolean = false,
>(name: N, x: X, options: VarianceOptions<K> = {}): Reduction<N, X, K> {
  const call = new Call("reduceVariance", name);
  const t = call.float(x, "X");
  call.options(options, ["axes", "keepDims", "correction"]);
  const axes = call.axes(options.axes, t.shape.length);
  const correction = call.number(options.correction, "correction", 0);
  const keep = call.flag(options.keepDims, "keepDims");
  if (axes.length === 0)
    throw call.error("te.option", "there are no axes to go over: name at least one, as in { axes: -1 }");
  const count = countOf(
    axes.map((d) => t.shape[d]!),
    t.dtype,
  );
  const divisor = typeof count === "number" ? count - correction : correction === 0 ? count : count.sub(correction);
  return sumCentered(t, meanOf(`${name}.mean`, t, axes), axes, keep, name, (e) => e.div(divisor)) as never;
}
