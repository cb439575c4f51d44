/**
 * Accumulation at positions that each point computes: nothing is known of where points meet, so they come one after another;
 * elements along an axis that each of them has whole (rows of a table that are added to) are vector lanes. What the result
 * starts as is stored before, in lanes along its memory.
 */
import { type BlockIter, blocksOf } from "../../src/ir/index.ts";
import type { BlockHandle, Loop } from "../handles.ts";
import { type AnySchedule, type BlockShape, shapeOf } from "./analysis.ts";
import { scheduleElementwise } from "./elementwise.ts";

/** Whether some element that the block updates is not given by its axes. */
export const isScatter = (shape: BlockShape): boolean =>
  shape.reduction.length > 0 && shape.stores.some((x) => x.index.some((e) => shape.spatial.every((i) => i.var !== e)));

export function scheduleScatter(s: AnySchedule, block: BlockHandle, shape: BlockShape): void {
  const loops = new Map(s.loopList(block).map((l) => [l.name, l]));
  const loopOf = (i: BlockIter): Loop => loops.get(i.var.name.slice(1))!;
  const { along } = shape;
  const outer = shape.spatial.filter((i) => i !== along).map(loopOf);
  const reduction = shape.reduction.map(loopOf);
  if (along) s.reorder(...outer, ...reduction, loopOf(along));
  const init = s.decomposeReduction(block, reduction[0]!);
  if (along) scheduleElementwise(s, block, shape);
  const made = shapeOf(blocksOf(s.func.body).find((b) => b.id === init.id)!);
  const own = s.ownLoops(init);
  s.reorder(
    ...made.stores[0]!.index.flatMap((e) =>
      own.filter((l) => made.spatial.some((i) => i.var === e && i.binding === l.var)),
    ),
  );
  scheduleElementwise(s, init, made);
}
