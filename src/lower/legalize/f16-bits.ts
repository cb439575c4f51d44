/** f16 by the arithmetic of f32 and integers: rounding to it, and its bits. A rounded value is held as the f32 of the same value. */
import type { Expr } from "../../ir/index.ts";
import {
  abs,
  add,
  and,
  bitcast,
  bitsOfFloat,
  cast,
  eq,
  type Fp,
  floatOfBits,
  fpOf,
  ge,
  INTS_OF,
  like,
  lt,
  MANTISSA_BITS,
  mul,
  or,
  pmax,
  pmin,
  select,
  shl,
  shr,
  signBit,
  sub,
  withSign,
} from "./build.ts";

const EXPONENT = { f32: 0x7f800000, f64: 0x7ff0000000000000n } as const;

/**
 * The nearest f16 (halves to even, subnormals included, overflow to infinity, NaN stays) of an f32 or f64, as an f32.
 *
 * Adding and subtracting a power of two rounds to a multiple of its last bit: here the one whose last bit is that of an f16
 * with the exponent of x.
 */
export function roundToHalf(x: Expr): Expr {
  const t: Fp = fpOf(x);
  const bits = INTS_OF[t];
  const sign = signBit(x);
  // all of 65520 and more becomes infinity; the bound keeps the exponent below from overflowing
  const a = pmin(abs(x), like(x, 2 ** 17));
  const exponent = and(bitsOfFloat(pmax(a, like(x, 2 ** -14))), like(x, EXPONENT[t], bits));
  const up = MANTISSA_BITS[t] - 10;
  const step = t === "f32" ? like(x, up << 23, bits) : like(x, BigInt(up) << 52n, bits);
  const c = floatOfBits(add(exponent, step));
  const r = sub(add(a, c), c);
  const y = withSign(select(ge(r, like(x, 65536)), like(x, Infinity), r), sign);
  return cast("f32", y);
}

/** The 16 bits (u16) of a value that is an f16 already. Every NaN becomes 0x7e00. */
export function toHalfBits(x: Expr): Expr {
  const a = abs(x);
  const u = (v: number): Expr => like(x, v, "u32");
  const raw = (e: Expr): Expr => bitcast("u32", e);
  const normal = sub(shr(raw(a), 13), u(112 << 10));
  // adding 1/2 aligns the mantissa of a subnormal with the last bits of the f32
  const small = sub(raw(add(a, like(x, 0.5))), u(0x3f000000));
  const finite = select(lt(a, like(x, 2 ** -14)), small, normal);
  const magnitude = select(lt(a, like(x, Infinity)), finite, u(0x7c00));
  const signed = or(magnitude, and(shr(raw(x), 16), u(0x8000)));
  return cast("u16", select(eq(x, x), signed, u(0x7e00)));
}

/** The f32 value of 16 bits (u16) read as an f16. */
export function fromHalfBits(h: Expr): Expr {
  const w = cast("u32", h);
  const u = (v: number): Expr => like(h, v, "u32");
  const magnitude = and(w, u(0x7fff));
  const shifted = shl(magnitude, 13);
  const f = (e: Expr): Expr => bitcast("f32", e);
  const normal = f(add(shifted, u(112 << 23)));
  const subnormal = mul(cast("f32", bitcast("i32", magnitude)), like(h, 2 ** -24, "f32"));
  const special = f(or(shifted, u(0x7f800000)));
  const a = select(lt(magnitude, u(0x400)), subnormal, select(lt(magnitude, u(0x7c00)), normal, special));
  return f(or(bitcast("u32", a), shl(and(w, u(0x8000)), 16)));
}
