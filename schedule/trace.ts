/**
 * Traces: the primitives applied, as plain JSON. Loops and blocks are referred to by where they come from: `C` is the block C
 * the schedule began with, `C.i` its loop i, `@2.ii` the output ii of step 2.
 */

import { TilewrightError } from "../src/ir/index.ts";
import { badArgument, checkSchedule, describe } from "./arguments.ts";
import { blockReplay } from "./methods/blocks.ts";
import { branchReplay } from "./methods/branches.ts";
import { bufferReplay } from "./methods/buffers.ts";
import { loopReplay } from "./methods/loops.ts";
import { moveReplay } from "./methods/moves.ts";
import { reductionReplay } from "./methods/reductions.ts";
import { Args, type Replay } from "./replay.ts";
import type { Schedule } from "./schedule.ts";

export type Json = string | number | boolean | null | readonly Json[] | { readonly [k: string]: Json };
export interface TraceStep {
  readonly primitive: string;
  readonly args: { readonly [k: string]: Json };
  /** Names of the loops and blocks it made. */
  readonly results: readonly string[];
  /** It changed the order of a float reduction: results may differ by rounding. */
  readonly reassociates?: boolean;
}
export type Trace = readonly TraceStep[];

const REPLAY: Replay = {
  ...loopReplay,
  ...moveReplay,
  ...bufferReplay,
  ...reductionReplay,
  ...branchReplay,
  ...blockReplay,
};

/**
 * Applies the steps of a trace to a schedule of the same program (tensors of the same names and axes).
 *
 *     const again = replay(s.trace, schedule(C));
 *
 * Throws ScheduleError where a step is illegal, and for a reference to something that isn't there.
 */
export function replay<X>(trace: Trace, s: Schedule<X>): Schedule<X> {
  checkSchedule(s, "replay");
  if (!Array.isArray(trace))
    badArgument(s.func, "replay", `expected a list of steps, but was given ${describe(trace)}`);
  for (const step of trace as Trace) {
    const f = REPLAY[step.primitive];
    if (!f)
      throw new TilewrightError(
        "schedule.trace",
        `a trace names the primitive "${step.primitive}", which does not exist`,
      );
    f(s as Schedule<unknown>, new Args(s as Schedule<unknown>, step.args));
  }
  return s;
}
