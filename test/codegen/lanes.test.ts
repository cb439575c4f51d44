/** Shuffles, partial loads and stores, masks of different widths, constants: against a lane-by-lane model. */
import { describe, expect, it } from "vitest";
import {
  and,
  broadcast,
  bytesOf,
  cast,
  concat,
  constant,
  DTYPES,
  type DType,
  type Expr,
  int,
  lt,
  not,
  op,
  or,
  ramp,
  type Scalar,
  type Stmt,
  select,
  seq,
  shuffle,
  slice,
  variable,
} from "../../src/ir/index.ts";
import {
  at,
  loadAt,
  lowered,
  pointer,
  random,
  randomValue,
  read,
  readAll,
  specials,
  start,
  storeAt,
  write,
  writeAll,
} from "./harness.ts";

const IN = 4096;
const OUT = 8192;
const NO_F16 = DTYPES.filter((d) => d !== "f16");
const plus = (p: Expr, n: number): Expr => (n === 0 ? p : op("add", [p, int(n)]));

describe("loads and stores", () => {
  for (const d of DTYPES)
    it(`of ${d} touch exactly their bytes, at every lane count and alignment of an element`, async () => {
      const rnd = random(7);
      for (let lanes = 1; lanes * bytesOf(d) <= 16; lanes *= 2)
        for (const offset of [0, bytesOf(d), 5 * bytesOf(d)]) {
          const [a, b] = [pointer("a"), pointer("b")];
          const k = await start(lowered([a, b], storeAt(plus(b, offset), loadAt(plus(a, offset), d, lanes))));
          const values = Array.from({ length: lanes }, () => randomValue(d, rnd));
          writeAll(k.memory, IN + offset, d, values);
          for (let i = 0; i < 128; i++) k.memory.setUint8(OUT + i, 0xa5);
          k.call(IN, OUT + 32);
          expect(readAll(k.memory, OUT + 32 + offset, d, lanes)).toEqual(values);
          for (let i = 0; i < 128; i++) {
            const inside = i >= 32 + offset && i < 32 + offset + lanes * bytesOf(d);
            if (!inside) expect(k.memory.getUint8(OUT + i)).toBe(0xa5);
          }
          if (lanes > 1) expect(k.module.wat).toMatch(/v128\.store/);
        }
    });

  it("use the instructions made for them", async () => {
    const [a, b] = [pointer("a"), pointer("b")];
    const text = async (...body: Stmt[]): Promise<string> => (await start(lowered([a, b], seq(body)))).module.wat;
    expect(await text(storeAt(b, broadcast(loadAt(plus(a, 8), "f32"), 4)))).toMatch(/v128\.load32_splat offset=8/);
    expect(await text(storeAt(b, broadcast(loadAt(a, "u8"), 16)))).toMatch(/v128\.load8_splat/);
    expect(await text(storeAt(b, cast("i16", loadAt(a, "u8", 8))))).toMatch(/v128\.load8x8_u/);
    expect(await text(storeAt(b, cast("i32", loadAt(a, "i16", 4))))).toMatch(/v128\.load16x4_s/);
    expect(await text(storeAt(b, cast("u64", loadAt(a, "u32", 2))))).toMatch(/v128\.load32x2_u/);
    const whole = variable("whole", "u8", { lanes: 16 });
    const high: Stmt = {
      kind: "let",
      var: whole,
      value: loadAt(a, "u8", 16),
      body: seq([
        storeAt(b, cast("u16", slice(whole, 8, 8))),
        storeAt(plus(b, 16), cast("i32", slice(whole, 4, 4))),
        storeAt(plus(b, 32), op("widenMul", [slice(whole, 8, 8), slice(whole, 8, 8)])),
        storeAt(plus(b, 48), slice(whole, 8, 8)),
        storeAt(plus(b, 56), slice(whole, 3, 1)),
      ]),
    };
    const t = await text(high);
    expect(t).toMatch(/extend_high_i8x16_u/);
    expect(t).toMatch(/extend_high_i16x8_u\s*\(i16x8\.extend_low_i8x16_u/);
    expect(t).toMatch(/extmul_high_i8x16_u/);
    expect(t).toMatch(/v128\.store64_lane offset=48 align=1 1/);
    expect(t).toMatch(/v128\.store8_lane offset=56 3/);
    expect(t).not.toMatch(/shuffle/);
    const narrow = concat([
      op("satcast", [loadAt(a, "i16", 8)], "u8"),
      op("satcast", [loadAt(plus(a, 16), "i16", 8)], "u8"),
    ]);
    const packed = await text(storeAt(b, narrow));
    expect(packed).toMatch(/i8x16\.narrow_i16x8_u/);
    expect(packed).not.toMatch(/shuffle/);
  });
});

describe("shuffles", () => {
  for (const d of DTYPES)
    it(`of ${d}: any lanes of any vectors and scalars`, async () => {
      const rnd = random(11 + bytesOf(d));
      const pick = (n: number): number => Math.floor(rnd() * n);
      for (let round = 0; round < 40; round++) {
        const [a, b] = [pointer("a"), pointer("b")];
        const cap = 16 / bytesOf(d);
        const values: Scalar[] = [];
        const vectors: Expr[] = [];
        for (let k = 1 + pick(4); k > 0; k--) {
          const kind = pick(6);
          if (kind === 0) {
            const v = randomValue(d, rnd);
            vectors.push(constant(d, v));
            values.push(v);
            continue;
          }
          if (kind >= 4) {
            const lanes = 2 ** pick(Math.log2(cap) + 1);
            const v = randomValue(d, rnd);
            vectors.push(
              kind === 4 ? constant(d, v, lanes) : broadcast(loadAt(plus(a, values.length * bytesOf(d)), d), lanes),
            );
            for (let i = 0; i < lanes; i++) values.push(v);
            continue;
          }
          const lanes = kind === 1 ? 1 : 2 ** pick(Math.log2(cap) + 1);
          vectors.push(loadAt(plus(a, values.length * bytesOf(d)), d, lanes));
          for (let i = 0; i < lanes; i++) values.push(randomValue(d, rnd));
        }
        const n = 2 ** pick(Math.log2(cap) + 1);
        const picks = Array.from({ length: n }, () => pick(values.length));
        let e = shuffle(vectors, picks);
        let want = picks.map((p) => values[p]!);
        if (round % 2 === 1) {
          // a shuffle of shuffles
          const again = Array.from({ length: n }, () => pick(n));
          e = shuffle([e], again);
          want = again.map((p) => want[p]!);
        }
        const k = await start(lowered([a, b], storeAt(b, e)));
        writeAll(k.memory, IN, d, values);
        k.call(IN, OUT);
        expect(readAll(k.memory, OUT, d, n)).toEqual(want);
      }
    });

  it("concatenate and take apart", async () => {
    for (const d of NO_F16) {
      const cap = 16 / bytesOf(d);
      if (cap < 4) continue;
      const [a, b] = [pointer("a"), pointer("b")];
      const quarter = cap / 4;
      const parts = [3, 1, 0, 2].map((q) => loadAt(plus(a, q * 4), d, quarter));
      const k = await start(lowered([a, b], storeAt(b, concat(parts))));
      const values = Array.from({ length: cap }, (_, i): Scalar => (d === "bool" ? i % 2 : i));
      writeAll(k.memory, IN, d, values);
      k.call(IN, OUT);
      const want = [3, 1, 0, 2].flatMap((q) => values.slice(q * quarter, (q + 1) * quarter));
      expect(readAll(k.memory, OUT, d, cap)).toEqual(want);
    }
  });
});

describe("ramps as values", () => {
  for (const d of ["i8", "u16", "i32", "u32", "i64"] as const)
    it(d, async () => {
      const [b, x] = [pointer("b"), variable("x", d)];
      const lanes = 16 / bytesOf(d);
      const big = bytesOf(d) === 8;
      const k = await start(lowered([b, x], storeAt(b, ramp(x, constant(d, big ? 3n : 3), lanes))));
      k.call(OUT, big ? 5n : 5);
      const want = Array.from({ length: lanes }, (_, i): Scalar => (big ? BigInt(5 + 3 * i) : 5 + 3 * i));
      expect(readAll(k.memory, OUT, d, lanes)).toEqual(want);
    });
});

describe("constants", () => {
  for (const d of DTYPES)
    it(`of ${d} keep their bits, as scalars and in every lane`, async () => {
      const values = specials(d);
      const b = pointer("b");
      const lanes = 16 / bytesOf(d);
      const body = values.flatMap((v, i) => [
        storeAt(plus(b, i * 32), constant(d, v)),
        storeAt(plus(b, i * 32 + 16), constant(d, v, lanes)),
      ]);
      const k = await start(lowered([b], seq(body)));
      k.call(OUT);
      for (const [i, v] of values.entries()) {
        expect(read(k.memory, OUT + i * 32, d)).toBe(v);
        expect(readAll(k.memory, OUT + i * 32 + 16, d, lanes)).toEqual(Array(lanes).fill(v));
      }
    });
});

describe("masks", () => {
  const dtypes: readonly DType[] = ["u8", "i16", "f32", "i64", "f64", "i32"];
  it("of different lane widths combine, select, store, pass through variables and shuffles", async () => {
    const rnd = random(3);
    for (const da of dtypes)
      for (const db of dtypes)
        for (const dv of dtypes) {
          const lanes = 16 / Math.max(bytesOf(da), bytesOf(db), bytesOf(dv));
          const [p, q] = [pointer("p"), pointer("q")];
          const x = (d: DType, n: number): Expr => loadAt(plus(p, n * 16), d, lanes);
          const m1 = lt(x(da, 0), x(da, 1));
          const m2 = lt(x(db, 2), x(db, 3));
          const flags = loadAt(plus(p, 96), "bool", lanes);
          const kept = variable("kept", "bool", { lanes });
          const set = variable("set", "bool", { lanes, mutable: true });
          const reversed = shuffle(
            [kept],
            Array.from({ length: lanes }, (_, i) => lanes - 1 - i),
          );
          const scalarFlag = loadAt(plus(p, 112), "bool");
          const both = or(and(m1, not(m2)), and(flags, broadcast(scalarFlag, lanes)));
          const body: Stmt = {
            kind: "let",
            var: kept,
            value: and(m1, m2),
            body: seq([
              { kind: "assign", var: set, value: op("xor", [both, m2]) },
              storeAt(q, select(both, x(dv, 4), x(dv, 5))),
              storeAt(plus(q, 16), both),
              storeAt(plus(q, 32), select(reversed, x(dv, 4), x(dv, 5))),
              storeAt(plus(q, 48), set),
              storeAt(plus(q, 64), select(set, kept, flags)),
              storeAt(plus(q, 80), shuffle([set], [lanes - 1])),
            ]),
          };
          const k = await start(lowered([p, q], body));
          const column = (d: DType, n: number): Scalar[] => {
            const list = Array.from({ length: lanes }, () => randomValue(d, rnd));
            writeAll(k.memory, IN + n * 16, d, list);
            return list;
          };
          const [a0, a1, b2, b3] = [column(da, 0), column(da, 1), column(db, 2), column(db, 3)];
          const [v4, v5] = [column(dv, 4), column(dv, 5)];
          const f = Array.from({ length: lanes }, () => (rnd() < 0.5 ? 0 : 1));
          // any byte but 0 is true
          for (const [i, b] of f.entries()) k.memory.setUint8(IN + 96 + i, b * 7);
          const one = rnd() < 0.5 ? 1 : 0;
          write(k.memory, IN + 112, "u8", one);
          k.call(IN, OUT);
          const bool = (c: boolean): number => (c ? 1 : 0);
          const w1 = a0.map((v, i) => bool(v < a1[i]!));
          const w2 = b2.map((v, i) => bool(v < b3[i]!));
          const wboth = w1.map((v, i) => (v & (1 - w2[i]!)) | (f[i]! & one));
          const wkept = w1.map((v, i) => v & w2[i]!);
          const wset = wboth.map((v, i) => v ^ w2[i]!);
          const back = [...wkept].reverse();
          expect(readAll(k.memory, OUT, dv, lanes)).toEqual(wboth.map((m, i) => (m ? v4 : v5)[i]));
          expect(readAll(k.memory, OUT + 16, "bool", lanes)).toEqual(wboth);
          expect(readAll(k.memory, OUT + 32, dv, lanes)).toEqual(back.map((m, i) => (m ? v4 : v5)[i]));
          expect(readAll(k.memory, OUT + 48, "bool", lanes)).toEqual(wset);
          expect(readAll(k.memory, OUT + 64, "bool", lanes)).toEqual(wset.map((m, i) => (m ? wkept : f)[i]));
          expect(read(k.memory, OUT + 80, "bool")).toBe(wset[lanes - 1]);
        }
  });

  it("are packed and taken apart with their halves", async () => {
    const [p, q] = [pointer("p"), pointer("q")];
    const part = (n: number): Expr => lt(loadAt(plus(p, n * 16), "i32", 4), broadcast(int(0), 4));
    const joined = concat([part(0), part(1)]);
    const pixels = loadAt(plus(p, 32), "u16", 8);
    const zero = constant("u16", 0, 8);
    const halves = lt(loadAt(plus(p, 48), "i16", 8), constant("i16", 0, 8));
    const body = seq([
      storeAt(q, select(joined, pixels, zero)),
      storeAt(plus(q, 16), select(slice(halves, 4, 4), loadAt(p, "i32", 4), broadcast(int(0), 4))),
    ]);
    const k = await start(lowered([p, q], body));
    const signs = [-1, 2, 3, -4, -5, 6, -7, 8];
    writeAll(k.memory, IN, "i32", signs);
    writeAll(k.memory, IN + 32, "u16", [1, 2, 3, 4, 5, 6, 7, 8]);
    writeAll(k.memory, IN + 48, "i16", signs);
    k.call(IN, OUT);
    expect(readAll(k.memory, OUT, "u16", 8)).toEqual([1, 0, 0, 4, 5, 0, 7, 0]);
    expect(readAll(k.memory, OUT + 16, "i32", 4)).toEqual([-1, 0, 3, 0]);
    expect(k.module.wat).toMatch(/narrow_i32x4_s/);
    expect(k.module.wat).toMatch(/extend_high_i16x8_s/);
    expect(k.module.wat).not.toMatch(/shuffle/);
  });
});

describe("conversions of register pairs", () => {
  const cases = [
    ["cast", "i32", "u8"],
    ["cast", "i32", "i16"],
    ["cast", "u16", "i8"],
    ["cast", "i64", "u32"],
    ["cast", "i64", "i16"],
    ["satcast", "i32", "i16"],
    ["satcast", "i16", "u8"],
  ] as const;
  it.each(cases)("%s %s to %s", async (name, from, to) => {
    const { applyOp } = await import("../../src/ir/index.ts");
    const rnd = random(5);
    const [a, b] = [pointer("a"), pointer("b")];
    const n = 16 / bytesOf(from);
    const total = 16 / bytesOf(to);
    const parts = Array.from({ length: total / n }, (_, i) => op(name, [loadAt(at(a, int(i), 16), from, n)], to));
    const k = await start(lowered([a, b], storeAt(b, concat(parts))));
    const values = Array.from({ length: total }, () => randomValue(from, rnd));
    writeAll(k.memory, IN, from, values);
    k.call(IN, OUT);
    expect(readAll(k.memory, OUT, to, total)).toEqual(values.map((v) => applyOp(name, to, [from], [v])));
    expect(k.module.wat.match(/i8x16\.shuffle/g)?.length ?? 0).toBeLessThanOrEqual(from === "i64" ? total / n - 1 : 0);
  });
});
