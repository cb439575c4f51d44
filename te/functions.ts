// biome-ignore-all lint/suspicious/noExplicitAny: `any` as a type argument means "whatever facts", and must not be checked
/** Operations as functions: where the left side is a number, or there are many operands. */
import type { DType, Expr as Node, OpName } from "../src/ir/index.ts";
import { build, checkDType, describe, literal, operand } from "./build.ts";
import { TeError } from "./error.ts";
import { Cond, type Expr, isExpr, wrap } from "./expr.ts";
import { where as place } from "./scope.ts";
import type { AnyExpr, Arg, DTypeOf, FactsOf, Literal } from "./types.ts";

/** A constant of a dtype; throws TeError where the dtype can't hold it. `lit(1, "f32").div(x)` */
export function lit<const D extends DType>(value: Literal<D>, dtype: D): Expr<D, never> {
  checkDType(dtype, "lit");
  return wrap(literal(value, dtype, "lit"));
}

/** An expression, or a number that takes the dtype of the expression beside it. */
export type Operand = AnyExpr | number | bigint | boolean;
/** What may stand beside A: one of the two must be an expression, and it decides the dtype. */
export type Beside<A> = A extends Expr<infer D, any> ? Arg<D, any> : AnyExpr;
export type BothOf<A, B, C = never> = Expr<A extends AnyExpr ? DTypeOf<A> : DTypeOf<B>, C | FactsOf<A> | FactsOf<B>>;

const shown = (x: unknown): string => (typeof x === "number" ? `${x}` : describe(x));

function pair(a: unknown, b: unknown, method: string): { readonly a: Node; readonly b: Node } {
  const typed = isExpr(a) ? a : isExpr(b) ? b : undefined;
  if (typed === undefined)
    throw new TeError(
      "te.literal",
      `${place()}${method} of ${shown(a)} and ${shown(b)}: neither is an expression; write lit(value, dtype)`,
    );
  return { a: operand(a, typed.dtype, method, typed.node), b: operand(b, typed.dtype, method, typed.node) };
}

/** a - b, where either may be a number: `sub(1, x)` */
export function sub<const A extends Operand, const B extends Beside<A>>(a: A, b: B): BothOf<A, B> {
  const p = pair(a, b, "sub");
  return wrap(build("sub", "sub", [p.a, p.b]));
}
/** a / b, where either may be a number (integers: rounded towards minus infinity): `div(1, x)` */
export function div<const A extends Operand, const B extends Beside<A>>(a: A, b: B): BothOf<A, B> {
  const p = pair(a, b, "div");
  const whole = !["f64", "f32", "f16"].includes(p.a.dtype);
  return wrap(build(whole ? "floordiv" : "div", "div", [p.a, p.b]));
}
/** a to the power b, where either may be a number: `pow(2, x)` */
export function pow<const A extends Operand, const B extends Beside<A>>(a: A, b: B): BothOf<A, B> {
  const p = pair(a, b, "pow");
  return wrap(build("pow", "pow", [p.a, p.b]));
}

function checkFirst(method: string, x: unknown): asserts x is AnyExpr {
  if (isExpr(x)) return;
  throw new TeError(
    "te.literal",
    `${place()}the first operand of ${method} is ${shown(x)}, no expression: put an expression first, or write lit(value, dtype)`,
  );
}
export type FactsOfArgs<X extends readonly unknown[]> = FactsOf<X[number]>;
function chain(op: OpName, method: string, first: unknown, rest: readonly unknown[]): never {
  checkFirst(method, first);
  return wrap(rest.reduce((e: Node, x) => build(op, method, [e, operand(x, first.dtype, method, e)]), first.node));
}
/** The sum of all operands, from left to right: `add(a, b, c)` */
export function add<D extends DType, F, const X extends readonly Arg<D, any>[]>(
  a: Expr<D, F>,
  ...rest: X
): Expr<D, F | FactsOfArgs<X>> {
  return chain("add", "add", a, rest);
}
/** The product of all operands, from left to right. */
export function mul<D extends DType, F, const X extends readonly Arg<D, any>[]>(
  a: Expr<D, F>,
  ...rest: X
): Expr<D, F | FactsOfArgs<X>> {
  return chain("mul", "mul", a, rest);
}
/** The largest of all operands (`max` is the reduction). */
export function maximum<D extends DType, F, const X extends readonly Arg<D, any>[]>(
  a: Expr<D, F>,
  ...rest: X
): Expr<D, F | FactsOfArgs<X>> {
  return chain("max", "maximum", a, rest);
}
/** The smallest of all operands (`min` is the reduction). */
export function minimum<D extends DType, F, const X extends readonly Arg<D, any>[]>(
  a: Expr<D, F>,
  ...rest: X
): Expr<D, F | FactsOfArgs<X>> {
  return chain("min", "minimum", a, rest);
}
/** Neighbours that are added before anything else, and sums that follow one another: few values at a time, and still shallow. */
const [FIRST, THEN] = [4, 16];
/**
 * The sum of a list, which may mix tensors: four neighbours at a time as (a + b) + (c + d), then these sums from left to right (sixteen at a
 * time, so that long lists stay shallow): `addAll([1, 2, 1].map((w, t) => A.at(i.add(t)).mul(w)))`. Throws TeError for an empty list.
 */
export function addAll<E extends AnyExpr>(list: readonly E[]): Expr<DTypeOf<E>, FactsOf<E>> {
  if (!Array.isArray(list))
    throw new TeError("te.body", `${place()}addAll of ${describe(list)}: expected a list of expressions`);
  const first: unknown = list[0];
  if (list.length === 0)
    throw new TeError("te.body", `${place()}addAll of an empty list: give it at least one expression`);
  checkFirst("addAll", first);
  const { dtype, node } = first;
  const plus = (a: Node, b: Node): Node => build("add", "addAll", [a, b]);
  const inRuns = (xs: readonly Node[], n: number, of: (run: readonly Node[]) => Node): Node[] =>
    Array.from({ length: Math.ceil(xs.length / n) }, (_, r) => of(xs.slice(r * n, (r + 1) * n)));
  const terms = list.map((x) => operand(x, dtype, "addAll", node));
  const pairs = inRuns(terms, FIRST / 2, (run) => run.reduce(plus));
  let level = inRuns(pairs, 2, (run) => run.reduce(plus));
  while (level.length > 1) level = inRuns(level, THEN, (run) => run.reduce(plus));
  return wrap(level[0]!);
}

function choose(op: "select" | "where", c: unknown, a: unknown, b: unknown): never {
  if (!isExpr(c) || c.dtype !== "bool")
    throw new TeError(
      "te.dtype",
      `${place()}${op}: the condition must be a comparison such as x.lt(y), not ${isExpr(c) ? `${c.dtype} ${c.toString()}` : shown(c)}`,
    );
  const p = pair(a, b, op);
  return wrap(build(op, op, [c.node, p.a, p.b]));
}
/** c ? a : b with both sides evaluated, so both must read inside their tensors: `select(x.gt(0), x, x.mul(0.1))` */
export function select<C, const A extends Operand, const B extends Beside<A>>(
  c: Expr<"bool", C>,
  a: A,
  b: B,
): BothOf<A, B, C> {
  return choose("select", c, a, b);
}
/** c ? a : b, evaluating only the side chosen: it guards the reads inside. `where(i.ge(1), A.at(i.sub(1)), 0)` */
export function where<C, const A extends Operand, const B extends Beside<A>>(
  c: Expr<"bool", C>,
  a: A,
  b: B,
): BothOf<A, B, C> {
  return choose("where", c, a, b);
}
/** The opposite of a comparison. */
export function not<F>(c: Expr<"bool", F>): Cond<F> {
  if (!isExpr(c)) throw new TeError("te.dtype", `${place()}not of ${shown(c)}: expected a comparison such as x.lt(y)`);
  return new Cond(build("not", "not", [c.node]));
}
