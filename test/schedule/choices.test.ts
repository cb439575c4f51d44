import { describe, expect, expectTypeOf, test } from "vitest";
import {
  choicesOf,
  choose,
  formatTrace,
  parseTrace,
  replay,
  type Schedule,
  ScheduleError,
  schedule,
  withChoices,
} from "../../schedule/index.ts";
import { compute, placeholder, sum } from "../../te/index.ts";

const A = placeholder("A", [24, 6]);
const C = compute("C", { i: 24, j: 8 }, ({ i, j }) => sum({ k: 6 }, ({ k }) => A.at(i, k).mul(j.cast("f32"))));
type S = Schedule<typeof C>;

/** A recipe with two choices, the second of which only stands after one decision of the first. */
const recipe = (s: S): number => {
  const mr = choose("mr", [4, 5, 6]);
  expectTypeOf(mr).toEqualTypeOf<4 | 5 | 6>();
  const { ii } = s.split(s.loops(C).i, { io: "rest", ii: mr });
  if (mr === 6 && choose("unroll", [true, false], { default: false })) s.unroll(ii);
  return mr;
};
function error(run: () => unknown): ScheduleError {
  try {
    run();
  } catch (e) {
    if (e instanceof ScheduleError) return e;
    throw e;
  }
  throw new Error("nothing was thrown");
}

describe("choices", () => {
  test("take their default, or what is decided", () => {
    expect(withChoices(schedule(C), {}, recipe)).toBe(4);
    const s = schedule(C);
    expect(withChoices(s, { mr: 6, unroll: true }, recipe)).toBe(6);
    expect(formatTrace(s.trace)).toMatchInlineSnapshot(`
      "choose(mr, [4, 5, 6], decision: 6)
      io, ii = split(C.i, { io: rest, ii: 6 }, tail: guard)
      choose(unroll, [true, false], decision: true)
      unroll(ii)"
    `);
    expect(choicesOf(s.trace)).toEqual([
      { name: "mr", options: [4, 5, 6], decision: 6 },
      { name: "unroll", options: [true, false], decision: true },
    ]);
  });
  test("replay to the same decisions, inside another recipe too", () => {
    const s = schedule(C);
    withChoices(s, { mr: 5 }, recipe);
    expect(`${replay(parseTrace(formatTrace(s.trace)), schedule(C))}`).toBe(`${s}`);
    const t = schedule(C);
    withChoices(t, { nr: 2 }, (x) => {
      choose("nr", [1, 2]);
      return replay(s.trace, x);
    });
    expect(choicesOf(t.trace).map((c) => c.decision)).toEqual([2, 5]);
  });
  test("as a method, where no recipe runs", () => {
    const s = schedule(C);
    const kind = s.choose("kind", ["rows", "columns", ["both", 2]], { default: "columns" });
    expectTypeOf(kind).toEqualTypeOf<"rows" | "columns" | readonly ["both", 2]>();
    expect(kind).toBe("columns");
    expect(s.trace).toEqual([
      {
        primitive: "choose",
        args: { name: "kind", options: ["rows", "columns", ["both", 2]], decision: "columns" },
        results: [],
      },
    ]);
  });
  test("one name, one answer", () => {
    const s = schedule(C);
    expect(withChoices(s, { n: 2 }, (x) => [choose("n", [1, 2]), x.choose("n", [1, 2])])).toEqual([2, 2]);
    expect(s.trace.length).toBe(1);
  });
  test("a decision that is structured", () => {
    const tile = withChoices(schedule(C), { tile: [6, 8] }, () =>
      choose("tile", [
        [4, 8],
        [6, 8],
      ]),
    );
    expect(tile).toEqual([6, 8]);
  });
  test("recipes inside recipes have decisions of their own", () => {
    const s = schedule(C);
    const outer = withChoices(s, { n: 3 }, (x) => {
      withChoices(x, { inner: "b" }, () => choose("inner", ["a", "b"]));
      return choose("n", [1, 3]);
    });
    expect([outer, choicesOf(s.trace).map((c) => c.decision)]).toEqual([3, ["b", 3]]);
  });
});

describe("mistakes", () => {
  test.each<[string, string, RegExp, (s: S) => unknown]>([
    ["outside of a recipe", "choose.nowhere", /withChoices/, () => choose("mr", [4])],
    ["no name", "choose.argument", /can't be named ""/, (s) => s.choose("", [1])],
    ["no options", "choose.argument", /options of n are a list, not a list of some/, (s) => s.choose("n", [])],
    ["an option twice", "choose.argument", /hold \[1\] twice/, (s) => s.choose("n", [[1], [1]])],
    ["no JSON", "choose.argument", /no JSON/, (s) => s.choose("n", [1, undefined as never])],
    ["NaN", "choose.argument", /no JSON/, (s) => s.choose("n", [1, NaN])],
    ["settings", "choose.argument", /no option "defalt"/, (s) => s.choose("n", [1], { defalt: 1 } as never)],
    [
      "a default that is none",
      "choose.value",
      /decided as 3.*\nlegal instead: 1; 2/,
      (s) => s.choose("n", [1, 2], { default: 3 as 1 }),
    ],
    [
      "a decision that is none",
      "choose.value",
      /mr is decided as 7.*\nlegal instead: 4; 5; 6/,
      (s) => withChoices(s, { mr: 7 }, recipe),
    ],
    [
      "other options",
      "choose.options",
      /among \[1,2\] before, and now among \[1\]/,
      (s) => withChoices(s, {}, () => [choose("n", [1, 2]), choose("n", [1])]),
    ],
    [
      "an unknown decision",
      "withChoices.unknown",
      /the name "nr"\nlegal instead: mr/,
      (s) => withChoices(s, { nr: 4 }, recipe),
    ],
    ["decisions in a list", "withChoices.argument", /given a list/, (s) => withChoices(s, [4] as never, recipe)],
    ["no recipe", "withChoices.argument", /given undefined/, (s) => withChoices(s, {}, undefined as never)],
    ["a promise", "withChoices.argument", /promise/, (s) => withChoices(s, {}, async () => choose("n", [1]))],
  ])("%s", (_, code, message, run) => {
    const s = schedule(C);
    const e = error(() => run(s));
    expect(e.code).toBe(code);
    expect(e.message).toMatch(message);
    expect([s.trace.length, `${s}`]).toEqual([0, `${schedule(C)}`]);
    expect(error(() => choose("after", [1])).code).toBe("choose.nowhere");
  });
  test("an illegal step inside a recipe leaves the schedule as it was", () => {
    const s = schedule(C);
    const e = error(() =>
      withChoices(s, {}, (x) => {
        recipe(x);
        x.vectorize(x.loops(C).k);
      }),
    );
    expect(e.code).toBe("vectorize.carried");
    expect(s.trace).toEqual([]);
  });
});
