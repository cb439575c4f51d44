/** Fixed-point operations: saturating, widening, halving, rounding. */
import { bitsOf, type DType, type Expr, isSigned, isUnsigned, op, widened } from "../../ir/index.ts";
import {
  add,
  and,
  asSigned,
  asUnsigned,
  bitcast,
  cast,
  eq,
  gt,
  intConstant,
  largest,
  lt,
  mul,
  ne,
  or,
  satcast,
  select,
  shl,
  shr,
  smallest,
  sub,
  whole,
  xor,
} from "./build.ts";

const isNegative = (e: Expr): Expr => lt(e, whole(e, 0));
/** What an overflow away from `a` saturates to. */
const extremeOf = (a: Expr): Expr => select(isNegative(a), smallest(a), largest(a));

export function expandAddSat(a: Expr, b: Expr): Expr {
  if (bitsOf(a.dtype) < 32) return satcast(a.dtype, add(cast("i32", a), cast("i32", b)));
  const s = add(a, b);
  if (isUnsigned(a.dtype)) return select(lt(s, a), largest(a), s);
  return select(isNegative(and(xor(a, s), xor(b, s))), extremeOf(a), s);
}
export function expandSubSat(a: Expr, b: Expr): Expr {
  if (bitsOf(a.dtype) < 32) return satcast(a.dtype, sub(cast("i32", a), cast("i32", b)));
  const s = sub(a, b);
  if (isUnsigned(a.dtype)) return select(lt(a, b), whole(a, 0), s);
  return select(isNegative(and(xor(a, b), xor(a, s))), extremeOf(a), s);
}
export function expandMulSat(a: Expr, b: Expr): Expr {
  const wide = widened(a.dtype);
  if (wide !== undefined) return satcast(a.dtype, op("widenMul", [a, b]));
  const low = mul(a, b);
  if (isUnsigned(a.dtype)) return select(ne(highProduct(a, b), whole(a, 0)), largest(a), low);
  const overflow = ne(signedHighProduct(a, b), shr(low, 63));
  return select(overflow, extremeOf(xor(a, b)), low);
}
export function expandWiden(o: "widenAdd" | "widenSub" | "widenMul", a: Expr, b: Expr): Expr {
  const wide = widened(a.dtype)!;
  return op(o === "widenAdd" ? "add" : o === "widenSub" ? "sub" : "mul", [cast(wide, a), cast(wide, b)]);
}

/** Common bits, plus half of the bits that differ. */
export const expandHalvingAdd = (a: Expr, b: Expr): Expr => add(and(a, b), shr(xor(a, b), 1));
export const expandRoundingHalvingAdd = (a: Expr, b: Expr): Expr => sub(or(a, b), shr(xor(a, b), 1));

export function expandRoundingShr(a: Expr, b: Expr): Expr {
  const bits = BigInt(bitsOf(a.dtype));
  const one = whole(a, 1);
  const c = intConstant(b);
  if (c !== undefined) {
    const n = Number(BigInt.asUintN(64, c) % bits);
    return n === 0 ? a : add(shr(a, n), and(shr(a, n - 1), one));
  }
  const by = (n: Expr): Expr => op("shr", [a, n]);
  const rounded = add(by(b), and(by(sub(b, one)), one));
  return select(eq(and(b, whole(b, bits - 1n)), whole(b, 0)), a, rounded);
}

export function expandRoundingMulQ(a: Expr, b: Expr): Expr {
  const wide: DType | undefined = widened(a.dtype);
  const bits = bitsOf(a.dtype);
  if (wide !== undefined) {
    const p = op("widenMul", [a, b]);
    return satcast(a.dtype, shr(add(p, whole(p, 1n << BigInt(bits - 2))), bits - 1));
  }
  // (high : low + 2^62) >> 63; only MIN * MIN does not fit
  const low = asUnsigned(mul(a, b));
  const high = signedHighProduct(a, b);
  const top = or(shl(high, 1), bitcast(a.dtype, shr(low, 63)));
  const round = bitcast(a.dtype, and(shr(low, 62), whole(low, 1)));
  const both = and(eq(a, smallest(a)), eq(b, smallest(b)));
  return select(both, largest(a), add(top, round));
}

/** Upper 64 bits of the product of two u64, from products of halves. */
function highProduct(a: Expr, b: Expr): Expr {
  const low = (e: Expr): Expr => and(e, whole(e, 0xffffffffn));
  const [a0, a1, b0, b1] = [low(a), shr(a, 32), low(b), shr(b, 32)];
  const middle = add(mul(a1, b0), shr(mul(a0, b0), 32));
  const other = add(mul(a0, b1), low(middle));
  return add(add(mul(a1, b1), shr(middle, 32)), shr(other, 32));
}
function signedHighProduct(a: Expr, b: Expr): Expr {
  const high = asSigned(highProduct(asUnsigned(a), asUnsigned(b)));
  const ifNegative = (e: Expr, v: Expr): Expr => and(shr(e, 63), v);
  return sub(sub(high, ifNegative(a, b)), ifNegative(b, a));
}

/** min and max of integers without an instruction for it. */
export const expandMinMax = (o: "min" | "max", a: Expr, b: Expr): Expr =>
  select(o === "min" ? lt(a, b) : gt(a, b), a, b);
export const expandAbs = (a: Expr): Expr => (isSigned(a.dtype) ? select(isNegative(a), op("neg", [a]), a) : a);

/** A vector shifted by counts that differ by lane: one conditional shift per bit of the count. */
export function expandVectorShift(o: "shl" | "shr", a: Expr, count: Expr): Expr {
  let r = a;
  for (let k = 1; k < bitsOf(a.dtype); k *= 2) {
    const shifted = o === "shl" ? shl(r, k) : shr(r, k);
    r = select(ne(and(count, whole(count, k)), whole(count, 0)), shifted, r);
  }
  return r;
}
