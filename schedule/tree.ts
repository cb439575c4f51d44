/** Looking things up in the statement tree of a function, and rebuilding it. */
import { Facts, simplify, simplifyIndex } from "../src/arith/index.ts";
import {
  type Block,
  type BlockId,
  type BlockIter,
  type Buffer,
  buffersIn,
  constInt,
  type Expr,
  type For,
  type Func,
  type If,
  isNothing,
  mapExprs,
  NOTHING,
  not,
  type Stmt,
  seq,
  substitute,
  usesVar,
  type Var,
  variable,
  varsOf,
  visitStmt,
  withBody,
} from "../src/ir/index.ts";

/** One side of an `if` around a statement. */
export interface Branch {
  readonly node: If;
  readonly then: boolean;
  /** What holds there. */
  readonly condition: Expr;
  /** How many loops are around the `if`. */
  readonly depth: number;
}
export interface Place<T extends Stmt> {
  readonly node: T;
  /** Statements around it, outermost first. */
  readonly path: readonly Stmt[];
  /** Loops around it, outermost first. */
  readonly loops: readonly For[];
  /** Sides of `if`s around it, outermost first. */
  readonly branches: readonly Branch[];
  /** Position in program order. */
  readonly order: number;
  readonly tree: Tree;
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
  const tree: Tree = { loops, blocks };
  let order = 0;
  const go = (s: Stmt, path: readonly Stmt[], around: readonly For[], branches: readonly Branch[]): void => {
    const here = { path, loops: around, branches, order: order++, tree };
    const inside = [...path, s];
    if (s.kind === "for") {
      loops.set(s.var, { node: s, ...here });
      go(s.body, inside, [...around, s], branches);
    } else if (s.kind === "block") blocks.set(s.id, { node: s, ...here });
    else if (s.kind === "seq") for (const x of s.body) go(x, inside, around, branches);
    else if (s.kind === "if")
      for (const side of sidesOf(s))
        go(side.body, inside, around, [...branches, { node: s, ...side, depth: around.length }]);
  };
  go(f.body, [], [], []);
  trees.set(f, tree);
  return tree;
}

/** The sides of an `if` and what holds in each. */
export const sidesOf = (s: If): { readonly then: boolean; readonly condition: Expr; readonly body: Stmt }[] => [
  { then: true, condition: s.condition, body: s.then },
  ...(s.otherwise ? [{ then: false, condition: not(s.condition), body: s.otherwise }] : []),
];

/**
 * Rebuilds from the top: where `f` returns another statement it takes the place and its inside is left alone. Loops,
 * branches and sequences without anything inside disappear.
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
  if (s.kind === "if") {
    const then = rewrite(s.then, f);
    const otherwise = s.otherwise && rewrite(s.otherwise, f);
    if (then === s.then && otherwise === s.otherwise) return s;
    const rest = otherwise && !isNothing(otherwise) ? otherwise : undefined;
    if (!isNothing(then)) return { kind: "if", condition: s.condition, then, ...(rest ? { otherwise: rest } : {}) };
    return rest ? { kind: "if", condition: not(s.condition), then: rest } : NOTHING;
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

/** A block with every expression of its init and body rewritten. */
export const mapBody = (b: Block, fe: (e: Expr) => Expr): Block => ({
  ...b,
  ...(b.init ? { init: mapExprs(b.init, fe) } : {}),
  body: mapExprs(b.body, fe),
});

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
/** What holds inside the outermost `depth` loops around a statement (all of them), and in the branches around these and between. */
export function factsAround(
  p: Place<Stmt>,
  depth = p.loops.length,
  counts: (b: Branch) => boolean = () => true,
): Facts {
  let facts = Facts.empty;
  for (let d = 0; d <= depth; d++) {
    for (const b of p.branches) if (b.depth === d && counts(b)) facts = facts.withCondition(b.condition);
    const l = p.loops[d];
    if (l && d < depth) facts = facts.withVar(l.var, l.min, l.extent);
  }
  return facts;
}
/** What holds in the body of a loop. */
export const factsInside = (p: Place<For>): Facts => factsIn([p.node], factsAround(p));

export const shared = (a: Place<Stmt>, b: Place<Stmt>): For[] => a.loops.filter((l, i) => b.loops[i] === l);
/** Whether two statements stand on different sides of one `if`: where one runs, the other does not. */
export const exclusive = (a: Place<Stmt>, b: Place<Stmt>): boolean =>
  a.branches.some((x) => b.branches.some((y) => x.node === y.node && x.then !== y.then));

/** Loops around a statement that hold nothing else. */
export function ownLoops(p: Place<Block>): For[] {
  const last = p.path.findLastIndex((s) => s.kind === "seq" || s.kind === "if");
  return p.path.slice(last + 1).filter((s): s is For => s.kind === "for");
}

/**
 * A binding in canonical form. Loops stay in it that it must be known to depend on, even where their variables can only be 0: one
 * of a single iteration (what is done to an axis of one element is done as to longer ones) or that may be empty (a reduction over
 * nothing has a value, and only the bindings tell which loops carry it), and of a reduction or a scan one of which only a branch
 * (not among the facts in `plain`) leaves a single iteration: the other side goes on with it.
 */
function tidyBinding(it: BlockIter, facts: Facts, plain: Facts): Expr {
  const e = it.binding;
  const needed = [...varsOf(e)].filter((v) => {
    const r = facts.ranges.get(v);
    const n = r && constInt(r.extent);
    return r !== undefined && (n === undefined || n <= 1);
  });
  if (it.kind !== "spatial" && plain !== facts) needed.push(...varsOf(simplifyIndex(e, plain)));
  const keeps = (x: Expr): boolean => needed.length === 0 || needed.every((v) => usesVar(x, (y) => y === v));
  const simple = simplifyIndex(e, facts);
  if (keeps(simple)) return simple;
  const wide = simplifyIndex(e, facts.withoutSizeLimits());
  if (keeps(wide)) return wide;
  // as if nothing were known of those loops' values, only that they run
  const stand = new Map<Var, Expr>(needed.map((v) => [v, variable(v.name)]));
  const back = new Map<Var, Expr>([...stand].map(([v, s]) => [s as Var, v]));
  return substitute(simplifyIndex(substitute(e, stand), facts), back);
}

/** Index arithmetic is exact; that on scalar parameters, which may be any number, wraps. */
function tidyCondition(c: Expr, facts: Facts): Expr {
  const anything = [...varsOf(c)].some((v) => v.size === undefined && !facts.ranges.has(v));
  return anything ? simplify(c, facts) : simplifyIndex(c, facts);
}
/** A branch that is decided by now stays one: its other side holds blocks that have handles. */
function tidyBranch(c: Expr, facts: Facts): Expr {
  const simple = tidyCondition(c, facts);
  return simple.kind === "const" ? c : simple;
}

const tidied = new WeakSet<Stmt>();
/** Extents, bindings and predicates in canonical form; conditions that always hold are dropped. */
export function tidy(f: Func): Func {
  // `plain`: what holds even without the branches around
  const go = (s: Stmt, facts: Facts, plain: Facts): Stmt => {
    switch (s.kind) {
      case "for": {
        const extent = simplifyIndex(s.extent, facts);
        const inside = facts.withVar(s.var, s.min, extent);
        const body = go(s.body, inside, plain === facts ? inside : plain.withVar(s.var, s.min, s.extent));
        return extent === s.extent && body === s.body ? s : { ...s, extent, body };
      }
      case "seq": {
        const body = s.body.map((x) => go(x, facts, plain));
        return body.every((x, i) => x === s.body[i]) ? s : { ...s, body };
      }
      case "if": {
        const condition = tidyBranch(s.condition, facts);
        const then = go(s.then, facts.withCondition(condition), plain);
        const otherwise = s.otherwise && go(s.otherwise, facts.withCondition(not(condition)), plain);
        if (condition === s.condition && then === s.then && otherwise === s.otherwise) return s;
        return { kind: "if", condition, then, ...(otherwise ? { otherwise } : {}) };
      }
      case "block": {
        if (tidied.has(s)) return s;
        const iters = s.iters.map((it) => {
          const binding = tidyBinding(it, facts, plain);
          return binding === it.binding ? it : { ...it, binding };
        });
        const b = { ...s, iters, predicate: tidyCondition(s.predicate, facts) };
        tidied.add(b);
        return b;
      }
      default:
        return s;
    }
  };
  return withBody(f, go(f.body, Facts.empty, Facts.empty));
}

/** A loop without the intrinsic that it stands for. */
export function untensorized(l: For): For {
  if (l.tensor === undefined) return l;
  const { tensor: _, ...rest } = l;
  return { ...rest, loop: "serial" };
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
    if (at === undefined || at === "root") continue;
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
