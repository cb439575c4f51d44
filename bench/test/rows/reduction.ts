/** Reductions over axes, and running sums. */
import {
  type Bound,
  doubles,
  exact,
  f32,
  f64,
  i8,
  i32,
  i64,
  int64,
  type Spec,
  single,
  sums,
  u8,
  units,
} from "../data.ts";
import { type Graph, infer, type Value } from "../onnx.ts";
import type { OperatorName, Row } from "../row.ts";

interface Options {
  readonly axes?: number | readonly number[];
  readonly keepDims?: boolean;
  readonly correction?: number;
}
/** Axes are an operand in ONNX, which keeps them unless told otherwise; an empty list means none here, and all there by default. */
function reduce(g: Graph, type: string, x: Value, { axes, keepDims = false }: Options): Value {
  const list = axes === undefined ? [] : typeof axes === "number" ? [axes] : axes;
  const empty = axes !== undefined && list.length === 0;
  const operands = axes === undefined ? [x] : [x, g.constant(int64(...list))];
  return g.op(type, operands, { keepdims: keepDims ? 1 : 0, noop_with_empty_axes: empty ? 1 : 0 });
}
const PLACES: readonly (readonly [number[], Options])[] = [
  [[1], {}],
  [[7], { axes: 0 }],
  [[5, 33], { axes: -1 }],
  [[5, 33], { axes: 0, keepDims: true }],
  [[6, 1], { axes: 1 }],
  [[3, 4, 7], {}],
  [[3, 4, 7], { axes: [0, 2] }],
  [[2, 3, 5, 6], { axes: [1, -2], keepDims: true }],
  [[2, 3, 5, 6], { axes: [0, 1, 2, 3], keepDims: true }],
];
const countOf = (shape: readonly number[], { axes }: Options): number =>
  (axes === undefined ? shape : [axes].flat().map((d) => shape.at(d)!)).reduce((a, b) => a * b, 1);

function row(operator: OperatorName, type: string, x: Spec, options: Options, bound: Bound): Row {
  return {
    operator,
    title: JSON.stringify(options),
    inputs: { X: x },
    args: ({ X }) => [X, options],
    expected: ({ X }) => infer((g) => reduce(g, type, g.feed(X!), options)),
    bound,
  };
}
const ones = PLACES.flatMap(([shape, options]) => {
  const n = countOf(shape, options);
  return [
    row("reduceSum", "ReduceSum", f32(shape), options, sums(n)),
    row("reduceSum", "ReduceSum", i32(shape), options, exact),
    // near 1, so that products neither vanish nor overflow; each factor rounds once
    row("reduceProd", "ReduceProd", f32(shape, 0.9, 1.1), options, units(n + 2)),
    row("reduceMax", "ReduceMax", f32(shape), options, exact),
    row("reduceMin", "ReduceMin", f32(shape), options, exact),
    row("reduceMean", "ReduceMean", f32(shape), options, sums(1)),
  ];
});
const dtypes = [
  row("reduceProd", "ReduceProd", i32([3, 4, 7], -3, 3), { axes: 1 }, exact),
  row("reduceMax", "ReduceMax", i32([3, 4, 7]), { axes: 1 }, exact),
  row("reduceMin", "ReduceMin", i32([3, 4, 7]), { axes: -1 }, exact),
  row("reduceMax", "ReduceMax", u8([5, 19]), { axes: -1 }, exact),
  row("reduceMin", "ReduceMin", i8([5, 19]), { axes: 0 }, exact),
  row("reduceSum", "ReduceSum", f32([5, 9]), { axes: [] }, exact),
  row("reduceSum", "ReduceSum", f64([5, 9]), { axes: 1 }, doubles(9)),
  row("reduceMean", "ReduceMean", f64([5, 9]), { axes: 0 }, doubles(5)),
  row("reduceSum", "ReduceSum", i64([5, 9]), { axes: 0 }, exact),
];
/** ONNX has no variance: the mean of squared distances, times n / (n - correction). */
const variances = PLACES.flatMap(([shape, options]) => {
  const n = countOf(shape, options);
  return [0, 1]
    .filter((correction) => n > correction)
    .map((correction): Row => {
      const all = correction === 0 ? options : { ...options, correction };
      return {
        operator: "reduceVariance",
        title: JSON.stringify(all),
        inputs: { X: f32(shape, 3, 5) },
        args: ({ X }) => [X, all],
        expected: ({ X }) =>
          infer((g) => {
            const x = g.feed(X!);
            const distance = g.op("Sub", [x, reduce(g, "ReduceMean", x, { ...options, keepDims: true })]);
            const mean = reduce(g, "ReduceMean", g.op("Mul", [distance, distance]), options);
            return g.op("Mul", [mean, g.constant(single("f32", n / (n - correction)))]);
          }),
        bound: sums(4),
      };
    });
});

const RUNNING: readonly (readonly [Spec, number])[] = [
  [f32([1]), 0],
  [f32([13]), -1],
  [f32([5, 9]), 0],
  [f32([3, 4, 7]), 1],
  [i32([5, 9]), -1],
];
const running = RUNNING.flatMap(([x, axis]) =>
  [{}, { exclusive: true }, { reverse: true }, { exclusive: true, reverse: true }].map(
    (o: { exclusive?: boolean; reverse?: boolean }): Row => ({
      operator: "cumsum",
      title: JSON.stringify({ axis, ...o }),
      inputs: { X: x },
      args: ({ X }) => [X, { axis, ...o }],
      expected: ({ X }) =>
        infer((g) =>
          g.op("CumSum", [g.feed(X!), g.constant(single("i64", axis))], {
            exclusive: o.exclusive ? 1 : 0,
            reverse: o.reverse ? 1 : 0,
          }),
        ),
      bound: x.dtype === "i32" ? exact : sums(x.shape.at(axis)!),
    }),
  ),
);
export const reductionRows: readonly Row[] = [...ones, ...dtypes, ...variances, ...running];
