/** Convolutions: ordinary, grouped, depthwise, transposed. */
import type * as Ops from "../../../src/ops.ts";
import { channelsFirst, channelsLast, type Data, exact, f32, i32, sizeOf, sums, transposed } from "../data.ts";
import { type Attribute, infer } from "../onnx.ts";
import type { OperatorName, Row } from "../row.ts";
import { compute } from "../tfjs.ts";
import { layoutOf, list, type PerAxis, padding, placed, type Rank } from "./windows.ts";

interface Windows {
  readonly stride?: PerAxis;
  readonly dilation?: PerAxis;
  readonly padding?: Ops.Padding;
  readonly groups?: number;
  readonly outputPadding?: PerAxis;
}
const attributes = (o: Windows, rank: Rank): Record<string, Attribute> => ({
  strides: list(o.stride ?? 1, rank),
  dilations: list(o.dilation ?? 1, rank),
  group: o.groups ?? 1,
  ...(o.outputPadding === undefined ? {} : { output_padding: list(o.outputPadding, rank) }),
  ...padding(o.padding, rank),
});
const range = (n: number, first = 0): number[] => Array.from({ length: n }, (_, d) => d + first);
/** [k..., a, b] as [b, a, k...]: HWIO as OIHW, and the HWOI of transposed convolutions as IOHW. */
const weightsFirst = (w: Data): Data => {
  const rank = w.shape.length - 2;
  return transposed(w, [rank + 1, rank, ...range(rank)]);
};
const titleOf = (o: object): string => {
  const parts = Object.entries(o).map(([k, v]) => `${k} ${JSON.stringify(v)}`);
  return parts.join(", ");
};

interface Convolution {
  readonly operator: OperatorName;
  readonly rank: Rank;
  /** [n, ..., C] */
  readonly x: readonly number[];
  readonly taps: readonly number[];
  /** Channels of the result. */
  readonly o: number;
  readonly options: Windows;
  /** Options of this operator only. */
  readonly own?: object;
  /** Where ONNX needs other options for the same. */
  readonly inOnnx?: Windows;
  /** How much larger errors are than those of a plain sum. */
  readonly amplified?: number;
}
/** A convolution in both layouts, with and without bias, against ONNX Conv or ConvTranspose. */
const conv = (of: Convolution): Row[] => [true, false].map((last) => convIn(of, last));
function convIn({ operator, rank, x, taps, o, options, own, inOnnx, amplified }: Convolution, last: boolean): Row {
  const transposes = operator.startsWith("convTranspose");
  const perGroup = x.at(-1)! / (options.groups ?? 1);
  const [a, b] = transposes ? [o, perGroup] : [perGroup, o];
  const layout = layoutOf(rank, last);
  return {
    operator,
    title: [layout, titleOf({ ...options, ...own })].filter(Boolean).join(", "),
    inputs: {
      X: f32(placed(x, last)),
      W: f32(last ? [...taps, a, b] : [b, a, ...taps]),
      ...(last ? { bias: f32([o]) } : {}),
    },
    args: ({ X, W, bias }) => [X, W, { ...options, ...own, layout, bias }],
    expected: async ({ X, W, bias }) => {
      const operands = [last ? channelsFirst(X!) : X!, last ? weightsFirst(W!) : W!, ...(bias ? [bias] : [])];
      const type = transposes ? "ConvTranspose" : "Conv";
      const y = await infer((g) =>
        g.op(
          type,
          operands.map((v) => g.feed(v)),
          attributes(inOnnx ?? options, rank),
        ),
      );
      return last ? channelsLast(y) : y;
    },
    bound: sums(perGroup * sizeOf(taps), amplified),
  };
}
/** Input [n, ..., C], taps of the kernel, channels of the result, options. Each in both layouts. */
const CONVOLUTIONS: readonly (readonly [Rank, number[], number[], number, Windows])[] = [
  [1, [1, 1, 1], [1], 1, {}],
  [1, [2, 19, 5], [3], 7, { padding: 1 }],
  [1, [1, 20, 4], [4], 6, { stride: 3, padding: [[2, 1]] }],
  [1, [1, 17, 6], [3], 4, { dilation: 3, padding: 3 }],
  [1, [2, 18, 6], [5], 9, { stride: 2, padding: "same", groups: 3 }],
  [2, [1, 1, 1, 3], [1, 1], 5, {}],
  [2, [2, 7, 9, 5], [1, 1], 12, {}],
  [2, [1, 8, 11, 3], [3, 3], 16, { padding: 1 }],
  [2, [2, 9, 7, 6], [3, 2], 5, { padding: "same" }],
  [2, [1, 13, 10, 4], [3, 3], 8, { stride: 2, padding: "same" }],
  [2, [2, 7, 12, 4], [5, 2], 4, { stride: 3, padding: "same" }],
  [2, [1, 12, 11, 4], [5, 3], 6, { stride: [3, 2], padding: [[1, 2], 0] }],
  [2, [1, 11, 12, 3], [3, 3], 7, { dilation: [2, 3], padding: 2 }],
  [2, [1, 9, 10, 8], [3, 3], 12, { groups: 4, padding: 1 }],
  [2, [1, 9, 10, 6], [3, 3], 6, { groups: 6, stride: 2, padding: 1 }],
  [2, [1, 10, 10, 2], [7, 7], 3, { stride: 2, padding: 3 }],
  [2, [1, 14, 14, 32], [3, 3], 33, { padding: 1 }],
  [3, [1, 5, 7, 6, 3], [3, 3, 3], 5, { padding: 1 }],
  [3, [2, 4, 5, 7, 4], [2, 3, 1], 6, { stride: [1, 2, 2], padding: "same", groups: 2 }],
  [3, [1, 7, 6, 5, 2], [2, 2, 2], 3, { dilation: [2, 1, 2], padding: "valid" }],
];
const NAMES = {
  conv: ["conv1d", "conv2d", "conv3d"],
  convTranspose: ["convTranspose1d", "convTranspose2d", "convTranspose3d"],
} as const;
const convolutions = CONVOLUTIONS.flatMap(([rank, x, taps, o, options]) =>
  conv({ operator: NAMES.conv[rank - 1]!, rank, x, taps, o, options }),
);

/** The same in other ways, each of which is an operator: one group, two axes. */
const IM2COL: readonly (readonly [number[], number[], number, Windows])[] = [
  [[1, 1, 1, 1], [1, 1], 1, {}],
  [[2, 7, 9, 5], [1, 1], 12, {}],
  [[2, 8, 11, 3], [3, 3], 16, { padding: 1 }],
  [[1, 13, 10, 4], [3, 2], 7, { stride: 2, padding: "same" }],
  [[1, 11, 12, 3], [3, 3], 7, { stride: [1, 2], dilation: [2, 3], padding: [[2, 1], 3] }],
];
const im2col = IM2COL.flatMap(([x, taps, o, options]) =>
  conv({ operator: "im2colConv2d", rank: 2, x, taps, o, options }),
);
/** Kernels of 3 x 3, stride 1. Sizes that are no multiple of the tile, and one that is. */
const WINOGRAD: readonly (readonly [number[], number, Windows])[] = [
  [[1, 3, 3, 1], 1, {}],
  [[2, 8, 8, 5], 7, { padding: "same" }],
  [[1, 13, 10, 4], 9, { padding: 1 }],
  [
    [1, 9, 12, 33],
    6,
    {
      padding: [
        [0, 2],
        [1, 0],
      ],
    },
  ],
];
const winograd = WINOGRAD.flatMap(([x, o, options]) =>
  ([2, 4] as const).flatMap((tile) =>
    conv({
      ...{ operator: "winogradConv2d", rank: 2, x, taps: [3, 3], o, options, own: { tile } },
      // the transforms add and subtract multiples of elements: up to 8 of them with tiles of 4
      amplified: tile === 2 ? 2 : 8,
    }),
  ),
);

/** ONNX's depthwise convolution is one with as many groups as channels. Result c comes from channel floor(c / M) in both. */
function depthwise(
  x: readonly number[],
  taps: readonly number[],
  multiplier: number,
  last: boolean,
  options: Windows,
): Row {
  const [n, h, w, c] = x as [number, number, number, number];
  const layout = last ? "NHWC" : "NCHW";
  const made = c * multiplier;
  return {
    operator: "depthwiseConv2d",
    title: [layout, titleOf(options)].filter(Boolean).join(", "),
    inputs: {
      X: f32(last ? [n, h, w, c] : [n, c, h, w]),
      W: f32(last ? [...taps, c, multiplier] : [made, 1, ...taps]),
      ...(last ? { bias: f32([made]) } : {}),
    },
    args: ({ X, W, bias }) => [X, W, { ...options, layout, bias }],
    expected: async ({ X, W, bias }) => {
      const flat = (v: Data): Data => ({ ...v, shape: [taps[0]!, taps[1]!, 1, made] });
      const operands = [last ? channelsFirst(X!) : X!, last ? weightsFirst(flat(W!)) : W!, ...(bias ? [bias] : [])];
      const y = await infer((g) =>
        g.op(
          "Conv",
          operands.map((v) => g.feed(v)),
          attributes({ ...options, groups: c }, 2),
        ),
      );
      return last ? channelsLast(y) : y;
    },
    bound: sums(taps[0]! * taps[1]!),
  };
}
const DEPTHWISE: readonly (readonly [number[], number[], number, Windows])[] = [
  [[1, 1, 1, 1], [1, 1], 1, {}],
  [[2, 8, 9, 5], [3, 3], 1, { padding: 1 }],
  [[1, 9, 12, 8], [3, 3], 1, { stride: 2, padding: "same" }],
  [[1, 10, 7, 3], [3, 5], 2, { padding: "same" }],
  [[1, 11, 11, 4], [3, 3], 3, { stride: [1, 2], dilation: [2, 1], padding: [[2, 1], 1] }],
];
const depthwises = DEPTHWISE.flatMap(([x, taps, m, options]) =>
  [true, false].map((last) => depthwise(x, taps, m, last, options)),
);

const TRANSPOSED: readonly (readonly [Rank, number[], number[], number, Windows, Windows?])[] = [
  [1, [1, 1, 1], [1], 1, {}],
  [1, [2, 9, 5], [3], 4, { stride: 2, padding: 1, outputPadding: 1 }],
  [1, [1, 7, 4], [4], 6, { stride: 3, dilation: 2, padding: [[2, 1]] }],
  [2, [2, 5, 6, 3], [3, 3], 5, { padding: 1 }],
  [2, [1, 6, 5, 4], [4, 4], 8, { stride: 2, padding: 1 }],
  [2, [1, 4, 7, 5], [3, 2], 7, { stride: [2, 3], outputPadding: [1, 2] }],
  [2, [1, 5, 4, 3], [3, 3], 4, { dilation: [1, 2], padding: [[1, 0], 2] }],
  [2, [1, 5, 6, 3], [3, 3], 4, { stride: 2, padding: "same" }],
  [2, [1, 5, 6, 3], [4, 5], 4, { stride: [2, 1], padding: "same" }],
  // 3 elements of the result for each of the input, as ONNX's auto_pad says; ONNX Runtime makes too few where the kernel is smaller
  [1, [1, 5, 2], [2], 3, { stride: 3, padding: "same" }, { stride: 3, outputPadding: 1 }],
  [3, [1, 3, 4, 5, 3], [2, 2, 2], 4, { stride: 2 }],
  [3, [1, 3, 3, 4, 2], [3, 2, 3], 3, { stride: [1, 2, 2], padding: [1, 0, 1] }],
];
const transposes = TRANSPOSED.flatMap(([rank, x, taps, o, options, inOnnx]) =>
  conv({ operator: NAMES.convTranspose[rank - 1]!, rank, x, taps, o, options, ...(inOnnx ? { inOnnx } : {}) }),
);

/**
 * "same" is TensorFlow's word, and ONNX Runtime refuses it together with dilation. TensorFlow's weights are ours in the layouts with
 * channels last. No kernel smaller than the stride: TensorFlow.js leaves zeros in its result then.
 */
const SAME: readonly (readonly [number[], [number, number], number, number, number])[] = [
  [[1, 9, 10, 3], [3, 3], 5, 1, 1],
  [[1, 9, 10, 3], [4, 3], 6, 2, 1],
  [[2, 7, 12, 4], [5, 3], 4, 3, 1],
  [[1, 11, 9, 3], [3, 4], 4, 1, 2],
];
const likeTensorFlow = SAME.flatMap(([x, taps, o, stride, dilation]): Row[] => {
  const [n, h, w, c] = x as [number, number, number, number];
  const options = { stride, dilation, padding: "same" } as const;
  const shared = {
    title: `TensorFlow.js, ${titleOf(options)}`,
    args: ({ X, W }) => [X, W, options],
  } satisfies Partial<Row>;
  const inputs = (weights: readonly number[]) => ({ X: f32(x), W: f32([...taps, ...weights]) });
  const rows: Row[] = [
    {
      ...shared,
      operator: "conv2d",
      inputs: inputs([c, o]),
      expected: ({ X, W }) =>
        compute((tf, t) => tf.conv2d(t(X!) as never, t(W!) as never, stride, "same", "NHWC", dilation)),
      bound: sums(c * taps[0] * taps[1]),
    },
    {
      ...shared,
      operator: "depthwiseConv2d",
      inputs: inputs([c, 2]),
      expected: ({ X, W }) =>
        compute((tf, t) => tf.depthwiseConv2d(t(X!) as never, t(W!) as never, stride, "same", "NHWC", dilation)),
      bound: sums(taps[0] * taps[1]),
    },
  ];
  // without dilation in TensorFlow
  if (dilation === 1)
    rows.push({
      ...shared,
      operator: "convTranspose2d",
      inputs: inputs([o, c]),
      expected: ({ X, W }) =>
        compute((tf, t) =>
          tf.conv2dTranspose(t(X!) as never, t(W!) as never, [n, h * stride, w * stride, o], stride, "same"),
        ),
      bound: sums(c * taps[0] * taps[1]),
    });
  return rows;
});
/** ONNX Runtime convolves floats only: whole numbers of i32 that f32 holds exactly. */
const integers: Row = {
  operator: "conv2d",
  title: "as f32 in ONNX",
  inputs: { X: i32([1, 7, 9, 5]), W: i32([3, 3, 5, 6]) },
  args: ({ X, W }) => [X, W, { padding: 1 }],
  expected: async ({ X, W }) => {
    const y = await infer((g) => {
      const [x, w] = [channelsFirst(X!), weightsFirst(W!)].map((v) => g.cast(g.feed(v), "f32"));
      return g.cast(g.op("Conv", [x!, w!], attributes({ padding: 1 }, 2)), "i32");
    });
    return channelsLast(y);
  },
  bound: exact,
};

export const convolutionRows: readonly Row[] = [
  ...convolutions,
  ...im2col,
  ...winograd,
  ...depthwises,
  ...transposes,
  ...likeTensorFlow,
  integers,
];
