// biome-ignore-all lint/suspicious/noExplicitAny: `any` as a type argument means "whatever facts", and must not be checked
/**
 * Reductions. Each opens its own named axes and becomes loops of its own when the tensor around it is scheduled.
 *
 *     sum({ k: K }, ({ k }) => A.at(i, k).mul(B.at(k, j)))
 *     max({ y: 3, x: 3 }, ({ y, x }) => X.at(i.add(y), j.add(x)), { where: ({ x }) => x.ne(1) })
 *
 * All of them throw TeError when they stand inside another reduction without a tensor between, when an axis has the name of one
 * around it, and when the body returns something that is no expression.
 */
import {
  add,
  type Combiner,
  constInt,
  type DType,
  int,
  isFloat,
  mul,
  type Expr as Node,
  type ReduceAxis,
  reduce as reduceNode,
  visitExpr,
} from "../src/ir/index.ts";
import { describe, isPromise, operand } from "./build.ts";
import { checkFunction, checkOptions, isRecord } from "./check.ts";
import { argCombiner, combinerVars, makeCombiner, type SimpleReduction, simpleCombiner } from "./combiner.ts";
import { TeError } from "./error.ts";
import { Axis, Expr, isExpr, wrap } from "./expr.ts";
import { checkName, openAxes } from "./extent.ts";
import { checkReductionStart, type FrameAxis, inFrame, quote, where } from "./scope.ts";
import type {
  AnyExpr,
  Arg,
  Axes,
  FactsOf,
  Flat,
  Given,
  Named,
  Names,
  NumericType,
  Red,
  Reduced,
  ReduceOptions,
  SizeOf,
  Vals,
} from "./types.ts";

interface Parts {
  readonly axes: readonly ReduceAxis[];
  readonly values: readonly Node[];
  readonly condition: Node | undefined;
}
type AnyAxes = Readonly<Record<string, Axis>>;

export const axisRecord = (axes: readonly FrameAxis[]): AnyAxes =>
  new Proxy(Object.freeze(Object.fromEntries(axes.map((a) => [a.name, new Axis(a.name, a.var)]))), {
    get: (record, key): unknown => {
      if (typeof key !== "string" || key in record || PROBED.has(key)) return Reflect.get(record, key);
      const names = axes.length > 0 ? `the axes here are ${quote(axes.map((a) => a.name))}` : "there are no axes here";
      throw new TeError("te.scope", `${where()}there is no axis "${key}": ${names}`);
    },
  });
/** What languages and tools ask any object for. */
const PROBED: ReadonlySet<string> = new Set(["then", "toJSON", "$$typeof", "nodeType", "asymmetricMatch", "inspect"]);

/** An expression that a body returned, or an error that says what came instead. */
export function expectExpr(x: unknown, owner: string, callback = "body"): AnyExpr {
  if (isExpr(x)) return x;
  // its rejection is of no interest: the error below is
  if (isPromise(x)) void Promise.resolve(x).catch(() => {});
  const hint =
    x === undefined
      ? "write ({ i }) => expression, or add a return"
      : isPromise(x)
        ? "a body runs at once, so it can't be async; leave async and await out"
        : typeof x === "number" || typeof x === "bigint" || typeof x === "boolean"
          ? `write lit(${String(x)}, "f32") for a constant`
          : "expected an expression";
  throw new TeError("te.body", `the ${callback} of "${owner}" returned ${describe(x)}: ${hint}`);
}

function open(
  what: string,
  spec: Named,
  body: (axes: AnyAxes) => unknown,
  values: (x: unknown) => readonly AnyExpr[],
  options: { readonly where?: (axes: never) => unknown } | undefined,
): Parts {
  if (Array.isArray(spec)) throw new TeError("te.extent", `${where()}${what}: name the axes, as in { k: 512 }`);
  const list = openAxes(spec, what);
  const names = list.axes.map((a) => a.name);
  if (names.length === 0)
    throw new TeError("te.extent", `${where()}${what} over no axes: name at least one, as in { k: 512 }`);
  checkReductionStart(what, names);
  const owner = `${what} over ${names.join(", ")}`;
  checkFunction(body, `${where()}the body of ${owner}`, "({ k }) => A.at(k)");
  checkOptions(options, ["where"], `${where()}${owner}`);
  if (options?.where !== undefined)
    checkFunction(options.where, `${where()}the where of ${owner}`, "({ k }) => k.lt(3)");
  const run = (): { value: unknown; condition: unknown } | undefined => {
    const record = axisRecord(list.axes);
    const condition = options?.where?.(record as never);
    const value = body(record);
    return value === undefined && condition === undefined ? undefined : { value, condition };
  };
  return inFrame("reduce", owner, list.axes, run, (r) => {
    const exprs = values(r?.value).map((e) => e.node);
    let condition: Node | undefined;
    if (options?.where) {
      condition = expectExpr(r?.condition, owner, "where").node;
      if (condition.dtype !== "bool")
        throw new TeError("te.dtype", `${where()}the where of ${owner} is ${condition.dtype}: expected a comparison`);
    }
    const axes = list.axes.map((a): ReduceAxis => ({ var: a.var, extent: a.extent }));
    return { result: { axes, values: exprs, condition }, nodes: condition ? [...exprs, condition] : exprs };
  });
}

function simple(
  kind: SimpleReduction,
  spec: Named,
  body: (axes: never) => unknown,
  options: { readonly where?: (axes: never) => unknown } | undefined,
): never {
  const one = (x: unknown): readonly AnyExpr[] => [expectExpr(x, `${kind} over ${Object.keys(spec).join(", ")}`)];
  const p = open(kind, spec, body as (axes: AnyAxes) => unknown, one, options);
  const dtype = p.values[0]!.dtype;
  const logical = kind === "any" || kind === "all";
  if (logical !== (dtype === "bool"))
    throw new TeError(
      "te.dtype",
      `${where()}${kind} over ${quote(Object.keys(spec))} of ${dtype} values: ` +
        (logical ? "compare first, as in x.ne(0)" : 'count with .cast("i32"), or use any or all'),
    );
  return wrap(reduceNode(simpleCombiner(kind, dtype), p.axes, p.values, p.condition, 0));
}

/** The sum over named axes, in the dtype of the body (integers wrap; floats in no fixed order). 0 over nothing. */
export function sum<const A extends Named, D extends DType, F, W = never>(
  axes: A,
  body: (axes: Axes<A>) => Expr<D, F> & Flat<F>,
  options?: ReduceOptions<A, W>,
): Expr<D, Reduced<A, F | Given<W>>> {
  return simple("sum", axes, body, options);
}
/** The product over named axes. 1 over nothing. */
export function prod<const A extends Named, D extends DType, F, W = never>(
  axes: A,
  body: (axes: Axes<A>) => Expr<D, F> & Flat<F>,
  options?: ReduceOptions<A, W>,
): Expr<D, Reduced<A, F | Given<W>>> {
  return simple("prod", axes, body, options);
}
/** The smallest value (NaN if there is one). Infinity, or the dtype's greatest value, over nothing. */
export function min<const A extends Named, D extends DType, F, W = never>(
  axes: A,
  body: (axes: Axes<A>) => Expr<D, F> & Flat<F>,
  options?: ReduceOptions<A, W>,
): Expr<D, Reduced<A, F | Given<W>>> {
  return simple("min", axes, body, options);
}
/** The largest value (NaN if there is one). -Infinity, or the dtype's least value, over nothing. */
export function max<const A extends Named, D extends DType, F, W = never>(
  axes: A,
  body: (axes: Axes<A>) => Expr<D, F> & Flat<F>,
  options?: ReduceOptions<A, W>,
): Expr<D, Reduced<A, F | Given<W>>> {
  return simple("max", axes, body, options);
}
/** Whether a comparison holds anywhere. False over nothing. */
export function any<const A extends Named, F, W = never>(
  axes: A,
  body: (axes: Axes<A>) => Expr<"bool", F> & Flat<F>,
  options?: ReduceOptions<A, W>,
): Expr<"bool", Reduced<A, F | Given<W>>> {
  return simple("any", axes, body, options);
}
/** Whether a comparison holds everywhere. True over nothing. */
export function all<const A extends Named, F, W = never>(
  axes: A,
  body: (axes: Axes<A>) => Expr<"bool", F> & Flat<F>,
  options?: ReduceOptions<A, W>,
): Expr<"bool", Reduced<A, F | Given<W>>> {
  return simple("all", axes, body, options);
}

function arg(
  kind: "argmin" | "argmax",
  spec: Named,
  body: (axes: never) => unknown,
  options: { readonly where?: (axes: never) => unknown } | undefined,
): never {
  const one = (x: unknown): readonly AnyExpr[] => [expectExpr(x, `${kind} over ${Object.keys(spec).join(", ")}`)];
  const p = open(kind, spec, body as (axes: AnyAxes) => unknown, one, options);
  const value = p.values[0]!;
  if (value.dtype === "bool")
    throw new TeError(
      "te.dtype",
      `${where()}${kind} over ${quote(Object.keys(spec))} of bool values: cast("u8") them first`,
    );
  const flat = p.axes.slice(1).reduce((e: Node, a) => add(times(e, a.extent), a.var), p.axes[0]!.var);
  return wrap(reduceNode(argCombiner(kind, value.dtype), p.axes, [value, flat], p.condition, 1));
}
const times = (e: Node, n: Node): Node =>
  constInt(n) === 1 ? e : mul(e, constInt(n) === undefined ? n : int(constInt(n)!));

/**
 * The i32 index of the first smallest value: row-major over the axes in the order given when there are several. A NaN
 * counts as smaller than every number. 2^31 - 1 over nothing.
 */
export function argmin<const A extends Named, D extends NumericType, F, W = never>(
  axes: A,
  body: (axes: Axes<A>) => Expr<D, F> & Flat<F>,
  options?: ReduceOptions<A, W>,
): Expr<"i32", Reduced<A, F | Given<W>>> {
  return arg("argmin", axes, body, options);
}
/** The i32 index of the first largest value; a NaN counts as larger than every number. See `argmin`. */
export function argmax<const A extends Named, D extends NumericType, F, W = never>(
  axes: A,
  body: (axes: Axes<A>) => Expr<D, F> & Flat<F>,
  options?: ReduceOptions<A, W>,
): Expr<"i32", Reduced<A, F | Given<W>>> {
  return arg("argmax", axes, body, options);
}

/** A partial result, inside `combine`. */
export type Partials<V> = { readonly [K in keyof V]: V[K] extends Expr<infer D, any> ? Expr<D, never> : never };
export type Identities<V> = { readonly [K in keyof V]: V[K] extends Expr<infer D, any> ? Arg<D, never> : never };
export type Results<V> = {
  readonly [K in keyof V]: V[K] extends Expr<infer D, any> ? Expr<D, any> : never;
};
export type ReduceResults<A, V extends readonly unknown[], W> = {
  readonly [K in keyof V]: V[K] extends Expr<infer D, any>
    ? Expr<D, FactsOf<V[number]> | W | Red<Names<A>> | SizeOf<Vals<A>>>
    : never;
};
export interface ReduceSpec<A, V> {
  /** For printing; "reduce" when absent. */
  readonly name?: string;
  /** What each point contributes. */
  readonly values: (axes: Axes<A>) => V;
  /** One partial result from two, associative and commutative, made of these and constants only. */
  readonly combine: (a: Partials<V>, b: Partials<V>) => Results<V>;
  /** combine(identity, x) is x. */
  readonly identity: Identities<V>;
}

/**
 * A reduction of several values at once by a combiner of one's own; returns one expression per value.
 *
 *     const [s, q] = reduce({ k: K }, { values: ({ k }) => [X.at(k), X.at(k).mul(X.at(k))],
 *       combine: (a, b) => [a[0].add(b[0]), a[1].add(b[1])], identity: [0, 0] });
 *
 * Throws TeError (besides the common ones) where the numbers of values, results and identities or their dtypes differ, and
 * when the combiner reads tensors or axes.
 */
export function reduce<const A extends Named, const V extends readonly AnyExpr[], W = never>(
  axes: A,
  spec: ReduceSpec<A, V>,
  options?: ReduceOptions<A, W>,
): ReduceResults<A, V, W> {
  if (!isRecord(spec))
    throw new TeError(
      "te.body",
      `${where()}reduce: expected { values, combine, identity }, but was given ${describe(spec)}`,
    );
  const name = spec.name ?? "reduce";
  checkName(name, "reduction");
  checkOptions(spec, ["name", "values", "combine", "identity"], `${where()}${name}`);
  checkFunction(spec.values, `${where()}values of ${name}`, "({ k }) => [A.at(k)]");
  checkFunction(spec.combine, `${where()}combine of ${name}`, "(a, b) => [a[0].add(b[0])]");
  if (!isRecord(axes))
    throw new TeError("te.extent", `${where()}${name}: name the axes, as in { k: 512 }, instead of ${describe(axes)}`);
  const owner = `${name} over ${Object.keys(axes).join(", ")}`;
  const tuple = (x: unknown): readonly AnyExpr[] => {
    if (!Array.isArray(x) || x.length === 0)
      throw new TeError("te.body", `the values of "${owner}" returned ${describe(x)}: expected a list of expressions`);
    return x.map((e) => expectExpr(e, owner, "values"));
  };
  const p = open(name, axes, spec.values as never, tuple, options);
  const dtypes = p.values.map((v) => v.dtype);
  const combiner = userCombiner(name, owner, dtypes, spec as never);
  return p.values.map((_, c) => wrap(reduceNode(combiner, p.axes, p.values, p.condition, c))) as never;
}

/** A combiner from a function of two lists of partial results. */
export function userCombiner(
  name: string,
  owner: string,
  dtypes: readonly DType[],
  spec: { readonly combine: (a: unknown, b: unknown) => unknown; readonly identity: readonly unknown[] },
): Combiner {
  const { lhs, rhs } = combinerVars(dtypes);
  const wrapAll = (vars: readonly Node[]): readonly AnyExpr[] => vars.map((v) => new Expr(v));
  const results = inFrame(
    "combine",
    owner,
    [],
    () => spec.combine(wrapAll(lhs), wrapAll(rhs)),
    (x) => {
      if (!Array.isArray(x) || x.length !== dtypes.length)
        throw new TeError(
          "te.body",
          `the combine of "${owner}" returned ${describe(x)}: expected ${dtypes.length} expressions in a list`,
        );
      const nodes = x.map((e, c) => operand(expectExpr(e, owner, "combine"), dtypes[c]!, `result ${c} of combine`));
      return { result: nodes, nodes };
    },
  );
  const own = new Set<Node>([...lhs, ...rhs]);
  for (const r of results)
    visitExpr(r, (e) => {
      if (e.kind === "load" || e.kind === "reduce" || (e.kind === "var" && !own.has(e)))
        throw new TeError("te.scope", `the combine of "${owner}" may use partial results and constants only`);
    });
  if (!Array.isArray(spec.identity) || spec.identity.length !== dtypes.length)
    throw new TeError("te.body", `"${owner}" has ${dtypes.length} values: give as many identities`);
  const identities = spec.identity.map((x, c) => operand(x, dtypes[c]!, `identity ${c} of ${owner}`));
  for (const i of identities)
    if (i.kind !== "const") throw new TeError("te.body", `the identities of "${owner}" must be constants`);
  return makeCombiner(name, dtypes, results, identities, !dtypes.some(isFloat));
}
