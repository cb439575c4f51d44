/** Reading tensors: from what the user wrote between the parentheses of `at` to a load whose index stays inside the buffer. */

import { constBounds, type Facts, prove } from "../src/arith/index.ts";
import {
  type Buffer,
  constant,
  constInt,
  ge,
  gt,
  int,
  load,
  lt,
  mapExpr,
  max,
  min,
  type Expr as Node,
  sub,
  type Var,
  variable,
  varsOf,
  visitExpr,
  where as whereNode,
  zeroOf,
} from "../src/ir/index.ts";
import { describe, literal } from "./build.ts";
import { checkDepth } from "./check.ts";
import { TeError } from "./error.ts";
import type { Expr } from "./expr.ts";
import { isExpr, wrap } from "./expr.ts";
import { checkVisible, dependsOnData, openFacts, quote, registerScalar, where } from "./scope.ts";
import { brief } from "./text.ts";

/** What can be indexed. `axes` is empty where dimensions have no names. */
export interface Readable {
  readonly name: string;
  readonly axes: readonly string[];
  readonly buffer: Buffer;
}

// Facts about loads, remembered beside the nodes. `proven`: inside for all values of its axes. `sites`: where a load that
// needs the conditions around it was written, for the error that the closing body may have to throw.
const proven = new WeakSet<Node>();
const sites = new WeakMap<Node, { readonly stack: string | undefined }>();
const assertions = new WeakSet<object>();

/**
 * Vouches that an index lies inside its tensor, so that it is neither checked nor clamped. A wrong promise reads
 * memory that belongs to others.
 *
 *     table.at(asserted(codes.at(i)))
 */
export function asserted<F>(index: Expr<"i32", F>): Expr<"i32", F> {
  if (!isExpr(index))
    throw new TeError("te.index-type", `${where()}asserted of ${describe(index)}: expected an i32 expression`);
  const e: Expr<"i32", F> = wrap(index.node);
  assertions.add(e);
  return e;
}
export const isAsserted = (x: unknown): boolean => typeof x === "object" && x !== null && assertions.has(x);

/** One index as a node. `d` counts from 0. */
export function indexNode(t: Readable, d: number, x: unknown): Node {
  const axis = t.axes[d];
  const what = `index ${d}${axis === undefined ? "" : ` ("${axis}")`} of "${t.name}"`;
  if (isExpr(x)) {
    const node = x.node;
    if (node.dtype !== "i32")
      throw new TeError(
        "te.index-type",
        `${where()}${what} is ${brief(node)} of dtype ${node.dtype}: indices are i32, convert it with .cast("i32")`,
      );
    checkDepth(`${where()}${what}`, [node]);
    for (const v of node.kind === "var" ? [node] : varsOf(node)) if (!boundInside(node, v)) checkVisible(v);
    return node;
  }
  if (typeof x !== "number")
    throw new TeError("te.index-type", `${where()}${what} is ${describe(x)}, not a number or i32 expression`);
  if (!Number.isInteger(x)) throw new TeError("te.index-type", `${where()}${what} is ${x}, not a whole number`);
  return literal(x, "i32", what);
}
function boundInside(node: Node, v: Node): boolean {
  let bound = false;
  if (node.kind === "var") return false;
  visitExpr(node, (x) => {
    if (x.kind === "reduce" && x.axes.some((a) => a.var === v)) bound = true;
    return !bound;
  });
  return bound;
}

export interface IndexList {
  readonly nodes: readonly Node[];
  readonly asserted: readonly boolean[];
}

/** The arguments of `at`, in the order of the dimensions. */
export function indexList(t: Readable, args: readonly unknown[]): IndexList {
  const rank = t.buffer.shape.length;
  const only = args[0];
  let list = args;
  if (args.length === 1 && typeof only === "object" && only !== null && !isExpr(only)) {
    const record = only as Readonly<Record<string, unknown>>;
    if (t.axes.length === 0 && rank > 0)
      throw new TeError(
        "te.index-name",
        `${where()}"${t.name}" has no named axes: give its ${rank} indices by position`,
      );
    for (const k of Object.keys(record))
      if (!t.axes.includes(k))
        throw new TeError("te.index-name", `${where()}"${t.name}" has no axis "${k}": its axes are ${quote(t.axes)}`);
    for (const a of t.axes)
      if (!Object.hasOwn(record, a))
        throw new TeError("te.index-name", `${where()}index "${a}" of "${t.name}" is missing`);
    list = t.axes.map((a) => record[a]);
  }
  if (list.length !== rank) {
    const axes = t.axes.length > 0 ? ` (${t.axes.join(", ")})` : "";
    throw new TeError(
      "te.rank",
      `${where()}"${t.name}" has ${rank} axes${axes}, but was read with ${list.length} index(es)`,
    );
  }
  return { nodes: list.map((x, d) => indexNode(t, d, x)), asserted: list.map(isAsserted) };
}

const atLeastZero = (i: Node): Node => ge(i, int(0));
/** Conditions of an index being inside. */
export const inside = (i: Node, extent: Node): readonly Node[] => [atLeastZero(i), lt(i, extent)];

const WRAPPING: ReadonlySet<string> = new Set(["add", "sub", "mul", "neg", "abs", "shl", "floordiv", "truncdiv"]);
const stand = new WeakMap<Node, Var>();

/**
 * The expression as proofs may see it. They take index arithmetic as exact, but arithmetic on data wraps around: what may
 * wrap is replaced by a variable of which nothing is known (always the same one, so that a condition still says something of
 * the index it was written for).
 */
export function provable(e: Node, facts: Facts): Node {
  if (!dependsOnData(e)) return e;
  return mapExpr(e, (x) => {
    if (x.kind !== "op" || x.dtype !== "i32" || !WRAPPING.has(x.op) || !dependsOnData(x)) return x;
    const { min: low, max: high } = constBounds(x, facts);
    if (low >= -(2 ** 31) && high < 2 ** 31) return x;
    let v = stand.get(x);
    if (v === undefined) {
      v = variable("data");
      registerScalar(v);
      stand.set(x, v);
    }
    return v;
  });
}

/** Conditions of an index being inside that don't hold by themselves. */
export function missingConditions(i: Node, extent: Node, facts: Facts): Node[] {
  const [c, n] = [constInt(i), constInt(extent)];
  if (c !== undefined && n !== undefined && c >= 0 && c < n) return [];
  const safe = inside(provable(i, facts), extent);
  return inside(i, extent).filter((_, k) => !prove(safe[k]!, facts));
}

/** `value` where all extents are at least 1, else zero: an index that was forced inside has no inside in an empty buffer. */
export function unlessEmpty(value: Node, extents: readonly Node[], facts: Facts): Node {
  const doubtful = extents.filter((n) => constInt(n) === undefined && !prove(ge(n, int(1)), facts));
  const zero = constant(value.dtype, zeroOf(value.dtype));
  return [...new Set(doubtful)].reduce((e, n) => whereNode(gt(n, int(0)), e, zero), value);
}
export const clampIndex = (i: Node, extent: Node): Node => max(min(i, last(extent)), int(0));
export function last(extent: Node): Node {
  const n = constInt(extent);
  return n === undefined ? sub(extent, int(1)) : int(n - 1);
}

/** A load at an index, clamped where it depends on data. What stays unproven is looked at when the body closes. */
export function readAt(t: Readable, index: IndexList, caller: (...args: never[]) => unknown): Node {
  const facts = openFacts();
  const clamped: Node[] = [];
  let doubtful = false;
  const nodes = index.nodes.map((i, d) => {
    const extent = t.buffer.shape[d]!;
    if (index.asserted[d] || missingConditions(i, extent, facts).length === 0) return i;
    if (!dependsOnData(i)) {
      doubtful = true;
      return i;
    }
    clamped.push(extent);
    return clampIndex(i, extent);
  });
  const node = load(t.buffer, nodes);
  if (!doubtful) proven.add(node);
  else if (!proven.has(node) && !sites.has(node)) sites.set(node, stackAt(caller));
  return unlessEmpty(node, clamped, facts);
}
/** The stack of the caller's caller, cheap enough to take for every doubtful load. */
function stackAt(caller: (...args: never[]) => unknown): { readonly stack: string | undefined } {
  const site: { stack?: string } = {};
  // not every engine has it; without it errors point at the end of the body
  (Error as { captureStackTrace?: (into: object, above: unknown) => void }).captureStackTrace?.(site, caller);
  return { stack: site.stack };
}

/** `Tensor.at`. */
export function readTensor(t: Readable & { at: (...args: never[]) => unknown }, args: readonly unknown[]): Expr {
  return wrap(readAt(t, indexList(t, args), t.at));
}

/** Notes that a read is inside. */
export function vouch(e: Node): Node {
  proven.add(e);
  return e;
}
export const isProven = (e: Node): boolean => proven.has(e);
export const siteOf = (e: Node): string | undefined => sites.get(e)?.stack;
