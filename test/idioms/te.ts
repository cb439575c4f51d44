/** Accumulation at computed positions, and loop nests written by hand. */
import { compute, dim, lit, nest, placeholder, scatter, schedule, select, sum } from "../../src/index.ts";
import type { Idiom } from "./idiom.ts";

/** An image and how often each value stands in it. */
const histogram = (h: number, w: number) => {
  const img = placeholder("img", { y: h, x: w }, "u8");
  return scatter("H", { bin: 256 }, { y: h, x: w }, ({ y, x }) => ({
    at: [img.at(y, x).cast("i32")],
    value: lit(1, "u32"),
  }));
};

export const BY_HAND: readonly Idiom[] = [
  {
    name: "a histogram: the start in lanes, four points at a time",
    make: () => {
      const H = histogram(7, 33);
      const s = schedule(H);
      const { y, x } = s.loops(H);
      const init = s.decomposeReduction(H, y);
      s.vectorize(s.loopList(init)[0]!, 16);
      s.unroll(s.split(x, { xo: "rest", xi: 4 }).xi);
      return s;
    },
    wat: [/v128\.store/, /i32\.load8_u/],
  },
  {
    name: "partial histograms of bands of rows, added up in lanes",
    make: () => {
      const H = histogram(10, 17);
      const s = schedule(H);
      const { yo } = s.split(s.loops(H).y, { yo: "rest", yi: 3 });
      const { rf } = s.rfactor(H, yo, { at: 0 });
      s.parallel(s.loopList(rf)[0]!);
      const [bin, bands] = s.loopList(H);
      const { bo, bi } = s.split(bin!, { bo: "rest", bi: 16 });
      s.reorder(bo, bands!, bi);
      s.vectorize(bi);
      return s;
    },
    nest: [/parallel yo in 4/],
    wat: [/i32x4\.add/],
  },
  {
    name: "a histogram per row, made where it is read",
    make: () => {
      const img = placeholder("img", { y: 6, x: 40 }, "u8");
      const R = scatter("R", { y: 6, bin: 256 }, { y: 6, x: 40 }, ({ y, x }) => ({
        at: [y, img.at(y, x).cast("i32")],
        value: lit(1, "i32"),
      }));
      const most = compute("most", { y: 6, x: 40 }, ({ y, x }) => R.at(y, img.at(y, x).cast("i32")));
      const s = schedule(most);
      s.computeAt(R, s.loops(most).y);
      const init = s.decomposeReduction(R, s.loopList(R).at(-1)!);
      s.vectorize(s.loopList(init).at(-1)!, 8);
      return s;
    },
    nest: [/for y in 6:\n[^\n]*\n?.*block R\.init/s],
    wat: [/v128\.store/],
  },
  {
    name: "rows added to the rows of a table, a row in lanes",
    make: () => {
      const n = dim("n", { min: 1, max: 50 });
      const [ids, G] = [placeholder("ids", [n], "i32"), placeholder("G", { i: n, j: 21 })];
      const W = placeholder("W", { k: 9, j: 21 });
      const T = scatter(
        "T",
        { k: 9, j: 21 },
        { i: n, j: 21 },
        ({ i, j }) => ({ at: [ids.at(i), j], value: G.at(i, j) }),
        {
          init: ({ k, j }) => W.at(k, j),
        },
      );
      const s = schedule(T);
      const { i, j } = s.loops(T);
      s.reorder(i, j);
      const init = s.decomposeReduction(T, i);
      for (const b of [T, init]) s.vectorize(s.loopList(b).at(-1)!);
      return s;
    },
    sizes: [{ n: 1 }, { n: 13 }],
    wat: [/f32x4\.add/],
  },
  {
    name: "the largest of each group, its groups computed inside",
    make: () => {
      const [code, X] = [placeholder("code", { i: 37 }, "u8"), placeholder("X", { i: 37 })];
      const group = compute("group", { i: 37 }, ({ i }) => code.at(i).cast("i32").mod(5));
      const M = scatter("M", { g: 5 }, { i: 37 }, ({ i }) => ({ at: [group.at(i)], value: X.at(i) }), {
        combine: "max",
      });
      const s = schedule(M);
      s.computeInline(group);
      s.split(s.loops(M).i, { io: "rest", ii: 8 }, { tail: "peel" });
      return s;
    },
    nest: [/^(?!.*block group)/s],
  },
  {
    name: "running totals by hand, eight rows in lanes",
    make: () => {
      const [n, w] = [dim("n", { min: 1, max: 60 }), 11];
      const X = placeholder("X", { y: n, x: w });
      const T = nest(
        "T",
        { reads: [X], axes: { y: n }, results: { shape: { x: w }, dtype: "f32" } },
        ({ y }, out, b) => {
          const total = b.alloc("total", [], "f32");
          b.for("x", w, (x) => {
            total.store([], total.at().add(X.at(y, x)));
            out.store([x], total.at());
          });
        },
      );
      const s = schedule(T);
      s.vectorize(s.split(s.loops(T).y, { yo: "rest", yi: 8 }).yi);
      return s;
    },
    sizes: [{ n: 1 }, { n: 8 }, { n: 29 }],
    wat: [/f32x4\.add/],
  },
  {
    name: "rows sorted by hand, from a copy of the row, what follows computed at once",
    make: () => {
      const X = placeholder("X", { y: 5, x: 12 });
      const S = nest(
        "S",
        { reads: [X], axes: { y: 5 }, results: { shape: { x: 12 }, dtype: "f32" } },
        ({ y }, out, b) => {
          b.for("x", 12, (x) => out.store([x], X.at(y, x)));
          b.for("i", { from: 1, to: 12 }, (i) =>
            b.for("j", i, (j) => {
              const [p, q] = [i.sub(j).sub(1), i.sub(j)];
              const [low, high] = [out.at(p), out.at(q)];
              out.store([p], low.min(high));
              out.store([q], low.max(high));
            }),
          );
        },
      );
      const D = compute("D", { y: 5, x: 12 }, ({ y, x }) => S.at(y, x).sub(S.at(y, 0)));
      const s = schedule(D);
      s.computeAt(S, s.loops(D).y);
      s.computeAt(s.cacheRead(S, X, "workspace"), s.loops(D).y);
      s.setScope(S, "workspace");
      s.vectorize(s.loopList(D).at(-1)!);
      return s;
    },
    wat: [/f32x4\.sub/],
  },
  {
    name: "a sparse matrix by hand, its rows split",
    make: () => {
      const [n, m] = [dim("n", { min: 1, max: 40 }), dim("m", { min: 1, max: 99 })];
      const [start, column] = [placeholder("start", [n.add(1)], "i32"), placeholder("column", [m], "i32")];
      const [value, X] = [placeholder("value", [m]), placeholder("X", [n])];
      const Y = nest(
        "Y",
        { reads: [start, column, value, X], axes: { i: n }, results: { shape: [], dtype: "f32" } },
        ({ i }, out, b) => {
          const total = b.alloc("total", [], "f32");
          b.for("p", { from: start.at(i), to: start.at(i.add(1)) }, (p) =>
            total.store([], total.at().add(value.at(p).mul(X.at(column.at(p))))),
          );
          out.store([], total.at());
        },
      );
      const Z = compute("Z", { i: n }, ({ i }) => Y.at(i).max(0));
      const s = schedule(Z);
      s.split(s.loops(Y).i, { io: "rest", ii: 4 });
      s.reverseComputeAt(Z, s.loopList(Y)[0]!);
      return s;
    },
    sizes: [{ n: 7, m: 20 }],
  },
  {
    name: "a stage computed for what each step of a nest reads",
    make: () => {
      const X = placeholder("X", { y: 6, x: 16 }, "i32");
      const E = compute("E", { y: 6, x: 16 }, ({ y, x }) => X.at(y, x).mul(2).add(1));
      const T = nest("T", { reads: [E], axes: { y: 6 }, results: { shape: { k: 2 }, dtype: "i32" } }, ({ y }, out, b) =>
        b.for("x", { from: 4, to: 12 }, (x) => {
          const v = E.at(y, x);
          const k = select(v.gt(0), lit(1, "i32"), 0);
          out.store([k], out.at(k).add(v));
        }),
      );
      const total = compute("total", {}, () => sum({ y: 6, k: 2 }, ({ y, k }) => T.at(y, k)));
      const s = schedule({ T, total });
      const { x } = s.computeAt(E, s.loops(T).y);
      s.vectorize(x);
      return s;
    },
    nest: [/vectorized x in 8:\n\s+block E/],
    wat: [/i32x4\.add/],
  },
];
