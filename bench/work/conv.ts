import { bytesIn, noise, sumBound, type WorkBase } from "./work.ts";

export type Activation = "relu" | "relu6" | "none";

export interface ConvShape {
  readonly height: number;
  readonly width: number;
  readonly cin: number;
  readonly cout: number;
  /** Side of the square filter, odd. */
  readonly size: number;
  readonly stride: number;
  /** One filter per channel (cin = cout) instead of a dense one. */
  readonly depthwise: boolean;
  readonly activation: Activation;
}

/** A 2-d convolution of one NHWC image with constant weights, bias and activation. Padding is `(size - 1) / 2` on each side. */
export interface Conv extends ConvShape, WorkBase {
  readonly kind: "conv";
  readonly outHeight: number;
  readonly outWidth: number;
  /** height x width x cin. */
  readonly x: Float32Array;
  /** size x size x cin x cout; size x size x cin when depthwise. */
  readonly w: Float32Array;
  readonly bias: Float32Array;
}

const outSize = (extent: number, stride: number): number => Math.floor((extent - 1) / stride) + 1;

/** Along one axis: pairs of a window and one of its taps that meet the image and not its padding, and how much of the image they read. */
function meetings(extent: number, size: number, stride: number): { readonly pairs: number; readonly read: number } {
  const pad = (size - 1) / 2;
  const read = new Set<number>();
  let pairs = 0;
  for (let o = 0; o < outSize(extent, stride); o++)
    for (let d = 0; d < size; d++) {
      const at = o * stride + d - pad;
      if (at < 0 || at >= extent) continue;
      pairs++;
      read.add(at);
    }
  return { pairs, read: read.size };
}

const ACTIVATE: { readonly [A in Activation]: (v: number) => number } = {
  relu: (v) => Math.max(0, v),
  relu6: (v) => Math.min(6, Math.max(0, v)),
  none: (v) => v,
};

export function convOf(s: ConvShape): Conv {
  const { height, width, cin, cout, size, stride, depthwise } = s;
  const perOutput = depthwise ? 1 : cin;
  const x = noise(height * width * cin, 3);
  const w = noise(size * size * cin * (depthwise ? 1 : cout), 4);
  const bias = noise(cout, 5);
  const [outHeight, outWidth] = [outSize(height, stride), outSize(width, stride)];
  const pad = (size - 1) / 2;
  const inputs = { X: x, W: w, bias };
  const length = outHeight * outWidth * cout;
  const [rows, columns] = [meetings(height, size, stride), meetings(width, size, stride)];
  return {
    ...{ kind: "conv", ...s, outHeight, outWidth, x, w, bias, inputs, length },
    flops: 2 * rows.pairs * columns.pairs * perOutput * cout,
    bytes: bytesIn({ W: w, bias }) + 4 * (rows.read * columns.read * cin + length),
    bound: sumBound(size * size * perOutput),
    at(index) {
      const o = index % cout;
      const p = Math.floor(index / cout);
      const [py, px] = [Math.floor(p / outWidth), p % outWidth];
      let sum = bias[o]!;
      for (let dy = 0; dy < size; dy++) {
        for (let dx = 0; dx < size; dx++) {
          const [y, xx] = [py * stride + dy - pad, px * stride + dx - pad];
          if (y < 0 || xx < 0 || y >= height || xx >= width) continue;
          const pixel = (y * width + xx) * cin;
          const tap = dy * size + dx;
          if (depthwise) sum += x[pixel + o]! * w[tap * cin + o]!;
          else for (let i = 0; i < cin; i++) sum += x[pixel + i]! * w[(tap * cin + i) * cout + o]!;
        }
      }
      return ACTIVATE[s.activation](sum);
    },
  };
}
