import { expect, test } from "vitest";
import { replay, schedule } from "../../schedule/index.ts";
import { pack, registerTile, unrollAndVectorize } from "../../schedule/library/index.ts";
import { compute, placeholder, sum } from "../../te/index.ts";
import { nest, same } from "./helper.ts";

function gemm(M: number, N: number, K: number) {
  const A = placeholder("A", [M, K]);
  const B = placeholder("B", [K, N]);
  const C = compute("C", { i: M, j: N }, ({ i, j }) => sum({ k: K }, ({ k }) => A.at(i, k).mul(B.at(k, j))));
  return { A, B, C };
}

test("the program of the design", () => {
  const { B, C } = gemm(20, 16, 12);
  const s = schedule(C);
  const before = s.func;
  const { i, j, k } = s.loops(C);
  const { io, ii } = s.split(i, { io: "rest", ii: 6 }, { tail: "peel" });
  const { jo, ji } = s.split(j, { jo: "rest", ji: 8 });
  s.reorder(jo, io, k, ii, ji);
  same(s, before);
  s.computeAt(s.cacheRead(C, B, "workspace"), jo);
  same(s, before);
  const { copy } = s.cacheWrite(C, "local");
  same(s, before);
  s.reverseComputeAt(copy, io);
  same(s, before);
  const init = s.decomposeReduction(C, k);
  same(s, before);
  for (const b of [C, init, copy]) unrollAndVectorize(s, b);
  same(s, before);
  expect(nest(s)).toMatchInlineSnapshot(`
    "for jo in 2:
      for k in 12:
        for j in 8:
          block B.workspace(vk = k, vj = jo * 8 + j):
            B.workspace[vk, vj] = B[vk, vj]
      for io in 4:
        unrolled ii in 6:  # tail: peel
          vectorized ji in 8:
            block C.init(vi = io * 6 + ii, vj_1 = jo * 8 + ji) if io * 6 + ii < 20:
              C.local[vi, vj_1] = 0.0
        for k_1 in 12:
          unrolled ii_1 in 6:  # tail: peel
            vectorized ji_1 in 8:
              block C(vi_1 = io * 6 + ii_1, vj_2 = jo * 8 + ji_1, vk_1 (reduce) = k_1) if io * 6 + ii_1 < 20:
                C.local[vi_1, vj_2] = C.local[vi_1, vj_2] + A[vi_1, vk_1] * B.workspace[vk_1, vj_2]
        unrolled i in 6:  # tail: peel
          vectorized j_1 in 8:
            block C.copy(vi_2 = io * 6 + i, vj_3 = jo * 8 + j_1) if io * 6 + i < 20:
              C[vi_2, vj_3] = C.local[vi_2, vj_3]"
  `);
  const again = replay(JSON.parse(JSON.stringify(s.trace)), schedule(C));
  expect(`${again}`).toBe(`${s}`);
});

test("the same from recipes, with sizes that do not divide", () => {
  const { B, C } = gemm(19, 13, 5);
  const s = schedule(C);
  const before = s.func;
  const { outer } = registerTile(s, C, { i: 4, j: 8 });
  s.reorder(outer.j, outer.i);
  pack(s, C, B, outer.j);
  const { copy } = s.cacheWrite(C, "local");
  s.reverseComputeAt(copy, outer.i);
  const init = s.decomposeReduction(C, s.loops(C).k);
  for (const b of [C, init, copy]) unrollAndVectorize(s, b);
  same(s, before);
  expect(nest(s)).toMatchInlineSnapshot(`
    "for jo in 2:
      for k in 5:
        for j in 8:
          block B.workspace(vk = k, vj = jo * 8 + j) if jo * 8 + j < 13:
            B.workspace[vk, vj] = B[vk, vj]
      for io in 5:
        unrolled ii in 4:
          vectorized ji in 8:
            block C.init(vi = io * 4 + ii, vj_1 = jo * 8 + ji) if io * 4 + ii < 19 & jo * 8 + ji < 13:
              C.local[vi, vj_1] = 0.0
        for k_1 in 5:
          unrolled ii_1 in 4:
            vectorized ji_1 in 8:
              block C(vi_1 = io * 4 + ii_1, vj_2 = jo * 8 + ji_1, vk_1 (reduce) = k_1) if io * 4 + ii_1 < 19 & jo * 8 + ji_1 < 13:
                C.local[vi_1, vj_2] = C.local[vi_1, vj_2] + A[vi_1, vk_1] * B.workspace[vk_1, vj_2]
        unrolled i in 4:
          vectorized j_1 in 8:
            block C.copy(vi_2 = io * 4 + i, vj_3 = jo * 8 + j_1) if io * 4 + i < 19 & jo * 8 + j_1 < 13:
              C[vi_2, vj_3] = C.local[vi_2, vj_3]"
  `);
});
