/** What a combiner promises: that partial results may be combined in any order and grouping. */
import {
  applyOp,
  type Combiner,
  type DType,
  type Expr,
  isBig,
  isFloat,
  normalize,
  type Scalar,
} from "../src/ir/index.ts";

type Values = readonly Scalar[];

/** The value of an expression over values of its leaves; undefined where it is made of anything but operations. */
function evaluate(
  e: Expr,
  leaf: (e: Expr) => Scalar | undefined,
  known: Map<Expr, Scalar | undefined>,
): Scalar | undefined {
  if (known.has(e)) return known.get(e);
  let v = leaf(e);
  if (v === undefined && e.kind === "const") v = e.value;
  if (v === undefined && e.kind === "op") {
    const args = e.args.map((x) => evaluate(x, leaf, known));
    const types = e.args.map((x) => x.dtype);
    if (!args.includes(undefined)) v = applyOp(e.op, e.dtype, types, args as Scalar[]);
  }
  known.set(e, v);
  return v;
}

/** The results for given operands; undefined where they can't be told. */
function combine(c: Combiner, a: Values, b: Values): Values | undefined {
  const operands = new Map<Expr, Scalar>();
  c.lhs.forEach((v, i) => {
    operands.set(v, a[i]!);
  });
  c.rhs.forEach((v, i) => {
    operands.set(v, b[i]!);
  });
  const known = new Map<Expr, Scalar | undefined>();
  const out = c.results.map((e) => evaluate(e, (x) => operands.get(x), known));
  return out.includes(undefined) ? undefined : (out as Values);
}

/** Small whole numbers, some of them equal: float sums and products of them are exact in any order. */
const POOL = [1, 0, 2, 5, 3, 1, 4];
const sample = (d: DType, n: number): Scalar => {
  const x = POOL[n % POOL.length]!;
  return normalize(d, isBig(d) ? BigInt(x) : d === "bool" ? x % 2 : x);
};
/** Any values, and the identity before them. */
function anyValues(c: Combiner): Values[] {
  const identity = c.identities.map((e) => (e.kind === "const" ? e.value : 0));
  return [identity, ...POOL.map((_, n) => c.lhs.map((v, i) => sample(v.dtype, n * (i + 1) + i)))];
}
/** What points may contribute: their terms, for some values of what these read. */
function valuesOf(c: Combiner, terms: readonly Expr[]): Values[] {
  const leaves = new Map<Expr, number>();
  const [identity, ...rest] = anyValues(c);
  const points = rest.map((values, n) => {
    const leaf = (e: Expr): Scalar | undefined => {
      if (e.kind === "const" || e.kind === "op") return undefined;
      if (!leaves.has(e)) leaves.set(e, leaves.size);
      // leaves change in different steps, so that their values come in many combinations
      const at = leaves.get(e)!;
      return sample(e.dtype, n * (at + 1) + at);
    };
    const known = new Map<Expr, Scalar | undefined>();
    return terms.map((t, i) => evaluate(t, leaf, known) ?? values[i]!);
  });
  return [identity!, ...points];
}

/** Float arithmetic may round; where something isn't a number, there is nothing to compare. */
function differ(c: Combiner, a: Values, b: Values): boolean {
  const numbers = [...a, ...b].every((x) => !Number.isNaN(Number(x)));
  return numbers && a.some((x, i) => !close(x, b[i]!, isFloat(c.results[i]!.dtype)));
}
function close(x: Scalar, y: Scalar, rounds: boolean): boolean {
  if (x === y) return true;
  const [a, b] = [Number(x), Number(y)];
  return rounds && Math.abs(a - b) <= 1e-2 * Math.max(1, Math.abs(a), Math.abs(b));
}

const text = (v: Values): string => (v.length === 1 ? String(v[0]) : `(${v.map(String).join(", ")})`);
const always = new WeakMap<Combiner, { readonly keeps: boolean }>();

/**
 * A case where a combiner is not associative, not commutative or not neutral for its identity, among what points with these
 * terms may contribute; undefined where none is found.
 */
export function brokenLaw(c: Combiner, terms: readonly Expr[]): string | undefined {
  let known = always.get(c);
  if (known === undefined) {
    known = { keeps: search(c, anyValues(c)) === undefined };
    always.set(c, known);
  }
  // a combiner need not keep its promise for values that never occur, as a mean of no values that is not 0
  return known.keeps ? undefined : search(c, valuesOf(c, terms));
}
function search(c: Combiner, list: readonly Values[]): string | undefined {
  const identity = list[0]!;
  const f = (a: Values | undefined, b: Values | undefined): Values | undefined => a && b && combine(c, a, b);
  const unlike = (a: Values | undefined, b: Values | undefined): boolean => !!a && !!b && differ(c, a, b);
  for (const a of list) {
    const [left, right] = [f(identity, a), f(a, identity)];
    if (unlike(left, a)) return `combining the identity ${text(identity)} with ${text(a)} gives ${text(left!)}`;
    if (unlike(right, a)) return `combining ${text(a)} with the identity ${text(identity)} gives ${text(right!)}`;
  }
  for (const a of list)
    for (const b of list) {
      const [x, y] = [f(a, b), f(b, a)];
      if (unlike(x, y))
        return `${text(a)} and ${text(b)} give ${text(x!)}, but ${text(b)} and ${text(a)} give ${text(y!)}`;
    }
  for (const a of list)
    for (const b of list)
      for (const d of list) {
        const [x, y] = [f(f(a, b), d), f(a, f(b, d))];
        if (unlike(x, y))
          return `${text(a)}, ${text(b)} and ${text(d)} give ${text(x!)} from the left, but ${text(y!)} from the right`;
      }
  return undefined;
}
