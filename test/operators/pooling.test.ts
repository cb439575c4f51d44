import { describe, expect, test } from "vitest";
import { dim, placeholder, type Tensor } from "../../src/index.ts";
import * as ops from "../../src/ops.ts";
import { check, integers, random } from "./helper.ts";
import * as plain from "./plain.ts";

type Operator = (name: string, x: Tensor, options: object) => Tensor;
const named: Readonly<Record<string, unknown>> = ops;
const operator = (kind: string) => named[kind] as Operator;
const FIRST = { 1: "NCW", 2: "NCHW", 3: "NCDHW" } as const;
const average = (v: number[]): number => plain.average(v);
const largest = (v: number[]): number => Math.max(...v);

describe("pooling", () => {
  test.each<[number[], number, number[], number[], [number, number][]]>([
    [[1], 1, [1], [1], [[0, 0]]],
    [[9], 3, [2], [2], [[0, 0]]],
    [
      [8, 7],
      9,
      [3, 3],
      [2, 2],
      [
        [1, 1],
        [1, 1],
      ],
    ],
    [
      [5, 6],
      8,
      [2, 3],
      [1, 2],
      [
        [0, 1],
        [2, 0],
      ],
    ],
    [
      [4, 5, 6],
      2,
      [1, 2, 2],
      [1, 2, 2],
      [
        [0, 0],
        [1, 0],
        [0, 0],
      ],
    ],
  ])("input %j with %i channels, size %j, stride %j, padding %j", async (inner, c, size, stride, padding) => {
    const rank = inner.length as 1 | 2 | 3;
    const x = random([2, ...inner, c], 1);
    const xf = plain.channelsFirst(x);
    const windows = { stride, dilation: plain.range(rank).map(() => 1), padding };
    const first = { size, stride, padding, layout: FIRST[rank] };
    const [X, XF] = [placeholder("X", x.shape), placeholder("X", xf.shape)];
    const top = plain.pool(largest, x, size, windows);
    await check(operator(`maxPool${rank}d`)("Y", X, { size, stride, padding }), { X: x }, top);
    await check(operator(`maxPool${rank}d`)("Y", XF, first), { X: xf }, plain.channelsFirst(top));
    const mean = plain.pool(average, x, size, windows);
    const all = plain.pool((v, taps) => plain.total(v) / taps, x, size, windows);
    await check(operator(`averagePool${rank}d`)("Y", X, { size, stride, padding }), { X: x }, mean);
    await check(
      operator(`averagePool${rank}d`)("Y", XF, { ...first, countPadding: true }),
      { X: xf },
      plain.channelsFirst(all),
    );
  });
  test("symbolic sizes, same padding, dilation, the stride of the size", async () => {
    const [n, h, v, c] = [dim("n"), dim("h", { min: 5 }), dim("v", { min: 5 }), dim("c")];
    const [X, x] = [placeholder("X", [n, h, v, c]), random([2, 7, 6, 3], 1)];
    const sizes = { n: 2, h: 7, v: 6, c: 3 };
    const same = (stride: number): plain.Windows => ({
      stride: [stride, stride],
      dilation: [1, 1],
      padding: plain.samePadding([7, 6], [3, 3], [stride, stride], [1, 1]),
    });
    for (const stride of [1, 2]) {
      const options = { size: 3, stride, padding: "same" } as const;
      await check(ops.maxPool2d("Y", X, options), { X: x }, plain.pool(largest, x, [3, 3], same(stride)), { sizes });
      await check(ops.averagePool2d("Y", X, options), { X: x }, plain.pool(average, x, [3, 3], same(stride)), {
        sizes,
      });
    }
    const apart = {
      stride: [1, 1],
      dilation: [2, 2],
      padding: [
        [0, 0],
        [0, 0],
      ],
    } as const;
    const D = ops.maxPool2d("Y", X, { size: 3, stride: 1, dilation: 2 });
    await check(D, { X: x }, plain.pool(largest, x, [3, 3], apart), { sizes });
    const beside = {
      stride: [2, 2],
      dilation: [1, 1],
      padding: [
        [0, 0],
        [0, 0],
      ],
    } as const;
    await check(ops.averagePool2d("Y", X, { size: 2 }), { X: x }, plain.pool(average, x, [2, 2], beside), { sizes });
  });
  test("integers are padded with what is never the largest", async () => {
    const x = integers([1, 4, 4, 3], -9, -1);
    const windows = {
      stride: [2, 2],
      dilation: [1, 1],
      padding: [
        [1, 1],
        [1, 1],
      ],
    } as const;
    const want = plain.pool(largest, x, [3, 3], windows);
    for (const dtype of ["i32", "i8"] as const)
      await check(
        ops.maxPool2d("Y", placeholder("X", x.shape, dtype), { size: 3, stride: 2, padding: 1 }),
        { X: x },
        want,
      );
  });
  test.each([[[2, 5, 3]], [[1, 4, 5, 8]], [[2, 2, 3, 4, 5]]])("global, of %j", async (shape) => {
    const x = random(shape, 1);
    const inner = plain.range(shape.length - 2).map((d) => d + 1);
    const X = placeholder("X", shape);
    await check(ops.globalAveragePool("Y", X), { X: x }, plain.reduceAxes(plain.average, x, inner));
    await check(ops.globalMaxPool("Y", X, { keepDims: true }), { X: x }, plain.reduceAxes(largest, x, inner, true));
    const xf = plain.channelsFirst(x);
    const layout = FIRST[inner.length as 1 | 2 | 3];
    await check(
      ops.globalAveragePool("Y", placeholder("X", xf.shape), { layout }),
      { X: xf },
      plain.reduceAxes(plain.average, x, inner),
    );
  });
  test("a NaN is passed over", async () => {
    const X = placeholder("X", [1, 6, 1]);
    const x = { shape: [1, 6, 1], data: Float32Array.of(NaN, 2, 3, NaN, NaN, NaN) };
    const want = { shape: [1, 3, 1], data: Float32Array.of(2, 3, -Infinity) };
    await check(ops.maxPool1d("Y", X, { size: 2 }), { X: x as never }, want as never);
  });
  test("bad input", () => {
    const X = placeholder("X", [1, 8, 8, 4]);
    const pool =
      (kind: string, options: object, x: Tensor = X) =>
      () =>
        operator(kind)("Y", x, options);
    expect(pool("maxPool2d", {})).toThrow('maxPool2d "Y": size is missing: give the window\'s, as in { size: 2 }');
    expect(pool("maxPool2d", undefined as never)).toThrow(/size is missing/);
    expect(pool("maxPool2d", { size: 9 })).toThrow(/spans 9 elements, but there are only 8/);
    expect(pool("maxPool2d", { size: 2, padding: 2 })).toThrow(
      /axis 0: padding in front is 2, but windows span 2: a window/,
    );
    expect(pool("averagePool2d", { size: 2, stride: 1, padding: [0, [0, 2]] })).toThrow(
      /axis 1: padding behind is 2, but windows span 2/,
    );
    const symbolic = placeholder("M", [1, dim("m"), 8, 4]);
    expect(pool("maxPool2d", { size: 3, padding: [[0, 3], 0] }, symbolic)).toThrow(/axis 0: padding behind is 3/);
    const few = placeholder("F", [1, 3, 3, 4]);
    expect(pool("maxPool2d", { size: 2, stride: 1, dilation: 4, padding: 1 }, few)).toThrow(
      /axis 0: taps 4 apart step over its 3 elements/,
    );
    expect(pool("maxPool2d", { size: 2, stride: 1, dilation: 4, padding: 2 }, few)).toThrow(/step over/);
    expect(pool("maxPool2d", { size: 2, stride: 1, dilation: 3, padding: 1 }, few)).not.toThrow();
    expect(pool("maxPool2d", { size: 3, stride: 5, padding: 2 })).not.toThrow();
    expect(pool("maxPool2d", { size: null } as never)).toThrow(/size is null/);
    expect(pool("maxPool2d", { size: 2, countPadding: true })).toThrow(/no option "countPadding"/);
    expect(pool("averagePool2d", { size: 2, dilation: 2 })).toThrow(/no option "dilation"/);
    expect(pool("averagePool2d", { size: 2 }, placeholder("I", [1, 8, 8, 4], "i32"))).toThrow(
      /"I" is i32: expected f64/,
    );
    expect(pool("maxPool1d", { size: 2 })).toThrow(/X "X" has 4 axes, .*: expected 3, NWC/);
    expect(pool("globalMaxPool", {}, placeholder("v", [3, 4]))).toThrow(/expected 3 to 5, a batch/);
    expect(pool("globalMaxPool", { layout: "NCW" })).toThrow(/layout is "NCW": expected one of "NHWC", "NCHW"/);
  });
});
