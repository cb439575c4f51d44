/** Legalized expressions in WebAssembly compute what the semantics table says of them, bit for bit, scalars and vectors. */
import { describe, expect, it } from "vitest";
import {
  type Buffer,
  bytesOf,
  type DType,
  type Expr,
  fromBits16,
  type OpName,
  op,
  opInfo,
  type Scalar,
  type Stmt,
  variable,
} from "../../src/ir/index.ts";
import { expandMath, legalizeF16, legalizeOps } from "../../src/lower/legalize/index.ts";
import { wasm } from "../../src/target/index.ts";
import { at, loadAt, loop, lowered, memoryOf, pointer, readAll, start, storeAt, writeAll } from "../codegen/harness.ts";
import { evaluateLanes } from "./evaluate.ts";
import { Random, randomValue, specials } from "./values.ts";

const target = wasm();
const COUNT = 256;
const place = (k: number): number => 1024 + k * 4096;
const rewrite = (e: Expr): Expr => legalizeOps(expandMath(e, target), target);

/** Runs `make(operands)` over columns of values in wasm. `stored` maps a statement as lowering would. */
async function run(
  columns: readonly Scalar[][],
  types: readonly DType[],
  lanes: number,
  result: DType,
  body: (operands: readonly Expr[]) => Expr,
  finish: (s: Stmt) => Stmt,
): Promise<Scalar[]> {
  const pointers = types.map((_, k) => pointer(`p${k}`));
  const out = pointer("out");
  const i = pointer("i");
  const operands = types.map((d, k) => loadAt(at(pointers[k]!, i, lanes * bytesOf(d)), d, lanes));
  const s = finish(storeAt(at(out, i, lanes * bytesOf(result)), body(operands)));
  const k = await start(lowered([...pointers, out], loop(i, COUNT / lanes, s)), target);
  for (const [n, d] of types.entries()) writeAll(k.memory, place(n), d, columns[n]!);
  k.call(...types.map((_, n) => place(n)), place(types.length));
  return readAll(k.memory, place(types.length), result, COUNT);
}
function columnsOf(types: readonly DType[], seed: number): Scalar[][] {
  const r = new Random(seed);
  const rows = Array.from({ length: COUNT }, (_, i) =>
    types.map((d, k) => (k === 0 && i < specials(d).length ? specials(d)[i]! : randomValue(d, r))),
  );
  return types.map((_, k) => rows.map((row) => row[k]!));
}
function compare(got: readonly Scalar[], want: readonly Scalar[], columns: readonly Scalar[][], what: string): void {
  for (const [i, w] of want.entries())
    if (!Object.is(got[i], w))
      expect.fail(`${what}(${columns.map((c) => c[i])}) is ${w} by the table, but ${got[i]} in wasm`);
}

describe.each(["exp", "log", "tanh", "sigmoid", "erf", "sin", "cos", "rsqrt", "pow"] as const)("%s", (name) => {
  it.each([
    ["f32", 1],
    ["f32", 2],
    ["f64", 1],
    ["f64", 2],
  ] as const)("%s x %d", async (t, lanes) => {
    const types = new Array<DType>(opInfo(name).arity).fill(t);
    const columns = columnsOf(types, 7);
    const vars = types.map((d, k) => variable(`x${k}`, d, { lanes: COUNT }));
    const want = evaluateLanes(expandMath(op(name, vars), target), new Map(vars.map((v, k) => [v, columns[k]!])));
    const got = await run(
      columns,
      types,
      lanes,
      t,
      (x) => rewrite(op(name, x)),
      (s) => s,
    );
    compare(got, want, columns, name);
  });
});

const SOME: readonly [OpName, DType, number][] = [
  ["floordiv", "i32", 1],
  ["floordiv", "i32", 2],
  ["truncdiv", "i32", 2],
  ["truncdiv", "i32", 1],
  ["truncdiv", "i64", 2],
  ["floormod", "i64", 1],
  ["floormod", "u32", 2],
  ["floormod", "i16", 4],
  ["truncrem", "u8", 4],
  ["floordiv", "i8", 4],
  ["mul", "i8", 8],
  ["mulSat", "i16", 4],
  ["mulSat", "i64", 2],
  ["mulSat", "u64", 1],
  ["addSat", "i32", 4],
  ["subSat", "u64", 2],
  ["addSat", "i8", 1],
  ["min", "u64", 2],
  ["max", "i64", 2],
  ["lt", "u64", 2],
  ["roundingShr", "i16", 8],
  ["roundingMulQ", "i32", 2],
  ["roundingMulQ", "i8", 8],
  ["halvingAdd", "u8", 16],
  ["shl", "u8", 16],
  ["shr", "i32", 4],
  ["shr", "u16", 1],
  ["abs", "i16", 1],
  ["fma", "f32", 2],
  ["fma", "f32", 1],
  ["pmin", "f64", 1],
];
it.each(SOME)("%s on %s x %d", async (name, d, lanes) => {
  const types = new Array<DType>(opInfo(name).arity).fill(d);
  const columns = columnsOf(types, 11);
  if (name === "roundingShr") columns[1] = columns[1]!.map((v) => Number(v) & 15);
  const vars = types.map((t, k) => variable(`x${k}`, t, { lanes: COUNT }));
  const e = op(name, vars);
  const result = e.dtype;
  const want = evaluateLanes(e, new Map(vars.map((v, k) => [v, columns[k]!])));
  const got = await run(
    columns,
    types,
    lanes,
    result,
    (x) => rewrite(op(name, x)),
    (s) => s,
  );
  compare(got, want, columns, name);
});

const CASTS: readonly [DType, DType, number][] = [
  ["f32", "i8", 4],
  ["f32", "u8", 1],
  ["f64", "u16", 2],
  ["f64", "i64", 2],
  ["f32", "u64", 2],
  ["i64", "f64", 2],
  ["u64", "f64", 2],
  ["i64", "f32", 2],
  ["u8", "f32", 4],
  ["i16", "f64", 2],
  ["f32", "bool", 4],
  ["u32", "f32", 4],
];
it.each(CASTS)("cast %s to %s x %d", async (from, to, lanes) => {
  const columns = columnsOf([from], 13);
  const x = variable("x", from, { lanes: COUNT });
  const want = evaluateLanes(op("cast", [x], to), new Map([[x, columns[0]!]]));
  const got = await run(
    columns,
    [from],
    lanes,
    to,
    (a) => rewrite(op("cast", [a[0]!], to)),
    (s) => s,
  );
  compare(got, want, columns, `${to} of ${from}`);
});

describe("f16", () => {
  const replace = (b: Buffer): Buffer => (b.dtype === "f16" ? memoryOf("u16") : b);
  const finish = (s: Stmt): Stmt => {
    const r = legalizeF16(s, replace);
    return r.kind === "store" ? { ...r, index: r.index.map(rewrite), value: rewrite(r.value) } : r;
  };
  it.each([
    ["add", 4],
    ["mul", 4],
    ["div", 1],
    ["fma", 2],
    ["sqrt", 4],
    ["min", 4],
    ["sub", 1],
  ] as const)("%s x %d", async (name, lanes) => {
    const types = new Array<DType>(opInfo(name).arity).fill("f16");
    const r = new Random(3);
    const columns = types.map(() => Array.from({ length: COUNT }, () => fromBits16(r.below(65536))));
    const vars = types.map((t, k) => variable(`x${k}`, t, { lanes: COUNT }));
    const want = evaluateLanes(op(name, vars), new Map(vars.map((v, k) => [v, columns[k]!])));
    const got = await run(columns, types, lanes, "f16", (x) => op(name, x), finish);
    compare(got, want, columns, name);
  });
});
