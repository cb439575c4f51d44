import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { exprFromJson, exprToJson, scalarFromJson, scalarToJson } from "../../schedule/expr-data.ts";
import {
  and,
  constant,
  DTYPES,
  type DType,
  type Expr,
  type Func,
  floordiv,
  floormod,
  int,
  isFloat,
  load,
  lt,
  op,
  type Scalar,
  store,
  variable,
} from "../../src/ir/index.ts";
import { buffer } from "../../src/ir/stmt.ts";

const n = variable("n", "i32", { size: { min: 0, max: 100, multipleOf: 1 } });
const alpha = variable("alpha", "f32");
const [i, j] = [variable("i"), variable("j")];
const out = buffer("C", "f32", [n]);
const f: Func = {
  name: "f",
  inputs: [],
  outputs: [out],
  sizes: [n],
  scalars: [alpha],
  intermediates: [],
  body: store(out, [int(0)], alpha),
};
const write = (e: Expr) =>
  exprToJson(
    e,
    new Map([
      [i, "i"],
      [j, "j"],
    ]),
    f,
  );
const read = (x: unknown) =>
  exprFromJson(
    x as never,
    new Map([
      ["i", i],
      ["j", j],
    ]),
    f,
  );
const both = (e: Expr): unknown => {
  const json = JSON.parse(JSON.stringify(write(e)));
  expect(read(json)).toBe(e);
  return json;
};

describe("expressions as JSON", () => {
  test("indices and conditions", () => {
    expect(both(floordiv(i, int(8)))).toEqual(["floordiv", "i", 8]);
    expect(both(and(lt(floormod(j, int(3)), n), constant("bool", true)))).toEqual([
      "and",
      ["lt", ["floormod", "j", 3], { size: "n" }],
      true,
    ]);
    expect(both(op("cast", [i], "f32"))).toEqual(["cast:f32", "i"]);
    expect(both(lt(alpha, constant("f32", -0)))).toEqual(["lt", { scalar: "alpha" }, { constant: "f32", value: "-0" }]);
  });
  test("constants of every dtype come back bit for bit", () => {
    const values = (d: DType): Scalar[] =>
      isFloat(d)
        ? [0, -0, 1.5, NaN, Infinity, -Infinity, d === "f64" ? 0.1 : 0.25]
        : d === "i64" || d === "u64"
          ? [0n, 1n, d === "i64" ? -(2n ** 63n) : 2n ** 64n - 1n]
          : d === "bool"
            ? [0, 1]
            : [0, 1, 100];
    for (const d of DTYPES)
      for (const v of values(d)) {
        both(constant(d, v));
        expect(Object.is(scalarFromJson(d, JSON.parse(JSON.stringify(scalarToJson(v)))), v)).toBe(true);
      }
  });
  test("random index expressions", () => {
    const leaf = fc.oneof(fc.constantFrom<Expr>(i, j, n), fc.integer({ min: -50, max: 50 }).map(int));
    const { e } = fc.letrec<{ e: Expr }>((tie) => ({
      e: fc.oneof(
        { depthSize: "small" },
        leaf,
        fc
          .tuple(fc.constantFrom("add", "sub", "mul", "floordiv", "floormod", "min", "max"), tie("e"), tie("e"))
          .map(([o, a, b]) => op(o as "add", [a, b])),
      ),
    }));
    fc.assert(
      fc.property(e, (x) => {
        both(x);
      }),
      { numRuns: 300 },
    );
  });
  test("what is no expression is refused", () => {
    const no: [unknown, RegExp][] = [
      ["k", /no variable "k"/],
      [{ size: "m" }, /no size "m"/],
      [{ scalar: "n" }, /no scalar "n"/],
      [["plus", 1, 2], /"plus" is no operation/],
      [["add", 1], /malformed expression: add takes 2/],
      [["add", 1, true], /malformed/],
      [["cast:f33", 1], /is no operation/],
      [[], /undefined is no operation/],
      [null, /null is no expression/],
      [{}, /is no expression/],
      [{ constant: "i64", value: 0.5 }, /0.5 is no value of i64/],
      [{ constant: "i8", value: 300 }, /malformed expression: 300 does not fit/],
      [1.5, /malformed expression: 1.5 is not a value of i32/],
    ];
    for (const [x, why] of no) expect(() => read(x), JSON.stringify(x)).toThrow(why);
    expect(() => write(load(out, [i]))).toThrow(/a load can't be/);
    expect(() => write(variable("k"))).toThrow(/k is no variable here/);
    let big: Expr = i;
    for (let k = 0; k < 20; k++) big = op("add", [big, big]);
    expect(() => write(big)).toThrow(/too long/);
  });
});
