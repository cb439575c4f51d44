import { describe, expect, test } from "vitest";
import { schedule } from "../../schedule/index.ts";
import { readProblem } from "../../schedule/regions.ts";
import { rewrite, treeOf } from "../../schedule/tree.ts";
import { type Func, int, NOTHING, sub } from "../../src/ir/index.ts";
import { compute, placeholder } from "../../te/index.ts";
import { illegal, nest } from "./helper.ts";
import { condition, gemm, stages, works } from "./versions.ts";

describe("twins and the other primitives", () => {
  /** Q in two versions inside y; P is read by both. */
  function both() {
    const t = stages();
    const { y, x } = t.s.loops(t.Q);
    const { cold } = t.s.specialize(x, ({ y }) => y.ge(2));
    return { ...t, y, x, cold };
  }
  test("computeAt: at a loop around both sides, before the branch", () => {
    const { P, s, y, x, before, sizes } = both();
    const e = illegal(s, () => s.computeAt(P, x));
    expect([e.code, e.legal]).toEqual(["computeAt.consumers", ["computeAt(P, y of Q)", "computeInline(P)"]]);
    s.computeAt(P, y);
    expect(nest(s)).toMatchInlineSnapshot(`
      "for y in h:
        for y_1 in 2:
          for x in w:
            block P(vy = y + y_1, vx = x):
              P[vy, vx] = X[vy, vx] * 2.0
        if y >= 2:
          for x_1 in w:
            block Q(vy_1 = y, vx_1 = x_1):
              Q[vy_1, vx_1] = P[vy_1, vx_1] + P[vy_1 + 1, vx_1]
        else:
          for x_2 in w:
            block Q.cold(vy_2 = y, vx_2 = x_2):
              Q[vy_2, vx_2] = P[vy_2, vx_2] + P[vy_2 + 1, vx_2]"
    `);
    works(s, before, sizes);
  });
  test("computeInline: into both sides", () => {
    const { P, s, before, sizes } = both();
    s.computeInline(P);
    works(s, before, sizes);
  });
  test("cacheRead: beside the block that reads it", () => {
    const { w, X, P, s, before, sizes } = stages();
    const { cold } = s.specialize(s.loops(P).y, w.ge(4));
    const copy = s.cacheRead(P, X, "workspace");
    s.computeAt(copy, s.loops(P).y);
    expect(nest(s)).toMatchInlineSnapshot(`
      "if w >= 4:
        for y in h + 1:
          for x in w:
            block X.workspace(vy = y, vx = x):
              X.workspace[vy, vx] = X[vy, vx]
          for x_1 in w:
            block P(vy_1 = y, vx_1 = x_1):
              P[vy_1, vx_1] = X.workspace[vy_1, vx_1] * 2.0
      else:
        for y_1 in h + 1:
          for x_2 in w:
            block P.cold(vy_2 = y_1, vx_2 = x_2):
              P[vy_2, vx_2] = X[vy_2, vx_2] * 2.0
      for y_2 in h:
        for x_3 in w:
          block Q(vy_3 = y_2, vx_3 = x_3):
            Q[vy_3, vx_3] = P[vy_3, vx_3] + P[vy_3 + 1, vx_3]"
    `);
    expect(condition(s, () => s.computeAt(copy, cold.loops(P).y))).toEqual(["computeAt.consumers", 3]);
    works(s, before, sizes);
  });
  test("one side's own blocks move inside it", () => {
    const { w, P, Q, s, before, sizes } = stages();
    const { y } = s.loops(Q);
    s.computeAt(P, y);
    const { hot, cold } = s.specialize(y, w.ge(4));
    s.computeAt(P, s.loops(Q).x);
    s.storeAt(cold.block(P), cold.loop(y));
    s.setScope(hot.block(P), "local");
    works(s, before, sizes);
  });
  test("twins are not moved alone", () => {
    const { w, P, Q, s } = stages();
    s.specialize(s.loops(P).y, w.ge(4));
    expect(condition(s, () => s.computeAt(P, s.loops(Q).y))).toEqual(["computeAt.writers", 1]);
    expect(condition(s, () => s.computeInline(P))).toEqual(["computeInline.writers", 3]);
    expect(condition(s, () => s.reverseComputeAt(Q, s.loops(P).y))).toEqual(["reverseComputeAt.reads", 6]);
    expect(condition(s, () => s.reverseComputeInline(Q))).toEqual(["reverseComputeInline.producer", 2]);
  });
  test("setScope: memory that twins share", () => {
    const { w, P, s, before, sizes } = stages();
    const { cold } = s.specialize(s.loops(P).y, w.ge(4));
    s.setScope(cold.block(P), "workspace");
    expect(s.func.intermediates.map((b) => [b.name, b.scope])).toEqual([["P", "workspace"]]);
    works(s, before, sizes);
  });
  test("cacheWrite: on one side of a branch, but not in one part of a range", () => {
    const { n, C, s, before, sizes } = gemm();
    const { i } = s.loops(C);
    s.specialize(i, n.mod(8).eq(0));
    const { copy } = s.cacheWrite(C, "local");
    const { jo, ji } = s.split(s.loops(C).j, { jo: "rest", ji: 8 });
    s.reorder(i, jo, s.loops(C).k, ji);
    s.reverseComputeAt(copy, jo);
    s.vectorize(ji);
    works(s, before, sizes);
    const t = gemm();
    t.s.partition(t.s.loops(t.C).i, { first: 2, body: "rest" });
    const e = illegal(t.s, () => t.s.cacheWrite(t.C, "local"));
    expect([e.code, e.condition, e.legal.at(-1)]).toEqual([
      "cacheWrite.writers",
      1,
      "cacheWrite before specialize and partition",
    ]);
  });
  test("decomposeReduction: on one side; the condition guards an init outside of the branch", () => {
    const { n, C, s, before, sizes } = gemm();
    const { i, j, k } = s.loops(C);
    const { cold } = s.specialize(j, ({ i }) => i.ge(2));
    s.decomposeReduction(C, k);
    s.decomposeReduction(cold.block(C), i);
    expect(nest(s)).toMatchInlineSnapshot(`
      "for i in m:
        for j in n:
          block C.cold.init(vi = i, vj = j) if i < 2:
            C[vi, vj] = 0.0
      for i_1 in m:
        if i_1 >= 2:
          for j_1 in n:
            block C.init(vi_1 = i_1, vj_1 = j_1):
              C[vi_1, vj_1] = 0.0
            for k_1 in k:
              block C(vi_2 = i_1, vj_2 = j_1, vk (reduce) = k_1):
                C[vi_2, vj_2] = C[vi_2, vj_2] + A[vi_2, vk] * B[vk, vj_2]
        else:
          for j_2 in n:
            for k_2 in k:
              block C.cold(vi_3 = i_1, vj_3 = j_2, vk_1 (reduce) = k_2):
                C[vi_3, vj_3] = C[vi_3, vj_3] + A[vi_3, vk_1] * B[vk_1, vj_3]"
    `);
    works(s, before, sizes);
    s.specialize(j, n.ge(16));
    works(s, before, sizes);
  });
  test("reorder and fuse: not across a branch", () => {
    const { s, y, x, Q } = both();
    const e = illegal(s, () => s.reorder(x, y));
    expect([e.code, e.condition]).toEqual(["reorder.chain", 2]);
    expect(e.message).toMatch("loop x is not in one chain with y: inside y stands a branch on y >= 2");
    expect(condition(s, () => s.fuse(y, x))).toEqual(["fuse.not-nested", 2]);
    expect(s.ownLoops(Q)).toEqual([x]);
  });
  test("reverseComputeAt: after a branch whose sides make what is read", () => {
    const X = placeholder("X", [6, 8]);
    const A = compute("A", { i: 6, j: 8 }, ({ i, j }) => X.at(i, j).add(1));
    const B = compute("B", { i: 6, j: 8 }, ({ i, j }) => A.at(i, j).mul(3));
    const s = schedule(B);
    const before = s.func;
    const { i, j } = s.loops(A);
    s.specialize(j, ({ i }) => i.mod(2).eq(0));
    s.reverseComputeAt(B, i);
    expect(nest(s)).toMatchInlineSnapshot(`
      "for i in 6:
        if i % 2 == 0:
          for j in 8:
            block A(vi = i, vj = j):
              A[vi, vj] = X[vi, vj] + 1.0
        else:
          for j_1 in 8:
            block A.cold(vi_1 = i, vj_1 = j_1):
              A[vi_1, vj_1] = X[vi_1, vj_1] + 1.0
        for j_2 in 8:
          block B(vi_2 = i, vj_2 = j_2):
            B[vi_2, vj_2] = A[vi_2, vj_2] * 3.0"
    `);
    works(s, before);
  });
  /** Planes of A and B in one loop. */
  function planes() {
    const X = placeholder("X", [4, 6, 8]);
    const A = compute("A", { b: 4, i: 6, j: 8 }, ({ b, i, j }) => X.at(b, i, j).add(1));
    const B = compute("B", { b: 4, i: 6, j: 8 }, ({ b, i, j }) => A.at(b, i, j).mul(3));
    const s = schedule(B);
    const before = s.func;
    s.reverseComputeAt(B, s.loops(A).i);
    return { A, B, s, before };
  }
  test("reverseComputeAt: on one side of a branch inside a loop", () => {
    const { A, B, s, before } = planes();
    s.specialize(s.loops(A).i, ({ b }) => b.lt(2));
    s.reverseComputeAt(B, s.loops(A).j);
    expect(nest(s)).toMatchInlineSnapshot(`
      "for b in 4:
        if b < 2:
          for i in 6:
            for j in 8:
              block A(vb = b, vi = i, vj = j):
                A[vb, vi, vj] = X[vb, vi, vj] + 1.0
              block B(vb_1 = b, vi_1 = i, vj_1 = j):
                B[vb_1, vi_1, vj_1] = A[vb_1, vi_1, vj_1] * 3.0
        else:
          for i_1 in 6:
            for j_1 in 8:
              block A.cold(vb_2 = b, vi_2 = i_1, vj_2 = j_1):
                A.cold[vb_2, vi_2, vj_2] = X[vb_2, vi_2, vj_2] + 1.0
            for j_2 in 8:
              block B.cold(vb_3 = b, vi_3 = i_1, vj_3 = j_2):
                B[vb_3, vi_3, vj_3] = A.cold[vb_3, vi_3, vj_3] * 3.0"
    `);
    works(s, before);
  });
  test("reverseComputeInline: in one part of a range", () => {
    const { A, B, s, before } = planes();
    const { top } = s.partition(s.loops(A).b, { top: 1, body: "rest" });
    expect(condition(s, () => s.reverseComputeAt(B, s.loops(A).j))).toEqual(["reverseComputeAt.kind", 4]);
    s.reverseComputeInline(top.block(B));
    s.reverseComputeInline(B);
    expect(nest(s)).toMatchInlineSnapshot(`
      "for b in 1:
        for i in 6:
          for j in 8:
            block B.top(vb = b, vi = i, vj = j):
              B[vb, vi, vj] = (X[vb, vi, vj] + 1.0) * 3.0
      for b_1 in 3:
        for i_1 in 6:
          for j_1 in 8:
            block B(vb_1 = b_1 + 1, vi_1 = i_1, vj_1 = j_1):
              B[vb_1, vi_1, vj_1] = (X[vb_1, vi_1, vj_1] + 1.0) * 3.0"
    `);
    works(s, before);
  });
});

describe("what twins have written together", () => {
  /** P's rows for a tile of Q, computed there; the loops around can only be turned if each tile finds what it reads. */
  function tiles(cut: (t: ReturnType<typeof stages>) => unknown) {
    const t = stages();
    const { s, P, Q } = t;
    const { y, x } = s.loops(Q);
    const { yo, xo } = s.tile(y, x, { yo: "rest", yi: 4 }, { xo: "rest", xi: 4 });
    s.computeAt(P, xo);
    cut(t);
    const step = (): void => s.reorder(xo, yo);
    return { ...t, step };
  }
  test("parts of a range", () => {
    const { s, step, before, sizes } = tiles(({ s, P }) => s.partition(s.loops(P).y, { top: 1, body: "rest", end: 2 }));
    step();
    works(s, before, sizes);
  });
  const cuts: readonly (readonly [string, (t: ReturnType<typeof stages>) => unknown])[] = [
    ["a size", ({ s, P, w }) => s.specialize(s.loops(P).y, w.mod(4).eq(0))],
    ["a loop around", ({ s, P }) => s.specialize(s.loops(P).y, ({ yo }) => yo!.lt(1))],
    ["a loop that runs", ({ s, P }) => s.specialize(s.loops(P).x, ({ y }) => y.ge(1))],
    ["both loops", ({ s, P }) => s.specialize(s.loops(P).x, ({ y, yo }) => y.add(yo!).mod(2).eq(0))],
  ];
  test.each(cuts)("sides of a branch on %s", (_, cut) => {
    const { s, step, before, sizes } = tiles(cut);
    step();
    works(s, before, sizes);
  });
  test("both, inside each other", () => {
    const { s, step, before, sizes } = tiles(({ s, P, w }) => {
      const { top } = s.partition(s.loops(P).y, { top: 1, body: "rest" });
      s.specialize(s.loops(P).x, ({ y }) => y.mod(2).eq(0));
      s.specialize(top.loops(P).x, w.ge(4));
      s.specialize(s.loops(P).y, ({ yo }) => yo!.ge(1));
    });
    step();
    works(s, before, sizes);
  });
  test("a side or a part that is missing is missed", () => {
    const problem = (f: Func): string | undefined => {
      const all = [...treeOf(f).blocks.values()];
      return readProblem(all, all.find((p) => p.node.id.name === "Q")!)?.why;
    };
    const sides = tiles(({ s, P, w }) => s.specialize(s.loops(P).y, w.mod(4).eq(0)));
    const one = rewrite(sides.s.func.body, (x) => (x.kind === "if" ? { ...x, otherwise: NOTHING } : x));
    expect(problem(sides.s.func)).toBeUndefined();
    expect(problem({ ...sides.s.func, body: one })).toBe("Q would read P, which P computes only if w % 4 == 0");
    const parts = tiles(({ s, P }) => s.partition(s.loops(P).y, { top: 1, body: "rest", end: 2 }));
    expect(problem(parts.s.func)).toBeUndefined();
    for (const gone of ["P.top", "P", "P.end"]) {
      const some = rewrite(parts.s.func.body, (x) => (x.kind === "block" && x.id.name === gone ? NOTHING : x));
      expect(problem({ ...parts.s.func, body: some }), gone).toMatch(/^can't prove that P/);
    }
    // what one side leaves out, on a condition that changes inside
    const inner = tiles(({ s, P }) => s.specialize(s.loops(P).x, ({ y }) => y.mod(2).eq(0)));
    const short = rewrite(inner.s.func.body, (x) => {
      if (x.kind !== "if" || x.otherwise?.kind !== "for") return x;
      return { ...x, otherwise: { ...x.otherwise, extent: sub(x.otherwise.extent, int(1)) } };
    });
    expect(problem(inner.s.func)).toBeUndefined();
    expect(problem({ ...inner.s.func, body: short })).toMatch(/can't prove/);
  });
});
