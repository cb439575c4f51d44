/**
 * Constant bounds of integer expressions, and the proof that a linear form is not negative.
 *
 * Index arithmetic (i32 scalars) is exact here. `boundsOf` answers for any expression: intervals for atoms, linear forms for
 * sums, so that common terms cancel first. Doubles beyond 2^53 become infinite, so that rounding can never prove anything.
 */
import {
  bitsOf,
  constInt,
  type DType,
  type Expr,
  isFloat,
  isInteger,
  maxInt,
  minInt,
  type Op,
  usesVar,
} from "../ir/index.ts";
import { replaceAtom } from "./conditions.ts";
import { congruenceOf } from "./congruence.ts";
import type { Facts, Interval, VarRange } from "./facts.ts";
import {
  divideBounds,
  factorsOf,
  floorMod,
  gcd,
  isIndexTyped,
  isProduct,
  type Lin,
  linAdd,
  linAtom,
  linConst,
  linMul,
  linNeg,
  linOf,
  linPlus,
  linScale,
  linSub,
  monomial,
} from "./linear.ts";
import { relaxQuotient, relaxQuotientPair, sharesAtoms } from "./quotients.ts";
import { COMPARISONS, INDEX_OPS, LOGIC, WRAPPING } from "./wrapping.ts";

const ALL: Interval = { min: -Infinity, max: Infinity };
const BOOL: Interval = { min: 0, max: 1 };
const I32: Interval = { min: Number(minInt("i32")), max: Number(maxInt("i32")) };
const point = (n: number): Interval => ({ min: n, max: n });
const LIMIT = 2 ** 53;
const lowSafe = (n: number): number => (n >= -LIMIT ? Math.min(n, LIMIT) : -Infinity);
const highSafe = (n: number): number => (n <= LIMIT ? Math.max(n, -LIMIT) : Infinity);
const safe = (i: Interval): Interval => ({ min: lowSafe(i.min), max: highSafe(i.max) });
const times = (a: number, b: number): number => (a === 0 || b === 0 ? 0 : a * b);

function product(a: Interval, b: Interval): Interval {
  const c = [times(a.min, b.min), times(a.min, b.max), times(a.max, b.min), times(a.max, b.max)];
  return safe({ min: Math.min(...c), max: Math.max(...c) });
}
const union = (a: Interval, b: Interval): Interval => ({ min: Math.min(a.min, b.min), max: Math.max(a.max, b.max) });
const plus = (a: Interval, b: Interval): Interval => safe({ min: a.min + b.min, max: a.max + b.max });
const negate = (a: Interval): Interval => ({ min: -a.max, max: -a.min });

function ofDType(d: DType): Interval {
  if (d === "bool") return BOOL;
  if (!isInteger(d) || d === "i32" || d === "i64" || d === "u64") return d === "u64" ? { min: 0, max: Infinity } : ALL;
  return { min: Number(minInt(d)), max: Number(maxInt(d)) };
}

/** Bounds of any expression; infinite where nothing is known. */
export function boundsOf(e: Expr, f: Facts): Interval {
  const c = constInt(e);
  if (c !== undefined && Number.isSafeInteger(c)) return point(c + 0);
  if (c !== undefined) return ALL;
  const old = f.boundsMemo.get(e);
  if (old !== undefined) return old;
  let r: Interval;
  const l = linOf(e);
  if (isIndexTyped(e) && !l.terms.has(e)) r = rangeBounds(l, f);
  else r = atomBounds(e, f);
  const t = f.tight.get(e);
  if (t !== undefined) r = { min: Math.max(r.min, t.min), max: Math.min(r.max, t.max) };
  f.boundsMemo.set(e, r);
  return r;
}

function atomBounds(e: Expr, f: Facts): Interval {
  switch (e.kind) {
    case "var": {
      if (e.size) return { min: e.size.min, max: f.sizeLimits ? e.size.max : Infinity };
      const r = f.ranges.get(e);
      if (r === undefined) return ofDType(e.dtype);
      return { min: rangeBounds(r.first, f).min, max: rangeBounds(r.last, f).max };
    }
    case "op":
      return opBounds(e, f);
    case "broadcast":
      return boundsOf(e.value, f);
    case "ramp": {
      const b = boundsOf(e.base, f);
      return wrapped(e, union(b, plus(b, product(boundsOf(e.stride, f), point(e.lanes - 1)))));
    }
    case "shuffle":
      return e.vectors.map((v) => boundsOf(v, f)).reduce(union);
    case "const":
    case "load":
    case "reduce":
    case "call":
      return ofDType(e.dtype);
    default:
      return e satisfies never;
  }
}

/** An interval that may exceed what the dtype holds: then the operation may wrap, and nothing is known. i32 is exact. */
function wrapped(e: Expr, i: Interval): Interval {
  if (e.dtype === "i32") return i;
  const d = ofDType(e.dtype);
  return i.min >= d.min && i.max <= d.max && Number.isFinite(i.min) && Number.isFinite(i.max) ? i : d;
}

function opBounds(e: Op, f: Facts): Interval {
  if (isFloat(e.dtype)) return ALL;
  const arg = (i: number): Interval => boundsOf(e.args[i]!, f);
  /** Of an operand by what it is at run time, which may not be what exact arithmetic says. */
  const ran = (i: number): Interval => (isExact(e.args[i]!, f) ? arg(i) : I32);
  switch (e.op) {
    case "add":
      return wrapped(e, plus(arg(0), arg(1)));
    case "sub":
      return wrapped(e, plus(arg(0), negate(arg(1))));
    case "neg":
      return wrapped(e, negate(arg(0)));
    case "mul":
      if (isIndexTyped(e)) {
        const fs = factorsOf(e).map((x) => boundsOf(x, f));
        return fs.reduce(product);
      }
      return wrapped(e, product(arg(0), arg(1)));
    case "abs": {
      const a = arg(0);
      const hi = Math.max(Math.abs(a.min), Math.abs(a.max));
      return wrapped(e, { min: a.min > 0 ? a.min : a.max < 0 ? -a.max : 0, max: hi });
    }
    case "min": {
      const [a, b] = [arg(0), arg(1)];
      return { min: Math.min(a.min, b.min), max: Math.min(a.max, b.max) };
    }
    case "max": {
      const [a, b] = [arg(0), arg(1)];
      return { min: Math.max(a.min, b.min), max: Math.max(a.max, b.max) };
    }
    case "select":
    case "where":
      return union(arg(1), arg(2));
    case "floordiv":
    case "truncdiv":
      return wrapped(e, quotientBounds(arg(0), arg(1), e.op === "floordiv" ? Math.floor : Math.trunc));
    case "floormod":
      return floormodBounds(e, f);
    case "truncrem": {
      const [a, b] = [arg(0), arg(1)];
      const m = Math.max(Math.abs(b.min), Math.abs(b.max), 1) - 1;
      return { min: a.min >= 0 ? 0 : -Math.min(m, -a.min), max: a.max <= 0 ? 0 : Math.min(m, a.max) };
    }
    case "and": {
      if (e.dtype === "bool") return BOOL;
      const [a, b] = [ran(0), ran(1)];
      // a mask without the sign bit bounds the result, whatever the other operand is
      const highs = [a, b].filter((x) => x.min >= 0).map((x) => x.max);
      return highs.length > 0 ? { min: 0, max: Math.min(...highs) } : ofDType(e.dtype);
    }
    case "shr": {
      const k = constInt(e.args[1]!);
      const a = ran(0);
      if (k === undefined || k < 0 || k >= Math.min(bitsOf(e.dtype), 31) || a.min < 0) return ofDType(e.dtype);
      return { min: divideBounds(a.min, 2 ** k), max: divideBounds(a.max, 2 ** k) };
    }
    case "cast": {
      const from = e.args[0]!.dtype;
      const d = ofDType(e.dtype);
      if (isFloat(from)) return d;
      const a = ran(0);
      const full = isInteger(e.dtype) ? { min: Number(minInt(e.dtype)), max: Number(maxInt(e.dtype)) } : d;
      return e.dtype !== "bool" && a.min >= full.min && a.max <= full.max ? a : d;
    }
    default:
      return ofDType(e.dtype);
  }
}

function quotientBounds(a: Interval, b: Interval, round: (x: number) => number): Interval {
  const big = Math.max(Math.abs(a.min), Math.abs(a.max));
  if (b.max < 0) return quotientBounds(negate(a), negate(b), round);
  if (b.min < 0) return { min: -big, max: big };
  // x // 0 is 0
  const zero = b.min === 0;
  const lo = Math.max(b.min, 1);
  const q = (x: number, y: number): number =>
    y === Infinity ? (x < 0 && round === Math.floor ? -1 : 0) : Number.isFinite(x) ? round(x / y) : x;
  const c = [q(a.min, lo), q(a.max, lo), q(a.min, b.max), q(a.max, b.max), ...(zero ? [0] : [])];
  return { min: Math.min(...c), max: Math.max(...c) };
}

function floormodBounds(e: Op, f: Facts): Interval {
  const a = boundsOf(e.args[0]!, f);
  const b = boundsOf(e.args[1]!, f);
  const m = Math.max(Math.abs(b.min), Math.abs(b.max), 1) - 1;
  if (b.min < 0) return b.max <= 0 ? { min: -m, max: 0 } : { min: -m, max: m };
  const c = constInt(e.args[1]!);
  if (c !== undefined && c > 0) {
    if (divideBounds(a.min, c) === divideBounds(a.max, c) && Number.isFinite(a.min))
      return { min: floorMod(a.min, c), max: floorMod(a.max, c) };
    const k = congruenceOf(e.args[0]!, f);
    const g = gcd(k.modulus, c);
    if (g > 1) return { min: floorMod(k.remainder, g), max: c - g + floorMod(k.remainder, g) };
  }
  return { min: 0, max: a.min >= 0 ? Math.min(m, a.max) : m };
}

// ---- where exact and wrapping arithmetic agree

/**
 * Whether an expression is index arithmetic over variables with known ranges, in which no operation can leave i32, so that
 * exact and wrapping arithmetic agree. Without `fits`, symbolic sizes get the benefit of the doubt.
 */
export function indexPure(e: Expr, f: Facts, fits: boolean): boolean {
  if (e.kind === "const") return e.dtype === "i32" || e.dtype === "bool";
  if (e.kind === "var")
    return !e.mutable && (e.dtype === "bool" || (e.dtype === "i32" && (e.size !== undefined || f.ranges.has(e))));
  if (e.kind === "broadcast") return indexPure(e.value, f, fits);
  if (e.kind === "ramp") return inRange(e, f, fits) && indexPure(e.base, f, fits) && indexPure(e.stride, f, fits);
  if (e.kind !== "op") return false;
  const memo = fits ? f.fitsMemo : f.pureMemo;
  const old = memo.get(e);
  if (old !== undefined) return old;
  const logical = e.dtype === "bool" && (COMPARISONS.has(e.op) || LOGIC.has(e.op));
  const ok =
    (logical || (e.dtype === "i32" && INDEX_OPS.has(e.op))) &&
    e.args.every((a) => indexPure(a, f, fits)) &&
    (logical || inRange(e, f, fits));
  memo.set(e, ok);
  return ok;
}
/** Where sizes are symbolic, that index arithmetic in a condition does not overflow is a promise, not something to be proved. */
function inRange(e: Expr, f: Facts, fits: boolean): boolean {
  const b = boundsOf(e, f);
  if (b.min >= I32.min && b.max <= I32.max) return true;
  return !fits && usesVar(e, (v) => v.size !== undefined || f.ranges.get(v)?.constant === false);
}

/**
 * Whether what is proved of an expression (a condition, an index) as exact arithmetic holds at run time: every operation in it
 * that might wrap is index arithmetic, or has bounds within i32.
 */
export function isExact(e: Expr, f: Facts): boolean {
  if (e.kind === "broadcast") return isExact(e.value, f);
  if (e.kind === "ramp") return isExact(e.base, f) && isExact(e.stride, f);
  if (e.kind === "shuffle") return e.vectors.every((v) => isExact(v, f));
  // anything else is an atom to proofs, whatever it is computed from
  if (e.kind !== "op" || !(e.dtype === "bool" || (e.dtype === "i32" && INDEX_OPS.has(e.op)))) return true;
  const old = f.exactMemo.get(e);
  if (old !== undefined) return old;
  const ok =
    e.args.every((a) => isExact(a, f)) &&
    (e.dtype === "bool" || !WRAPPING.has(e.op) || indexPure(e, f, false) || inRange(e, f, true));
  f.exactMemo.set(e, ok);
  return ok;
}

// ---- linear forms

/** The sum of the intervals of the terms. */
export function intervalOf(l: Lin, f: Facts): Interval {
  let min = l.constant;
  let max = l.constant;
  for (const [e, k] of l.terms) {
    const b = boundsOf(e, f);
    min += k > 0 ? times(k, b.min) : times(k, b.max);
    max += k > 0 ? times(k, b.max) : times(k, b.min);
  }
  return safe({ min, max });
}

/** Bounds from the ranges of variables alone: what `boundsOf` uses, so that it never comes back to where it started. */
export function rangeBounds(l: Lin, f: Facts): Interval {
  if (l.terms.size === 0) return point(l.constant);
  const [low, high] = [relax(l, f, Infinity, { left: 24 }), relax(linNeg(l), f, Infinity, { left: 24 })];
  return { min: low, max: -high };
}

/** Bounds from ranges and conditions. */
export function boundsOfLin(l: Lin, f: Facts): Interval {
  if (l.terms.size === 0) return point(l.constant);
  return { min: lowerBound(l, f, Infinity), max: -lowerBound(linNeg(l), f, Infinity) };
}

/** A number that `l` is never below; stops as soon as it reaches `target`. */
export function lowerBound(l: Lin, f: Facts, target: number): number {
  let best = relax(l, f, target, { left: 24 });
  if (best >= target || l.terms.size === 0) return best;
  // without a goal to stop at, combinations of two conditions would cost more than they bring
  best = Math.max(best, viaConditions(l, f, target, target === Infinity ? 1 : 2));
  return best;
}
export const proveNonNegative = (l: Lin, f: Facts): boolean => lowerBound(l, f, 0) >= 0;

/** Subtracts a multiple of a known condition that cancels one of the terms: l >= l - k * condition. */
function viaConditions(l: Lin, f: Facts, target: number, depth: number): number {
  let best = -Infinity;
  for (const c of f.conditions) {
    const tried = new Set<number>();
    for (const [e, kc] of c.terms) {
      const kl = l.terms.get(e);
      if (kl === undefined || kl > 0 !== kc > 0) continue;
      const ratio = kl / kc;
      if (tried.has(ratio)) continue;
      tried.add(ratio);
      const g = gcd(kl, kc);
      const scale = Math.abs(kc) / g;
      const rest = linAdd(linScale(l, scale), c, -Math.abs(kl) / g);
      const goal = target * scale;
      let low = relax(rest, f, goal, { left: 12 });
      if (low < goal && depth > 1) low = Math.max(low, viaConditions(rest, f, goal, depth - 1));
      best = Math.max(best, -divideBounds(-low, scale));
      if (best >= target) return best;
    }
  }
  return best;
}

/**
 * Lower bound by rewriting the form into smaller ones with more in common: minima and maxima are taken apart, variables
 * with symbolic ranges replaced by the end of their range, quotients by what they round. The best bound seen counts.
 */
function relax(l: Lin, f: Facts, target: number, fuel: { left: number }): number {
  const b = intervalOf(l, f).min;
  if (b >= target || l.terms.size < 1 || fuel.left <= 0) return b;
  fuel.left--;
  for (const [e, k] of l.terms) {
    if (e.kind !== "op" || !isIndexTyped(e)) continue;
    if (e.op === "min" || e.op === "max") {
      const parts = e.args.map((a) => relax(replaceAtom(l, e, linOf(a)), f, target, fuel));
      // min(p, q) with a positive coefficient is one of p and q, so both bounds count; else either one will do
      return Math.max(b, (e.op === "min") === k > 0 ? Math.min(...parts) : Math.max(...parts));
    }
    if (e.op === "select" || e.op === "where") {
      const parts = e.args.slice(1).map((a) => relax(replaceAtom(l, e, linOf(a)), f, target, fuel));
      return Math.max(b, Math.min(...parts));
    }
  }
  const pair = relaxQuotientPair(l);
  if (pair !== undefined) return Math.max(b, relax(pair, f, target, fuel));
  const v = innermost(l, f);
  if (v !== undefined) {
    const r = eliminate(l, v, f);
    if (r !== undefined) return Math.max(b, relax(r, f, target, fuel));
  }
  for (const [e, k] of l.terms) {
    const r = relaxQuotient(l, e, k) ?? relaxSymbolicQuotient(l, e, k, f);
    if (r !== undefined) {
      const low = relax(r.form, f, target * r.scale, fuel);
      return Math.max(b, -divideBounds(-low, r.scale));
    }
  }
  return b;
}

const sizeRanges = new WeakMap<Expr, VarRange>();
function rangeOf(v: Expr, f: Facts): VarRange | undefined {
  if (v.kind !== "var") return undefined;
  const r = f.ranges.get(v);
  if (r !== undefined || v.size === undefined) return r;
  let s = sizeRanges.get(v);
  if (s === undefined) {
    const { min, max } = v.size;
    s = { var: v, min: v, extent: v, first: linConst(min), last: linConst(max), constant: true, order: -1 };
    sizeRanges.set(v, s);
  }
  return s;
}
/**
 * The variable bound last among those worth eliminating. A constant range alone is what the intervals already use; in a
 * product it still helps, for i * n <= 5 * n.
 */
function innermost(l: Lin, f: Facts): VarRange | undefined {
  let best = undefined as VarRange | undefined;
  const consider = (x: Expr, plain: boolean): void => {
    const r = rangeOf(x, f);
    if (r !== undefined && !(r.constant && plain) && (best === undefined || r.order > best.order)) best = r;
  };
  for (const e of l.terms.keys()) {
    if (e.kind === "var") consider(e, true);
    else if (isProduct(e)) for (const x of factorsOf(e)) consider(x, false);
  }
  return best;
}

/** l = v * p + rest with p of one sign: v goes to the end of its range where l is smallest. */
function eliminate(l: Lin, r: VarRange, f: Facts): Lin | undefined {
  const v = r.var;
  let p: Lin = linConst(0);
  const other = new Map<Expr, number>();
  for (const [e, k] of l.terms) {
    if (e === v) p = linPlus(p, k);
    else if (!isProduct(e) || !factorsOf(e).includes(v)) other.set(e, k);
    else {
      const fs = factorsOf(e);
      const at = fs.indexOf(v);
      const others = fs.filter((_, i) => i !== at);
      if (others.includes(v)) return undefined;
      p = linAdd(p, linAtom(monomial(others), k));
    }
  }
  const rest: Lin = { terms: other, constant: l.constant };
  const s = p.terms.size === 0 ? point(p.constant) : intervalOf(p, f);
  const end = s.min >= 0 ? r.first : s.max <= 0 ? r.last : undefined;
  if (end === undefined || (r.order < 0 && end === r.last && !f.sizeLimits)) return undefined;
  const m = linMul(p, end);
  return m && linAdd(rest, m);
}

function relaxSymbolicQuotient(l: Lin, e: Expr, k: number, f: Facts): { form: Lin; scale: number } | undefined {
  const fs = factorsOf(e);
  if (fs.length < 2) return undefined;
  for (const q of fs) {
    if (q.kind !== "op" || q.op !== "floordiv") continue;
    const d = q.args[1]!;
    const others = fs.filter((x) => x !== q && x !== d);
    if (others.length !== fs.length - 2 || others.length > 0 || boundsOf(d, f).min < 1) continue;
    const a = linOf(q.args[0]!);
    if (!sharesAtoms(l, a, e)) continue;
    const bound = k < 0 ? a : linPlus(linSub(a, linOf(d)), 1);
    return { form: replaceAtom(l, e, bound), scale: 1 };
  }
  return undefined;
}
