/** What untyped callers may pass: every mistake is a TeError that names the thing, never a TypeError, never silence. */
import { describe, expect, test } from "vitest";
import * as te from "../../te/index.ts";

// biome-ignore lint/suspicious/noExplicitAny: the point is to get past the types
type Untyped = any;
const t: Untyped = te;
const A: Untyped = te.placeholder("A", [8]);
const body = (f: (axes: Untyped) => unknown) => () => t.compute("C", { i: 4 }, f);
const inside = (f: (x: Untyped, i: Untyped) => unknown) => body(({ i }) => f(A.at(i), i));
const N: Untyped = te.placeholder("N", [8], "i32");
const inNest = (f: (out: Untyped, b: Untyped) => unknown) => () =>
  t.nest("N", { reads: [N], results: { shape: { i: 8 }, dtype: "i32" } }, (_: Untyped, out: Untyped, b: Untyped) => {
    f(out, b);
  });
const proto = (v: unknown): unknown => JSON.parse(JSON.stringify({ x: v }).replace('"x"', '"__proto__"'));
const chained = (x: Untyped, n: number): Untyped => Array.from({ length: n }).reduce((e: Untyped) => e.add(1), x);

const cases: readonly (readonly [string, te.TeErrorCode, RegExp, () => unknown])[] = [
  ["cast to no dtype", "te.dtype", /cast of A\[i\]: "f31" is no dtype/, inside((x) => x.cast("f31"))],
  ["cast to a property", "te.dtype", /"constructor" is no dtype/, inside((x) => x.cast("constructor"))],
  ["cast to nothing", "te.dtype", /undefined is no dtype/, inside((x) => x.cast(undefined))],
  ["satCast to nothing", "te.dtype", /satCast of A\[i\]: undefined/, inside((x) => x.satCast())],
  ["bitcast to no dtype", "te.dtype", /bitcast of A\[i\]: "f31"/, inside((x) => x.bitcast("f31"))],
  ["no body", "te.body", /body of "C" is undefined: expected a function/, () => t.compute("C", { i: 4 })],
  ["axes in a Map", "te.extent", /"C": expected a record of axes.*a Map/, () => t.compute("C", new Map([["i", 4]]))],
  ["async body", "te.body", /returned a promise.*async/, body(async ({ i }) => A.at(i))],
  ["async comparison", "te.body", /returned a promise/, body(async ({ i }) => A.at(i).lt(1))],
  ["unknown axis", "te.scope", /"C": there is no axis "k": the axes here are "i"/, body(({ k }) => k.add(1))],
  ["sum without body", "te.body", /body of sum over k is undefined/, inside(() => t.sum({ k: 5 }))],
  ["where is no function", "te.body", /where of sum/, inside(() => t.sum({ k: 5 }, () => A.at(0), { where: 5 }))],
  ["unknown option", "te.option", /no option "when"/, inside(() => t.sum({ k: 5 }, () => A.at(0), { when: 5 }))],
  ["reduce without spec", "te.body", /reduce: expected \{ values/, inside(() => t.reduce({ k: 5 }))],
  ["reduce without values", "te.body", /values of reduce/, inside(() => t.reduce({ k: 5 }, {}))],
  ["reduce without combine", "te.body", /combine of reduce/, inside(() => t.reduce({ k: 5 }, { values: () => [1] }))],
  [
    "reduce over null",
    "te.extent",
    /name the axes/,
    inside(() => t.reduce(null, { values: () => [], combine: () => [], identity: [] })),
  ],
  ["scan without spec", "te.body", /scan "S": expected \{ init, step \}/, () => t.scan("S", { t: 3 }, { i: 4 })],
  ["scan without step", "te.body", /step of scan "S"/, () => t.scan("S", { t: 3 }, { i: 4 }, { init: () => A.at(0) })],
  ["add of numbers", "te.literal", /first operand of add is 1/, () => t.add(1, 2)],
  ["mul of numbers", "te.literal", /first operand of mul is 1/, () => t.mul(1, 2)],
  ["maximum of numbers", "te.literal", /operand of maximum is 1/, () => t.maximum(1, 2)],
  ["minimum of nothing", "te.literal", /operand of minimum is undefined/, () => t.minimum()],
  ["not of a number", "te.dtype", /not of 3/, () => t.not(3)],
  ["asserted number", "te.index-type", /asserted of number 3/, () => t.asserted(3)],
  ["addAll of nothing", "te.body", /addAll of undefined/, () => t.addAll()],
  ["constantEdge of nothing", "te.body", /constantEdge of undefined/, () => t.constantEdge(undefined, 0)],
  ["repeatEdge of a number", "te.body", /repeatEdge of number 3/, () => t.repeatEdge(3)],
  ["wrapEdge of nothing", "te.body", /wrapEdge of null/, () => t.wrapEdge(null)],
  [
    "mirrorEdge at one",
    "te.option",
    /mirrorEdge of "A": edge is "one".*"twice"/,
    () => t.mirrorEdge(A, { edge: "one" }),
  ],
  ["mirrorEdge null", "te.option", /options are null/, () => t.mirrorEdge(A, null)],
  ["einsum of nothing", "te.name", /tensor name undefined/, () => t.einsum()],
  ["einsum without text", "te.einsum", /einsum "E": expected a text/, () => t.einsum("E")],
  ["einsum of undefined", "te.einsum", /operand 1 is undefined/, () => t.einsum("E", "i, i -> i", A, undefined)],
  ["name is a bigint", "te.name", /name bigint 10/, () => t.placeholder(10n, [4])],
  ["layout is a number", "te.option", /"P": the options are number 5/, () => t.placeholder("P", [4], "f32", 5)],
  ["strides null", "te.extent", /strides of "P" are null/, () => t.placeholder("P", [4], "f32", { strides: null })],
  ["dim options null", "te.option", /dim "n": the options are null/, () => t.dim("n", null)],
  ["dim option unknown", "te.option", /no option "mn": expected one of "min"/, () => t.dim("n", { mn: 3 })],
  ["tensor __proto__", "te.name", /"__proto__"/, () => t.placeholder("__proto__", [4])],
  ["axis __proto__", "te.name", /axis name "__proto__"/, () => t.placeholder("P", proto(4))],
  ["size __proto__", "te.name", /size name "__proto__"/, () => t.dim("__proto__")],
  ["scalar __proto__", "te.name", /scalar name "__proto__"/, () => t.scalar("__proto__")],
  [
    "result __proto__",
    "te.name",
    /result name "__proto__"/,
    inside((x) => Object.defineProperty({}, "__proto__", { value: x, enumerable: true })),
  ],
  ["too many elements", "te.extent", /"P" has \d+ elements/, () => t.placeholder("P", [65536, 65536])],
  ["too many results", "te.extent", /"C" has/, () => t.compute("C", [65536, 65536], () => t.lit(1, "f32"))],
  [
    "strides too long",
    "te.extent",
    /"P" has strides/,
    () => t.placeholder("P", [9, 4], "f32", { strides: [2 ** 30, 1] }),
  ],
  [
    "extent of data",
    "te.extent",
    /axis "b" of "S" is N\[0\], which depends on data/,
    () => t.scatter("S", { b: N.at(0) }, { i: 8 }, ({ i }: Untyped) => ({ at: [i], value: t.lit(1, "i32") })),
  ],
  [
    "memory of data",
    "te.extent",
    /axis "i0" of "c" is .*, which depends on data/,
    inNest((_, b) => b.alloc("c", [N.at(0).max(1)], "i32")),
  ],
  [
    "memory of a branch",
    "te.scope",
    /"N": memory "c" is used outside of the loop or branch/,
    inNest((out, b) => {
      let c: Untyped;
      b.if(N.at(0).gt(0), () => {
        c = b.alloc("c", [], "i32");
      });
      out.store([0], c.at());
    }),
  ],
  [
    "memory of a loop",
    "te.scope",
    /"N": memory "c" is used outside/,
    inNest((_, b) => {
      let c: Untyped;
      b.for("i", 4, () => {
        c = b.alloc("c", [], "i32");
      });
      c.store([], 3);
    }),
  ],
  [
    "unroll is no boolean",
    "te.option",
    /loop "i": unroll is .*yes.*: expected true or false/,
    inNest((_, b) => b.for("i", 4, () => {}, { unroll: "yes" })),
  ],
  [
    "result of no dtype",
    "te.dtype",
    /the result "N": undefined is no dtype/,
    () => t.nest("N", { results: { shape: { i: 8 }, dtype: undefined } }, () => {}),
  ],
  ["too deep", "te.depth", /"C": an expression is nested .* addAll/, inside((x) => chained(x, 5000))],
  ["too deep in a sum", "te.depth", /sum over k/, inside((x) => t.sum({ k: 2 }, () => chained(x, 800)))],
  ["too deep in an index", "te.depth", /index 0/, inside((_, i) => A.at(chained(i, 9000)))],
];

describe("bad input", () => {
  test.each(cases)("%s", (_, code, message, run) => {
    let error: unknown;
    try {
      run();
    } catch (e) {
      error = e;
    }
    expect(error).toBeInstanceOf(te.TeError);
    expect((error as te.TeError).message).toMatch(message);
    expect((error as te.TeError).code).toBe(code);
  });

  test("axis records stay ordinary objects", () => {
    te.compute("C", { i: 4, j: 2 }, (axes) => {
      const { i, ...rest } = axes;
      expect(Object.keys(rest)).toEqual(["j"]);
      expect([typeof axes, "k" in axes, (axes as Untyped).then]).toEqual(["object", false, undefined]);
      expect(Object.prototype.toString.call(axes)).toBe("[object Object]");
      return i.add({ ...axes }.j);
    });
  });

  test("addAll of many stays shallow, and 600 levels are fine", () => {
    te.compute("C", { i: 4 }, ({ i }) => te.addAll(Array.from({ length: 5000 }, () => A.at(i))));
    te.compute("C", { i: 4 }, ({ i }) => chained(A.at(i), 600));
  });
});
