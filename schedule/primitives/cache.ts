import {
  type Block,
  type BlockId,
  type BlockIter,
  type Buffer,
  type Expr,
  type For,
  type Func,
  int,
  load,
  buffer as makeBuffer,
  mapExpr,
  printExpr,
  replaceBuffers,
  type Scope,
  type Stmt,
  seq,
  store,
  TRUE,
  type Var,
  variable,
  withScope,
} from "../../src/ir/index.ts";
import { type Access, readsOf, storesOf, TWIN } from "../analysis.ts";
import { badArgument, checkNames, checkScope } from "../arguments.ts";
import { type Complaint, refuse } from "../error.ts";
import { onBlocks } from "../hints.ts";
import { named, type Outcome } from "../outcome.ts";
import {
  axisName,
  blocksIn,
  bufferName,
  freshBlockName,
  freshName,
  io,
  mapBlocks,
  mapBody,
  type Place,
  readersOf,
  replaceStmt,
  rewrite,
  treeOf,
  writersOf,
} from "../tree.ts";
import { findBlock, listNames } from "./find.ts";

/** A nest that copies one buffer (or several of one shape) to another, element by element. */
function copyNest(
  id: BlockId,
  pairs: readonly { readonly from: Buffer; readonly to: Buffer }[],
  names: readonly string[],
  twin?: string | number | boolean,
): { nest: Stmt; loops: Var[] } {
  const shape = pairs[0]!.from.shape;
  const taken = new Set<string>();
  const made = shape.map((extent, d) => {
    const name = freshName(names[d]!, taken);
    taken.add(name);
    return { extent, loop: variable(name), iter: variable(`v${name}`) };
  });
  const index = made.map((m) => m.iter);
  const iters = made.map((m): BlockIter => ({ var: m.iter, extent: m.extent, kind: "spatial", binding: m.loop }));
  const body = seq(pairs.map(({ from, to }) => store(to, index, load(from, index))));
  const annotations = twin === undefined ? {} : { annotations: { [TWIN]: twin } };
  const block: Block = { kind: "block", id, iters, predicate: TRUE, body, ...annotations };
  const nest = made.reduceRight<Stmt>(
    (s, m): For => ({ kind: "for", var: m.loop, min: int(0), extent: m.extent, loop: "serial", body: s }),
    block,
  );
  return { nest, loops: made.map((m) => m.loop) };
}
/** The outermost loop around a block, or the block: the statement at the root, or in a branch there, that holds it. */
export function rootChild(f: Func, b: BlockId): Stmt {
  const p = treeOf(f).blocks.get(b)!;
  return [...p.path, p.node].find((s) => s.kind === "for" || s.kind === "block")!;
}
/** Whether two blocks stand on different sides of a branch at the root. */
const apart = (a: Place<Block>, b: Place<Block>): boolean =>
  a.branches.some((x) => x.depth === 0 && b.branches.some((y) => y.node === x.node && y.then !== x.then));
/** Names of the axes of `b`, or of loops in its body, that index each dimension directly. */
function directNames(b: Block, accesses: readonly Access[], rank: number): string[] {
  return Array.from({ length: rank }, (_, d) => {
    const names = accesses.map(({ index, inner }) => {
      const axis = b.iters.find((it) => it.var === index[d]);
      return axis ? axisName(axis.var) : [...inner.keys()].find((v) => v === index[d])?.name;
    });
    return names[0] !== undefined && names.every((n) => n === names[0]) ? names[0] : `ax${d}`;
  });
}

/** The statement before which something is complete for all of these blocks, the first of them first: outside of all loops. */
function rootOf(consumers: readonly Place<Block>[]): Stmt {
  const ways = consumers.map((c) => {
    const way = [...c.path, c.node];
    return way.slice(0, way.findIndex((s) => s.kind === "for" || s.kind === "block") + 1);
  });
  const first = ways[0]!;
  const apart = first.findIndex((s, i) => !ways.every((w) => w[i] === s));
  const common = first.at(apart < 0 ? -1 : apart - 1)!;
  return common.kind === "seq" ? first[apart]! : common;
}

/**
 * A copy of a buffer in another scope, made before the block's nest, from which the block reads instead; or one copy for several
 * blocks, before the first of them. Move it to where it should be made with computeAt.
 *
 *     s.cacheRead(C, B, "workspace")
 *     s.cacheRead([C, D], B, "workspace")
 *     s.cacheRead("all", B, "workspace")      // for everybody who reads it
 *
 * The copy's loops are named after the buffer's axes (`axes`), or else the axes of the blocks that index it.
 *
 * Conditions:
 * 1. each block reads the buffer;
 * 2. none of them writes it;
 * 3. the buffer is complete before the outermost loop around the first block: it is an input, or its blocks stand before that.
 *
 * All handles survive. Born: the block `copy` and its loops.
 */
export function cacheRead(
  f: Func,
  blocks: BlockId | readonly BlockId[] | "all",
  b: Buffer,
  scope: Scope,
  axes: readonly string[] = [],
): Outcome & { readonly copy: BlockId } {
  const given = blocks === "all" ? readersOf(f, b).map((r) => r.node.id) : isList(blocks) ? blocks : [blocks];
  checkScope(f, "cacheRead", 0, scope, given);
  checkNames(f, "cacheRead", "axes", axes);
  if (axes.length > 0 && axes.length !== b.shape.length)
    badArgument(f, "cacheRead", `axes names ${axes.length} dimensions, but ${b.name} has ${b.shape.length}`);
  const twice = given.find((x, i) => given.indexOf(x) < i);
  if (twice) badArgument(f, "cacheRead", `block ${twice.name} is given twice`, ["each block once"]);
  const bad = (
    condition: number,
    code: string,
    message: string,
    marks: readonly (Var | BlockId)[],
    legal?: Complaint["legal"],
  ) => refuse(f, { primitive: "cacheRead", condition, code, message, marks, legal });
  const readers = (): string[] => readersOf(f, b).map((r) => `cacheRead(${r.node.id.name}, ${b.name}, "${scope}")`);
  if (given.length === 0) {
    if (blocks !== "all") badArgument(f, "cacheRead", `no block that reads ${b.name} is given`, readers());
    const writers = writersOf(f, b).map((w) => w.node.id);
    bad(1, "unread", `nobody reads ${b.name}`, writers, () =>
      onBlocks("cacheWrite", writers, (x) => cacheWrite(f, x, scope), `, "${scope}"`),
    );
  }
  const consumers = given.map((x) => findBlock(f, x)).sort((x, y) => x.order - y.order);
  for (const { node } of consumers) {
    const { reads, writes } = io(node);
    const others = [...reads].filter((x) => !writes.has(x)).map((x) => x.name);
    if (!reads.has(b))
      bad(
        1,
        "not-read",
        `block ${node.id.name} does not read ${b.name}`,
        [node.id],
        others.map((x) => `cacheRead(${node.id.name}, ${x}, "${scope}")`),
      );
    if (writes.has(b))
      bad(2, "written", `block ${node.id.name} writes ${b.name} itself`, [node.id], (p) =>
        onBlocks("cacheWrite", [node.id], (x) => p.cacheWrite(f, x, scope), `, "${scope}"`),
      );
  }
  const root = rootOf(consumers);
  const first = consumers[0]!;
  const inside = new Set(blocksIn(root));
  const late = writersOf(f, b).find((w) => inside.has(w.node) || w.order > first.order);
  if (late)
    bad(
      3,
      "not-complete",
      `${b.name} is computed by ${late.node.id.name} inside the loops of ${listNames(given)}`,
      [late.node.id, ...given],
      () => onBlocks("setScope", [late.node.id], (x) => setScope(f, x, scope), `, "${scope}"`),
    );
  const fresh = makeBuffer(bufferName(f, `${b.name}.${scope}`), b.dtype, b.shape, scope);
  const id: BlockId = Object.freeze({ name: freshBlockName(f, fresh.name) });
  const names = consumers.map(({ node }) =>
    directNames(
      node,
      readsOf(node, (x) => x === b),
      b.shape.length,
    ),
  );
  const common = names[0]!.map((n, d) => (names.every((x) => x[d] === n) ? n : `ax${d}`));
  const { nest, loops } = copyNest(id, [{ from: b, to: fresh }], axes.length > 0 ? axes : common);
  const memo = new Map<Expr, Expr>();
  const fe = (e: Expr): Expr =>
    mapExpr(e, (x) => (x.kind === "load" && x.buffer === b ? load(fresh, x.index) : x), memo);
  const nodes = new Set<Stmt>(consumers.map((c) => c.node));
  const redirect = (s: Stmt): Stmt => (nodes.has(s) && s.kind === "block" ? mapBody(s, fe) : s);
  const body = rewrite(f.body, (s) => (s === root ? seq([nest, rewrite(root, redirect)]) : redirect(s)));
  return {
    func: { ...f, body, intermediates: [...f.intermediates, fresh] },
    copy: id,
    born: new Map([["copy", id], ...named(loops)]),
  };
}
const isList = (x: BlockId | readonly BlockId[]): x is readonly BlockId[] => Array.isArray(x);

/**
 * The block writes to a new buffer in another scope, and a block after its nest copies that to where it wrote before. Move
 * the copy with reverseComputeAt.
 *
 *     const { compute, copy } = s.cacheWrite(C, "local")
 *
 * Conditions:
 * 1. no other block writes there, but for the other sides of branches at the root (do this before decomposeReduction and partition);
 * 2. nobody reads the result inside the outermost loop around the block;
 * 3. of several results, those that are copied have one shape.
 *
 * Of several results, those that nobody else reads are not copied out; they live in the new scope.
 *
 * All handles survive; the block's handle means the computation. Born: the block `copy` and its loops.
 */
export function cacheWrite(f: Func, block: BlockId, scope: Scope): Outcome & { readonly copy: BlockId } {
  checkScope(f, "cacheWrite", 0, scope, [block]);
  const p = findBlock(f, block);
  const bad = (
    condition: number,
    code: string,
    message: string,
    marks: readonly (Var | BlockId)[],
    legal?: Complaint["legal"],
  ) => refuse(f, { primitive: "cacheWrite", condition, code, message, marks, legal });
  const rescope = (): string[] => onBlocks("setScope", [block], (x) => setScope(f, x, scope), `, "${scope}"`);
  const written = [...io(p.node).writes];
  const root = rootChild(f, block);
  for (const b of written) {
    const other = writersOf(f, b).find((w) => w.node !== p.node && !apart(w, p));
    const twins = other && p.node.annotations?.[TWIN] !== undefined;
    if (other)
      bad(
        1,
        "writers",
        `${b.name}, which block ${block.name} writes, is written by ${other.node.id.name} too`,
        [block, other.node.id],
        () => [...rescope(), `cacheWrite before ${twins ? "specialize and partition" : "decomposeReduction"}`],
      );
    const reader = readersOf(f, b).find((r) => rootChild(f, r.node.id) === root);
    if (reader)
      bad(
        2,
        "read-inside",
        `${reader.node.id.name} reads ${b.name} inside the loops of ${block.name}`,
        [block, reader.node.id],
        rescope,
      );
  }
  // values that only the block itself reads, as the extreme of an argmax, need no copy
  const wanted = written.filter((x) => f.outputs.includes(x) || readersOf(f, x).length > 0);
  const copied = wanted.length > 0 ? wanted : written;
  const { shape } = copied[0]!;
  const odd = copied.find((x) => x.shape.length !== shape.length || x.shape.some((n, d) => n !== shape[d]));
  if (odd) {
    const text = (x: Buffer): string => `${x.name} of shape [${x.shape.map((n) => printExpr(n)).join(", ")}]`;
    bad(3, "shapes", `block ${block.name} writes ${text(copied[0]!)} and ${text(odd)}`, [block], rescope);
  }
  const taken = new Set<string>();
  const pairs = copied.map((to) => {
    const name = freshName(bufferName(f, `${to.name}.${scope}`), taken);
    taken.add(name);
    return { from: makeBuffer(name, to.dtype, to.shape, scope), to };
  });
  const id: BlockId = Object.freeze({ name: freshBlockName(f, `${block.name}.copy`) });
  const stores = storesOf(p.node).filter((x) => pairs.some((y) => y.to === x.buffer));
  const names = directNames(p.node, stores, pairs[0]!.to.shape.length);
  const { nest, loops } = copyNest(id, pairs, names, p.node.annotations?.[TWIN]);
  const kept = written.filter((x) => pairs.every((y) => y.to !== x));
  const rescoped = new Map(kept.map((x) => [x, withScope(x, scope)]));
  const map = new Map([...pairs.map(({ from, to }): [Buffer, Buffer] => [to, from]), ...rescoped]);
  const moved = replaceBuffers(p.node, map);
  const func = replaceStmt(f, root, seq([rewrite(root, (s) => (s === p.node ? moved : s)), nest]));
  return {
    func: {
      ...func,
      intermediates: [...func.intermediates.map((x) => rescoped.get(x) ?? x), ...pairs.map((x) => x.from)],
    },
    copy: id,
    born: new Map([["copy", id], ...named(loops)]),
    replaced: rescoped,
  };
}

/**
 * Changes where the buffers that a block writes live.
 *
 *     s.setScope(C, "local")
 *
 * Conditions:
 * 1. the block writes no output of the function: those are global;
 * 2. the scope is one of `global`, `workspace`, `local`, `shared`.
 *
 * All handles survive.
 */
export function setScope(f: Func, block: BlockId, scope: Scope): Outcome {
  const p = findBlock(f, block);
  const written = [...io(p.node).writes];
  const output = written.find((b) => f.outputs.includes(b));
  if (output)
    refuse(f, {
      primitive: "setScope",
      condition: 1,
      code: "output",
      message: `${output.name}, which block ${block.name} writes, is an output, so it stays global`,
      marks: [block],
      legal: () => onBlocks("cacheWrite", [block], (x) => cacheWrite(f, x, scope), `, "${scope}"`),
    });
  checkScope(f, "setScope", 2, scope, [block]);
  const map = new Map(written.map((b) => [b, withScope(b, scope)]));
  const body = mapBlocks(f.body, (b) => replaceBuffers(b, map) as Block);
  return {
    func: { ...f, body, intermediates: f.intermediates.map((b) => map.get(b) ?? b) },
    replaced: map,
  };
}
