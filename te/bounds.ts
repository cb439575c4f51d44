/**
 * The check that no tensor is read outside of its elements, done when a body closes, since only then all conditions around
 * a read are known: those of enclosing `where` and those of reductions.
 */
import { Facts, prove } from "../src/arith/index.ts";
import {
  children,
  ge,
  gt,
  type Load,
  le,
  lt,
  type Expr as Node,
  not,
  type OpName,
  op,
  printExpr,
} from "../src/ir/index.ts";
import { isProven, missingConditions, provable, siteOf } from "./access.ts";
import { TeError } from "./error.ts";
import { withRanges } from "./scope.ts";
import type { TensorAxis } from "./tensor.ts";
import { brief } from "./text.ts";

/** What holds at a point: facts to reason with, and the conditions word for word. */
export interface Known {
  readonly facts: Facts;
  readonly given: ReadonlySet<Node>;
}

const OPPOSITE: { readonly [O in OpName]?: (a: Node, b: Node) => Node } = { lt: ge, le: gt, gt: le, ge: lt };

/** What holds where a condition doesn't. */
export function opposite(c: Node): Node {
  if (c.kind !== "op") return not(c);
  if (c.op === "not") return c.args[0]!;
  if (c.op === "or") return op("and", c.args.map(opposite));
  // for floats the opposite of < is not >=
  const flip = c.args[0]!.dtype === "i32" ? OPPOSITE[c.op] : undefined;
  return flip ? flip(c.args[0]!, c.args[1]!) : not(c);
}

/** What holds where the condition does, too. */
export function assume(known: Known, condition: Node): Known {
  let { facts } = known;
  const given = new Set(known.given);
  const add = (c: Node): void => {
    if (c.kind === "op" && c.op === "and") {
      for (const a of c.args) add(a);
      return;
    }
    given.add(c);
    facts = facts.withCondition(provable(c, facts));
  };
  add(condition);
  return { facts, given };
}

/** Whether an expression holds reads that are not known to be inside whatever the axes. */
function doubtful(e: Node, memo: Map<Node, boolean>): boolean {
  const old = memo.get(e);
  if (old !== undefined) return old;
  let r = e.kind === "load" && !isProven(e);
  for (const k of children(e)) if (doubtful(k, memo)) r = true;
  memo.set(e, r);
  return r;
}

/** Whether a condition never holds. */
export const impossible = (known: Known, condition: Node): boolean => prove(opposite(condition), known.facts);

/** Throws for the first read in `roots` that can't be proven to be inside. */
export function checkReads(
  owner: string,
  roots: readonly Node[],
  axes: readonly TensorAxis[],
  given: readonly Node[] = [],
): void {
  let known: Known = { facts: withRanges(Facts.empty, axes), given: new Set() };
  for (const c of given) {
    if (impossible(known, c)) return;
    known = assume(known, c);
  }
  checkReadsUnder(owner, roots, known);
}

/** `checkReads`, where more is known than axes and conditions. */
export function checkReadsUnder(owner: string, roots: readonly Node[], all: Known): void {
  const memo = new Map<Node, boolean>();
  const check = (e: Node, known: Known, seen: Set<Node>): void => {
    if (seen.has(e) || !doubtful(e, memo)) return;
    seen.add(e);
    if (e.kind === "op" && e.op === "where") {
      const [c, a, b] = e.args as readonly [Node, Node, Node];
      check(c, known, seen);
      // an arm that is never chosen reads nothing
      if (doubtful(a, memo) && !prove(opposite(c), known.facts)) check(a, assume(known, c), new Set());
      if (doubtful(b, memo) && !prove(c, known.facts)) check(b, assume(known, opposite(c)), new Set());
      return;
    }
    if (e.kind === "reduce") {
      const inner: Known = { facts: withRanges(known.facts, e.axes), given: known.given };
      if (e.condition) check(e.condition, inner, new Set());
      const all = e.condition ? assume(inner, e.condition) : inner;
      const within = new Set<Node>();
      for (const v of e.values) check(v, all, within);
      return;
    }
    for (const k of children(e)) check(k, known, seen);
    if (e.kind === "load" && !isProven(e)) checkLoad(owner, e, known);
  };
  const seen = new Set<Node>();
  for (const r of roots) check(r, all, seen);
}

function checkLoad(owner: string, e: Load, known: Known): void {
  e.index.forEach((i, d) => {
    const extent = e.buffer.shape[d]!;
    const missing = missingConditions(i, extent, known.facts).filter((c) => !known.given.has(c));
    if (missing.length === 0) return;
    const low = missing[0]!.kind === "op" && missing[0]!.op === "ge";
    const bound = low ? "at least 0" : `below ${printExpr(extent)}`;
    const error = new TeError(
      "te.bounds",
      `"${owner}": index ${d} of "${e.buffer.name}", ${brief(i)}, can't be proven to be ${bound}. Shorten the axes, guard the ` +
        `read with where(condition, ${e.buffer.name}.at(...), other), read through an edge such as constantEdge(${e.buffer.name}, 0), ` +
        "or vouch for the index with asserted(...)",
    );
    const site = siteOf(e);
    if (site !== undefined) error.stack = `TeError: ${error.message}\n${site.split("\n").slice(1).join("\n")}`;
    throw error;
  });
}
