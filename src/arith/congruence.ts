/** What an integer expression is modulo something: from multiples, remainders, and sizes declared as multiples. */
import { constInt, type Expr } from "../ir/index.ts";
import type { Congruence, Facts } from "./facts.ts";
import { factorsOf, floorMod, gcd, isIndexTyped, type Lin, linOf } from "./linear.ts";

const NOTHING: Congruence = { modulus: 1, remainder: 0 };
const normal = (m: number, r: number): Congruence => {
  if (!Number.isSafeInteger(m) || !Number.isSafeInteger(r)) return NOTHING;
  return m === 0 ? { modulus: 0, remainder: r } : { modulus: m, remainder: floorMod(r, m) };
};
/** e is `remainder` modulo `modulus`; modulus 0: exactly; modulus 1: nothing known. */
export function congruenceOf(e: Expr, f: Facts): Congruence {
  const c = constInt(e);
  if (c !== undefined) return normal(0, c);
  const old = f.congruenceMemo.get(e);
  if (old !== undefined) return old;
  const l = linOf(e);
  const r = f.multiples.get(e) ?? (l.terms.has(e) ? atomCongruence(e, f) : congruenceOfLin(l, f));
  f.congruenceMemo.set(e, r);
  return r;
}
export function congruenceOfLin(l: Lin, f: Facts): Congruence {
  let m = 0;
  let r = l.constant;
  for (const [e, k] of l.terms) {
    const c = congruenceOf(e, f);
    m = gcd(m, c.modulus * k);
    r += c.remainder * k;
    if (!Number.isSafeInteger(r) || !Number.isSafeInteger(c.modulus * k)) return NOTHING;
  }
  return normal(m, r);
}
const join = (a: Congruence, b: Congruence): Congruence =>
  normal(gcd(gcd(a.modulus, b.modulus), a.remainder - b.remainder), a.remainder);

function atomCongruence(e: Expr, f: Facts): Congruence {
  if (e.kind === "broadcast") return congruenceOf(e.value, f);
  if (e.kind === "var") {
    if (e.size) return normal(e.size.multipleOf, 0);
    const r = f.ranges.get(e);
    if (r?.constant && r.first.constant === r.last.constant) return normal(0, r.first.constant);
    return NOTHING;
  }
  if (e.kind !== "op" || !isIndexTyped(e)) return NOTHING;
  const [x, y] = e.args;
  switch (e.op) {
    case "mul":
      return factorsOf(e)
        .map((z) => congruenceOf(z, f))
        .reduce((a, b) =>
          normal(
            gcd(gcd(a.modulus * b.modulus, a.modulus * b.remainder), b.modulus * a.remainder),
            a.remainder * b.remainder,
          ),
        );
    case "min":
    case "max":
      return join(congruenceOf(x!, f), congruenceOf(y!, f));
    case "select":
    case "where":
      return join(congruenceOf(y!, f), congruenceOf(e.args[2]!, f));
    case "floormod": {
      const c = constInt(y!);
      const a = congruenceOf(x!, f);
      return c === undefined || c === 0 ? NOTHING : join(a, normal(c, a.remainder));
    }
    case "floordiv": {
      const c = constInt(y!);
      const a = congruenceOf(x!, f);
      if (c === undefined || c <= 0 || a.modulus % c !== 0) return NOTHING;
      return normal(a.modulus / c, Math.floor(a.remainder / c));
    }
    default:
      return NOTHING;
  }
}
