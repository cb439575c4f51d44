/** sin and cos, by Cody-Waite reduction modulo pi/2. */
import type { Expr } from "../../ir/index.ts";
import {
  abs,
  add,
  and,
  bitsOfFloat,
  cast,
  eq,
  flipSign,
  fpOf,
  horner,
  like,
  MAGIC,
  mul,
  pmax,
  pmin,
  select,
  shl,
  signBit,
  sub,
} from "./build.ts";
import { COS_F32, COS_F64, HALF_PI_F64, HALF_PI_FOR_F32, SIN_F32, SIN_F64, TWO_OVER_PI } from "./coefficients.ts";

interface Reduced {
  /** x - n pi/2, in [-pi/4, pi/4] and a little more, as r + low. */
  readonly r: Expr;
  readonly low: Expr | undefined;
  /** An integer that is n modulo 4. */
  readonly quadrant: Expr;
}
/** Outside the domain of the reduction r is anything; bounded, it keeps sine and cosine within [-1, 1]. */
const bounded = (r: Expr): Expr => pmax(pmin(r, like(r, 0.7855)), like(r, -0.7855));

/** Reduction of f32 values takes f64: in f32 it would need six pieces and compensated sums to be as exact near multiples of pi/2. */
function reduceF32(x: Expr): Reduced {
  const d = cast("f64", x);
  const magic = like(d, MAGIC.f64);
  const n = sub(add(mul(d, like(d, TWO_OVER_PI)), magic), magic);
  const r = sub(sub(d, mul(n, like(d, HALF_PI_FOR_F32[0]!))), mul(n, like(d, HALF_PI_FOR_F32[1]!)));
  const quadrant = bitsOfFloat(add(cast("f32", n), like(x, MAGIC.f32)));
  return { r: bounded(cast("f32", r)), low: undefined, quadrant };
}
function reduceF64(x: Expr): Reduced {
  const magic = like(x, MAGIC.f64);
  const shifted = add(mul(x, like(x, TWO_OVER_PI)), magic);
  const n = sub(shifted, magic);
  // the products are exact, and so is the first difference; `low` is what the others lose, and the last piece
  const a = sub(x, mul(n, like(x, HALF_PI_F64[0]!)));
  const p = mul(n, like(x, HALF_PI_F64[1]!));
  const b = sub(a, p);
  const q = mul(n, like(x, HALF_PI_F64[2]!));
  const r = sub(b, q);
  const low = sub(add(sub(sub(a, b), p), sub(sub(b, r), q)), mul(n, like(x, HALF_PI_F64[3]!)));
  const limit = like(x, 1e-15);
  return { r: bounded(r), low: pmax(pmin(low, limit), like(x, -1e-15)), quadrant: bitsOfFloat(shifted) };
}

function sinOrCos(x: Expr, cosine: boolean): Expr {
  const t = fpOf(x);
  const positive = abs(x);
  const { r, low, quadrant: q } = t === "f32" ? reduceF32(positive) : reduceF64(positive);
  const z = mul(r, r);
  const tail = mul(z, horner(z, t === "f32" ? SIN_F32 : SIN_F64));
  const s = add(r, low === undefined ? mul(r, tail) : add(mul(r, tail), low));
  const half = mul(z, like(x, 0.5));
  const four = mul(mul(z, z), horner(z, t === "f32" ? COS_F32 : COS_F64));
  // 1 - z/2 loses bits that `lost` has; cos(r + low) is cos r - r low
  const top = sub(like(x, 1), half);
  const lost = sub(sub(like(x, 1), top), half);
  const c = add(top, add(four, low === undefined ? lost : sub(lost, mul(r, low))));
  const k = cosine ? add(q, like(q, t === "f32" ? 1 : 1n)) : q;
  const [one, two] = t === "f32" ? [1, 2] : [1n, 2n];
  const swap = eq(and(k, like(k, one)), like(k, t === "f32" ? 0 : 0n));
  const sign = shl(and(k, like(k, two)), t === "f32" ? 30 : 62);
  const value = flipSign(select(swap, s, c), sign);
  return cosine ? value : flipSign(value, signBit(x));
}

/**
 * Sine of x radians. At most 1.6 ulp for |x| <= 6e6 (f32), 1 ulp for |x| <= 1e6 (f64); beyond that some value in [-1, 1]
 * that depends on x alone; NaN at infinity. sin(±0) = ±0.
 */
export const expandSin = (x: Expr): Expr => sinOrCos(x, false);
/** Cosine, to the same bounds. cos(0) = 1. */
export const expandCos = (x: Expr): Expr => sinOrCos(x, true);
