import { describe, expect, expectTypeOf, test } from "vitest";
import { contractionOf, shapeOf } from "../../schedule/defaults/analysis.ts";
import { dim, type LoopNames, placeholder, schedule, type Tensor } from "../../src/index.ts";
import { blocksOf } from "../../src/ir/index.ts";
import * as ops from "../../src/ops.ts";
import { check, integers, random } from "./helper.ts";
import * as plain from "./plain.ts";

const tolerance = 1e-5;
interface Options {
  readonly stride?: number | number[];
  readonly dilation?: number | number[];
  readonly padding?: ops.Padding;
}
const pair = (x: number | number[] | undefined): number[] => (Array.isArray(x) ? x : [x ?? 1, x ?? 1]);
function windowsOf(inner: readonly number[], taps: readonly number[], o: Options): plain.Windows {
  const [stride, dilation] = [pair(o.stride), pair(o.dilation)];
  const given = o.padding ?? 0;
  if (given === "same") return { stride, dilation, padding: plain.samePadding(inner, taps, stride, dilation) };
  const sides = typeof given === "object" ? given : [given === "valid" ? 0 : given, given === "valid" ? 0 : given];
  return { stride, dilation, padding: sides.map((p) => (typeof p === "number" ? [p, p] : p)) };
}
/** [kh, kw, C, O] as [O, C, kh, kw]. */
const weightsFirst = (w: plain.Plain): plain.Plain => plain.transpose(w, [3, 2, 0, 1]);
const im2col = ops.im2colConv2d as unknown as (name: string, x: Tensor, w: Tensor, options?: object) => Tensor;

describe("convolutions by columns", () => {
  test.each<[number, number[], number, number[], number, Options]>([
    [1, [1, 1], 1, [1, 1], 1, {}],
    [2, [5, 7], 3, [3, 3], 8, { padding: 1 }],
    [2, [8, 8], 4, [3, 3], 9, { stride: 2, padding: "same" }],
    [1, [9, 7], 2, [3, 2], 4, { stride: [1, 2], dilation: [2, 1], padding: [[1, 0], 2] }],
    [1, [6, 5], 8, [1, 1], 16, { padding: "valid" }],
    [3, [4, 6], 5, [4, 5], 1, { dilation: 1, padding: 2 }],
  ])("%i of %j with %i channels, kernel %j to %i, %j", async (n, inner, c, taps, o, options) => {
    const [x, w, b] = [random([n, ...inner, c], 1), random([...taps, c, o], 2), random([o], 3)];
    const want = plain.conv(x, w, windowsOf(inner, taps, options));
    const Y = im2col("Y", placeholder("X", x.shape), placeholder("W", w.shape), options);
    expect(Y.axes).toEqual(["n", "h", "w", "o"]);
    await check(Y, { X: x, W: w }, want, { tolerance });
    const [xf, wf] = [plain.channelsFirst(x), weightsFirst(w)];
    const more = { ...options, layout: "NCHW", bias: placeholder("b", [o]) };
    const F = im2col("Y", placeholder("X", xf.shape), placeholder("W", wf.shape), more);
    expect(F.axes).toEqual(["n", "o", "h", "w"]);
    const full = plain.channelsFirst(plain.zip((p, q) => p + q, want, b));
    await check(F, { X: xf, W: wf, b }, full, { tolerance });
  });
  test("symbolic sizes", async () => {
    const [n, h, v, c, o] = [dim("n"), dim("h", { min: 5 }), dim("v", { min: 5 }), dim("c"), dim("o")];
    const [x, w] = [random([2, 7, 6, 3], 1), random([3, 3, 3, 5], 2)];
    const sizes = { n: 2, h: 7, v: 6, c: 3, o: 5 };
    const cases: Options[] = [
      {},
      { stride: 2 },
      { padding: "same", dilation: 2 },
      { padding: [1, [0, 2]], stride: [2, 3] },
    ];
    for (const options of cases) {
      const want = plain.conv(x, w, windowsOf([7, 6], [3, 3], options));
      const Y = im2col("Y", placeholder("X", [n, h, v, c]), placeholder("W", [3, 3, c, o]), options);
      await check(Y, { X: x, W: w }, want, { sizes, tolerance });
      if (options.padding === undefined) continue;
      const F = im2col("Y", placeholder("X", [n, c, h, v]), placeholder("W", [o, c, 3, 3]), {
        ...options,
        layout: "NCHW",
      });
      const first = { X: plain.channelsFirst(x), W: weightsFirst(w) };
      await check(F, first, plain.channelsFirst(want), { sizes, tolerance });
    }
    const none = { X: random([0, 7, 6, 3]), W: w };
    const Y = im2col("Y", placeholder("X", [n, h, v, c]), placeholder("W", [3, 3, c, o]));
    await check(Y, none, { shape: [0, 5, 4, 5], data: [] }, { sizes: { ...sizes, n: 0 } });
  });
  test("integers", async () => {
    const [x, w] = [integers([1, 5, 5, 2], -9, 9, 1), integers([3, 3, 2, 3], -9, 9, 2)];
    const [X, W] = [placeholder("X", [1, 5, 5, 2], "i32"), placeholder("W", [3, 3, 2, 3], "i32")];
    const Y = ops.im2colConv2d("Y", X, W, { padding: 1 });
    await check(Y, { X: x, W: w }, plain.conv(x, w, windowsOf([5, 5], [3, 3], { padding: 1 })));
  });
  test.each([
    ["NHWC", "vr", "vo", "Y.weights"],
    ["NCHW", "vo", "vr", "Y.columns"],
  ] as const)("%s: the products are a contraction", (layout, rows, columns, panel) => {
    const last = layout === "NHWC";
    const X = placeholder("X", last ? [2, 8, 8, 16] : [2, 16, 8, 8]);
    const W = placeholder("W", last ? [3, 3, 16, 32] : [32, 16, 3, 3]);
    const s = schedule(ops.im2colConv2d("Y", X, W, { layout }));
    const c = contractionOf(shapeOf(blocksOf(s.func.body).find((b) => b.id === s.block("Y.products").id)!))!;
    expect([c.rows!.var.name, c.columns.var.name, c.reduction.length]).toEqual([rows, columns, 1]);
    expect(c.panels.map((p) => p.buffer.name)).toEqual([panel]);
  });
  test("types", () => {
    const Y = ops.im2colConv2d("Y", placeholder("X", [1, 8, 8, 4]), placeholder("W", [3, 3, 4, 6]));
    expectTypeOf<LoopNames<typeof Y>>().toEqualTypeOf<"n" | "h" | "w" | "o">();
    expect(Object.keys(schedule(Y).loops(Y))).toEqual(["n", "h", "w", "o"]);
  });
  test("bad input", () => {
    const [X, W] = [placeholder("X", [1, 8, 8, 4]), placeholder("W", [3, 3, 4, 6])];
    const conv =
      (options: object, x: Tensor = X, w: Tensor = W) =>
      () =>
        im2col("Y", x, w, options);
    expect(conv({}, X, placeholder("V", [3, 3, 5, 6]))).toThrow(
      'im2colConv2d "Y": the number of channels of "X" [1, 8, 8, 4] is 4, but that of "V" [3, 3, 5, 6] is 5: they must agree',
    );
    expect(conv({}, X, placeholder("V", [dim("k"), 3, 4, 6]))).toThrow(
      /has the extent k: expected a constant, 1 or more/,
    );
    expect(conv({ groups: 2 })).toThrow(/no option "groups"/);
    expect(conv({ stride: 0 })).toThrow(/stride is number 0/);
    expect(conv({ dilation: 4 })).toThrow(/axis 0 of the windows spans 9 elements, but there are only 8 with padding/);
    expect(conv({ bias: placeholder("b", [5]) })).toThrow(/the extent of bias "b" is 5/);
    expect(conv({}, X, placeholder("V", [3, 3, 4, 6], "i32") as never)).toThrow(/"X" is f32, but "V" is i32/);
  });
});
