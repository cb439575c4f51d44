/**
 * Turns buffer accesses into memory addresses, cheaply: in each loop, accesses that move alike share one pointer that is
 * bumped once per iteration, and what is constant between them becomes the immediate offset of the instruction.
 *
 * An index is split by loop level: rest + c1 * v1 + c2 * v2 + ..., where v1 is the outermost loop's variable. Level by level
 * the pointer of the level outside, plus that level's share, gives the pointer of this level. Accesses whose shares are the same
 * up to some level use the same pointer there. A share that is not linear in a loop's variable (a row of a folded buffer lies at
 * row % 3) is added once per iteration of that loop, not at each access inside.
 *
 * WebAssembly adds the immediate without wrapping, so an address must not start below zero: an immediate is split off only
 * where what remains is proven to lie at or after the buffer's start (see target/lowered.ts for the form).
 *
 * Before: flat accesses, no Alloc. After: every access goes through an `address` buffer.
 */
import { affine, constBounds, Facts, linear, simplifyIndex } from "../arith/index.ts";
import {
  add,
  type Buffer,
  buffer,
  bytesOf,
  children,
  constInt,
  type DType,
  type Expr,
  type Func,
  int,
  isConst,
  load,
  mapExpr,
  mul,
  not,
  op,
  ramp,
  rebuildStmt,
  type Stmt,
  seq,
  type Var,
  variable,
  visitExpr,
  withChildren,
} from "../ir/index.ts";
import { assuming } from "./conditions.ts";

/** Where each buffer starts: a pointer and a byte offset from it. */
export type Bases = ReadonlyMap<Buffer, { pointer: Var; offset: Expr }>;

/** One access, as the index is split over the loops around it. */
interface Split {
  readonly pointer: Var;
  /** Bytes per step of the loop at each depth (0: the access does not move with it). */
  readonly steps: readonly Expr[];
  /** Bytes known in an iteration of the loop at each depth that are no multiple of its variable. */
  readonly starts: readonly Expr[];
  /** Bytes that depend on sizes only. */
  readonly fixed: Expr;
  /** Bytes added at the access itself: what depends on lets or memory. */
  readonly late: Expr;
  readonly immediate: number;
}
interface Level {
  readonly var: Var;
  readonly min: Expr;
  /** Pointers of this level, by the steps up to here. */
  readonly pointers: Map<string, { var: Var; init: Expr; step: Expr }>;
  /** Pointers set at the start of each iteration, likewise. */
  readonly entries: Map<string, { var: Var; value: Expr }>;
}

const views = new Map<DType, Buffer>();
/** Linear memory seen as elements of a dtype, by byte address. */
function view(d: DType): Buffer {
  let v = views.get(d);
  if (!v) {
    v = buffer("mem", d, [], "address");
    views.set(d, v);
  }
  return v;
}

export function addresses(f: Func, bases: Bases): Stmt {
  return new Addresser(bases).stmt(f.body, Facts.empty);
}

class Addresser {
  readonly #bases: Bases;
  readonly #levels: Level[] = [];
  /** Loop depth at which a variable gets its value; parameters have none. */
  readonly #depth = new Map<Var, number>();
  /** Variables set in between (lets, assigns): they exist only after their statement. */
  readonly #late = new Set<Var>();
  /** Pointers that depend on no loop. */
  readonly #roots = new Map<string, { var: Var; init: Expr }>();

  constructor(bases: Bases) {
    this.#bases = bases;
  }

  stmt(s: Stmt, facts: Facts): Stmt {
    const body = this.#stmt(s, facts);
    return [...this.#roots.values()].reduceRight<Stmt>(
      (b, r) => ({ kind: "let", var: r.var, value: r.init, body: b }),
      body,
    );
  }

  #stmt(s: Stmt, facts: Facts): Stmt {
    switch (s.kind) {
      case "for": {
        const min = this.#expr(s.min, facts);
        const extent = this.#expr(s.extent, facts);
        const level: Level = { var: s.var, min: s.min, pointers: new Map(), entries: new Map() };
        this.#depth.set(s.var, this.#levels.length);
        this.#levels.push(level);
        const body = this.#stmt(s.body, facts.withVar(s.var, s.min, s.extent));
        this.#levels.pop();
        this.#depth.delete(s.var);
        const starts: Stmt[] = [];
        const bumps: Stmt[] = [];
        for (const p of level.pointers.values()) {
          starts.push({ kind: "assign", var: p.var, value: p.init });
          bumps.push({ kind: "assign", var: p.var, value: add(p.var, p.step) });
        }
        const entries = [...level.entries.values()].map((p): Stmt => ({ kind: "assign", var: p.var, value: p.value }));
        return seq([...starts, { ...s, min, extent, body: seq([...entries, body, ...bumps]) }]);
      }
      case "if": {
        const condition = this.#expr(s.condition, facts);
        const then = this.#stmt(s.then, assuming(facts, s.condition));
        const otherwise = s.otherwise && this.#stmt(s.otherwise, assuming(facts, not(s.condition)));
        return { ...s, condition, then, ...(otherwise ? { otherwise } : {}) };
      }
      case "store": {
        const value = this.#expr(s.value, facts);
        return { ...s, buffer: view(s.buffer.dtype), index: [this.#address(s.buffer, s.index[0]!, facts)], value };
      }
      case "let": {
        const value = this.#expr(s.value, facts);
        this.#late.add(s.var);
        return { ...s, value, body: this.#stmt(s.body, facts) };
      }
      default:
        return rebuildStmt(
          s,
          (x) => this.#stmt(x, facts),
          (e) => this.#expr(e, facts),
        );
    }
  }

  #expr(e: Expr, facts: Facts): Expr {
    // Loads are met with their original index: an index holds loads only where it is data-dependent.
    const memo = new Map<Expr, Expr>();
    const go = (x: Expr): Expr => {
      const old = memo.get(x);
      if (old) return old;
      const r =
        x.kind === "load"
          ? load(view(x.buffer.dtype), [this.#address(x.buffer, x.index[0]!, facts)])
          : withChildren(x, children(x).map(go));
      memo.set(x, r);
      return r;
    };
    return go(e);
  }

  #address(b: Buffer, index: Expr, facts: Facts): Expr {
    const bytes = bytesOf(b.dtype);
    if (index.lanes > 1) {
      if (index.kind !== "ramp" || constInt(index.stride) !== 1) throw new Error(`access to ${b.name} is not dense`);
      return ramp(this.#scalar(b, index.base, facts, bytes), int(bytes), index.lanes);
    }
    return this.#scalar(b, index, facts, bytes);
  }

  #scalar(b: Buffer, index: Expr, facts: Facts, bytes: number): Expr {
    const base = this.#bases.get(b);
    if (!base) throw new Error(`buffer ${b.name} has no place in memory`);
    const s = this.#split(base, index, facts, bytes);
    const pointer = this.#pointer(s, this.#levels.length);
    if (!isConst(s.late, 0)) {
      const late = this.#expr(s.late, facts);
      return s.immediate === 0 ? add(pointer, late) : add(add(pointer, int(s.immediate)), late);
    }
    return s.immediate === 0 ? pointer : add(pointer, int(s.immediate));
  }

  #split(base: { pointer: Var; offset: Expr }, index: Expr, facts: Facts, bytes: number): Split {
    let rest = index;
    const steps: Expr[] = new Array<Expr>(this.#levels.length).fill(int(0));
    for (let d = this.#levels.length - 1; d >= 0; d--) {
      const v = this.#levels[d]!.var;
      const a = affine(rest, new Set([v]));
      const c = a?.coefficients.get(v);
      if (a === undefined || c === undefined || !this.#early(c, d)) continue;
      steps[d] = simplifyIndex(mul(c, int(bytes)));
      rest = a.rest;
    }
    const { terms, constant } = linear(rest);
    let fixed: Expr = base.offset;
    let late: Expr = int(0);
    const starts: Expr[] = steps.map(() => int(0));
    for (const t of terms) {
      const term = mul(t.atom, word(t.coefficient * bytes));
      // known on entry to the loop at `depth`: in each iteration of the one around it
      const depth = [...steps.keys(), steps.length].find((d) => this.#early(t.atom, d));
      if (depth === undefined) late = add(late, term);
      else if (depth === 0) fixed = add(fixed, term);
      else starts[depth - 1] = plus(starts[depth - 1]!, withoutSigns(term, facts));
    }
    fixed = simplifyIndex(fixed);
    const whole = linear(fixed);
    const offset = constant * bytes + whole.constant;
    if (whole.constant !== 0) fixed = simplifyIndex(add(fixed, word(-whole.constant)));
    if (isConst(late, 0) && offset >= 0 && offset < 2 ** 31) {
      // Bytes from the pointer without the constant: never below zero, so the constant may ride on the instruction.
      const moving = constBounds(add(index, int(-constant)), facts).min * bytes;
      if (moving >= 0) return { pointer: base.pointer, steps, starts, fixed, late, immediate: offset };
    }
    return { pointer: base.pointer, steps, starts, fixed: simplifyIndex(add(fixed, word(offset))), late, immediate: 0 };
  }

  /** Whether a value is known on entry to the loop at `depth`. */
  #early(e: Expr, depth: number): boolean {
    let ok = true;
    visitExpr(e, (x) => {
      if (x.kind === "load") ok = false;
      if (x.kind === "var") {
        const at = this.#depth.get(x);
        if (this.#late.has(x) || x.mutable || (at !== undefined && at >= depth)) ok = false;
      }
      return ok;
    });
    return ok;
  }

  /** The variable that holds the address up to (and without) the loop at `depth`. */
  #pointer(s: Split, depth: number): Expr {
    for (let d = depth - 1; d >= 0; d--) {
      const start = s.starts[d]!;
      if (isConst(start, 0) && isConst(s.steps[d]!, 0)) continue;
      if (isConst(start, 0)) return this.#moving(s, d);
      const { entries } = this.#levels[d]!;
      const key = keyOf(s, d, d);
      let p = entries.get(key);
      if (!p) {
        p = { var: variable(`p${s.pointer.name}`, "i32", { mutable: true }), value: add(this.#moving(s, d), start) };
        entries.set(key, p);
      }
      return p.var;
    }
    if (isConst(s.fixed, 0)) return s.pointer;
    const key = keyOf(s, -1, -1);
    let r = this.#roots.get(key);
    if (!r) {
      r = { var: variable(s.pointer.name, "i32"), init: add(s.fixed, s.pointer) };
      this.#roots.set(key, r);
    }
    return r.var;
  }
  /** The variable that moves with the loop at depth `d`. */
  #moving(s: Split, d: number): Expr {
    const step = s.steps[d]!;
    if (isConst(step, 0)) return this.#pointer(s, d);
    const level = this.#levels[d]!;
    const key = keyOf(s, d, d - 1);
    let p = level.pointers.get(key);
    if (!p) {
      const outer = this.#pointer(s, d);
      const skip = simplifyIndex(mul(step, level.min));
      const init = isConst(skip, 0) ? outer : add(outer, skip);
      p = { var: variable(`p${s.pointer.name}`, "i32", { mutable: true }), init, step };
      level.pointers.set(key, p);
    }
    return p.var;
  }
}

/** What a pointer is made of, its steps up to one depth and its starts up to another. */
function keyOf(s: Split, steps: number, starts: number): string {
  const ids = (list: readonly Expr[], depth: number): string =>
    list
      .slice(0, depth + 1)
      .map((e) => e.id)
      .join();
  return `${s.pointer.id}:${s.fixed.id}:${ids(s.steps, steps)}:${ids(s.starts, starts)}`;
}

/**
 * Addresses are sums that wrap: a part of one that no memory is large enough for (a step that is never taken, since its loop runs
 * once) counts modulo 2^32.
 */
const word = (bytes: number): Expr => int(bytes | 0);
const plus = (a: Expr, b: Expr): Expr => (isConst(a, 0) ? b : add(a, b));

/** Quotients and remainders of what is never negative need no correction. Powers of two become shifts and masks anyway. */
function withoutSigns(e: Expr, facts: Facts): Expr {
  return mapExpr(e, (x) => {
    if (x.kind !== "op" || (x.op !== "floordiv" && x.op !== "floormod")) return x;
    const c = constInt(x.args[1]!);
    if (c === undefined || c <= 0 || Number.isInteger(Math.log2(c)) || constBounds(x.args[0]!, facts).min < 0) return x;
    return op(x.op === "floordiv" ? "truncdiv" : "truncrem", x.args);
  });
}
