import { describe, expect, test } from "vitest";
import { dim, placeholder, type Tensor } from "../../src/index.ts";
import * as ops from "../../src/ops.ts";
import { check, integers, random } from "./helper.ts";
import * as plain from "./plain.ts";

const named: Readonly<Record<string, unknown>> = ops;
const reduction = (kind: string) => named[kind] as (name: string, x: Tensor, options?: object) => Tensor;

const REDUCTIONS = {
  reduceSum: plain.total,
  reduceProd: (v: number[]) => v.reduce((a, b) => a * b, 1),
  reduceMax: (v: number[]) => Math.max(...v),
  reduceMin: (v: number[]) => Math.min(...v),
  reduceMean: plain.average,
  reduceVariance: (v: number[]) => plain.variance(v),
} as const;

describe("reductions", () => {
  const kinds = Object.keys(REDUCTIONS) as (keyof typeof REDUCTIONS)[];
  test.each(kinds)("%s", async (kind) => {
    const f = REDUCTIONS[kind];
    for (const [shape, axes] of [
      [[1], [0]],
      [[5, 7], [1]],
      [[5, 7], [0]],
      [
        [3, 5, 9],
        [0, 2],
      ],
      [
        [2, 1, 3],
        [0, 1, 2],
      ],
    ] as const) {
      const x = random(shape, 3, 0.5, 1);
      const X = placeholder("X", [...shape]);
      const negative = axes.map((d) => d - shape.length);
      await check(reduction(kind)("Y", X, { axes: negative }), { X: x }, plain.reduceAxes(f, x, axes), {
        tolerance: 1e-5,
      });
      await check(reduction(kind)("Y", X, { axes, keepDims: true }), { X: x }, plain.reduceAxes(f, x, axes, true), {
        tolerance: 1e-5,
      });
    }
    const [n, m] = [dim("n", { min: 1 }), dim("m", { min: 1 })];
    const x = random([4, 6], 3, 0.5, 1);
    for (const axes of [[0], [1], [0, 1]])
      await check(reduction(kind)("Y", placeholder("X", [n, m]), { axes }), { X: x }, plain.reduceAxes(f, x, axes), {
        sizes: { n: 4, m: 6 },
        tolerance: 1e-5,
      });
    const X = placeholder("X", [4, 6]);
    expect(() => reduction(kind)("Y", X, { axes: 2 })).toThrow(
      /axes is number 2: expected a whole number from -2 to 1/,
    );
    expect(() => reduction(kind)("Y", X, { axes: [1, -1] })).toThrow(/axes names an axis twice: \[1, 1\]/);
    expect(() => reduction(kind)("Y", X, { axis: 1 })).toThrow(/no option "axis"/);
    expect(() => reduction(kind)("Y", X, { keepDims: "yes" })).toThrow(/keepDims is string yes/);
  });
  test("integers, all axes, corrections", async () => {
    const x = integers([4, 6], -9, 9);
    await check(
      ops.reduceSum("Y", placeholder("X", [4, 6], "i32")),
      { X: x },
      plain.reduceAxes(plain.total, x, [0, 1]),
    );
    const r = random([4, 6], 2);
    const want = plain.reduceAxes((v) => plain.variance(v, 1), r, [1]);
    await check(ops.reduceVariance("V", placeholder("X", [4, 6]), { axes: 1, correction: 1 }), { X: r }, want);
    const n = dim("n", { min: 2 });
    const V = ops.reduceVariance("V", placeholder("X", [4, n]), { axes: 1, correction: 1 });
    await check(V, { X: r }, want, { sizes: { n: 6 } });
    expect(() => ops.reduceMean("Y", placeholder("X", [4], "i32") as never)).toThrow(/"X" is i32: expected f64/);
    expect(() => ops.reduceVariance("Y", placeholder("X", [4]), { axes: [] })).toThrow(/no axes to go over/);
  });
});

const along = (axis: number) => (at: readonly number[]) => at.filter((_, d) => d !== axis).join();

describe("softmax", () => {
  test.each([
    [[1], 0],
    [[5, 7], 1],
    [[5, 7], 0],
    [[2, 9, 3], 1],
    [[2, 3, 17], -1],
  ] as const)("%j along %i", async (shape, axis) => {
    const x = random(shape, 4, 20);
    const X = placeholder("X", [...shape]);
    const cell = along(axis < 0 ? axis + shape.length : axis);
    const log = plain.byCell((v, c) => v - plain.logSumExp(c), x, cell);
    await check(ops.logSoftmax("Y", X, { axis }), { X: x }, log);
    await check(ops.softmax("Y", X, { axis }), { X: x }, plain.zip(Math.exp, log));
  });
  test("symbolic sizes, and values that overflow by themselves", async () => {
    const [n, m] = [dim("n"), dim("m")];
    const x = random([5, 11], 4, 300);
    const log = plain.byCell((v, c) => v - plain.logSumExp(c), x, along(1));
    const sizes = { n: 5, m: 11 };
    await check(ops.softmax("Y", placeholder("X", [n, m])), { X: x }, plain.zip(Math.exp, log), {
      sizes,
      tolerance: 1e-5,
    });
    await check(ops.logSoftmax("Y", placeholder("X", [n, m])), { X: x }, log, { sizes });
  });
  test("bad input", () => {
    const X = placeholder("X", [4, 6]);
    expect(() => ops.softmax("Y", X, { axis: 2 })).toThrow(
      'softmax "Y": axis is number 2: expected a whole number from -2 to 1',
    );
    expect(() => ops.softmax("Y", placeholder("I", [4], "i32") as never)).toThrow(
      /"I" is i32: expected f64, f32 or f16/,
    );
    expect(() => ops.softmax("Y", placeholder("s", []))).toThrow(/there are no axes/);
    expect(() => ops.logSoftmax("Y", X, { dim: 1 } as never)).toThrow(/no option "dim"/);
  });
});

describe("norms", () => {
  const tolerance = 2e-5;
  test.each([
    [[1, 1], 1],
    [[5, 7], -1],
    [[3, 4, 5], 1],
    [[2, 3, 33], -1],
  ] as [number[], number][])("layerNorm and rmsNorm of %j from axis %i", async (shape, axis) => {
    const from = axis < 0 ? axis + shape.length : axis;
    const x = random(shape, 5, 3, 1);
    const own = shape.slice(from);
    const [g, b] = [random(own, 6, 1, 1), random(own, 7)];
    const [X, G, B] = [placeholder("X", [...shape]), placeholder("G", [...own]), placeholder("B", [...own])];
    const cell = (at: readonly number[]): string => at.slice(0, from).join();
    const norm = plain.byCell((v, c) => plain.normalize(v, c, 1e-5), x, cell);
    await check(ops.layerNorm("Y", X, { axis }), { X: x }, norm, { tolerance });
    const full = plain.zip((v, s, t) => v * s + t, norm, g, b);
    await check(ops.layerNorm("Y", X, { axis, scale: G, bias: B }), { X: x, G: g, B: b }, full, { tolerance });
    const rms = plain.byCell((v, c) => v / Math.sqrt(plain.average(c.map((u) => u * u)) + 0.01), x, cell);
    const Y = ops.rmsNorm("Y", X, { axis, scale: G, epsilon: 0.01 });
    await check(
      Y,
      { X: x, G: g },
      plain.zip((v, s) => v * s, rms, g),
      { tolerance },
    );
  });
  test("symbolic sizes", async () => {
    const [n, m] = [dim("n"), dim("m")];
    const x = random([5, 11], 5, 3, 1);
    const [X, G] = [placeholder("X", [n, m]), placeholder("G", [m])];
    const g = random([11], 6);
    const cell = (at: readonly number[]): string => `${at[0]}`;
    const norm = plain.byCell((v, c) => plain.normalize(v, c, 1e-5), x, cell);
    const want = plain.zip((v, s) => v * s, norm, g);
    await check(ops.layerNorm("Y", X, { scale: G }), { X: x, G: g }, want, { sizes: { n: 5, m: 11 }, tolerance });
    const rms = plain.byCell((v, c) => v / Math.sqrt(plain.average(c.map((u) => u * u)) + 1e-5), x, cell);
    await check(ops.rmsNorm("Y", X), { X: x }, rms, { sizes: { n: 5, m: 11 }, tolerance });
    const I = ops.groupNorm("Y", placeholder("X", [n, m, 4]), { groups: 2 });
    const y = random([2, 3, 4], 5, 3, 1);
    const byGroup = plain.byCell(
      (v, c) => plain.normalize(v, c, 1e-5),
      y,
      (at) => `${at[0]} ${Math.floor(at[2]! / 2)}`,
    );
    await check(I, { X: y }, byGroup, { sizes: { n: 2, m: 3 }, tolerance });
  });
  test.each([
    [[2, 3, 5, 8], -1],
    [[2, 6, 3, 5], 1],
    [[3, 4], 1],
  ] as const)("batchNorm and groupNorm of %j, channels at %i", async (shape, axis) => {
    const at = axis < 0 ? axis + shape.length : axis;
    const c = shape[at]!;
    const x = random(shape, 5, 3, 1);
    const [m, v, s, b] = [random([c], 6), random([c], 7, 0.5, 1), random([c], 8), random([c], 9)];
    const X = placeholder("X", [...shape]);
    const [mean, variance, scale, bias] = ["m", "v", "s", "b"].map((n) => placeholder(n, [c])) as never as [
      Tensor<"f32">,
      Tensor<"f32">,
      Tensor<"f32">,
      Tensor<"f32">,
    ];
    const pick = (p: plain.Plain, i: readonly number[]): number => p.data[i[at]!]!;
    const plainNorm = plain.make(shape, (i) => (plain.get(x, i) - pick(m, i)) / Math.sqrt(pick(v, i) + 1e-5));
    const affine = (p: plain.Plain) => plain.make(shape, (i) => plain.get(p, i) * pick(s, i) + pick(b, i));
    await check(ops.batchNorm("Y", X, { axis, mean, variance }), { X: x, m, v }, plainNorm, { tolerance });
    const full = ops.batchNorm("Y", X, { axis, mean, variance, scale, bias });
    await check(full, { X: x, m, v, s, b }, affine(plainNorm), { tolerance });
    for (const groups of [1, 2, c]) {
      const size = c / groups;
      const cell = (i: readonly number[]): string => `${i[0]} ${Math.floor(i[at]! / size)}`;
      const want = affine(plain.byCell((u, all) => plain.normalize(u, all, 1e-3), x, cell));
      const G = ops.groupNorm("Y", X, { axis, groups, scale, bias, epsilon: 1e-3 });
      await check(G, { X: x, s, b }, want, { tolerance: 1e-4 });
    }
  });
  test("bad input", () => {
    const X = placeholder("X", [4, 6]);
    const p = (n: number) => placeholder("p", [n]);
    expect(() => ops.layerNorm("Y", X, { scale: p(4) })).toThrow(
      'layerNorm "Y": axis 0 of scale "p" is 4, but axis 1 of "X" [4, 6] is 6: they must agree',
    );
    expect(() => ops.layerNorm("Y", X, { scale: placeholder("p", [1, 6]) })).toThrow(
      /scale "p" has 2 axes, \[1, 6\]: expected 1/,
    );
    expect(() => ops.layerNorm("Y", X, { epsilon: -1 })).toThrow(/epsilon is -1: expected 0 or more/);
    expect(() => ops.rmsNorm("Y", X, { bias: p(6) } as never)).toThrow(/no option "bias"/);
    expect(() => ops.batchNorm("Y", X, { mean: p(6) } as never)).toThrow(/variance is missing/);
    expect(() => ops.batchNorm("Y", X, undefined as never)).toThrow(/mean is missing/);
    expect(() => ops.groupNorm("Y", X, { groups: 4 })).toThrow(/4 groups of the 6 channels of "X"/);
    expect(() => ops.groupNorm("Y", X, {} as never)).toThrow(/groups is undefined: expected a whole number, 1 or more/);
    expect(() => ops.groupNorm("Y", X, { groups: 2, axis: 0 })).toThrow(/that of the batch/);
    expect(() => ops.groupNorm("Y", placeholder("Z", [4, dim("c")]), { groups: 2 })).toThrow(
      /2 groups of the c channels/,
    );
  });
});
