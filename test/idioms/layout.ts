/** Operands laid out for the loops that read them: panels, blocked channels, im2col, turned and aligned copies. */
import { pack, registerTile, unrollAndVectorize } from "../../schedule/library/index.ts";
import { compute, constantEdge, dim, placeholder, schedule, sum } from "../../src/index.ts";
import type { Axis, Expr } from "../../te/index.ts";
import { gemm } from "./gemm.ts";
import type { Idiom } from "./idiom.ts";

type Index = Expr<"i32">;
/** Columns in panels of eight. */
const columnPanels = (k: Axis, j: Axis): Index[] => [j.div(8), k, j.mod(8)];
/** Rows in panels of four. */
const rowPanels = (i: Axis, k: Axis): Index[] => [i.div(4), k, i.mod(4)];

/** A register tile over blocks of k, with panels of B made at one of its loops. */
function panelsAt(at: "root" | "jo" | "ko" | "io", pad: boolean): Idiom {
  return {
    name: `panels of eight columns, packed at ${at}${pad ? ", padded" : ""}`,
    make: () => {
      const { B, C, s } = gemm(13, 21, 10);
      const { outer, inner } = registerTile(s, C, { i: 4, j: 8 });
      const { ko, ki } = s.split(s.loops(C).k, { ko: "rest", ki: 4 });
      s.reorder(outer.j, ko, outer.i, ki, inner.i, inner.j);
      const loop = at === "root" ? at : { jo: outer.j, ko, io: outer.i }[at];
      const copy = pack(s, C, B, loop, { layout: columnPanels, ...(pad ? { pad: 0 } : {}) });
      unrollAndVectorize(s, copy);
      unrollAndVectorize(s, C);
      return s;
    },
    nest: [/layout \(k, j\) -> \(j \/\/ 8, k, j % 8\) of \[3, 10, 8\]/],
    wat: [/f32x4\.mul/],
  };
}
/** Rows of a register tile in its innermost loops; accumulators are registers. */
function tiled({ C, s }: ReturnType<typeof gemm>) {
  const { outer } = registerTile(s, C, { i: 4, j: 8 });
  s.reorder(outer.j, outer.i);
  const { copy } = s.cacheWrite(C, "local");
  s.reverseComputeAt(copy, outer.i);
  const init = s.decomposeReduction(C, s.loops(C).k);
  return { outer, blocks: [C, init, copy] };
}
const conv3x3 = (H: number, W: number, CI: number, CO: number) => {
  const X = placeholder("X", { h: H, w: W, c: CI });
  const F = placeholder("F", { r: 3, q: 3, c: CI, o: CO });
  const edge = constantEdge(X, 0);
  const Y = compute("Y", { h: H, w: W, o: CO }, ({ h, w, o }) =>
    sum({ r: 3, q: 3, c: CI }, ({ r, q, c }) => edge.at(h.add(r).sub(1), w.add(q).sub(1), c).mul(F.at(r, q, c, o))),
  );
  return { X, F, Y, s: schedule(Y) };
};

export const LAYOUT: readonly Idiom[] = [
  ...(["root", "jo", "ko", "io"] as const).flatMap((at) => [panelsAt(at, false), panelsAt(at, true)]),
  {
    name: "panels of both operands, as matrix libraries have them",
    make: () => {
      const g = gemm(13, 20, 10);
      const { blocks } = tiled(g);
      for (const [read, layout] of [
        [g.A, rowPanels],
        [g.B, columnPanels],
      ] as const)
        unrollAndVectorize(g.s, pack(g.s, g.C, read, "root", { layout }));
      for (const b of blocks) unrollAndVectorize(g.s, b);
      return g.s;
    },
    nest: [/of \[4, 10, 4\]/, /of \[3, 10, 8\]/],
    wat: [/f32x4\.mul/, /v128\.load32_splat/],
  },
  {
    name: "panels of a matrix of any size",
    make: () => {
      const n = dim("n", { max: 64 });
      const k = dim("k", { max: 64 });
      const g = gemm(9 as never, n as never, k as never);
      const { outer, blocks } = tiled(g);
      unrollAndVectorize(g.s, pack(g.s, g.C, g.B, outer.j, { layout: columnPanels, pad: 0 }));
      for (const b of blocks) unrollAndVectorize(g.s, b);
      return g.s;
    },
    sizes: [
      { n: 21, k: 5 },
      { n: 16, k: 1 },
      { n: 3, k: 7 },
      { n: 1, k: 0 },
      { n: 0, k: 4 },
    ],
    nest: [/of \[\(n \+ 7\) \/\/ 8, k, 8\]/],
    wat: [/f32x4\.mul/],
  },
  {
    name: "a copy of A turned, so that the rows of a tile are neighbours",
    make: () => {
      const g = gemm(13, 20, 10);
      const { outer, blocks } = tiled(g);
      pack(g.s, g.C, g.A, outer.i, { layout: (i, k) => [k, i] });
      for (const b of blocks) unrollAndVectorize(g.s, b);
      return g.s;
    },
    nest: [/layout \(i0, i1\) -> \(i1, i0\)|layout \(i, k\) -> \(k, i\)/],
    wat: [/f32x4\.mul/, /v128\.load32_splat/],
  },
  {
    name: "rows of a panel aligned to whole vectors",
    make: () => {
      const g = gemm(8, 21, 10);
      const { blocks } = tiled(g);
      const copy = pack(g.s, g.C, g.B, "root");
      g.s.storageAlign(copy, 0, 8);
      g.s.vectorize(g.s.ownLoops(copy).at(-1)!);
      for (const b of blocks) unrollAndVectorize(g.s, b);
      return g.s;
    },
    nest: [/stride 0 = 0 mod 8/],
    wat: [/f32x4\.mul/, /v128\.load /],
  },
  {
    name: "a stage in tiles of 4 x 4, read back row by row",
    make: () => {
      const X = placeholder("X", { y: 10, x: 14 });
      const T = compute("T", { y: 10, x: 14 }, ({ y, x }) => X.at(y, x).mul(2).add(1));
      const Y = compute("Y", { y: 8, x: 12 }, ({ y, x }) =>
        sum({ r: 3, q: 3 }, ({ r, q }) => T.at(y.add(r), x.add(q))),
      );
      const s = schedule(Y);
      s.transformLayout(T, (y, x) => [y.div(4), x.div(4), y.mod(4), x.mod(4)], { pad: -1 });
      const { xo, xi } = s.split(s.loops(T).x, { xo: "rest", xi: 4 });
      const { yo, yi } = s.split(s.loops(T).y, { yo: "rest", yi: 4 });
      s.reorder(yo, xo, yi, xi);
      s.vectorize(xi);
      unrollAndVectorize(s, Y);
      return s;
    },
    nest: [/of \[3, 4, 4, 4\], pad -1\.0/],
    wat: [/v128\.store/],
  },
  {
    name: "channels in blocks of eight: NHWC made NCHWc, filters to match",
    make: () => {
      const { X, F, Y, s } = conv3x3(6, 9, 12, 20);
      const { w, o, r, c } = s.loops(Y);
      const { wo, wi } = s.split(w, { wo: "rest", wi: 4 });
      const { oo, oi } = s.split(o, { oo: "rest", oi: 8 });
      const { co, ci } = s.split(c, { co: "rest", ci: 8 });
      s.reorder(oo, s.loops(Y).h, wo, co, r, s.loops(Y).q, ci, wi, oi);
      const image = pack(s, Y, X, "root", { layout: (h, w, c) => [c.div(8), h, w, c.mod(8)] });
      const filter = pack(s, Y, F, "root", {
        layout: (r, q, c, o) => [o.div(8), c.div(8), r, q, c.mod(8), o.mod(8)],
      });
      for (const b of [image, filter]) unrollAndVectorize(s, b);
      const { copy } = s.cacheWrite(Y, "local");
      s.reverseComputeAt(copy, wo);
      const init = s.decomposeReduction(Y, co);
      for (const b of [Y, init, copy]) unrollAndVectorize(s, b);
      return s;
    },
    nest: [/of \[2, 6, 9, 8\]/, /of \[3, 2, 3, 3, 8, 8\]/],
    wat: [/f32x4\.mul/],
  },
  {
    name: "im2col: patches with their border as rows of a matrix, then a product",
    make: () => {
      const { X, Y, s } = conv3x3(5, 8, 3, 12);
      const patches = s.reindex(Y, X, "workspace");
      s.transformLayout(patches, (h, w, r, q, c) => [h.mul(8).add(w), r.mul(9).add(q.mul(3)).add(c)]);
      const { h, w, o, r, q, c } = s.loops(Y);
      const p = s.fuseAs("p", h, w);
      const k = s.fuseAs("k", r, q, c);
      const { po, pi } = s.split(p, { po: "rest", pi: 4 });
      const { oo, oi } = s.split(o, { oo: "rest", oi: 8 });
      s.reorder(oo, po, k, pi, oi);
      const { copy } = s.cacheWrite(Y, "local");
      s.reverseComputeAt(copy, po);
      const init = s.decomposeReduction(Y, k);
      for (const b of [Y, init, copy]) unrollAndVectorize(s, b);
      return s;
    },
    // the border is asked for once, when the patches are made
    nest: [/of \[40, 27\]/, /Y\.local\[.*\] \+ X\.re\[[^?]*\] \* F\[/],
    not: { nest: [/block Y\([^\n]*\n[^\n]*where/] },
    wat: [/f32x4\.mul/],
  },
  {
    name: "patches made for each row of the image",
    make: () => {
      const X = placeholder("X", [13, 15, 4]);
      const F = placeholder("F", [3, 3, 4, 8]);
      const Y = compute("Y", { h: 6, w: 7, o: 8 }, ({ h, w, o }) =>
        sum({ r: 3, q: 3, c: 4 }, ({ r, q, c }) => X.at(h.mul(2).add(r), w.mul(2).add(q), c).mul(F.at(r, q, c, o))),
      );
      const s = schedule(Y);
      const { h, w, o, r, q, c } = s.loops(Y);
      const { wo, wi } = s.split(w, { wo: "rest", wi: 4 });
      s.reorder(h, wo, r, q, c, wi, o);
      s.computeAt(s.reindex(Y, X, "workspace", { order: ["h", "r", "q", "c", "w"] }), h);
      const { copy } = s.cacheWrite(Y, "local");
      s.reverseComputeAt(copy, wo);
      const init = s.decomposeReduction(Y, r);
      for (const b of [Y, init, copy]) unrollAndVectorize(s, b);
      return s;
    },
    nest: [/X\.re: f32\[6, 3, 3, 4, 7\]/],
    wat: [/f32x4\.mul/],
  },
  {
    name: "weights in panels, packed ahead of time",
    make: () => {
      const A = placeholder("A", { i: 13, k: 10 });
      const B = placeholder("B", { k: 10, j: 21 }, "f32", { constant: true });
      const C = compute("C", { i: 13, j: 21 }, ({ i, j }) => sum({ k: 10 }, ({ k }) => A.at(i, k).mul(B.at(k, j))));
      const s = schedule(C);
      s.transformLayout(B, columnPanels, { pad: 0 });
      const { blocks } = tiled({ A, B, C, s } as never);
      for (const b of blocks) unrollAndVectorize(s, b);
      return s;
    },
    nest: [/B\.workspace: .*of \[3, 10, 8\], pad 0\.0/, /# prepared|B\.workspace\(vk/],
    wat: [/f32x4\.mul/],
  },
  {
    name: "bytes in groups of four along the sum, for dot products",
    make: () => {
      const A = placeholder("A", { i: 6, k: 22 }, "i8");
      const B = placeholder("B", { k: 22, j: 12 }, "i8");
      const C = compute("C", { i: 6, j: 12 }, ({ i, j }) =>
        sum({ k: 22 }, ({ k }) => A.at(i, k).cast("i32").mul(B.at(k, j).cast("i32"))),
      );
      const s = schedule(C);
      const copy = pack(s, C, B, "root", { layout: (k, j) => [k.div(4), j, k.mod(4)], pad: 0 });
      void copy;
      const { j, k } = s.loops(C);
      const { ko, ki } = s.split(k, { ko: "rest", ki: 4 });
      s.reorder(s.loops(C).i, ko, j, ki);
      return s;
    },
    nest: [
      /B\.workspace: i8\[22, 12\] in workspace, layout \(k, j\) -> \(k \/\/ 4, j, k % 4\) of \[6, 12, 4\], pad i8\(0\)/,
    ],
  },
];
