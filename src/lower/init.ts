/**
 * Gives every reduction that still has its init inside the block a statement of its own before the outermost loop that
 * carries the reduction, never a branch inside it. Before: any scheduled IR. After: no Block has an `init`.
 */
import {
  and,
  type Block,
  type Expr,
  type For,
  type Func,
  rebuildStmt,
  type Stmt,
  seq,
  substitute,
  TRUE,
  type Var,
  variable,
  varsOf,
  withBody,
} from "../ir/index.ts";

export function initReductions(f: Func): Func {
  return withBody(f, go(f.body));
}
function go(s: Stmt): Stmt {
  if (s.kind === "block") return s.init ? seq([initBlock(s, []), strip(s)]) : s;
  if (s.kind !== "for") return rebuildStmt(s, go);
  // is s.var a reduction loop of an un-inited block below?
  const mine: { block: Block; loops: For[] }[] = [];
  const walk = (x: Stmt, loops: For[]): void => {
    if (x.kind === "for") return walk(x.body, [...loops, x]);
    if (x.kind === "seq") for (const y of x.body) walk(y, loops);
    if (x.kind === "block" && x.init && x.iters.some((i) => i.kind === "reduction" && varsOf(i.binding).has(s.var)))
      mine.push({ block: x, loops });
  };
  walk(s.body, []);
  if (mine.length === 0) return { ...s, body: go(s.body) };
  const inits = mine.map((m) => initBlock(m.block, m.loops));
  const ids = new Set(mine.map((m) => m.block.id));
  const stripAll = (x: Stmt): Stmt => (x.kind === "block" ? (ids.has(x.id) ? strip(x) : x) : rebuildStmt(x, stripAll));
  return seq([...inits, { ...s, body: go(stripAll(s.body)) }]);
}
function strip(b: Block): Block {
  const { init: _, ...rest } = b;
  return rest;
}
function initBlock(b: Block, loops: For[]): Stmt {
  const spatial = b.iters.filter((i) => i.kind !== "reduction");
  const used = new Set<Var>();
  for (const i of spatial) varsOf(i.binding, used);
  const keep = loops.filter((l) => used.has(l.var));
  const red = new Set<Var>();
  for (const i of b.iters) if (i.kind === "reduction") varsOf(i.binding, red);
  const map = new Map<Var, Expr>(keep.map((l) => [l.var, variable(l.var.name)]));
  const preds: Expr[] = [];
  const conj = (c: Expr): void => {
    if (c === TRUE) return;
    if (c.kind === "op" && c.op === "and") c.args.forEach(conj);
    else if (![...varsOf(c)].some((v) => red.has(v))) preds.push(substitute(c, map));
  };
  conj(b.predicate);
  const block: Block = {
    kind: "block",
    id: { name: `${b.id.name}.init` },
    iters: spatial.map((i) => ({ ...i, binding: substitute(i.binding, map) })),
    predicate: preds.length ? preds.reduce((a, c) => and(a, c)) : TRUE,
    body: b.init!,
  };
  return keep.reduceRight<Stmt>((s, l) => ({ ...l, var: map.get(l.var) as Var, body: s }), block);
}
