/** Conversions between dtypes, and comparisons that need another dtype. */
import {
  bitsOf,
  type DType,
  type Expr,
  isFloat,
  isInteger,
  isSigned,
  maxInt,
  minInt,
  type OpName,
  op,
} from "../../ir/index.ts";
import { add, and, bitcast, cast, like, ne, not, or, satcast, shr, sub, whole, xor } from "./build.ts";

/** Saturating integer conversion: clamp as far as the ranges differ, then wrap. */
export function expandSatcast(x: Expr, to: DType): Expr {
  const from = x.dtype;
  if (!isInteger(to) || !isInteger(from)) return cast(to, x);
  const vector = x.lanes > 1;
  // the narrowing instructions halve the width, and saturating twice is saturating once
  if (vector && from === "i32" && bitsOf(to) === 8) return satcast(to, satcast("i16", x));
  let r = x;
  if (minInt(to) > minInt(from)) r = op("max", [r, whole(x, minInt(to))]);
  if (maxInt(to) < maxInt(from)) r = op("min", [r, whole(x, maxInt(to))]);
  return cast(to, r);
}

/** A cast that has no instruction; undefined: lane by lane. */
export function expandCast(x: Expr, to: DType): Expr | undefined {
  const from = x.dtype;
  if (from === to) return x;
  if (to === "bool") return ne(x, like(x, bitsOf(from) === 64 && !isFloat(from) ? 0n : 0));
  if (isFloat(from)) return bitsOf(to) < 32 ? satcast(to, cast("i32", x)) : undefined;
  if (bitsOf(from) < 32) return cast(to, cast("i32", x));
  if (to === "f64") return wideToF64(x);
  return undefined;
}

/**
 * A 64-bit integer as f64: its halves as the mantissas of two doubles of known exponent; their sum is rounded once.
 */
function wideToF64(x: Expr): Expr {
  const u = bitcast("u64", x);
  // a signed high half counts from -2^31
  const offset = isSigned(x.dtype) ? 2n ** 31n : 0n;
  const low = bitcast("f64", or(and(u, whole(u, 0xffffffffn)), whole(u, 0x4330000000000000n)));
  const high = bitcast("f64", xor(shr(u, 32), whole(u, 0x4530000000000000n | offset)));
  const bias = 2 ** 84 + 2 ** 52 + (isSigned(x.dtype) ? 2 ** 63 : 0);
  return add(sub(high, like(high, bias)), low);
}

/** Comparisons of bools. */
export function compareBools(o: OpName, a: Expr, b: Expr): Expr {
  switch (o) {
    case "eq":
      return not(xor(a, b));
    case "ne":
      return xor(a, b);
    case "lt":
      return and(not(a), b);
    case "le":
      return or(not(a), b);
    case "gt":
      return and(a, not(b));
    default:
      return or(a, not(b));
  }
}
/** Order of u64 vectors: that of i64 with the sign bit flipped. */
export function compareUnsigned(o: OpName, a: Expr, b: Expr): Expr {
  const flip = (e: Expr): Expr => xor(bitcast("i64", e), whole(e, -(1n << 63n), "i64"));
  return op(o, [flip(a), flip(b)]);
}
