/**
 * What an access touches while some loops run, as a box with one range per dimension. `cover` over-approximates (to allocate
 * and to produce), `exact` says precisely or refuses (to prove coverage).
 */
import { add, constInt, type Expr, int, max, min, sub, TilewrightError, type Var, visitExpr } from "../ir/index.ts";
import { affineForm, denseSpan, type Ranged, takeStairs, unfuse } from "./affine.ts";
import { boundsOf } from "./bounds.ts";
import type { Facts } from "./facts.ts";
import { proveLe } from "./index-arith.ts";
import { emit, linOf } from "./linear.ts";
import { simplifyNode } from "./simplify.ts";
import { symbolicEnds, withRanges } from "./symbolic.ts";

/** [min, min + extent). */
export type Range = Ranged;

/** A constant the extent never exceeds, whatever the symbolic sizes are. */
function constantLimit(e: Expr, f: Facts): number {
  return boundsOf(simplifyNode(e, f, "index"), f.withoutSizeLimits()).max;
}
const simp = (e: Expr, f: Facts): Expr => simplifyNode(e, f, "index");

function coverDimension(
  index: Expr,
  size: Expr | undefined,
  u: { readonly ranges: ReadonlyMap<Var, Ranged>; readonly facts: Facts },
  facts: Facts,
): Range {
  const whole = size && { min: int(0), extent: size };
  // an end that is a number only because no size is larger is none to allocate by
  const ends = symbolicEnds(index, u.ranges, size ? facts.withoutSizeLimits() : facts);
  // a place that is read from memory: no box that moves with it can be made before it is read
  if (ends === undefined || readsMemory(ends.min) || readsMemory(ends.max)) {
    if (whole) return whole;
    throw new TilewrightError("region", "an index has no bounds, and the extent of its dimension is not given");
  }
  const lo = size && !proveLe(int(0), ends.min, facts) ? simp(max(ends.min, int(0)), facts) : ends.min;
  const lengths = [simp(add(sub(ends.max, ends.min), int(1)), facts)];
  if (size && !proveLe(add(ends.max, int(1)), size, facts)) lengths.push(simp(sub(size, lo), facts));
  if (lo !== ends.min) lengths.push(simp(add(ends.max, int(1)), facts));
  let limit = Infinity;
  for (const x of lengths) limit = Math.min(limit, constantLimit(x, facts));
  const total = size && constInt(simp(size, facts));
  if (whole && total !== undefined && limit >= total) return whole;
  if (limit < 2 ** 31) return { min: lo, extent: int(Math.max(limit, 0)) };
  const extent = simp(
    lengths.reduce((a, b) => min(a, b)),
    facts,
  );
  return { min: lo, extent };
}

function readsMemory(e: Expr): boolean {
  let found = false;
  visitExpr(e, (x) => {
    if (x.kind === "load") found = true;
    return !found;
  });
  return found;
}

/**
 * A box around everything an access touches while `ranges` run. Extents are constant where a constant bound exists, so the box
 * may reach beyond the end of the buffer (never before its start, when `shape` is given).
 */
export function cover(
  index: readonly Expr[],
  ranges: ReadonlyMap<Var, Ranged>,
  facts: Facts,
  shape?: readonly Expr[],
): Range[] {
  const u = unfuse(index, ranges, withRanges(facts, ranges));
  return u.exprs.map((e, i) => coverDimension(e, shape?.[i], u, facts));
}

/**
 * The box an access touches, every element of it, while `ranges` run; undefined unless each dimension is affine, without
 * gaps, and has variables of its own.
 */
export function exact(index: readonly Expr[], ranges: ReadonlyMap<Var, Ranged>, facts: Facts): Range[] | undefined {
  for (const r of ranges.values())
    for (const v of ranges.keys()) if (dependsOn(r.min, v) || dependsOn(r.extent, v)) return undefined;
  const u = unfuse(index, ranges, withRanges(facts, ranges));
  const own = new Set(u.ranges.keys());
  const used = new Set<Var>();
  const out: Range[] = [];
  for (const e of u.exprs) {
    const taken = takeStairs(linOf(e), u.ranges, u.facts);
    const a = affineForm(taken?.rest ?? linOf(e), own);
    if (a === undefined) return undefined;
    for (const v of [...a.coefficients.keys(), ...(taken?.vars ?? [])]) {
      if (used.has(v)) return undefined;
      used.add(v);
    }
    const d = denseSpan(a, u.ranges, u.facts, taken?.stairs);
    const [lo, extent] = [d && emit(d.min), d && emit(d.span)];
    if (lo === undefined || extent === undefined) return undefined;
    out.push({ min: simp(lo, facts), extent: simp(extent, facts) });
  }
  return out;
}
function dependsOn(e: Expr, v: Var): boolean {
  if (e.kind === "var") return e === v;
  return e.kind === "op" ? e.args.some((a) => dependsOn(a, v)) : e.kind === "load";
}

/** The smallest box (dimension by dimension) around two boxes. */
export function union(a: readonly Range[], b: readonly Range[], facts: Facts): Range[] {
  return a.map((x, i) => {
    const y = b[i]!;
    if (x.min === y.min && x.extent === y.extent) return x;
    const lo = simp(min(x.min, y.min), facts);
    const length = (r: Range): Expr => simp(sub(add(r.min, r.extent), lo), facts);
    const extent = simp(max(length(x), length(y)), facts);
    const limit = constantLimit(extent, facts);
    return { min: lo, extent: limit < 2 ** 31 ? int(limit) : extent };
  });
}
