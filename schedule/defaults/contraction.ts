/**
 * Matrix products, convolutions and everything of their shape: a register tile of rows x columns, accumulated over the whole
 * reduction, fed by a packed panel (reduction x columns) of the operand that runs along the columns. Axes that lie in memory as one are
 * one: the pixels of a 1x1 convolution are the rows of a matrix, whatever their number in a row of the image.
 */

import { type BlockIter, type Buffer, blocksOf, buffersIn, bytesOf, constInt } from "../../src/ir/index.ts";
import { nativeLanes, type Target } from "../../src/target/index.ts";
import type { BlockHandle, Loop } from "../handles.ts";
import { unrollAndVectorize } from "../library/index.ts";
import {
  type Access,
  type AnySchedule,
  type Contraction,
  fusable,
  runsAlong,
  shapeOf,
  sizeOf,
  strideIn,
} from "./analysis.ts";
import { type Axis, adjacent, axesInStep, fuseAxes, fuseReduction, splitAxis } from "./nests.ts";
import { registerTileFor, type Tile } from "./tile.ts";

/** Rows that have to share a panel before copying it pays. */
const PACK_ROWS = 12;
/** Bytes of rows from which they are gone through in blocks, and rows of a block. */
const HELD = 8 * 2 ** 20;
const BLOCK_ROWS = 384;

export function scheduleContraction(
  s: AnySchedule,
  block: BlockHandle,
  c: Contraction,
  epilogue: BlockHandle | undefined,
  target: Target,
  given?: Tile,
): void {
  const out = epilogue ?? s.cacheWrite(block, "local").copy;
  if (epilogue) s.setScope(block, "local");
  const plan = planOf(s, block, c, out);
  const lanes = nativeLanes(c.stores[0]!.buffer.dtype);
  const [rows, columns] = [plan.rows.reduce(times, 1), plan.columns.reduce(times, 1)];
  const steps = c.reduction.reduce((n, i) => n * sizeOf(i), 1);
  const tile = given ?? registerTileFor(target, rows, columns, steps, lanes);
  const height = Math.min(tile.rows, rows);
  const width = Math.min(tile.vectors * lanes, columns);

  const column = splitAxis(s, fuseAll(s, plan.columns), width);
  const row = plan.rows.length > 0 ? fuseAll(s, plan.rows) : undefined;
  const rowParts = row && height > 1 ? splitAxis(s, row, height) : undefined;
  const reduction = fuseReduction(s, block, c);
  // Outside the column loop: axes along which every panel changes anyway (batches). Inside: those that share a panel.
  const outer = [...plan.batches.map((d) => d.axis), column.outer, ...plan.sharing.map((d) => d.axis)];
  const together = rowParts && tilesInBlock(rows, columns / width, steps * bytesOf(c.stores[0]!.buffer.dtype), height);
  if (together) {
    const blocks = splitAxis(s, rowParts.outer, together);
    outer.splice(plan.batches.length, 0, blocks.outer);
    outer.push(blocks.inner);
  } else if (rowParts) outer.push(rowParts.outer);
  else if (row) outer.push(row);
  const inner = rowParts ? [rowParts.inner, column.inner] : [column.inner];
  s.reorder(...outer.map((a) => a[0]!), ...reduction, ...inner.map((a) => a[0]!));
  s.reorder(...outer.map((a) => a[1]!), ...inner.map((a) => a[1]!));

  const users = plan.sharing.reduce(times, rows);
  const fused = plan.columns.length > 1;
  for (const p of c.panels) packPanel(s, block, c, p, { width, users, fused, at: column.outer[0]! });
  if (columns >= 8 * width) for (const o of c.reads) orderRows(s, block, c, o);

  s.computeWith(out, outer.at(-1)![0]!);
  const init = s.decomposeReduction(block, reduction[0]!);
  for (const b of [block, init, out]) unrollAndVectorize(s, b);
}

/** Tiles of rows that go through all panels together, where the rows are more than caches and address translation hold: else every panel fetches all of them again. */
function tilesInBlock(rows: number, sweeps: number, rowBytes: number, tile: number): number | undefined {
  const tiles = Math.ceil(rows / tile);
  const blocks = Math.ceil(rows / BLOCK_ROWS);
  return rows * rowBytes > HELD && sweeps > 4 && blocks > 1 ? Math.ceil(tiles / blocks) : undefined;
}

/** A dimension of the result: the block's axis, and the loops of the nests that run over it. */
interface Dim {
  readonly iter: BlockIter;
  readonly axis: Axis;
}
interface Plan {
  /** In the order of memory; each list is one axis in every access. */
  readonly columns: readonly Dim[];
  readonly rows: readonly Dim[];
  /** Change every panel. */
  readonly batches: readonly Dim[];
  /** Change none. */
  readonly sharing: readonly Dim[];
}
const times = (n: number, d: Dim): number => n * sizeOf(d.iter);

function planOf(s: AnySchedule, block: BlockHandle, c: Contraction, out: BlockHandle): Plan {
  const target = c.stores[0]!.index;
  const axes = axesInStep(s, block, target, [out]);
  const iterOf = new Map(c.spatial.map((i) => [i.var, i]));
  const dims = target.map((e, d): Dim => ({ iter: iterOf.get(e as BlockIter["var"])!, axis: axes[d]! }));
  const consumer = blocksOf(s.func.body).find((b) => b.id === out.id)!;
  const [mine, theirs] = [c.accesses, shapeOf(consumer).accesses];
  const position = new Map(consumer.iters.map((i, d) => [d, i]));
  const one = (d: number): boolean =>
    constInt(dims[d + 1]!.iter.extent) !== undefined &&
    sizeOf(dims[d]!.iter) > 1 &&
    sizeOf(dims[d + 1]!.iter) > 1 &&
    fusable(mine, dims[d]!.iter, dims[d + 1]!.iter) &&
    fusable(theirs, position.get(d)!, position.get(d + 1)!) &&
    adjacent(s, [block, out], dims[d]!.axis, dims[d + 1]!.axis);
  const run = (i: BlockIter | undefined): readonly Dim[] => {
    const at = dims.findIndex((d) => d.iter === i);
    if (at < 0) return [];
    let [from, to] = [at, at + 1];
    while (from > 0 && one(from - 1)) from--;
    while (to < dims.length && one(to - 1)) to++;
    return dims.slice(from, to);
  };
  const [columns, rows] = [run(c.columns), run(c.rows)];
  const rest = dims.filter((d) => !columns.includes(d) && !rows.includes(d));
  const changes = (d: Dim): boolean => c.panels.some((p) => p.uses.has(d.iter.var));
  return { columns, rows, batches: rest.filter(changes), sharing: rest.filter((d) => !changes(d)) };
}
const fuseAll = (s: AnySchedule, dims: readonly Dim[]): Axis =>
  dims.slice(1).reduce((a, d) => fuseAxes(s, a, d.axis), dims[0]!.axis);

interface PanelUse {
  readonly width: number;
  /** Rows that share a panel. */
  readonly users: number;
  /** Columns are several axes in one, and a box around a tile of them would hold more than the tile. */
  readonly fused: boolean;
  /** Where a panel is copied. */
  readonly at: Loop;
}
/** Gives the reduction a copy of an operand in which the columns of a tile are neighbours. */
function packPanel(s: AnySchedule, block: BlockHandle, c: Contraction, p: Access, use: PanelUse): void {
  if (!isReadOnce(c, p)) return;
  if (isKnownAhead(s, p.buffer) && packAhead(s, block, p, c.columns, use.width)) return;
  const reused = c.spatial.some((i) => i !== c.columns && sizeOf(i) > 1 && !p.uses.has(i.var));
  if (!reused || ((use.users < PACK_ROWS || use.fused) && runsAlong(p, c.columns.var))) return;
  // A panel is stored along the columns, whatever the operand's own layout.
  const copy = s.cacheRead(block, p.buffer.name, "workspace");
  storeAlong(s, copy, p, c.columns);
  s.computeAt(copy, use.at);
  const lane = s.ownLoops(copy).find((l) => l.name === axisOf(c.columns, p)) ?? s.ownLoops(copy).at(-1);
  if (!lane) return;
  moveInside(s, copy, lane);
  s.vectorize(lane);
}

/** An operand of the rows that jumps through memory with every step of the reduction is put in order once. */
function orderRows(s: AnySchedule, block: BlockHandle, c: Contraction, o: Access): void {
  const last = c.reduction.at(-1)!;
  if (o.uses.has(c.columns.var) || !c.rows || !o.uses.has(c.rows.var)) return;
  if (!o.uses.has(last.var) || runsAlong(o, last.var) || !isReadOnce(c, o) || !plain(o)) return;
  const copy = s.cacheRead(block, o.buffer.name, "workspace");
  storeAlong(s, copy, o, last);
  const own = s.ownLoops(copy);
  const row = own.at(-1)!;
  if (own.length !== o.index.length) return;
  const { po, pi } = s.split(row, { po: "rest", pi: 16 });
  s.reorder(po, ...own.slice(0, -1), pi);
  s.vectorize(pi);
}

/** Whether the block reads the buffer in one place, so that one copy serves. */
const isReadOnce = (c: Contraction, a: Access): boolean => c.reads.every((r) => r === a || r.buffer !== a.buffer);
/** Every index is an axis by itself. */
const plain = (a: Access): boolean => a.index.every((i) => i.kind === "var");

/** A constant, or what was computed from constants ahead of time. */
const isKnownAhead = (s: AnySchedule, b: Buffer): boolean =>
  b.constant || blocksOf(s.func.body).some((x) => x.annotations?.prepared === true && buffersIn(x).writes.has(b));

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
