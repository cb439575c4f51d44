/** What all warnings look at: the scheduled function in numbers, and what lowering made of it. */
import { type Place, treeOf } from "../../schedule/index.ts";
import {
  type Block,
  type BlockId,
  blocksOf,
  buffersIn,
  type For,
  type Func,
  type Var,
  visitStmt,
} from "../ir/index.ts";
import type { Target } from "../target/index.ts";
import { type Inspected, inspect, type Region } from "./lowered.ts";
import type { Sizes } from "./numbers.ts";
import { type Quantities, quantitiesOf } from "./quantities.ts";
import type { Limits } from "./types.ts";

export class Workshop {
  readonly func: Func;
  readonly limits: Limits;
  readonly target: Target;
  readonly quantities: Quantities;
  readonly lowered: Inspected;
  readonly places: readonly Place<Block>[];
  /** Operations and accesses in one call. */
  readonly work: number;

  constructor(func: Func, target: Target, sizes: Sizes | undefined, limits: Limits) {
    this.func = func;
    this.limits = limits;
    this.target = target;
    this.quantities = quantitiesOf(func, { ...(sizes ? { sizes } : {}), target });
    this.lowered = inspect(func, target, this.quantities.sizes);
    this.places = [...treeOf(func).blocks.values()];
    this.work = this.places.reduce((n, p) => n + this.workOf(p), 0);
  }
  /** Operations and stores of a block in one call. */
  workOf(p: Place<Block>): number {
    const q = this.quantities.blocks.get(p.node.id)!;
    return q.points * (q.ops + 1);
  }
  shareOf(p: Place<Block>): number {
    return this.work === 0 ? 0 : this.workOf(p) / this.work;
  }
  shareOfAll(ids: readonly BlockId[]): number {
    return this.places.filter((p) => ids.includes(p.node.id)).reduce((n, p) => n + this.shareOf(p), 0);
  }
  /** A loop of the scheduled function that lowering kept, by identity or else by name. */
  loopOf(loop: For): Var | undefined {
    const { loops } = treeOf(this.func);
    if (loops.has(loop.var)) return loop.var;
    const named = [...loops.keys()].filter((v) => v.name === loop.var.name);
    return named.length === 1 ? named[0] : undefined;
  }
  /** Blocks inside a loop of the scheduled function. */
  inside(loop: Var): BlockId[] {
    return blocksOf(treeOf(this.func).loops.get(loop)!.node).map((b) => b.id);
  }
  /** Blocks that a region computes: those of its loop, but not of loops inside that stayed loops. */
  blocksOfRegion(r: Region): BlockId[] {
    const loop = r.loop && this.loopOf(r.loop);
    const mine = loop === undefined ? [] : this.inside(loop);
    const kept = new Set(this.lowered.regions.flatMap((x) => (x.loop ? (this.loopOf(x.loop) ?? []) : [])));
    return mine.filter((id) => {
      const p = this.places.find((x) => x.node.id === id)!;
      const inner = p.loops.slice(p.loops.findIndex((l) => l.var === loop) + 1);
      return !inner.some((l) => kept.has(l.var));
    });
  }
  /** Blocks that read or write a buffer of some name, or have one inside. */
  users(name: string): Place<Block>[] {
    return this.places.filter((p) => {
      const { reads, writes } = buffersIn(p.node);
      return [...reads, ...writes].some((b) => b.name === name) || holds(p.node, name);
    });
  }
  writers(name: string): Place<Block>[] {
    return this.places.filter((p) => [...buffersIn(p.node).writes].some((b) => b.name === name) || holds(p.node, name));
  }
}
/** Whether a block allocates a buffer of some name inside. */
function holds(b: Block, name: string): boolean {
  let found = false;
  visitStmt(b.body, (s) => {
    if (s.kind === "alloc" && s.buffer.name === name) found = true;
  });
  return found;
}
