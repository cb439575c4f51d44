/** Extents, axis names and names of tensors: what users pass, checked. */
import { Facts, prove } from "../src/arith/index.ts";
import { constInt, int, lt, type Expr as Node, variable, varsOf } from "../src/ir/index.ts";
import { describe } from "./build.ts";
import { checkDepth, isRecord } from "./check.ts";
import { TeError } from "./error.ts";
import { isExpr } from "./expr.ts";
import type { FrameAxis } from "./scope.ts";
import { dependsOnData } from "./scope.ts";
import { brief } from "./text.ts";
import type { AxesSpec, Extent } from "./types.ts";

const MAX = 2 ** 31 - 1;

/** An extent as a node; `what` says whose, e.g. `axis "i" of "C"`. */
export function extentNode(x: unknown, what: string): Node {
  if (typeof x === "number") {
    if (!Number.isInteger(x))
      throw new TeError("te.extent", `the extent of ${what} is ${x}: extents are whole numbers`);
    if (x < 0) throw new TeError("te.extent", `the extent of ${what} is ${x}: extents can't be negative`);
    if (x > MAX) throw new TeError("te.extent", `the extent of ${what} is ${x}: extents fit in 31 bits`);
    return int(x);
  }
  if (!isExpr(x))
    throw new TeError("te.extent", `the extent of ${what} is ${describe(x)}: expected a number or a dim(...)`);
  const node = x.node;
  if (node.dtype !== "i32")
    throw new TeError("te.extent", `the extent of ${what} is ${brief(node)}, of dtype ${node.dtype}, not i32`);
  checkDepth(`the extent of ${what}`, [node]);
  for (const v of varsOf(node))
    if (v.size === undefined)
      throw new TeError(
        "te.extent",
        `the extent of ${what} is ${brief(node)}, which depends on "${v.name}": extents are made of numbers and dim(...) only. ` +
          "For a triangular range take the full extent and a condition: { where: ... }",
      );
  if (dependsOnData(node))
    throw new TeError(
      "te.extent",
      `the extent of ${what} is ${brief(node)}, which depends on data: extents are made of numbers and dim(...) only. ` +
        "Take the largest extent there may be, and a condition: { where: ... }",
    );
  const c = constInt(node);
  if (c !== undefined) return extentNode(c, what);
  if (prove(lt(node, int(0)), Facts.empty))
    throw new TeError("te.extent", `the extent of ${what} is ${brief(node)}, which is always negative`);
  return node;
}

export interface AxisList {
  readonly axes: readonly FrameAxis[];
  readonly shape: readonly Extent[];
  /** Whether the user named them. */
  readonly named: boolean;
}

/** Fresh variables for a record or an array of extents. */
export function openAxes(spec: AxesSpec, owner: string): AxisList {
  if (!Array.isArray(spec) && !isRecord(spec))
    throw new TeError(
      "te.extent",
      `"${owner}": expected a record of axes, { i: 512 }, or an array of extents, [512], but was given ${describe(spec)}`,
    );
  const named = !Array.isArray(spec);
  const entries: [string, unknown][] = named
    ? Object.entries(spec)
    : (spec as readonly unknown[]).map((x, d): [string, unknown] => [`i${d}`, x]);
  const axes = entries.map(([name, x]): FrameAxis => {
    checkName(name, "axis");
    return { name, var: variable(name), extent: extentNode(x, `axis "${name}" of "${owner}"`) };
  });
  return { axes, shape: Object.freeze(entries.map(([, x]) => x as Extent)), named };
}

/** Names end up in printed loop nests, ABI descriptions and argument records. */
export function checkName(name: unknown, what: string): void {
  if (name === "__proto__")
    throw new TeError("te.name", `${what} name "__proto__": records of JavaScript can't hold it; take another name`);
  if (typeof name !== "string" || !/^[\p{L}_$][\p{L}\p{N}_$.]*$/u.test(name))
    throw new TeError(
      "te.name",
      `${what} name ${typeof name === "string" ? JSON.stringify(name) : describe(name)}: expected a letter followed by letters, digits, "_", "$" or "."`,
    );
}
