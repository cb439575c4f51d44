/** Fused loops over sizes that may be 0: what they fill is as large as it is, not as large as a size may be. */
import { describe, expect, test } from "vitest";
import { schedule } from "../../schedule/index.ts";
import { coverRegion, Facts } from "../../src/arith/index.ts";
import { floormod, int, printExpr, variable } from "../../src/ir/index.ts";
import { lowerFunc } from "../../src/lower/index.ts";
import { evaluate, interpretLowered } from "../../src/reference/index.ts";
import { wasm } from "../../src/target/index.ts";
import { compute, dim, placeholder } from "../../te/index.ts";
import { size } from "./parts.ts";

describe("fused loops over sizes that may be 0", () => {
  const [h, w] = [dim("h"), dim("w")];
  const X = placeholder("X", [h, w], "i32");
  const P = compute("P", { y: h, x: w }, ({ y, x }) => X.at(y, x).mul(2).add(x));
  const Q = compute("Q", { y: h, x: w }, ({ y, x }) => P.at(y, x).add(1));

  test("an intermediate that they fill", () => {
    const s = schedule(Q);
    s.fuse(s.loops(P).y, s.loops(P).x);
    const lowered = lowerFunc(s.func, wasm());
    for (const sizes of [
      { h: 3, w: 5 },
      { h: 0, w: 4 },
      { h: 4, w: 0 },
      { h: 1, w: 1 },
    ]) {
      const inputs = { X: Int32Array.from({ length: sizes.h * sizes.w }, (_, i) => i - 3) };
      expect(interpretLowered(lowered, inputs, { sizes }).Q).toEqual(evaluate(Q, inputs, { sizes }));
    }
  });
  test("a remainder by a size covers the dimension, not all numbers", () => {
    const [n, m] = [size("n"), size("m")];
    const i = variable("i");
    const ranges = new Map([[i, { min: int(0), extent: m }]]);
    const [r] = coverRegion([floormod(i, n)], ranges, Facts.empty, [n]);
    expect([r!.min, r!.extent].map((e) => printExpr(e))).toEqual(["0", "n"]);
  });
});
