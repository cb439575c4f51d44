/** Conditions as linear inequalities: each form is meant as `form >= 0`, over exact integers. */
import type { Expr } from "../ir/index.ts";
import { isIndexTyped, type Lin, linAdd, linAtom, linNeg, linOf, linPlus, linSub } from "./linear.ts";

/** The parts of an `and`. */
export function conjuncts(c: Expr, into: Expr[] = []): Expr[] {
  if (c.kind === "op" && c.op === "and" && c.dtype === "bool") {
    conjuncts(c.args[0]!, into);
    conjuncts(c.args[1]!, into);
  } else into.push(c);
  return into;
}

/** Replaces one atom of a form by another form. */
export function replaceAtom(l: Lin, atom: Expr, by: Lin): Lin {
  const k = l.terms.get(atom) ?? 0;
  return linAdd(linAdd(l, linAtom(atom), -k), by, k);
}

/** Takes minima with positive and maxima with negative coefficient apart: x >= 0 for all of the results. */
export function splitMinMax(l: Lin, limit = 8): Lin[] {
  if (limit > 1)
    for (const [e, k] of l.terms)
      if (e.kind === "op" && isIndexTyped(e) && ((e.op === "min" && k > 0) || (e.op === "max" && k < 0)))
        return e.args.flatMap((a) => splitMinMax(replaceAtom(l, e, linOf(a)), limit / 2));
  return [l];
}

/** All forms that together are equivalent to a comparison of i32 scalars; undefined for anything else (`ne` included). */
export function comparisonForms(c: Expr): Lin[] | undefined {
  if (c.kind !== "op" || c.args.length !== 2 || !isIndexTyped(c.args[0]!)) return undefined;
  const a = linOf(c.args[0]!);
  const b = linOf(c.args[1]!);
  switch (c.op) {
    case "lt":
      return [linPlus(linSub(b, a), -1)];
    case "le":
      return [linSub(b, a)];
    case "gt":
      return [linPlus(linSub(a, b), -1)];
    case "ge":
      return [linSub(a, b)];
    case "eq": {
      const d = linSub(a, b);
      return [d, linNeg(d)];
    }
    default:
      return undefined;
  }
}
export const greaterEqualForms = (c: Expr): Lin[] | undefined => comparisonForms(c)?.flatMap((l) => splitMinMax(l));
