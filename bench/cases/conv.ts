/** Every distinct convolution of MobileNet v1, MobileNet v2 and ResNet-50, with bias and activation. */
import type { AnyTensor } from "../../src/index.ts";
import type { Kit } from "../kit.ts";
import { type ConvShape, convOf } from "../work/index.ts";
import { byAlgorithm, byDefault, type Case } from "./case.ts";
import { type DistinctLayer, distinctLayers } from "./networks.ts";

const QUICK = [
  "3x3-3-32-224-s2",
  "dw-32-112",
  "dw-64-112-s2",
  "1x1-64-128-56",
  "1x1-512-512-14",
  "3x3-64-64-56-relu",
  "3x3-256-256-14-relu",
];

function layer({ tw, ops }: Kit, s: ConvShape, tile?: 2 | 4): AnyTensor {
  const constant = { constant: true } as const;
  const X = tw.placeholder("X", [1, s.height, s.width, s.cin]);
  const W = tw.placeholder("W", [s.size, s.size, s.cin, s.depthwise ? 1 : s.cout], "f32", constant);
  const bias = tw.placeholder("bias", [s.cout], "f32", constant);
  const options = { stride: s.stride, padding: (s.size - 1) / 2, bias };
  const name = s.activation === "none" ? "Y" : "conv";
  const { padding } = options;
  const conv = tile
    ? ops.winogradConv2d(name, X, W, { tile, padding, bias })
    : s.depthwise
      ? ops.depthwiseConv2d(name, X, W, options)
      : ops.conv2d(name, X, W, options);
  if (s.activation === "none") return conv;
  return s.activation === "relu6" ? ops.relu6("Y", conv) : ops.relu("Y", conv);
}

/** Where Winograd's algorithm may be chosen. */
const minimal = (s: ConvShape): boolean => !s.depthwise && s.size === 3 && s.stride === 1;
const kindOf = (s: ConvShape): string =>
  s.depthwise ? "depthwise" : s.size === 1 ? "1x1" : `${s.size}x${s.size} stride ${s.stride}`;

const conv = ({ name, shape, networks }: DistinctLayer): Case => ({
  ...{ group: "conv", name, quick: QUICK.includes(name) },
  classes: [kindOf(shape), ...networks],
  work: () => convOf(shape),
  ...(minimal(shape)
    ? {
        ours: byAlgorithm((kit) => layer(kit, shape)),
        forms: { "F(2x2, 3x3)": (kit) => layer(kit, shape, 2), "F(4x4, 3x3)": (kit) => layer(kit, shape, 4) },
      }
    : { ours: [byDefault((kit) => layer(kit, shape))] }),
});

export const convCases: readonly Case[] = distinctLayers().map(conv);
