/**
 * Simplifies a whole statement under what its loops and conditions imply: folds expressions, drops branches that are decided,
 * loops that never run and the variables of loops that run once. Run between most passes; every pass may therefore
 * leave obvious work behind.
 */
import { Facts, isExact, prove, simplify, simplifyIndex } from "../arith/index.ts";
import {
  constInt,
  type Expr,
  FALSE,
  int,
  isNothing,
  le,
  NOTHING,
  not,
  rebuildStmt,
  type Stmt,
  substituteStmt,
  TRUE,
} from "../ir/index.ts";
import { assuming, conjoin, conjuncts } from "./conditions.ts";

export function simplifyStmt(s: Stmt, facts: Facts = Facts.empty): Stmt {
  switch (s.kind) {
    case "for": {
      // what an intrinsic is recognised by is the form of its nest
      if (s.tensor) return s;
      const min = simplifyIndex(s.min, facts);
      const extent = simplifyIndex(s.extent, facts);
      const n = constInt(extent);
      if ((n !== undefined && n <= 0) || prove(le(extent, int(0)), facts)) return NOTHING;
      if (n === 1) return simplifyStmt(substituteStmt(s.body, new Map([[s.var, min]])), facts);
      const atMostOnce = prove(le(extent, int(1)), facts);
      if (atMostOnce && s.loop === "serial") {
        const once = substituteStmt(s.body, new Map([[s.var, min]]));
        return simplifyStmt({ kind: "if", condition: le(int(1), extent), then: once }, facts);
      }
      const body = simplifyStmt(s.body, facts.withVar(s.var, min, extent));
      if (isNothing(body)) return NOTHING;
      return min === s.min && extent === s.extent && body === s.body ? s : { ...s, min, extent, body };
    }
    case "if": {
      const condition = decide(s.condition, facts);
      if (condition === TRUE) return simplifyStmt(s.then, facts);
      if (condition === FALSE) return s.otherwise ? simplifyStmt(s.otherwise, facts) : NOTHING;
      const then = simplifyStmt(s.then, assuming(facts, condition));
      const otherwise = s.otherwise && simplifyStmt(s.otherwise, assuming(facts, not(condition)));
      if (isNothing(then) && (otherwise === undefined || isNothing(otherwise))) return NOTHING;
      return { kind: "if", condition, then, ...(otherwise && !isNothing(otherwise) ? { otherwise } : {}) };
    }
    case "let": {
      const value = simplify(s.value, facts);
      if (value.kind === "const" || (value.kind === "var" && !value.mutable))
        return simplifyStmt(substituteStmt(s.body, new Map([[s.var, value]])), facts);
      const body = simplifyStmt(s.body, facts);
      return isNothing(body) ? NOTHING : { ...s, value, body };
    }
    case "alloc": {
      const body = simplifyStmt(s.body, facts);
      return isNothing(body) ? NOTHING : body === s.body ? s : { ...s, body };
    }
    case "store": {
      const index = s.index.map((i) => simplifyIndex(i, facts));
      return { ...s, index, value: simplify(s.value, facts) };
    }
    default:
      return rebuildStmt(
        s,
        (x) => simplifyStmt(x, facts),
        (e) => simplify(e, facts),
      );
  }
}

/** The condition simplified, conjunct by conjunct: those that certainly hold are dropped. */
export function decide(c: Expr, facts: Facts): Expr {
  const holds = (x: Expr): boolean => isExact(x, facts) && prove(x, facts);
  const kept = conjuncts(simplify(c, facts)).filter((x) => !holds(x));
  if (kept.some((x) => x === FALSE || (x.dtype === "bool" && x.lanes === 1 && holds(not(x))))) return FALSE;
  return conjoin(kept);
}
