/** Illegal steps that give one nest several versions. */
import { schedule } from "../../../schedule/index.ts";
import { compute, dim, type Expr, placeholder, scalar, sum } from "../../../te/index.ts";
import type { ErrorCase } from "./case.ts";

function gemm() {
  const [m, n, k] = [dim("m"), dim("n", { min: 1, max: 64 }), dim("k")];
  const A = placeholder("A", [m, k]);
  const B = placeholder("B", [k, n]);
  const C = compute("C", { i: m, j: n }, ({ i, j }) => sum({ k }, ({ k }) => A.at(i, k).mul(B.at(k, j))));
  const s = schedule(C);
  return { A, C, m, n, s, loops: s.loops(C) };
}
function rows() {
  const X = placeholder("X", { y: 6, x: 8 });
  const Y = compute("Y", { y: 6, x: 8 }, ({ y, x }) => X.at(y, x).mul(2));
  const s = schedule(Y);
  return { X, Y, s, ...s.loops(Y) };
}
/** One that has two integers from outside. */
function shifted() {
  const [a, b] = [scalar("a", "i32"), scalar("b", "i32")];
  const X = placeholder("X", [8], "i32");
  const Y = compute("Y", { i: 8 }, ({ i }) => X.at(i).add(a).sub(b));
  const s = schedule(Y);
  return { a, b, s, ...s.loops(Y) };
}

const specializing: readonly ErrorCase[] = [
  {
    primitive: "specialize",
    condition: 0,
    code: "specialize.argument",
    make: () => {
      const { s, loops, n } = gemm();
      return { s, step: () => s.specialize(loops.i, n.add(1) as unknown as Expr<"bool">) };
    },
  },
  {
    primitive: "specialize",
    condition: 0,
    code: "specialize.argument",
    name: "unknown",
    make: () => {
      const { s, loops } = gemm();
      return { s, step: () => s.specialize(loops.j, ({ columns }) => columns!.ge(4)) };
    },
  },
  {
    primitive: "specialize",
    condition: 1,
    code: "specialize.variable",
    make: () => {
      const { s, x, y } = rows();
      s.split(x, { xo: "rest", xi: 4 });
      return { s, step: () => s.specialize(y, dim("rows").ge(4)) };
    },
  },
  {
    primitive: "specialize",
    condition: 1,
    code: "specialize.memory",
    make: () => {
      const { A, s, loops } = gemm();
      return { s, step: () => s.specialize(loops.j, A.at(0, 0).gt(0)) };
    },
  },
  {
    primitive: "specialize",
    condition: 2,
    code: "specialize.overflow",
    make: () => {
      const { s, a, b, i } = shifted();
      return { s, step: () => s.specialize(i, a.add(b).gt(0)) };
    },
  },
  {
    primitive: "specialize",
    condition: 2,
    code: "specialize.overflow",
    name: "sizes",
    make: () => {
      const { s, n, m, loops } = gemm();
      return { s, step: () => s.specialize(loops.i, n.mul(m).lt(1000)) };
    },
  },
  {
    primitive: "specialize",
    condition: 3,
    code: "specialize.decided",
    make: () => {
      const { s, n, loops } = gemm();
      return { s, step: () => s.specialize(loops.j, n.gt(64)) };
    },
  },
  {
    primitive: "specialize",
    condition: 3,
    code: "specialize.decided",
    name: "again",
    make: () => {
      const { s, n, loops } = gemm();
      s.specialize(loops.i, n.ge(32));
      return { s, step: () => s.specialize(loops.j, n.ge(16)) };
    },
  },
  {
    primitive: "specialize",
    condition: 4,
    code: "specialize.vectorized",
    make: () => {
      const { s, y, x } = rows();
      s.reorder(x, y);
      s.vectorize(x);
      return { s, step: () => s.specialize(y, ({ x }) => x.lt(4)) };
    },
    noWayOut: "nothing else changes around it",
  },
  {
    primitive: "specialize",
    condition: 5,
    code: "specialize.reduction",
    make: () => {
      const { s, loops } = gemm();
      s.reorder(loops.k, loops.i, loops.j);
      return { s, step: () => s.specialize(loops.i, ({ k }) => k.lt(4)) };
    },
  },
  {
    primitive: "cold.block",
    condition: 0,
    code: "cold.block.unknown-handle",
    make: () => {
      const { s, A, n, loops } = gemm();
      const { cold } = s.specialize(loops.i, n.ge(16));
      return { s, step: () => cold.block(A) };
    },
  },
];

const partitioning: readonly ErrorCase[] = [
  {
    primitive: "partition",
    condition: 0,
    code: "partition.argument",
    make: () => {
      const { s, loops } = gemm();
      return { s, step: () => s.partition(loops.i, { top: 0, body: "rest" }) };
    },
  },
  {
    primitive: "partition",
    condition: 0,
    code: "partition.argument",
    name: "record",
    make: () => {
      const { s, y } = rows();
      return { s, step: () => s.partition(y, [1, "rest"] as never) };
    },
  },
  {
    primitive: "partition",
    condition: 1,
    code: "partition.parts",
    make: () => {
      const { s, y } = rows();
      return { s, step: () => s.partition(y, { top: 1, bottom: 5 }) };
    },
  },
  {
    primitive: "partition",
    condition: 2,
    code: "partition.kind",
    make: () => {
      const { s, y, x } = rows();
      s.vectorize(x);
      return { s, step: () => s.partition(x, { left: 1, body: "rest" }), y };
    },
  },
  {
    primitive: "partition",
    condition: 3,
    code: "partition.reduction",
    make: () => {
      const { s, loops } = gemm();
      return { s, step: () => s.partition(loops.k, { body: "rest", end: 1 }) };
    },
  },
  {
    primitive: "partition",
    condition: 4,
    code: "partition.empty",
    make: () => {
      const { s, y } = rows();
      return { s, step: () => s.partition(y, { top: 3, body: "rest", bottom: 3 }) };
    },
  },
  {
    primitive: "partition",
    condition: 5,
    code: "partition.overflow",
    make: () => {
      const { s, m, loops } = gemm();
      return { s, step: () => s.partition(loops.i, { top: m.mul(m), body: "rest" }) };
    },
  },
  {
    primitive: "vectorize",
    condition: 6,
    code: "vectorize.branch",
    name: "branches",
    make: () => {
      const { s, y, x } = rows();
      s.specialize(x, ({ y }) => y.ge(2));
      return { s, step: () => s.vectorize(y) };
    },
  },
  {
    primitive: "cacheWrite",
    condition: 1,
    code: "cacheWrite.writers",
    name: "twins",
    make: () => {
      const { s, C, loops } = gemm();
      s.partition(loops.i, { first: 2, body: "rest" });
      return { s, step: () => s.cacheWrite(C, "local") };
    },
  },
];

export const cases: readonly ErrorCase[] = [...specializing, ...partitioning];
