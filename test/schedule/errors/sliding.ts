/** Illegal sliding windows, double buffers and places of storage. */
import { schedule } from "../../../schedule/index.ts";
import { compute, dim, type Expr, placeholder, scan, sum } from "../../../te/index.ts";
import type { ErrorCase } from "./case.ts";

// biome-ignore lint/suspicious/noExplicitAny: an index of any kind
type Axis = Expr<"i32", any>;
type More = Partial<Pick<ErrorCase, "name" | "noWayOut">>;

/** Three rows of a make one of b, in a loop over rows of b. */
const blur = () => {
  const X = placeholder("X", [12, 9]);
  const a = compute("a", { y: 12, x: 9 }, ({ y, x }) => X.at(y, x).mul(2));
  const b = compute("b", { y: 10, x: 9 }, ({ y, x }) =>
    a
      .at(y, x)
      .add(a.at(y.add(1), x))
      .add(a.at(y.add(2), x)),
  );
  const s = schedule(b);
  return { X, a, b, s, ...s.loops(b) };
};
const inRows = () => {
  const p = blur();
  p.s.computeAt(p.a, p.y);
  return p;
};
/** Rows of b read rows of a that are given by an index. */
const reading = (index: (y: Axis) => Axis, rows = 12, consumers = 8) => {
  const X = placeholder("X", [rows, 9]);
  const a = compute("a", { y: rows, x: 9 }, ({ y, x }) => X.at(y, x).mul(2));
  const b = compute("b", { y: consumers, x: 9 }, ({ y, x }) => a.at(index(y), x).add(1));
  const s = schedule(b);
  return { a, b, s, ...s.loops(b) };
};
/** Sums of rows, three of which make an element. */
const sums = () => {
  const X = placeholder("X", [12, 9]);
  const a = compute("a", { y: 12 }, ({ y }) => sum({ k: 9 }, ({ k }) => X.at(y, k)));
  const b = compute("b", { y: 10 }, ({ y }) => a.at(y).add(a.at(y.add(2))));
  const s = schedule(b);
  s.computeAt(a, s.loops(b).y);
  return { a, b, s, ...s.loops(b) };
};
/** Three stages, each of which reads three rows of the one before. */
const chain = () => {
  const X = placeholder("X", [14, 9]);
  const a = compute("a", { y: 14, x: 9 }, ({ y, x }) => X.at(y, x).mul(2));
  const b = compute("b", { y: 12, x: 9 }, ({ y, x }) => a.at(y, x).add(a.at(y.add(2), x)));
  const c = compute("c", { y: 10, x: 9 }, ({ y, x }) =>
    b
      .at(y, x)
      .add(b.at(y.add(2), x))
      .max(a.at(y, x)),
  );
  const s = schedule(c);
  return { a, b, c, s, ...s.loops(c) };
};
/** A stage, the next one, and one that reads both at the same place. */
const both = () => {
  const X = placeholder("X", [14, 9]);
  const a = compute("a", { y: 14, x: 9 }, ({ y, x }) => X.at(y, x).mul(2));
  const b = compute("b", { y: 14, x: 9 }, ({ y, x }) => a.at(y, x).add(1));
  const c = compute("c", { y: 14, x: 9 }, ({ y, x }) => b.at(y, x).max(a.at(y, x)));
  const s = schedule(c);
  return { a, b, c, s, ...s.loops(c) };
};
/** All iterations of a loop read the same copy. */
const repeated = () => {
  const [A, B] = [placeholder("A", [6, 8]), placeholder("B", [8, 9])];
  const C = compute("C", { i: 6, j: 9 }, ({ i, j }) => sum({ k: 8 }, ({ k }) => A.at(i, k).mul(B.at(k, j))));
  const s = schedule(C);
  return { s, copy: s.cacheRead(C, B, "workspace"), ...s.loops(C) };
};
/** A product whose panels of B are copied in a loop over tiles of k. */
const product = () => {
  const [A, B] = [placeholder("A", [6, 32]), placeholder("B", [32, 9])];
  const C = compute("C", { i: 6, j: 9 }, ({ i, j }) => sum({ k: 32 }, ({ k }) => A.at(i, k).mul(B.at(k, j))));
  const s = schedule(C);
  const { i, j, k } = s.loops(C);
  const { ko, ki } = s.split(k, { ko: "rest", ki: 8 });
  s.reorder(ko, i, j, ki);
  const copy = s.cacheRead(C, B, "workspace");
  return { B, C, s, copy, ko, i, j, ki };
};
/** A running sum in a loop of its reader. */
const running = () => {
  const X = placeholder("X", [9, 12]);
  const S = scan(
    "S",
    { t: 9 },
    { x: 12 },
    { init: ({ x }) => X.at(0, x), step: ({ t, x }, p) => p(x).add(X.at(t, x)) },
  );
  const Y = compute("Y", { x: 10 }, ({ x }) => S.at(8, x).add(S.at(8, x.add(2))));
  const s = schedule(Y);
  s.computeAt(S, s.loops(Y).x);
  return { S, Y, s, ...s.loops(Y) };
};
/** A sum over rows, of rows that a stage before makes. */
const summed = () => {
  const n = dim("n");
  const X = placeholder("X", [n.add(2), 9]);
  const a = compute("a", { y: n.add(2), x: 9 }, ({ y, x }) => X.at(y, x).mul(2));
  const b = compute("b", { x: 9 }, ({ x }) => sum({ y: n }, ({ y }) => a.at(y, x).add(a.at(y.add(2), x))));
  const s = schedule(b);
  const { x, y } = s.loops(b);
  s.reorder(y, x);
  s.computeAt(a, y);
  return { a, b, s, x, y };
};

const illegal =
  (primitive: string) =>
  (condition: number, code: string, make: ErrorCase["make"], more: More = {}): ErrorCase => ({
    primitive,
    condition,
    code: `${primitive}.${code}`,
    make,
    ...more,
  });
const [fold, twice, store] = [illegal("foldStorage"), illegal("doubleBuffer"), illegal("storeAt")];

export const cases: readonly ErrorCase[] = [
  fold(0, "argument", () => {
    const { s, a, y } = inRows();
    return { s, step: () => s.foldStorage(a, y, { factor: 2.5 }) };
  }),
  fold(1, "writers", () => {
    const { s, a, y } = sums();
    s.decomposeReduction(a, s.loops(a).k);
    return { s, step: () => s.foldStorage(a, y) };
  }),
  fold(1, "output", () => {
    const { s, b, y } = inRows();
    return { s, step: () => s.foldStorage(b, y) };
  }),
  fold(
    1,
    "scan",
    () => {
      const { s, S, x } = running();
      return { s, step: () => s.foldStorage(S, x) };
    },
    { noWayOut: "no part of a scan can run ahead of the rest" },
  ),
  fold(2, "not-around", () => {
    const { s, a, y } = blur();
    return { s, step: () => s.foldStorage(a, y) };
  }),
  fold(2, "consumers", () => {
    const { s, a } = blur();
    return { s, step: () => s.foldStorage(a, s.loops(a).y) };
  }),
  fold(
    3,
    "kind",
    () => {
      const { s, a, y } = inRows();
      s.unroll(y);
      return { s, step: () => s.foldStorage(a, y) };
    },
    { noWayOut: "the only loop around is written out" },
  ),
  fold(
    3,
    "bounds",
    () => {
      const { s, a, y, x } = inRows();
      s.specialize(x, ({ y: row }) => row.lt(4));
      return { s, step: () => s.foldStorage(a, y) };
    },
    { noWayOut: "the branch is in the way wherever the loop is" },
  ),
  fold(
    3,
    "empty",
    () => {
      const { s, a, y } = summed();
      return { s, step: () => s.foldStorage(a, y) };
    },
    { noWayOut: "a sum of no rows has a value" },
  ),
  fold(
    4,
    "axes",
    () => {
      const { s, copy, i } = repeated();
      s.computeAt(copy, i);
      return { s, step: () => s.foldStorage(copy, i) };
    },
    { noWayOut: "nothing moves with the only loop" },
  ),
  fold(
    4,
    "axes",
    () => {
      const X = placeholder("X", [12, 12]);
      const a = compute("a", { y: 12, x: 12 }, ({ y, x }) => X.at(y, x).mul(2));
      const b = compute("b", { y: 10 }, ({ y }) => a.at(y, y).add(a.at(y.add(2), y.add(2))));
      const s = schedule(b);
      const { y } = s.loops(b);
      s.computeAt(a, y);
      return { s, step: () => s.foldStorage(a, y) };
    },
    { name: "diagonal", noWayOut: "what is read moves along two axes in the only loop" },
  ),
  fold(
    4,
    "step",
    () => {
      const { s, a, y } = reading((y) => y.div(2));
      s.computeAt(a, y);
      return { s, step: () => s.foldStorage(a, y) };
    },
    { noWayOut: "rows are read twice, and then the next one" },
  ),
  fold(
    4,
    "step",
    () => {
      const { s, a, y } = reading((y) => y.mul(-1).add(11));
      s.computeAt(a, y);
      return { s, step: () => s.foldStorage(a, y) };
    },
    { name: "backwards", noWayOut: "rows are read from the last to the first" },
  ),
  fold(4, "inside", () => {
    const { s, a, y } = blur();
    const { yo, yi } = s.split(y, { yo: "rest", yi: 5 });
    s.computeAt(a, yi);
    return { s, step: () => s.foldStorage(a, yo) };
  }),
  fold(5, "loops", () => {
    const { s, a, y } = inRows();
    const own = s.loopList(a).slice(1);
    s.fuse(...own);
    return { s, step: () => s.foldStorage(a, y) };
  }),
  fold(6, "stored", () => {
    const { s, a, y } = inRows();
    s.storeAt(a, y);
    return { s, step: () => s.foldStorage(a, y) };
  }),
  fold(7, "factor", () => {
    const { s, a, y } = inRows();
    return { s, step: () => s.foldStorage(a, y, { factor: 2 }) };
  }),
  fold(
    7,
    "layout",
    () => {
      const { s, a, y } = inRows();
      s.foldStorage(a, y);
      return { s, step: () => s.foldStorage(a, y) };
    },
    { noWayOut: "it is folded along its only loop that moves the window" },
  ),
  fold(8, "reads", () => {
    const { s, a, b, y } = chain();
    s.computeAt(b, y);
    s.computeAt(a, y);
    return { s, step: () => s.foldStorage(b, y) };
  }),

  twice(1, "writers", () => {
    const { s, a, y } = sums();
    s.decomposeReduction(a, s.loops(a).k);
    return { s, step: () => s.doubleBuffer(a, y) };
  }),
  twice(2, "no-loop", () => {
    const { s, a } = blur();
    return { s, step: () => s.doubleBuffer(a) };
  }),
  twice(2, "not-around", () => {
    const { s, copy, ko } = product();
    return { s, step: () => s.doubleBuffer(copy, ko) };
  }),
  twice(
    3,
    "kind",
    () => {
      const { s, copy, ko } = product();
      s.computeAt(copy, ko);
      s.unroll(ko);
      return { s, step: () => s.doubleBuffer(copy, ko) };
    },
    { noWayOut: "the only loop around is written out" },
  ),
  twice(4, "carried", () => {
    const { s, a, y } = inRows();
    s.foldStorage(a, y);
    return { s, step: () => s.doubleBuffer(a, y) };
  }),
  twice(
    5,
    "iteration",
    () => {
      const { s, copy, i, j } = repeated();
      const both = s.fuse(i, j);
      s.computeAt(copy, both);
      return { s, step: () => s.doubleBuffer(copy, both) };
    },
    { noWayOut: "rows and columns are one loop" },
  ),
  twice(6, "stored", () => {
    const { s, copy, ko } = product();
    s.computeAt(copy, ko);
    s.storeAt(copy, ko);
    return { s, step: () => s.doubleBuffer(copy, ko) };
  }),
  twice(7, "layout", () => {
    const { s, copy, ko } = product();
    s.transformLayout(copy, (k, j) => [j.div(4), k, j.mod(4)], { pad: 0 });
    s.computeAt(copy, ko);
    return { s, step: () => s.doubleBuffer(copy, ko) };
  }),
  twice(8, "reads", () => {
    const { s, a, b, y } = both();
    s.computeAt(b, y);
    s.computeAt(a, y);
    return { s, step: () => s.doubleBuffer(b, y) };
  }),

  store(1, "not-around", () => {
    const { s, a, y } = blur();
    return { s, step: () => s.storeAt(a, y) };
  }),
  store(2, "output", () => {
    const { s, b, y } = inRows();
    return { s, step: () => s.storeAt(b, y) };
  }),
  store(3, "kind", () => {
    const { s, a, y } = inRows();
    const { yo, yi } = s.split(y, { yo: "rest", yi: 5 });
    s.parallel(yi);
    return { s, step: () => s.storeAt(a, yo) };
  }),
  store(4, "users", () => {
    const { s, a } = inRows();
    const { x } = s.loops(a);
    return { s, step: () => s.storeAt(a, x) };
  }),
  store(5, "carried", () => {
    const { s, a, y } = inRows();
    s.foldStorage(a, y);
    return { s, step: () => s.storeAt(a, y) };
  }),
];
