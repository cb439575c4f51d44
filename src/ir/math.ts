/** Float helpers that JavaScript lacks: fused multiply-add with one rounding, erf, sigmoid, rounding to even. */

const view = new DataView(new ArrayBuffer(8));

/** The neighbour of a finite non-zero f64, away from zero (up) or towards it. */
function neighbour(x: number, away: boolean): number {
  view.setFloat64(0, x);
  view.setBigUint64(0, view.getBigUint64(0) + (away ? 1n : -1n));
  return view.getFloat64(0);
}
function mantissaIsOdd(x: number): boolean {
  view.setFloat64(0, x);
  return (view.getUint8(7) & 1) === 1;
}

/** a + b in f64, rounded to odd: rounding that once more to at most 51 bits is as good as one rounding. */
export function addRoundedToOdd(a: number, b: number): number {
  const s = a + b;
  if (!Number.isFinite(s)) return s;
  const t = s - a;
  const error = a - (s - t) + (b - t);
  if (error === 0 || mantissaIsOdd(s)) return s;
  return neighbour(s, error > 0 === s > 0);
}

/** m * 2^e as the nearest f64, halves to even. */
function nearestF64(m: bigint, e: number): number {
  if (m < 0n) return -nearestF64(-m, e);
  const top = m.toString(2).length - 1 + e;
  const unit = Math.max(top - 52, -1074);
  const shift = unit - e;
  let q: bigint;
  if (shift <= 0) q = m << BigInt(-shift);
  else {
    const s = BigInt(shift);
    q = m >> s;
    const rest = m - (q << s);
    const half = 1n << (s - 1n);
    if (rest > half || (rest === half && (q & 1n) === 1n)) q += 1n;
  }
  // two steps, since 2 ** unit may be beyond the largest f64 while the product is not asked for
  return unit > 971 ? Infinity : Number(q) * 2 ** unit;
}
function decompose(x: number): [bigint, number] {
  view.setFloat64(0, x);
  const bits = view.getBigUint64(0);
  const exponent = Number((bits >> 52n) & 0x7ffn);
  const fraction = bits & 0xfffffffffffffn;
  const m = exponent === 0 ? fraction : fraction | (1n << 52n);
  return [x < 0 ? -m : m, Math.max(exponent, 1) - 1075];
}

/** a * b + c with one rounding, by way of whole numbers: slow, for operands near the ends of the range. */
export function exactFma(a: number, b: number, c: number): number {
  if (!Number.isFinite(a) || !Number.isFinite(b)) return a * b + c;
  if (!Number.isFinite(c)) return c;
  if (a === 0 || b === 0) return a * b + c;
  if (c === 0) return a * b;
  const [ma, ea] = decompose(a);
  const [mb, eb] = decompose(b);
  const [mc, ec] = decompose(c);
  const e = Math.min(ea + eb, ec);
  const sum = ((ma * mb) << BigInt(ea + eb - e)) + (mc << BigInt(ec - e));
  return sum === 0n ? 0 : nearestF64(sum, e);
}

const LARGE = 2 ** 450;
const SMALL = 2 ** -450;
const SPLITTER = 2 ** 27 + 1;
const moderate = (x: number): boolean => {
  const a = Math.abs(x);
  return a < LARGE && a > SMALL;
};

/** a * b as an unevaluated sum of two f64 (operands of moderate size). */
export function twoProduct(a: number, b: number): [number, number] {
  const p = a * b;
  const ca = SPLITTER * a;
  const cb = SPLITTER * b;
  const ah = ca - (ca - a);
  const al = a - ah;
  const bh = cb - (cb - b);
  const bl = b - bh;
  return [p, al * bl - (p - ah * bh - al * bh - ah * bl)];
}

/** a * b + c in f64, rounded once. */
export function fma64(a: number, b: number, c: number): number {
  if (!moderate(a) || !moderate(b) || !moderate(c)) return exactFma(a, b, c);
  const [uh, ul] = twoProduct(a, b);
  if (!moderate(uh)) return exactFma(a, b, c);
  // c + ul, then uh + that, errors kept; the two errors are added rounding to odd so that the last sum rounds rightly
  const th = c + ul;
  const tb = th - c;
  const tl = c - (th - tb) + (ul - tb);
  const vh = uh + th;
  const vb = vh - uh;
  const vl = uh - (vh - vb) + (th - vb);
  return vh + addRoundedToOdd(tl, vl);
}

/** To the nearest whole number, halves to even; keeps -0. */
export function roundToEven(x: number): number {
  const big = 2 ** 52;
  const a = Math.abs(x);
  if (!(a < big) || a === 0) return x;
  const r = a + big - big;
  return x < 0 ? -r : r;
}

export function sigmoid(x: number): number {
  // exp of a positive number would overflow before the result underflows
  if (x < 0) {
    const e = Math.exp(x);
    return e / (1 + e);
  }
  return 1 / (1 + Math.exp(-x));
}

const TWO_BY_SQRT_PI = 1.1283791670955126;
/** exp(-x * x) without the error that rounding x * x would bring. */
function gauss(x: number): number {
  const [high, low] = twoProduct(x, x);
  return Math.exp(-high) * (1 - low);
}
/** The error function, to about 2 ulp in f64. */
export function erf(x: number): number {
  if (Number.isNaN(x)) return NaN;
  const a = Math.abs(x);
  if (a > 6) return Math.sign(x);
  if (a < 1e-10) return x * TWO_BY_SQRT_PI;
  if (a < 2) {
    // 2/sqrt(pi) exp(-x^2) * sum of 2^n x^(2n+1) / (1*3*...*(2n+1)): all terms are positive, nothing cancels
    const t = 2 * a * a;
    let s = 1;
    for (let n = 50; n >= 1; n--) s = 1 + (t / (2 * n + 1)) * s;
    return x * TWO_BY_SQRT_PI * gauss(a) * s;
  }
  // 1 - erfc, by the continued fraction exp(-x^2)/sqrt(pi) * 1/(x + (1/2)/(x + 1/(x + (3/2)/(x + ...))))
  let f = a;
  for (let n = 80; n >= 1; n--) f = a + n / 2 / f;
  const r = 1 - ((gauss(a) / f) * TWO_BY_SQRT_PI) / 2;
  return x < 0 ? -r : r;
}
