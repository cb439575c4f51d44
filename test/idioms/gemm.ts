/** Matrix products and what is made of them. */
import { pack, registerTile, unrollAndVectorize } from "../../schedule/library/index.ts";
import { compute, dim, type Extent, placeholder, schedule, sum } from "../../src/index.ts";
import type { Idiom } from "./idiom.ts";

export function gemm(m: Extent, n: Extent, k: Extent) {
  const A = placeholder("A", [m, k]);
  const B = placeholder("B", { k, j: n });
  const C = compute("C", { i: m, j: n }, ({ i, j }) => sum({ k }, ({ k }) => A.at(i, k).mul(B.at(k, j))));
  return { A, B, C, s: schedule(C) };
}
export interface Tile {
  readonly rows: number;
  readonly columns: number;
  readonly tail?: "guard" | "peel";
  readonly columnTail?: "guard" | "peel";
}
/** The steps of the design's example, as users write them. */
export function design({ B, C, s }: ReturnType<typeof gemm>, t: Tile) {
  const { i, j, k } = s.loops(C);
  const { io, ii } = s.split(i, { io: "rest", ii: t.rows }, { tail: t.tail ?? "peel" });
  const { jo, ji } = s.split(j, { jo: "rest", ji: t.columns }, { tail: t.columnTail ?? "guard" });
  s.reorder(jo, io, k, ii, ji);
  s.computeAt(s.cacheRead(C, B, "workspace"), jo);
  const { copy } = s.cacheWrite(C, "local");
  s.reverseComputeAt(copy, io);
  const init = s.decomposeReduction(C, k);
  for (const b of [C, init, copy]) unrollAndVectorize(s, b);
  return s;
}
const designed = (m: number, n: number, k: number, t: Tile): Idiom => ({
  name: `gemm ${m}x${n}x${k}, ${t.rows}x${t.columns}, ${t.tail ?? "peel"}${t.columnTail ? `, columns ${t.columnTail}` : ""}`,
  make: () => design(gemm(m, n, k), t),
  nest: [/C\.local\[/, /B\.workspace\[/],
  // accumulators are registers: nothing but the copies of B and C is stored
  wat: n < 4 ? [] : [/f32x4\.mul/, /f32x4\.add/, /v128\.load32_splat/],
});

/** A register tile with loops over blocks of k outside, and B packed in one of them. */
function packedAt(at: "root" | "jo" | "ko" | "io" | "ki"): Idiom {
  return {
    name: `a panel of B packed at ${at}`,
    make: () => {
      const { B, C, s } = gemm(13, 20, 10);
      const { k } = s.loops(C);
      const { outer, inner } = registerTile(s, C, { i: 4, j: 8 });
      const { ko, ki } = s.split(k, { ko: "rest", ki: 4 });
      s.reorder(outer.j, ko, outer.i, ki, inner.i, inner.j);
      const copy = s.cacheRead(C, B, "workspace");
      if (at !== "root") s.computeAt(copy, { jo: outer.j, ko, io: outer.i, ki }[at]);
      unrollAndVectorize(s, copy);
      unrollAndVectorize(s, C);
      return s;
    },
    nest: [/block B\.workspace/],
    wat: [/f32x4\.mul/],
  };
}
export const GEMM: readonly Idiom[] = [
  designed(30, 32, 16, { rows: 6, columns: 8 }),
  designed(32, 32, 17, { rows: 4, columns: 8 }),
  designed(31, 29, 13, { rows: 6, columns: 8 }),
  designed(22, 27, 9, { rows: 3, columns: 12 }),
  designed(13, 11, 7, { rows: 4, columns: 8, tail: "guard" }),
  designed(19, 23, 5, { rows: 6, columns: 8, tail: "guard", columnTail: "peel" }),
  designed(17, 21, 6, { rows: 4, columns: 8, tail: "peel", columnTail: "peel" }),
  designed(1, 1, 1, { rows: 4, columns: 8 }),
  designed(5, 3, 1, { rows: 6, columns: 8 }),
  ...(["root", "jo", "ko", "io", "ki"] as const).map(packedAt),
  {
    name: "rows of A packed per tile of rows",
    make: () => {
      const { A, C, s } = gemm(13, 16, 10);
      const { outer, inner } = registerTile(s, C, { i: 4, j: 8 }, { tail: "peel" });
      s.reorder(outer.i, outer.j, s.loops(C).k, inner.i, inner.j);
      pack(s, C, A, outer.i);
      const { copy } = s.cacheWrite(C, "local");
      s.reverseComputeAt(copy, outer.j);
      const init = s.decomposeReduction(C, s.loops(C).k);
      for (const b of [C, init, copy]) unrollAndVectorize(s, b);
      return s;
    },
    wat: [/f32x4\.mul/, /v128\.load32_splat/],
  },
  {
    name: "both operands packed, blocks of k, registers reloaded per block",
    make: () => {
      const { A, B, C, s } = gemm(13, 20, 24);
      const { i, j, k } = s.loops(C);
      const { ko, ki } = s.split(k, { ko: "rest", ki: 8 });
      const { io, ii } = s.split(i, { io: "rest", ii: 4 }, { tail: "peel" });
      const { jo, ji } = s.split(j, { jo: "rest", ji: 8 }, { tail: "peel" });
      s.reorder(jo, io, ko, ki, ii, ji);
      pack(s, C, B, jo);
      pack(s, C, A, io);
      const { copy } = s.cacheWrite(C, "local");
      s.reverseComputeAt(copy, io);
      const init = s.decomposeReduction(C, ko);
      s.unroll(ki);
      for (const b of [C, init, copy]) unrollAndVectorize(s, b);
      return s;
    },
    wat: [/f32x4\.mul/],
  },
  {
    name: "A transposed",
    make: () => {
      const A = placeholder("A", [10, 13]);
      const B = placeholder("B", [10, 20]);
      const C = compute("C", { i: 13, j: 20 }, ({ i, j }) => sum({ k: 10 }, ({ k }) => A.at(k, i).mul(B.at(k, j))));
      return design({ A, B, C, s: schedule(C) } as never, { rows: 4, columns: 8 });
    },
    wat: [/f32x4\.mul/, /v128\.load32_splat/],
  },
  {
    name: "B transposed: packing turns it",
    make: () => {
      const A = placeholder("A", [13, 10]);
      const B = placeholder("B", [20, 10]);
      const C = compute("C", { i: 13, j: 20 }, ({ i, j }) => sum({ k: 10 }, ({ k }) => A.at(i, k).mul(B.at(j, k))));
      return design({ A, B, C, s: schedule(C) } as never, { rows: 4, columns: 8 });
    },
    wat: [/f32x4\.mul/],
  },
  {
    name: "B given as panels (a strided layout of 4 dimensions)",
    make: () => {
      const A = placeholder("A", [12, 10]);
      const B = placeholder("B", { jo: 3, k: 10, ji: 8 });
      const C = compute("C", { i: 12, j: 24 }, ({ i, j }) =>
        sum({ k: 10 }, ({ k }) => A.at(i, k).mul(B.at(j.div(8), k, j.mod(8)))),
      );
      const s = schedule(C);
      const { i, j, k } = s.loops(C);
      const { io, ii } = s.split(i, { io: "rest", ii: 4 });
      const { jo, ji } = s.split(j, { jo: "rest", ji: 8 });
      s.reorder(jo, io, k, ii, ji);
      const { copy } = s.cacheWrite(C, "local");
      s.reverseComputeAt(copy, io);
      const init = s.decomposeReduction(C, k);
      for (const b of [C, init, copy]) unrollAndVectorize(s, b);
      return s;
    },
    // whole vectors of a panel, no element by element
    wat: [/f32x4\.mul/, /v128\.load32_splat/],
    not: { wat: [/replace_lane/] },
  },
  {
    name: "the result transposed: a second stage turns each tile",
    make: () => {
      const { C } = gemm(13, 20, 10);
      const T = compute("T", { j: 20, i: 13 }, ({ j, i }) => C.at(i, j));
      const s = schedule(T);
      const { i, j, k } = s.loops(C);
      const { io, ii } = s.split(i, { io: "rest", ii: 4 });
      const { jo, ji } = s.split(j, { jo: "rest", ji: 8 });
      s.reorder(jo, io, k, ii, ji);
      s.setScope(C, "workspace");
      s.reverseComputeAt(T, io);
      const init = s.decomposeReduction(C, k);
      for (const b of [C, init, T]) unrollAndVectorize(s, b);
      return s;
    },
    wat: [/f32x4\.mul/],
  },
  {
    name: "the result transposed, lanes across its rows",
    make: () => {
      const A = placeholder("A", [13, 10]);
      const B = placeholder("B", [10, 20]);
      const C = compute("C", { j: 20, i: 13 }, ({ i, j }) => sum({ k: 10 }, ({ k }) => A.at(i, k).mul(B.at(k, j))));
      const s = schedule(C);
      const { i, j, k } = s.loops(C);
      const { io, ii } = s.split(i, { io: "rest", ii: 4 });
      const { jo, ji } = s.split(j, { jo: "rest", ji: 8 });
      s.reorder(jo, io, k, ii, ji);
      const { copy } = s.cacheWrite(C, "local");
      s.reverseComputeAt(copy, io);
      s.decomposeReduction(C, k);
      s.unroll(ii);
      s.vectorize(ji);
      unrollAndVectorize(s, copy);
      return s;
    },
    // a register holds neighbours in memory, not in a column
    warnings: ["local-demoted"],
  },
  {
    name: "a batch of products, B packed per batch and column block",
    make: () => {
      const A = placeholder("A", [3, 13, 10]);
      const B = placeholder("B", [3, 10, 20]);
      const C = compute("C", { b: 3, i: 13, j: 20 }, ({ b, i, j }) =>
        sum({ k: 10 }, ({ k }) => A.at(b, i, k).mul(B.at(b, k, j))),
      );
      const s = schedule(C);
      const { outer } = registerTile(s, C, { i: 4, j: 8 }, { tail: "peel" });
      s.reorder(outer.j, outer.i);
      pack(s, C, B, outer.j);
      const { copy } = s.cacheWrite(C, "local");
      s.reverseComputeAt(copy, outer.i);
      const init = s.decomposeReduction(C, s.loops(C).k);
      for (const b of [C, init, copy]) unrollAndVectorize(s, b);
      return s;
    },
    wat: [/f32x4\.mul/, /v128\.load32_splat/],
  },
  {
    name: "k in steps of four, written out",
    make: () => {
      const { C, s } = gemm(12, 16, 22);
      const { i, j, k } = s.loops(C);
      const { io, ii } = s.split(i, { io: "rest", ii: 4 });
      const { jo, ji } = s.split(j, { jo: "rest", ji: 8 });
      const { ko, ki } = s.split(k, { ko: "rest", ki: 4 }, { tail: "peel" });
      s.reorder(io, jo, ko, ki, ii, ji);
      const { copy } = s.cacheWrite(C, "local");
      s.reverseComputeAt(copy, jo);
      const init = s.decomposeReduction(C, ko);
      s.unroll(ki);
      for (const b of [C, init, copy]) unrollAndVectorize(s, b);
      return s;
    },
    wat: [/f32x4\.mul/],
  },
  {
    name: "vector times matrix, lanes along the columns",
    make: () => {
      const x = placeholder("x", [30]);
      const B = placeholder("B", [30, 37]);
      const y = compute("y", { j: 37 }, ({ j }) => sum({ k: 30 }, ({ k }) => x.at(k).mul(B.at(k, j))));
      const s = schedule(y);
      const { j, k } = s.loops(y);
      const { jo, ji } = s.split(j, { jo: "rest", ji: 16 }, { tail: "peel" });
      s.reorder(jo, k, ji);
      const { copy } = s.cacheWrite(y, "local");
      s.reverseComputeAt(copy, jo);
      const init = s.decomposeReduction(y, k);
      for (const b of [y, init, copy]) unrollAndVectorize(s, b);
      return s;
    },
    wat: [/f32x4\.mul/, /v128\.load32_splat/],
  },
  {
    name: "matrix times vector, several rows at once",
    make: () => {
      const A = placeholder("A", [29, 40]);
      const x = placeholder("x", [40]);
      const y = compute("y", { i: 29 }, ({ i }) => sum({ k: 40 }, ({ k }) => A.at(i, k).mul(x.at(k))));
      const s = schedule(y);
      const { i, k } = s.loops(y);
      const { io, ii } = s.split(i, { io: "rest", ii: 4 }, { tail: "peel" });
      s.reorder(io, k, ii);
      const { copy } = s.cacheWrite(y, "local");
      s.reverseComputeAt(copy, io);
      const init = s.decomposeReduction(y, k);
      for (const b of [y, init, copy]) unrollAndVectorize(s, b);
      return s;
    },
  },
  {
    name: "symbolic sizes",
    make: () => design(gemm(dim("m"), dim("n"), dim("k")) as never, { rows: 4, columns: 8, columnTail: "peel" }),
    sizes: [
      { m: 0, n: 3, k: 2 },
      { m: 5, n: 9, k: 0 },
      { m: 1, n: 1, k: 1 },
      { m: 8, n: 16, k: 4 },
      { m: 13, n: 23, k: 7 },
    ],
    wat: [/f32x4\.mul/, /v128\.load32_splat/],
  },
  {
    name: "symbolic sizes with known multiples need no tails",
    make: () =>
      design(gemm(dim("m", { multipleOf: 4 }), dim("n", { multipleOf: 8 }), dim("k", { min: 1 })) as never, {
        rows: 4,
        columns: 8,
      }),
    sizes: [
      { m: 8, n: 16, k: 3 },
      { m: 4, n: 0, k: 1 },
      { m: 12, n: 8, k: 9 },
    ],
    not: { nest: [/ if /] },
  },
  {
    name: "bytes into 32-bit sums",
    make: () => {
      const A = placeholder("A", [9, 12], "i8");
      const B = placeholder("B", [12, 21], "i8");
      const C = compute("C", { i: 9, j: 21 }, ({ i, j }) =>
        sum({ k: 12 }, ({ k }) => A.at(i, k).cast("i32").mul(B.at(k, j).cast("i32"))),
      );
      return design({ A, B, C, s: schedule(C) } as never, { rows: 4, columns: 8 });
    },
    wat: [/i32x4\.(mul|extmul|dot)/],
  },
  {
    name: "16-bit products widened into 32-bit sums",
    make: () => {
      const A = placeholder("A", [9, 12], "i16");
      const B = placeholder("B", [12, 21], "i16");
      const C = compute("C", { i: 9, j: 21 }, ({ i, j }) => sum({ k: 12 }, ({ k }) => A.at(i, k).widenMul(B.at(k, j))));
      return design({ A, B, C, s: schedule(C) } as never, { rows: 4, columns: 8 });
    },
    wat: [/i32x4\.(extmul|mul|dot)/],
  },
];
