/** Folded buffers: which elements share a place in memory. */
import { add, type Buffer, constInt, type Expr, int, type Layout, substitute, visitExpr } from "../ir/index.ts";
import { Facts } from "./facts.ts";
import { proveLe } from "./index-arith.ts";
import { insideOf } from "./layout.ts";
import { simplifyNode } from "./simplify.ts";

const folds = new WeakMap<Buffer, Map<number, number | undefined>>();
/**
 * How many indices along a logical dimension have a place of their own, where elements so far apart share one (see
 * foldDimension); undefined where all have.
 */
export function foldOf(b: Buffer, dim: number): number | undefined {
  if (!b.layout) return undefined;
  let known = folds.get(b);
  if (known === undefined) {
    known = new Map();
    folds.set(b, known);
  }
  if (!known.has(dim)) known.set(dim, periodOf(b.layout, dim, b.shape));
  return known.get(dim);
}
function periodOf(l: Layout, dim: number, shape: readonly Expr[]): number | undefined {
  const v = l.vars[dim]!;
  // a dimension of which one index is kept is in no place at all
  const found = new Set([1]);
  const seen = new Set<Expr>();
  for (const e of l.index)
    visitExpr(
      e,
      (x) => {
        const c = x.kind === "op" && x.op === "floormod" ? constInt(x.args[1]!) : undefined;
        if (c !== undefined && c > 0) found.add(c);
      },
      seen,
    );
  const facts = insideOf(l.vars, shape).withVar(v, int(0), int(2 ** 30));
  const repeats = (c: number): boolean => {
    const later = new Map([[v, add(v, int(c))]]);
    return l.index.every((e) => simplifyNode(substitute(e, later), facts, "index") === simplifyNode(e, facts, "index"));
  };
  const period = [...found].sort((a, c) => a - c).find(repeats);
  return period === undefined || proveLe(shape[dim]!, int(period), Facts.empty) ? undefined : period;
}
/** Whether elements share places. */
export const isFolded = (b: Buffer): boolean =>
  b.layout !== undefined && b.shape.some((_, d) => foldOf(b, d) !== undefined);
