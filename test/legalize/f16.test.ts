/** f16 by f32 arithmetic: conversions for all 65536 values, every operation against the semantics table, whole statements. */
import { describe, expect, it } from "vitest";
import {
  applyOp,
  type Buffer,
  buffer,
  cast,
  constant,
  DTYPES,
  type DType,
  type Expr,
  exprsOf,
  fromBits16,
  int,
  isFloat,
  load,
  OP_NAMES,
  type OpName,
  op,
  opInfo,
  ramp,
  type Scalar,
  type Stmt,
  seq,
  store,
  toBits16,
  variable,
  visitExpr,
  visitStmt,
} from "../../src/ir/index.ts";
import { expandF16, expandMath, isLegal, legalizeF16, legalizeOps } from "../../src/lower/legalize/index.ts";
import { wasm } from "../../src/target/index.ts";
import { evaluateLanes } from "./evaluate.ts";
import { Random, randomValue, sameValue, specials } from "./values.ts";

const LANES = 8;
const target = wasm();
const swap = (b: Buffer): Buffer => U16.get(b) ?? b;
const U16 = new Map<Buffer, Buffer>();
function half(name: string, to: DType = "u16"): Buffer {
  const b = buffer(name, "f16", [int(64)]);
  U16.set(b, buffer(name, to, [int(64)]));
  return b;
}
/** The expression legalized all the way: f16, then operations. */
const all = (e: Expr): Expr => {
  const r = legalizeOps(expandMath(expandF16(e, swap), target), target);
  visitExpr(r, (x) => {
    if (!isLegal(x, target) || x.dtype === "f16") throw new Error(`${(x as { op?: string }).op} of ${x.dtype} remains`);
  });
  return r;
};

/** Evaluates over a vector load of each buffer in turn. */
function run(e: Expr, data: ReadonlyMap<string, readonly Scalar[]>, at: number): Scalar[] {
  return evaluateLanes(e, new Map(), (l) =>
    Array.from({ length: LANES }, (_, i) => data.get(l.buffer.name)![at + i] ?? 0),
  );
}
const index = (): Expr[] => [ramp(int(0), int(1), LANES)];

it("reads and writes all 65536 bit patterns", () => {
  const b = half("b");
  const value = all(load(b, index()));
  const out = all(op("bitcast", [load(b, index())], "u16"));
  const bits = Array.from({ length: 65536 }, (_, i) => i);
  const data = new Map([["b", bits]]);
  for (let at = 0; at < 65536; at += LANES) {
    const got = run(value, data, at);
    const back = run(out, data, at);
    for (let l = 0; l < LANES; l++) {
      const want = fromBits16(at + l);
      if (!sameValue(got[l]!, want)) expect.fail(`${at + l} read as ${got[l]}`);
      if (back[l] !== toBits16(want)) expect.fail(`${at + l} written as ${back[l]}`);
    }
  }
});

describe.each(["f32", "f64", "i32", "i64", "u8", "u32", "bool"] as const)("casts from %s round once", (from) => {
  it("to the nearest f16", () => {
    const src = buffer("s", from, [int(64)]);
    const e = all(cast("f16", load(src, index())));
    const r = new Random(3);
    const values: Scalar[] = [...specials(from)];
    for (let i = 0; i < 2000; i++) values.push(randomValue(from, r));
    if (isFloat(from))
      for (let i = 0; i < 8000; i++) {
        // next to ties
        const h = fromBits16(r.below(0x7c00));
        const tie = h + (fromBits16(toBits16(h) + 1) - h) / 2;
        const off = from === "f64" ? [0, 2 ** -50, -(2 ** -50), 2 ** -28, -(2 ** -28)] : [0, 2 ** -23, -(2 ** -23)];
        const v = tie * (1 + r.pick(off)) * (r.below(2) ? 1 : -1);
        values.push(from === "f32" ? Math.fround(v) : v);
      }
    while (values.length % LANES) values.push(values[0]!);
    const data = new Map([["s", values]]);
    for (let at = 0; at < values.length; at += LANES) {
      const got = run(e, data, at);
      for (let l = 0; l < LANES; l++) {
        const want = applyOp("cast", "f16", [from], [values[at + l]!]);
        if (!sameValue(got[l]!, want)) expect.fail(`${values[at + l]} became ${got[l]}, not ${want}`);
      }
    }
  });
});

const TESTED = OP_NAMES.filter((o) => !opInfo(o).approximate);
function argTypes(name: OpName): DType[][] {
  if (name === "cast") return [["f16"]];
  if (name === "satcast" || name === "bitcast") return [];
  const types: DType[] =
    name === "select" || name === "where" ? ["bool", "f16", "f16"] : new Array<DType>(opInfo(name).arity).fill("f16");
  try {
    op(
      name,
      types.map((t) => variable("x", t)),
    );
    return [types];
  } catch {
    return [];
  }
}
describe.each(TESTED.filter((o) => argTypes(o).length > 0))("%s", (name) => {
  for (const types of argTypes(name))
    for (const result of name === "cast" ? DTYPES.filter((d) => d !== "f16") : [undefined])
      it(`on f16${result ? ` to ${result}` : ""}`, () => {
        const r = new Random(9);
        const rows: Scalar[][] = [];
        const pools = types.map(specials);
        if (types.length === 1) rows.push(...pools[0]!.map((v) => [v]));
        if (types.length === 2) for (const a of pools[0]!) for (const b of pools[1]!) rows.push([a, b]);
        for (let i = 0; i < 2000; i++)
          rows.push(types.map((t) => (t === "f16" && r.below(3) ? fromBits16(r.below(65536)) : randomValue(t, r))));
        // sums and products next to ties: a large and a small operand
        if (name === "fma")
          for (let i = 0; i < 2000; i++)
            rows.push([
              fromBits16(0x3c00 + r.below(2048)),
              fromBits16(0x3c00 + r.below(2048)),
              fromBits16(r.below(0x1400) | (r.below(2) << 15)),
            ]);
        while (rows.length % LANES) rows.push(rows[0]!);
        const data = new Map<string, Scalar[]>();
        const args = types.map((t, k) => {
          const b = t === "f16" ? half(`x${k}`) : buffer(`x${k}`, t, [int(64)]);
          data.set(
            b.name,
            rows.map((row) => (t === "f16" ? toBits16(row[k] as number) : row[k]!)),
          );
          return load(b, index());
        });
        const e = op(name, args, result);
        const legal = name === "where" ? expandF16(e, swap) : all(e);
        for (let at = 0; at < rows.length; at += LANES) {
          const got = run(legal, data, at);
          for (let l = 0; l < LANES; l++) {
            const want = applyOp(name, e.dtype, types, rows[at + l]!);
            if (!sameValue(got[l]!, want))
              expect.fail(`${name}(${rows[at + l]}) is ${want}, but came out as ${got[l]}`);
          }
        }
      });
});

it("math functions of f16 are off by one rounding at most", () => {
  const b = half("b");
  const bits = Array.from({ length: 65536 }, (_, i) => i);
  for (const name of ["exp", "log", "tanh", "sigmoid", "erf", "sin", "cos", "rsqrt"] as const) {
    const e = all(op(name, [load(b, index())]));
    let different = 0;
    for (let at = 0; at < 65536; at += LANES * 25) {
      const got = run(e, new Map([["b", bits]]), at) as number[];
      for (let l = 0; l < LANES; l++) {
        const want = applyOp(name, "f16", ["f16"], [fromBits16((at + l) & 0xffff)]) as number;
        if (Object.is(got[l], want)) continue;
        different++;
        expect(
          Math.abs(toBits16(got[l]!) - toBits16(want)),
          `${name}(${fromBits16(at + l)}): ${got[l]}, ${want}`,
        ).toBeLessThanOrEqual(1);
      }
    }
    expect(different).toBeLessThan(10);
  }
});

it("rewrites whole statements: buffers, variables, allocations", () => {
  const [a, c] = [half("a"), half("c")];
  const reg = buffer("reg", "f16", [int(1)], "local");
  U16.set(reg, buffer("reg", "f32", [int(1)], "local"));
  const t = variable("t", "f16");
  const m = variable("m", "f16", { mutable: true });
  const alpha = variable("alpha", "f16");
  const i = variable("i");
  const s: Stmt = {
    kind: "alloc",
    buffer: reg,
    body: {
      kind: "for",
      var: i,
      min: int(0),
      extent: int(8),
      loop: "serial",
      body: {
        kind: "let",
        var: t,
        value: op("mul", [load(a, [i]), alpha]),
        body: seq([
          { kind: "assign", var: m, value: constant("f16", 0.1) },
          store(reg, [int(0)], op("add", [t, m])),
          store(c, [i], load(reg, [int(0)])),
          { kind: "if", condition: op("lt", [load(a, [i]), constant("f16", 0)]), then: store(c, [i], t) },
        ]),
      },
    },
  };
  const r = legalizeF16(s, swap);
  const left: Expr[] = [];
  const buffers = new Set<string>();
  visitStmt(r, (x) => {
    if (x.kind === "store" || x.kind === "alloc") buffers.add(`${x.buffer.name}:${x.buffer.dtype}`);
    if (x.kind === "let" || x.kind === "assign") expect(x.var.dtype).toBe("f32");
    for (const e of exprsOf(x))
      visitExpr(e, (y) => {
        if (y.dtype === "f16") left.push(y);
        if (y.kind === "load") buffers.add(`${y.buffer.name}:${y.buffer.dtype}`);
      });
  });
  expect([...buffers].sort()).toEqual(["a:u16", "c:u16", "reg:f32"]);
  expect(left).toEqual([alpha]);
  const plain = store(buffer("p", "f32", [int(4)]), [int(0)], constant("f32", 1));
  expect(legalizeF16(plain, swap)).toBe(plain);
});
