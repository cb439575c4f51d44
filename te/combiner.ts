/** How partial results combine: the built-in combiners, and interning by structure so that equal ones are the same object. */
import {
  add,
  type Combiner,
  constant,
  type DType,
  eq,
  ge,
  gt,
  isBig,
  isFloat,
  le,
  lt,
  max,
  maxInt,
  min,
  minInt,
  mul,
  type Expr as Node,
  not,
  op,
  type Scalar,
  select,
  type Var,
  variable,
} from "../src/ir/index.ts";

// One variable per position and dtype for all combiners, so that equal combiners have equal result nodes.
const variables = new Map<string, Var>();
function shared(side: "a" | "b", position: number, dtype: DType): Var {
  const key = `${side}${position}:${dtype}`;
  let v = variables.get(key);
  if (v === undefined) {
    v = variable(`${side}${position}`, dtype);
    variables.set(key, v);
  }
  return v;
}
/** The variables in which a combiner of these dtypes is written. */
export const combinerVars = (
  dtypes: readonly DType[],
): { readonly lhs: readonly Var[]; readonly rhs: readonly Var[] } => ({
  lhs: dtypes.map((d, i) => shared("a", i, d)),
  rhs: dtypes.map((d, i) => shared("b", i, d)),
});

const table = new Map<string, WeakRef<Combiner>>();
/** The combiner with these results, over the variables of `combinerVars`. */
export function makeCombiner(
  name: string,
  dtypes: readonly DType[],
  results: readonly Node[],
  identities: readonly Node[],
  exact: boolean,
): Combiner {
  const key = `${name}:${dtypes.join()}:${results.map((r) => r.id).join()}:${identities.map((r) => r.id).join()}`;
  const old = table.get(key)?.deref();
  if (old !== undefined) return old;
  const made: Combiner = Object.freeze({ name, ...combinerVars(dtypes), results, identities, exact });
  table.set(key, new WeakRef(made));
  return made;
}

export type SimpleReduction = "sum" | "prod" | "min" | "max" | "any" | "all";

const least = (d: DType): Node => (isFloat(d) ? constant(d, -Infinity) : constant(d, scalarOf(d, minInt(d))));
const greatest = (d: DType): Node => (isFloat(d) ? constant(d, Infinity) : constant(d, scalarOf(d, maxInt(d))));
const scalarOf = (d: DType, v: bigint): Scalar => (isBig(d) ? v : Number(v));

const SIMPLE: {
  readonly [R in SimpleReduction]: {
    readonly combine: (a: Node, b: Node) => Node;
    readonly identity: (d: DType) => Node;
  };
} = {
  sum: { combine: add, identity: (d) => constant(d, isBig(d) ? 0n : 0) },
  prod: { combine: mul, identity: (d) => constant(d, isBig(d) ? 1n : 1) },
  min: { combine: min, identity: greatest },
  max: { combine: max, identity: least },
  any: { combine: (a, b) => op("or", [a, b]), identity: () => constant("bool", false) },
  all: { combine: (a, b) => op("and", [a, b]), identity: () => constant("bool", true) },
};

export function simpleCombiner(kind: SimpleReduction, dtype: DType): Combiner {
  const { combine, identity } = SIMPLE[kind];
  const { lhs, rhs } = combinerVars([dtype]);
  // float min and max lose nothing, in whatever order
  const exact = !isFloat(dtype) || kind === "min" || kind === "max";
  return makeCombiner(kind, [dtype], [combine(lhs[0]!, rhs[0]!)], [identity(dtype)], exact);
}

/**
 * Components: the extreme value, and the i32 index where it first is. Ties go to the smaller index and a NaN beats every number,
 * so the order of combining does not matter. Over nothing at all the index is 2^31 - 1.
 */
export function argCombiner(kind: "argmin" | "argmax", dtype: DType): Combiner {
  const dtypes: readonly DType[] = [dtype, "i32"];
  const { lhs, rhs } = combinerVars(dtypes);
  const [av, ai, bv, bi] = [lhs[0]!, lhs[1]!, rhs[0]!, rhs[1]!];
  const [beats, fails] = kind === "argmax" ? [gt, le] : [lt, ge];
  const better = (x: Node, y: Node): Node => (isFloat(dtype) ? op("and", [not(fails(x, y)), eq(y, y)]) : beats(x, y));
  const takeB = select(lt(bi, ai), not(better(av, bv)), better(bv, av));
  const identity = kind === "argmax" ? least(dtype) : greatest(dtype);
  const results = [select(takeB, bv, av), select(takeB, bi, ai)];
  return makeCombiner(kind, dtypes, results, [identity, constant("i32", 2 ** 31 - 1)], true);
}
