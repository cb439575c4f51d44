/** Axes of one element are scheduled as longer ones are, so that a recipe for any size holds for size 1. */
import { describe, expect, test } from "vitest";
import { schedule } from "../../schedule/index.ts";
import { type Func, printExpr } from "../../src/ir/index.ts";
import { lowerFunc } from "../../src/lower/index.ts";
import { wasm } from "../../src/target/index.ts";
import { compute, constantEdge, placeholder, sum } from "../../te/index.ts";
import { nest, same } from "./helper.ts";

const SIZES = [1, 3] as const;
const stages = (n: number) => {
  const A = placeholder("A", [n, n]);
  const P = compute("P", { j: n, k: n }, ({ j, k }) => A.at(j, k).mul(2));
  const Y = compute("Y", { j: n, k: n }, ({ j, k }) => P.at(j, k).add(1));
  const s = schedule(Y);
  return { P, Y, s, before: s.func };
};
const lowers = (f: Func): void => expect(() => lowerFunc(f, wasm())).not.toThrow();
const shapeOf = (f: Func, name: string): string[] =>
  f.intermediates.find((b) => b.name === name)!.shape.map((e) => printExpr(e));

describe.each(SIZES)("axes of %i elements", (n) => {
  test("padded one after the other, in either order", () => {
    for (const order of [
      ["j", "k"],
      ["k", "j"],
    ] as const) {
      const { P, s, before } = stages(n);
      for (const axis of order) s.pad(P, s.loops(P)[axis], axis === "j" ? 5 : 4);
      expect(shapeOf(s.func, "P")).toEqual(["5", "4"]);
      same(s, before);
      lowers(s.func);
    }
  });
  test("a reduction padded after its operands", () => {
    const A = placeholder("A", { i: 4, k: n });
    const B = placeholder("B", { k: n, j: 4 });
    const C = compute("C", { i: 4, j: 4 }, ({ i, j }) => sum({ k: n }, ({ k }) => A.at(i, k).mul(B.at(k, j))));
    const s = schedule(C);
    const before = s.func;
    for (const x of [A, B]) {
      const copy = s.cacheRead(C, x, "workspace");
      s.pad(copy, s.loopList(copy).find((l) => l.name === "k")!, 4);
    }
    s.pad(C, s.loops(C).k, 4);
    same(s, before);
    lowers(s.func);
  });
  test("split by more, and vectorized", () => {
    const A = placeholder("A", [n]);
    const Y = compute("Y", { i: n }, ({ i }) => A.at(i).add(1));
    const s = schedule(Y);
    const before = s.func;
    s.vectorize(s.loops(Y).i, 8);
    expect(nest(s)).toContain(`block Y(vi = io * 8 + ii) if ii < ${n}:`);
    same(s, before);
    lowers(s.func);
  });
  test("keep their loops when a block is computed elsewhere", () => {
    const { P, Y, s, before } = stages(n);
    s.computeAt(P, s.loops(Y).j);
    expect(s.loopList(P).map((l) => l.name)).toEqual(["j", "k"]);
    s.unroll(s.loops(P).k);
    same(s, before);
    lowers(s.func);
  });
});

test.each([1, 2, 3, 4])("a stencil over %i rows slides, though its window may be all of them", (h) => {
  const X = placeholder("X", [h, 5]);
  const a = compute("a", { y: h, x: 5 }, ({ y, x }) => X.at(y, x).mul(2));
  const edge = constantEdge(a, 0);
  const b = compute("b", { y: h, x: 5 }, ({ y, x }) =>
    edge
      .at(y.sub(1), x)
      .add(edge.at(y.add(1), x))
      .add(edge.at(y, x.add(1))),
  );
  const s = schedule(b);
  const before = s.func;
  const { y } = s.loops(b);
  s.computeAt(a, y);
  s.foldStorage(a, y);
  same(s, before);
  lowers(s.func);
});
