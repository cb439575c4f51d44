/** Which algorithm a tensor is compiled by, and that it computes the same. */
import { describe, expect, test } from "vitest";
import { cheapest } from "../../src/driver/algorithms.ts";
import { scheduleFor } from "../../src/driver/build.ts";
import { build, compile, placeholder, wasm } from "../../src/index.ts";
import { relu6 } from "../../src/ops.ts";
import { evaluate } from "../../src/reference/index.ts";
import { alternativesOf, compute, createFunc, withAlternatives } from "../../te/index.ts";
import { conv2d } from "../../te/operators/index.ts";

const random = (n: number, seed: number): Float32Array => {
  let x = seed;
  return Float32Array.from({ length: n }, () => {
    x = (Math.imul(x, 1103515245) + 12345) >>> 0;
    return x / 2 ** 31 - 1;
  });
};
function layer(side: number, channels: number, made: number, size = 3, stride = 1) {
  const X = placeholder("X", [1, side, side, channels]);
  const W = placeholder("W", [size, size, channels, made], "f32", { constant: true });
  const bias = placeholder("bias", [made], "f32", { constant: true });
  return relu6("Y", conv2d("D", X, W, { padding: (size - 1) / 2, stride, bias }));
}
const blocks = (Y: ReturnType<typeof layer>, algorithm?: "auto" | "direct"): string =>
  `${scheduleFor(Y, wasm(), algorithm)}`;

describe("algorithms", () => {
  test("3x3 convolutions of many channels by tiles, others as they are written", () => {
    expect(blocks(layer(28, 32, 32))).toContain("block D.products");
    expect(blocks(layer(28, 32, 32), "direct")).not.toContain("D.products");
    // of few channels, the transforms cost more than they save
    expect(blocks(layer(28, 1, 2))).not.toContain("D.products");
    for (const [size, stride] of [
      [1, 1],
      [5, 1],
      [3, 2],
    ] as const)
      expect(blocks(layer(28, 32, 32, size, stride))).not.toContain("D.products");
    const conv = layer(28, 32, 32);
    expect(alternativesOf(conv)).toEqual([]);
    expect(cheapest(conv)).toBeUndefined();
  });
  test("both compute what the expression says", async () => {
    const Y = layer(12, 32, 32);
    expect(blocks(Y)).toContain("D.products");
    const args = { X: random(12 * 12 * 32, 1), W: random(9 * 32 * 32, 2), bias: random(32, 3) };
    const want = evaluate(Y, args) as Float32Array;
    for (const algorithm of ["auto", "direct"] as const) {
      const kernel = await compile(Y, { algorithm });
      const got = kernel(args);
      let worst = 0;
      for (const [n, x] of want.entries()) worst = Math.max(worst, Math.abs(x - got[n]!));
      // tiles of 4 lose a digit: 7e-6 of the largest sum, which is about 30 before it is cut
      expect(worst).toBeLessThan(algorithm === "auto" ? 2e-4 : 2e-5);
      expect(got.some((x) => x > 0 && x < 6)).toBe(true);
    }
  }, 60_000);
  test("the layers of a net choose one by one", () => {
    const X = placeholder("X", [1, 28, 28, 32]);
    const W = (name: string) => placeholder(name, [3, 3, 32, 32], "f32", { constant: true });
    const A = conv2d("A", X, W("U"), { padding: 1 });
    const B = conv2d("B", A, W("V"), { padding: 1, stride: 2 });
    const names = [...createFunc([B], "B", cheapest).blocks.keys()].map((t) => t.name);
    expect(names).toContain("A.products");
    expect(names).not.toContain("B.products");
  });
  test("what is no alternative, and what is no choice, is refused by name", async () => {
    const X = placeholder("X", [4]);
    const Y = compute("Y", { i: 4 }, ({ i }) => X.at(i).add(1));
    withAlternatives(Y, [{ name: "longer", make: () => compute("Y", { i: 5 }, ({ i }) => X.at(i.min(3)).add(1)) }]);
    expect(() => alternativesOf(Y)[0]!.make()).toThrow(/alternative "longer" of "Y" computes f32 "Y" of another shape/);
    expect(() => withAlternatives(5 as never, [])).toThrow(/alternatives are given for number 5: expected a tensor/);
    for (const list of [undefined, [{ name: "a" }]])
      expect(() => withAlternatives(Y, list as never)).toThrow(/expected a list of \{ name, make \}/);
    await expect(build(Y, { algorithm: "fast" as never, target: wasm() })).rejects.toThrow(
      /the algorithm is "fast", but "auto" or "direct" was expected/,
    );
  });
});
