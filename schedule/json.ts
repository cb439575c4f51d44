/** Plain JSON from outside: whether a value is some, of a depth and size that traces can hold. */
import { describe, isRecord } from "./arguments.ts";

/** Levels that lists and records may nest: expressions nest 700 deep at most, and stand in lists of a record. */
export const DEPTH = 710;
const VALUES = 100_000;
const CHARACTERS = 1_000_000;

/** What keeps a value from being JSON of such a depth and size; undefined where nothing does. */
export function jsonFault(x: unknown): string | undefined {
  let values = 0;
  let characters = 0;
  const go = (y: unknown, depth: number): string | undefined => {
    if (++values > VALUES) return `holds more than ${VALUES} values`;
    if (depth > DEPTH) return `is nested more than ${DEPTH} levels deep, or holds itself`;
    if (typeof y === "string") {
      characters += y.length;
      return characters > CHARACTERS ? `holds more than ${CHARACTERS} characters` : undefined;
    }
    if (y === null || typeof y === "boolean" || (typeof y === "number" && Number.isFinite(y))) return undefined;
    if (Array.isArray(y)) {
      // by index: a list may have holes
      for (let i = 0; i < y.length; i++) {
        const fault = go(y[i], depth + 1);
        if (fault !== undefined) return fault;
      }
      return undefined;
    }
    if (!isRecord(y)) return `${depth === 0 ? "is" : "holds"} ${describe(y)}, which is no JSON`;
    for (const [k, v] of Object.entries(y)) {
      const fault = go(k, depth) ?? go(v, depth + 1);
      if (fault !== undefined) return fault;
    }
    return undefined;
  };
  return go(x, 0);
}
export const isTexts = (x: unknown): x is readonly string[] =>
  Array.isArray(x) && x.every((y) => typeof y === "string");
