/**
 * A row times a matrix that comes with the call: each of its elements is used once, so it is read as it lies, a few rows at a time, and the
 * results are added to in memory, where they stay in the nearest cache. A tile that goes down the columns would jump a row with every step.
 */
import { type BlockIter, constInt } from "../../src/ir/index.ts";
import { nativeLanes } from "../../src/target/index.ts";
import type { BlockHandle, Loop } from "../handles.ts";
import { type AnySchedule, type Contraction, runsAlong, sizeOf } from "./analysis.ts";

/** Rows of the matrix that are read side by side: as many factors stay in registers. */
const ROWS = 8;
const VECTORS = 4;

/** Whether the contraction is of this kind: one row, and one operand along it that is no constant. */
export function isStreaming(c: Contraction): boolean {
  const rest = c.spatial.filter((i) => i !== c.columns).reduce((n, i) => n * sizeOf(i), 1);
  const steps = c.reduction.at(-1);
  const [panel] = c.panels;
  return (
    rest === 1 &&
    c.panels.length === 1 &&
    !panel!.buffer.constant &&
    runsAlong(panel!, c.columns.var) &&
    steps !== undefined &&
    (constInt(steps.extent) ?? 0) >= 2 * ROWS &&
    sizeOf(c.columns) >= 2 * VECTORS * nativeLanes(c.stores[0]!.buffer.dtype)
  );
}

export function scheduleStreaming(s: AnySchedule, block: BlockHandle, c: Contraction): void {
  const loopOf = (i: BlockIter): Loop => s.loopList(block).find((l) => l.var === i.binding)!;
  const lanes = nativeLanes(c.stores[0]!.buffer.dtype);
  const { jo, ji } = s.split(loopOf(c.columns), { jo: "rest", ji: VECTORS * lanes });
  const { ko, ki } = s.split(loopOf(c.reduction.at(-1)!), { ko: "rest", ki: ROWS });
  const spatial = c.spatial.filter((i) => i !== c.columns).map(loopOf);
  const before = c.reduction.slice(0, -1).map(loopOf);
  s.reorder(...spatial, ...before, ko, jo, ki, ji);
  const init = s.decomposeReduction(block, s.loopList(block)[0]!);
  s.vectorize(ji);
  s.unroll(ki);
  s.vectorize(s.ownLoops(init).at(-1)!);
}
