/** What untyped callers may hand to show, analyze and explain, and sizes that `dim` excludes. */
import { describe, expect, test } from "vitest";
import { analyze, explain, schedule, show, TilewrightError, wasm } from "../../src/index.ts";
import { compute, dim, placeholder } from "../../te/index.ts";

// biome-ignore lint/suspicious/noExplicitAny: what no type lets through
type Loose = any;
const n = dim("n", { max: 16, multipleOf: 4 });
const X = placeholder("X", [n]);
const Y = compute("Y", { i: n }, ({ i }) => X.at(i).add(1));
const s = schedule(Y);
const sizes = { n: 8 };
function said(run: () => unknown): string {
  try {
    run();
  } catch (e) {
    if (!(e instanceof TilewrightError)) throw e;
    return `${e.code}: ${e.message}`;
  }
  return "nothing was thrown";
}

test("tensors stand for a schedule without steps", () => {
  expect(analyze(Y, wasm(), { sizes }).map((w) => w.code)).toEqual(analyze(s, wasm(), { sizes }).map((w) => w.code));
  expect(analyze({ Y }, wasm(), { sizes })).toHaveLength(analyze(Y, wasm(), { sizes }).length);
  expect(show(Y, { sizes })).toBe(show(s, { sizes }));
});
describe.each<[string, (x?: Loose) => unknown]>([
  ["show", (x) => show(x, { sizes })],
  ["analyze", (x) => analyze(x, wasm(), { sizes })],
])("%s of", (_, f) => {
  test.each([undefined, null, 3, "Y", {}, [Y]].map((x) => [x]))("%j", (x) => {
    expect(said(() => f(x))).toMatch(/^(schedule\.argument|te\.\w+): /);
  });
});
const targets: readonly (readonly [unknown, RegExp])[] = [
  [null, /the target is null/],
  [3, /the target is 3/],
  ["x", /the target is "x"/],
  [{}, /the target's kind is undefined/],
  [{ kind: "wgsl" }, /the target's kind is "wgsl"/],
  [{ kind: "wasm" }, /the target has no relaxed/],
];
test.each(targets)("a target %j", (target, message) => {
  for (const run of [() => analyze(s, target as Loose, { sizes }), () => show(s, { sizes, target: target as Loose })])
    expect(said(run)).toMatch(new RegExp(`^inspect-options: .*${message.source}`));
});
test.each<[unknown, RegExp]>([
  [null, /the options are null/],
  [[], /the options are a list/],
  [3, /the options are 3/],
  [{ sizes: 3 }, /sizes is 3, not a record/],
  [{ sizes: null }, /sizes is null, not a record/],
  [{ bogus: 1 }, /no option "bogus"/],
])("options %j", (options, message) => {
  const expected = new RegExp(`^inspect-options: (show|analyze): ${message.source}|${message.source}`);
  expect(said(() => analyze(s, wasm(), options as Loose))).toMatch(expected);
  expect(said(() => show(s, options as Loose))).toMatch(expected);
});
test("flags are true or false", () => {
  expect(said(() => show(s, { sizes, html: "yes" as Loose }))).toMatch(/^inspect-options: show: html is "yes"/);
  expect(said(() => explain(s, { diff: "yes" as Loose }))).toMatch(/^explain.argument: explain: diff is "yes"/);
});
test.each([1e9 + 3, 20, 6, -4])("a size of %d is none that dim promised", (value) => {
  const message = new RegExp(`^size-range: the size n is ${value}, but must be from 0 to 16 and a multiple of 4`);
  expect(said(() => show(s, { sizes: { n: value } }))).toMatch(message);
  expect(said(() => analyze(s, wasm(), { sizes: { n: value } }))).toMatch(message);
});
