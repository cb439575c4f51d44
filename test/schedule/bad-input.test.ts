/** What untyped callers may pass: every mistake is a typed error that says what would be legal, and changes nothing. */
import { describe, expect, test } from "vitest";
import { defaultSchedule } from "../../schedule/defaults/index.ts";
import * as api from "../../schedule/index.ts";
import * as recipes from "../../schedule/library/index.ts";
import { TilewrightError } from "../../src/ir/index.ts";
import { compute, dim, placeholder, sum } from "../../te/index.ts";

// biome-ignore lint/suspicious/noExplicitAny: the point is to get past the types
type Untyped = any;
const schedule: Untyped = api.schedule;
const library: Untyped = recipes;
const n = dim("n");
const A = placeholder("A", [8, 6]);
const C = compute("C", { i: 8, j: 4 }, ({ i }) => sum({ k: 6 }, ({ k }) => A.at(i, k)));

type Case = readonly [string, RegExp, (s: Untyped, l: Untyped) => unknown];
const cases: readonly Case[] = [
  [
    "cacheRead scope",
    /cacheRead: "heap" is no scope.*\nlegal instead: global; workspace/,
    (s) => s.cacheRead(C, A, "heap"),
  ],
  ["cacheWrite scope", /cacheWrite: undefined is no scope/, (s) => s.cacheWrite(C)],
  ["tail", /tail is "pell"\nlegal instead: guard; peel/, (s, l) => s.split(l.i, { a: "rest", b: 4 }, { tail: "pell" })],
  ["options null", /options are null/, (s, l) => s.split(l.i, { a: "rest" }, null)],
  ["unknown option", /no option "tial"\nlegal instead: tail/, (s, l) => s.split(l.i, { a: 8 }, { tial: "peel" })],
  ["factors in a list", /factors of loop i are a list/, (s, l) => s.split(l.i, ["rest", 4])],
  ["no factors", /factors of loop i are undefined/, (s, l) => s.split(l.i)],
  ["factors null", /factors of loop i are null/, (s, l) => s.split(l.i, null)],
  ["empty part name", /parts of loop i can't be named ""/, (s, l) => s.split(l.i, { "": 8 })],
  ["same names in tile", /"a"/, (s, l) => s.tile(l.i, l.j, { a: "rest", b: 2 }, { a: "rest", c: 2 })],
  ["empty name of a fused loop", /can't be named ""/, (s, l) => s.fuseAs("", l.i, l.j)],
  ["no name of a fused loop", /can't be named undefined/, (s, l) => s.fuseAs(undefined, l.i, l.j)],
  ["axes in a text", /axes is "ik"/, (s) => s.cacheRead(C, A, "local", { axes: "ik" })],
  ["axes not names", /axes can't be named number 1/, (s) => s.cacheRead(C, A, "local", { axes: [1, 2] })],
  ["axes twice", /two of axes are named "p"/, (s) => s.cacheRead(C, A, "local", { axes: ["p", "p"] })],
  ["too few axes", /axes names 1 dimensions, but A has 2/, (s) => s.cacheRead(C, A, "local", { axes: ["p"] })],
  ["cacheRead options null", /options are null/, (s) => s.cacheRead(C, A, "local", null)],
  ["cacheRead of nothing", /name of a buffer, but was given undefined/, (s) => s.cacheRead(C, undefined, "local")],
  ["loop undefined", /given undefined\nlegal instead: i \(of C\); j \(of C\); k \(of C\)/, (s, l) => s.vectorize(l.q)],
  ["stage.fuse of names", /list of loop names, but was given "i"/, (s) => s.stage(C).fuse("i", "j")],
  ["axisKind without loop", /axisKind: expected a loop/, (s) => s.axisKind(C)],
  ["epilogue of nothing", /epilogue: expected a tensor/, (s) => s.epilogue(undefined)],
  ["attempt of nothing", /attempt: expected a function/, (s) => s.attempt()],
  [
    "attempt of a promise",
    /attempt: the function returns a promise/,
    (s, l) => s.attempt(async () => s.reorder(l.j, l.i)),
  ],
  ["a record as a factor", /factor io of loop i is an object; a factor is/, (s, l) => s.split(l.i, { io: {}, ii: 4 })],
  ["vectorize by a size", /factor ii of loop i is the expression n;/, (s, l) => s.vectorize(l.i, n)],
  ["vectorize by a symbol", /factor ii of loop i is symbol Symbol\(\);/, (s, l) => s.vectorize(l.i, Symbol())],
  ["a tile of no size", /factor ii of loop i is an object;/, (s) => library.registerTile(s, C, { i: {} })],
  [
    "block of a tensor",
    /expected the name of a block, but was given the tensor C\nlegal instead: C/,
    (s) => s.block(C),
  ],
  ["block of a handle", /expected the name of a block, but was given block C/, (s) => s.block(s.handle(C))],
  ["block of a symbol", /expected the name of a block, but was given symbol Symbol/, (s) => s.block(Symbol())],
  ["pad to a size", /the multiple is the expression n, not a positive whole number/, (s, l) => s.pad(C, l.i, n)],
  ...["C", {}, () => 0, new Date(0), 3n, Object.create(null), Symbol(), null].map(
    (value, at): Case => [
      `pad with no f32 (${at})`,
      /pad: C holds f32, and .* is none\nlegal instead: a value of f32/,
      (s, l) => s.pad(C, l.i, 4, value),
    ],
  ),
  [
    "layout padded with no f32",
    /transformLayout: pad is bigint 3, not a value of f32/,
    (s) => s.transformLayout(C, (i: Untyped, j: Untyped) => [i, j.div(4), j.mod(4)], { pad: 3n }),
  ],
  [
    "a layout at a quotient by 0",
    /div of i by 0/,
    (s) => s.transformLayout(C, (i: Untyped, j: Untyped) => [i.div(0), j]),
  ],
  ["refOf nothing", /refOf: expected a loop or a block/, (s) => s.refOf(undefined)],
  ["schedule(undefined)", /schedule: expected a tensor.*undefined/, () => schedule(undefined)],
  ["schedule(null)", /given null/, () => schedule(null)],
  ["schedule(5)", /given number 5/, () => schedule(5)],
  ['schedule("C")', /given "C"/, () => schedule("C")],
  ["schedule({})", /no outputs/, () => schedule({})],
  ["schedule(placeholder)", /"A" is an input/, () => schedule(A)],
  ["defaultSchedule without target", /the target is undefined/, (s) => (defaultSchedule as Untyped)(s)],
  ["defaultSchedule of nothing", /expected a schedule/, () => (defaultSchedule as Untyped)()],
  ["registerTile of nothing", /registerTile: expected a schedule/, () => library.registerTile()],
  ["registerTile without tiles", /expected sizes by axis/, (s) => library.registerTile(s, C)],
  ["registerTile of no axis", /C has no loop "q"\nlegal instead: i; j; k/, (s) => library.registerTile(s, C, { q: 4 })],
  ["pack of nothing", /pack: expected a schedule/, () => library.pack()],
  ["pack without place", /computeAt: expected a loop/, (s) => library.pack(s, C, A)],
  ["unrollAndVectorize of nothing", /expected a schedule/, () => library.unrollAndVectorize()],
  ["unrollAndVectorize of no block", /expected a tensor or a block/, (s) => library.unrollAndVectorize(s)],
  ["foldStorage options null", /options are null/, (s, l) => s.foldStorage(C, l.i, null)],
  [
    "foldStorage factor in a text",
    /no output|is an output|factor is "3"/,
    (s, l) => s.foldStorage(C, l.i, { factor: "3" }),
  ],
  ["foldStorage without loop", /foldStorage: expected a loop/, (s) => s.foldStorage(C)],
  ["doubleBuffer at null", /doubleBuffer: expected a loop.*null/, (s) => s.doubleBuffer(C, null)],
  ["storeAt without place", /storeAt: expected a loop/, (s) => s.storeAt(C)],
  ["slidingWindow of nothing", /slidingWindow: expected a schedule/, () => library.slidingWindow()],
  [
    "slidingWindow stored at null",
    /slidingWindow|computeAt|storeAt/,
    (s, l) => library.slidingWindow(s, C, l.i, { storeAt: null }),
  ],
  [
    "partition into too many",
    /part a of loop i is number 2147483648/,
    (s, l) => s.partition(l.i, { a: 2 ** 31, b: "rest" }),
  ],
  [
    "vectorizeReduction of no loop",
    /expected a loop.*undefined/,
    (s) => library.vectorizeReduction(s, C, undefined, 4),
  ],
  ["twoLevelReduction of no loop", /expected a loop.*null/, (s) => library.twoLevelReduction(s, C, null, 4)],
  ["replay of nothing", /expected a list of steps/, (s) => (api.replay as Untyped)(undefined, s)],
];

describe("bad input", () => {
  test.each(cases)("%s", (_, message, run) => {
    const s: Untyped = schedule(C);
    const before = s.func;
    let error: unknown;
    try {
      run(s, s.loops(C));
    } catch (e) {
      error = e;
    }
    expect(error).toBeInstanceOf(TilewrightError);
    expect((error as Error).message).toMatch(message);
    expect(s.func).toBe(before);
  });
});
