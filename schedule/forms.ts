/** Index expressions as linear forms over what changes while some loops run. */
import { type Facts, linear, simplifyIndex } from "../src/arith/index.ts";
import { add, type Expr, int, mul, sub, usesVar, type Var } from "../src/ir/index.ts";

export interface Form {
  readonly free: ReadonlyMap<Expr, number>;
  readonly fixed: Expr;
}
export const touchesAny = (e: Expr, vars: ReadonlySet<Var>): boolean => usesVar(e, (v) => vars.has(v));

/** An expression as a linear form over parts that depend on `vars`, plus the rest. */
export function split(e: Expr, vars: ReadonlySet<Var>, facts: Facts): Form {
  const l = linear(e, facts);
  const free = new Map<Expr, number>();
  let fixed: Expr = int(l.constant);
  for (const { atom, coefficient } of l.terms)
    if (touchesAny(atom, vars)) free.set(atom, coefficient);
    else fixed = add(fixed, mul(atom, int(coefficient)));
  return { free, fixed: simplifyIndex(fixed, facts) };
}
export const sameTerms = (a: ReadonlyMap<Expr, number>, b: ReadonlyMap<Expr, number>, k: number): boolean =>
  a.size === b.size && [...a].every(([e, c]) => b.get(e) === k * c);

/** c >= 0 as an expression, for comparisons. */
export function atLeastZero(c: Expr): Expr | undefined {
  if (c.kind !== "op" || c.args.length !== 2 || c.args[0]!.dtype !== "i32") return undefined;
  const [a, b] = [c.args[0]!, c.args[1]!];
  switch (c.op) {
    case "lt":
      return sub(sub(b, a), int(1));
    case "le":
      return sub(b, a);
    case "gt":
      return sub(sub(a, b), int(1));
    case "ge":
      return sub(a, b);
    default:
      return undefined;
  }
}
