/** f16 values as the 16 bits that memory holds, and back. */
import { roundToF16 } from "./expr.ts";

const view = new DataView(new ArrayBuffer(8));

/** The bits of the nearest f16 (halves to even): `toBits16(1) === 0x3c00`. NaN becomes 0x7e00. */
export function toBits16(x: number): number {
  if (Number.isNaN(x)) return 0x7e00;
  const r = roundToF16(x);
  const sign = r < 0 || Object.is(r, -0) ? 0x8000 : 0;
  const a = Math.abs(r);
  if (a === 0) return sign;
  if (a === Infinity) return sign | 0x7c00;
  if (a < 2 ** -14) return sign | (a * 2 ** 24);
  // a normal f16: its ten mantissa bits are the top ten of the f64 mantissa
  view.setFloat64(0, a);
  const high = view.getUint32(0);
  return sign | ((((high >>> 20) & 0x7ff) - 1023 + 15) << 10) | ((high >>> 10) & 0x3ff);
}

/** The value of 16 bits read as f16: `fromBits16(0x3c00) === 1`. */
export function fromBits16(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >>> 10) & 0x1f;
  const mantissa = bits & 0x3ff;
  if (exponent === 0) return sign * mantissa * 2 ** -24;
  if (exponent === 31) return mantissa === 0 ? sign * Infinity : NaN;
  return sign * (1024 + mantissa) * 2 ** (exponent - 25);
}
