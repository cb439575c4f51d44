import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  explain,
  formatTrace,
  type Json,
  parseTrace,
  replay,
  type Schedule,
  ScheduleError,
  schedule,
  type Trace,
} from "../../schedule/index.ts";
import { unrollAndVectorize } from "../../schedule/library/index.ts";
import { PRIMITIVES } from "../../schedule/trace-text.ts";
import { equalFunc } from "../../src/ir/index.ts";
import { compute, type Dim, dim, placeholder, sum } from "../../te/index.ts";
import { same } from "./helper.ts";

function gemm(M: number | Dim, N: number | Dim, K: number | Dim) {
  const A = placeholder("A", [M, K]);
  const B = placeholder("B", [K, N]);
  const C = compute("C", { i: M, j: N }, ({ i, j }) => sum({ k: K }, ({ k }) => A.at(i, k).mul(B.at(k, j))));
  return { A, B, C };
}
/** The schedule that DESIGN.md shows. */
function tiled(m: ReturnType<typeof gemm>) {
  const { B, C } = m;
  const s = schedule(C);
  const { i, j, k } = s.loops(C);
  const { io, ii } = s.split(i, { io: "rest", ii: 6 }, { tail: "peel" });
  const { jo, ji } = s.split(j, { jo: "rest", ji: 8 });
  s.reorder(jo, io, k, ii, ji);
  s.computeAt(s.cacheRead(C, B, "workspace"), jo);
  const { copy } = s.cacheWrite(C, "local");
  s.reverseComputeAt(copy, io);
  const init = s.decomposeReduction(C, k);
  for (const b of [C, init, copy]) unrollAndVectorize(s, b);
  return s;
}

describe("text of a trace", () => {
  test("is one step per line, with a name for every result", () => {
    expect(`\n${formatTrace(tiled(gemm(510, 512, 512)).trace)}\n`).toMatchInlineSnapshot(`
      "
      io, ii = split(C.i, { io: rest, ii: 6 }, tail: peel)
      jo, ji = split(C.j, { jo: rest, ji: 8 }, tail: guard)
      reorder([jo, io, C.k, ii, ji])
      copy, k, j = cacheRead(C, B, workspace)
      k as k_1, j as j_1 = computeAt(copy, jo)
      copy as copy_1, i, j as j_2 = cacheWrite(C, local)
      i as i_1, j as j_3 = reverseComputeAt(copy_1, io)
      init, ii as ii_1, ji as ji_1 = decomposeReduction(C, C.k)
      vectorize(ji)
      unroll(ii)
      vectorize(ji_1)
      unroll(ii_1)
      vectorize(j_3)
      unroll(i_1)
      "
    `);
  });
  test("reads back exactly, and replays to the same function", () => {
    const s = tiled(gemm(510, 512, 512));
    const text = formatTrace(s.trace);
    expect(parseTrace(text)).toStrictEqual(s.trace);
    const again = replay(
      parseTrace(`# a comment\n\n${text.replaceAll("\n", "\r\n")}\n`),
      schedule(gemm(510, 512, 512).C),
    );
    expect(equalFunc(again.func, s.func, { names: true })).toBe(true);
    expect(again.trace).toStrictEqual(s.trace);
  });
  test("texts that look like something else", () => {
    const step = (args: { readonly [k: string]: Json }, results: readonly string[] = []) => ({
      primitive: "any",
      args,
      results,
    });
    const odd: Trace = [
      step({ a: "true", b: true, c: "null", d: null, e: "", f: 'quo"te\\', g: "a b", h: "@0.x", i: "@7.x", j: "@" }),
      step({ a: -0, b: 1e21, c: -1.5e-7, d: [], e: {}, f: [[{ "": [1] }]], "a b": 1, __proto__: 1 }, [
        "x",
        "as",
        "true",
      ]),
      step({ a: "x", b: "@1.x", c: "@1.as", d: ["as", "true", "@1.true"], e: "@1.y" }, ["x", "x_1", "not a word"]),
      { ...step({ x: "x_1", y: "@2.x", z: "@2.x_1", w: "@2.not a word" }, ["x"]), reassociates: true },
      { primitive: "split", args: { factors: { io: "rest" }, tail: "peel" }, results: [] },
      { primitive: "split", args: { loop: "C.i", tail: "peel", factors: { C: 4 } }, results: ["C.j"] },
      { primitive: "split", args: { loop: "C.j", factors: { C: "rest", D: 4 } }, results: ["C"] },
    ];
    expect(parseTrace(formatTrace(odd))).toStrictEqual(odd);
    expect(`\n${formatTrace(odd)}\n`).toMatchInlineSnapshot(`
      "
      any(a: "true", b: true, c: "null", d: null, e: "", f: "quo\\"te\\\\", g: "a b", h: "@0.x", i: "@7.x", j: "@")
      x, as, true as true_1 = any(a: -0, b: 1e+21, c: -1.5e-7, d: [], e: {}, f: [[{ "": [1] }]], "a b": 1)
      x as x_1, x_1 as x_1_1, "not a word" as r = any(a: "x", b: x, c: as, d: ["as", "true", true_1], e: "@1.y")
      x as x_2 = any(x: "x_1", y: x_1, z: x_1_1, w: r) reassociates
      split(factors: { io: rest }, tail: peel)
      C.j = split(C.i, { C: 4 }, tail: peel)
      C = split("C.j", { C: rest, D: 4 })
      "
    `);
  });
  test("any trace", () => {
    const word = fc.oneof(fc.constantFrom("x", "y", "as", "true", "@0.x", "@1.y", "C.i", "x_1"), fc.string());
    const json = fc.jsonValue().map((x) => JSON.parse(JSON.stringify(x)) as Json);
    const value = fc.oneof(json, word, fc.array(word));
    const step = fc.record({
      primitive: fc.oneof(fc.constantFrom("split", "reorder", "computeAt"), word),
      args: fc.dictionary(fc.oneof(fc.constantFrom("loop", "loops", "block", "factors"), fc.string()), value),
      results: fc.uniqueArray(word, { maxLength: 3 }),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 5 }), (steps) => {
        const plain = JSON.parse(JSON.stringify(steps)) as Trace;
        expect(parseTrace(formatTrace(plain))).toEqual(plain);
      }),
      { numRuns: 300 },
    );
  });
  test.each([
    ["split(C.i", 1, 10, /expected "\)", found the end of the line/],
    ["\nsplit(C.i, { io rest })", 2, 17, /expected ":"/],
    ["io = ", 1, 5, /expected a primitive, found the end/],
    ["split(C.i, ?)", 1, 12, /expected a name, a number/],
    ["split(C.i) 5", 1, 12, /expected the end of the line, found "5"/],
    ["i, i = split(C.i)", 1, 4, /a name that is not taken/],
    ["split(tail: peel, C.i)", 1, 19, /expected name: value/],
    ['split("a\\q")', 1, 7, /a text in quotes as in JSON/],
    ["split(a: 1, a: 2)", 1, 13, /another name than before/],
    ["split(=)", 1, 7, /expected/],
    ["io, ii = splt(C.i, { io: rest, ii: 4 })", 1, 10, /there is no primitive "splt": is it split\?/],
    ["quux(C.i)", 1, 1, /there is no primitive "quux"\n/],
    ["transformLayout(C)", 1, 17, /expected name: value/],
  ])("a mistake in %j is named by line and column", (text, line, column, message) => {
    let error: unknown;
    try {
      parseTrace(text);
    } catch (e) {
      error = e;
    }
    expect(error).toMatchObject({ code: "schedule.trace-text", message: expect.stringMatching(message) });
    expect((error as Error).message).toContain(`line ${line}, column ${column}:`);
  });
});

describe("replay", () => {
  test("knows the primitives that text knows", () => {
    const s = schedule(gemm(8, 8, 8).C);
    const error = s.attempt(() => replay([{ primitive: "quux", args: {}, results: [] }], s));
    expect([...error!.legal].sort()).toEqual([...PRIMITIVES].sort());
  });
  test("on other shapes", () => {
    const { trace } = tiled(gemm(512, 512, 512));
    const small = gemm(96, 80, 64);
    same(replay(trace, schedule(small.C)), schedule(small.C).func);
    const [m, n, k] = [dim("m", { max: 40 }), dim("n", { max: 40 }), dim("k", { min: 1, max: 40 })];
    const any = gemm(m, n, k);
    const s = replay(trace, schedule(any.C));
    same(s, schedule(any.C).func, [
      { m: 12, n: 16, k: 3 },
      { m: 5, n: 9, k: 1 },
      { m: 0, n: 0, k: 1 },
    ]);
  });
  test("after steps that the schedule has already", () => {
    const s = schedule(gemm(16, 16, 16).C);
    const parts = s.split(s.loopList(s.blocks()[0]!)[1]!, { jo: "rest", ji: 8 });
    s.unroll(s.split(parts.ji, { a: 2, b: 4 }).a);
    const m = gemm(16, 16, 16);
    const t = schedule(m.C);
    t.split(t.loops(m.C).i, { io: "rest", ii: 4 });
    replay(s.trace, t);
    expect(`${t}`).toContain("unrolled a in 2:");
    same(t, schedule(m.C).func);
  });
  test("names the step that is illegal, and leaves the schedule as it was", () => {
    const { trace } = tiled(gemm(512, 512, 512));
    const { C } = gemm(96, 80, 0);
    const s = schedule(C);
    s.split(s.loops(C).j, { ja: "rest", jb: 2 });
    const [func, steps] = [s.func, s.trace.length];
    let error: unknown;
    try {
      replay(trace, s);
    } catch (e) {
      error = e;
    }
    expect(error).toBeInstanceOf(ScheduleError);
    expect(error).toMatchObject({ code: "split.dead-handle", primitive: "split" });
    expect((error as Error).message).toMatch(
      /^step 1 \(jo, ji = split\(C\.j, \{ jo: rest, ji: 8 \}, tail: guard\)\): split: loop j is gone since split/,
    );
    expect((error as Error).stack).toContain("trace.test.ts");
    expect([s.func, s.trace.length]).toEqual([func, steps]);
  });
  test.each<[string, unknown, string, RegExp]>([
    ["no primitive", [{ primitive: "toString", args: {}, results: [] }], "replay.argument", /no primitive "toString"/],
    ["a misspelt primitive", [{ primitive: "reorderr", args: {}, results: [] }], "replay.argument", /is it reorder\?/],
    [
      "no loop",
      parseTrace("unroll(C.q)"),
      "unroll.reference",
      /: unroll: there is no loop "C.q".*\nlegal instead: C.i; C.j; C.k/,
    ],
    ["no result", parseTrace('a, b = split(C.i, { a: rest, b: 4 })\nunroll("@0.c")'), "unroll.reference", /@0.a; @0.b/],
    ["no block", parseTrace("computeInline(D)"), "computeInline.reference", /no block "D".*\nlegal instead: C/],
    ["no list", parseTrace("reorder(C.i)"), "reorder.argument", /argument loops is "C.i": expected a list of texts/],
    ["no arguments", parseTrace("reorder()"), "reorder.argument", /argument loops is undefined/],
    ["no list of steps", "split", "replay.argument", /expected a list of steps/],
    ["no args", [{ primitive: "split" }], "replay.argument", /step 0 \(split\): .*its args are undefined/],
    ["null", [...parseTrace("unroll(C.j)"), null], "replay.argument", /step 1: .*it is null, not a step/],
  ])("a trace with %s", (_, trace, code, message) => {
    const s = schedule(gemm(8, 8, 8).C);
    expect(() => replay(trace as Trace, s)).toThrow(
      expect.objectContaining({ code, message: expect.stringMatching(message) }),
    );
    expect(s.trace).toEqual([]);
  });
});

describe("explain", () => {
  const s = (): Schedule => {
    const { C } = gemm(10, 8, 6);
    const x = schedule(C);
    const { io } = x.split(x.loops(C).i, { io: "rest", ii: 4 });
    x.reorder(x.loops(C).j, io);
    x.choose("lanes", [4, 8]);
    return x as unknown as Schedule;
  };
  test("shows the loop nest before and after each step", () => {
    expect(`\n${explain(s())}\n`).toMatchInlineSnapshot(`
      "
      func C(A: f32[10, 6], B: f32[6, 8]) -> C: f32[10, 8]:
        for i in 10:
          for j in 8:
            for k in 6:
              block C(vi = i, vj = j, vk (reduce) = k):
                init:
                  C[vi, vj] = 0.0
                C[vi, vj] = C[vi, vj] + A[vi, vk] * B[vk, vj]

      step 0: io, ii = split(C.i, { io: rest, ii: 4 }, tail: guard)

      func C(A: f32[10, 6], B: f32[6, 8]) -> C: f32[10, 8]:
        for io in 3:
          for ii in 4:
            for j in 8:
              for k in 6:
                block C(vi = io * 4 + ii, vj = j, vk (reduce) = k) if io * 4 + ii < 10:
                  init:
                    C[vi, vj] = 0.0
                  C[vi, vj] = C[vi, vj] + A[vi, vk] * B[vk, vj]

      step 1: reorder([C.j, io])

      func C(A: f32[10, 6], B: f32[6, 8]) -> C: f32[10, 8]:
        for j in 8:
          for ii in 4:
            for io in 3:
              for k in 6:
                block C(vi = io * 4 + ii, vj = j, vk (reduce) = k) if io * 4 + ii < 10:
                  init:
                    C[vi, vj] = 0.0
                  C[vi, vj] = C[vi, vj] + A[vi, vk] * B[vk, vj]

      step 2: choose(lanes, [4, 8], decision: 4)

        (the loop nest stays as it is)
      "
    `);
  });
  test("or what changed", () => {
    expect(`\n${explain(s(), { diff: true })}\n`).toMatchInlineSnapshot(`
      "
      func C(A: f32[10, 6], B: f32[6, 8]) -> C: f32[10, 8]:
        for i in 10:
          for j in 8:
            for k in 6:
              block C(vi = i, vj = j, vk (reduce) = k):
                init:
                  C[vi, vj] = 0.0
                C[vi, vj] = C[vi, vj] + A[vi, vk] * B[vk, vj]

      step 0: io, ii = split(C.i, { io: rest, ii: 4 }, tail: guard)

      -   for i in 10:
      +   for io in 3:
      +     for ii in 4:
        ...
      -         block C(vi = i, vj = j, vk (reduce) = k):
      +           block C(vi = io * 4 + ii, vj = j, vk (reduce) = k) if io * 4 + ii < 10:

      step 1: reorder([C.j, io])

      -   for io in 3:
      -     for ii in 4:
        ...
      +     for ii in 4:
      +       for io in 3:

      step 2: choose(lanes, [4, 8], decision: 4)

        (the loop nest stays as it is)
      "
    `);
  });
  test("what untyped callers may pass", () => {
    expect(() => explain(5 as never)).toThrow(/expected a schedule/);
    expect(() => explain(s(), { dif: true } as never)).toThrow(/no option "dif"/);
  });
});
