/** Shapes with symbolic sizes, as numbers. */
import { simplifyIndex } from "../../src/arith/index.ts";
import { type Buffer, constInt, type Expr, int, mapExpr } from "../../src/ir/index.ts";

export type Sizes = Readonly<Record<string, number>>;

export function evalExtent(e: Expr, sizes: Sizes): number {
  const closed = mapExpr(e, (v) => (v.kind === "var" ? int(sizes[v.name]!) : v));
  return constInt(simplifyIndex(closed))!;
}
/** Elements that a buffer's memory must hold. */
export function lengthOf(b: Buffer, sizes: Sizes): number {
  const shape = b.shape.map((e) => evalExtent(e, sizes));
  if (b.strides === undefined) return shape.reduce((n, e) => n * e, 1);
  if (shape.includes(0)) return 0;
  return b.strides.reduce((n, e, d) => n + (shape[d]! - 1) * evalExtent(e, sizes), 1);
}
