/** Loop nests that become one instruction, and nests that become one block. */
import { unrollAndVectorize } from "../../schedule/library/index.ts";
import {
  compute,
  defineIntrinsic,
  dim,
  type Extent,
  type Intrinsic,
  intrinsics,
  placeholder,
  schedule,
  sum,
} from "../../src/index.ts";
import type { Idiom } from "./idiom.ts";

/** A product of narrow integers, summed in i32. */
function product(m: Extent, n: number, k: number, dtype: "i8" | "u8" | "i16" = "i8", seven = false) {
  const A = placeholder("A", { i: m, k }, dtype);
  const B = placeholder("B", { k, j: n }, dtype);
  const C = compute("C", { i: m, j: n }, ({ i, j }) =>
    sum({ k }, ({ k }) => {
      const b = B.at(k, j);
      return A.at(i, k)
        .cast("i32")
        .mul((seven ? b.and(127) : b).cast("i32"));
    }),
  );
  return { A, B, C, s: schedule(C) };
}
/** Blocks of four columns and `steps` steps of the sum, innermost; several for the axes that the intrinsic has. */
function blocked(
  { C, s }: Pick<ReturnType<typeof product>, "C" | "s">,
  x: Intrinsic,
  steps: number | readonly [number, number],
) {
  const { i, j, k } = s.loops(C);
  const { jo, ji } = s.split(j, { jo: "rest", ji: 4 });
  if (typeof steps === "number") {
    const { ko, ki } = s.split(k, { ko: "rest", ki: steps });
    s.reorder(i, jo, ko, ji, ki);
    s.tensorize(ji, x);
    return { i, jo, ko, ji };
  }
  const { ko, kh, ki } = s.split(k, { ko: "rest", kh: steps[0], ki: steps[1] });
  s.reorder(i, jo, ko, kh, ji, ki);
  s.tensorize(kh, x);
  return { i, jo, ko, ji };
}

/** Operands widened when they are packed, pairs of k side by side, and a register tile of 4x8. */
function tiledBytes(m: Extent, n: number, k: number, tail: "peel" | "guard") {
  const A = placeholder("A", { i: m, k }, "i8");
  const B = placeholder("B", { k, j: n }, "i8");
  const A16 = compute("A16", { i: m, k }, ({ i, k }) => A.at(i, k).cast("i16"));
  const B16 = compute("B16", { k, j: n }, ({ k, j }) => B.at(k, j).cast("i16"));
  const C = compute("C", { i: m, j: n }, ({ i, j }) =>
    sum({ k }, ({ k }) => A16.at(i, k).cast("i32").mul(B16.at(k, j).cast("i32"))),
  );
  const s = schedule(C);
  const loops = s.loops(C);
  const { io, ii } = s.split(loops.i, { io: "rest", ii: 4 }, { tail });
  const { jo, jm, ji } = s.split(loops.j, { jo: "rest", jm: 2, ji: 4 });
  const { ko, ki } = s.split(loops.k, { ko: "rest", ki: 2 });
  s.reorder(jo, io, ko, ii, jm, ji, ki);
  s.computeAt(B16, jo);
  s.transformLayout(B16, (k, j) => [k.div(2), j, k.mod(2)]);
  const { copy } = s.cacheWrite(C, "local");
  s.reverseComputeAt(copy, io);
  const init = s.decomposeReduction(C, ko);
  s.tensorize(ji, intrinsics.i32x4_dot_i16x8_add_s);
  s.unroll(ii);
  s.unroll(jm);
  for (const b of [init, copy, A16]) unrollAndVectorize(s, b);
  return s;
}

export const INTRINSICS: readonly Idiom[] = [
  {
    name: "bytes times bytes by dot products of pairs, as they lie",
    make: () => {
      const p = product(5, 12, 10);
      blocked(p, intrinsics.i32x4_dot_i16x8_s, 2);
      return p.s;
    },
    nest: [/tensorized ji in 4: {2}# i32x4\.dot_i16x8_s/],
    wat: [/i32x4\.dot_i16x8_s/, /v128\.load16_splat/, /i8x16\.shuffle/],
    not: { wat: [/i32x4\.mul/] },
  },
  ...(["peel", "guard"] as const).map(
    (tail): Idiom => ({
      name: `bytes times bytes, packed as pairs of 16 bits, 4x8 in registers, ${tail}`,
      make: () => tiledBytes(11, 24, 20, tail),
      nest: [/C\.local\[/, /layout \(k, j\)/],
      wat: [/i32x4\.dot_i16x8_s/, /v128\.load32_splat/],
      not: { wat: [/i32x4\.mul/] },
    }),
  ),
  {
    name: "bytes times bytes for any number of rows",
    make: () => tiledBytes(dim("m", { max: 64 }), 16, 8, "peel"),
    sizes: [{ m: 0 }, { m: 1 }, { m: 4 }, { m: 13 }],
    wat: [/i32x4\.dot_i16x8_s/],
  },
  ...(["i8", "u8"] as const).map((d): Idiom => {
    const [sign, x] =
      d === "i8"
        ? ["s", intrinsics.i32x4_extmul_low_i8x16_add_s]
        : (["u", intrinsics.i32x4_extmul_low_i8x16_add_u] as const);
    return {
      name: `${d} times ${d} by extended products of eight`,
      make: () => {
        const p = product(3, 8, 6, d);
        blocked(p, x, 2);
        return p.s;
      },
      wat: [new RegExp(`i16x8\\.extmul_low_i8x16_${sign}`), new RegExp(`i32x4\\.extadd_pairwise_i16x8_${sign}`)],
    };
  }),
  {
    name: "bytes by both halves of extended products, four steps of the sum at once",
    make: () => {
      const p = product(3, 8, 12);
      const copy = p.s.cacheRead(p.C, p.B, "workspace");
      p.s.transformLayout(copy, (k, j) => [k.div(4), j.div(4), k.div(2).mod(2), j.mod(4), k.mod(2)]);
      blocked(p, intrinsics.i32x4_extmul_i8x16_add_s, [2, 2]);
      return p.s;
    },
    wat: [/i16x8\.extmul_low_i8x16_s/, /i16x8\.extmul_high_i8x16_s/],
  },
  {
    name: "relaxed dot products, as plain vectors where there are none",
    make: () => {
      const p = product(3, 8, 12, "i8", true);
      blocked(p, intrinsics.i32x4_relaxed_dot_i8x16_i7x16_add_s, 4);
      return p.s;
    },
    warnings: ["intrinsic-target"],
    wat: [/i32x4\.mul/],
  },
  {
    name: "the range of an operand is seen through a packed copy",
    make: () => {
      const A = placeholder("A", { i: 4, k: 8 }, "i8");
      const W = placeholder("W", { k: 8, j: 8 }, "i8");
      const P = compute("P", { k: 8, j: 8 }, ({ k, j }) => W.at(k, j).clamp(0, 100));
      const C = compute("C", { i: 4, j: 8 }, ({ i, j }) =>
        sum({ k: 8 }, ({ k }) => A.at(i, k).cast("i32").mul(P.at(k, j).cast("i32"))),
      );
      const s = schedule(C);
      blocked({ C, s } as never, intrinsics.i32x4_relaxed_dot_i8x16_i7x16_add_s, 4);
      return s;
    },
    warnings: ["intrinsic-target"],
  },
  {
    name: "a product of floats by multiply-adds, rows of A splatted",
    make: () => {
      const A = placeholder("A", { i: 8, k: 5 });
      const B = placeholder("B", { k: 5, j: 8 });
      const C = compute("C", { i: 8, j: 8 }, ({ i, j }) => sum({ k: 5 }, ({ k }) => B.at(k, j).mul(A.at(i, k))));
      const s = schedule(C);
      const { i, j, k } = s.loops(C);
      const { io, ii } = s.split(i, { io: "rest", ii: 4 });
      const { jo, ji } = s.split(j, { jo: "rest", ji: 4 });
      s.reorder(io, jo, k, ii, ji);
      const { copy } = s.cacheWrite(C, "local");
      s.reverseComputeAt(copy, jo);
      const init = s.decomposeReduction(C, k);
      s.tensorize(ji, intrinsics.f32x4_mul_add);
      s.unroll(ii);
      for (const b of [init, copy]) unrollAndVectorize(s, b);
      return s;
    },
    wat: [/f32x4\.mul/, /v128\.load32_splat/],
  },
  {
    name: "a reduction that one instruction does as a whole",
    make: () => {
      const p = product(3, 8, 2, "i16");
      const { i, j, k } = p.s.loops(p.C);
      const { jo, ji } = p.s.split(j, { jo: "rest", ji: 4 });
      p.s.reorder(i, jo, k, ji);
      p.s.tensorize(k, intrinsics.i32x4_dot_i16x8_add_s);
      return p.s;
    },
    wat: [/i32x4\.dot_i16x8_s/],
  },
  {
    name: "an instruction of one's own, element by element",
    make: () => {
      const [x, y] = [placeholder("x", [16], "u8"), placeholder("y", [16], "u8")];
      const average = defineIntrinsic({
        name: "u8x16.average",
        semantics: compute("average", { i: 16 }, ({ i }) => x.at(i).roundingHalvingAdd(y.at(i))),
        emit: { wasm: ({ x, y }, i) => i("i8x16.avgr_u", x, y) },
      });
      const X = placeholder("X", { y: 5, x: 40 }, "u8");
      const Y = compute("Y", { y: 4, x: 32 }, ({ y, x }) => X.at(y.add(1), x).roundingHalvingAdd(X.at(y, x.add(3))));
      const s = schedule(Y);
      const { xi } = s.split(s.loops(Y).x, { xo: "rest", xi: 16 });
      s.tensorize(xi, average);
      return s;
    },
    wat: [/i8x16\.avgr_u/],
  },
  {
    name: "zero points subtracted on the way into a dot product",
    make: () => {
      const A = placeholder("A", { i: 3, k: 8 }, "u8");
      const B = placeholder("B", { k: 8, j: 8 }, "i8");
      const C = compute("C", { i: 3, j: 8 }, ({ i, j }) =>
        sum({ k: 8 }, ({ k }) => A.at(i, k).cast("i32").sub(128).mul(B.at(k, j).cast("i32").sub(3))),
      );
      const s = schedule(C);
      blocked({ C, s } as never, intrinsics.i32x4_dot_i16x8_s, 2);
      return s;
    },
    wat: [/i32x4\.dot_i16x8_s/, /i16x8\.sub/],
  },
  {
    name: "a convolution by dot products over pairs of channels",
    make: () => {
      const X = placeholder("X", { h: 6, w: 7, c: 4 }, "i16");
      const W = placeholder("W", { r: 3, q: 3, c: 4, o: 8 }, "i16");
      const Y = compute("Y", { h: 4, w: 5, o: 8 }, ({ h, w, o }) =>
        sum({ r: 3, q: 3, c: 4 }, ({ r, q, c }) => X.at(h.add(r), w.add(q), c).widenMul(W.at(r, q, c, o))),
      );
      const s = schedule(Y);
      const l = s.loops(Y);
      const { oo, oi } = s.split(l.o, { oo: "rest", oi: 4 });
      const { co, ci } = s.split(l.c, { co: "rest", ci: 2 });
      s.reorder(l.h, l.w, oo, l.r, l.q, co, oi, ci);
      s.tensorize(oi, intrinsics.i32x4_dot_i16x8_s);
      return s;
    },
    wat: [/i32x4\.dot_i16x8_s/, /v128\.load32_splat/],
  },
  {
    name: "a tile as one block, computed where another needs it",
    make: () => {
      const X = placeholder("X", { y: 8, x: 16 });
      const T = compute("T", { y: 8, x: 16 }, ({ y, x }) => X.at(y, x).mul(2));
      const Y = compute("Y", { y: 8, x: 16 }, ({ y, x }) => T.at(y, x).add(1));
      const s = schedule(Y);
      const { y, x } = s.loops(Y);
      const { xo, yi, xi } = s.tile(y, x, { yo: "rest", yi: 2 }, { xo: "rest", xi: 4 });
      s.vectorize(xi);
      s.blockize(yi);
      s.computeAt(T, xo);
      return s;
    },
    nest: [/block Y\(vy_1 = yo, vx_1 = xo\)/, /block T\(vy = yo \* 2 \+ y, vx = xo \* 4 \+ x\)/],
    wat: [/v128\.store/],
  },
  {
    name: "a reduction in blocks of four steps, init and all",
    make: () => {
      const A = placeholder("A", { i: 6, k: 12 });
      const C = compute("C", { i: 6 }, ({ i }) => sum({ k: 12 }, ({ k }) => A.at(i, k)));
      const s = schedule(C);
      const { i, k } = s.loops(C);
      const { io, ii } = s.split(i, { io: "rest", ii: 3 });
      const { ko, ki } = s.split(k, { ko: "rest", ki: 4 });
      s.reorder(io, ko, ii, ki);
      s.unroll(ki);
      s.blockize(ii);
      return s;
    },
    nest: [/block C\(vi = io, vk \(reduce\) = ko\)/],
  },
];
