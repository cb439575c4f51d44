/**
 * Takes conditions out of the hot part of loops. A loop over which a guard, a padding test or a boundary condition
 * holds except near the ends is cut into a prologue, a steady part without the condition, and an epilogue.
 *
 * Conditions come from `if`, from lazy `where` and from clamped indices. Those that are tested once for a whole inner loop (a guard around
 * a row, the clamp of a row's number) cost nothing and are left alone. The steady range is solved for, not guessed; where it can't be, the loop
 * stays whole. An epilogue that differs from the steady part by an unknown remainder of vectorized loops becomes a cascade
 * of power-of-two widths (8, 4, 2, 1), each a copy of the body with narrower vectors, so that it stays vector code.
 *
 * Before: flat buffers, no blocks. After: the same, with more and simpler loops. Growth is bounded by a budget.
 */
import { Facts, prove, type Range, type Solution, simplifyIndex, solveCondition } from "../arith/index.ts";
import {
  add,
  childStmts,
  constInt,
  type Expr,
  exprsOf,
  type For,
  type Func,
  ge,
  int,
  isNothing,
  le,
  max,
  min,
  NOTHING,
  type Op,
  rebuildStmt,
  type Stmt,
  seq,
  sub,
  usesVar,
  type Var,
  visitExpr,
  visitStmt,
  withBody,
} from "../ir/index.ts";
import { cascade, cascadeLocals } from "./cascade.ts";
import { conjuncts, isPure } from "./conditions.ts";
import { simplifyStmt } from "./simplify.ts";
import { assume, trim, underCondition } from "./trim.ts";
import { freshen } from "./unroll.ts";
import { boundIn } from "./walk.ts";

/** Statements a function may grow to by partitioning; guards beyond it stay where they are. */
const BUDGET = 1500;

export function partitionLoops(f: Func): Func {
  const state = { left: BUDGET - countStmts(f.body) };
  const body = cascadeLocals(cut(f.body, Facts.empty, state), Facts.empty);
  return withBody(f, trim(body, Facts.empty));
}

function countStmts(s: Stmt): number {
  let n = 0;
  visitStmt(s, () => void n++);
  return n;
}

type Ranges = ReadonlyMap<Var, Range>;

/** Iterations from which on a test before a loop is nothing beside the loop. */
const LONG = 8;
const isLong = (l: For): boolean => l.loop === "serial" && (constInt(l.extent) ?? LONG) >= LONG;
function holdsLongLoop(s: Stmt): boolean {
  let found = false;
  visitStmt(s, (x) => {
    if (x.kind === "for" && isLong(x)) found = true;
    return !found;
  });
  return found;
}

/**
 * Every conjunct of every condition in `s` that speaks of `v` and is tested often, with the loops around each place where it
 * stands. Conditions that read memory are not solvable.
 */
function guardsOn(v: Var, s: Stmt): ReadonlyMap<Expr, ReadonlySet<Ranges>> {
  const out = new Map<Expr, Set<Ranges>>();
  const seldom = new Set<Expr>();
  const often = new Set<Expr>();
  const put = (c: Expr, inner: Ranges, once: boolean): void => {
    for (const part of conjuncts(c)) {
      if (!isPure(part) || !usesVar(part, (x) => x === v)) continue;
      out.set(part, (out.get(part) ?? new Set()).add(inner));
      (once ? seldom : often).add(part);
    }
  };
  /** Whether a long loop around does not change an expression, nor do those inside of that. */
  const outside = (e: Expr, loops: readonly For[]): boolean => {
    const last = loops.findLastIndex((l) => usesVar(e, (x) => x === l.var));
    return loops.slice(last + 1).some(isLong);
  };
  const walk = (x: Stmt, inner: Ranges, loops: readonly For[]): void => {
    if (x.kind === "if") put(x.condition, inner, !x.otherwise && holdsLongLoop(x.then));
    for (const e of exprsOf(x))
      visitExpr(e, (n) => {
        if (n.kind !== "op") return;
        if (n.op === "where") put(n.args[0]!, inner, false);
        const clamp = clampOf(n, v);
        if (clamp) put(clamp, inner, outside(n, loops));
      });
    const next = x.kind === "for" ? new Map(inner).set(x.var, { min: x.min, extent: x.extent }) : inner;
    for (const c of childStmts(x)) walk(c, next, x.kind === "for" ? [...loops, x] : loops);
  };
  walk(s, new Map(), []);
  for (const c of seldom) if (!often.has(c)) out.delete(c);
  return out;
}

/** Where a clamped index (a boundary condition) is not clamped: the side that moves with the loop is the one that counts. */
function clampOf(e: Op, v: Var): Expr | undefined {
  if ((e.op !== "min" && e.op !== "max") || e.dtype !== "i32" || e.lanes > 1) return undefined;
  const [a, b] = [e.args[0]!, e.args[1]!];
  const moving = [a, b].filter((x) => usesVar(x, (y) => y === v));
  if (moving.length !== 1) return undefined;
  const other = moving[0] === a ? b : a;
  return e.op === "min" ? le(moving[0]!, other) : ge(moving[0]!, other);
}

/** Where a condition holds at every place it stands; undefined where that can't be said before the loop over `v`. */
function holds(c: Expr, v: Var, places: Iterable<Ranges>, own: ReadonlySet<Var>, facts: Facts): Solution | undefined {
  let both: Solution = {};
  for (const inner of places) {
    const r = solveCondition(c, v, facts, inner);
    if (r === undefined) return undefined;
    for (const e of [r.min, r.max]) if (e !== undefined && usesVar(e, (x) => own.has(x))) return undefined;
    const lo = r.min && both.min ? max(r.min, both.min) : (r.min ?? both.min);
    const hi = r.max && both.max ? min(r.max, both.max) : (r.max ?? both.max);
    both = { ...(lo ? { min: lo } : {}), ...(hi ? { max: hi } : {}) };
  }
  return both;
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
  const own = boundIn(s.body);
  for (const [condition, places] of guardsOn(s.var, s.body)) {
    const r = holds(condition, s.var, places, own, inside);
    if (r === undefined || (r.min === undefined && r.max === undefined)) continue;
    const newLo = r.min === undefined ? lo : simplifyIndex(max(lo, r.min), facts);
    const newHi = r.max === undefined ? hi : simplifyIndex(min(hi, add(r.max, int(1))), facts);
    // A condition that would leave no steady part at all is not worth a cut.
    if (prove(le(newHi, newLo), facts)) continue;
    lo = newLo;
    hi = newHi;
    solved.add(condition);
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
  const again = (x: Stmt, inner = false): Stmt => (inner || state.left > 0 ? descend(x, s.var, facts, state) : x);
  if (growth > state.left) return whole();
  state.left -= growth;
  // loops inside are cut first: what is left over in their steady parts needs no cascade
  return seq([again(before), again(steady, true), cascade(again(after), facts)].filter((x) => !isNothing(x)));
}

/** Goes on below a loop over `v` that was just cut (cutting it again would find nothing new), or in what became of it. */
function descend(s: Stmt, v: Var, facts: Facts, state: { left: number }): Stmt {
  if (s.kind === "for" && s.var === v) return { ...s, body: cut(s.body, facts.withVar(s.var, s.min, s.extent), state) };
  return cut(s, facts, state);
}
