/**
 * Canonical index arithmetic: sums, quotients, remainders, minima and maxima of operands that are canonical already.
 * Integers are exact. Where a number would not fit in i32 the plain operation is kept.
 */
import { constInt, type Expr, floordiv, floormod, max, min, type Op, op } from "../ir/index.ts";
import { boundsOf, boundsOfLin, proveNonNegative } from "./bounds.ts";
import { splitMinMax } from "./conditions.ts";
import { congruenceOf, congruenceOfLin } from "./congruence.ts";
import type { Facts } from "./facts.ts";
import {
  compareExpr,
  emit,
  factorsOf,
  floorMod,
  gcd,
  isConstant,
  type Lin,
  linAdd,
  linAtom,
  linConst,
  linEquals,
  linMul,
  linNeg,
  linOf,
  linPlus,
  linScale,
  linSub,
  monomial,
  num,
} from "./linear.ts";

const FITS = 2 ** 31;

export const proveGe0 = (l: Lin, f: Facts): boolean => splitMinMax(l).every((x) => proveNonNegative(x, f));
export const proveLe = (a: Expr, b: Expr, f: Facts): boolean => proveGe0(linSub(linOf(b), linOf(a)), f);

// ---- sums

/** The canonical expression of a form whose atoms are canonical. */
export function sum(l: Lin, f: Facts): Expr | undefined {
  return emit(recombine(l, f));
}

/** Quotients and remainders that belong together become what they were taken from; atoms of one possible value, that value. */
export function recombine(l: Lin, f: Facts): Lin {
  let r = l;
  for (const [e, k] of l.terms) {
    if (r.terms.get(e) !== k || e.kind !== "op") continue;
    const c = e.args.length === 2 ? constInt(e.args[1]!) : undefined;
    if (e.op === "floordiv" && c !== undefined && c > 0 && k % c === 0) {
      const g = congruenceOf(e.args[0]!, f);
      if (g.modulus % c === 0) {
        const exact = linPlus(linOf(e.args[0]!), -floorMod(g.remainder, c));
        r = linAdd(linAdd(r, linAtom(e), -k), exact, k / c);
      }
    } else if (e.op === "floormod") {
      r = (c !== undefined && c > 0 ? joinRemainder(r, e, k, c, f) : joinSymbolic(r, e, k)) ?? r;
    }
  }
  return r;
}

/** k * (a % c) + k * c * (b // c) with a and b equal modulo c: k * b (and what a differs by). */
function joinRemainder(l: Lin, e: Op, k: number, c: number, f: Facts): Lin | undefined {
  const a = linOf(e.args[0]!);
  for (const [q, kq] of l.terms) {
    if (kq !== k * c || q.kind !== "op" || q.op !== "floordiv" || constInt(q.args[1]!) !== c) continue;
    const b = linOf(q.args[0]!);
    const d = linSub(a, b);
    if (d.constant % c === 0 && [...d.terms.values()].every((x) => x % c === 0))
      return linAdd(linAdd(linAdd(l, linAtom(e), -k), linAtom(q), -kq), b, k);
  }
  const quotient = divideForm(a, c, f);
  if (quotient === undefined || quotient.terms.size !== 1) return undefined;
  const [q, kq] = [...quotient.terms][0]!;
  if (kq !== 1 || l.terms.get(q) !== k * c) return undefined;
  return linAdd(linAdd(linAdd(l, linAtom(e), -k), quotient, -k * c), a, k);
}
/** (a // n) * n + a % n, with a symbolic n. */
function joinSymbolic(l: Lin, e: Op, k: number): Lin | undefined {
  const [a, n] = e.args as [Expr, Expr];
  const m = linMul(linAtom(floordiv(a, n)), linOf(n));
  if (m === undefined || m.terms.size !== 1 || m.constant !== 0) return undefined;
  const [p, kp] = [...m.terms][0]!;
  if (l.terms.get(p) !== k * kp) return undefined;
  return linAdd(linAdd(linAdd(l, linAtom(e), -k), m, -k), linOf(a), k);
}

export function product(a: Expr, b: Expr, f: Facts): Expr | undefined {
  const m = linMul(linOf(a), linOf(b));
  if (m !== undefined) return sum(m, f);
  return monomial([...factorsOf(a), ...factorsOf(b)]);
}

// ---- quotients

/** The parts of a form: with coefficients that g divides (divided by it), and the rest with the constant. */
function partition(l: Lin, g: number): { multiple: Lin; rest: Lin } {
  const m = new Map<Expr, number>();
  const r = new Map<Expr, number>();
  for (const [e, k] of l.terms) {
    if (k % g === 0) m.set(e, k / g);
    else r.set(e, k);
  }
  return { multiple: { terms: m, constant: 0 }, rest: { terms: r, constant: l.constant } };
}
/** The one value of floor(l / c), where the bounds leave only one. */
function onlyQuotient(l: Lin, c: number, f: Facts): number | undefined {
  const b = boundsOfLin(l, f);
  if (!Number.isFinite(b.min) || !Number.isFinite(b.max)) return undefined;
  const q = Math.floor(b.min / c);
  return q === Math.floor(b.max / c) ? q + 0 : undefined;
}
/** Divisors of c that some coefficients share, largest first. */
function commonDivisors(l: Lin, c: number): number[] {
  const s = new Set<number>();
  for (const k of l.terms.values()) {
    const g = gcd(k, c);
    if (g > 1) s.add(g);
  }
  return [...s].sort((a, b) => b - a);
}

/** floor(l / c), c > 0, as a form; undefined where it has no i32 expression. */
export function divideForm(l: Lin, c: number, f: Facts): Lin | undefined {
  if (c === 1) return l;
  const { multiple, rest } = partition(l, c);
  const whole = linPlus(multiple, Math.floor(rest.constant / c));
  let r: Lin = { terms: rest.terms, constant: floorMod(rest.constant, c) };
  if (isConstant(r)) return whole;
  const only = onlyQuotient(r, c, f);
  if (only !== undefined) return linPlus(whole, only);
  for (const g of commonDivisors(r, c)) {
    const { multiple: m, rest: s } = partition(r, g);
    const t = onlyQuotient(s, g, f);
    if (t === undefined) continue;
    const inner = divideForm(linPlus(m, t), c / g, f);
    return inner && linAdd(whole, inner);
  }
  r = dropRemainder(r, c, f);
  const [e, k] = [...r.terms][0]!;
  const inner = r.terms.size === 1 && k === 1 && e.kind === "op" ? constInt(e.args[1] ?? e) : undefined;
  if (inner !== undefined && e.kind === "op" && inner > 0) {
    // (x // a + b) // c is (x + a * b) // (a * c)
    if (e.op === "floordiv" && inner * c < FITS) {
      const nested = divideForm(linPlus(linOf(e.args[0]!), r.constant * inner), inner * c, f);
      return nested && linAdd(whole, nested);
    }
    // (x % (a * c)) // c is (x // c) % a
    if (e.op === "floormod" && r.constant === 0 && inner % c === 0) {
      const q = divideForm(linOf(e.args[0]!), c, f);
      const m = q && remainderForm(q, inner / c, f);
      return m && linAdd(whole, m);
    }
  }
  const x = emit(r);
  return x && linAdd(whole, linAtom(floordiv(x, num(c))));
}
/** Rounds the constant down to what can make a difference: (n + 3) // 4 is n // 4 where 4 divides n. */
function dropRemainder(l: Lin, c: number, f: Facts): Lin {
  const k = congruenceOfLin({ terms: l.terms, constant: 0 }, f);
  const g = gcd(k.modulus, c);
  return g > 1 ? linPlus(l, -floorMod(k.remainder + l.constant, g)) : l;
}

/** l mod c, c > 0. */
export function remainderForm(l: Lin, c: number, f: Facts): Lin | undefined {
  if (c === 1) return linConst(0);
  let r = reduceCoefficients(l, c);
  for (const [e, k] of r.terms) {
    // (x % (a * c)) % c is x % c
    if (e.kind !== "op" || e.op !== "floormod") continue;
    const m = constInt(e.args[1]!);
    if (m !== undefined && m > 0 && (m * k) % c === 0)
      return remainderForm(linAdd(linAdd(r, linAtom(e), -k), linOf(e.args[0]!), k), c, f);
  }
  if (isConstant(r)) return r;
  const only = onlyQuotient(r, c, f);
  if (only !== undefined) return linPlus(r, -c * only);
  const k = congruenceOfLin({ terms: r.terms, constant: 0 }, f);
  if (k.modulus % c === 0) return linConst(floorMod(k.remainder + r.constant, c));
  for (const g of commonDivisors(r, c)) {
    const { multiple: m, rest: s } = partition(r, g);
    const t = onlyQuotient(s, g, f);
    if (t === undefined) continue;
    const inner = remainderForm(linPlus(m, t), c / g, f);
    return inner && linAdd(linPlus(s, -g * t), inner, g);
  }
  if (boundsOfLin(r, f).min < 0 && [...r.terms.values()].some((x) => x < 0 && -x * 2 > c)) r = nonNegative(r, c);
  const x = emit(r);
  return x && linAtom(floormod(x, num(c)));
}
function reduceCoefficients(l: Lin, c: number): Lin {
  const terms = new Map<Expr, number>();
  for (const [e, k] of l.terms) if (k % c !== 0) terms.set(e, k % c);
  return { terms, constant: floorMod(l.constant, c) };
}
function nonNegative(l: Lin, c: number): Lin {
  const terms = new Map<Expr, number>();
  for (const [e, k] of l.terms) terms.set(e, floorMod(k, c));
  return { terms, constant: l.constant };
}

/** What of l is a multiple of the symbolic divisor d (in units of d), and the rest. */
function splitBySymbol(l: Lin, d: Lin): { multiple: Lin; rest: Lin } {
  if (d.terms.size !== 1 || d.constant !== 0) {
    // a sum as divisor: only the form itself and its multiples
    const [e, k] = [...d.terms][0]!;
    const n = (l.terms.get(e) ?? 0) / k;
    const rest = linAdd(l, d, -n);
    if (n !== 0 && Number.isInteger(n) && rest.terms.size < l.terms.size) return { multiple: linConst(n), rest };
    return { multiple: linConst(0), rest: l };
  }
  const [e, k] = [...d.terms][0]!;
  const want = factorsOf(e);
  let multiple = linConst(0);
  let rest = linConst(l.constant);
  for (const [x, kx] of l.terms) {
    const left = [...factorsOf(x)];
    const has =
      kx % k === 0 &&
      want.every((w) => {
        const at = left.indexOf(w);
        if (at >= 0) left.splice(at, 1);
        return at >= 0;
      });
    if (!has) rest = linAdd(rest, linAtom(x, kx));
    else multiple = linAdd(multiple, left.length === 0 ? linConst(kx / k) : linAtom(monomial(left), kx / k));
  }
  return { multiple, rest };
}

export function quotient(a: Expr, b: Expr, f: Facts): Expr | undefined {
  const c = constInt(b);
  const l = linOf(a);
  if (c !== undefined) {
    if (c === 0) return num(0);
    if (c <= -FITS) return undefined;
    const q = c > 0 ? divideForm(l, c, f) : divideForm(linNeg(l), -c, f);
    return q && sum(q, f);
  }
  if (boundsOf(b, f).min < 1) return linEquals(l, linConst(0)) ? num(0) : undefined;
  const d = linOf(b);
  const { multiple, rest } = splitBySymbol(l, d);
  if (linEquals(rest, linConst(0)) || (proveGe0(rest, f) && proveGe0(linPlus(linSub(d, rest), -1), f)))
    return sum(multiple, f);
  // a remainder in [-b, 0) rounds to -1
  if (proveGe0(linPlus(linNeg(rest), -1), f) && proveGe0(linAdd(rest, d), f)) return sum(linPlus(multiple, -1), f);
  const x = isConstant(multiple) && multiple.constant === 0 ? a : emit(rest);
  return x && sum(linAdd(multiple, linAtom(floordiv(x, b))), f);
}

export function remainder(a: Expr, b: Expr, f: Facts): Expr | undefined {
  const c = constInt(b);
  const l = linOf(a);
  if (c !== undefined) {
    if (c === 0) return num(0);
    if (c <= -FITS) return undefined;
    if (c > 0) {
      const r = remainderForm(l, c, f);
      return r && sum(r, f);
    }
    const r = remainderForm(linNeg(l), -c, f);
    return r && sum(linNeg(r), f);
  }
  if (boundsOf(b, f).min < 1) return linEquals(l, linConst(0)) ? num(0) : undefined;
  const d = linOf(b);
  const { rest } = splitBySymbol(l, d);
  if (proveGe0(rest, f) && proveGe0(linPlus(linSub(d, rest), -1), f)) return sum(rest, f);
  if (proveGe0(linPlus(linNeg(rest), -1), f) && proveGe0(linAdd(rest, d), f)) return sum(linAdd(rest, d), f);
  const x = emit(rest);
  return x && floormod(x, b);
}

// ---- minima and maxima

const listOf = (name: "min" | "max", e: Expr, into: Expr[] = []): Expr[] => {
  if (e.kind === "op" && e.op === name) for (const a of e.args) listOf(name, a, into);
  else into.push(e);
  return into;
};
/** One of equals is kept, and none that another one makes irrelevant; constants last. */
export function extremum(name: "min" | "max", a: Expr, b: Expr, f: Facts): Expr {
  const all = [...new Set([...listOf(name, a), ...listOf(name, b)])];
  const beats = (x: Expr, y: Expr): boolean => (name === "min" ? proveLe(x, y, f) : proveLe(y, x, f));
  // whole operands first: of min(x, y) and min(x, y) + 1 no part alone makes another one irrelevant
  if (all.length > 2) {
    if (beats(a, b)) return a;
    if (beats(b, a)) return b;
  }
  const kept: Expr[] = [];
  for (const x of all) {
    if (kept.some((y) => beats(y, x))) continue;
    for (let i = kept.length - 1; i >= 0; i--) if (beats(x, kept[i]!)) kept.splice(i, 1);
    kept.push(x);
  }
  kept.sort(compareExpr);
  return kept.reduce((x, y) => (name === "min" ? min(x, y) : max(x, y)));
}

/** A node in index mode over canonical operands. */
export function indexOp(e: Op, args: readonly Expr[], f: Facts): Expr | undefined {
  const [a, b] = args as [Expr, Expr];
  switch (e.op) {
    case "add":
      return sum(linAdd(linOf(a), linOf(b)), f);
    case "sub":
      return sum(linSub(linOf(a), linOf(b)), f);
    case "neg":
      return sum(linNeg(linOf(a)), f);
    case "mul":
      return product(a, b, f);
    case "floordiv":
      return quotient(a, b, f);
    case "floormod":
      return remainder(a, b, f);
    case "min":
    case "max":
      return extremum(e.op, a, b, f);
    case "abs": {
      const r = boundsOf(a, f);
      return r.min >= 0 ? a : r.max <= 0 ? sum(linScale(linOf(a), -1), f) : op("abs", [a]);
    }
    case "truncdiv":
      return boundsOf(a, f).min >= 0 && boundsOf(b, f).min >= 0 ? quotient(a, b, f) : undefined;
    case "truncrem":
      return boundsOf(a, f).min >= 0 && boundsOf(b, f).min >= 0 ? remainder(a, b, f) : undefined;
    default:
      return undefined;
  }
}
