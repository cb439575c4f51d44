import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { evalSize, printShape, printSize, RuntimeArgumentError, type SizeExpr } from "../../src/runtime/index.ts";
import { extentOf, solveSize } from "../../src/runtime/size.ts";
import { input, n, of, size } from "./modules.ts";

const m: SizeExpr = { size: "m" };

describe("evalSize", () => {
  it("knows every operation; division rounds down and by zero is 0", () => {
    const v = (op: string, a: number, b: number): number => evalSize({ op, args: [a, b] } as SizeExpr, {});
    expect(v("add", 2, 3)).toBe(5);
    expect(v("sub", 2, 3)).toBe(-1);
    expect(v("mul", 2, 3)).toBe(6);
    expect(v("floordiv", -7, 2)).toBe(-4);
    expect(v("floormod", -7, 2)).toBe(1);
    expect(v("floormod", 7, -2)).toBe(-1);
    expect(v("floordiv", 7, 0)).toBe(0);
    expect(v("floormod", 7, 0)).toBe(0);
    expect(v("min", 2, 3)).toBe(2);
    expect(v("max", 2, 3)).toBe(3);
    expect(evalSize(of("mul", n, of("add", n, 1)), { n: 4 })).toBe(20);
    expect(() => evalSize(n, {})).toThrow(RuntimeArgumentError);
    expect(() => evalSize({ size: "toString" }, {})).toThrow(/toString is not given/);
  });
  it("prints", () => {
    expect(printSize(of("mul", of("floordiv", of("add", n, 3), 4), 16))).toBe("((n + 3) // 4) * 16");
    expect(printShape(input("A", "f32", [n, { op: "min", args: [m, 4] }], { strides: [of("mul", m, 2), 1] }))).toBe(
      "[n, min(m, 4)] strides [m * 2, 1]",
    );
  });
});

describe("solveSize", () => {
  const solve = (shape: SizeExpr[], length: number, known = {}, facts = {}, strides?: SizeExpr[]) =>
    solveSize(input("A", "f32", shape, strides ? { strides } : {}), length, size("n", facts), known);
  it("one dimension, affine", () => {
    expect(solve([n], 37)).toBe(37);
    expect(solve([n], 0)).toBe(0);
    expect(solve([n, 64], 640)).toBe(10);
    expect(solve([of("add", n, 2), m], 30, { m: 5 })).toBe(4);
    expect(solve([of("mul", n, 4)], 36)).toBe(9);
    expect(solve([of("sub", n, 2), 3], 0)).toBe(2);
    expect(solve([of("mul", n, 4)], 37)).toBe("none");
    expect(solve([of("add", n, 2)], 1)).toBe("none");
  });
  it("squares and other rising shapes", () => {
    expect(solve([n, n], 144)).toBe(12);
    expect(solve([n, of("add", n, 1)], 12)).toBe(3);
    expect(solve([n, n], 145)).toBe("none");
    expect(solve([n, n], 0)).toBe(0);
  });
  it("several values fit: not told, unless the size's own range leaves one", () => {
    const tiles = of("floordiv", of("add", n, 3), 4);
    expect(solve([tiles], 3)).toBeUndefined();
    expect(solve([tiles], 3, {}, { multipleOf: 4 })).toBe(12);
    expect(solve([tiles], 3, {}, { max: 9 })).toBe(9);
    expect(solve([n, m], 0, { m: 0 })).toBeUndefined();
    expect(solve([n, m], 3, { m: 0 })).toBe("none");
    expect(solve([of("floormod", n, 4)], 3)).toBeUndefined();
    expect(solve([of("sub", 10, n)], 3)).toBeUndefined();
  });
  it("strided: from the last element used to whole rows", () => {
    for (const len of [3 * 10 + 4, 3 * 10 + 7, 40]) expect(solve([n, 4], len, {}, {}, [10, 1])).toBe(4);
    expect(solve([n, 4], 33, {}, {}, [10, 1])).toBe("none");
    // a row pitch that is the size itself
    expect(solve([3, n], 30, {}, {}, [n, 1])).toBe(10);
  });
  it("finds what made the length, whenever only that value could have", () => {
    const shapes = fc.constantFrom<SizeExpr[]>(
      [n],
      [n, 3],
      [of("add", n, 5), 2],
      [n, n],
      [of("mul", n, 3), of("add", n, 1)],
      [of("floordiv", n, 2)],
      [of("sub", n, 3), n],
      [{ op: "max", args: [n, 7] }],
    );
    fc.assert(
      fc.property(shapes, fc.nat(60), (shape, value) => {
        const b = input("A", "f32", shape);
        const length = extentOf(b, { n: value }).least;
        if (length < 0) return;
        const all = Array.from({ length: 500 }, (_, i) => i).filter((v) => extentOf(b, { n: v }).least === length);
        expect(solve(shape, length)).toBe(all.length === 1 ? value : undefined);
      }),
    );
  });
});
