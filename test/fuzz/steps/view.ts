/** What random steps choose from: the blocks of a schedule as it stands, and which choices look legal. */
import type { BlockHandle, Loop, Schedule } from "../../../schedule/index.ts";
import { type Block, blocksOf, buffersIn, childStmts, type For, type Stmt, usesVar } from "../../../src/ir/index.ts";

export interface StepSpec {
  readonly primitive: number;
  readonly a: number;
  readonly b: number;
  readonly c: number;
}
export type Tally = Map<string, { accepted: number; refused: number; why: Map<string, number> }>;
// biome-ignore lint/suspicious/noExplicitAny: a schedule of anything
export type AnySchedule = Schedule<any>;

export const FACTORS = [2, 3, 4, 8, 5, 16, 7, 1, 6, 32];
export const SCOPES = ["workspace", "local", "global"] as const;

export const pick = <T>(list: readonly T[], n: number): T | undefined =>
  list.length === 0 ? undefined : list[n % list.length];

/** One block as it stands. */
export interface Site {
  readonly handle: BlockHandle;
  readonly block: Block;
  readonly loops: readonly Loop[];
  /** The innermost of them, which are around nothing else. */
  readonly own: readonly Loop[];
  readonly nodes: readonly For[];
  readonly reads: ReadonlySet<unknown>;
  readonly writes: ReadonlySet<unknown>;
  /** Writes a result of the function. */
  readonly output: boolean;
  /** No reduction and no scan. */
  readonly complete: boolean;
}
export interface View {
  readonly s: AnySchedule;
  readonly sites: readonly Site[];
  readonly consumers: (x: Site) => readonly Site[];
  readonly producers: (x: Site) => readonly Site[];
}

export function viewOf(s: AnySchedule): View {
  const all = new Map(blocksOf(s.func.body).map((b) => [b.id, b]));
  const nodes = new Map<unknown, For>();
  const walk = (x: Stmt): void => {
    if (x.kind === "for") {
      nodes.set(x.var, x);
      walk(x.body);
    } else if (x.kind !== "block") childStmts(x).forEach(walk);
  };
  walk(s.func.body);
  const sites = s.blocks().map((handle): Site => {
    const block = all.get(handle.id)!;
    const { reads, writes } = buffersIn(block);
    const loops = s.loopList(handle);
    const complete =
      !block.init && block.iters.every((i) => i.kind === "spatial") && ![...writes].some((w) => reads.has(w));
    return {
      handle,
      block,
      loops,
      own: s.ownLoops(handle),
      nodes: loops.map((l) => nodes.get(l.var)!),
      reads,
      writes,
      output: [...writes].some((w) => s.func.outputs.includes(w)),
      complete,
    };
  });
  const meet = (a: ReadonlySet<unknown>, b: ReadonlySet<unknown>): boolean => [...a].some((x) => b.has(x));
  return {
    s,
    sites,
    consumers: (x) => sites.filter((y) => y !== x && meet(x.writes, y.reads)),
    producers: (x) => sites.filter((y) => y !== x && meet(y.writes, x.reads)),
  };
}

export type Run = () => unknown;
/** What the numbers of one step pick. */
export interface Choice {
  readonly v: View;
  readonly x: StepSpec;
  /** Only what looks legal. */
  readonly plausible: boolean;
  /** A block, among those that look right for the primitive. */
  readonly block: (looksRight: (s: Site) => boolean) => Site | undefined;
}
export type Step = (c: Choice) => Run | undefined;

export const serial = (x: Site): Loop[] => x.loops.filter((_, i) => x.nodes[i]!.loop === "serial");
export const loopOf = (c: Choice, x: Site): Loop | undefined => pick(c.plausible ? serial(x) : x.loops, c.x.b);
export const carries = (x: Site, l: Loop, kinds: readonly string[]): boolean =>
  x.block.iters.some((i) => kinds.includes(i.kind) && usesVar(i.binding, (v) => v === l.var));
/** Loops around x outside of whatever carries its reduction or its steps. */
export function before(x: Site): Loop[] {
  const first = x.loops.findIndex((l) => carries(x, l, ["reduction", "ordered"]));
  return x.loops.slice(0, first < 0 ? x.loops.length : first);
}
export const free = (x: Site, l: Loop): boolean =>
  x.nodes.slice(0, x.loops.indexOf(l) + 1).every((n) => n.loop !== "vectorized");
