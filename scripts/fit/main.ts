/**
 * Computes the coefficients of the math functions: `npx tsx scripts/fit/main.ts` prints src/lower/legalize/coefficients.ts
 * (write its output there), and to stderr each fit's weighted error as a power of two.
 */
import {
  erfFixed,
  expFixed,
  fdiv,
  fixed,
  fixedToNumber,
  fmul,
  fromFixed,
  LN2,
  logFixed,
  ONE,
  PI,
  toFixed,
} from "../../test/legalize/precise.ts";
import { type Fit, remez, toNumbers } from "./remez.ts";

const exp = (x: bigint): bigint => toFixed(expFixed(x));
const ln = (x: bigint): bigint => logFixed(fromFixed(x));
/** ln((1 + s) / (1 - s)) / s as a function of z = s^2. */
const logRatio = (z: bigint): bigint => {
  const s = sqrt(z);
  return fdiv(ln(fdiv(ONE + s, ONE - s)), s);
};
const sqrt = (v: bigint): bigint => {
  // Newton from the double root
  let x = fixed(Math.sqrt(fixedToNumber(v)));
  for (let i = 0; i < 4; i++) x = (x + fdiv(v, x)) >> 1n;
  return x;
};
const third = ONE / 3n;
const Z = ((Math.SQRT2 - 1) / (Math.SQRT2 + 1)) ** 2 * 1.0001;
const SPLIT = { f32: 0.9, f64: 1 };

type Entry = Fit & { readonly bits: 24 | 53; readonly why: string };
const expFit = { f: (r: bigint) => fdiv(exp(r) - ONE - r, fmul(r, r)), weight: Math.abs, from: -0.34663, to: 0.34663 };
const exp2Fit = { f: (r: bigint) => fdiv(exp(fmul(r, LN2)) - ONE, r), weight: Math.abs, from: -0.5001, to: 0.5001 };
const logFit = { f: (z: bigint) => fdiv(logRatio(z) - 2n * ONE, z), weight: (z: number) => z / 2, from: 1e-9, to: Z };
const sinFit = {
  f: (z: bigint) => fdiv(fdiv(toFixed(sinOf(z)), sqrt(z)) - ONE, z),
  weight: (z: number) => z,
  from: 1e-9,
  to: 0.6169,
};
const cosFit = {
  f: (z: bigint) => fdiv(toFixed(cosOf(z)) - ONE + z / 2n, fmul(z, z)),
  weight: (z: number) => z * z,
  from: 1e-6,
  to: 0.6169,
};
// sin and cos take a double; sqrt(z) as a double would lose digits, so their series in z are summed here
function series(z: bigint, first: bigint, k0: bigint): bigint {
  let [term, sum] = [first, first];
  for (let k = k0; term !== 0n && term !== -1n; k += 2n) {
    term = -fmul(term, z) / (k * (k + 1n));
    sum += term;
  }
  return sum;
}
const sinOf = (z: bigint) => fromFixed(series(z, sqrt(z), 2n));
const cosOf = (z: bigint) => fromFixed(series(z, ONE, 1n));
const erfNear = (split: number) => ({
  f: (z: bigint) => fdiv(erfFixed(sqrt(z)), sqrt(z)) - ONE,
  weight: () => 1,
  from: 1e-9,
  to: split * split * 1.0001,
});
const erfc = (x: number): number => fixedToNumber(ONE - erfFixed(fixed(x)));
const erfFar = (split: number, end: number) => ({
  f: (t: bigint) => -ln(ONE - erfFixed(t + fixed(split))),
  weight: (t: number) => erfc(t + split) / (1 - erfc(t + split)),
  from: 0,
  to: end - split,
});

const entries: readonly Entry[] = [
  { ...expFit, name: "EXP_F32", degree: 4, bits: 24, why: "e^r = 1 + r + r^2 P(r), |r| <= ln 2 / 2" },
  { ...expFit, name: "EXP_F64", degree: 9, bits: 53, why: "the same" },
  { ...exp2Fit, name: "EXP2_POW32", degree: 6, bits: 53, why: "2^r = 1 + r P(r), |r| <= 1/2; enough for f32 results" },
  { ...exp2Fit, name: "EXP2_POW64", degree: 10, bits: 53, why: "the same, for f64 results" },
  { ...logFit, name: "LOG_F32", degree: 2, bits: 24, why: "ln((1+s)/(1-s)) = 2s + s z Q(z), z = s^2 <= 0.0295" },
  { ...logFit, name: "LOG_F64", degree: 6, bits: 53, why: "the same" },
  { ...logFit, name: "LOG_POW32", degree: 3, bits: 53, why: "the same, enough for pow with f32 results" },
  {
    name: "LOG_POW64",
    f: (z) => fdiv((logRatio(z) - 2n * ONE) / 2n - fmul(z, third), fmul(z, z)),
    weight: (z) => z * z,
    from: 1e-6,
    to: Z,
    degree: 6,
    bits: 53,
    why: "ln((1+s)/(1-s)) = 2s (1 + z (1/3 + z Q(z)))",
  },
  { ...sinFit, name: "SIN_F32", degree: 2, bits: 24, why: "sin r = r + r z S(z), z = r^2, |r| <= pi/4" },
  { ...sinFit, name: "SIN_F64", degree: 5, bits: 53, why: "the same" },
  { ...cosFit, name: "COS_F32", degree: 2, bits: 24, why: "cos r = 1 - z/2 + z^2 C(z)" },
  { ...cosFit, name: "COS_F64", degree: 5, bits: 53, why: "the same" },
  {
    ...erfNear(SPLIT.f32),
    name: "ERF_NEAR_F32",
    degree: 5,
    bits: 24,
    why: "erf x = x + x E(x^2), |x| <= ERF_SPLIT_F32",
  },
  { ...erfNear(SPLIT.f64), name: "ERF_NEAR_F64", degree: 11, bits: 53, why: "the same" },
  { ...erfFar(SPLIT.f32, 4), name: "ERF_FAR_F32", degree: 6, bits: 24, why: "erfc x = e^(-G(x - split)), up to 4" },
  { ...erfFar(SPLIT.f64, 6), name: "ERF_FAR_F64", degree: 17, bits: 53, why: "the same, up to 6" },
];

/** Splits a constant into pieces of so many bits each; the last is the rest as a double. */
function pieces(v: bigint, bits: readonly number[]): number[] {
  const out: number[] = [];
  let rest = v;
  for (const b of bits) {
    const top = (rest < 0n ? -rest : rest).toString(2).length - b;
    const kept =
      b >= 53
        ? fixed(fixedToNumber(rest))
        : b === 24
          ? fixed(Math.fround(fixedToNumber(rest)))
          : (rest >> BigInt(top)) << BigInt(top);
    out.push(fixedToNumber(kept));
    rest -= kept;
  }
  return out;
}
const text = (c: number): string => (c === Math.LN2 ? "Math.LN2" : c === Math.LOG2E ? "Math.LOG2E" : String(c));
const invLn2 = fdiv(ONE, LN2);
const lines: string[] = [
  "/** Coefficients and constants of the math expansions. Made by scripts/fit/main.ts: change that, not this. */",
];
const put = (name: string, value: string, why: string): void =>
  void lines.push(`/** ${why} */`, `export const ${name} = ${value};`);
put("LOG2_E", text(fixedToNumber(invLn2)), "1 / ln 2");
put(
  "LN2_F32",
  JSON.stringify(pieces(LN2, [11, 24])),
  "ln 2 in two pieces: the first times a whole number below 2^13 is exact in f32",
);
put(
  "LN2_F64",
  JSON.stringify(pieces(LN2, [40, 53])),
  "ln 2 in two pieces: the first times a whole number below 2^13 is exact in f64",
);
put("INV_LN2_SPLIT", JSON.stringify(pieces(invLn2, [26, 53])), "1 / ln 2, the first piece of 26 bits");
put("TWO_INV_LN2_SPLIT", JSON.stringify(pieces(2n * invLn2, [26, 53])), "2 / ln 2, the first piece of 26 bits");
put("THIRD_SPLIT", JSON.stringify(pieces(third, [26, 53])), "1 / 3, the first piece of 26 bits");
put("TWO_OVER_PI", String(fixedToNumber(fdiv(2n * ONE, PI))), "2 / pi");
put(
  "HALF_PI_FOR_F32",
  JSON.stringify(pieces(PI / 2n, [30, 53])),
  "pi / 2: the first piece times a whole number below 2^23 is exact in f64",
);
put(
  "HALF_PI_F64",
  JSON.stringify(pieces(PI / 2n, [32, 32, 32, 53])),
  "pi / 2: the first three pieces times a whole number below 2^21 are exact in f64",
);
put("ERF_SPLIT_F32", String(SPLIT.f32), "Where the f32 erf changes its formula");
put("ERF_SPLIT_F64", String(SPLIT.f64), "Where the f64 erf changes its formula");
for (const e of entries) {
  const p = remez(e);
  console.error(`${e.name} degree ${e.degree}: 2^${Math.log2(p.error).toFixed(2)}`);
  put(
    e.name,
    `[\n${toNumbers(p, e.bits)
      .map((c) => `  ${text(c)},`)
      .join("\n")}\n]`,
    `${e.why}. Largest error 2^${Math.log2(p.error).toFixed(1)} of the result.`,
  );
}
console.log(lines.join("\n"));
