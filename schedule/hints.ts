/**
 * What would be legal instead: candidates are tried with the primitive itself on the schedule as it stands, so a hint is never
 * wrong. Errors ask for hints only when somebody reads them.
 */

import { simplifyIndex } from "../src/arith/index.ts";
import {
  type Block,
  type BlockId,
  type Buffer,
  type Func,
  Names,
  printExpr,
  substitute,
  type Var,
} from "../src/ir/index.ts";
import { readsOf, storesOf } from "./analysis.ts";
import { ScheduleError } from "./error.ts";
import type { Outcome } from "./outcome.ts";
import type * as primitives from "./primitives/index.ts";
import { blocksIn, factsAround, io, type Place, readersOf, treeOf } from "./tree.ts";
import { tried } from "./trial.ts";

/** Every primitive, for hints about another one than the one that complains. */
export type Primitives = typeof primitives;

/** Those for which a step would be accepted. */
export function accepted<T>(candidates: Iterable<T>, step: (x: T) => Outcome): T[] {
  return [...candidates].filter((x) => {
    try {
      tried(step(x));
      return true;
    } catch (e) {
      if (e instanceof ScheduleError) return false;
      throw e;
    }
  });
}

/** A loop as its user finds it: with a block that it is around, where another loop has its name. */
export function loopText(f: Func, v: Var): string {
  const tree = treeOf(f);
  const twins = [...tree.loops.keys()].filter((x) => x.name === v.name);
  const inside = blocksIn(tree.loops.get(v)!.node)[0];
  return twins.length > 1 && inside ? `${v.name} of ${inside.id.name}` : v.name;
}
const texts = (f: Func, vs: readonly Var[]): string[] => vs.map((v) => loopText(f, v));

/** A step on one loop, for those of some loops where it would be accepted. */
export const onLoops = (
  f: Func,
  name: string,
  candidates: Iterable<Var>,
  step: (v: Var) => Outcome,
  rest = "",
): string[] => texts(f, accepted(candidates, step)).map((l) => `${name}(${l}${rest})`);
/** A step on a block and a loop, for those of some loops where it would be accepted. */
export const atLoops = (
  f: Func,
  name: string,
  block: BlockId,
  candidates: Iterable<Var>,
  step: (v: Var) => Outcome,
): string[] => texts(f, accepted(candidates, step)).map((l) => `${name}(${block.name}, ${l})`);
/** A step on a block, for those of some blocks where it would be accepted. */
export const onBlocks = (
  name: string,
  candidates: Iterable<BlockId>,
  step: (b: BlockId) => Outcome,
  rest = "",
): string[] => accepted(candidates, step).map((b) => `${name}(${b.name}${rest})`);

/** Loops around a block, outermost first. */
export const loopsAround = (f: Func, block: BlockId): Var[] =>
  treeOf(f)
    .blocks.get(block)!
    .loops.map((l) => l.var);
/** Loops around some blocks and inside a loop, in order of appearance. */
export const loopsNear = (f: Func, loops: readonly Var[]): Var[] => {
  const tree = treeOf(f);
  const below = loops.flatMap((l) => blocksIn(tree.loops.get(l)!.node));
  return [...tree.loops.keys()].filter((v) => below.some((b) => loopsAround(f, b.id).includes(v)));
};

/** Where a block could be computed: at which loops of its consumers, or inside their expressions. */
export function placesFor(p: Primitives, f: Func, block: BlockId): string[] {
  const consumers = [...io(treeOf(f).blocks.get(block)!.node).writes].flatMap((x) => readersOf(f, x));
  const around = consumers[0]?.loops.filter((l) => consumers.every((c) => c.loops.includes(l))) ?? [];
  const loops = around.map((l) => l.var);
  return [
    ...atLoops(f, "computeAt", block, loops, (v) => p.computeAt(f, block, v)),
    ...onBlocks("computeInline", [block], (b) => p.computeInline(f, b)),
  ];
}
/** Where a block could be computed with what it reads: at which loops of its producers, or in their place. */
export function placesAfter(p: Primitives, f: Func, block: BlockId): string[] {
  const tree = treeOf(f);
  const { reads } = io(tree.blocks.get(block)!.node);
  const producers = [...tree.blocks.values()].filter((w) => [...io(w.node).writes].some((x) => reads.has(x)));
  const loops = new Set(producers.flatMap((w) => w.loops.map((l) => l.var)));
  return [
    ...atLoops(f, "reverseComputeAt", block, loops, (v) => p.reverseComputeAt(f, block, v)),
    ...onBlocks("reverseComputeInline", [block], (b) => p.reverseComputeInline(f, b)),
  ];
}

/** How a block accesses a buffer, in terms of the loops around it: `C[i, j]`. */
function accesses(p: Place<Block>, buffer: Buffer): { readonly writes: string[]; readonly reads: string[] } {
  const names = new Names();
  for (const l of p.loops) names.of(l.var);
  const bind = new Map(p.node.iters.map((it) => [it.var, it.binding]));
  const facts = factsAround(p);
  const text = (index: readonly Parameters<typeof printExpr>[0][]): string =>
    `${buffer.name}[${index.map((e) => printExpr(simplifyIndex(substitute(e, bind), facts), names)).join(", ")}]`;
  const stores = storesOf(p.node).filter((s) => s.buffer === buffer);
  const reads = readsOf(p.node, (x) => x === buffer);
  return {
    writes: [...new Set(stores.map((s) => text(s.index)))],
    reads: [...new Set(reads.map((r) => text(r.index)))],
  };
}
/** Two accesses of one buffer, the later of which needs the earlier: "a writes a[y, x], b reads a[y, x + 1]". */
export function dependence(writer: Place<Block>, reader: Place<Block>, buffer: Buffer): string {
  const [w, r] = [writer.node.id.name, reader.node.id.name];
  const written = accesses(writer, buffer).writes.join(" and ");
  const read = accesses(reader, buffer).reads.join(" and ");
  return w === r ? `${w} writes ${written} and reads ${read}` : `${w} writes ${written}, ${r} reads ${read}`;
}
/** How one step of a scan or reduction reads another. */
export function stepText(f: Func, b: Block): string {
  const p = treeOf(f).blocks.get(b.id)!;
  const { reads, writes } = io(b);
  const own = [...writes].filter((x) => reads.has(x));
  return own.map((x) => dependence(p, p, x)).join("; ");
}
/** What a block writes, in terms of the loops around it. */
export const writtenText = (p: Place<Block>): string =>
  [...io(p.node).writes].flatMap((b) => accesses(p, b).writes).join(" and ");
