/** What the tests of nests in several versions share: programs, and what must hold of their schedules. */
import { expect } from "vitest";
import { replay, type Schedule, schedule } from "../../schedule/index.ts";
import { type Func, printFunc } from "../../src/ir/index.ts";
import { lowerFunc } from "../../src/lower/index.ts";
import { interpretLowered } from "../../src/reference/index.ts";
import { wasm } from "../../src/target/index.ts";
import { compute, constantEdge, dim, placeholder, sum, type Tensor } from "../../te/index.ts";
import { lengthOf } from "../idioms/sizes.ts";
import { fill, illegal, results, same } from "./helper.ts";

// biome-ignore lint/suspicious/noExplicitAny: a schedule of anything
export type Any = Schedule<any>;
type Sizes = Record<string, number>;

/** It computes what it did before, lowered too, and its trace makes it again. */
export function works(s: Any, before: Func, sizes: readonly Sizes[] = [{}]): void {
  same(s, before, sizes);
  const lowered = lowerFunc(s.func, wasm());
  for (const z of sizes) {
    const inputs = Object.fromEntries(before.inputs.map((b, i) => [b.name, fill(b, lengthOf(b, z), i + 1)]));
    const got = interpretLowered(lowered, inputs, { sizes: z });
    for (const [k, v] of Object.entries(results(before, z)))
      expect(Array.from(got[k] as ArrayLike<number>, Number)).toEqual(v);
  }
  expect(`${replay(s.trace, schedule(s.of as Tensor))}`).toBe(`${s}`);
}
/** After the loops were partitioned. */
export function lowered(s: Any): string {
  let text = "";
  const onStage = (name: string, f: Func): void => {
    if (name === "partition loops") text = printFunc(f);
  };
  lowerFunc(s.func, wasm(), { onStage });
  return text;
}
export const condition = (s: Any, step: () => unknown): [string, number] => {
  const e = illegal(s, step);
  return [e.code, e.condition];
};

export function gemm() {
  const [m, n, k] = [dim("m"), dim("n"), dim("k")];
  const A = placeholder("A", [m, k]);
  const B = placeholder("B", [k, n]);
  const C = compute("C", { i: m, j: n }, ({ i, j }) => sum({ k }, ({ k }) => A.at(i, k).mul(B.at(k, j))));
  const s = schedule(C);
  const sizes = [
    { m: 5, n: 16, k: 3 },
    { m: 4, n: 13, k: 7 },
    { m: 0, n: 8, k: 2 },
    { m: 7, n: 24, k: 0 },
  ];
  return { m, n, k, A, B, C, s, before: s.func, sizes };
}
/** Two stages, the second of which reads two rows of the first. */
export function stages() {
  const [h, w] = [dim("h", { min: 1 }), dim("w")];
  const X = placeholder("X", [h.add(1), w]);
  const P = compute("P", { y: h.add(1), x: w }, ({ y, x }) => X.at(y, x).mul(2));
  const Q = compute("Q", { y: h, x: w }, ({ y, x }) => P.at(y, x).add(P.at(y.add(1), x)));
  const s = schedule(Q);
  const sizes = [1, 2, 7].flatMap((h) => [1, 4, 9].map((w) => ({ h, w })));
  return { h, w, X, P, Q, s, before: s.func, sizes };
}
export function padded() {
  const [h, w] = [dim("h"), dim("w")];
  const X = placeholder("X", [h, w]);
  const edge = constantEdge(X, 0);
  const Y = compute("Y", { y: h, x: w }, ({ y, x }) => edge.at(y.sub(1), x).add(edge.at(y.add(1), x)));
  const s = schedule(Y);
  const sizes = [0, 1, 2, 3, 9].map((h) => ({ h, w: 5 }));
  return { h, w, X, Y, s, before: s.func, sizes };
}
