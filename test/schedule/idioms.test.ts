/** Schedules that people write, which must be accepted and right. */
import { expect, test } from "vitest";
import { type Loop, type Schedule, schedule } from "../../schedule/index.ts";
import { pack, registerTile, unrollAndVectorize } from "../../schedule/library/index.ts";
import { compute, dim, max, placeholder, scan, sum, where } from "../../te/index.ts";
import { nest, same } from "./helper.ts";

type Any = Schedule<unknown>;
const any = (s: unknown): Any => s as Any;

function blur(H = 9, W = 12) {
  const X = placeholder("X", [H + 2, W + 2], "u16");
  const bx = compute("bx", { y: H + 2, x: W }, ({ y, x }) =>
    X.at(y, x)
      .add(X.at(y, x.add(1)))
      .add(X.at(y, x.add(2))),
  );
  const by = compute("by", { y: H, x: W }, ({ y, x }) =>
    bx
      .at(y, x)
      .add(bx.at(y.add(1), x))
      .add(bx.at(y.add(2), x)),
  );
  const s = schedule(by);
  return { bx, by, s, before: s.func };
}
const BLURS: Record<string, (b: ReturnType<typeof blur>) => void> = {
  inline: ({ s, bx }) => s.computeInline(bx),
  "per row": ({ s, bx, by }) => void s.computeAt(bx, s.loops(by).y),
  "per strip of rows, vectors": ({ s, bx, by }) => {
    const { yo } = s.split(s.loops(by).y, { yo: "rest", yi: 4 });
    const { x } = s.computeAt(bx, yo);
    s.vectorize(x, 8);
    s.vectorize(s.loops(by).x, 8);
  },
  "per tile": ({ s, bx, by }) => {
    const { y, x } = s.loops(by);
    const { xo, xi } = s.tile(y, x, { yo: "rest", yi: 4 }, { xo: "rest", xi: 8 });
    s.computeAt(bx, xo);
    s.vectorize(xi);
    s.vectorize(s.loops(bx).x);
  },
  "stored per strip, computed per row": ({ s, bx, by }) => {
    const { yo, yi } = s.split(s.loops(by).y, { yo: "rest", yi: 4 }, { tail: "peel" });
    s.computeAt(bx, yi);
    s.storeAt(bx, yo);
  },
};
test.each(Object.keys(BLURS))("blur, %s", (name) => {
  const b = blur();
  BLURS[name]!(b);
  same(any(b.s), b.before);
});

function gemm(M = 13, N = 12, K = 10) {
  const A = placeholder("A", { i: M, k: K });
  const B = placeholder("B", { k: K, j: N });
  const C = compute("C", { i: M, j: N }, ({ i, j }) => sum({ k: K }, ({ k }) => A.at(i, k).mul(B.at(k, j))));
  const s = schedule(C);
  return { A, B, C, s, before: s.func };
}
test.each(["jo", "io", "ko", "k"])("a panel of B packed at %s", (at) => {
  const { B, C, s, before } = gemm();
  const { k } = s.loops(C);
  const { outer, inner } = registerTile(s, C, { i: 4, j: 8 });
  const { ko, ki } = s.split(k, { ko: "rest", ki: 4 });
  s.reorder(outer.j, ko, outer.i, ki, inner.i, inner.j);
  const loop = ({ jo: outer.j, io: outer.i, ko, k: ki } as Record<string, Loop>)[at]!;
  const copy = pack(s, C, B, loop);
  unrollAndVectorize(s, copy);
  unrollAndVectorize(s, C);
  same(any(s), before);
});
test("both operands packed, blocked over K, accumulators in registers per block of K", () => {
  const { A, B, C, s, before } = gemm();
  const { k } = s.loops(C);
  const { outer, inner } = registerTile(s, C, { i: 4, j: 8 }, { tail: "peel" });
  s.reorder(outer.j, outer.i);
  const { ki } = s.split(k, { ko: "rest", ki: 5 });
  pack(s, C, B, outer.j);
  pack(s, C, A, outer.i);
  const { copy } = s.cacheWrite(C, "local");
  s.reverseComputeAt(copy, outer.i);
  const init = s.decomposeReduction(C, s.loopList(C).find((l) => l.name === "ko")!);
  s.unroll(ki);
  for (const b of [C, init, copy]) unrollAndVectorize(s, b);
  same(any(s), before);
  expect(inner.i.name).toBe("ii");
});
test("an epilogue written from registers", () => {
  const A = placeholder("A", [13, 10]);
  const B = placeholder("B", [10, 12]);
  const bias = placeholder("bias", { j: 12 });
  const C = compute("C", { i: 13, j: 12 }, ({ i, j }) =>
    sum({ k: 10 }, ({ k }) => A.at(i, k).mul(B.at(k, j)))
      .add(bias.at(j))
      .max(0),
  );
  const s = schedule(C);
  const before = s.func;
  const { outer } = registerTile(s, C, { i: 6, j: 8 });
  const { copy } = s.cacheWrite(C, "local");
  s.reverseComputeAt(copy, outer.j);
  const init = s.decomposeReduction(C, s.loops(C).k);
  for (const b of [C, init, copy]) unrollAndVectorize(s, b);
  same(any(s), before);
  expect(nest(any(s))).toMatchInlineSnapshot(`
    "for io in 3:
      for jo in 2:
        unrolled ii in 6:
          vectorized ji in 8:
            block C.acc.init(vi = io * 6 + ii, vj = jo * 8 + ji) if io * 6 + ii < 13 & jo * 8 + ji < 12:
              C.acc[vi, vj] = 0.0
        for k in 10:
          unrolled ii_1 in 6:
            vectorized ji_1 in 8:
              block C.acc(vi_1 = io * 6 + ii_1, vj_1 = jo * 8 + ji_1, vk (reduce) = k) if io * 6 + ii_1 < 13 & jo * 8 + ji_1 < 12:
                C.acc[vi_1, vj_1] = C.acc[vi_1, vj_1] + A[vi_1, vk] * B[vk, vj_1]
        unrolled i in 6:
          vectorized j in 8:
            block C.out(vi_2 = io * 6 + i, vj_2 = jo * 8 + j) if io * 6 + i < 13 & jo * 8 + j < 12:
              C[vi_2, vj_2] = max(C.acc[vi_2, vj_2] + bias[vj_2], 0.0)"
  `);
});
test("a convolution with padding, weights cached, bias and relu", () => {
  const [H, W, CI, CO] = [7, 9, 3, 8];
  const X = placeholder("X", [H, W, CI]);
  const K = placeholder("K", [3, 3, CI, CO]);
  const P = compute("P", { h: H + 2, w: W + 2, c: CI }, ({ h, w, c }) =>
    where(
      h
        .ge(1)
        .and(h.lt(H + 1))
        .and(w.ge(1))
        .and(w.lt(W + 1)),
      X.at(h.sub(1), w.sub(1), c),
      0,
    ),
  );
  const Y = compute("Y", { y: H, x: W, o: CO }, ({ y, x, o }) =>
    sum({ dy: 3, dx: 3, ci: CI }, ({ dy, dx, ci }) => P.at(y.add(dy), x.add(dx), ci).mul(K.at(dy, dx, ci, o)))
      .max(0)
      .min(600),
  );
  const s = schedule(Y);
  const before = s.func;
  const { outer } = registerTile(s, Y, { x: 4, o: 4 });
  s.computeAt(P, outer.x);
  pack(s, Y, K, outer.o);
  const { copy } = s.cacheWrite(Y, "local");
  s.reverseComputeAt(copy, outer.o);
  const init = s.decomposeReduction(Y, s.loops(Y).dy);
  for (const b of [Y, init, copy]) unrollAndVectorize(s, b);
  same(any(s), before);
});
test("rows of a softmax, fused", () => {
  const [M, N] = [5, 7];
  const X = placeholder("X", [M, N]);
  const mx = compute("mx", { i: M }, ({ i }) => max({ k: N }, ({ k }) => X.at(i, k)));
  const ex = compute("ex", { i: M, j: N }, ({ i, j }) => X.at(i, j).sub(mx.at(i)).abs());
  const sm = compute("sm", { i: M }, ({ i }) => sum({ k: N }, ({ k }) => ex.at(i, k)));
  const so = compute("so", { i: M, j: N }, ({ i, j }) => ex.at(i, j).mul(sm.at(i)));
  const s = schedule(so);
  const before = s.func;
  const { i } = s.loops(so);
  s.computeAt(sm, i);
  s.computeAt(ex, i);
  s.computeAt(mx, i);
  same(any(s), before);
  expect(nest(any(s))).toMatchInlineSnapshot(`
    "for i in 5:
      for k in 7:
        block mx(vi = i, vk (reduce) = k):
          init:
            mx[vi] = -Infinity
          mx[vi] = max(mx[vi], X[vi, vk])
      for j in 7:
        block ex(vi_1 = i, vj = j):
          ex[vi_1, vj] = abs(X[vi_1, vj] - mx[vi_1])
      for k_1 in 7:
        block sm(vi_2 = i, vk_1 (reduce) = k_1):
          init:
            sm[vi_2] = 0.0
          sm[vi_2] = sm[vi_2] + ex[vi_2, vk_1]
      for j_1 in 7:
        block so(vi_3 = i, vj_1 = j_1):
          so[vi_3, vj_1] = ex[vi_3, vj_1] * sm[vi_3]"
  `);
  const t = schedule(so);
  const { i: row } = t.loops(mx);
  t.reverseComputeAt(ex, row);
  t.reverseComputeAt(sm, row);
  t.reverseComputeAt(so, row);
  same(any(t), before);
  expect(nest(any(t)).replace(/_\d/g, "")).toBe(nest(any(s)).replace(/_\d/g, ""));
});
test("a scan in strips of its state, with what it reads made on the way", () => {
  const X = placeholder("X", [6, 10]);
  const U = compute("U", { t: 6, i: 10 }, ({ t, i }) => X.at(t, i).mul(2));
  const S = scan(
    "S",
    { t: 6 },
    { i: 10 },
    { init: ({ i }) => U.at(0, i), step: ({ t, i }, p) => p(i).add(U.at(t, i)) },
  );
  const s = schedule(S);
  const before = s.func;
  const { t, i } = s.loops(S);
  const { io, ii } = s.split(i, { io: "rest", ii: 4 });
  s.reorder(io, t, ii);
  s.computeAt(U, t);
  s.vectorize(ii);
  same(any(s), before);
});
test("symbolic sizes all the way", () => {
  const m = dim("m", { min: 0, max: 64 });
  const n = dim("n", { min: 0, max: 64 });
  const k = dim("k", { min: 0, max: 64 });
  const A = placeholder("A", [m, k]);
  const B = placeholder("B", { k, j: n });
  const C = compute("C", { i: m, j: n }, ({ i, j }) => sum({ k }, (v) => A.at(i, v.k).mul(B.at(v.k, j))));
  const s = schedule(C);
  const before = s.func;
  const { outer } = registerTile(s, C, { i: 4, j: 8 }, { tail: "peel" });
  s.reorder(outer.j, outer.i);
  pack(s, C, B, outer.j);
  const { copy } = s.cacheWrite(C, "local");
  s.reverseComputeAt(copy, outer.i);
  const init = s.decomposeReduction(C, s.loops(C).k);
  for (const b of [C, init, copy]) unrollAndVectorize(s, b);
  same(any(s), before, [
    { m: 0, n: 3, k: 2 },
    { m: 5, n: 9, k: 0 },
    { m: 5, n: 9, k: 3 },
    { m: 8, n: 16, k: 4 },
  ]);
  expect(nest(any(s))).toMatchInlineSnapshot(`
    "for jo in (n + 7) // 8:
      for k_1 in k:
        for j in 8:  # tail: peel
          block B.workspace(vk = k_1, vj = jo * 8 + j) if jo * 8 + j < n:
            B.workspace[vk, vj] = B[vk, vj]
      for io in (m + 3) // 4:
        unrolled ii in 4:  # tail: peel
          vectorized ji in 8:  # tail: peel
            block C.init(vi = io * 4 + ii, vj_1 = jo * 8 + ji) if io * 4 + ii < m & jo * 8 + ji < n:
              C.local[vi, vj_1] = 0.0
        for k_2 in k:
          unrolled ii_1 in 4:  # tail: peel
            vectorized ji_1 in 8:  # tail: peel
              block C(vi_1 = io * 4 + ii_1, vj_2 = jo * 8 + ji_1, vk_1 (reduce) = k_2) if io * 4 + ii_1 < m & jo * 8 + ji_1 < n:
                C.local[vi_1, vj_2] = C.local[vi_1, vj_2] + A[vi_1, vk_1] * B.workspace[vk_1, vj_2]
        unrolled i in 4:  # tail: peel
          vectorized j_1 in 8:  # tail: peel
            block C.copy(vi_2 = io * 4 + i, vj_3 = jo * 8 + j_1) if io * 4 + i < m & jo * 8 + j_1 < n:
              C[vi_2, vj_3] = C.local[vi_2, vj_3]"
  `);
});
test("a transposed copy through its consumer, and inlined backwards", () => {
  const X = placeholder("X", [5, 6]);
  const a = compute("a", { i: 5, j: 6 }, ({ i, j }) => X.at(i, j).add(1));
  const b = compute("b", { p: 6, q: 5 }, ({ p, q }) => a.at(q, p).mul(3));
  const s = schedule(b);
  const before = s.func;
  s.reverseComputeInline(b);
  same(any(s), before);
  expect(nest(any(s))).toMatchInlineSnapshot(`
    "for i in 5:
      for j in 6:
        block b(vi = i, vj = j):
          b[vj, vi] = (X[vi, vj] + 1.0) * 3.0"
  `);
});
test("a long row becomes a loop over vectors", () => {
  const X = placeholder("X", [3, 200]);
  const a = compute("a", { i: 3, j: 200 }, ({ i, j }) => X.at(i, j).add(1));
  const s = schedule(a);
  const before = s.func;
  unrollAndVectorize(s, a);
  same(any(s), before);
  expect(nest(any(s))).toMatchInlineSnapshot(`
    "for i in 3:
      for jo in 13:
        vectorized ji in 16:
          block a(vi = i, vj = jo * 16 + ji) if jo * 16 + ji < 200:
            a[vi, vj] = X[vi, vj] + 1.0"
  `);
});
