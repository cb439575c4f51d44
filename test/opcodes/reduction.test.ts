// biome-ignore-all lint/suspicious/noExplicitAny: kernels are made from tables, so no static type can follow them
/**
 * Reductions over rows and along them: the accumulators are vectors in registers, and the loop that reduces holds vector code
 * only.
 */
import { describe, expect, it } from "vitest";
import { emitWasm } from "../../codegen/wasm/index.ts";
import { schedule } from "../../schedule/index.ts";
import { vectorizeReduction } from "../../schedule/library/index.ts";
import { DTYPES, type DType } from "../../src/ir/index.ts";
import { lowerFunc } from "../../src/lower/index.ts";
import { interpret } from "../../src/reference/index.ts";
import { load } from "../../src/runtime/index.ts";
import { nativeLanes, wasm } from "../../src/target/index.ts";
import * as te from "../../te/index.ts";
import { firstDifference, generator, randomArray } from "../fuzz/data.ts";
import { find, innermostLoops, isSimd, parseFunction, scalarCode, storedBytes } from "./wat.ts";

const NUMBERS = ["sum", "prod", "min", "max"] as const;
const [ROWS, COLUMNS] = [9, 71];

async function columns(name: string, d: DType): Promise<void> {
  const A: any = te.placeholder("A", [ROWS, COLUMNS], d);
  const Y: any = te.compute("Y", { j: COLUMNS }, ({ j }: any) =>
    (te as any)[name]({ k: ROWS }, ({ k }: any) => A.at(k, j)),
  );
  const s: any = schedule(Y);
  const { j, k } = s.loops(Y);
  const { jo, ji } = s.split(j, { jo: "rest", ji: 2 * nativeLanes(d) }, { tail: "peel" });
  s.reorder(jo, k, ji);
  const { copy } = s.cacheWrite(Y, "local");
  s.reverseComputeAt(copy, jo);
  s.vectorize(ji);
  s.vectorize(s.loopList(copy).at(-1));
  s.decomposeReduction(Y, k);
  const lowered = lowerFunc(s.func, wasm());
  // a vector of bool has no one register form: such accumulators live in memory, as bytes
  const inMemory = d === "bool";
  expect(lowered.warnings.length > 0, `${name} ${d}: ${lowered.warnings[0]?.message}`).toBe(inMemory);
  const module = await emitWasm(lowered, wasm());
  const root = parseFunction(module.wat);
  const reads = (l: any): boolean => find(l, (x) => /\.load/.test(x.name)).length > 0;
  const hot = innermostLoops(root).filter(reads);
  expect(hot.length, `${name} ${d}: loops`).toBeGreaterThan(0);
  // the first is that of the whole vectors; the others belong to the cascade, and only its last is scalar
  expect(scalarCode(hot[0]!), `${name} ${d}: scalar code`).toEqual([]);
  expect(find(hot[0]!, isSimd).length).toBeGreaterThan(0);
  const stores = find(hot[0]!, (x) => storedBytes(x) !== undefined).map((x) => x.name);
  if (!inMemory) expect(stores, `${name} ${d}: stores`).toEqual([]);
  expect(hot.filter((l) => scalarCode(l).length > 0).length, `${name} ${d}: scalar loops`).toBeLessThanOrEqual(1);

  const data = { A: randomArray(d, ROWS * COLUMNS, generator(3)) };
  const want = interpret(s.func, data, {}).Y!;
  const kernel: any = await load(module.wasm);
  const got = kernel(data);
  expect(firstDifference(d, want, got), `${name} ${d}: first difference`).toBeUndefined();
}

describe("reductions over rows", () => {
  it.each(DTYPES.filter((d) => d !== "bool"))(
    "of %s",
    async (d) => {
      for (const name of NUMBERS) await columns(name, d);
    },
    60_000,
  );
  it("of bool", async () => {
    for (const name of ["any", "all"]) await columns(name, "bool");
  }, 60_000);
});

interface Along {
  readonly name: string;
  readonly inputs: readonly DType[];
  readonly body: (a: any, b: any, k: any, n: any) => any;
  /** Instructions per iteration that say where the lanes are. */
  readonly counting?: readonly string[];
}
const dot = (d: DType, acc: DType): Along => ({
  name: `dot product of ${d}, in ${acc}`,
  inputs: [d, d],
  body: (a, b, _, n) => te.sum({ k: n }, ({ k }: any) => a.at(k).cast(acc).mul(b.at(k).cast(acc))),
});
const along = (name: "sum" | "prod" | "min" | "max" | "argmin" | "argmax", d: DType): Along => ({
  name: `${name} of ${d}`,
  inputs: [d],
  body: (a, _, __, n) => (te as any)[name]({ k: n }, ({ k }: any) => a.at(k)),
  ...(name.startsWith("arg") ? { counting: ["i32.mul", "i32.const"] } : {}),
});
const WIDTH = 71;

/** The hot loop of a vectorized reduction, and that it computes what the interpreter does. */
async function lanes(x: Along, count: number, symbolic: boolean): Promise<void> {
  const n: any = symbolic ? te.dim("n", { min: 0, max: 200 }) : WIDTH;
  const tensors: any[] = x.inputs.map((d, j) => te.placeholder(`X${j}`, [5, n], d));
  const Y: any = te.compute("Y", { i: 5 }, ({ i }: any) => {
    const rows = tensors.map((t) => ({ at: (k: any) => t.at(i, k) }));
    return x.body(rows[0], rows[1], i, n);
  });
  const s: any = schedule(Y);
  vectorizeReduction(s, Y, s.loops(Y).k, count);
  const lowered = lowerFunc(s.func, wasm());
  expect(lowered.warnings, `${x.name}: registers`).toEqual([]);
  const module = await emitWasm(lowered, wasm());
  const loops = innermostLoops(parseFunction(module.wat));
  const hot = loops.filter((l) => find(l, (y) => /\.load/.test(y.name)).length > 0);
  expect(hot.length, `${x.name}: loops`).toBe(1);
  expect(scalarCode(hot[0]!), `${x.name}: scalar code`).toEqual(x.counting ?? []);
  expect(find(hot[0]!, isSimd).length).toBeGreaterThan(0);
  expect(
    find(hot[0]!, (y) => storedBytes(y) !== undefined).map((y) => y.name),
    `${x.name}: stores`,
  ).toEqual([]);
  const kernel: any = await load(module.wasm);
  for (const width of symbolic ? [0, 3, count, count + 5, WIDTH] : [WIDTH]) {
    const data = Object.fromEntries(x.inputs.map((d, j) => [`X${j}`, randomArray(d, 5 * width, generator(3 + j))]));
    const sizes: Record<string, number> = symbolic ? { n: width } : {};
    const want = interpret(s.func, data, { sizes }).Y!;
    const got = kernel({ ...data, ...sizes });
    expect(firstDifference(Y.dtype, want, got), `${x.name}, width ${width}: first difference`).toBeUndefined();
  }
}

describe("reductions along rows", () => {
  const cases: [Along, number][] = [
    [dot("f32", "f32"), 16],
    [dot("f64", "f64"), 8],
    [dot("i8", "i32"), 16],
    [dot("u8", "u32"), 16],
    [dot("i16", "i32"), 8],
    [along("argmax", "f32"), 8],
    [along("argmin", "i32"), 8],
    ...DTYPES.filter((d) => d !== "bool" && d !== "f16").flatMap((d) =>
      NUMBERS.map((name): [Along, number] => [along(name, d), 2 * nativeLanes(d)]),
    ),
  ];
  it.each(cases.map(([x, count]) => [x.name, x, count] as const))(
    "%s",
    async (_, x, count) => {
      await lanes(x, count, false);
      await lanes(x, count, true);
    },
    60_000,
  );
});
