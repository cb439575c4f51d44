// biome-ignore-all lint/suspicious/noExplicitAny: `any` as a type argument means "whatever facts", and must not be checked
/** NumPy's broadcasting: shapes aligned at their last axes; an axis of extent 1 repeats. */
import type { Expr } from "../expr.ts";
import type { Extent, Shape } from "../types.ts";
import { type Call, extentText, isOne, sameExtent, shapeText, type Values } from "./common.ts";

/** The longer of two shapes, where types know both. */
export type Broadcast<A extends Shape, B extends Shape> = number extends A["length"] | B["length"]
  ? Shape
  : A extends readonly [...B, ...Extent[]]
    ? A
    : B;

export interface Named {
  readonly name: string;
  readonly shape: Shape;
}

/** The shape that operands have together. An extent of 1 gives way; a symbolic one never counts as 1. */
export function broadcastShape(call: Call, operands: readonly Named[]): Shape {
  const rank = Math.max(0, ...operands.map((o) => o.shape.length));
  return Array.from({ length: rank }, (_, d): Extent => {
    let found: { readonly extent: Extent; readonly of: Named } | undefined;
    for (const of of operands) {
      const at = d - (rank - of.shape.length);
      if (at < 0) continue;
      const extent = of.shape[at]!;
      if (found === undefined || (isOne(found.extent) && !isOne(extent))) found = { extent, of };
      else if (!isOne(extent) && !sameExtent(extent, found.extent))
        throw call.error(
          "te.extent",
          `"${found.of.name}" of shape ${shapeText(found.of.shape)} and "${of.name}" of shape ${shapeText(of.shape)} don't broadcast: ` +
            `${extentText(found.extent)} stands against ${extentText(extent)}; expected equal extents, or 1 (counted from the last axis)`,
        );
    }
    return found!.extent;
  });
}

/** The element of an operand that belongs to a point of the common shape (or of more axes, of which the last count). */
export function readBroadcast(t: Values, point: readonly Expr<"i32", any>[]): Expr<any, any> {
  const skip = point.length - t.shape.length;
  return t.at(...t.shape.map((n, d) => (isOne(n) ? 0 : point[d + skip]!)));
}
