import { describe, expect, expectTypeOf, test } from "vitest";
import { contractionOf, shapeOf } from "../../schedule/defaults/analysis.ts";
import { compile, dim, type LoopNames, lower, placeholder, schedule, type Tensor } from "../../src/index.ts";
import { blocksOf } from "../../src/ir/index.ts";
import * as ops from "../../src/ops.ts";
import { TRANSFORMS, type Winograd } from "../../te/operators/winograd.ts";
import { check, random } from "./helper.ts";
import * as plain from "./plain.ts";

/** Relative to 1 and to the value, for values in [-1, 1] and few channels. */
const TOLERANCE = { 2: 1e-5, 4: 5e-5 } as const;
const TILES = [2, 4] as const;
type Pairs = plain.Windows["padding"];

const windows = (padding: Pairs): plain.Windows => ({ stride: [1, 1], dilation: [1, 1], padding });
const both = (n: number): Pairs => [
  [n, n],
  [n, n],
];
/** [kh, kw, C, O] as [O, C, kh, kw]. */
const weightsFirst = (w: plain.Plain): plain.Plain => plain.transpose(w, [3, 2, 0, 1]);
/** The operator, whatever the options. */
const winograd = ops.winogradConv2d as unknown as (name: string, x: Tensor, w: Tensor, options?: object) => Tensor;

describe("transforms", () => {
  // Lavin and Gray 2016, section 4.1
  const published: Record<2 | 4, Record<"weights" | "input" | "output", readonly (readonly number[])[]>> = {
    2: {
      weights: [
        [1, 0, 0],
        [1 / 2, 1 / 2, 1 / 2],
        [1 / 2, -1 / 2, 1 / 2],
        [0, 0, 1],
      ],
      input: [
        [1, 0, -1, 0],
        [0, 1, 1, 0],
        [0, -1, 1, 0],
        [0, 1, 0, -1],
      ],
      output: [
        [1, 1, 1, 0],
        [0, 1, -1, -1],
      ],
    },
    4: {
      weights: [
        [1 / 4, 0, 0],
        [-1 / 6, -1 / 6, -1 / 6],
        [-1 / 6, 1 / 6, -1 / 6],
        [1 / 24, 1 / 12, 1 / 6],
        [1 / 24, -1 / 12, 1 / 6],
        [0, 0, 1],
      ],
      input: [
        [4, 0, -5, 0, 1, 0],
        [0, -4, -4, 1, 1, 0],
        [0, 4, -4, -1, 1, 0],
        [0, -2, -1, 2, 1, 0],
        [0, 2, -1, -2, 1, 0],
        [0, 4, 0, -5, 0, 1],
      ],
      output: [
        [1, 1, 1, 1, 1, 0],
        [0, 1, -1, 2, -2, 0],
        [0, 1, 1, 4, 4, 0],
        [0, 1, -1, 8, -8, 1],
      ],
    },
  };
  /** A number with the operations that the formulas use; counts them. */
  class Value {
    static count = 0;
    readonly n: number;
    constructor(n: number) {
      this.n = n;
    }
    private made(n: number): Value {
      Value.count++;
      return new Value(n);
    }
    add = (o: Value): Value => this.made(this.n + o.n);
    sub = (o: Value): Value => this.made(this.n - o.n);
    mul = (k: number): Value => this.made(this.n * k);
  }
  const apply = (f: Winograd["input"], x: readonly number[]): number[] =>
    (f(x.map((n) => new Value(n)) as never) as unknown as Value[]).map((v) => v.n);

  test.each(TILES)("of tiles of %i are the published matrices", (tile) => {
    for (const kind of ["weights", "input", "output"] as const) {
      const matrix = published[tile][kind];
      const size = matrix[0]!.length;
      const columns = plain.range(size).map((k) =>
        apply(
          TRANSFORMS[tile][kind],
          plain.range(size).map((i) => Number(i === k)),
        ),
      );
      expect(columns.map((c) => c.length)).toEqual(columns.map(() => matrix.length));
      matrix.forEach((row, r) => void row.forEach((m, k) => void expect(columns[k]![r]).toBeCloseTo(m, 15)));
    }
  });
  test.each([
    [2, [5, 4, 4]],
    [4, [12, 17, 13]],
  ] as const)("of tiles of %i take %j operations", (tile, counts) => {
    const { weights, input, output } = TRANSFORMS[tile];
    const count = (f: Winograd["input"], n: number): number => {
      Value.count = 0;
      apply(f, new Array(n).fill(1));
      return Value.count;
    };
    expect([count(weights, 3), count(input, tile + 2), count(output, tile + 2)]).toEqual(counts);
  });
});

describe("Winograd convolutions", () => {
  test.each<[number, number[], number, number, ops.Padding | undefined, Pairs]>([
    [1, [5, 7], 3, 8, 1, both(1)],
    [1, [8, 8], 4, 9, "same", both(1)],
    // whole tiles, no padding
    [2, [6, 10], 2, 3, undefined, both(0)],
    // less than a tile
    [1, [3, 3], 1, 1, "valid", both(0)],
    [2, [1, 1], 2, 3, 1, both(1)],
    [1, [2, 9], 1, 4, 2, both(2)],
    [
      1,
      [7, 6],
      5,
      1,
      [[1, 0], 2],
      [
        [1, 0],
        [2, 2],
      ],
    ],
    [
      1,
      [4, 5],
      2,
      2,
      [
        [0, 3],
        [4, 1],
      ],
      [
        [0, 3],
        [4, 1],
      ],
    ],
  ])("%i of %j with %i channels to %i, padding %j", async (n, inner, c, o, padding, pairs) => {
    const [x, w, b] = [random([n, ...inner, c], 1), random([3, 3, c, o], 2), random([o], 3)];
    const want = plain.conv(x, w, windows(pairs));
    const [xf, wf] = [plain.channelsFirst(x), weightsFirst(w)];
    const full = plain.channelsFirst(plain.zip((p, q) => p + q, want, b));
    const option = padding === undefined ? {} : { padding };
    for (const tile of TILES) {
      const tolerance = TOLERANCE[tile];
      const Y = winograd("Y", placeholder("X", x.shape), placeholder("W", w.shape), { ...option, tile });
      expect(Y.axes).toEqual(["n", "h", "w", "o"]);
      await check(Y, { X: x, W: w }, want, { tolerance });
      const more = { ...option, tile, layout: "NCHW", bias: placeholder("b", [o]) };
      const F = winograd("Y", placeholder("X", xf.shape), placeholder("W", wf.shape), more);
      expect(F.axes).toEqual(["n", "o", "h", "w"]);
      await check(F, { X: xf, W: wf, b }, full, { tolerance });
    }
  });
  test.each(TILES)("symbolic sizes, tiles of %i", async (tile) => {
    const [n, h, v, c, o] = [dim("n"), dim("h", { min: 3 }), dim("v", { min: 3 }), dim("c"), dim("o")];
    const [x, w] = [random([2, 7, 6, 3], 1), random([3, 3, 3, 5], 2)];
    const cases: [ops.Padding, Pairs][] = [
      [0, both(0)],
      ["same", both(1)],
      [
        [1, [0, 2]],
        [
          [1, 1],
          [0, 2],
        ],
      ],
    ];
    for (const [padding, pairs] of cases) {
      const want = plain.conv(x, w, windows(pairs));
      const Y = winograd("Y", placeholder("X", [n, h, v, c]), placeholder("W", [3, 3, c, o]), { tile, padding });
      const sizes = { n: 2, h: 7, v: 6, c: 3, o: 5 };
      const tolerance = TOLERANCE[tile];
      await check(Y, { X: x, W: w }, want, { sizes, tolerance });
      if (typeof padding !== "object") continue;
      const F = winograd("Y", placeholder("X", [n, c, h, v]), placeholder("W", [o, c, 3, 3]), {
        tile,
        padding,
        layout: "NCHW",
      });
      const first = { X: plain.channelsFirst(x), W: weightsFirst(w) };
      await check(F, first, plain.channelsFirst(want), { sizes, tolerance });
    }
    const none = { X: random([0, 7, 6, 3]), W: w };
    const Y = winograd("Y", placeholder("X", [n, h, v, c]), placeholder("W", [3, 3, c, o]), { tile });
    await check(Y, none, { shape: [0, 5, 4, 5], data: [] }, { sizes: { n: 0, h: 7, v: 6, c: 3, o: 5 } });
  });
  test("f64", async () => {
    const [x, w] = [random([1, 6, 7, 8], 1), random([3, 3, 8, 5], 2)];
    const want = plain.conv(x, w, windows(both(1)));
    for (const tile of TILES) {
      const [X, W] = [placeholder("X", x.shape, "f64"), placeholder("W", w.shape, "f64")];
      const Y = ops.winogradConv2d("Y", X, W, { tile, padding: 1 });
      await check(Y, { X: x, W: w }, want, { tolerance: 1e-13 });
    }
  });
  test("errors for normal numbers and 64 channels stay within what is promised", async () => {
    const normal = (shape: number[], seed: number): plain.Plain => {
      const [u, v] = [random(shape, seed, 0.5, 0.5), random(shape, seed + 1)];
      const data = u.data.map((p, i) => Math.fround(Math.sqrt(-2 * Math.log(1 - p)) * Math.cos(Math.PI * v.data[i]!)));
      return { shape, data };
    };
    const [x, w] = [normal([1, 8, 8, 64], 11), normal([3, 3, 64, 8], 23)];
    const want = plain.conv(x, w, windows(both(1)));
    const largest = Math.max(...want.data.map(Math.abs));
    expect(largest).toBeGreaterThan(24);
    for (const tile of TILES) {
      const [X, W] = [placeholder("X", [1, 8, 8, 64]), placeholder("W", [3, 3, 64, 8])];
      const kernel = await compile(ops.winogradConv2d("Y", X, W, { tile, padding: 1 }));
      const got = kernel({ X: new Float32Array(x.data), W: new Float32Array(w.data) });
      const error = Math.max(...want.data.map((y, i) => Math.abs(y - got[i]!))) / largest;
      expect(error).toBeLessThan({ 2: 1e-6, 4: 1e-5 }[tile]);
    }
  });
  test("types", () => {
    const [X, W] = [placeholder("X", [1, 8, 8, 4]), placeholder("W", [3, 3, 4, 6])];
    const Y = ops.winogradConv2d("Y", X, W, { padding: 1 });
    expectTypeOf<LoopNames<typeof Y>>().toEqualTypeOf<"n" | "h" | "w" | "o">();
    expect(Object.keys(schedule(Y).loops(Y))).toEqual(["n", "h", "w", "o"]);
    const I = placeholder("I", [1, 8, 8, 4], "i32");
    // @ts-expect-error no integers
    expect(() => ops.winogradConv2d("Y", I, placeholder("V", [3, 3, 4, 6], "i32"))).toThrow(
      'winogradConv2d "Y": "I" is i32: the transforms need f32 or f64',
    );
    // @ts-expect-error no such tile
    expect(() => ops.winogradConv2d("Y", X, W, { tile: 6 })).toThrow(/tile is number 6: expected 2 or 4/);
  });
  test("bad input", () => {
    const [X, W] = [placeholder("X", [1, 8, 8, 4]), placeholder("W", [3, 3, 4, 6])];
    const conv =
      (options: object, x: Tensor = X, w: Tensor = W) =>
      () =>
        winograd("Y", x, w, options);
    expect(conv({}, X, placeholder("V", [5, 5, 4, 6]))).toThrow(
      'winogradConv2d "Y": W "V" [5, 5, 4, 6] has 5 x 5 taps: expected 3 x 3',
    );
    expect(conv({}, X, placeholder("V", [3, 1, 4, 6]))).toThrow(/has 3 x 1 taps: expected 3 x 3/);
    expect(conv({ layout: "NCHW" })).toThrow(/channels of "X" .* is 8, but that of "W" .* is 3/);
    expect(conv({}, X, placeholder("V", [dim("k"), 3, 4, 6]))).toThrow(/has the extent k: expected a constant/);
    expect(conv({ tile: "4" })).toThrow(/tile is .*: expected 2 or 4/);
    expect(conv({ stride: 1 })).toThrow(/no option "stride"/);
    expect(conv({ groups: 2 })).toThrow(/no option "groups"/);
    expect(conv({ padding: "full" })).toThrow(/padding is "full"/);
    expect(conv({ bias: placeholder("b", [5]) })).toThrow(
      /the extent of bias "b" is 5, but the number of channels of the result is 6/,
    );
    expect(conv({}, X, placeholder("V", [3, 3, 5, 6]))).toThrow(/channels of "X" \[1, 8, 8, 4\] is 4, but that of "V"/);
    expect(conv({}, placeholder("x", [8, 8, 4]))).toThrow(/X "x" has 3 axes/);
    expect(conv({}, placeholder("x", [1, 2, 8, 4]))).toThrow(/axis 0 of the windows spans 3 elements, but there are/);
    const H = [placeholder("H", [1, 8, 8, 4], "f16"), placeholder("V", [3, 3, 4, 6], "f16")] as const;
    expect(conv({}, H[0] as never, H[1] as never)).toThrow(/"H" is f16: the transforms need f32 or f64/);
    expect(conv({}, X, H[1] as never)).toThrow(/"X" is f32, but "V" is f16/);
  });
});

describe("stages of Winograd convolutions in schedules", () => {
  const [X, W] = [placeholder("X", [1, 10, 10, 8]), placeholder("W", [3, 3, 8, 8], "f32", { constant: true })];
  const Y = ops.winogradConv2d("Y", X, W, { tile: 4 });
  const [x, w] = [random([1, 10, 10, 8], 1), random([3, 3, 8, 8], 2)];

  test("the products are a contraction with rows of tiles", () => {
    const s = schedule(Y);
    const block = blocksOf(s.func.body).find((b) => b.id === s.block("Y.products").id)!;
    const c = contractionOf(shapeOf(block))!;
    expect([c.rows!.var.name, c.columns.var.name, c.reduction.map((i) => i.var.name)]).toEqual(["vt", "vo", ["vc"]]);
    expect(c.panels.map((p) => p.buffer.name)).toEqual(["Y.weights"]);
  });
  test("tile by tile: weights prepared, transforms unrolled, nothing left of the choices", async () => {
    const s = schedule(Y);
    s.prepare(s.block("Y.weights.rows"));
    s.prepare(s.block("Y.weights"));

    const [tiles, rows] = [s.block("Y.tiles"), s.block("Y.tiles.rows")];
    const [a, b, t, c] = s.loopList(tiles);
    const { co, ci } = s.split(c!, { co: "rest", ci: 4 });
    s.reorder(t!, co, a!, b!, ci);
    s.computeAt(rows, co);
    const [ra, rx, rc] = s.ownLoops(rows);
    for (const l of [a!, b!, ra!, rx!]) s.unroll(l);
    for (const l of [ci, rc!]) s.vectorize(l);

    const out = s.loops(Y);
    const { ho, hi } = s.split(out.h, { ho: "rest", hi: 4 });
    const { wo, wi } = s.split(out.w, { wo: "rest", wi: 4 });
    const { oo, oi } = s.split(out.o, { oo: "rest", oi: 4 });
    s.reorder(out.n, ho, wo, oo, hi, wi, oi);
    const half = s.block("Y.rows");
    s.computeAt(half, oo);
    s.computeAt(s.block("Y.products"), ho);
    const [hy, hb, ho2] = s.ownLoops(half);
    for (const l of [hi, wi, hy!, hb!]) s.unroll(l);
    for (const l of [oi, ho2!]) s.vectorize(l);

    // one tile's worth of each transform
    expect([rows, half].map((stage) => s.ownLoops(stage).map((l) => l.name))).toEqual([
      ["a", "x", "c"],
      ["y", "b", "o"],
    ]);
    expect(lower(s).at(-1)!.text).not.toMatch(/where|select|==|if /);

    const want = plain.conv(x, w, windows(both(0)));
    const layer = (await compile(s)).prepare({ W: new Float32Array(w.data) });
    const got = layer({ X: new Float32Array(x.data) });
    expect(got.length).toBe(want.data.length);
    got.forEach((y, i) => void expect(Math.abs(y - want.data[i]!)).toBeLessThan(TOLERANCE[4]));
  });
});
