/** What rows of convolutions and pooling share: layouts, and windows as attributes of ONNX. */
import type * as Ops from "../../../src/ops.ts";
import type { Attribute } from "../onnx.ts";

export type Rank = 1 | 2 | 3;
export type PerAxis = number | readonly number[];
export const layoutOf = (rank: Rank, last: boolean): string =>
  (last ? (["NWC", "NHWC", "NDHWC"] as const) : (["NCW", "NCHW", "NCDHW"] as const))[rank - 1]!;
/** Extents [n, ..., C] in the layout. */
export const placed = (shape: readonly number[], last: boolean): number[] => {
  if (last) return [...shape];
  const [n, ...inner] = shape.slice(0, -1);
  return [n!, shape.at(-1)!, ...inner];
};
export const list = (x: PerAxis, rank: number): number[] =>
  typeof x === "object" ? [...x] : Array.from({ length: rank }, () => x);

/** ONNX has all paddings before the axes first, then all behind. "same": the odd element stands behind. */
export function padding(x: Ops.Padding | undefined, rank: Rank): Record<string, Attribute> {
  if (x === "same") return { auto_pad: "SAME_UPPER" };
  const given = x === undefined || x === "valid" ? 0 : x;
  const sides = list(0, rank).map((_, d) => {
    const p = typeof given === "number" ? given : given[d]!;
    return typeof p === "number" ? ([p, p] as const) : p;
  });
  return { pads: [...sides.map((p) => p[0]), ...sides.map((p) => p[1])] };
}
