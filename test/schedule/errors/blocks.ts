/** Illegal steps that treat a nest as one block or one instruction. */
import { intrinsics } from "../../../codegen/wasm/index.ts";
import { schedule } from "../../../schedule/index.ts";
import { compute, defineIntrinsic, dim, type Extent, placeholder, scan, sum, where } from "../../../te/index.ts";
import type { ErrorCase } from "./case.ts";

const { f32x4_mul_add: madd, i32x4_dot_i16x8_s: dot, i32x4_relaxed_dot_i8x16_i7x16_add_s: relaxed } = intrinsics;

/** A product of bytes, in blocks of 4 columns and n steps of the sum. */
function product(rows: number, columns: Extent, steps: number, n: number) {
  const A = placeholder("A", [rows, steps], "i8");
  const B = placeholder("B", [steps, columns], "i8");
  const C = compute("C", { i: rows, j: columns }, ({ i, j }) =>
    sum({ k: steps }, ({ k }) => A.at(i, k).cast("i32").mul(B.at(k, j).cast("i32"))),
  );
  const s = schedule(C);
  const { i, j, k } = s.loops(C);
  const { jo, ji } = s.split(j, { jo: "rest", ji: 4 });
  const { ko, ki } = s.split(k, { ko: "rest", ki: n });
  s.reorder(i, jo, ko, ji, ki);
  return { C, s, i, jo, ko, ji, ki };
}
/** Pairs of columns, both scaled by the same two factors. */
const scaled = () => {
  const x = placeholder("x", [2, 2]);
  const w = placeholder("w", [2]);
  return defineIntrinsic({
    name: "f32x4.pairs_scaled",
    semantics: compute("scaled", { i: 2, k: 2 }, ({ i, k }) => x.at(i, k).mul(w.at(k))),
    emit: { wasm: ({ x, w }, i) => i("f32x4.mul", x, i("i64x2.splat", i("i64x2.extract_lane", w, 0))) },
  });
};
const scale = (of: "rows" | "pairs") => {
  const X = placeholder("X", [6, 2, 2]);
  const W = placeholder("W", [2, 2]);
  const Y = compute("Y", { r: 6, p: 2, q: 2 }, ({ r, p, q }) =>
    X.at(r, p, q).mul(of === "rows" ? W.at(p, q) : W.at(0, q)),
  );
  const s = schedule(Y);
  return { s, ...s.loops(Y) };
};
const image = (height: Extent, width: Extent) => {
  const X = placeholder("X", [height, width], "i32");
  const Y = compute("Y", { y: height, x: width }, ({ y, x }) => X.at(y, x).add(1));
  const s = schedule(Y);
  return { Y, s, ...s.loops(Y) };
};

const tensorizing: readonly ErrorCase[] = [
  {
    primitive: "tensorize",
    condition: 0,
    code: "tensorize.argument",
    make: () => {
      const { s, ji } = product(3, 8, 6, 2);
      return { s, step: () => s.tensorize(ji, dot, { assume: ["A"] }) };
    },
  },
  {
    primitive: "tensorize",
    condition: 0,
    code: "tensorize.argument",
    name: "no-intrinsic",
    make: () => {
      const { s, ji } = product(3, 8, 6, 2);
      return { s, step: () => s.tensorize(ji, undefined as never) };
    },
  },
  {
    primitive: "tensorize",
    condition: 1,
    code: "tensorize.kind",
    make: () => {
      const { s, ji } = product(3, 8, 6, 2);
      s.vectorize(ji);
      return { s, step: () => s.tensorize(ji, dot) };
    },
  },
  {
    primitive: "tensorize",
    condition: 1,
    code: "tensorize.kind",
    name: "inside",
    make: () => {
      const { s, ji, ki } = product(3, 8, 6, 2);
      s.unroll(ki);
      return { s, step: () => s.tensorize(ji, dot) };
    },
    noWayOut: "one loop inside is unrolled, and none is left that would do",
  },
  {
    primitive: "tensorize",
    condition: 2,
    code: "tensorize.one-block",
    make: () => {
      const { C, s, ko, ji } = product(3, 8, 2, 2);
      s.decomposeReduction(C, ko);
      const [, jo] = s.loopList(C);
      void ji;
      return { s, step: () => s.tensorize(jo!, dot) };
    },
  },
  {
    primitive: "tensorize",
    condition: 3,
    code: "tensorize.extent",
    make: () => {
      const { s, jo } = product(3, dim("n", { multipleOf: 4 }), 6, 2);
      return { s, step: () => s.tensorize(jo, dot) };
    },
  },
  {
    primitive: "tensorize",
    condition: 4,
    code: "tensorize.predicate",
    make: () => {
      const { s, ji } = product(3, 10, 6, 2);
      return { s, step: () => s.tensorize(ji, dot) };
    },
  },
  {
    primitive: "tensorize",
    condition: 5,
    code: "tensorize.self",
    make: () => {
      const X = placeholder("X", [4, 4]);
      const S = scan(
        "S",
        { t: 4 },
        { i: 4 },
        { init: ({ i }) => X.at(0, i), step: ({ t, i }, previous) => previous(i).mul(2).add(X.at(t, i)) },
      );
      const s = schedule(S);
      return { s, step: () => s.tensorize(s.loops(S).i, madd) };
    },
    noWayOut: "a scan is no product",
  },
  {
    primitive: "tensorize",
    condition: 6,
    code: "tensorize.body",
    make: () => {
      const A = placeholder("A", [3, 6], "i16");
      const B = placeholder("B", [6, 8], "u16");
      const C = compute("C", { i: 3, j: 8 }, ({ i, j }) =>
        sum({ k: 6 }, ({ k }) => A.at(i, k).cast("i32").mul(B.at(k, j).cast("i32"))),
      );
      const s = schedule(C);
      const { i, j, k } = s.loops(C);
      const { jo, ji } = s.split(j, { jo: "rest", ji: 4 });
      const { ko, ki } = s.split(k, { ko: "rest", ki: 2 });
      s.reorder(i, jo, ko, ji, ki);
      return { s, step: () => s.tensorize(ji, dot) };
    },
    noWayOut: "no instruction multiplies u16 by i16",
  },
  {
    primitive: "tensorize",
    condition: 6,
    code: "tensorize.body",
    name: "operation",
    make: () => {
      const X = placeholder("X", [3, 4]);
      const Y = compute("Y", { i: 3, j: 4 }, ({ i, j }) => X.at(i, j).mul(2).add(X.at(i, j).max(1)));
      const s = schedule(Y);
      return { s, step: () => s.tensorize(s.loops(Y).j, scaled()) };
    },
  },
  {
    primitive: "tensorize",
    condition: 7,
    code: "tensorize.axes",
    make: () => {
      const { s, ji } = product(3, 8, 12, 3);
      return { s, step: () => s.tensorize(ji, dot) };
    },
  },
  {
    primitive: "tensorize",
    condition: 7,
    code: "tensorize.result",
    make: () => {
      const { s, i, jo, ko, ji, ki } = product(4, 8, 6, 2);
      s.reorder(jo, ji, ko, i, ki);
      return { s, step: () => s.tensorize(i, dot) };
    },
  },
  {
    primitive: "tensorize",
    condition: 8,
    code: "tensorize.operand",
    make: () => {
      const { s, p } = scale("rows");
      return { s, step: () => s.tensorize(p, scaled()) };
    },
    noWayOut: "both rows of factors would be needed at once",
  },
  {
    primitive: "tensorize",
    condition: 9,
    code: "tensorize.gather",
    make: () => {
      const A = placeholder("A", [3, 8], "i8");
      const B = placeholder("B", [8, 16], "i8");
      const C = compute("C", { i: 3, j: 8 }, ({ i, j }) =>
        sum({ k: 8 }, ({ k }) =>
          A.at(i, k)
            .cast("i32")
            .mul(B.at(k, j.mul(2)).cast("i32")),
        ),
      );
      const s = schedule(C);
      const { i, j, k } = s.loops(C);
      const { jo, ji } = s.split(j, { jo: "rest", ji: 4 });
      const { ko, ki } = s.split(k, { ko: "rest", ki: 2 });
      s.reorder(i, jo, ko, ji, ki);
      return { s, step: () => s.tensorize(ji, dot) };
    },
  },
  {
    primitive: "tensorize",
    condition: 9,
    code: "tensorize.lanes",
    make: () => {
      const X = placeholder("X", [3, 4]);
      const Y = compute("Y", { i: 3, j: 4 }, ({ i, j }) =>
        X.at(i, j)
          .mul(where(j.lt(2), X.at(i, j.add(2)), 1))
          .add(1),
      );
      const s = schedule(Y);
      return { s, step: () => s.tensorize(s.loops(Y).j, madd) };
    },
    noWayOut: "one lane reads memory where another must not",
  },
  {
    primitive: "tensorize",
    condition: 10,
    code: "tensorize.range",
    make: () => {
      const { s, ji } = product(3, 8, 12, 4);
      return { s, step: () => s.tensorize(ji, relaxed) };
    },
  },
  {
    primitive: "reorder",
    condition: 0,
    code: "reorder.tensorized",
    make: () => {
      const { s, ko, ji, ki } = product(3, 8, 6, 2);
      s.tensorize(ji, dot);
      return { s, step: () => s.reorder(ji, ko, ki) };
    },
  },
];

const blockizing: readonly ErrorCase[] = [
  {
    primitive: "blockize",
    condition: 1,
    code: "blockize.one-block",
    make: () => {
      const { C, s, i, ko } = product(3, 8, 6, 2);
      s.decomposeReduction(C, ko);
      return { s, step: () => s.blockize(i) };
    },
  },
  {
    primitive: "blockize",
    condition: 2,
    code: "blockize.kind",
    make: () => {
      const { s, i, ji } = product(3, 8, 6, 2);
      s.tensorize(ji, dot);
      return { s, step: () => s.blockize(i) };
    },
    noWayOut: "every loop is around an instruction, or part of one",
  },
  {
    primitive: "blockize",
    condition: 3,
    code: "blockize.counts",
    make: () => {
      const { s, y, x } = image(4, 6);
      const f = s.fuse(y, x);
      return { s, step: () => s.blockize(f) };
    },
    noWayOut: "the one loop there is counts both axes",
  },
  {
    primitive: "blockize",
    condition: 4,
    code: "blockize.bindings",
    make: () => {
      const { s, x } = image(4, 6);
      const { xo, xi } = s.split(x, { xo: "rest", xi: 3 });
      s.reorder(xi, xo);
      return { s, step: () => s.blockize(xo) };
    },
  },
  {
    primitive: "blockize",
    condition: 5,
    code: "blockize.predicate",
    make: () => {
      const { s, x } = image(4, 6);
      const { xi } = s.split(x, { xo: "rest", xi: 4 });
      return { s, step: () => s.blockize(xi) };
    },
  },
];

export const cases: readonly ErrorCase[] = [...tensorizing, ...blockizing];
