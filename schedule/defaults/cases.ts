/**
 * Stages that say something else for each of a few positions: transforms of small tiles, written as one expression per row. The positions
 * are written out, so that each says its own thing only and all share what they load; a stage that feeds them alone is kept in registers.
 */
import {
  type Block,
  type BlockId,
  type BlockIter,
  blocksOf,
  buffersIn,
  constInt,
  type Expr,
  visitExpr,
  visitExprsIn,
} from "../../src/ir/index.ts";
import { nativeLanes } from "../../src/target/index.ts";
import type { BlockHandle, Loop } from "../handles.ts";
import { unrollAndVectorize } from "../library/index.ts";
import { type AnySchedule, shapeOf, sizeOf } from "./analysis.ts";
import { splitAxis } from "./nests.ts";

/** Positions that may be written out along one axis. */
const FEW = 8;

/** What is special about an axis: it is one of a few positions, or counts in groups of a few, or steps through rows of something. */
interface Kind {
  readonly iter: BlockIter;
  /** The whole axis decides. */
  readonly few: boolean;
  /** Positions within groups of so many decide. */
  readonly modulo?: number;
  /** Rows of so many. */
  readonly rows?: number;
}

/** The axes of a stage on whose position a `where` decides what it is. */
export function casesOf(block: Block): readonly Kind[] {
  const decisive = new Set<Expr>();
  visitExprsIn(block.body, (e) => {
    if (e.kind === "op" && e.op === "where") visitExpr(e.args[0]!, (x) => void decisive.add(x));
  });
  const kinds = block.iters.map((iter): Kind => {
    let modulo: number | undefined;
    let rows: number | undefined;
    visitExprsIn(block.body, (e) => {
      if (e.kind !== "op" || (e.op !== "floormod" && e.op !== "floordiv") || e.args[0] !== iter.var) return;
      const n = constInt(e.args[1]!);
      if (n === undefined || n < 2) return;
      if (n > FEW) rows = n;
      else if (e.op === "floormod") modulo = n;
    });
    const few = isFew(iter) && comparedAlone(block, iter);
    return { iter, few, ...(modulo === undefined ? {} : { modulo }), ...(rows === undefined ? {} : { rows }) };
  });
  const decides = (k: Kind): boolean => k.few || (k.modulo !== undefined && groupsDecide(decisive, k.iter));
  return kinds.some(decides) ? kinds : [];
}
const isFew = (i: BlockIter): boolean => (constInt(i.extent) ?? Infinity) <= FEW && sizeOf(i) > 1;
/** Whether a condition compares the axis with a number. */
function comparedAlone(block: Block, iter: BlockIter): boolean {
  let found = false;
  visitExprsIn(block.body, (e) => {
    if (e.kind !== "op" || e.op !== "where") return;
    visitExpr(e.args[0]!, (x) => {
      if (x.kind === "op" && x.op === "eq" && x.args[0] === iter.var && constInt(x.args[1]!) !== undefined)
        found = true;
    });
  });
  return found;
}
const groupsDecide = (conditions: ReadonlySet<Expr>, iter: BlockIter): boolean =>
  [...conditions].some(
    (e) => e.kind === "op" && e.op === "floormod" && e.args[0] === iter.var && constInt(e.args[1]!) !== undefined,
  );

/** Schedules a stage of cases and those that feed it alone; returns all of them. */
export function scheduleCases(s: AnySchedule, b: BlockHandle, kinds: readonly Kind[]): BlockId[] {
  const block = blockOf(s, b);
  const loopOf = (i: BlockIter): Loop => s.loopList(b).find((l) => l.var === i.binding)!;
  const shape = shapeOf(block);
  const along = shape.along;
  const outer: Loop[] = [];
  const cases: Loop[] = [];
  const lanes: Loop[] = [];
  const width = nativeLanes(shape.stores[0]!.buffer.dtype);
  const feeders = feeding(s, block);
  for (const k of kinds) {
    const loop = loopOf(k.iter);
    const rows = k.rows ?? rowsOf(s, feeders, block, k.iter);
    if (k.iter === along && !k.few && k.modulo === undefined) {
      const { lo, li } = s.split(loop, { lo: "rest", li: Math.min(width, sizeOf(along)) });
      outer.push(lo);
      lanes.push(li);
    } else if (k.few || (feeders.length > 0 && k.iter !== along && isFew(k.iter))) cases.push(loop);
    else if (k.modulo !== undefined) {
      const parts = splitAxis(s, [loop], k.modulo);
      outer.push(...parts.outer);
      cases.push(...parts.inner);
    } else if (rows !== undefined && sizeOf(k.iter) % rows === 0) {
      const parts = splitAxis(s, [loop], rows);
      outer.push(...parts.outer, ...parts.inner);
    } else outer.push(loop);
  }
  // the lanes' outer loop is the innermost of those that stay
  const inner = outer.find((l) => l.name === "lo") ?? outer.at(-1)!;
  s.reorder(...outer.filter((l) => l !== inner), inner, ...cases, ...lanes);
  const moved: BlockId[] = [];
  for (const p of feeders) {
    if (s.attempt(() => s.computeAt(p, inner))) continue;
    moved.push(p.id);
    s.setScope(p, "local");
    unrollAndVectorize(s, p, { budget: FEW * FEW });
  }
  for (const l of lanes) s.vectorize(l);
  for (const l of cases.toReversed()) s.unroll(l);
  return [b.id, ...moved];
}

const blockOf = (s: AnySchedule, b: BlockHandle): Block => blocksOf(s.func.body).find((x) => x.id === b.id)!;

/** The rows that an axis steps through in a stage that is read at it. */
function rowsOf(s: AnySchedule, feeders: readonly BlockHandle[], block: Block, iter: BlockIter): number | undefined {
  for (const f of feeders) {
    const p = blockOf(s, f);
    const { writes } = buffersIn(p);
    for (const r of shapeOf(block).reads.filter((x) => writes.has(x.buffer)))
      for (const [d, e] of r.index.entries()) {
        const found = e === iter.var && casesOf(p).find((k) => k.iter === p.iters[d])?.rows;
        if (found) return found;
      }
  }
  return undefined;
}

/** Stages of cases, or of few positions, that this one alone reads. */
function feeding(s: AnySchedule, block: Block): BlockHandle[] {
  const { reads } = buffersIn(block);
  const all = blocksOf(s.func.body);
  return s.blocks().filter((h) => {
    const p = all.find((x) => x.id === h.id)!;
    const { writes } = buffersIn(p);
    if (p.annotations?.prepared === true) return false;
    const alone = all.every((x) => x === block || x === p || ![...buffersIn(x).reads].some((w) => writes.has(w)));
    const mine = [...writes].every((w) => reads.has(w) && !s.func.outputs.includes(w));
    return p !== block && alone && mine && p.iters.every((i) => i.kind === "spatial") && casesOf(p).length > 0;
  });
}
