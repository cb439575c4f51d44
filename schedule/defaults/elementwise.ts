/** Element-wise stages, copies, stencils and scans: vector lanes along the output's memory. */
import { bytesOf, constInt, visitExprsIn } from "../../src/ir/index.ts";
import { VECTOR_BYTES } from "../../src/target/index.ts";
import type { BlockHandle } from "../handles.ts";
import { type AnySchedule, type BlockShape, sizeOf } from "./analysis.ts";

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
  const parts = s.split(loop, { [name]: "rest", [inner]: width }) as Record<string, typeof loop>;
  const list = s.loopList(block);
  // Scans and transposed copies may have loops inside: lanes go innermost where that is legal.
  if (list.at(-1) !== parts[inner]) {
    const at = list.indexOf(parts[inner]!);
    s.reorder(...list.slice(at + 1), parts[inner]!);
  }
  s.vectorize(parts[inner]!);
}
