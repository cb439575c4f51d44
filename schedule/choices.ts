/**
 * Search points. A recipe says `choose("mr", [4, 5, 6])` where it could go several ways; who runs it decides, by name, and every
 * decision becomes a step of the trace.
 *
 *     const recipe = (s: Schedule): void => { const mr = choose("mr", [4, 5, 6]); ... };
 *     withChoices(s, { mr: 5 }, recipe);
 *
 * A trace replays its own decisions: the steps after one hold what came of it. To try another decision, run the recipe again
 * with it; `choicesOf(trace)` lists what there is to decide.
 */
import type { Func } from "../src/ir/index.ts";
import { badArgument, checkOptions, describe, isPromise, isRecord, short } from "./arguments.ts";
import { refuse } from "./error.ts";
import { jsonFault } from "./json.ts";
import { ANY, argsFault, checkTrace, LIST, TEXT } from "./replay.ts";
import type { Schedule } from "./schedule.ts";
import type { Json, Trace } from "./trace.ts";

export interface ChoiceSettings<T extends Json> {
  /** What is taken where nobody decides; the first option when left out. */
  readonly default?: T;
}
/** A decision as the trace has it. */
export interface Choice {
  readonly name: string;
  readonly options: readonly Json[];
  readonly decision: Json;
}
/** Decisions by name. */
export type Decisions = Readonly<Record<string, Json>>;

/** A recipe at work: its schedule, the decisions it was given, and the names it has asked for. */
interface Run {
  readonly schedule: Schedule<unknown>;
  readonly decisions: Decisions;
  readonly asked: Set<string>;
}
/** Recipes run to their end before anything else does, so those at work are a stack. */
const runs: Run[] = [];

function within<R>(run: Run, work: () => R): R {
  runs.push(run);
  try {
    return work();
  } finally {
    runs.pop();
  }
}
/** Runs what must not be decided from outside: steps that are done again. */
export const undecided = <R>(schedule: Schedule<unknown>, work: () => R): R =>
  within({ schedule, decisions: {}, asked: new Set() }, work);

const same = (a: Json, b: Json): boolean => JSON.stringify(a) === JSON.stringify(b);
const show = (x: unknown): string => short(JSON.stringify(x) ?? describe(x));
const shown = (list: readonly unknown[]): string[] => list.map(show);

/** Arguments of a recorded choice. */
export const CHOICE = { name: TEXT, options: LIST, decision: ANY };
const choicesIn = (trace: Trace): Choice[] =>
  trace.filter((t) => t.primitive === "choose").map((t) => t.args as unknown as Choice);
/** The choices of a trace, in the order they were made. Throws ScheduleError for what is no trace. */
export function choicesOf(trace: Trace): Choice[] {
  checkTrace("choicesOf", trace, ({ primitive, args }) =>
    primitive === "choose" ? argsFault(args, { args: CHOICE }) : undefined,
  );
  return choicesIn(trace);
}

/**
 * The option that is decided on, and whether the trace has that already.
 *
 * Throws ScheduleError where the options are none, twice the same or no plain JSON (`choose.argument`), other ones than those
 * the name had before (`choose.options`), or don't hold the decision (`choose.value`).
 */
export function decide<T extends Json>(
  f: Func,
  trace: Trace,
  name: string,
  options: readonly T[],
  settings: ChoiceSettings<T>,
): { readonly decision: T; readonly known: boolean } {
  const legal = ['choose("mr", [4, 5, 6])'];
  checkOptions(f, "choose", settings, ["default"]);
  if (typeof name !== "string" || name === "")
    badArgument(f, "choose", `a choice can't be named ${describe(name)}`, legal);
  if (!Array.isArray(options) || options.length === 0)
    badArgument(f, "choose", `the options of ${short(name)} are ${describe(options)}, not a list of some`, legal);
  const isGiven = settings.default !== undefined;
  for (const [what, list] of [
    ["an option", options],
    ["the default", isGiven ? [settings.default] : []],
  ] as const)
    for (const x of list) {
      const fault = jsonFault(x);
      if (fault !== undefined) badArgument(f, "choose", `${what} of ${short(name)} ${fault}`, legal);
    }
  const twice = options.find((o, i) => options.findIndex((x) => same(x, o)) !== i);
  if (twice !== undefined) badArgument(f, "choose", `the options of ${short(name)} hold ${show(twice)} twice`, legal);
  const old = choicesIn(trace).find((c) => c.name === name);
  if (old && !same(old.options, options))
    refuse(f, {
      primitive: "choose",
      condition: 0,
      code: "options",
      message: `${short(name)} was chosen among ${show(old.options)} before, and now among ${show(options)}`,
      legal: [`choose(${show(name)}, ${show(old.options)})`, "another name"],
    });
  const run = runs.at(-1);
  run?.asked.add(name);
  const given = run && Object.hasOwn(run.decisions, name) ? run.decisions[name] : (settings.default ?? options[0]!);
  const wanted = old ? old.decision : given;
  const decision = options.find((o) => same(o, wanted as Json));
  if (decision !== undefined) return { decision, known: old !== undefined };
  return refuse(f, {
    primitive: "choose",
    condition: 0,
    code: "value",
    message: `${short(name)} is decided as ${show(wanted)}, which is not among its options`,
    legal: shown(options),
  });
}

/**
 * One of several options, inside a recipe that `withChoices` runs: a search point. The type is the union of the options.
 *
 *     const mr = choose("mr", [4, 5, 6]);       // 4 | 5 | 6
 *
 * Elsewhere use the schedule's method, `s.choose("mr", [4, 5, 6])`. Throws ScheduleError as that does, and where no recipe runs.
 */
export function choose<const O extends readonly Json[]>(
  name: string,
  options: O,
  settings: ChoiceSettings<O[number]> = {},
): O[number] {
  const run = runs.at(-1);
  if (run) return run.schedule.choose(name, options, settings);
  return refuse(undefined, {
    primitive: "choose",
    condition: 0,
    code: "nowhere",
    message: `${describe(name)} is chosen where no recipe runs, so no schedule would remember it`,
    legal: ["withChoices(s, {}, recipe)", `s.choose(${show(name)}, ${show(options)})`],
  });
}

/**
 * Runs a recipe with decisions for its choices; choices left open take their default. Where the recipe throws, or a decision is
 * none of its choices, the schedule is left as it was.
 *
 *     const tile = withChoices(s, { mr: 5 }, (s) => { const mr = choose("mr", [4, 5, 6]); ... });
 */
export function withChoices<X, R>(s: Schedule<X>, decisions: Decisions, recipe: (s: Schedule<X>) => R): R {
  if (!isRecord(decisions))
    badArgument(s.func, "withChoices", `expected decisions by name, but was given ${describe(decisions)}`, [
      "{ mr: 5 }",
    ]);
  for (const [name, x] of Object.entries(decisions)) {
    const fault = jsonFault(x);
    if (fault !== undefined)
      badArgument(s.func, "withChoices", `the decision ${describe(name)} ${fault}`, ["{ mr: 5 }"]);
  }
  if (typeof recipe !== "function")
    badArgument(s.func, "withChoices", `expected a recipe, but was given ${describe(recipe)}`, ["(s) => { ... }"]);
  let result: R | undefined;
  const run: Run = { schedule: s as unknown as Schedule<unknown>, decisions, asked: new Set() };
  const failed = s.attempt(() => {
    result = within(run, () => recipe(s));
    const stray = Object.keys(decisions).find((name) => !run.asked.has(name));
    if (stray !== undefined)
      refuse(s.func, {
        primitive: "withChoices",
        condition: 0,
        code: "unknown",
        message: `nothing is chosen by the name ${show(stray)}`,
        legal: run.asked.size > 0 ? [...run.asked] : ["no decision: the recipe has no choices"],
      });
    if (isPromise(result))
      badArgument(s.func, "withChoices", "the recipe returns a promise; it must run to its end at once");
  });
  if (failed) throw failed;
  return result as R;
}
