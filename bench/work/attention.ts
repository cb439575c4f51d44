import { bytesIn, noise, type WorkBase } from "./work.ts";

/** softmax(Q K' / sqrt(width)) V for each head: three matrices of length x width per head, all given at run time. */
export interface Attention extends WorkBase {
  readonly kind: "attention";
  readonly heads: number;
  readonly tokens: number;
  readonly width: number;
  /** heads x tokens x width, as `k` and `v`. */
  readonly q: Float32Array;
  readonly k: Float32Array;
  readonly v: Float32Array;
}

export function attentionOf(tokens: number, width: number, heads: number): Attention {
  const size = heads * tokens * width;
  const [q, k, v] = [noise(size, 11), noise(size, 12), noise(size, 13)];
  const inputs = { Q: q, K: k, V: v };
  return {
    ...{ kind: "attention", heads, tokens, width, q, k, v, inputs },
    length: size,
    // Of the two products; what softmax adds is left out.
    flops: 4 * heads * tokens * tokens * width,
    bytes: bytesIn(inputs) + 4 * size,
    bound: 1e-5,
    at(index) {
      const j = index % width;
      const row = index - j;
      const head = row - (row % (tokens * width));
      const scores = Array.from({ length: tokens }, (_, t) => {
        let s = 0;
        for (let d = 0; d < width; d++) s += q[row + d]! * k[head + t * width + d]!;
        return s / Math.sqrt(width);
      });
      const top = Math.max(...scores);
      let total = 0;
      let sum = 0;
      scores.forEach((s, t) => {
        total += Math.exp(s - top);
        sum += Math.exp(s - top) * v[head + t * width + j]!;
      });
      return sum / total;
    },
  };
}
