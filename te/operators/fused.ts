// biome-ignore-all lint/suspicious/noExplicitAny: `any` as a type argument means "whatever facts", and must not be checked
/** Several axes seen as one, in row-major order, and one axis seen as several. */
import type { Expr } from "../expr.ts";
import { lit } from "../functions.ts";
import type { Extent, Shape } from "../types.ts";
import { isOne, known, times } from "./common.ts";

export type Point = Expr<"i32", any>;

/** The number of elements. */
export const product = (shape: Shape): Extent =>
  shape.reduce<Extent>((a, b) => {
    if (typeof b === "number") return times(a, b);
    return typeof a === "number" ? times(b, a) : a.mul(b);
  }, 1);
/** An extent to divide by: where it is 0 nothing is read, and anything will do. */
export const divisor = (n: Extent): never => (known(n) === 0 ? 1 : n) as never;

/** Where a point lies on the one axis that stands for all. */
export const fuse = (point: readonly Point[], shape: Shape): Point =>
  point.reduce<Point | undefined>((flat, i, d) => {
    const n = shape[d]!;
    return isOne(n) ? flat : flat === undefined ? i : flat.mul(n as never).add(i);
  }, undefined) ?? lit(0, "i32");

/** The point that lies at a place of the one axis that stands for all. */
export const unfuse = (flat: Point, shape: Shape): Point[] =>
  shape.map((n, d) => {
    if (isOne(n)) return lit(0, "i32");
    const behind = product(shape.slice(d + 1));
    const upper = isOne(behind) ? flat : flat.div(divisor(behind));
    return shape.slice(0, d).every(isOne) ? upper : upper.mod(divisor(n));
  });
