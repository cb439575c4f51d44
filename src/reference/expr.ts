/**
 * Expressions as JavaScript closures. Scalars evaluate to a Scalar, vectors to an array of them. A node that one
 * statement uses several times is computed once per execution of that statement (see `begin`).
 *
 * `where` is lazy: for vectors, lane by lane. While one side of a vector `where` is evaluated, lanes that do not take
 * that side are masked off, and masked lanes access no memory.
 */
import { type Buffer, children, compileOp, type Expr, type Scalar, type Var, zeroOf } from "../ir/index.ts";
import { InterpretError } from "./arrays.ts";
import { compileIntrinsic } from "./intrinsic.ts";

export type Vector = readonly Scalar[];
export type Value = Scalar | Vector;
export type Eval = () => Value;
export type ScalarEval = () => Scalar;
export type NumberEval = () => number;
export interface Cell {
  v: Value;
}
/** How a program reaches memory: one reader or writer per access, given its compiled index. */
export interface Memory {
  reader(buffer: Buffer, index: readonly Expr[], compile: ExprCompiler): Eval;
  writer(buffer: Buffer, index: readonly Expr[], value: Expr, compile: ExprCompiler): () => void;
}

const cached = (e: Expr): boolean => e.kind === "op" || e.kind === "load" || e.kind === "shuffle" || e.kind === "call";

export class ExprCompiler {
  readonly #memory: Memory;
  readonly #cells = new Map<Var, Cell>();
  #uses = new Map<Expr, number>();
  #made = new Map<Expr, Eval>();
  #epoch = 0;
  /** Lanes that take part; undefined: all. */
  mask: Uint8Array | undefined;

  constructor(memory: Memory) {
    this.#memory = memory;
  }
  cell(v: Var): Cell {
    let c = this.#cells.get(v);
    if (c === undefined) {
      c = { v: zeroOf(v.dtype) };
      this.#cells.set(v, c);
    }
    return c;
  }

  /** Starts the compilation of one statement's expressions. The function returned must run before each evaluation of them. */
  begin(roots: readonly Expr[]): () => void {
    this.#uses = new Map();
    this.#made = new Map();
    for (const e of roots) this.#count(e);
    return () => {
      this.#epoch++;
    };
  }
  #count(e: Expr): void {
    const n = this.#uses.get(e) ?? 0;
    this.#uses.set(e, n + 1);
    if (n === 0) for (const k of children(e)) this.#count(k);
  }

  value(e: Expr): Eval {
    let f = this.#made.get(e);
    if (f === undefined) {
      f = this.#compile(e);
      if (cached(e) && (this.#uses.get(e) ?? 0) > 1) f = this.#cache(f);
      this.#made.set(e, f);
    }
    return f;
  }
  scalar(e: Expr): ScalarEval {
    if (e.lanes !== 1) throw new InterpretError("a vector where a scalar is needed");
    return this.value(e) as ScalarEval;
  }
  number(e: Expr): NumberEval {
    return this.scalar(e) as NumberEval;
  }
  vector(e: Expr): () => Vector {
    const f = this.value(e);
    return e.lanes === 1 ? () => [f() as Scalar] : (f as () => Vector);
  }

  #cache(f: Eval): Eval {
    let epoch = -1;
    let mask: Uint8Array | undefined;
    let v: Value = 0;
    return () => {
      if (epoch === this.#epoch && mask === this.mask) return v;
      v = f();
      epoch = this.#epoch;
      mask = this.mask;
      return v;
    };
  }

  #compile(e: Expr): Eval {
    switch (e.kind) {
      case "const": {
        const v = e.value;
        return () => v;
      }
      case "var": {
        const c = this.cell(e);
        return () => c.v;
      }
      case "load":
        return this.#memory.reader(e.buffer, e.index, this);
      case "ramp": {
        const [base, stride] = [this.scalar(e.base), this.scalar(e.stride)];
        const [add, mul] = (["add", "mul"] as const).map((o) => compileOp(o, e.dtype, [e.dtype, e.dtype])) as [
          ReturnType<typeof compileOp>,
          ReturnType<typeof compileOp>,
        ];
        const lane = (i: number): Scalar => (typeof zeroOf(e.dtype) === "bigint" ? BigInt(i) : i);
        return () => {
          const [b, s] = [base(), stride()];
          return Array.from({ length: e.lanes }, (_, i) => add(b, mul(s, lane(i), 0), 0));
        };
      }
      case "broadcast": {
        const f = this.scalar(e.value);
        return () => Array<Scalar>(e.lanes).fill(f());
      }
      case "shuffle": {
        const fs = e.vectors.map((v) => this.vector(v));
        const { picks } = e;
        return () => {
          const all = fs.flatMap((f) => f());
          return picks.length === 1 ? all[picks[0]!]! : picks.map((p) => all[p]!);
        };
      }
      case "op":
        return e.lanes === 1 ? this.#scalarOp(e) : this.#vectorOp(e);
      case "call": {
        const args = e.args.map((a) => this.vector(a));
        const f = compileIntrinsic(e.intrinsic);
        return () => f(args.map((a) => a()));
      }
      case "reduce":
        throw new InterpretError("a reduction inside a statement");
      default:
        return e satisfies never;
    }
  }

  #scalarOp(e: Expr & { kind: "op" }): ScalarEval {
    const args = e.args.map((x) => this.scalar(x));
    const [a, b, c] = [args[0]!, args[1]!, args[2]!];
    if (e.op === "where") return () => (a() ? b() : c());
    // bindings and addresses are made of these
    if (e.dtype === "i32" && e.args[0]!.dtype === "i32") {
      const [x, y] = [a as NumberEval, b as NumberEval];
      if (e.op === "add") return () => (x() + y()) | 0;
      if (e.op === "sub") return () => (x() - y()) | 0;
      if (e.op === "mul") return () => Math.imul(x(), y());
    }
    const f = compileOp(
      e.op,
      e.dtype,
      e.args.map((x) => x.dtype),
    );
    if (args.length === 1) return () => f(a(), 0, 0);
    if (args.length === 2) return () => f(a(), b(), 0);
    return () => f(a(), b(), c());
  }

  #vectorOp(e: Expr & { kind: "op" }): () => Vector {
    const args = e.args.map((x) => this.vector(x));
    const [a, b, c] = [args[0]!, args[1]!, args[2]!];
    const n = e.lanes;
    if (e.op === "where") return this.#vectorWhere(a, b, c, n, zeroOf(e.dtype));
    const f = compileOp(
      e.op,
      e.dtype,
      e.args.map((x) => x.dtype),
    );
    const out = (): Scalar[] => new Array<Scalar>(n);
    if (args.length === 1)
      return () => {
        const [x, r] = [a(), out()];
        for (let i = 0; i < n; i++) r[i] = f(x[i]!, 0, 0);
        return r;
      };
    if (args.length === 2)
      return () => {
        const [x, y, r] = [a(), b(), out()];
        for (let i = 0; i < n; i++) r[i] = f(x[i]!, y[i]!, 0);
        return r;
      };
    return () => {
      const [x, y, z, r] = [a(), b(), c(), out()];
      for (let i = 0; i < n; i++) r[i] = f(x[i]!, y[i]!, z[i]!);
      return r;
    };
  }
  #vectorWhere(cond: () => Vector, a: () => Vector, b: () => Vector, n: number, nothing: Scalar): () => Vector {
    const side = (c: Vector, wanted: 0 | 1, f: () => Vector): Vector | undefined => {
      const outer = this.mask;
      const inner = new Uint8Array(n);
      let any = 0;
      for (let i = 0; i < n; i++) any |= inner[i] = c[i] === wanted && (outer === undefined || outer[i]) ? 1 : 0;
      // no lane goes this way: not even what all lanes share may be evaluated
      if (!any) return undefined;
      this.mask = inner;
      try {
        return f();
      } finally {
        this.mask = outer;
      }
    };
    return () => {
      const c = cond();
      const x = side(c, 1, a);
      const y = side(c, 0, b);
      if (x === undefined || y === undefined) return x ?? y ?? Array<Scalar>(n).fill(nothing);
      return x.map((v, i) => (c[i] ? v : y[i]!));
    };
  }
}
