/**
 * What a block reads and writes: at which index, inside which loops of its own body, and under which conditions. Memory that
 * lives and dies inside the body is left out.
 *
 * An index (a condition, a bound of an inner loop) speaks of the block's axes, of the inner loops around it, of sizes and
 * scalars, and of memory that the block does not change. Lets are written out. What the body reads of memory that it also
 * changes is a number of which nothing is known: a load of a buffer that stands for nothing, indexed by all that it depends on.
 */
import type { Range } from "../src/arith/index.ts";
import {
  type Block,
  type Buffer,
  buffer,
  children,
  type Expr,
  IrError,
  isConst,
  load,
  mapExpr,
  not,
  type Stmt,
  substitute,
  type Var,
  variable,
  visitExpr,
  visitStmt,
} from "../src/ir/index.ts";

export interface Access {
  readonly buffer: Buffer;
  readonly index: readonly Expr[];
  /** Conditions of `where` and `if` under which it happens. */
  readonly guards: readonly Expr[];
  /** Loops of the body around it, outermost first; their bounds may depend on those before and on the axes. */
  readonly inner: ReadonlyMap<Var, Range>;
}
export type Read = Access;
export interface Write extends Access {
  readonly value: Expr;
}
interface Accesses {
  readonly reads: readonly Read[];
  readonly writes: readonly Write[];
  readonly loops: ReadonlyMap<Var, Range>;
}

const known = new WeakMap<Block, Accesses>();
function accesses(b: Block): Accesses {
  let a = known.get(b);
  if (a === undefined) {
    a = new Collector(b).run();
    known.set(b, a);
  }
  return a;
}

/** Reads in a block's init and body. */
export const readsOf = (b: Block, test: (buffer: Buffer) => boolean): readonly Read[] =>
  accesses(b).reads.filter((r) => test(r.buffer));
/** Writes in a block's body. */
export const storesOf = (b: Block): readonly Write[] => accesses(b).writes;
/** All loops of a block's init and body. */
export const innerLoops = (b: Block): ReadonlyMap<Var, Range> => accesses(b).loops;

/**
 * Per dimension of a buffer that a block writes: the axis at which all its stores are, or undefined where the place says
 * nothing of axes: wherever an element is in that dimension, the points of the axes found here alone write it (and every
 * point of a reduction may). Undefined as a whole where that can't be said: some spatial or ordered axis is no index of its own.
 */
export function storedAt(b: Block, x: Buffer): readonly (Var | undefined)[] | undefined {
  const stores = storesOf(b).filter((s) => s.buffer === x);
  const axes = b.iters.filter((it) => it.kind !== "reduction");
  const found = x.shape.map((_, d) => {
    const at = stores[0]?.index[d];
    return stores.every((s) => s.index[d] === at) ? axes.find((it) => it.var === at)?.var : undefined;
  });
  const own = found.filter((v) => v !== undefined);
  if (new Set(own).size < own.length) return undefined;
  return axes.every((it) => own.includes(it.var) || isConst(it.extent, 1)) ? found : undefined;
}

/** The same access in another iteration of the inner loops: their variables have new names. */
export function renamed<T extends Access>(a: T): T {
  if (a.inner.size === 0) return a;
  const fresh = new Map<Var, Expr>([...a.inner.keys()].map((v) => [v, variable(v.name)]));
  return replaced(a, fresh, (v) => fresh.get(v) as Var);
}
/** The access with its axes written as what they are bound to. */
export const bound = <T extends Access>(a: T, axes: ReadonlyMap<Var, Expr>): T => replaced(a, axes, (v) => v);

function replaced<T extends Access>(a: T, map: ReadonlyMap<Var, Expr>, name: (v: Var) => Var): T {
  const to = (e: Expr): Expr => substitute(e, map);
  return {
    ...a,
    index: a.index.map(to),
    guards: a.guards.map(to),
    inner: new Map([...a.inner].map(([v, r]) => [name(v), { min: to(r.min), extent: to(r.extent) }])),
  };
}

/** Where in the body we are. */
interface Around {
  readonly guards: readonly Expr[];
  readonly inner: ReadonlyMap<Var, Range>;
  readonly lets: ReadonlyMap<Var, Expr>;
  /** Expressions looked through already under these conditions. */
  readonly seen: Set<Expr>;
}

class Collector {
  readonly #block: Block;
  readonly #reads: Read[] = [];
  readonly #writes: Write[] = [];
  readonly #loops = new Map<Var, Range>();
  /** Buffers of the body's own. */
  readonly #local = new Set<Buffer>();
  readonly #changed = new Set<Buffer>();

  constructor(b: Block) {
    this.#block = b;
  }
  run(): Accesses {
    const { init, body } = this.#block;
    for (const part of init ? [init, body] : [body])
      visitStmt(part, (s) => {
        if (s.kind === "alloc") this.#local.add(s.buffer);
        if (s.kind === "store") this.#changed.add(s.buffer);
      });
    const start = (): Around => ({ guards: [], inner: new Map(), lets: new Map(), seen: new Set() });
    if (init) {
      this.#stmt(init, start());
      this.#writes.length = 0;
    }
    this.#stmt(body, start());
    return { reads: this.#reads, writes: this.#writes, loops: this.#loops };
  }

  #under(a: Around, condition: Expr): Around {
    return { ...a, guards: [...a.guards, this.#stable(condition, a)], seen: new Set() };
  }
  /** Without lets and without what the block itself changes. */
  #stable(e: Expr, a: Around): Expr {
    const plain = substitute(e, a.lets);
    let asks = false;
    visitExpr(plain, (x) => {
      if (x.kind === "load" && this.#changed.has(x.buffer)) asks = true;
      return !asks;
    });
    if (!asks) return plain;
    const on = [...this.#block.iters.map((it) => it.var), ...a.inner.keys()];
    const stand = new Map<Expr, Expr>();
    return mapExpr(plain, (x) => {
      if (x.kind !== "load" || !this.#changed.has(x.buffer)) return x;
      let s = stand.get(x);
      if (s === undefined) {
        s = load(buffer(`unknown ${x.buffer.name}`, x.dtype, []), on);
        stand.set(x, s);
      }
      return s;
    });
  }

  #expr(e: Expr, a: Around): void {
    if (a.seen.has(e)) return;
    a.seen.add(e);
    if (e.kind === "load") {
      if (!this.#local.has(e.buffer))
        this.#reads.push({
          buffer: e.buffer,
          index: e.index.map((i) => this.#stable(i, a)),
          guards: a.guards,
          inner: a.inner,
        });
      for (const i of e.index) this.#expr(i, a);
    } else if (e.kind === "op" && e.op === "where") {
      const [c, x, y] = e.args as readonly [Expr, Expr, Expr];
      this.#expr(c, a);
      this.#expr(x, this.#under(a, c));
      this.#expr(y, this.#under(a, not(c)));
    } else for (const x of children(e)) this.#expr(x, a);
  }

  #stmt(s: Stmt, a: Around): void {
    switch (s.kind) {
      case "for": {
        for (const e of [s.min, s.extent]) this.#expr(e, a);
        const range = { min: this.#stable(s.min, a), extent: this.#stable(s.extent, a) };
        this.#loops.set(s.var, range);
        return this.#stmt(s.body, { ...a, inner: new Map(a.inner).set(s.var, range), seen: new Set() });
      }
      case "if":
        this.#expr(s.condition, a);
        this.#stmt(s.then, this.#under(a, s.condition));
        if (s.otherwise) this.#stmt(s.otherwise, this.#under(a, not(s.condition)));
        return;
      case "store":
        for (const e of [...s.index, s.value]) this.#expr(e, a);
        if (!this.#local.has(s.buffer))
          this.#writes.push({
            buffer: s.buffer,
            index: s.index.map((i) => this.#stable(i, a)),
            guards: a.guards,
            inner: a.inner,
            value: substitute(s.value, a.lets),
          });
        return;
      case "let":
        this.#expr(s.value, a);
        return this.#stmt(s.body, { ...a, lets: new Map(a.lets).set(s.var, this.#stable(s.value, a)) });
      case "seq":
        for (const x of s.body) this.#stmt(x, a);
        return;
      case "alloc":
        return this.#stmt(s.body, a);
      case "block": {
        const lets = new Map(a.lets);
        for (const it of s.iters) lets.set(it.var, this.#stable(it.binding, a));
        const inside = { ...this.#under(a, s.predicate), lets };
        if (s.init) this.#stmt(s.init, inside);
        return this.#stmt(s.body, inside);
      }
      case "assign":
        throw new IrError(`an assignment in the body of block ${this.#block.id.name}`);
      default:
        return s satisfies never;
    }
  }
}
