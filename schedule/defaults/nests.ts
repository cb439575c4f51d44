/** Loops of several blocks that run over the same axes, changed alike, so that their nests can become one. */
import { type Block, type BlockIter, blocksOf, constInt, type Expr } from "../../src/ir/index.ts";
import type { BlockHandle, Loop } from "../handles.ts";
import { type AnySchedule, type BlockShape, fusable } from "./analysis.ts";

/** One axis: its loop in each of the blocks. */
export type Axis = readonly Loop[];

/** The axes of what a block stores, in the order of the stored index, as loops of it and of blocks that have an axis for each dimension. */
export function axesInStep(
  s: AnySchedule,
  block: BlockHandle,
  target: readonly Expr[],
  others: readonly BlockHandle[],
): Axis[] {
  const all = new Map(blocksOf(s.func.body).map((b) => [b.id, b]));
  const loopOf = (h: BlockHandle, i: Block["iters"][number]): Loop => s.loopList(h).find((l) => l.var === i.binding)!;
  const own = all.get(block.id)!;
  return target.map((e, d) => [
    loopOf(block, own.iters.find((i) => i.var === e)!),
    ...others.map((h) => loopOf(h, all.get(h.id)!.iters[d]!)),
  ]);
}
export const fuseAxes = (s: AnySchedule, a: Axis, b: Axis): Axis => a.map((l, n) => s.fuse(l, b[n]!));

/** Cuts an axis; the pieces are called after it. */
export function splitAxis(s: AnySchedule, a: Axis, size: number): { readonly outer: Axis; readonly inner: Axis } {
  const parts = a.map((l) => {
    const [o, i] = [`${l.name}o`, `${l.name}i`];
    const made = s.split(l, { [o]: "rest", [i]: size }) as Record<string, Loop>;
    return [made[o]!, made[i]!] as const;
  });
  return { outer: parts.map((p) => p[0]), inner: parts.map((p) => p[1]) };
}
/** Whether in each nest the second loop is the only thing in the first. */
export const adjacent = (s: AnySchedule, blocks: readonly BlockHandle[], a: Axis, b: Axis): boolean =>
  blocks.every((h, n) => {
    const list = s.loopList(h);
    return list.indexOf(b[n]!) === list.indexOf(a[n]!) + 1;
  });

/** The loops of the reduction, with those that every operand goes through as one made one. */
export function fuseReduction(s: AnySchedule, block: BlockHandle, c: BlockShape): Loop[] {
  const loopOf = (i: BlockIter): Loop => s.loopList(block).find((l) => l.var === i.binding)!;
  const out: Loop[] = [];
  let last: BlockIter | undefined;
  for (const i of c.reduction) {
    const loop = loopOf(i);
    const before = out.at(-1);
    const one = last && constInt(i.extent) !== undefined && fusable(c.accesses, last, i);
    if (one && before && adjacent(s, [block], [before], [loop])) out[out.length - 1] = s.fuse(before, loop);
    else out.push(loop);
    last = i;
  }
  return out;
}
