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
import { type AnySchedule, type BlockShape, sizeOf, strideIn } from "./analysis.ts";
import { type Axis, axesInStep, splitAxis } from "./nests.ts";
import type { Tile } from "./tile.ts";

/** Steps of a window that may be written out. */
const STEPS = 32;
/** Vectors of channels at once where windows share nothing: lines of memory are read whole. */
const LINE = 4;

/**
 * The axis along which windows of neighbouring results overlap (or at least lie side by side), where a reduction is over such windows. The outermost: rows
 * above each other share as much as columns do, and memory is then read and written in order, which the prefetcher follows.
 */
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
  return shape.spatial.find((i) => i !== shape.along && sizeOf(i) > 1 && slides(i));
}

export function scheduleWindow(
  s: AnySchedule,
  block: BlockHandle,
  shape: BlockShape,
  slide: BlockIter,
  epilogue: BlockHandle | undefined,
  given?: Tile,
): void {
  const out = epilogue ?? s.cacheWrite(block, "local").copy;
  if (epilogue) s.setScope(block, "local");
  const target = shape.stores[0]!.index;
  const axes = axesInStep(s, block, target, [out]);
  const axisOf = (i: BlockIter): Axis => axes[target.indexOf(i.var)]!;
  const along = shape.along!;
  const lanes = nativeLanes(shape.stores[0]!.buffer.dtype);
  const tile = given ?? tileOf(shape, slide, Math.floor(sizeOf(along) / lanes));
  const [count, vectors] = [Math.min(tile.rows, sizeOf(slide)), tile.vectors];

  const c = splitAxis(s, axisOf(along), Math.min(vectors * lanes, sizeOf(along)));
  const x = count > 1 ? splitAxis(s, axisOf(slide), count) : undefined;
  const reduction = shape.reduction.map((i): Loop => s.loopList(block).find((l) => l.var === i.binding)!);
  // as they lie in memory, channels inside: weights from the nearest cache cost less than lines that are read in parts
  const positions = shape.spatial.filter((i) => i !== along);
  const outer = [...positions.map((i) => (i === slide && x ? x.outer : axisOf(i))), c.outer];
  const inner = x ? [x.inner, c.inner] : [c.inner];
  s.reorder(...outer.map((a) => a[0]!), ...reduction, ...inner.map((a) => a[0]!));
  s.reorder(...outer.map((a) => a[1]!), ...inner.map((a) => a[1]!));
  s.computeWith(out, outer.at(-1)![0]!);
  const init = s.decomposeReduction(block, reduction[0]!);
  for (const b of [block, init, out]) unrollAndVectorize(s, b);
  for (const l of [...reduction].reverse()) s.unroll(l);
}

/**
 * How many neighbouring results, and vectors of channels of each, are computed at once. Neighbours pay by what their windows share: four where
 * windows move by one, two where they move by more (the lines that four would touch at a time are too many for the prefetcher), one where
 * they don't overlap.
 */
function tileOf(shape: BlockShape, slide: BlockIter, channels: number): Tile {
  const [step, taps] = strideAndTaps(shape, slide);
  const extent = sizeOf(slide);
  if (step >= taps) return { rows: 1, vectors: whole(LINE, channels) };
  // what doesn't slide (weights) is loaded once for each vector of channels, so short rows lose nothing by taking two
  const weights = shape.reads.some((r) => r.index.every((e) => !usesVar(e, (v) => v === slide.var)));
  if (step <= 1 && (extent % 4 === 0 || extent > LONG || !weights)) return { rows: 4, vectors: 1 };
  return { rows: 2, vectors: weights ? whole(2, channels) : 1 };
}
/** Rows whose rest of a few results doesn't matter. */
const LONG = 32;
/** The most, up to a number, that divides evenly. */
const whole = (most: number, n: number): number => (n % most === 0 || most === 1 ? most : whole(most - 1, n));

/** By how much the windows move along an axis from one result to the next, and how many steps of them go that way. */
function strideAndTaps(shape: BlockShape, slide: BlockIter): readonly [step: number, taps: number] {
  for (const r of shape.reads)
    for (const e of r.index) {
      const taps = shape.reduction.filter((k) => usesVar(e, (v) => v === k.var));
      if (taps.length === 0 || !usesVar(e, (v) => v === slide.var)) continue;
      // dilated windows share as much as others do, some results further on
      const [step, dilation] = [strideIn(e, slide.var) ?? 1, strideIn(e, taps[0]!.var) ?? 1];
      return [step / dilation, sizeOf(taps[0]!)];
    }
  return [1, 1];
}
