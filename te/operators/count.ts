// biome-ignore-all lint/suspicious/noExplicitAny: `any` as a type argument means "whatever facts", and must not be checked
/** Numbers of elements as values. */
import type { DType } from "../../src/ir/index.ts";
import type { Expr } from "../expr.ts";
import type { Extent } from "../types.ts";

/** The product of extents, in a float dtype: a number where they all are. */
export function countOf(extents: readonly Extent[], dtype: DType): number | Expr<any, any> {
  const fixed = extents.reduce<number>((n, x) => (typeof x === "number" ? n * x : n), 1);
  const factors = extents.filter((x) => typeof x !== "number").map((x): Expr<any, any> => x.cast(dtype));
  if (factors.length === 0) return fixed;
  const product = factors.reduce((a, b) => a.mul(b));
  return fixed === 1 ? product : product.mul(fixed);
}
