/** Element by element, reductions, normalizations, and pooling with channels first. */
import type * as tensorflow from "@tensorflow/tfjs-core";
import { float } from "../../onnx.ts";
import { EPSILON, type OnnxSide } from "../../work/index.ts";
import { constant, EXACT, FEW, f32, type Line, node, nodeOf } from "./table.ts";

type Tf = typeof tensorflow;
type Tensor = tensorflow.Tensor;

const [N, MATRIX] = [1024, [1024, 1024]];

function activation(
  operator: "gelu" | "tanh" | "sigmoid" | "hardSwish",
  onnx: OnnxSide,
  build: (tf: Tf, x: Tensor) => Tensor,
): Line {
  return {
    ...{ name: `${operator} 1024x1024`, class: "element by element", operator, quick: operator === "gelu" },
    ...{ given: { X: f32(MATRIX, -5, 5) }, out: MATRIX, bound: 2e-6 },
    memory: operator === "hardSwish" ? "copy" : "exp",
    args: ({ X }) => [X],
    onnx,
    tfjs: { build: (tf, { X }) => build(tf, X!) },
  };
}
const activations: readonly Line[] = [
  // With erf in all three; TensorFlow.js has to compose it.
  activation("gelu", node("Gelu", { approximate: "none" }), (tf, x) =>
    tf.mul(tf.mul(x, 0.5), tf.add(tf.erf(tf.mul(x, Math.SQRT1_2)), 1)),
  ),
  activation("tanh", node("Tanh"), (tf, x) => tf.tanh(x)),
  activation("sigmoid", node("Sigmoid"), (tf, x) => tf.sigmoid(x)),
  activation("hardSwish", node("HardSwish"), (tf, x) => tf.mul(x, tf.mul(tf.relu6(tf.add(x, 3)), 1 / 6))),
];

type Reduce = "reduceSum" | "reduceMax" | "reduceMean";
const IN_TENSORFLOW = { reduceSum: "sum", reduceMax: "max", reduceMean: "mean" } as const;
function reduction(operator: Reduce, axis?: 0 | 1): Line {
  const axes = axis === undefined ? [0, 1] : [axis];
  const type = operator.replace("reduce", "Reduce");
  // Means are of values below 1; sums grow, and round by what they have grown to.
  const bound = { reduceSum: 2 ** -23 * (axis === undefined ? N * N : N), reduceMax: EXACT, reduceMean: FEW }[operator];
  return {
    ...{ name: `${operator} 1024x1024 ${axis === undefined ? "all" : `axis ${axis}`}`, class: "reduction", operator },
    ...{ given: { X: f32(MATRIX) }, out: axis === undefined ? [] : [N], bound, memory: "copy" },
    quick: operator === "reduceSum" && axis === 1,
    args: ({ X }) => [X, { axes }],
    onnx: nodeOf(type, [axes], { keepdims: 0 }),
    tfjs: { build: (tf, { X }) => tf[IN_TENSORFLOW[operator]](X!, axes) },
  };
}

const CHANNELS = 64;
const PICTURE = [1, 56, 56, CHANNELS];
const nchw = { orders: { X: [0, 3, 1, 2] }, back: [0, 2, 3, 1], note: "NCHW" };
const perChannel = constant([CHANNELS]);
const normalizations: readonly Line[] = [
  {
    ...{ name: "batchNorm NHWC 64-56", class: "normalization", operator: "batchNorm", out: PICTURE, memory: "copy" },
    given: {
      ...{ X: f32(PICTURE), scale: perChannel, bias: perChannel },
      ...{ mean: perChannel, variance: constant([CHANNELS], 0.5, 2) },
    },
    bound: 2 * FEW,
    args: ({ X, ...parameters }) => [X, { epsilon: EPSILON, ...parameters }],
    onnx: node("BatchNormalization", { epsilon: float(EPSILON) }, nchw),
    tfjs: {
      build: (tf, { X, scale, bias, mean, variance }) =>
        tf.batchNorm(X!, mean as never, variance as never, bias as never, scale as never, EPSILON),
    },
  },
  {
    ...{ name: "groupNorm NHWC 64-56 8 groups", class: "normalization", operator: "groupNorm", out: PICTURE },
    ...{ given: { X: f32(PICTURE), scale: perChannel, bias: perChannel }, bound: 1e-5, memory: "copy" },
    args: ({ X, ...parameters }) => [X, { groups: 8, epsilon: EPSILON, ...parameters }],
    onnx: node("GroupNormalization", { num_groups: 8, epsilon: float(EPSILON) }, { ...nchw, opset: 21 }),
    tfjs: {
      build(tf, { X, scale, bias }) {
        const x = tf.reshape(X!, [56 * 56, 8, CHANNELS / 8]);
        const centered = tf.sub(x, tf.mean(x, [0, 2], true));
        const variance = tf.mean(tf.square(centered), [0, 2], true);
        const even = tf.reshape(tf.mul(centered, tf.rsqrt(tf.add(variance, EPSILON))), PICTURE);
        return tf.add(tf.mul(even, scale!), bias!);
      },
    },
  },
  {
    ...{ name: "rmsNorm 197x768", class: "normalization", operator: "rmsNorm", out: [197, 768], memory: "copy" },
    ...{ given: { X: f32([197, 768]), scale: constant([768]) }, bound: 1e-5 },
    args: ({ X, scale }) => [X, { scale, epsilon: EPSILON }],
    onnx: node("RMSNormalization", { axis: -1, epsilon: float(EPSILON) }, { opset: 23 }),
    tfjs: {
      build: (tf, { X, scale }) =>
        tf.mul(tf.mul(X!, tf.rsqrt(tf.add(tf.mean(tf.square(X!), 1, true), EPSILON))), scale!),
    },
  },
  {
    ...{ name: "softmax 1000x197 axis 0", class: "normalization", operator: "softmax", out: [1000, 197] },
    ...{ given: { X: f32([1000, 197], -4, 4) }, bound: FEW, memory: "exp" },
    args: ({ X }) => [X, { axis: 0 }],
    onnx: node("Softmax", { axis: 0 }),
    tfjs: {
      // Its softmax is over the last axis only.
      build(tf, { X }) {
        const e = tf.exp(tf.sub(X!, tf.max(X!, 0, true)));
        return tf.div(e, tf.sum(e, 0, true));
      },
    },
  },
  {
    ...{ name: "logSoftmax 197x1000", class: "normalization", operator: "logSoftmax", out: [197, 1000] },
    ...{ given: { X: f32([197, 1000], -4, 4) }, bound: 1e-5, memory: "exp" },
    args: ({ X }) => [X],
    onnx: node("LogSoftmax", { axis: -1 }),
    tfjs: { build: (tf, { X }) => tf.logSoftmax(X!) },
  },
];

/** TensorFlow.js has channels last only. */
function pool(of: "max" | "average", size: number, pad: number): Line {
  const out = Math.floor((112 + 2 * pad - size) / 2) + 1;
  return {
    ...{ name: `${of}Pool NCHW ${size}x${size} 64-112-s2`, class: "pooling", operator: `${of}Pool2d` },
    ...{ given: { X: f32([1, 64, 112, 112]) }, out: [1, 64, out, out], bound: FEW, memory: "copy" },
    args: ({ X }) => [X, { size, stride: 2, padding: pad, layout: "NCHW" }],
    onnx: node(of === "max" ? "MaxPool" : "AveragePool", {
      ...{ kernel_shape: [size, size], strides: [2, 2], pads: [pad, pad, pad, pad] },
    }),
    tfjs: {
      ...{ orders: { X: [0, 2, 3, 1] }, back: [0, 3, 1, 2], note: "NHWC" },
      build: (tf, { X }) => (of === "max" ? tf.maxPool : tf.avgPool)(X as never, size, 2, pad, "floor"),
    },
  };
}

export const values: readonly Line[] = [
  {
    ...{ name: "broadcastAdd 1024x1024 and a row", class: "element by element", operator: "broadcastAdd" },
    ...{ given: { A: f32(MATRIX), B: f32([N]) }, out: MATRIX, bound: EXACT, memory: "copy" },
    args: ({ A, B }) => [A, B],
    onnx: node("Add"),
    tfjs: { build: (tf, { A, B }) => tf.add(A!, B!) },
  },
  ...activations,
  reduction("reduceSum"),
  reduction("reduceSum", 0),
  reduction("reduceSum", 1),
  reduction("reduceMax", 1),
  reduction("reduceMean", 1),
  ...normalizations,
  pool("max", 3, 1),
  pool("average", 2, 0),
  {
    ...{ name: "globalAveragePool NCHW 1024-14", class: "pooling", operator: "globalAveragePool", memory: "copy" },
    ...{ given: { X: f32([1, 1024, 14, 14]) }, out: [1, 1024], bound: FEW },
    args: ({ X }) => [X, { layout: "NCHW" }],
    onnx: node("GlobalAveragePool"),
    tfjs: { build: (tf, { X }) => tf.mean(X!, [2, 3]) },
  },
];
