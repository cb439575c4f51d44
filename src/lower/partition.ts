/**
 * Takes conditions out of the hot part of loops. A loop over which a guard, a padding test or a boundary condition
 * holds except near the ends is cut into a prologue, a steady part without the condition, and an epilogue.
 *
 * Conditions come from `if` and from lazy `where`. The steady range is solved for, not guessed; where it can't be, the loop
 * stays whole. An epilogue that differs from the steady part by an unknown remainder of vectorized loops becomes a cascade
 * of power-of-two widths (8, 4, 2, 1), each a copy of the body with narrower vectors, so that it stays vector code.
 *
 * Before: flat buffers, no blocks. After: the same, with more and simpler loops. Growth is bounded by a budget.
 */
import { constBounds, Facts, prove, type Range, simplifyIndex, solveCondition } from "../arith/index.ts";
import {
  add,
  childStmts,
  constInt,
  type Expr,
  eq,
  exprsOf,
  type For,
  type Func,
  floordiv,
  floormod,
  type If,
  int,
  isNothing,
  le,
  mapExpr,
  mapStmt,
  max,
  min,
  mul,
  NOTHING,
  not,
  rebuildStmt,
  type Stmt,
  seq,
  sub,
  substituteStmt,
  TRUE,
  usesVar,
  type Var,
  varsOf,
  visitExpr,
  visitStmt,
  withBody,
} from "../ir/index.ts";
import { conjuncts, simplifyStmt } from "./simplify.ts";
import { freshen } from "./unroll.ts";

/** Statements a function may grow to by partitioning; guards beyond it stay where they are. */
const BUDGET = 1500;

export function partitionLoops(f: Func): Func {
  const state = { left: BUDGET - countStmts(f.body) };
  return withBody(f, trim(cut(f.body, Facts.empty, state), Facts.empty));
}

function countStmts(s: Stmt): number {
  let n = 0;
  visitStmt(s, () => void n++);
  return n;
}

interface Guard {
  readonly condition: Expr;
  /** Loops between the partitioned loop and the condition. */
  readonly inner: ReadonlyMap<Var, Range>;
}

/** Every conjunct of every condition in `s`, with the loops around it. Conditions that read memory are not solvable. */
function guardsIn(s: Stmt): Guard[] {
  const out: Guard[] = [];
  const put = (c: Expr, inner: ReadonlyMap<Var, Range>): void => {
    for (const condition of conjuncts(c)) if (isPure(condition)) out.push({ condition, inner });
  };
  const walk = (x: Stmt, inner: ReadonlyMap<Var, Range>): void => {
    if (x.kind === "if") put(x.condition, inner);
    for (const e of exprsOf(x))
      visitExpr(e, (n) => void (n.kind === "op" && n.op === "where" && put(n.args[0]!, inner)));
    const next = x.kind === "for" ? new Map(inner).set(x.var, { min: x.min, extent: x.extent }) : inner;
    for (const c of childStmts(x)) walk(c, next);
  };
  walk(s, new Map());
  return out;
}

function isPure(e: Expr): boolean {
  let pure = true;
  visitExpr(e, (n) => {
    if (n.kind === "load" || (n.kind === "var" && n.mutable)) pure = false;
    return pure;
  });
  return pure;
}

/** Each branch knows the condition, or its opposite. */
function underCondition(s: If, facts: Facts, f: (x: Stmt, facts: Facts) => Stmt): Stmt {
  const then = f(s.then, facts.withCondition(s.condition));
  const otherwise = s.otherwise && f(s.otherwise, facts.withCondition(not(s.condition)));
  return { ...s, then, ...(otherwise ? { otherwise } : {}) };
}

function cut(s: Stmt, facts: Facts, state: { left: number }): Stmt {
  if (s.kind === "if") return underCondition(s, facts, (x, known) => cut(x, known, state));
  if (s.kind !== "for") return rebuildStmt(s, (x) => cut(x, facts, state));
  const inside = facts.withVar(s.var, s.min, s.extent);
  const whole = (): Stmt => ({ ...s, body: cut(s.body, inside, state) });
  if (s.loop === "unrolled" || s.loop === "vectorized" || constInt(s.extent) === 1) return whole();

  const solved = new Set<Expr>();
  let lo: Expr = s.min;
  const end = simplifyIndex(add(s.min, s.extent), facts);
  let hi: Expr = end;
  for (const g of guardsIn(s.body)) {
    if (solved.has(g.condition) || !usesVar(g.condition, (v) => v === s.var)) continue;
    const r = solveCondition(g.condition, s.var, inside, g.inner);
    if (r === undefined || (r.min === undefined && r.max === undefined)) continue;
    const newLo = r.min === undefined ? lo : simplifyIndex(max(lo, r.min), facts);
    const newHi = r.max === undefined ? hi : simplifyIndex(min(hi, add(r.max, int(1))), facts);
    // A condition that would leave no steady part at all is not worth a cut.
    if (prove(le(newHi, newLo), facts)) continue;
    lo = newLo;
    hi = newHi;
    solved.add(g.condition);
  }
  if (solved.size === 0) return whole();
  // The steady range may be empty for small symbolic sizes: keep lo <= hi <= end.
  if (!prove(le(lo, end), facts)) lo = simplifyIndex(min(lo, end), facts);
  if (!prove(le(lo, hi), facts)) hi = simplifyIndex(max(lo, hi), facts);

  const part = (from: Expr, to: Expr, known: ReadonlySet<Expr>): Stmt => {
    const extent = simplifyIndex(sub(to, from), facts);
    if (constInt(extent) === 0) return NOTHING;
    const body = known.size > 0 ? assume(s.body, known) : s.body;
    return simplifyStmt({ ...s, min: from, extent, body }, facts);
  };
  const before = freshen(part(s.min, lo, new Set()));
  const steady = part(lo, hi, solved);
  const after = freshen(part(hi, end, new Set()));
  const growth = countStmts(before) + countStmts(after);
  const again = (x: Stmt, inner = false): Stmt => (inner || state.left > 0 ? descend(x, facts, state) : x);
  if (growth > state.left) return whole();
  state.left -= growth;
  return seq([again(before), again(steady, true), again(cascade(after, facts))].filter((x) => !isNothing(x)));
}

/** Goes on below a loop that was just cut (cutting the same loop again would find nothing new). */
function descend(s: Stmt, facts: Facts, state: { left: number }): Stmt {
  if (s.kind === "for") return { ...s, body: cut(s.body, facts.withVar(s.var, s.min, s.extent), state) };
  return cut(s, facts, state);
}

/** Replaces conditions that are known to hold. */
function assume(s: Stmt, known: ReadonlySet<Expr>): Stmt {
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
function trim(s: Stmt, facts: Facts): Stmt {
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
function ownBound(v: Var, body: Stmt, facts: Facts): { max: Expr; conditions: ReadonlySet<Expr> } | undefined {
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

// ---- the cascade of narrower vectors

interface Remainder {
  readonly rem: Expr;
  readonly extent: number;
}

/** The common unknown bound of all vectorized loops in `s`, if every store lies under one that is guarded by it. */
function remainderOf(s: Stmt, facts: Facts): Remainder | undefined {
  let common: Remainder | undefined;
  const walk = (x: Stmt, known: Facts): boolean => {
    if (x.kind === "for" && x.loop === "vectorized") {
      const extent = constInt(x.extent);
      const b = ownBound(x.var, x.body, known.withVar(x.var, x.min, x.extent));
      if (b === undefined || extent === undefined || constInt(x.min) !== 0) return false;
      const rem = simplifyIndex(add(b.max, int(1)), known);
      if (constInt(rem) !== undefined) return false;
      if (common === undefined) common = { rem, extent };
      return common.rem === rem && common.extent === extent;
    }
    if (x.kind === "store" || x.kind === "assign") return false;
    const next = x.kind === "for" ? known.withVar(x.var, x.min, x.extent) : known;
    return childStmts(x).every((c) => walk(c, next));
  };
  return walk(s, facts) ? common : undefined;
}

function cascade(s: Stmt, facts: Facts): Stmt {
  if (s.kind === "for" || s.kind === "seq" || s.kind === "let" || s.kind === "alloc") {
    const r = remainderOf(s, facts);
    if (r === undefined || !allowed(s, r, facts)) {
      if (s.kind === "seq") return seq(s.body.map((x) => cascade(x, facts)));
      if (s.kind === "for") return { ...s, body: cascade(s.body, facts.withVar(s.var, s.min, s.extent)) };
      return { ...s, body: cascade(s.body, facts) };
    }
    const pieces: Stmt[] = [];
    for (let w = 2 ** Math.floor(Math.log2(r.extent - 1)); w >= 1; w /= 2) {
      const off = simplifyIndex(mul(floordiv(r.rem, int(2 * w)), int(2 * w)), facts);
      const on = eq(floormod(floordiv(r.rem, int(w)), int(2)), int(1));
      pieces.push({ kind: "if", condition: on, then: narrow(s, w, off, facts) });
    }
    return seq(pieces);
  }
  if (s.kind === "if") return underCondition(s, facts, cascade);
  return s;
}

/** The remainder must be known to lie in [0, extent) where the cascade stands, and not change inside. */
function allowed(s: Stmt, r: Remainder, facts: Facts): boolean {
  const own = new Set<Var>();
  visitStmt(s, (x) => void ((x.kind === "for" || x.kind === "let") && own.add(x.var)));
  for (const v of varsOf(r.rem)) if (own.has(v)) return false;
  const b = constBounds(r.rem, facts);
  return b.min >= 0 && b.max < r.extent;
}

/** The body for lanes off .. off + w: vectorized loops shrink, and their guards hold. */
function narrow(s: Stmt, w: number, off: Expr, facts: Facts): Stmt {
  const go = (x: Stmt): Stmt => {
    if (x.kind === "for" && x.loop === "vectorized") {
      const b = ownBound(x.var, x.body, facts.withVar(x.var, x.min, x.extent))!;
      const body = substituteStmt(assume(x.body, b.conditions), new Map([[x.var, add(off, x.var)]]));
      return { ...x, extent: int(w), body };
    }
    return rebuildStmt(x, go);
  };
  return simplifyStmt(freshen(go(s)), facts);
}
