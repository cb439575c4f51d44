/** Illegal copies and layouts. */
import { schedule } from "../../../schedule/index.ts";
import { compute, placeholder, sum, where } from "../../../te/index.ts";
import type { ErrorCase } from "./case.ts";

const gemm = () => {
  const A = placeholder("A", { i: 6, k: 4 });
  const B = placeholder("B", { k: 4, j: 13 });
  const C = compute("C", { i: 6, j: 13 }, ({ i, j }) => sum({ k: 4 }, ({ k }) => A.at(i, k).mul(B.at(k, j))));
  const s = schedule(C);
  return { A, B, C, s };
};
const packed = () => {
  const g = gemm();
  return { ...g, copy: g.s.cacheRead(g.C, g.B, "workspace") };
};
/** Two stages, the second of which reads the first shifted by one. */
const stages = () => {
  const X = placeholder("X", { y: 6, x: 9 });
  const T = compute("T", { y: 6, x: 9 }, ({ y, x }) => X.at(y, x).mul(2));
  const Y = compute("Y", { y: 6, x: 8 }, ({ y, x }) => T.at(y, x).add(T.at(y, x.add(1))));
  return { X, T, Y, s: schedule(Y) };
};
const conv = () => {
  const X = placeholder("X", { y: 9, x: 9 });
  const F = placeholder("F", { r: 3, q: 3 });
  const Y = compute("Y", { y: 7, x: 7 }, ({ y, x }) =>
    sum({ r: 3, q: 3 }, ({ r, q }) => X.at(y.add(r), x.add(q)).mul(F.at(r, q))),
  );
  return { X, F, Y, s: schedule(Y) };
};
export const cases: readonly ErrorCase[] = [
  {
    primitive: "cacheRead",
    condition: 1,
    code: "cacheRead.not-read",
    make: () => {
      const { s, Y, X } = stages();
      return { s, step: () => s.cacheRead(Y, X, "workspace") };
    },
  },
  {
    primitive: "cacheRead",
    condition: 2,
    code: "cacheRead.written",
    make: () => {
      const { s, C } = gemm();
      return { s, step: () => s.cacheRead(C, C, "workspace") };
    },
  },
  {
    primitive: "cacheRead",
    condition: 3,
    code: "cacheRead.not-complete",
    make: () => {
      const { s, T, Y } = stages();
      s.computeAt(T, s.loops(Y).y);
      return { s, step: () => s.cacheRead(Y, T, "local") };
    },
  },
  {
    primitive: "cacheWrite",
    condition: 1,
    code: "cacheWrite.writers",
    make: () => {
      const { s, C } = gemm();
      s.decomposeReduction(C, s.loops(C).k);
      return { s, step: () => s.cacheWrite(C, "local") };
    },
  },
  {
    primitive: "cacheWrite",
    condition: 2,
    code: "cacheWrite.read-inside",
    make: () => {
      const { s, T, Y } = stages();
      s.computeAt(T, s.loops(Y).y);
      return { s, step: () => s.cacheWrite(T, "local") };
    },
  },
  {
    primitive: "setScope",
    condition: 1,
    code: "setScope.output",
    make: () => {
      const { s, C } = gemm();
      return { s, step: () => s.setScope(C, "local") };
    },
  },
  {
    primitive: "setScope",
    condition: 2,
    code: "setScope.scope",
    make: () => {
      const { s, T } = stages();
      return { s, step: () => s.setScope(T, "registers" as never) };
    },
  },

  {
    primitive: "transformLayout",
    condition: 1,
    code: "transformLayout.parameter",
    make: () => {
      const { s, C } = gemm();
      return { s, step: () => s.transformLayout(C, (i, j) => [j, i]) };
    },
  },
  {
    primitive: "transformLayout",
    condition: 1,
    code: "transformLayout.parameter",
    name: "input",
    make: () => {
      const { s, B } = gemm();
      return { s, step: () => s.transformLayout(B, (k, j) => [j, k]) };
    },
  },
  {
    primitive: "transformLayout",
    condition: 2,
    code: "transformLayout.rank",
    make: () => {
      const { s, copy } = packed();
      return { s, step: () => s.transformLayout(copy, { vars: ["j"], index: ["j"] }) };
    },
  },
  {
    primitive: "transformLayout",
    condition: 3,
    code: "transformLayout.outside",
    make: () => {
      const { s, copy } = packed();
      return { s, step: () => s.transformLayout(copy, (k, j) => [k, j.sub(3)]) };
    },
  },
  {
    primitive: "transformLayout",
    condition: 3,
    code: "transformLayout.outside",
    name: "unbounded",
    make: () => {
      const { s, copy } = packed();
      return { s, step: () => s.transformLayout(copy, (k, j) => [k, j.mul(j).sub(j)]) };
    },
  },
  {
    primitive: "transformLayout",
    condition: 4,
    code: "transformLayout.not-invertible",
    make: () => {
      const { s, copy } = packed();
      return { s, step: () => s.transformLayout(copy, (k, j) => [j.div(8), k]) };
    },
  },
  {
    primitive: "transformLayout",
    condition: 4,
    code: "transformLayout.not-invertible",
    name: "middle",
    make: () => {
      const A = placeholder("A", [4, 10, 3]);
      const Y = compute("Y", A.shape, (p, q, r) => A.at(p, q, r).add(1));
      const s = schedule(Y);
      const copy = s.cacheRead(Y, A, "workspace");
      return { s, step: () => s.transformLayout(copy, (q, k, r) => [q, k.div(2), r]) };
    },
  },
  {
    primitive: "transformLayout",
    condition: 4,
    code: "transformLayout.not-invertible",
    name: "fused",
    make: () => {
      const { s, copy } = packed();
      return { s, step: () => s.transformLayout(copy, (k, j) => [k.mul(12).add(j)]) };
    },
  },
  {
    primitive: "transformLayout",
    condition: 5,
    code: "transformLayout.too-large",
    make: () => {
      const { s, copy } = packed();
      return { s, step: () => s.transformLayout(copy, (k, j) => [k.mul(1 << 16), j.mul(1 << 10)]) };
    },
  },
  {
    primitive: "transformLayout",
    condition: 6,
    code: "transformLayout.aligned",
    make: () => {
      const { s, copy } = packed();
      s.storageAlign(copy, 0, 16);
      return { s, step: () => s.transformLayout(copy, (k, j) => [j, k]) };
    },
  },

  {
    primitive: "storageAlign",
    condition: 1,
    code: "storageAlign.parameter",
    make: () => {
      const { s, C } = gemm();
      return { s, step: () => s.storageAlign(C, 0, 4) };
    },
  },
  {
    primitive: "storageAlign",
    condition: 2,
    code: "storageAlign.dimension",
    make: () => {
      const { s, copy } = packed();
      return { s, step: () => s.storageAlign(copy, 2, 4) };
    },
  },
  {
    primitive: "storageAlign",
    condition: 3,
    code: "storageAlign.too-large",
    make: () => {
      const { s, copy } = packed();
      return { s, step: () => s.storageAlign(copy, 0, 2 ** 30) };
    },
  },

  {
    primitive: "reindex",
    condition: 1,
    code: "reindex.not-read",
    make: () => {
      const { s, Y, X } = stages();
      return { s, step: () => s.reindex(Y, X, "workspace") };
    },
  },
  {
    primitive: "reindex",
    condition: 2,
    code: "reindex.written",
    make: () => {
      const { s, C } = gemm();
      return { s, step: () => s.reindex(C, C, "workspace") };
    },
  },
  {
    primitive: "reindex",
    condition: 3,
    code: "reindex.index",
    name: "several",
    make: () => {
      const { s, T, Y } = stages();
      return { s, step: () => s.reindex(Y, T, "workspace") };
    },
  },
  {
    primitive: "reindex",
    condition: 3,
    code: "reindex.index",
    name: "data",
    make: () => {
      const X = placeholder("X", { x: 9 });
      const I = placeholder("I", { x: 9 }, "i32");
      const Y = compute("Y", { x: 9 }, ({ x }) => X.at(I.at(x)));
      const s = schedule(Y);
      return { s, step: () => s.reindex(Y, X, "workspace") };
    },
  },
  {
    primitive: "reindex",
    condition: 3,
    code: "reindex.index",
    name: "constant",
    make: () => {
      const X = placeholder("X", { x: 9 });
      const Y = compute("Y", { x: 9 }, ({ x }) => where(x.lt(5), X.at(3), 0));
      const s = schedule(Y);
      return { s, step: () => s.reindex(Y, X, "workspace") };
    },
  },
  {
    primitive: "reindex",
    condition: 4,
    code: "reindex.not-complete",
    make: () => {
      const X = placeholder("X", { y: 6, x: 9 });
      const T = compute("T", { y: 6, x: 9 }, ({ y, x }) => X.at(y, x).mul(2));
      const Y = compute("Y", { y: 6, x: 8 }, ({ y, x }) => T.at(y, x.add(1)));
      const s = schedule(Y);
      s.computeAt(T, s.loops(Y).y);
      return { s, step: () => s.reindex(Y, T, "local") };
    },
  },
  {
    primitive: "reindex",
    condition: 5,
    code: "reindex.order",
    make: () => {
      const { s, X, Y } = conv();
      return { s, step: () => s.reindex(Y, X, "workspace", { order: ["r", "q", "y"] }) };
    },
  },
];
