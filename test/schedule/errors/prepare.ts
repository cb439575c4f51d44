/** What keeps a block from being computed ahead of time. */
import { schedule } from "../../../schedule/index.ts";
import { compute, dim, placeholder, scalar, sum } from "../../../te/index.ts";
import type { ErrorCase } from "./case.ts";

const dense = () => {
  const X = placeholder("X", { i: 6, k: 4 });
  const W = placeholder("W", { k: 4, j: 8 }, "f32", { constant: true });
  const C = compute("C", { i: 6, j: 8 }, ({ i, j }) => sum({ k: 4 }, ({ k }) => X.at(i, k).mul(W.at(k, j))));
  const s = schedule(C);
  return { X, W, C, s };
};

export const cases: readonly ErrorCase[] = [
  {
    primitive: "prepare",
    condition: 1,
    code: "prepare.not-alone",
    make: () => {
      const { s, C, W } = dense();
      const copy = s.cacheRead(C, W, "workspace");
      s.computeAt(copy, s.loops(C).i);
      return { s, step: () => s.prepare(copy) };
    },
  },
  {
    primitive: "prepare",
    condition: 2,
    code: "prepare.reads",
    make: () => {
      const { s, C, X } = dense();
      const copy = s.cacheRead(C, X, "workspace");
      return { s, step: () => s.prepare(copy) };
    },
  },
  {
    primitive: "prepare",
    condition: 2,
    code: "prepare.reads",
    name: "not-prepared-yet",
    make: () => {
      const { s, C, W } = dense();
      const first = s.cacheRead(C, W, "workspace");
      const second = s.cacheRead(C, "W.workspace", "workspace");
      void first;
      return { s, step: () => s.prepare(second) };
    },
  },
  {
    primitive: "prepare",
    condition: 3,
    code: "prepare.writes",
    make: () => {
      const { s, C, W } = dense();
      const copy = s.cacheRead(C, W, "local");
      return { s, step: () => s.prepare(copy) };
    },
  },
  {
    primitive: "prepare",
    condition: 3,
    code: "prepare.writes",
    name: "two-writers",
    make: () => {
      const W = placeholder("W", { k: 4, j: 8 }, "f32", { constant: true });
      const U = compute("U", { j: 8 }, ({ j }) => sum({ k: 4 }, ({ k }) => W.at(k, j)));
      const Y = compute("Y", { j: 8 }, ({ j }) => U.at(j).add(1));
      const s = schedule(Y);
      s.decomposeReduction(U, s.loops(U).j);
      return { s, step: () => s.prepare(U) };
    },
  },
  {
    primitive: "prepare",
    condition: 4,
    code: "prepare.parameter",
    make: () => {
      const n = dim("n");
      const alpha = scalar("alpha");
      const W = placeholder("W", { j: 8 }, "f32", { constant: true });
      const V = compute("V", { j: 8 }, ({ j }) => W.at(j).mul(alpha));
      const Y = compute("Y", { i: n, j: 8 }, ({ j }) => V.at(j).add(1));
      const s = schedule(Y);
      return { s, step: () => s.prepare(V) };
    },
  },
];
