/** Statements as closures, over whatever memory the accesses go to. All loops run serially, in order. */
import {
  type Block,
  type Buffer,
  blocksOf,
  type Expr,
  exprsOf,
  type Stmt,
  TRUE,
  usesVar,
  type Var,
  varsOf,
} from "../ir/index.ts";
import { InterpretError } from "./arrays.ts";
import { ExprCompiler, type Memory } from "./expr.ts";

export type Run = () => void;
export interface StatementMemory extends Memory {
  /** Makes the buffer exist, contents undefined; called each time its Alloc is reached. */
  allocate(buffer: Buffer, shape: readonly number[], strides?: readonly number[]): void;
}

export class StmtCompiler {
  readonly exprs: ExprCompiler;
  readonly #memory: StatementMemory;
  /**
   * Loops without iterations that are walked for the sake of the reductions in them: a reduction over nothing still has
   * a value, so inits run, and nothing else does.
   */
  readonly #empty: Var[] = [];
  #inInit = false;

  constructor(memory: StatementMemory) {
    this.#memory = memory;
    this.exprs = new ExprCompiler(memory);
  }

  #begin(s: Stmt): Run {
    return this.exprs.begin(exprsOf(s));
  }

  compile(s: Stmt): Run {
    switch (s.kind) {
      case "for":
        return this.#for(s);
      case "block":
        return this.#block(s);
      case "if": {
        const begin = this.#begin(s);
        const cond = this.exprs.scalar(s.condition);
        const then = this.compile(s.then);
        const otherwise = s.otherwise ? this.compile(s.otherwise) : () => {};
        return () => {
          begin();
          if (cond()) then();
          else otherwise();
        };
      }
      case "store": {
        const begin = this.#begin(s);
        const write = this.#memory.writer(s.buffer, s.index, s.value, this.exprs);
        return () => {
          if (this.#empty.length > 0 && !this.#inInit) return;
          begin();
          write();
        };
      }
      case "seq": {
        const all = s.body.map((x) => this.compile(x));
        return () => {
          for (const f of all) f();
        };
      }
      case "alloc": {
        const begin = this.#begin(s);
        const shape = s.buffer.shape.map((e) => this.exprs.number(e));
        const strides = s.buffer.strides?.map((e) => this.exprs.number(e));
        const body = this.compile(s.body);
        return () => {
          begin();
          const n = shape.map((f) => f());
          this.#memory.allocate(
            s.buffer,
            n,
            strides?.map((f) => f()),
          );
          body();
        };
      }
      case "let":
      case "assign": {
        const begin = this.#begin(s);
        const cell = this.exprs.cell(s.var);
        const value = this.exprs.value(s.value);
        const body = s.kind === "let" ? this.compile(s.body) : () => {};
        return () => {
          begin();
          cell.v = value();
          body();
        };
      }
      default:
        return s satisfies never;
    }
  }

  #for(s: Stmt & { kind: "for" }): Run {
    const begin = this.#begin(s);
    const [min, extent] = [this.exprs.number(s.min), this.exprs.number(s.extent)];
    const cell = this.exprs.cell(s.var);
    const body = this.compile(s.body);
    const reductions = blocksOf(s.body).some((b) => b.init !== undefined);
    return () => {
      begin();
      const lo = min();
      const n = extent();
      for (let i = 0; i < n; i++) {
        cell.v = lo + i;
        body();
      }
      if (n <= 0 && reductions) {
        this.#empty.push(s.var);
        cell.v = lo;
        body();
        this.#empty.pop();
      }
    };
  }

  #block(b: Block): Run {
    const reducing = new Set<Var>();
    for (const it of b.iters) if (it.kind === "reduction") varsOf(it.binding, reducing);
    const spatial = new Set<Var>();
    for (const it of b.iters) if (it.kind !== "reduction") varsOf(it.binding, spatial);
    const begin = this.exprs.begin([...exprsOf(b), ...conjuncts(b.predicate)]);
    const axes = b.iters.map((it) => ({
      cell: this.exprs.cell(it.var),
      binding: this.exprs.number(it.binding),
      extent: this.exprs.number(it.extent),
      name: it.var.name,
      reduction: it.kind === "reduction",
    }));
    const predicate = this.exprs.scalar(b.predicate);
    // with no reduction step to speak of, only what the predicate says of the other axes counts
    const still = conjuncts(b.predicate).filter((c) => !usesVar(c, (v) => reducing.has(v) && !spatial.has(v)));
    const outside = still.map((c) => this.exprs.scalar(c));
    const init = b.init ? this.compile(b.init) : undefined;
    const body = this.compile(b.body);
    const check = (a: (typeof axes)[number]): void => {
      const [v, n] = [a.cell.v as number, a.extent()];
      if (v < 0 || v >= n) throw new InterpretError(`block ${b.id.name}: axis ${a.name} = ${v} is outside [0, ${n})`);
    };
    return () => {
      begin();
      let first = true;
      for (const a of axes) {
        const v = a.binding();
        a.cell.v = v;
        if (a.reduction && v !== 0) first = false;
      }
      if (this.#empty.length > 0) {
        if (!init || !first || !this.#empty.every((v) => reducing.has(v) && !spatial.has(v))) return;
        if (!outside.every((f) => f())) return;
        for (const a of axes) if (!a.reduction) check(a);
        this.#inInit = true;
        init();
        this.#inInit = false;
        return;
      }
      if (!predicate()) return;
      for (const a of axes) check(a);
      if (first && init) init();
      body();
    };
  }
}

function conjuncts(e: Expr): Expr[] {
  if (e === TRUE) return [];
  return e.kind === "op" && e.op === "and" && e.dtype === "bool" ? e.args.flatMap(conjuncts) : [e];
}
