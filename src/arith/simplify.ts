/**
 * The driver of simplification: walks an expression once (remembering every node), and lets index arithmetic have its
 * normal form and everything else the rule tables.
 *
 * Index mode: i32 arithmetic is exact. Value mode: integers wrap, so the normal form is used only where it cannot matter:
 * inside buffer indices, in comparisons of index expressions over known variables, and where bounds show that nothing
 * overflows.
 */
import {
  broadcast,
  children,
  constant,
  constInt,
  type Expr,
  int,
  isInteger,
  type Op,
  op,
  TRUE,
  withChildren,
} from "../ir/index.ts";
import { boundsOf, indexPure } from "./bounds.ts";
import type { Facts } from "./facts.ts";
import { indexOp } from "./index-arith.ts";
import { comparison, logic, negation } from "./index-logic.ts";
import { isIndexTyped } from "./linear.ts";
import { fold, rewriter } from "./pattern.ts";
import { BOOL_RULES, CHOICE_RULES } from "./rules-bool.ts";
import { CAST_RULES } from "./rules-cast.ts";
import { FLOAT_RULES } from "./rules-float.ts";
import { rewriteIndex } from "./rules-index.ts";
import { INT_RULES, SIGNED_RULES, UNSIGNED_RULES } from "./rules-int.ts";
import { laneVar, scalarize, vectorize } from "./vectors.ts";
import { COMPARISONS, INDEX_OPS } from "./wrapping.ts";

export type Mode = "index" | "value";

const LOGIC = rewriter([BOOL_RULES, CHOICE_RULES]);
const VALUE = rewriter([INT_RULES, SIGNED_RULES, UNSIGNED_RULES, FLOAT_RULES, BOOL_RULES, CHOICE_RULES, CAST_RULES]);

export function simplifyNode(e: Expr, f: Facts, mode: Mode): Expr {
  if (e.kind === "const") return e;
  const memo = mode === "index" ? f.indexMemo : f.valueMemo;
  const old = memo.get(e);
  if (old !== undefined) return old;
  const r = compute(e, f, mode);
  memo.set(e, r);
  memo.set(r, r);
  return r;
}

function compute(e: Expr, f: Facts, mode: Mode): Expr {
  const go = (x: Expr): Expr => simplifyNode(x, f, mode);
  const index = (x: Expr): Expr => simplifyNode(x, f, "index");
  switch (e.kind) {
    case "const":
      return e;
    case "var":
      return mode === "index" || f.ranges.has(e) ? onlyValue(e, f) : e;
    case "op":
      return mode === "index" ? indexNode(e, f) : valueNode(e, f);
    case "load":
      return withChildren(e, e.index.map(index));
    case "ramp": {
      const stride = go(e.stride);
      const base = go(e.base);
      return stride.kind === "const" && Number(stride.value) === 0
        ? broadcast(base, e.lanes)
        : withChildren(e, [base, stride]);
    }
    case "broadcast":
      return broadcast(go(e.value), e.lanes);
    case "shuffle": {
      const vs = e.vectors.map(go);
      const all = vs.map((v) => (v.kind === "broadcast" ? v.value : v.lanes === 1 ? v : undefined));
      if (all[0] !== undefined && all.every((v) => v === all[0])) return broadcast(all[0], e.lanes);
      return withChildren(e, vs);
    }
    case "call":
      return withChildren(e, e.args.map(go));
    case "reduce": {
      let inner = f;
      for (const a of e.axes) inner = inner.withVar(a.var, int(0), a.extent);
      const extents = e.axes.map((a) => index(a.extent));
      const condition = e.condition && simplifyNode(e.condition, inner, "value");
      const guarded = condition && knowable(condition, inner, "value") ? inner.withCondition(condition) : inner;
      const rest = children(e).slice(extents.length, extents.length + e.values.length);
      const values = rest.map((v) => simplifyNode(v, guarded, "value"));
      return withChildren(e, [...extents, ...values, ...(condition ? [condition] : [])]);
    }
    default:
      return e satisfies never;
  }
}

/** The constant that is the only value within the bounds, or the start of a range of one element. */
function onlyValue(e: Expr, f: Facts): Expr {
  if (e.kind === "var" && e.dtype === "bool") return f.truths.get(e) ?? e;
  if (!isIndexTyped(e)) return e;
  const b = boundsOf(e, f);
  if (b.min === b.max && Math.abs(b.min) < 2 ** 31) return int(b.min + 0);
  if (e.kind === "var") {
    const r = f.ranges.get(e);
    if (r !== undefined && constInt(r.extent) === 1) return r.min;
  }
  return e;
}

/** A node under conditions: each side of a choice knows which way the condition went. */
function choice(e: Op, f: Facts, mode: Mode): Expr {
  const c = simplifyNode(e.args[0]!, f, mode);
  const value = constInt(c);
  if (value !== undefined) return simplifyNode(e.args[value === 1 ? 1 : 2]!, f, mode);
  // the sides of a select are evaluated either way, so loads in them may not rely on the condition
  const lazy = e.op === "where" || e.args.slice(1).every((x) => indexPure(x, f, false));
  const use = c.lanes === 1 && lazy && f.conditions.length < 16 && knowable(c, f, mode);
  const a = simplifyNode(e.args[1]!, use ? f.withCondition(c) : f, mode);
  const b = simplifyNode(e.args[2]!, use ? f.withCondition(op("not", [c])) : f, mode);
  return withChildren(e, [c, a, b]);
}
/**
 * Whether a condition may be used as a fact: it compares index arithmetic (or plain values read from memory, but nothing
 * computed from those, which might have wrapped).
 */
function knowable(c: Expr, f: Facts, mode: Mode): boolean {
  if (c.kind !== "op" || c.lanes !== 1) return false;
  if (c.op === "and" || c.op === "or" || c.op === "not") return c.args.every((x) => knowable(x, f, mode));
  if (!COMPARISONS.has(c.op) || !isIndexTyped(c.args[0]!)) return false;
  return mode === "index" || c.args.every((x) => x.kind !== "op" || x.op === "cast" || indexPure(x, f, false));
}

function indexNode(e: Op, f: Facts): Expr {
  if (e.lanes !== 1) return vectorNode(e, f, "index") ?? valueNode(e, f);
  if (e.dtype === "bool") return boolNode(e, f, "index");
  if (e.dtype !== "i32" || !INDEX_OPS.has(e.op)) return onlyValue(valueNode(e, f), f);
  if (e.op === "select" || e.op === "where") {
    const r = choice(e, f, "index");
    if (r.kind !== "op" || (r.op !== "select" && r.op !== "where")) return r;
    const w = rewriteIndex(r) ?? LOGIC(r);
    return w === undefined ? r : simplifyNode(w, f, "index");
  }
  const args = e.args.map((a) => simplifyNode(a, f, "index"));
  const made = indexOp(e, args, f) ?? withChildren(e, args);
  if (SUMS.has(e.op)) return made;
  const r = onlyValue(made, f);
  const w = rewriteIndex(r);
  return w === undefined || w === e ? r : simplifyNode(w, f, "index");
}

/** Sums of atoms that are simple already are simple. */
const SUMS: ReadonlySet<string> = new Set(["add", "sub", "neg", "mul"]);

/** A bool scalar. Logic and comparisons of i32 have a normal form in both modes. */
function boolNode(e: Op, f: Facts, mode: Mode): Expr {
  const known = f.truths.get(e);
  if (known !== undefined) return known;
  const go = (x: Expr, g: Facts = f): Expr => simplifyNode(x, g, mode);
  if (COMPARISONS.has(e.op) && isIndexTyped(e.args[0]!) && (mode === "index" || indexPure(e, f, false))) {
    const [a, b] = e.args.map((x) => simplifyNode(x, f, "index")) as [Expr, Expr];
    const r = comparison(e.op, a, b, f);
    // the normal form may add across the comparison, which must not overflow either
    if (r !== undefined && (mode === "index" || indexPure(r, f, false))) return r;
    return op(e.op, [a, b]);
  }
  if (e.op === "not") return negation(go(e.args[0]!), f, (x) => mode === "index" || indexPure(x, f, true));
  if (e.op === "and" || e.op === "or") return connective(e, e.op, f, mode);
  return ruled(e, f, mode);
}

/** `and`, `or`: each side is simplified knowing that the other one decides nothing yet. */
function connective(e: Op, name: "and" | "or", f: Facts, mode: Mode): Expr {
  const under = (x: Expr): Facts => {
    if (!knowable(x, f, mode) || f.conditions.length >= 16) return f;
    return f.withCondition(name === "and" ? x : op("not", [x]));
  };
  const a = simplifyNode(e.args[0]!, f, mode);
  if (a.kind === "const") return (a === TRUE) === (name === "and") ? simplifyNode(e.args[1]!, f, mode) : a;
  const safe = mode === "index" || indexPure(e, f, false);
  const b = simplifyNode(e.args[1]!, safe ? under(a) : f, mode);
  if (b.kind === "const") return (b === TRUE) === (name === "and") ? a : b;
  const again = safe ? simplifyNode(a, under(b), mode) : a;
  return logic(name, again, b, f);
}

function vectorNode(e: Op, f: Facts, mode: Mode): Expr | undefined {
  if (e.dtype !== "i32" && e.dtype !== "bool") return undefined;
  const lane = laneVar(e.lanes);
  const s = scalarize(e, lane);
  if (s === undefined) return undefined;
  const inner = f.withLane(lane, e.lanes);
  if (mode === "value" && !indexPure(s, inner, s.dtype === "i32")) return undefined;
  const r = simplifyNode(s, inner, "index");
  return mode === "index" || indexPure(r, inner, s.dtype === "i32") ? vectorize(r, lane, e.lanes) : undefined;
}

function valueNode(e: Op, f: Facts): Expr {
  if (e.lanes !== 1) {
    const v = vectorNode(e, f, "value");
    if (v !== undefined) return v;
  } else if (e.dtype === "bool" && (COMPARISONS.has(e.op) || e.op === "not" || e.op === "and" || e.op === "or")) {
    return boolNode(e, f, "value");
  } else if (isIndexTyped(e) && INDEX_OPS.has(e.op) && indexPure(e, f, true)) {
    const r = simplifyNode(e, f, "index");
    if (indexPure(r, f, true)) return r;
  }
  return ruled(e, f, "value");
}

/** Operands first, then constants folded, broadcasts moved outwards, and the tables. */
function ruled(e: Op, f: Facts, mode: Mode): Expr {
  const lazy = e.op === "where" || e.op === "select";
  const r = lazy
    ? choice(e, f, mode)
    : withChildren(
        e,
        e.args.map((a) => simplifyNode(a, f, mode === "index" && isIndexArg(e) ? "index" : "value")),
      );
  if (r.kind !== "op" || r.op !== e.op) return r;
  const c = fold(r.op, r.dtype, r.args);
  if (c !== undefined) return c;
  if (r.lanes > 1 && r.args.every((a) => a.kind === "broadcast")) {
    const scalars = r.args.map((a) => (a as Expr & { kind: "broadcast" }).value);
    return broadcast(simplifyNode(op(r.op, scalars, r.dtype), f, mode), r.lanes);
  }
  const decided = byBounds(r, f);
  if (decided !== undefined) return decided;
  const w = VALUE(r) ?? constantRight(r);
  return w === undefined ? r : simplifyNode(w, f, mode);
}
const isIndexArg = (e: Op): boolean => e.args.every((a) => a.dtype === "bool" || a.dtype === "i32");

/** Commutative operations have their constant on the right. */
function constantRight(e: Op): Expr | undefined {
  const [a, b] = e.args;
  const commutes =
    e.op === "add" || e.op === "mul" || e.op === "min" || e.op === "max" || e.op === "eq" || e.op === "ne";
  const isConst = (x: Expr): boolean => x.kind === "const" || (x.kind === "broadcast" && x.value.kind === "const");
  return commutes && isConst(a!) && !isConst(b!) ? op(e.op, [b!, a!]) : undefined;
}

/** Integer comparisons, minima and maxima that the bounds of the operands decide (bounds of narrow dtypes account for wrap-around). */
function byBounds(e: Op, f: Facts): Expr | undefined {
  const [x, y] = e.args;
  if (y === undefined || !isInteger(x!.dtype) || !(COMPARISONS.has(e.op) || e.op === "min" || e.op === "max"))
    return undefined;
  // i32 bounds are those of exact arithmetic
  if (x!.dtype === "i32" && !(indexPure(x!, f, true) && indexPure(y, f, true))) return undefined;
  const a = boundsOf(x!, f);
  const b = boundsOf(y, f);
  const yes = (v: boolean): Expr => constant("bool", v, e.lanes);
  switch (e.op) {
    case "lt":
      return a.max < b.min ? yes(true) : a.min >= b.max ? yes(false) : undefined;
    case "le":
      return a.max <= b.min ? yes(true) : a.min > b.max ? yes(false) : undefined;
    case "gt":
      return a.min > b.max ? yes(true) : a.max <= b.min ? yes(false) : undefined;
    case "ge":
      return a.min >= b.max ? yes(true) : a.max < b.min ? yes(false) : undefined;
    case "eq":
      return a.max < b.min || a.min > b.max ? yes(false) : undefined;
    case "ne":
      return a.max < b.min || a.min > b.max ? yes(true) : undefined;
    case "min":
      return a.max <= b.min ? x! : b.max <= a.min ? y : undefined;
    case "max":
      return a.min >= b.max ? x! : b.min >= a.max ? y : undefined;
    default:
      return undefined;
  }
}
