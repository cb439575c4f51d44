/** Illegal steps on reductions. */
import { schedule } from "../../../schedule/index.ts";
import { type Func, mapStmt, type Stmt } from "../../../src/ir/index.ts";
import { compute, createFunc, placeholder, reduce, scatter, sum } from "../../../te/index.ts";
import type { ErrorCase } from "./case.ts";

/** A matrix-vector product, and its rows as they are used. */
const rows = () => {
  const A = placeholder("A", [6, 20]);
  const B = placeholder("B", [20]);
  const T = compute("T", { i: 6, k: 20 }, ({ i, k }) => A.at(i, k).mul(B.at(k)));
  const C = compute("C", { i: 6 }, ({ i }) => sum({ k: 20 }, ({ k }) => T.at(i, k)));
  const Y = compute("Y", { i: 6 }, ({ i }) => C.at(i).add(1));
  return { T, C, Y, s: schedule(Y) };
};
/** Sums of each row by group, on top of what they start as. */
const groups = () => {
  const code = placeholder("code", [6, 20], "i32");
  const X = placeholder("X", [6, 20]);
  const T = compute("T", { y: 6, g: 4 }, ({ y, g }) => X.at(y, g).mul(2));
  const H = scatter(
    "H",
    { y: 6, g: 4 },
    { y: 6, x: 20 },
    ({ y, x }) => ({ at: [y, code.at(y, x)], value: X.at(y, x) }),
    { init: ({ y, g }) => T.at(y, g) },
  );
  return { T, H, s: schedule(H) };
};
/** A function whose blocks have forgotten what they combine with, as a rewriting of their bodies might leave them. */
const forgetful = (f: Func): Func => {
  const forget = (x: Stmt): Stmt => {
    if (x.kind !== "block") return x;
    const { combiner: _, ...rest } = x;
    return rest;
  };
  return { ...f, body: mapStmt(f.body, forget) };
};

export const cases: readonly ErrorCase[] = [
  {
    primitive: "rfactor",
    condition: 0,
    code: "rfactor.argument",
    name: "at",
    make: () => {
      const { s, C } = rows();
      return { s, step: () => s.rfactor(C, s.loops(C).k, { at: 2 }) };
    },
  },
  {
    primitive: "rfactor",
    condition: 0,
    code: "rfactor.argument",
    name: "none",
    make: () => {
      const { s, C } = rows();
      return { s, step: () => s.rfactor(C, []) };
    },
  },
  {
    primitive: "rfactor",
    condition: 0,
    code: "rfactor.argument",
    name: "twice",
    make: () => {
      const { s, C } = rows();
      return { s, step: () => s.rfactor(C, [s.loops(C).k, s.loops(C).k]) };
    },
  },
  {
    primitive: "rfactor",
    condition: 1,
    code: "rfactor.no-init",
    make: () => {
      const { s, C } = rows();
      s.decomposeReduction(C, s.loops(C).k);
      return { s, step: () => s.rfactor(C, s.loops(C).k) };
    },
  },
  {
    primitive: "rfactor",
    condition: 1,
    code: "rfactor.no-init",
    name: "pure",
    make: () => {
      const { s, Y } = rows();
      return { s, step: () => s.rfactor(Y, s.loops(Y).i) };
    },
  },
  {
    primitive: "rfactor",
    condition: 2,
    code: "rfactor.combiner",
    make: () => {
      const created = createFunc([rows().C]);
      const s = schedule({ ...created, func: forgetful(created.func) });
      return { s, step: () => s.rfactor(s.block("C"), s.loopList(s.block("C"))[1]!) };
    },
  },
  {
    primitive: "rfactor",
    condition: 3,
    code: "rfactor.order",
    make: () => {
      const X = placeholder("X", [20], "i32");
      const Y = compute(
        "Y",
        {},
        () =>
          reduce(
            { k: 20 },
            {
              name: "last",
              values: ({ k }) => [X.at(k), k],
              combine: (a, b) => [a[0].sub(b[0]), b[1]],
              identity: [0, 0],
            },
          )[0],
      );
      const s = schedule(Y);
      return { s, step: () => s.rfactor(Y, s.loops(Y).k) };
    },
  },
  {
    primitive: "rfactor",
    condition: 4,
    code: "rfactor.carries",
    make: () => {
      const { s, C } = rows();
      return { s, step: () => s.rfactor(C, s.loops(C).i) };
    },
  },
  {
    primitive: "rfactor",
    condition: 5,
    code: "rfactor.shared",
    make: () => {
      const { s, T, C } = rows();
      const { ko, ki } = s.split(s.loops(C).k, { ko: "rest", ki: 4 });
      s.computeAt(T, ko);
      return { s, step: () => s.rfactor(C, ki) };
    },
  },
  {
    primitive: "rfactor",
    condition: 6,
    code: "rfactor.mixed",
    make: () => {
      const { s, C } = rows();
      const fused = s.fuse(s.loops(C).i, s.loops(C).k);
      return { s, step: () => s.rfactor(C, fused) };
    },
  },
  {
    primitive: "decomposeReduction",
    condition: 1,
    code: "decomposeReduction.no-init",
    make: () => {
      const { s, T } = rows();
      return { s, step: () => s.decomposeReduction(T, s.loops(T).k) };
    },
  },
  {
    primitive: "decomposeReduction",
    condition: 1,
    code: "decomposeReduction.no-init",
    name: "again",
    noWayOut: "the only reduction is decomposed",
    make: () => {
      const { s, C } = rows();
      s.decomposeReduction(C, s.loops(C).k);
      return { s, step: () => s.decomposeReduction(C, s.loops(C).k) };
    },
  },
  {
    primitive: "decomposeReduction",
    condition: 2,
    code: "decomposeReduction.not-around",
    make: () => {
      const { s, C, T } = rows();
      return { s, step: () => s.decomposeReduction(C, s.loops(T).k) };
    },
  },
  {
    primitive: "decomposeReduction",
    condition: 3,
    code: "decomposeReduction.carried-outside",
    make: () => {
      const { s, C } = rows();
      const { i, k } = s.loops(C);
      s.reorder(k, i);
      return { s, step: () => s.decomposeReduction(C, i) };
    },
  },
  {
    primitive: "decomposeReduction",
    condition: 4,
    code: "decomposeReduction.revisits",
    make: () => {
      const X = placeholder("X", [8, 10]);
      const C = compute("C", { i: 8 }, ({ i }) => sum({ k: 10 }, ({ k }) => X.at(i, k)));
      const Y = compute("Y", { i: 7 }, ({ i }) => C.at(i).add(C.at(i.add(1))));
      const s = schedule(Y);
      s.computeAt(C, s.loops(Y).i);
      return { s, step: () => s.decomposeReduction(C, s.loops(Y).i) };
    },
  },
  {
    primitive: "decomposeReduction",
    condition: 5,
    code: "decomposeReduction.reads",
    make: () => {
      const { H, T, s } = groups();
      s.computeAt(T, s.loops(H).y);
      return { s, step: () => s.decomposeReduction(H, s.loops(H).y) };
    },
  },
];
