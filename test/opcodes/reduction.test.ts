// biome-ignore-all lint/suspicious/noExplicitAny: kernels are made from tables, so no static type can follow them
/** Reductions over rows: the accumulators are vectors in registers, and the loop over the rows holds vector code only. */
import { describe, expect, it } from "vitest";
import { emitWasm } from "../../codegen/wasm/index.ts";
import { schedule } from "../../schedule/index.ts";
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
