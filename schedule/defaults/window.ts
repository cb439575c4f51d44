/**
 * Reductions over small windows without an operand to share among rows: depthwise convolution, pooling, stencils written as sums.
 *
 * All steps of the window are written out for several neighbouring results at once: what their windows share is loaded once, what
 * depends on the channel only stays in registers along a row, and tests for the border leave the middle of the picture.
 */
import { type BlockIter, constInt, usesVar } from "../../src/ir/index.ts";
import { nativeLanes, VECTOR_REGISTERS } from "../../src/target/index.ts";
import type { BlockHandle, Loop } from "../handles.ts";
import { unrollAndVectorize } from "../library/index.ts";
import { type AnySchedule, type BlockShape, sizeOf } from "./analysis.ts";
import { type Axis, axesInStep, splitAxis } from "./nests.ts";

/** Steps of a window that may be written out. */
const STEPS = 32;
/** Beside results and weights: an element, and what is added. */
const OPERANDS = 2;
const MOST = 8;

/** The axis along which windows of neighbouring results overlap (or at least lie side by side), where a reduction is over such windows. */
export function windowAxis(shape: BlockShape): BlockIter | undefined {
  const steps = shape.reduction.reduce((n, i) => n * (constInt(i.extent) ?? Infinity), 1);
  if (steps > STEPS || shape.along === undefined || shape.stores.length !== 1 || shape.ordered.length > 0)
    return undefined;
  // where sizes are symbolic, what is written out many times would be cut into cases many times over
  if (shape.spatial.some((i) => constInt(i.extent) === undefined)) return undefined;
  const slides = (i: BlockIter): boolean =>
    shape.reads.some((r) =>
      r.index.some(
        (e) => usesVar(e, (v) => v === i.var) && usesVar(e, (v) => shape.reduction.some((k) => k.var === v)),
      ),
    );
  return shape.spatial.findLast((i) => i !== shape.along && sizeOf(i) > 1 && slides(i));
}

export function scheduleWindow(
  s: AnySchedule,
  block: BlockHandle,
  shape: BlockShape,
  slide: BlockIter,
  epilogue: BlockHandle | undefined,
): void {
  const out = epilogue ?? s.cacheWrite(block, "local").copy;
  if (epilogue) s.setScope(block, "local");
  const target = shape.stores[0]!.index;
  const axes = axesInStep(s, block, target, [out]);
  const axisOf = (i: BlockIter): Axis => axes[target.indexOf(i.var)]!;
  const along = shape.along!;
  const steps = shape.reduction.reduce((n, i) => n * sizeOf(i), 1);
  const weights = shape.reads.some((r) => !r.uses.has(slide.var)) ? steps : 0;
  const room = VECTOR_REGISTERS - OPERANDS - (weights + OPERANDS < VECTOR_REGISTERS ? weights : 1);
  const count = resultsAtOnce(sizeOf(slide), Math.min(room, MOST));
  const lanes = Math.min(nativeLanes(shape.stores[0]!.buffer.dtype), sizeOf(along));

  const rest = shape.spatial.filter((i) => i !== along && i !== slide).map(axisOf);
  const c = splitAxis(s, axisOf(along), lanes);
  const x = count > 1 ? splitAxis(s, axisOf(slide), count) : undefined;
  const reduction = shape.reduction.map((i): Loop => s.loopList(block).find((l) => l.var === i.binding)!);
  // channels outside of the row, so that its weights stay; inside of the rows, so that these are still in the cache
  const outer = [...rest, c.outer, x ? x.outer : axisOf(slide)];
  const inner = x ? [x.inner, c.inner] : [c.inner];
  s.reorder(...outer.map((a) => a[0]!), ...reduction, ...inner.map((a) => a[0]!));
  s.reorder(...outer.map((a) => a[1]!), ...inner.map((a) => a[1]!));
  s.computeWith(out, outer.at(-1)![0]!);
  const init = s.decomposeReduction(block, reduction[0]!);
  for (const b of [block, init, out]) unrollAndVectorize(s, b);
  for (const l of [...reduction].reverse()) s.unroll(l);
}

/** As many as there is room for, fewer where that leaves no rest. */
function resultsAtOnce(extent: number, room: number): number {
  if (extent <= room) return extent;
  for (let n = room; n > room / 2; n--) if (extent % n === 0) return n;
  return room;
}
