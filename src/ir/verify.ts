/**
 * The invariants of the IR, checked: run after every primitive and every pass in tests. A broken one is a bug of ours, so
 * the error is an IrError; its message ends with the printed IR, the offending statement underlined.
 */
import { bytesOf } from "./dtype.ts";
import { type Expr, IrError, isConst, type Var } from "./expr.ts";
import { opInfo } from "./ops.ts";
import { printExpr, printFunc, printStmt } from "./print.ts";
import type { Block, BlockId, Buffer, Func, Layout, Stmt } from "./stmt.ts";
import { children } from "./visit.ts";

/** `final` is what code generators take: see verifyLowered. */
type Level = "scheduled" | "lowered" | "final";
type Named = Var | Buffer;
const NONE: ReadonlySet<Named> = new Set();

class Verifier {
  readonly #level: Level;
  readonly #print: (marks: ReadonlySet<object>) => string;
  /** What may be mentioned here; inside a block, the loops around it may not. */
  readonly #scope = new Set<Named>();
  /** Everything that is bound around here, mentionable or not. */
  readonly #bound = new Set<Named>();
  readonly #assigned = new Set<Var>();
  readonly #readOnly = new Set<Buffer>();
  readonly #parameters = new Set<Named>();
  readonly #blocks = new Set<BlockId>();
  readonly #symbols = new Map<Expr, ReadonlySet<Named>>();
  #at: Stmt | undefined;

  constructor(level: Level, print: (marks: ReadonlySet<object>) => string) {
    this.#level = level;
    this.#print = print;
  }
  fail(message: string): never {
    const marks = new Set<object>(this.#at ? [this.#at] : []);
    throw new IrError(`${message}\n${this.#print(marks)}`);
  }
  need(ok: boolean, message: () => string): void {
    if (!ok) this.fail(message());
  }

  declare(o: Named, readOnly = false): void {
    this.need(
      !this.#bound.has(o),
      () => `${o.kind === "var" ? "variable" : "buffer"} ${o.name} is bound twice in one nest`,
    );
    this.#bound.add(o);
    this.#scope.add(o);
    if (readOnly && o.kind === "buffer") this.#readOnly.add(o);
  }
  #within(list: readonly Named[], f: () => void): void {
    for (const o of list) this.declare(o);
    f();
    for (const o of list) {
      this.#scope.delete(o);
      this.#bound.delete(o);
    }
  }
  /** Inside a block, the loops around it are out of sight. */
  #insideBlock(list: readonly Named[], hidden: ReadonlySet<Named>, f: () => void): void {
    for (const o of hidden) this.#scope.delete(o);
    this.#within(list, f);
    for (const o of hidden) this.#scope.add(o);
  }

  /** Variables and buffers an expression mentions; each distinct node is checked once on the way. */
  #symbolsOf(e: Expr): ReadonlySet<Named> {
    const old = this.#symbols.get(e);
    if (old !== undefined) return old;
    this.#node(e);
    let all: ReadonlySet<Named> = NONE;
    if (e.kind === "var") all = new Set([e]);
    else {
      let own: Set<Named> | undefined;
      const merge = (more: ReadonlySet<Named>): void => {
        if (all.size === 0) {
          all = more;
          return;
        }
        for (const o of more)
          if (!all.has(o)) {
            own ??= new Set(all);
            own.add(o);
            all = own;
          }
      };
      for (const k of children(e)) merge(this.#symbolsOf(k));
      if (e.kind === "load" && !all.has(e.buffer)) merge(new Set([e.buffer]));
    }
    this.#symbols.set(e, all);
    return all;
  }

  /** What can be said of a node without knowing where it stands. */
  #node(e: Expr): void {
    const shown = (): string => printExpr(e);
    if (e.kind === "reduce") this.fail(`a reduction inside a statement: ${shown()}`);
    if (e.kind === "load") this.#access(e.buffer, e.index, e.lanes, shown);
    if (this.#level === "scheduled") {
      if (e.kind === "ramp" || e.kind === "broadcast" || e.kind === "shuffle" || e.kind === "call" || e.lanes !== 1)
        this.fail(`a vector in scheduled IR: ${shown()}`);
      if (e.kind === "var" && e.mutable) this.fail(`a mutable variable in scheduled IR: ${e.name}`);
    }
    if (this.#level === "final") this.#finalNode(e, shown);
  }
  #finalNode(e: Expr, shown: () => string): void {
    // the ramp of a dense access is an address, not a value: it is checked with the access
    if (e.lanes !== 1 && e.kind !== "ramp") {
      this.need((e.lanes & (e.lanes - 1)) === 0, () => `${e.lanes} lanes are not a power of two: ${shown()}`);
      this.need(e.lanes * bytesOf(e.dtype) <= 16, () => `more than one vector register: ${shown()}`);
    }
    if (e.kind !== "op") return;
    this.need(opInfo(e.op).approximate !== true, () => `${e.op} should have been expanded: ${shown()}`);
    const branch = e.op !== "where" || e.lanes === 1 || e.args[0]!.kind === "broadcast";
    this.need(branch, () => `a where of vectors with a condition per lane: ${shown()}`);
    const f16 = e.dtype === "f16" || e.args.some((a) => a.dtype === "f16");
    const moves = e.op === "cast" || e.op === "bitcast" || e.op === "select" || e.op === "where";
    this.need(!f16 || moves, () => `f16 arithmetic: ${shown()}`);
  }
  #access(b: Buffer, index: readonly Expr[], lanes: number, shown: () => string): void {
    for (const i of index) {
      this.need(i.dtype === "i32", () => `an index of dtype ${i.dtype}: ${shown()}`);
      this.need(i.lanes === lanes, () => `an index of ${i.lanes} lanes for ${lanes}: ${shown()}`);
    }
    if (this.#level === "scheduled") {
      this.need(lanes === 1, () => `a vector access in scheduled IR: ${shown()}`);
      this.need(b.scope !== "address", () => `an access by address in scheduled IR: ${shown()}`);
      this.#rank(b, index, shown);
    } else if (b.scope === "address") {
      this.need(index.length === 1, () => `an access by address takes one index: ${shown()}`);
      const i = index[0]!;
      const dense = i.lanes === 1 || (i.kind === "ramp" && isConst(i.stride, bytesOf(b.dtype)));
      this.need(this.#level !== "final" || dense, () => `not a dense vector access: ${shown()}`);
    } else {
      this.need(this.#level !== "final", () => `${b.name} is accessed, but not by address: ${shown()}`);
      // flat, or not flattened yet
      if (index.length !== 1) this.#rank(b, index, shown);
    }
  }
  #rank(b: Buffer, index: readonly Expr[], shown: () => string): void {
    this.need(
      index.length === b.shape.length,
      () => `${b.name} has ${b.shape.length} dimensions, but is given ${index.length} indices: ${shown()}`,
    );
  }

  /** An expression where it stands: well formed, and all it mentions is in scope. */
  #use(e: Expr, what: string): void {
    for (const o of this.#symbolsOf(e)) {
      if (o.kind === "buffer") {
        const known = o.scope === "address" || this.#scope.has(o);
        this.need(known, () => `${what} reads ${o.name}, which is no parameter and not allocated here`);
      } else if (o.mutable) {
        const set = this.#assigned.has(o);
        this.need(set, () => `${what} reads ${o.name} before anything is assigned to it`);
      } else this.need(this.#scope.has(o), () => `${what} mentions ${o.name}, which is not in scope here`);
    }
  }
  #scalar(e: Expr, dtype: "i32" | "bool", what: string): void {
    const is = e.dtype === dtype && e.lanes === 1;
    this.need(is, () => `${what} must be a scalar ${dtype}, but ${printExpr(e)} is ${e.dtype} x${e.lanes}`);
    this.#use(e, what);
  }
  /** For what analyses reason about: no memory may be read. */
  #pure(e: Expr, dtype: "i32" | "bool", what: string): void {
    this.#scalar(e, dtype, what);
    for (const o of this.#symbolsOf(e))
      this.need(o.kind === "var", () => `${what} reads ${o.name}: it may speak of loops and sizes only`);
  }

  stmt(s: Stmt): void {
    this.#at = s;
    switch (s.kind) {
      case "for": {
        const name = `loop ${s.var.name}`;
        const bounds = this.#level === "scheduled" ? this.#pure.bind(this) : this.#scalar.bind(this);
        bounds(s.min, "i32", `the start of ${name}`);
        bounds(s.extent, "i32", `the extent of ${name}`);
        this.need(s.var.dtype === "i32" && s.var.lanes === 1, () => `${name} must count in scalar i32`);
        this.need(!s.var.mutable, () => `${name} has a mutable variable`);
        this.need((s.loop === "bound") === (s.bind !== undefined), () => `${name} is ${s.loop}, bound to ${s.bind}`);
        if (this.#level === "scheduled") this.need(isConst(s.min, 0), () => `${name} does not start at 0`);
        this.need(
          (s.loop === "tensorized") === (s.tensor !== undefined),
          () => `${name} has an intrinsic, or lacks one`,
        );
        if (this.#level === "final") this.need(s.loop === "serial", () => `${name} is still ${s.loop}`);
        return this.#within([s.var], () => this.stmt(s.body));
      }
      case "block":
        return this.#block(s);
      case "if":
        this.#scalar(s.condition, "bool", "a condition");
        this.stmt(s.then);
        if (s.otherwise) this.stmt(s.otherwise);
        return;
      case "store": {
        const name = s.buffer.name;
        const { value, buffer } = s;
        const is = value.dtype === buffer.dtype;
        this.need(is, () => `a value of dtype ${value.dtype} is stored to ${name}, which holds ${buffer.dtype}`);
        this.#access(buffer, s.index, value.lanes, () => `the store to ${name}`);
        const known = buffer.scope === "address" || this.#scope.has(buffer);
        this.need(known, () => `a store to ${name}, which is no parameter and not allocated here`);
        this.need(!this.#readOnly.has(buffer), () => `a store to ${name}, which is an input`);
        for (const i of s.index) this.#use(i, `the index of the store to ${name}`);
        return this.#use(value, `the value stored to ${name}`);
      }
      case "seq":
        for (const x of s.body) this.stmt(x);
        return;
      case "alloc":
        this.need(this.#level !== "final", () => `an alloc of ${s.buffer.name}: scratch memory should be planned`);
        for (const e of [...s.buffer.shape, ...(s.buffer.strides ?? [])])
          this.#scalar(e, "i32", `the shape of ${s.buffer.name}`);
        return this.#within([s.buffer], () => this.stmt(s.body));
      case "let": {
        const { var: v, value } = s;
        const fits = v.dtype === value.dtype && v.lanes === value.lanes;
        this.need(fits, () => `${v.name} is ${v.dtype} x${v.lanes}, its value ${value.dtype} x${value.lanes}`);
        this.need(!v.mutable, () => `a let of the mutable variable ${v.name}: those are set by assignments`);
        this.#use(value, `the value of ${v.name}`);
        return this.#within([v], () => this.stmt(s.body));
      }
      case "assign": {
        const { var: v, value } = s;
        this.need(this.#level !== "scheduled", () => `an assignment to ${v.name} in scheduled IR`);
        this.need(v.mutable, () => `an assignment to ${v.name}, which is not mutable`);
        const fits = v.dtype === value.dtype && v.lanes === value.lanes;
        this.need(fits, () => `${v.name} is ${v.dtype} x${v.lanes}, its value ${value.dtype} x${value.lanes}`);
        this.#use(value, `the value assigned to ${v.name}`);
        this.#assigned.add(v);
        return;
      }
      default:
        return s satisfies never;
    }
  }

  #block(b: Block): void {
    const name = `block ${b.id.name}`;
    this.need(this.#level === "scheduled", () => `${name} in lowered IR`);
    this.need(!this.#blocks.has(b.id), () => `${name} stands in two places`);
    this.#blocks.add(b.id);
    for (const it of b.iters) {
      this.#pure(it.extent, "i32", `the extent of axis ${it.var.name} of ${name}`);
      this.#pure(it.binding, "i32", `the binding of axis ${it.var.name} of ${name}`);
      this.need(it.var.dtype === "i32" && !it.var.mutable, () => `axis ${it.var.name} of ${name} must be an i32`);
    }
    this.#pure(b.predicate, "bool", `the predicate of ${name}`);
    const hidden = new Set([...this.#scope].filter((o) => o.kind === "var" && !this.#parameters.has(o)));
    if (b.init) {
      const spatial = b.iters.filter((it) => it.kind !== "reduction").map((it) => it.var);
      const { init } = b;
      this.#insideBlock(spatial, hidden, () => this.stmt(init));
    }
    const vars = b.iters.map((it) => it.var);
    this.#insideBlock(vars, hidden, () => this.stmt(b.body));
  }
  parameter(v: Var): void {
    this.declare(v);
    this.#parameters.add(v);
  }

  func(f: Func): void {
    for (const v of [...f.sizes, ...f.scalars]) this.parameter(v);
    for (const v of f.sizes) this.need(v.dtype === "i32", () => `size ${v.name} must be an i32`);
    if (this.#level !== "scheduled")
      this.need(f.intermediates.length === 0, () => `${f.intermediates[0]!.name} is an intermediate in lowered IR`);
    for (const b of [...f.inputs, ...f.outputs, ...f.intermediates]) {
      this.declare(b, f.inputs.includes(b));
      this.need(b.scope !== "address", () => `${b.name} is a parameter of scope address`);
      for (const e of [...b.shape, ...(b.strides ?? [])]) this.#pure(e, "i32", `the shape of ${b.name}`);
      if (b.layout) this.#layout(b, b.layout);
    }
    this.stmt(f.body);
  }
  #layout(b: Buffer, l: Layout): void {
    const name = `the layout of ${b.name}`;
    this.need(this.#level === "scheduled", () => `${b.name} has a layout in lowered IR`);
    this.need(b.strides === undefined, () => `${b.name} has both strides and a layout`);
    this.need(l.vars.length === b.shape.length, () => `${name} takes ${l.vars.length} of ${b.shape.length} indices`);
    const rank = l.shape.length;
    this.need(l.index.length === rank && l.cells.length === rank, () => `${name} disagrees on its rank`);
    this.need(l.inverse.length === l.vars.length, () => `${name} has a way back to ${l.inverse.length} indices`);
    for (const e of l.shape) this.#pure(e, "i32", name);
    for (const v of [...l.vars, ...l.cells]) this.need(v.dtype === "i32" && v.lanes === 1, () => `${name} maps no i32`);
    this.#within(l.vars, () => {
      for (const e of l.index) this.#pure(e, "i32", name);
    });
    this.#within(l.cells, () => {
      for (const e of l.inverse) this.#pure(e, "i32", name);
    });
    for (const a of l.align ?? []) {
      const sound = a.dim >= 0 && a.dim < rank && a.factor > 0 && a.offset >= 0 && a.offset < a.factor;
      this.need(sound, () => `${name} aligns dimension ${a.dim} to ${a.offset} modulo ${a.factor}`);
    }
    const fits = l.pad === undefined || (l.pad.kind === "const" && l.pad.dtype === b.dtype);
    this.need(fits, () => `${name} pads with no constant of ${b.dtype}`);
  }
}

/**
 * Checks that a function is well formed: every variable in scope and bound once per nest, every access to a buffer that
 * exists there, with as many i32 indices as it has dimensions (lowered: or one flat index, and vectors), values of the
 * buffer's dtype; scheduled IR: loops from 0, blocks as stmt.ts describes them, no vectors; lowered IR: no blocks.
 *
 *     verify(func, "scheduled"); // throws IrError: "loop i does not start at 0 ..." with the printed function
 */
export function verify(func: Func, level: "scheduled" | "lowered"): void {
  new Verifier(level, (marks) => printFunc(func, { marks })).func(func);
}

/**
 * Checks the last stage, what code generators take: serial loops, accesses by address and dense, vectors of at most
 * 16 bytes, nothing that needs expansion.
 */
export function verifyLowered(l: { readonly params: readonly Var[]; readonly body: Stmt }): void {
  const v = new Verifier("final", (marks) => printStmt(l.body, { marks }));
  for (const p of l.params) v.parameter(p);
  v.stmt(l.body);
}
