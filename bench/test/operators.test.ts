/** Every operator against onnxruntime-web or TensorFlow.js: its kernel with the default schedule, on random operands. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import * as ops from "../../src/ops.ts";
import { data, distance, exact, f32, i32, units } from "./data.ts";
import { infer } from "./onnx.ts";
import { check, judge, nameOf, type Row } from "./row.ts";
import { tables } from "./rows/index.ts";

describe("the tables", () => {
  const rows = Object.values(tables).flat();
  test("every operator has a row", () => {
    const tested = new Set<string>(rows.map((row) => row.operator));
    const operators = Object.entries(ops).flatMap(([name, x]) => (typeof x === "function" ? [name] : []));
    assert.deepEqual(
      operators.filter((name) => !tested.has(name)),
      [],
    );
  });
  test("no two rows are the same", () => {
    const names = rows.map(nameOf);
    assert.deepEqual(
      names.filter((name, i) => names.indexOf(name) !== i),
      [],
    );
  });
});

describe("the comparison", () => {
  const x = data("f32", [3], [1, 2, 3]);
  test("finds other values, NaN and infinities", () => {
    assert.equal(distance(x, x, exact).ratio, 0);
    assert.equal(distance(data("f32", [3], [1, 2, 3.0001]), x, exact).ratio, Infinity);
    assert.ok(distance(data("f32", [3], [1, 2, 3.0001]), x, units(4)).ratio > 1);
    assert.ok(distance(data("f32", [3], [1, 2, 3 + 2 ** -22]), x, units(4)).ratio < 1);
    assert.equal(distance(data("f32", [3], [1, Number.NaN, 3]), x, units(4)).ratio, Infinity);
    assert.equal(distance(x, data("f32", [3], [1, Number.NaN, 3]), units(4)).ratio, Infinity);
    assert.equal(distance(data("f32", [3], [1, Infinity, 3]), x, units(4)).ratio, Infinity);
    assert.equal(distance(x, data("f32", [3], [1, Infinity, 3]), units(4)).ratio, Infinity);
  });
  test("finds other shapes and dtypes", () => {
    assert.throws(() => distance(x, data("f32", [3, 1], [1, 2, 3]), exact), /f32\[3\], not f32\[3,1\]/);
    assert.throws(() => distance(x, data("i32", [3], [1, 2, 3]), exact), /f32\[3\], not i32\[3\]/);
  });
  test("finds another operator", async () => {
    const row: Row = {
      operator: "broadcastSub",
      title: "",
      inputs: { A: f32([5, 7]), B: f32([7]) },
      args: ({ A, B }) => [A, B],
      expected: ({ A, B }) => infer((g) => g.op("Sub", [g.feed(A!), g.feed(B!)])),
      bound: exact,
    };
    assert.equal((await judge(row)).ratio, 0);
    assert.equal((await judge({ ...row, operator: "broadcastAdd" })).ratio, Infinity);
    const integers = { A: i32([5, 7]), B: i32([7]) };
    assert.equal((await judge({ ...row, inputs: integers })).ratio, 0);
    assert.equal((await judge({ ...row, inputs: integers, operator: "broadcastMul" })).ratio, Infinity);
  });
});

for (const [title, rows] of Object.entries(tables)) check(title, rows);
