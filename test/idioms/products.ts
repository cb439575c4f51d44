/** More products: other dtypes, epilogues, chains, cache blocks. */
import { pack, registerTile, unrollAndVectorize } from "../../schedule/library/index.ts";
import { compute, type DType, einsum, placeholder, schedule, sum } from "../../src/index.ts";
import { design, gemm } from "./gemm.ts";
import type { Idiom } from "./idiom.ts";

function typed(dtype: DType, columns: number, wat: RegExp[]): Idiom {
  return {
    name: `gemm of ${dtype}`,
    make: () => {
      const A = placeholder("A", [9, 11], dtype as "f32");
      const B = placeholder("B", [11, 18], dtype as "f32");
      const C = compute("C", { i: 9, j: 18 }, ({ i, j }) => sum({ k: 11 }, ({ k }) => A.at(i, k).mul(B.at(k, j))));
      return design({ A, B, C, s: schedule(C) } as never, { rows: 4, columns });
    },
    wat,
  };
}
/** Bias and relu behind a product, in two ways of getting at the epilogue. */
function epilogue(way: "setScope" | "cacheWrite", at: "io" | "jo"): Idiom {
  return {
    name: `bias and relu from registers, by ${way}, at ${at}`,
    make: () => {
      const A = placeholder("A", [14, 10]);
      const B = placeholder("B", [10, 20]);
      const bias = placeholder("bias", [20]);
      const C = compute("C", { i: 14, j: 20 }, ({ i, j }) =>
        sum({ k: 10 }, ({ k }) => A.at(i, k).mul(B.at(k, j)))
          .add(bias.at(j))
          .max(0),
      );
      const s = schedule(C);
      const { i, j, k } = s.loops(C);
      const { io, ii } = s.split(i, { io: "rest", ii: 4 });
      const { jo, ji } = s.split(j, { jo: "rest", ji: 8 });
      if (at === "io") s.reorder(jo, io, k, ii, ji);
      else s.reorder(io, jo, k, ii, ji);
      let out = s.epilogue(C);
      if (way === "setScope") s.setScope(C, "local");
      else out = s.cacheWrite(C, "local").copy;
      s.reverseComputeAt(out, at === "io" ? io : jo);
      const init = s.decomposeReduction(C, k);
      for (const b of [C, init, out]) unrollAndVectorize(s, b);
      return s;
    },
    wat: [/f32x4\.mul/, /f32x4\.p?max/],
  };
}

export const PRODUCTS: readonly Idiom[] = [
  typed("f16", 8, [/f32x4\.mul/]),
  typed("f64", 4, [/f64x2\.mul/]),
  typed("i32", 8, [/i32x4\.mul/]),
  typed("i64", 4, [/i64x2\.mul/]),
  typed("u8", 16, [/i16x8\.extmul/, /i8x16\.add/]),
  epilogue("setScope", "io"),
  epilogue("cacheWrite", "jo"),
  {
    name: "relu as a tensor of its own, inlined back into the product's epilogue",
    make: () => {
      const { C } = gemm(14, 20, 10);
      const R = compute("R", C.shape, (i, j) => C.at(i, j).max(0));
      const s = schedule(R);
      const { outer } = registerTile(s, C, { i: 4, j: 8 });
      s.setScope(C, "local");
      s.reverseComputeAt(R, outer.j);
      const init = s.decomposeReduction(C, s.loops(C).k);
      for (const b of [C, init, R]) unrollAndVectorize(s, b);
      return s;
    },
    wat: [/f32x4\.mul/],
  },
  {
    name: "two products in a chain, rows of the first made where the second needs them",
    make: () => {
      const { C: T } = gemm(13, 12, 10);
      const W = placeholder("W", [12, 20]);
      const C = compute("D", { i: 13, j: 20 }, ({ i, j }) => sum({ k: 12 }, ({ k }) => T.at(i, k).mul(W.at(k, j))));
      const s = schedule(C);
      const { i, j, k } = s.loops(C);
      const { io, ii } = s.split(i, { io: "rest", ii: 4 });
      const { jo, ji } = s.split(j, { jo: "rest", ji: 8 });
      s.reorder(io, jo, k, ii, ji);
      s.computeAt(T, io);
      const inner = s.loops(T);
      s.reorder(inner.i, inner.k, inner.j);
      s.vectorize(inner.j, 4);
      s.vectorize(ji);
      s.unroll(ii);
      return s;
    },
    wat: [/f32x4\.mul/],
  },
  {
    name: "attention scores by einsum, heads and batches outside",
    make: () => {
      const Q = placeholder("Q", [2, 3, 9, 8]);
      const K = placeholder("K", [2, 3, 11, 8]);
      const S = einsum("S", "b h q c, b h k c -> b h q k", Q, K);
      const s = schedule(S);
      const { outer } = registerTile(s, S, { q: 4, k: 8 }, { tail: "peel" });
      s.reorder(outer.k, outer.q);
      pack(s, S, K, outer.k);
      const { copy } = s.cacheWrite(S, "local");
      s.reverseComputeAt(copy, outer.q);
      const init = s.decomposeReduction(S, s.loops(S).c);
      for (const b of [S, init, copy]) unrollAndVectorize(s, b);
      return s;
    },
    wat: [/f32x4\.mul/],
  },
  {
    name: "by name, in a chain",
    make: () => {
      const { C, s } = gemm(14, 20, 10);
      s.stage(C)
        .split("i", { io: "rest", ii: 6 })
        .split("j", { jo: "rest", ji: 8 })
        .reorder("io", "jo", "k", "ii", "ji")
        .vectorize("ji")
        .unroll("ii");
      return s;
    },
    wat: [/f32x4\.mul/],
  },
  {
    name: "blocks of rows and columns fused into one loop",
    make: () => {
      const { C, s } = gemm(14, 20, 10);
      const { outer } = registerTile(s, C, { i: 4, j: 8 });
      const both = s.fuseAs("tile", outer.i, outer.j);
      const { copy } = s.cacheWrite(C, "local");
      s.reverseComputeAt(copy, both);
      const init = s.decomposeReduction(C, s.loops(C).k);
      for (const b of [C, init, copy]) unrollAndVectorize(s, b);
      return s;
    },
    wat: [/f32x4\.mul/],
  },
  {
    name: "cache blocks around a register tile (five loops)",
    make: () => {
      const { A, B, C, s } = gemm(50, 44, 30);
      const { i, j, k } = s.loops(C);
      const { ic, io, ii } = s.split(i, { ic: "rest", io: 4, ii: 4 }, { tail: "peel" });
      const { jc, jo, ji } = s.split(j, { jc: "rest", jo: 2, ji: 8 }, { tail: "peel" });
      const { kc, ki } = s.split(k, { kc: "rest", ki: 16 }, { tail: "peel" });
      s.reorder(jc, kc, ic, jo, io, ki, ii, ji);
      pack(s, C, B, kc);
      pack(s, C, A, ic);
      const init = s.decomposeReduction(C, kc);
      for (const b of [C, init]) unrollAndVectorize(s, b);
      return s;
    },
    wat: [/f32x4\.mul/],
  },
];
