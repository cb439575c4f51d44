/** Constant inputs: packed once by `prepare`, taken off the arguments, and kept in the kernel's memory. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { pathToFileURL } from "node:url";
import { describe, expect, test } from "vitest";
import {
  arena,
  build,
  compile,
  compute,
  dim,
  filesOf,
  lower,
  placeholder,
  RuntimeArgumentError,
  schedule,
  sum,
} from "../../src/index.ts";
import type { AbiBuffer } from "../../src/target/index.ts";
import { agrees, randomInputs, validate } from "./support.ts";

const [M, N, K] = [13, 21, 9];
const X = placeholder("X", { i: M, k: K });
const W = placeholder("W", { k: K, j: N }, "f32", { constant: true });
const b = placeholder("b", { j: N }, "f32", { constant: true });
const C = compute("C", { i: M, j: N }, ({ i, j }) => sum({ k: K }, ({ k }) => X.at(i, k).mul(W.at(k, j))).add(b.at(j)));
const packed = () => {
  const s = schedule(C);
  const { j } = s.loops(C);
  s.split(j, { jo: "rest", ji: 8 });
  const copy = s.cacheRead(C, W, "workspace");
  s.prepare(copy);
  return { s, copy };
};
type Eq<A, B> = (<Y>() => Y extends A ? 1 : 2) extends <Y>() => Y extends B ? 1 : 2 ? true : false;
const ok = <_ extends true>(): void => {};
const inputs = randomInputs(C) as { X: Float32Array; W: Float32Array; b: Float32Array };

describe("constants", () => {
  test("the loop nest says what is computed ahead of time", () => {
    const lines = packed().s.toString().split("\n");
    expect(lines.filter((l) => l.includes("#"))).toEqual(["      block W.workspace(vk = k, vj = j):  # prepared"]);
  });
  test("are arguments like others, or prepared once, types included", async () => {
    const { s } = packed();
    const k = await compile(s);
    agrees(C, k);
    const { W: w, b: bias, X: x } = inputs;
    const want = k({ X: x, W: w, b: bias });
    const ready = k.prepare({ W: w, b: bias });
    ok<Eq<Parameters<typeof ready>[0], { readonly X: Float32Array }>>();
    ok<Eq<Parameters<typeof k.prepare>[0], { readonly W: Float32Array; readonly b: Float32Array }>>();
    expect(ready({ X: x })).toEqual(want);
    // what was prepared is a copy: neither other calls nor the caller's array reach it
    const other = k.prepare({ W: w.map((v) => 2 * v), b: bias });
    k({ X: x, W: w.map((v) => v + 1), b: bias });
    w.fill(9);
    expect(ready({ X: x })).toEqual(want);
    expect(other({ X: x })).not.toEqual(want);
    expect(ready({ X: x })).toEqual(want);
    // @ts-expect-error W is prepared
    expect(() => ready({ X: x, W: w })).toThrow(/no argument W/);
    // @ts-expect-error X is no constant
    expect(() => k.prepare({ X: x, W: w, b: bias })).toThrow(RuntimeArgumentError);
    // @ts-expect-error all constants at once
    expect(() => k.prepare({ W: w })).toThrow(/b is missing/);
    // @ts-expect-error no record
    expect(() => k.prepare(5)).toThrow(RuntimeArgumentError);
    expect(() => k.prepare({ W: w.subarray(1), b: bias })).toThrow(/argument W|W has/);
    // nothing lost: it goes on working
    expect(ready({ X: x })).toEqual(want);
  });
  test("live in an arena with everything else", async () => {
    const { s } = packed();
    const mem = arena({ max: "1MB" });
    const k = await compile(s, { arena: mem });
    const { X: x } = inputs;
    const w = Float32Array.from({ length: K * N }, (_, i) => (i % 7) - 3);
    const bias = new Float32Array(N).fill(1);
    const want = k({ X: x, W: w, b: bias });
    const used = mem.used;
    const ready = k.prepare({ W: w, b: bias });
    expect(mem.used).toBeGreaterThan(used);
    const held = mem.used;
    expect(ready({ X: x })).toEqual(want);
    expect(k({ X: x, W: w, b: bias })).toEqual(want);
    expect(mem.used).toBe(held);
    expect(() => k.prepare({ W: w, b: bias.subarray(1) })).toThrow(RuntimeArgumentError);
    expect(mem.used).toBe(held);
  });
  test("survive the reset of their arena, which gives back everything else", async () => {
    const mem = arena({ max: "1MB" });
    const before = mem.array("f32", 100);
    const k = await compile(packed().s, { arena: mem });
    const { X: x } = inputs;
    const w = Float32Array.from({ length: K * N }, (_, i) => (i % 7) - 3);
    const ready = k.prepare({ W: w, b: new Float32Array(N) });
    const want = ready({ X: x });
    mem.reset();
    expect(() => mem.view(before)).toThrow(/freed before/);
    for (let n = 0; n < 8; n++) mem.array("f32", 16 ** (n % 4)).fill(7);
    expect(ready({ X: x })).toEqual(want);
    mem.reset();
    expect(ready({ X: x })).toEqual(want);
  });
  test("of a default schedule", async () => {
    const k = await compile(C);
    agrees(C, k);
    const args = randomInputs(C) as typeof inputs;
    expect(k.prepare({ W: args.W, b: args.b })({ X: args.X })).toEqual(k(args));
  });
  test("a chain of prepared blocks, and results of theirs", async () => {
    const V = compute("V", { k: K, j: N }, ({ k, j }) => W.at(k, j).mul(2));
    const U = compute("U", { j: N }, ({ j }) => sum({ k: K }, ({ k }) => V.at(k, j)));
    const Y = compute("Y", { i: M, j: N }, ({ i, j }) => U.at(j).add(V.at(0, j)).mul(X.at(i, 0)));
    const s = schedule(Y);
    s.prepare(V);
    s.prepare(U);
    const k = await compile(s);
    agrees(Y, k);
    // the kernel itself reads neither W nor computes U
    expect(lower(s).find((x) => x.name === "allocate")!.text).not.toMatch(/W\[/);
    expect(lower(s).find((x) => x.name === "prepare: allocate")!.text).toMatch(/W\[/);
    const own = compute("own", { j: N }, ({ j }) => W.at(0, j).add(1));
    const result = schedule({ own });
    expect(() => result.prepare(own)).toThrow(/prepare, condition 3: .*is a result/);
    agrees({ own }, await compile(result));
  });
  test("packed in panels, padded and aligned", async () => {
    const { s, copy } = packed();
    s.transformLayout(copy, (k, j) => [j.div(8), k, j.mod(8)], { pad: 0 });
    s.storageAlign(copy, 0, 16, 4);
    const artifact = await build(s);
    const p = artifact.abi.params.find((x) => x.role === "prepared") as AbiBuffer;
    expect([p.shape, p.strides]).toEqual([
      [3, 9, 8],
      [84, 8, 1],
    ]);
    const k = await compile(s);
    agrees(C, k);
    const args = randomInputs(C) as typeof inputs;
    expect(k.prepare({ W: args.W, b: args.b })({ X: args.X })).toEqual(k(args));
  });
  test("kernels without them say so", async () => {
    const plain = compute("plain", { i: M }, ({ i }) => X.at(i, 0));
    const k = await compile(plain);
    expect(() => k.prepare({})).toThrow("no constant inputs");
  });
  test("stay where they are when prepared", () => {
    const { s, copy } = packed();
    const before = `${s}`;
    expect(() => s.computeAt(copy, s.loopList(C)[0]!)).toThrow(/computed ahead of time/);
    expect(() => s.setScope(copy, "local")).toThrow(/computed ahead of time/);
    expect(`${s}`).toBe(before);
  });
  test("need known shapes", () => {
    const n = dim("n");
    expect(() => placeholder("Z", [n, 4], "f32", { constant: true })).toThrow(/Z.*is constant, but the extent/);
    // @ts-expect-error no boolean
    expect(() => placeholder("Z", [4], "f32", { constant: 1 })).toThrow(/constant is number 1/);
  });
});

test("modules and loaders carry the step", async () => {
  const { s } = packed();
  const artifact = await build(s, { name: "dense" });
  await validate(artifact.wasm, false);
  expect(artifact.abi.prepare?.name).toBe("dense.prepare");
  expect(artifact.abi.params.map((p) => [p.role, "name" in p ? p.name : ""])).toEqual([
    ["input", "X"],
    ["prepared", "W.workspace"],
    ["prepared", "b.prepared"],
    ["output", "C"],
    ["scratch", ""],
  ]);
  expect(artifact.types).toMatchInlineSnapshot(`
    "// Types of the kernel dense, generated with it.
    export interface Args {
      /** f32[13, 9] */
      readonly X: Float32Array;
    }
    /** f32[13, 21] */
    export type Result = Float32Array;
    /** Instantiates the module: its bytes, a fetched response, or a compiled module. */
    export type Source = BufferSource | WebAssembly.Module | Response;
    /** What stays the same from call to call. */
    export interface Constants {
      /** f32[9, 21] */
      readonly W: Float32Array;
      /** f32[21] */
      readonly b: Float32Array;
    }
    export interface Kernel {
      (args: Args & Constants): Result;
      /** Computes what depends on the constants alone; the kernel it returns takes the rest. */
      prepare(constants: Constants): (args: Args) => Result;
    }
    export declare function load(source: Source | PromiseLike<Source>): Promise<Kernel>;
    "
  `);
  const folder = mkdtempSync(`${tmpdir()}/tilewright-`);
  try {
    for (const [file, content] of Object.entries(filesOf(artifact))) writeFileSync(`${folder}/${file}`, content);
    const { load } = (await import(/* @vite-ignore */ pathToFileURL(`${folder}/dense.js`).href)) as {
      load: (x: Uint8Array) => Promise<{
        (a: object): Float32Array;
        prepare: (c: object) => (a: object) => Float32Array;
      }>;
    };
    const k = await load(artifact.wasm);
    const { X: x, W: w, b: bias } = randomInputs(C) as typeof inputs;
    const want = (await compile(C))({ X: x, W: w, b: bias });
    // the relaxed variant, which compile may choose, rounds once where two roundings were
    const close = (got: Float32Array): void =>
      want.forEach((v, i) => void expect(Math.abs(got[i]! - v)).toBeLessThanOrEqual(1e-5 * Math.max(1, Math.abs(v))));
    close(k({ X: x, W: w, b: bias }));
    const ready = k.prepare({ W: w, b: bias });
    k({ X: x, W: w.map(() => 5), b: bias });
    close(ready({ X: x }));
    expect(() => k.prepare({ W: w })).toThrow("b must be a Float32Array");
  } finally {
    rmSync(folder, { recursive: true });
  }
});
