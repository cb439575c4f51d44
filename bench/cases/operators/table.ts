/** What the tables of operators are written in. */
import type { Buildable } from "../../../src/index.ts";
import { int64, sizeOf } from "../../data.ts";
import type { Attribute } from "../../onnx.ts";
import { type Given, type OnnxSide, operatorOf, type TfjsSide } from "../../work/index.ts";
import { byAlgorithm, byDefault, type Case } from "../case.ts";

/** One case: an operator of this project with its arguments, and the same by the libraries. */
export interface Line {
  /** The operator, what is special, the size. */
  readonly name: string;
  readonly class: string;
  readonly quick?: boolean;
  readonly operator: keyof typeof import("../../../src/ops.ts");
  readonly given: Readonly<Record<string, Given>>;
  /** What the operator is called with, after the name of the result. */
  readonly args: (t: Readonly<Record<string, unknown>>) => readonly unknown[];
  /** The shape of the result. */
  readonly out: readonly number[];
  readonly flops?: number;
  /** Elements read of the operands, where that is not all of them. */
  readonly reads?: number;
  readonly bound: number;
  readonly memory?: "copy" | "exp";
  /** The default algorithm may need fewer operations. */
  readonly algorithms?: boolean;
  readonly onnx?: OnnxSide;
  readonly tfjs?: TfjsSide;
}

export const f32 = (shape: readonly number[], low = -1, high = 1): Given => ({
  ...{ dtype: "f32", constant: false, shape, low, high },
});
export const constant = (shape: readonly number[], low = -1, high = 1): Given => ({
  ...f32(shape, low, high),
  constant: true,
});
export const indices = (n: number, below: number): Given => ({
  ...{ dtype: "i32", constant: false, shape: [n], low: 0, high: below },
});

/** One ONNX node, of the operands in their order. */
export const node = (
  type: string,
  attributes: Readonly<Record<string, Attribute>> = {},
  rest: Omit<OnnxSide, "build"> = {},
): OnnxSide => ({ ...rest, build: (g, x) => g.op(type, Object.values(x), attributes) });
/** One ONNX node of X and whole numbers, which are operands there. */
export const nodeOf = (
  type: string,
  numbers: readonly (readonly number[])[],
  attributes: Readonly<Record<string, Attribute>> = {},
): OnnxSide => ({
  build: (g, x) => g.op(type, [x.X!, ...numbers.map((n) => g.constant(int64(...n)))], attributes),
});

/** The results of nothing but movement: there is nothing to round. */
export const EXACT = 0;
/** Of values below 1, each with a few roundings. */
export const FEW = 1e-6;

export function caseOf(line: Line): Case {
  const { name, operator, given, args, out, memory } = line;
  const make: Parameters<typeof byDefault>[0] = ({ tw, ops }) => {
    const placeholders = Object.entries(given).map(([n, g]) => {
      return [n, tw.placeholder(n, g.shape, g.dtype, { constant: g.constant })];
    });
    const call = ops[operator] as (name: string, ...args: readonly unknown[]) => Buildable;
    return call("Y", ...args(Object.fromEntries(placeholders)));
  };
  return {
    ...{ group: "operators", name, quick: line.quick ?? false, classes: [line.class] },
    ...(memory === undefined ? {} : { memory }),
    work: () => operatorOf({ ...line, length: sizeOf(out) }),
    ours: line.algorithms ? byAlgorithm(make) : [byDefault(make)],
  };
}
