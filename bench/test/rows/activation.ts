/** Activations. */
import { type Bound, exact, f32, f64, i32, single, units } from "../data.ts";
import { type Attribute, float, type Graph, infer, type Value } from "../onnx.ts";
import type { OperatorName, Row } from "../row.ts";

type Attributes = Readonly<Record<string, Attribute>>;
const node =
  (type: string, attributes: Attributes = {}) =>
  (g: Graph, x: Value): Value =>
    g.op(type, [x], attributes);
type Nodes = (g: Graph, x: Value) => Value;

/** Options, ONNX nodes, bound. Where ONNX has default values of its own, they are written out. */
const ACTIVATIONS: readonly (readonly [OperatorName, object | undefined, Nodes, Bound])[] = [
  ["relu", undefined, node("Relu"), exact],
  ["relu6", undefined, (g, x) => g.op("Clip", [x, g.constant(single("f32", 0)), g.constant(single("f32", 6))]), exact],
  ["leakyRelu", undefined, node("LeakyRelu", { alpha: float(0.01) }), exact],
  ["leakyRelu", { alpha: 0.3 }, node("LeakyRelu", { alpha: float(0.3) }), exact],
  ["elu", undefined, node("Elu", { alpha: float(1) }), units(2)],
  ["elu", { alpha: 0.5 }, node("Elu", { alpha: float(0.5) }), units(2)],
  ["gelu", undefined, node("Gelu", { approximate: "none" }), units(8)],
  ["gelu", { approximate: "tanh" }, node("Gelu", { approximate: "tanh" }), units(8)],
  ["sigmoid", undefined, node("Sigmoid"), units(4)],
  // ONNX Runtime's sigmoid is right to about 1e-7 absolutely, times 12
  ["silu", undefined, (g, x) => g.op("Mul", [x, g.op("Sigmoid", [x])]), units(24)],
  ["tanh", undefined, node("Tanh"), units(4)],
  ["hardSigmoid", undefined, node("HardSigmoid", { alpha: float(0.2), beta: float(0.5) }), units(1)],
  [
    "hardSigmoid",
    { alpha: 1 / 6, beta: 0.25 },
    node("HardSigmoid", { alpha: float(1 / 6), beta: float(0.25) }),
    units(1),
  ],
  ["hardSwish", undefined, node("HardSwish"), units(2)],
  ["softplus", undefined, node("Softplus"), units(4)],
  ["mish", undefined, node("Mish"), units(8)],
];
const activations = ACTIVATIONS.flatMap(([operator, options, nodes, bound]) =>
  [[1], [3, 7], [2, 5, 33]].map(
    (shape): Row => ({
      operator,
      title: options === undefined ? "" : JSON.stringify(options),
      // far enough for all of them to level off
      inputs: { X: f32(shape, -12, 12) },
      args: ({ X }) => (options === undefined ? [X] : [X, options]),
      expected: ({ X }) => infer((g) => nodes(g, g.feed(X!))),
      bound,
    }),
  ),
);
const otherDTypes: Row[] = [
  {
    operator: "relu",
    title: "",
    inputs: { X: i32([5, 9]) },
    args: ({ X }) => [X],
    expected: ({ X }) => infer((g) => g.op("Relu", [g.feed(X!)])),
    bound: exact,
  },
  {
    operator: "relu",
    title: "",
    inputs: { X: f64([5, 9]) },
    args: ({ X }) => [X],
    expected: ({ X }) => infer((g) => g.op("Relu", [g.feed(X!)])),
    bound: exact,
  },
];

export const activationRows: readonly Row[] = [...activations, ...otherDTypes];
