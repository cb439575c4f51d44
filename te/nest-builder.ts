// biome-ignore-all lint/suspicious/noExplicitAny: `any` as a type argument means "whatever facts", and must not be checked
/** The statements of a hand-written nest, as its body writes them down. */
import { Facts, prove } from "../src/arith/index.ts";
import {
  add,
  and,
  type Buffer,
  buffer,
  constInt,
  type DType,
  floordiv,
  ge,
  gt,
  type If,
  int,
  max,
  mul,
  NOTHING,
  type Expr as Node,
  type Stmt,
  select,
  seq,
  store,
  sub,
  type Var,
  variable,
  varsOf,
} from "../src/ir/index.ts";
import { assume, checkReadsUnder, impossible, type Known, opposite } from "./bounds.ts";
import { checkDType, describe } from "./build.ts";
import { Cells, type Writer } from "./cells.ts";
import { checkFunction, checkOptions, checkSize, isRecord } from "./check.ts";
import { TeError } from "./error.ts";
import { Axis, type Expr, isExpr, wrap } from "./expr.ts";
import { checkName, openAxes } from "./extent.ts";
import { filledMemory } from "./fill.ts";
import { expectExpr } from "./reduce.ts";
import {
  checkVisible,
  dependsOnData,
  type FrameAxis,
  innerFrame,
  isOpen,
  openLocal,
  registerScalar,
  setOpenFacts,
  where,
  withRanges,
} from "./scope.ts";
import { brief } from "./text.ts";
import type { AxesSpec, Index, Names, Shape, ShapeOf } from "./types.ts";

/** `from`, `from + step`, ... below `to`. */
export interface NestRange {
  /** 0 unless told otherwise. */
  readonly from?: Index;
  readonly to: Index;
  /** A positive constant; 1 unless told otherwise. */
  readonly step?: number;
}
export interface NestLoopOptions {
  /** Write the loop out, iteration by iteration. Its extent must be a constant. */
  readonly unroll?: boolean;
}
export interface NestMemoryOptions {
  /** Registers (where every index becomes a constant), or memory. Registers for a single value unless told otherwise. */
  readonly scope?: "local" | "workspace";
}

/** Statements of one loop or branch, not yet nested: a let and an allocation go on to the end of the list. */
type Item =
  | { readonly kind: "stmt"; readonly stmt: Stmt }
  | { readonly kind: "let"; readonly var: Var; readonly value: Node }
  | { readonly kind: "alloc"; readonly buffer: Buffer };
interface Level {
  readonly items: Item[];
  known: Known;
  /** What stands here never runs. */
  readonly dead: boolean;
}
/** Nested lets: passes recurse through them. */
const DEPTH = 700;

export class NestBuilder {
  readonly #owner: string;
  readonly #levels: Level[];
  readonly #nodes: Node[] = [];
  readonly #bound: Var[];
  /** What was allocated in the loops and branches that are being written. */
  readonly #allocated = new Set<Buffer>();
  /** What cells write through. */
  readonly writer: Writer;

  constructor(owner: string, axes: readonly FrameAxis[]) {
    this.#owner = owner;
    this.#bound = axes.map((a) => a.var);
    this.#levels = [{ items: [], known: { facts: withRanges(Facts.empty, axes), given: new Set() }, dead: false }];
    this.writer = {
      open: () => this.#open(),
      known: () => this.#level.known,
      keep: (name, value) => this.#keep(name, value),
      store: (b, index, value, conditions) => this.#store(b, index, value, conditions),
    };
  }
  get #level(): Level {
    return this.#levels.at(-1)!;
  }
  #open(): void {
    if (!isOpen(this.#owner, "nest"))
      throw new TeError(
        "te.scope",
        `a statement of nest "${this.#owner}" is written outside of its body: it is complete when the callback returns`,
      );
  }

  /**
   * A loop over [0, extent), or over a range; its bounds may depend on loops around it and on data. The body gets the value of the loop's
   * variable.
   *
   *     b.for("i", 16, (i) => out.store([i], A.at(i)));
   *     b.for("j", { from: i.add(1), to: n }, (j) => ...);
   *
   * A range whose ends depend on data, and are 2^31 or more apart, is empty.
   */
  for(
    name: string,
    range: Index | NestRange,
    body: (i: Expr<"i32", never>) => void,
    options: NestLoopOptions = {},
  ): void {
    this.#open();
    checkName(name, "loop");
    const what = `${where()}loop "${name}"`;
    checkFunction(body, `the body of ${what}`, "(i) => out.store([i], 0)");
    checkOptions(options, ["unroll"], what);
    if (options.unroll !== undefined && typeof options.unroll !== "boolean")
      throw new TeError("te.option", `${what}: unroll is ${describe(options.unroll)}: expected true or false`);
    const { from, to, step } = this.#range(range, what);
    const extent = this.#extent(from, to, step, name);
    if (options.unroll === true && constInt(extent) === undefined)
      throw new TeError("te.extent", `${what} has no constant extent (${brief(extent)}), so it can't be unrolled`);
    const v = variable(name);
    if (dependsOnData(extent)) registerScalar(v);
    const axis: FrameAxis = { name, var: v, extent };
    const known: Known = { facts: withRanges(this.#level.known.facts, [axis]), given: this.#level.known.given };
    this.#bound.push(v);
    const scaled = step === 1 ? v : mul(v, int(step));
    const value = constInt(from) === 0 ? scaled : add(from, scaled);
    const inside = this.#within([axis], known, () =>
      body((value === v ? new Axis(name, v) : wrap(value)) as Expr<"i32", never>),
    );
    this.#put({ kind: "for", var: v, min: int(0), extent, loop: options.unroll ? "unrolled" : "serial", body: inside });
  }

  /** A branch. `b.if(x.gt(0), () => out.store([i], x), () => out.store([i], 0))` */
  if(condition: Expr<"bool", any>, then: () => void, otherwise?: () => void): void {
    this.#open();
    const what = `${where()}b.if`;
    if (!isExpr(condition) || condition.dtype !== "bool")
      throw new TeError("te.dtype", `${what} of ${describe(condition)}: expected a comparison such as x.lt(y)`);
    checkFunction(then, `the first branch of ${what}`, "() => out.store([i], 0)");
    if (otherwise !== undefined) checkFunction(otherwise, `the second branch of ${what}`, "() => out.store([i], 0)");
    const c = condition.node;
    this.#use(c);
    const { known } = this.#level;
    const not = opposite(c);
    const yes = this.#within([], assume(known, c), then, impossible(known, c));
    const no = otherwise && this.#within([], assume(known, not), otherwise, impossible(known, not));
    const made: If = { kind: "if", condition: c, then: yes, ...(no ? { otherwise: no } : {}) };
    this.#put(made);
  }

  /** A value computed once, here. `const mid = b.let("mid", lo.add(hi).div(2))` */
  let<D extends DType, F>(name: string, value: Expr<D, F>): Expr<D, F> {
    this.#open();
    checkName(name, "value");
    return wrap(this.#keep(name, expectExpr(value, this.#owner, `value "${name}"`).node));
  }

  /**
   * Memory of the nest's own, gone at the end of the loop or branch it was made in. It starts as 0.
   *
   *     const best = b.alloc("best", [], "f32");
   *     const row = b.alloc("row", { x: w }, "i32");
   *
   * Its extents are numbers or expressions of symbolic sizes.
   */
  alloc<const S extends AxesSpec, D extends DType>(
    name: string,
    shape: S,
    dtype: D,
    options: NestMemoryOptions = {},
  ): Cells<D, S extends Shape ? never : Names<S>, ShapeOf<S>> {
    this.#open();
    checkName(name, "memory");
    checkDType(dtype, `${where()}"${name}"`);
    checkOptions(options, ["scope"], `${where()}"${name}"`);
    const { scope } = options;
    if (scope !== undefined && scope !== "local" && scope !== "workspace")
      throw new TeError(
        "te.option",
        `${where()}"${name}": scope is ${describe(scope)}: expected "local" or "workspace"`,
      );
    const list = openAxes(shape, name);
    const extents = list.axes.map((a) => a.extent);
    checkSize(name, extents);
    const made = buffer(name, dtype, extents, scope ?? (extents.length === 0 ? "local" : "workspace"));
    this.#level.items.push({ kind: "alloc", buffer: made });
    this.#allocated.add(made);
    const axes = (list.named ? list.axes.map((a) => a.name) : []) as never[];
    return new Cells(name, made, axes, [], { ...this.writer, open: () => this.#allocatedHere(made) }) as never;
  }
  #allocatedHere(b: Buffer): void {
    this.#open();
    if (!this.#allocated.has(b))
      throw new TeError(
        "te.scope",
        `${where()}memory "${b.name}" is used outside of the loop or branch that it was made in, and is gone there: make it before that`,
      );
  }

  /** The whole statement. */
  finish(): { readonly result: Stmt; readonly nodes: readonly Node[]; readonly bound: readonly Var[] } {
    return { result: this.#assemble(this.#levels[0]!.items), nodes: this.#nodes, bound: this.#bound };
  }

  #within(axes: readonly FrameAxis[], known: Known, body: (() => unknown) | (() => void), dead = false): Stmt {
    this.#levels.push({ items: [], known, dead: dead || this.#level.dead });
    try {
      const value: unknown = innerFrame(axes, known.facts, body);
      if (value !== undefined)
        throw new TeError(
          "te.body",
          `${where()}a loop or branch returned ${describe(value)}: write with store(...), and return nothing`,
        );
      return this.#assemble(this.#level.items);
    } finally {
      for (const x of this.#levels.pop()!.items) if (x.kind === "alloc") this.#allocated.delete(x.buffer);
    }
  }
  #assemble(items: readonly Item[]): Stmt {
    if (items.filter((x) => x.kind !== "stmt").length > DEPTH)
      throw new TeError(
        "te.depth",
        `"${this.#owner}": more than ${DEPTH} values are read or named in one loop or branch: split it into several nests`,
      );
    let rest: Stmt = NOTHING;
    for (const x of [...items].reverse()) {
      if (x.kind === "stmt") rest = seq([x.stmt, rest]);
      else if (x.kind === "let") rest = { kind: "let", var: x.var, value: x.value, body: rest };
      else rest = { kind: "alloc", buffer: x.buffer, body: filledMemory(x.buffer, rest) };
    }
    return rest;
  }

  #put(stmt: Stmt): void {
    this.#level.items.push({ kind: "stmt", stmt });
  }
  #use(e: Node, known = this.#level.known): void {
    for (const v of varsOf(e)) checkVisible(v);
    if (!this.#level.dead) checkReadsUnder(this.#owner, [e], known);
    this.#nodes.push(e);
  }
  #keep(name: string, value: Node): Node {
    this.#use(value);
    const v = variable(name, value.dtype);
    this.#bound.push(v);
    this.#level.items.push({ kind: "let", var: v, value });
    openLocal(v, this.#owner);
    if (dependsOnData(value)) registerScalar(v);
    else if (value.dtype === "i32") {
      // index arithmetic: whatever is known of the value is known of its name
      const { facts, given } = this.#level.known;
      this.#level.known = { facts: facts.withVar(v, value, int(1)), given };
      setOpenFacts(this.#level.known.facts);
    }
    return v;
  }
  #store(b: Buffer, index: readonly Node[], value: Node, conditions: readonly Node[]): void {
    const made = store(b, index, value);
    for (const c of conditions) this.#use(c);
    const known = conditions.reduce(assume, this.#level.known);
    for (const e of [...index, value]) this.#use(e, known);
    this.#put(conditions.length > 0 ? { kind: "if", condition: conditions.reduce(and), then: made } : made);
  }

  #range(range: unknown, what: string): { from: Node; to: Node; step: number } {
    const index = (x: unknown, which: string): Node => {
      if (typeof x === "number") {
        if (!Number.isInteger(x) || Math.abs(x) >= 2 ** 31)
          throw new TeError("te.extent", `${what}: ${which} is ${x}: expected a whole number of 31 bits`);
        return int(x);
      }
      if (!isExpr(x) || x.dtype !== "i32")
        throw new TeError(
          "te.extent",
          `${what}: ${which} is ${isExpr(x) ? `of dtype ${x.dtype}` : describe(x)}: expected a number or an i32 expression`,
        );
      this.#use(x.node);
      return x.node;
    };
    if (isRecord(range) && !isExpr(range)) {
      checkOptions(range, ["from", "to", "step"], what);
      const { from = 0, to, step = 1 } = range;
      if (typeof step !== "number" || !Number.isInteger(step) || step < 1 || step >= 2 ** 31)
        throw new TeError("te.extent", `${what}: step is ${describe(step)}: expected a positive whole number`);
      return { from: index(from, "from"), to: index(to, "to"), step };
    }
    if (typeof range === "number" && range < 0)
      throw new TeError("te.extent", `${what}: its extent is ${range}: extents can't be negative`);
    return { from: int(0), to: index(range, "its extent"), step: 1 };
  }
  /** Iterations of a loop: never negative. */
  #extent(from: Node, to: Node, step: number, name: string): Node {
    const { facts } = this.#level.known;
    const steps = (span: Node): Node => (step === 1 ? span : floordiv(add(span, int(step - 1)), int(step)));
    const [a, b] = [constInt(from), constInt(to)];
    if (a !== undefined && b !== undefined) return int(Math.max(0, Math.ceil((b - a) / step)));
    const span = a === 0 ? to : sub(to, from);
    if (!dependsOnData(from) && !dependsOnData(to))
      return steps(prove(ge(span, int(0)), facts) ? span : max(span, int(0)));
    // what data says may be too far apart for a number, and must not change while the loop runs
    const isBelow = (x: Node, y: Node): boolean => !dependsOnData(x) && !dependsOnData(y) && prove(ge(y, x), facts);
    // a difference below 0 wraps to one above only where the one end is above 0 and the other one below
    const wraps = !isBelow(from, int(0)) && !isBelow(int(0), to);
    const length = wraps ? select(gt(to, from), span, int(0)) : max(span, int(0));
    return this.#keep(`${name}.extent`, wraps || step > 1 ? max(steps(length), int(0)) : length);
  }
}
