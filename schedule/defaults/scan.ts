/**
 * Scans along what lies in rows of memory (running sums of each row): lanes are rows, and what reads the scan turns it back. A few rows at a time, so that
 * neither the rows' elements nor the scan leave the cache between.
 */
import type { BlockHandle, Loop } from "../handles.ts";
import type { AnySchedule, BlockShape } from "./analysis.ts";
import { ROWS, transposedAxis, widthOf } from "./elementwise.ts";
import { splitAxis } from "./nests.ts";

/** Computes a scan for some rows at a time inside of the one stage that reads it; throws ScheduleError where that is not how they stand to each other. */
export function scheduleTurnedScan(s: AnySchedule, scan: BlockHandle, consumer: BlockHandle, shape: BlockShape): void {
  const along = shape.along!;
  const across = transposedAxis(shape, along)!;
  const loopOf = (v: unknown): Loop => s.ownLoops(consumer).find((l) => l.var === v)!;
  const { outer, inner } = splitAxis(s, [loopOf(across.binding)], ROWS);
  const columns = splitAxis(s, [loopOf(along.binding)], widthOf(shape));
  const tile = [outer, columns.outer, inner, columns.inner].map((a) => a[0]!);
  s.reorder(...s.ownLoops(consumer).filter((l) => !tile.includes(l)), ...tile);
  s.vectorize(tile[3]!);
  s.computeAt(scan, tile[0]!);
  s.vectorize(s.ownLoops(scan).at(-1)!);
}
