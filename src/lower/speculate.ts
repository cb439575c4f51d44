/**
 * Makes a lazy choice that differs between lanes an eager one where that is harmless: WebAssembly has no loads that skip lanes, so
 * such a `where` would run lane by lane, while both sides of a `select` are vectors.
 *
 * Harmless is: every place that either side reads lies inside its buffer, whatever the condition says. Choices that are the same
 * for all lanes stay as they are: they become branches.
 *
 * Before and after: flat buffers, vectorized loops still loops.
 */
import { Facts, prove } from "../arith/index.ts";
import {
  type Expr,
  type Func,
  ge,
  int,
  lt,
  mapExpr,
  not,
  rebuildStmt,
  type Stmt,
  select,
  usesVar,
  type Var,
  visitExpr,
  withBody,
} from "../ir/index.ts";
import { assuming, isPure } from "./conditions.ts";

/**
 * `which`: only conditions that read memory (no loop can be cut where they change, and before loops are cut it is plain to see
 * what is read), or all that are left.
 */
export function speculate(f: Func, which: "data" | "all"): Func {
  const chosen = (c: Expr): boolean => which === "all" || !isPure(c);
  return withBody(f, inStmt(f.body, Facts.empty, new Set(), chosen));
}
type Chosen = (condition: Expr) => boolean;

/** `lanes`: variables that differ between lanes. */
function inStmt(s: Stmt, facts: Facts, lanes: ReadonlySet<Var>, chosen: Chosen): Stmt {
  const own = (e: Expr): Expr => (lanes.size === 0 ? e : inExpr(e, facts, lanes, chosen));
  switch (s.kind) {
    case "for": {
      const inner = s.loop === "vectorized" ? new Set([...lanes, s.var]) : lanes;
      return rebuildStmt(s, (x) => inStmt(x, facts.withVar(s.var, s.min, s.extent), inner, chosen), own);
    }
    case "if": {
      const then = inStmt(s.then, assuming(facts, s.condition), lanes, chosen);
      const otherwise = s.otherwise && inStmt(s.otherwise, assuming(facts, not(s.condition)), lanes, chosen);
      return { ...s, then, ...(otherwise ? { otherwise } : {}) };
    }
    case "let": {
      const inner = usesVar(s.value, (v) => lanes.has(v)) ? new Set([...lanes, s.var]) : lanes;
      return rebuildStmt(s, (x) => inStmt(x, facts, inner, chosen), own);
    }
    default:
      return rebuildStmt(s, (x) => inStmt(x, facts, lanes, chosen), own);
  }
}

function inExpr(e: Expr, facts: Facts, lanes: ReadonlySet<Var>, chosen: Chosen): Expr {
  return mapExpr(e, (x) => {
    if (x.kind !== "op" || x.op !== "where") return x;
    const [c, a, b] = [x.args[0]!, x.args[1]!, x.args[2]!];
    if (!chosen(c) || !usesVar(c, (v) => lanes.has(v))) return x;
    return harmless(a, facts) && harmless(b, facts) ? select(c, a, b) : x;
  });
}

function harmless(e: Expr, facts: Facts): boolean {
  let ok = true;
  visitExpr(e, (x) => {
    if (ok && x.kind === "load")
      ok = x.index.every((i, d) => prove(ge(i, int(0)), facts) && prove(lt(i, x.buffer.shape[d]!), facts));
    return ok;
  });
  return ok;
}
