// biome-ignore-all lint/suspicious/noExplicitAny: `any` as a type argument means "whatever facts", and must not be checked
/** Activations: one value from one value. Each keeps shape and dtype; axes of the result are i0, i1, ... */
import type { Expr } from "../expr.ts";
import { select, sub } from "../functions.ts";
import type { Tensor } from "../tensor.ts";
import type { AxisNames, DTypeOf, FloatType, SignedIntType } from "../types.ts";
import { Call, type Carried, type ShapeIn, type TensorOf } from "./common.ts";
import { pointwise } from "./elementwise.ts";

/** A tensor with the shape and dtype of X. */
export type Like<N extends string, X> = Tensor<DTypeOf<X>, AxisNames<ShapeIn<X>>, Carried<X>, ShapeIn<X>, N>;
export type Floats = TensorOf<FloatType>;

type Fl = Expr<"f32", any>;
/** Bodies are written for f32 and hold for every float dtype: literals take the dtype of the expression beside them. */
const float = (operator: string, name: string, x: unknown, f: (x: Fl) => Fl): never => {
  const call = new Call(operator, name);
  return pointwise(call, name, [call.float(x, "X")], (e) => f(e as Fl));
};

/**
 * max(x, 0). X of any shape, of floats or signed integers.
 *
 *     const R = relu("R", placeholder("X", [8, 64]));
 *     const k = await compile(relu("R", matmul("C", A, B)));
 *
 * Throws TeError for unsigned integers and bool, of which it would change nothing. (ONNX: Relu.)
 */
export function relu<const N extends string, const X extends TensorOf<FloatType | SignedIntType>>(
  name: N,
  x: X,
): Like<N, X> {
  const call = new Call("relu", name);
  const t = call.numeric(x, "X");
  if (t.dtype.startsWith("u"))
    throw call.error("te.dtype", `X "${t.name}" is ${t.dtype}, which has no negative values: leave relu out`);
  return pointwise(call, name, [t], (e) => e.max(0));
}
/**
 * min(max(x, 0), 6). X of any shape, of floats. Throws TeError for other dtypes. (Keras: relu6; ONNX: Clip with 0 and 6.)
 *
 *     const R = relu6("R", placeholder("X", [8, 64]));
 *     const Y = relu6("Y", dense("D", X, W, { bias }));
 */
export function relu6<const N extends string, const X extends Floats>(name: N, x: X): Like<N, X> {
  return float("relu6", name, x, (v) => v.clamp(0, 6));
}
/**
 * x where it is at least 0, alpha * x elsewhere; alpha is 0.01 unless told otherwise. X of any shape, of floats.
 *
 *     const R = leakyRelu("R", placeholder("X", [8, 64]));
 *     const S = leakyRelu("S", X, { alpha: 0.2 });
 *
 * Throws TeError for other dtypes and an alpha that is no number. (ONNX: LeakyRelu.)
 */
export function leakyRelu<const N extends string, const X extends Floats>(
  name: N,
  x: X,
  options: { readonly alpha?: number } = {},
): Like<N, X> {
  const call = new Call("leakyRelu", name);
  call.options(options, ["alpha"]);
  const alpha = call.number(options.alpha, "alpha", 0.01);
  return float("leakyRelu", name, x, (v) => select(v.ge(0), v, v.mul(alpha)));
}
/**
 * x where it is above 0, alpha * (exp(x) - 1) elsewhere; alpha is 1 unless told otherwise. X of any shape, of floats.
 *
 *     const E = elu("E", placeholder("X", [8, 64]));
 *     const S = elu("S", X, { alpha: 0.5 });
 *
 * The error near 0 is that of the subtraction: about one unit in the last place of 1. Throws TeError for other dtypes and an alpha
 * that is no number. (Clevert et al. 2015; ONNX: Elu.)
 */
export function elu<const N extends string, const X extends Floats>(
  name: N,
  x: X,
  options: { readonly alpha?: number } = {},
): Like<N, X> {
  const call = new Call("elu", name);
  call.options(options, ["alpha"]);
  const alpha = call.number(options.alpha, "alpha", 1);
  return float("elu", name, x, (v) => select(v.gt(0), v, v.min(0).exp().sub(1).mul(alpha)));
}
/**
 * The Gaussian error linear unit, x * P(Z <= x) for a standard normal Z: exactly, by erf, or (`approximate: "tanh"`) as
 * x / 2 * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 x^3))). X of any shape, of floats.
 *
 *     const G = gelu("G", placeholder("X", [8, 64]));
 *     const T = gelu("T", X, { approximate: "tanh" });
 *
 * Throws TeError for other dtypes and other approximations. (Hendrycks and Gimpel 2016; ONNX: Gelu.)
 */
export function gelu<const N extends string, const X extends Floats>(
  name: N,
  x: X,
  options: { readonly approximate?: "none" | "tanh" } = {},
): Like<N, X> {
  const call = new Call("gelu", name);
  call.options(options, ["approximate"]);
  const approximate = call.oneOf(options.approximate, "approximate", ["none", "tanh"], "none");
  return float("gelu", name, x, (v) => {
    if (approximate === "none") return v.mul(0.5).mul(v.mul(Math.SQRT1_2).erf().add(1));
    const inner = v.add(v.mul(v).mul(v).mul(0.044715)).mul(Math.sqrt(2 / Math.PI));
    return v.mul(0.5).mul(inner.tanh().add(1));
  });
}
/**
 * 1 / (1 + exp(-x)). X of any shape, of floats. Throws TeError for other dtypes. (ONNX: Sigmoid.)
 *
 *     const S = sigmoid("S", placeholder("X", [8, 64]));
 *     const gate = sigmoid("gate", dense("D", X, W));
 */
export function sigmoid<const N extends string, const X extends Floats>(name: N, x: X): Like<N, X> {
  return float("sigmoid", name, x, (v) => v.sigmoid());
}
/**
 * x * sigmoid(x), also called swish. X of any shape, of floats. Throws TeError for other dtypes. (Elfwing et al. 2017; PyTorch: SiLU.)
 *
 *     const S = silu("S", placeholder("X", [8, 64]));
 *     const Y = silu("Y", dense("D", X, W));
 */
export function silu<const N extends string, const X extends Floats>(name: N, x: X): Like<N, X> {
  return float("silu", name, x, (v) => v.mul(v.sigmoid()));
}
/**
 * The hyperbolic tangent. X of any shape, of floats. Throws TeError for other dtypes. (ONNX: Tanh.)
 *
 *     const T = tanh("T", placeholder("X", [8, 64]));
 *     const Y = tanh("Y", dense("D", X, W));
 */
export function tanh<const N extends string, const X extends Floats>(name: N, x: X): Like<N, X> {
  return float("tanh", name, x, (v) => v.tanh());
}
/**
 * clamp(alpha * x + beta, 0, 1); alpha is 0.2 and beta 0.5 unless told otherwise. X of any shape, of floats.
 *
 *     const H = hardSigmoid("H", placeholder("X", [8, 64]));
 *     const P = hardSigmoid("P", X, { alpha: 1 / 6 }); // PyTorch's
 *
 * Throws TeError for other dtypes and options that are no numbers. (ONNX: HardSigmoid.)
 */
export function hardSigmoid<const N extends string, const X extends Floats>(
  name: N,
  x: X,
  options: { readonly alpha?: number; readonly beta?: number } = {},
): Like<N, X> {
  const call = new Call("hardSigmoid", name);
  call.options(options, ["alpha", "beta"]);
  const [alpha, beta] = [call.number(options.alpha, "alpha", 0.2), call.number(options.beta, "beta", 0.5)];
  return float("hardSigmoid", name, x, (v) => v.mul(alpha).add(beta).clamp(0, 1));
}
/**
 * x * clamp(x + 3, 0, 6) / 6. X of any shape, of floats. Throws TeError for other dtypes. (Howard et al. 2019; ONNX: HardSwish.)
 *
 *     const H = hardSwish("H", placeholder("X", [8, 64]));
 *     const Y = hardSwish("Y", dense("D", X, W));
 */
export function hardSwish<const N extends string, const X extends Floats>(name: N, x: X): Like<N, X> {
  return float("hardSwish", name, x, (v) => v.mul(v.add(3).clamp(0, 6)).mul(1 / 6));
}

/** log(1 + exp(x)), from an exponential that can't overflow. */
const softplusOf = (v: Fl): Fl => v.max(0).add(sub(0, v.abs()).exp().add(1).log());

/**
 * log(1 + exp(x)), without overflow. X of any shape, of floats. Throws TeError for other dtypes. (ONNX: Softplus.)
 *
 *     const S = softplus("S", placeholder("X", [8, 64]));
 *     const scale = softplus("scale", dense("D", X, W));
 */
export function softplus<const N extends string, const X extends Floats>(name: N, x: X): Like<N, X> {
  return float("softplus", name, x, softplusOf);
}
/**
 * x * tanh(softplus(x)). X of any shape, of floats. Throws TeError for other dtypes. (Misra 2019; ONNX: Mish.)
 *
 *     const M = mish("M", placeholder("X", [8, 64]));
 *     const Y = mish("Y", dense("D", X, W));
 */
export function mish<const N extends string, const X extends Floats>(name: N, x: X): Like<N, X> {
  return float("mish", name, x, (v) => v.mul(softplusOf(v).tanh()));
}
