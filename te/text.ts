/** Expressions in messages: printed where that is short, described where it would run to pages. */
import { children, type Expr as Node, printExpr } from "../src/ir/index.ts";

const LIMIT = 40;

/** Size as a tree, counted no further than the limit (sharing makes trees exponentially larger than graphs). */
function treeSize(e: Node, budget: number): number {
  let n = 1;
  for (const k of children(e)) {
    if (n >= budget) return n;
    n += treeSize(k, budget - n);
  }
  return n;
}

export const brief = (e: Node): string =>
  treeSize(e, LIMIT) < LIMIT ? printExpr(e) : `(${e.dtype} expression with ${e.kind === "op" ? e.op : e.kind} on top)`;
