// biome-ignore-all lint/suspicious/noExplicitAny: `any` as a type argument means "whatever facts", and must not be checked
/**
 * Softmax and normalizations of floats. Statistics are stages of their own, named after the result (`Y.mean`, `Y.rstd`, ...); whatever
 * the axes, they are computed in two passes (the mean, then squares of distances from it), which loses no digits.
 */
import { compute } from "../compute.ts";
import type { Expr } from "../expr.ts";
import { lit } from "../functions.ts";
import { sum } from "../reduce.ts";
import type { Tensor } from "../tensor.ts";
import type { AnyTensor, AxisNames, DTypeOf } from "../types.ts";
import type { Floats, Like } from "./activation.ts";
import { readBroadcast } from "./broadcast.ts";
import {
  Call,
  type Carried,
  extentText,
  type IndexRecord,
  known,
  type ShapeIn,
  shapeText,
  type Values,
} from "./common.ts";
import { countOf } from "./count.ts";
import { largest } from "./largest.ts";
import { meanOf, reducing, sumCentered } from "./reduction.ts";

export interface AxisOption {
  /** Negative ones count from the end; -1 unless told otherwise. */
  readonly axis?: number;
}
type Point = readonly Expr<"i32", any>[];
/** An optional tensor among the options. */
export type Optional = AnyTensor | undefined;

/** The maximum over an axis, and the exponentials of distances from it: nothing overflows. */
function exponentials(name: string, x: Values, axis: number) {
  const r = reducing(x, [axis], false);
  const rest = (point: Point): Point => point.filter((_, d) => d !== axis);
  // a NaN that is passed over here is found again: its exponential is a NaN, and so is the sum
  const top: Values = compute(`${name}.max`, r.shape, (...p) =>
    largest(r.over, (o: IndexRecord) => x.at(...r.index(p, o)), x.dtype),
  ) as never;
  // at most 0 as it is: an exp that knows it takes a quarter less
  const exp = (point: Point): Expr<"f32", any> => below(point).min(0).exp();
  const below = (point: Point): Expr<"f32", any> => x.at(...point).sub(top.at(...rest(point)));
  const total = (at: (point: Point) => Expr<any, any>): Values =>
    compute(`${name}.sum`, r.shape, (...p) => sum(r.over, (o: IndexRecord) => at(r.index(p, o)))) as never;
  return { below, exp, rest, total };
}

/**
 * exp(x) over the sum of exp(x) along an axis, the last one unless told otherwise. X of any shape, of floats; the result has its
 * shape and dtype.
 *
 *     const S = softmax("S", placeholder("X", [197, 1000]));
 *     const P = softmax("P", scores, { axis: 1 });
 *
 * The axis' maximum is subtracted first, so nothing overflows. Throws TeError for other dtypes and an axis that X lacks.
 * (ONNX: Softmax.)
 */
export function softmax<const N extends string, const X extends Floats>(
  name: N,
  x: X,
  options: AxisOption = {},
): Like<N, X> {
  const call = new Call("softmax", name);
  const t = call.float(x, "X");
  call.options(options, ["axis"]);
  const { exp, rest, total } = exponentials(name, t, call.axis(options.axis ?? -1, t.shape.length));
  const e: Values = compute(`${name}.exp`, t.shape, (...p) => exp(p)) as never;
  const s = total((p) => e.at(...p));
  // one division for each sum, not one for each element
  const scale: Values = compute(`${name}.scale`, s.shape, (...p) => lit(1, t.dtype).div(s.at(...p))) as never;
  return compute(name, t.shape, (...p) => e.at(...p).mul(scale.at(...rest(p)))) as never;
}
/**
 * The logarithm of `softmax`, without the loss of taking it afterwards. X of any shape, of floats.
 *
 *     const L = logSoftmax("L", placeholder("X", [197, 1000]));
 *     const P = logSoftmax("P", scores, { axis: 1 });
 *
 * Throws TeError as `softmax`. (ONNX: LogSoftmax.)
 */
export function logSoftmax<const N extends string, const X extends Floats>(
  name: N,
  x: X,
  options: AxisOption = {},
): Like<N, X> {
  const call = new Call("logSoftmax", name);
  const t = call.float(x, "X");
  call.options(options, ["axis"]);
  const { below, exp, rest, total } = exponentials(name, t, call.axis(options.axis ?? -1, t.shape.length));
  const s = total(exp);
  const log: Values = compute(`${name}.log`, s.shape, (...p) => s.at(...p).log()) as never;
  return compute(name, t.shape, (...p) => below(p).sub(log.at(...rest(p)))) as never;
}

export type Normalized<N extends string, X, P> = Tensor<
  DTypeOf<X>,
  AxisNames<ShapeIn<X>>,
  Carried<X> | Carried<P>,
  ShapeIn<X>,
  N
>;
export interface ScaleAndBias<S, B> {
  readonly scale?: S;
  readonly bias?: B;
  /** Added to the variance; 1e-5 unless told otherwise. */
  readonly epsilon?: number;
}

/** A parameter of the same dtype and of the shape of some axes of X. */
function parameter(call: Call, x: Values, p: unknown, role: string, axes: readonly number[]): Values | undefined {
  if (p === undefined) return undefined;
  const t = call.float(p, role);
  call.sameDType(x, t);
  const wanted = axes.map((d) => x.shape[d]!);
  call.rank(t, role, wanted.length, `${shapeText(wanted)} as in "${x.name}"`);
  wanted.forEach((n, d) => {
    call.same(
      t.shape[d]!,
      n,
      `axis ${d} of ${role} "${t.name}"`,
      `axis ${axes[d]} of "${x.name}" ${shapeText(x.shape)}`,
    );
  });
  return t;
}
const affine = (
  e: Expr<any, any>,
  scale: Expr<any, any> | undefined,
  bias: Expr<any, any> | undefined,
): Expr<any, any> => {
  const scaled = scale === undefined ? e : e.mul(scale);
  return bias === undefined ? scaled : scaled.add(bias);
};
const epsilonOf = (call: Call, x: unknown): number => {
  const e = call.number(x, "epsilon", 1e-5);
  if (e < 0) throw call.error("te.option", `epsilon is ${e}: expected 0 or more`);
  return e;
};
const trailing = (x: Values, axis: number): readonly number[] => x.shape.map((_, d) => d).filter((d) => d >= axis);

/**
 * Layer normalization: (x - mean) / sqrt(variance + epsilon) over the axes from `axis` (the last one unless told otherwise) to the
 * end, times a scale and plus a bias of these axes' shape where they are given. X of any shape, of floats.
 *
 *     const Y = layerNorm("Y", placeholder("X", [197, 768]), { scale: placeholder("g", [768]), bias: placeholder("b", [768]) });
 *     const Z = layerNorm("Z", X, { axis: -2, epsilon: 1e-6 });
 *
 * Throws TeError for other dtypes, an axis that X lacks, parameters of other shapes, a negative epsilon. (Ba et al. 2016; ONNX:
 * LayerNormalization.)
 */
export function layerNorm<
  const N extends string,
  const X extends Floats,
  const S extends Optional = undefined,
  const B extends Optional = undefined,
>(name: N, x: X, options: AxisOption & ScaleAndBias<S, B> = {}): Normalized<N, X, S | B> {
  const call = new Call("layerNorm", name);
  const t = call.float(x, "X");
  call.options(options, ["axis", "scale", "bias", "epsilon"]);
  const axes = trailing(t, call.axis(options.axis ?? -1, t.shape.length));
  const scale = parameter(call, t, options.scale, "scale", axes);
  const bias = parameter(call, t, options.bias, "bias", axes);
  const epsilon = epsilonOf(call, options.epsilon);
  const count = countOf(
    axes.map((d) => t.shape[d]!),
    t.dtype,
  );
  const mean = meanOf(`${name}.mean`, t, axes);
  const rstd = sumCentered(t, mean, axes, true, `${name}.rstd`, (e) => e.div(count).add(epsilon).rsqrt());
  return compute(name, t.shape, (...p) => {
    const head = p.map((i, d) => (axes.includes(d) ? 0 : i));
    const e = t
      .at(...p)
      .sub(mean.at(...head))
      .mul(rstd.at(...head));
    return affine(e, scale && readBroadcast(scale, p), bias && readBroadcast(bias, p));
  }) as never;
}
/**
 * Root-mean-square normalization: x / sqrt(mean of squares + epsilon) over the axes from `axis` (the last one unless told otherwise)
 * to the end, times a scale of these axes' shape where it is given. X of any shape, of floats.
 *
 *     const Y = rmsNorm("Y", placeholder("X", [197, 768]), { scale: placeholder("g", [768]) });
 *     const Z = rmsNorm("Z", X, { epsilon: 1e-6 });
 *
 * Throws TeError as `layerNorm`. (Zhang and Sennrich 2019; ONNX: RMSNormalization.)
 */
export function rmsNorm<const N extends string, const X extends Floats, const S extends Optional = undefined>(
  name: N,
  x: X,
  options: AxisOption & Omit<ScaleAndBias<S, undefined>, "bias"> = {},
): Normalized<N, X, S> {
  const call = new Call("rmsNorm", name);
  const t = call.float(x, "X");
  call.options(options, ["axis", "scale", "epsilon"]);
  const axes = trailing(t, call.axis(options.axis ?? -1, t.shape.length));
  const scale = parameter(call, t, options.scale, "scale", axes);
  const epsilon = epsilonOf(call, options.epsilon);
  const count = countOf(
    axes.map((d) => t.shape[d]!),
    t.dtype,
  );
  const r = reducing(t, axes, true);
  const rrms: Values = compute(`${name}.rrms`, r.shape, (...p) => {
    const squares: Expr<"f32", any> = sum(r.over, (o: IndexRecord) => {
      const e = t.at(...r.index(p, o));
      return e.mul(e);
    });
    return squares.div(count).add(epsilon).rsqrt();
  }) as never;
  return compute(name, t.shape, (...p) => {
    const head = p.map((i, d) => (axes.includes(d) ? 0 : i));
    return affine(t.at(...p).mul(rrms.at(...head)), scale && readBroadcast(scale, p), undefined);
  }) as never;
}

export interface BatchNormOptions<M, V, S, B> extends AxisOption, ScaleAndBias<S, B> {
  /** `[C]`, gathered in training. */
  readonly mean: M;
  /** `[C]`, gathered in training. */
  readonly variance: V;
}
/**
 * Batch normalization in inference: (x - mean) / sqrt(variance + epsilon) * scale + bias with one value of each per channel. Channels
 * are the last axis unless told otherwise (1 for NCHW). X of any shape, of floats; parameters `[C]`.
 *
 *     const Y = batchNorm("Y", X, { mean, variance, scale, bias });
 *     const Z = batchNorm("Z", X, { mean, variance, axis: 1 });
 *
 * What depends on parameters alone is a stage of its own, `name`.gain. Throws TeError for other dtypes, an axis that X lacks, a missing
 * mean or variance, parameters of other shapes, a negative epsilon. (Ioffe and Szegedy 2015; ONNX: BatchNormalization.)
 */
export function batchNorm<
  const N extends string,
  const X extends Floats,
  const M extends AnyTensor,
  const V extends AnyTensor,
  const S extends Optional = undefined,
  const B extends Optional = undefined,
>(name: N, x: X, options: BatchNormOptions<M, V, S, B>): Normalized<N, X, M | V | S | B> {
  const call = new Call("batchNorm", name);
  const t = call.float(x, "X");
  call.options(options, ["axis", "mean", "variance", "scale", "bias", "epsilon"]);
  const axis = call.axis(options?.axis ?? -1, t.shape.length);
  const [mean, variance, scale, bias] = (["mean", "variance", "scale", "bias"] as const).map((role) => {
    const p = parameter(call, t, options?.[role], role, [axis]);
    if (p === undefined && (role === "mean" || role === "variance"))
      throw call.error(
        "te.option",
        `${role} is missing: give it as an option, a tensor of ${shapeText([t.shape[axis]!])}`,
      );
    return p;
  });
  const epsilon = epsilonOf(call, options.epsilon);
  const gain: Values = compute(`${name}.gain`, [t.shape[axis]!], (c) => {
    const e = variance!.at(c).add(epsilon).rsqrt();
    return affine(e, scale?.at(c), undefined);
  }) as never;
  return compute(name, t.shape, (...p) => {
    const c = p[axis]!;
    return affine(
      t
        .at(...p)
        .sub(mean!.at(c))
        .mul(gain.at(c)),
      undefined,
      bias?.at(c),
    );
  }) as never;
}

export interface GroupNormOptions<S, B> extends AxisOption, ScaleAndBias<S, B> {
  /** How many groups the channels are divided into. */
  readonly groups: number;
}
/**
 * Group normalization: as `layerNorm`, but over all axes except the first (the batch) and over one group of channels each. Channels
 * are the last axis unless told otherwise (1 for NCHW); scale and bias are `[C]`. X `[n, ..., C]`, of floats.
 *
 *     const Y = groupNorm("Y", placeholder("X", [1, 56, 56, 64]), { groups: 8, scale, bias });
 *     const I = groupNorm("I", X, { groups: 64 }); // one channel each: instance normalization
 *
 * Throws TeError as `layerNorm`, and where the number of channels is no multiple of `groups` (so it can't be symbolic). (Wu and He
 * 2018; ONNX: GroupNormalization.)
 */
export function groupNorm<
  const N extends string,
  const X extends Floats,
  const S extends Optional = undefined,
  const B extends Optional = undefined,
>(name: N, x: X, options: GroupNormOptions<S, B>): Normalized<N, X, S | B> {
  const call = new Call("groupNorm", name);
  const t = call.float(x, "X");
  call.options(options, ["axis", "groups", "scale", "bias", "epsilon"]);
  call.rank(t, "X", 2, "[n, ..., C]", Infinity);
  const axis = call.axis(options?.axis ?? -1, t.shape.length);
  if (axis === 0) throw call.error("te.option", "axis is 0, that of the batch: expected the axis of the channels");
  const groups = call.whole(options?.groups, "groups", 1);
  const channels = known(t.shape[axis]!);
  if (channels === undefined || channels % groups !== 0)
    throw call.error(
      "te.extent",
      `${groups} groups of the ${extentText(t.shape[axis]!)} channels of "${t.name}": expected a constant number, and a multiple of groups`,
    );
  const [scale, bias] = [
    parameter(call, t, options.scale, "scale", [axis]),
    parameter(call, t, options.bias, "bias", [axis]),
  ];
  const epsilon = epsilonOf(call, options.epsilon);
  const size = channels / groups;
  // the channels as groups and channels of a group: one axis more
  const split = [...t.shape.slice(0, axis), groups, size, ...t.shape.slice(axis + 1)];
  const grouped: Values = {
    name: t.name,
    dtype: t.dtype,
    shape: split,
    at: (...p: Point) => t.at(...p.slice(0, axis), p[axis]!.mul(size).add(p[axis + 1]!), ...p.slice(axis + 2)),
  } as never;
  const axes = split.map((_, d) => d).filter((d) => d !== 0 && d !== axis);
  const count = countOf(
    axes.map((d) => split[d]!),
    t.dtype,
  );
  const mean = meanOf(`${name}.mean`, grouped, axes);
  const rstd = sumCentered(grouped, mean, axes, true, `${name}.rstd`, (e) => e.div(count).add(epsilon).rsqrt());
  return compute(name, t.shape, (...p) => {
    const c = p[axis]!;
    const head = split.map((_, d) => (d === 0 ? p[0]! : d === axis ? c.div(Math.max(size, 1)) : 0));
    const e = t
      .at(...p)
      .sub(mean.at(...head))
      .mul(rstd.at(...head));
    return affine(e, scale?.at(c), bias?.at(c));
  }) as never;
}
