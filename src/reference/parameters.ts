/** What callers hand to `evaluate`, checked against what its tensors need. */
import { type AnyTensor, parametersOf, reachable, type Source } from "../../te/index.ts";
import { sizeFault, type Var, varsOf } from "../ir/index.ts";
import { InterpretError, isRecord } from "./arrays.ts";

const told = (x: unknown): string =>
  x === null || typeof x !== "object" ? String(x) : Array.isArray(x) ? `a list` : "an object";
/** Throws where a record has another name than these. */
function checkNames(given: object, what: string, known: readonly string[]): void {
  const odd = Object.entries(given).find(([name, x]) => x !== undefined && !known.includes(name));
  if (odd)
    throw new InterpretError(
      `there is no ${what} "${odd[0]}" here: there ${known.length === 0 ? "is none" : `are ${known.join(", ")}`}`,
    );
}

/** Throws where a size is not what `dim` promised of it. */
export function checkSize(v: Var, value: unknown): void {
  if (!Number.isInteger(value)) throw new InterpretError(`the size ${v.name} is ${told(value)}, not a whole number`);
  const fault = sizeFault(v, value as number);
  if (fault !== undefined) throw new InterpretError(fault, "size-range");
}

const OPTIONS = ["sizes", "scalars", "at", "contract"];
/** Throws InterpretError for inputs, sizes, scalars and options that the tensors don't have; whether one is missing is found out later. */
export function checkEvaluation(tensors: readonly AnyTensor[], inputs: unknown, options: unknown): void {
  if (!isRecord(inputs)) throw new InterpretError("evaluate needs the inputs by name: evaluate(C, { A, B })");
  if (!isRecord(options))
    throw new InterpretError("the options of evaluate must be a record such as { sizes: { n: 8 } }");
  const given = options as Readonly<Record<string, unknown>>;
  checkNames(given, "option", OPTIONS);
  const { sizes = {}, scalars = {}, at = [], contract = true } = given;
  for (const [name, x] of Object.entries({ sizes, scalars }))
    if (!isRecord(x)) throw new InterpretError(`${name} is ${told(x)}, not a record of values by name`);
  if (!Array.isArray(at)) throw new InterpretError(`at is ${told(at)}, not a list of positions: { at: [[0, 0]] }`);
  if (typeof contract !== "boolean") throw new InterpretError(`contract is ${told(contract)}, not true or false`);

  const sources = new Set<Source>(reachable(tensors).map((t) => t.source));
  const needed = parametersOf("evaluate", [...sources]);
  const plain = tensors.filter((t) => t.source.kind === "placeholder").map((t) => t.buffer);
  const known = new Set([
    ...needed.sizes,
    ...plain.flatMap((b) => [...b.shape, ...(b.strides ?? [])].flatMap((e) => [...varsOf(e)])),
  ]);
  const names = (list: Iterable<{ readonly name: string }>): string[] => [...new Set([...list].map((x) => x.name))];
  checkNames(inputs as object, "input", names([...needed.inputs, ...plain]));
  checkNames(sizes as object, "size", names(known));
  checkNames(scalars as object, "scalar", names(needed.scalars));
  for (const v of known) {
    const value = Object.hasOwn(sizes as object, v.name) ? (sizes as Record<string, unknown>)[v.name] : undefined;
    if (value !== undefined) checkSize(v, value);
  }
}
