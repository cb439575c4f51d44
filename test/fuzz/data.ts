/** Random inputs from a seed, and comparison of results bit for bit. */
import { bitsOf, type DType, isFloat, isSigned, toBits16 } from "../../src/ir/index.ts";
import { arrayFor, type TypedArrayLike } from "../../src/reference/index.ts";

/** A small fast generator (mulberry32): the same numbers for the same seed. */
export function generator(seed: number): () => number {
  let a = (seed * 2654435761) >>> 0;
  return () => {
    a = (a + 0x6d2b79f5) >>> 0;
    let t = a;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

export function randomArray(dtype: DType, n: number, next: () => number): TypedArrayLike {
  const a = arrayFor(dtype, n);
  for (let i = 0; i < n; i++) {
    const wide = next() < 0.05;
    if (dtype === "bool") a[i] = next() < 0.5 ? 1 : 0;
    else if (isFloat(dtype)) {
      const v = Math.round((next() * 4 - 2) * 64) / 64;
      const x = wide ? v * 1000 : v;
      a[i] = dtype === "f16" ? toBits16(x) : x;
    } else {
      const bits = bitsOf(dtype);
      const span = wide ? 2 ** Math.min(bits, 52) : 10;
      const v = Math.floor(next() * span) - (isSigned(dtype) ? Math.floor(span / 2) : 0);
      if (a instanceof BigInt64Array || a instanceof BigUint64Array) a[i] = BigInt(v);
      else a[i] = v;
    }
  }
  return a;
}

const asBytes = (a: TypedArrayLike): Uint8Array => new Uint8Array(a.buffer, a.byteOffset, a.byteLength);

/** The first element whose bits differ; any NaN equals any NaN. */
export function firstDifference(dtype: DType, a: TypedArrayLike, b: TypedArrayLike): number | undefined {
  if (a.length !== b.length) return Math.min(a.length, b.length);
  const [x, y] = [asBytes(a), asBytes(b)];
  const size = a.BYTES_PER_ELEMENT;
  for (let i = 0; i < x.length; i++) {
    if (x[i] === y[i]) continue;
    const at = Math.floor(i / size);
    if (isNaNAt(dtype, a, at) && isNaNAt(dtype, b, at)) {
      i = (at + 1) * size - 1;
      continue;
    }
    return at;
  }
  return undefined;
}
function isNaNAt(dtype: DType, a: TypedArrayLike, i: number): boolean {
  if (dtype === "f16") return ((a[i] as number) & 0x7fff) > 0x7c00;
  return isFloat(dtype) && Number.isNaN(a[i]);
}
