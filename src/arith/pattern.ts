/**
 * Rewrite rules as data: a pattern, what it becomes, and when. Capital letters are pattern variables; one that appears twice
 * must match the same expression both times.
 *
 *     rule("x - x = 0", sub(X, X), 0)
 *     rule("(x + c) + d = x + (c + d)", add(add(X, C), D), add(X, add(C, D)))
 *
 * C and D match constants (or broadcasts of constants) only, and operations on them in a replacement are computed at once.
 * A number in a pattern is a constant of that value, +0 and -0 being different; `true` and `false` are bools.
 */
import {
  applyOp,
  constant,
  type DType,
  type Expr,
  foldable,
  type OpName,
  op,
  opInfo,
  type Scalar,
} from "../ir/index.ts";

export type Pattern =
  | { readonly kind: "any"; readonly name: string }
  | { readonly kind: "constant"; readonly name: string }
  | { readonly kind: "value"; readonly value: number }
  | { readonly kind: "op"; readonly op: OpName; readonly args: readonly Pattern[] };
export type PatternLike = Pattern | number | boolean;

export type Bindings = Map<string, Expr>;
export interface Rule {
  readonly name: string;
  readonly pattern: Pattern & { readonly kind: "op" };
  readonly replacement: Pattern;
  /** What must hold besides the match; sees the constants and expressions bound. */
  readonly when: ((bound: Bound) => boolean) | undefined;
}
export interface RuleTable {
  readonly name: string;
  /** The rules hold where the first operand (of a choice: the first value) has one of these dtypes. */
  readonly dtypes: readonly DType[];
  readonly rules: readonly Rule[];
}
/** Access to what the pattern variables stand for, by pattern. */
export interface Bound {
  readonly value: (c: Pattern) => Scalar;
  readonly expr: (x: Pattern) => Expr;
  /** The whole expression, and its dtype. */
  readonly root: Expr & { readonly kind: "op" };
  readonly dtype: DType;
}

const any = (name: string): Pattern => ({ kind: "any", name });
export const [X, Y, Z, P] = [any("X"), any("Y"), any("Z"), any("P")] as const;
export const [C, D] = [
  { kind: "constant", name: "C" },
  { kind: "constant", name: "D" },
] as const satisfies readonly Pattern[];
const lift = (p: PatternLike): Pattern => (typeof p === "object" ? p : { kind: "value", value: Number(p) });
const node =
  (name: OpName) =>
  (...args: PatternLike[]): Pattern & { readonly kind: "op" } => ({ kind: "op", op: name, args: args.map(lift) });

export const p = Object.fromEntries(
  (
    [
      "add sub mul div floordiv floormod truncdiv truncrem fma neg abs min max pmin pmax",
      "eq ne lt le gt ge and or xor not shl shr select where cast satcast",
      "addSat subSat floor ceil trunc round",
    ]
      .join(" ")
      .split(" ") as OpName[]
  ).map((n) => [n, node(n)]),
) as { readonly [K in OpName]: ReturnType<typeof node> };

export const rule = (
  name: string,
  pattern: Pattern & { readonly kind: "op" },
  replacement: PatternLike,
  when?: (bound: Bound) => boolean,
): Rule => ({ name, pattern, replacement: lift(replacement), when });

// ---- constants

export function scalarOf(e: Expr): Scalar | undefined {
  if (e.kind === "broadcast") return scalarOf(e.value);
  return e.kind === "const" ? e.value : undefined;
}
/** The operation on constants, computed; undefined where an operand is none. */
export function fold(name: OpName, dtype: DType, args: readonly Expr[]): Expr | undefined {
  const values: Scalar[] = [];
  for (const a of args) {
    const v = scalarOf(a);
    if (v === undefined) return undefined;
    values.push(v);
  }
  const types = args.map((a) => a.dtype);
  if (!foldable(name, dtype, types)) return undefined;
  return constant(dtype, applyOp(name, dtype, types, values), args[0]!.lanes);
}

// ---- matching

function match(q: Pattern, e: Expr, b: Bindings): boolean {
  switch (q.kind) {
    case "any":
    case "constant": {
      const old = b.get(q.name);
      if (old !== undefined) return old === e;
      if (q.kind === "constant" && scalarOf(e) === undefined) return false;
      b.set(q.name, e);
      return true;
    }
    case "value": {
      const v = scalarOf(e);
      return v !== undefined && (typeof v === "bigint" ? v === BigInt(q.value) : Object.is(v, q.value));
    }
    case "op": {
      if (e.kind !== "op" || e.op !== q.op) return false;
      if (matchAll(q.args, e.args, b)) return true;
      return opInfo(q.op).commutative === true && matchAll(q.args, [e.args[1]!, e.args[0]!], b);
    }
    default:
      return q satisfies never;
  }
}
/** Leaves the bindings as they were when it fails. */
function matchAll(qs: readonly Pattern[], es: readonly Expr[], b: Bindings): boolean {
  const before = [...b.keys()];
  for (let i = 0; i < qs.length; i++)
    if (!match(qs[i]!, es[i]!, b)) {
      for (const k of [...b.keys()]) if (!before.includes(k)) b.delete(k);
      return false;
    }
  return true;
}

function build(q: Pattern, b: Bindings, dtype: DType, lanes: number): Expr {
  switch (q.kind) {
    case "any":
    case "constant":
      return b.get(q.name)!;
    case "value":
      return constant(dtype, q.value, lanes);
    case "op": {
      const at = q.op === "select" || q.op === "where" ? 1 : 0;
      // numbers take the dtype of the operand beside them
      const typed = q.args.map((a) => (a.kind === "value" ? undefined : build(a, b, dtype, lanes)));
      const beside = typed.slice(at).find((a) => a !== undefined)?.dtype ?? dtype;
      const args = typed.map((a, i) => a ?? build(q.args[i]!, b, i < at ? "bool" : beside, lanes));
      if (q.op === "cast" && args[0]!.dtype === dtype) return args[0]!;
      const named = q.op === "cast" || q.op === "satcast" ? dtype : undefined;
      if (args.every((a) => scalarOf(a) !== undefined)) {
        const f = fold(q.op, named ?? op(q.op, args).dtype, args);
        if (f !== undefined) return f;
      }
      return op(q.op, args, named);
    }
    default:
      return q satisfies never;
  }
}

/** The dtype that decides whether a table applies. */
export const operandDType = (e: Expr & { kind: "op" }): DType =>
  (e.op === "select" || e.op === "where" ? e.args[1]! : e.args[0]!).dtype;

export function applyRule(r: Rule, e: Expr): Expr | undefined {
  const b: Bindings = new Map();
  if (e.kind !== "op" || !match(r.pattern, e, b)) return undefined;
  const expr = (x: Pattern): Expr => b.get((x as { name: string }).name)!;
  if (r.when !== undefined && !r.when({ expr, value: (c) => scalarOf(expr(c))!, root: e, dtype: e.dtype }))
    return undefined;
  return build(r.replacement, b, e.dtype, e.lanes);
}

/** A function that applies the first rule that matches, with the tables indexed by root operation and dtype. */
export function rewriter(tables: readonly RuleTable[]): (e: Expr) => Expr | undefined {
  const index = new Map<string, Rule[]>();
  for (const t of tables)
    for (const d of t.dtypes)
      for (const r of t.rules) {
        const key = `${r.pattern.op}:${d}`;
        index.set(key, [...(index.get(key) ?? []), r]);
      }
  return (e) => {
    if (e.kind !== "op") return undefined;
    for (const r of index.get(`${e.op}:${operandDType(e)}`) ?? []) {
      const out = applyRule(r, e);
      if (out !== undefined && out !== e) return out;
    }
    return undefined;
  };
}
