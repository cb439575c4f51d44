/**
 * Cuts vectors of any width into pieces that fit one register: powers of two of lanes, at most the native number, the
 * remainder as smaller vectors down to a scalar.
 *
 * Before: vector statements of any width, operations already legal. After: every vector fits a register; accesses of several
 * lanes are dense. A narrowing conversion is a concatenation of the conversions of its registers.
 */
import { simplifyIndex } from "../arith/index.ts";
import {
  add,
  bitsOf,
  broadcast,
  call,
  concat,
  constInt,
  type Expr,
  FALSE,
  type Func,
  int,
  load,
  mul,
  type Op,
  op,
  type Ramp,
  ramp,
  rebuildStmt,
  type Stmt,
  seq,
  shuffle,
  slice,
  TRUE,
  type Var,
  variable,
  withBody,
} from "../ir/index.ts";
import { hasVectorOp, nativeLanes, type Target } from "../target/index.ts";

/** Start and length of each register-sized piece of `lanes` lanes. */
export function piecesOf(lanes: number, native: number): { start: number; lanes: number }[] {
  const out: { start: number; lanes: number }[] = [];
  let start = 0;
  for (let w = native; w >= 1; w /= 2) for (; start + w <= lanes; start += w) out.push({ start, lanes: w });
  return out;
}

export function cutLanes(f: Func, target: Target): Func {
  const c = new Cutter(target);
  return withBody(f, c.stmt(f.body));
}

class Cutter {
  readonly #parts = new Map<Var, { start: number; var: Var }[]>();
  readonly #memo = new Map<string, Expr>();
  readonly #target: Target;
  constructor(target: Target) {
    this.#target = target;
  }

  stmt(s: Stmt): Stmt {
    if (s.kind === "let" && s.value.lanes > 1) {
      const parts = piecesOf(s.value.lanes, this.registerLanes(s.value)).map((p) => ({
        ...p,
        var: variable(s.var.name, s.var.dtype, { lanes: p.lanes }),
        value: this.part(s.value, p.start, p.lanes),
      }));
      this.#parts.set(s.var, parts);
      return parts.reduceRight<Stmt>(
        (body, p) => ({ kind: "let", var: p.var, value: p.value, body }),
        this.stmt(s.body),
      );
    }
    if (s.kind === "store" && s.index[0]!.lanes > 1) {
      const index = s.index[0]!;
      const dense = index.kind === "ramp" && constInt(index.stride) === 1;
      const native = dense ? nativeLanes(s.buffer.dtype) : 1;
      return seq(
        piecesOf(index.lanes, native).map((p): Stmt => {
          const at = dense ? denseIndex(index, p.start, p.lanes) : this.part(index, p.start, 1);
          return { ...s, index: [at], value: this.part(s.value, p.start, p.lanes) };
        }),
      );
    }
    return rebuildStmt(
      s,
      (x) => this.stmt(x),
      (e) => this.scalar(e),
    );
  }

  /** Scalar expressions may still pick lanes out of vectors. */
  scalar(e: Expr): Expr {
    return e.lanes === 1 ? this.part(e, 0, 1) : e;
  }

  /** Lanes one register holds of the narrowest kind that computing `e` needs. */
  registerLanes(e: Expr): number {
    if (e.kind === "op" && e.dtype === "bool") return Math.min(...e.args.map((a) => this.registerLanes(a)));
    return nativeLanes(e.dtype);
  }

  part(e: Expr, start: number, n: number): Expr {
    if (e.lanes === 1 && e.kind !== "op" && e.kind !== "load" && e.kind !== "shuffle")
      return n === 1 ? e : broadcast(e, n);
    const key = `${e.id}:${start}:${n}`;
    let r = this.#memo.get(key);
    if (r === undefined) {
      r = this.#part(e, start, n);
      this.#memo.set(key, r);
    }
    return r;
  }

  #part(e: Expr, start: number, n: number): Expr {
    switch (e.kind) {
      case "const":
        return e;
      case "broadcast": {
        const value = this.part(e.value, 0, 1);
        return n === 1 ? value : broadcast(value, n);
      }
      case "ramp":
        return n > nativeLanes(e.dtype) ? this.#concat(e, start, n, nativeLanes(e.dtype)) : rampPart(e, start, n);
      case "var": {
        const parts = this.#parts.get(e);
        if (parts === undefined) return e.lanes === n ? e : take(e, start, n);
        return this.#assemble(
          parts.map((p) => ({ start: p.start, value: p.var })),
          start,
          n,
        );
      }
      case "load":
        return this.#load(e, start, n);
      case "shuffle": {
        const lane = (l: number): { v: Expr; at: number } => {
          let at = e.picks[start + l]!;
          for (const v of e.vectors) {
            if (at < v.lanes) return { v, at };
            at -= v.lanes;
          }
          throw new Error("unreachable: a pick beyond the vectors");
        };
        const first = lane(0);
        const run = Array.from({ length: n }, (_, l) => lane(l));
        if (run.every((x, l) => x.v === first.v && x.at === first.at + l)) return this.part(first.v, first.at, n);
        if (e.dtype !== "bool" && run.every((x) => x.v.lanes > 1)) return this.#pick(run);
        return concat(run.map((x) => this.part(x.v, x.at, 1)));
      }
      case "op":
        return this.#op(e, start, n);
      case "call": {
        const whole = call(
          e.intrinsic,
          e.args.map((a) => this.part(a, 0, a.lanes)),
        );
        return start === 0 && n === e.lanes ? whole : take(whole, start, n);
      }
      case "reduce":
        throw new Error("a reduction expression in lowered code");
      default:
        return e satisfies never;
    }
  }

  /** Lanes picked from vectors, as a shuffle of the registers that hold them. */
  #pick(wanted: readonly { readonly v: Expr; readonly at: number }[]): Expr {
    const registers = new Map<Expr, number>();
    let total = 0;
    const picks = wanted.map(({ v, at }) => {
      const p = piecesOf(v.lanes, this.registerLanes(v)).find((x) => x.start <= at && at < x.start + x.lanes)!;
      const r = this.part(v, p.start, p.lanes);
      if (!registers.has(r)) {
        registers.set(r, total);
        total += p.lanes;
      }
      return registers.get(r)! + at - p.start;
    });
    return shuffle([...registers.keys()], picks);
  }

  #op(e: Op, start: number, n: number): Expr {
    const from = e.args[0]!.dtype;
    const widening =
      e.op === "widenMul" || (e.op === "cast" && bitsOf(e.dtype) > bitsOf(from) && from !== "bool" && from !== "f16");
    const cap = Math.min(this.registerLanes(e), ...(widening ? [] : e.args.map((a) => this.registerLanes(a))));
    if (n > cap) return this.#concat(e, start, n, cap);
    if (n > 1 && e.op === "where") {
      const c = e.args[0]!;
      const [a, b] = [this.part(e.args[1]!, start, n), this.part(e.args[2]!, start, n)];
      if (c === TRUE || c === FALSE) return c === TRUE ? a : b;
      if (c.kind === "broadcast") return op("where", [broadcast(this.scalar(c.value), n), a, b]);
      return concat(Array.from({ length: n }, (_, l) => this.part(e, start + l, 1)));
    }
    if (
      n > 1 &&
      !hasVectorOp(
        this.#target,
        e.op,
        e.args.map((a) => a.dtype),
        e.dtype,
      )
    )
      return concat(Array.from({ length: n }, (_, l) => this.part(e, start + l, 1)));
    return op(
      e.op,
      e.args.map((a) => (widening ? this.#whole(a, start, n) : this.part(a, start, n))),
      e.dtype,
    );
  }

  /** A narrow operand of a widening: loads are read piece by piece, computed values whole and then cut. */
  #whole(e: Expr, start: number, n: number): Expr {
    if (n === 1 || e.kind !== "op") return this.part(e, start, n);
    const native = this.registerLanes(e);
    const p = piecesOf(e.lanes, native).find((x) => x.start <= start && start + n <= x.start + x.lanes);
    if (p === undefined || p.lanes === n) return this.part(e, start, n);
    return slice(this.part(e, p.start, p.lanes), start - p.start, n);
  }

  #load(e: Expr & { kind: "load" }, start: number, n: number): Expr {
    const index = e.index[0]!;
    if (index.lanes === 1) return load(e.buffer, [this.part(index, 0, 1)]);
    const stride = index.kind === "ramp" ? constInt(index.stride) : undefined;
    if (index.kind !== "ramp" || n === 1 || stride === undefined) {
      if (n === 1) return load(e.buffer, [this.part(index, start, 1)]);
      return concat(Array.from({ length: n }, (_, l) => this.#load(e, start + l, 1)));
    }
    const native = nativeLanes(e.buffer.dtype);
    if (n > native) return this.#concat(e, start, n, native);
    if (stride === 1) return load(e.buffer, [denseIndex(index, start, n)]);
    const first = lane(index, start);
    if (stride === -1) {
      const low = load(e.buffer, [ramp(simplifyIndex(add(first, int(1 - n))), int(1), n)]);
      return shuffle(
        [low],
        Array.from({ length: n }, (_, l) => n - 1 - l),
      );
    }
    if (stride === 2) {
      // Two dense reads that end exactly at the last lane wanted: nothing past it is touched.
      const low = load(e.buffer, [ramp(first, int(1), n)]);
      const high = load(e.buffer, [ramp(simplifyIndex(add(first, int(n - 1))), int(1), n)]);
      return shuffle(
        [low, high],
        Array.from({ length: n }, (_, l) => (2 * l < n ? 2 * l : n + 2 * l - (n - 1))),
      );
    }
    return concat(Array.from({ length: n }, (_, l) => this.#load(e, start + l, 1)));
  }

  #concat(e: Expr, start: number, n: number, native: number): Expr {
    return concat(piecesOf(n, native).map((p) => this.part(e, start + p.start, p.lanes)));
  }

  #assemble(parts: readonly { start: number; value: Expr }[], start: number, n: number): Expr {
    const whole = parts.find((p) => p.start === start && p.value.lanes === n);
    if (whole) return whole.value;
    const inside = parts.find((p) => p.start <= start && start + n <= p.start + p.value.lanes);
    if (inside) return take(inside.value, start - inside.start, n);
    return concat(Array.from({ length: n }, (_, l) => this.#assemble(parts, start + l, 1)));
  }
}

const take = (v: Expr, start: number, n: number): Expr =>
  v.lanes === 1 ? (n === 1 ? v : broadcast(v, n)) : slice(v, start, n);
const lane = (r: Ramp, l: number): Expr => simplifyIndex(add(r.base, mul(r.stride, int(l))));
const denseIndex = (r: Ramp, start: number, n: number): Expr =>
  n === 1 ? lane(r, start) : ramp(lane(r, start), r.stride, n);
function rampPart(r: Ramp, start: number, n: number): Expr {
  if (r.dtype !== "i32") {
    const first = op("add", [r.base, op("mul", [r.stride, op("cast", [int(start)], r.dtype)])]);
    return n === 1 ? first : ramp(first, r.stride, n);
  }
  return n === 1 ? lane(r, start) : ramp(lane(r, start), r.stride, n);
}
