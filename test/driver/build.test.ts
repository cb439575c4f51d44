/** From tensors to modules and calls: what `build`, `compile`, `run`, `lower` and `load` promise. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
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
  load,
  lower,
  placeholder,
  RuntimeArgumentError,
  run,
  scalar,
  schedule,
  sum,
  TilewrightError,
  wasm,
} from "../../src/index.ts";
import { generator } from "../fuzz/data.ts";
import { agrees, validate } from "./support.ts";

const [m, n, k] = [dim("m"), dim("n"), dim("k")];
const A = placeholder("A", [m, k]);
const B = placeholder("B", { k, j: n });
const C = compute("C", { i: m, j: n }, ({ i, j }) => sum({ k }, (v) => A.at(i, v.k).mul(B.at(v.k, j))));
const symbolic = await build(C, { name: "gemm" });

const whole = placeholder("X", [m, n]);
const X = placeholder("X", [24]);
const scale = scalar("scale");
const scaled = compute("scaled", { i: 24 }, ({ i }) => X.at(i).mul(scale));
const f32 = (count: number, from = 0): Float32Array => Float32Array.from({ length: count }, (_, i) => from + i);

describe("one module of a symbolic product", () => {
  test("serves 50 random sizes", async () => {
    const gemm = await load(symbolic.wasm);
    const next = generator(7);
    const some = (most: number): number => Math.floor(next() ** 2 * most);
    const sizes = Array.from({ length: 42 }, () => ({ m: some(40), n: some(50), k: some(40) }));
    for (const [i, s] of [
      ...sizes,
      { m: 0, n: 0, k: 0 },
      { m: 1, n: 1, k: 1 },
      { m: 0, n: 9, k: 3 },
      { m: 9, n: 0, k: 3 },
      { m: 9, n: 7, k: 0 },
      { m: 1, n: 31, k: 5 },
      { m: 31, n: 1, k: 5 },
      { m: 4, n: 8, k: 16 },
    ].entries())
      agrees(C, gemm, { sizes: s, seed: i + 1 });
  });
  test("sizes follow from arrays; those that contradict are errors", async () => {
    const gemm = await compile(C);
    // n follows from B once k is known, and nothing tells k here
    const args = { A: f32(6), B: f32(12), k: 3 };
    expect(gemm(args)).toHaveLength(8);
    expect(codeOf(() => gemm({ A: f32(6), B: f32(12) }))).toBe("size-missing");
    expect(codeOf(() => gemm({ ...args, m: 3 }))).toMatch(/size-contradiction|argument-length/);
    expect(codeOf(() => gemm({ ...args, B: f32(13) }))).toMatch(/argument-length|size-contradiction/);
    expect(codeOf(() => gemm({ ...args, k: -1 }))).toBe("size-range");
  });
});

describe("parts larger than any memory", () => {
  const P = compute("P", { i: m, j: n }, ({ i, j }) => whole.at(i, j).mul(2));
  const Y = compute("Y", { i: m, j: n }, ({ i, j }) => P.at(i, j).add(1));
  test.each([2 ** 29 - 1, 2 ** 29, 2 ** 30])("of %i iterations run as many as there are", async (size) => {
    for (const tail of ["guard", "peel"] as const) {
      const s = schedule(Y);
      const { i, j } = s.loops(Y);
      s.split(j, { jo: "rest", ji: size }, { tail });
      s.split(i, { io: "rest", ii: size }, { tail });
      const kernel = await compile(s);
      for (const [rows, columns] of [
        [3, 5],
        [1, 17],
        [0, 4],
      ] as const)
        agrees(Y, kernel, { sizes: { m: rows, n: columns } });
    }
  });
  test("of a partition, too", async () => {
    const Z = compute("Z", { i: m, j: n }, ({ i, j }) => whole.at(i, j).mul(2));
    const s = schedule(Z);
    s.partition(s.loops(Z).i, { first: 2 ** 29, others: "rest" });
    agrees(Z, await compile(s), { sizes: { m: 3, n: 5 } });
  });
});

describe("an artifact", () => {
  test("is plain data: a module without imports, with three exports", async () => {
    const module = await WebAssembly.compile(symbolic.wasm as BufferSource);
    expect(WebAssembly.Module.imports(module)).toEqual([]);
    const exports = WebAssembly.Module.exports(module).map((e) => `${e.kind} ${e.name}`);
    expect(exports.sort()).toEqual(["function gemm", "global heap", "memory memory"]);
    expect(WebAssembly.Module.customSections(module, "tilewright")).toHaveLength(1);
    // buffers, sizes, scratch: the order of the function's parameters
    const params = symbolic.abi.params.map((p) => (p.role === "scratch" ? "scratch" : `${p.role} ${p.name}`));
    expect(params.slice(0, 3)).toEqual(["input A", "input B", "output C"]);
    expect(params.slice(3, -1).sort()).toEqual(["size k", "size m", "size n"]);
    expect(params.at(-1)).toBe("scratch");
    const f = (await load(symbolic.wasm)).raw.gemm as (...args: number[]) => void;
    expect(f).toHaveLength(params.length);
    expect(Object.isFrozen(symbolic)).toBe(true);
    expect(symbolic.wat).toMatch(/f32x4\.mul/);
  });
  test("has a relaxed variant where the target names it, valid for wabt like the plain one", async () => {
    await validate(symbolic.wasm, false);
    await validate(symbolic.variants.relaxed!, true);
    await expect(validate(symbolic.variants.relaxed!, false)).rejects.toThrow();
    const plain = await build(C, { target: wasm() });
    expect(plain.variants).toEqual({});
    expect(plain.wasm.length).toBeLessThan(8192);
  });
  test("is the same for the same program", async () => {
    const again = await build(C, { name: "gemm" });
    expect(Buffer.compare(again.wasm, symbolic.wasm)).toBe(0);
    expect(Buffer.compare(again.variants.relaxed!, symbolic.variants.relaxed!)).toBe(0);
  });
  test("comes with a loader and types that need nothing else", async () => {
    const dir = mkdtempSync(`${tmpdir()}/artifact-`);
    try {
      for (const [file, content] of Object.entries(filesOf(symbolic))) writeFileSync(`${dir}/${file}`, content);
      writeFileSync(`${dir}/package.json`, '{ "type": "module" }');
      const loader = (await import(/* @vite-ignore */ pathToFileURL(`${dir}/gemm.js`).href)) as {
        load: (x: unknown) => Promise<(args: object) => Float32Array>;
      };
      const gemm = await loader.load(readFileSync(`${dir}/gemm.wasm`));
      agrees(C, gemm, { sizes: { m: 5, n: 9, k: 4 } });
      expect(readFileSync(`${dir}/gemm.d.ts`, "utf8")).toMatch(/readonly A: Float32Array;[\s\S]*readonly k/);
    } finally {
      rmSync(dir, { recursive: true });
    }
  });
});

describe("calls", () => {
  test("several results come by the record's keys", async () => {
    const twice = compute("twice", { i: 24 }, ({ i }) => X.at(i).mul(2));
    const both = { first: scaled, second: twice };
    const kernel = await compile(both);
    agrees(both, kernel, { scalars: { scale: 3 } });
    const out = kernel({ X: f32(24), scale: 2 });
    expect(Object.keys(out).sort()).toEqual(["first", "second"]);
    expect(out.first).toEqual(out.second);
    const into = { first: new Float32Array(24), second: new Float32Array(24) };
    expect(kernel({ X: f32(24), scale: 1 }, { into }).first).toBe(into.first);
    expect(into.second[3]).toBe(6);
    const one = await compile({ only: scaled });
    expect(one({ X: f32(24), scale: 1 }).only).toEqual(f32(24));
  });
  test("scalars of every kind", async () => {
    const flag = scalar("flag", "bool");
    const big = scalar("big", "i64");
    const half = scalar("half", "f16");
    const S = compute("S", { i: 4 }, ({ i }) => i.cast("i64").add(big).add(flag.cast("i64")));
    expect(await run(S, { big: 40n, flag: true })).toEqual(BigInt64Array.of(41n, 42n, 43n, 44n));
    const H = compute("H", { i: 2 }, ({ i }) => half.cast("f32").mul(i.cast("f32")));
    expect(await run(H, { half: 1.5 })).toEqual(Float32Array.of(0, 1.5));
  });
  test("run is the one-liner; a schedule is taken as it is", async () => {
    expect(await run(scaled, { X: f32(24), scale: 0.5 })).toEqual(f32(24).map((x) => x / 2));
    const s = schedule(scaled);
    s.vectorize(s.loops(scaled).i);
    agrees(scaled, await compile(s), { scalars: { scale: 1.5 } });
    expect(s.trace).toHaveLength(1);
  });
  test("two kernels in one arena: what one returns the other reads in place", async () => {
    const mem = arena({ max: "16MB", initial: "1MB" });
    const Y = placeholder("scaled", [24]);
    const next = compute("next", { i: 24 }, ({ i }) => Y.at(i).add(1));
    const [f, g] = [await compile(scaled, { arena: mem }), await compile(next, { arena: mem })];
    const [x, y, z] = [mem.array("f32", [24]), mem.array("f32", [24]), mem.array("f32", 24)];
    x.set(f32(24));
    const before = mem.memory.buffer;
    expect(f({ X: x, scale: 2 }, { into: y })).toBe(y);
    expect(g({ scaled: y }, { into: z })).toBe(z);
    expect(mem.memory.buffer).toBe(before);
    expect(z).toEqual(f32(24).map((v) => 2 * v + 1));
    expect(f.memory).toBe(g.memory);
  });
  test("memory around buffers stays as it was", async () => {
    const kernel = await load(symbolic.wasm);
    const { memory, heap, gemm } = kernel.raw as unknown as {
      memory: WebAssembly.Memory;
      heap: WebAssembly.Global;
      gemm: (...args: number[]) => void;
    };
    const [M, N, K] = [13, 11, 7];
    const scratch = 64 * 1024;
    const floats = { A: M * K, B: K * N, C: M * N };
    const start = Math.ceil(Number(heap.value) / 16) * 16;
    memory.grow(4);
    const bytes = new Uint8Array(memory.buffer);
    bytes.fill(0xa5, start);
    // gaps of 64 bytes all round
    let at = start + 64;
    const places = Object.entries(floats).map(([name, count]) => {
      const place = { name, at, end: at + 4 * count };
      at = Math.ceil(place.end / 16) * 16 + 64;
      return place;
    });
    const end = at + scratch;
    for (const p of places.slice(0, 2)) new Float32Array(memory.buffer, p.at, (p.end - p.at) / 4).fill(1);
    gemm(places[0]!.at, places[1]!.at, places[2]!.at, M, N, K, at);
    const inside = (i: number): boolean => i >= at || places.some((p) => i >= p.at && i < p.end);
    for (let i = start; i < end + 64; i++)
      if (!inside(i) && bytes[i] !== 0xa5) throw new Error(`byte ${i} was written`);
    expect(new Float32Array(memory.buffer, places[2]!.at, M * N)).toEqual(new Float32Array(M * N).fill(K));
  });
});

function codeOf(f: () => unknown): string {
  try {
    f();
  } catch (e) {
    expect(e).toBeInstanceOf(RuntimeArgumentError);
    return (e as RuntimeArgumentError).code;
  }
  return "nothing was thrown";
}

describe("arguments that don't fit are named before anything is written", async () => {
  const kernel = await compile(scaled);
  const call = kernel as unknown as (args: object, options?: object) => unknown;
  const good = { X: f32(24), scale: 2 };
  const into = f32(24, 100);
  const CASES: readonly (readonly [string, object, object | undefined, string, string])[] = [
    ["missing", { scale: 2 }, undefined, "argument-missing", "X"],
    ["missing scalar", { X: f32(24) }, undefined, "argument-missing", "scale"],
    ["unknown", { ...good, Y: 1 }, undefined, "argument-unknown", "Y"],
    ["class", { ...good, X: new Float64Array(24) }, undefined, "argument-type", "X"],
    ["list", { ...good, X: [1, 2] }, undefined, "argument-type", "X"],
    ["length", { ...good, X: f32(23) }, undefined, "argument-length", "X"],
    ["scalar", { ...good, scale: "2" }, undefined, "argument-value", "scale"],
    ["result's length", good, { into: f32(25) }, "argument-length", "into"],
    ["result's class", good, { into: new Int32Array(24) }, "argument-type", "into"],
    ["overlap", { ...good, X: into }, { into }, "argument-overlap", "into"],
  ];
  test.each(CASES)("%s", (_, args, options, code, parameter) => {
    const before = into.slice();
    let error: unknown;
    try {
      call(args, options);
    } catch (e) {
      error = e;
    }
    expect(error).toBeInstanceOf(RuntimeArgumentError);
    expect((error as RuntimeArgumentError).code).toBe(code);
    expect((error as RuntimeArgumentError).parameter).toContain(parameter);
    expect((error as Error).message).toContain(parameter);
    expect(into).toEqual(before);
  });
});

describe("lower", () => {
  test("hands out every stage as text, the scheduled nest first", () => {
    const s = schedule(scaled);
    const stages = lower(s);
    expect(stages[0]!.name).toBe("scheduled");
    expect(stages[0]!.text.trimEnd()).toBe(`${s}`.trimEnd());
    expect(stages.length).toBeGreaterThan(8);
    expect(stages.at(-1)!.text).not.toMatch(/block /);
    expect(new Set(stages.map((x) => x.name)).size).toBe(stages.length);
  });
  test("of a tensor uses the default schedule of the target", () => {
    expect(lower(C)[0]!.text).toMatch(/vectorized/);
    const P = placeholder("P", [42, 30]);
    const Q = placeholder("Q", [30, 16]);
    const D = compute("D", { i: 42, j: 16 }, ({ i, j }) => sum({ k: 30 }, ({ k }) => P.at(i, k).mul(Q.at(k, j))));
    expect(lower(D, { target: wasm({ relaxed: true }) })[0]!.text).not.toBe(lower(D)[0]!.text);
  });
});

test("nothing to build is an error", async () => {
  await expect(build({})).rejects.toThrow(TilewrightError);
  await expect(build(A as never)).rejects.toThrow(TilewrightError);
});
