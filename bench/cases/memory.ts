/**
 * Work that memory bounds: softmax, layer normalization, pooling. Each at sizes that the caches of one core (and its neighbours) hold, where a
 * copy runs as fast as loads and stores go, and at sizes that come from memory.
 */
import { EPSILON, layerNormOf, type PoolShape, poolOf, softmaxOf } from "../work/index.ts";
import { byDefault, type Case } from "./case.ts";

type Rows = readonly [rows: number, columns: number];
const SOFTMAX: readonly Rows[] = [
  [197, 1000],
  [2364, 197],
  [4096, 1000],
  [32768, 1000],
];
const LAYER_NORM: readonly Rows[] = [
  [197, 768],
  [4096, 1024],
  [32768, 1024],
];
const POOL: { readonly [name: string]: PoolShape } = {
  "max 3x3-64-112-s2": { of: "max", height: 112, width: 112, channels: 64, size: 3, stride: 2, pad: 1 },
  "max 2x2-64-224-s2": { of: "max", height: 224, width: 224, channels: 64, size: 2, stride: 2 },
  "average 2x2-256-56-s2": { of: "average", height: 56, width: 56, channels: 256, size: 2, stride: 2 },
  "average 3x3-64-112": { of: "average", height: 112, width: 112, channels: 64, size: 3, stride: 1 },
  "average all-1024-14": { of: "average", height: 14, width: 14, channels: 1024 },
  "max 3x3-64-512-s2": { of: "max", height: 512, width: 512, channels: 64, size: 3, stride: 2, pad: 1 },
  "max 2x2-64-512-s2": { of: "max", height: 512, width: 512, channels: 64, size: 2, stride: 2 },
  "average 2x2-64-512-s2": { of: "average", height: 512, width: 512, channels: 64, size: 2, stride: 2 },
  "average 3x3-64-512": { of: "average", height: 512, width: 512, channels: 64, size: 3, stride: 1 },
  "average all-64-512": { of: "average", height: 512, width: 512, channels: 64 },
};
const QUICK = ["softmax 197x1000", "layer norm 197x768", "max 3x3-64-112-s2"];

const common = (name: string) => ({ group: "memory", name, quick: QUICK.includes(name) });

const softmax = ([rows, columns]: Rows): Case => ({
  ...common(`softmax ${rows}x${columns}`),
  ...{ classes: ["softmax"], memory: "exp", work: () => softmaxOf(rows, columns) },
  ours: [byDefault(({ tw, ops }) => ops.softmax("Y", tw.placeholder("X", [rows, columns])))],
});

const layerNorm = ([rows, columns]: Rows): Case => ({
  ...common(`layer norm ${rows}x${columns}`),
  ...{ classes: ["layer norm"], memory: "copy", work: () => layerNormOf(rows, columns) },
  ours: [
    byDefault(({ tw, ops }) => {
      const constant = { constant: true } as const;
      return ops.layerNorm("Y", tw.placeholder("X", [rows, columns]), {
        scale: tw.placeholder("scale", [columns], "f32", constant),
        bias: tw.placeholder("bias", [columns], "f32", constant),
        epsilon: EPSILON,
      });
    }),
  ],
});

const pool = ([name, s]: readonly [string, PoolShape]): Case => ({
  ...common(name),
  ...{ classes: ["pooling"], memory: "copy", work: () => poolOf(s) },
  ours: [
    byDefault(({ tw, ops }) => {
      const X = tw.placeholder("X", [1, s.height, s.width, s.channels]);
      if (s.size === undefined) return s.of === "max" ? ops.globalMaxPool("Y", X) : ops.globalAveragePool("Y", X);
      const options = { size: s.size, stride: s.stride, padding: s.pad ?? 0 };
      return s.of === "max" ? ops.maxPool2d("Y", X, options) : ops.averagePool2d("Y", X, options);
    }),
  ],
});

export const memoryCases: readonly Case[] = [
  ...SOFTMAX.map(softmax),
  ...LAYER_NORM.map(layerNorm),
  ...Object.entries(POOL).map(pool),
];
