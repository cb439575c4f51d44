/** Comparisons of index expressions, and logic, in canonical form. Operands are canonical already. */
import {
  add,
  and,
  constInt,
  type Expr,
  eq,
  FALSE,
  ge,
  isFloat,
  lt,
  ne,
  type OpName,
  op,
  or,
  TRUE,
} from "../ir/index.ts";
import { replaceAtom } from "./conditions.ts";
import { congruenceOfLin } from "./congruence.ts";
import type { Facts } from "./facts.ts";
import { proveGe0, recombine } from "./index-arith.ts";
import {
  compareExpr,
  emit,
  gcd,
  isConstant,
  isIndexTyped,
  type Lin,
  linDivide,
  linNeg,
  linOf,
  linPlus,
  linSub,
  num,
  sortedTerms,
} from "./linear.ts";

const isBool = (e: Expr, v: boolean): boolean => e === (v ? TRUE : FALSE);
const truth = (e: Expr, f: Facts): Expr => f.truths.get(e) ?? e;

/** `l >= 0` as a canonical condition; undefined where it has no i32 expression. */
export function nonNegative(l: Lin, f: Facts): Expr | undefined {
  let r = recombine(l, f);
  if (isConstant(r)) return r.constant >= 0 ? TRUE : FALSE;
  let g = 0;
  for (const k of r.terms.values()) g = gcd(g, k);
  r = linDivide(r, g);
  if (proveGe0(r, f)) return TRUE;
  if (proveGe0(linPlus(linNeg(r), -1), f)) return FALSE;
  const single = r.terms.size === 1 ? overQuotient(r) : undefined;
  if (single !== undefined) return nonNegative(single, f);
  return dropDecided(r, f) ?? asComparison(r, f);
}

/** a // c >= k is a >= k * c; a // c <= k is a < (k + 1) * c. */
function overQuotient(l: Lin): Lin | undefined {
  const [e, k] = [...l.terms][0]!;
  if (e.kind !== "op" || e.op !== "floordiv") return undefined;
  const c = constInt(e.args[1]!);
  if (c === undefined || c <= 0) return undefined;
  const a = linOf(e.args[0]!);
  return k > 0 ? linPlus(a, l.constant * c) : linPlus(linNeg(a), (l.constant + 1) * c - 1);
}

/** A bound by a minimum or maximum is two bounds; where one of them is decided, the other one remains. */
function dropDecided(l: Lin, f: Facts): Expr | undefined {
  for (const [e, k] of l.terms) {
    if (e.kind !== "op" || !isIndexTyped(e) || (e.op !== "min" && e.op !== "max")) continue;
    const both = (e.op === "min") === k > 0;
    const parts = e.args.map((a) => replaceAtom(l, e, linOf(a)));
    for (let i = 0; i < 2; i++) {
      if (proveGe0(parts[i]!, f)) return both ? nonNegative(parts[1 - i]!, f) : TRUE;
      if (proveGe0(linPlus(linNeg(parts[i]!), -1), f)) return both ? FALSE : nonNegative(parts[1 - i]!, f);
    }
  }
  return undefined;
}

const positivePart = (l: Lin): Lin => ({ terms: new Map([...l.terms].filter(([, k]) => k > 0)), constant: 0 });

/** Negative terms to the left, positive ones to the right: `io*6 + ii < n`; against a constant `i < 5` or `i >= 1`. */
function asComparison(l: Lin, f: Facts): Expr | undefined {
  const right = positivePart(l);
  const left = positivePart(linNeg(l));
  const c = l.constant;
  let made: Expr | undefined;
  const [x, y] = [emit(left), emit(right)];
  if (x === undefined || y === undefined || Math.abs(c) >= 2 ** 31 - 1) return undefined;
  if (left.terms.size === 0) made = ge(y, num(-c + 0));
  else if (right.terms.size === 0) made = lt(x, num(c + 1));
  else if (c + 1 >= 0) made = lt(x, c + 1 === 0 ? y : add(y, num(c + 1)));
  else made = lt(add(x, num(-c - 1)), y);
  return truth(made, f);
}

function equality(l: Lin, negated: boolean, f: Facts): Expr | undefined {
  const yes = negated ? FALSE : TRUE;
  const no = negated ? TRUE : FALSE;
  let r = recombine(l, f);
  if (isConstant(r)) return r.constant === 0 ? yes : no;
  let g = 0;
  for (const k of r.terms.values()) g = gcd(g, k);
  if (r.constant % g !== 0) return no;
  r = linDivide(r, g);
  const m = congruenceOfLin(r, f);
  if (m.modulus > 1 && m.remainder !== 0) return no;
  const below = proveGe0(linNeg(r), f);
  const above = proveGe0(r, f);
  if (below && above) return yes;
  if (proveGe0(linPlus(r, -1), f) || proveGe0(linPlus(linNeg(r), -1), f)) return no;
  // of the two ways round, the one that starts with the earlier term
  const [a, b] = [positivePart(r), positivePart(linNeg(r))];
  const first = (x: Lin): Expr | undefined => sortedTerms(x)[0]?.[0];
  const [fa, fb] = [first(a), first(b)];
  const swap = fa === undefined || (fb !== undefined && compareExpr(fb, fa) < 0);
  const [left, right] = swap ? [b, linPlus(a, r.constant)] : [a, linPlus(b, -r.constant)];
  const [x, y] = [emit(left), emit(right)];
  if (x === undefined || y === undefined) return undefined;
  const made = negated ? ne(x, y) : eq(x, y);
  const known = f.truths.get(made);
  if (known !== undefined) return known;
  const opposite = f.truths.get(negated ? eq(x, y) : ne(x, y));
  return opposite === undefined ? made : opposite === TRUE ? FALSE : TRUE;
}

/** A comparison of two i32 scalars. */
export function comparison(name: OpName, a: Expr, b: Expr, f: Facts): Expr | undefined {
  const d = linSub(linOf(b), linOf(a));
  switch (name) {
    case "lt":
      return nonNegative(linPlus(d, -1), f);
    case "le":
      return nonNegative(d, f);
    case "gt":
      return nonNegative(linPlus(linNeg(d), -1), f);
    case "ge":
      return nonNegative(linNeg(d), f);
    case "eq":
      return equality(linNeg(d), false, f);
    case "ne":
      return equality(linNeg(d), true, f);
    default:
      return undefined;
  }
}

// ---- logic

const INVERSE: { readonly [O in OpName]?: OpName } = { lt: "ge", ge: "lt", le: "gt", gt: "le", eq: "ne", ne: "eq" };

/**
 * The opposite of a bool scalar. Comparisons of integers become their inverse, in canonical form where `exact` says that
 * operands are index arithmetic; `and` and `or` change places.
 */
export function negation(e: Expr, f: Facts, exact: (a: Expr) => boolean): Expr {
  if (isBool(e, true)) return FALSE;
  if (isBool(e, false)) return TRUE;
  if (e.kind === "op") {
    const [a, b] = e.args as [Expr, Expr];
    if (e.op === "not") return a;
    const inverse = INVERSE[e.op];
    if (inverse !== undefined && isIndexTyped(a) && exact(e))
      return comparison(inverse, a, b, f) ?? op(inverse, [a, b]);
    if (inverse !== undefined && (!isFloat(a.dtype) || e.op === "eq" || e.op === "ne")) return op(inverse, [a, b]);
    if (e.op === "and" || e.op === "or")
      return logic(e.op === "and" ? "or" : "and", negation(a, f, exact), negation(b, f, exact), f);
  }
  return truth(op("not", [e]), f);
}

const partsOf = (name: "and" | "or", e: Expr, into: Set<Expr> = new Set()): Set<Expr> => {
  if (e.kind === "op" && e.op === name) for (const a of e.args) partsOf(name, a, into);
  else into.add(e);
  return into;
};

/** `and` or `or` of bool scalars: flat, sorted, without repetition. */
export function logic(name: "and" | "or", a: Expr, b: Expr, f: Facts): Expr {
  const parts = partsOf(name, a);
  partsOf(name, b, parts);
  const [unit, zero] = name === "and" ? [TRUE, FALSE] : [FALSE, TRUE];
  parts.delete(unit);
  if (parts.has(zero)) return zero;
  for (const x of parts) if (x.kind === "op" && x.op === "not" && parts.has(x.args[0]!)) return zero;
  if (parts.size === 0) return unit;
  const sorted = [...parts].sort(compareExpr);
  return truth(
    sorted.reduce((x, y) => (name === "and" ? and(x, y) : or(x, y))),
    f,
  );
}
