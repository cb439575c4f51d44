/** What callers hand to `show` and `analyze`, checked. */
import { Schedule, schedule } from "../../schedule/index.ts";
import type { AnyTensor, TensorRecord } from "../../te/index.ts";
import { TilewrightError } from "../ir/index.ts";
import { targetFault } from "../target/index.ts";

/** A schedule, or of tensors the one without any step. */
export type Inspectable = Schedule<unknown> | AnyTensor | TensorRecord;
export const scheduleOf = (x: Inspectable): Schedule<unknown> => (x instanceof Schedule ? x : schedule(x as AnyTensor));

const isRecord = (x: unknown): x is Readonly<Record<string, unknown>> =>
  typeof x === "object" && x !== null && !Array.isArray(x);
function told(x: unknown): string {
  if (typeof x === "string") return JSON.stringify(x);
  if (typeof x === "function") return "a function";
  return typeof x !== "object" || x === null ? String(x) : Array.isArray(x) ? "a list" : "an object";
}

/** What an option must be. */
export type Rule = "record" | "target" | "boolean" | "count";
/** Throws TilewrightError `inspect-options` for options that are none, or not as their rules say. */
export function checkOptions(who: string, options: unknown, rules: Readonly<Record<string, Rule>>): void {
  const fail = (message: string): never => {
    throw new TilewrightError("inspect-options", `${who}: ${message}`);
  };
  if (!isRecord(options)) return fail(`the options are ${told(options)}, not a record`);
  for (const [name, x] of Object.entries(options)) {
    if (!Object.hasOwn(rules, name)) fail(`there is no option "${name}": there are ${Object.keys(rules).join(", ")}`);
    if (x === undefined) continue;
    const rule = rules[name]!;
    if (rule === "target") {
      const fault = targetFault(x);
      if (fault !== undefined) fail(fault);
    } else if (rule === "record" && !isRecord(x)) fail(`${name} is ${told(x)}, not a record of numbers by name`);
    else if (rule === "boolean" && typeof x !== "boolean")
      fail(`${name} is ${told(x)}, but true or false was expected`);
    else if (rule === "count" && !(typeof x === "number" && x >= 0))
      fail(`${name} is ${told(x)}, but a number from 0 was expected`);
  }
}
