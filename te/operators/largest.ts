// biome-ignore-all lint/suspicious/noExplicitAny: `any` as a type argument means "whatever facts", and must not be checked
/** The largest of some elements, where what becomes of a NaN does not matter. */
import { isFloat } from "../../src/ir/index.ts";
import type { Expr } from "../expr.ts";
import { select } from "../functions.ts";
import { max, reduce } from "../reduce.ts";
import type { IndexRecord } from "./common.ts";

/**
 * The maximum over axes. Of floats one comparison decides, as in C's fmax: a NaN is passed over, and where there is nothing else the result
 * is -Infinity. That is one instruction, where a maximum that a NaN comes through takes eight.
 */
export function largest(
  axes: Record<string, any>,
  value: (r: IndexRecord) => Expr<any, any>,
  dtype: string,
): Expr<any, any> {
  if (!isFloat(dtype as never)) return max(axes, value as never) as never;
  const spec = {
    name: "max",
    values: (r: IndexRecord) => [value(r)],
    combine: ([a]: any, [b]: any) => [select(a.lt(b), b, a)],
    identity: [-Infinity],
  };
  return (reduce(axes, spec as never) as unknown as [Expr<any, any>])[0];
}
