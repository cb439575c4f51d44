/** What loops carry from one iteration to later ones stays so, whatever is done to them afterwards. */
import { isFolded } from "../src/arith/index.ts";
import type { Block, Buffer, Func } from "../src/ir/index.ts";
import { refuse } from "./error.ts";
import { dependence } from "./hints.ts";
import { flowOf } from "./regions.ts";
import { io, type Place, treeOf } from "./tree.ts";

interface Use {
  readonly writer: Place<Block>;
  readonly reader: Place<Block>;
  readonly buffer: Buffer;
}
/** Who reads what from whom, of some buffers. */
function usesOf(f: Func, chosen: (b: Buffer) => boolean): Use[] {
  const all = [...treeOf(f).blocks.values()];
  return all.flatMap((writer) =>
    [...io(writer.node).writes].filter(chosen).flatMap((buffer) =>
      all
        .filter((r) => r.node !== writer.node && io(r.node).reads.has(buffer))
        // of a decomposed reduction, the init is there first
        .filter((r) => !io(r.node).writes.has(buffer) || writer.order < r.order)
        .map((reader) => ({ writer, reader, buffer })),
    ),
  );
}

/** The first read of something carried that a step would break. `replaced`: buffers that became others. */
export function lostFlow(
  before: Func,
  after: Func,
  replaced: ReadonlyMap<Buffer, Buffer> = new Map(),
): (Use & { readonly why: string }) | undefined {
  if (before === after) return undefined;
  const kept = new Set<Buffer>();
  for (const p of treeOf(before).blocks.values()) if (p.node.storeAt) for (const b of io(p.node).writes) kept.add(b);
  const carried = new Set<Buffer>();
  for (const { writer, reader, buffer } of usesOf(before, (b) => kept.has(b)))
    if (!carried.has(buffer) && flowOf(writer, reader, buffer).carried) carried.add(buffer);
  const still = new Set([...carried].map((b) => replaced.get(b) ?? b));
  // who read what is gone now reads what that was made of, in the later iteration
  const gone = [...still].filter((b) => !after.intermediates.includes(b));
  for (const p of treeOf(before).blocks.values())
    if (gone.some((b) => io(p.node).writes.has(b))) for (const b of io(p.node).reads) still.add(b);
  for (const use of usesOf(after, (b) => still.has(b) || isFolded(b))) {
    const { why } = flowOf(use.writer, use.reader, use.buffer);
    if (why !== undefined) return { ...use, why };
  }
  return undefined;
}

/** Refuses a step that would break what a loop carries. */
export function keepCarried(
  before: Func,
  after: Func,
  primitive: string,
  replaced: ReadonlyMap<Buffer, Buffer> | undefined,
): void {
  const lost = lostFlow(before, after, replaced);
  if (!lost) return;
  const tree = treeOf(before);
  const ids = [lost.writer.node.id, lost.reader.node.id];
  refuse(before, {
    primitive,
    condition: 0,
    code: "carried",
    message: `${lost.buffer.name} is kept from one iteration of a loop to later ones, and then ${lost.why}: ${dependence(lost.writer, lost.reader, lost.buffer)}`,
    marks: ids.filter((id) => tree.blocks.has(id)),
    legal: [`${primitive} before ${lost.writer.node.id.name} is kept`, `${primitive} of other loops and blocks`],
  });
}
