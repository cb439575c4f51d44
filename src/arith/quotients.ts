/** Lower bounds of linear forms with quotients in them: forms that are never larger, with more in common. */
import { constInt, type Expr, floordiv } from "../ir/index.ts";
import { replaceAtom } from "./conditions.ts";
import { divideBounds, gcd, type Lin, linAdd, linAtom, linOf, linPlus, linScale, linSub } from "./linear.ts";

/** (x + p) // c - (x + q) // c >= (p - q) // c: how a rounded-up count compares with a rounded-down one. */
export function relaxQuotientPair(l: Lin): Lin | undefined {
  for (const [e, k] of l.terms) {
    if (k < 0 || e.kind !== "op" || e.op !== "floordiv") continue;
    const c = constInt(e.args[1]!);
    if (c === undefined || c <= 0) continue;
    for (const [g, n] of l.terms) {
      if (n > 0 || g.kind !== "op" || g.op !== "floordiv" || g.args[1] !== e.args[1]) continue;
      const d = linSub(linOf(e.args[0]!), linOf(g.args[0]!));
      if (d.terms.size > 0) continue;
      const m = Math.min(k, -n);
      return linPlus(linAdd(linAdd(l, linAtom(e), -m), linAtom(g), m), m * divideBounds(d.constant, c));
    }
  }
  return undefined;
}

/** c * (a // c) lies in [a - c + 1, a], and a % c = a - c * (a // c): used where the rest has something of `a` to cancel. */
export function relaxQuotient(l: Lin, e: Expr, k: number): { form: Lin; scale: number } | undefined {
  if (e.kind !== "op" || (e.op !== "floordiv" && e.op !== "floormod")) return undefined;
  const c = constInt(e.args[1]!);
  if (c === undefined || c <= 0) return undefined;
  const a = linOf(e.args[0]!);
  if (!sharesAtoms(l, a, e)) return undefined;
  if (e.op === "floormod") {
    const whole = linAdd(a, linAtom(floordiv(e.args[0]!, e.args[1]!)), -c);
    return { form: replaceAtom(l, e, whole), scale: 1 };
  }
  const scale = c / gcd(c, k);
  const scaled = linScale(l, scale);
  const n = (k * scale) / c;
  const bound = k < 0 ? a : linPlus(a, 1 - c);
  return { form: linAdd(linAdd(scaled, linAtom(e), -k * scale), bound, n), scale };
}
export function sharesAtoms(l: Lin, a: Lin, except: Expr): boolean {
  for (const x of a.terms.keys()) if (x !== except && l.terms.has(x)) return true;
  return false;
}
