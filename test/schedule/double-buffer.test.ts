import { describe, expect, it } from "vitest";
import { schedule } from "../../schedule/index.ts";
import { compute, placeholder, sum } from "../../te/index.ts";
import { nest, same } from "./helper.ts";

describe("doubleBuffer", () => {
  const product = (K = 32) => {
    const [A, B] = [placeholder("A", [6, K]), placeholder("B", [K, 9])];
    const C = compute("C", { i: 6, j: 9 }, ({ i, j }) => sum({ k: K }, ({ k }) => A.at(i, k).mul(B.at(k, j))));
    const s = schedule(C);
    const before = s.func;
    const { i, j, k } = s.loops(C);
    const { ko, ki } = s.split(k, { ko: "rest", ki: 8 });
    s.reorder(ko, i, j, ki);
    const copy = s.cacheRead(C, B, "workspace");
    s.computeAt(copy, ko);
    return { s, before, B, C, copy, ko, ki };
  };
  it("copies the next panel before this one is used", () => {
    const { s, before, copy, ko } = product();
    s.doubleBuffer(copy, ko);
    expect(`${s}`).toMatchInlineSnapshot(`
      "func C(A: f32[6, 32], B: f32[32, 9]) -> C: f32[6, 9]:
        buffer B.workspace: f32[4, 32, 9] in workspace, layout (ko, i0, i1) -> (ko % 2, i0 % 8, i1) of [2, 8, 9]
        for ko in 5:
          for k in 8:
            for j in 9:
              block B.workspace(vko = ko, vk = ko * 8 + k, vj = j) if ko < 4:  # stored at root
                B.workspace[vko, vk, vj] = B[vk, vj]
          for i in 6:
            for j_1 in 9:
              for ki in 8:
                block C(vi = i, vj_1 = j_1, vk_1 (reduce) = ko * 8 + ki - 8) if ko >= 1:
                  init:
                    C[vi, vj_1] = 0.0
                  C[vi, vj_1] = C[vi, vj_1] + A[vi, vk_1] * B.workspace[vk_1 // 8, vk_1, vj_1]"
    `);
    same(s, before);
  });
  it("takes the innermost loop around all of them, and tails", () => {
    const { s, before, C, copy, ko } = product(29);
    s.doubleBuffer(copy);
    s.decomposeReduction(C, ko);
    same(s, before);
    expect(`${s}`).toContain("ko % 2");
  });
  it("blocks that it needs run ahead with it", () => {
    const X = placeholder("X", [12, 4]);
    const a = compute("a", { y: 12, x: 4 }, ({ y, x }) => X.at(y, x).mul(2));
    const b = compute("b", { y: 12, x: 4 }, ({ y, x }) => a.at(y, x).add(1));
    const c = compute("c", { y: 12, x: 4 }, ({ y, x }) => b.at(y, x).mul(3));
    const s = schedule(c);
    const before = s.func;
    const { y } = s.loops(c);
    s.computeAt(b, y);
    s.computeAt(a, y);
    s.doubleBuffer(b, y);
    expect(nest(s)).toMatchInlineSnapshot(`
      "for y in 13:
        for x in 4:
          block a(vy = y, vx = x) if y < 12:
            a[vy, vx] = X[vy, vx] * 2.0
        for x_1 in 4:
          block b(vy_1 = y, vy_2 = y, vx_1 = x_1) if y < 12:  # stored at root
            b[vy_1, vy_2, vx_1] = a[vy_2, vx_1] + 1.0
        for x_2 in 4:
          block c(vy_3 = y - 1, vx_2 = x_2) if y >= 1:
            c[vy_3, vx_2] = b[vy_3, vy_3, vx_2] * 3.0"
    `);
    same(s, before);
    // c would read what this iteration made, not the one before
    expect(() => s.computeInline(b)).toThrow(/computeInline.* a is kept from one iteration of a loop to later ones/);
    same(s, before);
  });
  it("two at once", () => {
    const { s, before, C, copy, ko } = product();
    const other = s.cacheRead(C, "A", "workspace");
    s.computeAt(other, ko);
    s.doubleBuffer(copy, ko);
    s.doubleBuffer(other, ko);
    same(s, before);
  });
});

it("foldStorage keeps the notes of the loop that gets shorter", () => {
  const X = placeholder("X", [14, 8]);
  const a = compute("a", { y: 14, x: 8 }, ({ y, x }) => X.at(y, x).mul(2));
  const b = compute("b", { y: 12, x: 8 }, ({ y, x }) =>
    a
      .at(y, x)
      .add(a.at(y.add(1), x))
      .add(a.at(y.add(2), x)),
  );
  const s = schedule(b);
  const before = s.func;
  const { yo } = s.split(s.loops(b).y, { yo: "rest", yi: 4 });
  s.computeAt(a, yo);
  const { y } = s.loops(a);
  s.annotate(y, "team", 2);
  s.foldStorage(a, yo);
  same(s, before);
  expect(nest(s)).toContain("for y in 4:  # team: 2");
});
