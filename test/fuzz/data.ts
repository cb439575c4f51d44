/** Random inputs from a seed, and comparison of results bit for bit. */
import { bitsOf, type DType, isFloat, isSigned, maxInt, minInt, toBits16 } from "../../src/ir/index.ts";
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

/** Values at which floats behave in ways of their own. */
const ODD_FLOATS = [0, -0, NaN, Infinity, -Infinity, 0.5, -0.5, 2.5];

/** Mostly small numbers, so that results stay exact; in some arrays (unless `tame`) the whole range of the dtype, or its edges. */
export function randomArray(dtype: DType, n: number, next: () => number, tame = false): TypedArrayLike {
  const a = arrayFor(dtype, n);
  const style = tame ? 0 : next();
  for (let i = 0; i < n; i++) {
    const wide = next() < (style < 0.7 ? 0.05 : style < 0.85 ? 0.9 : 0);
    const edge = style >= 0.85 && next() < 0.4;
    if (dtype === "bool") a[i] = next() < 0.5 ? 1 : 0;
    else if (isFloat(dtype)) {
      const v = Math.round((next() * 4 - 2) * 64) / 64;
      // infinities and NaN are rare, or they would be all that is left
      const odd = ODD_FLOATS[Math.floor(next() * ODD_FLOATS.length)]!;
      const x = edge && (Number.isFinite(odd) || next() < 0.1) ? odd : wide && style < 0.7 ? v * 1000 : v;
      a[i] = dtype === "f16" ? toBits16(x) : x;
    } else {
      const bits = bitsOf(dtype);
      const span = wide ? 2 ** Math.min(bits, 52) : 10;
      const low = isSigned(dtype) ? Math.floor(span / 2) : 0;
      const near = Math.floor(next() * 5);
      const [least, most] = [minInt(dtype), maxInt(dtype)];
      const v = Math.floor(next() * span) - low;
      const x = edge ? (next() < 0.5 ? least + BigInt(near) : most - BigInt(near)) : BigInt(v);
      if (a instanceof BigInt64Array || a instanceof BigUint64Array) a[i] = x;
      else a[i] = Number(x);
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
