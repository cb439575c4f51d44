/**
 * Reductions over small windows without an operand to share among rows: depthwise convolution, pooling, stencils written as sums.
 *
 * All steps of the window are written out for several neighbouring results at once: what their windows share is loaded once, and tests
 * for the border leave the middle of the picture.
 */
import { type BlockIter, constInt, usesVar } from "../../src/ir/index.ts";
import { nativeLanes } from "../../src/target/index.ts";
import type { BlockHandle, Loop } from "../handles.ts";
import { unrollAndVectorize } from "../library/index.ts";
import { type AnySchedule, type BlockShape, sizeOf } from "./analysis.ts";
import { type Axis, axesInStep, splitAxis } from "./nests.ts";

/** Steps of a window that may be written out. */
const STEPS = 32;
/** Neighbouring results at once: more would leave no registers for what they share. */
const MOST = 4;

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
  const count = resultsAtOnce(sizeOf(slide));
  const lanes = Math.min(nativeLanes(shape.stores[0]!.buffer.dtype), sizeOf(along));

  const rest = shape.spatial.filter((i) => i !== along && i !== slide).map(axisOf);
  const c = splitAxis(s, axisOf(along), lanes);
  const x = count > 1 ? splitAxis(s, axisOf(slide), count) : undefined;
  const reduction = shape.reduction.map((i): Loop => s.loopList(block).find((l) => l.var === i.binding)!);
  // channels inside of positions, as they lie in memory: weights from the nearest cache cost less than lines that are read in parts
  const outer = [...rest, x ? x.outer : axisOf(slide), c.outer];
  const inner = x ? [x.inner, c.inner] : [c.inner];
  s.reorder(...outer.map((a) => a[0]!), ...reduction, ...inner.map((a) => a[0]!));
  s.reorder(...outer.map((a) => a[1]!), ...inner.map((a) => a[1]!));
  s.computeWith(out, outer.at(-1)![0]!);
  const init = s.decomposeReduction(block, reduction[0]!);
  for (const b of [block, init, out]) unrollAndVectorize(s, b);
  for (const l of [...reduction].reverse()) s.unroll(l);
}

/** Four, or three where that leaves no rest; all of a few. */
function resultsAtOnce(extent: number): number {
  if (extent <= MOST) return extent;
  return extent % MOST !== 0 && extent % (MOST - 1) === 0 ? MOST - 1 : MOST;
}
