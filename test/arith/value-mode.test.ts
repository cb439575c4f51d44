/** Value mode on random expressions of every dtype, scalar and vector, evaluated with the table of scalar semantics. */
import { describe, expect, test } from "vitest";
import { Facts, simplify, simplifyIndex } from "../../src/arith/index.ts";
import * as I from "../../src/ir/index.ts";
import { describeEnv, type Env, exactly, expression, Random } from "./random.ts";

const RUNS = Number(process.env.ARITH_RUNS ?? 3000);

type Lanes = readonly I.Scalar[];
const INDEX_LIKE: readonly I.DType[] = ["i32", "i32", "bool"];

/** Evaluates lane by lane; scalars are vectors of one lane. */
function evaluate(e: I.Expr, env: ReadonlyMap<I.Expr, I.Scalar>): Lanes {
  switch (e.kind) {
    case "const":
      return [e.value];
    case "var":
      return [env.get(e)!];
    case "broadcast":
      return Array.from({ length: e.lanes }, () => evaluate(e.value, env)[0]!);
    case "ramp": {
      const [b, s] = [evaluate(e.base, env)[0]!, evaluate(e.stride, env)[0]!];
      const step = (i: number): I.Scalar =>
        typeof b === "bigint"
          ? b + BigInt(i) * (s as bigint)
          : I.isFloat(e.dtype)
            ? b + i * Number(s)
            : BigInt(b) + BigInt(i) * BigInt(s);
      return Array.from({ length: e.lanes }, (_, i) => I.normalize(e.dtype, step(i)));
    }
    case "shuffle": {
      const all = e.vectors.flatMap((v) => evaluate(v, env));
      return e.picks.map((p) => all[p]!);
    }
    case "op": {
      const args = e.args.map((a) => evaluate(a, env));
      const types = e.args.map((a) => a.dtype);
      return args[0]!.map((_, i) =>
        I.applyOp(
          e.op,
          e.dtype,
          types,
          args.map((a) => a[i]!),
        ),
      );
    }
    default:
      throw new Error(e.kind);
  }
}

const BINARY: Record<"int" | "float" | "bool", readonly I.OpName[]> = {
  int: [
    "add",
    "add",
    "sub",
    "mul",
    "floordiv",
    "floormod",
    "truncdiv",
    "truncrem",
    "min",
    "max",
    "and",
    "or",
    "xor",
    "shl",
    "shr",
    "addSat",
    "subSat",
  ],
  float: ["add", "sub", "mul", "div", "min", "max", "pmin", "pmax"],
  bool: ["and", "or", "xor"],
};
const UNARY: Record<"int" | "float" | "bool", readonly I.OpName[]> = {
  int: ["neg", "abs", "not"],
  float: ["neg", "abs", "floor", "trunc"],
  bool: ["not"],
};
const kindOf = (d: I.DType): "int" | "float" | "bool" => (d === "bool" ? "bool" : I.isFloat(d) ? "float" : "int");
const randomScalar = (d: I.DType, r: Random): I.Scalar => {
  if (I.isFloat(d))
    return I.normalize(d, r.pick([0, -0, 1, -1, 2, 0.5, 4, Number.NaN, Infinity, -Infinity, r.int(-50, 50) / 8]));
  return I.normalize(
    d,
    r.pick([0n, 1n, 2n, 4n, 8n, I.minInt(d), I.maxInt(d), BigInt(r.int(-9, 20)), BigInt(r.int(-9, 20))]),
  );
};

function typed(r: Random, d: I.DType, lanes: number, depth: number, vars: I.Var[]): I.Expr {
  const again = (t: I.DType = d): I.Expr => typed(r, t, lanes, depth - 1, vars);
  if (depth === 0) {
    const own = vars.filter((v) => v.dtype === d);
    const one = (): I.Expr => (own.length > 0 && r.next() < 0.6 ? r.pick(own) : I.constant(d, randomScalar(d, r)));
    if (lanes === 1) return one();
    return d !== "bool" && !I.isFloat(d) && r.next() < 0.5 ? I.ramp(one(), one(), lanes) : I.broadcast(one(), lanes);
  }
  const k = kindOf(d);
  const at = r.next();
  if (at < 0.5) return I.op(r.pick(BINARY[k]), [again(), again()]);
  if (at < 0.62) return I.op(r.pick(UNARY[k]), [again()]);
  if (at < 0.72) return I.op(r.pick(["select", "where"]), [again("bool"), again(), again()]);
  if (at < 0.82) {
    const from = r.pick(I.DTYPES);
    return I.op("cast", [again(from)], d);
  }
  if (d === "bool") {
    const t = r.pick([...I.DTYPES, "i32", "i32"] as I.DType[]);
    return I.op(r.pick(["eq", "ne", "lt", "le", "gt", "ge"]), [again(t), again(t)]);
  }
  return I.op(r.pick(BINARY[k]), [again(), I.constant(d, randomScalar(d, r), lanes)]);
}
const same = (a: I.Scalar, b: I.Scalar): boolean => Object.is(a, b) || (typeof a === "bigint" && a === b);

function check(seed: number, lanes: number, dtypes: readonly I.DType[], ranged: boolean): void {
  const r = new Random(seed);
  const vars = I.DTYPES.map((d) => I.variable(`v_${d}`, d));
  const x = I.variable("x");
  const extent = r.int(1, 40);
  vars.push(x);
  let facts = Facts.empty;
  if (ranged) facts = facts.withVar(x, I.int(-3), I.int(extent));
  const e = typed(r, r.pick(dtypes), lanes, r.int(1, 4), vars);
  const s = simplify(e, facts);
  expect(s.dtype).toBe(e.dtype);
  expect(s.lanes).toBe(e.lanes);
  for (let k = 0; k < 8; k++) {
    const env = new Map<I.Expr, I.Scalar>(vars.map((v) => [v, randomScalar(v.dtype, r)]));
    if (ranged) env.set(x, r.int(-3, extent - 4));
    const [want, got] = [evaluate(e, env), evaluate(s, env)];
    if (!want.every((w, i) => same(w, got[i]!)))
      expect.fail(
        `${I.printExpr(e)} = ${want}, but ${I.printExpr(s)} = ${got} where ${[...env].map(([v, y]) => `${(v as I.Var).name}=${y}`)}`,
      );
  }
}

describe("value mode", () => {
  test("scalars", () => {
    for (let k = 0; k < RUNS; k++) check(k, 1, I.DTYPES, k % 2 === 0);
  });
  test("vectors", () => {
    for (let k = 0; k < RUNS; k++) check(k + 77_777, 4, I.DTYPES, k % 2 === 0);
  });
  test("i32 and conditions, which have a normal form where nothing overflows", () => {
    for (let k = 0; k < RUNS; k++) check(k + 555_555, k % 3 === 0 ? 4 : 1, INDEX_LIKE, k % 4 !== 0);
  });
});

describe("index mode", () => {
  test("vectors lane by lane", () => {
    for (let k = 0; k < RUNS; k++) {
      const r = new Random(k + 99);
      const [x, y] = [I.variable("x"), I.variable("y")];
      const n = I.variable("n", "i32", { size: { min: 4, max: 40, multipleOf: 4 } });
      const facts = Facts.empty.withVar(x, I.int(0), I.int(r.int(1, 9))).withVar(y, I.int(0), n);
      const lane = I.variable("lane");
      const scalar = expression(r, { vars: [x, y, lane, lane], sizes: [n] }, 3);
      const lanes = r.pick([2, 4, 8]);
      const widen = (e: I.Expr): I.Expr => {
        if (!I.usesVar(e, (v) => v === lane)) return I.broadcast(e, lanes);
        if (e === lane) return I.ramp(I.int(0), I.int(1), lanes);
        return I.op((e as I.Op).op, (e as I.Op).args.map(widen), e.dtype);
      };
      const e = widen(scalar);
      const s = simplifyIndex(e, facts);
      expect(s.lanes).toBe(lanes);
      for (let j = 0; j < 4; j++) {
        const size = 4 * r.int(1, 10);
        const at: Env = new Map([
          [n, size],
          [x, 0],
          [y, r.int(0, size - 1)],
        ]);
        const lanesOf = (v: I.Expr): number[] => Array.from({ length: lanes }, (_, i) => exactly(pickLane(v, i), at));
        expect(lanesOf(s), `${I.printExpr(e)} -> ${I.printExpr(s)} at ${describeEnv(at)}`).toEqual(lanesOf(e));
      }
    }
  });
});

/** One lane of a vector of indices. */
function pickLane(e: I.Expr, i: number): I.Expr {
  if (e.kind === "broadcast") return e.value;
  if (e.kind === "ramp") return I.add(e.base, I.mul(e.stride, I.int(i)));
  if (e.kind === "op")
    return I.op(
      e.op,
      e.args.map((a) => pickLane(a, i)),
      e.dtype,
    );
  throw new Error(e.kind);
}
