/**
 * Matrix products, convolutions and everything of their shape: a register tile of rows x columns, accumulated over the whole
 * reduction, fed by a packed panel (reduction x columns) of the operand that runs along the columns.
 *
 * Tile sizes follow the fifteen vector registers that engines hand out: with a fused multiply-add 6 x 2 vectors of
 * accumulators, 2 of the panel and 1 broadcast fill them; without, the product needs one too, so the tile is 4 x 2.
 */

import type { BlockIter } from "../../src/ir/index.ts";
import { nativeLanes, type Target } from "../../src/target/index.ts";
import type { BlockHandle, Loop } from "../handles.ts";
import { unrollAndVectorize } from "../library/index.ts";
import { type Access, type AnySchedule, type Contraction, runsAlong, sizeOf, strideIn } from "./analysis.ts";

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
    if (!isReadOnce(c, p)) continue;
    if (p.buffer.constant && packAhead(s, block, p, c.columns, columns)) continue;
    const reused = c.spatial.some((i) => i !== c.columns && !p.uses.has(i.var));
    const dense = runsAlong(p, c.columns.var);
    if (!reused || (users < PACK_ROWS && dense)) continue;
    // A panel is stored along the columns, whatever the operand's own layout.
    const copy = s.cacheRead(block, p.buffer.name, "workspace");
    storeAlong(s, copy, p, c.columns);
    s.computeAt(copy, jo);
    const lane = s.ownLoops(copy).find((l) => l.name === axisOf(c.columns, p)) ?? s.ownLoops(copy).at(-1);
    if (!lane) continue;
    moveInside(s, copy, lane);
    s.vectorize(lane);
  }
  // Operands of the rows that jump through memory with every step of the reduction are put in order once.
  const last = c.reduction.at(-1)!;
  for (const o of c.reads.filter((r) => !r.uses.has(c.columns.var) && c.rows && r.uses.has(c.rows.var))) {
    const columnsLong = sizeOf(c.columns) >= 8 * columns;
    if (!columnsLong || !o.uses.has(last.var) || runsAlong(o, last.var) || !isReadOnce(c, o) || !plain(o)) continue;
    const copy = s.cacheRead(block, o.buffer.name, "workspace");
    storeAlong(s, copy, o, last);
    const own = s.ownLoops(copy);
    const row = own.at(-1)!;
    if (own.length !== o.index.length) continue;
    const { po, pi } = s.split(row, { po: "rest", pi: 16 });
    s.reorder(po, ...own.slice(0, -1), pi);
    s.vectorize(pi);
  }

  const out = epilogue ?? s.cacheWrite(block, "local").copy;
  if (epilogue) s.setScope(block, "local");
  s.reverseComputeAt(out, inner);
  const init = s.decomposeReduction(block, reduction[0]!);
  for (const b of [block, init, out]) unrollAndVectorize(s, b);
}

/** Whether the block reads the buffer in one place, so that one copy serves. */
const isReadOnce = (c: Contraction, a: Access): boolean => c.reads.every((r) => r === a || r.buffer !== a.buffer);
/** Every index is an axis by itself. */
const plain = (a: Access): boolean => a.index.every((i) => i.kind === "var");

/** A constant operand as panels of `n` columns, each contiguous: made once for all calls, so whatever it costs. */
function packAhead(s: AnySchedule, block: BlockHandle, a: Access, axis: BlockIter, n: number): boolean {
  const d = a.index.findIndex((i) => strideIn(i, axis.var) === 1);
  if (d < 0) return false;
  const illegal = s.attempt(() => {
    const copy = s.cacheRead(block, a.buffer.name, "workspace");
    const column = s.loopList(copy)[d]!;
    s.transformLayout(copy, (...x) => [x[d]!.div(n), ...x.filter((_, i) => i !== d), x[d]!.mod(n)], { pad: 0 });
    const { po, pi } = s.split(column, { po: "rest", pi: n });
    moveInside(s, copy, pi);
    s.vectorize(pi);
    void po;
    s.prepare(copy);
  });
  return illegal === undefined;
}

/** Lays out a copy of an operand so that an axis runs along memory. */
function storeAlong(s: AnySchedule, copy: BlockHandle, a: Access, axis: BlockIter): void {
  const d = a.index.findIndex((i) => strideIn(i, axis.var) === 1);
  if (d >= 0 && d < a.index.length - 1)
    s.transformLayout(copy, (...index) => [...index.filter((_, x) => x !== d), index[d]!]);
}
/** The name of the copy's loop over the dimension that an axis runs through. */
function axisOf(axis: BlockIter, a: Access): string {
  const d = a.index.findIndex((i) => strideIn(i, axis.var) === 1);
  const i = a.index[d];
  return i?.kind === "var" ? i.name.slice(1) : `ax${d}`;
}
function moveInside(s: AnySchedule, block: BlockHandle, loop: Loop): void {
  const own = s.ownLoops(block);
  const at = own.indexOf(loop);
  if (at < own.length - 1) s.reorder(...own.slice(at + 1), loop);
}

/** A tile that divides the extent where one of nearly the best size does. */
function tileRows(extent: number, best: number): number {
  if (extent <= best) return extent;
  for (let r = best; r >= best - 2; r--) if (extent % r === 0) return r;
  return best;
}
