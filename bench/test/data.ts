/** Random inputs from a seed, and the comparison of results. */
import { type Data, type DType, data, sizeOf } from "../data.ts";

export * from "../data.ts";

/** What an operand looks like; its values come from the seed. */
export interface Spec {
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly low: number;
  readonly high: number;
}
const spec =
  (dtype: DType, least: number, most: number) =>
  (shape: readonly number[], low = least, high = most): Spec => ({ dtype, shape, low, high });
export const f32 = spec("f32", -1, 1);
export const f64 = spec("f64", -1, 1);
export const i32 = spec("i32", -9, 9);
export const u32 = spec("u32", 0, 99);
export const i64 = spec("i64", -9, 9);
export const i8 = spec("i8", -128, 127);
export const u8 = spec("u8", 0, 255);
export const bool = spec("bool", 0, 1);

/** FNV-1a: a seed from a name. */
function seedOf(name: string): number {
  let h = 0x811c9dc5;
  for (const c of name) h = Math.imul(h ^ c.codePointAt(0)!, 0x01000193);
  return h >>> 0;
}
/** mulberry32: numbers in [0, 1), the same ones for the same seed. */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}
/** Floats in [low, high), whole numbers from low to high. */
export function random({ dtype, shape, low, high }: Spec, name: string): Data {
  const next = generator(seedOf(name));
  const isFloat = dtype === "f32" || dtype === "f64";
  const value = isFloat ? () => low + (high - low) * next() : () => low + Math.floor((high - low + 1) * next());
  return data(dtype, shape, Array.from({ length: sizeOf(shape) }, value));
}

/** How far a result may lie from the other: abs + rel * |other|. */
export interface Bound {
  readonly abs: number;
  readonly rel: number;
}
/** Movement of data, integers, and functions that IEEE 754 rounds in one way. */
export const exact: Bound = { abs: 0, rel: 0 };
/** So many units in the last place of the value or of 1: functions that both sides approximate. */
export const units = (n: number): Bound => ({ abs: n * 2 ** -23, rel: n * 2 ** -23 });
/**
 * Sums of n values of about `size`, or less, in f32, added in any order. The error of such a sum is about n^(1/2) roundings of
 * partial sums of about n^(1/2) * size: this is several times as much, and far less than one value.
 */
export const sums = (n: number, size = 1): Bound => ({ abs: (n + 2) * size * 2 ** -23, rel: 2 ** -22 });
/** The same in f64. */
export const doubles = (n: number): Bound => ({ abs: (n + 2) * 2 ** -52, rel: 2 ** -51 });

export interface Distance {
  /** The distance over the bound; more than 1 is a failure. */
  readonly ratio: number;
  readonly text: string;
}
/** The element that lies farthest from the other, measured by the bound. Throws where shapes or dtypes differ. */
export function distance(got: Data, want: Data, bound: Bound): Distance {
  const title = (x: Data): string => `${x.dtype}[${x.shape}]`;
  if (title(got) !== title(want)) throw new Error(`the result is ${title(got)}, not ${title(want)}`);
  if (got.data.length !== want.data.length) throw new Error(`${got.data.length} elements, not ${want.data.length}`);
  let worst: Distance = { ratio: 0, text: "all elements agree" };
  want.data.forEach((other, i) => {
    const [a, b] = [Number(got.data[i]), Number(other)];
    if (a === b || (Number.isNaN(a) && Number.isNaN(b))) return;
    const allowed = bound.abs + bound.rel * Math.abs(b);
    const off = Math.abs(a - b);
    // NaN against a number, an infinity, or any difference where none is allowed
    const ratio = Number.isFinite(off) && allowed > 0 ? off / allowed : Infinity;
    if (ratio > worst.ratio) worst = { ratio, text: `element ${i} is ${a}, not ${b} (allowed: ${allowed})` };
  });
  return worst;
}
