/** Arguments that are no expressions, checked: callbacks, options, depth and size of what is being built. */
import { children, constInt, type Expr as Node } from "../src/ir/index.ts";
import { TeError, type TeErrorCode } from "./error.ts";
import { describe } from "./text.ts";

/** Whether a value is a record as literals make them: no Map, no array, nothing with a class. */
export function isRecord(x: unknown): x is Readonly<Record<string, unknown>> {
  if (typeof x !== "object" || x === null || Array.isArray(x)) return false;
  const proto: unknown = Object.getPrototypeOf(x);
  return proto === null || Object.getPrototypeOf(proto) === null;
}

/** Throws unless `f` is a function; `example` is what it might look like. */
export function checkFunction(f: unknown, what: string, example: string): void {
  if (typeof f !== "function")
    throw new TeError("te.body", `${what} is ${describe(f)}: expected a function, as in ${example}`);
}

/** Options may be left out; null, other values and unknown keys are mistakes. */
export function checkOptions(
  x: unknown,
  known: readonly string[],
  what: string,
  code: TeErrorCode = "te.option",
): void {
  if (x === undefined) return;
  const all = known.map((k) => `"${k}"`).join(", ");
  if (!isRecord(x)) throw new TeError(code, `${what}: the options are ${describe(x)}: expected a record with ${all}`);
  for (const k of Object.keys(x))
    if (!known.includes(k)) throw new TeError(code, `${what}: there is no option "${k}": expected one of ${all}`);
}

const DEPTH = 700;
const depths = new WeakMap<Node, number>();

/** Levels of nesting; no recursion, since this is what protects recursion elsewhere. */
function depthOf(root: Node): number {
  const stack: Node[] = [root];
  while (stack.length > 0) {
    const e = stack.at(-1)!;
    if (depths.has(e)) {
      stack.pop();
      continue;
    }
    let depth = 0;
    let ready = true;
    for (const k of children(e)) {
      const d = depths.get(k);
      if (d === undefined) {
        stack.push(k);
        ready = false;
      } else depth = Math.max(depth, d);
    }
    if (!ready) continue;
    depths.set(e, depth + 1);
    stack.pop();
  }
  return depths.get(root)!;
}

/** Throws where expressions nest deeper than the passes over them can follow. */
export function checkDepth(what: string, nodes: readonly Node[]): void {
  for (const e of nodes) {
    const depth = depthOf(e);
    if (depth > DEPTH)
      throw new TeError(
        "te.depth",
        `${what}: an expression is nested ${depth} levels deep, more than ${DEPTH}: split it into several tensors, ` +
          "or balance it with addAll([...])",
      );
  }
}

const MAX = 2 ** 31 - 1;

/** Throws where constant extents (and strides) reach elements that no index counts. */
export function checkSize(name: string, extents: readonly Node[], strides?: readonly Node[]): void {
  const sizes = extents.map(constInt);
  if (sizes.includes(0)) return;
  const count = sizes.reduce((n: number, x) => n * (x ?? 1), 1);
  const reach = (strides ?? []).reduce((n, s, d) => n + ((sizes[d] ?? 1) - 1) * (constInt(s) ?? 0), 1);
  if (count > MAX || reach > MAX)
    throw new TeError(
      "te.extent",
      `"${name}" has ${count > MAX ? `${count} elements` : `strides that reach ${reach} elements`}, more than 2^31 - 1: ` +
        "shorten its axes, or split it into several tensors",
    );
}
