/** One line of the tables: an operator of this project beside an independent implementation. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { compile, placeholder, type Tensor } from "../../src/index.ts";
import * as ops from "../../src/ops.ts";
import { type Bound, type Data, type Distance, type DType, distance, random, type Spec } from "./data.ts";

export type OperatorName = {
  [K in keyof typeof ops]: (typeof ops)[K] extends (...args: never[]) => unknown ? K : never;
}[keyof typeof ops];

export interface Row {
  readonly operator: OperatorName;
  /** What is special about it. */
  readonly title: string;
  /** Operands by name. */
  readonly inputs: Readonly<Record<string, Spec>>;
  /** What the operator is called with, after the name of the result. */
  readonly args: (t: Readonly<Record<string, Tensor>>) => readonly unknown[];
  /** The same by onnxruntime-web or TensorFlow.js. */
  readonly expected: (x: Readonly<Record<string, Data>>) => Promise<Data>;
  readonly bound: Bound;
}
export const nameOf = (row: Row): string => {
  const shapes = Object.values(row.inputs).map((s) => `${s.dtype}[${s.shape}]`);
  return `${row.operator} ${shapes.join(" ")}${row.title === "" ? "" : `: ${row.title}`}`;
};

const named: Readonly<Record<string, unknown>> = ops;
/** Compiles with the default schedule, runs, and compares with the other implementation. */
export async function judge(row: Row): Promise<Distance> {
  const call = named[row.operator] as (name: string, ...args: readonly unknown[]) => Tensor;
  const inputs = Object.entries(row.inputs);
  const tensors = Object.fromEntries(inputs.map(([k, s]) => [k, placeholder(k, s.shape, s.dtype) as Tensor]));
  const values = Object.fromEntries(inputs.map(([k, s]) => [k, random(s, `${nameOf(row)} ${k}`)]));
  const want = await row.expected(values);
  const t = call("Y", ...row.args(tensors));
  const kernel = await compile(t);
  const args = Object.fromEntries(Object.entries(values).map(([k, x]) => [k, x.data]));
  const result = kernel(args as never) as unknown as Data["data"];
  const got: Data = { dtype: t.dtype as DType, shape: t.shape as readonly number[], data: result };
  return distance(got, want, row.bound);
}

/** One test for each row. Names are unique: each row has random numbers of its own. */
export function check(title: string, rows: readonly Row[]): void {
  describe(title, () => {
    for (const row of rows)
      test(nameOf(row), async () => {
        const { ratio, text } = await judge(row);
        assert.ok(ratio <= 1, text);
      });
  });
}
