import { describe, expect, test } from "vitest";
import { dim, lit, placeholder, scalar, type Tensor } from "../../src/index.ts";
import * as ops from "../../src/ops.ts";
import { check, integers, random } from "./helper.ts";
import * as plain from "./plain.ts";

/** Operators by name, for lists of them. */
const named: Readonly<Record<string, unknown>> = ops;
const unary = (kind: string) => named[kind] as (name: string, x: Tensor) => Tensor;
const binary = (kind: string) => named[kind] as (name: string, a: Tensor, b: Tensor | number) => Tensor;

describe("activations", () => {
  test.each(Object.keys(plain.activations) as (keyof typeof plain.activations)[])("%s", async (kind) => {
    for (const shape of [[1], [3, 7]]) {
      const x = random(shape, 5, 9);
      const want = plain.zip(plain.activations[kind], x);
      await check(unary(kind)("Y", placeholder("X", shape)), { X: x }, want);
    }
    const n = dim("n");
    const x = random([5, 9], 6, 9);
    await check(unary(kind)("Y", placeholder("X", [n, 9])), { X: x }, plain.zip(plain.activations[kind], x), {
      sizes: { n: 5 },
    });
    expect(() => unary(kind)("Y", placeholder("X", [4], "u8") as never)).toThrow(/X "X" is u8/);
    expect(() => unary(kind)("Y", [1, 2] as never)).toThrow(/X is an array of 2: expected a tensor/);
  });
  test("with options", async () => {
    const [X, x] = [placeholder("X", [4, 9]), random([4, 9], 7, 4)];
    await check(
      ops.leakyRelu("Y", X, { alpha: 0.3 }),
      { X: x },
      plain.zip((v) => (v < 0 ? v * 0.3 : v), x),
    );
    await check(
      ops.elu("Y", X, { alpha: 2 }),
      { X: x },
      plain.zip((v) => (v < 0 ? 2 * Math.expm1(v) : v), x),
    );
    await check(ops.gelu("Y", X, { approximate: "tanh" }), { X: x }, plain.zip(plain.geluTanh, x));
    const hard = plain.zip((v) => Math.min(Math.max(v / 6 + 0.25, 0), 1), x);
    await check(ops.hardSigmoid("Y", X, { alpha: 1 / 6, beta: 0.25 }), { X: x }, hard);
    expect(() => ops.gelu("Y", X, { approximate: "erf" as never })).toThrow(
      /approximate is "erf": expected one of "none"/,
    );
    expect(() => ops.elu("Y", X, { alpha: Number.NaN })).toThrow(/alpha is number NaN: expected a finite number/);
    expect(() => ops.leakyRelu("Y", X, { slope: 1 } as never)).toThrow(/no option "slope"/);
  });
  test("large values neither overflow nor vanish", async () => {
    const x: plain.Plain = { shape: [4], data: [-200, -100, 100, 200] };
    const X = placeholder("X", [4]);
    await check(ops.softplus("Y", X), { X: x }, { shape: [4], data: [0, 0, 100, 200] });
    await check(ops.silu("Y", X), { X: x }, { shape: [4], data: [0, 0, 100, 200] });
    await check(ops.mish("Y", X), { X: x }, { shape: [4], data: [0, 0, 100, 200] });
    await check(ops.gelu("Y", X), { X: x }, { shape: [4], data: [0, 0, 100, 200] });
  });
  test("other dtypes", async () => {
    const i = integers([3, 7], -9, 9);
    await check(
      ops.relu("Y", placeholder("X", [3, 7], "i32")),
      { X: i },
      plain.zip((v) => Math.max(v, 0), i),
    );
    const x = random([3, 7], 1, 4);
    await check(ops.gelu("Y", placeholder("X", [3, 7], "f64")), { X: x }, plain.zip(plain.activations.gelu, x));
  });
});

const BINARY = {
  broadcastAdd: (a: number, b: number) => a + b,
  broadcastSub: (a: number, b: number) => a - b,
  broadcastMul: (a: number, b: number) => a * b,
  broadcastDiv: (a: number, b: number) => a / b,
  broadcastMax: Math.max,
  broadcastMin: Math.min,
  broadcastPow: (a: number, b: number) => a ** b,
} as const;

describe("with broadcasting", () => {
  const kinds = Object.keys(BINARY) as (keyof typeof BINARY)[];
  test.each(kinds)("%s", async (kind) => {
    for (const [p, q] of [
      [[1], [1]],
      [[4, 5], [5]],
      [
        [3, 1, 5],
        [4, 1],
      ],
      [[], [2, 3]],
    ] as const) {
      const [a, b] = [random(p, 1, 1, 2), random(q, 2, 1, 2)];
      const Y = binary(kind)("Y", placeholder("A", [...p]), placeholder("B", [...q]));
      await check(Y, { A: a, B: b }, plain.zip(BINARY[kind], a, b));
    }
    const n = dim("n");
    const [a, b] = [random([6, 3], 1, 1, 2), random([6, 1], 2, 1, 2)];
    const Y = binary(kind)("Y", placeholder("A", [n, 3]), placeholder("B", [n, 1]));
    await check(Y, { A: a, B: b }, plain.zip(BINARY[kind], a, b), { sizes: { n: 6 } });
    await check(
      binary(kind)("Y", placeholder("A", [6, 3]), 1.5),
      { A: a },
      plain.zip((v) => BINARY[kind](v, 1.5), a),
    );
  });
  test("integers", async () => {
    const [a, b] = [integers([3, 4], -9, 9, 1), integers([4], 1, 5, 2)];
    const [A, B] = [placeholder("A", [3, 4], "i32"), placeholder("B", [4], "i32")];
    await check(
      ops.broadcastDiv("Y", A, B),
      { A: a, B: b },
      plain.zip((x, y) => Math.floor(x / y), a, b),
    );
    await check(
      ops.broadcastMul("Y", A, B),
      { A: a, B: b },
      plain.zip((x, y) => x * y, a, b),
    );
  });
  test("several operands, and a change of dtype", async () => {
    const [X, S, T] = [placeholder("X", [2, 3, 5]), placeholder("S", [3, 1]), placeholder("T", [5])];
    const [x, s, t] = [random([2, 3, 5], 1), random([3, 1], 2), random([5], 3)];
    const Y = ops.elementwise("Y", [X, S, T], (x, a, b) => x.mul(a).add(b));
    await check(
      Y,
      { X: x, S: s, T: t },
      plain.zip((p, q, r) => p * q + r, x, s, t),
    );
    const C = ops.elementwise("C", [X, T], (x, b) => x.mul(100).add(b).cast("i32"));
    expect(C.dtype).toBe("i32");
    await check(
      C,
      { X: x, T: t },
      plain.zip((p, r) => Math.trunc(Math.fround(Math.fround(p * 100) + r)), x, t),
    );
  });
  test("bad input", () => {
    const [A, B] = [placeholder("A", [4, 5]), placeholder("B", [4])];
    expect(() => ops.broadcastAdd("Y", A, B)).toThrow(
      'broadcastAdd "Y": "A" of shape [4, 5] and "B" of shape [4] don\'t broadcast: 5 stands against 4; ' +
        "expected equal extents, or 1 (counted from the last axis)",
    );
    const [n, m] = [dim("n"), dim("m")];
    expect(() => ops.broadcastAdd("Y", placeholder("P", [n]), placeholder("Q", [m]))).toThrow(/n stands against m/);
    expect(() => ops.broadcastAdd("Y", A, placeholder("Q", [5], "i32") as never)).toThrow(/"A" is f32, but "Q" is i32/);
    expect(() => ops.broadcastPow("Y", placeholder("I", [4], "i32") as never, 2 as never)).toThrow(
      /"I" is i32: expected f64, f32 or f16/,
    );
    expect(() => ops.broadcastAdd("Y", A, "1" as never)).toThrow(/right operand is string 1: expected a tensor/);
    expect(() => ops.broadcastAdd("Y", A, lit(1, "i32") as never)).toThrow(/mixes dtypes/);
    expect(() => ops.elementwise("Y", [] as never, () => lit(0, "f32"))).toThrow(/expected a list of tensors/);
    expect(() => ops.elementwise("Y", [A], (() => 3) as never)).toThrow(/returned number 3/);
    expect(() => ops.elementwise("Y", [A], 3 as never)).toThrow(/expected a function/);
    expect(ops.broadcastMul("Y", A, scalar("alpha")).shape).toEqual([4, 5]);
  });
});
