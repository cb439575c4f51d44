/** Traces from outside: whatever is wrong with a step is a ScheduleError that names the step and its primitive. */
import { describe, expect, test } from "vitest";
import {
  choicesOf,
  formatTrace,
  type Json,
  parseTrace,
  replay,
  ScheduleError,
  schedule,
  type Trace,
  withChoices,
} from "../../schedule/index.ts";
import { PRIMITIVES } from "../../schedule/trace-text.ts";
import { TilewrightError } from "../../src/ir/index.ts";
import { compute, dim, type Expr, placeholder } from "../../te/index.ts";

// biome-ignore lint/suspicious/noExplicitAny: what no type lets through
type Loose = any;
const n = dim("n");
const X = placeholder("X", [n, 8]);
const Y = compute("Y", { i: n, j: 8 }, ({ i, j }) => X.at(i, j).add(1));
const step = (primitive: string, args: Loose, more: object = {}): Loose => ({ primitive, args, results: [], ...more });
function nested(levels: number, wrap: (x: Json) => Json, inner: Json = 1): Json {
  let x = inner;
  for (let k = 0; k < levels; k++) x = wrap(x);
  return x;
}
const small = (k: number): Json => ["lt", { size: "n" }, k];
const deepCondition = (levels: number): Json => {
  let k = 0;
  return nested(levels, (x) => ["and", x, small(++k + 3)], small(3));
};
const circular: Loose = {};
circular.self = circular;
const long = "x".repeat(100_000);
function thrown(run: () => unknown): Loose {
  try {
    run();
  } catch (e) {
    return e;
  }
  throw new Error("nothing was thrown");
}

describe("a step", () => {
  test.each<[string, Loose, string, RegExp]>([
    [
      "partition without parts",
      step("partition", { loop: "Y.i" }),
      "partition.argument",
      /argument parts is undefined/,
    ],
    ["parts in a text", step("partition", { loop: "Y.i", parts: "rest" }), "partition.argument", /parts is "rest"/],
    [
      "consumers null",
      step("cacheRead", { consumers: null, buffer: "X", scope: "workspace" }),
      "cacheRead.argument",
      /consumers is null: expected a list of blocks or "all"/,
    ],
    [
      "consumers 0",
      step("cacheRead", { consumers: 0, buffer: "X", scope: "workspace" }),
      "cacheRead.argument",
      /consumers is number 0/,
    ],
    [
      "no reader",
      step("cacheRead", { buffer: "X", scope: "workspace" }),
      "cacheRead.argument",
      /one of the arguments block and consumers, found none/,
    ],
    [
      "a loop and a block",
      step("annotate", { loop: "Y.i", block: "Y", key: "k", value: 1 }),
      "annotate.argument",
      /loop and block, found both/,
    ],
    ["a quote", step("annotate", { loop: "Y.i", key: "k", value: '"bad' }), "annotate.argument", /""bad" begins as/],
    [
      "a stranger",
      step("specialize", { loop: "Y.j", condition: ["lt", "i", 3] }),
      "specialize.argument",
      /variable "i"/,
    ],
    ["no condition", step("specialize", { loop: "Y.j" }), "specialize.argument", /condition is undefined/],
    ["pad by a text", step("pad", { block: "Y", loop: "Y.i", multiple: 4, value: "C" }), "pad.argument", /"C" is none/],
    ["no intrinsic", step("tensorize", { loop: "Y.i" }), "tensorize.argument", /intrinsic is undefined/],
    [
      "no such intrinsic",
      step("tensorize", { loop: "Y.i", intrinsic: "x" }),
      "tensorize.argument",
      /the intrinsic "x"/,
    ],
    [
      "a map",
      step("transformLayout", { block: "Y", map: { vars: [1] } }),
      "transformLayout.argument",
      /map is an object/,
    ],
    ["another argument", step("unroll", { loop: "Y.j", lop: 3 }), "unroll.argument", /no argument "lop"/],
    ["another field", step("unroll", { loop: "Y.j" }, { bogus: 1 }), "replay.argument", /has no "bogus"/],
    [
      "reassociates",
      step("unroll", { loop: "Y.j" }, { reassociates: "maybe" }),
      "replay.argument",
      /reassociates is "maybe"/,
    ],
    ["results", step("unroll", { loop: "Y.j" }, { results: [1] }), "replay.argument", /its results are a list, not/],
    [
      "deep",
      step("split", { loop: "Y.i", factors: nested(20_000, (x) => [x]) }),
      "replay.argument",
      /nested more than/,
    ],
    [
      "a condition",
      step("specialize", { loop: "Y.j", condition: deepCondition(1500) }),
      "replay.argument",
      /nested more/,
    ],
    ["circular", step("split", circular), "replay.argument", /holds itself/],
    ["wide", step("reorder", { loops: Array(200_000).fill("Y.i") }), "replay.argument", /more than 100000 values/],
    ["heavy", step("unroll", { loop: "x".repeat(1e7) }), "replay.argument", /more than 1000000 characters/],
    [
      "no JSON",
      step("split", { loop: "Y.i", factors: { a: 3n } }),
      "replay.argument",
      /holds bigint 3, which is no JSON/,
    ],
  ])("%s", (_, bad, code, message) => {
    const s = schedule(Y);
    const e = thrown(() => replay([step("unroll", { loop: "Y.j" }), bad], s));
    expect(e).toBeInstanceOf(ScheduleError);
    expect(e.message).toMatch(new RegExp(`^step 1 \\(${bad.primitive}`));
    expect(e).toMatchObject({ code, message: expect.stringMatching(message) });
    expect(e.message.length).toBeLessThan(2000);
    expect(s.trace).toEqual([]);
  });
  test("a hole in the list is no step", () => {
    expect(thrown(() => replay(Array(1) as Loose, schedule(Y))).message).toMatch(/^step 0: /);
  });
  test.each(PRIMITIVES)("of %s has the arguments that its text has", (primitive) => {
    const e = thrown(() => replay([step(primitive, { bogus: 1 })], schedule(Y)));
    expect(e).toMatchObject({ code: `${primitive}.argument`, message: expect.stringMatching(/no argument "bogus"/) });
    for (const args of ["", "a", "a, b", "a, b, c"]) {
      let parsed: Trace;
      try {
        parsed = parseTrace(`${primitive}(${args})`);
      } catch {
        break; // no more of them have a place
      }
      expect(e.legal).toEqual(expect.arrayContaining(Object.keys(parsed[0]!.args)));
    }
  });
  test("keeps the cause of what was thrown inside", () => {
    const bad = step("specialize", { loop: "Y.j", condition: { size: "m" } });
    const e = thrown(() => replay([bad], schedule(Y)));
    expect(e).toMatchObject({ primitive: "specialize", cause: { code: "schedule.trace" } });
    const s = schedule(Y);
    s.unroll = () => {
      throw new RangeError("Maximum call stack size exceeded");
    };
    const inner = thrown(() => replay([step("unroll", { loop: "Y.j" })], s));
    expect(inner).toBeInstanceOf(ScheduleError);
    expect(inner.message).toMatch(/^step 0 \(unroll\(Y.j\)\): unroll: Maximum call stack/);
    expect(inner).toMatchObject({ code: "unroll.failed", cause: { name: "RangeError" } });
  });
  test.each<[string, Loose]>([
    ["loop", step("unroll", { loop: long })],
    ["primitive", step(long, {})],
    ["name of an argument", step("unroll", { [long]: 1 })],
    ["buffer", step("cacheRead", { block: "Y", buffer: long, scope: "local" })],
    ["scope", step("setScope", { block: "Y", scope: long })],
    ["factors", step("split", { loop: "Y.j", factors: { [long]: long, b: 3 } })],
    ["annotation", step("annotate", { loop: "Y.j", key: long, value: "\n" })],
    ["choice", step("choose", { name: long, options: [long], decision: 1 })],
    ["choice with spaces", step("choose", { name: "x ".repeat(50_000), options: [], decision: 1 })],
    ["order", step("reindex", { block: "Y", buffer: "X", scope: "workspace", order: [long] })],
    ["operation", step("specialize", { loop: "Y.j", condition: [long, 1] })],
    ["intrinsic", step("tensorize", { loop: "Y.j", intrinsic: long })],
  ])("is not told at length: %s", (_, bad) => {
    const e = thrown(() => replay([bad], schedule(Y)));
    expect(e).toBeInstanceOf(ScheduleError);
    expect(e.message.length).toBeLessThan(3000);
  });
  test("may be as deep as conditions are", () => {
    const s = replay([step("specialize", { loop: "Y.j", condition: deepCondition(600) })], schedule(Y));
    expect(replay(parseTrace(formatTrace(s.trace)), schedule(Y)).trace).toEqual(s.trace);
  });
  test("of a condition that traces can't hold is refused when it is taken", () => {
    let c: Expr<"bool"> = n.lt(3) as Loose;
    for (let k = 0; k < 1500; k++) c = (c as Loose).and(n.lt(k + 4));
    const s = schedule(Y);
    const e = s.attempt(() => s.specialize(s.loops(Y).j, c));
    expect(e).toMatchObject({ code: "specialize.argument", message: expect.stringMatching(/nested more than 700/) });
  });
});

test("onStep must be a function", () => {
  expect(thrown(() => replay([], schedule(Y), { onStep: 1 as Loose })).message).toMatch(/onStep is number 1/);
});

describe.each<[string, (x: Loose) => unknown]>([
  ["formatTrace", formatTrace],
  ["choicesOf", choicesOf],
])("%s", (name, f) => {
  test.each<[string, Loose, RegExp]>([
    ["undefined", undefined, /given undefined/],
    ["a text", "x", /given "x"/],
    ["null among steps", [null], /step 0: .*null/],
    ["an empty step", [{}], /step 0: .*primitive is undefined/],
    ["a circle", [step("split", circular)], /step 0 \(split\): .*holds itself/],
  ])("of %s", (_, x, message) => {
    const e = thrown(() => f(x));
    expect(e).toBeInstanceOf(ScheduleError);
    expect(e).toMatchObject({ code: `${name}.argument`, message: expect.stringMatching(message) });
  });
});
test("choicesOf a choice without options", () => {
  expect(thrown(() => choicesOf([step("choose", { name: "a" })])).message).toMatch(/argument options is undefined/);
});

describe("text of a trace", () => {
  test.each<[string, string, RegExp]>([
    ["brackets", `x(a: ${"[".repeat(1e4)}`, /line 1, column 7\d\d: .*brackets inside each other/],
    ["a long text", `x(a: "${"y".repeat(1e7)}")`, /more than 1000000 characters/],
    ["a long text without an end", `x(a: "${"y".repeat(1e7)}`, /line 1, column 6: .*ends in quotes/],
    ["a long word", `x(a: ${"y".repeat(1e7)})`, /more than 1000000 characters/],
    ["a number too large", "x(a: 1e999)", /line 1, column 6: .*found "1e999\)"/],
    ["a text without an end", 'x(a: "ab\\")', /ends in quotes as it begins/],
  ])("%s", (_, text, message) => {
    const e = thrown(() => parseTrace(text));
    expect(e).toBeInstanceOf(TilewrightError);
    expect(e).toMatchObject({ code: "schedule.trace-text", message: expect.stringMatching(message) });
    expect(e.message.length).toBeLessThan(1000);
  });
  test("is as deep as steps may be", () => {
    const trace: Trace = [step("x", { a: nested(700, (x) => [x]) })];
    expect(parseTrace(formatTrace(trace))).toEqual(trace);
  });
  test("takes time in proportion to its length", () => {
    const trace: Trace = [step("reorder", { loops: Array(50_000).fill("C.i") })];
    const start = performance.now();
    expect(parseTrace(formatTrace(trace))).toEqual(trace);
    expect(performance.now() - start).toBeLessThan(5000);
  });
});

describe("choices", () => {
  const list: Loose[] = [];
  list.push(list);
  test.each<[string, (s: Loose) => unknown, RegExp]>([
    ["an option in a circle", (s) => s.choose("c", [list]), /an option of c is nested/],
    ["a default that is no JSON", (s) => s.choose("c", [1], { default: 3n }), /the default of c is bigint 3/],
    [
      "a decision that is no JSON",
      (s) => withChoices(s, { c: 3n as Loose }, () => s.choose("c", [1])),
      /"c" is bigint/,
    ],
    ["a decision in a circle", (s) => withChoices(s, { c: list }, () => s.choose("c", [1])), /"c" is nested/],
  ])("%s", (_, run, message) => {
    const s = schedule(Y);
    const e = thrown(() => run(s));
    expect(e).toBeInstanceOf(ScheduleError);
    expect(e.message).toMatch(message);
    expect(s.trace).toEqual([]);
  });
  test("are in the trace as they were made", () => {
    const s = schedule(Y);
    const options = [{ x: 1 }];
    s.choose("a", options);
    options[0]!.x = 2;
    expect(choicesOf(s.trace)).toEqual([{ name: "a", options: [{ x: 1 }], decision: { x: 1 } }]);
  });
});
