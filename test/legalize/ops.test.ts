/** Every operation on every dtype, scalar and vector: what legalization leaves is legal and computes the same. */
import { describe, expect, it } from "vitest";
import {
  applyOp,
  bitsOf,
  broadcast,
  cast,
  constant,
  DTYPES,
  type DType,
  type Expr,
  int,
  isBig,
  isInteger,
  isSigned,
  normalize,
  OP_NAMES,
  type OpName,
  op,
  opInfo,
  type Scalar,
  type Var,
  variable,
  visitExpr,
} from "../../src/ir/index.ts";
import { isLegal, legalizeOps } from "../../src/lower/legalize/index.ts";
import { wasm } from "../../src/target/index.ts";
import { evaluateLanes } from "./evaluate.ts";
import { Random, randomValue, sameValue, specials } from "./values.ts";

const target = wasm();
const TYPES = DTYPES.filter((d) => d !== "f16");

/** All [operand dtypes, result] an operation takes, f16 left out. */
function signatures(name: OpName): [DType[], DType][] {
  const { arity } = opInfo(name);
  const out: [DType[], DType][] = [];
  if (name === "cast" || name === "satcast" || name === "bitcast") {
    for (const from of TYPES)
      for (const to of TYPES) {
        if (name === "satcast" && !(isInteger(from) && isInteger(to))) continue;
        if (name === "bitcast" && bitsOf(from) !== bitsOf(to)) continue;
        out.push([[from], to]);
      }
    return out;
  }
  for (const d of TYPES) {
    const args: DType[] = name === "select" || name === "where" ? ["bool", d, d] : new Array<DType>(arity).fill(d);
    try {
      out.push([
        args,
        op(
          name,
          args.map((t) => variable("x", t)),
        ).dtype,
      ]);
    } catch {
      // not on this dtype
    }
  }
  return out;
}

function assertLegal(e: Expr, what: string): void {
  visitExpr(e, (x) => {
    if (!isLegal(x, target))
      throw new Error(`${what}: ${(x as { op?: string }).op} of ${x.lanes} x ${x.dtype} remains`);
  });
}

/** Compares an expression of variables before and after, on rows of operand values. */
function check(e: Expr, vars: readonly Var[], rows: readonly (readonly Scalar[])[], what: string): void {
  const legal = legalizeOps(e, target);
  assertLegal(legal, what);
  expect(legalizeOps(legal, target), `${what} again`).toBe(legal);
  const lanes = e.lanes;
  for (let i = 0; i < rows.length; i += lanes) {
    const chunk = Array.from({ length: lanes }, (_, l) => rows[(i + l) % rows.length]!);
    const env = new Map(vars.map((v, k) => [v, v.lanes === 1 ? [chunk[0]![k]!] : chunk.map((r) => r[k]!)]));
    const want = evaluateLanes(e, env);
    const got = evaluateLanes(legal, env);
    for (let l = 0; l < lanes; l++)
      if (!sameValue(want[l]!, got[l]!))
        expect.fail(
          `${what}(${vars.map((v) => env.get(v)![l] ?? env.get(v)![0])}) is ${want[l]}, but came out as ${got[l]}`,
        );
  }
}

/** fma in f64 is exact within a stated range only. */
const fmaHolds = (v: readonly Scalar[]): boolean => {
  const [a, b, c] = v.map(Number) as [number, number, number];
  const p = Math.abs(a * b);
  return (
    p === 0 || !Number.isFinite(p) || !Number.isFinite(c) || (p > 2 ** -900 && p < 2 ** 1000 && Math.abs(c) < 2 ** 1000)
  );
};

const MATH = new Set<OpName>(OP_NAMES.filter((o) => opInfo(o).approximate));
describe.each(OP_NAMES.filter((o) => !MATH.has(o)))("%s", (name) => {
  for (const [types, result] of signatures(name)) {
    it(`${types} -> ${result}`, () => {
      const r = new Random(types.join().length * 31 + name.length);
      const rows: Scalar[][] = [];
      const pools = types.map(specials);
      if (types.length === 1) rows.push(...pools[0]!.map((v) => [v]));
      if (types.length === 2) for (const a of pools[0]!) for (const b of pools[1]!) rows.push([a, b]);
      for (let i = 0; i < 250; i++) rows.push(types.map((t) => randomValue(t, r)));
      let use = name === "fma" && result === "f64" ? rows.filter(fmaHolds) : rows;
      if (name === "roundingShr")
        use = use.map(([a, b]) => [
          a!,
          isBig(types[1]!) ? BigInt.asUintN(6, b as bigint) : (b as number) & (bitsOf(types[1]!) - 1),
        ]);
      for (const lanes of name === "where" ? [1] : [1, 4, 7]) {
        const vars = types.map((t, i) => variable(`x${i}`, t, { lanes }));
        check(op(name, vars, result), vars, use, `${lanes} x ${name} ${types} -> ${result}`);
      }
    });
  }
});

describe("division by constants", () => {
  const ints = DTYPES.filter(isInteger);
  for (const d of ints)
    it(d, () => {
      const r = new Random(5);
      const rows: Scalar[][] = specials(d).map((v) => [v]);
      for (let i = 0; i < 200; i++) rows.push([randomValue(d, r)]);
      const divisors = new Set([
        ...specials(d),
        ...[4, 5, 6, 8, 9, 12, 25, 64, 100, 127].map((v) => normalize(d, v)),
        ...(isSigned(d) ? [-4, -5, -8, -100].map((v) => normalize(d, v)) : []),
      ]);
      for (const c of divisors)
        for (const name of ["floordiv", "floormod", "truncdiv", "truncrem"] as const)
          for (const lanes of [1, 4]) {
            const x = variable("x", d, { lanes });
            check(op(name, [x, constant(d, c, lanes)]), [x], rows, `${lanes} x ${d} ${name} ${c}`);
          }
    });
  it("is right for every 16-bit dividend", () => {
    for (const d of ["i16", "u16"] as const)
      for (const c of [3, 7, 10, 255, 257, 32767, ...(d === "i16" ? [-3, -7, -32768] : [65535, 65521])])
        for (const name of ["floordiv", "truncdiv", "floormod"] as const) {
          const x = variable("x", d, { lanes: 4096 });
          const e = legalizeOps(op(name, [x, constant(d, c, 4096)]), target);
          for (let base = 0; base < 65536; base += 4096) {
            const values = Array.from({ length: 4096 }, (_, i) => normalize(d, base + i));
            const got = evaluateLanes(e, new Map([[x, values]]));
            const bad = got.findIndex((g, i) => g !== applyOp(name, d, [d, d], [values[i]!, c]));
            if (bad >= 0) expect.fail(`${values[bad]} ${name} ${c} in ${d} gave ${got[bad]}`);
          }
        }
  });
});

it("index division by positive sizes and constants is one instruction or a few", () => {
  const i = variable("i");
  const n = variable("n", "i32", { size: { min: 1, max: 100, multipleOf: 1 } });
  const facts = { nonNegative: (e: Expr) => e === i };
  expect(legalizeOps(op("floordiv", [i, int(8)]), target)).toBe(op("shr", [i, int(3)]));
  expect(legalizeOps(op("floormod", [i, int(8)]), target)).toBe(op("and", [i, int(7)]));
  expect(legalizeOps(op("floordiv", [i, n]), target, facts)).toBe(op("truncdiv", [i, n]));
  expect(legalizeOps(op("floormod", [i, int(3)]), target, facts)).toBe(op("truncrem", [i, int(3)]));
});

it("shifts by one count per vector stay, shifts by different counts are selected bit by bit", () => {
  const [x, s, v] = [variable("x", "i32", { lanes: 4 }), variable("s", "i32"), variable("v", "i32", { lanes: 4 })];
  const uniform = op("shl", [x, broadcast(s, 4)]);
  expect(legalizeOps(uniform, target)).toBe(uniform);
  expect(legalizeOps(op("shl", [x, v]), target)).not.toBe(op("shl", [x, v]));
});

it("relaxed targets keep fma on vectors", () => {
  const v = variable("v", "f32", { lanes: 4 });
  const e = op("fma", [v, v, v]);
  expect(legalizeOps(e, wasm({ relaxed: true }))).toBe(e);
  expect(legalizeOps(e, target)).not.toBe(e);
});

it("nested operations are legalized once each", () => {
  const v = variable("v", "i8", { lanes: 16 });
  let e: Expr = v;
  for (let i = 0; i < 200; i++) e = op("mul", [e, op("halvingAdd", [e, v])]);
  assertLegal(legalizeOps(cast("i32", e), target), "chain");
});
