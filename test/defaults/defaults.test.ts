/** What the default schedules make of expressions: the nests, and that they compute the same. */
import { describe, expect, test } from "vitest";
import { type DefaultOptions, defaultSchedule } from "../../schedule/defaults/index.ts";
import { registerTileFor } from "../../schedule/defaults/tile.ts";
import { type Loop, type Schedule, schedule } from "../../schedule/index.ts";
import { compile } from "../../src/index.ts";
import type { Func } from "../../src/ir/index.ts";
import { lowerFunc } from "../../src/lower/index.ts";
import * as ops from "../../src/ops.ts";
import { interpret } from "../../src/reference/index.ts";
import { wasm } from "../../src/target/index.ts";
import { type AnyTensor, placeholder } from "../../te/index.ts";
import { inputsFor } from "../lower/stages.ts";
import { nest, same } from "../schedule/helper.ts";

const RELAXED = wasm({ relaxed: true });
function byDefault(Y: AnyTensor, target = RELAXED, options?: DefaultOptions): Schedule<AnyTensor> {
  const s = schedule(Y);
  const before = s.func;
  defaultSchedule(s as never, target, options);
  if (s.trace.some((t) => t.reassociates)) close(before, s.func);
  else same(s as never, before);
  expect(lowerFunc(s.func, target).warnings).toEqual([]);
  return s;
}
/** Sums in another order. */
function close(a: Func, b: Func): void {
  const inputs = inputsFor(a);
  const [x, y] = [interpret(a, inputs), interpret(b, inputs)];
  for (const o of a.outputs)
    for (const [n, v] of (x[o.name] as Float32Array).entries()) expect(y[o.name]![n]).toBeCloseTo(v, 4);
}
/** Loops and blocks, without what blocks say. */
const shape = (s: Schedule<AnyTensor>): string =>
  nest(s as never)
    .split("\n")
    .filter((l) => /^ *(for|unrolled|vectorized|block)/.test(l))
    .map((l) => l.replace(/\(.*/, "").replace(/:$/, ""))
    .join("\n");
const weights = (name: string, ...shape: number[]) => placeholder(name, shape, "f32", { constant: true });

describe("default schedules", () => {
  test("the pixels of a 1x1 convolution are rows of a matrix; bias and activation happen in registers", () => {
    const [X, W, b] = [placeholder("X", [1, 5, 7, 8]), weights("W", 1, 1, 8, 16), weights("b", 16)];
    const s = byDefault(ops.relu6("Y", ops.conv2d("D", X, W, { bias: b })));
    expect(shape(s)).toMatchInlineSnapshot(`
      "for kh in 1
        for kw in 1
          for c in 8
            for po in 2
              vectorized pi in 8
                block W.workspace
      for oo in 2
        for n in 1
          for h_wo in 6
            unrolled h_wi in 6
              vectorized oi in 8
                block D.acc.init
            for kh_kw in 1
              for c_1 in 8
                unrolled h_wi_1 in 6
                  vectorized oi_1 in 8
                    block D.acc
            unrolled i1_i2i in 6
              vectorized i3i in 8
                block Y"
    `);
  });
  test("a matrix product with more rows than caches hold goes through them in blocks", async () => {
    // 48 tiles of six rows in each of three blocks, the last of which ends within a tile
    const [M, N, K] = [850, 40, 2700];
    const C = ops.matmul("C", placeholder("A", [M, K]), placeholder("B", [K, N], "f32", { constant: true }));
    const s = schedule(C);
    defaultSchedule(s, RELAXED);
    expect(shape(s)).toMatchInlineSnapshot(`
      "for k in 2700
        for po in 5
          vectorized pi in 8
            block B.workspace
      for ioo in 3
        for jo in 5
          for ioi in 48
            unrolled ii in 6
              vectorized ji in 8
                block C.init
            for k_1 in 2700
              unrolled ii_1 in 6
                vectorized ji_1 in 8
                  block C
            unrolled ii_2 in 6
              vectorized ji_2 in 8
                block C.copy"
    `);
    const [A, B] = [M * K, K * N].map((n) => Float32Array.from({ length: n }, (_, i) => ((i * 7) % 13) - 6));
    const result = (await compile(s))({ A: A!, B: B! });
    for (let i = 0; i < M; i += 7)
      for (let j = 0; j < N; j += 3) {
        let sum = 0;
        for (let k = 0; k < K; k++) sum += A![i * K + k]! * B![k * N + j]!;
        expect(result[i * N + j]).toBe(sum);
      }
  });
  test("a 3x3 convolution goes through a pixel's row of the window and its channels in one loop", () => {
    const [X, W] = [placeholder("X", [1, 6, 9, 3]), weights("W", 3, 3, 3, 8)];
    const s = byDefault(ops.conv2d("D", X, W, { padding: 1, stride: 2 }));
    expect(shape(s)).toContain("for kw_c in 9");
  });
  test("depthwise: the window is written out for four neighbours, and the padding needs no copy", () => {
    const [X, W, b] = [placeholder("X", [1, 8, 6, 8]), weights("W", 3, 3, 8, 1), weights("b", 8)];
    const s = byDefault(ops.relu("Y", ops.depthwiseConv2d("D", X, W, { padding: 1, bias: b })));
    expect(shape(s)).toMatchInlineSnapshot(`
      "for n in 1
        for ho in 2
          for w in 6
            for co in 2
              unrolled hi in 4
                vectorized ci in 4
                  block D.acc.init
              unrolled kh in 3
                unrolled kw in 3
                  unrolled hi_1 in 4
                    vectorized ci_1 in 4
                      block D.acc
              unrolled i1i in 4
                vectorized i3i in 4
                  block Y"
    `);
  });
  test("a tile of one's own, of contractions and of windows, as far as there are rows", () => {
    const [A, B] = [placeholder("A", [5, 6]), placeholder("B", [6, 20])];
    const tiles = (Y: AnyTensor, rows: number, vectors: number): string[] =>
      shape(byDefault(Y, RELAXED, { tile: { rows, vectors } }))
        .split("\n")
        .filter((l) => /^ *(unrolled|vectorized) [jhci]+_1 /.test(l))
        .map((l) => l.trim());
    expect(tiles(ops.matmul("C", A, B), 3, 2)).toEqual(["unrolled ii_1 in 3", "vectorized ji_1 in 8"]);
    expect(tiles(ops.matmul("C", A, B), 64, 64)).toEqual(["unrolled ii_1 in 5", "vectorized ji_1 in 20"]);
    const pool = ops.averagePool2d("Y", placeholder("X", [1, 7, 8, 16]), { size: 3, stride: 1 });
    expect(tiles(pool, 3, 2)).toEqual(["unrolled hi_1 in 3", "vectorized ci_1 in 8"]);
  });
  test.each([
    [{ tile: { rows: 0, vectors: 2 } }, "tile.rows is number 0"],
    [{ tile: { rows: 2 } }, "tile.vectors is undefined"],
    [{ tile: { rows: 2, vectors: 65 } }, "tile.vectors is number 65"],
    [{ tile: { rows: 1.5, vectors: 2 } }, "tile.rows is number 1.5"],
    [{ tile: { rows: 2, vectors: 2, columns: 8 } }, 'there is no option "columns"'],
    [{ tile: [2, 2] }, "tile is a list"],
    [{ tiles: { rows: 2, vectors: 2 } }, 'there is no option "tiles"'],
    [null, "the options are null"],
  ])("a tile that is none: %j", (options, message) => {
    const s = schedule(ops.matmul("C", placeholder("A", [5, 6]), placeholder("B", [6, 20])));
    const before = `${s}`;
    expect(() => defaultSchedule(s as never, RELAXED, options as never)).toThrow(message);
    expect(`${s}`).toBe(before);
  });
  test("running sums of rows: some rows at a time, their sums as lanes, turned back from the cache", () => {
    expect(shape(byDefault(ops.cumsum("C", placeholder("X", [40, 20]))))).toMatchInlineSnapshot(`
      "for i0o in 3
        for t in 20
          vectorized i0 in 16
            block C.sums
        for i1o in 3
          for i0i in 16
            vectorized i1i in 8
              block C"
    `);
    for (const options of [{ reverse: true }, { exclusive: true }])
      byDefault(ops.cumsum("C", placeholder("X", [40, 20]), options));
  });
  test("blocks whose loops were cut before keep theirs, and the others get a schedule", () => {
    const [A, B] = [placeholder("A", [4, 6]), placeholder("B", [6, 5])];
    const X = placeholder("X", [1, 6, 6, 4]);
    const made: readonly (() => AnyTensor)[] = [
      () => ops.matmul("C", A, B),
      () => ops.relu("R", ops.matmul("C", A, B)),
      () => ops.averagePool2d("P", X, { size: 3, stride: 1, padding: 1 }),
      () => ops.softmax("S", A),
      () => ops.cumsum("T", placeholder("Z", [20, 9])),
    ];
    const changes: readonly ((s: Schedule<AnyTensor>, loops: readonly Loop[]) => void)[] = [
      (s, [l]) => void s.split(l!, { po: "rest", pi: 2 }),
      (s, loops) => void s.split(loops.at(-1)!, { po: "rest", pi: 3 }),
      (s, [l, m]) => void s.fuse(l!, m!),
    ];
    let kept = 0;
    for (const make of made)
      for (let b = 0; b < schedule(make()).blocks().length; b++)
        for (const change of changes) {
          const s = schedule(make());
          const before = s.func;
          const block = s.blocks()[b]!;
          if (s.attempt(() => change(s, s.loopList(block)))) continue;
          const own = s.loopList(block).map((l) => l.var);
          defaultSchedule(s as never, RELAXED);
          expect(s.loopList(block).map((l) => l.var)).toEqual(own);
          close(before, s.func);
          kept++;
        }
    expect(kept).toBeGreaterThan(25);
    const s = schedule(made[1]!());
    s.split(s.loopList(s.blocks()[0]!)[0]!, { po: "rest", pi: 3 });
    defaultSchedule(s as never, RELAXED);
    expect(shape(s)).toContain("vectorized");
  });
  test.each([{}, [], { relaxd: true }, { kind: "wgsl" }, null, "wasm"])("a target that is none: %j", (target) => {
    const s = schedule(ops.matmul("C", placeholder("A", [5, 6]), placeholder("B", [6, 20])));
    expect(() => defaultSchedule(s as never, target as never)).toThrow(/defaultSchedule: the target/);
  });
  test("windows: fewer neighbours, or none, where less is shared", () => {
    const inner = (Y: AnyTensor): string =>
      shape(byDefault(Y))
        .match(/(unrolled [wh]i_1 in .*\n *)?vectorized .*\n *block (Y|D)(.acc)?$/m)![0]
        .replace(/\n */g, ", ");
    const depthwise = (h: number, stride: number) =>
      ops.depthwiseConv2d("D", placeholder("X", [1, h, 6, 8]), weights("W", 3, 3, 8, 1), { padding: 1, stride });
    expect(inner(depthwise(7, 1))).toBe("unrolled hi_1 in 2, vectorized ci_1 in 8, block D");
    expect(inner(depthwise(16, 2))).toBe("unrolled hi_1 in 2, vectorized ci_1 in 8, block D");
    const X = placeholder("X", [1, 8, 12, 48]);
    expect(inner(ops.maxPool2d("Y", X, { size: 3, stride: 2, padding: 1 }))).toBe(
      "unrolled hi_1 in 2, vectorized ci_1 in 4, block Y",
    );
    expect(inner(ops.maxPool2d("Y", X, { size: 2 }))).toBe("vectorized ci_1 in 16, block Y");
    expect(inner(ops.averagePool2d("Y", X, { size: 3, stride: 1, padding: 1 }))).toBe(
      "unrolled hi_1 in 4, vectorized ci_1 in 4, block Y.acc",
    );
  });
  test("softmax and layer norm go through a row once for each stage while it is in the cache", () => {
    expect(shape(byDefault(ops.softmax("Y", placeholder("X", [3, 40]))))).toMatchInlineSnapshot(`
      "for i0 in 3
        for r1o in 3
          vectorized r1i in 16
            block Y.max.rf
        unrolled r1o_1 in 4
          vectorized r1i_1 in 4
            block Y.max.rf_1
        unrolled r1i_2 in 4
          block Y.max
        for i1o in 5
          vectorized i1i in 8
            block Y.exp
        for r1o_2 in 3
          vectorized r1i_3 in 16
            block Y.sum.rf
        unrolled r1o_3 in 4
          vectorized r1i_4 in 4
            block Y.sum.rf_1
        unrolled r1i_5 in 4
          block Y.sum
        block Y.scale
        for i1o_1 in 5
          vectorized i1i_1 in 8
            block Y"
    `);
    // a single row is no other case
    expect(shape(byDefault(ops.softmax("Y", placeholder("X", [1, 40]))))).toMatch(
      /vectorized r1i in 16\n *block Y.max.rf\n/,
    );
    const outer = shape(byDefault(ops.layerNorm("Y", placeholder("X", [3, 40])))).match(/^for .*/gm);
    expect(outer).toEqual(["for i0 in 3"]);
  });
  test("transforms of tiles are written out, one stage in the registers of the next, weights ahead of time", () => {
    const [X, W] = [placeholder("X", [1, 8, 8, 4]), weights("W", 3, 3, 4, 8)];
    const s = byDefault(ops.relu("Y", ops.winogradConv2d("D", X, W, { padding: 1, tile: 2 })));
    expect(shape(s)).toMatchInlineSnapshot(`
      "for n in 1
        for h in 10
          for w in 10
            vectorized c in 4
              block D.pad
      for t in 16
        for lo in 1
          unrolled a in 4
            unrolled x in 4
              vectorized c_1 in 4
                block D.tiles.rows
          unrolled a_1 in 4
            unrolled b in 4
              vectorized li in 4
                block D.tiles
      for kw in 3
        for c_2 in 4
          for lo_1 in 2
            unrolled a_2 in 4
              vectorized li_1 in 4
                block D.weights.rows
      for a_3 in 4
        for c_3 in 4
          for lo_2 in 2
            unrolled b_1 in 4
              vectorized li_2 in 4
                block D.weights
      for a_4 in 4
        for b_2 in 4
          for c_4 in 4
            for po in 1
              vectorized pi in 8
                block D.weights.workspace
      for a_5 in 4
        for b_3 in 4
          for oo in 1
            for to in 3
              unrolled ti in 6
                vectorized oi in 8
                  block D.products.init
              for c_5 in 4
                unrolled ti_1 in 6
                  vectorized oi_1 in 8
                    block D.products
              unrolled ti_2 in 6
                vectorized oi_2 in 8
                  block D.products.copy
      for i0 in 1
        for lo_3 in 2
          for y in 2
            unrolled b_4 in 4
              unrolled t_1 in 16
                vectorized o in 4
                  block D.rows
          unrolled i1 in 8
            unrolled i2 in 8
              vectorized li_3 in 4
                block Y"
    `);
    expect(s.toString().match(/# prepared/g)).toHaveLength(3);
  });
  test("operands in arithmetic are computed before a product, not in it", () => {
    const [A, B] = [placeholder("A", [12, 16]), placeholder("B", [16, 8])];
    const s = byDefault(ops.matmul("C", ops.silu("S", A), B));
    expect(shape(s)).toContain("block S");
    const direct = byDefault(ops.matmul("C", ops.transpose("T", placeholder("A", [16, 12])), B));
    expect(shape(direct)).not.toContain("block T\n");
  });
  test("a matrix times a vector: lanes along the rows, or columns side by side", () => {
    const tall = shape(byDefault(ops.matmul("C", placeholder("A", [6, 64]), placeholder("B", [64, 1]))));
    expect(tall).toMatch(/vectorized ki|vectorized ii|vectorized i /);
    const [row, B] = [placeholder("A", [1, 24]), placeholder("B", [24, 96])];
    const wide = shape(byDefault(ops.matmul("C", row, B)));
    expect(wide).toMatch(/for ko in 3\n *for jo_?1? in 6\n *unrolled ki in 8\n *vectorized ji_?1? in 16/);
    // of a constant matrix, panels are in order already
    const packed = shape(byDefault(ops.matmul("C", row, weights("W", 24, 96))));
    expect(packed).toContain("vectorized ji in 48");
  });
  test("channels first: pixels are the columns of a matrix, windows slide along the lanes", () => {
    const [X, W] = [placeholder("X", [1, 8, 6, 5]), weights("W", 16, 8, 1, 1)];
    const s = byDefault(ops.conv2d("D", X, W, { layout: "NCHW" }));
    expect(shape(s)).toMatch(/unrolled oi_1 in \d\n *vectorized h_wi_1 in 8\n *block D\n/);
    expect(shape(s)).not.toContain("X.workspace");
    const pool = byDefault(ops.maxPool2d("Y", X, { size: 3, stride: 2, padding: 1, layout: "NCHW" }));
    expect(shape(pool)).toMatch(/unrolled kw in 3\n *unrolled hi_1 in 2\n *vectorized w/);
  });
  test("what is read across memory is read in squares", () => {
    const s = byDefault(ops.transpose("Y", placeholder("X", [24, 40])));
    expect(shape(s)).toMatchInlineSnapshot(`
      "for i1o in 3
        for i0o in 3
          for i0i in 16
            vectorized i1i in 8
              block Y"
    `);
  });
  test("sums over positions: what registers hold stays there, longer rows are added to in memory", () => {
    const pooled = (channels: number) =>
      shape(byDefault(ops.globalAveragePool("Y", placeholder("X", [1, 4, 7, channels]) as never) as never));
    expect(pooled(48)).toMatch(/for r1 in 4\n *for r2 in 7\n *vectorized i1_1 in 48/);
    expect(pooled(64)).toMatch(/for ko in 4\n *for jo_1 in 4\n *unrolled ki in 7\n *vectorized ji_1 in 16/);
  });
});

test("register tiles", () => {
  const plain = wasm();
  const tile = (rows: number, columns: number, steps = 256) => [
    Object.values(registerTileFor(RELAXED, rows, columns, steps, 4)),
    Object.values(registerTileFor(plain, rows, columns, steps, 4)),
  ];
  // a wide tile of one row would fetch a long panel from the second cache again and again
  for (const [r] of tile(7, 512, 4608)) expect(r).toBeGreaterThan(1);
  expect(tile(512, 512)).toEqual([
    [6, 2],
    [2, 4],
  ]);
  // nine rows of five and four leave no rest
  expect(tile(49, 1024)[0]).toEqual([5, 2]);
  for (const rows of [1, 2, 3, 5, 7, 14, 100])
    for (const columns of [1, 3, 4, 7, 24, 100])
      for (const [r, v] of tile(rows, columns)) {
        expect(r! * v! + (r === 1 ? 1 : v!) + 1).toBeLessThanOrEqual(15);
        expect(r).toBeLessThanOrEqual(rows);
        expect(v).toBeLessThanOrEqual(Math.ceil(columns / 4));
      }
});
