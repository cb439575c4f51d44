/** Reductions that are no contractions: sums and maxima over axes, large windows, products of a matrix and a vector. */
import { type BlockIter, constInt } from "../../src/ir/index.ts";
import { nativeLanes, VECTOR_REGISTERS } from "../../src/target/index.ts";
import type { BlockHandle, Loop } from "../handles.ts";
import { unrollAndVectorize, vectorizeReduction } from "../library/index.ts";
import { type AnySchedule, type BlockShape, runsAlong, sizeOf } from "./analysis.ts";

/** Accumulators at once: room is left for what is added to them. */
export const MOST = VECTOR_REGISTERS - 3;

/**
 * The axis of a reduction that what it reads runs along, where nothing runs along the result, and which is long enough: its lanes are
 * partial results.
 */
export function lanewiseAxis(shape: BlockShape): BlockIter | undefined {
  const last = shape.reduction.findLast((i) => sizeOf(i) > 1);
  if (last === undefined || shape.ordered.length > 0 || sizeOf(last) < 2 * lanesOf(shape)) return undefined;
  const along = shape.along;
  const rows = shape.reads.some((r) => runsAlong(r, last.var));
  const columns = along !== undefined && shape.reads.some((r) => runsAlong(r, along.var));
  return rows && !columns ? last : undefined;
}
const lanesOf = (shape: BlockShape): number => nativeLanes(shape.stores[0]!.buffer.dtype);

/** Partial results for lanes of the axis that memory runs along, several vectors of them to hide the latency of each sum. */
export function scheduleLanewise(s: AnySchedule, block: BlockHandle, shape: BlockShape, axis: BlockIter): void {
  const loop = s.loopList(block).find((l) => l.var === axis.binding)!;
  const lanes = lanesOf(shape);
  const vectors = shape.stores.length > 1 ? 1 : 4;
  const n = [4, 2, 1].find((v) => v <= vectors && sizeOf(axis) >= 2 * v * lanes)!;
  vectorizeReduction(s, block, loop, n * lanes);
}

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
  const loopOf = (i: BlockIter): Loop => s.loopList(block).find((l) => l.var === i.binding)!;
  const reduction = shape.reduction.map(loopOf);
  const along = shape.along;
  const lanes = lanesOf(shape);
  const own = new Set(s.ownLoops(block));
  const outer = shape.spatial
    .filter((i) => i !== along)
    .map(loopOf)
    .filter((l) => own.has(l));
  const tile: Loop[] = [];
  if (along && sizeOf(along) > 1) {
    const width = lanes * vectorsFor(sizeOf(along) / lanes, shape.stores.length);
    if (constInt(along.extent) === width) tile.push(loopOf(along));
    else {
      const { jo, ji } = s.split(loopOf(along), { jo: "rest", ji: Math.min(width, sizeOf(along)) });
      outer.push(jo);
      tile.push(ji);
    }
  } else if (along) outer.push(loopOf(along));
  if (tile.length > 0) s.reorder(...outer, ...reduction, ...tile);
  const inner = outer.at(-1);
  const out = inner && (epilogue ?? (shape.stores.length === 1 ? s.cacheWrite(block, "local").copy : undefined));
  if (out === undefined || inner === undefined) {
    for (const l of tile) s.vectorize(l);
    return;
  }
  if (epilogue) s.setScope(block, "local");
  s.reverseComputeAt(out, inner);
  const init = s.decomposeReduction(block, reduction[0]!);
  for (const b of tile.length > 0 ? [block, init, out] : []) unrollAndVectorize(s, b);
}

/** Vectors of results at once: neighbours in memory, so that each step reads whole lines, without a rest where that can be. */
function vectorsFor(vectors: number, results: number): number {
  const most = Math.max(1, Math.min(Math.floor(MOST / results), Math.floor(vectors)));
  for (let n = most; n > most / 2; n--) if (Number.isInteger(vectors / n)) return n;
  return most;
}
