// biome-ignore-all lint/suspicious/noExplicitAny: combiners are made from tables, so no static type can follow them
import { describe, expect, test } from "vitest";
import { replay, type Schedule, schedule } from "../../schedule/index.ts";
import { brokenLaw } from "../../schedule/laws.ts";
import { twoLevelReduction, vectorizeReduction } from "../../schedule/library/index.ts";
import { blocksOf, matchUpdate } from "../../src/ir/index.ts";
import { lowerFunc } from "../../src/lower/index.ts";
import { interpret } from "../../src/reference/index.ts";
import { wasm } from "../../src/target/index.ts";
import {
  any,
  argmax,
  argmin,
  compute,
  dim,
  lit,
  max,
  min,
  placeholder,
  prod,
  reduce,
  scatter,
  select,
  sum,
} from "../../te/index.ts";
import { illegal, nest, same } from "./helper.ts";

const n = dim("n", { min: 0, max: 100 });
const SIZES = [{ n: 0 }, { n: 1 }, { n: 4 }, { n: 5 }, { n: 11 }, { n: 16 }];

function dot() {
  const A = placeholder("A", [5, n]);
  const B = placeholder("B", [n]);
  const C = compute("C", { i: 5 }, ({ i }) => sum({ k: n }, ({ k }) => A.at(i, k).mul(B.at(k))));
  const s = schedule(C);
  return { A, B, C, s, before: s.func };
}
const again = <X>(s: Schedule<X>, fresh: Schedule<X>): void => expect(`${replay(s.trace, fresh)}`).toBe(`${s}`);

describe("rfactor", () => {
  test("partial results over the inner part of a split", () => {
    const { C, s, before } = dot();
    const { i, k } = s.loops(C);
    const { ko, ki } = s.split(k, { ko: "rest", ki: 4 });
    const { rf, loops } = s.rfactor(C, ki);
    same(s, before, SIZES);
    // every partial result starts at the identity, so the guard of the split is a condition of the update
    expect(nest(s)).toMatchInlineSnapshot(`
      "for i in 5:
        for ko in (n + 3) // 4:
          for ki in 4:
            block C.rf(vi = i, vki = ki, vko (reduce) = ko):
              init:
                C.rf[vi, vki] = 0.0
              if vko * 4 + vki < n:
                C.rf[vi, vki] = C.rf[vi, vki] + A[vi, vko * 4 + vki] * B[vko * 4 + vki]
      for i_1 in 5:
        for ki_1 in 4:
          block C(vi_1 = i_1, vki_1 (reduce) = ki_1):
            init:
              C[vi_1] = 0.0
            C[vi_1] = C[vi_1] + C.rf[vi_1, vki_1]"
    `);
    expect(s.trace.at(-1)!.reassociates).toBe(true);
    expect(s.loops(C).i).toBe(i);
    expect(s.loopList(C).at(-1)).toBe(ki);
    expect(loops.ki).toBe(s.loops(rf).ki);
    expect(() => s.unroll(ko)).toThrow(/in its place: ko/);
    s.computeAt(rf, i);
    s.setScope(rf, "local");
    same(s, before, SIZES);
    expect(nest(s)).toMatchInlineSnapshot(`
      "for i in 5:
        for ki in 4:
          for ko in (n + 3) // 4:
            block C.rf(vi = i, vki = ki, vko (reduce) = ko):
              init:
                C.rf[vi, vki] = 0.0
              if vko * 4 + vki < n:
                C.rf[vi, vki] = C.rf[vi, vki] + A[vi, vko * 4 + vki] * B[vko * 4 + vki]
        for ki_1 in 4:
          block C(vi_1 = i, vki_1 (reduce) = ki_1):
            init:
              C[vi_1] = 0.0
            C[vi_1] = C[vi_1] + C.rf[vi_1, vki_1]"
    `);
    again(s, schedule(C));
  });

  test("the outer part, its dimension first", () => {
    const { C, s, before } = dot();
    const { ko } = s.split(s.loops(C).k, { ko: "rest", ki: 4 });
    s.rfactor(C, ko, { at: 0 });
    same(s, before, SIZES);
    expect(nest(s)).toMatchInlineSnapshot(`
      "for i in 5:
        for ko in (n + 3) // 4:
          for ki in 4:
            block C.rf(vi = i, vko = ko, vki (reduce) = ki):
              init:
                C.rf[vko, vi] = 0.0
              if vko * 4 + vki < n:
                C.rf[vko, vi] = C.rf[vko, vi] + A[vi, vko * 4 + vki] * B[vko * 4 + vki]
      for i_1 in 5:
        for ko_1 in (n + 3) // 4:
          block C(vi_1 = i_1, vko_1 (reduce) = ko_1):
            init:
              C[vi_1] = 0.0
            C[vi_1] = C[vi_1] + C.rf[vko_1, vi_1]"
    `);
    again(s, schedule(C));
  });

  test("several loops of a reduction over two axes that were fused and split", () => {
    const X = placeholder("X", [4, 6, 7], "i32");
    const Y = compute("Y", { c: 4 }, ({ c }) => sum({ y: 6, x: 7 }, ({ y, x }) => X.at(c, y, x)));
    const s = schedule(Y);
    const before = s.func;
    const { y, x } = s.loops(Y);
    const { o, i, j } = s.split(s.fuseAs("yx", y, x), { o: "rest", i: 3, j: 4 });
    const { rf } = s.rfactor(Y, [j, o]);
    same(s, before);
    expect(nest(s)).toMatchInlineSnapshot(`
      "for c in 4:
        for o in 4:
          for i in 3:
            for j in 4:
              block Y.rf(vc = c, vj = j, vo = o, vi (reduce) = i):
                init:
                  Y.rf[vc, vj, vo] = 0
                if vo * 12 + vi * 4 + vj < 42:
                  Y.rf[vc, vj, vo] = Y.rf[vc, vj, vo] + X[vc, (vo * 12 + vi * 4 + vj) // 7, (vo * 5 + vi * 4 + vj) % 7]
      for c_1 in 4:
        for o_1 in 4:
          for j_1 in 4:
            block Y(vc_1 = c_1, vj_1 (reduce) = j_1, vo_1 (reduce) = o_1):
              init:
                Y[vc_1] = 0
              Y[vc_1] = Y[vc_1] + Y.rf[vc_1, vj_1, vo_1]"
    `);
    expect(s.trace.at(-1)!.reassociates).toBeUndefined();
    expect(s.loopList(rf).map((l) => l.name)).toEqual(["c", "o", "i", "j"]);
    expect(() => s.unroll(i)).toThrow(/in its place: i/);
    again(s, schedule(Y));
  });

  test("all loops: the terms, without a reduction", () => {
    const { C, s, before } = dot();
    const { k } = s.loops(C);
    const { ko, ki } = s.split(k, { ko: "rest", ki: 4 });
    const { rf } = s.rfactor(C, [ko, ki]);
    same(s, before, SIZES);
    expect(nest(s)).toMatchInlineSnapshot(`
      "for i in 5:
        for ko in (n + 3) // 4:
          for ki in 4:
            block C.rf(vi = i, vko = ko, vki = ki):
              C.rf[vi, vko, vki] = where(vko * 4 + vki < n, A[vi, vko * 4 + vki] * B[vko * 4 + vki], 0.0)
      for i_1 in 5:
        for ko_1 in (n + 3) // 4:
          for ki_1 in 4:
            block C(vi_1 = i_1, vko_1 (reduce) = ko_1, vki_1 (reduce) = ki_1):
              init:
                C[vi_1] = 0.0
              C[vi_1] = C[vi_1] + C.rf[vi_1, vko_1, vki_1]"
    `);
    s.computeInline(rf);
    same(s, before, SIZES);
    again(s, schedule(C));
  });

  test("argmax: both values, the same index whatever the order", () => {
    const X = placeholder("X", [3, 13]);
    const Y = compute("Y", { r: 3 }, ({ r }) =>
      argmax({ c: 13 }, ({ c }) => X.at(r, c), { where: ({ c }) => c.ne(5) }),
    );
    const s = schedule(Y);
    const before = s.func;
    const { ci } = s.split(s.loops(Y).c, { co: "rest", ci: 4 });
    s.rfactor(Y, ci);
    same(s, before);
    expect(nest(s)).toMatchInlineSnapshot(`
      "for r in 3:
        for co in 4:
          for ci in 4:
            block Y.rf(vr = r, vci = ci, vco (reduce) = co):
              init:
                Y.acc_0.rf[vr, vci] = -Infinity
                Y.rf[vr, vci] = 2147483647
              if vco * 4 + vci < 13:
                if vco * 4 + vci != 5:
                  let new.Y.acc_0 = select(select(vco * 4 + vci < Y.rf[vr, vci], !(!(Y.acc_0.rf[vr, vci] <= X[vr, vco * 4 + vci]) & X[vr, vco * 4 + vci] == X[vr, vco * 4 + vci]), !(X[vr, vco * 4 + vci] <= Y.acc_0.rf[vr, vci]) & Y.acc_0.rf[vr, vci] == Y.acc_0.rf[vr, vci]), X[vr, vco * 4 + vci], Y.acc_0.rf[vr, vci])
                  let new.Y = select(select(vco * 4 + vci < Y.rf[vr, vci], !(!(Y.acc_0.rf[vr, vci] <= X[vr, vco * 4 + vci]) & X[vr, vco * 4 + vci] == X[vr, vco * 4 + vci]), !(X[vr, vco * 4 + vci] <= Y.acc_0.rf[vr, vci]) & Y.acc_0.rf[vr, vci] == Y.acc_0.rf[vr, vci]), vco * 4 + vci, Y.rf[vr, vci])
                  Y.acc_0.rf[vr, vci] = new.Y.acc_0
                  Y.rf[vr, vci] = new.Y
      for r_1 in 3:
        for ci_1 in 4:
          block Y(vr_1 = r_1, vci_1 (reduce) = ci_1):
            init:
              Y.acc_0[vr_1] = -Infinity
              Y[vr_1] = 2147483647
            let new.Y.acc_0_1 = select(select(Y.rf[vr_1, vci_1] < Y[vr_1], !(!(Y.acc_0[vr_1] <= Y.acc_0.rf[vr_1, vci_1]) & Y.acc_0.rf[vr_1, vci_1] == Y.acc_0.rf[vr_1, vci_1]), !(Y.acc_0.rf[vr_1, vci_1] <= Y.acc_0[vr_1]) & Y.acc_0[vr_1] == Y.acc_0[vr_1]), Y.acc_0.rf[vr_1, vci_1], Y.acc_0[vr_1])
            let new.Y_1 = select(select(Y.rf[vr_1, vci_1] < Y[vr_1], !(!(Y.acc_0[vr_1] <= Y.acc_0.rf[vr_1, vci_1]) & Y.acc_0.rf[vr_1, vci_1] == Y.acc_0.rf[vr_1, vci_1]), !(Y.acc_0.rf[vr_1, vci_1] <= Y.acc_0[vr_1]) & Y.acc_0[vr_1] == Y.acc_0[vr_1]), Y.rf[vr_1, vci_1], Y[vr_1])
            Y.acc_0[vr_1] = new.Y.acc_0_1
            Y[vr_1] = new.Y_1"
    `);
    expect(s.trace.at(-1)!.reassociates).toBeUndefined();
    const rows = [
      [1, 7, 2, 7, 7, 9, 0, 0, 0, 0, 7, 0, 1],
      [1, Number.NaN, 2, 3, 4, 9, Number.NaN, 0, 0, 0, 7, 0, 1],
      Array.from({ length: 13 }, () => Number.NEGATIVE_INFINITY),
    ];
    const out = interpret(s.func, { X: Float32Array.from(rows.flat()) }, {});
    expect([...(out.Y as Int32Array)]).toEqual([1, 1, 0]);
  });

  test("a reduction of several values at once, twice over", () => {
    const X = placeholder("X", [30], "i32");
    const both = compute("both", {}, () => {
      const [total, square] = reduce(
        { k: 30 },
        {
          values: ({ k }) => [X.at(k), X.at(k).mul(X.at(k))],
          combine: (a, b) => [a[0].add(b[0]), a[1].add(b[1])],
          identity: [0, 0],
        },
      );
      return { total, square };
    });
    const s = schedule(both);
    const before = s.func;
    const { a, b, c } = s.split(s.loops(both.total).k, { a: "rest", b: 3, c: 4 });
    s.rfactor(both.total, [b, c]);
    s.rfactor(both.total, c);
    same(s, before);
    expect(nest(s)).toMatchInlineSnapshot(`
      "for a in 3:
        for b in 3:
          for c in 4:
            block both.rf(vb = b, vc = c, va (reduce) = a):
              init:
                both.total.rf[vb, vc] = 0
                both.square.rf[vb, vc] = 0
              if va * 12 + vb * 4 + vc < 30:
                let new.both.total = both.total.rf[vb, vc] + X[va * 12 + vb * 4 + vc]
                let new.both.square = both.square.rf[vb, vc] + X[va * 12 + vb * 4 + vc] * X[va * 12 + vb * 4 + vc]
                both.total.rf[vb, vc] = new.both.total
                both.square.rf[vb, vc] = new.both.square
      for b_1 in 3:
        for c_1 in 4:
          block both.rf_1(vc_1 = c_1, vb_1 (reduce) = b_1):
            init:
              both.total.rf_1[vc_1] = 0
              both.square.rf_1[vc_1] = 0
            let new.both.total_1 = both.total.rf_1[vc_1] + both.total.rf[vb_1, vc_1]
            let new.both.square_1 = both.square.rf_1[vc_1] + both.square.rf[vb_1, vc_1]
            both.total.rf_1[vc_1] = new.both.total_1
            both.square.rf_1[vc_1] = new.both.square_1
      for c_2 in 4:
        block both(vc_2 (reduce) = c_2):
          init:
            both.total[] = 0
            both.square[] = 0
          let new.both.total_2 = both.total[] + both.total.rf_1[vc_2]
          let new.both.square_2 = both.square[] + both.square.rf_1[vc_2]
          both.total[] = new.both.total_2
          both.square[] = new.both.square_2"
    `);
    expect(() => s.unroll(a)).toThrow(/in its place: a/);
  });

  test("inside the loops of a consumer, where the block is computed", () => {
    const X = placeholder("X", [6, 20]);
    const top = compute("top", { r: 6 }, ({ r }) => max({ c: 20 }, ({ c }) => X.at(r, c)));
    const Y = compute("Y", { r: 6, c: 20 }, ({ r, c }) => X.at(r, c).sub(top.at(r)));
    const s = schedule(Y);
    const before = s.func;
    s.computeAt(top, s.loops(Y).r);
    const { ci } = s.split(s.loops(top).c, { co: "rest", ci: 8 });
    s.rfactor(top, ci);
    same(s, before);
    expect(nest(s)).toMatchInlineSnapshot(`
      "for r in 6:
        for co in 3:
          for ci in 8:
            block top.rf(vr = r, vci = ci, vco (reduce) = co):
              init:
                top.rf[vr, vci] = -Infinity
              if vco * 8 + vci < 20:
                top.rf[vr, vci] = max(top.rf[vr, vci], X[vr, vco * 8 + vci])
        for ci_1 in 8:
          block top(vr_1 = r, vci_1 (reduce) = ci_1):
            init:
              top[vr_1] = -Infinity
            top[vr_1] = max(top[vr_1], top.rf[vr_1, vci_1])
        for c in 20:
          block Y(vr_2 = r, vc = c):
            Y[vr_2, vc] = X[vr_2, vc] - top[vr_2]"
    `);
    expect(s.trace.at(-1)!.reassociates).toBeUndefined();
  });

  test("the combiner survives what rewrites operands", () => {
    const A = placeholder("A", [5, 12], "i8");
    const W = compute("W", { i: 5, k: 12 }, ({ i, k }) => A.at(i, k).cast("i32").add(1));
    const C = compute("C", { i: 5 }, ({ i }) => sum({ k: 12 }, ({ k }) => W.at(i, k)));
    const s = schedule(C);
    const before = s.func;
    s.computeInline(W);
    s.cacheRead(C, A, "workspace");
    s.cacheWrite(C, "local");
    s.rfactor(C, s.split(s.loops(C).k, { ko: "rest", ki: 4 }).ki);
    same(s, before);
    for (const b of blocksOf(s.func.body))
      if (b.combiner) expect(matchUpdate(b.body, b.combiner)!.terms).toHaveLength(1);
    expect(blocksOf(s.func.body).filter((b) => b.combiner)).toHaveLength(2);
  });
});

describe("rfactor of a scatter", () => {
  const code = placeholder("code", [6, n], "u8");
  const X = placeholder("X", [6, n]);
  test("a copy of all bins for each of several interleaved parts", () => {
    const H = scatter("H", { bin: 10 }, { y: 6, x: n }, ({ y, x }) => ({
      at: [code.at(y, x).cast("i32")],
      value: lit(1, "i32"),
    }));
    const s = schedule(H);
    const before = s.func;
    const { xi } = s.split(s.loops(H).x, { xo: "rest", xi: 4 });
    const { rf } = s.rfactor(H, xi);
    same(s, before, SIZES);
    expect(nest(s)).toMatchInlineSnapshot(`
      "for y in 6:
        for xo in (n + 3) // 4:
          for xi in 4:
            block H.rf(vxi = xi, vy (reduce) = y, vxo (reduce) = xo):
              init:
                for bin in 10:
                  H.rf[bin, vxi] = 0
              if vxo * 4 + vxi < n:
                let bin_1 = i32(code[vy, vxo * 4 + vxi])
                if bin_1 >= 0 & bin_1 < 10:
                  H.rf[bin_1, vxi] = H.rf[bin_1, vxi] + 1
      for bin_2 in 10:
        for xi_1 in 4:
          block H(vbin = bin_2, vxi_1 (reduce) = xi_1):
            init:
              H[vbin] = 0
            H[vbin] = H[vbin] + H.rf[vbin, vxi_1]"
    `);
    s.unroll(s.loops(rf).xi!);
    same(s, before, SIZES);
    again(s, schedule(H));
  });
  test("rows of their own, and a start that is not the identity", () => {
    const T = placeholder("T", [6, 5]);
    const H = scatter(
      "H",
      { y: 6, bin: 5 },
      { y: 6, x: n },
      ({ y, x }) => ({ at: [y, code.at(y, x).cast("i32")], value: X.at(y, x) }),
      { init: ({ y, bin }) => T.at(y, bin), combine: "max" },
    );
    const s = schedule(H);
    const before = s.func;
    const { y, x } = s.loops(H);
    s.split(x, { xo: "rest", xi: 3 });
    const { rf } = s.rfactor(H, s.loopList(H)[1]!, { at: 0 });
    same(s, before, SIZES);
    s.computeAt(rf, y);
    same(s, before, SIZES);
    expect(nest(s)).toMatchInlineSnapshot(`
      "for y in 6:
        for xo in (n + 2) // 3:
          for xi in 3:
            block H.rf(vy = y, vxo = xo, vxi (reduce) = xi):
              init:
                for bin in 5:
                  H.rf[vxo, vy, bin] = -Infinity
              if vxo * 3 + vxi < n:
                let bin_1 = i32(code[vy, vxo * 3 + vxi])
                if bin_1 >= 0 & bin_1 < 5:
                  H.rf[vxo, vy, bin_1] = max(H.rf[vxo, vy, bin_1], X[vy, vxo * 3 + vxi])
        for bin_2 in 5:
          for xo_1 in (n + 2) // 3:
            block H(vy_1 = y, vbin = bin_2, vxo_1 (reduce) = xo_1):
              init:
                H[vy_1, vbin] = T[vy_1, vbin]
              H[vy_1, vbin] = max(H[vy_1, vbin], H.rf[vxo_1, vy_1, vbin])"
    `);
    again(s, schedule(H));
  });
});

describe("what a combiner promises", () => {
  const X = placeholder("X", [20]);
  /** Of the only reduction. */
  const broken = (t: Parameters<typeof schedule>[0]): string | undefined => {
    const b = blocksOf(schedule(t as never).func.body).find((x) => x.combiner)!;
    return brokenLaw(b.combiner!, matchUpdate(b.body, b.combiner!)!.terms);
  };
  const custom = (values: (k: any) => any[], combine: (a: any, b: any) => any, identity: number[]) =>
    broken(
      compute(
        "Y",
        {},
        () => (reduce({ k: 20 }, { values: ({ k }: any) => values(k), combine, identity } as never) as any)[0],
      ),
    );

  test("those of the language keep it, for every dtype", () => {
    for (const d of ["f32", "f16", "i8", "u8", "i64", "u32"] as const) {
      const Z = placeholder("Z", [20], d);
      for (const f of [sum, prod, min, max, argmin, argmax] as const)
        expect(broken(compute("Y", {}, () => (f as any)({ k: 20 }, ({ k }: any) => Z.at(k))))).toBeUndefined();
    }
    expect(broken(compute("Y", {}, () => any({ k: 20 }, ({ k }) => X.at(k).gt(0))))).toBeUndefined();
  });
  const x = (k: any): any[] => [X.at(k)];
  const xk = (k: any): any[] => [X.at(k), k.cast("f32")];
  test("sums with maxima, log-sum-exp and merged means do", () => {
    expect(custom(xk, (a, b) => [a[0].add(b[0]), a[1].max(b[1])], [0, -Infinity])).toBeUndefined();
    const top = (a: any, b: any): any => a.max(b).add(a.sub(b).abs().neg().exp().add(1).log());
    expect(custom(x, (a, b) => [top(a[0], b[0])], [-1e30])).toBeUndefined();
    // of what points contribute, each counts for one: a mean of none is no such thing
    const mean = (a: any, b: any): any => {
      const n = a[1].add(b[1]);
      return [a[0].mul(a[1]).add(b[0].mul(b[1])).div(n.max(1)), n];
    };
    expect(custom((k) => [X.at(k), lit(1, "f32")], mean, [0, 0])).toBeUndefined();
    expect(custom(xk, mean, [0, 0])).toMatch(/identity/);
  });
  test("differences, first ones and averages don't", () => {
    expect(custom(x, (a, b) => [a[0].sub(b[0])], [0])).toMatch(/combining the identity 0 with 1 gives -1/);
    expect(custom(x, (a, b) => [a[0].add(b[0]).mul(0.5)], [0])).toMatch(/identity/);
    const first = (a: any, b: any): any => [a[0].max(b[0]), select(b[0].gt(a[0]), b[1], a[1])];
    expect(custom(xk, first, [-Infinity, 0])).toMatch(/\(1, 0\) and \(1, -100\) give/);
    expect(custom(x, (a, b) => [a[0].add(b[0]).add(a[0].mul(b[0]).mul(a[0]))], [0])).toMatch(/give/);
  });
  test("nor do sums within limits: saturating ones, clamped ones", () => {
    expect(custom(x, (a, b) => [a[0].add(b[0]).min(10)], [0])).toMatch(/gives? 10/);
    expect(custom(x, (a, b) => [a[0].add(b[0]).max(-3)], [0])).toMatch(/gives? -3/);
    const Z = placeholder("Z", [20], "i8");
    const z = (k: any): any[] => [Z.at(k)];
    expect(custom(z, (a, b) => [a[0].addSat(b[0])], [0])).toMatch(/from the left/);
    expect(custom(z, (a, b) => [a[0].add(b[0]).mod(7)], [0])).toMatch(/give/);
  });
  test("an identity that changes values, but not itself, is one to start from", () => {
    const largest = (a: any, b: any): any => [a[0].abs().max(b[0].abs())];
    expect(custom(x, largest, [0])).toBeUndefined();
    expect(custom(x, (a, b) => [a[0].max(b[0])], [0])).toBeUndefined();
    expect(custom(x, (a, b) => [a[0].add(b[0])], [5])).toMatch(/identity 5 with 5 gives 10/);
    const P = placeholder("P", [20], "i32");
    const top = (init: number) =>
      scatter("H", { b: 4 }, { i: 20 }, ({ i }) => ({ at: [P.at(i)], value: X.at(i) }), {
        combine: { name: "top", combine: (a, b) => a.max(b), identity: 0 },
        init,
      });
    const [zero, low] = [top(0), top(-5)];
    const s = schedule(zero);
    s.rfactor(zero, s.loopList(zero)[0]!);
    const t = schedule(low);
    expect(illegal(t, () => t.rfactor(low, t.loopList(low)[0]!)).message).toMatch(/identity 0 with -3 gives 0/);
  });
});

describe("recipes", () => {
  test("vectorizeReduction: lanes in registers, folded to one register and then one by one", () => {
    const { C, s, before } = dot();
    const { partials, lanes } = vectorizeReduction(s, C, s.loops(C).k, 16);
    same(s, before, SIZES);
    expect(nest(s)).toMatchInlineSnapshot(`
      "for i in 5:
        for ko in (n + 15) // 16:
          vectorized ki in 16:
            block C.rf(vi = i, vki = ki, vko (reduce) = ko):
              init:
                C.rf[vi, vki] = 0.0
              if vko * 16 + vki < n:
                C.rf[vi, vki] = C.rf[vi, vki] + A[vi, vko * 16 + vki] * B[vko * 16 + vki]
        unrolled ko_1 in 4:
          vectorized ki_1 in 4:
            block C.rf_1(vi_1 = i, vki_1 = ki_1, vko_1 (reduce) = ko_1):
              init:
                C.rf_1[vi_1, vki_1] = 0.0
              C.rf_1[vi_1, vki_1] = C.rf_1[vi_1, vki_1] + C.rf[vi_1, vko_1 * 4 + vki_1]
        unrolled ki_2 in 4:
          block C(vi_2 = i, vki_2 (reduce) = ki_2):
            init:
              C[vi_2] = 0.0
            C[vi_2] = C[vi_2] + C.rf_1[vi_2, vki_2]"
    `);
    expect(partials.map((b) => b.name)).toEqual(["C.rf", "C.rf_1"]);
    expect(s.loops(partials[0]!).ki).toBe(lanes);
    expect(lowerFunc(s.func, wasm()).warnings).toEqual([]);
    again(s, schedule(C));
  });
  test("vectorizeReduction of everything, of bytes, and of loops in another order", () => {
    const X = placeholder("X", [7, 37], "u8");
    const Y = compute("Y", {}, () => max({ r: 7, c: 37 }, ({ r, c }) => X.at(r, c)));
    const s = schedule(Y);
    const before = s.func;
    const { partials } = vectorizeReduction(s, Y, s.loops(Y).c, 16);
    same(s, before);
    expect(partials).toHaveLength(3);
    const Z = compute("Z", { c: 37 }, ({ c }) => max({ r: 7 }, ({ r }) => X.at(r, c)));
    const t = schedule(Z);
    const start = t.func;
    t.reorder(t.loops(Z).r, t.loops(Z).c);
    vectorizeReduction(t, Z, t.loops(Z).r, 4);
    same(t, start);
  });
  test("vectorizeReduction leaves the schedule as it was where a step of it is illegal", () => {
    const { C, s } = dot();
    const text = `${s}`;
    expect(() => vectorizeReduction(s, C, s.loops(C).i, 8)).toThrow(/rfactor, condition 4/);
    expect(`${s}`).toBe(text);
    expect(() => vectorizeReduction(s, C, s.loops(C).k, 1)).toThrow(/lanes is number 1/);
  });
  test("twoLevelReduction: chunks of their own", () => {
    const { C, s, before } = dot();
    const { rf, loops } = twoLevelReduction(s, C, s.loops(C).k, 8, { at: 0 });
    same(s, before, SIZES);
    s.reorder(loops.outer, s.loops(rf).i!);
    same(s, before, SIZES);
    expect(nest(s)).toMatchInlineSnapshot(`
      "for ko in (n + 7) // 8:
        for i in 5:
          for ki in 8:
            block C.rf(vi = i, vko = ko, vki (reduce) = ki):
              init:
                C.rf[vko, vi] = 0.0
              if vko * 8 + vki < n:
                C.rf[vko, vi] = C.rf[vko, vi] + A[vi, vko * 8 + vki] * B[vko * 8 + vki]
      for i_1 in 5:
        for ko_1 in (n + 7) // 8:
          block C(vi_1 = i_1, vko_1 (reduce) = ko_1):
            init:
              C[vi_1] = 0.0
            C[vi_1] = C[vi_1] + C.rf[vko_1, vi_1]"
    `);
    expect(loops.inner.name).toBe("ki");
  });
});
