/**
 * Dissolves blocks into the statements they stand for: axes become their bindings, the predicate becomes an If.
 * Before: every block's reduction is initialised elsewhere (no `init` left). After: no Block.
 */
import {
  type Expr,
  type Func,
  mapStmt,
  type Stmt,
  substituteStmt,
  TilewrightError,
  TRUE,
  type Var,
  withBody,
} from "../ir/index.ts";

export function dissolveBlocks(f: Func): Func {
  const go = (s: Stmt): Stmt => {
    if (s.kind !== "block") return s;
    if (s.init) throw new TilewrightError("internal", `block ${s.id.name} still has an init when blocks are dissolved`);
    const map = new Map<Var, Expr>(s.iters.map((it) => [it.var, it.binding]));
    const body = substituteStmt(s.body, map);
    return s.predicate === TRUE ? body : { kind: "if", condition: s.predicate, then: body };
  };
  return withBody(f, mapStmt(f.body, go));
}
