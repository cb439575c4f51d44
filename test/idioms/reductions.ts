/** Reductions: in lanes, in two stages, several in one pass. */
import { twoLevelReduction, unrollAndVectorize, vectorizeReduction } from "../../schedule/library/index.ts";
import { argmax, compute, dim, lit, max, min, placeholder, reduce, scatter, schedule, sum } from "../../src/index.ts";
import type { Idiom } from "./idiom.ts";

const WIDTHS = [{ k: 0 }, { k: 1 }, { k: 15 }, { k: 16 }, { k: 53 }];

export const REDUCTIONS: readonly Idiom[] = [
  {
    name: "dot products of rows, sixteen sums in four registers",
    make: () => {
      const k = dim("k");
      const A = placeholder("A", [6, k]);
      const B = placeholder("B", [6, k]);
      const C = compute("C", { i: 6 }, ({ i }) => sum({ k }, ({ k }) => A.at(i, k).mul(B.at(i, k))));
      const s = schedule(C);
      vectorizeReduction(s, C, s.loops(C).k, 16);
      return s;
    },
    sizes: WIDTHS,
    wat: [/f32x4\.mul/, /f32x4\.add/],
  },
  {
    name: "one sum of everything, in lanes",
    make: () => {
      const k = dim("k");
      const X = placeholder("X", [7, k]);
      const Y = compute("Y", {}, () => sum({ i: 7, k }, ({ i, k }) => X.at(i, k).mul(X.at(i, k))));
      const s = schedule(Y);
      vectorizeReduction(s, Y, s.loops(Y).k, 8);
      return s;
    },
    sizes: WIDTHS,
    wat: [/f32x4\.mul/],
  },
  {
    name: "dot products of bytes in 32 bits",
    make: () => {
      const A = placeholder("A", [5, 70], "i8");
      const B = placeholder("B", [70], "i8");
      const C = compute("C", { i: 5 }, ({ i }) =>
        sum({ k: 70 }, ({ k }) => A.at(i, k).cast("i32").mul(B.at(k).cast("i32"))),
      );
      const s = schedule(C);
      vectorizeReduction(s, C, s.loops(C).k, 16);
      return s;
    },
    wat: [/i32x4\.mul|extmul/, /i32x4\.add/],
  },
  {
    name: "the largest byte of each row, folded in halves",
    make: () => {
      const k = dim("k");
      const X = placeholder("X", [4, k], "u8");
      const Y = compute("Y", { i: 4 }, ({ i }) => max({ k }, ({ k }) => X.at(i, k)));
      const s = schedule(Y);
      vectorizeReduction(s, Y, s.loops(Y).k, 32);
      return s;
    },
    sizes: WIDTHS,
    wat: [/i8x16\.max_u/],
  },
  {
    name: "argmax of each row, every lane keeps its own",
    make: () => {
      const X = placeholder("X", [6, 45]);
      const Y = compute("Y", { r: 6 }, ({ r }) => argmax({ c: 45 }, ({ c }) => X.at(r, c)));
      const s = schedule(Y);
      vectorizeReduction(s, Y, s.loops(Y).c, 8);
      return s;
    },
    wat: [/v128\.bitselect/, /f32x4\.le/],
  },
  {
    name: "mean and mean square of each row in one pass, in lanes",
    make: () => {
      const k = dim("k", { min: 1 });
      const X = placeholder("X", [6, k]);
      const both = compute("both", { i: 6 }, ({ i }) => {
        const [a, q] = reduce(
          { k },
          {
            values: ({ k }) => [X.at(i, k), X.at(i, k).mul(X.at(i, k))],
            combine: (x, y) => [x[0].add(y[0]), x[1].add(y[1])],
            identity: [0, 0],
          },
        );
        return { total: a, square: q };
      });
      const s = schedule(both);
      vectorizeReduction(s, both.total, s.loops(both.total).k, 8);
      return s;
    },
    sizes: [{ k: 1 }, { k: 8 }, { k: 37 }],
    wat: [/f32x4\.mul/],
  },
  {
    name: "softmax, its reductions in lanes, a row at a time",
    make: () => {
      const [R, C] = [5, 43];
      const X = placeholder("X", [R, C]);
      const top = compute("top", { r: R }, ({ r }) => max({ c: C }, ({ c }) => X.at(r, c)));
      const e = compute("e", { r: R, c: C }, ({ r, c }) => X.at(r, c).sub(top.at(r)).exp());
      const total = compute("total", { r: R }, ({ r }) => sum({ c: C }, ({ c }) => e.at(r, c)));
      const Y = compute("Y", { r: R, c: C }, ({ r, c }) => e.at(r, c).div(total.at(r)));
      const s = schedule(Y);
      const { r } = s.loops(Y);
      s.computeAt(total, r);
      s.computeAt(e, r);
      s.computeAt(top, r);
      vectorizeReduction(s, total, s.loops(total).c, 8);
      vectorizeReduction(s, top, s.loops(top).c, 8);
      for (const t of [e, Y]) s.vectorize(s.split(s.loops(t).c, { co: "rest", ci: 8 }).ci);
      s.setScope(total, "local");
      s.setScope(top, "local");
      return s;
    },
    nest: [/top\.rf/, /total\.rf/],
    wat: [/f32x4\.p?max/, /f32x4\.div/],
  },
  {
    name: "matrix times vector, four rows share what they load of the vector",
    make: () => {
      const k = dim("k");
      const A = placeholder("A", [11, k]);
      const B = placeholder("B", [k]);
      const C = compute("C", { i: 11 }, ({ i }) => sum({ k }, ({ k }) => A.at(i, k).mul(B.at(k))));
      const s = schedule(C);
      const { io, ii } = s.split(s.loops(C).i, { io: "rest", ii: 4 }, { tail: "peel" });
      const { ki } = s.split(s.loops(C).k, { ko: "rest", ki: 4 });
      const { rf } = s.rfactor(C, ki);
      s.setScope(rf, "local");
      s.computeAt(rf, io);
      const { i, ko, ki: lanes } = s.loops(rf);
      s.reorder(ko!, i!, lanes!);
      s.vectorize(lanes!);
      s.unroll(i!);
      s.unroll(ii);
      s.unroll(ki);
      return s;
    },
    sizes: [{ k: 0 }, { k: 3 }, { k: 20 }, { k: 29 }],
    wat: [/f32x4\.mul/],
  },
  {
    name: "a long sum in chunks, partial sums in memory",
    make: () => {
      const k = dim("k");
      const X = placeholder("X", [k]);
      const Y = compute("Y", {}, () => sum({ k }, ({ k }) => X.at(k)));
      const s = schedule(Y);
      const { rf, loops } = twoLevelReduction(s, Y, s.loops(Y).k, 64);
      s.setScope(rf, "workspace");
      vectorizeReduction(s, rf, loops.inner, 4);
      return s;
    },
    sizes: [{ k: 0 }, { k: 5 }, { k: 64 }, { k: 200 }],
    wat: [/f32x4\.add/],
  },
  {
    name: "a histogram in four copies, so that neighbours don't wait for each other",
    make: () => {
      const k = dim("k");
      const code = placeholder("code", [k], "u8");
      const H = scatter("H", { bin: 16 }, { k }, ({ k }) => ({ at: [code.at(k).cast("i32")], value: lit(1, "i32") }));
      const s = schedule(H);
      const { ki } = s.split(s.loops(H).k, { ko: "rest", ki: 4 });
      const { rf } = s.rfactor(H, ki, { at: 0 });
      s.unroll(s.loops(rf).ki!);
      const bin = s.loopList(H)[0]!;
      s.reorder(ki, bin);
      s.vectorize(bin);
      return s;
    },
    sizes: [{ k: 0 }, { k: 3 }, { k: 33 }],
    wat: [/i32x4\.add/],
  },
  {
    name: "smallest and largest of each column in one pass over the rows",
    make: () => {
      const n = dim("n");
      const X = placeholder("X", [n, 20]);
      const lo = compute("lo", { c: 20 }, ({ c }) => min({ r: n }, ({ r }) => X.at(r, c)));
      const hi = compute("hi", { c: 20 }, ({ c }) => max({ r: n }, ({ r }) => X.at(r, c)));
      const s = schedule({ lo, hi });
      for (const t of [lo, hi]) {
        const { c, r } = s.loops(t);
        s.reorder(r, c);
      }
      s.computeWith(hi, s.loops(lo).r);
      for (const t of [lo, hi]) unrollAndVectorize(s, t);
      return s;
    },
    sizes: [{ n: 0 }, { n: 1 }, { n: 9 }],
    nest: [/block lo[^:]*:[\s\S]*block hi/],
    wat: [/f32x4\.(p?min)/, /f32x4\.(p?max)/],
  },
  {
    name: "row sums and scaled rows in one nest, each as it was",
    make: () => {
      const n = dim("n");
      const X = placeholder("X", [n, 18]);
      const S = compute("S", { r: n }, ({ r }) => sum({ c: 18 }, ({ c }) => X.at(r, c)));
      const D = compute("D", { r: n, c: 18 }, ({ r, c }) => X.at(r, c).mul(0.5));
      const s = schedule({ S, D });
      s.computeWith(D, s.loops(S).r);
      vectorizeReduction(s, S, s.loops(S).c, 4);
      s.vectorize(s.loops(D).c);
      return s;
    },
    sizes: [{ n: 0 }, { n: 6 }],
    wat: [/f32x4\.add/, /f32x4\.mul/],
  },
  {
    name: "one copy of a row for everybody who reads it",
    make: () => {
      const X = placeholder("X", [24, 9]);
      const S = compute("S", { c: 9 }, ({ c }) => sum({ r: 24 }, ({ r }) => X.at(r, c)));
      const Y = compute("Y", { c: 9, r: 24 }, ({ c, r }) => X.at(r, c).sub(S.at(c).div(24)));
      const s = schedule(Y);
      const copy = s.cacheRead("all", X, "workspace", { axes: ["r", "c"] });
      const { c, r } = s.loops(Y);
      s.computeAt(S, c);
      s.computeAt(copy, c);
      vectorizeReduction(s, S, s.loops(S).r, 8);
      s.vectorize(r);
      return s;
    },
    nest: [/for c in 9:\n {4}for r in 24:\n {6}block X\.workspace/],
    wat: [/f32x4\.sub/],
  },
  {
    name: "a stage taken out of its consumer again, to run as a nest of its own",
    make: () => {
      const X = placeholder("X", [10, 20]);
      const T = compute("T", { y: 10, x: 20 }, ({ y, x }) => X.at(y, x).mul(2));
      const Y = compute("Y", { y: 10, x: 19 }, ({ y, x }) => T.at(y, x).add(T.at(y, x.add(1))));
      const s = schedule(Y);
      s.computeAt(T, s.loops(Y).y);
      s.vectorize(s.computeRoot(T).x);
      s.vectorize(s.loops(Y).x, 4);
      return s;
    },
    nest: [/^ {2}for y in 10:\n {4}vectorized x in 20:\n {6}block T/m],
    wat: [/f32x4\.mul/],
  },
  {
    name: "argmax of columns through a local copy, both values in registers",
    make: () => {
      const X = placeholder("X", [21, 30]);
      const Y = compute("Y", { c: 30 }, ({ c }) => argmax({ r: 21 }, ({ r }) => X.at(r, c)));
      const s = schedule(Y);
      const { c, r } = s.loops(Y);
      const { co, ci } = s.split(c, { co: "rest", ci: 8 });
      s.reorder(co, r, ci);
      const { copy } = s.cacheWrite(Y, "local");
      s.reverseComputeAt(copy, co);
      const init = s.decomposeReduction(Y, r);
      for (const b of [Y, init, copy]) unrollAndVectorize(s, b);
      return s;
    },
    wat: [/v128\.bitselect/],
  },
];
