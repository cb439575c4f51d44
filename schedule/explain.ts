/** A schedule told step by step: what each did to the loop nest. */
import { type Func, printFunc } from "../src/ir/index.ts";
import { align } from "./align.ts";
import { badArgument, checkOptions, checkSchedule, describe } from "./arguments.ts";
import type { Schedule } from "./schedule.ts";
import { replay, type TraceStep } from "./trace.ts";
import { formatSteps } from "./trace-text.ts";

export interface ExplainedStep {
  readonly step: TraceStep;
  /** As `formatTrace` writes it. */
  readonly text: string;
  readonly before: Func;
  readonly after: Func;
}
export interface ExplainOptions {
  /** Only the lines of the loop nest that changed. */
  readonly diff?: boolean;
}

/** The steps of a schedule, each with the function before and after it, found by doing them again from the beginning. */
export function explainSteps(s: Schedule<unknown>): ExplainedStep[] {
  checkSchedule(s, "explainSteps");
  const again = s.unscheduled();
  const texts = formatSteps(s.trace);
  const steps: ExplainedStep[] = [];
  let before = again.func;
  const onStep = (step: TraceStep, n: number): void => {
    steps.push({ step, text: texts[n]!, before, after: again.func });
    before = again.func;
  };
  replay(s.trace, again, { onStep });
  return steps;
}

/**
 * Each step of a schedule with the loop nest before and after it, as text.
 *
 *     console.log(explain(s));
 *     console.log(explain(s, { diff: true }));       // lines that went (-) and came (+)
 */
export function explain(s: Schedule<unknown>, options: ExplainOptions = {}): string {
  checkSchedule(s, "explain");
  checkOptions(s.func, "explain", options, ["diff"]);
  const { diff = false } = options;
  if (typeof diff !== "boolean") badArgument(s.func, "explain", `diff is ${describe(diff)}`, ["true", "false"]);
  let old = printFunc(s.unscheduled().func);
  const parts = [old];
  for (const [n, { text, after }] of explainSteps(s).entries()) {
    const now = printFunc(after);
    const changed = old === now ? "  (the loop nest stays as it is)" : undefined;
    parts.push(`step ${n}: ${text}`, changed ?? (diff ? difference(old.split("\n"), now.split("\n")) : now));
    old = now;
  }
  return parts.join("\n\n");
}

/** Lines that went and came, in order, with `...` where lines in between stayed; those that only moved in or out stayed. */
function difference(old: readonly string[], now: readonly string[]): string {
  const out: string[] = [];
  let stayed = false;
  for (const [i, j] of align(old.length, now.length, (i, j) => old[i]!.trim() === now[j]!.trim())) {
    const line = i === undefined ? `+ ${now[j!]}` : j === undefined ? `- ${old[i]}` : undefined;
    if (line !== undefined && stayed && out.length > 0) out.push("  ...");
    stayed = line === undefined;
    if (line !== undefined) out.push(line);
  }
  return out.join("\n");
}
