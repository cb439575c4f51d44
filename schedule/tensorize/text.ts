/** A program and an intrinsic side by side. */
import { type Expr, type Intrinsic, printExpr } from "../../src/ir/index.ts";
import type { Difference } from "./unify.ts";

const WIDTH = 90;

function columns(rows: readonly (readonly [string, string])[]): string {
  const width = Math.min(WIDTH, Math.max(...rows.map((r) => r[0].length)));
  return rows.map(([a, b]) => `  ${a.padEnd(width)}  |  ${b}`).join("\n");
}

/** What `block` stores beside what the intrinsic computes, both in canonical form, and where they differ first. */
export function sideBySide(block: string, value: Expr, x: Intrinsic, pattern: Expr, d: Difference): string {
  const rows: (readonly [string, string])[] = [
    [block, x.name],
    [printExpr(value), printExpr(pattern)],
  ];
  if (d.program !== value || d.pattern !== pattern) rows.push([printExpr(d.program), printExpr(d.pattern)]);
  const [head, whole, ...part] = rows as [readonly [string, string], ...(readonly [string, string])[]];
  const text = columns([head, whole!]);
  const first = part.length > 0 ? `\n${columns(part)}` : "";
  return `${block} does not compute what ${x.name} computes\n${text}\nat the first difference: ${d.why}${first}`;
}
