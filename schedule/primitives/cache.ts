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
  mapStmt,
  replaceBuffers,
  type Scope,
  type Stmt,
  seq,
  store,
  TRUE,
  type Var,
  variable,
} from "../../src/ir/index.ts";
import { readsOf, storesOf } from "../analysis.ts";
import { badArgument, checkNames, checkScope } from "../arguments.ts";
import { refuse } from "../error.ts";
import { named, type Outcome } from "../outcome.ts";
import {
  axisName,
  blocksIn,
  bufferName,
  freshBlockName,
  freshName,
  io,
  mapBlocks,
  readersOf,
  replaceStmt,
  rewrite,
  treeOf,
  writersOf,
} from "../tree.ts";
import { findBlock } from "./find.ts";

/**
 * A nest that copies one buffer (or several of one shape) to another, element by element. Dimension d of the copy is dimension
 * order[d] of the original.
 */
function copyNest(
  id: BlockId,
  pairs: readonly { readonly from: Buffer; readonly to: Buffer }[],
  names: readonly string[],
  order?: readonly number[],
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
  const target = order ? permuted(index, order) : index;
  const body = seq(pairs.map(({ from, to }) => store(to, target, load(from, index))));
  const block: Block = { kind: "block", id, iters, predicate: TRUE, body };
  const nest = made.reduceRight<Stmt>(
    (s, m): For => ({ kind: "for", var: m.loop, min: int(0), extent: m.extent, loop: "serial", body: s }),
    block,
  );
  return { nest, loops: made.map((m) => m.loop) };
}
const permuted = <T>(list: readonly T[], order: readonly number[]): T[] => order.map((d) => list[d]!);
const rootChild = (f: Func, b: BlockId): Stmt => {
  const list = f.body.kind === "seq" ? f.body.body : [f.body];
  return list.find((s) => blocksIn(s).some((x) => x.id === b))!;
};
/** Names of the axes of `b` that index each dimension directly. */
function directNames(b: Block, indices: readonly (readonly Expr[])[], rank: number): string[] {
  return Array.from({ length: rank }, (_, d) => {
    const vars = indices.map((ix) => b.iters.find((it) => it.var === ix[d])?.var);
    return vars[0] !== undefined && vars.every((v) => v === vars[0]) ? axisName(vars[0]) : `ax${d}`;
  });
}

/**
 * A copy of a buffer in another scope, made before the block's nest, from which the block reads instead. Move it to where it
 * should be made with computeAt.
 *
 *     cacheRead(C, B, "workspace")
 *     cacheRead(C, Bt, "workspace", [], [1, 0])   // stored transposed: a panel that runs along its columns
 *
 * With `order`, dimension d of the copy is dimension order[d] of the buffer. The copy's loops are named after the buffer's axes (`axes`), or else the axes of the block that index it.
 *
 * Conditions:
 * 1. the block reads the buffer;
 * 2. the block doesn't write it;
 * 3. the buffer is complete before the outermost loop around the block: it is an input, or its blocks stand before that;
 * 4. `order`, if given, names each dimension of the buffer once.
 *
 * All handles survive. Born: the block `copy` and its loops.
 */
export function cacheRead(
  f: Func,
  block: BlockId,
  b: Buffer,
  scope: Scope,
  axes: readonly string[] = [],
  order?: readonly number[],
): Outcome & { readonly copy: BlockId } {
  checkScope(f, "cacheRead", 0, scope, [block]);
  checkNames(f, "cacheRead", "axes", axes);
  if (axes.length > 0 && axes.length !== b.shape.length)
    badArgument(f, "cacheRead", `axes names ${axes.length} dimensions, but ${b.name} has ${b.shape.length}`);
  const p = findBlock(f, block);
  const bad = (
    condition: number,
    code: string,
    message: string,
    marks: readonly (Var | BlockId)[],
    legal: string[] = [],
  ) => refuse(f, { primitive: "cacheRead", condition, code, message, marks, legal });
  const { reads, writes } = io(p.node);
  const others = [...reads].filter((x) => !writes.has(x)).map((x) => x.name);
  if (!reads.has(b)) bad(1, "not-read", `block ${block.name} does not read ${b.name}`, [block], others);
  if (writes.has(b))
    bad(2, "written", `block ${block.name} writes ${b.name} itself`, [block], ["cacheWrite", ...others]);
  const root = rootChild(f, block);
  const rootOrder = Math.min(...[p.loops[0] ? treeOf(f).loops.get(p.loops[0].var)!.order : p.order]);
  const late = writersOf(f, b).find((w) => w.order > rootOrder);
  if (late)
    bad(
      3,
      "not-complete",
      `${b.name} is computed by ${late.node.id.name} inside the loops of ${block.name}`,
      [late.node.id, block],
      [`setScope(${late.node.id.name}, "${scope}")`],
    );
  const rank = b.shape.length;
  if (order && (order.length !== rank || b.shape.some((_, d) => !order.includes(d))))
    bad(4, "order", `[${order.join(", ")}] is no order of the ${rank} dimensions of ${b.name}`, [block]);
  const shape = order ? permuted(b.shape, order) : b.shape;
  const fresh = makeBuffer(bufferName(f, `${b.name}.${scope}`), b.dtype, shape, scope);
  const id: BlockId = Object.freeze({ name: freshBlockName(f, fresh.name) });
  const indices = readsOf(p.node, (x) => x === b).map((r) => r.index);
  const names = axes.length === b.shape.length ? axes : directNames(p.node, indices, b.shape.length);
  const { nest, loops } = copyNest(id, [{ from: b, to: fresh }], names, order);
  const memo = new Map<Expr, Expr>();
  const at = (index: readonly Expr[]): readonly Expr[] => (order ? permuted(index, order) : index);
  const fe = (e: Expr): Expr =>
    mapExpr(e, (x) => (x.kind === "load" && x.buffer === b ? load(fresh, at(x.index)) : x), memo);
  const changed = rewrite(root, (s) => (s === p.node ? { ...p.node, body: mapStmt(p.node.body, (x) => x, fe) } : s));
  const func = replaceStmt(f, root, seq([nest, changed]));
  return {
    func: { ...func, intermediates: [...func.intermediates, fresh] },
    copy: id,
    born: new Map([["copy", id], ...named(loops)]),
  };
}

/**
 * The block writes to a new buffer in another scope, and a block after its nest copies that to where it wrote before. Move
 * the copy with reverseComputeAt.
 *
 *     const { compute, copy } = cacheWrite(C, "local")
 *
 * Conditions:
 * 1. no other block writes there (do this before decomposeReduction);
 * 2. nobody reads the result inside the outermost loop around the block.
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
    legal: string[] = [],
  ) => refuse(f, { primitive: "cacheWrite", condition, code, message, marks, legal });
  const written = [...io(p.node).writes];
  const root = rootChild(f, block);
  for (const b of written) {
    const other = writersOf(f, b).find((w) => w.node !== p.node);
    if (other)
      bad(
        1,
        "writers",
        `${b.name} is written by ${other.node.id.name} too`,
        [block, other.node.id],
        ["cacheWrite before decomposeReduction"],
      );
    const reader = readersOf(f, b).find((r) => rootChild(f, r.node.id) === root);
    if (reader)
      bad(
        2,
        "read-inside",
        `${reader.node.id.name} reads ${b.name} inside the loops of ${block.name}`,
        [block, reader.node.id],
        [`setScope(${block.name}, "${scope}")`],
      );
  }
  const taken = new Set<string>();
  const pairs = written.map((to) => {
    const name = freshName(bufferName(f, `${to.name}.${scope}`), taken);
    taken.add(name);
    return { from: makeBuffer(name, to.dtype, to.shape, scope), to };
  });
  const id: BlockId = Object.freeze({ name: freshBlockName(f, `${block.name}.copy`) });
  const stores = storesOf(p.node);
  const names = directNames(
    p.node,
    stores.map((s) => s.index),
    written[0]!.shape.length,
  );
  const { nest, loops } = copyNest(id, pairs, names);
  const map = new Map(pairs.map(({ from, to }) => [to, from]));
  const moved = replaceBuffers(p.node, map);
  const func = replaceStmt(f, root, seq([rewrite(root, (s) => (s === p.node ? moved : s)), nest]));
  return {
    func: { ...func, intermediates: [...func.intermediates, ...pairs.map((x) => x.from)] },
    copy: id,
    born: new Map([["copy", id], ...named(loops)]),
  };
}

/**
 * Changes where the buffers that a block writes live.
 *
 *     setScope(C, "local")
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
      message: `${output.name} is an output, so it stays global`,
      marks: [block],
      legal: [`cacheWrite(${block.name}, "${scope}")`],
    });
  checkScope(f, "setScope", 2, scope, [block]);
  const map = new Map(written.map((b) => [b, makeBuffer(b.name, b.dtype, b.shape, scope, b.strides)]));
  const body = mapBlocks(f.body, (b) => replaceBuffers(b, map) as Block);
  return {
    func: { ...f, body, intermediates: f.intermediates.map((b) => map.get(b) ?? b) },
    replaced: map,
  };
}
