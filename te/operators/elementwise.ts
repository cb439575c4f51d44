// biome-ignore-all lint/suspicious/noExplicitAny: `any` as a type argument means "whatever facts", and must not be checked
/** Element by element, with NumPy's broadcasting. */
import { operand } from "../build.ts";
import { checkFunction } from "../check.ts";
import { compute } from "../compute.ts";
import { type Expr, isExpr } from "../expr.ts";
import { expectExpr } from "../reduce.ts";
import { isTensor, type Tensor } from "../tensor.ts";
import { describe } from "../text.ts";
import type { AnyExpr, AnyTensor, Arg, AxisNames, DType, DTypeOf, FloatType, NumericType, Shape } from "../types.ts";
import { type Broadcast, broadcastShape, readBroadcast } from "./broadcast.ts";
import { Call, type Carried, type ShapeIn, type TensorOf, type Values } from "./common.ts";

/** The elements of operands that stand at one point of the result. */
export type Elements<X extends readonly AnyTensor[]> = {
  readonly [K in keyof X]: Expr<DTypeOf<X[K]>, Carried<X[K]>>;
};
/** The shape of all operands together, as far as types know it. */
export type BroadcastAll<X extends readonly AnyTensor[]> = X extends readonly [infer A, infer B, ...infer R]
  ? R extends readonly AnyTensor[]
    ? Broadcast<ShapeIn<A>, R extends readonly [] ? ShapeIn<B> : BroadcastAll<[B & AnyTensor, ...R]>>
    : Shape
  : X extends readonly [infer A]
    ? ShapeIn<A>
    : Shape;

/**
 * One expression per point over tensors of any ranks: shapes are aligned at their last axes, and an axis of extent 1 repeats. The
 * result has their common shape (axes i0, i1, ...) and the dtype of the expression.
 *
 *     const Y = elementwise("Y", [X, scale, shift], (x, a, b) => x.mul(a).add(b)); // [8, 64], [64] and [64]: [8, 64]
 *     const E = elementwise("E", [X], (x) => x.exp());
 *
 * A symbolic extent is never taken for 1. Throws TeError for shapes that don't broadcast, for a body that returns no expression,
 * and what the expression's own methods throw. (NumPy: ufuncs and broadcasting.)
 */
export function elementwise<
  const N extends string,
  const X extends readonly [AnyTensor, ...AnyTensor[]],
  D extends DType,
  F,
>(
  name: N,
  tensors: X,
  body: (...elements: Elements<X>) => Expr<D, F>,
): Tensor<D, AxisNames<BroadcastAll<X>>, F | Carried<X[number]>, BroadcastAll<X>, N> {
  const call = new Call("elementwise", name);
  if (!Array.isArray(tensors) || tensors.length === 0)
    throw call.error("te.body", `the operands are ${describe(tensors)}: expected a list of tensors, as in [A, B]`);
  const list = tensors.map((t, n) => call.tensor(t, `operand ${n}`));
  checkFunction(body, `the body of ${call.title}`, "(a, b) => a.add(b)");
  return pointwise(call, name, list, (...e) => expectExpr((body as (...e: unknown[]) => unknown)(...e), name) as never);
}

type Body = (...elements: readonly Expr<any, any>[]) => Expr<any, any>;
/** A tensor of the common shape. */
export function pointwise(call: Call, name: string, operands: readonly Values[], body: Body): never {
  const shape = broadcastShape(call, operands);
  return compute(name, shape, (...point) => body(...operands.map((t) => readBroadcast(t, point)))) as never;
}

/** What may stand beside a tensor of dtype D: a tensor, a scalar expression, a number. */
export type Beside<D extends DType> = Tensor<D, any, any, any, any> | Arg<D, any>;
/** The shape of two operands together. */
export type ShapeOfBoth<A, B> = B extends AnyTensor ? Broadcast<ShapeIn<A>, ShapeIn<B>> : ShapeIn<A>;
export type Both<N extends string, A, B> = Tensor<
  DTypeOf<A>,
  AxisNames<ShapeOfBoth<A, B>>,
  Carried<A> | Carried<B>,
  ShapeOfBoth<A, B>,
  N
>;

/** An operator on two operands, the left one of a dtype among `T`. */
export type Binary<T extends DType> = <
  const N extends string,
  const A extends TensorOf<T>,
  const B extends Beside<DTypeOf<A>>,
>(
  name: N,
  a: A,
  b: B,
) => Both<N, A, B>;

function binary(operator: string, name: string, a: unknown, b: unknown, f: Body, floats = false): never {
  const call = new Call(operator, name);
  const x = floats ? call.float(a, "the left operand") : call.numeric(a, "the left operand");
  if (isTensor(b)) {
    const y = call.numeric(b, "the right operand");
    call.sameDType(x, y);
    return pointwise(call, name, [x, y], f);
  }
  if (!isExpr(b) && typeof b !== "number" && typeof b !== "bigint")
    throw call.error("te.body", `the right operand is ${describe(b)}: expected a tensor, a scalar(...) or a number`);
  operand(b, x.dtype, call.title);
  return pointwise(call, name, [x], (e) => f(e, b as AnyExpr));
}

/**
 * A + B, broadcasting: `[8, 64]` and `[64]` make `[8, 64]`. B may be a number or a scalar parameter. One dtype; integers wrap.
 *
 *     const Y = broadcastAdd("Y", X, bias);
 *     const Z = broadcastAdd("Z", Y, 1);
 *
 * Throws TeError for shapes that don't broadcast and mixed dtypes. (NumPy, ONNX: Add.)
 */
export const broadcastAdd: Binary<NumericType> = (name, a, b) =>
  binary("broadcastAdd", name, a, b, (x, y) => x.add(y!));
/**
 * A - B, broadcasting; shapes, dtypes and errors as `broadcastAdd`. (NumPy: subtract; ONNX: Sub.)
 *
 *     const centered = broadcastSub("centered", X, mean);
 *     const less = broadcastSub("less", X, 1);
 */
export const broadcastSub: Binary<NumericType> = (name, a, b) =>
  binary("broadcastSub", name, a, b, (x, y) => x.sub(y!));
/**
 * A times B element by element, broadcasting; shapes, dtypes and errors as `broadcastAdd`. (NumPy: multiply; ONNX: Mul.)
 *
 *     const scaled = broadcastMul("scaled", X, gain);
 *     const half = broadcastMul("half", X, 0.5);
 */
export const broadcastMul: Binary<NumericType> = (name, a, b) =>
  binary("broadcastMul", name, a, b, (x, y) => x.mul(y!));
/**
 * A / B, broadcasting; shapes, dtypes and errors as `broadcastAdd`. Integers: rounded towards minus infinity, 0 for a divisor of 0.
 * (NumPy: divide for floats, floor_divide for integers; ONNX: Div.)
 *
 *     const normed = broadcastDiv("normed", X, norm);
 *     const third = broadcastDiv("third", X, 3);
 */
export const broadcastDiv: Binary<NumericType> = (name, a, b) =>
  binary("broadcastDiv", name, a, b, (x, y) => x.div(y!));
/**
 * The larger of two, broadcasting (NaN if either is NaN); shapes, dtypes and errors as `broadcastAdd`. (NumPy: maximum; ONNX: Max.)
 *
 *     const top = broadcastMax("top", X, floor);
 *     const positive = broadcastMax("positive", X, 0);
 */
export const broadcastMax: Binary<NumericType> = (name, a, b) =>
  binary("broadcastMax", name, a, b, (x, y) => x.max(y!));
/**
 * The smaller of two, broadcasting (NaN if either is NaN); shapes, dtypes and errors as `broadcastAdd`. (NumPy: minimum; ONNX: Min.)
 *
 *     const low = broadcastMin("low", X, ceiling);
 *     const atMost = broadcastMin("atMost", X, 6);
 */
export const broadcastMin: Binary<NumericType> = (name, a, b) =>
  binary("broadcastMin", name, a, b, (x, y) => x.min(y!));
/**
 * A to the power B, broadcasting; floats only, else as `broadcastAdd`. (NumPy: power; ONNX: Pow.)
 *
 *     const gamma = broadcastPow("gamma", X, exponents);
 *     const root = broadcastPow("root", X, 0.5);
 */
export const broadcastPow: Binary<FloatType> = (name, a, b) =>
  binary("broadcastPow", name, a, b, (x, y) => x.pow(y!), true);
