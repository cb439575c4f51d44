/** One nest in several versions: sizes that divide, borders apart from the middle, the last tile apart from the full ones. */
import { unrollAndVectorize } from "../../schedule/library/index.ts";
import { compute, constantEdge, dim, placeholder, scalar, scan, schedule, sum } from "../../src/index.ts";
import type { Idiom } from "./idiom.ts";

function gemm() {
  const [m, n, k] = [dim("m"), dim("n"), dim("k")];
  const A = placeholder("A", [m, k]);
  const B = placeholder("B", [k, n]);
  const C = compute("C", { i: m, j: n }, ({ i, j }) => sum({ k }, ({ k }) => A.at(i, k).mul(B.at(k, j))));
  return { m, n, k, A, B, C, s: schedule(C) };
}
const PRODUCTS = [
  { m: 5, n: 16, k: 3 },
  { m: 6, n: 13, k: 7 },
  { m: 1, n: 4, k: 1 },
  { m: 8, n: 40, k: 5 },
];
/** Rows by columns, in registers. */
function inRegisters({ C, s }: ReturnType<typeof gemm>, rows: number, columns: number): void {
  const { i, j, k } = s.loops(C);
  const { io, ii } = s.split(i, { io: "rest", ii: rows }, { tail: "peel" });
  const { jo, ji } = s.split(j, { jo: "rest", ji: columns }, { tail: "peel" });
  s.reorder(jo, io, k, ii, ji);
  const { copy } = s.cacheWrite(C, "local");
  s.reverseComputeAt(copy, io);
  const init = s.decomposeReduction(C, k);
  for (const b of [C, init, copy]) unrollAndVectorize(s, b);
}

/** 3x3, the border of zeros not stored: three tests per tap and side. */
function conv() {
  const [h, w] = [dim("h", { min: 1 }), dim("w", { min: 1 })];
  const [CI, CO] = [3, 8];
  const X = placeholder("X", { h, w, c: CI });
  const F = placeholder("F", { r: 3, q: 3, c: CI, o: CO });
  const edge = constantEdge(X, 0);
  const Y = compute("Y", { h, w, o: CO }, ({ h, w, o }) =>
    sum({ r: 3, q: 3, c: CI }, ({ r, q, c }) => edge.at(h.add(r).sub(1), w.add(q).sub(1), c).mul(F.at(r, q, c, o))),
  );
  return { X, F, Y, s: schedule(Y) };
}
const IMAGES = [1, 2, 3, 6].flatMap((h) => [1, 2, 5].map((w) => ({ h, w })));

/** Two stages over an image. */
function blur() {
  const [h, w] = [dim("h", { min: 1 }), dim("w", { min: 1 })];
  const X = placeholder("X", [h.add(2), w]);
  const P = compute("P", { y: h.add(2), x: w }, ({ y, x }) => X.at(y, x).mul(0.25));
  const Q = compute("Q", { y: h, x: w }, ({ y, x }) =>
    P.at(y, x)
      .add(P.at(y.add(1), x).mul(2))
      .add(P.at(y.add(2), x)),
  );
  return { h, w, X, P, Q, s: schedule(Q) };
}
const ROWS = [1, 2, 7].flatMap((h) => [1, 8, 13, 32].map((w) => ({ h, w })));

export const BRANCHES: readonly Idiom[] = [
  {
    name: "matrix product, registers where the columns divide by 8",
    make: () => {
      const t = gemm();
      t.s.specialize(t.s.loops(t.C).i, t.n.mod(8).eq(0));
      inRegisters(t, 2, 8);
      return t.s;
    },
    sizes: PRODUCTS,
    nest: [/if n % 8 == 0:/, /C\.local/],
    wat: [/f32x4\.mul/],
  },
  {
    name: "matrix product, wide tiles for 16 columns and more, narrow ones for less",
    make: () => {
      const t = gemm();
      const { C, s, n } = t;
      const { cold } = s.specialize(s.loops(C).i, n.ge(16));
      inRegisters(t, 2, 16);
      const { i, j, k } = cold.loops(C);
      const { ji } = s.split(j, { jo: "rest", ji: 4 }, { tail: "peel" });
      s.reorder(i, k, ji);
      s.vectorize(ji);
      return s;
    },
    sizes: PRODUCTS,
    wat: [/f32x4\.mul/],
  },
  {
    name: "matrix product, written out for one size",
    make: () => {
      const { C, n, k, s } = gemm();
      const { i, j, k: kk } = s.loops(C);
      s.specialize(i, n.eq(4).and(k.eq(1)));
      s.vectorize(j);
      s.unroll(kk);
      return s;
    },
    sizes: PRODUCTS,
    nest: [/vectorized j in 4/, /unrolled k_\d in 1/],
  },
  {
    name: "matrix product, full tiles apart from the last one",
    make: () => {
      const { C, s } = gemm();
      const { i, j, k } = s.loops(C);
      const { jo, ji } = s.split(j, { jo: "rest", ji: 8 });
      s.reorder(jo, i, k, ji);
      const { cold } = s.specialize(i, ({ jo, n }) => jo!.mul(8).add(8).le(n));
      s.vectorize(ji);
      s.reorder(cold.loop(ji), cold.loop(k));
      return s;
    },
    sizes: PRODUCTS,
    not: { nest: [/block C\(.*\) if/] },
    wat: [/f32x4\.mul/],
  },
  {
    name: "matrix product, the sum's last steps apart",
    make: () => {
      const { C, s } = gemm();
      const { i, j, k } = s.loops(C);
      const { jo, ji } = s.split(j, { jo: "rest", ji: 8 }, { tail: "peel" });
      const { ko, ki } = s.split(k, { ko: "rest", ki: 4 });
      s.reorder(i, jo, ko, ki, ji);
      const init = s.decomposeReduction(C, ko);
      const { last } = s.partition(ko, { full: "rest", last: 1 });
      s.unroll(ki);
      for (const b of [C, init, last.block(C)]) s.vectorize(s.ownLoops(b).at(-1)!);
      return s;
    },
    sizes: PRODUCTS,
    wat: [/f32x4\.mul/],
  },
  {
    name: "convolution, the rows at the border apart, vectors of channels",
    make: () => {
      const { Y, s } = conv();
      const { h, w, o, r, q, c } = s.loops(Y);
      s.reorder(h, w, r, q, c, o);
      const { top, body, bottom } = s.partition(h, { top: 1, body: "rest", bottom: 1 });
      for (const part of [top, body, bottom]) {
        s.decomposeReduction(part.block(Y), part.loop(r));
        s.vectorize(part.loop(o));
      }
      s.unroll(r);
      return s;
    },
    sizes: IMAGES,
    nest: [/for h_\d+ in max\(h - 2, 0\):/],
    wat: [/f32x4\.mul/],
  },
  {
    name: "convolution, all four borders apart, in registers inside",
    make: () => {
      const { Y, s } = conv();
      const { h, w, o, r, q, c } = s.loops(Y);
      const { top, bottom } = s.partition(h, { top: 1, body: "rest", bottom: 1 });
      s.partition(w, { left: 1, middle: "rest", right: 1 });
      const { wo, wi } = s.split(w, { wo: "rest", wi: 2 }, { tail: "peel" });
      s.reorder(wo, r, q, c, wi, o);
      s.decomposeReduction(Y, r);
      unrollAndVectorize(s, Y);
      for (const part of [top, bottom]) {
        const own = part.loops(Y);
        s.reorder(own.r, own.q, own.c, own.o);
        s.vectorize(own.o);
      }
      return s;
    },
    sizes: IMAGES,
    nest: [/block Y\.left\(/, /block Y\.bottom\(/],
    wat: [/f32x4\.mul/],
  },
  {
    name: "blur, by rows: each width computes its rows in its own way",
    make: () => {
      const { w, P, Q, s } = blur();
      const { y, x } = s.loops(Q);
      s.computeAt(P, y);
      const { hot, cold } = s.specialize(y, w.mod(8).eq(0));
      for (const l of [x, hot.loops(P).x!]) s.vectorize(s.split(l, { xo: "rest", xi: 8 }).xi);
      s.computeInline(cold.block(P));
      return s;
    },
    sizes: ROWS,
    not: { nest: [/block P\.cold/, /\) if /] },
    wat: [/f32x4\.add/],
  },
  {
    name: "blur, the first stage in two versions, read by one second stage",
    make: () => {
      const { w, P, Q, s } = blur();
      const { y, x } = s.loops(Q);
      const { yo } = s.split(y, { yo: "rest", yi: 2 });
      s.computeAt(P, yo);
      s.specialize(s.loops(P).y!, w.ge(32));
      s.vectorize(s.split(s.loops(P).x!, { xo: "rest", xi: 16 }).xi);
      s.vectorize(s.split(x, { xo: "rest", xi: 4 }, { tail: "peel" }).xi);
      return s;
    },
    sizes: ROWS,
    wat: [/f32x4\.add/],
  },
  {
    name: "blur, the first row apart and a sliding window over the others",
    make: () => {
      const { P, Q, s } = blur();
      const { y, x } = s.loops(Q);
      s.computeAt(P, y);
      const { first } = s.partition(y, { first: 1, rest: "rest" });
      s.foldStorage(P, y);
      s.computeInline(first.block(P));
      s.vectorize(s.split(x, { xo: "rest", xi: 8 }, { tail: "peel" }).xi);
      return s;
    },
    sizes: ROWS,
    wat: [/f32x4\.add/],
  },
  {
    name: "scaling that is often by one",
    make: () => {
      const n = dim("n");
      const alpha = scalar("alpha");
      const X = placeholder("X", [n]);
      const Y = compute("Y", { i: n }, ({ i }) => X.at(i).mul(alpha).add(1));
      const s = schedule(Y);
      const { i } = s.loops(Y);
      const { ii } = s.split(i, { io: "rest", ii: 8 }, { tail: "peel" });
      const { cold } = s.specialize(s.loopList(Y)[0]!, alpha.eq(1).and(n.ge(8)));
      for (const l of [ii, cold.loop(ii)]) s.vectorize(l);
      return s;
    },
    sizes: [{ n: 1 }, { n: 8 }, { n: 21 }],
    scalars: { alpha: 1 },
    wat: [/f32x4\.add/],
  },
  {
    name: "running sums, the first step apart",
    make: () => {
      const t = dim("t", { min: 1 });
      const X = placeholder("X", [t, 12]);
      const S = scan(
        "S",
        { t },
        { a: 12 },
        { init: ({ a }) => X.at(0, a), step: ({ t, a }, prev) => prev(a).add(X.at(t, a)) },
      );
      const s = schedule(S);
      const { t: steps, a } = s.loops(S);
      const { start } = s.partition(steps, { start: 1, rest: "rest" });
      for (const l of [a, start.loop(a)]) s.vectorize(l);
      return s;
    },
    sizes: [{ t: 1 }, { t: 2 }, { t: 9 }],
    wat: [/f32x4\.add/],
  },
];
