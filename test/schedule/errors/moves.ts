/** Illegal moves of computations. */
import { schedule } from "../../../schedule/index.ts";
import { compute, lit, max, placeholder, scan, scatter, sub, sum, where } from "../../../te/index.ts";
import type { ErrorCase } from "./case.ts";

/** Three stages: b reads a in two rows, c reads both. */
const stages = () => {
  const X = placeholder("X", [8, 9]);
  const a = compute("a", { y: 8, x: 9 }, ({ y, x }) => X.at(y, x).mul(2));
  const b = compute("b", { y: 7, x: 9 }, ({ y, x }) => a.at(y, x).add(a.at(y.add(1), x)));
  const c = compute("c", { y: 7, x: 9 }, ({ y, x }) => b.at(y, x).max(a.at(y, x)));
  return { X, a, b, c, s: schedule(c) };
};
/** Row sums, and what is made of them. */
const rows = () => {
  const X = placeholder("X", [8, 12]);
  const R = compute("R", { i: 8 }, ({ i }) => sum({ k: 12 }, ({ k }) => X.at(i, k)));
  const Y = compute("Y", { i: 8 }, ({ i }) => R.at(i).mul(3));
  return { X, R, Y, s: schedule(Y) };
};
/** A running sum, and what is made of it. */
const running = () => {
  const X = placeholder("X", [9, 5]);
  const P = compute("P", { t: 9, x: 5 }, ({ t, x }) => X.at(t, x).add(1));
  const S = scan("S", { t: 9 }, { x: 5 }, { init: ({ x }) => P.at(0, x), step: ({ t, x }, p) => p(x).add(P.at(t, x)) });
  const Y = compute("Y", { t: 9, x: 5 }, ({ t, x }) => S.at(t, x).mul(2));
  return { P, S, Y, s: schedule(Y) };
};
/** Products, and their sums over rows. */
const terms = () => {
  const X = placeholder("X", [8, 12]);
  const T = compute("T", { i: 8, k: 12 }, ({ i, k }) => X.at(i, k).mul(X.at(i, 0)));
  const R = compute("R", { i: 8 }, ({ i }) => sum({ k: 12 }, ({ k }) => T.at(i, k)));
  return { T, R, s: schedule(R) };
};
/** Two stages that know nothing of each other, and one that reads both. */
const three = () => {
  const X = placeholder("X", [20]);
  const P = compute("P", { i: 20 }, ({ i }) => X.at(i).mul(2));
  const Q = compute("Q", { i: 20 }, ({ i }) => X.at(i).add(2));
  const Z = compute("Z", { i: 20 }, ({ i }) => P.at(i).max(Q.at(i)));
  return { P, Q, Z };
};
/** One source of two results, only one of which is wanted. */
const unwanted = () => {
  const X = placeholder("X", [8, 12]);
  const both = compute("both", { i: 8 }, ({ i }) => ({
    top: max({ k: 12 }, ({ k }) => X.at(i, k)),
    first: X.at(i, 0).mul(2),
  }));
  const Y = compute("Y", { i: 8 }, ({ i }) => both.top.at(i).add(1));
  return { both, s: schedule(Y) };
};
/** Two stages of which the second reads the first somewhere else than at its own axis. */
const shifted = (step: number, from: number) => {
  const X = placeholder("X", [20]);
  const P = compute("P", { i: 20 }, ({ i }) => X.at(i).mul(2));
  const Y = compute("Y", { j: 8 }, ({ j }) => P.at(j.mul(step).add(from)).add(1));
  const Z = compute("Z", { j: 8 }, ({ j }) => Y.at(j).max(0));
  return { P, Y, Z, s: schedule(Z) };
};
/** Independent sums over rows of different lengths. */
const siblings = () => {
  const A = placeholder("A", [6, 9]);
  const B = placeholder("B", [6, 8]);
  const C = compute("C", { i: 6 }, ({ i }) => sum({ k: 9 }, ({ k }) => A.at(i, k)));
  const D = compute("D", { i: 6 }, ({ i }) => sum({ k: 8 }, ({ k }) => B.at(i, k)));
  const E = compute("E", { i: 6 }, ({ i }) => C.at(i).add(B.at(i, 0)));
  return { C, D, E, s: schedule({ C, D, E }) };
};

export const cases: readonly ErrorCase[] = [
  {
    primitive: "computeAt",
    condition: 1,
    code: "computeAt.writers",
    make: () => {
      const { s, R, Y } = rows();
      s.decomposeReduction(R, s.loops(R).k);
      return { s, step: () => s.computeAt(R, s.loops(Y).i) };
    },
  },
  {
    primitive: "computeAt",
    condition: 1,
    code: "computeAt.unread",
    noWayOut: "nobody needs the block",
    make: () => {
      const { s } = unwanted();
      return { s, step: () => s.computeAt(s.block("both.out"), s.loopList(s.block("Y"))[0]!) };
    },
  },
  {
    primitive: "computeAt",
    condition: 2,
    code: "computeAt.output",
    make: () => {
      const { s, R, Y } = rows();
      return { s, step: () => s.computeAt(Y, s.loops(R).i) };
    },
  },
  {
    primitive: "computeAt",
    condition: 3,
    code: "computeAt.consumers",
    make: () => {
      const { s, a, b, c } = stages();
      s.computeAt(b, s.loops(c).y);
      return { s, step: () => s.computeAt(a, s.loops(b).x) };
    },
  },
  {
    primitive: "computeAt",
    condition: 4,
    code: "computeAt.reads",
    make: () => {
      const { s, a, b, c } = stages();
      const { y, x } = s.loops(c);
      s.computeAt(b, x);
      s.computeAt(a, x);
      return { s, step: () => s.computeAt(b, y) };
    },
  },
  {
    primitive: "computeAt",
    condition: 5,
    code: "computeAt.vectorized",
    make: () => {
      const { s, b, c } = stages();
      s.vectorize(s.loops(c).x);
      return { s, step: () => s.computeAt(b, s.loops(c).x) };
    },
  },
  {
    primitive: "computeAt",
    condition: 6,
    code: "computeAt.region",
    noWayOut: "the block's elements stand where another block's axes put them",
    make: () => {
      const { s, Y, Z } = shifted(1, 5);
      s.reverseComputeInline(Y);
      return { s, step: () => s.computeAt(Y, s.loops(Z).j) };
    },
  },
  {
    primitive: "computeRoot",
    condition: 1,
    code: "computeRoot.writers",
    make: () => {
      const { s, R } = rows();
      s.decomposeReduction(R, s.loops(R).k);
      return { s, step: () => s.computeRoot(R) };
    },
  },
  {
    primitive: "computeRoot",
    condition: 2,
    code: "computeRoot.reads",
    make: () => {
      const { s, a, b, c } = stages();
      s.computeAt(b, s.loops(c).y);
      s.computeAt(a, s.loops(c).y);
      return { s, step: () => s.computeRoot(b) };
    },
  },
  {
    primitive: "computeWith",
    condition: 1,
    code: "computeWith.nests",
    make: () => {
      const { s, C } = siblings();
      return { s, step: () => s.computeWith(C, s.loops(C).i) };
    },
  },
  {
    primitive: "computeWith",
    condition: 2,
    code: "computeWith.loops",
    make: () => {
      const { s, D, E } = siblings();
      return { s, step: () => s.computeWith(E, s.loops(D).k) };
    },
  },
  {
    primitive: "computeWith",
    condition: 2,
    code: "computeWith.extent",
    make: () => {
      const { s, C, D } = siblings();
      return { s, step: () => s.computeWith(D, s.loops(C).k) };
    },
  },
  {
    primitive: "computeWith",
    condition: 3,
    code: "computeWith.kind",
    make: () => {
      const { s, C, D } = siblings();
      s.unroll(s.loops(C).i);
      return { s, step: () => s.computeWith(D, s.loops(C).i) };
    },
  },
  {
    primitive: "computeWith",
    condition: 4,
    code: "computeWith.dependence",
    make: () => {
      const { s, C, E } = siblings();
      return { s, step: () => s.computeWith(C, s.loops(E).i) };
    },
  },
  {
    primitive: "computeWith",
    condition: 5,
    code: "computeWith.between",
    make: () => {
      const { C, D, E } = siblings();
      const s = schedule({ D, C, E });
      return { s, step: () => s.computeWith(E, s.loops(D).i) };
    },
  },
  {
    primitive: "reverseComputeAt",
    condition: 1,
    code: "reverseComputeAt.producers",
    make: () => {
      const { s, c } = stages();
      return { s, step: () => s.reverseComputeAt(c, s.loops(c).y) };
    },
  },
  {
    primitive: "reverseComputeAt",
    condition: 1,
    code: "reverseComputeAt.order",
    noWayOut: "it is there already",
    make: () => {
      const { s, R, Y } = rows();
      s.reverseComputeAt(Y, s.loops(R).i);
      return { s, step: () => s.reverseComputeAt(Y, s.loops(R).i) };
    },
  },
  {
    primitive: "reverseComputeAt",
    condition: 2,
    code: "reverseComputeAt.carried",
    make: () => {
      const { s, R, Y } = rows();
      return { s, step: () => s.reverseComputeAt(Y, s.loops(R).k) };
    },
  },
  {
    primitive: "reverseComputeAt",
    condition: 3,
    code: "reverseComputeAt.vectorized",
    make: () => {
      const { s, R, Y } = rows();
      const { ii } = s.split(s.loops(R).i, { io: "rest", ii: 4 });
      s.vectorize(ii);
      return { s, step: () => s.reverseComputeAt(Y, ii) };
    },
  },
  {
    primitive: "reverseComputeAt",
    condition: 4,
    code: "reverseComputeAt.kind",
    make: () => {
      const { s, P, S } = running();
      return { s, step: () => s.reverseComputeAt(S, s.loops(P).t) };
    },
  },
  {
    primitive: "reverseComputeAt",
    condition: 5,
    code: "reverseComputeAt.region",
    noWayOut: "the producer's elements stand where another block's axes put them",
    make: () => {
      const { s, Y, Z } = shifted(1, 5);
      s.reverseComputeInline(Y);
      return { s, step: () => s.reverseComputeAt(Z, s.loopList(Y)[0]!) };
    },
  },
  {
    primitive: "reverseComputeAt",
    condition: 6,
    code: "reverseComputeAt.reads",
    make: () => {
      const { s, a, c } = stages();
      return { s, step: () => s.reverseComputeAt(c, s.loops(a).y) };
    },
  },
  {
    primitive: "reverseComputeAt",
    condition: 7,
    code: "reverseComputeAt.cover",
    noWayOut: "the block has elements that no loop of its producer stands for",
    make: () => {
      const X = placeholder("X", [20]);
      const P = compute("P", { i: 20 }, ({ i }) => X.at(i).mul(2));
      const Y = compute("Y", { j: 24 }, ({ j }) => where(j.lt(20), P.at(j), 0));
      const s = schedule(Y);
      return { s, step: () => s.reverseComputeAt(Y, s.loops(P).i) };
    },
  },
  {
    primitive: "reverseComputeAt",
    condition: 8,
    code: "reverseComputeAt.consumers",
    make: () => {
      const X = placeholder("X", [8, 12]);
      const P = compute("P", { y: 8, x: 12 }, ({ y, x }) => X.at(y, x).mul(2));
      const D = compute("D", { y: 8, x: 12 }, ({ y, x }) => P.at(y, x).add(1));
      const Y = compute("Y", { y: 7, x: 12 }, ({ y, x }) => D.at(y, x).add(D.at(y.add(1), x)));
      const s = schedule(Y);
      const { y } = s.loops(Y);
      s.computeAt(D, y);
      s.foldStorage(D, y);
      return { s, step: () => s.reverseComputeAt(D, s.loops(P).y) };
    },
  },
  {
    primitive: "computeInline",
    condition: 1,
    code: "computeInline.output",
    make: () => {
      const { s, Y } = rows();
      return { s, step: () => s.computeInline(Y) };
    },
  },
  {
    primitive: "computeInline",
    condition: 2,
    code: "computeInline.reduction",
    make: () => {
      const { s, R } = rows();
      return { s, step: () => s.computeInline(R) };
    },
  },
  {
    primitive: "computeInline",
    condition: 3,
    code: "computeInline.store",
    make: () => {
      const X = placeholder("X", [20]);
      const both = compute("both", { i: 20 }, ({ i }) => ({ double: X.at(i).mul(2), square: X.at(i).mul(X.at(i)) }));
      const Y = compute("Y", { i: 20 }, ({ i }) => both.double.at(i).add(both.square.at(i)));
      const s = schedule(Y);
      return { s, step: () => s.computeInline(both.double) };
    },
  },
  {
    primitive: "computeInline",
    condition: 4,
    code: "computeInline.unread",
    noWayOut: "nobody needs the block",
    make: () => {
      const { s } = unwanted();
      return { s, step: () => s.computeInline(s.block("both.out")) };
    },
  },
  {
    primitive: "reverseComputeInline",
    condition: 1,
    code: "reverseComputeInline.consumer",
    make: () => {
      const { R, s } = terms();
      return { s, step: () => s.reverseComputeInline(R) };
    },
  },
  {
    primitive: "reverseComputeInline",
    condition: 2,
    code: "reverseComputeInline.producer",
    make: () => {
      const { s, Y } = rows();
      return { s, step: () => s.reverseComputeInline(Y) };
    },
  },
  {
    primitive: "reverseComputeInline",
    condition: 3,
    code: "reverseComputeInline.index",
    make: () => {
      const { b } = stages();
      const s = schedule(b);
      return { s, step: () => s.reverseComputeInline(b) };
    },
  },
  {
    primitive: "reverseComputeInline",
    condition: 4,
    code: "reverseComputeInline.reads",
    make: () => {
      const { Q, Z } = three();
      const s = schedule({ Z, Q });
      return { s, step: () => s.reverseComputeInline(Z) };
    },
  },
  {
    primitive: "reverseComputeInline",
    condition: 5,
    code: "reverseComputeInline.cover",
    make: () => {
      const { s, P, Y } = shifted(1, 5);
      s.computeAt(P, s.loops(Y).j);
      return { s, step: () => s.reverseComputeInline(Y) };
    },
  },
  {
    primitive: "reverseComputeInline",
    condition: 6,
    code: "reverseComputeInline.repeated",
    make: () => {
      const X = placeholder("X", [2]);
      const A = compute("A", { b: 2 }, ({ b }) => X.at(b).add(1));
      const H = scatter("H", { b: 2 }, { i: 6 }, ({ i }) => ({ at: [i.mod(2)], value: lit(1, "f32") }), {
        init: ({ b }) => A.at(b),
      });
      const G = compute("G", { y: 2 }, ({ y }) => H.at(sub(1, y)));
      const s = schedule(G);
      s.computeAt(H, s.loops(G).y);
      const init = s.decomposeReduction(H, s.loops(H).i);
      return { s, step: () => s.reverseComputeInline(init) };
    },
  },
  {
    primitive: "cacheRead",
    condition: 0,
    code: "cacheRead.argument",
    name: "twice",
    make: () => {
      const { s, X, a } = stages();
      return { s, step: () => s.cacheRead([a, a], X, "workspace") };
    },
  },
  {
    primitive: "cacheRead",
    condition: 1,
    code: "cacheRead.not-read",
    name: "several",
    make: () => {
      const { s, a, b, c } = stages();
      return { s, step: () => s.cacheRead([c, b, a], a, "workspace") };
    },
  },
  {
    primitive: "cacheRead",
    condition: 1,
    code: "cacheRead.unread",
    name: "all",
    make: () => {
      const { s, c } = stages();
      return { s, step: () => s.cacheRead("all", c, "workspace") };
    },
  },
  {
    primitive: "cacheRead",
    condition: 3,
    code: "cacheRead.not-complete",
    name: "several",
    make: () => {
      const { s, a, b, c } = stages();
      s.computeAt(b, s.loops(c).y);
      s.computeAt(a, s.loops(c).y);
      return { s, step: () => s.cacheRead("all", a, "workspace") };
    },
  },
];
