import { describe, expect, test } from "vitest";
import { replay, type Schedule, schedule } from "../../schedule/index.ts";
import { blocksOf } from "../../src/ir/index.ts";
import { compute, dim, placeholder, scan, sum, where } from "../../te/index.ts";
import { illegal, nest, same } from "./helper.ts";

const gemm = (M = 10, N = 8, K = 6) => {
  const A = placeholder("A", [M, K]);
  const B = placeholder("B", [K, N]);
  const C = compute("C", { i: M, j: N }, ({ i, j }) => sum({ k: K }, ({ k }) => A.at(i, k).mul(B.at(k, j))));
  const s = schedule(C);
  return { A, B, C, s, before: s.func };
};
const chain = (H = 6, W = 8) => {
  const X = placeholder("X", [H + 2, W]);
  const a = compute("a", { y: H + 2, x: W }, ({ y, x }) => X.at(y, x).mul(2));
  const b = compute("b", { y: H, x: W }, ({ y, x }) => a.at(y, x).add(a.at(y.add(2), x)));
  const c = compute("c", { y: H, x: W }, ({ y, x }) => b.at(y, x).max(3));
  const s = schedule(c);
  return { X, a, b, c, s, before: s.func };
};
const condition = (s: Schedule<never> | object, step: () => unknown): [string, number] => {
  const e = illegal(s as never, step);
  return [e.code, e.condition];
};

describe("split", () => {
  test("guards what doesn't divide", () => {
    const { C, s, before } = gemm();
    const { i } = s.loops(C);
    s.split(i, { io: "rest", ii: 4 });
    same(s, before);
    expect(nest(s)).toMatchInlineSnapshot(`
      "for io in 3:
        for ii in 4:
          for j in 8:
            for k in 6:
              block C(vi = io * 4 + ii, vj = j, vk (reduce) = k) if io * 4 + ii < 10:
                init:
                  C[vi, vj] = 0.0
                C[vi, vj] = C[vi, vj] + A[vi, vk] * B[vk, vj]"
    `);
  });
  test("symbolic extents, several parts, peel", () => {
    const n = dim("n", { min: 0, max: 100 });
    const X = placeholder("X", [n]);
    const Y = compute("Y", { i: n }, ({ i }) => X.at(i).mul(2));
    const s = schedule(Y);
    const before = s.func;
    const parts = s.split(s.loops(Y).i, { a: "rest", b: 2, c: 4 }, { tail: "peel" });
    expect(parts.c.name).toBe("c");
    same(s, before, [{ n: 0 }, { n: 1 }, { n: 8 }, { n: 13 }]);
    expect(nest(s)).toMatchInlineSnapshot(`
      "for a in (n + 7) // 8:
        for b in 2:  # tail: peel
          for c in 4:  # tail: peel
            block Y(vi = a * 8 + b * 4 + c) if a * 8 + b * 4 + c < n:
              Y[vi] = X[vi] * 2.0"
    `);
    s.split(parts.c, { d: 3, e: 2 });
    same(s, before, [{ n: 0 }, { n: 5 }, { n: 13 }]);
  });
  test("a multiple needs no guard", () => {
    const n = dim("n", { min: 0, max: 96, multipleOf: 8 });
    const X = placeholder("X", [n]);
    const Y = compute("Y", { i: n }, ({ i }) => X.at(i).mul(2));
    const s = schedule(Y);
    s.split(s.loops(Y).i, { o: "rest", i8: 8 });
    expect(nest(s)).toMatchInlineSnapshot(`
      "for o in n // 8:
        for i8 in 8:
          block Y(vi = o * 8 + i8):
            Y[vi] = X[vi] * 2.0"
    `);
  });
  test("errors", () => {
    const { C, s } = gemm();
    const { i } = s.loops(C);
    expect(condition(s, () => s.split(i, {}))).toEqual(["split.factors", 1]);
    expect(condition(s, () => s.split(i, { a: 0 }))).toEqual(["split.factors", 1]);
    expect(condition(s, () => s.split(i, { a: "rest", b: "rest" }))).toEqual(["split.factors", 1]);
    expect(condition(s, () => s.split(i, { a: 3, b: 3 }))).toEqual(["split.too-few", 2]);
    s.unroll(i);
    expect(condition(s, () => s.split(i, { a: "rest", b: 3 }))).toEqual(["split.kind", 4]);
    const k = dim("k", { min: 0, max: 8 });
    const X = placeholder("X", [k]);
    const Y = compute("Y", { i: 3 }, () => sum({ q: k }, ({ q }) => X.at(q)));
    const t = schedule(Y);
    expect(condition(t, () => t.split(t.loops(Y).q, { a: 2, b: 4 }))).toEqual(["split.empty", 3]);
  });
  test("the error shows the nest, the culprit, and the user's line", () => {
    const { C, s } = gemm();
    const { i } = s.loops(C);
    const e = illegal(s, () => s.split(i, { a: 3, b: 3 }));
    expect(e.message).toMatchInlineSnapshot(`
      "split, condition 2: { a: 3, b: 3 } covers 9 iterations of loop i, which has 10
      legal instead: split(i, { a: "rest", b: 3 }); split(i, { a: 3, b: "rest" })
      func C(A: f32[10, 6], B: f32[6, 8]) -> C: f32[10, 8]:
        for i in 10:
        ^^^^^^^^^^^^
          for j in 8:
            for k in 6:
              block C(vi = i, vj = j, vk (reduce) = k):
                init:
                  C[vi, vj] = 0.0
                C[vi, vj] = C[vi, vj] + A[vi, vk] * B[vk, vj]"
    `);
    expect(e.stack!.split("\n").find((l) => l.trim().startsWith("at "))).toContain("primitives.test.ts");
  });
});

describe("fuse", () => {
  test("two spatial loops, then split again", () => {
    const { C, s, before } = gemm();
    const { i, j } = s.loops(C);
    const f = s.fuse(i, j);
    same(s, before);
    expect(nest(s)).toMatchInlineSnapshot(`
      "for i_j in 80:
        for k in 6:
          block C(vi = i_j // 8, vj = i_j % 8, vk (reduce) = k):
            init:
              C[vi, vj] = 0.0
            C[vi, vj] = C[vi, vj] + A[vi, vk] * B[vk, vj]"
    `);
    s.split(f, { fo: "rest", fi: 8 });
    same(s, before);
    expect(nest(s)).toMatchInlineSnapshot(`
      "for fo in 10:
        for fi in 8:
          for k in 6:
            block C(vi = fo, vj = fi, vk (reduce) = k):
              init:
                C[vi, vj] = 0.0
              C[vi, vj] = C[vi, vj] + A[vi, vk] * B[vk, vj]"
    `);
  });
  test("errors", () => {
    const { C, s } = gemm();
    const { i, j, k } = s.loops(C);
    expect(condition(s, () => s.fuse(i))).toEqual(["fuse.loops", 1]);
    expect(condition(s, () => s.fuse(i, k))).toEqual(["fuse.not-nested", 2]);
    s.unroll(j);
    expect(condition(s, () => s.fuse(i, j))).toEqual(["fuse.kind", 4]);
    const q = dim("q", { min: 0, max: 8 });
    const X = placeholder("X", [q]);
    const Y = compute("Y", { i: 3 }, () => sum({ r: q }, ({ r }) => X.at(r)));
    const t = schedule(Y);
    expect(condition(t, () => t.fuse(t.loops(Y).i, t.loops(Y).r))).toEqual(["fuse.empty", 5]);
  });
});

describe("reorder", () => {
  test("moves a reduction outside", () => {
    const { C, s, before } = gemm();
    const { i, j, k } = s.loops(C);
    s.reorder(k, i, j);
    same(s, before);
    expect(nest(s)).toMatchInlineSnapshot(`
      "for k in 6:
        for i in 10:
          for j in 8:
            block C(vi = i, vj = j, vk (reduce) = k):
              init:
                C[vi, vj] = 0.0
              C[vi, vj] = C[vi, vj] + A[vi, vk] * B[vk, vj]"
    `);
    expect(s.trace.at(-1)!.reassociates).toBeUndefined();
  });
  test("notes a float reduction in another order", () => {
    const { C, s, before } = gemm();
    const { k } = s.loops(C);
    const { ko, ki } = s.split(k, { ko: "rest", ki: 4 });
    s.reorder(ki, ko);
    same(s, before);
    expect(s.trace.at(-1)).toEqual({
      primitive: "reorder",
      args: { loops: ["@0.ki", "@0.ko"] },
      results: [],
      reassociates: true,
    });
  });
  test("errors", () => {
    const { a, b, c, s } = chain();
    const { y, x } = s.loops(b);
    expect(condition(s, () => s.reorder(y, y))).toEqual(["reorder.loops", 1]);
    expect(condition(s, () => s.reorder(y, s.loops(c).x))).toEqual(["reorder.chain", 2]);
    s.computeAt(a, y);
    expect(condition(s, () => s.reorder(x, y))).toEqual(["reorder.chain", 2]);
    expect(s.loopList(b).map((l) => l.name)).toEqual(["y", "x"]);
  });
  test("loops around several blocks that depend on each other in one iteration", () => {
    const { a, b, s, before } = chain();
    const { x } = s.loops(b);
    s.computeAt(a, x);
    s.reorder(x, s.loops(b).y);
    same(s, before);
    expect(nest(s)).toMatchInlineSnapshot(`
      "for x in 8:
        for y in 6:
          for y_1 in 3:
            block a(vy = y + y_1, vx = x):
              a[vy, vx] = X[vy, vx] * 2.0
          block b(vy_1 = y, vx_1 = x):
            b[vy_1, vx_1] = a[vy_1, vx_1] + a[vy_1 + 2, vx_1]
      for y_2 in 6:
        for x_1 in 8:
          block c(vy_2 = y_2, vx_2 = x_1):
            c[vy_2, vx_2] = max(b[vy_2, vx_2], 3.0)"
    `);
  });
  test("a scan keeps its steps in order", () => {
    const X = placeholder("X", [4, 6]);
    const S = scan(
      "S",
      { t: 4 },
      { i: 6 },
      {
        init: ({ i }) => X.at(0, i),
        step: ({ t, i }, prev) =>
          prev(i)
            .add(where(i.lt(5), prev(i.add(1).min(5)), 0))
            .add(X.at(t, i)),
      },
    );
    const s = schedule(S);
    const { t, i } = s.loops(S);
    expect(condition(s, () => s.reorder(i, t))).toEqual(["reorder.scan", 4]);
    const P = scan(
      "P",
      { t: 4 },
      { i: 6 },
      {
        init: ({ i }) => X.at(0, i),
        step: ({ t, i }, prev) => prev(i).add(X.at(t, i)),
      },
    );
    const q = schedule(P);
    const before = q.func;
    q.reorder(q.loops(P).i, q.loops(P).t);
    same(q, before);
  });
});

describe("unroll and vectorize", () => {
  test("tags, and splits by a number of lanes", () => {
    const { C, s, before } = gemm();
    const { i, j } = s.loops(C);
    s.unroll(i);
    const { outer, inner } = s.vectorize(j, 4);
    expect([outer.name, inner.name]).toEqual(["jo", "ji"]);
    same(s, before);
    expect(nest(s)).toMatchInlineSnapshot(`
      "unrolled i in 10:
        unrolled jo in 2:
          vectorized ji in 4:
            for k in 6:
              block C(vi = i, vj = jo * 4 + ji, vk (reduce) = k):
                init:
                  C[vi, vj] = 0.0
                C[vi, vj] = C[vi, vj] + A[vi, vk] * B[vk, vj]"
    `);
  });
  test("errors", () => {
    const { C, s } = gemm();
    const { i, j, k } = s.loops(C);
    expect(condition(s, () => s.vectorize(k))).toEqual(["vectorize.carried", 4]);
    expect(condition(s, () => s.vectorize(k, 2))).toEqual(["vectorize.carried", 4]);
    s.vectorize(j);
    expect(condition(s, () => s.vectorize(j))).toEqual(["vectorize.kind", 2]);
    expect(condition(s, () => s.vectorize(i))).toEqual(["vectorize.nested", 3]);
    expect(condition(s, () => s.unroll(j))).toEqual(["unroll.kind", 2]);
    const n = dim("n", { min: 0, max: 9 });
    const X = placeholder("X", [n]);
    const Y = compute("Y", { i: n }, ({ i }) => X.at(i).mul(2));
    const t = schedule(Y);
    expect(condition(t, () => t.unroll(t.loops(Y).i))).toEqual(["unroll.extent", 1]);
    expect(condition(t, () => t.vectorize(t.loops(Y).i))).toEqual(["vectorize.extent", 1]);
  });
  test("iterations that write the same elements", () => {
    const X = placeholder("X", [8]);
    const a = compute("a", { i: 8 }, ({ i }) => X.at(i).mul(2));
    const b = compute("b", { j: 6, i: 8 }, ({ i }) => a.at(i));
    const s = schedule(b);
    const { j } = s.loops(b);
    s.computeAt(a, j);
    expect(condition(s, () => s.vectorize(j))).toEqual(["vectorize.same-element", 5]);
  });
  test("a loop at which something is stored", () => {
    const { a, b, s, before } = chain();
    const { y, x } = s.loops(b);
    s.computeAt(a, x);
    s.storeAt(a, y);
    same(s, before);
    expect(condition(s, () => s.vectorize(y))).toEqual(["vectorize.stored", 7]);
  });
});

describe("computeAt", () => {
  test("the region of a stencil", () => {
    const { a, b, s, before } = chain();
    const { y } = s.loops(b);
    const { yo } = s.split(y, { yo: "rest", yi: 4 });
    s.computeAt(a, yo);
    same(s, before);
    expect(nest(s)).toMatchInlineSnapshot(`
      "for yo in 2:
        for y in 6:
          for x in 8:
            block a(vy = yo * 4 + y, vx = x) if yo * 4 + y < 8:
              a[vy, vx] = X[vy, vx] * 2.0
        for yi in 4:
          for x_1 in 8:
            block b(vy_1 = yo * 4 + yi, vx_1 = x_1) if yo * 4 + yi < 6:
              b[vy_1, vx_1] = a[vy_1, vx_1] + a[vy_1 + 2, vx_1]
      for y_1 in 6:
        for x_2 in 8:
          block c(vy_2 = y_1, vx_2 = x_2):
            c[vy_2, vx_2] = max(b[vy_2, vx_2], 3.0)"
    `);
  });
  test("inside of the consumer's loops, and out again", () => {
    const { a, b, s, before } = chain();
    const { y, x } = s.loops(b);
    s.computeAt(a, x);
    same(s, before);
    expect(nest(s)).toMatchInlineSnapshot(`
      "for y in 6:
        for x in 8:
          for y_1 in 3:
            block a(vy = y + y_1, vx = x):
              a[vy, vx] = X[vy, vx] * 2.0
          block b(vy_1 = y, vx_1 = x):
            b[vy_1, vx_1] = a[vy_1, vx_1] + a[vy_1 + 2, vx_1]
      for y_2 in 6:
        for x_1 in 8:
          block c(vy_2 = y_2, vx_2 = x_1):
            c[vy_2, vx_2] = max(b[vy_2, vx_2], 3.0)"
    `);
    s.computeAt(a, y);
    same(s, before);
    expect(s.loopList(a).map((l) => l.name)).toEqual(["y", "y", "x"]);
  });
  test("a reduction keeps its reduction loops in full", () => {
    const { s, before, C, D } = relu();
    const { i } = s.loops(D);
    const { io } = s.split(i, { io: "rest", ii: 4 });
    s.computeAt(C, io);
    same(s, before);
    expect(nest(s)).toMatchInlineSnapshot(`
      "for io in 3:
        for i in 4:
          for j in 8:
            for k in 6:
              block C(vi = io * 4 + i, vj = j, vk (reduce) = k) if io * 4 + i < 10:
                init:
                  C[vi, vj] = 0.0
                C[vi, vj] = C[vi, vj] + A[vi, vk] * B[vk, vj]
        for ii in 4:
          for j_1 in 8:
            block D(vi_1 = io * 4 + ii, vj_1 = j_1) if io * 4 + ii < 10:
              D[vi_1, vj_1] = max(C[vi_1, vj_1], 20.0)"
    `);
  });
  test("errors", () => {
    const { a, b, c, s } = chain();
    expect(condition(s, () => s.computeAt(c, s.loops(b).y))).toEqual(["computeAt.output", 2]);
    const e = illegal(s, () => s.computeAt(a, s.loops(c).y));
    expect([e.code, e.condition, e.legal]).toEqual([
      "computeAt.consumers",
      3,
      ["computeAt(a, y of b)", "computeAt(a, x of b)", "computeInline(a)"],
    ]);
    s.vectorize(s.loops(b).x);
    expect(condition(s, () => s.computeAt(a, s.loops(b).x))).toEqual(["computeAt.vectorized", 5]);
    const g = relu();
    g.s.decomposeReduction(g.C, g.s.loops(g.C).k);
    expect(condition(g.s, () => g.s.computeAt(g.C, g.s.loops(g.D).i))).toEqual(["computeAt.writers", 1]);
    const h = chain();
    h.s.computeAt(h.b, h.s.loops(h.c).y);
    h.s.computeAt(h.a, h.s.loops(h.b).x);
    expect(condition(h.s, () => h.s.computeAt(h.a, h.s.loops(h.a).y))).toEqual(["computeAt.consumers", 3]);
  });
  test("what it reads must be there", () => {
    const { a, b, c, s } = chain();
    s.computeAt(b, s.loops(c).y);
    s.computeAt(a, s.loopList(b)[0]!);
    // a covers what b reads per row; b for all rows at once would read more
    expect(condition(s, () => s.reverseComputeAt(b, s.loopList(a).at(-1)!))[0]).toMatch(/reverseComputeAt/);
  });
});
function relu(M = 10, N = 8, K = 6) {
  const A = placeholder("A", [M, K]);
  const B = placeholder("B", [K, N]);
  const C = compute("C", { i: M, j: N }, ({ i, j }) => sum({ k: K }, ({ k }) => A.at(i, k).mul(B.at(k, j))));
  const D = compute("D", { i: M, j: N }, ({ i, j }) => C.at(i, j).max(20));
  const s = schedule(D);
  return { A, B, C, D, s, before: s.func };
}

describe("storeAt", () => {
  test("says where the buffer lives", () => {
    const { a, b, s } = chain();
    const { y, x } = s.loops(b);
    s.computeAt(a, x);
    s.storeAt(a, y);
    const stored = () => blocksOf(s.func.body).find((k) => k.id.name === "a")!.storeAt;
    expect(stored()).toBe(y.var);
    const { yi } = s.split(y, { yo: "rest", yi: 4 });
    expect(stored()).toBe(yi.var);
  });
  test("errors", () => {
    const { a, b, c, s } = chain();
    const { y } = s.loops(b);
    expect(condition(s, () => s.storeAt(a, y))).toEqual(["storeAt.not-around", 1]);
    expect(condition(s, () => s.storeAt(c, s.loops(c).y))).toEqual(["storeAt.output", 2]);
    expect(condition(s, () => s.storeAt(b, y))).toEqual(["storeAt.users", 4]);
  });
});

describe("reverseComputeAt", () => {
  test("an epilogue into the tiles of a reduction", () => {
    const { C, D, s, before } = relu();
    const { jo } = s.tile(s.loops(C).i, s.loops(C).j, { io: "rest", ii: 4 }, { jo: "rest", ji: 4 });
    s.reverseComputeAt(D, jo);
    same(s, before);
    expect(nest(s)).toMatchInlineSnapshot(`
      "for io in 3:
        for jo in 2:
          for ii in 4:
            for ji in 4:
              for k in 6:
                block C(vi = io * 4 + ii, vj = jo * 4 + ji, vk (reduce) = k) if io * 4 + ii < 10:
                  init:
                    C[vi, vj] = 0.0
                  C[vi, vj] = C[vi, vj] + A[vi, vk] * B[vk, vj]
          for i in 4:
            for j in 4:
              block D(vi_1 = io * 4 + i, vj_1 = jo * 4 + j) if io * 4 + i < 10:
                D[vi_1, vj_1] = max(C[vi_1, vj_1], 20.0)"
    `);
  });
  test("errors", () => {
    const { C, D, s } = relu();
    const { i, k } = s.loops(C);
    const e = illegal(s, () => s.reverseComputeAt(D, k));
    expect([e.code, e.condition, e.legal]).toEqual([
      "reverseComputeAt.carried",
      2,
      ["reverseComputeAt(D, i of C)", "reverseComputeAt(D, j of C)"],
    ]);
    expect(condition(s, () => s.reverseComputeAt(D, s.loops(D).i))).toEqual(["reverseComputeAt.producers", 1]);
    expect(condition(s, () => s.reverseComputeAt(C, i))).toEqual(["reverseComputeAt.producers", 1]);
    s.reverseComputeAt(D, i);
    expect(condition(s, () => s.reverseComputeAt(D, i))).toEqual(["reverseComputeAt.order", 1]);
    const t = chain();
    expect(condition(t.s, () => t.s.reverseComputeAt(t.b, t.s.loops(t.a).y))).toEqual(["reverseComputeAt.reads", 6]);
    t.s.vectorize(t.s.loops(t.b).x);
    expect(condition(t.s, () => t.s.reverseComputeAt(t.c, t.s.loops(t.b).x))).toEqual([
      "reverseComputeAt.vectorized",
      3,
    ]);
  });
});

describe("computeInline and reverseComputeInline", () => {
  test("into the consumers, guards kept", () => {
    const X = placeholder("X", [6]);
    const a = compute("a", { i: 6 }, ({ i }) => X.at(i).mul(2));
    const b = compute("b", { i: 8 }, ({ i }) => where(i.ge(1).and(i.lt(7)), a.at(i.sub(1)), 0));
    const s = schedule(b);
    const before = s.func;
    s.computeInline(a);
    same(s, before);
    expect(nest(s)).toMatchInlineSnapshot(`
      "for i in 8:
        block b(vi = i):
          b[vi] = where(vi >= 1 & vi < 7, X[vi - 1] * 2.0, 0.0)"
    `);
  });
  test("into the producer", () => {
    const { b, c, s, before } = chain();
    s.reverseComputeInline(c);
    same(s, before);
    expect(nest(s)).toMatchInlineSnapshot(`
      "for y in 8:
        for x in 8:
          block a(vy = y, vx = x):
            a[vy, vx] = X[vy, vx] * 2.0
      for y_1 in 6:
        for x_1 in 8:
          block c(vy_1 = y_1, vx_1 = x_1):
            c[vy_1, vx_1] = max(a[vy_1, vx_1] + a[vy_1 + 2, vx_1], 3.0)"
    `);
    const { y } = s.loops(c);
    const e = illegal(s, () => s.computeAt(b, y));
    expect(e.code).toBe("computeAt.dead-handle");
    expect(e.legal).toEqual(["c"]);
  });
  test("errors", () => {
    const { a, b, c, s } = chain();
    expect(condition(s, () => s.computeInline(c))).toEqual(["computeInline.output", 1]);
    expect(condition(s, () => s.reverseComputeInline(a))).toEqual(["reverseComputeInline.producer", 2]);
    expect(condition(s, () => s.reverseComputeInline(b))).toEqual(["reverseComputeInline.index", 3]);
    const g = relu();
    expect(condition(g.s, () => g.s.computeInline(g.C))).toEqual(["computeInline.reduction", 2]);
    expect(condition(g.s, () => g.s.reverseComputeInline(g.D))).toEqual(["reverseComputeInline.producer", 2]);
    expect(condition(g.s, () => g.s.reverseComputeInline(g.C))).toEqual(["reverseComputeInline.consumer", 1]);
    const X = placeholder("X", [6]);
    const p = compute("p", { i: 6 }, ({ i }) => X.at(i).mul(2));
    const q = compute("q", { i: 8 }, ({ i }) => where(i.ge(1).and(i.lt(7)), p.at(i.sub(1)), 0));
    const t = schedule(q);
    expect(condition(t, () => t.reverseComputeInline(q))).toEqual(["reverseComputeInline.index", 3]);
  });
});

describe("caches and scopes", () => {
  test("cacheRead of an input, of an intermediate", () => {
    const { C, B, D, s, before } = relu();
    const copy = s.cacheRead(C, B, "workspace");
    same(s, before);
    expect(nest(s)).toMatchInlineSnapshot(`
      "for k in 6:
        for j in 8:
          block B.workspace(vk = k, vj = j):
            B.workspace[vk, vj] = B[vk, vj]
      for i in 10:
        for j_1 in 8:
          for k_1 in 6:
            block C(vi = i, vj_1 = j_1, vk_1 (reduce) = k_1):
              init:
                C[vi, vj_1] = 0.0
              C[vi, vj_1] = C[vi, vj_1] + A[vi, vk_1] * B.workspace[vk_1, vj_1]
      for i_1 in 10:
        for j_2 in 8:
          block D(vi_1 = i_1, vj_2 = j_2):
            D[vi_1, vj_2] = max(C[vi_1, vj_2], 20.0)"
    `);
    expect(s.loopList(copy).map((l) => l.name)).toEqual(["k", "j"]);
    s.computeAt(s.cacheRead(D, C, "local"), s.loops(D).i);
    same(s, before);
  });
  test("cacheWrite, and of a tensor with an epilogue", () => {
    const { C, s, before } = gemm();
    const { compute: main, copy } = s.cacheWrite(C, "local");
    same(s, before);
    expect([main.name, copy.name]).toEqual(["C", "C.copy"]);
    const A = placeholder("A", [4, 5]);
    const E = compute("E", { i: 4 }, ({ i }) => sum({ k: 5 }, ({ k }) => A.at(i, k)).add(1));
    const t = schedule(E);
    const r = t.cacheWrite(E, "local");
    expect(r.copy).toBe(t.epilogue(E));
    expect(`${t}`).toContain("in local");
  });
  test("errors", () => {
    const { A, C, D, s } = relu();
    expect(condition(s, () => s.cacheRead(D, A, "workspace"))).toEqual(["cacheRead.not-read", 1]);
    expect(condition(s, () => s.cacheRead(C, C, "workspace"))).toEqual(["cacheRead.written", 2]);
    expect(condition(s, () => s.setScope(D, "local"))).toEqual(["setScope.output", 1]);
    expect(condition(s, () => s.setScope(C, "fast" as never))).toEqual(["setScope.scope", 2]);
    s.computeAt(C, s.loops(D).i);
    expect(condition(s, () => s.cacheRead(D, C, "local"))).toEqual(["cacheRead.not-complete", 3]);
    expect(condition(s, () => s.cacheWrite(C, "local"))).toEqual(["cacheWrite.read-inside", 2]);
    const g = gemm();
    g.s.decomposeReduction(g.C, g.s.loops(g.C).k);
    expect(condition(g.s, () => g.s.cacheWrite(g.C, "local"))).toEqual(["cacheWrite.writers", 1]);
  });
});

describe("decomposeReduction", () => {
  test("before any loop above the reduction", () => {
    const { C, s, before } = gemm();
    const { j } = s.loops(C);
    const init = s.decomposeReduction(C, j);
    same(s, before);
    expect(init.name).toBe("C.init");
    expect(nest(s)).toMatchInlineSnapshot(`
      "for i in 10:
        for j in 8:
          block C.init(vi = i, vj = j):
            C[vi, vj] = 0.0
        for j_1 in 8:
          for k in 6:
            block C(vi_1 = i, vj_1 = j_1, vk (reduce) = k):
              C[vi_1, vj_1] = C[vi_1, vj_1] + A[vi_1, vk] * B[vk, vj_1]"
    `);
  });
  test("errors", () => {
    const { C, s } = gemm();
    const { i, j, k } = s.loops(C);
    s.reorder(i, k, j);
    expect(condition(s, () => s.decomposeReduction(C, j))).toEqual(["decomposeReduction.carried-outside", 3]);
    s.decomposeReduction(C, k);
    expect(condition(s, () => s.decomposeReduction(C, k))).toEqual(["decomposeReduction.no-init", 1]);
    const t = relu();
    expect(condition(t.s, () => t.s.decomposeReduction(t.C, t.s.loops(t.D).i))).toEqual([
      "decomposeReduction.not-around",
      2,
    ]);
  });
  test("not around iterations that compute elements again", () => {
    const A = placeholder("A", [8, 3]);
    const P = compute("P", { i: 8 }, ({ i }) => sum({ k: 3 }, ({ k }) => A.at(i, k)));
    const Q = compute("Q", { i: 6 }, ({ i }) => P.at(i).add(P.at(i.add(2))));
    const s = schedule(Q);
    const { i } = s.loops(Q);
    s.computeAt(P, i);
    expect(condition(s, () => s.decomposeReduction(P, i))).toEqual(["decomposeReduction.revisits", 4]);
    expect(condition(s, () => s.vectorize(i))).toEqual(["vectorize.same-element", 5]);
  });
});

describe("handles, traces, chains", () => {
  test("a dead handle names its successors", () => {
    const { C, s } = gemm();
    const { i } = s.loops(C);
    const { io } = s.split(i, { io: "rest", ii: 4 });
    s.split(io, { ioo: "rest", ioi: 2 });
    const e = illegal(s, () => s.unroll(i));
    expect([e.code, e.legal]).toEqual(["unroll.dead-handle", ["ioo", "ioi", "ii"]]);
    expect(() => s.loops(C).i).toThrow(/gone since split; in its place: ioo, ioi, ii/);
    const other = gemm();
    expect(condition(s, () => s.unroll(other.s.loops(other.C).i))[0]).toBe("unroll.unknown-handle");
    expect(condition(s, () => s.loops(other.C))[0]).toBe("loops.unknown-handle");
  });
  test("copies go their own way", () => {
    const { C, s } = gemm();
    const t = s.copy();
    const { i } = s.loops(C);
    s.unroll(i);
    t.split(i, { io: "rest", ii: 2 });
    expect(s.trace.length).toBe(1);
    expect(s.loopList(C).map((l) => l.name)).toEqual(["i", "j", "k"]);
    expect(t.loopList(C).map((l) => l.name)).toEqual(["io", "ii", "j", "k"]);
  });
  test("a chain by names", () => {
    const { C, s, before } = gemm();
    const st = s
      .stage(C)
      .split("i", { io: "rest", ii: 4 })
      .split("j", { jo: "rest", ji: 4 })
      .reorder("io", "jo", "k", "ii", "ji")
      .vectorize("ji")
      .unroll("ii");
    expect(st.loops.jo.name).toBe("jo");
    same(s, before);
    const again = replay(JSON.parse(JSON.stringify(s.trace)), schedule(C));
    expect(`${again}`).toBe(`${s}`);
    expect(JSON.stringify(s.trace[2])).toBe(
      '{"primitive":"reorder","args":{"loops":["@0.io","@1.jo","C.k","@0.ii","@1.ji"]},"results":[]}',
    );
  });
  test("a failing tile changes nothing", () => {
    const { C, s } = gemm();
    const { i, k } = s.loops(C);
    illegal(s, () => s.tile(i, k, { a: "rest", b: 2 }, { c: "rest", d: 0 }));
  });
});

test("an init before loops that decide, by a branch, for which iterations there is a sum", () => {
  const X = placeholder("X", { a: 6, r: 5 });
  const V = compute("V", { a: 6 }, ({ a }) => sum({ r: 5 }, ({ r }) => X.at(a, r)));
  const s = schedule(V);
  const before = s.func;
  const { a, r } = s.loops(V);
  s.specialize(r, ({ a }) => a!.eq(4));
  const { ao } = s.split(a, { ao: "rest", ai: 2 });
  s.decomposeReduction(V, ao);
  same(s, before);
});
