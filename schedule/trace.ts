/**
 * Traces: the primitives applied, as plain JSON. Loops and blocks are referred to by where they come from: `C` is the block C
 * the schedule began with, `C.i` its loop i, `@2.ii` the output ii of step 2 (the first step is 0).
 */
import { badArgument, checkOptions, checkSchedule, describe, isRecord } from "./arguments.ts";
import { undecided } from "./choices.ts";
import { ScheduleError } from "./error.ts";
import { blockReplay } from "./methods/blocks.ts";
import { branchReplay } from "./methods/branches.ts";
import { bufferReplay } from "./methods/buffers.ts";
import { choiceReplay } from "./methods/choices.ts";
import { layoutReplay } from "./methods/layouts.ts";
import { loopReplay } from "./methods/loops.ts";
import { moveReplay } from "./methods/moves.ts";
import { reductionReplay } from "./methods/reductions.ts";
import { Args, type Replay } from "./replay.ts";
import type { Schedule } from "./schedule.ts";
import { formatSteps, unknownPrimitive } from "./trace-text.ts";

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
  ...layoutReplay,
  ...reductionReplay,
  ...branchReplay,
  ...blockReplay,
  ...choiceReplay,
};

export interface ReplayOptions {
  /** Called after each step. */
  readonly onStep?: (step: TraceStep, n: number) => void;
}
/**
 * Applies the steps of a trace to a schedule of the same program (tensors of the same names and axes, other shapes wherever the
 * steps are legal there).
 *
 *     const again = replay(s.trace, schedule(C));
 *
 * Throws ScheduleError naming the step where one is illegal or refers to something that isn't there; the schedule is then as it
 * was before the first.
 */
export function replay<X>(trace: Trace, s: Schedule<X>, options: ReplayOptions = {}): Schedule<X> {
  checkSchedule(s, "replay");
  checkOptions(s.func, "replay", options, ["onStep"]);
  if (!Array.isArray(trace) || !trace.every(isStep))
    badArgument(s.func, "replay", `expected a list of steps, but was given ${describe(trace)}`, ["schedule.trace"]);
  const any = s as unknown as Schedule<unknown>;
  // a schedule may have steps already, so references to steps of the trace are shifted
  const at: number[] = [];
  const failed = s.attempt(() =>
    undecided(any, () => {
      for (const [n, step] of (trace as Trace).entries()) {
        at.push(s.trace.length);
        redo(any, trace, n, shifted(step.args, at) as TraceStep["args"]);
        options.onStep?.(step, n);
      }
    }),
  );
  if (failed === undefined) return s;
  Error.captureStackTrace?.(failed, replay);
  throw failed;
}
const isStep = (x: unknown): boolean =>
  isRecord(x) && typeof x.primitive === "string" && isRecord(x.args) && Array.isArray(x.results);

function redo(s: Schedule<unknown>, trace: Trace, n: number, args: TraceStep["args"]): void {
  const step = trace[n]!;
  const run = Object.hasOwn(REPLAY, step.primitive) ? REPLAY[step.primitive] : undefined;
  try {
    if (!run) badArgument(s.func, "replay", unknownPrimitive(step.primitive), Object.keys(REPLAY));
    run(s, new Args(s, { primitive: step.primitive, args }));
  } catch (e) {
    throw e instanceof ScheduleError ? e.during(`step ${n} (${formatSteps(trace.slice(0, n + 1))[n]})`) : e;
  }
}
/** References to results of a trace's steps, where those steps have other numbers now. */
function shifted(x: Json, at: readonly number[]): Json {
  if (typeof x === "string") {
    const ref = /^@(\d+)(\..*)$/s.exec(x);
    const now = ref ? at[Number(ref[1])] : undefined;
    return now === undefined ? x : `@${now}${ref![2]}`;
  }
  if (Array.isArray(x)) return (x as readonly Json[]).map((y) => shifted(y, at));
  if (typeof x !== "object" || x === null) return x;
  return Object.fromEntries(Object.entries(x).map(([k, v]) => [k, shifted(v, at)]));
}
