/**
 * Turns vectorized loops into vector statements of as many lanes as the loop has steps: the loop variable becomes a
 * ramp, what depends on it becomes a vector, and loops inside stay loops.
 *
 * Before: partitioned; a vectorized loop has a constant extent. After: no vectorized loop; vectors of any width (lanes.ts
 * cuts them). A guard that differs between lanes shortens the vector: to a constant where the bound is one, otherwise to a
 * cascade of power-of-two widths. Guards of any other shape run lane by lane.
 */
import { affine, type Facts, simplifyIndex, solveCondition } from "../arith/index.ts";
import {
  type Alloc,
  add,
  broadcast,
  buffer,
  children,
  constInt,
  type Expr,
  type For,
  type Func,
  floordiv,
  int,
  load,
  mapExpr,
  mapStmt,
  max,
  min,
  mul,
  NOTHING,
  ramp,
  type Stmt,
  seq,
  slice,
  sub,
  substituteStmt,
  TilewrightError,
  usesVar,
  type Var,
  variable,
  withBody,
  withChildren,
} from "../ir/index.ts";
import { assuming, conjoin, conjuncts } from "./conditions.ts";
import { hasPower, ladder, needsLadder } from "./ladder.ts";
import { simplifyStmt } from "./simplify.ts";
import { freshen } from "./unroll.ts";
import { walkFacts } from "./walk.ts";

export function vectorize(f: Func): Func {
  return withBody(
    f,
    walkFacts(f.body, (s, facts) => (s.kind === "for" && s.loop === "vectorized" ? loop(s, facts) : s)),
  );
}

function loop(s: For, facts: Facts): Stmt {
  const n = constInt(s.extent);
  if (n === undefined)
    throw new TilewrightError("vector-extent", `vectorized loop ${s.var.name} has no constant extent`);
  if (n <= WIDEST) return widen(s.body, s.var, s.min, n, facts);
  // far more lanes than registers: whole chunks one after another, then the rest
  const chunk = variable(s.var.name);
  const whole = Math.floor(n / CHUNK);
  const base = simplifyIndex(add(s.min, mul(chunk, int(CHUNK))));
  const body = widen(s.body, s.var, base, CHUNK, facts.withVar(chunk, int(0), int(whole)));
  const rest = freshen(widen(s.body, s.var, add(s.min, int(whole * CHUNK)), n % CHUNK, facts));
  return seq([{ kind: "for", var: chunk, min: int(0), extent: int(whole), loop: "serial", body }, rest]);
}

/** Lanes that are written out; loops of more become loops over chunks. */
const WIDEST = 1024;
const CHUNK = 128;

/** Vectors of the statement for v = base .. base + n. */
function widen(s: Stmt, v: Var, base: Expr, n: number, facts: Facts): Stmt {
  if (n <= 0) return NOTHING;
  if (n === 1) return simplifyStmt(substituteStmt(s, new Map([[v, base]])), facts);
  const w = new Widener(v, base, n);
  const go = (x: Stmt, known: Facts): Stmt => {
    switch (x.kind) {
      case "store": {
        const value = w.expr(x.value);
        const index = x.index.map((i) => w.index(i, known));
        return { ...x, index: index.map((i) => w.fill(i)), value: w.fill(value) };
      }
      case "seq":
        return seq(x.body.map((y) => go(y, known)));
      case "alloc": {
        const apart = memoryPerLane(x, sub(v, base), n);
        return { ...apart, body: go(apart.body, known) };
      }
      case "for": {
        if (w.varies(x.min) || w.varies(x.extent)) return lanewise(x, w, n, known);
        // one loop gives the lanes; a vectorized one inside it is written out
        const loop = x.loop === "vectorized" ? "unrolled" : x.loop;
        return { ...x, loop, body: go(x.body, known.withVar(x.var, x.min, x.extent)) };
      }
      case "let": {
        if (!w.varies(x.value)) return { ...x, body: go(x.body, known) };
        const wide = variable(x.var.name, x.var.dtype, { lanes: n });
        const value = w.expr(x.value);
        w.bind(x.var, wide);
        return { ...x, var: wide, value: w.fill(value), body: go(x.body, known) };
      }
      case "if":
        return guarded(x, go, known);
      case "block":
      case "assign":
        throw new TilewrightError("internal", `${x.kind} inside a vectorized loop`);
      default:
        return x satisfies never;
    }
  };
  const guarded = (x: Stmt & { kind: "if" }, inside: typeof go, known: Facts): Stmt => {
    const uniform = conjuncts(x.condition).filter((c) => !w.varies(c));
    const varying = conjuncts(x.condition).filter((c) => w.varies(c));
    if (varying.length === 0) {
      const then = inside(x.then, assuming(known, x.condition));
      return { ...x, then, ...(x.otherwise ? { otherwise: inside(x.otherwise, known) } : {}) };
    }
    if (x.otherwise || w.boundLets > 0) return lanewise(x, w, n, known);
    // Lanes lo .. hi of the vector where all varying conditions hold.
    let lo: Expr = int(0);
    let hi: Expr = int(n);
    const inRange = known.withVar(v, base, int(n));
    for (const c of varying) {
      const r = solveCondition(c, v, inRange, new Map());
      if (r === undefined) return lanewise(x, w, n, known);
      if (r.min !== undefined) lo = max(lo, sub(r.min, base));
      if (r.max !== undefined) hi = min(hi, add(sub(r.max, base), int(1)));
    }
    lo = simplifyIndex(lo, known);
    const count = simplifyIndex(max(int(0), sub(hi, lo)), known);
    const then = pieces(x.then, v, simplifyIndex(add(base, lo), known), count, n, known);
    return uniform.length === 0 ? then : { kind: "if", condition: conjoin(uniform), then };
  };
  return go(s, facts);
}

/** Memory allocated inside the loop holds one set of elements per lane: neighbouring lanes are neighbours in memory. */
function memoryPerLane(s: Alloc, lane: Expr, n: number): Alloc {
  const { name, dtype, shape, scope } = s.buffer;
  const wide = buffer(name, dtype, [mul(shape[0]!, int(n))], scope);
  const at = (index: readonly Expr[]): Expr[] => [add(mul(index[0]!, int(n)), lane)];
  const memo = new Map<Expr, Expr>();
  const fe = (e: Expr): Expr =>
    mapExpr(e, (x) => (x.kind === "load" && x.buffer === s.buffer ? load(wide, at(x.index)) : x), memo);
  const stored = (x: Stmt): Stmt =>
    x.kind === "store" && x.buffer === s.buffer ? { ...x, buffer: wide, index: at(x.index) } : x;
  return { kind: "alloc", buffer: wide, body: mapStmt(s.body, stored, fe) };
}

/** `count` lanes from `base`: at once when constant, else by powers of two below or equal to `most`. */
function pieces(s: Stmt, v: Var, base: Expr, count: Expr, most: number, facts: Facts): Stmt {
  const n = constInt(count);
  if (n !== undefined) return widen(s, v, base, n, facts);
  if (needsLadder(s, most)) {
    const piece = (w: number, off: number): Stmt => widen(s, v, simplifyIndex(add(base, int(off)), facts), w, facts);
    return simplifyStmt(
      ladder(count, most, (w, off) => freshen(piece(w, off))),
      facts,
    );
  }
  const out: Stmt[] = [];
  for (let w = 2 ** Math.floor(Math.log2(most)); w >= 1; w /= 2) {
    const off = simplifyIndex(add(base, mul(floordiv(count, int(2 * w)), int(2 * w))), facts);
    out.push({ kind: "if", condition: hasPower(count, w), then: widen(s, v, off, w, facts) });
  }
  return simplifyStmt(seq(out), facts);
}

/** One copy per lane: for what no vector statement can express. */
function lanewise(s: Stmt, w: Widener, n: number, facts: Facts): Stmt {
  const at = (l: number): Stmt => freshen(substituteStmt(s, w.lane(l, facts)), l > 0);
  return simplifyStmt(seq(Array.from({ length: n }, (_, l) => at(l))), facts);
}

class Widener {
  readonly #memo = new Map<Expr, Expr>();
  readonly #vectors = new Map<Var, Expr>();
  readonly #v: Var;
  readonly #base: Expr;
  readonly #n: number;
  boundLets = 0;
  constructor(v: Var, base: Expr, n: number) {
    this.#v = v;
    this.#base = base;
    this.#n = n;
    this.#vectors.set(v, ramp(base, int(1), n));
  }
  bind(v: Var, wide: Var): void {
    this.#vectors.set(v, wide);
    this.#memo.clear();
    this.boundLets++;
  }
  /** What the loop variable and the lets around stand for in one lane. */
  lane(l: number, facts: Facts): Map<Var, Expr> {
    const pick = ([v, wide]: [Var, Expr]): [Var, Expr] =>
      v === this.#v ? [v, simplifyIndex(add(this.#base, int(l)), facts)] : [v, slice(wide, l, 1)];
    return new Map([...this.#vectors].map(pick));
  }
  varies(e: Expr): boolean {
    return usesVar(e, (x) => this.#vectors.has(x));
  }
  fill(e: Expr): Expr {
    return e.lanes === 1 ? broadcast(e, this.#n) : e;
  }
  /** An index: a ramp where it is affine in the loop variable. */
  index(e: Expr, facts?: Facts): Expr {
    if (!this.varies(e)) return e;
    const a = affine(e, new Set([this.#v]));
    const coefficient = a?.coefficients.get(this.#v);
    if (a === undefined || coefficient === undefined || this.varies(a.rest) || this.varies(coefficient))
      return this.expr(e);
    const start = simplifyIndex(add(a.rest, mul(coefficient, this.#base)), facts);
    return ramp(start, simplifyIndex(coefficient, facts), this.#n);
  }
  expr(e: Expr): Expr {
    const done = this.#memo.get(e);
    if (done !== undefined) return done;
    let r: Expr;
    if (e.kind === "var") r = this.#vectors.get(e) ?? e;
    else if (e.kind === "load")
      r = load(
        e.buffer,
        e.index.map((i) => this.index(i)),
      );
    else if (children(e).length === 0) r = e;
    else
      r = withChildren(
        e,
        children(e).map((c) => this.expr(c)),
      );
    this.#memo.set(e, r);
    return r;
  }
}
