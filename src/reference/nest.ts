/** Hand-written loop nests, carried out statement by statement; shares nothing with the interpreter of functions. */
import { definitions, type NestSource } from "../../te/index.ts";
import type { Buffer, DType, Expr, Scalar, Stmt } from "../ir/index.ts";
import { arrayFor, InterpretError, readElement, type TypedArrayLike, writeElement } from "./arrays.ts";
import { denseStrides, spanOf } from "./placement.ts";
import { type Environment, error, setError, Term } from "./term.ts";

/** Elements of a result or of memory that the nest allocates. */
export interface Memory {
  readonly name: string;
  readonly dtype: DType;
  shape: readonly number[];
  strides: readonly number[];
  data: TypedArrayLike;
  errors: Float64Array | undefined;
}
type Run = () => void;

export class NestRun {
  readonly #memory = new Map<Buffer, Memory>();
  readonly #term: Term;
  readonly #axes: readonly { v: Scalar }[];
  readonly #run: Run;
  readonly #track: boolean;
  #uncertain = false;

  constructor(env: Environment, source: NestSource, results: readonly Memory[]) {
    this.#track = env.track;
    for (const [k, b] of source.outputs.entries()) this.#memory.set(b, results[k]!);
    const inside: Environment = {
      track: env.track,
      contract: env.contract,
      parameter: (name, isSize) => env.parameter(name, isSize),
      computed: (b) => this.#memory.has(b) || env.computed(b),
      read: (b) => (this.#memory.has(b) ? (index) => this.#read(b, index) : env.read(b)),
    };
    this.#declare(source.body);
    this.#term = new Term(inside, definitions(source));
    this.#axes = source.axes.map((a) => this.#term.cell(a.var));
    this.#run = this.#stmt(source.body);
  }
  /** Memory of the body's own must be known before expressions that read it are. */
  #declare(s: Stmt): void {
    if (s.kind === "alloc") {
      const { name, dtype } = s.buffer;
      this.#memory.set(s.buffer, { name, dtype, shape: [], strides: [], data: arrayFor(dtype, 0), errors: undefined });
    }
    for (const x of inner(s)) this.#declare(x);
  }

  /** Runs one point of the axes. Returns whether what it did is certain, with rounding somewhere before. */
  at(index: readonly number[]): boolean {
    for (const [d, c] of this.#axes.entries()) c.v = index[d]!;
    this.#uncertain = false;
    this.#run();
    return !this.#uncertain;
  }

  #position(m: Memory, index: readonly number[]): number {
    let at = 0;
    for (const [d, n] of m.shape.entries()) {
      const i = index[d]!;
      if (!(i >= 0 && i < n))
        throw new InterpretError(`access to ${m.name}[${index.join(", ")}], but its shape is [${m.shape.join(", ")}]`);
      at += i * m.strides[d]!;
    }
    return at;
  }
  #read(b: Buffer, index: readonly number[]): Scalar {
    const m = this.#memory.get(b)!;
    const i = this.#position(m, index);
    setError(m.errors ? m.errors[i]! : 0);
    return readElement(m.dtype, m.data, i);
  }

  /** An expression, computed anew each time: memory may have changed. */
  #expr(e: Expr): () => Scalar {
    const f = this.#term.scalar(e);
    return () => {
      this.#term.begin();
      return f();
    };
  }
  /** An expression that decides what happens. */
  #decision(e: Expr): () => Scalar {
    const f = this.#expr(e);
    return () => {
      const v = f();
      if (error() !== 0) this.#uncertain = true;
      return v;
    };
  }

  #stmt(s: Stmt): Run {
    switch (s.kind) {
      case "seq": {
        const all = s.body.map((x) => this.#stmt(x));
        return () => {
          for (const f of all) f();
        };
      }
      case "for": {
        const cell = this.#term.cell(s.var);
        const [min, extent] = [this.#decision(s.min), this.#decision(s.extent)];
        const body = this.#stmt(s.body);
        return () => {
          const [lo, n] = [min() as number, extent() as number];
          for (let i = 0; i < n; i++) {
            cell.v = lo + i;
            body();
          }
        };
      }
      case "if": {
        const condition = this.#decision(s.condition);
        const then = this.#stmt(s.then);
        const otherwise = s.otherwise ? this.#stmt(s.otherwise) : () => {};
        return () => (condition() ? then() : otherwise());
      }
      case "let": {
        const cell = this.#term.cell(s.var);
        const value = this.#expr(s.value);
        const body = this.#stmt(s.body);
        return () => {
          cell.v = value();
          cell.e = error();
          body();
        };
      }
      case "store": {
        const index = s.index.map((i) => this.#decision(i));
        const value = this.#expr(s.value);
        const m = this.#memory.get(s.buffer)!;
        return () => {
          const i = this.#position(
            m,
            index.map((f) => f() as number),
          );
          writeElement(m.dtype, m.data, i, value());
          if (m.errors) m.errors[i] = error();
        };
      }
      case "alloc": {
        const shape = s.buffer.shape.map((n) => this.#expr(n));
        const m = this.#memory.get(s.buffer)!;
        const body = this.#stmt(s.body);
        return () => {
          m.shape = shape.map((f) => f() as number);
          m.strides = denseStrides(m.shape);
          const n = spanOf(m.shape, m.strides);
          m.data = arrayFor(m.dtype, n);
          m.errors = this.#track ? new Float64Array(n) : undefined;
          body();
        };
      }
      case "block":
      case "assign":
        throw new InterpretError(`${s.kind} in the body of a tensor`);
      default:
        return s satisfies never;
    }
  }
}

function inner(s: Stmt): readonly Stmt[] {
  switch (s.kind) {
    case "seq":
      return s.body;
    case "for":
    case "let":
    case "alloc":
      return [s.body];
    case "if":
      return s.otherwise ? [s.then, s.otherwise] : [s.then];
    default:
      return [];
  }
}
