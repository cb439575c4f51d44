/** Expressions as sums of variables times coefficients, and the inverse of index maps of split and fuse shape. */
import {
  add,
  constInt,
  type Expr,
  floordiv,
  floormod,
  int,
  min,
  sub,
  substitute,
  usesVar,
  type Var,
  variable,
  withChildren,
} from "../ir/index.ts";
import { boundsOf } from "./bounds.ts";
import type { Facts } from "./facts.ts";
import { proveGe0, proveLe } from "./index-arith.ts";
import {
  emit,
  factorsOf,
  type Lin,
  linAdd,
  linAtom,
  linConst,
  linMul,
  linOf,
  linPlus,
  linScale,
  linSub,
  monomial,
} from "./linear.ts";
import { simplifyNode } from "./simplify.ts";

export interface Affine {
  readonly coefficients: ReadonlyMap<Var, Expr>;
  readonly rest: Expr;
}
export interface AffineForm {
  readonly coefficients: ReadonlyMap<Var, Lin>;
  readonly rest: Lin;
}

/** Splits a form by variables; undefined where one of them occurs in anything but a product with other things. */
export function affineForm(l: Lin, vars: ReadonlySet<Var>): AffineForm | undefined {
  const coefficients = new Map<Var, Lin>();
  let rest: Lin = linConst(l.constant);
  const inVars = (x: Expr): boolean => x.kind === "var" && vars.has(x);
  for (const [e, k] of l.terms) {
    const fs = factorsOf(e);
    const own = fs.filter(inVars);
    const others = fs.filter((x) => !inVars(x));
    if (own.length > 1 || others.some((x) => usesVar(x, (v) => vars.has(v)))) return undefined;
    if (own.length === 0) {
      rest = linAdd(rest, linAtom(e, k));
      continue;
    }
    const v = own[0] as Var;
    const c = others.length === 0 ? linConst(k) : linAtom(monomial(others), k);
    coefficients.set(v, linAdd(coefficients.get(v) ?? linConst(0), c));
  }
  return { coefficients, rest };
}

export function affineOf(e: Expr, vars: ReadonlySet<Var>, f: Facts): Affine | undefined {
  if (e.dtype !== "i32" || e.lanes !== 1) return undefined;
  const a = affineForm(linOf(simplifyNode(e, f, "index")), vars);
  if (a === undefined) return undefined;
  const rest = emit(a.rest);
  const coefficients = new Map<Var, Expr>();
  for (const [v, l] of a.coefficients) {
    const c = emit(l);
    if (c === undefined) return undefined;
    coefficients.set(v, c);
  }
  return rest && { coefficients, rest };
}

export interface Ranged {
  readonly min: Expr;
  readonly extent: Expr;
}
/**
 * Where a variable f occurs as f // c and f % c, it is really two: f = fo * c + fi. Splits such variables (with extents that
 * c divides) into fresh ones until the expressions are affine. The result maps each split variable to its parts.
 */
export function unfuse(
  exprs: readonly Expr[],
  ranges: ReadonlyMap<Var, Ranged>,
  facts: Facts,
): { exprs: Expr[]; ranges: Map<Var, Ranged>; parts: Map<Var, Expr>; facts: Facts } {
  let out = exprs.map((e) => simplifyNode(e, facts, "index"));
  const all = new Map(ranges);
  const parts = new Map<Var, Expr>();
  let f = facts;
  for (let round = 0; round < 8; round++) {
    const found = findFused(out, all, f);
    if (found === undefined) break;
    const { v, c } = found;
    const { extent } = all.get(v)!;
    const outer = simplifyNode(floordiv(extent, int(c)), f, "index");
    const fo = variable(`${v.name}o`);
    const fi = variable(`${v.name}i`);
    all.delete(v);
    all.set(fo, { min: int(0), extent: outer });
    all.set(fi, { min: int(0), extent: int(c) });
    f = f.withVar(fo, int(0), outer).withVar(fi, int(0), int(c));
    const whole = emit(linAdd(linAtom(fi), linAtom(fo, c)))!;
    parts.set(v, whole);
    const memo = new Map<Expr, Expr>([[v, whole]]);
    out = out.map((e) => simplifyNode(replace(e, memo), f, "index"));
  }
  return { exprs: out, ranges: all, parts, facts: f };
}
function replace(e: Expr, memo: Map<Expr, Expr>): Expr {
  const old = memo.get(e);
  if (old !== undefined) return old;
  const r =
    e.kind === "op"
      ? withChildren(
          e,
          e.args.map((a) => replace(a, memo)),
        )
      : e;
  memo.set(e, r);
  return r;
}
function findFused(
  exprs: readonly Expr[],
  ranges: ReadonlyMap<Var, Ranged>,
  f: Facts,
): { v: Var; c: number } | undefined {
  let best: { v: Var; c: number } | undefined;
  const visit = (e: Expr, seen: Set<Expr>): void => {
    if (e.kind !== "op" || seen.has(e)) return;
    seen.add(e);
    for (const a of e.args) visit(a, seen);
    if (e.op !== "floordiv" && e.op !== "floormod") return;
    const c = constInt(e.args[1]!);
    if (c === undefined || c <= 1) return;
    for (const [x, k] of linOf(e.args[0]!).terms) {
      if (x.kind !== "var" || k !== 1) continue;
      const r = ranges.get(x);
      if (r === undefined || constInt(r.min) !== 0 || (best && best.c <= c)) continue;
      if ([...ranges.values()].some((o) => usesVar(o.min, (v) => v === x) || usesVar(o.extent, (v) => v === x)))
        continue;
      if (constInt(simplifyNode(floormod(r.extent, int(c)), f, "index")) === 0) best = { v: x, c };
    }
  };
  const seen = new Set<Expr>();
  for (const e of exprs) visit(e, seen);
  return best;
}

/**
 * The inverse of an index map: given values `targets[i]` of `bindings[i]`, what each variable (in [0, extent)) was. Handles
 * splits (`f // 8`, `f % 8`), fusions (`io*6 + ii`) and their combinations; undefined unless provably injective.
 */
export function invert(
  bindings: readonly Expr[],
  targets: readonly Expr[],
  vars: readonly { readonly var: Var; readonly extent: Expr }[],
  facts: Facts,
): ReadonlyMap<Var, Expr> | undefined {
  let f = facts;
  const given = new Map<Var, Ranged>();
  for (const v of vars) {
    given.set(v.var, { min: int(0), extent: v.extent });
    f = f.withVar(v.var, int(0), v.extent);
  }
  const u = unfuse(bindings, given, f);
  const own = new Set(u.ranges.keys());
  const solved = new Map<Var, Expr>();
  for (let i = 0; i < u.exprs.length; i++) {
    const a = affineForm(linOf(u.exprs[i]!), own);
    if (a === undefined) return undefined;
    const open = [...a.coefficients].filter(([v]) => !solved.has(v));
    if (open.length === 0) continue;
    // a variable that another binding gave away already is a known part of this one
    let known = a.rest;
    for (const [v, c] of a.coefficients) {
      const s = solved.get(v);
      if (s === undefined) continue;
      if (c.terms.size > 0) return undefined;
      known = linAdd(known, linOf(s), c.constant);
    }
    const start = emit(known);
    if (start === undefined) return undefined;
    if (!digits(sub(targets[i]!, start), open, u, solved)) return undefined;
  }
  const out = new Map<Var, Expr>();
  for (const [v, r] of u.ranges)
    if (!solved.has(v)) {
      if (constInt(simplifyNode(r.extent, u.facts, "index")) !== 1) return undefined;
      solved.set(v, int(0));
    }
  const clean = facts;
  for (const { var: v } of vars) {
    const e = u.parts.get(v) ?? v;
    out.set(v, simplifyNode(expand(e, solved, u.parts), clean, "index"));
  }
  return out;
}
function expand(e: Expr, solved: ReadonlyMap<Var, Expr>, parts: ReadonlyMap<Var, Expr>): Expr {
  if (e.kind === "var") {
    const p = parts.get(e);
    return p ? expand(p, solved, parts) : (solved.get(e) ?? e);
  }
  return e.kind === "op"
    ? withChildren(
        e,
        e.args.map((a) => expand(a, solved, parts)),
      )
    : e;
}

/** Mixed radix: value = sum of c_k * v_k, each coefficient at least the span of the smaller ones and a multiple of theirs. */
function digits(
  value: Expr,
  open: readonly (readonly [Var, Lin])[],
  u: { readonly ranges: ReadonlyMap<Var, Ranged>; readonly facts: Facts },
  solved: Map<Var, Expr>,
): boolean {
  const f = u.facts;
  const list = open.map(([v, c]) => ({ v, c, e: emit(c), extent: u.ranges.get(v)!.extent }));
  if (list.some((x) => x.e === undefined || boundsOf(x.e, f).min < 1)) return false;
  list.sort((a, b) => (a.e === b.e ? 0 : proveLe(a.e!, b.e!, f) ? -1 : 1));
  for (let k = 0; k < list.length; k++) {
    const x = list[k]!;
    const next = list[k + 1];
    let q = simplifyNode(floordiv(value, x.e!), f, "index");
    if (next !== undefined) {
      // next coefficient = x.c * radix with radix >= extent of x, so that the digit is below the radix
      const radix = simplifyNode(floordiv(next.e!, x.e!), f, "index");
      if (constInt(simplifyNode(floormod(next.e!, x.e!), f, "index")) !== 0 || !proveLe(x.extent, radix, f))
        return false;
      q = simplifyNode(floormod(q, radix), f, "index");
    }
    solved.set(x.v, q);
  }
  return true;
}

/** A part of a sum that rises from 0 to `reach` by no more than `step` at a time. */
export interface Stair {
  readonly step: Lin;
  readonly reach: Lin;
}
/**
 * Takes parts of the shape min(c*v + rest, limit) out of a form, with a variable of `ranges` that stands nowhere else in it: the last
 * round of a split that is shifted back to where the loop ends. Undefined where there are none.
 */
export function takeStairs(
  l: Lin,
  ranges: ReadonlyMap<Var, Ranged>,
  f: Facts,
): { rest: Lin; stairs: readonly Stair[]; vars: readonly Var[] } | undefined {
  const own = new Set(ranges.keys());
  let rest = l;
  const stairs: Stair[] = [];
  const vars: Var[] = [];
  for (const [e, k] of l.terms) {
    if (k !== 1 || e.kind !== "op" || e.op !== "min") continue;
    for (const [moving, limit] of [e.args, [...e.args].reverse()] as readonly (readonly Expr[])[]) {
      const a = affineForm(linOf(moving!), own);
      const [v, step] = a ? ([...a.coefficients][0] ?? []) : [];
      if (a?.coefficients.size !== 1 || v === undefined || step === undefined) continue;
      if (usesVar(limit!, (x) => own.has(x)) || !proveGe0(step, f)) continue;
      const others = linAdd(l, linAtom(e), -1);
      if ([...others.terms.keys()].some((x) => usesVar(x, (y) => y === v))) continue;
      const r = ranges.get(v)!;
      const at = (x: Expr): Lin => linOf(simplifyNode(min(substitute(moving!, new Map([[v, x]])), limit!), f, "index"));
      const [first, last] = [at(r.min), at(sub(add(r.min, r.extent), int(1)))];
      rest = linAdd(linAdd(rest, linAtom(e), -1), first);
      stairs.push({ step, reach: linSub(last, first) });
      vars.push(v);
      break;
    }
  }
  return stairs.length > 0 ? { rest, stairs, vars } : undefined;
}

/** Whether the sums over `vars` (and `stairs`) in a form touch every integer of an interval: its lowest value and its length. */
export function denseSpan(
  a: AffineForm,
  ranges: ReadonlyMap<Var, Ranged>,
  f: Facts,
  stairs: readonly Stair[] = [],
): { min: Lin; span: Lin } | undefined {
  let min = a.rest;
  const list: { c: Lin; e: Expr; reach: Lin }[] = [];
  for (const { step, reach } of stairs) {
    const e = emit(step);
    if (e === undefined) return undefined;
    list.push({ c: step, e, reach });
  }
  for (const [v, c] of a.coefficients) {
    const r = ranges.get(v)!;
    const extent = linOf(simplifyNode(r.extent, f, "index"));
    const steps = linPlus(extent, -1);
    const first = linOf(simplifyNode(r.min, f, "index"));
    const positive = proveGe0(c, f);
    if (!positive && !proveGe0(linScale(c, -1), f)) return undefined;
    const size = positive ? c : linScale(c, -1);
    const e = emit(size);
    const reach = linMul(size, steps);
    const start = linMul(c, positive ? first : linAdd(first, steps));
    if (e === undefined || reach === undefined || start === undefined) return undefined;
    min = linAdd(min, start);
    list.push({ c: size, e, reach });
  }
  list.sort((x, y) => (x.e === y.e ? 0 : proveLe(x.e, y.e, f) ? -1 : 1));
  let span: Lin = linConst(1);
  for (const x of list) {
    // no gap: the step is not longer than what the smaller ones fill
    if (!proveGe0(linSub(span, x.c), f)) {
      if (x.reach.terms.size === 0 && x.reach.constant === 0) continue;
      return undefined;
    }
    span = linAdd(span, x.reach);
  }
  return { min, span };
}
