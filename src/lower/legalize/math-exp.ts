/** exp and the functions made of it: tanh, sigmoid. */
import type { Expr } from "../../ir/index.ts";
import {
  abs,
  add,
  div,
  type Fp,
  fpOf,
  ge,
  horner,
  like,
  MAGIC,
  mul,
  neg,
  pmax,
  pmin,
  powerOfTwo,
  select,
  signBit,
  sub,
  withSign,
} from "./build.ts";
import { EXP_F32, EXP_F64, LN2_F32, LN2_F64, LOG2_E } from "./coefficients.ts";

const EXP: { readonly [T in Fp]: readonly number[] } = { f32: EXP_F32, f64: EXP_F64 };
const LN2: { readonly [T in Fp]: readonly number[] } = { f32: LN2_F32, f64: LN2_F64 };
/** Beyond these exp is infinity or rounds to 0. */
const RANGE = { f32: [-104, 89], f64: [-746, 710] } as const;

/** x = n ln 2 + r: n + MAGIC, n, and expm1(r) = r + r^2 P(r), for |x| below 1000 or so. */
function reduce(x: Expr): { readonly shifted: Expr; readonly n: Expr; readonly m1: Expr } {
  const t = fpOf(x);
  const magic = like(x, MAGIC[t]);
  const shifted = add(mul(x, like(x, LOG2_E)), magic);
  const n = sub(shifted, magic);
  // n times the first piece is exact, so it makes no difference whether this is contracted
  const r = sub(sub(x, mul(n, like(x, LN2[t][0]!))), mul(n, like(x, LN2[t][1]!)));
  return { shifted, n, m1: add(r, mul(mul(r, r), horner(r, EXP[t]))) };
}

/**
 * e^x. At most 1.5 ulp (f32, f64) over all x, subnormal results included; exp(0) = 1, exp(-inf) = 0, overflow is infinity. What
 * is bounded from above, as in `x.min(0).exp()`, takes a quarter less.
 */
export function expandExp(x: Expr): Expr {
  const t = fpOf(x);
  if (upperBound(x) <= 0) return expOfNonPositive(x);
  const c = pmax(pmin(x, like(x, RANGE[t][1])), like(x, RANGE[t][0]));
  const { n, m1 } = reduce(c);
  const magic = like(x, MAGIC[t]);
  // 2^n in two factors: n may be too large or too small for one
  const half = add(mul(n, like(x, 0.5)), magic);
  const rest = add(sub(n, sub(half, magic)), magic);
  return mul(mul(add(m1, like(x, 1)), powerOfTwo(half)), powerOfTwo(rest));
}

/** The constant that a value is the minimum of; infinity where it is none. */
function upperBound(x: Expr): number {
  if (x.kind !== "op" || x.op !== "min") return Infinity;
  const bounds = x.args.map((a) => (a.kind === "broadcast" ? a.value : a));
  return Math.min(...bounds.map((b) => (b.kind === "const" && !Number.isNaN(b.value) ? Number(b.value) : Infinity)));
}

/** Powers of two so far above the results that none is subnormal before the last multiplication. */
const LIFT = { f32: 64, f64: 512 } as const;

/** e^x for x known to be at most 0 (or NaN): nothing overflows, so 2^n needs one factor, and a constant one. */
function expOfNonPositive(x: Expr): Expr {
  const t = fpOf(x);
  const { shifted, m1 } = reduce(pmax(x, like(x, RANGE[t][0])));
  return mul(mul(add(m1, like(x, 1)), powerOfTwo(shifted, LIFT[t])), like(x, 2 ** -LIFT[t]));
}

/** e^x for x known to lie where the result is a normal number (or x is NaN). */
export function expNormal(x: Expr): Expr {
  const { shifted, m1 } = reduce(x);
  return mul(add(m1, like(x, 1)), powerOfTwo(shifted));
}

/**
 * tanh x = expm1(2|x|) / (expm1(2|x|) + 2) with the sign of x. At most 3 ulp (f32, f64) over all x; tanh(±0) = ±0, ±1 at
 * infinity, exact for subnormals.
 */
export function expandTanh(x: Expr): Expr {
  const t = fpOf(x);
  // 1 - tanh is below a quarter of an ulp from here on
  const y = pmin(mul(abs(x), like(x, 2)), like(x, t === "f32" ? 20 : 40));
  const { shifted, m1 } = reduce(y);
  const scale = powerOfTwo(shifted);
  const e = add(mul(scale, m1), sub(scale, like(x, 1)));
  return withSign(div(e, add(e, like(x, 2))), signBit(x));
}

/**
 * 1 / (1 + e^-x), from e^-|x| so that nothing overflows. At most 2.5 ulp (f32, f64) over all x, subnormal results included;
 * sigmoid(0) = 1/2, 0 and 1 at the infinities.
 */
export function expandSigmoid(x: Expr): Expr {
  const e = expOfNonPositive(neg(abs(x)));
  const one = like(x, 1);
  return div(select(ge(x, like(x, 0)), one, e), add(one, e));
}
