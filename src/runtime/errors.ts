/** The errors of the runtime. Each has a stable `code` for programs and a message for people. */
// The one value this room takes from ir, by its own small file: the runtime must not pull the compiler in.
import { TilewrightError } from "../ir/error.ts";

export { TilewrightError };

export type ArgumentCode =
  | "argument-missing"
  | "argument-unknown"
  | "argument-type"
  | "argument-value"
  | "argument-length"
  | "argument-alignment"
  | "argument-detached"
  | "argument-overlap"
  | "argument-memory"
  | "size-missing"
  | "size-range"
  | "size-contradiction"
  | "too-large";

/** A kernel was called with something it cannot take. Thrown before anything is written. */
export class RuntimeArgumentError extends TilewrightError {
  override name = "RuntimeArgumentError";
  declare readonly code: ArgumentCode;
  readonly kernel: string;
  /** The argument, size or result at fault. */
  readonly parameter: string;
  constructor(code: ArgumentCode, kernel: string, parameter: string, message: string) {
    super(code, kernel === "" ? message : `${kernel}: ${message}`);
    this.kernel = kernel;
    this.parameter = parameter;
  }
}

/** Bytes that are not a module built by this package, or not one that can be used the way asked for. */
export class ModuleError extends TilewrightError {
  override name = "ModuleError";
  constructor(message: string) {
    super("module", message);
  }
}

/** An arena cannot do what it was asked: `arena-options`, `arena-full`, `arena-array` (not one of its arrays), `out-of-memory`. */
export class ArenaError extends TilewrightError {
  override name = "ArenaError";
  declare readonly code: "arena-options" | "arena-full" | "arena-array" | "out-of-memory";
  constructor(code: "arena-options" | "arena-full" | "arena-array" | "out-of-memory", message: string) {
    super(code, message);
  }
}

export const plural = (n: number, what: string): string => `${n} ${what}${n === 1 ? "" : "s"}`;
/** With its article; no name here begins with a U that is spoken as a vowel. */
export const aOrAn = (what: string): string => `${/^[AEIO]/i.test(what) ? "an" : "a"} ${what}`;

/** The class name of a value, told by its brand so that arrays of another realm count. */
export const className = (x: unknown): string => ({}).toString.call(x).slice(8, -1);
/** A value as messages name it. */
export const show = (v: unknown): string =>
  typeof v === "object" || typeof v === "function" ? aOrAn(className(v)) : typeof v === "string" ? `"${v}"` : String(v);
/** What a value is, and what it should have been. */
export const isNot = (v: unknown, expected: string): string => `is ${show(v)}, but ${expected} was expected`;
/** What is wrong with a record of options, `""` when nothing is. */
export function wrongOptions(o: unknown, known: readonly string[]): string {
  if (typeof o !== "object" || o === null || ArrayBuffer.isView(o)) return `the options are ${show(o)}, not a record`;
  const name = Object.keys(o).find((k) => !known.includes(k));
  return name === undefined ? "" : `there is no option ${name}; there is ${known.join(", ")}`;
}
