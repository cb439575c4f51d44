/**
 * Random schedules from plain data. Each step names a primitive and gives numbers that pick its arguments among what is there.
 * Most of the time they are picked among those that look legal, sometimes among all: an illegal step must throw ScheduleError
 * and change nothing.
 */
import { ScheduleError } from "../../../schedule/index.ts";
import { blocks } from "./blocks.ts";
import { branches } from "./branches.ts";
import { buffers } from "./buffers.ts";
import { choices } from "./choices.ts";
import { layouts } from "./layouts.ts";
import { loops } from "./loops.ts";
import { moves } from "./moves.ts";
import { reductions } from "./reductions.ts";
import {
  type AnySchedule,
  type Choice,
  pick,
  type Run,
  type Site,
  type Step,
  type StepSpec,
  type Tally,
  viewOf,
} from "./view.ts";
import { windows } from "./windows.ts";

export type { StepSpec, Tally } from "./view.ts";

const STEPS: Readonly<Record<string, Step>> = {
  ...loops,
  ...moves,
  ...buffers,
  ...layouts,
  ...reductions,
  ...branches,
  ...blocks,
  ...windows,
  ...choices,
};
export const PRIMITIVES = Object.keys(STEPS);
/** What has to come first where there is no place for a primitive yet. */
const INSTEAD: Readonly<Record<string, string>> = {
  storeAt: "computeAt",
  setScope: "cacheRead",
  fuse: "split",
  prepare: "cacheRead",
  pad: "cacheRead",
  transformLayout: "cacheRead",
  storageAlign: "cacheRead",
  computeRoot: "computeAt",
  foldStorage: "slidingWindow",
  doubleBuffer: "computeAt",
};
/** Steps worth trying more often: they open the way for others, or are rarely possible. */
const DRAW = [
  ...PRIMITIVES,
  ...["split", "split", "computeAt", "computeAt", "reverseComputeAt", "reverseComputeAt", "vectorize", "vectorize"],
  ...[
    "reorder",
    "decomposeReduction",
    "decomposeReduction",
    "storeAt",
    "storeAt",
    "reverseComputeInline",
    "reverseComputeInline",
  ],
  ...["pad", "pad", "parallel"],
  ...["specialize", "partition"],
  ...["tensorize", "tensorize", "tensorize", "tensorize"],
  ...["foldStorage", "foldStorage", "slidingWindow", "slidingWindow", "doubleBuffer"],
  ...["rfactor", "rfactor", "vectorizeReduction", "computeRoot", "computeWith", "computeWith"],
];

/** Applies the steps; what was refused is counted, and anything but a clean ScheduleError is thrown. */
export function applySteps(s: AnySchedule, steps: readonly StepSpec[], tally?: Tally): void {
  for (const x of steps) {
    const v = viewOf(s);
    const plausible = (x.a + x.b + x.c) % 8 !== 0;
    const block = (looksRight: (y: Site) => boolean): Site | undefined =>
      pick(plausible ? v.sites.filter(looksRight) : v.sites, x.a);
    const choice: Choice = { v, x, plausible, block };
    const wanted = DRAW[x.primitive % DRAW.length]!;
    let name = wanted;
    let run = STEPS[name]!(choice);
    if (!run && plausible && INSTEAD[wanted]) {
      name = INSTEAD[wanted];
      run = STEPS[name]!(choice);
    }
    if (run) attempt(s, name, run, tally);
  }
}

/** Vectorizes an inner loop of every block that has none yet, as far as that is legal. */
export function vectorizeAll(s: AnySchedule, n: number, tally?: Tally): void {
  for (const [i, handle] of s.blocks().entries()) {
    const v = viewOf(s);
    const block = (): Site | undefined => v.sites.find((y) => y.handle === handle);
    // widths differ from block to block, so that registers are written and read in different pieces
    const m = n + i * 7;
    const x = { primitive: 0, a: m, b: m >> 2, c: 1 + (m % 5) };
    const run = STEPS.vectorize!({ v, x, plausible: true, block });
    if (run) attempt(s, "vectorize", run, tally);
  }
}

function attempt(s: AnySchedule, name: string, run: Run, tally: Tally | undefined): void {
  const [before, func, steps] = [s.toString(), s.func, s.trace.length];
  let code: string | undefined;
  try {
    run();
  } catch (e) {
    if (!(e instanceof ScheduleError)) throw e;
    code = e.code;
    if (s.func !== func || s.toString() !== before || s.trace.length !== steps)
      throw new Error(`${name} was refused, but changed the schedule`);
    // what would be legal is found by trying, and takes a while
    if (before.length % 8 === 0 && !e.message.includes(e.nest)) throw new Error(`${name} was refused without a nest`);
  }
  if (tally) count(tally, name, code);
}

function count(tally: Tally, name: string, code: string | undefined): void {
  const row = tally.get(name) ?? { accepted: 0, refused: 0, why: new Map<string, number>() };
  tally.set(name, row);
  if (code === undefined) row.accepted++;
  else {
    row.refused++;
    row.why.set(code, (row.why.get(code) ?? 0) + 1);
  }
}
