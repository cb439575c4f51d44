/** What no type lets through and JavaScript does: every such call names what is wrong. */
import { describe, expect, it } from "vitest";
import { told } from "../../src/driver/check.ts";
import {
  build,
  compile,
  compute,
  filesOf,
  lower,
  placeholder,
  run,
  schedule,
  TilewrightError,
  wasm,
} from "../../src/index.ts";
import { evaluate, interpret } from "../../src/reference/index.ts";

// biome-ignore lint/suspicious/noExplicitAny: calls that the types refuse
type Loose = any;
const A = placeholder("A", [8]);
const C: Loose = compute("C", { i: 8 }, ({ i }) => A.at(i).add(1));
async function said(f: () => unknown): Promise<string> {
  try {
    await f();
  } catch (e) {
    if (!(e instanceof TilewrightError)) throw e;
    return `${e.code}: ${e.message}`;
  }
  return "nothing was thrown";
}
const all: readonly [string, (x: Loose, options?: Loose) => unknown][] = [
  ["build", build],
  ["compile", compile],
  ["lower", async (x, options) => lower(x, options)],
  ["run", (x, options) => run(x, { A: new Float32Array(8) } as Loose, options)],
];

describe.each(all)("%s", (_, f) => {
  it.each<[unknown, RegExp]>([
    [undefined, /undefined cannot be built/],
    [null, /null cannot be built/],
    ["C", /"C" cannot be built/],
    [5, /5 cannot be built/],
    [{}, /no tensor/],
    [{ C, D: 5 }, /D is 5/],
  ])("of %s", async (x, message) => {
    expect(await said(() => f(x))).toMatch(message);
    expect(await said(() => f(x))).toMatch(/^nothing-to-build: .*tensor/);
  });
  it.each<[string, unknown, RegExp]>([
    ["null", null, /^build-options: the options are null/],
    ["a target", wasm(), /^build-options: .*\{ target: wasm\(\) \}/],
    ["another option", { nam: "x" }, /^build-options: .*"nam".*name/],
    ["target 5", { target: 5 }, /^build-options: the target is 5/],
    ["target text", { target: "wasm" }, /^build-options: the target is "wasm"/],
    ["target null", { target: null }, /^build-options: the target is null/],
    ["another target", { target: { kind: "webgpu" } }, /^build-options: .*"webgpu"/],
    ["an empty name", { name: "" }, /^kernel-name: /],
    ["a number as name", { name: 5 }, /^kernel-name: the name is 5/],
    ["null as name", { name: null }, /^kernel-name: the name is null/],
    ["half a surrogate pair as name", { name: "a\ud800" }, /^kernel-name: the name is "a\\ud800"/],
    ["a null character in the name", { name: "a\0b" }, /^kernel-name: /],
  ])("with %s", async (_name, options, message) => expect(await said(() => f(C, options))).toMatch(message));
});

describe.each<[string, () => unknown, RegExp]>([
  ["compile without an arena", () => compile(C, { arena: {} as Loose }), /^module: .*arena is an Object/],
  ["wasm with another option", () => wasm({ relxed: true } as Loose), /^target-options: .*"relxed".*relaxed/],
  ["wasm(null)", () => wasm(null as Loose), /^target-options: /],
  ["wasm with text", () => wasm({ relaxed: "yes" } as Loose), /^target-options: wasm: relaxed is yes/],
  ["filesOf nothing", () => filesOf(undefined as Loose), /^not-an-artifact: /],
  ["the name memory", () => build(C, { name: "memory" }), /^kernel-name: .*"memory".*\{ name/],
  ["the name heap", () => build(C, { name: "heap" }), /^kernel-name: .*"heap"/],
  ["evaluate without inputs", () => (evaluate as Loose)(C), /^interpret: evaluate needs the inputs/],
  ["evaluate of a schedule", () => (evaluate as Loose)(schedule(C), {}), /^interpret: evaluate takes a tensor/],
  ["interpret of a tensor", () => (interpret as Loose)(C, {}), /^interpret: .*s\.func/],
  ["interpret of a schedule", () => (interpret as Loose)(schedule(C), {}), /^interpret: .*s\.func/],
  ["interpret without inputs", () => (interpret as Loose)(schedule(C).func), /^interpret: interpret needs the inputs/],
])("%s", (_, f, message) => {
  it("is a typed error", async () => expect(await said(f)).toMatch(message));
});

describe("a kernel with constants, and one without", () => {
  const W = placeholder("W", [8], "f32", { constant: true });
  const D: Loose = compute("D", { i: 8 }, ({ i }) => A.at(i).mul(W.at(i).add(1)));
  const s: Loose = schedule(D);
  s.prepare(s.cacheRead(D, W, "workspace"));
  it.each([undefined, null, 3, "x", Symbol.iterator].map((x) => [x]))("called with %s", async (x) => {
    for (const t of [C, D, s]) {
      const kernel: Loose = await compile(t);
      expect(await said(() => kernel(x))).toMatch(/^argument-type: /);
      if (t !== C) expect(await said(() => kernel.prepare(x))).toMatch(/^argument-type: /);
      expect(await said(() => run(t, x as Loose))).toMatch(/^argument-type: /);
    }
  });
  it("called with a list or a function", async () => {
    const kernel: Loose = await compile(s);
    for (const x of [[], () => 1, new Float32Array(8)])
      expect(await said(() => kernel(x))).toMatch(/^argument-(missing|type|unknown): /);
  });
});

it("a tensor called memory is built under another name", async () => {
  const memory = compute("memory", { i: 8 }, ({ i }) => A.at(i).add(1));
  expect(await said(() => build(memory))).toMatch(/^kernel-name: /);
  const k: Loose = await compile(memory, { name: "inc" });
  expect(k({ A: new Float32Array(8) })[0]).toBe(1);
});

it("too many parameters are counted", async () => {
  const many = Array.from({ length: 1100 }, (_, i) => placeholder(`X${i}`, [1]));
  const outputs = Object.fromEntries(
    many.slice(0, 501).map((x, i) => [`Y${i}`, compute(`Y${i}`, { i: 1 }, ({ i: at }) => x.at(at).neg())]),
  );
  expect(await said(() => build(outputs))).toMatch(/^too-many-parameters: .*100\d parameters/);
}, 60_000);

it("errors of the engine and of the code generator's library are told as typed ones", () => {
  const code = (e: unknown): unknown => (told(e) as TilewrightError).code;
  expect(code(new RangeError("Maximum call stack size exceeded"))).toBe("too-deep");
  expect(code({ a: 1 })).toBe("codegen");
  expect(code("abort")).toBe("codegen");
  const own = new TilewrightError("x", "y");
  expect(told(own)).toBe(own);
});
