/**
 * Shortens loops to what a guard around their whole body lets run, and drops that guard.
 * Before and after: flat buffers, no blocks.
 */
import { type Facts, simplifyIndex, solveCondition } from "../arith/index.ts";
import {
  add,
  constInt,
  type Expr,
  type If,
  int,
  mapExpr,
  mapStmt,
  max,
  min,
  not,
  rebuildStmt,
  type Stmt,
  sub,
  TRUE,
  usesVar,
  type Var,
} from "../ir/index.ts";
import { assuming, conjuncts, isPure } from "./conditions.ts";
import { simplifyStmt } from "./simplify.ts";

/** Each branch knows the condition, or its opposite. */
export function underCondition(s: If, facts: Facts, f: (x: Stmt, facts: Facts) => Stmt): Stmt {
  const then = f(s.then, assuming(facts, s.condition));
  const otherwise = s.otherwise && f(s.otherwise, assuming(facts, not(s.condition)));
  return { ...s, then, ...(otherwise ? { otherwise } : {}) };
}

/** Replaces conditions that are known to hold. */
export function assume(s: Stmt, known: ReadonlySet<Expr>): Stmt {
  const memo = new Map<Expr, Expr>();
  return mapStmt(
    s,
    (x) => x,
    (e) => mapExpr(e, (x) => (known.has(x) ? TRUE : x), memo),
  );
}

/**
 * Loops whose whole body is guarded by `v < r` run only that far. Vectorized and unrolled loops need a constant number of
 * steps, so they are shortened only when it is one.
 */
export function trim(s: Stmt, facts: Facts): Stmt {
  if (s.kind === "if") return underCondition(s, facts, trim);
  if (s.kind !== "for") return rebuildStmt(s, (x) => trim(x, facts));
  const inside = facts.withVar(s.var, s.min, s.extent);
  const body = trim(s.body, inside);
  const bound = ownBound(s.var, body, inside);
  if (bound !== undefined) {
    const count = simplifyIndex(sub(add(bound.max, int(1)), s.min), facts);
    const n = constInt(count);
    const fixed = s.loop === "unrolled" || s.loop === "vectorized";
    if (n !== undefined || !fixed) {
      const extent = simplifyIndex(max(int(0), min(s.extent, count)), facts);
      const short = { ...s, extent, body: assume(body, bound.conditions) };
      return simplifyStmt(short, facts);
    }
  }
  return body === s.body ? s : { ...s, body };
}

/** The largest `v` at which every statement of the body may run at all, from guards around the whole body. */
export function ownBound(v: Var, body: Stmt, facts: Facts): { max: Expr; conditions: ReadonlySet<Expr> } | undefined {
  let s = body;
  // Loops between v and its guard do not matter as long as the guard does not speak of them.
  const between = new Set<Var>();
  while (s.kind === "for" || s.kind === "alloc") {
    if (s.kind === "for") between.add(s.var);
    s = s.body;
  }
  if (s.kind !== "if" || s.otherwise) return undefined;
  let bound: Expr | undefined;
  const conditions = new Set<Expr>();
  for (const c of conjuncts(s.condition)) {
    if (!usesVar(c, (x) => x === v) || usesVar(c, (x) => between.has(x)) || !isPure(c)) continue;
    const r = solveCondition(c, v, facts, new Map());
    // `solveCondition` says where c certainly holds; with no inner ranges that is exactly where it holds.
    if (r?.max === undefined || r.min !== undefined || usesVar(r.max, (x) => x === v)) continue;
    bound = bound === undefined ? r.max : min(bound, r.max);
    conditions.add(c);
  }
  return bound === undefined ? undefined : { max: bound, conditions };
}
