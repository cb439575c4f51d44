/** Loops that run at once, and loops whose ends are padded or shifted. */
import { pack, unrollAndVectorize } from "../../schedule/library/index.ts";
import { compute, dim, max, placeholder, schedule, sum } from "../../src/index.ts";
import { gemm } from "./gemm.ts";
import type { Idiom } from "./idiom.ts";

/** Two stages of a blur, the second of which reads three rows of the first. */
function blur(h = 22, w = 29) {
  const X = placeholder("X", { y: h + 2, x: w + 2 });
  const bx = compute("bx", { y: h + 2, x: w }, ({ y, x }) =>
    X.at(y, x)
      .add(X.at(y, x.add(1)))
      .add(X.at(y, x.add(2))),
  );
  const by = compute("by", { y: h, x: w }, ({ y, x }) =>
    bx
      .at(y, x)
      .add(bx.at(y.add(1), x))
      .add(bx.at(y.add(2), x)),
  );
  return { X, bx, by, s: schedule(by) };
}
/** Part of a vector: what neither a padded nor a shifted loop leaves over. */
const PARTIAL = [/v128\.(load|store)(32|64)_(zero|lane)/];

const shifted: readonly Idiom[] = [
  {
    name: "element by element, the last vector shifted back",
    make: () => {
      const n = dim("n", { min: 8, max: 500 });
      const X = placeholder("X", [n]);
      const Y = compute("Y", { i: n }, ({ i }) => X.at(i).mul(2).add(1));
      const s = schedule(Y);
      s.vectorize(s.split(s.loops(Y).i, { io: "rest", ii: 8 }, { tail: "shift" }).ii);
      return s;
    },
    sizes: [{ n: 8 }, { n: 11 }, { n: 16 }, { n: 477 }],
    nest: [/min\(io \* 8, n - 8\)/],
    not: { nest: [/ if /], wat: PARTIAL },
    wat: [/f32x4\.mul/],
  },
  {
    name: "register tiles shifted back at both ends, 13x27x9",
    make: () => {
      const { B, C, s } = gemm(13, 27, 9);
      const { i, j, k } = s.loops(C);
      const { copy } = s.cacheWrite(C, "local");
      const { io, ii } = s.split(i, { io: "rest", ii: 4 }, { tail: "shift" });
      const { jo, ji } = s.split(j, { jo: "rest", ji: 8 }, { tail: "shift" });
      s.reorder(jo, io, k, ii, ji);
      pack(s, C, B, jo);
      s.reverseComputeAt(copy, io);
      const init = s.decomposeReduction(C, k);
      for (const b of [C, init, copy]) unrollAndVectorize(s, b);
      return s;
    },
    not: { nest: [/ if /], wat: PARTIAL },
    wat: [/f32x4\.mul/, /v128\.load32_splat/],
  },
  {
    name: "a blur whose last strip of rows overlaps the one before",
    make: () => {
      const { bx, by, s } = blur();
      const { y, x } = s.loops(by);
      const { yo } = s.split(y, { yo: "rest", yi: 4 }, { tail: "shift" });
      s.vectorize(s.split(x, { xo: "rest", xi: 8 }, { tail: "shift" }).xi);
      s.computeAt(bx, yo);
      s.vectorize(s.split(s.loops(bx).x, { xo: "rest", xi: 8 }, { tail: "shift" }).xi);
      return s;
    },
    not: { nest: [/ if /], wat: PARTIAL },
    wat: [/f32x4\.add/],
  },
];

/** Copies of both operands, longer by what tiles of 4x8 lack. */
function paddedGemm(m: number, n: number, k: number) {
  const g = gemm(m, n, k);
  const { s, A, B, C } = g;
  const [a, b] = [s.cacheRead(C, A, "workspace"), s.cacheRead(C, B, "workspace")];
  const { copy } = s.cacheWrite(C, "local");
  s.pad(a, s.loopList(a)[0]!, 4);
  s.pad(b, s.loops(b).j, 8);
  return { ...g, a, b, copy };
}
const padded: readonly Idiom[] = [
  {
    name: "gemm 10x13x7 in whole tiles: operands, accumulators and sum padded",
    make: () => {
      const { C, s, a, b, copy } = paddedGemm(10, 13, 7);
      const { i, j, k } = s.loops(C);
      s.pad(a, s.loopList(a)[1]!, 4);
      s.pad(b, s.loops(b).k, 4);
      for (const [l, n] of [
        [i, 4],
        [j, 8],
        [k, 4],
      ] as const)
        s.pad(C, l, n);
      const { io, ii } = s.split(i, { io: "rest", ii: 4 });
      const { jo, ji } = s.split(j, { jo: "rest", ji: 8 });
      const { ko, ki } = s.split(k, { ko: "rest", ki: 4 });
      s.reorder(jo, io, ko, ki, ii, ji);
      s.computeAt(b, jo);
      s.reverseComputeAt(copy, io);
      const init = s.decomposeReduction(C, ko);
      s.unroll(ki);
      for (const x of [C, init, copy]) unrollAndVectorize(s, x);
      return s;
    },
    // the copy to the output keeps the only guard
    nest: [/block C\.copy\(.*\) if /],
    not: { nest: [/block C(\.init)?\(.*\) if /, /block [AB]\.workspace\(.*\) if /] },
    wat: [/f32x4\.mul/],
  },
  {
    name: "gemm 22x19x5, its accumulators padded by the splits",
    make: () => {
      const { C, s, b, copy } = paddedGemm(22, 19, 5);
      const { i, j, k } = s.loops(C);
      const { io, ii } = s.split(i, { io: "rest", ii: 4 }, { tail: "pad" });
      const { jo, ji } = s.split(j, { jo: "rest", ji: 8 }, { tail: "pad" });
      s.reorder(jo, io, k, ii, ji);
      s.computeAt(b, jo);
      s.reverseComputeAt(copy, io);
      const init = s.decomposeReduction(C, k);
      for (const x of [C, init, copy]) unrollAndVectorize(s, x);
      return s;
    },
    nest: [/block C\.copy\(.*\) if /],
    not: { nest: [/block C(\.init)?\(.*\) if /] },
    wat: [/f32x4\.mul/],
  },
  {
    name: "three channels of a convolution as four",
    make: () => {
      const X = placeholder("X", { y: 9, x: 10, c: 3 });
      const F = placeholder("F", { r: 3, q: 3, c: 3, o: 5 });
      const Y = compute("Y", { y: 7, x: 8, o: 5 }, ({ y, x, o }) =>
        sum({ r: 3, q: 3, c: 3 }, ({ r, q, c }) => X.at(y.add(r), x.add(q), c).mul(F.at(r, q, c, o))),
      );
      const s = schedule(Y);
      const [x, f] = [s.cacheRead(Y, X, "workspace"), s.cacheRead(Y, F, "workspace")];
      s.cacheWrite(Y, "workspace");
      s.pad(x, s.loops(x).c, 4);
      s.pad(f, s.loops(f).c, 4);
      s.pad(f, s.loops(f).o, 4);
      const { c, o } = s.loops(Y);
      s.pad(Y, c, 4);
      const { oo, oi } = s.split(o, { oo: "rest", oi: 4 }, { tail: "pad" });
      const { y, x: column, r, q } = s.loops(Y);
      s.reorder(y, column, oo, r, q, c, oi);
      s.unroll(c);
      s.vectorize(oi);
      return s;
    },
    nest: [/X\.workspace: f32\[9, 10, 4\]/],
    not: { nest: [/block Y\(.*\) if /] },
    wat: [/f32x4\.mul/],
  },
  {
    name: "a padded stage that reads a longer and a shorter one, in vectors",
    make: () => {
      const X = placeholder("X", [18]);
      const short = compute("short", { i: 18 }, ({ i }) => X.at(i).mul(2));
      const long = compute("long", { i: 18 }, ({ i }) => X.at(i).add(1));
      const both = compute("both", { i: 18 }, ({ i }) => short.at(i).max(long.at(i)));
      const Y = compute("Y", { i: 18 }, ({ i }) => both.at(i).sub(1));
      const s = schedule(Y);
      for (const t of [long, both]) {
        s.pad(t, s.loops(t).i, 32);
        s.vectorize(s.loops(t).i);
      }
      return s;
    },
    nest: [/where\(vi(_\d)? < 18, max\(short/],
  },
  {
    name: "rows of unknown length, padded with what no maximum takes",
    make: () => {
      const n = dim("n", { min: 0, max: 70 });
      const X = placeholder("X", { i: 6, k: n });
      const Y = compute("Y", { i: 6 }, ({ i }) => max({ k: n }, ({ k }) => X.at(i, k)));
      const s = schedule(Y);
      const copy = s.cacheRead(Y, X, "workspace");
      s.pad(copy, s.loops(copy).k, 8, -Infinity);
      const { k } = s.loops(Y);
      s.pad(Y, k, 8);
      s.unroll(s.split(k, { ko: "rest", ki: 8 }).ki);
      return s;
    },
    sizes: [{ n: 0 }, { n: 1 }, { n: 8 }, { n: 61 }],
    not: { nest: [/block Y\(.*\) if /] },
  },
];

const atOnce: readonly Idiom[] = [
  {
    name: "strips of rows on threads, a window of rows sliding in each",
    make: () => {
      const { bx, by, s } = blur();
      const { y, x } = s.loops(by);
      const { yo, yi } = s.split(y, { yo: "rest", yi: 8 });
      s.computeAt(bx, yi);
      s.storeAt(bx, yo);
      s.foldStorage(bx, yi);
      s.parallel(yo);
      s.vectorize(s.split(x, { xo: "rest", xi: 8 }).xi);
      return s;
    },
    nest: [/parallel yo in/, /stored at yo/],
    wat: [/f32x4\.add/],
  },
  {
    name: "panels on threads, each with its own pack",
    make: () => {
      const { B, C, s } = gemm(18, 40, 11);
      const { i, j, k } = s.loops(C);
      const { jo, ji } = s.split(j, { jo: "rest", ji: 8 });
      const { io, ii } = s.split(i, { io: "rest", ii: 4 });
      s.reorder(jo, io, k, ii, ji);
      s.parallel(jo);
      unrollAndVectorize(s, pack(s, C, B, jo));
      const { copy } = s.cacheWrite(C, "local");
      s.reverseComputeAt(copy, io);
      const init = s.decomposeReduction(C, k);
      for (const b of [C, init, copy]) unrollAndVectorize(s, b);
      return s;
    },
    nest: [/parallel jo in 5/, /B\.workspace/],
    wat: [/f32x4\.mul/],
  },
  {
    name: "by the names of its loops, in a chain",
    make: () => {
      const { C, s } = gemm(12, 24, 10);
      s.stage(C)
        .split("i", { io: "rest", ii: 4 })
        .split("j", { jo: "rest", ji: 8 })
        .reorder("io", "jo", "k", "ii", "ji")
        .parallel("io")
        .annotate("io", "tile", "4x8")
        .unroll("ii")
        .vectorize("ji");
      return s;
    },
    nest: [/parallel io in 3: {2}# tile: 4x8/],
    wat: [/f32x4\.mul/],
  },
  {
    name: "a grid of workgroups that fetch their tiles together",
    make: () => {
      const { A, B, C, s } = gemm(16, 16, 12);
      const { i, j, k } = s.loops(C);
      s.cacheWrite(C, "workspace");
      const { io, ii } = s.split(i, { io: "rest", ii: 8 });
      const { jo, ji } = s.split(j, { jo: "rest", ji: 8 });
      const { ko, ki } = s.split(k, { ko: "rest", ki: 4 });
      s.reorder(io, jo, ko, ii, ji, ki);
      const tiles = [s.cacheRead(C, A, "shared"), s.cacheRead(C, B, "shared")];
      for (const t of tiles) s.computeAt(t, ko);
      s.bind(io, "workgroup.y");
      s.bind(jo, "workgroup.x");
      s.bind(ii, "local.y");
      s.bind(ji, "local.x");
      for (const t of tiles) {
        const [outer, inner] = s.ownLoops(t);
        s.bind(outer!, "local.y");
        s.bind(inner!, "local.x");
      }
      return s;
    },
    nest: [/bound io in 2: {2}# workgroup\.y/, /bound ji in 8: {2}# local\.x/, /in shared/],
  },
];

export const LOOPS: readonly Idiom[] = [...shifted, ...padded, ...atOnce];
