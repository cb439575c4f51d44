/** Float sums and products point by point, carried out in higher precision and rounded once. */
import { type DType, normalize, type Scalar } from "../ir/index.ts";
import { prodError, sumError } from "./bound.ts";

/** A value and its error (see bound.ts). */
export interface Cell {
  v: Scalar;
  e: number;
}
/** One value of a reduction, as far as it has come. */
export interface Accumulator {
  /** Takes what one point contributes: one cell per value that the reduction needs. */
  add(point: readonly Cell[]): void;
  result(): Cell;
}
/** What bounds depend on. */
export interface Rounding {
  /** Whether errors are wanted. */
  readonly track: boolean;
  /** Whether products may be contracted into sums. */
  readonly contract: boolean;
}

export class Sum implements Accumulator {
  readonly #dtype: DType;
  readonly #rounding: Rounding;
  #sum = 0;
  /** What the additions lost. */
  #carry = 0;
  #size = 0;
  #error = 0;
  #n = 0;
  constructor(dtype: DType, rounding: Rounding) {
    this.#dtype = dtype;
    this.#rounding = rounding;
  }
  add(point: readonly Cell[]): void {
    const { v, e } = point[0]!;
    const x = v as number;
    const s = this.#sum;
    this.#error += e;
    this.#n++;
    this.#size += Math.abs(x);
    const t = s + x;
    this.#carry += Math.abs(s) >= Math.abs(x) ? s - t + x : x - t + s;
    this.#sum = t;
  }
  result(): Cell {
    const exact = Number.isFinite(this.#carry) ? this.#sum + this.#carry : this.#sum;
    const v = normalize(this.#dtype, exact) as number;
    const { track, contract } = this.#rounding;
    return { v, e: track ? sumError(this.#dtype, this.#n, v, this.#size, this.#error, contract) : 0 };
  }
}

export class Product implements Accumulator {
  readonly #dtype: DType;
  readonly #rounding: Rounding;
  // a fraction and a power of two, so that nothing overflows on the way
  #fraction = 1;
  #scale = 0;
  #size = 1;
  #upper = 1;
  #most = 1;
  #least = 1;
  #n = 0;
  #broken = false;
  constructor(dtype: DType, rounding: Rounding) {
    this.#dtype = dtype;
    this.#rounding = rounding;
  }
  add(point: readonly Cell[]): void {
    const { v, e } = point[0]!;
    const x = v as number;
    const a = Math.abs(x);
    if (e === Infinity) this.#broken = true;
    this.#n++;
    this.#fraction *= x;
    if (this.#fraction !== 0 && Number.isFinite(this.#fraction)) {
      const k = Math.floor(Math.log2(Math.abs(this.#fraction)));
      this.#fraction /= 2 ** k;
      this.#scale += k;
    }
    this.#size *= a;
    this.#upper *= a + e;
    this.#most *= Math.max(a + e, 1);
    if (a !== 0) this.#least *= Math.min(a, 1);
  }
  result(): Cell {
    const half = Math.trunc(this.#scale / 2);
    const v = normalize(this.#dtype, this.#fraction * 2 ** half * 2 ** (this.#scale - half)) as number;
    if (this.#broken) return { v, e: Infinity };
    if (!this.#rounding.track) return { v, e: 0 };
    return { v, e: prodError(this.#dtype, this.#n, v, this.#size, this.#upper, this.#most, this.#least) };
  }
}
