/** Integer division in all its forms. Total everywhere: x / 0 and x % 0 are 0, MIN / -1 is MIN. */
import { bitsOf, type Expr, isSigned, type OpName, op } from "../../ir/index.ts";
import {
  add,
  and,
  asSigned,
  asUnsigned,
  bitcast,
  cast,
  div,
  eq,
  intConstant,
  like,
  lt,
  MAGIC,
  mul,
  ne,
  neg,
  or,
  select,
  shr,
  smallest,
  sub,
  whole,
  xor,
} from "./build.ts";

export type DivOp = "floordiv" | "floormod" | "truncdiv" | "truncrem";
/** What is known of operands beyond their dtype; proofs of the caller's. */
export interface Facts {
  readonly nonNegative?: (e: Expr) => boolean;
  readonly positive?: (e: Expr) => boolean;
}
const quotientOf: { readonly [O in DivOp]: "floordiv" | "truncdiv" } = {
  floordiv: "floordiv",
  floormod: "floordiv",
  truncdiv: "truncdiv",
  truncrem: "truncdiv",
};
const isQuotient = (o: OpName): boolean => o === "floordiv" || o === "truncdiv";

/** The exponent of a positive power of two. */
function log2(v: bigint | undefined): number | undefined {
  return v !== undefined && v > 0n && (v & (v - 1n)) === 0n ? v.toString(2).length - 1 : undefined;
}

/** Divisors and sizes that cannot be 0 or negative, by their form alone. */
export function evidentlyPositive(e: Expr): boolean {
  const c = intConstant(e);
  if (c !== undefined) return c > 0n;
  return e.kind === "var" && e.size !== undefined && e.size.min > 0;
}

/** The divisor with every value that would trap replaced by 1. */
function guarded(o: DivOp, a: Expr, b: Expr): Expr {
  const zero = eq(b, whole(b, 0));
  const traps = o === "truncdiv" && isSigned(b.dtype) ? or(zero, and(eq(a, smallest(a)), eq(b, whole(b, -1)))) : zero;
  return select(traps, whole(b, 1), b);
}
/** Whether a scalar truncdiv or truncrem of 32 or 64 bits can stay: its divisor never traps. */
export function divisionIsSafe(o: "truncdiv" | "truncrem", a: Expr, b: Expr, facts: Facts): boolean {
  const c = intConstant(b);
  if (c !== undefined) return c !== 0n && (c !== -1n || o === "truncrem");
  if (evidentlyPositive(b) || facts.positive?.(b)) return true;
  return b.kind === "op" && b.op === "select" && b === guarded(o, a, b.args[2]!);
}

/** By a power of two: shifts and masks. */
function byPowerOfTwo(o: DivOp, a: Expr, k: number): Expr {
  const bits = bitsOf(a.dtype);
  const mask = whole(a, (1n << BigInt(k)) - 1n);
  if (!isSigned(a.dtype) || o === "floordiv" || o === "floormod") return isQuotient(o) ? shr(a, k) : and(a, mask);
  if (k === 0) return o === "truncdiv" ? a : whole(a, 0);
  // towards zero: a negative dividend is first raised by 2^k - 1
  const bias = bitcast(a.dtype, shr(asUnsigned(shr(a, bits - 1)), bits - k));
  const raised = add(a, bias);
  return o === "truncdiv" ? shr(raised, k) : sub(a, and(raised, whole(a, -(1n << BigInt(k)))));
}

export function expandDivision(o: DivOp, a: Expr, b: Expr, facts: Facts): Expr {
  const c = intConstant(b);
  if (c === 0n) return whole(a, 0);
  const k = log2(c);
  if (k !== undefined && (a.lanes > 1 || o === "floordiv" || o === "floormod" || !isSigned(a.dtype)))
    return byPowerOfTwo(o, a, k);
  if (c === -1n) return isQuotient(o) ? neg(a) : whole(a, 0);
  return a.lanes > 1 ? vectorDivision(o, a, b, c) : scalarDivision(o, a, b, c, facts);
}

function scalarDivision(o: DivOp, a: Expr, b: Expr, c: bigint | undefined, facts: Facts): Expr {
  if (bitsOf(a.dtype) < 32) return cast(a.dtype, op(o, [cast("i32", a), cast("i32", b)]));
  const positive = evidentlyPositive(b) || (facts.positive?.(b) ?? false);
  const signed = isSigned(a.dtype);
  if (o === "floordiv" || o === "floormod") {
    if (!signed || (positive && facts.nonNegative?.(a))) return op(o === "floordiv" ? "truncdiv" : "truncrem", [a, b]);
    if (positive) {
      // floor(a / b) = ~(~a / b) for negative a, and ~a is not negative: one unsigned division
      const sign = shr(a, bitsOf(a.dtype) - 1);
      const dividend = asUnsigned(xor(a, sign));
      const q = op("truncdiv", [dividend, c === undefined ? asUnsigned(b) : whole(dividend, c)]);
      const quotient = xor(asSigned(q), sign);
      return o === "floordiv" ? quotient : sub(a, mul(quotient, b));
    }
    const q = op("truncdiv", [a, b]);
    const r = sub(a, mul(q, b));
    const crosses = and(ne(r, whole(a, 0)), lt(xor(r, b), whole(a, 0)));
    const value = o === "floordiv" ? sub(q, cast(a.dtype, crosses)) : select(crosses, add(r, b), r);
    return c !== undefined ? value : select(eq(b, whole(b, 0)), whole(a, 0), value);
  }
  // x rem 1 is 0, as x rem 0 is to be
  const q = op(o, [a, guarded(o, a, b)]);
  return o === "truncrem" ? q : select(eq(b, whole(b, 0)), whole(a, 0), q);
}

/**
 * `x // c` as the high half of a product (Granlund and Montgomery, 1994): exact for all x below 2^bits when
 * factor * c exceeds 2^(bits + shift) by at most 2^shift. Undefined for the divisors whose factor takes one bit more.
 */
function reciprocal(c: bigint, bits: number): { factor: bigint; shift: number } | undefined {
  for (let shift = 0; shift < bits; shift++) {
    const power = 1n << BigInt(bits + shift);
    const factor = (power + c - 1n) / c;
    if (factor >> BigInt(bits) !== 0n) return undefined;
    if (factor * c - power <= 1n << BigInt(shift)) return { factor, shift };
  }
  return undefined;
}

/**
 * Division of vectors of up to 32 bits by way of floats: f32 has 24 bits for operands of 16, f64 has 53 for operands of 32, so
 * a rounded quotient never reaches a whole number that the true one does not.
 */
function vectorDivision(o: DivOp, a: Expr, b: Expr, c: bigint | undefined): Expr {
  const high = c !== undefined && !isSigned(a.dtype) ? reciprocal(c, bitsOf(a.dtype)) : undefined;
  if (high !== undefined) {
    const q = cast(a.dtype, shr(op("widenMul", [a, whole(a, high.factor)]), bitsOf(a.dtype) + high.shift));
    return isQuotient(o) ? q : sub(a, mul(q, b));
  }
  const float = bitsOf(a.dtype) === 32 ? "f64" : "f32";
  const up = (e: Expr): Expr => cast(float, e);
  const [fa, fb] = [up(a), up(b)];
  let q: Expr;
  if (c !== undefined && quotientOf[o] === "floordiv") {
    // a + 1/2 keeps clear of whole quotients by half the divisor's reciprocal: more than two roundings lose
    const half = like(fa, 0.5);
    const near = c > 0n ? add(fa, half) : sub(half, fa);
    q = op("floor", [mul(near, like(fa, 1 / Math.abs(Number(c))))]);
  } else q = op(quotientOf[o] === "floordiv" ? "floor" : "trunc", [div(fa, fb)]);
  // exact: both terms are whole and small
  const result = isQuotient(o) ? q : sub(fa, mul(q, fb));
  const r = wrapToInt(result, a);
  return c !== undefined ? r : select(eq(b, whole(b, 0)), whole(a, 0), r);
}

/** A whole float, below 2^33 in magnitude, as an integer of a's dtype, wrapping. */
function wrapToInt(f: Expr, a: Expr): Expr {
  if (f.dtype === "f32") return cast(a.dtype, cast("i32", f));
  return cast(a.dtype, bitcast("i64", add(f, like(f, MAGIC.f64))));
}
