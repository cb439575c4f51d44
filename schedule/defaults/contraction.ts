/**
 * Matrix products, convolutions and everything of their shape: a register tile of rows x columns, accumulated over the whole
 * reduction, fed by a packed panel (reduction x columns) of the operand that runs along the columns.
 *
 * Tile sizes follow the fifteen vector registers that engines hand out: with a fused multiply-add 6 x 2 vectors of
 * accumulators, 2 of the panel and 1 broadcast fill them; without, the product needs one too, so the tile is 4 x 2.
 */
import { nativeLanes, type Target } from "../../src/target/index.ts";
import type { BlockHandle, Loop } from "../handles.ts";
import { unrollAndVectorize } from "../library/index.ts";
import { type Contraction, runsAlong, sizeOf } from "./analysis.ts";
import type { AnySchedule } from "./index.ts";

/** Rows that have to share a panel before copying it pays. */
const PACK_ROWS = 12;

export function scheduleContraction(
  s: AnySchedule,
  block: BlockHandle,
  c: Contraction,
  epilogue: BlockHandle | undefined,
  target: Target,
): void {
  const loops = new Map(s.loopList(block).map((l) => [l.name, l]));
  const loopOf = (i: { var: { name: string } }): Loop => loops.get(i.var.name.slice(1))!;
  const lanes = nativeLanes(c.stores[0]!.buffer.dtype);
  const columns = Math.min(2 * lanes, sizeOf(c.columns));
  const rows = c.rows ? tileRows(sizeOf(c.rows), target.contract && target.relaxed ? 6 : 4) : 1;

  const { jo, ji } = s.split(loopOf(c.columns), { jo: "rest", ji: columns });
  const tile: Loop[] = [ji];
  const outer: Loop[] = [];
  let io: Loop | undefined;
  if (c.rows && rows > 1) {
    const parts = s.split(loopOf(c.rows), { io: "rest", ii: rows });
    io = parts.io;
    tile.unshift(parts.ii);
  }
  // Outside the column loop: axes along which every panel changes anyway (batches). Inside: those that share a panel.
  const panelAxes = c.spatial.filter((i) => i !== c.columns && c.panels.some((p) => p.uses.has(i.var)));
  const sharing = c.spatial.filter((i) => i !== c.columns && i !== c.rows && !panelAxes.includes(i));
  outer.push(...panelAxes.filter((i) => i !== c.rows).map(loopOf), jo, ...sharing.map(loopOf));
  if (io) outer.push(io);
  else if (c.rows) outer.push(loopOf(c.rows));
  const reduction = c.reduction.map(loopOf);
  s.reorder(...outer, ...reduction, ...tile);
  const inner = outer.at(-1)!;

  const users = c.spatial.filter((i) => !panelAxes.includes(i) && i !== c.columns).reduce((n, i) => n * sizeOf(i), 1);
  for (const p of c.panels) {
    if (c.panels.some((q) => q !== p && q.buffer === p.buffer)) continue;
    const reused = c.spatial.some((i) => i !== c.columns && !p.uses.has(i.var));
    if (!reused || (users < PACK_ROWS && runsAlong(p, c.columns.var))) continue;
    const copy = s.cacheRead(block, p.buffer.name, "workspace");
    s.computeAt(copy, jo);
    const last = s.loopList(copy).at(-1);
    if (last && runsAlong(p, c.columns.var)) s.vectorize(last);
  }

  const out = epilogue ?? s.cacheWrite(block, "local").copy;
  if (epilogue) s.setScope(block, "local");
  s.reverseComputeAt(out, inner);
  const init = s.decomposeReduction(block, reduction[0]!);
  for (const b of [block, init, out]) unrollAndVectorize(s, b);
}

/** A tile that divides the extent where one of nearly the best size does. */
function tileRows(extent: number, best: number): number {
  if (extent <= best) return extent;
  for (let r = best; r >= best - 2; r--) if (extent % r === 0) return r;
  return best;
}
