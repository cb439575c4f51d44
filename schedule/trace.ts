/**
 * Traces: the primitives applied, as plain JSON. Loops and blocks are referred to by where they come from: `C` is the block C
 * the schedule began with, `C.i` its loop i, `@2.ii` the output ii of step 2 (the first step is 0).
 */
import { TilewrightError } from "../src/ir/index.ts";
import { badArgument, checkOptions, checkSchedule, describe, short } from "./arguments.ts";
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
import { Args, argsFault, checkTrace, type Replay } from "./replay.ts";
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
 * Throws ScheduleError naming the step where one is malformed, illegal or refers to something that isn't there; the schedule is
 * then as it was before the first.
 */
export function replay<X>(trace: Trace, s: Schedule<X>, options: ReplayOptions = {}): Schedule<X> {
  checkSchedule(s, "replay");
  checkOptions(s.func, "replay", options, ["onStep"]);
  const { onStep } = options;
  if (onStep !== undefined && typeof onStep !== "function")
    badArgument(s.func, "replay", `onStep is ${describe(onStep)}, not a function`, [
      "{ onStep: (step, n) => { ... } }",
    ]);
  checkTrace("replay", trace);
  for (const n of trace.keys()) checkArgs(trace, n);
  const any = s as unknown as Schedule<unknown>;
  // a schedule may have steps already, so references to steps of the trace are shifted
  const at: number[] = [];
  const failed = s.attempt(() =>
    undecided(any, () => {
      for (const [n, step] of trace.entries()) {
        at.push(s.trace.length);
        redo(any, trace, n, shifted(step.args, at) as TraceStep["args"]);
        onStep?.(step, n);
      }
    }),
  );
  if (failed === undefined) return s;
  Error.captureStackTrace?.(failed, replay);
  throw failed;
}
/** How messages call a step. */
const titleOf = (trace: Trace, n: number): string => `step ${n} (${short(formatSteps(trace.slice(0, n + 1))[n]!)})`;

function checkArgs(trace: Trace, n: number): void {
  const { primitive, args } = trace[n]!;
  const bad = (who: string, message: string, legal: readonly string[]): never => {
    throw new ScheduleError(undefined, {
      primitive: who,
      condition: 0,
      code: "argument",
      message,
      legal,
      during: titleOf(trace, n),
    });
  };
  if (!Object.hasOwn(REPLAY, primitive)) return bad("replay", unknownPrimitive(primitive), Object.keys(REPLAY));
  const recorded = REPLAY[primitive]!;
  const fault = argsFault(args, recorded);
  if (fault !== undefined) bad(primitive, fault, Object.keys(recorded.args));
}
function redo(s: Schedule<unknown>, trace: Trace, n: number, args: TraceStep["args"]): void {
  const { primitive } = trace[n]!;
  try {
    REPLAY[primitive]!.again(s, new Args(s, { primitive, args }));
  } catch (e) {
    const during = titleOf(trace, n);
    if (e instanceof ScheduleError) throw e.during(during);
    // what a trace can't mean is the trace's mistake; anything else is one of this package
    const code = e instanceof TilewrightError ? "argument" : "failed";
    const message = e instanceof Error ? e.message : describe(e);
    throw new ScheduleError(s.func, { primitive, condition: 0, code, message, during, cause: e });
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
