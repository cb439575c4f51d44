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
  // The narrowest element decides: a full register of it, and several of the wider ones. At least two of the widest.
  let narrow = bytesOf(shape.stores[0]!.buffer.dtype);
  let wide = narrow;
  visitExprsIn(shape.block.body, (e) => {
    if (e.kind !== "load") return;
    narrow = Math.min(narrow, bytesOf(e.dtype));
    wide = Math.max(wide, bytesOf(e.dtype));
  });
  const width = Math.max(VECTOR_BYTES / narrow, (2 * VECTOR_BYTES) / wide);
  const n = constInt(along.extent);
  if (n !== undefined && n <= width) return s.vectorize(loop);
  const [name, inner] = [`${loop.name}o`, `${loop.name}i`];
  const parts = s.split(loop, { [name]: "rest", [inner]: width }) as Record<string, Loop>;
  const list = s.loopList(block);
  // Scans and transposed copies may have loops inside: lanes go innermost where that is legal.
  if (list.at(-1) !== parts[inner]) {
    const at = list.indexOf(parts[inner]!);
    s.reorder(...list.slice(at + 1), parts[inner]!);
  }
  const across = transposedAxis(shape, along);
  if (across) crossTile(s, block, across, parts[name]!, parts[inner]!);
  s.vectorize(parts[inner]!);
}

/** Rows of a tile of what is read across: as many vectors are made of the same lines of memory. */
const ROWS = 16;

/** The axis that something read runs along, where the result runs along another. */
function transposedAxis(shape: BlockShape, along: BlockIter): BlockIter | undefined {
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
