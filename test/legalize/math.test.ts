/** The math expansions against the high-precision reference: largest error per function, special values, contraction. */
import { describe, expect, it } from "vitest";
import { constant, type Expr, type OpName, op, type Scalar, variable, visitExpr } from "../../src/ir/index.ts";
import { expandMath } from "../../src/lower/legalize/index.ts";
import { wasm } from "../../src/target/index.ts";
import { compileScalar, contract } from "./evaluate.ts";
import * as precise from "./precise.ts";
import { type Big, ulpError } from "./precise.ts";

type Fp = "f32" | "f64";
type Unary = "exp" | "log" | "tanh" | "sigmoid" | "erf" | "sin" | "cos" | "rsqrt";
/** Samples per function and dtype: TILEWRIGHT_SAMPLES=200000 for a long run. */
const SAMPLES = Number(process.env.TILEWRIGHT_SAMPLES ?? 4000);

let seed = 1;
function random(): number {
  seed = (Math.imul(seed, 1664525) + 1013904223) | 0;
  const a = seed >>> 5;
  seed = (Math.imul(seed, 1664525) + 1013904223) | 0;
  return (a * 67108864 + (seed >>> 6)) / 2 ** 53;
}
const uniform = (lo: number, hi: number): number => lo + (hi - lo) * random();
const round = (t: Fp, x: number): number => (t === "f32" ? Math.fround(x) : x);

function compiled(name: OpName, t: Fp, arity: number, fused: boolean): (...v: Scalar[]) => Scalar {
  const vars = Array.from({ length: arity }, (_, i) => variable(`x${i}`, t));
  const e: Expr = expandMath(op(name, vars), wasm());
  return compileScalar(fused ? contract(e) : e, vars);
}

function countOps(e: Expr): number {
  let n = 0;
  visitExpr(e, (x) => {
    if (x.kind === "op") n++;
  });
  return n;
}

interface Case {
  /** Where results are neither 0 nor infinite, in ranges that are sampled evenly. */
  readonly ranges: Readonly<Record<Fp, readonly (readonly [number, number])[]>>;
  /** Whether magnitudes are also sampled evenly in their logarithm, up to the largest of `ranges`, and which signs. */
  readonly magnitudes: "both" | "positive" | "none";
  readonly bound: Readonly<Record<Fp, number>>;
}
const CASES: Readonly<Record<Unary, Case>> = {
  exp: {
    ranges: {
      f32: [
        [-104, 89],
        [-1, 1],
        [-104, -87],
      ],
      f64: [
        [-746, 710],
        [-1, 1],
        [-746, -708],
      ],
    },
    magnitudes: "both",
    bound: { f32: 1.5, f64: 1.5 },
  },
  log: {
    ranges: {
      f32: [
        [0, 10],
        [0.5, 2],
        [0.99, 1.01],
      ],
      f64: [
        [0, 10],
        [0.5, 2],
        [0.99, 1.01],
      ],
    },
    magnitudes: "positive",
    bound: { f32: 1, f64: 1 },
  },
  tanh: {
    ranges: {
      f32: [
        [-10, 10],
        [-1, 1],
      ],
      f64: [
        [-20, 20],
        [-1, 1],
      ],
    },
    magnitudes: "both",
    bound: { f32: 3, f64: 3 },
  },
  sigmoid: {
    ranges: {
      f32: [
        [-104, 20],
        [-2, 2],
        [-104, -86],
      ],
      f64: [
        [-746, 40],
        [-2, 2],
        [-746, -708],
      ],
    },
    magnitudes: "both",
    bound: { f32: 2.5, f64: 2.5 },
  },
  erf: {
    ranges: {
      f32: [
        [-4.5, 4.5],
        [-1, 1],
      ],
      f64: [
        [-6.5, 6.5],
        [-1.2, 1.2],
      ],
    },
    magnitudes: "both",
    bound: { f32: 1.5, f64: 1.5 },
  },
  sin: {
    ranges: {
      f32: [
        [-6e6, 6e6],
        [-1e5, 1e5],
        [-10, 10],
        [-1, 1],
      ],
      f64: [
        [-1e6, 1e6],
        [-10, 10],
        [-1, 1],
      ],
    },
    magnitudes: "both",
    bound: { f32: 1.6, f64: 1 },
  },
  cos: {
    ranges: {
      f32: [
        [-6e6, 6e6],
        [-1e5, 1e5],
        [-10, 10],
        [-1, 1],
      ],
      f64: [
        [-1e6, 1e6],
        [-10, 10],
        [-1, 1],
      ],
    },
    magnitudes: "both",
    bound: { f32: 1.6, f64: 1 },
  },
  rsqrt: { ranges: { f32: [[0, 10]], f64: [[0, 10]] }, magnitudes: "positive", bound: { f32: 1.5, f64: 1.5 } },
};
const SMALLEST = { f32: -149, f64: -1074 };
const LARGEST = { f32: 128, f64: 1024 };

function samples(c: Case, t: Fp, n: number, trigonometric: boolean): number[] {
  const out: number[] = [];
  for (const [lo, hi] of c.ranges[t]) for (let i = 0; i < n / c.ranges[t].length; i++) out.push(uniform(lo, hi));
  if (c.magnitudes !== "none") {
    const top = c.magnitudes === "positive" ? LARGEST[t] : Math.log2(Math.max(...c.ranges[t].map((r) => r[1])));
    for (let i = 0; i < n / 2; i++) {
      const x = 2 ** uniform(SMALLEST[t], top);
      out.push(c.magnitudes === "both" && i % 2 ? -x : x);
    }
    for (let i = 0; i < n / 4; i++) out.push(2 ** uniform(-8, 3) * (c.magnitudes === "both" && i % 2 ? -1 : 1));
  }
  // next to multiples of pi/2, where reduction loses most
  if (trigonometric) {
    const most = t === "f32" ? 3.8e6 : 6.36e5;
    for (let i = 0; i < n; i++) out.push(Math.floor(uniform(1, i % 2 ? 200 : most)) * (Math.PI / 2));
  }
  return out.map((x) => round(t, x)).filter((x) => Number.isFinite(x) && (c.magnitudes !== "positive" || x > 0));
}

const references: Readonly<Record<Unary, (x: number) => Big>> = { ...precise };
/** Seconds matter: the mixed variant is tried on fewer points. */
function mixed(name: OpName, t: Fp, arity: number): ((...v: Scalar[]) => Scalar)[] {
  const vars = Array.from({ length: arity }, (_, i) => variable(`x${i}`, t));
  const e = expandMath(op(name, vars), wasm());
  return Array.from({ length: 6 }, () =>
    compileScalar(
      contract(e, () => random() < 0.5),
      vars,
    ),
  );
}

describe.each(["f32", "f64"] as const)("%s", (t) => {
  it("any mix of contracted and separate operations stays within the bounds", () => {
    for (const [name, c] of Object.entries(CASES) as [Unary, Case][])
      for (const f of mixed(name, t, 1))
        for (const x of samples(c, t, SAMPLES / 40, name === "sin" || name === "cos"))
          expect(ulpError(f(x) as number, references[name](x), t), `${name}(${x})`).toBeLessThanOrEqual(c.bound[t]);
    for (const f of mixed("pow", t, 2))
      for (let i = 0; i < SAMPLES / 20; i++) {
        const x = round(t, 2 ** uniform(-20, 20));
        const y = round(t, uniform(-1, 1) * (i % 2 ? (t === "f32" ? 6 : 50) : 1));
        const error = ulpError(f(x, y) as number, precise.pow(x, y), t);
        expect(error, `pow(${x}, ${y})`).toBeLessThanOrEqual(t === "f32" ? 0.52 : 1.5);
      }
  });

  for (const [name, c] of Object.entries(CASES) as [Unary, Case][]) {
    it(`${name} stays within ${c.bound[t]} ulp, contracted or not`, () => {
      const reference: (x: number) => Big = references[name];
      const [plain, fused] = [compiled(name, t, 1, false), compiled(name, t, 1, true)];
      const worst = { plain: 0, fused: 0, at: 0, fusedAt: 0 };
      for (const x of samples(c, t, SAMPLES, name === "sin" || name === "cos")) {
        const exact = reference(x);
        const a = ulpError(plain(x) as number, exact, t);
        if (a > worst.plain) [worst.plain, worst.at] = [a, x];
        const b = ulpError(fused(x) as number, exact, t);
        if (b > worst.fused) [worst.fused, worst.fusedAt] = [b, x];
      }
      if (process.env.TILEWRIGHT_REPORT) console.log(t, name, worst);
      expect(worst.plain, `at ${worst.at}`).toBeLessThanOrEqual(c.bound[t]);
      expect(worst.fused, `at ${worst.fusedAt}`).toBeLessThanOrEqual(c.bound[t]);
    });
  }

  it("exp of what is at most 0 stays within its bound, contracted or not, and keeps the special values", () => {
    const x = variable("x", t);
    const e = expandMath(op("exp", [op("min", [x, constant(t, 0)])]), wasm());
    // fewer operations than without the bound
    expect(countOps(e)).toBeLessThan(countOps(expandMath(op("exp", [x]), wasm())) - 4);
    const [plain, fused] = [compileScalar(e, [x]), compileScalar(contract(e), [x])];
    for (const v of samples({ ...CASES.exp, magnitudes: "both" }, t, SAMPLES, false)) {
      const exact = precise.exp(Math.min(v, 0));
      for (const f of [plain, fused]) expect(ulpError(f(v) as number, exact, t), `${v}`).toBeLessThanOrEqual(1.5);
    }
    const special = [0, -0, 5, Infinity, -Infinity, NaN, -1e4];
    for (const f of [plain, fused]) expect(special.map((v) => f(v))).toEqual([1, 1, 1, 1, 0, NaN, 0]);
  });

  it("pow stays within its bound, contracted or not", () => {
    const bound = t === "f32" ? 0.52 : 1.5;
    const [plain, fused] = [compiled("pow", t, 2, false), compiled("pow", t, 2, true)];
    const worst = { plain: 0, fused: 0, at: "" };
    const span = t === "f32" ? 150 : 1080;
    for (let i = 0; i < 2 * SAMPLES; i++) {
      let x = round(
        t,
        i % 3 === 0
          ? uniform(0, 4)
          : i % 3 === 1
            ? 2 ** uniform(SMALLEST[t], LARGEST[t])
            : 1 + 2 ** uniform(-50, -1) * (i % 2 ? 1 : -1),
      );
      if (i % 50 === 0) x = round(t, 1 + uniform(-1e-5, 1e-5));
      const l = Math.log2(x);
      if (x <= 0 || l === 0 || !Number.isFinite(x)) continue;
      // results over the whole range, half of them
      const y = round(t, i % 2 ? uniform(-span, span) / l : uniform(-5, 5));
      if (!Number.isFinite(y)) continue;
      const exact = precise.pow(x, y);
      const a = ulpError(plain(x, y) as number, exact, t);
      const b = ulpError(fused(x, y) as number, exact, t);
      if (Math.max(a, b) > Math.max(worst.plain, worst.fused)) worst.at = `${x}, ${y}`;
      worst.plain = Math.max(worst.plain, a);
      worst.fused = Math.max(worst.fused, b);
    }
    if (process.env.TILEWRIGHT_REPORT) console.log(t, "pow", worst);
    expect(worst.plain, worst.at).toBeLessThanOrEqual(bound);
    expect(worst.fused, worst.at).toBeLessThanOrEqual(bound);
  });

  const tiny = t === "f32" ? 2 ** -149 : 2 ** -1074;
  const SPECIAL: readonly [Unary, number, number][] = [
    ["exp", 0, 1],
    ["exp", -0, 1],
    ["exp", Infinity, Infinity],
    ["exp", -Infinity, 0],
    ["exp", NaN, NaN],
    ["exp", 1e4, Infinity],
    ["exp", -1e4, 0],
    ["exp", tiny, 1],
    ["log", 1, 0],
    ["log", 0, -Infinity],
    ["log", -0, -Infinity],
    ["log", Infinity, Infinity],
    ["log", -1, NaN],
    ["log", -Infinity, NaN],
    ["log", NaN, NaN],
    ["tanh", 0, 0],
    ["tanh", -0, -0],
    ["tanh", Infinity, 1],
    ["tanh", -Infinity, -1],
    ["tanh", NaN, NaN],
    ["tanh", tiny, tiny],
    ["tanh", -tiny, -tiny],
    ["tanh", 50, 1],
    ["sigmoid", 0, 0.5],
    ["sigmoid", -0, 0.5],
    ["sigmoid", Infinity, 1],
    ["sigmoid", -Infinity, 0],
    ["sigmoid", NaN, NaN],
    ["erf", 0, 0],
    ["erf", -0, -0],
    ["erf", Infinity, 1],
    ["erf", -Infinity, -1],
    ["erf", NaN, NaN],
    ["erf", 30, 1],
    ["sin", 0, 0],
    ["sin", -0, -0],
    ["sin", Infinity, NaN],
    ["sin", -Infinity, NaN],
    ["sin", NaN, NaN],
    ["sin", tiny, tiny],
    ["cos", 0, 1],
    ["cos", -0, 1],
    ["cos", Infinity, NaN],
    ["cos", -Infinity, NaN],
    ["cos", NaN, NaN],
    ["rsqrt", 0, Infinity],
    ["rsqrt", -0, -Infinity],
    ["rsqrt", Infinity, 0],
    ["rsqrt", -1, NaN],
    ["rsqrt", 4, 0.5],
    ["rsqrt", NaN, NaN],
  ];
  it.each(SPECIAL)("%s(%d) is %d", (name, x, want) => {
    expect(compiled(name, t, 1, false)(x)).toBe(want);
    expect(compiled(name, t, 1, true)(x)).toBe(want);
  });

  it("sin and cos stay within [-1, 1] beyond their domain", () => {
    for (const name of ["sin", "cos"] as const) {
      const f = compiled(name, t, 1, false);
      for (let i = 0; i < 3000; i++) {
        const x = round(t, 2 ** uniform(20, LARGEST[t] - 0.01) * (i % 2 ? -1 : 1));
        const y = f(x) as number;
        expect(Math.abs(y), `${name}(${x})`).toBeLessThanOrEqual(1);
      }
    }
  });

  it("pow has the special values of C", () => {
    const [plain, fused] = [compiled("pow", t, 2, false), compiled("pow", t, 2, true)];
    const values = [
      0,
      -0,
      1,
      -1,
      2,
      -2,
      0.5,
      -0.5,
      3,
      -3,
      4,
      2.5,
      -2.5,
      1 / 3,
      Infinity,
      -Infinity,
      NaN,
      tiny,
      -tiny,
      1e30,
      -1e30,
      16777215,
      101,
      -101,
    ].map((v) => round(t, v));
    for (const x of values)
      for (const y of values) {
        // JavaScript differs from C where the base is 1 or -1 and the exponent not finite
        let want = x === 1 ? 1 : Math.abs(x) === 1 && Math.abs(y) === Infinity ? 1 : round(t, x ** y);
        if (Number.isNaN(x) && y === 0) want = 1;
        const a = plain(x, y) as number;
        const b = fused(x, y) as number;
        const exactly = want === 0 || !Number.isFinite(want) || Math.abs(want) === 1;
        if (exactly) {
          expect(a, `${x} ** ${y}`).toBe(want);
          expect(b, `${x} ** ${y}`).toBe(want);
        } else {
          expect(Math.abs(a / want - 1), `${x} ** ${y} = ${a}`).toBeLessThan(t === "f32" ? 1.2e-7 : 5e-16);
          expect(Math.abs(b / want - 1), `${x} ** ${y} = ${b}`).toBeLessThan(t === "f32" ? 1.2e-7 : 5e-16);
        }
      }
  });
});

it("f64 sine holds at the arguments closest to multiples of pi/2", () => {
  // convergents of pi/2 with odd and even denominators, found by continued fraction
  const halfPi = precise.PI / 2n;
  const f = compiled("sin", "f64", 1, false);
  const g = compiled("cos", "f64", 1, false);
  let worst = 0;
  for (let e = -53 + 1; e <= -53 + 20; e++) {
    // x = m * 2^e near n pi/2: continued fraction of (pi/2) / 2^e
    const target = e >= 0 ? halfPi >> BigInt(e) : halfPi << BigInt(-e);
    let [num, den] = [target, precise.ONE];
    let [p0, p1, q0, q1] = [0n, 1n, 1n, 0n];
    for (let i = 0; i < 60 && den !== 0n; i++) {
      const a = num / den;
      [p0, p1] = [p1, a * p1 + p0];
      [q0, q1] = [q1, a * q1 + q0];
      [num, den] = [den, num % den];
      if (p1 >= 1n << 53n) break;
      const x = Number(p1) * 2 ** e;
      if (x > 1e6 || x < 1) continue;
      worst = Math.max(
        worst,
        ulpError(f(x) as number, precise.sin(x), "f64"),
        ulpError(g(x) as number, precise.cos(x), "f64"),
      );
    }
  }
  expect(worst).toBeLessThanOrEqual(1);
});
