/** Symbolic bounds: variables eliminated from an expression, and conditions solved for a variable. */
import {
  constInt,
  type Expr,
  floordiv,
  floormod,
  int,
  max,
  min,
  type Op,
  op,
  sub,
  usesVar,
  type Var,
} from "../ir/index.ts";
import type { Ranged } from "./affine.ts";
import { boundsOf, intervalOf, isExact } from "./bounds.ts";
import { comparisonForms, conjuncts, splitMinMax } from "./conditions.ts";
import type { Facts } from "./facts.ts";
import { proveGe0, quotient, sum } from "./index-arith.ts";
import {
  emit,
  factorsOf,
  isIndexTyped,
  type Lin,
  linAdd,
  linAtom,
  linConst,
  linMul,
  linNeg,
  linOf,
  linPlus,
  linSub,
  monomial,
} from "./linear.ts";
import { simplifyNode } from "./simplify.ts";

export interface Ends {
  readonly min: Expr;
  readonly max: Expr;
}
type End = "min" | "max";
const other = (end: End): End => (end === "min" ? "max" : "min");

interface Context {
  readonly vars: ReadonlySet<Var>;
  readonly order: readonly Var[];
  readonly ranges: ReadonlyMap<Var, Ranged>;
  /** Facts with the ranges of the eliminated variables. */
  readonly inner: Facts;
  readonly memo: Map<Expr, { [E in End]?: Expr | null }>;
}

export function withRanges(facts: Facts, ranges: ReadonlyMap<Var, Ranged>): Facts {
  let f = facts;
  for (const [v, r] of ranges) f = f.withVar(v, r.min, r.extent);
  return f;
}
function contextOf(ranges: ReadonlyMap<Var, Ranged>, facts: Facts): Context {
  return {
    vars: new Set(ranges.keys()),
    order: [...ranges.keys()].reverse(),
    ranges,
    inner: withRanges(facts, ranges),
    memo: new Map(),
  };
}

export function symbolicEnds(e: Expr, ranges: ReadonlyMap<Var, Ranged>, facts: Facts): Ends | undefined {
  const c = contextOf(ranges, facts);
  const s = simplifyNode(e, c.inner, "index");
  const lo = endOf(s, "min", c);
  const hi = endOf(s, "max", c);
  return lo && hi && { min: simplifyNode(lo, facts, "index"), max: simplifyNode(hi, facts, "index") };
}

const mentions = (e: Expr, c: Context): boolean => usesVar(e, (v) => c.vars.has(v));

/** An expression without the eliminated variables that e is never below (above). */
function endOf(e: Expr, end: End, c: Context): Expr | undefined {
  if (!isIndexTyped(e)) return undefined;
  const slot = c.memo.get(e) ?? {};
  c.memo.set(e, slot);
  const old = slot[end];
  if (old !== undefined) return old ?? undefined;
  slot[end] = null;
  const l = linOf(e);
  const r = l.terms.has(e) ? atomEnd(e, end, c) : formEnd(l, end, c);
  slot[end] = r ?? null;
  return r;
}
const formEnd = (l: Lin, end: End, c: Context): Expr | undefined => {
  const r = endOfForm(l, end, c);
  return r && emit(r);
};

/** The same for a linear form: anything but variables first, then variable by variable, those bound last first. */
export function endOfForm(l: Lin, end: End, c: Context): Lin | undefined {
  let r = l;
  for (const [e, k] of l.terms) {
    for (const x of factorsOf(e)) {
      if (x.kind === "var" || !mentions(x, c)) continue;
      // a part that is no variable: the end that its coefficient asks for
      const others = factorsOf(e).filter((y) => y !== x);
      if (others.length > 0 && others.length !== factorsOf(e).length - 1) return undefined;
      const p = others.length === 0 ? linConst(k) : linAtom(monomial(others), k);
      const up = signOf(p, c);
      if (up === 0) return undefined;
      const b = endOf(x, up > 0 ? end : other(end), c);
      const m = b && linMul(p, linOf(b));
      if (m === undefined) return undefined;
      r = linAdd(linAdd(r, linAtom(e), -k), m);
      break;
    }
  }
  for (let round = 0; round < 2 * c.order.length + 2; round++) {
    const v = c.order.find((x) => [...r.terms.keys()].some((e) => factorsOf(e).includes(x)));
    if (v === undefined) break;
    const next = eliminate(r, v, end, c);
    if (next === undefined) return undefined;
    r = next;
  }
  for (const e of r.terms.keys()) if (mentions(e, c)) return undefined;
  return r;
}
/** 1: never negative, -1: never positive, 0: unknown. */
function signOf(p: Lin, c: Context): number {
  if (p.terms.size === 0) return p.constant >= 0 ? 1 : -1;
  const b = intervalOf(p, c.inner);
  if (b.min >= 0 || proveGe0(p, c.inner)) return 1;
  return b.max <= 0 || proveGe0(linNeg(p), c.inner) ? -1 : 0;
}
function eliminate(l: Lin, v: Var, end: End, c: Context): Lin | undefined {
  let p: Lin = linConst(0);
  let rest: Lin = linConst(l.constant);
  for (const [e, k] of l.terms) {
    const fs = factorsOf(e);
    const at = fs.indexOf(v);
    if (at < 0) rest = linAdd(rest, linAtom(e, k));
    else {
      const others = fs.filter((_, i) => i !== at);
      if (others.includes(v)) return undefined;
      p = linAdd(p, others.length === 0 ? linConst(k) : linAtom(monomial(others), k));
    }
  }
  const up = signOf(p, c);
  if (up === 0) return undefined;
  const r = c.inner.ranges.get(v)!;
  const ends = up > 0 === (end === "min") ? r.first : r.last;
  const m = linMul(p, ends);
  // the end of a range may itself be a minimum or maximum over variables that go as well
  return m && expandAtoms(linAdd(rest, m), end, c);
}
function expandAtoms(l: Lin, end: End, c: Context): Lin | undefined {
  let r = l;
  for (const [e, k] of l.terms) {
    if (factorsOf(e).every((x) => x.kind === "var" || !mentions(x, c))) continue;
    if (factorsOf(e).length > 1) return undefined;
    const b = endOf(e, k > 0 === (end === "min") ? "min" : "max", c);
    if (b === undefined) return undefined;
    r = linAdd(linAdd(r, linAtom(e), -k), linOf(b), k);
  }
  return r;
}

function atomEnd(e: Expr, end: End, c: Context): Expr | undefined {
  if (e.kind === "var" && c.vars.has(e)) return formEnd(linAtom(e), end, c);
  if (!mentions(e, c)) return e.kind === "load" ? undefined : e;
  const k = boundsOf(e, c.inner)[end];
  const constant = Number.isFinite(k) && Math.abs(k) < 2 ** 31 ? int(k) : undefined;
  if (e.kind !== "op") return constant;
  return opEnd(e, end, c, constant) ?? constant;
}

function opEnd(e: Op, end: End, c: Context, constant: Expr | undefined): Expr | undefined {
  const [a, b] = e.args as [Expr, Expr];
  switch (e.op) {
    case "min":
    case "max": {
      const [x, y] = [endOf(a, end, c), endOf(b, end, c)];
      if (x && y) return op(e.op, [x, y]);
      // one side alone is a bound from above for min, from below for max
      return (e.op === "min") === (end === "max") ? (x ?? y) : undefined;
    }
    case "select":
    case "where": {
      const [x, y] = [endOf(b, end, c), endOf(e.args[2]!, end, c)];
      return x && y && (end === "min" ? min(x, y) : max(x, y));
    }
    case "floordiv": {
      if (mentions(b, c) || boundsOf(b, c.inner).min < 1) return undefined;
      const x = endOf(a, end, c);
      return x && floordiv(x, b);
    }
    case "floormod": {
      if (mentions(b, c) || boundsOf(b, c.inner).min < 1) return undefined;
      return remainderEnd(a, b, end, c) ?? (end === "min" ? int(0) : smallest(sub(b, int(1)), constant, c));
    }
    default:
      return undefined;
  }
}
const smallest = (x: Expr, y: Expr | undefined, c: Context): Expr =>
  y === undefined ? x : simplifyNode(min(x, y), c.inner, "index");

/** a % b where all values of a have the same quotient: a - b * quotient. */
function remainderEnd(a: Expr, b: Expr, end: End, c: Context): Expr | undefined {
  const [lo, hi] = [endOf(a, "min", c), endOf(a, "max", c)];
  if (lo === undefined || hi === undefined) return undefined;
  const q1 = quotient(simplifyNode(lo, c.inner, "index"), b, c.inner);
  const q2 = quotient(simplifyNode(hi, c.inner, "index"), b, c.inner);
  if (q1 === undefined || q1 !== q2) return undefined;
  return floormod(end === "min" ? lo : hi, b);
}

// ---- solving conditions

export interface Solution {
  readonly min?: Expr;
  readonly max?: Expr;
}

/**
 * The interval of `v` in which a conjunction of comparisons certainly holds, whatever the variables in `inner` are.
 * Other variables stay symbolic. Undefined where it is no conjunction of comparisons linear in v, where a part without
 * v cannot be proved, and where its arithmetic may wrap around.
 */
export function solve(cond: Expr, v: Var, facts: Facts, inner: ReadonlyMap<Var, Ranged>): Solution | undefined {
  const c = contextOf(inner, facts);
  if (!isExact(cond, c.inner)) return undefined;
  const s = simplifyNode(cond, c.inner, "index");
  const lows: Expr[] = [];
  const highs: Expr[] = [];
  for (const part of conjuncts(s)) {
    if (constInt(part) === 1) continue;
    const forms = comparisonForms(part)?.flatMap((l) => splitMinMax(l));
    if (forms === undefined) return undefined;
    for (const l of forms) if (!solveForm(l, v, facts, c, lows, highs)) return undefined;
  }
  const fold = (list: Expr[], name: "min" | "max"): Expr | undefined =>
    list.length === 0
      ? undefined
      : simplifyNode(
          list.reduce((a, b) => op(name, [a, b])),
          facts,
          "index",
        );
  const lo = fold(lows, "max");
  const hi = fold(highs, "min");
  return { ...(lo ? { min: lo } : {}), ...(hi ? { max: hi } : {}) };
}

/** l >= 0 for all inner variables: the worst case, then solved for v. */
function solveForm(l: Lin, v: Var, facts: Facts, c: Context, lows: Expr[], highs: Expr[]): boolean {
  const worst = endOfForm(l, "min", c);
  if (worst === undefined) return false;
  for (const part of splitMinMax(worst)) {
    let p: Lin = linConst(0);
    let rest: Lin = linConst(part.constant);
    for (const [e, k] of part.terms) {
      const fs = factorsOf(e);
      const at = fs.indexOf(v);
      const others = fs.filter((_, i) => i !== at);
      if (others.some((x) => usesVar(x, (w) => w === v))) return false;
      if (at < 0) rest = linAdd(rest, linAtom(e, k));
      else p = linAdd(p, others.length === 0 ? linConst(k) : linAtom(monomial(others), k));
    }
    if (p.terms.size === 0 && p.constant === 0) {
      if (!proveGe0(rest, c.inner)) return false;
      continue;
    }
    const up = proveGe0(linPlus(p, -1), facts) ? 1 : proveGe0(linPlus(linNeg(p), -1), facts) ? -1 : 0;
    const size = emit(up >= 0 ? p : linNeg(p));
    if (up === 0 || size === undefined) return false;
    // p*v + rest >= 0: v >= ceil(-rest / p), or v <= floor(rest / -p)
    const top = up > 0 ? sum(linPlus(linSub(linOf(size), rest), -1), facts) : sum(rest, facts);
    if (top === undefined) return false;
    (up > 0 ? lows : highs).push(simplifyNode(floordiv(top, size), facts, "index"));
  }
  return true;
}
