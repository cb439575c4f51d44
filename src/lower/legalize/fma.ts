/** Fused multiply-add without the instruction: rounded once. */
import type { Expr } from "../../ir/index.ts";
import {
  abs,
  add,
  and,
  bitsOfFloat,
  cast,
  eq,
  floatOfBits,
  gt,
  like,
  lt,
  mul,
  select,
  sub,
  whole,
  xor,
} from "./build.ts";

/** a + b as the rounded sum and its error, exactly. No products, so contraction cannot touch it. */
function twoSum(a: Expr, b: Expr): [Expr, Expr] {
  const s = add(a, b);
  const bb = sub(s, a);
  return [s, add(sub(a, sub(s, bb)), sub(b, bb))];
}
/** a + b in f64, rounded to odd: a later rounding to fewer digits is then as if there had been no rounding here. */
function oddSum(a: Expr, b: Expr): Expr {
  const [s, error] = twoSum(a, b);
  const [sb, eb] = [bitsOfFloat(s), bitsOfFloat(error)];
  const even = eq(and(sb, whole(sb, 1)), whole(sb, 0));
  const step = select(lt(xor(sb, eb), whole(sb, 0)), whole(sb, -1), whole(sb, 1));
  // comparison with NaN (the error of an infinite sum) is false
  const inexact = gt(abs(error), like(error, 0));
  return floatOfBits(add(sb, select(and(even, inexact), step, whole(sb, 0))));
}

/** In f64 the product is exact and the sum rounded to odd, so rounding to f32 is the only rounding. */
export function expandFmaF32(a: Expr, b: Expr, c: Expr): Expr {
  return cast("f32", oddSum(mul(cast("f64", a), cast("f64", b)), cast("f64", c)));
}

/** Upper 26 bits, rounded, so that the rest has 26 too. */
function upper(e: Expr): Expr {
  const b = bitsOfFloat(e);
  return floatOfBits(and(add(b, whole(b, 1n << 26n)), whole(b, -(1n << 27n))));
}
/**
 * f64: product and sum in pairs of doubles, the low parts added to odd (Boldo and Melquiond). Exact where |a b| lies in
 * [2^-900, 2^1000] and |c| <= 2^1000; elsewhere (zeros, infinities and NaN included) a * b + c with two roundings.
 */
export function expandFmaF64(a: Expr, b: Expr, c: Expr): Expr {
  const [ah, bh] = [upper(a), upper(b)];
  const [al, bl] = [sub(a, ah), sub(b, bh)];
  // four exact products; the sum of the errors of adding them up is exact too
  const [s1, e1] = twoSum(mul(ah, bh), mul(ah, bl));
  const [s2, e2] = twoSum(s1, mul(al, bh));
  const [s3, e3] = twoSum(s2, mul(al, bl));
  const [ph, pl] = twoSum(s3, add(add(e1, e2), e3));
  const [uh, ul] = twoSum(c, pl);
  const [th, tl] = twoSum(ph, uh);
  const exact = add(th, oddSum(tl, ul));
  const p = abs(mul(a, b));
  const inside = and(and(gt(p, like(a, 2 ** -900)), lt(p, like(a, 2 ** 1000))), lt(abs(c), like(a, 2 ** 1000)));
  return select(inside, exact, add(mul(a, b), c));
}
