/** Recorded steps: what they must look like, the arguments of one, and how each primitive is done again. */
import { badArgument, describe, isRecord, short } from "./arguments.ts";
import { ScheduleError } from "./error.ts";
import type { BlockHandle, Loop } from "./handles.ts";
import { isTexts, jsonFault } from "./json.ts";
import type { Schedule } from "./schedule.ts";
import type { Json, Trace, TraceStep } from "./trace.ts";

/** A recorded step's arguments, read back: handles are looked up by reference. */
export class Args {
  readonly #s: Schedule<unknown>;
  readonly #primitive: string;
  readonly #args: TraceStep["args"];
  constructor(s: Schedule<unknown>, { primitive, args }: Pick<TraceStep, "primitive" | "args">) {
    this.#s = s;
    this.#primitive = primitive;
    this.#args = args;
  }
  /** Errors are the primitive's: users of traces don't look handles up. */
  #found<H>(look: () => H): H {
    try {
      return look();
    } catch (e) {
      throw e instanceof ScheduleError ? e.of(this.#primitive) : e;
    }
  }
  get<T>(name: string): T {
    return this.#args[name] as T;
  }
  loop(ref: string = this.get("loop")): Loop {
    return this.#found(() => this.#s.loopAt(ref));
  }
  loops(): Loop[] {
    return this.get<readonly string[]>("loops").map((l) => this.loop(l));
  }
  block(ref: string = this.get("block")): BlockHandle {
    return this.#found(() => this.#s.blockAt(ref));
  }
}

/** What an argument may be. */
export interface Kind {
  readonly what: string;
  readonly fits: (x: Json) => boolean;
  readonly optional?: true;
}
export const TEXT: Kind = { what: "a text", fits: (x) => typeof x === "string" };
export const TEXTS: Kind = { what: "a list of texts", fits: isTexts };
export const NUMBER: Kind = { what: "a number", fits: (x) => typeof x === "number" };
export const SCALAR: Kind = { what: "a number, a text, true, false or null", fits: (x) => Object(x) !== x };
export const LIST: Kind = { what: "a list", fits: Array.isArray };
export const RECORD: Kind = { what: "a record", fits: isRecord };
export const ANY: Kind = { what: "a value", fits: () => true };
export const optional = (k: Kind): Kind => ({ ...k, optional: true });

/** How recorded steps of a primitive look, and how they are done again. */
export interface Recorded {
  readonly args: Readonly<Record<string, Kind>>;
  /** Optional arguments of which there must be exactly one. */
  readonly either?: readonly string[];
  readonly again: (s: Schedule<unknown>, a: Args) => unknown;
}
/** By primitive. */
export type Replay = Readonly<Record<string, Recorded>>;

const FIELDS: readonly string[] = ["primitive", "args", "results", "reassociates"] satisfies (keyof TraceStep)[];
/** What is wrong with something that should be a step of whatever primitive; undefined where nothing is. */
export function stepFault(x: unknown): string | undefined {
  if (!isRecord(x)) return `it is ${describe(x)}, not a step: { primitive, args, results }`;
  const { primitive, args, results, reassociates } = x;
  const odd = Object.keys(x).find((k) => !FIELDS.includes(k));
  if (odd !== undefined) return `a step has no ${describe(odd)}: it has ${FIELDS.join(", ")}`;
  if (typeof primitive !== "string") return `its primitive is ${describe(primitive)}, not a text`;
  if (!isRecord(args)) return `its args are ${describe(args)}, not a record`;
  if (!isTexts(results)) return `its results are ${describe(results)}, not a list of names`;
  if (reassociates !== undefined && typeof reassociates !== "boolean")
    return `reassociates is ${describe(reassociates)}, not true or false`;
  for (const [name, value] of Object.entries(args)) {
    const fault = jsonFault(value);
    if (fault !== undefined) return `its argument ${describe(name)} ${fault}`;
  }
  const fault = jsonFault([primitive, ...results]);
  return fault && `it ${fault}`;
}
/** What is wrong with the arguments of a step of some primitive; undefined where nothing is. */
export function argsFault(
  args: TraceStep["args"],
  { args: kinds, either = [] }: Omit<Recorded, "again">,
): string | undefined {
  const odd = Object.keys(args).find((k) => !Object.hasOwn(kinds, k));
  if (odd !== undefined) return `there is no argument ${describe(odd)}: there are ${Object.keys(kinds).join(", ")}`;
  for (const [name, kind] of Object.entries(kinds)) {
    const value = Object.hasOwn(args, name) ? args[name] : undefined;
    if (value === undefined ? !kind.optional : !kind.fits(value))
      return `the argument ${name} is ${describe(value)}: expected ${kind.what}`;
  }
  const given = either.filter((name) => Object.hasOwn(args, name));
  return either.length > 0 && given.length !== 1
    ? `expected one of the arguments ${either.join(" and ")}, found ${given.length === 0 ? "none" : "both"}`
    : undefined;
}
/** Throws ScheduleError naming the step, unless a value is a list of steps, of whatever primitives, in which `more` finds no fault. */
export function checkTrace(
  who: string,
  trace: unknown,
  more: (step: TraceStep) => string | undefined = () => undefined,
): asserts trace is Trace {
  if (!Array.isArray(trace))
    badArgument(undefined, who, `expected a list of steps, but was given ${describe(trace)}`, ["s.trace"]);
  for (let n = 0; n < trace.length; n++) {
    const step: unknown = trace[n];
    const fault = stepFault(step) ?? more(step as TraceStep);
    if (fault === undefined) continue;
    const of = isRecord(step) && typeof step.primitive === "string" ? ` (${short(step.primitive)})` : "";
    const complaint = { primitive: who, condition: 0, code: "argument", message: fault, during: `step ${n}${of}` };
    throw new ScheduleError(undefined, complaint);
  }
}
