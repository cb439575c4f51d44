/** Softmax and normalizations. */
import { channelsFirst, channelsLast, type Data, doubles, f32, f64, sizeOf, sums, units } from "../data.ts";
import { float, infer } from "../onnx.ts";
import type { Row } from "../row.ts";

const SOFTMAX: readonly (readonly [number[], number])[] = [
  [[1], 0],
  [[7], -1],
  [[5, 33], -1],
  [[5, 33], 0],
  [[2, 6, 9], 1],
  [[3, 4, 1], -1],
];
const softmax = (["softmax", "logSoftmax"] as const).flatMap((operator) =>
  SOFTMAX.map(
    ([shape, axis]): Row => ({
      operator,
      title: `axis ${axis}`,
      inputs: { X: f32(shape, -20, 20) },
      args: ({ X }) => [X, { axis }],
      expected: ({ X }) =>
        infer((g) => g.op(operator === "softmax" ? "Softmax" : "LogSoftmax", [g.feed(X!)], { axis })),
      bound: units(8),
    }),
  ),
);

const from = (shape: readonly number[], axis: number): number[] => shape.slice(axis);
const ones = (shape: readonly number[]): Data => ({
  dtype: "f32",
  shape,
  data: new Float32Array(sizeOf(shape)).fill(1),
});
const NORMS: readonly (readonly [number[], number, number, boolean])[] = [
  [[3, 8], -1, 1e-5, true],
  [[3, 8], -1, 1e-2, false],
  [[2, 5, 7], -1, 1e-5, true],
  [[2, 5, 7], -2, 1e-6, true],
  [[4, 65], 0, 1e-5, false],
  [[6, 1], -1, 1e-5, true],
];
const layerNorm = NORMS.map(([shape, axis, epsilon, affine]): Row => {
  const own = from(shape, axis);
  return {
    operator: "layerNorm",
    title: `axis ${axis}, epsilon ${epsilon}`,
    inputs: { X: f32(shape, -2, 3), ...(affine ? { scale: f32(own), bias: f32(own) } : {}) },
    args: ({ X, scale, bias }) => [X, { axis, epsilon, scale, bias }],
    expected: ({ X, scale, bias }) =>
      infer((g) => {
        // the scale is not optional
        const parameters = [scale ?? ones(own), ...(bias ? [bias] : [])].map((v) => g.feed(v));
        return g.op("LayerNormalization", [g.feed(X!), ...parameters], { axis, epsilon: float(epsilon) });
      }),
    bound: sums(16),
  };
});
const rmsNorm = NORMS.map(([shape, axis, epsilon, affine]): Row => {
  const own = from(shape, axis);
  return {
    operator: "rmsNorm",
    title: `axis ${axis}, epsilon ${epsilon}`,
    inputs: { X: f32(shape, -2, 3), ...(affine ? { scale: f32(own) } : {}) },
    args: ({ X, scale }) => [X, { axis, epsilon, scale }],
    expected: ({ X, scale }) =>
      infer((g) =>
        g.op("RMSNormalization", [g.feed(X!), g.feed(scale ?? ones(own))], { axis, epsilon: float(epsilon) }),
      ),
    bound: sums(16),
  };
});

/** Parameters of one value per channel. ONNX: channels are axis 1, scale and bias must be given. */
const CHANNELS: readonly (readonly [number[], number, boolean])[] = [
  [[1, 1], -1, true],
  [[4, 6], 1, true],
  [[2, 5, 7, 6], -1, true],
  [[2, 6, 5, 3], 1, true],
  [[3, 12, 5], 1, false],
  [[2, 3, 4, 5, 8], -1, false],
];
const isLast = (shape: readonly number[], axis: number): boolean => axis < 0 || axis === shape.length - 1;
const toFirst = (x: Data, axis: number): Data => (isLast(x.shape, axis) ? channelsFirst(x) : x);
const back = (x: Data, axis: number): Data => (axis < 0 && x.shape.length > 2 ? channelsLast(x) : x);

const batchNorm = CHANNELS.map(([shape, axis, affine]): Row => {
  const c = [shape.at(axis)!];
  return {
    operator: "batchNorm",
    title: `axis ${axis}`,
    inputs: {
      X: f32(shape, -2, 3),
      mean: f32(c),
      variance: f32(c, 0.1, 2),
      ...(affine ? { scale: f32(c), bias: f32(c) } : {}),
    },
    args: ({ X, ...parameters }) => [X, { axis, epsilon: 1e-3, ...parameters }],
    expected: async ({ X, mean, variance, scale, bias }) => {
      const zeros: Data = { dtype: "f32", shape: c, data: new Float32Array(c[0]!) };
      const operands = [toFirst(X!, axis), scale ?? ones(c), bias ?? zeros, mean!, variance!];
      const y = await infer((g) =>
        g.op(
          "BatchNormalization",
          operands.map((v) => g.feed(v)),
          { epsilon: float(1e-3) },
        ),
      );
      return back(y, axis);
    },
    bound: units(8),
  };
});
const groupNorm = CHANNELS.flatMap(([shape, axis, affine]) => {
  const c = shape.at(axis)!;
  return [1, 2, c]
    .filter((groups, i, all) => c % groups === 0 && all.indexOf(groups) === i)
    .filter((groups) => sizeOf(shape) / shape[0]! / groups > 1)
    .map(
      (groups): Row => ({
        operator: "groupNorm",
        title: `${groups} groups, axis ${axis}`,
        inputs: { X: f32(shape, -2, 3), ...(affine ? { scale: f32([c]), bias: f32([c]) } : {}) },
        args: ({ X, ...parameters }) => [X, { axis, groups, ...parameters }],
        expected: async ({ X, scale, bias }) => {
          const zeros: Data = { dtype: "f32", shape: [c], data: new Float32Array(c) };
          const operands = [toFirst(X!, axis), scale ?? ones([c]), bias ?? zeros];
          const y = await infer((g) =>
            g.op(
              "GroupNormalization",
              operands.map((v) => g.feed(v)),
              { num_groups: groups, epsilon: float(1e-5) },
            ),
          );
          return back(y, axis);
        },
        bound: sums(16),
      }),
    );
});

const doublePrecision: Row = {
  operator: "softmax",
  title: "",
  inputs: { X: f64([5, 9], -5, 5) },
  args: ({ X }) => [X],
  expected: ({ X }) => infer((g) => g.op("Softmax", [g.feed(X!)], { axis: -1 })),
  bound: doubles(9),
};

export const normalizationRows: readonly Row[] = [
  ...softmax,
  doublePrecision,
  ...layerNorm,
  ...rmsNorm,
  ...batchNorm,
  ...groupNorm,
];
