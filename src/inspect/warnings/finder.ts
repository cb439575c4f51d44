/** What the finders of warnings share. */
import { type Place, storesOf } from "../../../schedule/index.ts";
import {
  type Block,
  type BlockIter,
  type Expr,
  type For,
  type IterKind,
  usesVar,
  type Var,
  visitExpr,
} from "../../ir/index.ts";
import type { Region } from "../lowered.ts";
import { countOf, midway } from "../numbers.ts";
import type { Found, Quantity } from "../types.ts";
import type { Workshop } from "../workshop.ts";

/** Looks for one thing, and says which loops and blocks it means and how much of the work they are. */
export interface Finder {
  readonly find: (w: Workshop) => readonly Found[];
  /** Of all work: below it, in all the places together, it decides nothing. */
  readonly least: (w: Workshop) => number;
}
/** Of all work: what decides how fast the whole is. */
export const HOT = 0.25;
export const hotOnly = (): number => HOT;
export const worthwhile = (w: Workshop): number => w.limits.share;
/** What is so small a part of the worst place of its kind is left alone. */
const MINOR = 0.05;

/** What a finder found, as far as it is worth telling: many small places may matter together. */
export function told(w: Workshop, { find, least }: Finder): Found[] {
  const all = find(w);
  const total = all.reduce((n, x) => n + x.share, 0);
  const worst = all.reduce((n, x) => Math.max(n, x.share), 0);
  return total < least(w) ? [] : all.filter((x) => x.share >= MINOR * worst);
}

export const amount = (value: number, unit: Quantity["unit"]): Quantity => ({ value, unit });
export const percent = (share: number): string => `${Math.round(share * 100)} %`;
export const times = (x: number): string => `${x < 10 ? x.toFixed(1) : Math.round(x)} times`;

export const carries = (b: Block, v: Var, kind: IterKind): boolean =>
  b.iters.some((it: BlockIter) => it.kind === kind && usesVar(it.binding, (x) => x === v));
/** Loops around a block that take more than one step, outermost first. */
export const steps = (w: Workshop, p: Place<Block>): For[] =>
  p.loops.filter((l) => countOf(l.extent, midway(p.loops, w.quantities.sizes)) > 1);
export const isVector = (l: For): boolean => l.loop === "vectorized" || l.loop === "tensorized";
/** Whether an expression reads memory. */
const readsMemory = (e: Expr): boolean => {
  let found = false;
  visitExpr(e, (x) => {
    if (x.kind === "load") found = true;
    return !found;
  });
  return found;
};

/** Whether a block works on one place after another, wherever data says: lanes could meet in one, and none stays in a register. */
export function scatters(b: Block): boolean {
  const known = new Set(b.iters.map((it) => it.var));
  const fromData = (e: Expr): boolean => readsMemory(e) || usesVar(e, (v) => !known.has(v) && v.size === undefined);
  return storesOf(b).some((s) => s.index.some(fromData));
}

export interface Hot {
  readonly region: Region;
  /** The scheduled loop that it was. */
  readonly loop: Var;
  /** Of all instructions. */
  readonly share: number;
}
/** Regions whose loop is known, with the share of the instructions that they are. */
export function regionsIn(w: Workshop): Hot[] {
  const { regions } = w.lowered;
  const total = regions.reduce((n, r) => n + r.times * r.instructions, 0);
  return regions.flatMap((region) => {
    const loop = region.loop && w.loopOf(region.loop);
    return loop === undefined
      ? []
      : [{ region, loop, share: (region.times * region.instructions) / Math.max(total, 1) }];
  });
}
