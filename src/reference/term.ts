/**
 * Expressions of tensor bodies as closures that return a value and leave its error (see bound.ts) in a register beside
 * it. Reductions included; nothing here is shared with the interpreter of statements but the semantics table.
 */
import {
  type Buffer,
  type Combiner,
  children,
  compileOp,
  type Expr,
  isFloat,
  type Reduce,
  type Scalar,
  type Var,
  zeroOf,
} from "../ir/index.ts";
import { type Accumulator, type Cell, Product, type Rounding, Sum } from "./accumulate.ts";
import { InterpretError } from "./arrays.ts";
import { EPSILON, errorOf, within } from "./bound.ts";

let register = 0;
/** The error of the value returned last. */
export const error = (): number => register;
export const setError = (e: number): void => {
  register = e;
};

export interface Environment extends Rounding {
  parameter(name: string, isSize: boolean): Scalar;
  /** Whether the elements of a buffer come from a computation. */
  computed(b: Buffer): boolean;
  /** Reads an element and sets its error. */
  read(b: Buffer): (index: readonly number[]) => Scalar;
}
type Eval = () => Scalar;

export class Term {
  readonly #env: Environment;
  readonly #cells = new Map<Var, Cell>();
  readonly #uses = new Map<Expr, number>();
  readonly #made = new Map<Expr, Eval>();
  #epoch = 0;
  /** Set while a combiner is compiled whose order is free: each of its operations may round differently. */
  #inexact = false;

  constructor(env: Environment, roots: readonly Expr[]) {
    this.#env = env;
    for (const e of roots) this.#count(e);
  }
  #count(e: Expr): void {
    const n = this.#uses.get(e) ?? 0;
    this.#uses.set(e, n + 1);
    if (n === 0) for (const k of children(e)) this.#count(k);
  }
  cell(v: Var): Cell {
    let c = this.#cells.get(v);
    if (c === undefined) {
      c = { v: zeroOf(v.dtype), e: 0 };
      this.#cells.set(v, c);
    }
    return c;
  }
  /** Forgets what was computed for the last point; call it when a variable changes. */
  begin(): void {
    this.#epoch++;
  }

  scalar(e: Expr): Eval {
    let f = this.#made.get(e);
    if (f === undefined) {
      f = this.#compile(e);
      if (e.kind !== "const" && e.kind !== "var" && (this.#uses.get(e) ?? 0) > 1) f = this.#cached(f);
      this.#made.set(e, f);
    }
    return f;
  }
  #cached(f: Eval): Eval {
    let epoch = -1;
    let [v, e]: [Scalar, number] = [0, 0];
    return () => {
      if (epoch !== this.#epoch) {
        v = f();
        e = register;
        // a reduction inside has moved on to new points, and back: the value holds from here on
        epoch = this.#epoch;
      }
      register = e;
      return v;
    };
  }

  #compile(e: Expr): Eval {
    switch (e.kind) {
      case "const": {
        const v = e.value;
        return () => {
          register = 0;
          return v;
        };
      }
      case "var": {
        const c = this.#cells.get(e) ?? { v: this.#env.parameter(e.name, e.size !== undefined), e: 0 };
        return () => {
          register = c.e;
          return c.v;
        };
      }
      case "load": {
        const index = e.index.map((i) => this.scalar(i));
        const read = this.#env.read(e.buffer);
        // one list for all reads from here: it has been read before another read can begin
        const at = index.map(() => 0);
        return () => {
          let uncertain = false;
          for (let d = 0; d < index.length; d++) {
            at[d] = index[d]!() as number;
            if (register !== 0) uncertain = true;
          }
          const v = read(at);
          if (uncertain) register = Infinity;
          return v;
        };
      }
      case "op":
        return e.op === "where" ? this.#where(e) : this.#op(e);
      case "reduce":
        return this.#reduce(e);
      case "ramp":
      case "broadcast":
      case "shuffle":
      case "call":
        throw new InterpretError("a vector in the body of a tensor");
      default:
        return e satisfies never;
    }
  }

  #op(e: Expr & { kind: "op" }): Eval {
    const args = e.args.map((x) => this.scalar(x));
    const types = e.args.map((x) => x.dtype);
    const f = compileOp(e.op, e.dtype, types);
    const [a, b, c] = [args[0]!, args[1]!, args[2]!];
    if (!this.#env.track) {
      if (args.length === 1) return () => f(a(), 0, 0);
      if (args.length === 2) return () => f(a(), b(), 0);
      return () => f(a(), b(), c());
    }
    const bound = errorOf(e.op, e.dtype, types, this.#inexact);
    const products = this.#products(e);
    const careful = this.#inexact || EPSILON[e.dtype] !== undefined;
    return () => {
      const values: Scalar[] = [];
      const errors: number[] = [];
      let any = false;
      for (const arg of args) {
        values.push(arg());
        errors.push(register);
        if (register !== 0) any = true;
      }
      const r = f(values[0]!, values[1] ?? 0, values[2] ?? 0);
      register = any || careful ? bound(values, errors, r) : 0;
      for (const k of products) {
        const size = Math.abs(values[k] as number);
        // a sum that is NaN is so with or without rounding
        if (Number.isFinite(size) && !Number.isNaN(r))
          register = within(e.dtype, r, register + EPSILON[e.dtype]! * (size + Math.abs(r as number)));
      }
      return r;
    };
  }
  /** Operands of a float sum that may be products, which compiled code need not round before adding. */
  #products(e: Expr & { kind: "op" }): readonly number[] {
    if (!this.#env.contract || (e.op !== "add" && e.op !== "sub") || !isFloat(e.dtype)) return [];
    const may = (x: Expr): boolean => {
      if (x.kind === "op") return x.op === "mul" || (x.op === "neg" && may(x.args[0]!));
      return x.kind === "load" && this.#env.computed(x.buffer);
    };
    return e.args.flatMap((x, k) => (may(x) ? [k] : []));
  }
  #where(e: Expr & { kind: "op" }): Eval {
    const [c, a, b] = e.args.map((x) => this.scalar(x)) as [Eval, Eval, Eval];
    if (!this.#env.track) return () => (c() ? a() : b());
    return () => {
      const cond = c();
      if (register === 0) return cond ? a() : b();
      const v = cond ? a() : b();
      let e = register;
      try {
        const other = cond ? b() : a();
        e = (v === other ? 0 : Math.abs(Number(v) - Number(other))) + Math.max(e, register);
      } catch (x) {
        // the side not taken may read where nothing is
        if (!(x instanceof InterpretError)) throw x;
        e = Infinity;
      }
      register = Number.isNaN(e) ? Infinity : e;
      return v;
    };
  }

  // ---- reductions

  #reduce(r: Reduce): Eval {
    const cells = r.axes.map((a) => this.cell(a.var));
    const extents = r.axes.map((a) => this.scalar(a.extent));
    const condition = r.condition ? this.scalar(r.condition) : undefined;
    let uncertain = false;
    /** Calls `f` at every point that takes part, in order. */
    const each = (f: () => void): void => {
      const n = extents.map((x) => x() as number);
      uncertain = false;
      const go = (d: number): void => {
        if (d === cells.length) {
          this.begin();
          if (condition) {
            const on = condition();
            if (register !== 0) uncertain = true;
            if (!on) return;
          }
          return f();
        }
        for (let i = 0; i < n[d]!; i++) {
          cells[d]!.v = i;
          go(d + 1);
        }
      };
      go(0);
      this.begin();
    };
    const start = accumulators(this.#env, r.combiner, r.component);
    const values = (start.one ? [r.values[r.component]!] : r.values).map((v) => this.scalar(v));
    const point = values.map((): Cell => ({ v: 0, e: 0 }));
    return () => {
      // the accumulator belongs to this reduction alone, and no reduction is inside another
      const now = start.begin();
      each(() => {
        for (let k = 0; k < values.length; k++) {
          point[k]!.v = values[k]!();
          point[k]!.e = register;
        }
        now.add(point);
      });
      const { v, e } = now.result();
      register = uncertain ? Infinity : e;
      return v;
    };
  }

  /** The results of a combiner. Where its order is free, each of its operations may round differently. */
  static fold(env: Environment, c: Combiner): { lhs: Cell[]; rhs: Cell[]; results: () => Cell[] } {
    const term = new Term(env, c.results);
    term.#inexact = !c.exact;
    const [lhs, rhs] = [c.lhs.map((v) => term.cell(v)), c.rhs.map((v) => term.cell(v))];
    const fs = c.results.map((x) => term.scalar(x));
    const results = (): Cell[] => {
      term.begin();
      return fs.map((f) => ({ v: f(), e: register }));
    };
    return { lhs, rhs, results };
  }
}

/** How one component of a combiner is accumulated; `one`: it depends on its own values alone. */
export function accumulators(
  env: Environment,
  c: Combiner,
  component: number,
): { readonly one: boolean; readonly begin: () => Accumulator } {
  const dtype = c.results[component]!.dtype;
  const way = wayOf(c, component);
  if (way === "sum") return { one: true, begin: () => new Sum(dtype, env) };
  if (way === "prod") return { one: true, begin: () => new Product(dtype, env) };
  const { lhs, rhs, results } = Term.fold(env, c);
  const start = new Term(env, c.identities);
  const identities = c.identities.map((x) => start.scalar(x));
  const begin = (): Accumulator => {
    let now: Cell[] = identities.map((f) => ({ v: f(), e: 0 }));
    let n = 0;
    return {
      add(point) {
        n++;
        for (const [k, cell] of rhs.entries()) Object.assign(cell, point[k]);
        for (const [k, cell] of lhs.entries()) Object.assign(cell, now[k]);
        now = results();
      },
      result() {
        const { v, e } = now[component]!;
        // another order may err as much again, in the other direction
        return { v, e: c.exact || n < 2 ? e : within(dtype, v, 2 * e) };
      },
    };
  };
  return { one: false, begin };
}

/** How one component of a reduction combines, where it is a plain float sum or product. */
function wayOf(c: Combiner, component: number): "sum" | "prod" | "fold" {
  const r = c.results[component]!;
  if (r.kind !== "op" || !isFloat(r.dtype) || (r.op !== "add" && r.op !== "mul")) return "fold";
  const [a, b] = [c.lhs[component]!, c.rhs[component]!];
  const plain = (r.args[0] === a && r.args[1] === b) || (r.args[0] === b && r.args[1] === a);
  const identity = c.identities[component]!;
  const neutral = identity.kind === "const" && identity.value === (r.op === "add" ? 0 : 1);
  return plain && neutral ? (r.op === "add" ? "sum" : "prod") : "fold";
}
