import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  applyOp,
  bitsOf,
  compileOp,
  DTYPES,
  type DType,
  foldable,
  fromBits16,
  isBig,
  isFloat,
  isInteger,
  maxInt,
  minInt,
  normalize,
  OP_NAMES,
  type OpName,
  opInfo,
  roundToF16,
  type Scalar,
  toBits16,
} from "../../src/ir/index.ts";
import { erf, exactFma, fma64 } from "../../src/ir/math.ts";

const INTS = DTYPES.filter(isInteger);
const FLOATS = DTYPES.filter(isFloat);

/** Values of a dtype, the awkward ones often. */
function values(d: DType): fc.Arbitrary<Scalar> {
  if (d === "bool") return fc.constantFrom(0, 1);
  if (isFloat(d)) {
    const special = [
      0,
      -0,
      1,
      -1,
      0.5,
      -2.5,
      NaN,
      Infinity,
      -Infinity,
      65504,
      5e-324,
      2 ** -24,
      1e300,
      2 ** 31,
      -(2 ** 63),
    ];
    return fc
      .oneof(fc.constantFrom(...special), fc.double(), fc.integer({ min: -100, max: 100 }))
      .map((x) => normalize(d, x));
  }
  const [lo, hi] = [minInt(d), maxInt(d)];
  return fc
    .oneof(
      fc.constantFrom(lo, hi, 0n, 1n, lo + 1n, hi - 1n),
      fc.bigInt({ min: lo, max: hi }),
      fc.bigInt({ min: 0n, max: 9n }),
    )
    .map((x) => (isBig(d) ? x : Number(x)));
}
const floor = (a: bigint, b: bigint): bigint => (a % b !== 0n && a < 0n !== b < 0n ? a / b - 1n : a / b);
const clamp = (d: DType, x: bigint): bigint => (x < minInt(d) ? minInt(d) : x > maxInt(d) ? maxInt(d) : x);
const wrap = (d: DType, x: bigint): bigint =>
  minInt(d) < 0n ? BigInt.asIntN(bitsOf(d), x) : BigInt.asUintN(bitsOf(d), x);

describe("integer operations agree with their definition on whole numbers", () => {
  const width = (d: DType): bigint => BigInt(bitsOf(d));
  const mod = (d: DType, b: bigint): bigint => ((b % width(d)) + width(d)) % width(d);
  const defs: { [op in OpName]?: (d: DType, a: bigint, b: bigint) => bigint } = {
    add: (d, a, b) => wrap(d, a + b),
    sub: (d, a, b) => wrap(d, a - b),
    mul: (d, a, b) => wrap(d, a * b),
    floordiv: (d, a, b) => (b === 0n ? 0n : wrap(d, floor(a, b))),
    floormod: (_, a, b) => (b === 0n ? 0n : a - b * floor(a, b)),
    truncdiv: (d, a, b) => (b === 0n ? 0n : wrap(d, a / b)),
    truncrem: (_, a, b) => (b === 0n ? 0n : a % b),
    neg: (d, a) => wrap(d, -a),
    abs: (d, a) => wrap(d, a < 0n ? -a : a),
    min: (_, a, b) => (a - b < 0n ? a : b),
    max: (_, a, b) => (a - b > 0n ? a : b),
    and: (d, a, b) => wrap(d, a & b),
    or: (d, a, b) => wrap(d, a | b),
    xor: (d, a, b) => wrap(d, a ^ b),
    not: (d, a) => wrap(d, ~a),
    shl: (d, a, b) => wrap(d, a << mod(d, b)),
    shr: (d, a, b) => a >> mod(d, b),
    addSat: (d, a, b) => clamp(d, a + b),
    subSat: (d, a, b) => clamp(d, a - b),
    mulSat: (d, a, b) => clamp(d, a * b),
    halvingAdd: (_, a, b) => floor(a + b, 2n),
    roundingHalvingAdd: (_, a, b) => floor(a + b + 1n, 2n),
    roundingShr: (d, a, b) => floor(2n * a + (1n << mod(d, b)), 2n << mod(d, b)),
    roundingMulQ: (d, a, b) => clamp(d, floor(a * b + (1n << (width(d) - 2n)), 1n << (width(d) - 1n))),
  };
  for (const [name, def] of Object.entries(defs) as [OpName, (d: DType, a: bigint, b: bigint) => bigint][]) {
    it(name, () => {
      for (const d of INTS) {
        if (name === "roundingMulQ" && minInt(d) === 0n) continue;
        const n = opInfo(name).arity;
        const types = Array<DType>(n).fill(d);
        fc.assert(
          fc.property(values(d), values(d), (a, b) => {
            const got = applyOp(name, d, types, n === 1 ? [a] : [a, b]);
            expect(typeof got).toBe(isBig(d) ? "bigint" : "number");
            expect(Object.is(got, -0)).toBe(false);
            expect(BigInt(got)).toBe(def(d, BigInt(a), BigInt(b)));
          }),
        );
      }
    });
  }
  it("widening operations", () => {
    for (const d of ["i8", "i16", "i32", "u8", "u16", "u32"] as const) {
      const out = opInfo("widenMul").result(d, d) as DType;
      fc.assert(
        fc.property(values(d), values(d), (a, b) => {
          const [x, y] = [BigInt(a), BigInt(b)];
          expect(BigInt(applyOp("widenAdd", out, [d, d], [a, b]))).toBe(wrap(out, x + y));
          expect(BigInt(applyOp("widenSub", out, [d, d], [a, b]))).toBe(wrap(out, x - y));
          expect(BigInt(applyOp("widenMul", out, [d, d], [a, b]))).toBe(wrap(out, x * y));
        }),
      );
    }
  });
  it("casts wrap, satcasts saturate", () => {
    for (const from of INTS)
      for (const to of INTS)
        fc.assert(
          fc.property(values(from), (a) => {
            expect(BigInt(applyOp("cast", to, [from], [a]))).toBe(wrap(to, BigInt(a)));
            expect(BigInt(applyOp("satcast", to, [from], [a]))).toBe(clamp(to, BigInt(a)));
          }),
          { numRuns: 20 },
        );
  });
});

describe("floats", () => {
  it("every result is one the dtype holds", () => {
    for (const op of OP_NAMES) {
      const info = opInfo(op);
      for (const d of DTYPES) {
        const types = Array<DType>(info.arity).fill(d);
        if (op === "select" || op === "where") types[0] = "bool";
        const r = info.result(...types);
        if (typeof r !== "string") continue;
        fc.assert(
          fc.property(fc.tuple(...types.map(values)), (v) => {
            const got = applyOp(op, r, types, v);
            expect(normalize(r, Number.isNaN(got) ? got : got)).toBe(got);
          }),
          { numRuns: 30 },
        );
      }
    }
  });
  it("float to integer truncates, saturates, and takes NaN to 0", () => {
    for (const f of FLOATS)
      for (const d of INTS)
        fc.assert(
          fc.property(values(f), (x) => {
            const v = x as number;
            const want = Number.isNaN(v)
              ? 0n
              : v === Infinity
                ? maxInt(d)
                : v === -Infinity
                  ? minInt(d)
                  : clamp(d, BigInt(Math.trunc(v)));
            const got = applyOp("cast", d, [f], [v]);
            expect(typeof got).toBe(isBig(d) ? "bigint" : "number");
            expect(Object.is(got, -0)).toBe(false);
            expect(BigInt(got)).toBe(want);
          }),
          { numRuns: 50 },
        );
  });
  it("f16 bits go both ways", () => {
    for (let b = 0; b < 65536; b++) {
      const x = fromBits16(b);
      if (Number.isNaN(x)) continue;
      expect(toBits16(x)).toBe(b);
      expect(Object.is(roundToF16(x), x)).toBe(true);
    }
    fc.assert(
      fc.property(fc.double({ noNaN: true, min: -70000, max: 70000 }), (x) => {
        // nearest: neither neighbour is closer
        const r = roundToF16(x);
        if (!Number.isFinite(r)) {
          expect(Math.abs(x)).toBeGreaterThanOrEqual(65520);
          return;
        }
        for (const n of [toBits16(r) - 1, toBits16(r) + 1]) {
          const y = fromBits16(n & 0xffff);
          if (Number.isFinite(y)) expect(Math.abs(x - r)).toBeLessThanOrEqual(Math.abs(x - y));
        }
      }),
    );
  });
  it("round takes halves to even and keeps the sign of zero", () => {
    const r = compileOp("round", "f64", ["f64"]);
    const cases = [
      0.5,
      0,
      1.5,
      2,
      2.5,
      2,
      -0.5,
      -0,
      -1.5,
      -2,
      -0.2,
      -0,
      2 ** 52 + 1,
      2 ** 52 + 1,
      4503599627370495.5,
      2 ** 52,
    ];
    for (let i = 0; i < cases.length; i += 2) expect(r(cases[i]!, 0, 0)).toBe(cases[i + 1]);
  });
  it("64-bit integers become f32 and f16 with one rounding", () => {
    // half of an f32 step above a power, plus a little that f64 would lose
    const v = 2n ** 62n + 2n ** 38n + 1n;
    expect(applyOp("cast", "f32", ["i64"], [v])).toBe(2 ** 62 + 2 ** 39);
    expect(applyOp("cast", "f32", ["i64"], [-v])).toBe(-(2 ** 62 + 2 ** 39));
    expect(applyOp("cast", "f32", ["u64"], [v - 1n])).toBe(2 ** 62);
  });
  it("fma rounds once", () => {
    const f = compileOp("fma", "f32", ["f32", "f32", "f32"]);
    // the exact value is just above a half step of f32
    const [a, b, c] = [1 + 2 ** -23, 1 + 2 ** -23, 2 ** 30];
    expect(f(a, b, c)).toBe(exactF32(a, b, c));
    expect(f(-1, 0, 0)).toBe(0);
    expect(f(-1, 0, -0)).toBe(-0);
    expect(f(Infinity, 0, 1)).toBeNaN();
    const h = compileOp("fma", "f16", ["f16", "f16", "f16"]);
    fc.assert(
      fc.property(values("f32"), values("f32"), values("f32"), (x, y, z) => {
        const [p, q, r] = [x as number, y as number, z as number];
        if ([p, q, r].every(Number.isFinite)) expect(f(p, q, r)).toBe(exactF32(p, q, r));
        const [s, t, u] = [roundToF16(p), roundToF16(q), roundToF16(r)];
        if ([s, t, u].every(Number.isFinite)) expect(h(s, t, u)).toBe(exactF16(s, t, u));
      }),
    );
  });
  it("f64 fma agrees with whole-number arithmetic", () => {
    const near = fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e10, max: 1e10 });
    fc.assert(
      fc.property(fc.oneof(near, fc.double()), fc.oneof(near, fc.double()), fc.oneof(near, fc.double()), (a, b, c) => {
        expect(fma64(a, b, c)).toBe(exactFma(a, b, c));
        // the case where everything cancels but the rounding error of the product
        expect(fma64(a, b, -(a * b))).toBe(exactFma(a, b, -(a * b)));
        expect(fma64(a, b, -(a * b) * (1 + 2 ** -52))).toBe(exactFma(a, b, -(a * b) * (1 + 2 ** -52)));
      }),
      { numRuns: 1000 },
    );
    expect(exactFma(2 ** 1000, 2 ** 1000, -Infinity)).toBe(-Infinity);
    expect(exactFma(2 ** -1000, -(2 ** -1000), 0)).toBe(-0);
    expect(exactFma(2 ** -1000, 2 ** -70, 5e-324)).toBe(5e-324 * 17);
    expect(exactFma(2 ** 1023, 2, -(2 ** 1023))).toBe(2 ** 1023);
    expect(exactFma(0.1, 10, -1)).toBe(2 ** -54);
  });
  it("erf is good to 3 ulp", () => {
    for (let n = -167; n < 167; n++) {
      const x = n / 27 - ((n / 27) % 2 ** -40);
      const want = erfBig(x);
      const ulp = 2 ** (Math.floor(Math.log2(Math.abs(want))) - 52);
      if (x !== 0) expect(Math.abs(erf(x) - want) / ulp, `erf(${x})`).toBeLessThanOrEqual(3);
    }
    expect(erf(-0)).toBe(-0);
    expect(erf(NaN)).toBeNaN();
    expect(erf(Infinity)).toBe(1);
    expect(erf(1e-300)).toBeCloseTo(1.1283791670955126e-300, 310);
  });
  it("sigmoid neither overflows nor loses its small values", () => {
    const s = compileOp("sigmoid", "f64", ["f64"]);
    expect(s(-1000, 0, 0)).toBe(0);
    expect(s(1000, 0, 0)).toBe(1);
    expect(s(-700, 0, 0)).toBeCloseTo(Math.exp(-700), 310);
    expect(s(0, 0, 0)).toBe(0.5);
  });
});

/** a * b + c rounded to f32 once, from whole multiples of 2^-298. */
function exactF32(a: number, b: number, c: number): number {
  const s = toFixed(a, 149) * toFixed(b, 149) + (toFixed(c, 149) << 149n);
  return s === 0n ? Math.fround(a * b + c) : roundFixed(s, 298, 24, -149, 2 ** 128);
}
function exactF16(a: number, b: number, c: number): number {
  const s = toFixed(a, 24) * toFixed(b, 24) + (toFixed(c, 24) << 24n);
  return s === 0n ? a * b + c : roundFixed(s, 48, 11, -24, 65536);
}
function toFixed(x: number, places: number): bigint {
  let n = 0;
  while (!Number.isInteger(x)) {
    x *= 2;
    n++;
  }
  return BigInt(x) << BigInt(places - n);
}
function roundFixed(s: bigint, places: number, precision: number, least: number, limit: number): number {
  const sign = s < 0n ? -1 : 1;
  const m = s < 0n ? -s : s;
  const drop = BigInt(Math.max(m.toString(2).length - precision, least + places, 0));
  let q = m >> drop;
  const rest = (m - (q << drop)) * 2n;
  const one = 1n << drop;
  if (rest > one || (rest === one && q % 2n === 1n)) q += 1n;
  const r = Number(q) * 2 ** (Number(drop) - places);
  return sign * (r >= limit ? Infinity : r);
}
/** erf by its Taylor series in 200 bits after the point, which swallow the cancellation. */
function erfBig(x: number): number {
  const P = 200n;
  const one = 1n << P;
  const [sign, a] = [Math.sign(x), Math.abs(x)];
  const X = BigInt(a * 2 ** 40) << (P - 40n); // callers pass multiples of 2^-40
  const X2 = (X * X) >> P;
  let term = X;
  let sum = 0n;
  for (let n = 0n; n < 400n; n++) {
    sum += (n % 2n === 0n ? term : -term) / (2n * n + 1n);
    term = ((term * X2) >> P) / (n + 1n);
  }
  // 2/sqrt(pi) to 200 bits, pi from Machin's formula
  const atan = (k: bigint): bigint => {
    let t = one / k;
    let r = 0n;
    for (let n = 0n; t !== 0n; n++) {
      r += (n % 2n === 0n ? t : -t) / (2n * n + 1n);
      t /= k * k;
    }
    return r;
  };
  const PI = 4n * (4n * atan(5n) - atan(239n));
  let root = PI;
  for (let n = 0; n < 200; n++) root = (root + (PI << P) / root) >> 1n;
  return (sign * Number((sum * 2n * one) / root)) / 2 ** 200;
}

describe("bits and folding", () => {
  it("bitcast reads the same bits", () => {
    expect(applyOp("bitcast", "i32", ["f32"], [1])).toBe(0x3f800000);
    expect(applyOp("bitcast", "f32", ["u32"], [0x40490fdb])).toBe(Math.fround(Math.PI));
    expect(applyOp("bitcast", "u16", ["f16"], [-0])).toBe(0x8000);
    expect(applyOp("bitcast", "f16", ["i16"], [0x3c00])).toBe(1);
    expect(applyOp("bitcast", "i64", ["f64"], [-2])).toBe(-0x4000000000000000n);
    expect(applyOp("bitcast", "f64", ["u64"], [0x3ff0000000000000n])).toBe(1);
    expect(applyOp("bitcast", "u8", ["i8"], [-1])).toBe(255);
  });
  it("logic on bool stays in 0 and 1", () => {
    for (const a of [0, 1])
      for (const b of [0, 1]) {
        expect(applyOp("and", "bool", ["bool", "bool"], [a, b])).toBe(a & b);
        expect(applyOp("or", "bool", ["bool", "bool"], [a, b])).toBe(a | b);
        expect(applyOp("xor", "bool", ["bool", "bool"], [a, b])).toBe(a ^ b);
        expect(applyOp("not", "bool", ["bool"], [a])).toBe(1 - a);
      }
    expect(applyOp("cast", "bool", ["f32"], [NaN])).toBe(1);
    expect(applyOp("cast", "bool", ["i64"], [0n])).toBe(0);
    expect(applyOp("cast", "i64", ["bool"], [1])).toBe(1n);
  });
  it("pmin and pmax keep the first operand where neither is smaller", () => {
    expect(applyOp("pmin", "f32", ["f32", "f32"], [0, -0])).toBe(0);
    expect(applyOp("pmin", "f32", ["f32", "f32"], [1, NaN])).toBe(1);
    expect(applyOp("pmax", "f32", ["f32", "f32"], [NaN, 1])).toBeNaN();
  });
  it("says what may be folded", () => {
    expect(foldable("add")).toBe(true);
    expect(foldable("exp")).toBe(false);
    expect(foldable("bitcast", "u32", ["i32"])).toBe(true);
    expect(foldable("bitcast", "f32", ["i32"])).toBe(false);
  });
});
