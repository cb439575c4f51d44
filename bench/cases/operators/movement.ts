/** The same elements in another order or place, running sums, and pictures of another size. */
import { int64, single } from "../../data.ts";
import { none } from "../../onnx.ts";
import { EXACT, FEW, f32, indices, type Line, node, nodeOf } from "./table.ts";

const common = { class: "movement", bound: EXACT, memory: "copy" } as const;
const [N, MATRIX] = [1024, [1024, 1024]];
const names = ["A", "B", "C", "D"];

function joined(
  name: string,
  operator: "concat" | "stack",
  count: number,
  shape: readonly number[],
  out: readonly number[],
): Line {
  const own = names.slice(0, count);
  const axis = operator === "concat" ? 1 : 0;
  return {
    ...{ ...common, name, operator, out, given: Object.fromEntries(own.map((n) => [n, f32(shape)])) },
    args: (t) => [own.map((n) => t[n]), { axis }],
    onnx: {
      build(g, x) {
        const parts = own.map((n) => x[n]!);
        const apart = parts.map((v) => g.op("Unsqueeze", [v, g.constant(int64(0))]));
        return g.op("Concat", operator === "stack" ? apart : parts, { axis });
      },
    },
    tfjs: {
      build(tf, x) {
        const parts = own.map((n) => x[n]!);
        return operator === "stack" ? tf.stack(parts) : tf.concat(parts, axis);
      },
    },
  };
}

const INDICES = 1000;
function gather(name: string, axis: 0 | 1, out: readonly number[]): Line {
  const shape = [N, 256] as const;
  const extent = shape[axis];
  // Some are drawn more than once.
  const distinct = Math.round(extent * (1 - (1 - 1 / extent) ** INDICES));
  return {
    ...{ ...common, name, operator: "gather", out, given: { X: f32(shape), I: indices(INDICES, extent) } },
    reads: INDICES + distinct * shape[1 - axis]!,
    args: ({ X, I }) => [X, I, { axis }],
    onnx: node("Gather", { axis }),
    tfjs: { build: (tf, { X, I }) => tf.gather(X!, I as never, axis) },
  };
}

const cumsum = (axis: 0 | 1): Line => ({
  ...{ ...common, name: `cumsum 1024x256 axis ${axis}`, operator: "cumsum", class: "running sum", out: [N, 256] },
  ...{ given: { X: f32([N, 256]) }, bound: N * 2 ** -23 },
  args: ({ X }) => [X, { axis }],
  onnx: { build: (g, { X }) => g.op("CumSum", [X!, g.constant(single("i64", axis))]) },
  tfjs: { build: (tf, { X }) => tf.cumsum(X!, axis) },
});

/** Half-pixel coordinates, in TensorFlow.js by name; twice the size, so that no position lies halfway between two elements. */
const resize = (method: "bilinear" | "nearest"): Line => ({
  ...{ ...common, name: `resize ${method} NHWC 64-56 to 112`, operator: "resize", class: "resize" },
  ...{ out: [1, 112, 112, 64], given: { X: f32([1, 56, 56, 64]) }, bound: method === "nearest" ? EXACT : FEW },
  args: ({ X }) => [X, { size: [112, 112], method }],
  onnx: {
    ...{ orders: { X: [0, 3, 1, 2] }, back: [0, 2, 3, 1], note: "NCHW" },
    build: (g, { X }) =>
      g.op("Resize", [X!, none, none, g.constant(int64(1, 64, 112, 112))], {
        mode: method === "nearest" ? "nearest" : "linear",
        ...{ coordinate_transformation_mode: "half_pixel", nearest_mode: "round_prefer_ceil" },
      }),
  },
  tfjs: {
    build(tf, { X }) {
      const to = method === "nearest" ? tf.image.resizeNearestNeighbor : tf.image.resizeBilinear;
      return to(X as never, [112, 112], false, true);
    },
  },
});

export const movement: readonly Line[] = [
  {
    ...{ ...common, name: "transpose 1024x1024", operator: "transpose", quick: true, out: MATRIX },
    given: { X: f32(MATRIX) },
    args: ({ X }) => [X],
    onnx: node("Transpose", { perm: [1, 0] }),
    tfjs: { build: (tf, { X }) => tf.transpose(X!) },
  },
  {
    ...{ ...common, name: "transpose NHWC to NCHW 64-56", operator: "transpose", out: [1, 64, 56, 56] },
    given: { X: f32([1, 56, 56, 64]) },
    args: ({ X }) => [X, [0, 3, 1, 2]],
    onnx: node("Transpose", { perm: [0, 3, 1, 2] }),
    tfjs: { build: (tf, { X }) => tf.transpose(X!, [0, 3, 1, 2]) },
  },
  joined("concat two 512x1024 axis 1", "concat", 2, [512, N], [512, 2 * N]),
  {
    ...{ ...common, name: "pad NHWC 32-112 by 1", operator: "pad", out: [1, 114, 114, 32] },
    given: { X: f32([1, 112, 112, 32]) },
    args: ({ X }) => [X, [0, 1, 1, 0]],
    onnx: nodeOf("Pad", [[0, 1, 1, 0, 0, 1, 1, 0]], { mode: "constant" }),
    tfjs: {
      build: (tf, { X }) =>
        tf.pad(
          X!,
          [0, 1, 1, 0].map((w): [number, number] => [w, w]),
        ),
    },
  },
  {
    ...{ ...common, name: "slice 1000x1000 of 1024x1024", operator: "slice", out: [1000, 1000], reads: 1e6 },
    given: { X: f32(MATRIX) },
    args: ({ X }) => [
      X,
      [
        [12, 1012],
        [12, 1012],
      ],
    ],
    onnx: nodeOf("Slice", [
      [12, 12],
      [1012, 1012],
    ]),
    tfjs: { build: (tf, { X }) => tf.slice(X!, [12, 12], [1000, 1000]) },
  },
  joined("stack four 262144", "stack", 4, [262144], [4, 262144]),
  gather("gather 1000 rows of 1024x256", 0, [INDICES, 256]),
  gather("gather 1000 columns of 1024x256", 1, [N, INDICES]),
  {
    ...{
      ...common,
      name: "oneHot 1000x256",
      operator: "oneHot",
      out: [INDICES, 256],
      given: { I: indices(INDICES, 256) },
    },
    args: ({ I }) => [I, { depth: 256 }],
    onnx: {
      build: (g, { I }) => {
        const values = { dtype: "f32", shape: [2], data: Float32Array.of(0, 1) } as const;
        return g.op("OneHot", [I!, g.constant(single("i32", 256)), g.constant(values)], { axis: -1 });
      },
    },
    // Asked for floats, it writes the bits of whole numbers.
    tfjs: { build: (tf, { I }) => tf.cast(tf.oneHot(I as never, 256), "float32") },
  },
  cumsum(0),
  cumsum(1),
  resize("bilinear"),
  resize("nearest"),
];
