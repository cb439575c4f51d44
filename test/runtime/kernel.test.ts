import { describe, expect, it } from "vitest";
import { addAbi } from "../../src/driver/artifact.ts";
import { type Kernel, load, ModuleError, RuntimeArgumentError } from "../../src/runtime/index.ts";
import {
  addAbiOf,
  addModule,
  assemble,
  f16Module,
  gemmModule,
  input,
  n,
  notModule,
  of,
  output,
  pairModule,
  size,
  stridedModule,
  wrap,
} from "./modules.ts";

const f32 = (...v: number[]): Float32Array => Float32Array.from(v);
type Add = Kernel<{ A: Float32Array; B: Float32Array; alpha: number; n?: number }, Float32Array>;
const add = (await load(addModule())) as unknown as Add;

/** The error a call throws. */
function thrown(f: () => unknown): RuntimeArgumentError {
  try {
    f();
  } catch (e) {
    if (e instanceof RuntimeArgumentError) return e;
    throw e;
  }
  throw new Error("nothing was thrown");
}
// Calls with arguments that the types refuse.
const wrong = (k: unknown, args: unknown, options?: unknown): RuntimeArgumentError =>
  thrown(() => (k as (a: unknown, o: unknown) => unknown)(args, options));

describe("a call", () => {
  it("copies arrays in, runs, and returns a fresh result", () => {
    const c = add({ A: f32(1, 2, 3), B: f32(10, 20, 30), alpha: 2 });
    expect(c).toEqual(f32(22, 44, 66));
    expect(c.buffer).not.toBe(add.memory.buffer);
    expect(add.abi.name).toBe("add");
    expect(add.variant).toBe("plain");
    expect((add as unknown as { name: string }).name).toBe("add");
    expect(Object.keys(add.raw).sort()).toEqual(["add", "heap", "memory"]);
  });
  it("writes into a given array and returns it", () => {
    const out = new Float32Array(5).subarray(1, 4);
    expect(add({ A: f32(1, 2, 3), B: f32(1, 1, 1), alpha: 1 }, { into: out })).toBe(out);
    expect(new Float32Array(out.buffer)).toEqual(f32(0, 2, 3, 4, 0));
  });
  it("takes size 0, and sizes that need the memory to grow", () => {
    expect(add({ A: f32(), B: f32(), alpha: 1 })).toEqual(f32());
    const big = new Float32Array(300_000).fill(1);
    expect(add({ A: big, B: big, alpha: 1 })).toEqual(new Float32Array(300_000).fill(2));
    expect(add({ A: f32(1), B: f32(2), alpha: 3 })).toEqual(f32(9));
  });
  it("finds sizes from several shapes", async () => {
    const gemm = await load(gemmModule());
    const args = {
      A: Float64Array.of(1, 2, 3, 4, 5, 6),
      B: Float64Array.of(1, 0, 0, 1, 1, 1),
      bias: Float64Array.of(10, 20),
    };
    expect(gemm(args)).toEqual(Float64Array.of(14, 25, 20, 31));
    expect(gemm({ ...args, m: 2, k: 3 })).toEqual(Float64Array.of(14, 25, 20, 31));
    const e = wrong(gemm, { ...args, A: args.A.subarray(1) });
    expect(e.message).toMatchInlineSnapshot(
      `"gemm: A has 5 elements, which its shape [m, k] has for no m with k = 3 (from the length of B)"`,
    );
  });
  it("passes f16 as bits, from either class", async () => {
    const copy = await load<Record<string, unknown>, Record<string, Uint16Array>>(f16Module());
    const r = copy({ X: Uint16Array.of(0x3c00, 0x7e00, 1), h: 1.0009765625 });
    expect(r).toEqual({ Y: Uint16Array.of(0x3c00, 0x7e00, 1), Z: Uint16Array.of(0x3c01) });
    for (const [v, bits] of [
      [-0, 0x8000],
      [65504, 0x7bff],
      [65520, 0x7c00],
      [-Infinity, 0xfc00],
      [Number.NaN, 0x7e00],
      [2 ** -24, 1],
      [2 ** -25, 0],
      [3 * 2 ** -25, 2],
      [2 ** -14 - 2 ** -25, 0x400],
      [1 + 2 ** -11, 0x3c00],
      [1 + 3 * 2 ** -11, 0x3c02],
    ] as const)
      expect(copy({ X: new Uint16Array(0), h: v }).Z![0]).toBe(bits);
    const F16 = (globalThis as { Float16Array?: typeof Float32Array }).Float16Array;
    if (F16) expect(copy({ X: F16.of(1, 2), h: 0 }).Y).toEqual(Uint16Array.of(0x3c00, 0x4000));
  });
  it("returns several results by name, into given arrays or fresh ones", async () => {
    const pair = await load<Record<string, unknown>, Record<string, BigInt64Array | Uint8Array>>(pairModule());
    const X = BigInt64Array.of(-1n, 0n, 5n);
    expect(pair({ X })).toEqual({ S: BigInt64Array.of(0n, 1n, 6n), P: Uint8Array.of(0, 0, 1) });
    const P = new Uint8Array(3);
    const r = pair({ X }, { into: { P } });
    expect(r.P).toBe(P);
    expect(P).toEqual(Uint8Array.of(0, 0, 1));
    expect(wrong(pair, { X }, { into: P }).message).toMatchInlineSnapshot(
      `"pair: into is a Uint8Array, but a record of arrays was expected"`,
    );
    expect(wrong(pair, { X }, { into: { Q: P } }).message).toMatchInlineSnapshot(
      `"pair: there is no result Q; it has S, P"`,
    );
    expect(wrong(pair, { X }, { into: { S: P } }).message).toMatchInlineSnapshot(
      `"pair: into.S is a Uint8Array, but a BigInt64Array for i64[n] was expected"`,
    );
    expect(wrong(pair, { X }, { into: { P: P.subarray(1) } }).message).toMatchInlineSnapshot(
      `"pair: into.P has 2 elements, but 3 were expected: its shape is [n] with n = 3 (from the length of X)"`,
    );
  });
  it("returns a record of one result where the ABI says so", async () => {
    const k = await load(addModule({ results: "record" }));
    expect(k({ A: f32(1), B: f32(2), alpha: 1 })).toEqual({ C: f32(3) });
  });
  it("reads and writes strided buffers, leaving the gaps alone", async () => {
    const plane = await load(stridedModule());
    const rgba = Uint8Array.from({ length: 12 }, (_, i) => 10 * i);
    // a whole image, or just up to the last element
    expect(plane({ X: rgba, n: 3 })).toEqual(Uint8Array.of(1, 0, 0, 41, 0, 0, 81));
    expect(plane({ X: rgba.subarray(0, 9) })).toEqual(Uint8Array.of(1, 0, 0, 41, 0, 0, 81));
    expect(plane({ X: new Uint8ClampedArray(rgba) as never })).toEqual(Uint8Array.of(1, 0, 0, 41, 0, 0, 81));
    const out = new Uint8Array(9).fill(7);
    plane({ X: rgba }, { into: out });
    expect(out).toEqual(Uint8Array.of(1, 7, 7, 41, 7, 7, 81, 7, 7));
    expect(plane({ X: rgba.subarray(0, 0) })).toEqual(new Uint8Array(0));
    expect(wrong(plane, { X: rgba.subarray(0, 8), n: 3 }).message).toMatchInlineSnapshot(
      `"plane: X has 8 elements, but 9 to 12 were expected: its shape is [n] strides [4] with n = 3 (given)"`,
    );
    expect(wrong(plane, { X: new Uint8Array(13), n: 3 }).code).toBe("argument-length");
  });
  it("refuses bool arrays with other values than 0 and 1", async () => {
    const not = await load(notModule());
    expect(not({ X: Uint8Array.of(0, 1) })).toEqual(Uint8Array.of(1, 0));
    expect(wrong(not, { X: Uint8Array.of(0, 1, 2) }).message).toMatchInlineSnapshot(
      `"not: X[2] is 2, but bool arrays hold 0 and 1"`,
    );
  });
});

describe("arguments that do not fit", () => {
  const A = f32(1, 2, 3);
  const B = f32(4, 5, 6);
  const cases: [string, string, string, unknown, unknown?][] = [
    ["a missing array", "argument-missing", "B", { A, alpha: 1 }],
    ["an undefined array", "argument-missing", "B", { A, B: undefined, alpha: 1 }],
    ["a missing scalar", "argument-missing", "alpha", { A, B }],
    ["an unknown argument", "argument-unknown", "alhpa", { A, B, alhpa: 1, alpha: 1 }],
    ["an unknown argument like no other", "argument-unknown", "weights", { A, B, alpha: 1, weights: A }],
    ["a result among the arguments", "argument-unknown", "C", { A, B, alpha: 1, C: A }],
    ["no record", "argument-type", "", A],
    ["another dtype", "argument-type", "B", { A, B: new Float64Array(3), alpha: 1 }],
    ["a plain array", "argument-type", "B", { A, B: [1, 2, 3], alpha: 1 }],
    ["a number for an array", "argument-type", "B", { A, B: 3, alpha: 1 }],
    ["an array for a scalar", "argument-value", "alpha", { A, B, alpha: A }],
    ["two lengths", "size-contradiction", "B", { A, B: f32(1, 2), alpha: 1 }],
    ["a length against a given size", "argument-length", "A", { A, B, alpha: 1, n: 4 }],
    ["a fraction as a size", "argument-value", "n", { A, B, alpha: 1, n: 2.5 }],
    ["a negative size", "size-range", "n", { A, B, alpha: 1, n: -1 }],
    ["a result of another dtype", "argument-type", "into", { A, B, alpha: 1 }, { into: new Int32Array(3) }],
    ["a result that is no array", "argument-type", "into", { A, B, alpha: 1 }, { into: 3 }],
    ["a result of another length", "size-contradiction", "into", { A, B, alpha: 1 }, { into: f32(1) }],
    ["a result that is an input", "argument-overlap", "into", { A, B, alpha: 1 }, { into: B }],
  ];
  for (const [what, code, parameter, args, options] of cases)
    it(what, () => {
      const e = wrong(add, args, options);
      expect(e.message).toMatchSnapshot();
      expect([e.code, e.parameter, e.kernel]).toEqual([code, parameter, "add"]);
    });
  it("memory of the kernel itself", () => {
    const e = wrong(add, { A: new Float32Array(add.memory.buffer, 0, 3), B, alpha: 1 });
    expect([e.code, e.parameter]).toEqual(["argument-memory", "A"]);
    expect(e.message).toMatchInlineSnapshot(`"add: A lies where the arena has no array (any more)"`);
  });
  it("a result that overlaps an input in part", () => {
    const whole = new Float32Array(5);
    expect(wrong(add, { A: whole.subarray(0, 3), B, alpha: 1 }, { into: whole.subarray(2) }).code).toBe(
      "argument-overlap",
    );
    // side by side is fine, and so are inputs that are one array
    add({ A: whole.subarray(0, 2), B: whole.subarray(0, 2), alpha: 1 }, { into: whole.subarray(2, 4) });
  });
  it("two results that overlap", async () => {
    const pair = await load(pairModule());
    const buffer = new ArrayBuffer(64);
    const into = { S: new BigInt64Array(buffer, 0, 3), P: new Uint8Array(buffer, 23, 3) };
    expect(wrong(pair, { X: new BigInt64Array(3) }, { into }).message).toMatchInlineSnapshot(
      `"pair: into.S overlaps into.P in memory; a result needs an array of its own"`,
    );
  });
  it("detached and resizable buffers", () => {
    const gone = f32(1, 2, 3);
    structuredClone(gone.buffer, { transfer: [gone.buffer] });
    const e = wrong(add, { A: gone, B, alpha: 1 });
    expect([e.code, e.parameter]).toEqual(["argument-detached", "A"]);
    const Resizable = ArrayBuffer as unknown as new (n: number, o: { maxByteLength: number }) => ArrayBuffer;
    const moving = new Float32Array(new Resizable(12, { maxByteLength: 24 }));
    expect(wrong(add, { A: moving, B, alpha: 1 }).code).toBe("argument-memory");
  });
  it("sizes outside their range or multiple, given or found", async () => {
    const k = await load(addModule({}, { min: 2, max: 8, multipleOf: 2 }));
    for (const len of [0, 1, 3, 10]) {
      const x = new Float32Array(len);
      expect(wrong(k, { A: x, B: x, alpha: 1 }).code).toBe("size-range");
      expect(wrong(k, { A: x, B: x, alpha: 1, n: len }).code).toBe("size-range");
    }
    expect(wrong(k, { A, B, alpha: 1 }).message).toMatchInlineSnapshot(
      `"add: the size n is 3 (from the length of A), but must be from 2 to 8 and a multiple of 2"`,
    );
  });
  it("scalars out of range", async () => {
    const dtypes = ["i8", "u8", "i16", "u16", "i32", "u32", "i64", "u64", "bool", "f64"] as const;
    const abi = {
      version: 1,
      name: "scalars",
      params: [
        output("Y", "i32", []),
        ...dtypes.map((dtype) => ({ role: "scalar", name: dtype, dtype }) as const),
        { role: "scratch" },
      ],
      scratch: 0,
    } as const;
    const types = ["i32", "i32", "i32", "i32", "i32", "i32", "i32", "i64", "i64", "i32", "f64", "i32"];
    const k = await load(wrap(abi, types.map((t) => `(param ${t})`).join(" ")));
    const good = {
      i8: -128,
      u8: 255,
      i16: -1,
      u16: 65535,
      i32: -1,
      u32: 2 ** 32 - 1,
      i64: -1n,
      u64: 1,
      bool: true,
      f64: 0.5,
    };
    k(good);
    const bad = {
      i8: 128,
      u8: -1,
      i16: 1.5,
      u16: 65536,
      i32: 2 ** 31,
      u32: -1,
      i64: 2n ** 63n,
      u64: -1n,
      bool: 2,
      f64: 1n,
    };
    for (const d of dtypes) {
      const e = wrong(k, { ...good, [d]: bad[d] });
      expect([e.code, e.parameter]).toEqual(["argument-value", d]);
    }
    expect(wrong(k, { ...good, u64: -1n }).message).toMatchInlineSnapshot(
      `"scalars: the scalar u64 (u64) is -1, but a bigint that fits u64 was expected"`,
    );
  });
  it("buffers of more than 2 GB", async () => {
    const k = await load(addModule({ scratch: of("mul", n, 2 ** 20) }));
    const x = new Float32Array(2048);
    expect(wrong(k, { A: x, B: x, alpha: 1 }).message).toMatchInlineSnapshot(
      `"add: its buffers take 2147508224 bytes (scratch: 2147483648), the limit is 2147483648"`,
    );
  });
  it("sizes that nothing tells, and dimensions that are negative", async () => {
    const abi = {
      version: 1,
      name: "iota",
      params: [output("Y", "i32", [of("sub", n, 2)]), size("n"), { role: "scratch" }],
      scratch: 0,
    } as const;
    const k = await load(wrap(abi, "(param i32) (param i32) (param i32)"));
    expect(wrong(k, {}).message).toMatchInlineSnapshot(
      `"iota: the size n does not follow from the lengths of the arrays; pass n"`,
    );
    expect(wrong(k, { n: 1 }).message).toMatchInlineSnapshot(
      `"iota: Y[n - 2] has a negative dimension: n - 2 is -1 with n = 1 (given)"`,
    );
    expect(k({ n: 2 })).toEqual(new Int32Array(0));
    // the array for the result tells it too
    expect(k({}, { into: new Int32Array(3) })).toHaveLength(3);
  });
  it("nothing is written", () => {
    const out = f32(7, 7, 7);
    wrong(add, { A, B, alpha: 1, n: 2 }, { into: out });
    expect(out).toEqual(f32(7, 7, 7));
  });
});

describe("load", () => {
  const better = (ok: boolean): Uint8Array =>
    addAbi(
      assemble(`(module (memory (export "memory") 1) (global (export "heap") i32 (i32.const 0))
        (func (export "add") (param i32 i32 i32 i32 f32 i32) ${ok ? "" : "(drop (f32x4.relaxed_madd (v128.const i64x2 0 0) (v128.const i64x2 0 0) (v128.const i64x2 0 0)))"}))`),
      addAbiOf(),
    );
  it("takes the relaxed variant where the engine accepts it", async () => {
    expect((await load({ wasm: addModule(), variants: { relaxed: better(true) } })).variant).toBe("relaxed");
    const relaxed = better(false);
    const k = await load({ wasm: addModule(), variants: { relaxed } });
    expect(k.variant).toBe(WebAssembly.validate(relaxed as BufferSource) ? "relaxed" : "plain");
  });
  it("takes an ArrayBuffer", async () => {
    const b = addModule();
    const k = await load(b.buffer.slice(b.byteOffset, b.byteOffset + b.byteLength) as ArrayBuffer);
    expect(k.abi).toEqual(addAbiOf());
  });
  it("refuses what is not a built module", async () => {
    await expect(load(new Uint8Array([1, 2, 3]))).rejects.toThrow(ModuleError);
    await expect(load(assemble("(module)"))).rejects.toThrow(/not built by Tilewright/);
    await expect(load(addAbi(assemble("(module)"), addAbiOf()))).rejects.toThrow(/no function add/);
    // a section of types that promises one and has none
    const broken = addAbi(Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 1, 1, 1), addAbiOf());
    await expect(load(broken)).rejects.toThrow(ModuleError);
  });
  it("keeps the input's name in the message for sizes no value fits", async () => {
    const abi = {
      version: 1,
      name: "rows",
      params: [input("X", "f32", [n, 4]), output("Y", "f32", [n]), size("n"), { role: "scratch" }],
      scratch: 0,
    } as const;
    const k = await load(wrap(abi, "(param i32) (param i32) (param i32) (param i32)"));
    expect(wrong(k, { X: new Float32Array(37) }).message).toMatchInlineSnapshot(
      `"rows: X has 37 elements, which its shape [n, 4] has for no n"`,
    );
  });
});
