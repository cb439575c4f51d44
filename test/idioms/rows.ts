/** Work on rows and columns: softmax and other normalizations, arg-reductions, scans. */

import { unrollAndVectorize } from "../../schedule/library/index.ts";
import {
  all,
  argmax,
  argmin,
  compute,
  dim,
  max,
  min,
  placeholder,
  prod,
  reduce,
  scan,
  schedule,
  sum,
} from "../../src/index.ts";
import type { AnySchedule, Idiom } from "./idiom.ts";

const lanes = (s: AnySchedule, loop: ReturnType<AnySchedule["loopList"]>[number], n: number): void =>
  void s.vectorize(
    (s.split(loop, { [`${loop.name}o`]: "rest", [`${loop.name}i`]: n }) as Record<string, typeof loop>)[
      `${loop.name}i`
    ]!,
  );

function softmax(log: boolean): Idiom {
  return {
    name: log ? "log-softmax, a row at a time" : "softmax, a row at a time",
    make: () => {
      const [R, C] = [5, 43];
      const X = placeholder("X", [R, C]);
      const top = compute("top", { r: R }, ({ r }) => max({ c: C }, ({ c }) => X.at(r, c)));
      const e = compute("e", { r: R, c: C }, ({ r, c }) => X.at(r, c).sub(top.at(r)).exp());
      const total = compute("total", { r: R }, ({ r }) => sum({ c: C }, ({ c }) => e.at(r, c)));
      const Y = compute("Y", { r: R, c: C }, ({ r, c }) =>
        log ? X.at(r, c).sub(top.at(r)).sub(total.at(r).log()) : e.at(r, c).div(total.at(r)),
      );
      const s = schedule(Y);
      const { r, c } = s.loops(Y);
      lanes(s, c, 8);
      s.computeAt(total, r);
      s.computeAt(e, r);
      s.computeAt(top, r);
      lanes(s, s.loops(e).c, 8);
      s.setScope(total, "local");
      s.setScope(top, "local");
      return s;
    },
    nest: [/total\[/],
    wat: [log ? /f32x4\.sub/ : /f32x4\.div/],
  };
}

export const ROWS: readonly Idiom[] = [
  softmax(false),
  softmax(true),
  {
    name: "softmax the other way round: consumers follow their producers",
    make: () => {
      const [R, C] = [5, 20];
      const X = placeholder("X", [R, C]);
      const top = compute("top", { r: R }, ({ r }) => max({ c: C }, ({ c }) => X.at(r, c)));
      const e = compute("e", { r: R, c: C }, ({ r, c }) => X.at(r, c).sub(top.at(r)).exp());
      const total = compute("total", { r: R }, ({ r }) => sum({ c: C }, ({ c }) => e.at(r, c)));
      const Y = compute("Y", { r: R, c: C }, ({ r, c }) => e.at(r, c).div(total.at(r)));
      const s = schedule(Y);
      const { r } = s.loops(top);
      s.reverseComputeAt(e, r);
      s.reverseComputeAt(total, r);
      s.reverseComputeAt(Y, r);
      lanes(s, s.loops(e).c, 4);
      lanes(s, s.loops(Y).c, 4);
      return s;
    },
    wat: [/f32x4\.div/],
  },
  {
    name: "softmax over columns, lanes across them",
    make: () => {
      const [R, C] = [11, 22];
      const X = placeholder("X", [R, C]);
      const top = compute("top", { c: C }, ({ c }) => max({ r: R }, ({ r }) => X.at(r, c)));
      const total = compute("total", { c: C }, ({ c }) => sum({ r: R }, ({ r }) => X.at(r, c).sub(top.at(c)).exp()));
      const Y = compute("Y", { r: R, c: C }, ({ r, c }) => X.at(r, c).sub(top.at(c)).exp().div(total.at(c)));
      const s = schedule(Y);
      const { r, c } = s.loops(Y);
      const { co, ci } = s.split(c, { co: "rest", ci: 8 });
      s.reorder(co, r, ci);
      s.computeAt(total, co);
      s.computeAt(top, co);
      for (const t of [top, total]) {
        const l = s.loops(t);
        s.reorder(l.r, l.c);
        s.vectorize(l.c);
      }
      s.vectorize(ci);
      return s;
    },
    wat: [/f32x4\.(p?max)/, /f32x4\.div/],
  },
  {
    name: "layer norm: mean and variance of a row, then its elements",
    make: () => {
      const [R, C] = [6, 37];
      const X = placeholder("X", [R, C]);
      const g = placeholder("g", [C]);
      const b = placeholder("b", [C]);
      const mean = compute("mean", { r: R }, ({ r }) => sum({ c: C }, ({ c }) => X.at(r, c)).div(C));
      const va = compute("va", { r: R }, ({ r }) =>
        sum({ c: C }, ({ c }) =>
          X.at(r, c)
            .sub(mean.at(r))
            .mul(X.at(r, c).sub(mean.at(r))),
        ).div(C),
      );
      const Y = compute("Y", { r: R, c: C }, ({ r, c }) =>
        X.at(r, c).sub(mean.at(r)).mul(va.at(r).add(1e-5).rsqrt()).mul(g.at(c)).add(b.at(c)),
      );
      const s = schedule(Y);
      const { r, c } = s.loops(Y);
      lanes(s, c, 8);
      s.computeAt(s.epilogue(va), r);
      s.computeAt(va, r);
      s.computeAt(s.epilogue(mean), r);
      s.computeAt(mean, r);
      return s;
    },
    wat: [/f32x4\.mul/],
  },
  {
    name: "mean and variance in one pass: a reduction of two values",
    make: () => {
      const [R, C] = [9, 24];
      const X = placeholder("X", [R, C]);
      const both = compute("both", { c: C }, ({ c }) => {
        const [a, q] = reduce(
          { r: R },
          {
            values: ({ r }) => [X.at(r, c), X.at(r, c).mul(X.at(r, c))],
            identity: [0, 0],
            combine: (x, y) => [x[0].add(y[0]), x[1].add(y[1])],
          },
        );
        return { mean: a.div(R), square: q.div(R) };
      });
      const s = schedule(both);
      const { c, r } = s.loops(both.mean);
      const { co, ci } = s.split(c, { co: "rest", ci: 8 });
      s.reorder(co, r, ci);
      s.vectorize(ci);
      return s;
    },
    wat: [/f32x4\.mul/],
  },
  ...([argmax, argmin] as const).map(
    (f, n): Idiom => ({
      name: `${n === 0 ? "argmax" : "argmin"} over rows, lanes across the columns`,
      make: () => {
        const X = placeholder("X", [21, 30]);
        const Y = compute("Y", { c: 30 }, ({ c }) => f({ r: 21 }, ({ r }) => X.at(r, c)));
        const s = schedule(Y);
        const { c, r } = s.loops(Y);
        const { ci } = s.split(c, { co: "rest", ci: 8 });
        s.reorder(r, ci);
        s.vectorize(ci);
        return s;
      },
      wat: [/f32x4\.(gt|lt|ge|le)/, /v128\.bitselect/],
    }),
  ),
  {
    name: "argmax of each row, rows unrolled",
    make: () => {
      const X = placeholder("X", [10, 23], "i32");
      const Y = compute("Y", { r: 10 }, ({ r }) => argmax({ c: 23 }, ({ c }) => X.at(r, c)));
      const s = schedule(Y);
      const { r, c } = s.loops(Y);
      const { ri } = s.split(r, { ro: "rest", ri: 4 }, { tail: "peel" });
      s.reorder(c, ri);
      s.unroll(ri);
      return s;
    },
  },
  {
    name: "moving averages of many signals: time in order, signals in lanes",
    make: () => {
      const [T, S] = [20, 30];
      const X = placeholder("X", [T, S]);
      const ema = scan(
        "ema",
        { t: T },
        { s: S },
        { init: ({ s }) => X.at(0, s), step: ({ t, s }, p) => p(s).mul(0.9).add(X.at(t, s).mul(0.1)) },
      );
      const s = schedule(ema);
      const { t, s: signal } = s.loops(ema);
      const { so, si } = s.split(signal, { so: "rest", si: 8 });
      s.reorder(so, t, si);
      s.vectorize(si);
      return s;
    },
    wat: [/f32x4\.mul/],
  },
  {
    name: "a cumulative sum, its consumer following step by step",
    make: () => {
      const [T, S] = [17, 20];
      const X = placeholder("X", [T, S], "i32");
      const c = scan(
        "c",
        { t: T },
        { s: S },
        { init: ({ s }) => X.at(0, s), step: ({ t, s }, p) => p(s).add(X.at(t, s)) },
      );
      const Y = compute("Y", { t: T, s: S }, ({ t, s }) => c.at(t, s).mul(2).sub(X.at(t, s)));
      const s = schedule(Y);
      s.reverseComputeAt(Y, s.loops(c).t);
      lanes(s, s.loops(c).s, 8);
      lanes(s, s.loops(Y).s, 8);
      return s;
    },
    wat: [/i32x4\.add/],
  },
  {
    name: "a scan with two states",
    make: () => {
      const [T, S] = [12, 18];
      const X = placeholder("X", [T, S]);
      const f = scan(
        "f",
        { t: T },
        { s: S },
        {
          init: ({ s }) => ({ v: X.at(0, s), d: X.at(0, s).mul(0) }),
          step: ({ t, s }, p) => ({
            v: p.v(s).add(p.d(s)).mul(0.5).add(X.at(t, s).mul(0.5)),
            d: X.at(t, s).sub(p.v(s)).mul(0.25),
          }),
        },
      );
      const s = schedule(f);
      lanes(s, s.loops(f.v).s, 4);
      return s;
    },
    wat: [/f32x4\.mul/],
  },
  {
    name: "row sums in registers, several rows at once",
    make: () => {
      const X = placeholder("X", [14, 33]);
      const Y = compute("Y", { r: 14 }, ({ r }) => sum({ c: 33 }, ({ c }) => X.at(r, c)));
      const s = schedule(Y);
      const { r, c } = s.loops(Y);
      const { ro, ri } = s.split(r, { ro: "rest", ri: 4 });
      s.reorder(ro, c, ri);
      const { copy } = s.cacheWrite(Y, "local");
      s.reverseComputeAt(copy, ro);
      const init = s.decomposeReduction(Y, c);
      for (const b of [Y, init, copy]) unrollAndVectorize(s, b);
      return s;
    },
  },
  {
    name: "column sums of bytes in 32 bits, symbolic height",
    make: () => {
      const n = dim("n");
      const X = placeholder("X", [n, 40], "u8");
      const Y = compute("Y", { c: 40 }, ({ c }) => sum({ r: n }, ({ r }) => X.at(r, c).cast("u32")));
      const s = schedule(Y);
      const { c, r } = s.loops(Y);
      const { co, ci } = s.split(c, { co: "rest", ci: 16 });
      s.reorder(co, r, ci);
      const { copy } = s.cacheWrite(Y, "local");
      s.reverseComputeAt(copy, co);
      const init = s.decomposeReduction(Y, r);
      for (const b of [Y, init, copy]) unrollAndVectorize(s, b);
      return s;
    },
    sizes: [{ n: 0 }, { n: 1 }, { n: 25 }],
    wat: [/i32x4\.add/],
  },
  {
    name: "smallest, product and a test over a triangle, together",
    make: () => {
      const X = placeholder("X", [12, 12], "i32");
      const lo = compute("lo", { i: 12 }, ({ i }) =>
        min({ k: 12 }, ({ k }) => X.at(k, i), { where: ({ k }) => k.le(i) }),
      );
      const pr = compute("pr", { i: 12 }, ({ i }) => prod({ k: 12 }, ({ k }) => X.at(k, i)));
      const ok = compute("ok", { i: 12 }, ({ i }) => all({ k: 12 }, ({ k }) => X.at(k, i).lt(9)));
      const s = schedule({ lo, pr, ok });
      for (const t of [lo, pr]) {
        const { i, k } = s.loops(t);
        const { io, ii } = s.split(i, { io: "rest", ii: 8 });
        s.reorder(io, k, ii);
        s.vectorize(ii);
      }
      return s;
    },
    wat: [/i32x4\.min_s/, /i32x4\.mul/],
  },
  {
    name: "distances: a reduction with its root, fused over rows and columns",
    make: () => {
      const P = placeholder("P", [9, 3]);
      const Q = placeholder("Q", [3, 21]);
      const D = compute("D", { i: 9, j: 21 }, ({ i, j }) =>
        sum({ d: 3 }, ({ d }) =>
          P.at(i, d)
            .sub(Q.at(d, j))
            .mul(P.at(i, d).sub(Q.at(d, j))),
        ).sqrt(),
      );
      const s = schedule(D);
      const { i, j, d } = s.loops(D);
      const { jo, ji } = s.split(j, { jo: "rest", ji: 8 });
      s.reorder(i, jo, d, ji);
      s.setScope(D, "local");
      const out = s.epilogue(D);
      s.reverseComputeAt(out, jo);
      const init = s.decomposeReduction(D, d);
      for (const b of [D, init, out]) unrollAndVectorize(s, b);
      s.unroll(d);
      return s;
    },
    wat: [/f32x4\.sqrt/],
  },
];
