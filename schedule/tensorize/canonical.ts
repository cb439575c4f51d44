/**
 * Expressions in the form in which programs and semantics of intrinsics are compared: sums and products without the operations that
 * widen by themselves, and conversions that lose nothing as close to the leaves as they go.
 */
import { constBounds, type Facts, type Interval, isLossless } from "../../src/arith/index.ts";
import {
  bitsOf,
  cast,
  constant,
  type DType,
  type Expr,
  isBig,
  isInteger,
  mapExpr,
  maxInt,
  minInt,
  type OpName,
  op,
} from "../../src/ir/index.ts";

/** What values an expression takes; integers only. */
export type BoundsOf = (e: Expr) => Interval;
export const boundsIn =
  (facts: Facts): BoundsOf =>
  (e) =>
    constBounds(e, facts);

/** Whether every value within the bounds is one of the dtype's. */
export const fits = (i: Interval, d: DType): boolean =>
  isInteger(d) && i.min >= Number(minInt(d)) && i.max <= Number(maxInt(d));

const WIDE: { readonly [O in OpName]?: OpName } = { widenAdd: "add", widenSub: "sub", widenMul: "mul" };
/** Exact on integers whenever the result fits. */
const EXACT: readonly OpName[] = ["add", "sub", "mul"];

export function canonical(e: Expr, bounds: BoundsOf): Expr {
  const one = (x: Expr): Expr => {
    if (x.kind !== "op") return x;
    const plain = WIDE[x.op];
    if (plain !== undefined)
      return one(
        op(
          plain,
          x.args.map((a) => one(cast(x.dtype, a))),
        ),
      );
    return x.op === "cast" ? castOf(x.dtype, x.args[0]!) : x;
  };
  const castOf = (to: DType, x: Expr): Expr => {
    if (x.dtype === to) return x;
    if (x.kind === "const" && isInteger(x.dtype) && isInteger(to) && isLossless(x.dtype, to))
      return constant(to, isBig(to) ? BigInt(x.value) : Number(x.value));
    if (x.kind === "op" && x.op === "cast" && isLossless(x.args[0]!.dtype, x.dtype)) return castOf(to, x.args[0]!);
    const widens = isInteger(x.dtype) && isInteger(to) && bitsOf(to) > bitsOf(x.dtype) && isLossless(x.dtype, to);
    if (x.kind === "op" && widens && EXACT.includes(x.op)) {
      const wide = op(
        x.op,
        x.args.map((a) => castOf(to, a)),
      );
      // the same only where the narrow one did not wrap
      if (fits(bounds(wide), x.dtype) && Number.isFinite(bounds(wide).min)) return wide;
    }
    return cast(to, x);
  };
  return mapExpr(e, one);
}

/** The same value in a dtype that holds it, computed there where every step fits; undefined where that isn't certain. */
export function inDType(e: Expr, d: DType, bounds: BoundsOf): Expr | undefined {
  if (e.dtype === d) return e;
  if (e.kind === "op" && e.op === "cast") {
    const x = e.args[0]!;
    if (x.dtype === d && isLossless(d, e.dtype)) return x;
    if (isLossless(x.dtype, e.dtype)) return isLossless(x.dtype, d) ? cast(d, x) : inDType(x, d, bounds);
  }
  if (!isInteger(e.dtype) || !isInteger(d) || !fits(bounds(e), d)) return undefined;
  if (e.kind === "const") return constant(d, isBig(d) ? BigInt(e.value) : Number(e.value));
  if (e.kind === "op" && (EXACT.includes(e.op) || e.op === "min" || e.op === "max")) {
    const args = e.args.map((a) => inDType(a, d, bounds));
    if (args.every((a) => a !== undefined)) return op(e.op, args);
  }
  return cast(d, e);
}
