/** Minimax polynomials by Remez exchange in big-integer fixed point. */
import { BITS, fdiv, fixed, fixedToNumber, fmul, ONE } from "../../test/legalize/precise.ts";

export interface Fit {
  readonly name: string;
  /** Fixed point in, fixed point out. */
  readonly f: (x: bigint) => bigint;
  /** The error minimized is weight(x) * |p(x) - f(x)|. */
  readonly weight: (x: number) => number;
  readonly from: number;
  readonly to: number;
  readonly degree: number;
}
export interface Polynomial {
  /** Fixed point, constant term first. */
  readonly coefficients: readonly bigint[];
  /** Largest weighted error on the grid. */
  readonly error: number;
}

/** Gaussian elimination with partial pivoting. */
function solve(a: bigint[][], b: bigint[]): bigint[] {
  const n = b.length;
  const abs = (v: bigint): bigint => (v < 0n ? -v : v);
  for (let c = 0; c < n; c++) {
    let pivot = c;
    for (let r = c + 1; r < n; r++) if (abs(a[r]![c]!) > abs(a[pivot]![c]!)) pivot = r;
    [a[c], a[pivot]] = [a[pivot]!, a[c]!];
    [b[c], b[pivot]] = [b[pivot]!, b[c]!];
    for (let r = c + 1; r < n; r++) {
      const factor = fdiv(a[r]![c]!, a[c]![c]!);
      if (factor === 0n) continue;
      for (let k = c; k < n; k++) a[r]![k] = a[r]![k]! - fmul(factor, a[c]![k]!);
      b[r] = b[r]! - fmul(factor, b[c]!);
    }
  }
  const x: bigint[] = new Array(n).fill(0n);
  for (let r = n - 1; r >= 0; r--) {
    let v = b[r]!;
    for (let k = r + 1; k < n; k++) v -= fmul(a[r]![k]!, x[k]!);
    x[r] = fdiv(v, a[r]![r]!);
  }
  return x;
}
const horner = (c: readonly bigint[], x: bigint): bigint => c.reduceRight((acc, k) => fmul(acc, x) + k, 0n);

export function remez(fit: Fit): Polynomial {
  const { from, to, degree } = fit;
  const points = degree + 2;
  // grid points crowd towards the ends, where the extrema do
  const size = 40 * points;
  const grid = Array.from(
    { length: size },
    (_, i) => (from + to) / 2 - ((to - from) / 2) * Math.cos((Math.PI * (i + 0.5)) / size),
  );
  const gridX = grid.map(fixed);
  const gridF = gridX.map(fit.f);
  const gridW = grid.map(fit.weight);
  let chosen = Array.from({ length: points }, (_, i) => Math.floor(((i + 0.5) / points) * size));
  let best: Polynomial = { coefficients: [], error: Infinity };
  for (let round = 0; round < 30; round++) {
    const a = chosen.map((g, i) => {
      const row: bigint[] = [];
      let power = ONE;
      for (let k = 0; k <= degree; k++, power = fmul(power, gridX[g]!)) row.push(power);
      // the weight is a double; its inverse is exact enough as fixed point
      row.push(fdiv(i % 2 === 0 ? ONE : -ONE, fixed(gridW[g]!)));
      return row;
    });
    const c = solve(
      a,
      chosen.map((g) => gridF[g]!),
    ).slice(0, degree + 1);
    const errors = gridX.map(
      (x, i) => Number((horner(c, x) - gridF[i]!) >> BigInt(BITS - 200)) * 2 ** -200 * gridW[i]!,
    );
    const worst = Math.max(...errors.map(Math.abs));
    if (worst < best.error) best = { coefficients: c, error: worst };
    // the extremum of each run of one sign
    const peaks: number[] = [];
    for (let i = 0; i < size; i++) {
      const last = peaks.at(-1);
      if (last === undefined || Math.sign(errors[i]!) !== Math.sign(errors[last]!)) peaks.push(i);
      else if (Math.abs(errors[i]!) > Math.abs(errors[last]!)) peaks[peaks.length - 1] = i;
    }
    while (peaks.length > points) {
      if (Math.abs(errors[peaks[0]!]!) < Math.abs(errors[peaks.at(-1)!]!)) peaks.shift();
      else peaks.pop();
    }
    if (peaks.length < points) break;
    const smallest = Math.min(...peaks.map((p) => Math.abs(errors[p]!)));
    chosen = peaks;
    if (worst / smallest < 1.001) break;
  }
  return best;
}
export const toNumbers = (p: Polynomial, bits: number): number[] => p.coefficients.map((c) => fixedToNumber(c, bits));
