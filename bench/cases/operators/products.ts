/** Convolutions that the networks of the group `conv` lack, and matrix products that the group `gemm` lacks. */
import { sizeOf } from "../../data.ts";
import type { OnnxSide, TfjsSide } from "../../work/index.ts";
import { sumBound } from "../../work/work.ts";
import { constant, f32, type Line, node } from "./table.ts";

interface Convolution {
  readonly name: string;
  readonly operator: "conv1d" | "conv2d" | "conv3d" | "depthwiseConv2d" | "convTranspose2d";
  readonly layout: "NWC" | "NHWC" | "NCHW" | "NCDHW";
  /** Extent of each spatial axis. */
  readonly side: number;
  readonly channels: readonly [from: number, to: number];
  readonly size: number;
  readonly stride?: number;
  readonly dilation?: number;
  readonly pad?: number;
  readonly groups?: number;
  readonly algorithms?: boolean;
}
const CONVOLUTIONS: readonly Convolution[] = [
  {
    ...{ name: "conv2d NCHW 3x3 64-64-56", operator: "conv2d", layout: "NCHW", side: 56, channels: [64, 64] },
    ...{ size: 3, pad: 1, algorithms: true },
  },
  {
    ...{ name: "conv2d NCHW 3x3 64-128-56-s2", operator: "conv2d", layout: "NCHW", side: 56, channels: [64, 128] },
    ...{ size: 3, stride: 2, pad: 1 },
  },
  {
    ...{ name: "conv2d NCHW 1x1 512-512-14", operator: "conv2d", layout: "NCHW", side: 14, channels: [512, 512] },
    size: 1,
  },
  {
    ...{ name: "depthwise NCHW 3x3 128-56", operator: "depthwiseConv2d", layout: "NCHW", side: 56 },
    ...{ channels: [128, 128], size: 3, pad: 1, groups: 128 },
  },
  {
    ...{ name: "conv2d NCHW 3x3 128-128-28 4 groups", operator: "conv2d", layout: "NCHW", side: 28 },
    ...{ channels: [128, 128], size: 3, pad: 1, groups: 4 },
  },
  {
    ...{ name: "conv2d NHWC 3x3 128-128-28 4 groups", operator: "conv2d", layout: "NHWC", side: 28 },
    ...{ channels: [128, 128], size: 3, pad: 1, groups: 4 },
  },
  {
    ...{ name: "conv2d NHWC 3x3 64-64-28 dilation 2", operator: "conv2d", layout: "NHWC", side: 28 },
    ...{ channels: [64, 64], size: 3, dilation: 2, pad: 2 },
  },
  {
    ...{ name: "conv1d NWC 5 taps 64-64-400", operator: "conv1d", layout: "NWC", side: 400, channels: [64, 64] },
    ...{ size: 5, pad: 2 },
  },
  {
    ...{ name: "conv3d NCDHW 3x3x3 32-32-16", operator: "conv3d", layout: "NCDHW", side: 16, channels: [32, 32] },
    ...{ size: 3, pad: 1 },
  },
  {
    ...{ name: "convTranspose2d NHWC 2x2 128-64-28-s2", operator: "convTranspose2d", layout: "NHWC", side: 28 },
    ...{ channels: [128, 64], size: 2, stride: 2 },
  },
  {
    ...{ name: "convTranspose2d NHWC 4x4 64-32-28-s2", operator: "convTranspose2d", layout: "NHWC", side: 28 },
    ...{ channels: [64, 32], size: 4, stride: 2, pad: 1 },
  },
];

const range = (n: number, first = 0): number[] => Array.from({ length: n }, (_, d) => d + first);

/** Along one axis: pairs of a place where windows start and a tap that meets one of `extent` elements. */
function meetings(starts: number, extent: number, { size, stride = 1, dilation = 1, pad = 0 }: Convolution): number {
  let pairs = 0;
  for (let o = 0; o < starts; o++)
    for (let d = 0; d < size; d++) {
      const at = o * stride + d * dilation - pad;
      if (at >= 0 && at < extent) pairs++;
    }
  return pairs;
}

function convolution(c: Convolution): Line {
  const { operator, layout, side, size, stride = 1, dilation = 1, pad = 0, groups = 1 } = c;
  const [cin, cout] = c.channels;
  const rank = layout.length - 2;
  const last = layout.endsWith("C");
  const back = operator === "convTranspose2d";
  const depthwise = operator === "depthwiseConv2d";
  const outer = back
    ? (side - 1) * stride + size - 2 * pad
    : Math.floor((side + 2 * pad - (size - 1) * dilation - 1) / stride) + 1;
  const every = <T>(x: T): T[] => range(rank).map(() => x);
  const image = (extent: number, channels: number): number[] =>
    last ? [1, ...every(extent), channels] : [1, channels, ...every(extent)];
  // In, out; convolutions backwards have them the other way round.
  const [a, b] = back ? [cout, cin] : [cin / groups, cout];
  const W = last ? [...every(size), a, b] : [b, a, ...every(size)];
  const out = image(outer, cout);
  const pairs = (back ? meetings(side, outer, c) : meetings(outer, side, c)) ** rank;
  return {
    ...{ name: c.name, class: "convolution", operator, out, algorithms: c.algorithms ?? false },
    given: { X: f32(image(side, cin)), W: constant(W) },
    args: ({ X, W }) => [
      X,
      W,
      { stride, dilation, padding: pad, layout, ...(groups === 1 || depthwise ? {} : { groups }) },
    ],
    flops: 2 * pairs * a * (back ? cin : cout),
    bound: sumBound(size ** rank * (cin / groups)),
    onnx: inOnnx(c, rank, last, back),
    ...(groups > 1 && !depthwise ? {} : { tfjs: inTensorFlow(c, rank, last, out) }),
  };
}

/** Channels first. */
function inOnnx(
  { size, stride = 1, dilation = 1, pad = 0, groups = 1 }: Convolution,
  rank: number,
  last: boolean,
  back: boolean,
): OnnxSide {
  const every = (x: number, n = rank): number[] => Array.from({ length: n }, () => x);
  const attributes = {
    kernel_shape: every(size),
    strides: every(stride),
    dilations: every(dilation),
    pads: every(pad, 2 * rank),
    group: groups,
  };
  const twin = {
    orders: { X: [0, rank + 1, ...range(rank, 1)], W: [rank + 1, rank, ...range(rank)] },
    ...{ back: [0, ...range(rank, 2), 1], note: rank === 1 ? "NCW" : "NCHW" },
  };
  return node(back ? "ConvTranspose" : "Conv", attributes, last ? twin : {});
}

/** Channels last. */
function inTensorFlow(
  { operator, stride = 1, dilation = 1, pad = 0 }: Convolution,
  rank: number,
  last: boolean,
  out: readonly number[],
): TfjsSide {
  const depthwise = operator === "depthwiseConv2d";
  const twin = {
    orders: {
      X: [0, ...range(rank, 2), 1],
      W: [...range(rank, 2), ...(depthwise ? [0, 1] : [1, 0])],
    },
    ...{ back: [0, rank + 1, ...range(rank, 1)], note: rank === 3 ? "NDHWC" : "NHWC" },
  };
  return {
    ...(last ? {} : twin),
    build(tf, { X, W }) {
      const [x, w] = [X as never, W as never];
      // Numbers of padding it applies to axes that aren't there, or not at all; "same" is what the cases with stride 1 say.
      const same = pad === 0 ? "valid" : "same";
      if (operator === "conv1d") return tf.conv1d(x, w, stride, same, "NWC", dilation);
      if (operator === "conv3d") return tf.conv3d(x, w, stride, same);
      if (depthwise) return tf.depthwiseConv2d(x, w, stride, pad, "NHWC", dilation);
      if (operator === "convTranspose2d") return tf.conv2dTranspose(x, w, out as never, stride, pad);
      return tf.conv2d(x, w, stride, pad, "NHWC", dilation, "floor");
    },
  };
}

/** Operands given anew with every call. */
function product(
  name: string,
  batch: readonly number[],
  [m, n, k]: readonly [number, number, number],
  transposed: "A" | "B" | "",
): Line {
  const [transposeA, transposeB] = [transposed === "A", transposed === "B"];
  const given = {
    A: f32([...batch, ...(transposeA ? [k, m] : [m, k])]),
    B: f32([...batch, ...(transposeB ? [n, k] : [k, n])]),
  };
  const operand = transposed === "" ? undefined : transposed;
  return {
    ...{ name, class: "matrix product", operator: "matmul", given, out: [...batch, m, n], bound: sumBound(k) },
    args: ({ A, B }) => [A, B, { transposeA, transposeB }],
    flops: 2 * sizeOf(batch) * m * n * k,
    // Of matrices, Gemm takes them transposed.
    onnx: operand === undefined ? node("MatMul") : node("Gemm", { [`trans${operand}`]: 1 }),
    // Its kernels for these pack nothing ahead of time, so B may stay where it is.
    tfjs: { build: (tf, { A, B }) => tf.matMul(A!, B!, transposeA, transposeB) },
  };
}

export const products: readonly Line[] = [
  ...CONVOLUTIONS.map(convolution),
  product("matmul 12 of 197x197x64", [12], [197, 197, 64], ""),
  product("matmul 256 A transposed", [], [256, 256, 256], "A"),
  product("matmul 256 B transposed", [], [256, 256, 256], "B"),
];
