/**
 * Vectors of indices: a vector made of ramps and broadcasts is a scalar expression of the lane number. Simplifying that and
 * turning it back gives all vector rules at once: ramp + broadcast is a ramp, a comparison may hold in every lane, and so on.
 */
import { broadcast, type Expr, op, ramp, type Var, variable } from "../ir/index.ts";
import {
  emit,
  factorsOf,
  isIndexTyped,
  type Lin,
  linAdd,
  linAtom,
  linConst,
  linOf,
  linScale,
  monomial,
} from "./linear.ts";

const laneVars = new Map<number, Var>();
export function laneVar(lanes: number): Var {
  let v = laneVars.get(lanes);
  if (v === undefined) {
    v = variable(`lane${lanes}`);
    laneVars.set(lanes, v);
  }
  return v;
}

/** The scalar expression of the lane number, or undefined where a lane has no such expression (loads, vector variables). */
export function scalarize(e: Expr, lane: Var, memo: Map<Expr, Expr | undefined> = new Map()): Expr | undefined {
  if (memo.has(e)) return memo.get(e);
  let r: Expr | undefined;
  if (e.kind === "broadcast") r = e.value.dtype === "i32" || e.value.dtype === "bool" ? e.value : undefined;
  else if (e.kind === "ramp" && e.dtype === "i32") r = op("add", [e.base, op("mul", [lane, e.stride])]);
  else if (e.kind === "op" && (e.dtype === "i32" || e.dtype === "bool") && e.op !== "cast" && e.op !== "where") {
    const args: Expr[] = [];
    for (const a of e.args) {
      const s = scalarize(a, lane, memo);
      if (s === undefined) break;
      args.push(s);
    }
    if (args.length === e.args.length) r = op(e.op, args);
  }
  memo.set(e, r);
  return r;
}

function mentions(e: Expr, lane: Var, memo: Map<Expr, boolean>): boolean {
  if (e === lane) return true;
  const old = memo.get(e);
  if (old !== undefined) return old;
  const kids = e.kind === "op" ? e.args : e.kind === "load" ? e.index : [];
  const r = kids.some((k) => mentions(k, lane, memo));
  memo.set(e, r);
  return r;
}

/** Back to a vector: parts without the lane number are broadcast, linear ones are ramps. */
export function vectorize(e: Expr, lane: Var, lanes: number, memo: Map<Expr, boolean> = new Map()): Expr | undefined {
  if (!mentions(e, lane, memo)) return broadcast(e, lanes);
  if (isIndexTyped(e)) {
    const r = asRamp(e, lane, lanes, memo);
    if (r !== undefined) return r;
  }
  if (e.kind !== "op") return undefined;
  const args: Expr[] = [];
  for (const a of e.args) {
    const v = vectorize(a, lane, lanes, memo);
    if (v === undefined) return undefined;
    args.push(v);
  }
  return op(e.op, args, e.dtype);
}
function asRamp(e: Expr, lane: Var, lanes: number, memo: Map<Expr, boolean>): Expr | undefined {
  const l = linOf(e);
  let stride: Lin = linConst(0);
  let base: Lin = linConst(l.constant);
  for (const [x, k] of l.terms) {
    if (!mentions(x, lane, memo)) {
      base = linAdd(base, linAtom(x, k));
      continue;
    }
    const fs = factorsOf(x);
    const at = fs.indexOf(lane);
    if (at < 0) return undefined;
    const others = fs.filter((_, i) => i !== at);
    if (others.some((y) => mentions(y, lane, memo))) return undefined;
    stride = linAdd(stride, others.length === 0 ? linConst(1) : linAtom(monomial(others)), k);
  }
  const [b, s] = [emit(base), emit(linScale(stride, 1))];
  return b && s && ramp(b, s, lanes);
}
