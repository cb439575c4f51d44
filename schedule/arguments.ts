/** Arguments that are no handles, checked before a primitive looks at the loop nest. */
import type { BlockId, Func, Scope, Tail, Var } from "../src/ir/index.ts";
import { isExpr } from "../te/index.ts";
import { type Complaint, refuse } from "./error.ts";
import { isBlockHandle, isLoop, isTensor } from "./handles.ts";

const LONGEST = 100;
/** A text as messages hold it: of one of some length only the beginning. */
export const short = (text: string): string => (text.length > LONGEST ? `${text.slice(0, LONGEST - 3)}...` : text);

/** A name for a value that is not what it should be. */
export function describe(x: unknown): string {
  if (x === undefined || x === null) return String(x);
  if (typeof x === "string") return `"${short(x)}"`;
  if (Array.isArray(x)) return "a list";
  if (typeof x === "function") return "a function";
  if (isExpr(x)) return `the expression ${short(x.toString())}`;
  if (isTensor(x)) return `the tensor ${x.name}`;
  if (isLoop(x) || isBlockHandle(x)) return `${x.kind} ${x.name}`;
  return typeof x === "object" ? "an object" : `${typeof x} ${short(String(x))}`;
}

export function badArgument(
  f: Func | undefined,
  primitive: string,
  message: string,
  legal: Complaint["legal"] = [],
): never {
  return refuse(f, { primitive, condition: 0, code: "argument", message, legal });
}

export function isRecord(x: unknown): x is Readonly<Record<string, unknown>> {
  if (typeof x !== "object" || x === null || Array.isArray(x)) return false;
  const proto: unknown = Object.getPrototypeOf(x);
  return proto === null || Object.getPrototypeOf(proto) === null;
}

/** What an `async` function returns: the rest of it runs later. */
export const isPromise = (x: unknown): boolean =>
  typeof x === "object" && x !== null && typeof (x as { then?: unknown }).then === "function";

/** Options may be left out; null, other values and unknown keys are mistakes. */
export function checkOptions(f: Func | undefined, primitive: string, x: unknown, known: readonly string[]): void {
  if (x === undefined) return;
  if (!isRecord(x)) badArgument(f, primitive, `the options are ${describe(x)}, not a record`, [...known]);
  for (const k of Object.keys(x as object))
    if (!known.includes(k)) badArgument(f, primitive, `there is no option ${describe(k)}`, [...known]);
}

/** The largest part of a loop and the largest multiple: rounding up to one stays in 32 bits, whatever memory has room for. */
export const MAX_MULTIPLE = 2 ** 30;

export const TAILS: readonly Tail[] = ["guard", "peel", "pad", "shift"];
/** `undefined`: the default. */
export function checkTail(f: Func | undefined, primitive: string, tail: unknown): void {
  if (tail !== undefined && !TAILS.includes(tail as Tail))
    badArgument(f, primitive, `tail is ${describe(tail)}`, [...TAILS]);
}

/** Names of new loops: they are printed, and become keys of records. */
export function checkNames(f: Func | undefined, primitive: string, what: string, names: readonly unknown[]): void {
  const seen = new Set<unknown>();
  for (const n of names) {
    if (typeof n !== "string" || n === "__proto__" || !/^[\p{L}_$][\p{L}\p{N}_$.]*$/u.test(n))
      badArgument(f, primitive, `${what} can't be named ${describe(n)}`, ['a letter, then letters, digits, "_"']);
    if (seen.has(n)) badArgument(f, primitive, `two of ${what} are named ${describe(n)}`, ["distinct names"]);
    seen.add(n);
  }
}

const SCOPES: readonly Scope[] = ["global", "workspace", "local", "shared"];
export function checkScope(
  f: Func,
  primitive: string,
  condition: number,
  scope: unknown,
  marks: readonly (Var | BlockId)[],
): void {
  if (!SCOPES.includes(scope as Scope))
    refuse(f, {
      primitive,
      condition,
      code: "scope",
      message: `${describe(scope)} is no scope for ${marks.map((m) => `block ${m.name}`).join(", ")}`,
      marks,
      legal: SCOPES,
    });
}

/** Throws unless `s` is a schedule, of any copy of this package. */
export function checkSchedule(s: unknown, primitive: string): void {
  if (typeof s !== "object" || s === null || !("loopList" in s) || !("ownLoops" in s))
    badArgument(undefined, primitive, `expected a schedule, but was given ${describe(s)}`, ["schedule(C)"]);
}

/** Throws unless `l` is a loop. */
export function checkLoop(f: Func | undefined, primitive: string, l: unknown): void {
  if (!isLoop(l))
    badArgument(f, primitive, `expected a loop (from s.loops or a primitive), but was given ${describe(l)}`, [
      "s.loops(C).k",
    ]);
}
