/** Pooling over windows and whole planes, and images of another size. */
import type * as Ops from "../../../src/ops.ts";
import {
  type Bound,
  channelsFirst,
  channelsLast,
  type Data,
  exact,
  f32,
  i32,
  int64,
  reshaped,
  type Spec,
  sums,
  u8,
  units,
} from "../data.ts";
import { type Attribute, infer, none } from "../onnx.ts";
import type { OperatorName, Row } from "../row.ts";
import { layoutOf, list, type PerAxis, padding, placed, type Rank } from "./windows.ts";

interface Options {
  readonly size: PerAxis;
  readonly stride?: PerAxis;
  readonly dilation?: PerAxis;
  readonly padding?: Ops.Padding;
  readonly countPadding?: boolean;
}
/** Our stride is the size unless told otherwise, ONNX's is 1. `countPadding` is its count_include_pad. */
const attributes = (o: Options, rank: Rank): Record<string, Attribute> => ({
  kernel_shape: list(o.size, rank),
  strides: list(o.stride ?? o.size, rank),
  ...(o.dilation === undefined ? {} : { dilations: list(o.dilation, rank) }),
  ...(o.countPadding === undefined ? {} : { count_include_pad: o.countPadding ? 1 : 0 }),
  ...padding(o.padding, rank),
});
function pool(kind: "max" | "average", rank: Rank, x: Spec, last: boolean, options: Options): Row {
  const layout = layoutOf(rank, last);
  return {
    operator: `${kind}Pool${rank}d` as OperatorName,
    title: `${layout} ${JSON.stringify(options)}`,
    inputs: { X: { ...x, shape: placed(x.shape, last) } },
    args: ({ X }) => [X, { ...options, layout }],
    expected: async ({ X }) => {
      const y = await infer((g) =>
        g.op(
          kind === "max" ? "MaxPool" : "AveragePool",
          [g.feed(last ? channelsFirst(X!) : X!)],
          attributes(options, rank),
        ),
      );
      return last ? channelsLast(y) : y;
    },
    bound: kind === "max" ? exact : units(4),
  };
}
const POOLS: readonly (readonly [Rank, number[], Options])[] = [
  [1, [1, 1, 1], { size: 1 }],
  [1, [2, 11, 5], { size: 2 }],
  [1, [1, 13, 4], { size: 3, stride: 2, padding: 1 }],
  [1, [1, 10, 3], { size: 4, stride: 3, padding: "same" }],
  [2, [1, 8, 10, 4], { size: 2 }],
  [2, [2, 9, 7, 5], { size: 3, stride: 2, padding: 1 }],
  [2, [1, 10, 11, 3], { size: [3, 2], stride: 1, padding: "same" }],
  [2, [1, 13, 9, 6], { size: 3, stride: 2, padding: "same" }],
  [
    2,
    [1, 9, 12, 7],
    {
      size: [2, 4],
      stride: [3, 1],
      padding: [
        [1, 0],
        [2, 3],
      ],
    },
  ],
  [3, [1, 5, 6, 7, 4], { size: [1, 2, 2] }],
  [3, [1, 6, 5, 7, 3], { size: 3, stride: 2, padding: "same" }],
  [3, [2, 4, 5, 4, 5], { size: [2, 3, 2], stride: 1, padding: 1 }],
];
const pools = POOLS.flatMap(([rank, x, options]) =>
  [true, false].flatMap((last) => [
    pool("max", rank, f32(x), last, options),
    pool("average", rank, f32(x), last, { ...options, countPadding: false }),
    ...(options.padding === undefined ? [] : [pool("average", rank, f32(x), last, { ...options, countPadding: true })]),
  ]),
);
const others = [
  pool("max", 1, f32([1, 15, 4]), true, { size: 3, stride: 1, dilation: 2, padding: 2 }),
  pool("max", 2, f32([1, 12, 11, 5]), true, { size: 3, stride: 2, dilation: [2, 3], padding: 1 }),
  pool("max", 3, f32([1, 6, 7, 5, 2]), false, { size: 2, stride: 1, dilation: [1, 2, 2] }),
  pool("max", 2, u8([1, 9, 8, 5]), true, { size: 3, stride: 2, padding: 1 }),
];

/** ONNX keeps the axes. */
const global = (
  [
    [1, 1, 1],
    [2, 9, 5],
    [2, 5, 7, 6],
    [1, 3, 4, 5, 9],
  ] as number[][]
).flatMap((x) =>
  (["globalMaxPool", "globalAveragePool"] as const).flatMap((operator) =>
    [true, false].map((last): Row => {
      const rank = (x.length - 2) as Rank;
      const layout = layoutOf(rank, last);
      return {
        operator,
        title: layout,
        inputs: { X: f32(placed(x, last)) },
        args: ({ X }) => [X, { layout, keepDims: !last }],
        expected: async ({ X }) => {
          const y = await infer((g) =>
            g.op(operator === "globalMaxPool" ? "GlobalMaxPool" : "GlobalAveragePool", [
              g.feed(last ? channelsFirst(X!) : X!),
            ]),
          );
          return last ? reshaped(y, [x[0]!, x.at(-1)!]) : y;
        },
        bound: operator === "globalMaxPool" ? exact : units(4),
      };
    }),
  ),
);

const COORDINATES = { "half-pixel": "half_pixel", asymmetric: "asymmetric", "align-corners": "align_corners" } as const;
type Coordinates = keyof typeof COORDINATES;
/**
 * Nearest: half-pixel and align-corners round halves up (nearest_mode round_prefer_ceil), asymmetric rounds down (floor).
 * ONNX Runtime computes positions in f32, where ours are exact.
 */
function resize(
  x: Spec,
  size: readonly [number, number],
  method: "nearest" | "bilinear",
  coordinates: Coordinates,
  last: boolean,
): Row {
  const layout = layoutOf(2, last);
  const bound: Bound = method === "nearest" ? exact : sums(8);
  return {
    operator: "resize",
    title: `to ${size}, ${method}, ${coordinates}, ${layout}`,
    inputs: { X: { ...x, shape: placed(x.shape, last) } },
    args: ({ X }) => [X, { size, method, coordinates, layout }],
    expected: async ({ X }) => {
      const input: Data = last ? channelsFirst(X!) : X!;
      const y = await infer((g) =>
        g.op("Resize", [g.feed(input), none, none, g.constant(int64(x.shape[0]!, x.shape[3]!, ...size))], {
          mode: method === "nearest" ? "nearest" : "linear",
          coordinate_transformation_mode: COORDINATES[coordinates],
          nearest_mode: coordinates === "asymmetric" ? "floor" : "round_prefer_ceil",
        }),
      );
      return last ? channelsLast(y) : y;
    },
    bound,
  };
}
const SIZES: readonly (readonly [number[], [number, number]])[] = [
  [
    [1, 1, 1, 3],
    [4, 5],
  ],
  [
    [2, 4, 6, 5],
    [8, 12],
  ],
  [
    [1, 7, 9, 3],
    [5, 13],
  ],
  [
    [1, 8, 12, 4],
    [4, 3],
  ],
  [
    [1, 5, 6, 2],
    [1, 1],
  ],
  [
    [1, 9, 5, 1],
    [9, 11],
  ],
];
const resizes = SIZES.flatMap(([x, size], i) =>
  (["half-pixel", "asymmetric", "align-corners"] as const).flatMap((coordinates) =>
    (["nearest", "bilinear"] as const).map((method) => resize(f32(x), size, method, coordinates, i % 2 === 0)),
  ),
);
const otherDTypes = [
  resize(u8([1, 5, 7, 3]), [10, 4], "nearest", "half-pixel", true),
  resize(i32([1, 5, 7, 3]), [7, 21], "nearest", "asymmetric", false),
];

export const poolingRows: readonly Row[] = [...pools, ...others, ...global];
export const resizeRows: readonly Row[] = [...resizes, ...otherDTypes];
