/** What all warnings look at: the scheduled function in numbers, and what lowering made of it. */
import { type Place, treeOf } from "../../schedule/index.ts";
import {
  type Block,
  type BlockId,
  type Buffer,
  blocksOf,
  buffersIn,
  type Expr,
  type For,
  type Func,
  type Var,
  visitStmt,
} from "../ir/index.ts";
import type { Target } from "../target/index.ts";
import { type Inspected, inspect, type Region } from "./lowered.ts";
import { namesOf } from "./names.ts";
import { countOf } from "./numbers.ts";
import type { Quantities } from "./quantities.ts";
import type { Limits } from "./types.ts";

/** How many names a sentence bears. */
const FEW = 6;

export class Workshop {
  readonly func: Func;
  readonly limits: Limits;
  readonly target: Target;
  readonly quantities: Quantities;
  readonly lowered: Inspected;
  readonly places: readonly Place<Block>[];
  /** Operations and accesses in one call. */
  readonly work: number;
  readonly #loops = new Map<For, Var>();
  readonly #begun: ReadonlyMap<string, Block>;

  /** `begun` is the function before it was scheduled. */
  constructor(func: Func, begun: Func, target: Target, quantities: Quantities, limits: Limits) {
    this.func = func;
    this.#begun = new Map(blocksOf(begun.body).map((b) => [b.id.name, b]));
    this.limits = limits;
    this.target = target;
    this.quantities = quantities;
    this.lowered = inspect(func, target, this.quantities.sizes);
    this.places = [...treeOf(func).blocks.values()];
    this.#findLoops();
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
  /** The extents of a block's axes before it was scheduled, where it still has these axes. */
  extentsBefore(p: Place<Block>): readonly Expr[] | undefined {
    const iters = this.#begun.get(p.node.id.name)?.iters;
    const names = (list: typeof iters): string | undefined => list?.map((it) => it.var.name).join();
    return names(iters) === names(p.node.iters) ? iters?.map((it) => it.extent) : undefined;
  }
  /** Points that a block's axes span, without what they were padded by. */
  neededPoints(p: Place<Block>): number {
    const { domain } = this.quantities.blocks.get(p.node.id)!;
    const before = this.extentsBefore(p)?.reduce((n, e) => n * countOf(e, this.quantities.sizes), 1);
    return Math.min(domain, before ?? domain);
  }
  /** A name as the printed loop nest has it. */
  name(o: Var | Buffer): string {
    return namesOf(this.func).of(o);
  }
  /** Names as in a sentence, each once, the first few of many. */
  names(list: readonly (Var | Buffer | BlockId)[]): string {
    const all = [...new Set(list.map((x) => ("kind" in x ? this.name(x) : x.name)))];
    return all.length <= FEW ? all.join(", ") : `${all.slice(0, FEW).join(", ")} and ${all.length - FEW} more`;
  }
  /** The name of a buffer of the lowered function. */
  bufferName(name: string): string {
    const { inputs, outputs, intermediates } = this.func;
    const b = [...inputs, ...outputs, ...intermediates].find((x) => x.name === name);
    return b ? this.name(b) : name;
  }
  /** The loop of the scheduled function that a lowered one was, if that is certain. */
  loopOf(loop: For): Var | undefined {
    return this.#loops.get(loop);
  }
  /** A scheduled loop by its variable, or by its name where lowering made it anew and only one around these blocks has it. */
  scheduled(v: Var, users: readonly Place<Block>[]): Var | undefined {
    const { loops } = treeOf(this.func);
    if (loops.has(v)) return v;
    const named = new Set(users.flatMap((p) => p.loops.map((l) => l.var)).filter((x) => x.name === v.name));
    return named.size === 1 ? [...named][0] : undefined;
  }
  /** Loops by identity; one that lowering made anew, by its name among those inside the same loops that write the same. */
  #findLoops(): void {
    const { loops } = treeOf(this.func);
    for (const { loop, around, body } of this.lowered.regions) {
      if (loop === undefined) continue;
      if (loops.has(loop.var)) {
        this.#loops.set(loop, loop.var);
        continue;
      }
      const outer = around.flatMap((l) => this.#loops.get(l) ?? (loops.has(l.var) ? l.var : []));
      const named = [...loops.values()].filter(
        (p) => p.node.var.name === loop.var.name && outer.every((v) => p.loops.some((l) => l.var === v)),
      );
      const stored = new Set(body.flatMap((s) => (s.kind === "store" ? [s.buffer.name] : [])));
      const writes = (p: Place<For>): boolean =>
        blocksOf(p.node).some((b) => [...buffersIn(b).writes].some((x) => stored.has(x.name)));
      const found = named.length > 1 ? named.filter(writes) : named;
      if (found.length === 1) this.#loops.set(loop, found[0]!.node.var);
    }
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
