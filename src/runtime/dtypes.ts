/** JavaScript's side of the dtypes: typed arrays, and the numbers that scalars are passed as. */
import type { DType } from "../ir/index.ts";
import { className } from "./errors.ts";
import type { AnyArray } from "./types.ts";

interface ArrayClass {
  readonly BYTES_PER_ELEMENT: number;
  readonly name: string;
  new (length: number): AnyArray;
  new (buffer: ArrayBufferLike, byteOffset: number, length: number): AnyArray;
}
const CLASS: { readonly [D in DType]: ArrayClass } = {
  f64: Float64Array,
  f32: Float32Array,
  f16: Uint16Array,
  i64: BigInt64Array,
  i32: Int32Array,
  i16: Int16Array,
  i8: Int8Array,
  u64: BigUint64Array,
  u32: Uint32Array,
  u16: Uint16Array,
  u8: Uint8Array,
  bool: Uint8Array,
};
/** Other classes whose bytes mean the same. */
const ALSO: { readonly [D in DType]?: string } = { f16: "Float16Array", u8: "Uint8ClampedArray" };

export const isDType = (d: unknown): d is DType => Object.hasOwn(CLASS, d as DType);
export const elementBytes = (d: DType): number => CLASS[d].BYTES_PER_ELEMENT;
/** The name of the typed array class, e.g. `Float32Array`. */
export const arrayName = (d: DType): string => CLASS[d].name;
export const arrayNames = (d: DType): string => (ALSO[d] ? `${CLASS[d].name} or ${ALSO[d]}` : CLASS[d].name);
export const newArray = (d: DType, length: number): AnyArray => new CLASS[d](length);
export const viewAt = (d: DType, buffer: ArrayBufferLike, byteOffset: number, length: number): AnyArray =>
  new CLASS[d](buffer, byteOffset, length);

export function holds(d: DType, x: unknown): x is AnyArray {
  if (!ArrayBuffer.isView(x)) return false;
  if (x instanceof CLASS[d]) return true;
  const c = className(x);
  return c === CLASS[d].name || c === ALSO[d];
}
/** The same bytes as the dtype's own class (a Float16Array as the bits it holds). */
export const asOwnClass = (d: DType, x: AnyArray): AnyArray =>
  ALSO[d] !== undefined && className(x) !== CLASS[d].name ? viewAt(d, x.buffer, x.byteOffset, x.length) : x;

/** Whether an array of the dtype holds the value as it is. */
function survives(d: DType, v: number | bigint): boolean {
  const one: { [i: number]: number | bigint } = newArray(d, 1);
  one[0] = v;
  return one[0] === v;
}
/** The value a scalar parameter is passed as, or a sentence saying what was expected. */
export function scalarValue(d: DType, v: unknown): number | bigint | { readonly expected: string } {
  switch (d) {
    case "f64":
    case "f32":
    case "f16":
      return typeof v !== "number" ? { expected: "a number" } : d === "f16" ? f16Bits(v) : v;
    case "bool":
      if (v === true || v === 1) return 1;
      return v === false || v === 0 ? 0 : { expected: "true, false, 1 or 0" };
    case "i64":
    case "u64": {
      const b = typeof v === "number" && Number.isSafeInteger(v) ? BigInt(v) : v;
      return typeof b === "bigint" && survives(d, b) ? b : { expected: `a bigint that fits ${d}` };
    }
    default:
      return typeof v === "number" && survives(d, v) ? v : { expected: `a whole number that fits ${d}` };
  }
}

const scratch = new DataView(new ArrayBuffer(8));
/** The bits of the nearest f16, halves to even. */
export function f16Bits(v: number): number {
  scratch.setFloat64(0, v);
  const high = scratch.getUint32(0);
  const sign = (high >>> 16) & 0x8000;
  const a = Math.abs(v);
  if (Number.isNaN(v)) return 0x7e00;
  if (a >= 65520) return sign | 0x7c00;
  const e = Math.max(((high >>> 20) & 0x7ff) - 1023, -14);
  const q = a / 2 ** (e - 10);
  // Adding and removing 2^52 rounds to whole numbers, halves to even. The implicit bit is 1024 here, so that a carry (or
  // a subnormal's lack of it) lands in the exponent by itself.
  return sign | (((e + 14) << 10) + (q + 2 ** 52 - 2 ** 52));
}
