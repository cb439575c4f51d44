/** What random programs draw from. Whatever stands twice is drawn twice as often. */
import type { DType } from "../../src/ir/index.ts";

export const EXTENTS = [1, 2, 3, 4, 5, 7, 8, 9, 12, 13, 16, 17, 19, 24, 31, 33, 40];
export const DTYPES: readonly DType[] = [
  "f32",
  "f32",
  "f32",
  "i32",
  "f64",
  "u8",
  "i16",
  "f16",
  "i64",
  "u16",
  "i8",
  "u32",
  "u64",
  "bool",
];
/** For conversions in several steps. */
export const NARROW: readonly DType[] = ["u8", "i8", "i16"];
export const MIDDLE: readonly DType[] = ["i32", "f32", "u16", "u32", "i16"];
export const WIDE: readonly DType[] = ["f64", "i64", "f32", "u64", "i32"];
export const KINDS = [
  "elementwise",
  "contraction",
  "reduce",
  "conv",
  "stencil",
  "transpose",
  "pool",
  "scan",
  "cast",
  "edge",
  "choice",
  "outer",
  "softmax",
  "twice",
  "mask",
  "gather",
  "flip",
  "crop",
  "scatter",
  "nest",
  "dot",
  "dot",
  "windows",
  "windows",
  "elementwise",
  "cast",
  "mask",
] as const;
export const PERMS = [
  [0, 2, 1],
  [1, 0, 2],
  [1, 2, 0],
  [2, 0, 1],
  [2, 1, 0],
];
