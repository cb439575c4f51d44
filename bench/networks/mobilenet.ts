/** MobileNet v1, width 1.0, 224 x 224 (Howard et al. 2017, table 1). */
import { type Network, network, type Step } from "./network.ts";

/** Channels of each depthwise-separable block's result, and the stride of its depthwise part. */
const BLOCKS: readonly (readonly [channels: number, stride: number])[] = [
  [64, 1],
  [128, 2],
  [128, 1],
  [256, 2],
  [256, 1],
  [512, 2],
  [512, 1],
  [512, 1],
  [512, 1],
  [512, 1],
  [512, 1],
  [1024, 2],
  [1024, 1],
];

export const mobilenet = (): Network =>
  network(
    "MobileNet v1 1.0 224",
    [224, 224, 3],
    [
      { kind: "conv", name: "stem", size: 3, stride: 2, channels: 32 },
      ...BLOCKS.flatMap(([channels, stride], i): Step[] => [
        { kind: "depthwise", name: `dw${i + 1}`, size: 3, stride },
        { kind: "conv", name: `pw${i + 1}`, size: 1, stride: 1, channels },
      ]),
      { kind: "pool", name: "pool" },
      { kind: "dense", name: "dense", channels: 1000 },
      { kind: "softmax", name: "softmax" },
    ],
  );
