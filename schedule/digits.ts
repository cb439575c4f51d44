/**
 * Loops that were fused and split again: axes that are the digits of one number, as in `h = p // 7, w = p % 7` with
 * `p = po * 4 + pi`. If the number runs through all of [0, n), the digits run through a box.
 */
import { exactRegion, type Facts, prove, type Range, simplifyIndex } from "../src/arith/index.ts";
import {
  add,
  constInt,
  type Expr,
  floordiv,
  floormod,
  int,
  isConst,
  le,
  sub,
  type Var,
  variable,
} from "../src/ir/index.ts";
import { atLeastZero, sameTerms, split, touchesAny } from "./forms.ts";

/** One axis as (number // divisor) % modulus; the most significant one has no modulus. */
interface Digit {
  readonly at: number;
  readonly number: Expr;
  readonly divisor: number;
  readonly modulus: number | undefined;
}
export interface Apart {
  /** With a variable of its own for each digit. */
  readonly bindings: Expr[];
  readonly ranges: ReadonlyMap<Var, Range>;
  /** Those that did not go into the ranges. */
  readonly conditions: readonly Expr[];
}

function digit(e: Expr, at: number): Digit | undefined {
  const by = (x: Expr, op: "floordiv" | "floormod"): [Expr, number] | undefined => {
    const n = x.kind === "op" && x.op === op ? constInt(x.args[1]!) : undefined;
    return n !== undefined && n > 0 && x.kind === "op" ? [x.args[0]!, n] : undefined;
  };
  const mod = by(e, "floormod");
  const div = by(mod ? mod[0] : e, "floordiv");
  if (!mod && !div) return undefined;
  return { at, number: (div ?? mod)![0], divisor: div?.[1] ?? 1, modulus: mod?.[1] };
}

/** The digits of each number, least significant first, where each begins where the one before ends. */
function numbers(bindings: readonly Expr[], free: ReadonlySet<Var>): Digit[][] {
  const groups = new Map<Expr, Digit[]>();
  const last: Digit[] = [];
  bindings.forEach((e, at) => {
    const d = digit(e, at);
    if (d === undefined || !touchesAny(d.number, free)) return;
    if (d.divisor === 1) last.push(d);
    else groups.set(d.number, [...(groups.get(d.number) ?? []), d]);
  });
  return [...groups].flatMap(([number, list]) => {
    list.sort((a, b) => a.divisor - b.divisor);
    const first = list[0]!.divisor;
    // the last digit may be written with a smaller number: (8 * o + l) % 7 is (o + l) % 7
    const same = (x: Expr): boolean => isConst(simplifyIndex(floormod(sub(number, x), int(first))), 0);
    const one = last.find((d) => d.modulus === first && same(d.number));
    if (one === undefined) return [];
    const all = [{ ...one, number }, ...list];
    let next = 1;
    for (const d of all) {
      if (d.divisor !== next || (d.modulus === undefined) !== (d === all.at(-1))) return [];
      next *= d.modulus ?? 1;
    }
    return [all];
  });
}

/** The numbers of which some of these axes are all the digits: the axes tell apart what the numbers tell apart. */
export const numbersIn = (bindings: readonly Expr[], free: ReadonlySet<Var>): Expr[] =>
  numbers(bindings, free).map(([d]) => d!.number);

/** Replaces digits by variables of their own; undefined where there are none, or where they make no box. */
export function digitsApart(
  bindings: readonly Expr[],
  conditions: readonly Expr[],
  ranges: ReadonlyMap<Var, Range>,
  free: ReadonlySet<Var>,
  facts: Facts,
): Apart | undefined {
  const made = new Map<Var, Range>();
  const out = [...bindings];
  let left = conditions;
  for (const list of numbers(bindings, free)) {
    const { number } = list[0]!;
    const own = new Set([...free].filter((v) => touchesAny(number, new Set([v]))));
    const others = bindings.filter((_, at) => list.every((d) => d.at !== at));
    const box = exactRegion([number], ranges, facts)?.[0];
    if (!box || !isConst(box.min, 0) || others.some((e) => touchesAny(e, own))) continue;
    const form = split(number, free, facts);
    let count: Expr = box.extent;
    const spent = left.filter((c) => {
      const bound = atLeastZero(c);
      const f = bound && touchesAny(c, own) ? split(bound, free, facts) : undefined;
      if (!f || !sameTerms(form.free, f.free, -1)) return false;
      // number < n, where n = fixed parts + 1
      const n = simplifyIndex(add(add(f.fixed, form.fixed), int(1)), facts);
      if (!prove(le(n, count), facts)) return false;
      count = n;
      return true;
    });
    const rest = left.filter((c) => !spent.includes(c));
    const top = list.at(-1)!.divisor;
    if (rest.some((c) => touchesAny(c, own)) || !isConst(simplifyIndex(floormod(count, int(top)), facts), 0)) continue;
    left = rest;
    for (const d of list) {
      const v = variable("digit");
      const extent = d.modulus === undefined ? simplifyIndex(floordiv(count, int(top)), facts) : int(d.modulus);
      made.set(v, { min: int(0), extent });
      out[d.at] = v;
    }
  }
  return made.size > 0 ? { bindings: out, ranges: made, conditions: left } : undefined;
}
