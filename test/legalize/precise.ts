/**
 * A reference for the math functions in big-integer arithmetic, independent of the expansions and of `Math`: results carry
 * about 60 significant digits or more.
 */

/** m * 2^e, exactly. */
export interface Big {
  readonly m: bigint;
  readonly e: number;
}
/** Fraction bits of fixed-point values. */
export const BITS = 320;
const P = BigInt(BITS);
export const ONE = 1n << P;

export const fmul = (a: bigint, b: bigint): bigint => (a * b) >> P;
export const fdiv = (a: bigint, b: bigint): bigint => (a << P) / b;
const shift = (v: bigint, n: number): bigint => (n >= 0 ? v << BigInt(n) : v >> BigInt(-n));

const view = new DataView(new ArrayBuffer(8));
/** A finite double, exactly. */
export function big(x: number): Big {
  view.setFloat64(0, x);
  const bits = view.getBigUint64(0);
  const exponent = Number((bits >> 52n) & 0x7ffn);
  const fraction = bits & 0xfffffffffffffn;
  const m = exponent === 0 ? fraction : fraction | (1n << 52n);
  return { m: bits >> 63n ? -m : m, e: Math.max(exponent, 1) - 1075 };
}
export const toFixed = (b: Big): bigint => shift(b.m, b.e + BITS);
export const fixed = (x: number): bigint => toFixed(big(x));
export const fromFixed = (v: bigint): Big => ({ m: v, e: -BITS });
export function bitLength(v: bigint): number {
  const s = (v < 0n ? -v : v).toString(16);
  return v === 0n ? 0 : (s.length - 1) * 4 + (32 - Math.clz32(Number.parseInt(s[0]!, 16)));
}
/** The nearest double (ties to even) of a fixed-point value in the normal range. */
export function fixedToNumber(v: bigint, bits = 53): number {
  const n = bitLength(v) - bits;
  if (n <= 0) return Number(v) * 2 ** -BITS;
  const half = 1n << BigInt(n - 1);
  let q = (v + half) >> BigInt(n);
  if (((v + half) & ((1n << BigInt(n)) - 1n)) === 0n && q & 1n) q -= 1n;
  return Number(q) * 2 ** (n - BITS);
}

/** 2 * atanh(1/n) by its series. */
function twiceAtanhInverse(n: bigint): bigint {
  let term = (2n * ONE) / n;
  let sum = 0n;
  for (let k = 1n; term !== 0n; k += 2n, term /= n * n) sum += term / k;
  return sum;
}
function atanInverse(n: bigint): bigint {
  let term = ONE / n;
  let sum = 0n;
  for (let k = 1n; term !== 0n; k += 2n, term /= n * n) sum += k % 4n === 1n ? term / k : -term / k;
  return sum;
}
export const LN2 = twiceAtanhInverse(3n);
/** Machin's formula. */
export const PI = 4n * (4n * atanInverse(5n) - atanInverse(239n));
export function fsqrt(v: bigint): bigint {
  const n = v << P;
  let x = 1n << BigInt((bitLength(n) + 1) >> 1);
  for (;;) {
    const y = (x + n / x) >> 1n;
    if (y >= x) return x;
    x = y;
  }
}
const TWO_OVER_SQRT_PI = fdiv(2n * ONE, fsqrt(PI));

/** e^v for small |v| (up to about 1), fixed point. */
function expSmall(v: bigint): bigint {
  const halvings = 10n;
  const r = v >> halvings;
  let term = ONE;
  let sum = ONE;
  for (let k = 1n; term !== 0n && term !== -1n; k += 1n) {
    term = fmul(term, r) / k;
    sum += term;
  }
  for (let i = 0n; i < halvings; i += 1n) sum = fmul(sum, sum);
  return sum;
}
/** e^v of a fixed-point v, relative precision kept. */
export function expFixed(v: bigint): Big {
  const n = (v + LN2 / 2n) / LN2 - (v + LN2 / 2n < 0n ? 1n : 0n);
  return { m: expSmall(v - n * LN2), e: Number(n) - BITS };
}
export const exp = (x: number): Big => expFixed(fixed(x));

/** ln x of x > 0, fixed point. */
export function logFixed(x: Big): bigint {
  const len = bitLength(x.m);
  const e = x.e + len;
  const m = shift(x.m, BITS - len);
  // Halley's iteration on e^y = m triples the digits
  let y = fixed(Math.log(Number(m >> BigInt(BITS - 53)) / 2 ** 53));
  for (let i = 0; i < 2; i++) {
    const ey = expSmall(y);
    y += fdiv(2n * (m - ey), m + ey);
  }
  return y + BigInt(e) * LN2;
}
export function log(x: number): Big {
  return fromFixed(logFixed(big(x)));
}

function sincos(v: bigint): [bigint, bigint] {
  const halfPi = PI / 2n;
  let n = (v + halfPi / 2n) / halfPi;
  if (v + halfPi / 2n < 0n) n -= 1n;
  const r = v - n * halfPi;
  const r2 = fmul(r, r);
  const series = (first: bigint, k0: bigint): bigint => {
    let term = first;
    let sum = first;
    for (let k = k0; term !== 0n && term !== -1n; k += 2n) {
      term = -fmul(term, r2) / (k * (k + 1n));
      sum += term;
    }
    return sum;
  };
  const [s, c] = [series(r, 2n), series(ONE, 1n)];
  switch (((n % 4n) + 4n) % 4n) {
    case 0n:
      return [s, c];
    case 1n:
      return [c, -s];
    case 2n:
      return [-s, -c];
    default:
      return [-c, s];
  }
}
const TINY = 2 ** -80;
export const sin = (x: number): Big => (Math.abs(x) < TINY ? big(x) : fromFixed(sincos(fixed(x))[0]));
export const cos = (x: number): Big => fromFixed(sincos(fixed(x))[1]);

export function erfFixed(v: bigint): bigint {
  const v2 = fmul(v, v);
  let term = v;
  let sum = v;
  for (let k = 1n; term !== 0n && term !== -1n; k += 1n) {
    term = -fmul(term, v2) / k;
    sum += term / (2n * k + 1n);
  }
  return fmul(sum, TWO_OVER_SQRT_PI);
}
export function erf(x: number): Big {
  if (Math.abs(x) < TINY) return { m: big(x).m * TWO_OVER_SQRT_PI, e: big(x).e - BITS };
  if (Math.abs(x) > 8) return fromFixed(x > 0 ? ONE : -ONE);
  return fromFixed(erfFixed(fixed(x)));
}
export function tanh(x: number): Big {
  if (Math.abs(x) < TINY) return big(x);
  if (Math.abs(x) > 50) return fromFixed(x > 0 ? ONE : -ONE);
  const t = toFixed(expFixed(2n * fixed(x)));
  return fromFixed(fdiv(t - ONE, t + ONE));
}
export function sigmoid(x: number): Big {
  if (x > 100) return fromFixed(ONE);
  const t = exp(x);
  const d = ONE + toFixed(t);
  return { m: (t.m << P) / d, e: t.e };
}
/** x^y of x > 0. */
export function pow(x: number, y: number): Big {
  const b = big(y);
  return expFixed(shift(logFixed(big(x)) * b.m, b.e));
}
export const rsqrt = (x: number): Big => {
  const b = big(x);
  const odd = b.e & 1;
  const s = fsqrt(shift(b.m, BITS + odd));
  // 1 / (sqrt(m * 2^odd) * 2^((e - odd) / 2))
  return { m: fdiv(ONE, s), e: -BITS - (b.e - odd) / 2 };
};

/** |y - exact| in units of the last place (of `bits` significant bits, smallest exponent `minExponent`) of the exact value. */
export function ulpError(y: number, exact: Big, type: "f32" | "f64"): number {
  const [bits, lowest, largest] = type === "f32" ? [24, -149, 128] : [53, -1074, 1024];
  const top = exact.m === 0n ? lowest : exact.e + bitLength(exact.m);
  const e = Math.min(Math.max(top - bits, lowest), largest - bits);
  // in units of 2^(e - 20)
  const want = shift(exact.m, exact.e - e + 20);
  if (!Number.isFinite(y)) {
    if (Number.isNaN(y)) return Infinity;
    const limit = 1n << BigInt(bits + 20);
    const magnitude = want < 0n ? -want : want;
    // an overflow is right (within an ulp) where the exact value is at the limit or beyond
    if (y > 0 !== want > 0n) return Infinity;
    return top > largest || (top === largest && magnitude >= limit - (3n << 20n))
      ? magnitude >= limit
        ? 0
        : Number(limit - magnitude) / 2 ** 20
      : Infinity;
  }
  const b = big(y);
  const got = shift(b.m, b.e - e + 20);
  const d = got - want;
  return Number(d < 0n ? -d : d) / 2 ** 20;
}
