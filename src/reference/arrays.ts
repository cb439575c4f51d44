/** Typed arrays by dtype: f16 as Uint16Array of bits, bool as Uint8Array, 64-bit integers as BigInt arrays. */
import { type DType, fromBits16, isFloat, type Scalar, TilewrightError, toBits16 } from "../ir/index.ts";

export type TypedArrayLike =
  | Float64Array
  | Float32Array
  | Int32Array
  | Uint32Array
  | Int16Array
  | Uint16Array
  | Int8Array
  | Uint8Array
  | Uint8ClampedArray
  | BigInt64Array
  | BigUint64Array;

/** A wrong access or argument found while a program was carried out by an oracle. */
export class InterpretError extends TilewrightError {
  override name = "InterpretError";
  constructor(message: string, code: "interpret" | "size-range" = "interpret") {
    super(code, message);
  }
}

/** A record by name, as inputs and options are. */
export const isRecord = (x: unknown): boolean =>
  typeof x === "object" && x !== null && !Array.isArray(x) && !ArrayBuffer.isView(x);

const CONSTRUCTORS = {
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
} as const;

/** A new array of n zeros that holds values of this dtype. */
export const arrayFor = (dtype: DType, n: number): TypedArrayLike => new CONSTRUCTORS[dtype](n);

/** Whether an array has the right element type for a dtype. */
export const holds = (dtype: DType, a: TypedArrayLike): boolean =>
  a instanceof CONSTRUCTORS[dtype] || (dtype === "u8" && a instanceof Uint8ClampedArray);

/** The value of element i. */
export function readElement(dtype: DType, a: TypedArrayLike, i: number): Scalar {
  const x = a[i]!;
  return dtype === "f16" ? fromBits16(x as number) : dtype === "bool" ? (x ? 1 : 0) : x;
}
export function writeElement(dtype: DType, a: TypedArrayLike, i: number, v: Scalar): void {
  (a as { [i: number]: Scalar })[i] = dtype === "f16" ? toBits16(v as number) : v;
}

/** Makes what was never written stand out: NaN in floats, bytes of 0xa5 in integers. */
export function fillGarbage(dtype: DType, a: TypedArrayLike): void {
  if (dtype === "f16") (a as Uint16Array).fill(0x7e5a);
  else if (isFloat(dtype)) (a as Float64Array).fill(NaN);
  else new Uint8Array(a.buffer, a.byteOffset, a.byteLength).fill(0xa5);
}

/** Array of these values, rounded or wrapped by the element type as assignment to a typed array does. */
export function arrayOf(dtype: DType, values: readonly Scalar[]): TypedArrayLike {
  const a = arrayFor(dtype, values.length);
  values.forEach((v, i) => {
    writeElement(dtype, a, i, v);
  });
  return a;
}
