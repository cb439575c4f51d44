import { checkOptions, checkSchedule } from "../arguments.ts";
import type { BlockLike, Loop, Schedule } from "../index.ts";

export interface WindowOptions {
  /** The loop in whose body the window lies (it restarts for each iteration of that), or `root`. Default: the next one outside of `loop`. */
  readonly storeAt?: Loop | "root";
  /** Indices that are kept; the fewest possible when absent. */
  readonly factor?: number;
}

/**
 * Computes a block in a loop of its consumers, what is new in each iteration only, and keeps as much of it as is needed at one
 * time. In a chain of stages begin with the last but one, and go backwards.
 *
 *     slidingWindow(s, bx, y);                                       // three rows of bx, each computed once
 *     for (const t of stages.toReversed()) slidingWindow(s, t, y);   // all stages in one loop over rows
 *
 * Throws ScheduleError as computeAt, storeAt and foldStorage do, with nothing done then.
 */
export function slidingWindow<X>(s: Schedule<X>, block: BlockLike, loop: Loop, options: WindowOptions = {}): void {
  checkSchedule(s, "slidingWindow");
  checkOptions(s.func, "slidingWindow", options, ["storeAt", "factor"]);
  const { storeAt, factor } = options;
  const illegal = s.attempt(() => {
    s.computeAt(block, loop);
    if (storeAt !== undefined) s.storeAt(block, storeAt);
    s.foldStorage(block, loop, factor === undefined ? {} : { factor });
  });
  if (illegal) throw illegal;
}
