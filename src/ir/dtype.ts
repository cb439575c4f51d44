/** The element types of tensors and expressions, and the plain facts about each. */

export type DType = "f64" | "f32" | "f16" | "i64" | "i32" | "i16" | "i8" | "u64" | "u32" | "u16" | "u8" | "bool";

/** A scalar value of any dtype: `bigint` for i64 and u64, `number` for all others (bool is 0 or 1). */
export type Scalar = number | bigint;

interface DTypeInfo {
  readonly bytes: number;
  readonly bits: number;
  readonly kind: "float" | "int" | "uint" | "bool";
}

const INFO: { readonly [D in DType]: DTypeInfo } = {
  f64: { bytes: 8, bits: 64, kind: "float" },
  f32: { bytes: 4, bits: 32, kind: "float" },
  f16: { bytes: 2, bits: 16, kind: "float" },
  i64: { bytes: 8, bits: 64, kind: "int" },
  i32: { bytes: 4, bits: 32, kind: "int" },
  i16: { bytes: 2, bits: 16, kind: "int" },
  i8: { bytes: 1, bits: 8, kind: "int" },
  u64: { bytes: 8, bits: 64, kind: "uint" },
  u32: { bytes: 4, bits: 32, kind: "uint" },
  u16: { bytes: 2, bits: 16, kind: "uint" },
  u8: { bytes: 1, bits: 8, kind: "uint" },
  bool: { bytes: 1, bits: 1, kind: "bool" },
};

export const DTYPES = Object.keys(INFO) as readonly DType[];

export const isDType = (d: string): d is DType => Object.hasOwn(INFO, d);
/** Bytes of one element in memory (bool takes one). */
export const bytesOf = (d: DType): number => INFO[d].bytes;
export const bitsOf = (d: DType): number => INFO[d].bits;
export const isFloat = (d: DType): boolean => INFO[d].kind === "float";
/** Signed or unsigned integer; bool is not one. */
export const isInteger = (d: DType): boolean => INFO[d].kind === "int" || INFO[d].kind === "uint";
export const isSigned = (d: DType): boolean => INFO[d].kind === "int" || INFO[d].kind === "float";
export const isUnsigned = (d: DType): boolean => INFO[d].kind === "uint";
/** Whether values of this dtype are JavaScript bigints. */
export const isBig = (d: DType): boolean => d === "i64" || d === "u64";

/** Smallest value of an integer dtype (bool: 0), as a bigint. */
export function minInt(d: DType): bigint {
  return INFO[d].kind === "int" ? -(1n << BigInt(bitsOf(d) - 1)) : 0n;
}
/** Largest value of an integer dtype (bool: 1), as a bigint. */
export function maxInt(d: DType): bigint {
  const b = BigInt(bitsOf(d));
  return INFO[d].kind === "int" ? (1n << (b - 1n)) - 1n : (1n << b) - 1n;
}

/** The integer dtype of twice the width and the same signedness; undefined for 64-bit, bool and floats. */
export function widened(d: DType): DType | undefined {
  const to: { readonly [D in DType]?: DType } = {
    i8: "i16",
    i16: "i32",
    i32: "i64",
    u8: "u16",
    u16: "u32",
    u32: "u64",
  };
  return to[d];
}
