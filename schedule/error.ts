import { type BlockId, type Func, printFunc, TilewrightError, type Var } from "../src/ir/index.ts";
import type { Primitives } from "./hints.ts";
import type { Settle } from "./settle.ts";
import { onTrial } from "./trial.ts";

/** What a primitive has to complain about. */
export interface Complaint {
  readonly primitive: string;
  /** Number of the failed condition in the primitive's description; 0: the arguments make no sense as they are. */
  readonly condition: number;
  /** Stable, for programs; it is prefixed with the primitive's name. */
  readonly code: string;
  readonly message: string;
  /** The step of a trace that was being done again, where one was. */
  readonly during?: string;
  /** What was thrown where this happened, and says why. */
  readonly cause?: unknown;
  /** What is underlined in the loop nest: loop variables and blocks. */
  readonly marks?: readonly (Var | BlockId)[];
  /** What would be legal instead; a function where finding out takes trying, run when somebody looks. */
  readonly legal?: readonly string[] | ((primitives: Primitives) => readonly string[]);
}

/**
 * An illegal step. The schedule is exactly as it was before; `message` holds the loop nest with the culprit underlined.
 *
 *     try { s.vectorize(k); } catch (e) { if (e instanceof ScheduleError) console.log(e.code, e.condition, e.legal); }
 */
export class ScheduleError extends TilewrightError {
  override name = "ScheduleError";
  readonly primitive: string;
  /** Number of the failed condition in the primitive's description. */
  readonly condition: number;
  /** Names of the loops concerned. */
  readonly loops: readonly string[];
  readonly #func: Func | undefined;
  readonly #complaint: Complaint;
  #tools: { readonly primitives: Primitives; readonly settle: Settle } | undefined;
  #nest: string | undefined;
  #legal: readonly string[] | undefined;

  constructor(func: Func | undefined, c: Complaint) {
    super(`${c.primitive}.${c.code}`, "");
    this.primitive = c.primitive;
    this.condition = c.condition;
    this.loops = (c.marks ?? []).flatMap((m) => ("kind" in m ? [m.name] : []));
    this.#func = func;
    this.#complaint = c;
    // search and fuzzing catch many errors and read few: text is made when somebody looks
    Object.defineProperty(this, "message", { configurable: true, enumerable: false, get: () => this.#text() });
    if (c.cause !== undefined) Object.defineProperty(this, "cause", { configurable: true, value: c.cause });
    Error.captureStackTrace?.(this, ScheduleError);
  }
  /** What would be legal instead, found out by trying on the schedule as it was. */
  get legal(): readonly string[] {
    const { legal = [] } = this.#complaint;
    if (typeof legal !== "function") return legal;
    const [func, tools] = [this.#func, this.#tools];
    if (func === undefined || tools === undefined) return [];
    this.#legal ??= onTrial(
      (o) => tools.settle(func, o, this.primitive),
      () => legal(tools.primitives),
    );
    return this.#legal;
  }
  /** The loop nest as text, culprits underlined with ^^^; empty where there is no schedule yet. */
  get nest(): string {
    const marks = new Set<object>(this.#complaint.marks);
    this.#nest ??= this.#func === undefined ? "" : printFunc(this.#func, { marks });
    return this.#nest;
  }
  /** Gives the hints what they try, and what every step must keep: primitives know of each other only through this. */
  mayTry(primitives: Primitives, settle: Settle): void {
    this.#tools ??= { primitives, settle };
  }
  /** The same error, said of a step of a trace. */
  during(step: string): ScheduleError {
    return this.#with({ during: step });
  }
  /** The same error, said by the primitive whose arguments were looked up. */
  of(primitive: string): ScheduleError {
    return this.#with({ primitive });
  }
  #with(more: Partial<Complaint>): ScheduleError {
    const e = new ScheduleError(this.#func, { ...this.#complaint, ...more });
    if (this.#tools) e.mayTry(this.#tools.primitives, this.#tools.settle);
    return e;
  }
  #text(): string {
    const c = this.#complaint;
    const during = c.during === undefined ? "" : `${c.during}: `;
    const head = `${during}${c.primitive}${c.condition > 0 ? `, condition ${c.condition}` : ""}: ${c.message}`;
    const way = this.legal.length > 0 ? `\nlegal instead: ${this.legal.join("; ")}` : "";
    return `${readable(`${head}${way}`)}${this.nest === "" ? "" : `\n${this.nest}`}`;
  }
}

/** Names may be of any length: a word that no message should hold whole is cut. */
const readable = (text: string): string => text.replace(/\S{200,}/g, (word) => `${word.slice(0, 100)}...`);

export function refuse(func: Func | undefined, c: Complaint): never {
  throw new ScheduleError(func, c);
}
