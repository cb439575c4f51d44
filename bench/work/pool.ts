import { noise, type WorkBase } from "./work.ts";

export interface PoolShape {
  readonly of: "max" | "average";
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  /** Side of the square window; undefined for the whole picture. */
  readonly size?: number;
  readonly stride?: number;
  readonly pad?: number;
}
/** Pooling of one NHWC image. Averages are without padding. */
export interface Pool extends WorkBase {
  readonly kind: "pool";
  readonly of: "max" | "average";
  readonly global: boolean;
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  readonly size: number;
  readonly stride: number;
  readonly pad: number;
  readonly outHeight: number;
  readonly outWidth: number;
  /** height x width x channels. */
  readonly x: Float32Array;
}

export function poolOf(s: PoolShape): Pool {
  const { of, height, width, channels, pad = 0 } = s;
  const global = s.size === undefined;
  if (global && height !== width) throw new Error("pooling of whole pictures: only squares");
  if (of === "average" && pad > 0) throw new Error("averages are without padding");
  const size = s.size ?? height;
  const stride = s.stride ?? size;
  const out = (extent: number): number => Math.floor((extent + 2 * pad - size) / stride) + 1;
  const [outHeight, outWidth] = [out(height), out(width)];
  const x = noise(height * width * channels, 10);
  const length = outHeight * outWidth * channels;
  return {
    ...{ kind: "pool", of, global, height, width, channels, size, stride, pad, outHeight, outWidth, x },
    ...{ inputs: { X: x }, length },
    flops: undefined,
    bytes: x.byteLength + 4 * length,
    bound: 1e-5,
    at(index) {
      const c = index % channels;
      const p = Math.floor(index / channels);
      const [py, px] = [Math.floor(p / outWidth) * stride - pad, (p % outWidth) * stride - pad];
      const seen: number[] = [];
      for (let y = Math.max(0, py); y < Math.min(height, py + size); y++)
        for (let q = Math.max(0, px); q < Math.min(width, px + size); q++)
          seen.push(x[(y * width + q) * channels + c]!);
      return of === "max" ? Math.max(...seen) : seen.reduce((a, b) => a + b, 0) / seen.length;
    },
  };
}
