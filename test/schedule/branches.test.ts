import { describe, expect, test } from "vitest";
import { replay, type ScheduleError, schedule } from "../../schedule/index.ts";
import { verify } from "../../src/ir/index.ts";
import { lowerFunc } from "../../src/lower/index.ts";
import { interpret, interpretLowered } from "../../src/reference/index.ts";
import { wasm } from "../../src/target/index.ts";
import { Axis, compute, dim, placeholder, scalar, scan, sum } from "../../te/index.ts";
import { illegal, nest } from "./helper.ts";
import { condition, gemm, lowered, padded, stages, works } from "./versions.ts";

describe("specialize", () => {
  test("a multiple: no guards where it holds, and old handles mean that side", () => {
    const { n, C, s, before, sizes } = gemm();
    const { i, j, k } = s.loops(C);
    const { jo, ji } = s.split(j, { jo: "rest", ji: 8 });
    s.reorder(jo, i, k, ji);
    const { hot, cold } = s.specialize(jo, n.mod(8).eq(0));
    expect([hot.loop(ji), hot.block(C).id]).toEqual([ji, s.handle(C).id]);
    s.vectorize(ji);
    s.unroll(cold.loop(ji));
    expect(cold.block(C).name).toBe("C.cold");
    expect(s.trace.at(-3)!.results).toEqual(["cold.jo", "cold.i", "cold.k", "cold.ji", "cold.C"]);
    expect(nest(s)).toMatchInlineSnapshot(`
      "if n % 8 == 0:
        for jo in n // 8:
          for i in m:
            for k_1 in k:
              vectorized ji in 8:
                block C(vi = i, vj = jo * 8 + ji, vk (reduce) = k_1):
                  init:
                    C[vi, vj] = 0.0
                  C[vi, vj] = C[vi, vj] + A[vi, vk] * B[vk, vj]
      else:
        for jo_1 in (n + 7) // 8:
          for i_1 in m:
            for k_2 in k:
              unrolled ji_1 in 8:
                block C.cold(vi_1 = i_1, vj_1 = jo_1 * 8 + ji_1, vk_1 (reduce) = k_2) if jo_1 * 8 + ji_1 < n:
                  init:
                    C[vi_1, vj_1] = 0.0
                  C[vi_1, vj_1] = C[vi_1, vj_1] + A[vi_1, vk_1] * B[vk_1, vj_1]"
    `);
    works(s, before, sizes);
  });
  test("an equation: extents become constants", () => {
    const { n, C, s, before, sizes } = gemm();
    const { i, j } = s.loops(C);
    const { cold } = s.specialize(i, n.eq(16));
    s.vectorize(j);
    expect(condition(s, () => s.vectorize(cold.loops(C).j))).toEqual(["vectorize.extent", 1]);
    expect(nest(s).split("\n").slice(0, 4)).toEqual([
      "if n == 16:",
      "  for i in m:",
      "    vectorized j in 16:",
      "      for k_1 in k:",
    ]);
    works(s, before, sizes);
  });
  test("a function of sizes and loops around, inside a loop", () => {
    const { Y, s, before, sizes } = padded();
    const { x } = s.loops(Y);
    const { hot } = s.specialize(x, ({ y, h }) => y.ge(1).and(y.lt(h.sub(1))));
    s.split(hot.loop(x), { xo: "rest", xi: 4 });
    expect(nest(s)).toMatchInlineSnapshot(`
      "for y in h:
        if y >= 1 & y + 1 < h:
          for xo in (w + 3) // 4:
            for xi in 4:
              block Y(vy = y, vx = xo * 4 + xi) if xo * 4 + xi < w:
                Y[vy, vx] = where(vy - 1 >= 0, X[vy - 1, vx], 0.0) + where(vy + 1 < h, X[vy + 1, vx], 0.0)
        else:
          for x in w:
            block Y.cold(vy_1 = y, vx_1 = x):
              Y[vy_1, vx_1] = where(vy_1 - 1 >= 0, X[vy_1 - 1, vx_1], 0.0) + where(vy_1 + 1 < h, X[vy_1 + 1, vx_1], 0.0)"
    `);
    works(s, before, sizes);
    const e = illegal(s, () => s.specialize(s.loops(Y).y, ({ z }) => z!.ge(1)));
    expect([e.condition, e.legal]).toEqual([0, ["h", "w"]]);
  });
  test("scalar parameters, of any dtype", () => {
    const X = placeholder("X", [8]);
    const alpha = scalar("alpha");
    const Y = compute("Y", { i: 8 }, ({ i }) => X.at(i).mul(alpha));
    const s = schedule(Y);
    s.specialize(s.loops(Y).i, alpha.eq(0));
    s.vectorize(s.loops(Y).i);
    verify(s.func, "scheduled");
    const inputs = { X: Float32Array.of(1, 2, 3, 4, 5, 6, 7, -Infinity) };
    for (const a of [0, 2, NaN, -0]) {
      const want = inputs.X.map((x) => x * a);
      const options = { scalars: { alpha: a } };
      expect(interpret(s.func, inputs, options).Y).toEqual(want);
      expect(interpretLowered(lowerFunc(s.func, wasm()), inputs, options).Y).toEqual(want);
    }
    expect(`${replay(s.trace, schedule(Y))}`).toBe(`${s}`);
  });
  test("integer scalar parameters, at their limits", () => {
    const [a, b] = [scalar("a", "i32"), scalar("b", "i32")];
    const X = placeholder("X", [4, 6], "i32");
    const Y = compute("Y", { i: 4 }, ({ i }) => sum({ k: 6 }, ({ k }) => X.at(i, k)));
    const Z = compute("Z", { i: 4 }, ({ i }) => Y.at(i).add(a).sub(b));
    const s = schedule(Z);
    const { i, k } = s.loops(Y);
    const { cold } = s.specialize(k, a.le(b));
    s.decomposeReduction(Y, i);
    s.decomposeReduction(cold.block(Y), i);
    verify(s.func, "scheduled");
    const inputs = { X: Int32Array.from({ length: 24 }, (_, n) => n) };
    const before = schedule(Z).func;
    for (const [x, y] of [
      [2 ** 31 - 1, 2 ** 31 - 1],
      [-(2 ** 31), 2 ** 31 - 1],
      [5, -(2 ** 31)],
    ] as const) {
      const options = { scalars: { a: x, b: y } };
      const want = interpret(before, inputs, options).Z;
      expect(interpret(s.func, inputs, options).Z).toEqual(want);
      expect(interpretLowered(lowerFunc(s.func, wasm()), inputs, options).Z).toEqual(want);
    }
  });
  test("what lives and dies inside is each side's own; what is read outside is shared", () => {
    const { w, P, Q, s, before, sizes } = stages();
    const { y } = s.loops(Q);
    s.computeAt(P, y);
    const { cold } = s.specialize(y, w.ge(4));
    expect(s.func.intermediates.map((b) => b.name)).toEqual(["P", "P.cold"]);
    s.computeInline(P);
    s.setScope(cold.block(P), "local");
    works(s, before, sizes);
  });
  test("a sum over nothing, where that is what the condition says", () => {
    const { C, k, s, before, sizes } = gemm();
    s.specialize(s.loops(C).i, k.eq(0));
    expect(nest(s)).toMatch("for k_1 in 0:");
    works(s, before, sizes);
  });
  test("a reduction goes on in its other iterations, whatever one branch says of them", () => {
    const X = placeholder("X", [6, 5]);
    const V = compute("V", { a: 6 }, ({ a }) => sum({ r: 5 }, ({ r }) => X.at(a, r)));
    const W = compute("W", { a: 6 }, ({ a }) => V.at(a).mul(2));
    const s = schedule(W);
    const { a, r } = s.loops(V);
    s.reorder(r, a);
    s.decomposeReduction(V, r);
    s.specialize(a, ({ r }) => r!.eq(4));
    // one iteration of r is left there, but not the only one
    expect(condition(s, () => s.reverseComputeAt(W, a))).toEqual(["reverseComputeAt.carried", 2]);
    expect(condition(s, () => s.vectorize(r))).toEqual(["vectorize.carried", 4]);
  });
  test("kinds, tails and notes of loops are copied", () => {
    const { Y, s, w } = padded();
    const { y, x } = s.loops(Y);
    const { xo, xi } = s.split(x, { xo: "rest", xi: 4 }, { tail: "peel" });
    s.vectorize(xi);
    s.annotate(xo, "why", "rows");
    s.parallel(y);
    s.specialize(y, w.ge(4));
    const text = nest(s);
    for (const line of ["parallel y", "# why: rows", "vectorized xi", "# tail: peel"])
      expect(text.split(line).length, line).toBe(3);
  });
  test("versions know their nest, and nothing else", () => {
    const { P, Q, s, w } = stages();
    const { y, x } = s.loops(Q);
    const { hot, cold } = s.specialize(y, w.ge(4));
    expect(hot.loops(Q)).toEqual(s.loops(Q));
    expect(cold.loops(Q).x).toBe(cold.loop(x));
    const e = illegal(s, () => cold.block(P));
    expect([e.code, e.legal]).toEqual(["cold.block.unknown-handle", ["Q"]]);
    expect(illegal(s, () => hot.loop(s.loops(P).y)).legal).toEqual(["y", "x"]);
    s.split(cold.loop(x), { a: "rest", b: 2 });
    expect(illegal(s, () => s.unroll(cold.loop(x))).legal).toEqual(["a", "b"]);
  });
  test("a callback that goes on scheduling takes its loop away", () => {
    const { Y, s } = padded();
    const { y, x } = s.loops(Y);
    let e: unknown;
    try {
      s.specialize(x, () => {
        s.split(x, { xo: "rest", xi: 4 });
        return new Axis(y.name, y.var).ge(1);
      });
    } catch (error) {
      e = error;
    }
    expect((e as ScheduleError).code).toBe("specialize.dead-handle");
    expect((e as ScheduleError).legal).toEqual(["xo", "xi"]);
  });
  test("inside each other, and names stay unique", () => {
    const { m, n, C, s, before, sizes } = gemm();
    const { i, j } = s.loops(C);
    s.specialize(i, n.ge(16));
    s.specialize(j, m.ge(5));
    const { cold } = s.specialize(i, ({ m, n }) => m.ge(n));
    s.specialize(cold.loop(j), n.lt(20));
    expect(s.blocks().map((b) => b.name)).toEqual([
      "C",
      "C.cold_1",
      "C.cold_2",
      "C.cold_2.cold",
      "C.cold_1.cold",
      "C.cold",
    ]);
    works(s, before, sizes);
  });
});

describe("partition", () => {
  test("a part that may have no iterations is no place for what needs all of them", () => {
    const n = dim("n", { min: 1, max: 9 });
    const [X, I] = [placeholder("X", { a: n }), placeholder("I", { a: n }, "i32")];
    const E = compute("E", { a: n }, ({ a }) => X.at(a).add(1));
    const G = compute("G", { a: n }, ({ a }) => E.at(I.at(a).min(n.sub(1)).max(0)));
    const s = schedule(compute("Y", { a: n }, ({ a }) => G.at(a).mul(2)));
    const { a } = s.loops(E);
    const { last } = s.partition(a, { first: 2, rest: "rest", last: 1 });
    expect(condition(s, () => s.reverseComputeAt(G, last.loop(a)))).toEqual(["reverseComputeAt.cover", 7]);
  });
  test("the padding tests leave the body", () => {
    const { Y, s, before, sizes } = padded();
    const { y, x } = s.loops(Y);
    const { top, body, bottom } = s.partition(y, { top: 1, body: "rest", bottom: 1 });
    expect(body.loop(y)).toBe(y);
    s.unroll(s.split(top.loop(x), { xo: "rest", xi: 2 }).xi);
    s.vectorize(s.split(x, { xo: "rest", xi: 4 }).xi);
    expect(bottom.block(Y).name).toBe("Y.bottom");
    expect(nest(s)).toMatchInlineSnapshot(`
      "for y in min(h, 1):
        for xo in (w + 1) // 2:
          unrolled xi in 2:
            block Y.top(vy = y, vx = xo * 2 + xi) if xo * 2 + xi < w:
              Y[vy, vx] = where(vy - 1 >= 0, X[vy - 1, vx], 0.0) + where(vy + 1 < h, X[vy + 1, vx], 0.0)
      for y_1 in max(h - 2, 0):
        for xo_1 in (w + 3) // 4:
          vectorized xi_1 in 4:
            block Y(vy_1 = y_1 + 1, vx_1 = xo_1 * 4 + xi_1) if xo_1 * 4 + xi_1 < w:
              Y[vy_1, vx_1] = where(vy_1 - 1 >= 0, X[vy_1 - 1, vx_1], 0.0) + where(vy_1 + 1 < h, X[vy_1 + 1, vx_1], 0.0)
      for y_2 in h - max(h - 2, 0) - min(h, 1):
        for x in w:
          block Y.bottom(vy_2 = y_2 + h - 1, vx_2 = x):
            Y[vy_2, vx_2] = where(vy_2 - 1 >= 0, X[vy_2 - 1, vx_2], 0.0) + where(vy_2 + 1 < h, X[vy_2 + 1, vx_2], 0.0)"
    `);
    works(s, before, sizes);
    // the steady part has no condition left: only the row before the first one and the one behind the last are tested
    expect(lowered(s)).not.toMatch(/where\(y/);
    expect(lowered(s)).toMatchInlineSnapshot(`
      "func Y(h, w, X: f32[h * w]) -> Y: f32[h * w]:
        if h >= 1:
          for xo in w // 2:
            unrolled xi in 2:
              Y[xo * 2 + xi] = where(h >= 2, X[xo * 2 + xi + w], 0.0) + 0.0
          if w // 2 < (w + 1) // 2:
            unrolled xi in 2:
              if w // 2 * 2 + xi < w:
                Y[w // 2 * 2 + xi] = where(h >= 2, X[w // 2 * 2 + xi + w], 0.0) + 0.0
        for y in max(h - 2, 0):
          for xo_1 in w // 4:
            vectorized xi_1 in 4:
              Y[y * w + xo_1 * 4 + xi_1 + w] = X[y * w + xo_1 * 4 + xi_1] + X[y * w + xo_1 * 4 + w * 2 + xi_1]
          if w // 4 < (w + 3) // 4:
            if (w - w // 4 * 4) // 2 % 2 == 1:
              vectorized xi_1 in 2:
                Y[y * w + w // 4 * 4 + xi_1 + w] = X[y * w + w // 4 * 4 + xi_1] + X[y * w + w // 4 * 4 + w * 2 + xi_1]
            if (w - w // 4 * 4) // 1 % 2 == 1:
              Y[y * w + w // 2 * 2 + w] = X[y * w + w // 2 * 2] + X[y * w + w // 2 * 2 + w * 2]
        if h >= 2:
          for x in w:
            Y[h * w + x - w] = X[h * w + x - w * 2] + 0.0"
    `);
  });
  test("constant extents, parts of several iterations, guards of a split", () => {
    const X = placeholder("X", [29]);
    const Y = compute("Y", { i: 29 }, ({ i }) => X.at(i).mul(2));
    const s = schedule(Y);
    const before = s.func;
    const { io } = s.split(s.loops(Y).i, { io: "rest", ii: 4 });
    s.partition(io, { a: 2, b: 1, full: "rest", tail: 1 });
    expect(nest(s)).toMatchInlineSnapshot(`
      "for io in 2:
        for ii in 4:
          block Y.a(vi = io * 4 + ii):
            Y[vi] = X[vi] * 2.0
      for io_1 in 1:
        for ii_1 in 4:
          block Y.b(vi_1 = io_1 * 4 + ii_1 + 8):
            Y[vi_1] = X[vi_1] * 2.0
      for io_2 in 4:
        for ii_2 in 4:
          block Y(vi_2 = io_2 * 4 + ii_2 + 12):
            Y[vi_2] = X[vi_2] * 2.0
      for io_3 in 1:
        for ii_3 in 4:
          block Y.tail(vi_3 = io_3 * 4 + ii_3 + 28) if ii_3 < 1:
            Y[vi_3] = X[vi_3] * 2.0"
    `);
    works(s, before);
  });
  test("sizes of sizes, and more than there is", () => {
    const { h, Y, s, before, sizes } = padded();
    const { y } = s.loops(Y);
    const { first } = s.partition(y, { first: h.div(2), rest: "rest", more: 4, last: 3 });
    s.partition(first.loop(y), { body: "rest", end: h.sub(3) });
    works(s, before, sizes);
  });
  test("a loop that carries a reduction, once its init stands elsewhere", () => {
    const { C, s, before, sizes } = gemm();
    const { j, k } = s.loops(C);
    s.reorder(k, j);
    const e = illegal(s, () => s.partition(k, { body: "rest", end: 2 }));
    expect([e.code, e.condition, e.legal]).toEqual(["partition.reduction", 3, ["decomposeReduction(C, k)"]]);
    s.decomposeReduction(C, k);
    s.partition(k, { body: "rest", end: 2 });
    works(s, before, sizes);
  });
  test("the steps of a scan stay in order", () => {
    const n = dim("n");
    const X = placeholder("X", [n, 5]);
    const S = scan(
      "S",
      { t: n },
      { a: 5 },
      { init: ({ a }) => X.at(0, a), step: ({ t, a }, prev) => prev(a).add(X.at(t, a)) },
    );
    const s = schedule(S);
    const before = s.func;
    s.partition(s.loops(S).t, { first: 1, rest: "rest", last: 2 });
    expect(nest(s)).not.toMatch(/S\.first\[/);
    works(
      s,
      before,
      [1, 2, 3, 8].map((n) => ({ n })),
    );
  });
  test("a sliding window inside a part", () => {
    const { P, Q, s, before, sizes } = stages();
    const { y } = s.loops(Q);
    s.computeAt(P, y);
    s.partition(y, { top: 1, body: "rest" });
    s.foldStorage(P, y);
    works(s, before, sizes);
  });
});
