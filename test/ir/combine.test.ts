import { describe, expect, test } from "vitest";
import {
  add,
  buffer,
  type Combiner,
  type Expr,
  int,
  load,
  lt,
  matchUpdate,
  mul,
  type Stmt,
  select,
  seq,
  store,
  updateOf,
  variable,
} from "../../src/ir/index.ts";

const [a0, a1, b0, b1] = ["a0", "a1", "b0", "b1"].map((n) => variable(n)) as [Expr, Expr, Expr, Expr];
const combiner = (results: readonly Expr[], n: number): Combiner => ({
  name: "test",
  lhs: [a0, a1].slice(0, n) as never,
  rhs: [b0, b1].slice(0, n) as never,
  results,
  identities: [int(0), int(0)].slice(0, n),
  exact: true,
});
const SUM = combiner([add(a0, b0)], 1);
/** The value of the smaller key. */
const BEST = combiner([select(lt(b1, a1), b0, a0), select(lt(b1, a1), b1, a1)], 2);
const [T, U, X] = ["T", "U", "X"].map((n) => buffer(n, "i32", [int(9)]));
const [i, k] = [variable("i"), variable("k")];
const term = mul(load(X!, [k]), int(3));

describe("matchUpdate", () => {
  test("finds the terms of what updateOf made", () => {
    const u = matchUpdate(updateOf(SUM, [T!], [i], [term]), SUM)!;
    expect([u.targets, u.index, u.terms, u.conditions]).toEqual([[T], [i], [term], []]);
    const two = matchUpdate(updateOf(BEST, [T!, U!], [i], [term, k]), BEST)!;
    expect(two.targets).toEqual([T, U]);
    expect(two.terms[0]).toBe(term);
    expect(two.terms[1]).toBe(k);
  });
  test("under conditions and lets, which are written out", () => {
    const [c, v] = [lt(k, int(5)), variable("v")];
    const update = updateOf(SUM, [T!], [v], [mul(v, k)]);
    const body: Stmt = {
      kind: "if",
      condition: c,
      then: { kind: "let", var: v, value: load(X!, [k]), body: { kind: "if", condition: lt(v, int(9)), then: update } },
    };
    const u = matchUpdate(body, SUM)!;
    const at = load(X!, [k]);
    expect(u.index[0]).toBe(at);
    expect(u.terms[0]).toBe(mul(at, k));
    expect(u.conditions).toHaveLength(2);
    expect(u.conditions[0]).toBe(c);
    expect(u.conditions[1]).toBe(lt(at, int(9)));
  });
  test("a term that no result asks for is of no consequence", () => {
    const first = combiner([a0, add(a1, b1)], 2);
    const u = matchUpdate(updateOf(first, [T!, U!], [i], [term, k]), first)!;
    expect(u.terms[0]).toBe(int(0));
    expect(u.terms[1]).toBe(k);
  });
  test("what is no such update has none", () => {
    const no = (body: Stmt, c: Combiner = SUM): void => expect(matchUpdate(body, c)).toBeUndefined();
    no(store(T!, [i], mul(load(T!, [i]), term)));
    no(store(T!, [i], add(load(T!, [k]), term)));
    no(store(T!, [i], add(term, load(T!, [i]))));
    no({ kind: "if", condition: lt(k, int(5)), then: seq([]), otherwise: updateOf(SUM, [T!], [i], [term]) });
    // the second store sees the first
    const both = combiner([add(a0, b0), add(a1, a0)], 2);
    const [t, u] = [load(T!, [i]), load(U!, [i])];
    no(seq([store(T!, [i], add(t, term)), store(U!, [i], add(u, t))]), both);
    expect(matchUpdate(updateOf(both, [T!, U!], [i], [term, k]), both)).toBeDefined();
  });
});
