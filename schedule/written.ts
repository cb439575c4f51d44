/** What a block writes while some loops run, exactly. */
import { exactRegion, type Facts, prove, type Range, simplifyIndex } from "../src/arith/index.ts";
import {
  add,
  type Block,
  constInt,
  type Expr,
  type For,
  ge,
  int,
  isConst,
  mul,
  sub,
  substitute,
  type Var,
  variable,
  varsOf,
} from "../src/ir/index.ts";
import { conjuncts } from "./analysis.ts";
import { digitsApart } from "./digits.ts";
import { atLeastZero, type Form, sameTerms, split, touchesAny } from "./forms.ts";
import { factsIn } from "./tree.ts";

/** The values an axis takes: all of [min, min + extent) for which every condition holds. */
export interface Values extends Range {
  readonly conditions: readonly ((x: Expr) => Expr)[];
}
export interface Written {
  /** In the order of the block's axes. */
  readonly axes: readonly Values[];
  /** Conditions on the loops that stand still. */
  readonly outer: readonly Expr[];
}

/**
 * Whether a condition only says for which iterations of loops something is computed that is the same for all of them: no axis and no
 * other condition depends on those loops, and it holds for the first iteration.
 */
function holdsSomewhere(
  c: Expr,
  bindings: readonly Expr[],
  all: readonly Expr[],
  ranges: ReadonlyMap<Var, Range>,
  facts: Facts,
): boolean {
  const own = new Set([...varsOf(c)].filter((v) => ranges.has(v)));
  if (own.size === 0 || bindings.some((e) => touchesAny(e, own))) return false;
  if (all.some((x) => x !== c && touchesAny(x, own))) return false;
  const first = new Map([...own].map((v) => [v, ranges.get(v)!.min]));
  const runs = [...own].every((v) => prove(ge(ranges.get(v)!.extent, int(1)), facts));
  return runs && prove(substitute(c, first), facts);
}

/**
 * The values the axes of a block take while `loops` run and the others stand still: a box, or undefined where that isn't
 * certain. Axes that don't depend on the loops have one value.
 */
export function writtenBy(b: Block, loops: readonly For[], facts: Facts): Written | undefined {
  const ranges = new Map<Var, Range>(loops.map((l) => [l.var, { min: l.min, extent: l.extent }]));
  const inner = factsIn(loops, facts);
  let bindings = b.iters.map((it) => simplifyIndex(it.binding, inner));
  const outer: Expr[] = [];
  // a loop that no axis depends on has to run at all
  for (const l of loops) {
    const runs = ge(l.extent, int(1));
    if (!bindings.some((e) => varsOf(e).has(l.var)) && !prove(runs, facts)) outer.push(runs);
  }
  const later: { form: Form }[] = [];
  let free = new Set(ranges.keys());
  let known = inner;
  const whole = digitsApart(bindings, conjuncts(b.predicate), ranges, free, facts);
  if (whole) {
    bindings = whole.bindings;
    for (const [v, r] of whole.ranges) {
      ranges.set(v, r);
      known = known.withVar(v, r.min, r.extent);
    }
    free = new Set(ranges.keys());
  }
  const conjunctsLeft = whole?.conditions ?? conjuncts(b.predicate);
  for (const c of conjunctsLeft) {
    if (holdsSomewhere(c, bindings, conjunctsLeft, ranges, known)) continue;
    if (!touchesAny(c, free)) {
      outer.push(c);
      continue;
    }
    const form = atLeastZero(c);
    if (form === undefined) return undefined;
    const f = split(form, free, known);
    // the inner part of a split of a split: a digit of its own
    const bound = constInt(f.fixed);
    const at = bindings.findIndex((e) => {
      const whole = split(e, free, known).free;
      return whole.size > f.free.size && [...f.free].every(([t, k]) => whole.get(t) === -k);
    });
    if (at >= 0 && bound !== undefined && f.free.size > 1) {
      const whole = split(bindings[at]!, free, known);
      let digit: Expr = int(0);
      let rest: Expr = whole.fixed;
      for (const [t, k] of whole.free)
        if (f.free.has(t)) digit = add(digit, mul(t, int(k)));
        else rest = add(rest, mul(t, int(k)));
      const box = exactRegion([digit], ranges, facts);
      const span = box && constInt(box[0]!.extent);
      if (!box || !isConst(box[0]!.min, 0) || span === undefined) return undefined;
      const v = variable("digit");
      const range = { min: int(0), extent: int(Math.min(span, bound + 1)) };
      ranges.set(v, range);
      known = known.withVar(v, range.min, range.extent);
      free = new Set([...free, v]);
      bindings = bindings.map((e, i) => (i === at ? add(rest, v) : e));
      continue;
    }
    later.push({ form: f });
  }
  const box = exactRegion(bindings, ranges, facts);
  if (box === undefined) return undefined;
  const conditions = bindings.map((): ((x: Expr) => Expr)[] => []);
  for (const { form: f } of later) {
    const at = bindings.findIndex((e) => {
      const whole = split(e, free, known).free;
      return sameTerms(whole, f.free, 1) || sameTerms(whole, f.free, -1);
    });
    if (at < 0) return undefined;
    const whole = split(bindings[at]!, free, known);
    const up = sameTerms(whole.free, f.free, 1);
    // free terms + f.fixed >= 0, where free terms = +-(x - whole.fixed)
    conditions[at]!.push((x) => {
      const terms = sub(x, whole.fixed);
      return ge(add(f.fixed, up ? terms : sub(int(0), terms)), int(0));
    });
  }
  return { axes: box.map((r, i) => ({ ...r, conditions: conditions[i]! })), outer };
}
