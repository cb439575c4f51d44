import { type BlockId, type Func, NOTES, PRINTED_KEYS, type Var } from "../../src/ir/index.ts";
import { badArgument, checkNames, describe } from "../arguments.ts";
import { refuse } from "../error.ts";
import type { Outcome } from "../outcome.ts";
import { replaceStmt } from "../tree.ts";
import { findBlock, findLoop } from "./find.ts";

export type Annotation = string | number | boolean;
const NAME = "annotate";
/**
 * Leaves a note on a loop or a block, for tools and for readers: it is printed and kept by later steps, and the compiler does
 * nothing with it. `undefined` takes it away. Of a loop that is split the outermost part keeps its notes; a fused loop has those of
 * all its loops.
 *
 *     s.annotate(io, "why", "one panel per row")     // for io in 85:  # why: one panel per row
 *
 * Conditions:
 * 1. the key is none of those that primitives use themselves, nor a word with which what they leave is printed (`tail`, `assume`).
 *
 * All handles survive.
 */
export function annotate(f: Func, target: Var | BlockId, key: string, value: Annotation | undefined): Outcome {
  checkNames(f, NAME, "an annotation", [key]);
  const fits =
    value === undefined ||
    typeof value === "boolean" ||
    (typeof value === "number" && Number.isFinite(value)) ||
    (typeof value === "string" && !/[\n\r]/.test(value));
  if (!fits)
    badArgument(f, NAME, `the value of ${key} is ${describe(value)}`, [
      "a number",
      "a boolean",
      "a string of one line",
      "undefined, to take it away",
    ]);
  const own = (NOTES as readonly string[]).includes(key);
  if (own || PRINTED_KEYS.includes(key))
    refuse(f, {
      primitive: NAME,
      condition: 1,
      code: "reserved",
      message: own
        ? `"${key}" on ${target.name} is a note that primitives leave for each other`
        : `"${key}" on ${target.name} would read like what a primitive left there`,
      marks: [target],
      legal: [`annotate(${target.name}, "my.${key}", ...)`],
    });
  const old = "kind" in target ? findLoop(f, target).node : findBlock(f, target).node;
  const { annotations, ...rest } = old;
  const notes = Object.entries(annotations ?? {}).filter(([k]) => k !== key);
  if (value !== undefined) notes.push([key, value]);
  const now = notes.length > 0 ? { ...rest, annotations: Object.fromEntries(notes) } : rest;
  return { func: replaceStmt(f, old, now as typeof old) };
}
