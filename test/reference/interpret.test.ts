import { describe, expect, it } from "vitest";
import {
  add,
  broadcast,
  buffer,
  constant,
  type Expr,
  floordiv,
  int,
  load,
  lt,
  mul,
  op,
  ramp,
  type Stmt,
  select,
  seq,
  shuffle,
  store,
  variable,
  where,
} from "../../src/ir/index.ts";
import { arrayOf, InterpretError, interpret } from "../../src/reference/index.ts";
import { block, dims, func, gemm, iter, loop, zero } from "../ir/build.ts";

const f32 = (...v: number[]): Float32Array => new Float32Array(v);
const X = buffer("X", "f32", dims(8));
const Y = buffer("Y", "f32", dims(8));
const x = f32(1, 2, 3, 4, 5, 6, 7, 8);
const run = (body: Stmt, more = {}): number[] =>
  Array.from(interpret(func("f", [X], [Y], body, more), { X: x }).Y as Float32Array);
const message = (f: () => void): string => {
  try {
    f();
  } catch (e) {
    expect(e).toBeInstanceOf(InterpretError);
    return (e as Error).message;
  }
  return "ran";
};
const i = variable("i");
const r4 = (base: Expr): Expr => ramp(base, int(1), 4);

describe("scheduled IR", () => {
  it("matrix multiplication, with the init where every reduction axis is 0", () => {
    const [M, N, K] = [3, 4, 5];
    const a = Float32Array.from({ length: M * K }, (_, n) => n - 4);
    const b = Float32Array.from({ length: K * N }, (_, n) => 3 - n);
    const { C } = interpret(gemm(M, N, K), { A: a, B: b });
    for (let m = 0; m < M; m++)
      for (let n = 0; n < N; n++) {
        let s = 0;
        for (let k = 0; k < K; k++) s += a[m * K + k]! * b[k * N + n]!;
        expect(C![m * N + n]).toBe(s);
      }
  });
  it("a reduction over nothing is its identity, whatever the loops", () => {
    const n = variable("n", "i32", { size: { min: 0, max: 9, multipleOf: 1 } });
    const f = gemm(2, 3, n, { sizes: [n] });
    const r = interpret(f, { A: f32(), B: f32() }, { sizes: { n: 0 } });
    expect(Array.from(r.C as Float32Array)).toEqual([0, 0, 0, 0, 0, 0]);
    // the reduction split and guarded: the predicate holds nowhere, the init runs all the same
    const [j, ko, ki, vj, vk] = [variable("j"), variable("ko"), variable("ki"), variable("vj"), variable("vk")];
    const k = add(mul(ko, int(4)), ki);
    const A = buffer("A", "f32", [int(2), n]);
    const C = buffer("C", "f32", dims(2));
    const b = block(
      "C",
      [iter(vj, 2, j), iter(vk, n, k, "reduction")],
      store(C, [vj], add(load(C, [vj]), load(A, [vj, vk]))),
      { init: store(C, [vj], constant("f32", 7)), predicate: op("and", [lt(k, n), lt(j, int(1))]) },
    );
    const g = func("g", [A], [C], loop(ko, floordiv(add(n, int(3)), int(4)), loop(j, 2, loop(ki, 4, b))), {
      sizes: [n],
    });
    expect(interpret(g, { A: f32() }, { sizes: { n: 0 } }).C).toEqual(f32(7, NaN));
    expect(interpret(g, { A: f32(1, 2, 3, 4, 5, 6, 7, 8, 9, 10) }, { sizes: { n: 5 } }).C).toEqual(f32(22, NaN));
  });
  it("checks axes against their extents", () => {
    const vi = variable("vi");
    const b = block("Y", [iter(vi, 4, i)], store(Y, [vi], zero));
    expect(message(() => run(loop(i, 5, b)))).toBe("block Y: axis vi = 4 is outside [0, 4)");
  });
  it("sizes and scalars", () => {
    const n = variable("n", "i32", { size: { min: 0, max: 9, multipleOf: 1 } });
    const alpha = variable("alpha", "f32");
    const [A, B] = [buffer("A", "f32", [n]), buffer("B", "f32", [n])];
    const f = func("f", [A], [B], loop(i, n, store(B, [i], mul(load(A, [i]), alpha))), {
      sizes: [n],
      scalars: [alpha],
    });
    expect(interpret(f, { A: f32(1, 2, 3) }, { sizes: { n: 3 }, scalars: { alpha: 0.5 } }).B).toEqual(f32(0.5, 1, 1.5));
    expect(message(() => interpret(f, { A: f32(1) }, { sizes: { n: 1 } }))).toBe("scalar alpha is missing");
    expect(message(() => interpret(f, { A: f32(1) }, { scalars: { alpha: 1 } }))).toBe("size n is missing");
    expect(message(() => interpret(f, {}, { sizes: { n: 1 }, scalars: { alpha: 1 } }))).toBe("input A is missing");
    expect(message(() => interpret(f, { A: f32(1) }, { sizes: { n: 2 }, scalars: { alpha: 1 } }))).toBe(
      "input A of shape [2] needs 2 elements, not 1",
    );
    expect(message(() => interpret(f, { A: new Int8Array(4) }, { sizes: { n: 2 }, scalars: { alpha: 1 } }))).toBe(
      "input A holds f32, but was given a Int8Array",
    );
  });
  it("strided inputs", () => {
    const A = buffer("A", "f32", dims(2, 3), "global", dims(5, 1));
    const j = variable("j");
    const C = buffer("C", "f32", dims(2, 3));
    const f = func("f", [A], [C], loop(i, 2, loop(j, 3, store(C, [i, j], load(A, [i, j])))));
    expect(interpret(f, { A: f32(0, 1, 2, 9, 9, 5, 6, 7) }).C).toEqual(f32(0, 1, 2, 5, 6, 7));
  });
});

describe("memory", () => {
  it("names buffer, index and shape of an access outside", () => {
    expect(message(() => run(store(Y, [int(8)], zero)))).toBe("write to Y[8], but its shape is [8]");
    expect(message(() => run(store(Y, [int(0)], load(X, [int(-1)]))))).toBe("read of X[-1], but its shape is [8]");
    const D = buffer("D", "f32", dims(2, 4), "workspace");
    const inside = (s: Stmt): Stmt => ({ kind: "alloc", buffer: D, body: s });
    // the second index leaves its dimension, though the element exists
    expect(message(() => run(inside(store(D, [int(0), int(4)], zero))))).toBe(
      "write to D[0, 4], but its shape is [2, 4]",
    );
    expect(message(() => run(inside(store(D, [r4(int(5))], broadcast(zero, 4)))))).toBe(
      "vector write to D[8], but its shape is [2, 4]",
    );
    expect(message(() => run(store(D, [int(0), int(0)], zero)))).toBe("write to D, which does not exist here");
  });
  it("what was never written is garbage, unless zeros are asked for", () => {
    expect(run(store(Y, [int(1)], zero))).toEqual([NaN, 0, ...Array(6).fill(NaN)]);
    const I = buffer("I", "i16", dims(2));
    expect(interpret(func("f", [], [I], seq([])), {}).I).toEqual(new Int16Array([0xa5a5, 0xa5a5]));
    expect(interpret(func("f", [], [I], seq([])), {}, { fill: "zero" }).I).toEqual(new Int16Array(2));
  });
  it("an allocation starts anew each time", () => {
    const T = buffer("T", "f32", dims(1), "workspace");
    const body: Stmt = seq([
      { kind: "if", condition: lt(i, int(1)), then: store(T, [int(0)], zero) },
      store(Y, [i], load(T, [int(0)])),
    ]);
    expect(run(loop(i, 2, { kind: "alloc", buffer: T, body })).slice(0, 2)).toEqual([0, NaN]);
  });
  it("every dtype", () => {
    for (const [d, v] of [
      ["f64", 0.1],
      ["f16", 0.5],
      ["i64", -5n],
      ["u64", 5n],
      ["i32", -5],
      ["u32", 5],
      ["i16", -5],
      ["u16", 5],
      ["i8", -5],
      ["u8", 5],
      ["bool", 1],
    ] as const) {
      const [A, B] = [buffer("A", d, dims(2)), buffer("B", d, dims(2))];
      const f = func("f", [A], [B], loop(i, 2, store(B, [i], load(A, [i]))));
      const a = arrayOf(d, [v, v]);
      expect(interpret(f, { A: a }).B).toEqual(a);
    }
  });
});

describe("lowered IR", () => {
  it("vectors: ramps, broadcasts, shuffles, gathers, scatters", () => {
    const rev = shuffle([load(X, [r4(int(0))])], [3, 2, 1, 0]);
    expect(run(store(Y, [r4(int(0))], rev)).slice(0, 4)).toEqual([4, 3, 2, 1]);
    expect(run(store(Y, [r4(int(2))], load(X, [ramp(int(6), int(-2), 4)]))).slice(2, 6)).toEqual([7, 5, 3, 1]);
    expect(run(store(Y, [ramp(int(0), int(2), 4)], load(X, [r4(int(0))])))).toEqual([1, NaN, 2, NaN, 3, NaN, 4, NaN]);
    const v = load(X, [r4(int(0))]);
    const two = broadcast(constant("f32", 2), 4);
    expect(run(store(Y, [r4(int(0))], add(mul(v, two), v))).slice(0, 4)).toEqual([3, 6, 9, 12]);
    const mask = lt(v, broadcast(constant("f32", 3), 4));
    expect(run(store(Y, [r4(int(0))], select(mask, v, two))).slice(0, 4)).toEqual([1, 2, 2, 2]);
    expect(run(store(Y, [int(0)], shuffle([v, zero], [4]))).slice(0, 1)).toEqual([0]);
  });
  it("where guards the accesses inside, lane by lane", () => {
    const at = r4(int(6));
    const inside = lt(at, broadcast(int(8), 4));
    const v = where(inside, load(X, [at]), broadcast(zero, 4));
    expect(run(store(Y, [r4(int(0))], v)).slice(0, 4)).toEqual([7, 8, 0, 0]);
    const s = where(lt(i, int(8)), load(X, [i]), zero);
    expect(run(loop(i, 4, store(Y, [i], s), { min: int(6) }).body && loop(i, 8, store(Y, [i], s)))).toEqual([...x]);
    // what all lanes share is not evaluated where no lane wants it
    const never = where(broadcast(constant("bool", 0), 4), broadcast(load(X, [int(99)]), 4), broadcast(zero, 4));
    expect(run(store(Y, [r4(int(0))], never)).slice(0, 4)).toEqual([0, 0, 0, 0]);
    // a node used under two masks is computed for each
    const shared = load(X, [at]);
    const nested = where(
      inside,
      add(shared, where(lt(at, broadcast(int(7), 4)), shared, broadcast(zero, 4))),
      broadcast(zero, 4),
    );
    expect(run(store(Y, [r4(int(0))], nested)).slice(0, 4)).toEqual([14, 8, 0, 0]);
  });
  it("lets, assignments, ifs and loops that start elsewhere", () => {
    const m = variable("m", "f32", { mutable: true });
    const t = variable("t", "f32");
    const body = seq([
      { kind: "assign", var: m, value: zero },
      loop(
        i,
        3,
        { kind: "let", var: t, value: load(X, [i]), body: { kind: "assign", var: m, value: add(m, mul(t, t)) } },
        { min: int(2) },
      ),
      { kind: "if", condition: lt(m, zero), then: seq([]), otherwise: store(Y, [int(0)], m) },
    ]);
    expect(run(body)[0]).toBe(9 + 16 + 25);
  });
  it("is fast enough to be used much", () => {
    const n = 128;
    const a = new Float32Array(n * n).fill(1);
    const start = performance.now();
    const { C } = interpret(gemm(n, n, n), { A: a, B: a });
    expect(C![5]).toBe(n);
    // two million steps of a reduction; the limit is generous, a hundred times slower would be a mistake
    expect(performance.now() - start).toBeLessThan(20000);
  });
  it("a value is computed once per statement however often it is used", () => {
    let e: Expr = load(X, [int(0)]);
    for (let n = 0; n < 60; n++) e = add(e, e);
    expect(run(store(Y, [int(0)], e))[0]).toBe(2 ** 60);
  });
});
