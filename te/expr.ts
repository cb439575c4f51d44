// biome-ignore-all lint/suspicious/noExplicitAny: `any` as a type argument means "whatever facts", and must not be checked
/**
 * The user's expressions: a thin, typed face on IR nodes. Every method builds one node; nothing is evaluated or simplified.
 *
 * A JavaScript number beside an expression takes that expression's dtype. Two dtypes never mix: cast one of them.
 */
import { bytesOf, type DType, isFloat, isInteger, type Expr as Node, type OpName, type Var } from "../src/ir/index.ts";
import { build, checkDType, convert, operand } from "./build.ts";
import { TeError } from "./error.ts";
import { brief } from "./text.ts";
import type { Arg, FloatType, Given, IntType, NarrowIntType, SignedIntType, Size, Widened } from "./types.ts";

declare const facts: unique symbol;
const EXPR: unique symbol = Symbol.for("tilewright.expr") as never;

/**
 * A scalar expression of dtype D; F is the union of facts it carries (see types.ts).
 *
 *     A.at(i, k).mul(B.at(k, j)).add(1).max(0)
 *     sub(1, x).cast("i32")
 *
 * Methods throw TeError for mixed dtypes, an operation the dtype lacks, a literal that doesn't fit, an axis out of scope.
 */
export class Expr<D extends DType = DType, F = any> {
  declare readonly [facts]: F;
  readonly dtype: D;
  readonly node: Node;

  constructor(node: Node) {
    this.node = node;
    this.dtype = node.dtype as D;
  }
  get [EXPR](): true {
    return true;
  }

  // ---- arithmetic: integers wrap, floats round to their dtype after every operation

  add<G = never>(x: Arg<D, G>): Expr<D, F | Given<G>> {
    return binary("add", this, x);
  }
  sub<G = never>(x: Arg<D, G>): Expr<D, F | Given<G>> {
    return binary("sub", this, x);
  }
  mul<G = never>(x: Arg<D, G>): Expr<D, F | Given<G>> {
    return binary("mul", this, x);
  }
  /** Floats: the quotient. Integers: rounded towards minus infinity, 0 for a divisor of 0. */
  div<G = never>(x: Arg<D, G>): Expr<D, F | Given<G>> {
    return binary(isInteger(this.dtype) ? "floordiv" : "div", this, x, "div");
  }
  /** Integers: the remainder of `div`, with the sign of the divisor. */
  mod<G = never>(x: Arg<D, G>): Expr<D, F | Given<G>> {
    return binary("floormod", this, x, "mod");
  }
  /** Integers: the quotient rounded towards zero. */
  truncDiv<G = never>(x: Arg<D, G>): Expr<D, F | Given<G>> {
    return binary("truncdiv", this, x, "truncDiv");
  }
  /** Integers: the remainder of `truncDiv`, with the sign of the dividend. */
  rem<G = never>(x: Arg<D, G>): Expr<D, F | Given<G>> {
    return binary("truncrem", this, x, "rem");
  }
  neg(): Expr<D, F> {
    return unary("neg", this);
  }
  abs(): Expr<D, F> {
    return unary("abs", this);
  }
  /** The smaller of two; floats as in IEEE 754-2019 (NaN if either is NaN, -0 below +0). */
  min<G = never>(x: Arg<D, G>): Expr<D, F | Given<G>> {
    return binary("min", this, x);
  }
  max<G = never>(x: Arg<D, G>): Expr<D, F | Given<G>> {
    return binary("max", this, x);
  }
  /** max(low), then min(high). */
  clamp<G = never, H = never>(low: Arg<D, G>, high: Arg<D, H>): Expr<D, F | Given<G> | Given<H>> {
    return this.max(low).min(high);
  }
  /** x < this ? x : this, one instruction where `min` takes several; differs for NaN and signed zeros. Floats. */
  pmin<G = never>(this: Expr<D & FloatType, F>, x: Arg<D, G>): Expr<D, F | Given<G>> {
    return binary("pmin", this, x);
  }
  /** this < x ? x : this. Floats. */
  pmax<G = never>(this: Expr<D & FloatType, F>, x: Arg<D, G>): Expr<D, F | Given<G>> {
    return binary("pmax", this, x);
  }
  /** this * b + c, rounded once. Floats. */
  fma<G = never, H = never>(
    this: Expr<D & FloatType, F>,
    b: Arg<D, G>,
    c: Arg<D, H>,
  ): Expr<D, F | Given<G> | Given<H>> {
    const d = this.dtype;
    return wrap(build("fma", "fma", [this.node, operand(b, d, "fma"), operand(c, d, "fma")]));
  }

  // ---- comparison: false where an operand is NaN (ne: true)

  lt<G = never>(x: Arg<D, G>): Cond<F | Given<G>> {
    return binary("lt", this, x);
  }
  le<G = never>(x: Arg<D, G>): Cond<F | Given<G>> {
    return binary("le", this, x);
  }
  gt<G = never>(x: Arg<D, G>): Cond<F | Given<G>> {
    return binary("gt", this, x);
  }
  ge<G = never>(x: Arg<D, G>): Cond<F | Given<G>> {
    return binary("ge", this, x);
  }
  eq<G = never>(x: Arg<D, G>): Cond<F | Given<G>> {
    return binary("eq", this, x);
  }
  ne<G = never>(x: Arg<D, G>): Cond<F | Given<G>> {
    return binary("ne", this, x);
  }

  // ---- logic on bool, bitwise on integers; both sides are evaluated

  and<G = never>(x: Arg<D, G>): Expr<D, F | Given<G>> {
    return binary("and", this, x);
  }
  or<G = never>(x: Arg<D, G>): Expr<D, F | Given<G>> {
    return binary("or", this, x);
  }
  xor<G = never>(x: Arg<D, G>): Expr<D, F | Given<G>> {
    return binary("xor", this, x);
  }
  not(): Expr<D, F> {
    return unary("not", this);
  }
  /** The count is taken modulo the width. */
  shl<G = never>(x: Arg<D, G>): Expr<D, F | Given<G>> {
    return binary("shl", this, x);
  }
  /** Keeps the sign of signed dtypes; the count is taken modulo the width. */
  shr<G = never>(x: Arg<D, G>): Expr<D, F | Given<G>> {
    return binary("shr", this, x);
  }

  // ---- conversion

  /** Integers wrap; floats to integers truncate and saturate (NaN: 0); to bool is "is not zero". */
  cast<E extends DType>(dtype: E): Expr<E, F> {
    return wrap(convert("cast", this.node, dtype));
  }
  /** To an integer dtype, values outside its range becoming its least or greatest. */
  satCast<E extends IntType>(dtype: E): Expr<E, F> {
    checkDType(dtype, `satCast of ${brief(this.node)}`);
    return wrap(convert(isFloat(this.dtype) ? "cast" : "satcast", this.node, dtype));
  }
  /** The same bits as another dtype of the same width. */
  bitcast<E extends DType>(dtype: E): Expr<E, F> {
    checkDType(dtype, `bitcast of ${brief(this.node)}`);
    if (bytesOf(this.dtype) !== bytesOf(dtype) || (this.dtype === "bool") !== (dtype === "bool"))
      throw new TeError("te.dtype", `bitcast of ${brief(this.node)} from ${this.dtype} to ${dtype}: the widths differ`);
    return wrap(convert("bitcast", this.node, dtype));
  }

  // ---- narrow and fixed-point integers

  addSat<G = never>(x: Arg<D, G>): Expr<D, F | Given<G>> {
    return binary("addSat", this, x);
  }
  subSat<G = never>(x: Arg<D, G>): Expr<D, F | Given<G>> {
    return binary("subSat", this, x);
  }
  mulSat<G = never>(x: Arg<D, G>): Expr<D, F | Given<G>> {
    return binary("mulSat", this, x);
  }
  /** The exact sum, in twice the width. */
  widenAdd<G = never>(this: Expr<D & NarrowIntType, F>, x: Arg<D, G>): Expr<Widened<D>, F | Given<G>> {
    return binary("widenAdd", this, x);
  }
  widenSub<G = never>(this: Expr<D & NarrowIntType, F>, x: Arg<D, G>): Expr<Widened<D>, F | Given<G>> {
    return binary("widenSub", this, x);
  }
  widenMul<G = never>(this: Expr<D & NarrowIntType, F>, x: Arg<D, G>): Expr<Widened<D>, F | Given<G>> {
    return binary("widenMul", this, x);
  }
  /** floor((this + x) / 2) without overflow. */
  halvingAdd<G = never>(x: Arg<D, G>): Expr<D, F | Given<G>> {
    return binary("halvingAdd", this, x);
  }
  /** floor((this + x + 1) / 2) without overflow. */
  roundingHalvingAdd<G = never>(x: Arg<D, G>): Expr<D, F | Given<G>> {
    return binary("roundingHalvingAdd", this, x);
  }
  /** floor(this / 2^x + 1/2); x must lie in [0, width). */
  roundingShr<G = never>(x: Arg<D, G>): Expr<D, F | Given<G>> {
    return binary("roundingShr", this, x);
  }
  /** saturate(floor(this * x / 2^(width - 1) + 1/2)): the product of two Q-format numbers. Signed integers. */
  roundingMulQ<G = never>(this: Expr<D & SignedIntType, F>, x: Arg<D, G>): Expr<D, F | Given<G>> {
    return binary("roundingMulQ", this, x);
  }

  // ---- functions of floats

  exp(this: Expr<D & FloatType, F>): Expr<D, F> {
    return unary("exp", this);
  }
  log(this: Expr<D & FloatType, F>): Expr<D, F> {
    return unary("log", this);
  }
  sqrt(this: Expr<D & FloatType, F>): Expr<D, F> {
    return unary("sqrt", this);
  }
  rsqrt(this: Expr<D & FloatType, F>): Expr<D, F> {
    return unary("rsqrt", this);
  }
  tanh(this: Expr<D & FloatType, F>): Expr<D, F> {
    return unary("tanh", this);
  }
  sigmoid(this: Expr<D & FloatType, F>): Expr<D, F> {
    return unary("sigmoid", this);
  }
  erf(this: Expr<D & FloatType, F>): Expr<D, F> {
    return unary("erf", this);
  }
  sin(this: Expr<D & FloatType, F>): Expr<D, F> {
    return unary("sin", this);
  }
  cos(this: Expr<D & FloatType, F>): Expr<D, F> {
    return unary("cos", this);
  }
  pow<G = never>(this: Expr<D & FloatType, F>, x: Arg<D, G>): Expr<D, F | Given<G>> {
    return binary("pow", this, x);
  }
  floor(this: Expr<D & FloatType, F>): Expr<D, F> {
    return unary("floor", this);
  }
  ceil(this: Expr<D & FloatType, F>): Expr<D, F> {
    return unary("ceil", this);
  }
  /** To the nearest whole number, halves to even. */
  round(this: Expr<D & FloatType, F>): Expr<D, F> {
    return unary("round", this);
  }
  trunc(this: Expr<D & FloatType, F>): Expr<D, F> {
    return unary("trunc", this);
  }

  // ---- as text

  toString(): string {
    return brief(this.node);
  }
  /** JavaScript's operators can't build expressions: they land here and throw. */
  [Symbol.toPrimitive](_hint: string): never {
    throw new TeError(
      "te.operator",
      `the ${this.dtype} expression ${brief(this.node)} was used with a JavaScript operator or as text: write a.add(b), ` +
        "a.mul(2), a.lt(b), maximum(a, b), arr.at(i) instead of a + b, a * 2, a < b, Math.max(a, b), arr[i]",
    );
  }
  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return `Expr<${this.dtype}>(${brief(this.node)})`;
  }
}

/**
 * A comparison. It has no truth value while the expression is being written, so `if`, `?:` and `&&` refuse it (they take the
 * `then` below for a promise nobody awaited): choose with `select` or `where`.
 */
export class Cond<F = any> extends Expr<"bool", F> {
  override and<G = never>(x: Arg<"bool", G>): Cond<F | Given<G>> {
    return binary("and", this, x);
  }
  override or<G = never>(x: Arg<"bool", G>): Cond<F | Given<G>> {
    return binary("or", this, x);
  }
  override xor<G = never>(x: Arg<"bool", G>): Cond<F | Given<G>> {
    return binary("xor", this, x);
  }
  override not(): Cond<F> {
    return unary("not", this);
  }
  /** For types only: throws. */
  then(_useSelect: (x: never) => never): never {
    throw new TeError(
      "te.operator",
      `the comparison ${brief(this.node)} is not a promise: don't await it or return it from an async body`,
    );
  }
  override [Symbol.toPrimitive](_hint: string): never {
    throw new TeError(
      "te.operator",
      `the comparison ${brief(this.node)} was used with a JavaScript operator: choose with select(c, a, b) or where(c, a, b), ` +
        "combine with .and(...), .or(...), .not()",
    );
  }
}

/** The variable of a named axis, inside the body that received it. */
export class Axis<N extends string = string> extends Expr<"i32", never> {
  readonly axis: N;
  constructor(name: N, v: Var) {
    super(v);
    this.axis = name;
  }
}

/** A symbolic size: an extent (`n`, `n.sub(2)`), and an i32 expression in bodies. */
export class Dim<N extends string = string> extends Expr<"i32", Size<N>> {
  readonly dim: N;
  constructor(name: N, v: Var) {
    super(v);
    this.dim = name;
  }
}

/** Whether a value is an Expr, of any copy of this package. */
export const isExpr = (x: unknown): x is Expr<any, any> => typeof x === "object" && x !== null && EXPR in x;

/** Puts a typed face on a node. The caller's declared type must agree with the node. */
export const wrap = (node: Node): never => (node.dtype === "bool" ? new Cond(node) : new Expr(node)) as never;

function binary(op: OpName, a: Expr, x: unknown, method: string = op): never {
  return wrap(build(op, method, [a.node, operand(x, a.dtype, method, a.node)]));
}
function unary(op: OpName, a: Expr): never {
  return wrap(build(op, op, [a.node]));
}
