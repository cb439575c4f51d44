// biome-ignore-all lint/suspicious/noExplicitAny: `any` as a type argument means "whatever facts", and must not be checked
/**
 * The types behind inference. An expression's type carries `F`, one flat union of *facts*: which inputs, scalars and
 * symbolic sizes it needs and over which names it reduces. From them follow the arguments of a kernel and the names of loops.
 * All of them are exported, since they appear in the inferred types of users' declarations.
 */
import type { DType } from "../src/ir/index.ts";
import type { Axis, Expr } from "./expr.ts";
import type { Tensor } from "./tensor.ts";

/** The typed array that holds each dtype: f16 as its bits, bool as one byte per element. */
export interface Arrays {
  f64: Float64Array;
  f32: Float32Array;
  f16: Uint16Array;
  i64: BigInt64Array;
  i32: Int32Array;
  i16: Int16Array;
  i8: Int8Array;
  u64: BigUint64Array;
  u32: Uint32Array;
  u16: Uint16Array;
  u8: Uint8Array;
  bool: Uint8Array;
}
export type FloatType = "f64" | "f32" | "f16";
export type BigType = "i64" | "u64";
export type IntType = "i64" | "i32" | "i16" | "i8" | "u64" | "u32" | "u16" | "u8";
export type SignedIntType = "i64" | "i32" | "i16" | "i8";
export type NarrowIntType = Exclude<IntType, BigType>;
export type NumericType = FloatType | IntType;
/** Twice the width, same signedness. */
export type Widened<D> = D extends keyof WidenedTypes ? WidenedTypes[D] : never;
export interface WidenedTypes {
  i8: "i16";
  i16: "i32";
  i32: "i64";
  u8: "u16";
  u16: "u32";
  u32: "u64";
}

// ---- facts

/** Reads the input `N`. */
export interface In<N extends string, D extends DType, C extends boolean = false> {
  readonly in: N;
  readonly dtype: D;
  readonly constant: C;
}
/** Reads the scalar parameter `N`. */
export interface Scal<N extends string, D extends DType> {
  readonly scalar: N;
  readonly dtype: D;
}
/** Reduces over an axis named `N`. */
export interface Red<N extends string> {
  readonly red: N;
}
/** Its axis `N` has no loop: what computes it goes along that axis by itself. */
export interface Inside<N extends string> {
  readonly inside: N;
}
/** Depends on the symbolic size `N`. */
export interface Size<N extends string> {
  readonly size: N;
}
/**
 * F, where it can't be inferred: as `NoInfer`, but gone once F is known. Facts of an operand come from the operand alone; without
 * this an `any` in the type that a call's result goes to would become one of them.
 */
export type Given<F> = [F][F extends any ? 0 : never];
export type RedOf<F> = F extends Red<infer R> ? R : never;
export type InsideOf<F> = F extends Inside<infer N> ? N : never;
export type FactsOf<X> = X extends Tensor<any, any, infer F, any, any> ? F : X extends Expr<any, infer G> ? G : never;
export type DTypeOf<X> = X extends { readonly dtype: infer D extends DType } ? D : never;

// ---- operands

/** A JavaScript value beside an expression of dtype D takes that dtype. */
export type Literal<D> = number | (D extends BigType ? bigint : never) | (D extends "bool" ? boolean : never);
export type Arg<D extends DType, G> = Expr<D, G> | Literal<D>;
export type AnyExpr = Expr<any, any>;
export type AnyTensor = Tensor<any, any, any, any, any>;

// ---- shapes and axes

/** The length of an axis: a number, or an expression of symbolic sizes such as `n` or `n.sub(2)`. */
export type Extent = number | Expr<"i32", Size<string>>;
export type Shape = readonly Extent[];
export type Named = { readonly [n: string]: Extent };
/** An array of extents, or a record of named ones. */
export type AxesSpec = Shape | Named;
export type Names<A> = Extract<keyof A, string>;
export type Vals<A> = A extends readonly (infer E)[] ? E : A[keyof A];
export type KnownSize<F> = F extends Size<infer N> ? (string extends N ? never : Size<N>) : never;
export type SizeOf<E> = E extends Expr<any, infer F> ? KnownSize<F> : never;
/** Array-shaped tensors call their axes i0, i1, ... */
export type AxisNames<A> = A extends Shape
  ? number extends A["length"]
    ? string
    : `i${Extract<keyof A, `${number}`>}`
  : Names<A>;
export type Axes<A> = { readonly [N in Names<A>]: Axis<N> };
export type Body<A> = A extends Shape ? { [K in keyof A]: Axis } : [axes: Axes<A>];
export type ShapeOf<A> = A extends Shape ? { readonly [K in keyof A]: Extent } : Shape;
export type Index = number | Expr<"i32", any>;
/** Positional indices, or one record of them by axis name. */
export type IndexArgs<L extends string, S extends Shape> =
  | { [K in keyof S]: Index }
  | ([L] extends [never] ? never : [{ readonly [K in L]: Index }]);
/** What `at` of a tensor carries on: its inputs and sizes, not the reductions that it has finished. */
export type Read<F> = Exclude<F, Red<string> | Inside<string>>;

// ---- results

export type ExprRecord = { readonly [n: string]: AnyExpr };
/** What `compute` returns: a tensor, or a record of tensors for a record of expressions. */
export type Computed<N extends string, A extends AxesSpec, R> = [R] extends [Expr<infer D, infer F>]
  ? Tensor<D, AxisNames<A>, F | SizeOf<Vals<A>>, ShapeOf<A>, N>
  : {
      readonly [K in Names<R>]: R[K] extends Expr<infer D, infer F>
        ? Tensor<D, AxisNames<A>, F | SizeOf<Vals<A>>, ShapeOf<A>, `${N}.${K}`>
        : never;
    };
/** An impossible type with a message where F holds a reduction. */
export type Flat<F> = 0 extends 1 & F
  ? unknown
  : [RedOf<F>] extends [never]
    ? unknown
    : `reduction ${RedOf<F>} inside a reduction: give it its own compute()`;
export interface ReduceOptions<A, W> {
  /** Points where it is false take no part and are not evaluated. */
  readonly where?: (axes: Axes<A>) => Expr<"bool", W>;
}
export type Reduced<A, F> = F | Red<Names<A>> | SizeOf<Vals<A>>;

// ---- loops and kernels

/** Names of the loops of a tensor's block. */
export type LoopNames<X> =
  X extends Tensor<any, infer L, infer F, any, any> ? Exclude<L, InsideOf<F>> | RedOf<F> : never;

export type ScalarArg<D> = D extends BigType ? bigint : D extends "bool" ? number | boolean : number;
export type RawArgs<F> = {
  readonly [Q in F as Q extends In<infer N, any, any> ? N : never]: Q extends In<any, infer D extends DType, any>
    ? Arrays[D]
    : never;
} & {
  readonly [Q in F as Q extends Scal<infer N, any> ? N : never]: Q extends Scal<any, infer D> ? ScalarArg<D> : never;
} & { readonly [Q in F as Q extends Size<infer N> ? N : never]?: number };
/** The record of arguments of a kernel whose results carry the facts F. Sizes that shapes imply may be left out. */
export type Args<F> = 0 extends 1 & F
  ? { readonly [n: string]: Arrays[DType] | number | bigint | boolean }
  : { [K in keyof RawArgs<F>]: RawArgs<F>[K] };
/** A compiled function: one record of arguments in, the result (or a record of results) out. */
export type Kernel<I, O> = (args: I, options?: { readonly into?: O }) => O;
export type TensorRecord = { readonly [n: string]: AnyTensor };
/** Anything made from a tensor that remembers it, such as a schedule. */
export interface Scheduled<X> {
  readonly of: X;
  readonly loops: (...args: never[]) => unknown;
}
export type ArgsOf<X> =
  X extends Scheduled<infer Y>
    ? ArgsOf<Y>
    : X extends Tensor<any, any, infer F, any, any>
      ? Args<F>
      : Args<FactsOf<X[keyof X]>>;
/** The inputs marked constant among the facts F, as arrays by name. */
export type Constants<F> = 0 extends 1 & F
  ? { readonly [n: string]: Arrays[DType] }
  : {
      readonly [Q in F as Q extends In<infer N, any, true> ? N : never]: Q extends In<any, infer D extends DType, true>
        ? Arrays[D]
        : never;
    };
/** What a kernel's `prepare` takes. */
export type ConstantsOf<X> =
  X extends Scheduled<infer Y>
    ? ConstantsOf<Y>
    : X extends Tensor<any, any, infer F, any, any>
      ? Constants<F>
      : Constants<FactsOf<X[keyof X]>>;
export type ResultOf<X> =
  X extends Scheduled<infer Y>
    ? ResultOf<Y>
    : X extends Tensor<infer D, any, any, any, any>
      ? Arrays[D]
      : { readonly [K in keyof X]: X[K] extends Tensor<infer D, any, any, any, any> ? Arrays[D] : never };
/** The kernel type of a tensor, a record of tensors, or a schedule of either. */
export type KernelOf<X> = Kernel<ArgsOf<X>, ResultOf<X>>;

export type { DType };
