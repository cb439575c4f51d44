/** Sums with a part that rises in steps and then stands still: the last round of a split that is shifted back. */
import { expect, test } from "vitest";
import { exactRegion, Facts, prove, simplifyIndex } from "../../src/arith/index.ts";
import { add, constInt, type Expr, eq, floordiv, int, mapExpr, min, mul, sub, variable } from "../../src/ir/index.ts";

const [io, ii] = [variable("io"), variable("ii")];
const at = (e: Expr, o: number, i: number): number =>
  constInt(simplifyIndex(mapExpr(e, (x) => (x === io ? int(o) : x === ii ? int(i) : x))))!;

test("exactly what is touched, or nothing is said", () => {
  let known = 0;
  for (let extent = 1; extent <= 9; extent++)
    for (let step = 1; step <= 4; step++)
      for (let width = 1; width <= 5; width++)
        for (const limit of [0, 3, extent - step, extent + 2]) {
          const rounds = Math.ceil(extent / step);
          const e = add(min(mul(io, int(step)), int(limit)), ii);
          const ranges = new Map([
            [io, { min: int(0), extent: int(rounds) }],
            [ii, { min: int(0), extent: int(width) }],
          ]);
          const region = exactRegion([e], ranges)?.[0];
          if (region === undefined) continue;
          known++;
          const touched = new Set<number>();
          for (let o = 0; o < rounds; o++) for (let i = 0; i < width; i++) touched.add(at(e, o, i));
          const [lo, n] = [constInt(region.min)!, constInt(region.extent)!];
          expect([...touched].sort((a, b) => a - b)).toEqual(Array.from({ length: n }, (_, i) => lo + i));
        }
  expect(known).toBeGreaterThan(200);
});

test("all of a loop of unknown length", () => {
  const n = variable("n", "i32", { size: { min: 8, max: 1000, multipleOf: 1 } });
  const e = add(min(mul(io, int(8)), sub(n, int(8))), ii);
  const ranges = new Map([
    [io, { min: int(0), extent: floordiv(add(n, int(7)), int(8)) }],
    [ii, { min: int(0), extent: int(8) }],
  ]);
  const region = exactRegion([e], ranges)![0]!;
  expect(constInt(region.min)).toBe(0);
  expect(prove(eq(region.extent, n))).toBe(true);
});

test("of a minimum and what is more than it, the minimum is left", () => {
  const m = min(mul(io, int(4)), int(18));
  const facts = Facts.empty.withVar(io, int(0), int(6));
  expect(simplifyIndex(min(m, add(m, int(1))), facts)).toBe(simplifyIndex(m, facts));
  expect(simplifyIndex(min(add(m, int(2)), m), facts)).toBe(simplifyIndex(m, facts));
});
