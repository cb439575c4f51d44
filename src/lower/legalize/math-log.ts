/** log, and the splitting of a float into exponent and mantissa that it shares with pow. */
import type { Expr } from "../../ir/index.ts";
import {
  add,
  and,
  bitcast,
  bitsOfFloat,
  cast,
  div,
  eq,
  type Fp,
  floatOfBits,
  fpOf,
  gt,
  horner,
  like,
  lt,
  mul,
  or,
  select,
  shl,
  shr,
  sub,
} from "./build.ts";
import { LN2_F32, LN2_F64, LOG_F32, LOG_F64 } from "./coefficients.ts";

const LOG: { readonly [T in Fp]: readonly number[] } = { f32: LOG_F32, f64: LOG_F64 };
const LN2: { readonly [T in Fp]: readonly number[] } = { f32: LN2_F32, f64: LN2_F64 };
/** Bits of the square root of one half: mantissas are taken from there up to the square root of two. */
const ROOT_HALF = { f32: 0x3f3504f3, f64: 0x3fe6a09e667f3bcdn } as const;

/**
 * x = 2^e * m with m in [sqrt(1/2), sqrt(2)), for positive finite x, subnormals included; e as a float. For other x some
 * finite e and m.
 */
export function exponentAndMantissa(x: Expr): { readonly e: Expr; readonly m: Expr } {
  const t = fpOf(x);
  const tiny = lt(x, like(x, t === "f32" ? 2 ** -126 : 2 ** -1022));
  const scale = t === "f32" ? 24 : 53;
  const bits = bitsOfFloat(select(tiny, mul(x, like(x, 2 ** scale)), x));
  const up = select(tiny, like(x, -scale), like(x, 0));
  if (t === "f32") {
    const e = shr(sub(bits, like(bits, ROOT_HALF.f32)), 23);
    return { e: add(cast("f32", e), up), m: floatOfBits(sub(bits, shl(e, 23))) };
  }
  // No conversion of 64-bit integers in SIMD: the biased exponent becomes the low bits of 2^52 + exponent.
  const moved = add(bits, like(bits, 0x3ff0000000000000n - ROOT_HALF.f64));
  const biased = bitcast("i64", shr(bitcast("u64", moved), 52));
  const e = sub(floatOfBits(or(biased, like(bits, 0x4330000000000000n))), like(x, 2 ** 52 + 1023));
  const m = add(and(moved, like(bits, 0xfffffffffffffn)), like(bits, ROOT_HALF.f64));
  return { e: add(e, up), m: floatOfBits(m) };
}

/**
 * Natural logarithm. At most 1 ulp (f32, f64) over all positive x, subnormals included; log(1) = 0, log(±0) = -inf, log(inf) = inf, NaN
 * for negative x.
 */
export function expandLog(x: Expr): Expr {
  const t = fpOf(x);
  const { e, m } = exponentAndMantissa(x);
  // ln(1 + f) = f - (f^2/2 - s (f^2/2 + z Q(z))) with s = f / (2 + f), z = s^2: the large terms are exact or nearly so
  const f = sub(m, like(x, 1));
  const s = div(f, add(f, like(x, 2)));
  const z = mul(s, s);
  const q = mul(z, horner(z, LOG[t]));
  const half = mul(mul(f, like(x, 0.5)), f);
  const low = add(mul(s, add(half, q)), mul(e, like(x, LN2[t][1]!)));
  const r = add(mul(e, like(x, LN2[t][0]!)), sub(f, sub(half, low)));
  const finite = select(lt(x, like(x, Infinity)), r, x);
  const zero = select(eq(x, like(x, 0)), like(x, -Infinity), like(x, NaN));
  return select(gt(x, like(x, 0)), finite, zero);
}
