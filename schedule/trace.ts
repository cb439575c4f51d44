/**
 * Traces: the primitives applied, as plain JSON. Loops and blocks are referred to by where they come from: `C` is the block C
 * the schedule began with, `C.i` its loop i, `@2.ii` the output ii of step 2.
 */

import { TilewrightError } from "../src/ir/index.ts";
import { badArgument, checkSchedule, describe } from "./arguments.ts";
import type { BlockHandle, Loop } from "./handles.ts";
import type { Factor } from "./primitives/split.ts";
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

/** A recorded step's arguments, read back: handles are looked up by reference. */
class Args {
  readonly #s: Schedule<unknown>;
  readonly #args: TraceStep["args"];
  constructor(s: Schedule<unknown>, args: TraceStep["args"]) {
    this.#s = s;
    this.#args = args;
  }
  get<T>(name: string): T {
    return this.#args[name] as T;
  }
  loop(): Loop {
    return this.#s.loopAt(this.get("loop"));
  }
  loops(): Loop[] {
    return this.get<readonly string[]>("loops").map((l) => this.#s.loopAt(l));
  }
  block(): BlockHandle {
    return this.#s.blockAt(this.get("block"));
  }
}
/** How a recorded step is done again. */
const REPLAY: Readonly<Record<string, (s: Schedule<unknown>, a: Args) => unknown>> = {
  split: (s, a) => s.split(a.loop(), a.get<Record<string, Factor>>("factors"), { tail: a.get("tail") }),
  fuse: (s, a) => s.fuseAs(a.get<string>("name"), ...a.loops()),
  reorder: (s, a) => s.reorder(...a.loops()),
  unroll: (s, a) => s.unroll(a.loop()),
  vectorize: (s, a) => s.vectorize(a.loop()),
  computeAt: (s, a) => s.computeAt(a.block(), a.loop()),
  reverseComputeAt: (s, a) => s.reverseComputeAt(a.block(), a.loop()),
  storeAt: (s, a) => s.storeAt(a.block(), a.loop()),
  computeInline: (s, a) => s.computeInline(a.block()),
  reverseComputeInline: (s, a) => s.reverseComputeInline(a.block()),
  cacheRead: (s, a) =>
    s.cacheRead(a.block(), a.get<string>("buffer"), a.get("scope"), { axes: a.get("axes"), order: a.get("order") }),
  cacheWrite: (s, a) => s.cacheWrite(a.block(), a.get("scope")),
  setScope: (s, a) => s.setScope(a.block(), a.get("scope")),
  decomposeReduction: (s, a) => s.decomposeReduction(a.block(), a.loop()),
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
