/** The work that everybody is given: its data, its definition, and what it costs at least. */

export type Operand = Float32Array | Int32Array | Int8Array | Uint8Array | Uint16Array;
/** By the names of the expression's inputs. */
export type Operands = { readonly [name: string]: Operand };

export interface WorkBase {
  readonly inputs: Operands;
  /** Elements of the answer. */
  readonly length: number;
  /**
   * Multiplications and additions that a direct computation needs, counted apart; products with padding are none. Undefined where
   * counting says nothing about speed.
   */
  readonly flops: number | undefined;
  /** What is read of the inputs, once, and the answer written once. */
  readonly bytes: number;
  /** How far an element may be from its definition. */
  readonly bound: number;
  /** An element of the answer in double precision, straight from the definition; absent: contestants are compared with each other. */
  readonly at?: (index: number) => number;
}

/** Deterministic values in [-1, 1). */
export function noise(length: number, seed: number): Float32Array {
  let s = (seed * 2654435761) >>> 0 || 1;
  return Float32Array.from({ length }, () => {
    s ^= s << 13;
    s ^= s >>> 17;
    s ^= s << 5;
    return (s | 0) / 2 ** 31;
  });
}

export const bytesIn = (inputs: Operands): number => Object.values(inputs).reduce((n, x) => n + x.byteLength, 0);

/** The rounding of a sum of values below 1, in whatever order it is taken, and loosely: a wrong index is far outside. */
export const sumBound = (terms: number): number => 2 ** -23 * terms * Math.max(1, Math.sqrt(terms));

const SAMPLES = 50;

/** Where an answer differs from the definition, at sampled places; undefined where it agrees. */
export function wrong(work: WorkBase, got: Float32Array): string | undefined {
  if (got.length !== work.length) return `${got.length} elements instead of ${work.length}`;
  if (work.at === undefined) return undefined;
  for (let s = 0; s < SAMPLES; s++) {
    const i = Math.floor((s * (work.length - 1)) / (SAMPLES - 1));
    const want = work.at(i);
    if (!(Math.abs(got[i]! - want) <= work.bound)) return `element ${i} is ${got[i]} instead of ${want}`;
  }
  return undefined;
}

/** Where two answers to one work differ first: by more than both may be off. */
export function difference(work: WorkBase, got: Float32Array, other: Float32Array): string | undefined {
  if (got.length !== other.length) return `${got.length} elements instead of ${other.length}`;
  for (let i = 0; i < got.length; i++) {
    if (!(Math.abs(got[i]! - other[i]!) <= 2 * work.bound)) return `element ${i} is ${got[i]} instead of ${other[i]}`;
  }
  return undefined;
}
