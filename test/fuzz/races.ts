/**
 * Finds races: two iterations of a parallel or bound loop that touch the same place, one of them writing. The function is carried
 * out with its buffers allocated, so that what each iteration allocates is its own, and every access is looked up in a log.
 */
import {
  add,
  type Buffer,
  type Expr,
  type For,
  type Func,
  int,
  isBig,
  mapStmt,
  physicalIndex,
  printFunc,
  type Scalar,
  type Stmt,
  seq,
  type Var,
  variable,
  visitStmt,
} from "../../src/ir/index.ts";
import { allocate } from "../../src/lower/allocate.ts";
import { initReductions } from "../../src/lower/init.ts";
import type { Cell, Eval, ExprCompiler } from "../../src/reference/expr.ts";
import { readElement, type TypedArrayLike } from "../../src/reference/index.ts";
import { bindParameters } from "../../src/reference/interpret.ts";
import { type StatementMemory, StmtCompiler } from "../../src/reference/statement.ts";
import { Mismatch } from "./mismatch.ts";

const apart = (s: Stmt): s is For => s.kind === "for" && (s.loop === "parallel" || s.loop === "bound");

/** A loop, the iteration it is in (-1: none), and how often it was entered. */
interface Watch {
  readonly loop: For;
  readonly at: Var;
  readonly entered: Var;
}
/** Who touched a place last, per watched loop, since that was entered. */
interface Log {
  entered: number;
  writer: number;
  reader: number;
}
interface Place {
  value: Scalar | undefined;
  readonly logs: Map<Watch, Log>;
}
const NONE = -1;
const SEVERAL = -2;

class Watched implements StatementMemory {
  readonly #watches: readonly Watch[];
  readonly #inputs: ReadonlyMap<Buffer, TypedArrayLike>;
  readonly #stores = new Map<Buffer, { places: Map<string, Place>; own: ReadonlyMap<Watch, number> }>();
  cells!: (v: Var) => Cell;

  constructor(watches: readonly Watch[], inputs: ReadonlyMap<Buffer, TypedArrayLike>) {
    this.#watches = watches;
    this.#inputs = inputs;
  }
  #now(v: Var): number {
    return this.cells(v).v as number;
  }
  allocate(b: Buffer): void {
    // memory made in an iteration is its own
    const inside = this.#watches.filter((w) => this.#now(w.at) >= 0);
    this.#stores.set(b, { places: new Map(), own: new Map(inside.map((w) => [w, this.#now(w.entered)])) });
  }
  #place(b: Buffer, at: readonly number[], writes: boolean): Place {
    // the caller's
    if (!this.#stores.has(b)) this.#stores.set(b, { places: new Map(), own: new Map() });
    const { places, own } = this.#stores.get(b)!;
    const key = at.join();
    let p = places.get(key);
    if (p === undefined) {
      p = { value: undefined, logs: new Map() };
      places.set(key, p);
    }
    for (const w of this.#watches) {
      const [now, entered] = [this.#now(w.at), this.#now(w.entered)];
      if (now < 0 || own.get(w) === entered) continue;
      let log = p.logs.get(w);
      if (log?.entered !== entered) {
        log = { entered, writer: NONE, reader: NONE };
        p.logs.set(w, log);
      }
      const race = (log.writer !== NONE && log.writer !== now) || (writes && log.reader !== NONE && log.reader !== now);
      if (race)
        throw new Mismatch(
          `iterations of ${w.loop.loop} loop ${w.loop.var.name} race for ${b.name}[${at.join(", ")}]: ${now} ${writes ? "writes" : "reads"} it, another one ${log.writer === NONE ? "reads" : "writes"} it`,
        );
      if (writes) log.writer = now;
      else log.reader = log.reader === NONE || log.reader === now ? now : SEVERAL;
    }
    return p;
  }
  #position(b: Buffer, index: readonly Expr[], c: ExprCompiler): () => number[] {
    // layouts make new expressions, which the statement's cache does not know
    const list = physicalIndex(b, index).map((e) => c.number(e));
    return () => list.map((f) => f());
  }
  /** What the caller gave, or garbage. */
  #given(b: Buffer, c: ExprCompiler): (at: readonly number[]) => Scalar {
    const data = this.#inputs.get(b);
    if (data === undefined) return () => (isBig(b.dtype) ? 77n : 77);
    const steps = b.strides?.map((e) => c.number(e));
    const extents = b.shape.map((e) => c.number(e));
    return (at) =>
      readElement(
        b.dtype,
        data,
        at.reduce((n, i, d) => (steps ? n + i * steps[d]!() : n * extents[d]!() + i), 0),
      );
  }
  reader(b: Buffer, index: readonly Expr[], c: ExprCompiler): Eval {
    const position = this.#position(b, index, c);
    const given = this.#given(b, c);
    return () => {
      const at = position();
      return this.#place(b, at, false).value ?? given(at);
    };
  }
  writer(b: Buffer, index: readonly Expr[], value: Expr, c: ExprCompiler): () => void {
    const position = this.#position(b, index, c);
    const f = c.scalar(value);
    return () => {
      const v = f();
      this.#place(b, position(), true).value = v;
    };
  }
}

/** Throws Mismatch where iterations that may run at the same time would not give the same in any order. */
export function checkRaces(
  f: Func,
  inputs: Readonly<Record<string, TypedArrayLike>>,
  sizes: Record<string, number>,
): void {
  const watches: Watch[] = [];
  const watch = (loop: For): Watch => {
    const counter = (name: string): Var => variable(`${loop.var.name}.${name}`, "i32", { mutable: true });
    const w = { loop, at: counter("at"), entered: counter("entered") };
    watches.push(w);
    return w;
  };
  visitStmt(f.body, (s) => void (apart(s) && watch(s)));
  if (watches.length === 0) return;
  const placed = allocate(initReductions(f));
  const body = mapStmt(placed.body, (s) => {
    if (!apart(s)) return s;
    // an init has copies of the loops of its reduction
    const w = watches.find((x) => x.loop.var === s.var) ?? watch(s);
    const set = (v: Var, value: Expr): Stmt => ({ kind: "assign", var: v, value });
    const inside = { ...s, body: seq([set(w.at, s.var), s.body]) };
    return seq([set(w.entered, add(w.entered, int(1))), inside, set(w.at, int(NONE))]);
  });
  const memory = new Watched(watches, new Map(f.inputs.map((b) => [b, inputs[b.name]!])));
  const c = new StmtCompiler(memory);
  memory.cells = (v) => c.exprs.cell(v);
  for (const w of watches) c.exprs.cell(w.at).v = NONE;
  bindParameters(c.exprs, f.sizes, sizes, "size");
  try {
    c.compile(body)();
  } catch (e) {
    throw e instanceof Mismatch ? new Mismatch(`${e.message}\n${printFunc(placed)}`) : e;
  }
}
