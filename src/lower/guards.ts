/**
 * Tests a condition as seldom as possible: a guard around the whole body of a loop that says nothing of the loop's variable stands
 * before the loop, so that a row of pixels is guarded once and its vectors not at all. So does a value that is named at the
 * start of the body and is the same in every iteration.
 *
 * Before and after: flat buffers, no blocks.
 */
import { prove } from "../arith/index.ts";
import {
  buffersIn,
  type Expr,
  type For,
  type Func,
  int,
  le,
  mapStmt,
  type Stmt,
  usesVar,
  visitExpr,
  withBody,
} from "../ir/index.ts";
import { conjoin, conjuncts, isPure } from "./conditions.ts";

/** Loops that are one unit for what comes later stay in one piece. */
const mayStandInside = (l: For): boolean => l.loop === "serial" || l.loop === "unrolled" || l.loop === "vectorized";

export function hoistGuards(f: Func): Func {
  const go = (s: Stmt): Stmt => {
    if (s.kind !== "for" || !mayStandInside(s)) return s;
    if (s.body.kind === "let" && isFixed(s.body.value, s)) {
      const { body, ...named } = s.body;
      return { ...named, body: go({ ...s, body }) };
    }
    if (s.body.kind !== "if" || s.body.otherwise) return s;
    const guard = s.body;
    const fixed = (c: Expr): boolean => isPure(c) && !usesVar(c, (v) => v === s.var);
    const parts = conjuncts(guard.condition);
    const outside = parts.filter(fixed);
    if (outside.length === 0) return s;
    const inside = parts.filter((c) => !fixed(c));
    const body: Stmt = inside.length > 0 ? { ...guard, condition: conjoin(inside) } : guard.then;
    return { kind: "if", condition: conjoin(outside), then: { ...s, body } };
  };
  return withBody(f, mapStmt(f.body, go));
}

/** Whether a value is the same in all iterations, and may be computed before the first. */
function isFixed(e: Expr, l: For): boolean {
  if (usesVar(e, (v) => v === l.var)) return false;
  if (isPure(e)) return true;
  const { writes } = buffersIn(l.body);
  let still = prove(le(int(1), l.extent));
  visitExpr(e, (x) => {
    if ((x.kind === "load" && writes.has(x.buffer)) || (x.kind === "var" && x.mutable)) still = false;
    return still;
  });
  return still;
}
