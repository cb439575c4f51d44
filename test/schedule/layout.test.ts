import { describe, expect, test } from "vitest";
import { replay, type Schedule, schedule } from "../../schedule/index.ts";
import { foldDimension } from "../../src/arith/index.ts";
import { equalFunc, type Func, int, replaceBuffers } from "../../src/ir/index.ts";
import { compute, constantEdge, dim, type Extent, placeholder, scalar, sum, where } from "../../te/index.ts";
import { illegal, nest, results, same } from "./helper.ts";

function gemm(m: Extent, n: Extent, k: Extent) {
  const A = placeholder("A", { i: m, k });
  const B = placeholder("B", { k, j: n });
  const C = compute("C", { i: m, j: n }, ({ i, j }) => sum({ k }, ({ k }) => A.at(i, k).mul(B.at(k, j))));
  const s = schedule(C);
  return { A, B, C, s, before: s.func };
}
/** The lines that declare intermediates. */
const buffers = (s: Schedule<unknown>): string =>
  `${s}`
    .split("\n")
    .filter((l) => l.startsWith("  buffer "))
    .map((l) => l.slice(9))
    .join("\n");
/** A trace that went through JSON does the same again. */
function replays(s: Schedule<unknown>, fresh: () => Schedule<unknown>): void {
  const again = replay(JSON.parse(JSON.stringify(s.trace)), fresh());
  expect(equalFunc(again.func, s.func, { names: true })).toBe(true);
  expect(again.trace).toEqual(s.trace);
}

describe("transformLayout", () => {
  test("panels: accesses stay, the buffer says where they lie", () => {
    const { B, C, s, before } = gemm(5, 13, 4);
    const copy = s.cacheRead(C, B, "workspace");
    const text = nest(s);
    s.transformLayout(copy, (k, j) => [j.div(8), k, j.mod(8)]);
    expect(nest(s)).toBe(text);
    expect(buffers(s)).toMatchInlineSnapshot(
      `"B.workspace: f32[4, 13] in workspace, layout (k, j) -> (j // 8, k, j % 8) of [2, 4, 8]"`,
    );
    same(s, before);
    replays(s, () => gemm(5, 13, 4).s);
    expect(s.trace.at(-1)).toMatchInlineSnapshot(`
      {
        "args": {
          "block": "@0.copy",
          "map": {
            "index": [
              [
                "floordiv",
                "j",
                8,
              ],
              "k",
              [
                "floormod",
                "j",
                8,
              ],
            ],
            "vars": [
              "k",
              "j",
            ],
          },
        },
        "primitive": "transformLayout",
        "results": [],
      }
    `);
  });
  test("by the name of a buffer, by its tensor, by its block", () => {
    const X = placeholder("X", { y: 6, x: 8 });
    const T = compute("T", { y: 6, x: 8 }, ({ y, x }) => X.at(y, x).mul(2));
    const Y = compute("Y", { y: 6, x: 8 }, ({ y, x }) => T.at(y, x).add(1));
    const all = [() => T, () => "T", (s: Schedule<unknown>) => s.handle(T)];
    const texts = all.map((what) => {
      const s = schedule(Y);
      const before = s.func;
      s.transformLayout(what(s), (y, x) => [x, y]);
      same(s, before);
      replays(s, () => schedule(Y));
      return buffers(s);
    });
    expect(texts[0]).toMatchInlineSnapshot(`"T: f32[6, 8], layout (y, x) -> (x, y) of [8, 6]"`);
    expect(texts[1]).toBe(texts[0]);
    expect(texts[2]).toBe(texts[0]);
  });
  test("a later map takes what the former one gives", () => {
    const { B, C, s, before } = gemm(5, 12, 9);
    const copy = s.cacheRead(C, B, "workspace");
    s.transformLayout(copy, (k, j) => [j.div(4), k, j.mod(4)], { pad: 0 });
    s.transformLayout(copy, (a, k, b) => [k.div(8), a, k.mod(8), b]);
    expect(buffers(s)).toMatchInlineSnapshot(
      `"B.workspace: f32[9, 12] in workspace, layout (k, j) -> (k // 8, j // 4, k % 8, j % 4) of [2, 3, 8, 4], pad 0.0"`,
    );
    s.transformLayout(copy, (a, b, c, d) => [a.mul(3).add(b), c.mul(4).add(d)]);
    expect(buffers(s)).toMatchInlineSnapshot(
      `"B.workspace: f32[9, 12] in workspace, layout (k, j) -> (k // 8 * 3 + j // 4, k % 8 * 4 + j % 4) of [6, 32], pad 0.0"`,
    );
    same(s, before);
    replays(s, () => gemm(5, 12, 9).s);
  });
  test("dimensions fused, turned round, spread out", () => {
    const maps: readonly (readonly [string, (s: Schedule<unknown>) => void])[] = [
      ["fused", (s) => s.transformLayout("B.workspace", (k, j) => [k.mul(13).add(j)])],
      ["turned", (s) => s.transformLayout("B.workspace", (k, j) => [j.mul(-1).add(12), k])],
      ["spread", (s) => s.transformLayout("B.workspace", (k, j) => [k.mul(2).add(1), j], { pad: 7 })],
      ["a constant", (s) => s.transformLayout("B.workspace", (k, j) => [k, 2, j])],
    ];
    const texts = maps.map(([, step]) => {
      const { B, C, s, before } = gemm(5, 13, 4);
      s.cacheRead(C, B, "workspace");
      step(s);
      same(s, before);
      return buffers(s);
    });
    expect(texts).toMatchInlineSnapshot(`
      [
        "B.workspace: f32[4, 13] in workspace, layout (k, j) -> (k * 13 + j) of [52]",
        "B.workspace: f32[4, 13] in workspace, layout (k, j) -> (12 - j, k) of [13, 4]",
        "B.workspace: f32[4, 13] in workspace, layout (k, j) -> (k * 2 + 1, j) of [8, 13], pad 7.0",
        "B.workspace: f32[4, 13] in workspace, layout (k, j) -> (k, 2, j) of [4, 3, 13]",
      ]
    `);
  });
  test("sizes known at run time", () => {
    const n = dim("n", { max: 100 });
    const make = () => gemm(5, n, n);
    const { B, C, s, before } = make();
    const copy = s.cacheRead(C, B, "workspace");
    s.transformLayout(copy, (k, j) => [j.div(8), k, j.mod(8)], { pad: 0 });
    expect(buffers(s)).toMatchInlineSnapshot(
      `"B.workspace: f32[n, n] in workspace, layout (k, j) -> (j // 8, k, j % 8) of [(n + 7) // 8, n, 8], pad 0.0"`,
    );
    same(s, before, [{ n: 0 }, { n: 1 }, { n: 8 }, { n: 19 }]);
    replays(s, () => make().s);
    const fused = make();
    fused.s.transformLayout(fused.s.cacheRead(fused.C, fused.B, "workspace"), (k, j) => [k.mul(n).add(j)]);
    same(fused.s, fused.before, [{ n: 0 }, { n: 1 }, { n: 19 }]);
    replays(fused.s, () => make().s);
  });
  test("a block with two results lays out both, or the one that is named", () => {
    const X = placeholder("X", { x: 8 });
    const { p, q } = compute("P", { x: 8 }, ({ x }) => ({ p: X.at(x).mul(2), q: X.at(x).cast("i32") }));
    const Y = compute("Y", { x: 8 }, ({ x }) => p.at(x).add(q.at(x).cast("f32")));
    const s = schedule(Y);
    const before = s.func;
    s.transformLayout(p, (x) => [x.div(4), x.mod(4)], { pad: 1 });
    s.transformLayout("P.q", (a, b) => [b, a]);
    expect(buffers(s)).toMatchInlineSnapshot(`
      "P.p: f32[8], layout (x) -> (x // 4, x % 4) of [2, 4], pad 1.0
      P.q: i32[8], layout (x) -> (x % 4, x // 4) of [4, 2], pad 1"
    `);
    same(s, before);
    replays(s, () => schedule(Y));
  });
  test("a constant keeps its own layout; a copy made ahead of time has the new one", () => {
    const X = placeholder("X", { i: 6, k: 4 });
    const W = placeholder("W", { k: 4, j: 13 }, "f32", { constant: true });
    const C = compute("C", { i: 6, j: 13 }, ({ i, j }) => sum({ k: 4 }, ({ k }) => X.at(i, k).mul(W.at(k, j))));
    const s = schedule(C);
    const before = s.func;
    s.transformLayout(W, (k, j) => [j.div(8), k, j.mod(8)], { pad: 0 });
    expect(s.trace.map((t) => t.primitive)).toEqual(["cacheRead", "prepare", "transformLayout"]);
    expect(`${s}`).toMatchInlineSnapshot(`
      "func C(X: f32[6, 4], W: f32[4, 13]) -> C: f32[6, 13]:
        buffer W.workspace: f32[4, 13] in workspace, layout (k, j) -> (j // 8, k, j % 8) of [2, 4, 8], pad 0.0
        for k in 4:
          for j in 13:
            block W.workspace(vk = k, vj = j):  # prepared
              W.workspace[vk, vj] = W[vk, vj]
        for i in 6:
          for j_1 in 13:
            for k_1 in 4:
              block C(vi = i, vj_1 = j_1, vk_1 (reduce) = k_1):
                init:
                  C[vi, vj_1] = 0.0
                C[vi, vj_1] = C[vi, vj_1] + X[vi, vk_1] * W.workspace[vk_1, vj_1]"
    `);
    same(s, before);
    replays(s, () => schedule(C));
    const fresh = schedule(C);
    const error = illegal(fresh, () => fresh.transformLayout(W, (k) => [k]));
    expect(error.code).toBe("transformLayout.not-invertible");
  });
  test("arguments that make no sense", () => {
    const { A, B, C, s } = gemm(5, 13, 4);
    const copy = s.cacheRead(C, B, "workspace");
    const alpha = scalar("alpha", "i32");
    const n = dim("n");
    const bad = (step: () => unknown): string => illegal(s, step).message.split("\n")[0]!;
    expect([
      bad(() => s.transformLayout(copy, "transposed" as never)),
      bad(() => s.transformLayout(copy, (() => 3) as never)),
      bad(() => s.transformLayout(copy, () => [])),
      bad(() => s.transformLayout(copy, (k) => [k, 0.5])),
      bad(() => s.transformLayout(copy, (k) => [k, k.cast("f32")] as never)),
      bad(() => s.transformLayout(copy, (k, j) => [k, j.add(alpha)])),
      bad(() => s.transformLayout(copy, (k, j) => [k, j.add(n)])),
      bad(() => s.transformLayout(copy, (k, j) => [k.add(A.at(0, 0).cast("i32")), j])),
      bad(() => s.transformLayout(copy, (k, j) => [k, j], { pad: "zero" })),
      bad(() => s.transformLayout(copy, (k, j) => [k, j], { pad: null as never })),
      bad(() => s.transformLayout(copy, (k, j) => [k, j], { fill: 0 } as never)),
      bad(() => s.transformLayout("D", (k, j) => [k, j])),
    ]).toMatchInlineSnapshot(`
      [
        "transformLayout: the map is "transposed", not a function of indices",
        "transformLayout: the map returned number 3, not a list of indices",
        "transformLayout: the map returned no index",
        "transformLayout: the map returned number 0.5 among its indices",
        "transformLayout: f32(k) is no index: it must be an i32 made of indices, sizes and constants",
        "transformLayout: the map is not made of indices, sizes and constants: alpha is no variable here, and no size or scalar of C",
        "transformLayout: the map is not made of indices, sizes and constants: n is no variable here, and no size or scalar of C",
        "transformLayout: the map is not made of indices, sizes and constants: a load can't be written down",
        "transformLayout: pad is "zero", not a value of f32, as B.workspace holds",
        "transformLayout: pad is null, not a number",
        "transformLayout: there is no option "fill"",
        "transformLayout: no buffer "D"",
      ]
    `);
  });
});

describe("storageAlign", () => {
  test("strides are asked for on the buffer; a later one of the same dimension counts", () => {
    const { B, C, s, before } = gemm(5, 13, 4);
    const copy = s.cacheRead(C, B, "workspace");
    s.storageAlign(copy, 0, 16);
    s.storageAlign(copy, 0, 32, 4);
    s.storageAlign(copy, 1, 2);
    expect(buffers(s)).toMatchInlineSnapshot(
      `"B.workspace: f32[4, 13] in workspace, stride 0 = 4 mod 32, stride 1 = 0 mod 2"`,
    );
    same(s, before);
    replays(s, () => gemm(5, 13, 4).s);
  });
  test("counts dimensions in memory", () => {
    const { B, C, s, before } = gemm(5, 13, 4);
    const copy = s.cacheRead(C, B, "workspace");
    s.transformLayout(copy, (k, j) => [j.div(8), k, j.mod(8)]);
    s.storageAlign(copy, 1, 16, 9);
    expect(buffers(s)).toMatchInlineSnapshot(
      `"B.workspace: f32[4, 13] in workspace, layout (k, j) -> (j // 8, k, j % 8) of [2, 4, 8], stride 1 = 9 mod 16"`,
    );
    same(s, before);
  });
  test("arguments that make no sense", () => {
    const { B, C, s } = gemm(5, 13, 4);
    const copy = s.cacheRead(C, B, "workspace");
    for (const [dim, factor, offset] of [
      [-1, 4, 0],
      [0.5, 4, 0],
      [0, 0, 0],
      [0, 2.5, 0],
      [0, 4, 4],
      [0, 4, -1],
      [0, "4", 0],
    ] as never[][])
      expect(illegal(s, () => s.storageAlign(copy, dim!, factor!, offset!)).code).toBe("storageAlign.argument");
  });
});

describe("reindex", () => {
  const conv = (edge: boolean) => {
    const X = placeholder("X", { y: 9, x: 8 });
    const F = placeholder("F", { r: 3, q: 3 });
    const at = edge ? constantEdge(X, 0) : X;
    const [h, w, d] = edge ? [9, 8, 1] : [7, 6, 0];
    const Y = compute("Y", { y: h, x: w }, ({ y, x }) =>
      sum({ r: 3, q: 3 }, ({ r, q }) => at.at(y.add(r).sub(d), x.add(q).sub(d)).mul(F.at(r, q))),
    );
    const s = schedule(Y);
    return { X, F, Y, s, before: s.func };
  };
  test("an access pattern becomes the layout of a copy", () => {
    const { X, Y, s, before } = conv(false);
    const copy = s.reindex(Y, X, "workspace");
    expect(`${s}`).toMatchInlineSnapshot(`
      "func Y(X: f32[9, 8], F: f32[3, 3]) -> Y: f32[7, 6]:
        buffer X.re: f32[7, 6, 3, 3] in workspace
        for y in 7:
          for x in 6:
            for r in 3:
              for q in 3:
                block X.re(vy = y, vx = x, vr = r, vq = q):
                  X.re[vy, vx, vr, vq] = X[vy + vr - 0, vx + vq - 0]
        for y_1 in 7:
          for x_1 in 6:
            for r_1 in 3:
              for q_1 in 3:
                block Y(vy_1 = y_1, vx_1 = x_1, vr_1 (reduce) = r_1, vq_1 (reduce) = q_1):
                  init:
                    Y[vy_1, vx_1] = 0.0
                  Y[vy_1, vx_1] = Y[vy_1, vx_1] + X.re[vy_1, vx_1, vr_1, vq_1] * F[vr_1, vq_1]"
    `);
    same(s, before);
    s.computeAt(copy, s.loops(Y).y);
    same(s, before);
    replays(s, () => conv(false).s);
  });
  test("in another order", () => {
    const { X, Y, s, before } = conv(false);
    s.reindex(Y, X, "workspace", { order: ["r", "q", "y", "x"] });
    expect(buffers(s)).toMatchInlineSnapshot(`"X.re: f32[3, 3, 7, 6] in workspace"`);
    same(s, before);
    replays(s, () => conv(false).s);
  });
  test("the choice around a read is made once, in the copy", () => {
    const { X, Y, s, before } = conv(true);
    s.reindex(Y, X, "workspace");
    expect(nest(s)).toMatchInlineSnapshot(`
      "for y in 9:
        for x in 8:
          for r in 3:
            for q in 3:
              block X.re(vy = y, vx = x, vr = r, vq = q):
                X.re[vy, vx, vr, vq] = where(vy + vr - 1 >= 0 & vy + vr - 1 < 9 & vx + vq - 1 >= 0 & vx + vq - 1 < 8, X[vy + vr - 1, vx + vq - 1], 0.0)
      for y_1 in 9:
        for x_1 in 8:
          for r_1 in 3:
            for q_1 in 3:
              block Y(vy_1 = y_1, vx_1 = x_1, vr_1 (reduce) = r_1, vq_1 (reduce) = q_1):
                init:
                  Y[vy_1, vx_1] = 0.0
                Y[vy_1, vx_1] = Y[vy_1, vx_1] + X.re[vy_1, vx_1, vr_1, vq_1] * F[vr_1, vq_1]"
    `);
    same(s, before);
  });
  test("where the block does not read, the copy holds what nobody asks for", () => {
    const X = placeholder("X", { x: 9 });
    const W = placeholder("W", { x: 12 });
    // the other side reads memory, so the choice stays where it is
    const Y = compute("Y", { x: 12 }, ({ x }) => where(x.ge(2).and(x.lt(11)), X.at(x.sub(2)), W.at(x)));
    const s = schedule(Y);
    const before = s.func;
    s.reindex(Y, X, "workspace");
    expect(nest(s)).toMatchInlineSnapshot(`
      "for x in 12:
        block X.re(vx = x):
          X.re[vx] = where(vx - 2 >= 0 & vx - 2 < 9, X[vx - 2], 0.0)
      for x_1 in 12:
        block Y(vx_1 = x_1):
          Y[vx_1] = where(vx_1 >= 2 & vx_1 < 11, X.re[vx_1], W[vx_1])"
    `);
    same(s, before);
  });
  test("a read on the other side of a choice, and one of an axis that is not read everywhere", () => {
    const X = placeholder("X", { x: 9 });
    const Y = compute("Y", { y: 3, x: 12 }, ({ y, x }) => where(x.ge(9).or(y.eq(1)), 1, X.at(x)));
    const s = schedule(Y);
    const before = s.func;
    s.reindex(Y, X, "workspace");
    expect(nest(s)).toMatchInlineSnapshot(`
      "for y in 3:
        for x in 12:
          block X.re(vy = y, vx = x):
            X.re[vy, vx] = where(vx >= 9 | vy == 1, 1.0, where(vx < 9, X[vx], 0.0))
      for y_1 in 3:
        for x_1 in 12:
          block Y(vy_1 = y_1, vx_1 = x_1):
            Y[vy_1, vx_1] = X.re[vy_1, vx_1]"
    `);
    same(s, before);
  });
  test("sizes known at run time", () => {
    const n = dim("n", { min: 1, max: 100 });
    const make = () => {
      const X = placeholder("X", { x: n.add(2) });
      const Y = compute("Y", { x: n }, ({ x }) => sum({ r: 3 }, ({ r }) => X.at(x.add(r))));
      return { X, Y, s: schedule(Y) };
    };
    const { X, Y, s } = make();
    const before = s.func;
    s.reindex(Y, X, "workspace", { order: ["r", "x"] });
    expect(buffers(s)).toMatchInlineSnapshot(`"X.re: f32[3, n] in workspace"`);
    same(s, before, [{ n: 1 }, { n: 17 }]);
    replays(s, () => make().s);
  });
});

describe("memory as it is", () => {
  /** The same function with one buffer's layout replaced. */
  function relaid(f: Func, name: string, factor: number): Func {
    const b = f.intermediates.find((x) => x.name === name)!;
    const folded = foldDimension(b, 0, int(factor))!;
    const map = new Map([[b, folded]]);
    return { ...f, intermediates: f.intermediates.map((x) => map.get(x) ?? x), body: replaceBuffers(f.body, map) };
  }
  test("elements that share a cell overwrite each other when interpreted", () => {
    const X = placeholder("X", { y: 8, x: 3 });
    const T = compute("T", { y: 8, x: 3 }, ({ y, x }) => X.at(y, x).mul(2).add(y.cast("f32")));
    const Y = compute("Y", { y: 7, x: 3 }, ({ y, x }) => T.at(y, x).add(T.at(y.add(1), x)));
    const s = schedule(Y);
    const want = results(s.func);
    expect(results(relaid(s.func, "T", 8))).toEqual(want);
    expect(results(relaid(s.func, "T", 2))).not.toEqual(want);
    // where rows are made as they are asked for, two of them are enough
    s.computeAt(T, s.loops(Y).y);
    expect(results(relaid(s.func, "T", 2))).toEqual(want);
    expect(results(relaid(s.func, "T", 1))).not.toEqual(want);
  });
});
