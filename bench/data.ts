/** Arrays with a dtype and a shape, and the same in other layouts. */

export const ARRAYS = {
  f32: Float32Array,
  f64: Float64Array,
  i32: Int32Array,
  u32: Uint32Array,
  i64: BigInt64Array,
  i16: Int16Array,
  u16: Uint16Array,
  i8: Int8Array,
  u8: Uint8Array,
  bool: Uint8Array,
} as const;
export type DType = keyof typeof ARRAYS;
export type TypedArray =
  | Float32Array
  | Float64Array
  | Int32Array
  | Uint32Array
  | BigInt64Array
  | Int16Array
  | Uint16Array
  | Int8Array
  | Uint8Array;

/** An array in row-major order. */
export interface Data {
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly data: TypedArray;
}
export const sizeOf = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);
export function data(dtype: DType, shape: readonly number[], values: readonly number[]): Data {
  if (values.length !== sizeOf(shape)) throw new Error(`${values.length} values for [${shape}]`);
  if (dtype === "i64") return { dtype, shape, data: BigInt64Array.from(values, (x) => BigInt(x)) };
  return { dtype, shape, data: ARRAYS[dtype].from(values) };
}
export const int64 = (...values: readonly number[]): Data => data("i64", [values.length], values);
export const float32 = (...values: readonly number[]): Data => data("f32", [values.length], values);
export const single = (dtype: DType, value: number): Data => data(dtype, [], [value]);

/** Axis d of the result is axis order[d]. */
export function transposed(x: Data, order: readonly number[]): Data {
  const shape = order.map((d) => x.shape[d]!);
  const strides = x.shape.map((_, d) => sizeOf(x.shape.slice(d + 1)));
  const values = Array.from({ length: x.data.length }, (_, flat) => {
    let rest = flat;
    let at = 0;
    for (let d = order.length - 1; d >= 0; d--) {
      at += (rest % shape[d]!) * strides[order[d]!]!;
      rest = Math.floor(rest / shape[d]!);
    }
    return Number(x.data[at]!);
  });
  return data(x.dtype, shape, values);
}
const inner = (x: Data, first: number): number[] => Array.from({ length: x.shape.length - 2 }, (_, d) => d + first);
/** [n, ..., C] as [n, C, ...]. */
export const channelsFirst = (x: Data): Data => transposed(x, [0, x.shape.length - 1, ...inner(x, 1)]);
/** [n, C, ...] as [n, ..., C]. */
export const channelsLast = (x: Data): Data => transposed(x, [0, ...inner(x, 2), 1]);
export const reshaped = (x: Data, shape: readonly number[]): Data => ({ ...x, shape });
