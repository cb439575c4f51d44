/** Illegal changes of loops. */
import { schedule } from "../../../schedule/index.ts";
import { compute, dim, lit, max, placeholder, scan, scatter, sum, where } from "../../../te/index.ts";
import type { ErrorCase } from "./case.ts";

const gemm = () => {
  const A = placeholder("A", { i: 10, k: 6 });
  const B = placeholder("B", { k: 6, j: 8 });
  const C = compute("C", { i: 10, j: 8 }, ({ i, j }) => sum({ k: 6 }, ({ k }) => A.at(i, k).mul(B.at(k, j))));
  const s = schedule(C);
  return { A, B, C, s, ...s.loops(C) };
};
/** The same with a size that is known at run time only. */
const rows = (min = 0) => {
  const n = dim("n", { min, max: 64 });
  const X = placeholder("X", { i: n, k: n });
  const Y = compute("Y", { i: n }, ({ i }) => sum({ k: n }, ({ k }) => X.at(i, k)));
  const s = schedule(Y);
  return { X, Y, s, ...s.loops(Y) };
};
const stages = () => {
  const X = placeholder("X", { y: 6, x: 9 });
  const T = compute("T", { y: 6, x: 9 }, ({ y, x }) => X.at(y, x).mul(2));
  const Y = compute("Y", { y: 6, x: 8 }, ({ y, x }) => T.at(y, x).add(T.at(y, x.add(1))));
  const s = schedule(Y);
  return { X, T, Y, s, ...s.loops(Y) };
};
/** Q is computed from i on, inside a loop i. */
const triangle = () => {
  const n = dim("n", { min: 8, max: 64 });
  const X = placeholder("X", [n]);
  const Q = compute("Q", { j: n }, ({ j }) => X.at(j).mul(2));
  const T = compute("T", { i: 8, j: n }, ({ i, j }) => Q.at(j.max(i)));
  const U = compute("U", { i: 8, j: n }, ({ i, j }) => T.at(i, j).add(1));
  const s = schedule(U);
  const { i } = s.loops(T);
  return { s, T, i, j: s.computeAt(Q, i).j };
};
/** A sum of rows, whose last part overlaps the one before. */
const overlapping = () => {
  const A = placeholder("A", [10, 4]);
  const C = compute("C", { i: 10 }, ({ i }) => sum({ k: 4 }, ({ k }) => A.at(i, k)));
  const s = schedule(C);
  const { i, k } = s.loops(C);
  return { C, s, k, ...s.split(i, { io: "rest", ii: 4 }, { tail: "shift" }) };
};
const steps = () => {
  const X = placeholder("X", { t: 4, i: 6 });
  const S = scan(
    "S",
    { t: 4 },
    { i: 6 },
    {
      init: ({ i }) => X.at(0, i),
      step: ({ t, i }, prev) =>
        prev(i)
          .add(where(i.ge(1), prev(i.sub(1)), 0))
          .add(X.at(t, i)),
    },
  );
  const s = schedule(S);
  return { S, s, ...s.loops(S) };
};
/** Each element of b needs the one of a before it, which an earlier iteration computed. */
const lookingBack = () => {
  const X = placeholder("X", [40]);
  const a = compute("a", { i: 40 }, ({ i }) => X.at(i).mul(2));
  const b = compute("b", { i: 40 }, ({ i }) => a.at(i).add(where(i.ge(1), a.at(i.sub(1)), 0)));
  const s = schedule(b);
  const { io, ii } = s.split(s.loops(a).i, { io: "rest", ii: 10 });
  s.storeAt(a, "root");
  s.reverseComputeAt(b, ii);
  return { a, b, s, io, ii };
};
/** A product whose operands are copied and whose results are kept beside the output. */
const packed = () => {
  const g = gemm();
  const [a, b] = [g.s.cacheRead(g.C, g.A, "workspace"), g.s.cacheRead(g.C, g.B, "workspace")];
  const { copy } = g.s.cacheWrite(g.C, "local");
  return { ...g, a, b, copy };
};

type Made = ReturnType<ErrorCase["make"]>;
const refused = (
  primitive: string,
  condition: number,
  code: string,
  make: () => Made,
  more: { readonly name?: string; readonly noWayOut?: string } = {},
): ErrorCase => ({ primitive, condition, code: `${primitive}.${code}`, make, ...more });

const split: readonly ErrorCase[] = [
  refused("split", 0, "argument", () => {
    const { s, i } = gemm();
    return { s, step: () => s.split(i, { io: "rest", ii: 4 }, { tail: "cut" as never }) };
  }),
  refused("split", 1, "factors", () => {
    const { s, i } = gemm();
    return { s, step: () => s.split(i, { io: "rest", ii: 0 }) };
  }),
  refused(
    "split",
    1,
    "factors",
    () => {
      const { s, i } = gemm();
      return { s, step: () => s.split(i, { io: "rest", ii: "rest" }) };
    },
    { name: "two-rests" },
  ),
  refused(
    "split",
    1,
    "factors",
    () => {
      const { s, i } = rows();
      return { s, step: () => s.split(i, { io: "rest", ii: 2 ** 29, iii: 4 }) };
    },
    { name: "large" },
  ),
  refused("split", 2, "too-few", () => {
    const { s, i } = gemm();
    return { s, step: () => s.split(i, { io: 3, ii: 3 }) };
  }),
  refused("split", 3, "empty", () => {
    const n = dim("n", { min: 0, max: 64 });
    const X = placeholder("X", { i: 3, k: n });
    const Y = compute("Y", { i: 3 }, ({ i }) => sum({ k: n }, ({ k }) => X.at(i, k)));
    const s = schedule(Y);
    return { s, step: () => s.split(s.loops(Y).k, { ko: 16, ki: 4 }) };
  }),
  refused("split", 4, "kind", () => {
    const { s, i } = gemm();
    s.parallel(i);
    return { s, step: () => s.split(i, { io: "rest", ii: 5 }) };
  }),
  refused("split", 5, "rest", () => {
    const { s, i } = gemm();
    return { s, step: () => s.split(i, { io: 4, ii: "rest" }, { tail: "shift" }) };
  }),
  refused(
    "split",
    5,
    "rest",
    () => {
      const { s, i } = gemm();
      return { s, step: () => s.split(i, { io: 3, ii: 4 }, { tail: "pad" }) };
    },
    { name: "pad" },
  ),
  refused("split", 6, "short", () => {
    const { s, i } = rows(3);
    return { s, step: () => s.split(i, { io: "rest", ii: 4 }, { tail: "shift" }) };
  }),
  refused("split", 7, "carried", () => {
    const { s, k } = gemm();
    return { s, step: () => s.split(k, { ko: "rest", ki: 4 }, { tail: "shift" }) };
  }),
  refused(
    "split",
    7,
    "carried",
    () => {
      const { s, i, k } = gemm();
      s.reorder(k, i);
      return { s, step: () => s.split(i, { io: "rest", ii: 4 }, { tail: "shift" }) };
    },
    { name: "around" },
  ),
  refused("split", 7, "accumulates", () => {
    const { s, C, i } = gemm();
    s.decomposeReduction(C, i);
    return { s, step: () => s.split(i, { io: "rest", ii: 4 }, { tail: "shift" }) };
  }),
  refused("split", 7, "reads", () => {
    const { s, io } = lookingBack();
    return { s, step: () => s.split(io, { o: "rest", p: 3 }, { tail: "shift" }) };
  }),
  refused("split", 8, "pad-output", () => {
    const { s, i } = gemm();
    return { s, step: () => s.split(i, { io: "rest", ii: 4 }, { tail: "pad" }) };
  }),
  refused("split", 8, "pad-reads", () => {
    const { s, C, i } = gemm();
    s.cacheWrite(C, "local");
    return { s, step: () => s.split(i, { io: "rest", ii: 4 }, { tail: "pad" }) };
  }),
];

const fuse: readonly ErrorCase[] = [
  refused("fuse", 1, "loops", () => {
    const { s, i } = gemm();
    return { s, step: () => s.fuse(i) };
  }),
  refused("fuse", 2, "not-nested", () => {
    const { s, i, k } = gemm();
    return { s, step: () => s.fuse(i, k) };
  }),
  refused(
    "fuse",
    3,
    "extent",
    () => {
      const { s, T, i, j } = triangle();
      s.computeInline(T);
      return { s, step: () => s.fuse(i, j) };
    },
    { noWayOut: "there are no other loops nearby" },
  ),
  refused("fuse", 4, "kind", () => {
    const { s, i, j } = gemm();
    s.unroll(i);
    return { s, step: () => s.fuse(i, j) };
  }),
  refused(
    "fuse",
    5,
    "empty",
    () => {
      const { s, i, k } = rows();
      return { s, step: () => s.fuse(i, k) };
    },
    { noWayOut: "there are no other loops nearby" },
  ),
  refused("fuse", 5, "revisits", () => {
    const { s, io, ii, k } = overlapping();
    return { s, step: () => s.fuse(io, ii, k) };
  }),
];

const reorder: readonly ErrorCase[] = [
  refused("reorder", 1, "loops", () => {
    const { s, i, j } = gemm();
    return { s, step: () => s.reorder(j, i, j) };
  }),
  refused("reorder", 2, "chain", () => {
    const { s, C, B, i, k } = gemm();
    s.computeAt(s.cacheRead(C, B, "workspace"), i);
    return { s, step: () => s.reorder(k, i) };
  }),
  refused("reorder", 3, "extent", () => {
    const { s, T, i, j } = triangle();
    s.computeInline(T);
    return { s, step: () => s.reorder(j, i) };
  }),
  refused("reorder", 4, "scan", () => {
    const { s, t, i } = steps();
    return { s, step: () => s.reorder(i, t) };
  }),
  refused("reorder", 5, "dependence", () => {
    const { s, io, ii } = lookingBack();
    return { s, step: () => s.reorder(ii, io) };
  }),
  refused("reorder", 6, "revisits", () => {
    const { s, io, ii, k } = overlapping();
    return { s, step: () => s.reorder(k, io, ii) };
  }),
  refused("reorder", 7, "init", () => {
    const A = placeholder("A", [6, 4, 3]);
    const C = compute("C", { i: 6 }, ({ i }) => sum({ k: 4, l: 3 }, ({ k, l }) => A.at(i, k, l)));
    const s = schedule(C);
    const { i, k, l } = s.loops(C);
    const f = s.fuse(i, k);
    return { s, step: () => s.reorder(l, f) };
  }),
];

const tile: readonly ErrorCase[] = [
  refused("tile", 0, "argument", () => {
    const { s, i, j } = gemm();
    return { s, step: () => s.tile(i, j, { o: "rest", x: 4 }, { o: "rest", y: 4 }) };
  }),
];

const unroll: readonly ErrorCase[] = [
  refused("unroll", 1, "extent", () => {
    const { s, i } = rows();
    return { s, step: () => s.unroll(i) };
  }),
  refused("unroll", 2, "kind", () => {
    const { s, i } = gemm();
    s.vectorize(i);
    return { s, step: () => s.unroll(i) };
  }),
];

const vectorize: readonly ErrorCase[] = [
  refused("vectorize", 1, "extent", () => {
    const { s, i } = rows();
    return { s, step: () => s.vectorize(i) };
  }),
  refused("vectorize", 2, "kind", () => {
    const { s, j } = gemm();
    s.unroll(j);
    return { s, step: () => s.vectorize(j) };
  }),
  refused("vectorize", 3, "nested", () => {
    const { s, i, j } = gemm();
    s.vectorize(j);
    return { s, step: () => s.vectorize(i) };
  }),
  refused("vectorize", 4, "carried", () => {
    const { s, k } = gemm();
    return { s, step: () => s.vectorize(k) };
  }),
  refused(
    "vectorize",
    4,
    "carried",
    () => {
      const img = placeholder("img", { y: 6, x: 20 }, "u8");
      const H = scatter("H", { bin: 16 }, { y: 6, x: 20 }, ({ y, x }) => ({
        at: [img.at(y, x).shr(4).cast("i32")],
        value: lit(1, "i32"),
      }));
      const s = schedule(H);
      return { s, step: () => s.vectorize(s.loops(H).x) };
    },
    { name: "scatter" },
  ),
  refused(
    "vectorize",
    4,
    "carried",
    () => {
      const { s, t } = steps();
      return { s, step: () => s.vectorize(t) };
    },
    { name: "scan" },
  ),
  refused("vectorize", 5, "same-element", () => {
    const { s, io } = overlapping();
    return { s, step: () => s.vectorize(io) };
  }),
  refused("vectorize", 6, "inner-extent", () => {
    const { s, i } = triangle();
    return { s, step: () => s.vectorize(i) };
  }),
  refused("vectorize", 7, "stored", () => {
    const { s, T, y, x } = stages();
    s.computeAt(T, x);
    s.storeAt(T, y);
    return { s, step: () => s.vectorize(x) };
  }),
];

const parallel: readonly ErrorCase[] = [
  refused("parallel", 1, "kind", () => {
    const { s, i } = gemm();
    s.unroll(i);
    return { s, step: () => s.parallel(i) };
  }),
  refused("parallel", 2, "lanes", () => {
    const { s, i, j } = gemm();
    s.vectorize(s.split(i, { io: "rest", ii: 5 }).ii);
    return { s, step: () => s.parallel(j) };
  }),
  refused("parallel", 3, "carried", () => {
    const { s, k } = gemm();
    return { s, step: () => s.parallel(k) };
  }),
  refused(
    "parallel",
    3,
    "carried",
    () => {
      const { s, t } = steps();
      const { to } = s.split(t, { to: "rest", ti: 2 });
      return { s, step: () => s.parallel(to) };
    },
    { name: "scan" },
  ),
  refused("parallel", 4, "same-element", () => {
    const { s, io } = overlapping();
    return { s, step: () => s.parallel(io) };
  }),
  refused(
    "parallel",
    5,
    "stored",
    () => {
      const { s, io } = lookingBack();
      return { s, step: () => s.parallel(io) };
    },
    { noWayOut: "each iteration needs the one before" },
  ),
];

const bind: readonly ErrorCase[] = [
  refused("bind", 0, "argument", () => {
    const { s, i } = gemm();
    return { s, step: () => s.bind(i, "threadIdx.x" as never) };
  }),
  refused("bind", 1, "kind", () => {
    const { s, i } = gemm();
    s.parallel(i);
    return { s, step: () => s.bind(i, "workgroup.x") };
  }),
  refused("bind", 2, "lanes", () => {
    const { s, i, j } = gemm();
    s.vectorize(s.split(i, { io: "rest", ii: 5 }).ii);
    return { s, step: () => s.bind(j, "local.x") };
  }),
  refused("bind", 3, "twice", () => {
    const { s, i, j } = gemm();
    s.bind(i, "local.x");
    return { s, step: () => s.bind(j, "local.x") };
  }),
  refused("bind", 4, "order", () => {
    const { s, i, j } = gemm();
    s.bind(i, "local.x");
    return { s, step: () => s.bind(j, "workgroup.x") };
  }),
  refused("bind", 5, "extent", () => {
    const { s, i } = rows();
    return { s, step: () => s.bind(i, "local.x") };
  }),
  refused("bind", 6, "invocations", () => {
    const X = placeholder("X", { y: 64, x: 64 });
    const Y = compute("Y", { y: 64, x: 64 }, ({ y, x }) => X.at(y, x).mul(2));
    const s = schedule(Y);
    const { y, x } = s.loops(Y);
    s.bind(y, "local.y");
    return { s, step: () => s.bind(x, "local.x") };
  }),
  refused("bind", 7, "carried", () => {
    const { s, k } = gemm();
    return { s, step: () => s.bind(k, "local.x") };
  }),
  refused("bind", 8, "same-element", () => {
    const { s, io } = overlapping();
    return { s, step: () => s.bind(io, "workgroup.x") };
  }),
  refused(
    "bind",
    9,
    "stored",
    () => {
      const { s, ii } = lookingBack();
      return { s, step: () => s.bind(ii, "local.x") };
    },
    { noWayOut: "each iteration needs the one before" },
  ),
];

/** Steps that would break what a parallel or bound loop promises. */
const afterwards: readonly ErrorCase[] = [
  refused("reorder", 0, "apart", () => {
    const { s, i, j } = gemm();
    s.bind(i, "workgroup.x");
    s.bind(j, "local.x");
    return { s, step: () => s.reorder(j, i) };
  }),
  refused("vectorize", 0, "apart", () => {
    const { s, i, j } = gemm();
    s.parallel(j);
    return { s, step: () => s.vectorize(i) };
  }),
];

const annotate: readonly ErrorCase[] = [
  refused("annotate", 0, "argument", () => {
    const { s, i } = gemm();
    return { s, step: () => s.annotate(i, "note", Number.NaN) };
  }),
  refused("annotate", 1, "reserved", () => {
    const { s, C } = gemm();
    return { s, step: () => s.annotate(C, "revisits", false) };
  }),
  refused(
    "annotate",
    1,
    "reserved",
    () => {
      const { s, i } = gemm();
      return { s, step: () => s.annotate(i, "tail", "peel") };
    },
    { name: "printed" },
  ),
];

const pad: readonly ErrorCase[] = [
  refused("pad", 0, "argument", () => {
    const { s, a } = packed();
    return { s, step: () => s.pad(a, s.loops(a).i!, 0) };
  }),
  refused(
    "pad",
    0,
    "argument",
    () => {
      const { s, C, i, a } = packed();
      s.pad(a, s.loops(a).i!, 4);
      return { s, step: () => s.pad(C, i, 4, 1) };
    },
    { name: "value" },
  ),
  refused("pad", 1, "not-around", () => {
    const { s, a, i } = packed();
    return { s, step: () => s.pad(a, i, 4) };
  }),
  refused("pad", 1, "shared", () => {
    const { s, b, j } = packed();
    s.computeAt(b, j);
    return { s, step: () => s.pad(b, j, 3) };
  }),
  refused("pad", 2, "axis", () => {
    const { s, a } = packed();
    const { io } = s.split(s.loops(a).i!, { io: "rest", ii: 2 });
    return { s, step: () => s.pad(a, io, 4) };
  }),
  refused("pad", 3, "output", () => {
    const { s, C, i } = gemm();
    return { s, step: () => s.pad(C, i, 4) };
  }),
  refused("pad", 3, "writers", () => {
    const { s, C, i } = packed();
    s.decomposeReduction(C, i);
    return { s, step: () => s.pad(C, i, 4) };
  }),
  refused(
    "pad",
    4,
    "store",
    () => {
      const X = placeholder("X", { x: 10 });
      const T = compute("T", { x: 10 }, ({ x }) => X.at(x).mul(2));
      const Y = compute("Y", { p: 2, q: 5 }, ({ p, q }) => T.at(p.mul(5).add(q)));
      const Z = compute("Z", { p: 2, q: 5 }, ({ p, q }) => Y.at(p, q).add(1));
      const s = schedule(Z);
      s.reverseComputeInline(Y);
      const [x] = s.loopList(Y);
      return { s, step: () => s.pad(Y, x!, 4) };
    },
    { noWayOut: "no axis of the block is a dimension" },
  ),
  refused("pad", 5, "reads", () => {
    const { s, C, i } = packed();
    return { s, step: () => s.pad(C, i, 4) };
  }),
  refused(
    "pad",
    5,
    "reads",
    () => {
      const { s, C, i } = gemm();
      s.cacheWrite(C, "local");
      return { s, step: () => s.pad(C, i, 4) };
    },
    { name: "input" },
  ),
  refused("pad", 6, "neutral", () => {
    const X = placeholder("X", { i: 5, k: 6 });
    const Y = compute("Y", { i: 5 }, ({ i }) => max({ k: 6 }, ({ k }) => X.at(i, k)));
    const s = schedule(Y);
    const copy = s.cacheRead(Y, X, "workspace");
    s.pad(copy, s.loops(copy).k!, 4);
    return { s, step: () => s.pad(Y, s.loops(Y).k, 4) };
  }),
  refused("pad", 7, "computed", () => {
    const { s, C, i, k, a, b } = packed();
    for (const copy of [a, b]) s.pad(copy, s.loops(copy).k!, 4);
    s.computeAt(a, i);
    return { s, step: () => s.pad(C, k, 4) };
  }),
];

export const cases: readonly ErrorCase[] = [
  ...split,
  ...fuse,
  ...reorder,
  ...tile,
  ...unroll,
  ...vectorize,
  ...parallel,
  ...bind,
  ...afterwards,
  ...annotate,
  ...pad,
];
