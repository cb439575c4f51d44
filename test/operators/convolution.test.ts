import { describe, expect, test } from "vitest";
import { dim, placeholder, type Tensor } from "../../src/index.ts";
import * as ops from "../../src/ops.ts";
import { alternativesOf } from "../../te/index.ts";
import { check, integers, random } from "./helper.ts";
import * as plain from "./plain.ts";

const tolerance = 1e-5;
interface Options {
  readonly stride?: number | number[];
  readonly dilation?: number | number[];
  readonly padding?: ops.Padding;
  readonly groups?: number;
  readonly outputPadding?: number;
}
const list = (x: number | number[] | undefined, rank: number, otherwise = 1): number[] =>
  Array.isArray(x) ? x : plain.range(rank).map(() => x ?? otherwise);
function windowsOf(inputs: readonly number[], taps: readonly number[], o: Options): plain.Windows {
  const rank = taps.length;
  const [stride, dilation] = [list(o.stride, rank), list(o.dilation, rank)];
  const given = o.padding === "valid" || o.padding === undefined ? 0 : o.padding;
  const padding =
    given === "same"
      ? plain.samePadding(inputs, taps, stride, dilation)
      : plain.range(rank).map((d): readonly [number, number] => {
          const p = typeof given === "number" ? given : given[d]!;
          return typeof p === "number" ? [p, p] : p;
        });
  return { stride, dilation, padding };
}

type Operator = (name: string, x: Tensor, w: Tensor, options: object) => Tensor;
const named: Readonly<Record<string, unknown>> = ops;
const operator = (kind: string) => named[kind] as Operator;
const FIRST = { 1: "NCW", 2: "NCHW", 3: "NCDHW" } as const;
/** [k..., C, O] as [O, C, k...]. */
const weightsFirst = (w: plain.Plain): plain.Plain => {
  const r = w.shape.length;
  return plain.transpose(w, [r - 1, r - 2, ...plain.range(r - 2)]);
};

/** Both layouts, with and without bias. */
async function checkConv(inner: number[], c: number, taps: number[], o: number, options: Options): Promise<void> {
  const rank = taps.length as 1 | 2 | 3;
  const { groups = 1 } = options;
  const [x, w, b] = [random([2, ...inner, c], 1), random([...taps, c / groups, o], 2), random([o], 3)];
  const want = plain.conv(x, w, windowsOf(inner, taps, options), groups);
  const [X, W, bias] = [placeholder("X", x.shape), placeholder("W", w.shape), placeholder("b", [o])];
  const conv = operator(`conv${rank}d`);
  await check(conv("Y", X, W, options), { X: x, W: w }, want, { tolerance });
  const [xf, wf] = [plain.channelsFirst(x), weightsFirst(w)];
  const F = conv("Y", placeholder("X", xf.shape), placeholder("W", wf.shape), {
    ...options,
    layout: FIRST[rank],
    bias,
  });
  const full = plain.channelsFirst(plain.zip((p, q) => p + q, want, b));
  await check(F, { X: xf, W: wf, b }, full, { tolerance });
}

describe("convolutions", () => {
  test.each<[number[], number, number[], number, Options]>([
    [[1], 1, [1], 1, {}],
    [[9], 3, [3], 5, { padding: 1 }],
    [[11], 4, [3], 8, { stride: 2, padding: "same", dilation: 2 }],
    [[7], 4, [4], 6, { padding: "same", groups: 2 }],
    [[1, 1], 3, [1, 1], 4, {}],
    [[5, 7], 3, [3, 3], 8, { padding: 1 }],
    [[8, 8], 4, [3, 3], 9, { stride: 2, padding: "same" }],
    [[9, 7], 2, [3, 2], 4, { stride: [1, 2], dilation: [2, 1], padding: [[1, 0], 2] }],
    [[6, 6], 6, [3, 3], 9, { groups: 3, padding: 1, stride: 2 }],
    [[6, 5], 8, [1, 1], 16, { padding: "valid" }],
    [[4, 5, 6], 2, [2, 3, 3], 4, { padding: "same", stride: [1, 2, 1] }],
  ])("input %j with %i channels, kernel %j to %i, %j", checkConv);
  test("symbolic sizes", async () => {
    const [n, h, v, c, o] = [dim("n"), dim("h", { min: 5 }), dim("v", { min: 5 }), dim("c"), dim("o")];
    const [X, W] = [placeholder("X", [n, h, v, c]), placeholder("W", [3, 3, c, o])];
    const [x, w] = [random([2, 7, 6, 3], 1), random([3, 3, 3, 5], 2)];
    const sizes = { n: 2, h: 7, v: 6, c: 3, o: 5 };
    const cases: Options[] = [
      {},
      { stride: 2 },
      { dilation: 2 },
      { padding: "same" },
      { padding: "same", stride: 2 },
      { padding: [1, [0, 2]], stride: [2, 3] },
    ];
    for (const options of cases) {
      const want = plain.conv(x, w, windowsOf([7, 6], [3, 3], options));
      await check(ops.conv2d("Y", X, W, options), { X: x, W: w }, want, { sizes, tolerance });
    }
  });
  test("integers", async () => {
    const [x, w] = [integers([1, 5, 5, 2], -9, 9, 1), integers([3, 3, 2, 3], -9, 9, 2)];
    const Y = ops.conv2d("Y", placeholder("X", [1, 5, 5, 2], "i32"), placeholder("W", [3, 3, 2, 3], "i32"), {
      padding: 1,
    });
    await check(Y, { X: x, W: w }, plain.conv(x, w, windowsOf([5, 5], [3, 3], { padding: 1 })));
  });
  test("bad input", () => {
    const [X, W] = [placeholder("X", [1, 8, 8, 4]), placeholder("W", [3, 3, 4, 6])];
    const conv =
      (options: object, x: Tensor = X, w: Tensor = W) =>
      () =>
        operator("conv2d")("Y", x, w, options);
    expect(conv({}, X, placeholder("V", [3, 3, 5, 6]))).toThrow(
      'conv2d "Y": the number of channels of "X" [1, 8, 8, 4] is 4, but that of "V" [3, 3, 5, 6] is 5: they must agree',
    );
    expect(conv({}, placeholder("x", [8, 8, 4]))).toThrow(/X "x" has 3 axes, \[8, 8, 4\]: expected 4, NHWC/);
    expect(conv({ layout: "NCHW" }, X, placeholder("V", [6, 4]))).toThrow(
      /W "V" has 2 axes, \[6, 4\]: expected 4, OIHW for NCHW/,
    );
    expect(conv({ layout: "CHWN" })).toThrow(/layout is "CHWN": expected one of "NHWC", "NCHW"/);
    expect(conv({ stride: 0 })).toThrow(/stride is number 0: expected a whole number, 1 or more/);
    expect(conv({ stride: [1, 2, 3] })).toThrow(/stride has 3 entries: expected one number, or 2/);
    expect(conv({ padding: "full" })).toThrow(/padding is "full": expected "same", "valid", a number, or 2 of them/);
    expect(conv({ padding: -1 })).toThrow(/padding is number -1/);
    expect(conv({ padding: [1] })).toThrow(/padding has 1 entries/);
    expect(conv({ padding: [[1, 2, 3], 1] })).toThrow(/padding of one axis is an array/);
    expect(conv({ dilation: 4 })).toThrow(/axis 0 of the windows spans 9 elements, but there are only 8 with padding/);
    expect(conv({ groups: 2 })).toThrow(
      /2 groups: the number of channels of "X" \[1, 8, 8, 4\] is 4, W "W" \[3, 3, 4, 6\] takes 4 per group/,
    );
    expect(conv({ bias: placeholder("b", [5]) })).toThrow(
      /the extent of bias "b" is 5, but the number of channels of the result is 6/,
    );
    expect(conv({}, X, placeholder("V", [dim("k"), 3, 4, 6]))).toThrow(
      /has the extent k: expected a constant, 1 or more/,
    );
    expect(conv({}, X, placeholder("V", [3, 3, 4, 6], "i32"))).toThrow(/"X" is f32, but "V" is i32/);
    expect(conv({ pad: 1 })).toThrow(/no option "pad"/);
  });
});

describe("depthwise convolutions", () => {
  test.each<[number[], number, number[], number, Options]>([
    [[1, 1], 1, [1, 1], 1, {}],
    [[7, 5], 9, [3, 3], 1, { padding: 1 }],
    [[8, 8], 8, [3, 3], 1, { padding: "same", stride: 2 }],
    [[6, 7], 3, [2, 3], 4, { dilation: 2, padding: 2 }],
  ])("input %j with %i channels, kernel %j, %i each, %j", async (inner, c, taps, m, options) => {
    const [x, w, b] = [random([2, ...inner, c], 1), random([...taps, c, m], 2), random([c * m], 3)];
    // the same as a grouped one: [kh, kw, C, M] with C * M results of one channel each
    const grouped = { ...w, shape: [...taps, 1, c * m] };
    const want = plain.conv(x, grouped, windowsOf(inner, taps, options), c);
    const [X, W] = [placeholder("X", x.shape), placeholder("W", w.shape)];
    await check(ops.depthwiseConv2d("Y", X, W, options), { X: x, W: w }, want, { tolerance });
    const [xf, wf] = [plain.channelsFirst(x), weightsFirst(grouped)];
    const [XF, WF] = [placeholder("X", xf.shape), placeholder("W", wf.shape)];
    const F = ops.depthwiseConv2d("Y", XF, WF, { ...options, layout: "NCHW", bias: placeholder("b", [c * m]) });
    const full = plain.channelsFirst(plain.zip((p, q) => p + q, want, b));
    await check(F, { X: xf, W: wf, b }, full, { tolerance });
  });
  test("symbolic sizes", async () => {
    const [h, v, c] = [dim("h"), dim("v"), dim("c")];
    const [x, w] = [random([1, 7, 6, 5], 1), random([3, 3, 5, 1], 2)];
    const Y = ops.depthwiseConv2d("Y", placeholder("X", [1, h, v, c]), placeholder("W", [3, 3, c, 1]), {
      padding: 1,
      stride: 2,
    });
    const want = plain.conv(x, { ...w, shape: [3, 3, 1, 5] }, windowsOf([7, 6], [3, 3], { padding: 1, stride: 2 }), 5);
    await check(Y, { X: x, W: w }, want, { sizes: { h: 7, v: 6, c: 5 }, tolerance });
    const [xf, wf] = [plain.channelsFirst(x), weightsFirst({ ...w, shape: [3, 3, 1, 5] })];
    const first = plain.channelsFirst(plain.conv(x, { ...w, shape: [3, 3, 1, 5] }, windowsOf([7, 6], [3, 3], {}), 5));
    const G = ops.depthwiseConv2d(
      "Y",
      placeholder("X", [1, c, dim("p", { min: 3 }), dim("q", { min: 3 })]),
      placeholder("W", [c, 1, 3, 3]),
      { layout: "NCHW" },
    );
    await check(G, { X: xf, W: wf }, first, { sizes: { c: 5, p: 7, q: 6 }, tolerance });
  });
  test("bad input", () => {
    const X = placeholder("X", [1, 8, 8, 4]);
    const depthwise =
      (w: number[], options: object = {}) =>
      () =>
        operator("depthwiseConv2d")("Y", X, placeholder("W", w), options);
    expect(depthwise([3, 3, 5, 1])).toThrow(/channels of "X" \[1, 8, 8, 4\] is 4, but that of "W" \[3, 3, 5, 1\] is 5/);
    expect(depthwise([4, 2, 3, 3], { layout: "NCHW" })).toThrow(/expected \[C \* M, 1, kh, kw\] with a whole M/);
    expect(depthwise([3, 3, 4, 1], { groups: 4 })).toThrow(/no option "groups"/);
    expect(depthwise([3, 3, 4])).toThrow(/W "W" has 3 axes, \[3, 3, 4\]: expected 4, \[kh, kw, C, M\] for NHWC/);
  });
});

describe("transposed convolutions", () => {
  /** As it is defined, and phase by phase. */
  const checkAll: typeof check = async (t, ...rest) => {
    await check(t, ...rest);
    for (const a of alternativesOf(t)) await check(a.make(), ...rest);
  };
  test.each<[number[], number, number[], number, Options]>([
    [[1], 1, [1], 1, {}],
    [[6], 3, [4], 5, { stride: 2, padding: 1 }],
    [[5, 4], 3, [3, 3], 4, {}],
    [[5, 4], 3, [3, 3], 4, { stride: 2, padding: 1, outputPadding: 1 }],
    [[4, 4], 2, [2, 3], 3, { stride: [3, 2], dilation: [1, 2], padding: [[0, 1], 1] }],
    [[3, 2, 3], 2, [2, 2, 2], 3, { stride: 2 }],
    [[5, 3], 2, [5, 2], 3, { stride: [3, 1], padding: [[4, 2], 0], dilation: [1, 2] }],
    [[4, 5], 3, [1, 2], 2, { stride: [2, 3], outputPadding: 1 }],
  ])("input %j with %i channels, kernel %j to %i, %j", async (inner, c, taps, o, options) => {
    const rank = taps.length as 1 | 2 | 3;
    const [x, w, b] = [random([2, ...inner, c], 1), random([...taps, o, c], 2), random([o], 3)];
    const want = plain.convTranspose(x, w, windowsOf(inner, taps, options), list(options.outputPadding, rank, 0));
    const conv = operator(`convTranspose${rank}d`);
    await checkAll(conv("Y", placeholder("X", x.shape), placeholder("W", w.shape), options), { X: x, W: w }, want, {
      tolerance,
    });
    const [xf, wf] = [plain.channelsFirst(x), weightsFirst(w)];
    const more = { ...options, layout: FIRST[rank], bias: placeholder("b", [o]) };
    const F = conv("Y", placeholder("X", xf.shape), placeholder("W", wf.shape), more);
    await checkAll(F, { X: xf, W: wf, b }, plain.channelsFirst(plain.zip((p, q) => p + q, want, b)), { tolerance });
  });
  test("same padding, symbolic sizes", async () => {
    const [h, v] = [dim("h", { min: 1 }), dim("v", { min: 1 })];
    const [x, w] = [random([1, 5, 4, 3], 1), random([3, 3, 2, 3], 2)];
    const windows = {
      stride: [2, 2],
      dilation: [1, 1],
      padding: [
        [0, 1],
        [0, 1],
      ],
    } as const;
    const want = plain.convTranspose(x, w, windows, [0, 0]);
    expect(want.shape).toEqual([1, 10, 8, 2]);
    for (const [X, sizes] of [
      [placeholder("X", [1, 5, 4, 3]), {}],
      [placeholder("X", [1, h, v, 3]), { h: 5, v: 4 }],
    ] as const) {
      const Y = ops.convTranspose2d("Y", X as Tensor<"f32">, placeholder("W", w.shape), { stride: 2, padding: "same" });
      await checkAll(Y, { X: x, W: w }, want, { sizes, tolerance });
    }
  });
  test("phases where elements are apart and taps are not", () => {
    const names = (options: object) =>
      alternativesOf(
        operator("convTranspose2d")("Y", placeholder("X", [1, 4, 4, 3]), placeholder("W", [3, 3, 2, 3]), options),
      ).map((a) => a.name);
    expect(names({ stride: 2 })).toEqual(["phases"]);
    expect(names({})).toEqual([]);
    expect(names({ stride: [1, 2], dilation: [2, 1] })).toEqual(["phases"]);
    expect(names({ stride: 2, dilation: [2, 1] })).toEqual([]);
  });
  test("bad input", () => {
    const [X, W] = [placeholder("X", [1, 4, 4, 3]), placeholder("W", [3, 3, 2, 3])];
    const conv =
      (options: object, w: Tensor = W) =>
      () =>
        operator("convTranspose2d")("Y", X, w, options);
    expect(conv({ outputPadding: 2, stride: 2 })).toThrow(
      /outputPadding is 2: expected less than the stride or the dilation, 2/,
    );
    expect(conv({ padding: 4 })).toThrow(/axis 0 of the result would have -2 elements: 8 are taken off as padding/);
    expect(conv({}, placeholder("V", [3, 3, 3, 2]))).toThrow(
      /channels of "X" \[1, 4, 4, 3\] is 3, but that of "V" .* is 2/,
    );
    expect(conv({ groups: 3 })).toThrow(/no option "groups"/);
  });
});
