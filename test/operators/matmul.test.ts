import { describe, expect, test } from "vitest";
import { compute, dim, lit, placeholder } from "../../src/index.ts";
import { dense, matmul } from "../../src/ops.ts";
import { check, integers, random } from "./helper.ts";
import * as plain from "./plain.ts";

describe("matmul", () => {
  test.each([
    [1, 1, 1],
    [7, 5, 3],
    [16, 24, 8],
    [1, 33, 17],
    [13, 1, 9],
  ])("%i x %i x %i, all transposes", async (m, n, k) => {
    const [a, b] = [random([m, k], 1), random([k, n], 2)];
    const want = plain.matmul(a, b);
    for (const transposeA of [false, true])
      for (const transposeB of [false, true]) {
        const A = placeholder("A", transposeA ? [k, m] : [m, k]);
        const B = placeholder("B", transposeB ? [n, k] : [k, n]);
        const C = matmul("C", A, B, { transposeA, transposeB });
        const inputs = { A: transposeA ? plain.swapLast(a) : a, B: transposeB ? plain.swapLast(b) : b };
        await check(C, inputs, want, { tolerance: 1e-5 });
      }
  });
  test.each([
    [[3], [3]],
    [[3], []],
    [[], [2, 3]],
    [
      [2, 1],
      [1, 3],
    ],
    [
      [4, 1, 2],
      [3, 1],
    ],
  ])("batches %j and %j broadcast", async (p, q) => {
    const [a, b] = [random([...p, 5, 4], 1), random([...q, 4, 9], 2)];
    const C = matmul("C", placeholder("A", a.shape), placeholder("B", b.shape));
    await check(C, { A: a, B: b }, plain.matmul(a, b), { tolerance: 1e-5 });
  });
  test("symbolic sizes", async () => {
    const [m, n, k, batch] = [dim("m"), dim("n"), dim("k"), dim("batch")];
    const C = matmul("C", placeholder("A", [batch, m, k]), placeholder("B", [batch, k, n]));
    const [a, b] = [random([2, 7, 5], 1), random([2, 5, 13], 2)];
    await check(C, { A: a, B: b }, plain.matmul(a, b), { sizes: { m: 7, n: 13, k: 5, batch: 2 }, tolerance: 1e-5 });
    const T = matmul("T", placeholder("A", [k, m]), placeholder("B", [1, n, k]), {
      transposeA: true,
      transposeB: true,
    });
    const [at, bt] = [random([5, 6], 1), random([1, 4, 5], 2)];
    const want = plain.matmul(plain.swapLast(at), plain.swapLast(bt));
    await check(T, { A: at, B: bt }, want, { sizes: { m: 6, n: 4, k: 5 }, tolerance: 1e-5 });
  });
  test("integers", async () => {
    const C = matmul("C", placeholder("A", [5, 6], "i32"), placeholder("B", [6, 4], "i32"));
    const [a, b] = [integers([5, 6], -9, 9, 1), integers([6, 4], -9, 9, 2)];
    await check(C, { A: a, B: b }, plain.matmul(a, b));
  });
  test("axes", () => {
    expect(matmul("C", placeholder("A", [5, 6]), placeholder("B", [6, 4])).axes).toEqual(["i", "j"]);
    expect(matmul("C", placeholder("A", [3, 5, 6]), placeholder("B", [6, 4])).axes).toEqual(["b0", "i", "j"]);
  });
  test("bad input", () => {
    const A = placeholder("A", [5, 6]);
    const B = placeholder("B", [7, 4]);
    expect(() => matmul("C", A, B)).toThrow(
      'matmul "C": K of "A" [5, 6] is 6, but K of "B" [7, 4] is 7: they must agree',
    );
    expect(() => matmul("C", A, placeholder("v", [6]))).toThrow(
      'matmul "C": B "v" has 1 axes, [6]: expected at least 2, [..., K, N]',
    );
    expect(() => matmul("C", placeholder("P", [2, 5, 6]), placeholder("Q", [3, 6, 4]))).toThrow(
      /"P" of shape \[2\] and "Q" of shape \[3\] don't broadcast: 2 stands against 3/,
    );
    expect(() => matmul("C", A, placeholder("D", [6, 4], "f64") as never)).toThrow(/"A" is f32, but "D" is f64: cast/);
    expect(() => matmul("C", A, 3 as never)).toThrow(/B is number 3: expected a tensor/);
    expect(() => matmul("C", A, B, { transpose: true } as never)).toThrow(/no option "transpose": expected one of/);
    expect(() => matmul("C", A, B, { transposeA: 1 as never })).toThrow(
      /transposeA is number 1: expected true or false/,
    );
    expect(() => matmul("1", A, B)).toThrow(/tensor name "1"/);
    const mask = compute("mask", [6, 6], (i, j) => i.lt(j).and(lit(true, "bool")));
    expect(() => matmul("C", mask as never, mask as never)).toThrow(/A "mask" is bool: expected numbers/);
  });
});

describe("dense", () => {
  test.each([[[6]], [[1, 1]], [[5, 6]], [[2, 3, 7]]])("X %j, with and without bias, both layouts", async (shape) => {
    const x = random(shape, 1);
    const [w, b] = [random([shape.at(-1)!, 9], 2), random([9], 3)];
    const rows: plain.Plain = { ...x, shape: [x.data.length / shape.at(-1)!, shape.at(-1)!] };
    const flat = { ...plain.matmul(rows, w), shape: [...shape.slice(0, -1), 9] };
    const [X, W, Wt, B] = [
      placeholder("X", shape),
      placeholder("W", w.shape),
      placeholder("W", [9, shape.at(-1)!]),
      placeholder("B", [9]),
    ];
    await check(dense("Y", X, W), { X: x, W: w }, flat, { tolerance: 1e-5 });
    const want = plain.zip((p, q) => p + q, flat, b);
    await check(dense("Y", X, W, { bias: B }), { X: x, W: w, B: b }, want, { tolerance: 1e-5 });
    const T = dense("Y", X, Wt, { bias: B, transposeW: true });
    await check(T, { X: x, W: plain.swapLast(w), B: b }, want, { tolerance: 1e-5 });
  });
  test("symbolic rows", async () => {
    const n = dim("n");
    const Y = dense("Y", placeholder("X", [n, 12]), placeholder("W", [12, 10]), { bias: placeholder("b", [10]) });
    const [x, w, b] = [random([11, 12], 1), random([12, 10], 2), random([10], 3)];
    const want = plain.zip((p, q) => p + q, plain.matmul(x, w), b);
    await check(Y, { X: x, W: w, b }, want, { sizes: { n: 11 }, tolerance: 1e-5 });
  });
  test("bad input", () => {
    const [X, W] = [placeholder("X", [5, 6]), placeholder("W", [6, 9])];
    expect(() => dense("Y", X, placeholder("V", [9, 6]))).toThrow(/K of "X" \[5, 6\] is 6, but K of "V" \[9, 6\] is 9/);
    expect(() => dense("Y", X, placeholder("V", [6]))).toThrow(/W "V" has 1 axes, \[6\]: expected 2, \[K, N\]/);
    expect(() => dense("Y", X, W, { bias: placeholder("b", [8]) })).toThrow(/the extent of "b" is 8, but N of "W"/);
    expect(() => dense("Y", X, W, { bias: placeholder("b", [9], "i32") })).toThrow(/"X" is f32, but "b" is i32/);
    expect(() => dense("Y", X, W, { bias: placeholder("b", [1, 9]) })).toThrow(/bias "b" has 2 axes/);
  });
});
