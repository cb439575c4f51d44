/** Walking and rebuilding expressions and statements. Rebuilding keeps what did not change (`===`). */
import { broadcast, call, type Expr, load, op, type ReduceAxis, ramp, reduce, shuffle, type Var } from "./expr.ts";
import { type Block, type Buffer, type Func, type Stmt, seq } from "./stmt.ts";

/** Direct sub-expressions (reduction axes' extents included). */
export function children(e: Expr): readonly Expr[] {
  switch (e.kind) {
    case "const":
    case "var":
      return [];
    case "op":
    case "call":
      return e.args;
    case "load":
      return e.index;
    case "ramp":
      return [e.base, e.stride];
    case "broadcast":
      return [e.value];
    case "shuffle":
      return e.vectors;
    case "reduce":
      return [...e.axes.map((a) => a.extent), ...e.values, ...(e.condition ? [e.condition] : [])];
    default:
      return e satisfies never;
  }
}

/** Rebuilds a node over new children, given in the order of `children`. Lanes follow the children. */
export function withChildren(e: Expr, kids: readonly Expr[]): Expr {
  const old = children(e);
  if (kids.every((k, i) => k === old[i])) return e;
  switch (e.kind) {
    case "const":
    case "var":
      return e;
    case "op": {
      const lanes = Math.max(...kids.map((k) => k.lanes));
      return op(
        e.op,
        kids.map((k) => (k.lanes === lanes ? k : broadcast(k, lanes))),
        e.dtype,
      );
    }
    case "load": {
      const lanes = Math.max(1, ...kids.map((k) => k.lanes));
      return load(
        e.buffer,
        kids.map((k) => (k.lanes === lanes ? k : broadcast(k, lanes))),
      );
    }
    case "ramp":
      return ramp(kids[0]!, kids[1]!, e.lanes);
    case "call":
      return call(e.intrinsic, kids);
    case "broadcast":
      return broadcast(kids[0]!, e.lanes);
    case "shuffle":
      return shuffle(kids, e.picks);
    case "reduce": {
      const n = e.axes.length;
      const axes: ReduceAxis[] = e.axes.map((a, i) => ({ var: a.var, extent: kids[i]! }));
      const values = kids.slice(n, n + e.values.length);
      return reduce(e.combiner, axes, values, e.condition ? kids[n + e.values.length] : undefined, e.component);
    }
    default:
      return e satisfies never;
  }
}

/**
 * Rewrites bottom-up, each distinct node once. `f` sees a node whose children are already rewritten and returns its
 * replacement (or the node).
 */
export function mapExpr(e: Expr, f: (e: Expr) => Expr, memo: Map<Expr, Expr> = new Map()): Expr {
  const done = memo.get(e);
  if (done !== undefined) return done;
  const kids = children(e);
  const r = f(
    kids.length === 0
      ? e
      : withChildren(
          e,
          kids.map((k) => mapExpr(k, f, memo)),
        ),
  );
  memo.set(e, r);
  return r;
}

/** Visits every distinct node once, parents before children; `f` returns false to leave the children out. */
export function visitExpr(e: Expr, f: (e: Expr) => boolean | void, seen: Set<Expr> = new Set()): void {
  if (seen.has(e)) return;
  seen.add(e);
  if (f(e) === false) return;
  for (const k of children(e)) visitExpr(k, f, seen);
}

/** Replaces variables. */
export function substitute(e: Expr, map: ReadonlyMap<Var, Expr>): Expr {
  if (map.size === 0) return e;
  return mapExpr(e, (x) => (x.kind === "var" ? (map.get(x) ?? x) : x));
}

export function usesVar(e: Expr, test: (v: Var) => boolean): boolean {
  let found = false;
  visitExpr(e, (x) => {
    if (x.kind === "var" && test(x)) found = true;
    return !found;
  });
  return found;
}
export function varsOf(e: Expr, into: Set<Var> = new Set()): Set<Var> {
  visitExpr(e, (x) => {
    if (x.kind === "var") into.add(x);
  });
  return into;
}

/** The expressions a statement holds directly (not those of statements inside it). */
export function exprsOf(s: Stmt): readonly Expr[] {
  switch (s.kind) {
    case "for":
      return [s.min, s.extent];
    case "block":
      return [...s.iters.flatMap((i) => [i.extent, i.binding]), s.predicate];
    case "if":
      return [s.condition];
    case "store":
      return [...s.index, s.value];
    case "let":
    case "assign":
      return [s.value];
    case "seq":
      return [];
    case "alloc":
      return s.buffer.shape;
    default:
      return s satisfies never;
  }
}
/** The statements directly inside, in execution order. */
export function childStmts(s: Stmt): readonly Stmt[] {
  switch (s.kind) {
    case "for":
    case "let":
    case "alloc":
      return [s.body];
    case "block":
      return s.init ? [s.init, s.body] : [s.body];
    case "if":
      return s.otherwise ? [s.then, s.otherwise] : [s.then];
    case "seq":
      return s.body;
    case "store":
    case "assign":
      return [];
    default:
      return s satisfies never;
  }
}

/** Rebuilds a statement: `fs` for statements inside, `fe` for its own expressions. */
export function rebuildStmt(s: Stmt, fs: (s: Stmt) => Stmt, fe: (e: Expr) => Expr = (e) => e): Stmt {
  const all = (list: readonly Expr[]): readonly Expr[] => {
    const out = list.map(fe);
    return out.every((e, i) => e === list[i]) ? list : out;
  };
  switch (s.kind) {
    case "for": {
      const [min, extent, body] = [fe(s.min), fe(s.extent), fs(s.body)];
      return min === s.min && extent === s.extent && body === s.body ? s : { ...s, min, extent, body };
    }
    case "block": {
      let same = true;
      const iters = s.iters.map((i) => {
        const [extent, binding] = [fe(i.extent), fe(i.binding)];
        if (extent === i.extent && binding === i.binding) return i;
        same = false;
        return { ...i, extent, binding };
      });
      const predicate = fe(s.predicate);
      const init = s.init && fs(s.init);
      const body = fs(s.body);
      if (same && predicate === s.predicate && init === s.init && body === s.body) return s;
      const { init: _, ...rest } = s;
      return { ...rest, iters: same ? s.iters : iters, predicate, ...(init ? { init } : {}), body };
    }
    case "if": {
      const condition = fe(s.condition);
      const then = fs(s.then);
      const otherwise = s.otherwise && fs(s.otherwise);
      if (condition === s.condition && then === s.then && otherwise === s.otherwise) return s;
      return { kind: "if", condition, then, ...(otherwise ? { otherwise } : {}) };
    }
    case "store": {
      const index = all(s.index);
      const value = fe(s.value);
      return index === s.index && value === s.value ? s : { ...s, index, value };
    }
    case "seq": {
      const body = s.body.map(fs);
      return body.every((b, i) => b === s.body[i]) ? s : seq(body);
    }
    case "alloc": {
      const shape = all(s.buffer.shape);
      const body = fs(s.body);
      if (shape === s.buffer.shape && body === s.body) return s;
      // A buffer is an identity: a pass that changes its shape must replace every access too.
      if (shape !== s.buffer.shape) throw new Error(`alloc ${s.buffer.name}: shape changed without its accesses`);
      return { ...s, body };
    }
    case "let":
    case "assign": {
      const value = fe(s.value);
      if (s.kind === "assign") return value === s.value ? s : { ...s, value };
      const body = fs(s.body);
      return value === s.value && body === s.body ? s : { ...s, value, body };
    }
    default:
      return s satisfies never;
  }
}

/** Rewrites bottom-up: `f` sees each statement after what is inside it. */
export function mapStmt(s: Stmt, f: (s: Stmt) => Stmt, fe: (e: Expr) => Expr = (e) => e): Stmt {
  return f(rebuildStmt(s, (x) => mapStmt(x, f, fe), fe));
}
/** Rewrites every expression in a statement (whole trees are handed over; use mapExpr inside for sub-expressions). */
export const mapExprs = (s: Stmt, fe: (e: Expr) => Expr): Stmt => mapStmt(s, (x) => x, fe);

/** Visits statements, parents first; `f` returns false to leave out what is inside. */
export function visitStmt(s: Stmt, f: (s: Stmt) => boolean | void): void {
  if (f(s) === false) return;
  for (const c of childStmts(s)) visitStmt(c, f);
}
/** Visits every expression node in a statement (each distinct node once). */
export function visitExprsIn(s: Stmt, f: (e: Expr) => boolean | void, seen: Set<Expr> = new Set()): void {
  visitStmt(s, (x) => {
    for (const e of exprsOf(x)) visitExpr(e, f, seen);
  });
}
/** Replaces variables in a whole statement; bindings of loops and lets inside are not renamed. */
export function substituteStmt(s: Stmt, map: ReadonlyMap<Var, Expr>): Stmt {
  if (map.size === 0) return s;
  const memo = new Map<Expr, Expr>();
  return mapExprs(s, (e) => mapExpr(e, (x) => (x.kind === "var" ? (map.get(x) ?? x) : x), memo));
}

/** Every access to a buffer in a statement, loads and stores alike, in no particular order. */
export function accessesOf(s: Stmt): { buffer: Buffer; index: readonly Expr[]; store: boolean }[] {
  const out: { buffer: Buffer; index: readonly Expr[]; store: boolean }[] = [];
  const seen = new Set<Expr>();
  visitStmt(s, (x) => {
    if (x.kind === "store") out.push({ buffer: x.buffer, index: x.index, store: true });
    for (const e of exprsOf(x))
      visitExpr(
        e,
        (n) => void (n.kind === "load" && out.push({ buffer: n.buffer, index: n.index, store: false })),
        seen,
      );
  });
  return out;
}
interface BufferUse {
  readonly reads: ReadonlySet<Buffer>;
  readonly writes: ReadonlySet<Buffer>;
}
const uses = new WeakMap<Stmt, BufferUse>();
/**
 * The buffers a statement reads and writes, those that it allocates itself apart. Statements are immutable, so each is looked
 * through once.
 */
export function buffersIn(s: Stmt): BufferUse {
  let u = uses.get(s);
  if (u === undefined) {
    u = useOf(s);
    uses.set(s, u);
  }
  return u;
}
const NO_BUFFERS: BufferUse = { reads: new Set(), writes: new Set() };
/** From what the statements inside use: where that is all, it is the same object. */
function useOf(s: Stmt): BufferUse {
  const loads = new Set<Buffer>();
  const seen = new Set<Expr>();
  for (const e of exprsOf(s)) visitExpr(e, (n) => void (n.kind === "load" && loads.add(n.buffer)), seen);
  const inside = childStmts(s)
    .map(buffersIn)
    .filter((u) => u !== NO_BUFFERS);
  const own = s.kind === "alloc" || s.kind === "store" || loads.size > 0;
  if (!own && inside.length < 2) return inside[0] ?? NO_BUFFERS;
  const reads = new Set(loads);
  const writes = new Set<Buffer>(s.kind === "store" ? [s.buffer] : []);
  for (const u of inside) {
    for (const b of u.reads) reads.add(b);
    for (const b of u.writes) writes.add(b);
  }
  if (s.kind === "alloc") {
    reads.delete(s.buffer);
    writes.delete(s.buffer);
  }
  return { reads, writes };
}

/** Replaces whole buffers, index lists unchanged. */
export function replaceBuffers(s: Stmt, map: ReadonlyMap<Buffer, Buffer>): Stmt {
  if (map.size === 0) return s;
  const memo = new Map<Expr, Expr>();
  const fe = (e: Expr): Expr =>
    mapExpr(e, (x) => (x.kind === "load" && map.has(x.buffer) ? load(map.get(x.buffer)!, x.index) : x), memo);
  return mapStmt(
    s,
    (x) => {
      if (x.kind === "store" && map.has(x.buffer)) return { ...x, buffer: map.get(x.buffer)! };
      if (x.kind === "alloc" && map.has(x.buffer)) return { ...x, buffer: map.get(x.buffer)! };
      return x;
    },
    fe,
  );
}

/** All blocks in execution order. */
export function blocksOf(s: Stmt): Block[] {
  const out: Block[] = [];
  visitStmt(s, (x) => void (x.kind === "block" && out.push(x)));
  return out;
}
export const withBody = (f: Func, body: Stmt): Func => (body === f.body ? f : { ...f, body });
