/**
 * Reductions down the columns of what is read once: a row times a matrix that comes with the call, sums over positions of all channels. It
 * is read as it lies, a few rows at a time, and the results are added to in memory, where they stay in the nearest cache. A tile of columns
 * that goes down all rows would jump a row with every step.
 */
import { type BlockIter, constInt } from "../../src/ir/index.ts";
import { nativeLanes } from "../../src/target/index.ts";
import type { BlockHandle, Loop } from "../handles.ts";
import { type AnySchedule, type BlockShape, runsAlong, sizeOf } from "./analysis.ts";
import { fuseReduction } from "./nests.ts";
import { MOST } from "./reduction.ts";

/** Rows that are read side by side: as many factors stay in registers. A number that leaves no rest is taken where there is one. */
const ROWS = [8, 7, 6, 5, 4] as const;
const VECTORS = 4;

/** The columns, where the reduction is of this kind. */
export function streamOf(shape: BlockShape): BlockIter | undefined {
  const columns = shape.along;
  if (columns === undefined || shape.stores.length !== 1 || shape.ordered.length > 0) return undefined;
  const [rows, ...others] = shape.reads.filter((r) => r.uses.has(columns.var));
  if (rows === undefined || others.length > 0 || rows.buffer.constant || !runsAlong(rows, columns.var))
    return undefined;
  const once = [...shape.spatial, ...shape.reduction].every((i) => constInt(i.extent) === 1 || rows.uses.has(i.var));
  // an index for each axis, so that no element is read twice
  const apart = rows.index.every((e) => e.kind === "var" || e.kind === "const");
  const steps = shape.reduction.reduce((n, i) => n * (constInt(i.extent) ?? 0), 1);
  const vectors = sizeOf(columns) / nativeLanes(shape.stores[0]!.buffer.dtype);
  // what registers hold needs no memory; factors for each row need some of them
  const many = vectors > (shape.reads.length > 1 ? 2 * VECTORS - 1 : MOST);
  return once && apart && many && steps >= 2 * ROWS[0] ? columns : undefined;
}

export function scheduleStreaming(s: AnySchedule, block: BlockHandle, shape: BlockShape, columns: BlockIter): void {
  const loopOf = (i: BlockIter): Loop => s.loopList(block).find((l) => l.var === i.binding)!;
  const spatial = shape.spatial.filter((i) => i !== columns).map(loopOf);
  const lanes = nativeLanes(shape.stores[0]!.buffer.dtype);
  const { jo, ji } = s.split(loopOf(columns), { jo: "rest", ji: VECTORS * lanes });
  const reduction = fuseReduction(s, block, shape);
  const fused = reduction.length === 1 ? shape.reduction : shape.reduction.slice(-1);
  const steps = fused.reduce((n, i) => n * sizeOf(i), 1);
  const rows = ROWS.find((n) => steps % n === 0) ?? ROWS[0];
  const { ko, ki } = s.split(reduction.at(-1)!, { ko: "rest", ki: rows });
  const before = reduction.slice(0, -1);
  s.reorder(...spatial, ...before, ko, jo, ki, ji);
  const init = s.decomposeReduction(block, [...before, ko][0]!);
  s.vectorize(ji);
  s.unroll(ki);
  s.vectorize(s.ownLoops(init).at(-1)!);
}
