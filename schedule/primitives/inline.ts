import { prove, simplifyIndex, solveAffineBindings } from "../../src/arith/index.ts";
import {
  and,
  type Block,
  type BlockId,
  type Expr,
  eq,
  type Func,
  ge,
  int,
  lt,
  mapExpr,
  NOTHING,
  type Stmt,
  type Store,
  substitute,
  TRUE,
  type Var,
  withBody,
} from "../../src/ir/index.ts";
import { isComplete, readsOf } from "../analysis.ts";
import { type Complaint, refuse } from "../error.ts";
import { dependence, onBlocks, placesAfter, placesFor } from "../hints.ts";
import type { Handle, Outcome } from "../outcome.ts";
import { isTotal, readProblem } from "../regions.ts";
import { factsIn, io, mapBody, readersOf, rewrite, tidy, treeOf, writersOf } from "../tree.ts";
import { findBlock } from "./find.ts";

/** The loops that go with a removed block. */
function dead(f: Func, after: Func, block: BlockId, heir: readonly Handle[]): Map<Handle, readonly Handle[]> {
  const out = new Map<Handle, readonly Handle[]>([[block, heir]]);
  for (const v of treeOf(f).loops.keys()) if (!treeOf(after).loops.has(v)) out.set(v, []);
  return out;
}

export { dead as deadWith };

/**
 * Puts what a block computes into every place that reads it; the block and its buffer disappear. Guards around the reads
 * guard what is put there.
 *
 *     s.computeInline(A)
 *
 * Conditions:
 * 1. the block writes no output;
 * 2. it is complete: no reduction, no scan;
 * 3. it is one store, each of whose indices is an axis of its own, and nobody else writes that buffer;
 * 4. somebody reads it.
 *
 * Dies: the block and its own loops (no successors). Everything else survives.
 */
export function computeInline(f: Func, block: BlockId): Outcome {
  const p = findBlock(f, block);
  const b = p.node;
  const legal: Complaint["legal"] = (primitives) => placesFor(primitives, f, block);
  const bad = (c: Omit<Complaint, "primitive">): never => refuse(f, { primitive: "computeInline", legal, ...c });
  const output = [...io(b).writes].find((x) => f.outputs.includes(x));
  if (output)
    bad({
      condition: 1,
      code: "output",
      message: `${output.name}, which block ${block.name} writes, is an output of the function`,
      marks: [block],
      legal: (primitives) => placesAfter(primitives, f, block),
    });
  if (!isComplete(b))
    bad({
      condition: 2,
      code: "reduction",
      message: `block ${block.name} is a reduction or a scan: it can't be recomputed inside an expression`,
      marks: [block],
    });
  const s = b.body;
  if (s.kind !== "store" || new Set(s.index).size < s.index.length || !s.index.every((e) => isAxis(b, e)))
    return bad({
      condition: 3,
      code: "store",
      message: `block ${block.name} is more than one store at its axes`,
      marks: [block],
    });
  const target = s.buffer;
  const other = writersOf(f, target).find((w) => w.node !== b);
  if (other)
    bad({
      condition: 3,
      code: "writers",
      message: `${target.name}, which block ${block.name} writes, is written by ${other.node.id.name} too`,
      marks: [block, other.node.id],
    });
  if (readersOf(f, target).length === 0)
    bad({
      condition: 4,
      code: "unread",
      message: `nobody reads ${target.name}, which block ${block.name} writes`,
      marks: [block],
    });
  const memo = new Map<Expr, Expr>();
  const fe = (e: Expr): Expr =>
    mapExpr(
      e,
      (x) => {
        if (x.kind !== "load" || x.buffer !== target) return x;
        return substitute(s.value, new Map(s.index.map((v, d) => [v as Var, x.index[d]!])));
      },
      memo,
    );
  const body = rewrite(f.body, (x) => {
    if (x === b) return NOTHING;
    if (x.kind !== "block" || !io(x).reads.has(target)) return x;
    return mapBody(x, fe);
  });
  const func = tidy({ ...withBody(f, body), intermediates: f.intermediates.filter((x) => x !== target) });
  return { func, died: dead(f, func, block, []) };
}
/** Blocks that write what a block reads. */
const producersOf = (f: Func, b: Block): BlockId[] =>
  [...io(b).reads].flatMap((x) => writersOf(f, x).map((w) => w.node.id)).filter((id) => id !== b.id);
const isAxis = (b: Block, e: Expr): boolean => b.iters.some((it) => it.var === e);

/**
 * Puts a block into the one that produces what it reads: the producer's loops compute the block's elements directly, and the
 * buffer between them disappears.
 *
 *     s.reverseComputeInline(relu)      // the block before computes relu itself
 *
 * Conditions:
 * 1. the block is complete and is one store;
 * 2. it reads exactly one buffer that other blocks compute and that is no output; one complete block of one store writes it
 *    (for a reduction use reverseComputeAt), and nobody else reads it;
 * 3. it reads that buffer at one index, which determines all of its axes (they can be solved for);
 * 4. what else it reads was computed before the producer;
 * 5. the producer computes everything that the block reads;
 * 6. a loop around the block and others that write the same buffer is around the producer, too: what they do to it in each
 *    iteration begins with what the block writes in it.
 *
 * Dies: the producer (successor: the block) and the block's own loops. The block survives, in the producer's place.
 */
export function reverseComputeInline(f: Func, block: BlockId): Outcome {
  const p = findBlock(f, block);
  const b = p.node;
  const legal: Complaint["legal"] = (primitives) => [
    ...placesAfter(primitives, f, block),
    ...onBlocks("computeInline", producersOf(f, b), (w) => primitives.computeInline(f, w)),
  ];
  const bad = (c: Omit<Complaint, "primitive">): never => refuse(f, { primitive: "reverseComputeInline", legal, ...c });
  const s = b.body;
  if (!isComplete(b) || s.kind !== "store")
    return bad({
      condition: 1,
      code: "consumer",
      message: `block ${block.name} is more than one pure store`,
      marks: [block],
    });
  const computed = [...io(b).reads].filter((x) => writersOf(f, x).length > 0);
  const candidates = computed.filter((x) => !f.outputs.includes(x) && readersOf(f, x).length === 1);
  const good = candidates.filter((x) =>
    writersOf(f, x).every((w) => isComplete(w.node) && w.node.body.kind === "store"),
  );
  const through = good.at(-1);
  if (through === undefined || good.length !== 1 || writersOf(f, through).length !== 1) {
    const marks = [block, ...computed.flatMap((x) => writersOf(f, x).map((w) => w.node.id))];
    const message =
      computed.length === 0
        ? `block ${block.name} reads inputs only`
        : `block ${block.name} has no single complete producer of its own (it reads ${computed.map((x) => x.name).join(", ")})`;
    return bad({ condition: 2, code: "producer", message, marks });
  }
  const w = writersOf(f, through)[0]!;
  const ws = w.node.body as Store;
  const reads = readsOf(b, (x) => x === through);
  const index = reads[0]!.index;
  const same = reads.every((r) => r.index.every((e, d) => simplifyIndex(e) === simplifyIndex(index[d]!)));
  const vars = b.iters.map((it) => ({ var: it.var, extent: it.extent }));
  const direct = ws.index.every((e) => isAxis(w.node, e)) && new Set(ws.index).size === ws.index.length;
  const solved = same && direct ? solveAffineBindings(index, ws.index as readonly Var[], vars) : undefined;
  if (solved === undefined)
    return bad({
      condition: 3,
      code: "index",
      message: `the index at which ${block.name} reads ${through.name} does not determine its axes`,
      marks: [block, w.node.id],
    });
  for (const other of writersOf(f, s.buffer)) {
    const again = other.node === b ? undefined : p.loops.find((l) => other.loops.includes(l) && !w.loops.includes(l));
    if (again)
      bad({
        condition: 6,
        code: "repeated",
        message: `${other.node.id.name} writes ${s.buffer.name} in each iteration of loop ${again.var.name} after ${block.name} has, and ${w.node.id.name} stands outside of it`,
        marks: [again.var, block, other.node.id, w.node.id],
        legal: (primitives) => placesFor(primitives, f, w.node.id),
      });
  }
  const domain = b.iters.reduce((x, it) => x.withVar(it.var, int(0), it.extent), factsIn([]));
  const reaches = index.every((e, d) => {
    const it = w.node.iters.find((x) => x.var === ws.index[d])!;
    return prove(and(ge(e, int(0)), lt(e, it.extent)), domain);
  });
  if (!reaches)
    bad({
      condition: 3,
      code: "index",
      message: `${block.name} has elements for which there is none of ${through.name}`,
      marks: [block, w.node.id],
    });
  // elements of the producer that the block doesn't read are left out
  let inside: Expr | undefined;
  const both = (c: Expr): void => {
    inside = inside === undefined ? c : and(inside, c);
  };
  for (const it of b.iters) {
    const e = solved.get(it.var)!;
    both(ge(e, int(0)));
    both(lt(e, it.extent));
  }
  for (const [d, e] of index.entries()) {
    both(eq(substitute(e, solved), ws.index[d]!));
  }
  const facts = w.node.iters.reduce((x, it) => x.withVar(it.var, int(0), it.extent), factsIn([]));
  const condition = inside === undefined ? TRUE : simplifyIndex(inside, facts);
  const value = substitute(s.value, solved);
  const inlined = mapExpr(value, (x) => (x.kind === "load" && x.buffer === through ? ws.value : x));
  const at = s.index.map((e) => simplifyIndex(substitute(e, solved), facts));
  // in the body, over axes: a predicate speaks of loops and is made anew with them
  const stored: Stmt = { ...s, index: at, value: inlined };
  const merged: Block = {
    ...w.node,
    id: b.id,
    body: condition === TRUE ? stored : { kind: "if", condition, then: stored },
  };
  const body = rewrite(f.body, (x) => (x === b ? NOTHING : x === w.node ? merged : x));
  const func = tidy({ ...withBody(f, body), intermediates: f.intermediates.filter((x) => x !== through) });
  const tree = treeOf(func);
  const problem = readProblem(tree.blocks.values(), tree.blocks.get(b.id)!);
  if (problem)
    bad({
      condition: 4,
      code: "reads",
      message: `${problem.why}: ${dependence(problem.writer, tree.blocks.get(b.id)!, problem.buffer)}`,
      marks: [block, w.node.id, problem.writer.node.id],
    });
  const here = tree.blocks.get(b.id)!;
  if (!isTotal(here, factsIn([])))
    bad({
      condition: 5,
      code: "cover",
      message: `${w.node.id.name} computes only parts of ${through.name} where it stands`,
      marks: [block, w.node.id],
    });
  const died = dead(f, func, w.node.id, [b.id]);
  return { func, died };
}
