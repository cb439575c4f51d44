/** Element-wise stages, copies, stencils and scans: vector lanes along the output's memory. */
import { type BlockIter, bytesOf, constInt, visitExprsIn } from "../../src/ir/index.ts";
import { VECTOR_BYTES } from "../../src/target/index.ts";
import type { BlockHandle, Loop } from "../handles.ts";
import { type AnySchedule, type BlockShape, runsAlong, sizeOf } from "./analysis.ts";
import { splitAxis } from "./nests.ts";

export function scheduleElementwise(s: AnySchedule, block: BlockHandle, shape: BlockShape): void {
  const { along } = shape;
  if (along === undefined || sizeOf(along) < 2) return;
  const loop = s.ownLoops(block).find((l) => l.var === along.binding);
  if (loop === undefined) return;
  const width = widthOf(shape);
  const n = constInt(along.extent);
  if (n !== undefined && n <= width) return s.vectorize(loop);
  const { outer, inner } = splitAxis(s, [loop], width);
  const [columns, lanes] = [outer[0]!, inner[0]!];
  const list = s.loopList(block);
  // Scans and transposed copies may have loops inside: lanes go innermost where that is legal.
  if (list.at(-1) !== lanes) s.reorder(...list.slice(list.indexOf(lanes) + 1), lanes);
  const across = transposedAxis(shape, along);
  if (across) crossTile(s, block, across, columns, lanes);
  s.vectorize(lanes);
}

/** Elements that are computed at once. */
export function widthOf(shape: BlockShape): number {
  // The narrowest element decides: a full register of it, and several of the wider ones. At least two of the widest.
  let narrow = bytesOf(shape.stores[0]!.buffer.dtype);
  let wide = narrow;
  visitExprsIn(shape.block.body, (e) => {
    if (e.kind !== "load") return;
    narrow = Math.min(narrow, bytesOf(e.dtype));
    wide = Math.max(wide, bytesOf(e.dtype));
  });
  return Math.max(VECTOR_BYTES / narrow, (2 * VECTOR_BYTES) / wide);
}

/** Rows of a tile of what is read across: as many vectors are made of the same lines of memory. */
export const ROWS = 16;

/** The axis that something read runs along, where the result runs along another. */
export function transposedAxis(shape: BlockShape, along: BlockIter): BlockIter | undefined {
  if (shape.ordered.length > 0) return undefined;
  return shape.spatial.find(
    (i) => i !== along && sizeOf(i) > ROWS && shape.reads.some((r) => r.uses.has(along.var) && runsAlong(r, i.var)),
  );
}
/** Goes through squares: in long rows, each line would be read again for every element of it. */
function crossTile(s: AnySchedule, block: BlockHandle, across: BlockIter, columns: Loop, lanes: Loop): void {
  const loop = s.ownLoops(block).find((l) => l.var === across.binding);
  if (loop === undefined) return;
  s.attempt(() => {
    const { outer, inner } = splitAxis(s, [loop], ROWS);
    const [o, i] = [outer[0]!, inner[0]!];
    const rest = s.ownLoops(block).filter((l) => ![o, i, columns, lanes].includes(l));
    s.reorder(...rest, columns, o, i, lanes);
  });
}
