/** Which conversions keep every value. */
import { bitsOf, type DType, isFloat, isInteger, isSigned, isUnsigned } from "../ir/index.ts";

const MANTISSA: { readonly [D in DType]?: number } = { f16: 11, f32: 24, f64: 53 };

/** Every value of `from` is a value of `to` (NaN payloads aside). */
export function isLossless(from: DType, to: DType): boolean {
  if (from === to || from === "bool") return true;
  if (to === "bool") return false;
  if (isFloat(from)) return isFloat(to) && bitsOf(to) >= bitsOf(from);
  if (isFloat(to)) return bitsOf(from) - (isSigned(from) ? 1 : 0) <= MANTISSA[to]!;
  if (isUnsigned(from))
    return isInteger(to) && (isUnsigned(to) ? bitsOf(to) >= bitsOf(from) : bitsOf(to) > bitsOf(from));
  return isInteger(to) && isSigned(to) && bitsOf(to) >= bitsOf(from);
}
