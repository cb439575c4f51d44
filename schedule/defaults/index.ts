/**
 * The schedule a tensor gets when nobody wrote one: chosen by the structure of the expression and by what the target has, built
 * from public primitives only, so that printing it teaches how to write one's own.
 *
 * In order: cheap element-wise stages are inlined; every reduction is tiled (a contraction gets a register tile and packed
 * panels, another reduction vector lanes along its output) and what only consumes it element by element becomes its
 * epilogue; the remaining element-wise stages are vectorized.
 */
import { type Block, type BlockId, blocksOf, visitStmt } from "../../src/ir/index.ts";
import { type Target, targetFault } from "../../src/target/index.ts";
import { badArgument, checkOptions, checkSchedule, describe, isRecord } from "../arguments.ts";
import { type BlockHandle, blockHandle } from "../handles.ts";
import { type AnySchedule, type BlockShape, contractionOf, shapeOf } from "./analysis.ts";
import { casesOf, scheduleCases } from "./cases.ts";
import { scheduleContraction } from "./contraction.ts";
import { scheduleElementwise, transposedAxis } from "./elementwise.ts";
import { consumersOf, epilogueOf, inlineStages, keepRows } from "./fusion.ts";
import { lanewiseAxis, scheduleLanewise, scheduleReduction } from "./reduction.ts";
import { scheduleTurnedScan } from "./scan.ts";
import { isScatter, scheduleScatter } from "./scatter.ts";
import { scheduleStreaming, streamOf } from "./stream.ts";
import type { Tile } from "./tile.ts";
import { scheduleWindow, windowAxis } from "./window.ts";

export type { Tile };

export interface DefaultOptions {
  /**
   * What a step of a reduction works on: rows x vectors of columns for contractions, neighbouring windows x vectors of channels for windows.
   * Left out, an account of cycles and registers chooses it for each reduction. More than the registers hold is slow, not wrong.
   */
  readonly tile?: Tile;
}

/**
 * Applies the default schedule for a target. With a tile of one's own, the rest is chosen as ever. Blocks whose loops were split or fused before
 * stay as they are, and so does a reduction that one of them finishes.
 *
 *     const s = schedule(C);
 *     defaultSchedule(s, wasm({ relaxed: true }), { tile: { rows: 5, vectors: 2 } });
 *
 * Throws ScheduleError for what is no schedule, target or tile (whole numbers from 1 to 64).
 */
export function defaultSchedule(s: AnySchedule, target: Target, options: DefaultOptions = {}): void {
  checkSchedule(s, "defaultSchedule");
  const fault = targetFault(target);
  if (fault !== undefined) badArgument(s.func, "defaultSchedule", fault, ["wasm()"]);
  checkOptions(s.func, "defaultSchedule", options, ["tile"]);
  const { tile } = options;
  checkTile(s, tile);
  const done = new Set<BlockId>(s.blocks().flatMap((b) => (isUntouched(s, b) ? [] : [b.id])));
  prepareStages(s);
  inlineStages(s, done);
  writeOutCases(s, done);
  keepRows(s, done);
  for (const b of s.blocks()) {
    const block = blocksOf(s.func.body).find((x) => x.id === b.id);
    if (block === undefined || done.has(b.id)) continue;
    const shape = shapeOf(block);
    if (shape.reduction.length === 0) continue;
    const epilogue = epilogueOf(s, block);
    // it would have to change with the reduction
    if (epilogue && done.has(epilogue.id)) continue;
    // Where a recipe turns out to be illegal, the next simpler one is tried.
    for (const recipe of recipesFor(s, b, shape, { epilogue, target, tile })) {
      if (s.attempt(recipe.run)) continue;
      done.add(b.id);
      if (recipe.also) done.add(recipe.also.id);
      break;
    }
  }
  turnScans(s, done);
  for (const b of s.blocks()) {
    const block = blocksOf(s.func.body).find((x) => x.id === b.id);
    if (block !== undefined && !done.has(b.id) && isPlain(block) && isFresh(s, b))
      s.attempt(() => scheduleElementwise(s, b, shapeOf(block)));
  }
}

/** Whether each axis of a block is still a loop by itself. What was split or fused before keeps the loops that it was given. */
function isUntouched(s: AnySchedule, b: BlockHandle): boolean {
  const loops = new Set(s.loopList(b).map((l) => l.var));
  return blocksOf(s.func.body)
    .find((x) => x.id === b.id)!
    .iters.every((i) => i.binding.kind === "var" && loops.has(i.binding));
}

const MOST = 64;
function checkTile(s: AnySchedule, tile: unknown): void {
  if (tile === undefined) return;
  const keys = ["rows", "vectors"] as const;
  if (!isRecord(tile)) badArgument(s.func, "defaultSchedule", `tile is ${describe(tile)}`, ["{ rows: 5, vectors: 2 }"]);
  checkOptions(s.func, "defaultSchedule: tile", tile, keys);
  for (const k of keys) {
    const n = tile[k];
    if (typeof n !== "number" || !Number.isInteger(n) || n < 1 || n > MOST)
      badArgument(s.func, "defaultSchedule", `tile.${k} is ${describe(n)}`, [`a whole number from 1 to ${MOST}`]);
  }
}

/** What depends on constants alone is computed ahead of time. */
function prepareStages(s: AnySchedule): void {
  for (const b of s.blocks()) s.attempt(() => s.prepare(b));
}

/** Stages of cases, consumers first: those that feed one are computed in it. */
function writeOutCases(s: AnySchedule, done: Set<BlockId>): void {
  for (const b of [...s.blocks()].reverse()) {
    const block = blocksOf(s.func.body).find((x) => x.id === b.id);
    if (block === undefined || done.has(b.id) || block.iters.some((i) => i.kind !== "spatial")) continue;
    const kinds = casesOf(block);
    if (kinds.length > 0)
      s.attempt(() => {
        for (const id of scheduleCases(s, b, kinds)) done.add(id);
      });
  }
}

/** Scans that one stage reads turned. */
function turnScans(s: AnySchedule, done: Set<BlockId>): void {
  for (const b of s.blocks()) {
    const block = blocksOf(s.func.body).find((x) => x.id === b.id)!;
    if (done.has(b.id) || !block.iters.some((i) => i.kind === "ordered")) continue;
    const { blocks } = consumersOf(s, block);
    const consumer = blocks[0];
    if (blocks.length !== 1 || consumer === undefined || done.has(consumer.id) || !isPlain(consumer)) continue;
    const [reader, shape] = [blockHandle(consumer.id), shapeOf(consumer)];
    if (shape.along === undefined || transposedAxis(shape, shape.along) === undefined) continue;
    if (s.attempt(() => scheduleTurnedScan(s, b, reader, shape))) continue;
    done.add(b.id).add(consumer.id);
  }
}

interface Recipe {
  readonly run: () => void;
  /** What consumes the reduction, and is scheduled with it. */
  readonly also?: BlockHandle | undefined;
}
interface Given {
  readonly epilogue: BlockHandle | undefined;
  readonly target: Target;
  readonly tile: Tile | undefined;
}
/** What a reduction may be scheduled as, best first. */
function recipesFor(s: AnySchedule, b: BlockHandle, shape: BlockShape, { epilogue, target, tile }: Given): Recipe[] {
  if (isScatter(shape)) return [{ run: () => scheduleScatter(s, b, shape) }];
  const own = s.ownLoops(b).length === s.loopList(b).length;
  const c = own ? contractionOf(shape) : undefined;
  const stream = own ? streamOf(shape) : undefined;
  const slide = own ? windowAxis(shape) : undefined;
  const lanes = lanewiseAxis(shape);
  const list: (Recipe | undefined)[] = [
    lanes && !c?.rows ? { run: () => scheduleLanewise(s, b, shape, lanes) } : undefined,
    stream && { run: () => scheduleStreaming(s, b, shape, stream) },
    c && { run: () => scheduleContraction(s, b, c, epilogue, target, tile), also: epilogue },
    slide && { run: () => scheduleWindow(s, b, shape, slide, epilogue, tile), also: epilogue },
    { run: () => scheduleReduction(s, b, shape, epilogue), also: epilogue },
  ];
  return list.filter((r) => r !== undefined);
}

/** Neither a reduction nor a body with branches of its own, which lanes would take one by one. */
function isPlain(block: Block): boolean {
  let branches = false;
  visitStmt(block.body, (x) => {
    if (x.kind === "if") branches = true;
  });
  return !branches && shapeOf(block).reduction.length === 0;
}
/** Blocks that a recipe made (copies, inits) are scheduled by it. */
const isFresh = (s: AnySchedule, b: BlockHandle): boolean => s.refOf(b)?.startsWith("@") !== true;
