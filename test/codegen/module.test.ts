/** Control flow, sharing, the module's shape, errors, relaxed SIMD. */
import { setFlagsFromString } from "node:v8";
import { describe, expect, it } from "vitest";
import { CodegenError, emitWasm, HEAP_BASE } from "../../codegen/wasm/index.ts";
import {
  add,
  broadcast,
  buffer,
  constant,
  type Expr,
  eq,
  ge,
  int,
  load,
  lt,
  mul,
  op,
  ramp,
  type Stmt,
  select,
  seq,
  sub,
  type Var,
  variable,
  where,
} from "../../src/ir/index.ts";
import { wasm } from "../../src/target/index.ts";
import {
  at,
  loadAt,
  loop,
  loopText,
  lowered,
  pointer,
  readAll,
  start,
  storeAt,
  validate,
  writeAll,
} from "./harness.ts";

const IN = 4096;
const OUT = 8192;
const assign = (v: Expr, value: Expr): Stmt => {
  if (v.kind !== "var") throw new Error("not a variable");
  return { kind: "assign", var: v, value };
};

describe("the module", () => {
  const tiny = (): ReturnType<typeof lowered> => {
    const b = pointer("b");
    return lowered([b, variable("x", "f32"), variable("n", "i64"), variable("f", "bool")], storeAt(b, int(7)), "tiny");
  };
  it("imports nothing and exports memory, the function and the heap base", async () => {
    const { wasm: bytes } = await emitWasm(tiny(), wasm());
    const m = new WebAssembly.Module(bytes as BufferSource);
    expect(WebAssembly.Module.imports(m)).toEqual([]);
    expect(WebAssembly.Module.exports(m).map((e) => [e.name, e.kind])).toEqual([
      ["memory", "memory"],
      ["tiny", "function"],
      ["heap", "global"],
    ]);
    const { exports } = new WebAssembly.Instance(m);
    expect((exports.heap as WebAssembly.Global).value).toBe(HEAP_BASE);
    expect((exports.memory as WebAssembly.Memory).buffer.byteLength).toBe(65536);
    expect((exports.memory as WebAssembly.Memory).grow(10)).toBe(1);
    const [section] = WebAssembly.Module.customSections(m, "tilewright");
    expect(JSON.parse(new TextDecoder().decode(section))).toEqual(tiny().abi);
    (exports.tiny as (...a: unknown[]) => void)(OUT, 1.5, 3n, 1);
  });
  it("has text with the variables' names, and keeps names in the binary on request", async () => {
    const m = await emitWasm(tiny(), wasm(), { debugNames: true });
    expect(m.wat).toMatch(/\$x f32/);
    expect(WebAssembly.Module.customSections(new WebAssembly.Module(m.wasm as BufferSource), "name")).toHaveLength(1);
    const plain = await emitWasm(tiny(), wasm(), { passes: ["coalesce-locals", "vacuum"] });
    expect(plain.wat).toMatch(/i32\.store/);
    expect(plain.wasm.length).toBeLessThan(m.wasm.length);
  });
});

describe("loops", () => {
  const count = async (extent: Expr, params: ReturnType<typeof pointer>[], args: number[], min: Expr = int(0)) => {
    const [b, i] = [pointer("b"), pointer("i")];
    const body: Stmt = { ...(loop(i, extent, storeAt(b, add(loadAt(b, "i32"), i))) as object), min } as Stmt;
    const k = await start(lowered([b, ...params], body));
    k.call(OUT, ...args);
    return k.memory.getInt32(OUT, true);
  };
  it("run their extent from min, and not at all when it is 0 or less", async () => {
    const n = pointer("n");
    expect(await count(int(5), [], [])).toBe(10);
    expect(await count(int(1), [], [], int(3))).toBe(3);
    expect(await count(int(0), [], [])).toBe(0);
    for (const [size, want] of [
      [0, 0],
      [-3, 0],
      [1, 0],
      [4, 6],
    ] as const) {
      expect(await count(n, [n], [size])).toBe(want);
      expect(await count(add(n, n), [n], [size])).toBe(size > 0 ? (2 * size * (2 * size - 1)) / 2 : 0);
    }
    expect(await count(n, [n], [3], add(n, int(1)))).toBe(4 + 5 + 6);
  });
  it("need no test at entry when the extent is known to be positive", async () => {
    const text = async (min: number): Promise<string> => {
      const [b, i] = [pointer("b"), pointer("i")];
      const n = variable("n", "i32", { size: { min, max: 100, multipleOf: 1 } });
      return (await start(lowered([b, n], loop(i, n, storeAt(b, i))))).module.wat;
    };
    expect(await text(1)).not.toMatch(/\(if/);
    expect(await text(0)).toMatch(/\(if/);
  });
  it("nest, and branch", async () => {
    const [b, i, j] = [pointer("b"), pointer("i"), pointer("j")];
    const sum = variable("sum", "i64", { mutable: true });
    const k = await start(
      lowered(
        [b],
        loop(
          i,
          4,
          seq([
            assign(sum, constant("i64", 0n)),
            loop(j, add(i, int(1)), {
              kind: "if",
              condition: eq(i, j),
              then: assign(sum, add(sum, constant("i64", 1n << 40n))),
              otherwise: assign(sum, add(sum, constant("i64", -1n))),
            }),
            storeAt(at(b, i, 8), sum),
          ]),
        ),
      ),
    );
    k.call(OUT);
    expect(readAll(k.memory, OUT, "i64", 4)).toEqual([0n, 1n, 2n, 3n].map((n) => (1n << 40n) - n));
  });
});

describe("expressions", () => {
  it("where evaluates one side only", async () => {
    const [a, b, i] = [pointer("a"), pointer("b"), pointer("i")];
    const far = loadAt(op("mul", [i, int(1 << 28)]), "i32");
    const k = await start(
      lowered([a, b, i], storeAt(b, where(lt(i, int(1)), loadAt(a, "i32"), where(lt(i, int(2)), int(9), far)))),
    );
    writeAll(k.memory, IN, "i32", [5]);
    k.call(IN, OUT, 0);
    expect(k.memory.getInt32(OUT, true)).toBe(5);
    k.call(IN, OUT, 1);
    expect(k.memory.getInt32(OUT, true)).toBe(9);
    expect(() => k.call(IN, OUT, 2)).toThrow(WebAssembly.RuntimeError);
  });
  it("what both sides of a where and its surroundings share is computed on every path", async () => {
    const [a, b, i] = [pointer("a"), pointer("b"), pointer("i")];
    const x = mul(loadAt(a, "i32"), int(3));
    const e = add(where(ge(i, int(1)), add(x, int(1)), sub(int(0), x)), add(x, x));
    const k = await start(lowered([a, b, i], storeAt(b, e)));
    writeAll(k.memory, IN, "i32", [5]);
    k.call(IN, OUT, 0);
    expect(k.memory.getInt32(OUT, true)).toBe(15);
    k.call(IN, OUT, 1);
    expect(k.memory.getInt32(OUT, true)).toBe(46);
  });
  it("a select on a scalar condition chooses whole vectors", async () => {
    const [a, b, f] = [pointer("a"), pointer("b"), variable("f", "bool")];
    const e = select(broadcast(f, 4), loadAt(a, "i32", 4), ramp(int(7), int(1), 4));
    const k = await start(lowered([a, b, f], storeAt(b, e)));
    writeAll(k.memory, IN, "i32", [1, 2, 3, 4]);
    k.call(IN, OUT, 1);
    expect(readAll(k.memory, OUT, "i32", 4)).toEqual([1, 2, 3, 4]);
    k.call(IN, OUT, 0);
    expect(readAll(k.memory, OUT, "i32", 4)).toEqual([7, 8, 9, 10]);
  });
  it("shared over and over stay small", async () => {
    const [a, b] = [pointer("a"), pointer("b")];
    let e = loadAt(a, "f32", 4);
    for (let n = 0; n < 200; n++) e = add(e, e);
    const m = await emitWasm(lowered([a, b], storeAt(b, e)), wasm());
    expect(m.wasm.length).toBeLessThan(4000);
  });
  it("a store and a load of one complex address compute it once", async () => {
    const [a, i] = [pointer("a"), pointer("i")];
    const address = add(add(a, mul(i, int(12))), int(64));
    const { module } = await start(
      lowered([a, i], storeAt(address, add(loadAt(address, "f32", 4), loadAt(address, "f32", 4)))),
    );
    expect(module.wat.match(/i32\.mul/g)).toHaveLength(1);
    expect(module.wat).toMatch(/v128\.store offset=64 align=4/);
  });
});

/** rows x cols registers of a matrix product over packed panels: the shape of the kernels that must be fast. */
function microKernel(rows: number, cols: number, depth: number, fused: boolean): ReturnType<typeof lowered> {
  const [a, b, c] = [pointer("a"), pointer("b"), pointer("c")];
  const [pa, pb] = [variable("pa", "i32", { mutable: true }), variable("pb", "i32", { mutable: true })];
  const vector = (name: string, mutable = false): Var => variable(name, "f32", { lanes: 4, mutable });
  const acc = Array.from({ length: rows * cols }, (_, i) => vector(`acc${i}`, true));
  const bs = Array.from({ length: cols }, (_, j) => vector(`b${j}`));
  const row = (i: number): Stmt => {
    const av = vector(`a${i}`);
    const update = (bv: Var, j: number): Stmt => {
      const x = acc[i * cols + j]!;
      return assign(x, fused ? op("fma", [av, bv, x]) : add(x, mul(av, bv)));
    };
    const value = broadcast(loadAt(add(pa, int(i * 4)), "f32"), 4);
    return { kind: "let", var: av, value, body: seq(bs.map(update)) };
  };
  let step: Stmt = seq(Array.from({ length: rows }, (_, i) => row(i)));
  for (const [j, v] of bs.entries())
    step = { kind: "let", var: v, value: loadAt(add(pb, int(j * 16)), "f32", 4), body: step };
  const body = seq([
    assign(pa, a),
    assign(pb, b),
    ...acc.map((x) => assign(x, constant("f32", 0, 4))),
    loop(pointer("k"), depth, seq([step, assign(pa, add(pa, int(rows * 4))), assign(pb, add(pb, int(cols * 16)))])),
    ...acc.map((x, i) => storeAt(add(c, int(i * 16)), x)),
  ]);
  return lowered([a, b, c], body);
}
describe("a matrix-multiply kernel", () => {
  it("is splat loads, vector loads and arithmetic, with immediate offsets", async () => {
    const [rows, cols, depth] = [4, 2, 16];
    const k = await start(microKernel(rows, cols, depth, false));
    const [a, b] = [rows, cols * 4].map((n) => Array.from({ length: n * depth }, (_, i) => ((i * 7) % 11) - 5));
    writeAll(k.memory, IN, "f32", a!);
    writeAll(k.memory, OUT, "f32", b!);
    k.call(IN, OUT, 16384);
    const want = Array.from({ length: rows * cols * 4 }, (_, n) => {
      const [i, j] = [Math.floor(n / (cols * 4)), n % (cols * 4)];
      let s = 0;
      for (let q = 0; q < depth; q++) s += a![q * rows + i]! * b![q * cols * 4 + j]!;
      return s;
    });
    expect(readAll(k.memory, 16384, "f32", rows * cols * 4).map(Number)).toEqual(want);
    const text = loopText(k.module.wat);
    const inner = text.slice(0, text.indexOf("br_if"));
    // the two pointers; the loop counter is part of the branch
    const count = (what: RegExp): number => inner.match(what)?.length ?? 0;
    expect(count(/v128\.load32_splat/g)).toBe(rows);
    expect(count(/v128\.load /g)).toBe(cols);
    expect(count(/f32x4\.mul/g)).toBe(rows * cols);
    expect(count(/i32\.(add|mul)/g)).toBe(2);
    expect(k.module.wasm.length).toBeLessThan(800);
  });
  it("of fused multiply-adds is valid everywhere relaxed SIMD is", async () => {
    const target = wasm({ relaxed: true });
    const m = await emitWasm(microKernel(6, 2, 16, true), target);
    await validate(m.wasm, target);
    expect(m.wat.match(/f32x4\.relaxed_madd/g)).toHaveLength(12);
  });
});

describe("errors", () => {
  const fails = async (body: Stmt, code: string, ...words: string[]): Promise<void> => {
    const e = await emitWasm(lowered([pointer("p")], body), wasm()).catch((x: unknown) => x);
    expect(e).toBeInstanceOf(CodegenError);
    expect((e as CodegenError).code).toBe(code);
    for (const w of words) expect((e as CodegenError).message).toContain(w);
  };
  it("name what cannot be emitted", async () => {
    const z = int(2048);
    await fails(storeAt(z, op("exp", [loadAt(z, "f32", 4)])), "unsupported-op", "exp", "f32", "4 lane");
    await fails(storeAt(z, mul(loadAt(z, "u8", 16), loadAt(z, "u8", 16))), "unsupported-op", "mul", "u8", "16");
    const f32x4 = loadAt(z, "f32", 4);
    await fails(storeAt(z, op("fma", [f32x4, f32x4, f32x4])), "unsupported-op", "fma");
    await fails(storeAt(z, op("shl", [loadAt(z, "i32", 4), loadAt(z, "i32", 4)])), "unsupported-op", "shl");
    await fails(storeAt(z, op("cast", [loadAt(z, "i64", 2)], "f64")), "unsupported-op", "i64", "f64");
    const gather = load(buffer("m", "f32", [], "address"), [ramp(z, int(8), 4)]);
    await fails(storeAt(z, gather), "unsupported-op", "m", "4 lanes");
    await fails(storeAt(z, pointer("nobody")), "unbound-variable", "nobody");
    await fails(
      { ...(loop(pointer("i"), 3, storeAt(z, z)) as object), loop: "parallel" } as Stmt,
      "unsupported-op",
      "parallel",
    );
  });
});

describe("relaxed SIMD", () => {
  const madd = (d: "f32" | "f64"): ReturnType<typeof lowered> => {
    const [a, b] = [pointer("a"), pointer("b")];
    const v = (n: number): Expr => loadAt(add(a, int(n * 16)), d, d === "f32" ? 4 : 2);
    return lowered([a, b], storeAt(b, op("fma", [v(0), v(1), v(2)])));
  };
  const relaxed = wasm({ relaxed: true });
  it("fma is relaxed_madd", async () => {
    for (const d of ["f32", "f64"] as const) {
      const m = await emitWasm(madd(d), relaxed);
      expect(m.wat).toMatch(/x[24]\.relaxed_madd/);
      await validate(m.wasm, relaxed);
    }
  });
  it("computes a * b + c where the engine has it", async (t) => {
    // Node 20 keeps it behind a flag
    setFlagsFromString("--experimental-wasm-relaxed-simd");
    const m = await emitWasm(madd("f32"), relaxed);
    if (!WebAssembly.validate(m.wasm as BufferSource)) return t.skip();
    const k = await start(madd("f32"), relaxed);
    writeAll(k.memory, IN, "f32", [1, 2, 3, 4, 10, 20, 30, 40, 0.5, 0.25, -1, -2]);
    k.call(IN, OUT);
    expect(readAll(k.memory, OUT, "f32", 4)).toEqual([10.5, 40.25, 89, 158]);
  });
});
