/**
 * Turns what is left of vectorized loops after an unknown number of whole vectors into a cascade of power-of-two widths (8, 4,
 * 2, 1), each a copy of the code with narrower vectors. Called by partition.ts on the end of a loop that was cut.
 */
import { constBounds, type Facts, simplifyIndex } from "../arith/index.ts";
import {
  add,
  and,
  childStmts,
  constInt,
  type Expr,
  floordiv,
  int,
  le,
  lt,
  min,
  mul,
  rebuildStmt,
  type Stmt,
  seq,
  substituteStmt,
  varsOf,
} from "../ir/index.ts";
import { hasPower, ladder, needsLadder } from "./ladder.ts";
import { laneLocal } from "./lane-local.ts";
import { simplifyStmt } from "./simplify.ts";
import { assume, ownBound, underCondition } from "./trim.ts";
import { freshen } from "./unroll.ts";
import { boundIn } from "./walk.ts";

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

/**
 * Cascades around registers: where lanes of a `local` buffer are guarded by what no loop could be cut at, one branch goes around
 * all that the buffer lives for. Branches around its single accesses would cut it differently in each.
 */
export function cascadeLocals(s: Stmt, facts: Facts): Stmt {
  if (s.kind === "alloc" && s.buffer.scope === "local") return cascade(s, facts);
  if (s.kind === "if") return underCondition(s, facts, cascadeLocals);
  const inside = s.kind === "for" ? facts.withVar(s.var, s.min, s.extent) : facts;
  return rebuildStmt(s, (x) => cascadeLocals(x, inside));
}

export function cascade(s: Stmt, facts: Facts): Stmt {
  if (s.kind === "for" || s.kind === "seq" || s.kind === "let" || s.kind === "alloc") {
    const r = remainderOf(s, facts);
    if (r === undefined || !allowed(s, r, facts)) {
      if (s.kind === "seq") return seq(s.body.map((x) => cascade(x, facts)));
      if (s.kind === "for") return { ...s, body: cascade(s.body, facts.withVar(s.var, s.min, s.extent)) };
      return { ...s, body: cascade(s.body, facts) };
    }
    const full = constBounds(r.rem, facts).max >= r.extent;
    const pieces: Stmt[] = [];
    if (full)
      pieces.push({ kind: "if", condition: le(int(r.extent), r.rem), then: narrow(s, r.extent, int(0), facts) });
    if (needsLadder(s, r.extent - 1)) {
      const rest = ladder(r.rem, r.extent - 1, (w, off) => narrow(s, w, int(off), facts));
      if (!full) return rest;
      return seq([...pieces, { kind: "if", condition: lt(r.rem, int(r.extent)), then: rest }]);
    }
    for (let w = 2 ** Math.floor(Math.log2(r.extent - 1)); w >= 1; w /= 2) {
      const off = simplifyIndex(mul(floordiv(r.rem, int(2 * w)), int(2 * w)), facts);
      const has = hasPower(r.rem, w);
      const on = full ? and(lt(r.rem, int(r.extent)), has) : has;
      pieces.push({ kind: "if", condition: on, then: narrow(s, w, off, facts) });
    }
    return seq(pieces);
  }
  if (s.kind === "if") return underCondition(s, facts, cascade);
  return s;
}

/** The remainder must be known not to be negative where the cascade stands, and not change inside. */
function allowed(s: Stmt, r: Remainder, facts: Facts): boolean {
  const own = boundIn(s);
  for (const v of varsOf(r.rem)) if (own.has(v)) return false;
  const b = constBounds(r.rem, facts);
  const lanes = b.max < r.extent ? r.rem : min(r.rem, int(r.extent));
  return b.min >= 0 && laneLocal(s, lanes, facts);
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
