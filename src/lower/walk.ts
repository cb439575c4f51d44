/** Rewriting statements with the facts that hold where each one stands. */
import { Facts } from "../arith/index.ts";
import { not, rebuildStmt, type Stmt, type Var, visitStmt } from "../ir/index.ts";
import { assuming } from "./conditions.ts";

/**
 * Top-down: `f` gets each statement with what loops and conditions around it imply, and returns its replacement. A
 * statement that `f` leaves alone is entered; a replaced one is not.
 */
export function walkFacts(s: Stmt, f: (s: Stmt, facts: Facts) => Stmt, facts: Facts = Facts.empty): Stmt {
  const r = f(s, facts);
  if (r !== s) return r;
  switch (s.kind) {
    case "for":
      return { ...s, body: walkFacts(s.body, f, facts.withVar(s.var, s.min, s.extent)) };
    case "if": {
      const then = walkFacts(s.then, f, assuming(facts, s.condition));
      const otherwise = s.otherwise && walkFacts(s.otherwise, f, assuming(facts, not(s.condition)));
      return { ...s, then, ...(otherwise ? { otherwise } : {}) };
    }
    default:
      return rebuildStmt(s, (x) => walkFacts(x, f, facts));
  }
}

/** The variables that loops and lets in `s` bind. */
export function boundIn(s: Stmt): Set<Var> {
  const own = new Set<Var>();
  visitStmt(s, (x) => void ((x.kind === "for" || x.kind === "let") && own.add(x.var)));
  return own;
}
