/** pow, with the special values of IEEE 754 and C. */
import type { Expr } from "../../ir/index.ts";
import { op } from "../../ir/index.ts";
import {
  abs,
  add,
  and,
  bitsOfFloat,
  cast,
  div,
  eq,
  floatOfBits,
  fpOf,
  gt,
  horner,
  like,
  lt,
  MAGIC,
  mul,
  ne,
  not,
  or,
  pmax,
  pmin,
  powerOfTwo,
  select,
  signBit,
  sub,
  withSign,
  xor,
} from "./build.ts";
import {
  EXP2_POW32,
  EXP2_POW64,
  LOG_POW32,
  LOG_POW64,
  LOG2_E,
  THIRD_SPLIT,
  TWO_INV_LN2_SPLIT,
} from "./coefficients.ts";
import { exponentAndMantissa } from "./math-log.ts";

/**
 * x^y. At most 0.52 ulp (f32: computed in f64) or 1.5 ulp (f64: logarithm and product in pairs of doubles) over all x and y,
 * subnormal results included.
 *
 * pow(x, 0) = pow(1, y) = 1 whatever the other is, NaN included; pow(-1, ±inf) = 1; a negative finite base takes whole
 * exponents only (NaN otherwise); zeros and infinities follow C's annex F.
 */
export function expandPow(x: Expr, y: Expr): Expr {
  if (fpOf(x) === "f32") return cast("f32", special(cast("f64", x), cast("f64", y), powerShort));
  return special(x, y, powerLong);
}

/** Special values around `power`, which computes |x|^y for |x| that are neither 0 nor infinite nor NaN. */
function special(x: Expr, y: Expr, power: (a: Expr, y: Expr, log: (main: Expr) => Expr) => Expr): Expr {
  const [zero, one, inf] = [like(x, 0), like(x, 1), like(x, Infinity)];
  const a = abs(x);
  // what the logarithm is where |x| has none: -inf at 0, inf at inf, NaN at NaN
  const log = (main: Expr): Expr => select(lt(a, inf), select(eq(a, zero), like(x, -Infinity), main), a);
  const magnitude = power(a, y, log);
  const isWhole = eq(op("trunc", [y]), y);
  const h = mul(y, like(y, 0.5));
  const odd = and(isWhole, ne(op("trunc", [h]), h));
  const sign = signBit(x);
  const signed = withSign(magnitude, select(odd, sign, xor(sign, sign)));
  const invalid = and(and(lt(x, zero), gt(x, like(x, -Infinity))), not(isWhole));
  const r = select(and(invalid, eq(y, y)), like(x, NaN), signed);
  const unit = or(or(eq(x, one), eq(y, zero)), and(eq(a, one), eq(abs(y), inf)));
  return select(unit, one, r);
}

/** 2^(main + rest) where |main| < limit, 0 or infinity beyond, scaled in as many factors as the range needs. */
function exp2(
  estimate: Expr,
  main: Expr,
  rest: Expr | undefined,
  limit: number,
  coefficients: readonly number[],
): Expr {
  const within = lt(abs(estimate), like(estimate, limit));
  const clamped = pmax(pmin(estimate, like(estimate, limit)), like(estimate, -limit));
  const m = select(within, main, clamped);
  const magic = like(m, MAGIC.f64);
  const shifted = add(rest === undefined ? m : add(m, select(within, rest, like(m, 0))), magic);
  const n = sub(shifted, magic);
  const whole = sub(m, n);
  const r = rest === undefined ? whole : add(whole, select(within, rest, like(m, 0)));
  const p = add(mul(r, horner(r, coefficients)), like(m, 1));
  if (limit < 1000) return mul(p, powerOfTwo(shifted));
  const half = add(mul(n, like(m, 0.5)), magic);
  const second = add(sub(n, sub(half, magic)), magic);
  return mul(mul(p, powerOfTwo(half)), powerOfTwo(second));
}

/** |x|^y with f64 arithmetic, good for f32 results. */
function powerShort(a: Expr, y: Expr, log: (main: Expr) => Expr): Expr {
  const { e, m } = exponentAndMantissa(a);
  const f = sub(m, like(a, 1));
  const s = div(f, add(f, like(a, 2)));
  const z = mul(s, s);
  const l = mul(s, add(mul(z, horner(z, LOG_POW32)), like(a, 2)));
  const product = mul(y, log(add(mul(l, like(a, LOG2_E)), e)));
  return exp2(product, product, undefined, 300, EXP2_POW32);
}

/** The leading 26 bits of a double: products of two such are exact, so they may be contracted or not. */
const high = (e: Expr): Expr => floatOfBits(and(bitsOfFloat(e), like(e, -(1n << 27n), "i64")));

/** |x|^y with a logarithm of about 66 bits. Every product that an exact sum depends on is one of 26-bit factors. */
function powerLong(a: Expr, y: Expr, log: (main: Expr) => Expr): Expr {
  const { e, m } = exponentAndMantissa(a);
  const one = like(a, 1);
  // s = (m - 1) / (m + 1) as sh + sl
  const f = sub(m, one);
  const b = add(m, one);
  const bLow = sub(m, sub(b, one));
  const sh = high(div(f, b));
  const b1 = high(b);
  const b2 = sub(b, b1);
  const sl = div(sub(sub(sub(f, mul(sh, b1)), mul(sh, b2)), mul(sh, bLow)), b);
  // z = s^2 as zh + zl, zh of 26 bits; u = s z likewise
  const square = mul(sh, sh);
  const squareLow = mul(sl, add(add(sh, sh), sl));
  const zh = high(add(square, squareLow));
  const zl = add(sub(square, zh), squareLow);
  const s = add(sh, sl);
  const cube = mul(zh, sh);
  const cubeLow = add(mul(zh, sl), mul(zl, s));
  const uh = high(add(cube, cubeLow));
  const ul = add(sub(cube, uh), cubeLow);
  // atanh s = s + u (1/3 + z Q(z)) as t + tl
  const [third, thirdLow] = [like(a, THIRD_SPLIT[0]!), like(a, THIRD_SPLIT[1]!)];
  const z = add(zh, zl);
  const w = add(mul(z, horner(z, LOG_POW64)), thirdLow);
  const p = mul(uh, third);
  const t = add(sh, p);
  const tl = add(sub(p, sub(t, sh)), add(sl, add(mul(uh, w), mul(ul, add(third, w)))));
  // log2 = e + 2/ln 2 atanh s as lh + ll
  const [k, kLow] = [like(a, TWO_INV_LN2_SPLIT[0]!), like(a, TWO_INV_LN2_SPLIT[1]!)];
  const th = high(t);
  const tRest = add(sub(t, th), tl);
  const main = mul(th, k);
  const lh = add(e, main);
  const ll = add(sub(main, sub(lh, e)), add(mul(th, kLow), mul(tRest, like(a, 2 * LOG2_E))));
  // y log2 as a product of high parts and a rest
  const l = log(lh);
  const l1 = high(lh);
  const l2 = add(sub(lh, l1), ll);
  const y1 = high(y);
  const y2 = sub(y, y1);
  return exp2(mul(y, l), mul(y1, l1), add(mul(y2, l1), mul(y, l2)), 1100, EXP2_POW64);
}
