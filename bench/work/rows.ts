import { bytesIn, noise, type WorkBase } from "./work.ts";

/** Softmax over each row of a matrix. */
export interface Softmax extends WorkBase {
  readonly kind: "softmax";
  readonly rows: number;
  readonly columns: number;
  readonly x: Float32Array;
}
/** Layer normalization of each row, with a scale and a bias per column. */
export interface LayerNorm extends WorkBase {
  readonly kind: "layerNorm";
  readonly rows: number;
  readonly columns: number;
  readonly x: Float32Array;
  readonly scale: Float32Array;
  readonly bias: Float32Array;
}
export const EPSILON = 1e-5;

export function softmaxOf(rows: number, columns: number): Softmax {
  const x = noise(rows * columns, 6).map((v) => 4 * v);
  const length = rows * columns;
  return {
    ...{ kind: "softmax", rows, columns, x, inputs: { X: x }, length },
    flops: undefined,
    bytes: 8 * length,
    bound: 1e-6,
    at(index) {
      const row = x.subarray(index - (index % columns), index - (index % columns) + columns);
      const top = row.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
      let total = 0;
      for (const v of row) total += Math.exp(v - top);
      return Math.exp(x[index]! - top) / total;
    },
  };
}

export function layerNormOf(rows: number, columns: number): LayerNorm {
  const [x, scale, bias] = [noise(rows * columns, 7), noise(columns, 8), noise(columns, 9)];
  const inputs = { X: x, scale, bias };
  const length = rows * columns;
  return {
    ...{ kind: "layerNorm", rows, columns, x, scale, bias, inputs, length },
    flops: undefined,
    bytes: bytesIn(inputs) + 4 * length,
    bound: 1e-5,
    at(index) {
      const column = index % columns;
      const row = x.subarray(index - column, index - column + columns);
      let mean = 0;
      for (const v of row) mean += v / columns;
      let variance = 0;
      for (const v of row) variance += (v - mean) ** 2 / columns;
      return ((x[index]! - mean) / Math.sqrt(variance + EPSILON)) * scale[column]! + bias[column]!;
    },
  };
}
