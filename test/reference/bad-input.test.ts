/** What untyped callers may hand to `evaluate`, and sizes that `dim` excludes. */
import { describe, expect, test } from "vitest";
import { schedule } from "../../schedule/index.ts";
import { evaluate, evaluateWithBound, InterpretError, interpret } from "../../src/reference/index.ts";
import { compute, dim, placeholder, scalar } from "../../te/index.ts";

// biome-ignore lint/suspicious/noExplicitAny: what no type lets through
type Loose = any;
const n = dim("n", { max: 16, multipleOf: 4 });
const A = placeholder("A", [n]);
const B = compute("B", { i: n }, ({ i }) => A.at(i).mul(scalar("alpha")));
const inputs = { A: new Float32Array(16).fill(1) };
const sizes = { n: 8 };
const scalars = { alpha: 2 };
function said(run: () => unknown): string {
  try {
    run();
  } catch (e) {
    if (!(e instanceof InterpretError)) throw e;
    return `${e.code}: ${e.message}`;
  }
  return "nothing was thrown";
}

describe("evaluate with", () => {
  test.each<[string, Loose, Loose, RegExp]>([
    ["another option", inputs, { sizes, scalars, size: 3 }, /no option "size" here: there are sizes, scalars, at/],
    ["another input", { ...inputs, C: inputs.A }, { sizes, scalars }, /no input "C" here: there are A/],
    ["another size", inputs, { sizes: { ...sizes, m: 4 }, scalars }, /no size "m" here: there are n/],
    ["another scalar", inputs, { sizes, scalars: { ...scalars, beta: 1 } }, /no scalar "beta" here/],
    ["at in a text", inputs, { sizes, scalars, at: "x" }, /at is "?x"?, not a list of positions/],
    ["numbers as positions", inputs, { sizes, scalars, at: [99] }, /\[99\] in at is no position of B/],
    ["a position of another rank", inputs, { sizes, scalars, at: [[1, 2]] }, /\[1,2\] in at is no position of B/],
    ["half a position", inputs, { sizes, scalars, at: [[0.5]] }, /\[0.5\] in at is no position of B/],
    ["a position outside", inputs, { sizes, scalars, at: [[8]] }, /read of B\[8\], but its shape is \[8\]/],
    ["a flag in a text", inputs, { sizes, scalars, contract: "yes" }, /contract is "?yes"?, not true or false/],
    ["sizes in a list", inputs, { sizes: [3], scalars }, /sizes is a list, not a record/],
    ["no scalar", inputs, { sizes }, /scalar alpha is missing: pass it as \{ scalars: \{ alpha: \.\.\. \} \}/],
    ["a size in a text", inputs, { sizes: { n: "8" }, scalars }, /the size n is "?8"?, not a whole number/],
  ])("%s", (_, given, options, message) => {
    expect(said(() => evaluate(B, given, options))).toMatch(message);
    expect(said(() => evaluateWithBound({ B }, given, options))).toMatch(message);
  });
  test.each([3, 20, -4])("a size of %d, which dim excludes", (value) => {
    const message = new RegExp(`^size-range: the size n is ${value}, but must be from 0 to 16 and a multiple of 4`);
    const options = { sizes: { n: value }, scalars };
    expect(said(() => evaluate(B, inputs, options))).toMatch(message);
    expect(said(() => interpret(schedule(B).func, inputs, options))).toMatch(message);
  });
  test("an input of its own", () => {
    expect([...evaluate(A, { A: Float32Array.of(1, 2, 3, 4) }, { sizes: { n: 4 } })]).toEqual([1, 2, 3, 4]);
  });
});
