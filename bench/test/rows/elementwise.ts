/** Element by element, with broadcasting: named operators, and the functions of expressions inside of `elementwise`. */
import { type Expr, select, sub, where } from "../../../src/index.ts";
import { type Bound, bool, doubles, exact, f32, f64, i32, i64, type Spec, single, u8, u32, units } from "../data.ts";
import { type Attribute, type Graph, infer, type Value } from "../onnx.ts";
import type { OperatorName, Row } from "../row.ts";

type Shape = readonly number[];
const SHAPES: readonly (readonly [Shape, Shape])[] = [
  [[1], [1]],
  [[5, 7], [7]],
  [
    [3, 1, 6],
    [5, 1],
  ],
  [[9], [2, 3, 1]],
];
type Nodes = (g: Graph, ...x: readonly Value[]) => Value;
const node =
  (type: string, attributes: Readonly<Record<string, Attribute>> = {}): Nodes =>
  (g, ...x) =>
    g.op(type, x, attributes);

/** a / b rounded down, as ours; ONNX's Div of integers rounds towards zero. Mod has the sign of the divisor. */
const floorDiv: Nodes = (g, a, b) => g.op("Div", [g.op("Sub", [a!, g.op("Mod", [a!, b!])]), b!]);
const NAMED: readonly (readonly [OperatorName, Nodes, Nodes | undefined, Bound])[] = [
  ["broadcastAdd", node("Add"), node("Add"), exact],
  ["broadcastSub", node("Sub"), node("Sub"), exact],
  ["broadcastMul", node("Mul"), node("Mul"), exact],
  ["broadcastDiv", node("Div"), floorDiv, exact],
  ["broadcastMax", node("Max"), node("Max"), exact],
  ["broadcastMin", node("Min"), node("Min"), exact],
  ["broadcastPow", node("Pow"), undefined, units(4)],
];
/** The right operand of divisions is never 0, the left one of powers positive. */
const named = NAMED.flatMap(([operator, floats, integers, bound]) =>
  SHAPES.flatMap(([a, b]): Row[] => {
    const [low, high] = operator === "broadcastPow" ? [0.1, 4] : [-3, 3];
    const row = (A: Spec, B: Spec, nodes: Nodes, title = ""): Row => ({
      operator,
      title,
      inputs: { A, B },
      args: (t) => [t.A, t.B],
      expected: (x) => infer((g) => nodes(g, g.feed(x.A!), g.feed(x.B!))),
      bound,
    });
    const divides = operator === "broadcastDiv";
    const rows = [row(f32(a, low, high), f32(b, divides ? 0.5 : -3, 3), floats)];
    if (integers !== undefined)
      rows.push(
        row(i32(a, -99, 99), i32(b, divides ? 1 : -99, 99), integers),
        ...(divides ? [row(i32(a, -99, 99), i32(b, -9, -1), integers, "negative divisors")] : []),
      );
    return rows;
  }),
);
const OTHER_DTYPES: readonly (readonly [OperatorName, Nodes, Spec, Spec])[] = [
  ["broadcastAdd", node("Add"), f64([5, 7]), f64([7])],
  ["broadcastDiv", node("Div"), f64([5, 7]), f64([5, 1], 0.5, 2)],
  ["broadcastMul", node("Mul"), i64([5, 7]), i64([7])],
  ["broadcastMax", node("Max"), i64([5, 1]), i64([7])],
  ["broadcastMin", node("Min"), u32([5, 1]), u32([7])],
  ["broadcastMax", node("Max"), u8([5, 19]), u8([19])],
];
const otherDTypes = OTHER_DTYPES.map(
  ([operator, nodes, A, B]): Row => ({
    operator,
    title: "",
    inputs: { A, B },
    args: (t) => [t.A, t.B],
    expected: (x) => infer((g) => nodes(g, g.feed(x.A!), g.feed(x.B!))),
    bound: exact,
  }),
);
const withNumbers = NAMED.map(
  ([operator, nodes, , bound]): Row => ({
    operator,
    title: "and a number",
    inputs: { A: f32([5, 9], 0.1, 4) },
    args: ({ A }) => [A, 1.5],
    expected: ({ A }) => infer((g) => nodes(g, g.feed(A!), g.constant(single("f32", 1.5)))),
    bound,
  }),
);

type E = Expr<"f32", never>;
/** Functions of one or two floats: ranges, the expression, ONNX nodes, bound. */
const FLOATS: readonly (readonly [string, number, number, (x: E) => unknown, Nodes, Bound])[] = [
  ["neg", -3, 3, (x) => x.neg(), node("Neg"), exact],
  ["abs", -3, 3, (x) => x.abs(), node("Abs"), exact],
  ["exp", -20, 5, (x) => x.exp(), node("Exp"), units(4)],
  ["log", 0.01, 50, (x) => x.log(), node("Log"), units(2)],
  ["sqrt", 0, 50, (x) => x.sqrt(), node("Sqrt"), exact],
  ["rsqrt", 0.01, 50, (x) => x.rsqrt(), (g, x) => g.op("Reciprocal", [g.op("Sqrt", [x!])]), units(2)],
  ["tanh", -9, 9, (x) => x.tanh(), node("Tanh"), units(4)],
  ["sigmoid", -15, 15, (x) => x.sigmoid(), node("Sigmoid"), units(4)],
  ["erf", -4, 4, (x) => x.erf(), node("Erf"), units(4)],
  ["sin", -20, 20, (x) => x.sin(), node("Sin"), units(4)],
  ["cos", -20, 20, (x) => x.cos(), node("Cos"), units(4)],
  ["floor", -9, 9, (x) => x.floor(), node("Floor"), exact],
  ["ceil", -9, 9, (x) => x.ceil(), node("Ceil"), exact],
  // halves to even in both; quarters of whole numbers, to have halves
  ["round", -9, 9, (x) => x.mul(4).floor().div(4).round(), (g, x) => g.op("Round", [quarters(g, x!)]), exact],
  [
    "trunc",
    -9,
    9,
    (x) => x.trunc(),
    (g, x) => g.op("Mul", [g.op("Sign", [x!]), g.op("Floor", [g.op("Abs", [x!])])]),
    exact,
  ],
  [
    "clamp",
    -9,
    9,
    (x) => x.clamp(-2, 3),
    (g, x) => g.op("Clip", [x!, ...[-2, 3].map((v) => g.constant(single("f32", v)))]),
    exact,
  ],
  ["cast i32", -99, 99, (x) => x.cast("i32"), (g, x) => g.cast(x!, "i32"), exact],
  ["cast f64", -9, 9, (x) => x.cast("f64"), (g, x) => g.cast(x!, "f64"), exact],
  ["cast bool", -1, 1, (x) => x.floor().cast("bool"), (g, x) => g.cast(g.op("Floor", [x!]), "bool"), exact],
  ["one minus", -9, 9, (x) => sub(1, x), (g, x) => g.op("Sub", [g.constant(single("f32", 1)), x!]), exact],
];
const quarters = (g: Graph, x: Value): Value => {
  const four = g.constant(single("f32", 4));
  return g.op("Div", [g.op("Floor", [g.op("Mul", [x, four])]), four]);
};
function elementwise(title: string, inputs: readonly Spec[], body: unknown, nodes: Nodes, bound: Bound): Row {
  const names = ["A", "B", "C"].slice(0, inputs.length);
  return {
    operator: "elementwise",
    title,
    inputs: Object.fromEntries(names.map((n, i) => [n, inputs[i]!])),
    args: (t) => [names.map((n) => t[n]), body],
    expected: (x) => infer((g) => nodes(g, ...names.map((n) => g.feed(x[n]!)))),
    bound,
  };
}
const ofOne = FLOATS.map(([title, low, high, body, nodes, bound]) =>
  elementwise(title, [f32([7, 9], low, high)], body, nodes, bound),
);

type Double = Expr<"f64", never>;
const DOUBLES: readonly (readonly [string, number, number, (x: Double) => unknown, Nodes])[] = [
  ["exp", -20, 3, (x) => x.exp(), node("Exp")],
  ["log", 0.01, 50, (x) => x.log(), node("Log")],
  ["tanh", -9, 9, (x) => x.tanh(), node("Tanh")],
  ["sigmoid", -15, 15, (x) => x.sigmoid(), node("Sigmoid")],
  ["sin", -20, 20, (x) => x.sin(), node("Sin")],
  ["cos", -20, 20, (x) => x.cos(), node("Cos")],
];
const ofOneDouble = DOUBLES.map(([title, low, high, body, nodes]) =>
  elementwise(title, [f64([7, 9], low, high)], body, nodes, doubles(4)),
);

type I = Expr<"i32", never>;
type U = Expr<"u32", never>;
type Two<X> = (a: X, b: X) => unknown;
const COMPARISONS: readonly (readonly [string, Two<I>, Nodes])[] = [
  ["lt", (a, b) => a.lt(b), node("Less")],
  ["le", (a, b) => a.le(b), node("LessOrEqual")],
  ["gt", (a, b) => a.gt(b), node("Greater")],
  ["ge", (a, b) => a.ge(b), node("GreaterOrEqual")],
  ["eq", (a, b) => a.eq(b), node("Equal")],
  ["ne", (a, b) => a.ne(b), (g, a, b) => g.op("Not", [g.op("Equal", [a!, b!])])],
];
const comparisons = COMPARISONS.flatMap(([title, body, nodes]) =>
  // few values, so that some are equal
  [
    elementwise(title, [i32([5, 7], -2, 2), i32([7], -2, 2)], body, nodes, exact),
    elementwise(title, [f32([3, 1], -2, 2), f32([9], -2, 2)], body, nodes, exact),
  ],
);
const INTEGERS: readonly (readonly [string, number, Two<I>, Nodes])[] = [
  ["mod", 1, (a, b) => a.mod(b), node("Mod")],
  ["rem", 1, (a, b) => a.rem(b), node("Mod", { fmod: 1 })],
  ["truncDiv", 1, (a, b) => a.truncDiv(b), node("Div")],
  ["and", -99, (a, b) => a.and(b), node("BitwiseAnd")],
  ["or", -99, (a, b) => a.or(b), node("BitwiseOr")],
  ["xor", -99, (a, b) => a.xor(b), node("BitwiseXor")],
];
const integers = INTEGERS.map(([title, low, body, nodes]) =>
  elementwise(title, [i32([5, 7], -99, 99), i32([7], low, 99)], body, nodes, exact),
);
const LOGIC: readonly (readonly [string, Two<Expr<"bool", never>>, Nodes])[] = [
  ["and", (a, b) => a.and(b), node("And")],
  ["or", (a, b) => a.or(b), node("Or")],
  ["xor", (a, b) => a.xor(b), node("Xor")],
];
const logic = LOGIC.map(([title, body, nodes]) => elementwise(title, [bool([5, 7]), bool([7])], body, nodes, exact));

const where3: Nodes = (g, c, a, b) => g.op("Where", [c!, a!, b!]);
const rest: Row[] = [
  elementwise("not", [bool([5, 7])], (a: Expr<"bool", never>) => a.not(), node("Not"), exact),
  elementwise("not", [i32([5, 7])], (a: I) => a.not(), node("BitwiseNot"), exact),
  elementwise(
    "shl",
    [u32([5, 7]), u32([7], 0, 9)],
    (a: U, b: U) => a.shl(b),
    node("BitShift", { direction: "LEFT" }),
    exact,
  ),
  elementwise(
    "shr",
    [u32([5, 7]), u32([7], 0, 9)],
    (a: U, b: U) => a.shr(b),
    node("BitShift", { direction: "RIGHT" }),
    exact,
  ),
  elementwise("neg", [i32([5, 7])], (a: I) => a.neg(), node("Neg"), exact),
  elementwise("abs", [i32([5, 7])], (a: I) => a.abs(), node("Abs"), exact),
  elementwise(
    "cast f32",
    [i32([5, 7])],
    (a: I) => a.cast("f32"),
    (g, x) => g.cast(x!, "f32"),
    exact,
  ),
  elementwise(
    "cast u8",
    [i32([5, 7], -999, 999)],
    (a: I) => a.cast("u8"),
    (g, x) => g.cast(x!, "u8"),
    exact,
  ),
  elementwise(
    "cast i32",
    [u8([5, 7])],
    (a: Expr<"u8", never>) => a.cast("i32"),
    (g, x) => g.cast(x!, "i32"),
    exact,
  ),
  elementwise(
    "select",
    [bool([7]), f32([3, 1, 1]), f32([5, 7])],
    (c: Expr<"bool", never>, a: E, b: E) => select(c, a, b),
    where3,
    exact,
  ),
  elementwise(
    "where",
    [bool([5, 1]), i32([7]), i32([1])],
    (c: Expr<"bool", never>, a: I, b: I) => where(c, a, b),
    where3,
    exact,
  ),
  elementwise(
    "three operands",
    [f32([5, 7]), f32([7]), f32([5, 1])],
    (a: E, b: E, c: E) => a.mul(b).add(c),
    (g, a, b, c) => g.op("Add", [g.op("Mul", [a!, b!]), c!]),
    // a relaxed fused multiply-add rounds once
    units(1),
  ),
  elementwise(
    "f64",
    [f64([5, 7]), f64([7], 1, 2)],
    (a: Double, b: Double) => a.sub(b).div(b).max(a),
    (g, a, b) => g.op("Max", [g.op("Div", [g.op("Sub", [a!, b!]), b!]), a!]),
    exact,
  ),
];
export const elementwiseRows: readonly Row[] = [
  ...named,
  ...otherDTypes,
  ...withNumbers,
  ...ofOne,
  ...ofOneDouble,
  ...comparisons,
  ...integers,
  ...logic,
  ...rest,
];
