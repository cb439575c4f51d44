/**
 * The schedule a tensor gets when nobody wrote one: chosen by the structure of the expression and by what the target has, built
 * from public primitives only, so that printing it teaches how to write one's own.
 *
 * In order: cheap element-wise stages are inlined; every reduction is tiled (a contraction gets a register tile and packed
 * panels, another reduction vector lanes along its output) and what only consumes it element by element becomes its
 * epilogue; the remaining element-wise stages are vectorized.
 */
import { type Block, type BlockId, blocksOf, visitStmt } from "../../src/ir/index.ts";
import type { Target } from "../../src/target/index.ts";
import { badArgument, checkSchedule, describe } from "../arguments.ts";
import type { BlockHandle } from "../handles.ts";
import { type AnySchedule, contractionOf, shapeOf } from "./analysis.ts";
import { scheduleContraction } from "./contraction.ts";
import { scheduleElementwise } from "./elementwise.ts";
import { epilogueOf, inlineStages } from "./fusion.ts";
import { scheduleReduction } from "./reduction.ts";
import { isScatter, scheduleScatter } from "./scatter.ts";

/**
 * Applies the default schedule for a target to a fresh schedule.
 *
 *     const s = schedule(C);
 *     defaultSchedule(s, wasm({ relaxed: true }));
 */
export function defaultSchedule(s: AnySchedule, target: Target): void {
  checkSchedule(s, "defaultSchedule");
  if (typeof target !== "object" || target === null)
    badArgument(s.func, "defaultSchedule", `expected a target, but was given ${describe(target)}`, ["wasm()"]);
  inlineStages(s);
  const done = new Set<BlockId>();
  for (const b of s.blocks()) {
    const block = blocksOf(s.func.body).find((x) => x.id === b.id);
    if (block === undefined || done.has(b.id)) continue;
    const shape = shapeOf(block);
    if (shape.reduction.length === 0) continue;
    if (isScatter(shape)) {
      s.attempt(() => scheduleScatter(s, b, shape));
      continue;
    }
    const epilogue = epilogueOf(s, block);
    if (epilogue) done.add(epilogue.id);
    done.add(b.id);
    const contraction = contractionOf(shape);
    // Where a recipe turns out to be illegal, the next simpler one is tried.
    if (!contraction || s.attempt(() => scheduleContraction(s, b, contraction, epilogue, target)))
      s.attempt(() => scheduleReduction(s, b, shape, epilogue));
  }
  for (const b of s.blocks()) {
    const block = blocksOf(s.func.body).find((x) => x.id === b.id);
    if (block !== undefined && !done.has(b.id) && isPlain(block) && isFresh(s, b))
      s.attempt(() => scheduleElementwise(s, b, shapeOf(block)));
  }
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
