import { describe, expect, it } from "vitest";
import { schedule } from "../../schedule/index.ts";
import { compute, dim, placeholder, scan, sum, where } from "../../te/index.ts";
import { nest, same } from "./helper.ts";

describe("blockize", () => {
  it("puts a tile into the body of its block", () => {
    const X = placeholder("X", [8, 12]);
    const Y = compute("Y", { y: 8, x: 12 }, ({ y, x }) => X.at(y, x).add(1));
    const s = schedule(Y);
    const before = s.func;
    const { y, x } = s.loops(Y);
    const { yi, xi } = s.tile(y, x, { yo: "rest", yi: 2 }, { xo: "rest", xi: 4 });
    s.vectorize(xi);
    s.blockize(yi);
    same(s as never, before);
    expect(nest(s as never)).toMatchInlineSnapshot(`
      "for yo in 4:
        for xo in 3:
          block Y(vy = yo, vx = xo):
            for yi in 2:
              vectorized xi in 4:
                Y[vy * 2 + yi, vx * 4 + xi] = X[vy * 2 + yi, vx * 4 + xi] + 1.0"
    `);
  });

  it("takes in a loop that never runs", () => {
    const X = placeholder("X", [1]);
    const B = compute("B", { i: 1 }, ({ i }) => where(i.sub(1).ge(0), X.at(i.sub(1)), 1));
    const s = schedule(B);
    const before = s.func;
    const copy = s.cacheRead(B, X, "workspace");
    s.computeAt(copy, s.loops(B).i);
    s.blockize(s.ownLoops(copy)[0]!);
    same(s as never, before);
    expect(nest(s as never)).toMatchInlineSnapshot(`
      "for i in 1:
        block X.workspace(vax0 = 0):
          for ax0 in 0:
            X.workspace[ax0] = X[ax0]
        block B(vi = i):
          B[vi] = where(vi - 1 >= 0, X.workspace[vi - 1], 1.0)"
    `);
  });

  it("makes a nest of the init", () => {
    const A = placeholder("A", [6, 8]);
    const C = compute("C", { i: 6 }, ({ i }) => sum({ k: 8 }, ({ k }) => A.at(i, k)));
    const s = schedule(C);
    const before = s.func;
    const { i, k } = s.loops(C);
    const { io, ii } = s.split(i, { io: "rest", ii: 3 });
    const { ko, ki } = s.split(k, { ko: "rest", ki: 2 });
    s.reorder(io, ko, ki, ii);
    s.blockize(ki);
    same(s as never, before);
    expect(nest(s as never)).toMatchInlineSnapshot(`
      "for io in 2:
        for ko in 4:
          block C(vi = io, vk (reduce) = ko):
            init:
              for ii in 3:
                C[vi * 3 + ii] = 0.0
            for ki in 2:
              for ii_1 in 3:
                C[vi * 3 + ii_1] = C[vi * 3 + ii_1] + A[vi * 3 + ii_1, vk * 2 + ki]"
    `);
    const init = s.decomposeReduction(C, ko);
    same(s as never, before);
    expect(s.loopList(init).map((l) => l.name)).toEqual(["io", "ii"]);
  });

  it("refuses a loop that stands for one position, where it may not run", () => {
    const n = dim("n", { max: 64 });
    const X = placeholder("X", [n]);
    const Y = compute("Y", { i: n }, ({ i }) => X.at(i).add(1));
    const s = schedule(Y);
    const before = s.func;
    const { i } = s.loops(Y);
    const { last } = s.partition(i, { first: "rest", last: 1 });
    expect(() => s.blockize(last.loop(i))).toThrow(/blockize, condition 4/);
    same(s as never, before, [{ n: 0 }, { n: 1 }, { n: 7 }]);
  });

  it("takes whole axes of any size, also of none", () => {
    const n = dim("n", { max: 64 });
    const A = placeholder("A", [5, n]);
    const C = compute("C", { i: 5 }, ({ i }) => sum({ k: n }, ({ k }) => A.at(i, k)));
    const s = schedule(C);
    const before = s.func;
    s.blockize(s.loops(C).k);
    same(s as never, before, [{ n: 0 }, { n: 1 }, { n: 7 }]);
    expect(nest(s as never)).toMatchInlineSnapshot(`
      "for i in 5:
        block C(vi = i, vk (reduce) = 0):
          init:
            C[vi] = 0.0
          for k in n:
            C[vi] = C[vi] + A[vi, k]"
    `);
  });

  it("keeps the steps of a scan in order", () => {
    const X = placeholder("X", [6, 4]);
    const S = scan(
      "S",
      { t: 6 },
      { i: 4 },
      { init: ({ i }) => X.at(0, i), step: ({ t, i }, p) => p(i).add(X.at(t, i)) },
    );
    const s = schedule(S);
    const before = s.func;
    const { ti } = s.split(s.loops(S).t, { to: "rest", ti: 3 });
    s.blockize(ti);
    same(s as never, before);
  });

  it("leaves a block that others can be computed at", () => {
    const X = placeholder("X", [8, 12]);
    const T = compute("T", { y: 8, x: 12 }, ({ y, x }) => X.at(y, x).mul(2));
    const Y = compute("Y", { y: 8, x: 10 }, ({ y, x }) => T.at(y, x).add(T.at(y, x.add(2))));
    const s = schedule(Y);
    const before = s.func;
    const { y, x } = s.loops(Y);
    const { yo, yi } = s.split(y, { yo: "rest", yi: 2 });
    s.reorder(yo, yi, x);
    s.blockize(yi);
    s.computeAt(T, yo);
    same(s as never, before);
    expect(nest(s as never)).toMatchInlineSnapshot(`
      "for yo in 4:
        for y in 2:
          for x in 12:
            block T(vy = yo * 2 + y, vx = x):
              T[vy, vx] = X[vy, vx] * 2.0
        block Y(vy_1 = yo, vx_1 = 0):
          for yi in 2:
            for x_1 in 10:
              Y[vy_1 * 2 + yi, x_1] = T[vy_1 * 2 + yi, x_1] + T[vy_1 * 2 + yi, x_1 + 2]"
    `);
  });
});
