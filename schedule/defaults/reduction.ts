/** Reductions that are no contractions: pooling, sums and maxima over axes, depthwise convolution. */
import { constInt } from "../../src/ir/index.ts";
import { nativeLanes } from "../../src/target/index.ts";
import type { BlockHandle, Loop } from "../handles.ts";
import { unrollAndVectorize } from "../library/index.ts";
import { type AnySchedule, type BlockShape, sizeOf } from "./analysis.ts";

/**
 * Vector lanes along the output's memory, where operands run along with it; results accumulate in registers and what
 * consumes them element by element is done before they are written.
 */
export function scheduleReduction(
  s: AnySchedule,
  block: BlockHandle,
  shape: BlockShape,
  epilogue: BlockHandle | undefined,
): void {
  const loops = new Map(s.loopList(block).map((l) => [l.name, l]));
  const loopOf = (i: { var: { name: string } }): Loop => loops.get(i.var.name.slice(1))!;
  const reduction = shape.reduction.map(loopOf);
  const along = shape.along;
  const lanes = nativeLanes(shape.stores[0]!.buffer.dtype);
  const outer = shape.spatial.filter((i) => i !== along).map(loopOf);
  const tile: Loop[] = [];
  if (along && sizeOf(along) > 1) {
    // A single value per store: several vectors at once hide the latency of each chain.
    const width = Math.min(shape.stores.length > 1 ? lanes : 2 * lanes, sizeOf(along));
    if (constInt(along.extent) === width) tile.push(loopOf(along));
    else {
      const { jo, ji } = s.split(loopOf(along), { jo: "rest", ji: width });
      outer.push(jo);
      tile.push(ji);
    }
  } else if (along) outer.push(loopOf(along));
  if (tile.length > 0) s.reorder(...outer, ...reduction, ...tile);
  const inner = outer.at(-1);
  if (inner === undefined) {
    for (const l of tile) s.vectorize(l);
    return;
  }
  const out = epilogue ?? (shape.stores.length === 1 ? s.cacheWrite(block, "local").copy : undefined);
  if (out === undefined) {
    for (const l of tile) s.vectorize(l);
    return;
  }
  if (epilogue) s.setScope(block, "local");
  s.reverseComputeAt(out, inner);
  const init = s.decomposeReduction(block, reduction[0]!);
  for (const b of tile.length > 0 ? [block, init, out] : []) unrollAndVectorize(s, b);
}
