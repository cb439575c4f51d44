/** Every operation that may reach code generation, on every dtype and lane count: results bit for bit, and SIMD in the loop. */
import { describe, expect, it } from "vitest";
import {
  applyOp,
  broadcast,
  bytesOf,
  constant,
  DTYPES,
  type DType,
  type Expr,
  isInteger,
  isSigned,
  minInt,
  OP_NAMES,
  type OpName,
  op,
  opInfo,
  type Scalar,
} from "../../src/ir/index.ts";
import { WASM_CONVERSIONS, WASM_OPS } from "../../src/target/index.ts";
import {
  at,
  loadAt,
  loop,
  loopText,
  lowered,
  pointer,
  random,
  randomValue,
  readAll,
  showValues,
  specials,
  start,
  storeAt,
  writeAll,
} from "./harness.ts";

const COUNT = 512;

function argTypes(name: OpName, d: DType): DType[] {
  if (name === "select" || name === "where") return ["bool", d, d];
  return Array.from({ length: opInfo(name).arity }, () => d);
}
function inputs(name: OpName, types: readonly DType[], seed: number): Scalar[][] {
  const rnd = random(seed);
  const columns: Scalar[][] = types.map(() => []);
  const [a, b] = [specials(types[0]!), types[1] ? specials(types[1]) : [0]];
  for (let i = 0; i < COUNT; i++) {
    const row = types.map((d) => randomValue(d, rnd));
    if (i < a.length * b.length && types.length < 3) {
      row[0] = a[i % a.length]!;
      if (types.length > 1) row[1] = b[Math.floor(i / a.length)]!;
    }
    if (name === "truncdiv" || name === "truncrem") {
      const big = bytesOf(types[0]!) === 8;
      if (Number(row[1]) === 0) row[1] = big ? 3n : 3;
      if (isSigned(types[0]!) && Number(row[1]) === -1 && BigInt(row[0]!) === minInt(types[0]!)) row[0] = big ? 5n : 5;
    }
    for (const [k, v] of row.entries()) columns[k]!.push(v);
  }
  return columns;
}
/** Positions in memory, 8 KiB apart. */
const place = (k: number): number => 1024 + k * 8192;

async function check(
  name: OpName,
  types: readonly DType[],
  result: DType,
  lanes: number,
  count?: Scalar,
): Promise<string> {
  const out = pointer("out");
  const ptrs = types.map((_, k) => pointer(`in${k}`));
  const i = pointer("i");
  const args: Expr[] = types.map((d, k) => loadAt(at(ptrs[k]!, i, lanes * bytesOf(d)), d, lanes));
  const columns = inputs(name, types, lanes * 31 + bytesOf(types[0]!));
  if (count !== undefined) {
    args[1] = broadcast(constant(types[1]!, count), lanes);
    columns[1] = columns[1]!.map(() => count);
  }
  const value = op(name, args, result);
  const body = loop(i, COUNT / lanes, storeAt(at(out, i, lanes * bytesOf(result)), value));
  const k = await start(lowered([...ptrs, out], body));
  for (const [n, d] of types.entries()) writeAll(k.memory, place(n), d, columns[n]!);
  const target = place(types.length);
  k.call(...types.map((_, n) => place(n)), target);
  const got = readAll(k.memory, target, result, COUNT);
  const wrong: string[] = [];
  for (let j = 0; j < COUNT; j++) {
    const values = columns.map((c) => c[j]!);
    const want = applyOp(name, result, types, values);
    if (!Object.is(got[j], want))
      wrong.push(`${name}(${showValues(values)}) = ${showValues([want])}, got ${showValues([got[j]!])}`);
  }
  expect(wrong.slice(0, 5)).toEqual([]);
  return loopText(k.module.wat);
}
function expectSimd(text: string): void {
  expect(text).toMatch(/v128\.(load|store)/);
  expect(text).not.toMatch(/(extract|replace)_lane/);
}
const lanesFor = (types: readonly DType[]): number[] => {
  const widest = Math.max(...types.map(bytesOf));
  const list: number[] = [];
  for (let n = 16 / widest; n >= 2; n /= 2) list.push(n);
  return list;
};

for (const name of OP_NAMES) {
  const row = WASM_OPS[name];
  if (row === undefined || row.relaxed) continue;
  describe(name, () => {
    for (const d of DTYPES) {
      const types = argTypes(name, d);
      const r = opInfo(name).result(...types);
      if (typeof r !== "string") continue;
      if (row.scalar.includes(d)) it(`scalar ${d}`, async () => void (await check(name, types, r, 1)));
      if (!row.vector.includes(d)) continue;
      it(`vector ${d}`, async () => {
        for (const lanes of lanesFor([...types, r])) {
          if (name === "shl" || name === "shr") {
            for (const n of [0, 1, 3, bytesOf(d) * 8 - 1]) {
              const count = bytesOf(d) === 8 ? BigInt(n) : n;
              expectSimd(await check(name, types, r, lanes, count));
            }
          } else expectSimd(await check(name, types, r, lanes));
        }
      });
    }
  });
}

for (const name of ["cast", "satcast", "bitcast"] as const)
  describe(name, () => {
    const { scalar, vector } = WASM_CONVERSIONS[name];
    it.each(scalar)("scalar %s to %s", async (from, to) => void (await check(name, [from], to, 1)));
    it.each(vector)("vector %s to %s", async (from, to) => {
      for (const lanes of lanesFor([from, to])) expectSimd(await check(name, [from], to, lanes));
    });
  });

describe("min and max against a constant", () => {
  for (const name of ["min", "max"] as const)
    for (const d of ["f32", "f64"] as const)
      for (const bound of [0, -0, 6, -1.5, Infinity, NaN])
        it(`${name} ${d} ${showValues([bound])}`, async () => {
          const text = await check(name, [d, d], d, 16 / bytesOf(d), bound);
          expectSimd(text);
          if (!Number.isNaN(bound)) expect(text).toMatch(/pm(in|ax)/);
        });
});

describe("shift counts", () => {
  const dtypes = DTYPES.filter(isInteger);
  it.each(dtypes)("of scalars in %s are taken modulo the width", async (d) => {
    for (const name of ["shl", "shr"] as const) await check(name, [d, d], d, 1);
  });
});
