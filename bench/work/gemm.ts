import { bytesIn, noise, sumBound, type WorkBase } from "./work.ts";

/** C = A B, row-major. */
export interface Gemm extends WorkBase {
  readonly kind: "gemm";
  readonly m: number;
  readonly n: number;
  readonly k: number;
  /** B is known ahead of time, so that it may be packed once; otherwise it comes anew with every call. */
  readonly constant: boolean;
  /** m x k. */
  readonly a: Float32Array;
  /** k x n. */
  readonly b: Float32Array;
}

export function gemmOf(m: number, n: number, k: number, constant = false): Gemm {
  const [a, b] = [noise(m * k, 1), noise(k * n, 2)];
  const inputs = { A: a, B: b };
  return {
    ...{ kind: "gemm", m, n, k, constant, a, b, inputs },
    length: m * n,
    flops: 2 * m * n * k,
    bytes: bytesIn(inputs) + 4 * m * n,
    bound: sumBound(k),
    at(index) {
      const [i, j] = [Math.floor(index / n), index % n];
      let s = 0;
      for (let r = 0; r < k; r++) s += a[i * k + r]! * b[r * n + j]!;
      return s;
    },
  };
}
