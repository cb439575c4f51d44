/** Chains of element-wise stages, copies, gathers and several results. */

import type { Loop } from "../../schedule/index.ts";
import { compute, dim, placeholder, scalar, schedule, select, where } from "../../src/index.ts";
import type { Idiom } from "./idiom.ts";

export const ELEMENTWISE: readonly Idiom[] = [
  {
    name: "a chain, each stage inlined into the next",
    make: () => {
      const X = placeholder("X", [7, 19]);
      const a = compute("a", X.shape, (...v) => X.at(...v).mul(2));
      const b = compute("b", X.shape, (...v) =>
        a
          .at(...v)
          .add(a.at(...v))
          .abs(),
      );
      const c = compute("c", X.shape, (...v) =>
        b
          .at(...v)
          .max(1)
          .sub(a.at(...v)),
      );
      const s = schedule(c);
      s.computeInline(a);
      s.computeInline(b);
      const both = s.fuse(...s.loopList(c));
      s.vectorize(s.split(both, { o: "rest", l: 16 }).l);
      return s;
    },
    nest: [/^(?!.*block b)/s],
    wat: [/f32x4\.abs/],
  },
  {
    name: "a chain, each stage inlined into the one before",
    make: () => {
      const X = placeholder("X", [9, 14]);
      const a = compute("a", { i: 9, j: 14 }, ({ i, j }) => X.at(i, j).mul(2));
      const b = compute("b", { i: 9, j: 14 }, ({ i, j }) => a.at(i, j).add(1));
      const c = compute("c", { p: 14, q: 9 }, ({ p, q }) => b.at(q, p).max(0));
      const s = schedule(c);
      s.reverseComputeInline(c);
      s.reverseComputeInline(s.block(s.blocks().at(-1)!.name));
      return s;
    },
  },
  {
    name: "three axes fused, cut into vectors that do not divide them",
    make: () => {
      const X = placeholder("X", [3, 5, 7]);
      const b = placeholder("b", [7]);
      const Y = compute("Y", { i: 3, j: 5, k: 7 }, ({ i, j, k }) => X.at(i, j, k).add(b.at(k)));
      const s = schedule(Y);
      const { i, j, k } = s.loops(Y);
      s.vectorize(s.split(s.fuse(i, j, k), { o: "rest", l: 8 }).l);
      return s;
    },
    wat: [/f32x4\.add/],
  },
  {
    name: "three axes of one array fused: plain vectors over all of it",
    make: () => {
      const X = placeholder("X", [3, 5, 7], "f64");
      const Y = compute("Y", X.shape, (...v) =>
        X.at(...v)
          .mul(X.at(...v))
          .neg(),
      );
      const s = schedule(Y);
      s.vectorize(s.split(s.fuse(...s.loopList(Y)), { o: "rest", l: 4 }).l);
      return s;
    },
    wat: [/f64x2\.mul/, /v128\.load/],
  },
  {
    name: "transpose by tiles, through a cached tile",
    make: () => {
      const X = placeholder("X", [18, 27]);
      const Y = compute("Y", { i: 27, j: 18 }, ({ i, j }) => X.at(j, i));
      const s = schedule(Y);
      const { i, j } = s.loops(Y);
      const { jo, ii, ji } = s.tile(i, j, { io: "rest", ii: 8 }, { jo: "rest", ji: 8 });
      const tile = s.cacheRead(Y, X, "workspace", { axes: ["r", "c"] });
      s.computeAt(tile, jo);
      s.vectorize(s.loopList(tile).at(-1)!);
      s.vectorize(ji);
      s.unroll(ii);
      return s;
    },
    nest: [/X\.workspace/],
  },
  {
    name: "transpose of bytes by tiles, lanes along what is read",
    make: () => {
      const X = placeholder("X", [20, 33], "u8");
      const Y = compute("Y", { i: 33, j: 20 }, ({ i, j }) => X.at(j, i));
      const s = schedule(Y);
      const { i, j } = s.loops(Y);
      const { ii, ji } = s.tile(i, j, { io: "rest", ii: 16 }, { jo: "rest", ji: 4 });
      s.reorder(ji, ii);
      s.vectorize(ii);
      return s;
    },
  },
  {
    name: "a gather: indices are data",
    make: () => {
      const table = placeholder("table", [10, 12]);
      const ids = placeholder("ids", [9], "i32");
      const Y = compute("Y", { n: 9, c: 12 }, ({ n, c }) => table.at(ids.at(n), c).mul(0.5));
      const s = schedule(Y);
      s.vectorize(s.loops(Y).c);
      return s;
    },
    wat: [/f32x4\.mul/],
  },
  {
    name: "a gather in lanes",
    make: () => {
      const table = placeholder("table", [100]);
      const ids = placeholder("ids", [21], "i32");
      const Y = compute("Y", { n: 21 }, ({ n }) => table.at(ids.at(n)).add(1));
      const s = schedule(Y);
      s.vectorize(s.split(s.loops(Y).n, { o: "rest", l: 4 }).l);
      return s;
    },
    wat: [/f32x4\.add/],
  },
  {
    name: "several results of one computation",
    make: () => {
      const X = placeholder("X", [31]);
      const both = compute("both", { i: 31 }, ({ i }) => ({
        plus: X.at(i).add(1),
        half: X.at(i).mul(0.5).cast("f64"),
      }));
      const s = schedule(both);
      s.vectorize(s.split(s.loops(both.plus).i as Loop, { o: "rest", l: 4 }).l);
      return s;
    },
    wat: [/f32x4\.add/, /f64x2\.promote/],
  },
  {
    name: "two results that share a stage",
    make: () => {
      const X = placeholder("X", [6, 24]);
      const t = compute("t", X.shape, (...v) => X.at(...v).mul(X.at(...v)));
      const a = compute("a", { i: 6, j: 24 }, ({ i, j }) => t.at(i, j).add(1));
      const b = compute("b", { i: 6, j: 24 }, ({ i, j }) => t.at(i, j).sub(1));
      const s = schedule({ first: a, second: b });
      s.vectorize(s.loops(a).j, 8);
      s.vectorize(s.loops(b).j, 8);
      s.vectorize(s.loopList(t).at(-1)!, 8);
      return s;
    },
    wat: [/f32x4\.mul/],
  },
  {
    name: "a picture of bytes: brightness and contrast, saturating",
    make: () => {
      const X = placeholder("X", [11, 50], "u8");
      const lifted = compute("lifted", X.shape, (...v) => X.at(...v).addSat(40));
      const cut = compute("cut", X.shape, (...v) => lifted.at(...v).subSat(90));
      const Y = compute("Y", X.shape, (...v) =>
        cut
          .at(...v)
          .widenMul(3)
          .add(1)
          .shr(1)
          .satCast("u8"),
      );
      const s = schedule(Y);
      s.computeInline(cut);
      s.computeInline(lifted);
      s.vectorize(s.split(s.loopList(Y).at(-1)!, { o: "rest", l: 16 }).l);
      return s;
    },
    wat: [/i8x16\.add_sat_u/, /i8x16\.sub_sat_u/, /i8x16\.narrow_i16x8_u/],
  },
  {
    name: "fixed point: a rounding product of Q15 numbers",
    make: () => {
      const X = placeholder("X", [37], "i16");
      const Y = compute("Y", { i: 37 }, ({ i }) => X.at(i).roundingMulQ(23170).addSat(X.at(i)));
      const s = schedule(Y);
      s.vectorize(s.split(s.loops(Y).i, { o: "rest", l: 8 }).l);
      return s;
    },
    wat: [/i16x8\.q15mulr_sat_s/],
  },
  {
    name: "a cropped channel of interleaved pixels",
    make: () => {
      const X = placeholder("X", { y: 6, x: 21 }, "u8", { strides: [4 * 32, 4] });
      const Y = compute("Y", { y: 6, x: 21 }, ({ y, x }) => X.at(y, x).halvingAdd(255));
      const s = schedule(Y);
      s.vectorize(s.split(s.loops(Y).x, { o: "rest", l: 16 }).l);
      return s;
    },
  },
  {
    name: "scalars, a condition and a symbolic length",
    make: () => {
      const n = dim("n");
      const X = placeholder("X", [n]);
      const a = scalar("a");
      const Y = compute("Y", { i: n }, ({ i }) => select(X.at(i).gt(a), X.at(i).mul(a), X.at(i).add(a)));
      const s = schedule(Y);
      s.vectorize(s.split(s.loops(Y).i, { o: "rest", l: 16 }, { tail: "peel" }).l);
      return s;
    },
    sizes: [{ n: 0 }, { n: 1 }, { n: 15 }, { n: 16 }, { n: 47 }],
    scalars: { a: 0.75 },
    wat: [/f32x4\.gt/, /v128\.bitselect/],
  },
  {
    name: "backwards, and two pieces set side by side",
    make: () => {
      const A = placeholder("A", [20]);
      const B = placeholder("B", [13]);
      const Y = compute("Y", { i: 33 }, ({ i }) => where(i.lt(20), A.at(i.neg().add(19)), B.at(i.sub(20))));
      const s = schedule(Y);
      s.vectorize(s.split(s.loops(Y).i, { o: "rest", l: 8 }).l);
      return s;
    },
  },
  {
    name: "masks: comparisons as results, and combined",
    make: () => {
      const A = placeholder("A", [45], "i16");
      const B = placeholder("B", [45], "i16");
      const m = compute("m", { i: 45 }, ({ i }) => A.at(i).lt(B.at(i)).and(A.at(i).ne(0)));
      const s = schedule(m);
      s.vectorize(s.split(s.loops(m).i, { o: "rest", l: 8 }).l);
      return s;
    },
    wat: [/i16x8\.lt_s/],
  },
  {
    name: "halves: stored in 16 bits, computed in vectors",
    make: () => {
      const A = placeholder("A", [29], "f16");
      const Y = compute("Y", { i: 29 }, ({ i }) => A.at(i).mul(A.at(i)).add(1));
      const s = schedule(Y);
      s.vectorize(s.split(s.loops(Y).i, { o: "rest", l: 8 }).l);
      return s;
    },
    wat: [/f32x4\.mul/],
  },
  {
    name: "math functions in lanes",
    make: () => {
      const A = placeholder("A", [30]);
      const Y = compute("Y", { i: 30 }, ({ i }) => A.at(i).tanh().add(A.at(i).sigmoid()).mul(A.at(i).exp()));
      const s = schedule(Y);
      s.vectorize(s.split(s.loops(Y).i, { o: "rest", l: 8 }).l);
      return s;
    },
    wat: [/f32x4\.mul/],
  },
  {
    name: "a result of no axes",
    make: () => {
      const X = placeholder("X", [4]);
      const Y = compute("Y", [], () => X.at(3).add(X.at(0)));
      return schedule(Y);
    },
  },
];
