/** Conditions taken apart, and what may be concluded from one where it holds. */
import type { Facts } from "../arith/index.ts";
import { and, type Expr, TRUE, visitExpr } from "../ir/index.ts";

/** The parts of a conjunction (`true` has none). */
export function conjuncts(c: Expr): Expr[] {
  if (c === TRUE) return [];
  return c.kind === "op" && c.op === "and" ? c.args.flatMap(conjuncts) : [c];
}
export const conjoin = (list: readonly Expr[]): Expr => (list.length === 0 ? TRUE : list.reduce((a, b) => and(a, b)));

/** Neither reads memory nor a mutable variable: the same wherever its variables are the same. */
export function isPure(e: Expr): boolean {
  let pure = true;
  visitExpr(e, (n) => {
    if (n.kind === "load" || (n.kind === "var" && n.mutable)) pure = false;
    return pure;
  });
  return pure;
}

/**
 * The facts inside a branch. What a condition says of memory is left out: a statement of the branch may change what it read.
 */
export const assuming = (facts: Facts, condition: Expr): Facts =>
  conjuncts(condition)
    .filter(isPure)
    .reduce((f, c) => f.withCondition(c), facts);
