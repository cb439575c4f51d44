/**
 * What buffers hold in the part of an axis that was added by padding: read off from what their producers store there, as far as
 * that is the same whatever the inputs are.
 */
import { type Facts, prove, simplify, simplifyIndex } from "../src/arith/index.ts";
import {
  type Block,
  type Combiner,
  children,
  type Expr,
  type Func,
  matchUpdate,
  not,
  substitute,
  type Var,
  withChildren,
} from "../src/ir/index.ts";
import { isComplete, storedAt, storesOf } from "./analysis.ts";
import { writersOf } from "./tree.ts";

/** Producers of producers that are looked into: copies of copies are common, long chains are not. */
const DEPTH = 8;

/** An expression where `facts` hold, with reads replaced by what their producers store there and choices decided. */
export function valueUnder(f: Func, e: Expr, facts: Facts, depth = DEPTH): Expr {
  const memo = new Map<Expr, Expr>();
  const go = (x: Expr): Expr => {
    const old = memo.get(x);
    if (old !== undefined) return old;
    const r = step(x);
    memo.set(x, r);
    return r;
  };
  const step = (x: Expr): Expr => {
    if (x.kind === "load") {
      const value = depth > 0 ? storedValue(f, x, facts) : undefined;
      return value === undefined ? x : valueUnder(f, value, facts, depth - 1);
    }
    if (x.kind === "op" && (x.op === "where" || x.op === "select")) {
      const [c, a, b] = x.args as readonly [Expr, Expr, Expr];
      if (prove(c, facts)) return go(a);
      if (prove(simplifyIndex(not(c), facts), facts)) return go(b);
    }
    if (children(x).length === 0) return x;
    return simplify(withChildren(x, children(x).map(go)), facts);
  };
  return simplify(go(e), facts);
}

/** What the one complete block that writes a buffer stores at an element; undefined where that isn't one certain store. */
function storedValue(f: Func, read: Expr & { kind: "load" }, facts: Facts): Expr | undefined {
  const writers = writersOf(f, read.buffer);
  const w = writers[0]?.node;
  if (w === undefined || writers.length > 1 || !isComplete(w)) return undefined;
  const at = storedAt(w, read.buffer);
  if (at === undefined || at.includes(undefined)) return undefined;
  const axes = new Map<Var, Expr>(at.map((v, d) => [v!, read.index[d]!]));
  const holds = (guard: Expr): boolean => prove(substitute(guard, axes), facts);
  const stores = storesOf(w).filter((s) => s.buffer === read.buffer && s.inner.size === 0);
  const s = stores.find((x) => x.guards.every(holds));
  // another store that may come after it would win
  const others = stores.filter((x) => x !== s);
  const never = (guard: Expr): boolean => prove(simplifyIndex(not(substitute(guard, axes)), facts), facts);
  if (s === undefined || !others.every((x) => x.guards.some(never))) return undefined;
  return substitute(s.value, axes);
}

/**
 * Why points of a reduction would change its result where `facts` hold: what one of them contributes, as far as it can be told.
 * Undefined where the combiner is certainly neutral for them.
 */
export function contribution(f: Func, b: Block, facts: Facts): Expr | undefined {
  const update = b.combiner && matchUpdate(b.body, b.combiner);
  if (b.combiner === undefined || update === undefined) return storesOf(b)[0]?.value;
  const skipped = update.conditions.some((c) => prove(simplifyIndex(not(valueUnder(f, c, facts)), facts), facts));
  if (skipped) return undefined;
  const terms = update.terms.map((t) => valueUnder(f, t, facts));
  return isNeutral(b.combiner, terms, facts) ? undefined : (terms.find((t) => t.kind !== "const") ?? terms[0]);
}

/** Whether combining anything with these terms leaves it as it is. */
function isNeutral(c: Combiner, terms: readonly Expr[], facts: Facts): boolean {
  if (terms.every((t, n) => t === c.identities[n])) return true;
  const map = new Map<Var, Expr>(c.rhs.map((v, n) => [v, terms[n]!]));
  return c.results.every((r, n) => simplify(substitute(r, map), facts) === c.lhs[n]);
}
