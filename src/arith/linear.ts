/**
 * The linear form of index expressions: integer coefficients over atoms, plus a constant. An atom is whatever is not a sum
 * or a multiple: a variable, a quotient, a load, or a product of those (a monomial).
 *
 * Purely structural: nothing here knows ranges, so forms are cached per node for good.
 */
import { add, constInt, type Expr, int, mul, op, sub } from "../ir/index.ts";

export interface Lin {
  readonly terms: ReadonlyMap<Expr, number>;
  readonly constant: number;
}

const NO_TERMS: ReadonlyMap<Expr, number> = new Map();
export const linConst = (constant: number): Lin => ({ terms: NO_TERMS, constant });
export const ZERO_LIN: Lin = linConst(0);
export const linAtom = (e: Expr, coefficient = 1): Lin => ({ terms: new Map([[e, coefficient]]), constant: 0 });

/** Coefficients are exact doubles; anything larger makes the node it came from an atom. */
const safe = (l: Lin): boolean => {
  if (!Number.isSafeInteger(l.constant)) return false;
  for (const c of l.terms.values()) if (!Number.isSafeInteger(c)) return false;
  return true;
};

/** a + k * b. */
export function linAdd(a: Lin, b: Lin, k = 1): Lin {
  if (b.terms.size === 0) return { terms: a.terms, constant: a.constant + k * b.constant };
  const terms = new Map(a.terms);
  for (const [e, c] of b.terms) {
    const n = (terms.get(e) ?? 0) + k * c;
    if (n === 0) terms.delete(e);
    else terms.set(e, n);
  }
  return { terms, constant: a.constant + k * b.constant };
}
export const linSub = (a: Lin, b: Lin): Lin => linAdd(a, b, -1);
export function linScale(a: Lin, k: number): Lin {
  if (k === 1) return a;
  if (k === 0) return ZERO_LIN;
  const terms = new Map<Expr, number>();
  for (const [e, c] of a.terms) terms.set(e, c * k);
  return { terms, constant: a.constant === 0 ? 0 : a.constant * k };
}
/** By a number that divides every coefficient; the constant part by it, too, rounded down. (A product with 1 / g would not be whole: 49 * (1 / 49) is not 1.) */
export function linDivide(a: Lin, g: number): Lin {
  if (g === 1) return a;
  return { terms: new Map([...a.terms].map(([e, c]) => [e, c / g])), constant: Math.floor(a.constant / g) };
}
export const linNeg = (a: Lin): Lin => linScale(a, -1);
export const linPlus = (a: Lin, c: number): Lin => ({ terms: a.terms, constant: a.constant + c });
export const isConstant = (l: Lin): boolean => l.terms.size === 0;
export const linEquals = (a: Lin, b: Lin): boolean => {
  if (a.constant !== b.constant || a.terms.size !== b.terms.size) return false;
  for (const [e, c] of a.terms) if (b.terms.get(e) !== c) return false;
  return true;
};

export function gcd(a: number, b: number): number {
  let [x, y] = [Math.abs(a), Math.abs(b)];
  while (y !== 0) [x, y] = [y, x % y];
  return x;
}
/** floor(a / b) for b > 0, infinities kept. */
export const divideBounds = (a: number, b: number): number => (Number.isFinite(a) ? Math.floor(a / b) : a);
export const floorMod = (a: number, b: number): number => {
  const r = a % b;
  return r !== 0 && r < 0 !== b < 0 ? r + b : r + 0;
};

export const isProduct = (atom: Expr): boolean => atom.kind === "op" && atom.op === "mul" && isIndexTyped(atom);
const factorLists = new WeakMap<Expr, readonly Expr[]>();
/** The atoms multiplied in a monomial; a plain atom is its own only factor. */
export function factorsOf(atom: Expr): readonly Expr[] {
  let list = factorLists.get(atom);
  if (list === undefined) {
    list = atom.kind === "op" && isProduct(atom) ? atom.args.flatMap((a) => factorsOf(a)) : [atom];
    factorLists.set(atom, list);
  }
  return list;
}

const literals = new Map<number, Expr>();
/** `int`, with the constants that indices are full of at hand. */
export function num(n: number): Expr {
  let e = literals.get(n);
  if (e === undefined) {
    e = int(n + 0);
    if (literals.size < 4096) literals.set(n, e);
  }
  return e;
}
export const isIndexTyped = (e: Expr): boolean => e.dtype === "i32" && e.lanes === 1;

export function monomial(factors: readonly Expr[]): Expr {
  const sorted = [...factors].sort(compareExpr);
  return sorted.reduce((a, b) => mul(a, b));
}

/** Sums distribute over each other up to this many products; beyond it the product is an atom. */
const MAX_PRODUCTS = 24;
export function linMul(a: Lin, b: Lin): Lin | undefined {
  if (isConstant(a)) return linScale(b, a.constant);
  if (isConstant(b)) return linScale(a, b.constant);
  if ((a.terms.size + 1) * (b.terms.size + 1) > MAX_PRODUCTS) return undefined;
  let out = linAdd(linScale({ terms: a.terms, constant: 0 }, b.constant), linScale(b, a.constant));
  for (const [x, cx] of a.terms)
    for (const [y, cy] of b.terms) out = linAdd(out, linAtom(monomial([...factorsOf(x), ...factorsOf(y)]), cx * cy));
  return safe(out) ? out : undefined;
}

const cache = new WeakMap<Expr, Lin>();
/** The linear form of an i32 scalar (any other expression is an atom). */
export function linOf(e: Expr): Lin {
  const c = isIndexTyped(e) ? constInt(e) : undefined;
  if (c !== undefined) return linConst(c);
  const old = cache.get(e);
  if (old !== undefined) return old;
  const l = compute(e);
  const r = l !== undefined && safe(l) ? l : linAtom(e);
  cache.set(e, r);
  return r;
}
function compute(e: Expr): Lin | undefined {
  if (e.kind !== "op" || !isIndexTyped(e)) return undefined;
  switch (e.op) {
    case "add":
      return linAdd(linOf(e.args[0]!), linOf(e.args[1]!));
    case "sub":
      return linSub(linOf(e.args[0]!), linOf(e.args[1]!));
    case "neg":
      return linNeg(linOf(e.args[0]!));
    case "mul":
      return linMul(linOf(e.args[0]!), linOf(e.args[1]!));
    default:
      return undefined;
  }
}

// ---- order and emission

function rank(e: Expr): number {
  switch (e.kind) {
    case "var":
      return e.size ? 2 : 0;
    case "op":
      return 1;
    case "load":
      return 3;
    case "const":
      return 9;
    default:
      return 4;
  }
}
/**
 * A total order that depends on structure and on the age of variables only (ids of interned nodes change when a node is
 * collected and made again).
 */
export function compareExpr(a: Expr, b: Expr): number {
  if (a === b) return 0;
  const r = rank(a) - rank(b);
  if (r !== 0) return r;
  if (a.kind === "const" && b.kind === "const") return a.value < b.value ? -1 : a.value > b.value ? 1 : a.id - b.id;
  if (a.kind === "op" && b.kind === "op") {
    // quotients and remainders of one variable belong beside it, so compare operands before operators
    for (let i = 0; i < a.args.length && i < b.args.length; i++) {
      const c = compareExpr(a.args[i]!, b.args[i]!);
      if (c !== 0) return c;
    }
    return a.op < b.op ? -1 : a.op > b.op ? 1 : a.id - b.id;
  }
  if (a.kind === "load" && b.kind === "load" && a.buffer !== b.buffer && a.buffer.name !== b.buffer.name)
    return a.buffer.name < b.buffer.name ? -1 : 1;
  return a.id - b.id;
}

const FITS = 2 ** 31;
/** Terms as they are printed: positive before negative, products first, large strides first. */
export function sortedTerms(l: Lin): [Expr, number][] {
  const list = [...l.terms];
  return list.length < 2 ? list : list.sort(byTerm);
}
const byTerm = ([a, x]: [Expr, number], [b, y]: [Expr, number]): number =>
  Number(x < 0) - Number(y < 0) ||
  (isProduct(a) || isProduct(b) ? factorsOf(b).length - factorsOf(a).length : 0) ||
  Math.abs(y) - Math.abs(x) ||
  compareExpr(a, b);

/** The canonical expression of a linear form; undefined where a number does not fit in i32. */
export function emit(l: Lin): Expr | undefined {
  if (!(l.constant >= -FITS && l.constant < FITS)) return undefined;
  let out: Expr | undefined;
  let constant = l.constant;
  for (const [e, c] of sortedTerms(l)) {
    if (!(Math.abs(c) < FITS)) return undefined;
    const a = Math.abs(c);
    const term = a === 1 ? e : mul(e, num(a));
    if (out !== undefined) out = c > 0 ? add(out, term) : sub(out, term);
    else if (c > 0) out = term;
    else if (constant > 0) {
      out = sub(num(constant), term);
      constant = 0;
    } else out = a === 1 ? op("neg", [e]) : mul(e, num(c));
  }
  if (out === undefined) return num(constant);
  if (constant === 0) return out;
  if (constant === -FITS) return add(out, num(constant));
  return constant > 0 ? add(out, num(constant)) : sub(out, num(-constant));
}
