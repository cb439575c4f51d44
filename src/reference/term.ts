/**
 * Expressions of tensor bodies as closures that return a value and leave its error (see bound.ts) in a register beside
 * it. Reductions included; nothing here is shared with the interpreter of statements but the semantics table.
 */
import {
  type Buffer,
  type Combiner,
  children,
  compileOp,
  type DType,
  type Expr,
  isFloat,
  normalize,
  type Reduce,
  type Scalar,
  type Var,
  zeroOf,
} from "../ir/index.ts";
import { InterpretError } from "./arrays.ts";
import { EPSILON, errorOf, prodError, sumError, within } from "./bound.ts";

let register = 0;
/** The error of the value returned last. */
export const error = (): number => register;
export const setError = (e: number): void => {
  register = e;
};

export interface Environment {
  /** Whether errors are wanted. */
  readonly track: boolean;
  readonly contract: boolean;
  parameter(name: string, isSize: boolean): Scalar;
  /** Whether the elements of a buffer come from a computation. */
  computed(b: Buffer): boolean;
  /** Reads an element and sets its error. */
  read(b: Buffer): (index: readonly number[]) => Scalar;
}
export interface Cell {
  v: Scalar;
  e: number;
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
    const way = wayOf(r.combiner, r.component);
    const value = (): Eval => this.scalar(r.values[r.component]!);
    const inner =
      way === "sum"
        ? this.#sum(r.dtype, value(), each)
        : way === "prod"
          ? this.#prod(r.dtype, value(), each)
          : this.#fold(r, each);
    return () => {
      const v = inner();
      if (uncertain) register = Infinity;
      return v;
    };
  }
  #sum(d: DType, value: Eval, each: (f: () => void) => void): Eval {
    return () => {
      let [s, carry, size, e, n] = [0, 0, 0, 0, 0];
      each(() => {
        const x = value() as number;
        e += register;
        n++;
        size += Math.abs(x);
        const t = s + x;
        // what the addition lost, wherever it was lost
        carry += Math.abs(s) >= Math.abs(x) ? s - t + x : x - t + s;
        s = t;
      });
      const v = normalize(d, Number.isFinite(carry) ? s + carry : s) as number;
      register = this.#env.track ? sumError(d, n, v, size, e, this.#env.contract) : 0;
      return v;
    };
  }
  #prod(d: DType, value: Eval, each: (f: () => void) => void): Eval {
    return () => {
      // a fraction and a power of two, so that nothing overflows on the way
      let [p, scale, size, upper, most, least, n] = [1, 0, 1, 1, 1, 1, 0];
      let broken = false;
      each(() => {
        const x = value() as number;
        const a = Math.abs(x);
        if (register === Infinity) broken = true;
        n++;
        p *= x;
        if (p !== 0 && Number.isFinite(p)) {
          const k = Math.floor(Math.log2(Math.abs(p)));
          p /= 2 ** k;
          scale += k;
        }
        size *= a;
        upper *= a + register;
        most *= Math.max(a + register, 1);
        if (a !== 0) least *= Math.min(a, 1);
      });
      const half = Math.trunc(scale / 2);
      const v = normalize(d, p * 2 ** half * 2 ** (scale - half)) as number;
      register = broken ? Infinity : this.#env.track ? prodError(d, n, v, size, upper, most, least) : 0;
      return v;
    };
  }
  #fold(r: Reduce, each: (f: () => void) => void): Eval {
    const { combiner } = r;
    const values = r.values.map((v) => this.scalar(v));
    const inner = new Term(this.#env, combiner.results);
    inner.#inexact = !combiner.exact;
    const lhs = combiner.lhs.map((v) => inner.cell(v));
    const rhs = combiner.rhs.map((v) => inner.cell(v));
    const results = combiner.results.map((x) => inner.scalar(x));
    const start = combiner.identities.map((x) => this.scalar(x));
    return () => {
      // the cells belong to this reduction alone, and no reduction is inside another
      const now: Cell[] = start.map((f) => ({ v: f(), e: 0 }));
      let n = 0;
      each(() => {
        n++;
        values.forEach((f, k) => {
          rhs[k]!.v = f();
          rhs[k]!.e = register;
        });
        now.forEach((c, k) => {
          lhs[k]!.v = c.v;
          lhs[k]!.e = c.e;
        });
        inner.begin();
        results.forEach((f, k) => {
          now[k]!.v = f();
          now[k]!.e = register;
        });
      });
      const { v, e } = now[r.component]!;
      // another order may err as much again, in the other direction
      register = combiner.exact || n < 2 ? e : within(r.dtype, v, 2 * e);
      return v;
    };
  }
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
