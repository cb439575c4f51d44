/** Short forms for writing expansions: they work on scalars and on vectors of any lanes alike. */
import {
  bitsOf,
  constant,
  type DType,
  type Expr,
  IrError,
  isFloat,
  isUnsigned,
  maxInt,
  minInt,
  op,
  type Scalar,
  shuffle,
} from "../../ir/index.ts";

/** A constant with the dtype and lanes of `e` (or of dtype `d` when given). */
export const like = (e: Expr, value: Scalar | boolean, d: DType = e.dtype): Expr => constant(d, value, e.lanes);
export const add = (a: Expr, b: Expr): Expr => op("add", [a, b]);
export const sub = (a: Expr, b: Expr): Expr => op("sub", [a, b]);
export const mul = (a: Expr, b: Expr): Expr => op("mul", [a, b]);
export const div = (a: Expr, b: Expr): Expr => op("div", [a, b]);
export const neg = (a: Expr): Expr => op("neg", [a]);
export const abs = (a: Expr): Expr => op("abs", [a]);
export const and = (a: Expr, b: Expr): Expr => op("and", [a, b]);
export const or = (a: Expr, b: Expr): Expr => op("or", [a, b]);
export const xor = (a: Expr, b: Expr): Expr => op("xor", [a, b]);
export const not = (a: Expr): Expr => op("not", [a]);
export const eq = (a: Expr, b: Expr): Expr => op("eq", [a, b]);
export const ne = (a: Expr, b: Expr): Expr => op("ne", [a, b]);
export const lt = (a: Expr, b: Expr): Expr => op("lt", [a, b]);
export const le = (a: Expr, b: Expr): Expr => op("le", [a, b]);
export const gt = (a: Expr, b: Expr): Expr => op("gt", [a, b]);
export const ge = (a: Expr, b: Expr): Expr => op("ge", [a, b]);
export const select = (c: Expr, a: Expr, b: Expr): Expr => op("select", [c, a, b]);
/** pmin(x, c) and pmax(x, c) bound x and let a NaN in x through: one instruction each. */
export const pmin = (a: Expr, b: Expr): Expr => op("pmin", [a, b]);
export const pmax = (a: Expr, b: Expr): Expr => op("pmax", [a, b]);
export const cast = (d: DType, e: Expr): Expr => (e.dtype === d ? e : op("cast", [e], d));
export const satcast = (d: DType, e: Expr): Expr => (e.dtype === d ? e : op("satcast", [e], d));
export const bitcast = (d: DType, e: Expr): Expr => (e.dtype === d ? e : op("bitcast", [e], d));
export const shl = (a: Expr, count: number): Expr => op("shl", [a, like(a, isBig(a) ? BigInt(count) : count)]);
export const shr = (a: Expr, count: number): Expr => op("shr", [a, like(a, isBig(a) ? BigInt(count) : count)]);
const isBig = (e: Expr): boolean => bitsOf(e.dtype) === 64;

export const INTS_OF = { f32: "i32", f64: "i64" } as const;
export type Fp = keyof typeof INTS_OF;
export function fpOf(e: Expr): Fp {
  if (e.dtype !== "f32" && e.dtype !== "f64") throw new IrError(`a function of f32 or f64 was given ${e.dtype}`);
  return e.dtype;
}
/** The bits of a float as a signed integer of its width. */
export const bitsOfFloat = (e: Expr): Expr => bitcast(INTS_OF[fpOf(e)], e);
export const floatOfBits = (e: Expr): Expr => bitcast(bitsOf(e.dtype) === 32 ? "f32" : "f64", e);
export const SIGN_BIT = { f32: -0x80000000, f64: -(1n << 63n) } as const;

/** The sign bit of a float, all else 0, as an integer; and `flipSign` applies such bits. */
export const signBit = (e: Expr): Expr => and(bitsOfFloat(e), like(e, SIGN_BIT[fpOf(e)], INTS_OF[fpOf(e)]));
export const flipSign = (e: Expr, sign: Expr): Expr => floatOfBits(xor(bitsOfFloat(e), sign));
/** A non-negative float given such a sign. */
export const withSign = (e: Expr, sign: Expr): Expr => floatOfBits(or(bitsOfFloat(e), sign));

/** c[0] + x (c[1] + x (c[2] + ...)), coefficients rounded to x's dtype. */
export function horner(x: Expr, c: readonly number[]): Expr {
  let r = like(x, c[c.length - 1]!);
  for (let i = c.length - 2; i >= 0; i--) r = add(mul(r, x), like(x, c[i]!));
  return r;
}

/**
 * Adding 1.5 * 2^23 (f32) or 1.5 * 2^52 (f64) rounds to the nearest whole number, halves to even, and leaves that
 * number in the low bits of the sum: the way to integers that SIMD has for f64 too. For magnitudes below 2^22 or 2^51.
 */
export const MAGIC = { f32: 1.5 * 2 ** 23, f64: 1.5 * 2 ** 52 } as const;
export const MANTISSA_BITS = { f32: 23, f64: 52 } as const;
/** 2^(n + lift) as a float from `n + MAGIC`, for n + lift in the range of normal exponents. */
export function powerOfTwo(nPlusMagic: Expr, lift = 0): Expr {
  const t = fpOf(nPlusMagic);
  // the magic number's own bits leave at the top
  const exponent = shl(bitsOfFloat(nPlusMagic), MANTISSA_BITS[t]);
  const one = t === "f32" ? (127 + lift) << 23 : BigInt(1023 + lift) << 52n;
  return floatOfBits(add(exponent, like(exponent, one)));
}

/** The value of an integer constant or broadcast or vector of one constant. */
export function intConstant(e: Expr): bigint | undefined {
  const c = e.kind === "broadcast" ? e.value : e;
  return c.kind === "const" && !isFloat(c.dtype) ? BigInt(c.value) : undefined;
}
/** One lane of a vector, looking through structure. */
export function lane(e: Expr, i: number): Expr {
  if (e.lanes === 1) return e;
  switch (e.kind) {
    case "broadcast":
      return e.value;
    case "ramp": {
      const step = constant(e.dtype, bitsOf(e.dtype) === 64 ? BigInt(i) : i);
      return i === 0 ? e.base : add(e.base, mul(e.stride, step));
    }
    case "shuffle": {
      let at = e.picks[i]!;
      for (const v of e.vectors) {
        if (at < v.lanes) return lane(v, at);
        at -= v.lanes;
      }
      break;
    }
  }
  return shuffle([e], [i]);
}

export const smallest = (e: Expr, d: DType = e.dtype): Expr => like(e, scalarInt(d, minInt(d)), d);
export const largest = (e: Expr, d: DType = e.dtype): Expr => like(e, scalarInt(d, maxInt(d)), d);
export const scalarInt = (d: DType, v: bigint): Scalar => (bitsOf(d) === 64 ? v : Number(v));
/** An integer constant of any integer dtype. */
export const whole = (e: Expr, v: number | bigint, d: DType = e.dtype): Expr => like(e, scalarInt(d, BigInt(v)), d);
export const SIGNED_OF: { readonly [D in DType]?: DType } = { u8: "i8", u16: "i16", u32: "i32", u64: "i64" };
export const UNSIGNED_OF: { readonly [D in DType]?: DType } = { i8: "u8", i16: "u16", i32: "u32", i64: "u64" };
/** The same bits read as unsigned (or as signed). */
export const asUnsigned = (e: Expr): Expr => (isUnsigned(e.dtype) ? e : bitcast(UNSIGNED_OF[e.dtype]!, e));
export const asSigned = (e: Expr): Expr => (isUnsigned(e.dtype) ? bitcast(SIGNED_OF[e.dtype]!, e) : e);
