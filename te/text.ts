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

/** Also true of comparisons, which have a `then` to be told apart by types. */
export const isPromise = (x: unknown): boolean =>
  typeof x === "object" && x !== null && "then" in x && typeof x.then === "function";

/** A name for a value that is not what it should be. */
export function describe(x: unknown): string {
  if (x === undefined || x === null) return String(x);
  if (typeof x === "object" && "buffer" in x && "at" in x && "name" in x)
    return `the tensor "${String(x.name)}" (read an element of it with .at(...))`;
  if (typeof x === "function") return "a function";
  if (Array.isArray(x)) return x.length === 0 ? "an empty array" : `an array of ${x.length}`;
  if (x instanceof Map || x instanceof Set) return `a ${x instanceof Map ? "Map" : "Set"}`;
  if (isPromise(x)) return "a promise";
  return typeof x === "object" ? "an object" : `${typeof x} ${String(x)}`;
}
