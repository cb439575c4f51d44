/**
 * Traces as text, one step per line, exact: reading what was written gives the same trace.
 *
 *     io, ii = split(C.i, { io: rest, ii: 6 }, tail: peel)
 *     init, i, j = decomposeReduction(C, C.k)
 *     reorder([ii, C.j, io]) reassociates
 *
 * Each result gets a name of its own, by which later steps mean it; where its name is taken, `i as i_1` gives another one.
 * Words stand for themselves (`C.i`, `peel`); what isn't a word, or would be taken for a result, stands in quotes.
 */
import { nearNames, TilewrightError } from "../src/ir/index.ts";
import { describe } from "./arguments.ts";
import { DEPTH } from "./json.ts";
import { checkTrace, stepFault } from "./replay.ts";
import type { Json, Trace, TraceStep } from "./trace.ts";

/** Arguments that stand without their names, in this order, as far as a step has them; by primitive, all of which are here. */
const POSITIONAL: ReadonlyMap<string, readonly string[]> = new Map(
  Object.entries({
    split: ["loop", "factors"],
    fuse: ["loops", "name"],
    reorder: ["loops"],
    unroll: ["loop"],
    vectorize: ["loop"],
    parallel: ["loop"],
    bind: ["loop", "index"],
    annotate: [],
    pad: ["block", "loop", "multiple"],
    computeAt: ["block", "loop"],
    computeRoot: ["block"],
    computeWith: ["block", "loop"],
    storeAt: ["block", "loop"],
    foldStorage: ["block", "loop"],
    doubleBuffer: ["block", "loop"],
    reverseComputeAt: ["block", "loop"],
    computeInline: ["block"],
    reverseComputeInline: ["block"],
    cacheRead: ["block", "buffer", "scope"],
    cacheWrite: ["block", "scope"],
    setScope: ["block", "scope"],
    prepare: ["block"],
    transformLayout: [],
    storageAlign: [],
    reindex: ["block", "buffer", "scope"],
    decomposeReduction: ["block", "loop"],
    rfactor: ["block", "loops"],
    blockize: ["loop"],
    tensorize: ["loop", "intrinsic"],
    specialize: ["loop", "condition"],
    partition: ["loop", "parts"],
    choose: ["name", "options"],
  }),
);
/** The primitives that steps can be of. */
export const PRIMITIVES: readonly string[] = [...POSITIONAL.keys()];
const WORD = /^[\p{L}_$][\p{L}\p{N}_$.#]*$/u;
const CONSTANTS = new Map<string, Json>([
  ["true", true],
  ["false", false],
  ["null", null],
]);
const REASSOCIATES = "reassociates";

/** What later steps call results: text for a reference, and the reference for a text. */
class Aliases {
  readonly #byRef = new Map<string, string>();
  readonly refs = new Map<string, string>();
  of(ref: string): string | undefined {
    return this.#byRef.get(ref);
  }
  add(ref: string, alias: string): void {
    this.#byRef.set(ref, alias);
    this.refs.set(alias, ref);
  }
  fresh(name: string): string {
    const base = WORD.test(name) ? name : "r";
    let alias = base;
    for (let n = 1; this.refs.has(alias) || CONSTANTS.has(alias); n++) alias = `${base}_${n}`;
    return alias;
  }
}

function printValue(x: Json, aliases: Aliases): string {
  if (typeof x === "string") {
    const alias = aliases.of(x);
    if (alias !== undefined) return alias;
    return WORD.test(x) && !aliases.refs.has(x) && !CONSTANTS.has(x) ? x : JSON.stringify(x);
  }
  if (typeof x === "number") return Object.is(x, -0) ? "-0" : JSON.stringify(x);
  if (typeof x !== "object" || x === null) return String(x);
  if (Array.isArray(x)) return `[${(x as readonly Json[]).map((y) => printValue(y, aliases)).join(", ")}]`;
  const entries = Object.entries(x).map(([k, v]) => `${printKey(k)}: ${printValue(v, aliases)}`);
  return entries.length > 0 ? `{ ${entries.join(", ")} }` : "{}";
}
const printKey = (k: string): string => (WORD.test(k) ? k : JSON.stringify(k));

function printCall(step: TraceStep, aliases: Aliases): string {
  const order = POSITIONAL.get(step.primitive) ?? [];
  const missing = order.findIndex((k) => !Object.hasOwn(step.args, k));
  const leading = missing < 0 ? order : order.slice(0, missing);
  const args = leading.map((k) => printValue(step.args[k]!, aliases));
  for (const [k, v] of Object.entries(step.args))
    if (!leading.includes(k)) args.push(`${printKey(k)}: ${printValue(v, aliases)}`);
  return `${printKey(step.primitive)}(${args.join(", ")})${step.reassociates ? ` ${REASSOCIATES}` : ""}`;
}
function printStep(step: TraceStep, n: number, aliases: Aliases): string {
  const call = printCall(step, aliases);
  const results = step.results.map((name) => {
    const alias = aliases.fresh(name);
    aliases.add(`@${n}.${name}`, alias);
    return alias === name ? name : `${printKey(name)} as ${alias}`;
  });
  return results.length > 0 ? `${results.join(", ")} = ${call}` : call;
}

/** Each step as a line of text. */
export function formatSteps(trace: Trace): string[] {
  const aliases = new Aliases();
  return trace.map((step, n) => printStep(step, n, aliases));
}
/**
 * A trace as text, one step per line; `parseTrace` reads it back exactly.
 *
 *     console.log(formatTrace(s.trace));   // io, ii = split(C.i, { io: rest, ii: 6 }, tail: guard)
 *
 * Throws ScheduleError for what is no trace.
 */
export function formatTrace(trace: Trace): string {
  checkTrace("formatTrace", trace);
  return formatSteps(trace).join("\n");
}

type Token = { readonly at: number } & (
  | { readonly kind: "word" | "sign" | "end"; readonly text: string }
  | { readonly kind: "text" | "number"; readonly text: string; readonly value: string | number }
);
const TOKEN =
  /(?<word>[\p{L}_$][\p{L}\p{N}_$.#]*)|(?<number>-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)|(?<quote>")|(?<sign>[=,:()[\]{}])/uy;
const SPACE = /\s*/uy;
/** What ends a text in quotes, and what does not though it looks so. */
const STOP = /"|\\./gu;

/** What to say of a step of a primitive that there is not. */
export function unknownPrimitive(name: string): string {
  const near = nearNames(name, PRIMITIVES);
  return `there is no primitive ${describe(name)}${near.length > 0 ? `: is it ${near.join(", ")}?` : ""}`;
}

/** Characters of a line that messages show before and after a mistake. */
const AROUND = 100;
/** One line of text, read token by token. */
class Line {
  readonly #text: string;
  readonly #line: number;
  readonly #aliases: Aliases;
  readonly #tokens: Token[] = [];
  #next = 0;
  #depth = 0;

  constructor(text: string, line: number, aliases: Aliases) {
    this.#text = text;
    this.#line = line;
    this.#aliases = aliases;
    const end = text.trimEnd().length;
    for (let at = this.#space(0); at < end; at = this.#space(at)) {
      TOKEN.lastIndex = at;
      const g = TOKEN.exec(text)?.groups;
      if (g === undefined) this.fail(at, "a name, a number, a text in quotes or one of = , : ( ) [ ] { }");
      const start = at;
      at = TOKEN.lastIndex;
      if (g.word !== undefined) this.#tokens.push({ kind: "word", at: start, text: g.word });
      else if (g.sign !== undefined) this.#tokens.push({ kind: "sign", at: start, text: g.sign });
      else if (g.number !== undefined) {
        const value = Number(g.number);
        if (!Number.isFinite(value)) this.fail(start, "a number that is no larger than numbers can be");
        this.#tokens.push({ kind: "number", at: start, text: g.number, value });
      } else {
        at = this.#endOfText(start);
        const quoted = text.slice(start, at);
        this.#tokens.push({ kind: "text", at: start, text: quoted, value: this.#unquote(quoted, start) });
      }
    }
    this.#tokens.push({ kind: "end", at: end, text: "the end of the line" });
  }
  /** Where the white space from somewhere on ends. */
  #space(from: number): number {
    SPACE.lastIndex = from;
    SPACE.exec(this.#text);
    return SPACE.lastIndex;
  }
  /** Where a text in quotes ends: one step after another, since a pattern for all of it runs out of stack. */
  #endOfText(start: number): number {
    STOP.lastIndex = start + 1;
    for (let m = STOP.exec(this.#text); m !== null; m = STOP.exec(this.#text)) if (m[0] === '"') return STOP.lastIndex;
    return this.fail(start, "a text that ends in quotes as it begins");
  }
  #unquote(text: string, at: number): string {
    try {
      return JSON.parse(text) as string;
    } catch {
      return this.fail(at, "a text in quotes as in JSON");
    }
  }
  fail(at: number, expected: string): never {
    const rest = this.#text.slice(at).trim();
    return this.#wrong(at, `expected ${expected}, found ${rest === "" ? "the end of the line" : describe(rest)}`);
  }
  #wrong(at: number, message: string): never {
    // of a long line the part around the mistake
    const from = Math.max(0, at - AROUND);
    const part = this.#text.slice(from, at + AROUND);
    throw new TilewrightError(
      "schedule.trace-text",
      `line ${this.#line}, column ${at + 1}: ${message}\n${part}\n${" ".repeat(at - from)}^`,
    );
  }
  get #token(): Token {
    return this.#tokens[this.#next]!;
  }
  #is(text: string, ahead = 0): boolean {
    const t = this.#tokens[this.#next + ahead];
    return t !== undefined && t.text === text && t.kind !== "text";
  }
  #skip(text: string): boolean {
    if (!this.#is(text)) return false;
    this.#next++;
    return true;
  }
  #need(text: string): void {
    if (!this.#skip(text)) this.fail(this.#token.at, `"${text}"`);
  }
  /** A word or a text in quotes. */
  #name(what: string): string {
    const t = this.#token;
    this.#next++;
    if (t.kind === "word") return t.text;
    return t.kind === "text" ? String(t.value) : this.fail(t.at, what);
  }
  /** What stands between two brackets, separated by commas. */
  #list(close: string, item: () => void): void {
    if (this.#skip(close)) return;
    // those of the call are no level of a value
    if (this.#depth++ > DEPTH) this.#wrong(this.#token.at, `there are more than ${DEPTH} brackets inside each other`);
    do item();
    while (this.#skip(","));
    this.#need(close);
    this.#depth--;
  }
  #value(): Json {
    const t = this.#token;
    this.#next++;
    if (t.kind === "number" || t.kind === "text") return t.value;
    if (t.kind === "word") {
      const constant = CONSTANTS.get(t.text);
      return constant !== undefined ? constant : (this.#aliases.refs.get(t.text) ?? t.text);
    }
    if (t.text === "[") {
      const list: Json[] = [];
      this.#list("]", () => list.push(this.#value()));
      return list;
    }
    if (t.text === "{") {
      const entries: [string, Json][] = [];
      this.#list("}", () => entries.push(this.#entry(entries)));
      return Object.fromEntries(entries);
    }
    return this.fail(t.at, "a value");
  }
  #entry(before: readonly (readonly [string, Json])[]): [string, Json] {
    const { at } = this.#token;
    const key = this.#name("a name");
    if (before.some(([k]) => k === key)) this.fail(at, "another name than before");
    this.#need(":");
    return [key, this.#value()];
  }
  /** Arguments of a primitive whose name stands at `from`. */
  #args(primitive: string, from: number): { readonly [k: string]: Json } {
    const order = POSITIONAL.get(primitive);
    const entries: [string, Json][] = [];
    this.#list(")", () => {
      if (this.#is(":", 1)) return void entries.push(this.#entry(entries));
      if (order === undefined) return this.#wrong(from, unknownPrimitive(primitive));
      const key = order[entries.length];
      if (key === undefined || entries.some(([k], i) => k !== order[i])) this.fail(this.#token.at, "name: value");
      entries.push([key, this.#value()]);
    });
    return Object.fromEntries(entries);
  }
  step(n: number): TraceStep {
    const results: { readonly name: string; readonly alias: string; readonly at: number }[] = [];
    const signs = this.#tokens.filter((t) => t.kind === "sign" && t.text !== ",");
    if (signs[0]?.text === "=") {
      do {
        const { at } = this.#token;
        const name = this.#name("the name of a result");
        results.push({ name, alias: this.#skip("as") ? this.#name("another name for the result") : name, at });
      } while (this.#skip(","));
      this.#need("=");
    }
    const { at: from } = this.#token;
    const primitive = this.#name("a primitive");
    this.#need("(");
    const args = this.#args(primitive, from);
    const reassociates = this.#skip(REASSOCIATES);
    if (this.#token.kind !== "end") this.fail(this.#token.at, "the end of the line");
    for (const { name, alias, at } of results) {
      if (this.#aliases.refs.has(alias) || CONSTANTS.has(alias) || !WORD.test(alias))
        this.fail(at, `a name that is not taken ("${alias}" is; write ${printKey(name)} as ...)`);
      this.#aliases.add(`@${n}.${name}`, alias);
    }
    const step: TraceStep = {
      primitive,
      args,
      results: results.map((r) => r.name),
      ...(reassociates ? { reassociates } : {}),
    };
    const fault = stepFault(step);
    if (fault !== undefined) this.#wrong(from, fault);
    return step;
  }
}

/**
 * Reads what `formatTrace` wrote. Empty lines and lines that begin with # are passed over.
 *
 *     replay(parseTrace(await readFile("gemm.trace", "utf8")), schedule(C));
 *
 * Throws TilewrightError (`schedule.trace-text`) naming line and column.
 */
export function parseTrace(text: string): Trace {
  if (typeof text !== "string")
    throw new TilewrightError("schedule.trace-text", `parseTrace: expected a text, but was given ${describe(text)}`);
  const aliases = new Aliases();
  const steps: TraceStep[] = [];
  for (const [i, line] of text.split("\n").entries())
    if (!/^\s*(#|$)/.test(line)) steps.push(new Line(line, i + 1, aliases).step(steps.length));
  return steps;
}
