/** Movement of data: the same elements in another order or place. All results are exact. */
import type * as Ops from "../../../src/ops.ts";
import { bool, data, exact, f32, f64, i8, i32, int64, type Spec, single, u8 } from "../data.ts";
import { type Graph, infer, none, type Value } from "../onnx.ts";
import type { Row } from "../row.ts";
import { compute } from "../tfjs.ts";

const bound = exact;
const text = (x: unknown): string => JSON.stringify(x) ?? "";

const ORDERS: readonly (readonly [Spec, number[] | undefined])[] = [
  [f32([1]), undefined],
  [f32([7, 9]), undefined],
  [i32([33, 20]), [1, 0]],
  [u8([5, 17]), [1, 0]],
  [bool([3, 4, 7]), [2, 0, 1]],
  [f64([3, 4, 7]), undefined],
  [f32([2, 5, 6, 3]), [0, 3, 1, 2]],
  [f32([2, 3, 5, 6]), [0, 2, 3, 1]],
  [i8([2, 1, 3, 2, 5]), [4, 2, 0, 3, 1]],
];
const transposes = ORDERS.map(
  ([x, order]): Row => ({
    operator: "transpose",
    title: text(order),
    inputs: { X: x },
    args: ({ X }) => [X, order],
    // the default is the same: from last to first
    expected: ({ X }) => infer((g) => g.op("Transpose", [g.feed(X!)], order === undefined ? {} : { perm: order })),
    bound,
  }),
);

const RESHAPES: readonly (readonly [Spec, number[]])[] = [
  [f32([1]), []],
  [f32([4, 9]), [6, 6]],
  [i32([2, 3, 5]), [-1]],
  [u8([7, 12]), [3, -1, 4]],
  [bool([2, 3, 5, 4]), [6, 20]],
  [f32([35]), [5, 1, 7]],
];
const reshapes = RESHAPES.map(
  ([x, shape]): Row => ({
    operator: "reshape",
    title: text(shape),
    inputs: { X: x },
    args: ({ X }) => [X, shape],
    expected: ({ X }) => infer((g) => g.op("Reshape", [g.feed(X!), g.constant(int64(...shape))])),
    bound,
  }),
);

type Widths = readonly (number | readonly [number, number])[];
/** Our names of modes and ONNX's. It has no "symmetric"; TensorFlow has. */
const MODES = { constant: "constant", edge: "edge", reflect: "reflect", wrap: "wrap" } as const;
const pairs = (widths: Widths) => widths.map((w) => (typeof w === "number" ? ([w, w] as const) : w));
function pad(x: Spec, widths: Widths, options: { mode?: keyof typeof MODES; value?: number | boolean }): Row {
  const sides = pairs(widths);
  return {
    operator: "pad",
    title: `${text(widths)} ${text(options)}`,
    inputs: { X: x },
    args: ({ X }) => [X, widths, options],
    expected: ({ X }) =>
      infer((g) => {
        const pads = g.constant(int64(...sides.map((s) => s[0]), ...sides.map((s) => s[1])));
        const value = options.value === undefined ? none : g.constant(single(x.dtype, Number(options.value)));
        return g.op("Pad", [g.feed(X!), pads, value], { mode: MODES[options.mode ?? "constant"] });
      }),
    bound,
  };
}
const pads = [
  pad(f32([1]), [3], {}),
  pad(f32([5, 7]), [[1, 2], 0], {}),
  pad(f32([5, 7]), [2, [0, 3]], { value: -1.5 }),
  pad(i32([2, 3, 4]), [0, 1, [2, 1]], { value: 7 }),
  pad(bool([5, 6]), [1, 2], { value: true }),
  pad(u8([3, 9]), [[2, 0], 1], {}),
  ...(["edge", "reflect", "wrap"] as const).flatMap((mode) => [
    pad(f32([9]), [[4, 5]], { mode }),
    pad(f32([5, 7]), [[1, 2], 3], { mode }),
    pad(i32([2, 4, 5, 3]), [0, 2, [1, 3], 0], { mode }),
  ]),
];
const symmetric = (
  [
    [[9], [[4, 5]]],
    [
      [5, 7],
      [[1, 2], 3],
    ],
    [
      [4, 5, 3],
      [2, [1, 3], 0],
    ],
  ] as [number[], Widths][]
).map(
  ([shape, widths]): Row => ({
    operator: "pad",
    title: `${text(widths)} symmetric, TensorFlow.js`,
    inputs: { X: f32(shape) },
    args: ({ X }) => [X, widths, { mode: "symmetric" }],
    expected: ({ X }) =>
      compute((tf, t) =>
        tf.mirrorPad(
          t(X!),
          pairs(widths).map(([a, b]) => [a, b] as [number, number]),
          "symmetric",
        ),
      ),
    bound,
  }),
);

const SLICES: readonly (readonly [Spec, readonly Ops.Range[]])[] = [
  [f32([1]), [null]],
  [f32([9]), [[2, 7]]],
  [f32([5, 13]), [null, [1, null, 3]]],
  [
    i32([7, 9]),
    [
      [-4, -1],
      [0, 8, 2],
    ],
  ],
  [u8([3, 6, 8]), [[1, 2], null, [-5, null]]],
  [
    bool([4, 11]),
    [
      [1, null],
      [2, 10, 4],
    ],
  ],
];
const slices = SLICES.map(
  ([x, ranges]): Row => ({
    operator: "slice",
    title: text(ranges),
    inputs: { X: x },
    args: ({ X }) => [X, ranges],
    expected: ({ X }) =>
      infer((g) => {
        const parts = ranges.map((r, d) => (r === null ? [0, x.shape[d]!, 1] : [r[0], r[1] ?? x.shape[d]!, r[2] ?? 1]));
        const [starts, ends, steps] = [0, 1, 2].map((p) => g.constant(int64(...parts.map((part) => part[p]!))));
        const axes = g.constant(int64(...x.shape.keys()));
        return g.op("Slice", [g.feed(X!), starts!, ends!, axes, steps!]);
      }),
    bound,
  }),
);

function joined(operator: "concat" | "stack", list: readonly Spec[], axis: number | undefined): Row {
  const names = list.map((_, i) => `X${i}`);
  return {
    operator,
    title: axis === undefined ? "" : `axis ${axis}`,
    inputs: Object.fromEntries(names.map((n, i) => [n, list[i]!])),
    args: (t) => [names.map((n) => t[n]), ...(axis === undefined ? [] : [{ axis }])],
    expected: (x) =>
      infer((g) => {
        const at = axis ?? 0;
        // stack: each with a new axis first
        const apart = (v: Value): Value => (operator === "stack" ? g.op("Unsqueeze", [v, g.constant(int64(at))]) : v);
        return g.op(
          "Concat",
          names.map((n) => apart(g.feed(x[n]!))),
          { axis: at },
        );
      }),
    bound,
  };
}
const joins = [
  joined("concat", [f32([1])], undefined),
  joined("concat", [f32([5, 7]), f32([2, 7])], undefined),
  joined("concat", [i32([3, 5]), i32([3, 1]), i32([3, 8])], -1),
  joined("concat", [u8([2, 3, 5]), u8([2, 4, 5])], 1),
  joined("concat", [bool([2, 3]), bool([1, 3])], 0),
  joined("stack", [f32([7]), f32([7])], undefined),
  joined("stack", [f32([3, 5]), f32([3, 5]), f32([3, 5])], -1),
  joined("stack", [i32([2, 3, 5]), i32([2, 3, 5])], 1),
];

/** Indices within the axis. Outside of it ours take the nearest element; ONNX counts negative ones from the end, and throws beyond. */
function gather(x: Spec, indices: readonly number[], axis: number | undefined, dtype: "i32" | "i64", outside = 0): Row {
  const at = axis ?? 0;
  const n = x.shape.at(at)!;
  const clipped = (g: Graph, i: Value): Value =>
    outside === 0 ? i : g.op("Clip", [i, g.constant(single(dtype, 0)), g.constant(single(dtype, n - 1))]);
  return {
    operator: "gather",
    title: `axis ${at}${outside ? ", indices outside, Clip" : ""}`,
    inputs: { X: x, I: { dtype, shape: indices, low: -outside, high: n - 1 + outside } },
    args: ({ X, I }) => (axis === undefined ? [X, I] : [X, I, { axis }]),
    expected: ({ X, I }) => infer((g) => g.op("Gather", [g.feed(X!), clipped(g, g.feed(I!))], { axis: at })),
    bound,
  };
}
const gathers = [
  gather(f32([1]), [1], undefined, "i32"),
  gather(f32([11, 7]), [9], undefined, "i32"),
  gather(f32([4, 9, 3]), [2, 5], 1, "i64"),
  gather(u8([6, 13]), [7], -1, "i32"),
  gather(bool([6, 13]), [3, 2], 0, "i64"),
  gather(f32([7, 5]), [], 0, "i32"),
  gather(i32([5, 6]), [20], 0, "i32", 4),
];

/** ONNX's operator counts negative indices from the end; ours makes zeros of them, as a comparison with 0, 1, ... does. */
function oneHot(
  indices: Spec,
  depth: number,
  options: { axis?: number; dtype?: "f32" | "i32" | "u8"; on?: number; off?: number },
): Row {
  const { axis = -1, dtype = "f32", on = 1, off = 0 } = options;
  const rank = indices.shape.length + 1;
  return {
    operator: "oneHot",
    title: `depth ${depth} ${text(options)}${indices.low < 0 ? ", Equal" : ""}`,
    inputs: { I: indices },
    args: ({ I }) => [I, { depth, ...options }],
    expected: ({ I }) =>
      infer((g) => {
        if (indices.low >= 0) {
          // the combinations of types that ONNX Runtime has
          const count = single(dtype === "f32" ? indices.dtype : "f32", depth);
          return g.op("OneHot", [g.feed(I!), g.constant(count), g.constant(data(dtype, [2], [off, on]))], { axis });
        }
        const at = axis < 0 ? axis + rank : axis;
        const positions = Array.from({ length: rank }, (_, d) => (d === at ? depth : 1));
        const counted = g.constant(data(indices.dtype, positions, [...Array(depth).keys()]));
        const hit = g.op("Equal", [g.op("Unsqueeze", [g.feed(I!), g.constant(int64(at))]), counted]);
        return g.op("Where", [hit, ...[on, off].map((v) => g.constant(single(dtype, v)))]);
      }),
    bound,
  };
}
const oneHots = [
  oneHot(i32([7], 0, 4), 5, {}),
  oneHot(i32([3, 5], 0, 12), 9, { axis: 0 }),
  oneHot({ dtype: "i64", shape: [4, 3], low: 0, high: 5 }, 6, { axis: 1, dtype: "i32", on: 7, off: -2 }),
  oneHot(i32([1], 0, 0), 1, {}),
  oneHot(i32([4, 7], -5, 8), 5, { axis: 1, dtype: "u8", on: 255 }),
];

export const layoutRows: readonly Row[] = [
  ...transposes,
  ...reshapes,
  ...pads,
  ...symmetric,
  ...slices,
  ...joins,
  ...gathers,
  ...oneHots,
];
