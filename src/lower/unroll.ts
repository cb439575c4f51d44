/**
 * Writes out unrolled loops. Before: no vectorized loop. After: serial loops only.
 * Each copy keeps its own allocations and lets. Total growth is limited: past the budget an unroll is refused by name.
 */
import { Facts, simplifyIndex } from "../arith/index.ts";
import {
  add,
  type Buffer,
  buffer,
  constInt,
  type Expr,
  type Func,
  int,
  mapStmt,
  replaceBuffers,
  type Stmt,
  seq,
  substituteStmt,
  TilewrightError,
  type Var,
  variable,
  visitStmt,
  withBody,
} from "../ir/index.ts";

/** Statements an unrolled function may have. */
export const UNROLL_BUDGET = 20000;

export function unroll(f: Func): Func {
  let total = 0;
  const go = (s: Stmt): Stmt => {
    if (s.kind === "store" || s.kind === "assign") total++;
    if (s.kind !== "for" || s.loop === "serial") return s;
    const n = constInt(s.extent);
    if (n === undefined) return { ...s, loop: "serial" };
    let size = 0;
    visitStmt(s.body, (x) => void ((x.kind === "store" || x.kind === "assign") && size++));
    total += size * (n - 1);
    if (total > UNROLL_BUDGET)
      throw new TilewrightError(
        "unroll-budget",
        `unrolling loop ${s.var.name} (${n} steps) makes more than ${UNROLL_BUDGET} statements; unroll a smaller split of it`,
      );
    const at = (i: number): Expr => simplifyIndex(add(s.min, int(i)), Facts.empty);
    return seq(Array.from({ length: n }, (_, i) => freshen(substituteStmt(s.body, new Map([[s.var, at(i)]])), i > 0)));
  };
  return withBody(f, mapStmt(f.body, go));
}

/** A copy with allocations and lets of its own. */
export function freshen(s: Stmt, copy = true): Stmt {
  if (!copy) return s;
  const vars = new Map<Var, Expr>();
  const buffers = new Map<Buffer, Buffer>();
  visitStmt(s, (x) => {
    if (x.kind === "let") vars.set(x.var, variable(x.var.name, x.var.dtype, { lanes: x.var.lanes }));
    if (x.kind === "alloc")
      buffers.set(x.buffer, buffer(x.buffer.name, x.buffer.dtype, x.buffer.shape, x.buffer.scope));
  });
  if (vars.size === 0 && buffers.size === 0) return s;
  const renamed = mapStmt(s, (x) => (x.kind === "let" ? { ...x, var: vars.get(x.var) as Var } : x));
  return replaceBuffers(substituteStmt(renamed, vars), buffers);
}
