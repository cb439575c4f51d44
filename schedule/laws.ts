/** What a combiner promises: that partial results may be combined in any order and grouping. */
import {
  applyOp,
  type Combiner,
  type DType,
  type Expr,
  isBig,
  isFloat,
  isInteger,
  maxInt,
  minInt,
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

/**
 * Whole numbers, some of them equal: float sums and products of them are exact in any order. What saturates or is held within
 * limits shows at large ones of either sign only; integers end at the largest and smallest there are.
 */
const POOL = [1, 0, 2, 5, 1, 3, 4, -3, 100, -100];
const sample = (d: DType, n: number): Scalar => {
  const list = isInteger(d) ? [...POOL, maxInt(d), minInt(d)] : POOL;
  const x = list[n % list.length]!;
  return normalize(d, isBig(d) ? BigInt(x) : d === "bool" ? Math.abs(Number(x)) % 2 : Number(x));
};
/** As many as there are integers to choose from. */
const CASES = POOL.length + 2;
/** Any values, and the identity before them. */
function anyValues(c: Combiner): Values[] {
  const identity = c.identities.map((e) => (e.kind === "const" ? e.value : 0));
  return [identity, ...Array.from({ length: CASES }, (_, n) => c.lhs.map((v, i) => sample(v.dtype, n * (i + 1) + i)))];
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
interface Broken {
  /** The identity changes what it is combined with. */
  readonly identity?: string;
  /** Even itself. */
  readonly itself?: boolean;
  readonly order?: string;
}
const always = new WeakMap<Combiner, Broken>();

/**
 * A case where a combiner is not associative, not commutative or not neutral for its identity, among what points with these
 * terms may contribute; undefined where none is found. A reduction that starts from the identity combines it with everything
 * anyway, so there the identity only has to leave itself as it is (as 0 does for the largest of absolute values).
 */
export function brokenLaw(c: Combiner, terms: readonly Expr[], fromIdentity = true): string | undefined {
  let known = always.get(c);
  if (known === undefined) {
    known = search(c, anyValues(c));
    always.set(c, known);
  }
  const why = (b: Broken): string | undefined =>
    b.order !== undefined || b.itself || !fromIdentity ? (b.identity ?? b.order) : undefined;
  // a combiner need not keep its promise for values that never occur, as a mean of no values that is not 0
  return why(known) && why(search(c, valuesOf(c, terms)));
}
function search(c: Combiner, list: readonly Values[]): Broken {
  const none = list[0]!;
  const f = (a: Values | undefined, b: Values | undefined): Values | undefined => a && b && combine(c, a, b);
  const unlike = (a: Values | undefined, b: Values | undefined): boolean => !!a && !!b && differ(c, a, b);
  let identity: string | undefined;
  for (const a of list) {
    const [left, right] = [f(none, a), f(a, none)];
    if (unlike(left, a)) identity ??= `combining the identity ${text(none)} with ${text(a)} gives ${text(left!)}`;
    if (unlike(right, a)) identity ??= `combining ${text(a)} with the identity ${text(none)} gives ${text(right!)}`;
  }
  const itself = unlike(f(none, none), none);
  const found = (order?: string): Broken => ({
    ...(identity === undefined ? {} : { identity, itself }),
    ...(order === undefined ? {} : { order }),
  });
  for (const a of list)
    for (const b of list) {
      const [x, y] = [f(a, b), f(b, a)];
      if (unlike(x, y))
        return found(`${text(a)} and ${text(b)} give ${text(x!)}, but ${text(b)} and ${text(a)} give ${text(y!)}`);
    }
  for (const a of list)
    for (const b of list)
      for (const d of list) {
        const [x, y] = [f(f(a, b), d), f(a, f(b, d))];
        if (unlike(x, y))
          return found(
            `${text(a)}, ${text(b)} and ${text(d)} give ${text(x!)} from the left, but ${text(y!)} from the right`,
          );
      }
  return found();
}
