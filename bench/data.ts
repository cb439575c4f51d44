/** The work that everybody is given, its data, and how answers are compared. */

export interface Gemm {
  readonly kind: "gemm";
  readonly m: number;
  readonly n: number;
  readonly k: number;
  /** m x k, row-major. */
  readonly a: Float32Array;
  /** k x n, row-major. */
  readonly b: Float32Array;
}

/** A 2-d convolution over NHWC data, with bias and relu6. Padding is `(size - 1) / 2` on each side. */
export interface Conv {
  readonly kind: "conv";
  readonly height: number;
  readonly width: number;
  readonly cin: number;
  readonly cout: number;
  /** Side of the square filter, odd. */
  readonly size: number;
  readonly stride: number;
  /** One filter per channel (cin = cout) instead of a dense one. */
  readonly depthwise: boolean;
  /** height x width x cin. */
  readonly x: Float32Array;
  /** size x size x cin x cout; size x size x cin when depthwise. */
  readonly w: Float32Array;
  readonly bias: Float32Array;
}

/** Deterministic values in [-1, 1). */
export function noise(length: number, seed: number): Float32Array {
  let s = (seed * 2654435761) >>> 0 || 1;
  return Float32Array.from({ length }, () => {
    s ^= s << 13;
    s ^= s >>> 17;
    s ^= s << 5;
    return (s | 0) / 2 ** 31;
  });
}

export const gemmOf = (m: number, n: number, k: number): Gemm => ({
  ...{ kind: "gemm", m, n, k },
  a: noise(m * k, 1),
  b: noise(k * n, 2),
});

export type ConvShape = Pick<Conv, "height" | "width" | "cin" | "cout" | "size" | "stride" | "depthwise">;

export const convOf = (s: ConvShape): Conv => ({
  ...{ kind: "conv", ...s },
  x: noise(s.height * s.width * s.cin, 3),
  w: noise(s.size * s.size * s.cin * (s.depthwise ? 1 : s.cout), 4),
  bias: noise(s.cout, 5),
});

export const outSize = (extent: number, stride: number): number => Math.floor((extent - 1) / stride) + 1;

/** Multiplications and additions, counted apart. */
export function flopsOf(work: Gemm | Conv): number {
  if (work.kind === "gemm") return 2 * work.m * work.n * work.k;
  const points = outSize(work.height, work.stride) * outSize(work.width, work.stride) * work.cout;
  return 2 * points * work.size * work.size * (work.depthwise ? 1 : work.cin);
}

/** Terms summed up in one element of the result: what rounding errors grow with. */
const termsOf = (work: Gemm | Conv): number =>
  work.kind === "gemm" ? work.k : work.size * work.size * (work.depthwise ? 1 : work.cin);

/**
 * Whether two answers to the same work agree; otherwise where they differ first.
 * The bound is that of any order of summation of values below 1 (terms * terms' rounding), taken loosely; a wrong index is far outside.
 */
export function difference(work: Gemm | Conv, got: Float32Array, want: Float32Array): string | undefined {
  if (got.length !== want.length) return `${got.length} elements instead of ${want.length}`;
  const terms = termsOf(work);
  const bound = 2 ** -23 * terms * Math.max(1, Math.sqrt(terms));
  for (let i = 0; i < got.length; i++) {
    if (!(Math.abs(got[i]! - want[i]!) <= bound)) return `element ${i} is ${got[i]} instead of ${want[i]}`;
  }
  return undefined;
}

/** A few elements computed in f64, straight from the definition: [index, value]. */
export function sample(work: Gemm | Conv, count = 50): readonly (readonly [number, number])[] {
  const total =
    work.kind === "gemm"
      ? work.m * work.n
      : outSize(work.height, work.stride) * outSize(work.width, work.stride) * work.cout;
  const at = work.kind === "gemm" ? gemmAt : convAt;
  return Array.from({ length: count }, (_, i) => {
    const index = Math.floor((i * (total - 1)) / Math.max(1, count - 1));
    return [index, at(work as Gemm & Conv, index)] as const;
  });
}

function gemmAt(g: Gemm, index: number): number {
  const [i, j] = [Math.floor(index / g.n), index % g.n];
  let s = 0;
  for (let k = 0; k < g.k; k++) s += g.a[i * g.k + k]! * g.b[k * g.n + j]!;
  return s;
}

function convAt(c: Conv, index: number): number {
  const o = index % c.cout;
  const p = Math.floor(index / c.cout);
  const wide = outSize(c.width, c.stride);
  const [py, px] = [Math.floor(p / wide), p % wide];
  const pad = (c.size - 1) / 2;
  let s = c.bias[o]!;
  for (let dy = 0; dy < c.size; dy++) {
    for (let dx = 0; dx < c.size; dx++) {
      const [y, x] = [py * c.stride + dy - pad, px * c.stride + dx - pad];
      if (y < 0 || x < 0 || y >= c.height || x >= c.width) continue;
      const pixel = (y * c.width + x) * c.cin;
      const tap = dy * c.size + dx;
      if (c.depthwise) s += c.x[pixel + o]! * c.w[tap * c.cin + o]!;
      else for (let i = 0; i < c.cin; i++) s += c.x[pixel + i]! * c.w[(tap * c.cin + i) * c.cout + o]!;
    }
  }
  return Math.min(6, Math.max(0, s));
}

/** Whether an answer agrees with the definition at sampled places; otherwise where it does not. */
export function wrong(work: Gemm | Conv, got: Float32Array): string | undefined {
  const bound = 2 ** -23 * termsOf(work) * Math.max(1, Math.sqrt(termsOf(work)));
  for (const [i, v] of sample(work)) {
    if (!(Math.abs(got[i]! - v) <= bound)) return `element ${i} is ${got[i]} instead of ${v}`;
  }
  return undefined;
}
