/**
 * The update of a reduction block: made from a combiner, and taken apart again after whatever was rewritten around and inside
 * its operands.
 */
import { type Combiner, type Expr, load, type Var, variable } from "./expr.ts";
import { type Buffer, type Let, type Stmt, type Store, seq, store } from "./stmt.ts";
import { children, substitute, visitExpr } from "./visit.ts";

/** Stores that all see the state before any of them. */
export function storeTogether(targets: readonly Buffer[], index: readonly Expr[], values: readonly Expr[]): Stmt {
  if (targets.length === 1) return store(targets[0]!, index, values[0]!);
  const vars = targets.map((b) => variable(`new.${b.name}`, b.dtype));
  const stores = seq(targets.map((b, n) => store(b, index, vars[n]!)));
  return vars.reduceRight<Stmt>((body, v, n): Let => ({ kind: "let", var: v, value: values[n]!, body }), stores);
}

/** Combines what the targets hold at an index with one point's terms. */
export function updateOf(
  combiner: Combiner,
  targets: readonly Buffer[],
  index: readonly Expr[],
  terms: readonly Expr[],
): Stmt {
  const operands = new Map<Var, Expr>();
  combiner.lhs.forEach((v, c) => {
    operands.set(v, load(targets[c]!, index));
  });
  combiner.rhs.forEach((v, c) => {
    operands.set(v, terms[c]!);
  });
  return storeTogether(
    targets,
    index,
    combiner.results.map((r) => substitute(r, operands)),
  );
}

export interface Update {
  readonly targets: readonly Buffer[];
  readonly index: readonly Expr[];
  /** What one point contributes, per value. */
  readonly terms: readonly Expr[];
  /** Points where one of them is false take no part; each may only be looked at where those before it hold. */
  readonly conditions: readonly Expr[];
}

/** The parts of an update that `updateOf` made, perhaps under conditions; undefined where the statement is none. */
export function matchUpdate(body: Stmt, combiner: Combiner): Update | undefined {
  const conditions: Expr[] = [];
  const lets = new Map<Var, Expr>();
  let s = body;
  for (;;) {
    if (s.kind === "if" && s.otherwise === undefined) {
      conditions.push(substitute(s.condition, lets));
      s = s.then;
    } else if (s.kind === "let") {
      lets.set(s.var, substitute(s.value, lets));
      s = s.body;
    } else break;
  }
  const list = s.kind === "seq" ? s.body : [s];
  const stores = list.filter((x): x is Store => x.kind === "store");
  if (stores.length !== list.length || stores.length !== combiner.results.length) return undefined;
  const index = stores[0]!.index.map((e) => substitute(e, lets));
  const bound = new Map<Var, Expr>();
  for (const [c, x] of stores.entries()) {
    if (x.index.length !== index.length || x.index.some((e, d) => substitute(e, lets) !== index[d])) return undefined;
    // a store that saw one before it would be no part of one simultaneous update
    if (stores.slice(0, c).some((y) => reads(x.value, y.buffer))) return undefined;
    bound.set(combiner.lhs[c]!, load(x.buffer, index));
  }
  const own = new Set<Var>([...combiner.lhs, ...combiner.rhs]);
  const fits = stores.every((x, c) => unify(combiner.results[c]!, substitute(x.value, lets), own, bound));
  if (!fits) return undefined;
  return {
    targets: stores.map((x) => x.buffer),
    index,
    // what no result asks for is of no consequence
    terms: combiner.rhs.map((v, c) => bound.get(v) ?? combiner.identities[c]!),
    conditions,
  };
}

function reads(e: Expr, b: Buffer): boolean {
  let found = false;
  visitExpr(e, (x) => {
    if (x.kind === "load" && x.buffer === b) found = true;
    return !found;
  });
  return found;
}

/** Finds what the pattern's own variables stand for. Equal nodes are one object, so each pair is looked at once. */
function unify(pattern: Expr, e: Expr, own: ReadonlySet<Var>, bound: Map<Var, Expr>): boolean {
  const seen = new Set<string>();
  const go = (p: Expr, x: Expr): boolean => {
    if (p.kind === "var" && own.has(p)) {
      const old = bound.get(p);
      if (old === undefined) bound.set(p, x);
      return old === undefined || old === x;
    }
    const key = `${p.id}:${x.id}`;
    if (p === x || seen.has(key)) return true;
    seen.add(key);
    if (p.kind !== "op" || x.kind !== "op" || p.op !== x.op || p.dtype !== x.dtype) return false;
    const [a, b] = [children(p), children(x)];
    return a.length === b.length && a.every((k, i) => go(k, b[i]!));
  };
  return go(pattern, e);
}
