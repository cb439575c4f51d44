import { describe, expect, it } from "vitest";
import {
  add,
  and,
  type Func,
  ge,
  int,
  load,
  lt,
  max,
  mul,
  printFunc,
  type Stmt,
  seq,
  store,
  sub,
  variable as v,
} from "../../src/ir/index.ts";
import { hoistGuards } from "../../src/lower/guards.ts";
import { block, buf, func, iter, loop, size, unrolled, vec, when } from "./parts.ts";
import { golden } from "./stages.ts";

const [A, C] = [buf("A", "f32", 64), buf("C", "f32", 64)];
const [i, j] = [v("i"), v("j")];
const at = add(mul(i, int(8)), j);
const copy = store(C, [at], load(A, [at]));
const go = (body: Stmt): string =>
  printFunc(hoistGuards(func("f", [A], [C], body)))
    .split("\n")
    .slice(1)
    .join("\n");

describe("hoist guards", () => {
  it("what a loop does not change is tested before it", () => {
    expect(go(loop(i, 8, loop(j, 8, when(and(ge(i, int(2)), lt(j, int(5))), copy))))).toMatchInlineSnapshot(`
      "  for i in 8:
          if i >= 2:
            for j in 8:
              if j < 5:
                C[i * 8 + j] = A[i * 8 + j]"
    `);
    expect(go(loop(i, 8, vec(j, 8, when(ge(i, int(2)), copy))))).toMatchInlineSnapshot(`
      "  for i in 8:
          if i >= 2:
            vectorized j in 8:
              C[i * 8 + j] = A[i * 8 + j]"
    `);
    expect(go(unrolled(i, 8, loop(j, 8, when(lt(size("n"), int(5)), copy))))).toMatchInlineSnapshot(`
      "  if n < 5:
          unrolled i in 8:
            for j in 8:
              C[i * 8 + j] = A[i * 8 + j]"
    `);
  });
  it("what reads memory, and what guards a part of the body only, stays", () => {
    const read = when(lt(load(A, [int(0)]), load(A, [int(1)])), copy);
    expect(go(loop(i, 8, loop(j, 8, read)))).toMatchInlineSnapshot(`
      "  for i in 8:
          for j in 8:
            if A[0] < A[1]:
              C[i * 8 + j] = A[i * 8 + j]"
    `);
    const half = seq([when(ge(i, int(2)), copy), store(C, [int(0)], load(A, [int(0)]))]);
    expect(go(loop(i, 8, loop(j, 8, half)))).toMatchInlineSnapshot(`
      "  for i in 8:
          for j in 8:
            if i >= 2:
              C[i * 8 + j] = A[i * 8 + j]
            C[0] = A[0]"
    `);
  });
});

describe("what is tested once per row", () => {
  /** Rows of a picture, from the second one on: what the row above holds, or the first row. */
  const shifted = (width: number): Func => {
    const n = size("n");
    const [P, Q] = [buf("P", "f32", n, width), buf("Q", "f32", n, width)];
    const [y, x, vy, vx] = [v("y"), v("x"), v("vy"), v("vx")];
    const above = load(P, [max(sub(vy, int(1)), int(0)), vx]);
    const b = block("Q", [iter(vy, n, y), iter(vx, width, x)], store(Q, [vy, vx], above), { predicate: ge(y, int(1)) });
    return func("f", [P], [Q], loop(y, n, loop(x, width, b)), { sizes: [n] });
  };
  it("cuts no loop over rows", () => {
    expect(golden(shifted(12), "partition loops", { sizes: { n: 5 } })).toMatchInlineSnapshot(`
      "
      func f(n, P: f32[n * 12]) -> Q: f32[n * 12]:
        for y in n:
          if y >= 1:
            for x in 12:
              Q[y * 12 + x] = P[y * 12 + x - 12]
      "
    `);
  });
  it("unless rows are short", () => {
    expect(golden(shifted(3), "partition loops", { sizes: { n: 5 } })).toMatchInlineSnapshot(`
      "
      func f(n, P: f32[n * 3]) -> Q: f32[n * 3]:
        for y in min(n, 1) .. +n - min(n, 1):
          for x in 3:
            Q[y * 3 + x] = P[y * 3 + x - 3]
      "
    `);
  });
});
