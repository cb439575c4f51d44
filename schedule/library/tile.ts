import type { Tail } from "../../src/ir/index.ts";
import type { AnyTensor } from "../../te/index.ts";
import { badArgument, checkOptions, checkSchedule, checkTail, describe, isRecord } from "../arguments.ts";
import type { BlockHandle, BlockLike, LayoutMap, Loop, Schedule } from "../index.ts";

export type Tiles = { readonly [axis: string]: number };
export type TileLoops<T> = {
  readonly outer: { readonly [K in Extract<keyof T, string>]: Loop };
  readonly inner: { readonly [K in Extract<keyof T, string>]: Loop };
};
export interface TileOptions {
  /** What happens to the rows and columns left over. */
  readonly tail?: Tail;
}

/**
 * Cuts spatial loops of a block into tiles: outer loops, then every other loop of the block (its reduction), then the
 * inner loops, in the order of `tiles`. Outer loops are named after the axis with o, inner ones with i.
 *
 *     const { outer, inner } = registerTile(s, C, { i: 6, j: 8 });   // for io: for jo: for k: for ii in 6: for ji in 8
 *
 * Throws ScheduleError as split and reorder do (and leaves the schedule in between then).
 */
export function registerTile<X, const T extends Tiles>(
  s: Schedule<X>,
  block: BlockLike,
  tiles: T,
  options: TileOptions = {},
): TileLoops<T> {
  const name = "registerTile";
  checkSchedule(s, name);
  const all = s.loopList(block).map((l) => l.name);
  if (!isRecord(tiles))
    badArgument(s.func, name, `expected sizes by axis, { i: 6, j: 8 }, but was given ${describe(tiles)}`, all);
  checkOptions(s.func, name, options, ["tail"]);
  checkTail(s.func, name, options.tail);
  const outer: Record<string, Loop> = {};
  const inner: Record<string, Loop> = {};
  for (const [axis, n] of Object.entries(tiles)) {
    const loop = s.loopList(block).findLast((l) => l.name === axis);
    if (!loop) return badArgument(s.func, name, `${block.name} has no loop "${axis}"`, all);
    const parts = s.split(loop, { [`${axis}o`]: "rest", [`${axis}i`]: n }, options) as Record<string, Loop>;
    outer[axis] = parts[`${axis}o`]!;
    inner[axis] = parts[`${axis}i`]!;
  }
  const ins = new Set(Object.values(inner));
  const outs = new Set(Object.values(outer));
  const rest = s.ownLoops(block).filter((l) => !ins.has(l) && !outs.has(l));
  const before = rest.filter((l) => s.axisKind(block, l) === "spatial");
  const after = rest.filter((l) => s.axisKind(block, l) !== "spatial");
  s.reorder(...before, ...outs, ...after, ...ins);
  return { outer, inner } as TileLoops<T>;
}

export interface PackOptions {
  /** How the copy lies in memory (see `transformLayout`); as the tensor does when absent. */
  readonly layout?: LayoutMap;
  /** What cells hold that the layout leaves over. */
  readonly pad?: number | bigint | boolean;
}

/**
 * Packs what a block reads of a tensor into contiguous scratch memory, once per iteration of a loop, or once for all.
 *
 *     pack(s, C, B, jo);                                                               // a K x 8 panel of B per jo
 *     pack(s, C, B, "root", { layout: (k, j) => [j.div(8), k, j.mod(8)] });         // all panels of B, before anything else
 *
 * Throws ScheduleError as cacheRead, transformLayout and computeAt do, with nothing done then.
 */
export function pack<X>(
  s: Schedule<X>,
  block: BlockLike,
  read: AnyTensor | string,
  at: Loop | "root",
  options: PackOptions = {},
): BlockHandle<string> {
  checkSchedule(s, "pack");
  checkOptions(s.func, "pack", options, ["layout", "pad"]);
  let copy: BlockHandle<string> | undefined;
  // all or nothing
  const illegal = s.attempt(() => {
    copy = s.cacheRead(block, read, "workspace") as BlockHandle<string>;
    const { layout, pad } = options;
    if (layout) s.transformLayout(copy, layout, pad === undefined ? {} : { pad });
    if (at !== "root") s.computeAt(copy, at);
  });
  if (illegal) throw illegal;
  return copy!;
}
