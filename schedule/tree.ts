/** Looking things up in the statement tree of a function, and rebuilding it. */
import { Facts, simplifyIndex } from "../src/arith/index.ts";
import {
  type Block,
  type BlockId,
  type Buffer,
  buffersIn,
  constInt,
  type Expr,
  type For,
  type Func,
  isNothing,
  NOTHING,
  type Stmt,
  seq,
  usesVar,
  type Var,
  varsOf,
  visitStmt,
  withBody,
} from "../src/ir/index.ts";

export interface Place<T extends Stmt> {
  readonly node: T;
  /** Statements around it, outermost first. */
  readonly path: readonly Stmt[];
  /** Loops around it, outermost first. */
  readonly loops: readonly For[];
  /** Position in program order. */
  readonly order: number;
}
export interface Tree {
  readonly loops: ReadonlyMap<Var, Place<For>>;
  readonly blocks: ReadonlyMap<BlockId, Place<Block>>;
}

const trees = new WeakMap<Func, Tree>();
/** Where every loop and block of a function stands. */
export function treeOf(f: Func): Tree {
  const old = trees.get(f);
  if (old) return old;
  const loops = new Map<Var, Place<For>>();
  const blocks = new Map<BlockId, Place<Block>>();
  let order = 0;
  const go = (s: Stmt, path: readonly Stmt[], around: readonly For[]): void => {
    const here = { path, loops: around, order: order++ };
    if (s.kind === "for") {
      loops.set(s.var, { node: s, ...here });
      go(s.body, [...path, s], [...around, s]);
    } else if (s.kind === "block") blocks.set(s.id, { node: s, ...here });
    else if (s.kind === "seq") for (const x of s.body) go(x, [...path, s], around);
  };
  go(f.body, [], []);
  const tree = { loops, blocks };
  trees.set(f, tree);
  return tree;
}

/**
 * Rebuilds from the top: where `f` returns another statement it takes the place and its inside is left alone. Loops and
 * sequences without anything inside disappear.
 */
export function rewrite(s: Stmt, f: (s: Stmt) => Stmt): Stmt {
  const r = f(s);
  if (r !== s) return r;
  if (s.kind === "for") {
    const body = rewrite(s.body, f);
    return body === s.body ? s : isNothing(body) ? NOTHING : { ...s, body };
  }
  if (s.kind === "seq") {
    const body = s.body.map((x) => rewrite(x, f));
    return body.every((x, i) => x === s.body[i]) ? s : seq(body.filter((x) => !isNothing(x)));
  }
  return s;
}
export const replaceStmt = (f: Func, old: Stmt, by: Stmt): Func =>
  withBody(
    f,
    rewrite(f.body, (s) => (s === old ? by : s)),
  );

/** Rewrites every block. */
export const mapBlocks = (s: Stmt, f: (b: Block) => Block): Stmt => rewrite(s, (x) => (x.kind === "block" ? f(x) : x));

const ios = new WeakMap<Block, { reads: ReadonlySet<Buffer>; writes: ReadonlySet<Buffer> }>();
export function io(b: Block): { readonly reads: ReadonlySet<Buffer>; readonly writes: ReadonlySet<Buffer> } {
  let r = ios.get(b);
  if (r === undefined) {
    r = buffersIn(b);
    ios.set(b, r);
  }
  return r;
}
export function blocksIn(s: Stmt): Block[] {
  const out: Block[] = [];
  visitStmt(s, (x) => {
    if (x.kind === "block") out.push(x);
    return x.kind !== "block";
  });
  return out;
}
export const writersOf = (f: Func, b: Buffer): Place<Block>[] =>
  [...treeOf(f).blocks.values()].filter((p) => io(p.node).writes.has(b));
/** Blocks that read a buffer and don't write it. */
export const readersOf = (f: Func, b: Buffer): Place<Block>[] =>
  [...treeOf(f).blocks.values()].filter((p) => io(p.node).reads.has(b) && !io(p.node).writes.has(b));

/** What holds inside these loops. */
export const factsIn = (loops: readonly For[], start: Facts = Facts.empty): Facts =>
  loops.reduce((f, l) => f.withVar(l.var, l.min, l.extent), start);

export const shared = (a: Place<Stmt>, b: Place<Stmt>): For[] => a.loops.filter((l, i) => b.loops[i] === l);

/** Loops around a statement that hold nothing else. */
export function ownLoops(p: Place<Block>): For[] {
  const last = p.path.findLastIndex((s) => s.kind === "seq");
  return p.path.slice(last + 1).filter((s): s is For => s.kind === "for");
}

/**
 * A binding in canonical form. A loop that may be empty stays in it even where its variable can only be 0: a reduction over
 * nothing has a value, and only the bindings tell which loops carry it.
 */
function tidyBinding(e: Expr, facts: Facts): Expr {
  const mayBeEmpty = [...varsOf(e)].filter((v) => {
    const r = facts.ranges.get(v);
    return r !== undefined && constInt(r.extent) === undefined;
  });
  const keeps = (x: Expr): boolean => mayBeEmpty.length === 0 || mayBeEmpty.every((v) => usesVar(x, (y) => y === v));
  const plain = simplifyIndex(e, facts);
  if (keeps(plain)) return plain;
  const wide = simplifyIndex(e, facts.withoutSizeLimits());
  return keeps(wide) ? wide : e;
}

const tidied = new WeakSet<Stmt>();
/** Extents, bindings and predicates in canonical form; conditions that always hold are dropped. */
export function tidy(f: Func): Func {
  const go = (s: Stmt, facts: Facts): Stmt => {
    switch (s.kind) {
      case "for": {
        const extent = simplifyIndex(s.extent, facts);
        const body = go(s.body, facts.withVar(s.var, s.min, extent));
        return extent === s.extent && body === s.body ? s : { ...s, extent, body };
      }
      case "seq": {
        const body = s.body.map((x) => go(x, facts));
        return body.every((x, i) => x === s.body[i]) ? s : { ...s, body };
      }
      case "block": {
        if (tidied.has(s)) return s;
        const iters = s.iters.map((it) => {
          const binding = tidyBinding(it.binding, facts);
          return binding === it.binding ? it : { ...it, binding };
        });
        const b = { ...s, iters, predicate: simplifyIndex(s.predicate, facts) };
        tidied.add(b);
        return b;
      }
      default:
        return s;
    }
  };
  return withBody(f, go(f.body, Facts.empty));
}

/** Extents as text, for messages. */
export const constExtent = (e: Expr): number | undefined => constInt(e);

/** A name that is not among those taken: `y`, `y_1`, ... */
export function freshName(name: string, taken: ReadonlySet<string>): string {
  let out = name;
  for (let n = 1; taken.has(out); n++) out = `${name}_${n}`;
  return out;
}
/** Blocks are found by name in traces, so no two share one. */
export const freshBlockName = (f: Func, name: string): string =>
  freshName(name, new Set([...treeOf(f).blocks.keys()].map((b) => b.name)));
export const bufferName = (f: Func, name: string): string =>
  freshName(name, new Set([...f.inputs, ...f.outputs, ...f.intermediates].map((b) => b.name)));

/** The axis a block variable stands for, as the user named it. */
export const axisName = (v: Var): string => (v.name.startsWith("v") && v.name.length > 1 ? v.name.slice(1) : v.name);

/** Forgets where a block is to be stored when that no longer encloses everyone who uses what it writes. */
export function freshStores(f: Func): Func {
  const tree = treeOf(f);
  const places = [...tree.blocks.values()];
  const stale = new Set<Block>();
  for (const p of places) {
    const at = p.node.storeAt;
    if (at === undefined) continue;
    const own = [...io(p.node).writes];
    const users = places.filter((x) => own.some((b) => io(x.node).reads.has(b) || io(x.node).writes.has(b)));
    if (!users.every((x) => x.loops.some((l) => l.var === at))) stale.add(p.node);
  }
  if (stale.size === 0) return f;
  const body = mapBlocks(f.body, (b) => {
    if (!stale.has(b)) return b;
    const { storeAt: _, ...rest } = b;
    return rest;
  });
  return withBody(f, body);
}
