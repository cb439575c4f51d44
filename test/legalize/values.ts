/** Values to try operations on: the special ones of each dtype, and random ones. */
import { bitsOf, type DType, isBig, isFloat, maxInt, minInt, normalize, type Scalar } from "../../src/ir/index.ts";

export class Random {
  #state: number;
  constructor(seed: number) {
    this.#state = seed;
  }
  bits(): number {
    this.#state = (this.#state + 0x9e3779b9) | 0;
    let z = this.#state;
    z = Math.imul(z ^ (z >>> 16), 0x21f0aaad);
    z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
    return (z ^ (z >>> 15)) >>> 0;
  }
  unit(): number {
    return this.bits() / 2 ** 32;
  }
  below(n: number): number {
    return Math.floor(this.unit() * n);
  }
  pick<T>(list: readonly T[]): T {
    return list[this.below(list.length)]!;
  }
}

const view = new DataView(new ArrayBuffer(8));
const FLOATS: readonly number[] = [
  0,
  -0,
  1,
  -1,
  0.5,
  -0.5,
  1.5,
  -1.5,
  2.5,
  3,
  127,
  127.5,
  128,
  -128,
  -128.5,
  -129,
  255,
  255.9,
  256,
  32767,
  32768,
  -32768,
  -32769,
  65535,
  65536,
  65504,
  65519.99,
  65520,
  2147483647,
  2147483648,
  -2147483648,
  -2147483649,
  4294967295,
  4294967296,
  2 ** 63,
  -(2 ** 63),
  2 ** 64,
  1e20,
  -1e20,
  Infinity,
  -Infinity,
  NaN,
  2 ** -14,
  2 ** -24,
  2 ** -25,
  3 * 2 ** -25,
  2 ** -15,
  2 ** -126,
  2 ** -149,
  1e-300,
  1e300,
  1 / 3,
];
export function specials(d: DType): Scalar[] {
  if (d === "bool") return [0, 1];
  if (isFloat(d)) return FLOATS.map((x) => normalize(d, x));
  const [lo, hi] = [minInt(d), maxInt(d)];
  const all = [
    0n,
    1n,
    2n,
    3n,
    7n,
    10n,
    100n,
    -1n,
    -2n,
    -3n,
    -7n,
    lo,
    lo + 1n,
    hi,
    hi - 1n,
    hi / 2n,
    hi / 2n + 1n,
    lo / 2n,
  ];
  return [...new Set(all.filter((v) => v >= lo && v <= hi))].map((v) => (isBig(d) ? v : Number(v)));
}
export function randomValue(d: DType, r: Random): Scalar {
  if (r.below(3) === 0) return r.pick(specials(d));
  if (isFloat(d)) {
    if (r.below(3) === 0) return normalize(d, (r.unit() - 0.5) * 2 ** (r.below(40) - 10));
    if (d === "f64") {
      view.setUint32(0, r.bits());
      view.setUint32(4, r.bits());
      return view.getFloat64(0);
    }
    view.setUint32(0, r.bits());
    return normalize(d, d === "f16" ? (r.unit() - 0.5) * 2 ** (r.below(44) - 26) : view.getFloat32(0));
  }
  const bits = bitsOf(d);
  const raw = (BigInt(r.bits()) << 32n) | BigInt(r.bits());
  // small magnitudes as often as large ones
  const v = BigInt.asUintN(r.below(2) ? bits : 1 + r.below(bits), raw);
  return normalize(d, r.below(2) ? v : -v);
}
export const sameValue = (a: Scalar, b: Scalar): boolean => Object.is(a, b);
