/** Loops of several blocks that run over the same axes, changed alike, so that their nests can become one. */
import { type Block, blocksOf, type Expr } from "../../src/ir/index.ts";
import type { BlockHandle, Loop } from "../handles.ts";
import type { AnySchedule } from "./analysis.ts";

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
