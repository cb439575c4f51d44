import { describe, expect, test } from "vitest";
import { type Loop, replay, type Schedule, schedule } from "../../schedule/index.ts";
import { unrollAndVectorize, vectorizeReduction } from "../../schedule/library/index.ts";
import { lowerFunc } from "../../src/lower/index.ts";
import { wasm } from "../../src/target/index.ts";
import {
  type AnyTensor,
  argmax,
  compute,
  dim,
  type Expr,
  lit,
  max,
  placeholder,
  reduce,
  scan,
  scatter,
  sum,
} from "../../te/index.ts";
import { nest, same } from "./helper.ts";

const n = dim("n", { min: 1, max: 40 });
const SIZES = [{ n: 1 }, { n: 4 }, { n: 9 }];

/** A blur of two stages, and what is left of the picture without it. */
function blur() {
  const X = placeholder("X", [n, 12]);
  const H = compute("H", { y: n, x: 10 }, ({ y, x }) =>
    X.at(y, x)
      .add(X.at(y, x.add(1)))
      .add(X.at(y, x.add(2))),
  );
  const D = compute("D", { y: n, x: 10 }, ({ y, x }) => X.at(y, x).sub(H.at(y, x).mul(0.25)));
  const s = schedule(D);
  return { X, H, D, s, before: s.func };
}

describe("computeRoot", () => {
  test("undoes computeAt", () => {
    const { H, D, s, before } = blur();
    const unscheduled = nest(s);
    const { x } = s.computeAt(H, s.loops(D).y);
    s.split(x, { xo: "rest", xi: 4 });
    const { y } = s.computeRoot(H);
    expect(nest(s)).toBe(unscheduled);
    same(s, before, SIZES);
    expect(() => s.unroll(x)).toThrow(/loop x is gone since split/);
    s.vectorize(s.loops(H).x, 4);
    expect(s.loops(H).y).toBe(y);
    same(s, before, SIZES);
    expect(`${replay(s.trace, schedule(D))}`).toBe(`${s}`);
  });
  test("undoes reverseComputeAt: where nobody reads the block, after its producers", () => {
    const { H, D, s, before } = blur();
    const unscheduled = nest(s);
    s.reverseComputeAt(D, s.loops(H).y);
    s.computeRoot(D);
    expect(nest(s)).toBe(unscheduled);
    same(s, before, SIZES);
  });
  test("a reduction and a scan, whole", () => {
    const X = placeholder("X", [9, 5]);
    const R = compute("R", { x: 5 }, ({ x }) => max({ t: 9 }, ({ t }) => X.at(t, x)));
    const S = scan(
      "S",
      { t: 9 },
      { x: 5 },
      { init: ({ x }) => X.at(0, x), step: ({ t, x }, p) => p(x).add(X.at(t, x)) },
    );
    const Y = compute("Y", { x: 5, t: 9 }, ({ x, t }) => S.at(t, x).div(R.at(x)));
    const s = schedule(Y);
    const before = s.func;
    const { x } = s.loops(Y);
    s.computeAt(R, x);
    s.computeAt(S, x);
    same(s, before);
    s.computeRoot(S);
    s.computeRoot(R);
    same(s, before);
    expect(nest(s)).toMatchInlineSnapshot(`
      "for t in 9:
        for x in 5:
          block S(vt (ordered) = t, vx = x):
            S[vt, vx] = where(vt == 0, X[0, vx], S[vt - 1, vx] + X[vt, vx])
      for x_1 in 5:
        for t_1 in 9:
          block R(vx_1 = x_1, vt_1 (reduce) = t_1):
            init:
              R[vx_1] = -Infinity
            R[vx_1] = max(R[vx_1], X[vt_1, vx_1])
      for x_2 in 5:
        for t_2 in 9:
          block Y(vx_2 = x_2, vt_2 = t_2):
            Y[vx_2, vt_2] = S[vt_2, vx_2] / R[vx_2]"
    `);
    s.decomposeReduction(R, s.loops(R).t);
    same(s, before);
  });
});

describe("computeWith", () => {
  test("two reductions over the same rows, down to a loop that carries both", () => {
    const X = placeholder("X", [n, 12]);
    const S = compute("S", { y: n }, ({ y }) => sum({ k: 12 }, ({ k }) => X.at(y, k)));
    const M = compute("M", { y: n }, ({ y }) => max({ k: 12 }, ({ k }) => X.at(y, k)));
    const s = schedule({ S, M });
    const before = s.func;
    const { y, k } = s.loops(M);
    s.computeWith(M, s.loops(S).k);
    same(s, before, SIZES);
    expect(nest(s)).toMatchInlineSnapshot(`
      "for y in n:
        for k in 12:
          block S(vy = y, vk (reduce) = k):
            init:
              S[vy] = 0.0
            S[vy] = S[vy] + X[vy, vk]
          block M(vy_1 = y, vk_1 (reduce) = k):
            init:
              M[vy_1] = -Infinity
            M[vy_1] = max(M[vy_1], X[vy_1, vk_1])"
    `);
    expect(() => s.unroll(k)).toThrow(/in its place: k/);
    expect(s.loops(M).y).toBe(s.loops(S).y);
    expect(s.loops(M).y).not.toBe(y);
    s.unroll(s.loops(S).k);
    same(s, before, SIZES);
    lowerFunc(s.func, wasm());
    expect(`${replay(s.trace, schedule({ S, M }))}`).toBe(`${s}`);
  });
  test("before the other nest's part, where it stood before; with what is computed inside", () => {
    const X = placeholder("X", [n, 12]);
    const a = compute("a", { y: n, x: 12 }, ({ y, x }) => X.at(y, x).mul(2));
    const A = compute("A", { y: n, x: 11 }, ({ y, x }) => a.at(y, x).add(a.at(y, x.add(1))));
    const B = compute("B", { y: n }, ({ y }) => sum({ x: 12 }, ({ x }) => X.at(y, x)));
    const s = schedule({ A, B });
    const before = s.func;
    s.computeAt(a, s.loops(A).y);
    s.setScope(a, "workspace");
    s.computeWith(A, s.loops(B).y);
    same(s, before, SIZES);
    expect(nest(s)).toMatchInlineSnapshot(`
      "for y in n:
        for x in 12:
          block a(vy = y, vx = x):
            a[vy, vx] = X[vy, vx] * 2.0
        for x_1 in 11:
          block A(vy_1 = y, vx_1 = x_1):
            A[vy_1, vx_1] = a[vy_1, vx_1] + a[vy_1, vx_1 + 1]
        for x_2 in 12:
          block B(vy_2 = y, vx_2 (reduce) = x_2):
            init:
              B[vy_2] = 0.0
            B[vy_2] = B[vy_2] + X[vy_2, vx_2]"
    `);
    s.decomposeReduction(B, s.loops(B).x);
    same(s, before, SIZES);
  });
  test("inside the loops of a consumer of both", () => {
    const X = placeholder("X", [n, 12]);
    const lo = compute("lo", { y: n }, ({ y }) => sum({ k: 12 }, ({ k }) => X.at(y, k)));
    const hi = compute("hi", { y: n }, ({ y }) => max({ k: 12 }, ({ k }) => X.at(y, k)));
    const Y = compute("Y", { y: n, x: 12 }, ({ y, x }) => X.at(y, x).sub(lo.at(y)).div(hi.at(y)));
    const s = schedule(Y);
    const before = s.func;
    const { y } = s.loops(Y);
    s.computeAt(lo, y);
    s.computeAt(hi, y);
    s.computeWith(hi, s.loops(lo).k);
    same(s, before, SIZES);
    expect(nest(s)).toMatchInlineSnapshot(`
      "for y in n:
        for k in 12:
          block lo(vy = y, vk (reduce) = k):
            init:
              lo[vy] = 0.0
            lo[vy] = lo[vy] + X[vy, vk]
          block hi(vy_1 = y, vk_1 (reduce) = k):
            init:
              hi[vy_1] = -Infinity
            hi[vy_1] = max(hi[vy_1], X[vy_1, vk_1])
        for x in 12:
          block Y(vy_2 = y, vx = x):
            Y[vy_2, vx] = (X[vy_2, vx] - lo[vy_2]) / hi[vy_2]"
    `);
  });
});

describe("cacheRead for several", () => {
  test("one copy for chosen consumers, before the first of them", () => {
    const { X, H, D, s, before } = blur();
    const copy = s.cacheRead([D, H], X, "workspace", { axes: ["y", "x"] });
    same(s, before, SIZES);
    expect(nest(s)).toMatchInlineSnapshot(`
      "for y in n:
        for x in 12:
          block X.workspace(vy = y, vx = x):
            X.workspace[vy, vx] = X[vy, vx]
      for y_1 in n:
        for x_1 in 10:
          block H(vy_1 = y_1, vx_1 = x_1):
            H[vy_1, vx_1] = X.workspace[vy_1, vx_1] + X.workspace[vy_1, vx_1 + 1] + X.workspace[vy_1, vx_1 + 2]
      for y_2 in n:
        for x_2 in 10:
          block D(vy_2 = y_2, vx_2 = x_2):
            D[vy_2, vx_2] = X.workspace[vy_2, vx_2] - H[vy_2, vx_2] * 0.25"
    `);
    s.computeAt(H, s.loops(D).y);
    s.computeAt(copy, s.loops(D).y);
    same(s, before, SIZES);
    expect(`${replay(s.trace, schedule(D))}`).toBe(`${s}`);
  });
  test("for all who read, whatever stands between", () => {
    const { X, D, s, before } = blur();
    s.cacheRead("all", X, "workspace");
    same(s, before, SIZES);
    expect(nest(s)).not.toMatch(/[^.]X\[v?y_1|- X\[/);
    expect(s.trace.at(-1)!.args).toEqual({ consumers: "all", buffer: "X", scope: "workspace" });
    expect(`${replay(s.trace, schedule(D))}`).toBe(`${s}`);
  });
  test("of a buffer that a block computes, for one of its readers", () => {
    const { H, D, s, before } = blur();
    s.cacheRead([D], H, "local");
    same(s, before, SIZES);
    expect(nest(s)).toMatch(/H\.local\[vy_1, vx_1\] = H\[vy_1, vx_1\]/);
  });
});

describe("cacheWrite of several results", () => {
  const X = placeholder("X", [n, 12]);
  const both = () =>
    compute("both", { y: n }, ({ y }) => {
      const [total, square] = reduce(
        { k: 12 },
        {
          values: ({ k }) => [X.at(y, k), X.at(y, k).mul(X.at(y, k))],
          combine: (a, b) => [a[0].add(b[0]), a[1].add(b[1])],
          identity: [0, 0],
        },
      );
      return { total, square };
    });
  test("each has its copy", () => {
    const t = both();
    const s = schedule(t);
    const before = s.func;
    const { copy } = s.cacheWrite(t.total, "local");
    same(s, before, SIZES);
    s.reverseComputeAt(copy, s.loops(t.total).y);
    same(s, before, SIZES);
    expect(nest(s)).toMatchInlineSnapshot(`
      "for y in n:
        for k in 12:
          block both(vy = y, vk (reduce) = k):
            init:
              both.total.local[vy] = 0.0
              both.square.local[vy] = 0.0
            let new.both.total = both.total.local[vy] + X[vy, vk]
            let new.both.square = both.square.local[vy] + X[vy, vk] * X[vy, vk]
            both.total.local[vy] = new.both.total
            both.square.local[vy] = new.both.square
        block both.copy(vy_1 = y):
          both.total[vy_1] = both.total.local[vy_1]
          both.square[vy_1] = both.square.local[vy_1]"
    `);
    expect(lowerFunc(s.func, wasm()).warnings).toEqual([]);
    expect(`${replay(s.trace, schedule(t))}`).toBe(`${s}`);
  });
  test("what nobody else reads is not copied", () => {
    const A = compute("A", { y: n }, ({ y }) => argmax({ k: 12 }, ({ k }) => X.at(y, k)));
    const s = schedule(A);
    const before = s.func;
    const { copy } = s.cacheWrite(A, "local");
    s.reverseComputeAt(copy, s.loops(A).y);
    same(s, before, SIZES);
    expect(s.func.intermediates.map((b) => `${b.name} ${b.scope}`)).toEqual(["A.acc_0 local", "A.local local"]);
    expect(nest(s)).toMatch(/block A\.copy\(vy_1 = y\):\n {4}A\[vy_1\] = A\.local\[vy_1\]$/);
    expect(lowerFunc(s.func, wasm()).warnings).toEqual([]);
    expect(`${replay(s.trace, schedule(A))}`).toBe(`${s}`);
  });
  test("with an epilogue of two results, which is the copy", () => {
    const t = compute("t", { y: n }, ({ y }) => {
      const total = sum({ k: 12 }, ({ k }) => X.at(y, k));
      return { mean: total.div(12), double: total.mul(2) };
    });
    const s = schedule(t);
    const before = s.func;
    const { compute: c, copy } = s.cacheWrite(t.mean, "local");
    expect(copy).toBe(s.epilogue(t.double));
    s.reverseComputeAt(copy, s.loops(t.mean).y);
    same(s, before, SIZES);
    expect(c.name).toBe("t.acc");
    expect(nest(s)).toMatchInlineSnapshot(`
      "for y in n:
        for k in 12:
          block t.acc(vy = y, vk (reduce) = k):
            init:
              t.acc[vy] = 0.0
            t.acc[vy] = t.acc[vy] + X[vy, vk]
        block t.out(vy_1 = y):
          t.mean[vy_1] = t.acc[vy_1] / 12.0
          t.double[vy_1] = t.acc[vy_1] * 2.0"
    `);
  });
  test("one result as it is, one through an epilogue", () => {
    const t = compute("t", { y: n }, ({ y }) => {
      const total = sum({ k: 12 }, ({ k }) => X.at(y, k));
      return { total, mean: total.div(12) };
    });
    const s = schedule(t);
    const before = s.func;
    const { copy } = s.cacheWrite(t.total, "local");
    s.reverseComputeAt(copy, s.loops(t.total).y);
    s.reverseComputeAt(s.epilogue(t.mean), s.loops(t.total).y);
    same(s, before, SIZES);
    expect(nest(s)).toMatchInlineSnapshot(`
      "for y in n:
        for k in 12:
          block t(vy = y, vk (reduce) = k):
            init:
              t.total.local[vy] = 0.0
            t.total.local[vy] = t.total.local[vy] + X[vy, vk]
        block t.copy(vy_1 = y):
          t.total[vy_1] = t.total.local[vy_1]
        block t.out(vy_2 = y):
          t.mean[vy_2] = t.total[vy_2] / 12.0"
    `);
  });
});

describe("computeWith, in step", () => {
  const [X, W, b] = [placeholder("X", [5, 4, 5]), placeholder("W", [5, 8]), placeholder("b", [8])];
  const product = () =>
    compute("P", { y: 5, x: 4, o: 8 }, ({ y, x, o }) => sum({ c: 5 }, ({ c }) => X.at(y, x, c).mul(W.at(c, o))));

  test("what follows a reduction joins it where each iteration reads what it has just finished", () => {
    const P = product();
    const Y = compute("Y", { y: 5, x: 4, o: 8 }, ({ y, x, o }) => P.at(y, x, o).add(b.at(o)).max(0));
    const s = schedule(Y);
    const before = s.func;
    const [p, q] = [s.loops(P), s.loops(Y)];
    // pixels as rows of a matrix, in tiles that do not divide their number
    const { ro, ri } = s.split(s.fuse(p.y, p.x), { ro: "rest", ri: 3 });
    const { so, si } = s.split(s.fuse(q.y, q.x), { so: "rest", si: 3 });
    s.reorder(ro, p.c, ri, p.o);
    s.reorder(so, si, q.o);
    s.computeWith(Y, ro);
    same(s, before);
    expect(nest(s)).toMatchInlineSnapshot(`
      "for ro in 7:
        for c in 5:
          for ri in 3:
            for o in 8:
              block P(vy = (ro * 3 + ri) // 4, vx = (ro * 3 + ri) % 4, vo = o, vc (reduce) = c) if ro * 3 + ri < 20:
                init:
                  P[vy, vx, vo] = 0.0
                P[vy, vx, vo] = P[vy, vx, vo] + X[vy, vx, vc] * W[vc, vo]
        for si in 3:
          for o_1 in 8:
            block Y(vy_1 = (ro * 3 + si) // 4, vx_1 = (ro * 3 + si) % 4, vo_1 = o_1) if ro * 3 + si < 20:
              Y[vy_1, vx_1, vo_1] = max(P[vy_1, vx_1, vo_1] + b[vo_1], 0.0)"
    `);
    s.setScope(P, "local");
    const init = s.decomposeReduction(P, p.c);
    for (const x of [P, init, Y]) unrollAndVectorize(s, x);
    same(s, before);
    const warnings = lowerFunc(s.func, wasm()).warnings;
    expect(warnings).toEqual([]);
  });
  test("not what another iteration finishes, or a point that is not the same", () => {
    const shape = { y: 5, x: 4, o: 8 };
    const P = product();
    const refused = (Y: AnyTensor, at: "y" | "c", steps: (s: Schedule<AnyTensor>) => void = () => {}): void => {
      const s = schedule(Y);
      steps(s);
      const before = `${s}`;
      expect(() => s.computeWith(Y, s.loops(P)[at])).toThrow(/computeWith, condition 4/);
      expect(`${s}`).toBe(before);
    };
    refused(
      compute("Y", shape, ({ y, x, o }) => P.at(y.add(1).mod(5), x, o)),
      "y",
    );
    refused(
      compute("Y", shape, ({ y, o }) => P.at(y, o.mod(4), o)),
      "y",
    );
    const Y = compute("Y", shape, ({ y, x, o }) => P.at(y, x, o).add(1));
    const [p, q] = [P, Y].map((t) => (s: Schedule<AnyTensor>) => s.loopList(t as never));
    // the sum goes on in the next iteration
    refused(Y, "c", (s) => {
      const [y, x, o, c] = p!(s) as [Loop, Loop, Loop, Loop];
      s.reorder(c, y, x, o);
    });
    // other points in the same iteration
    refused(Y, "y", (s) => {
      const [, x, o] = q!(s) as [Loop, Loop, Loop];
      s.reorder(o, x);
    });
    // an element that is begun before
    refused(Y, "y", (s) => {
      s.decomposeReduction(P, p!(s)[0]!);
    });
  });
  test("not where an init reads it before the loop that carries its sum", () => {
    const D = placeholder("D", [4, 1], "i32");
    const A = compute("A", { y: 4, b: 1 }, ({ y, b }) => D.at(y, b).add(1));
    const H = scatter(
      "H",
      { y: 4, b: 1 },
      { y: 4, x: 1 },
      ({ y, x }) => ({ at: [y, D.at(y, x).min(0).max(0)], value: lit(1, "i32") }),
      {
        init: ({ y, b }) => A.at(y, b),
      },
    );
    const s = schedule(H);
    const before = s.func;
    expect(() => s.computeWith(H, s.loops(A).b)).toThrow(/computeWith, condition 4/);
    s.reverseComputeAt(H, s.loops(A).y);
    same(s, before);
    const Z = compute("Z", { y: 4, b: 1 }, ({ y, b }) => A.at(y, b).mul(2));
    const t = schedule(Z);
    t.computeWith(Z, t.loops(A).b);
    same(t, t.unscheduled().func);
  });
  test("what is guarded in the body is read under its guard", () => {
    const X = placeholder("X", [3, 37]);
    const E = compute("E", { i: 3, j: 37 }, ({ i, j }) => X.at(i, j).mul(2));
    const of = (at: (k: Expr<"i32", never>) => Expr<"i32", never>) =>
      compute("S", { i: 3 }, ({ i }) => max({ k: 37 }, ({ k }) => E.at(i, at(k as never))));
    const S = of((k) => k);
    const s = schedule(S);
    const before = s.func;
    // the rest of the lanes is tested inside of the partial sums: their inits need all lanes
    const { partials } = vectorizeReduction(s, S, s.loops(S).k, 8);
    s.computeAt(E, s.loopList(partials[0]!)[0]!);
    const { jo } = s.split(s.ownLoops(E)[0]!, { jo: "rest", ji: 8 });
    s.computeWith(partials[0]!, jo);
    expect(nest(s)).toMatch(/block E\(.*\) if jo \* 8 \+ ji < 37:\n.*\n.*\n *block S.rf\(/);
    same(s, before);
    // the same guard, but an element of the next iteration
    const T = of((k) => k.add(1).min(36));
    const t = schedule(T);
    expect(() => t.computeWith(T, t.loops(E).j)).toThrow(/computeWith, condition 4/);
  });
});
