// biome-ignore-all lint/suspicious/noExplicitAny: kernels are made from tables, so no static type can follow them
/** Conversions between all dtypes, copies of narrow ones, and masks of one width that choose values of another. */
import { describe, it } from "vitest";
import { applyOp, bytesOf, DTYPES, type DType, isFloat, isInteger } from "../../src/ir/index.ts";
import * as te from "../../te/index.ts";
import { check, type Kernel } from "./kernel.ts";

const BIG: readonly DType[] = ["i64", "u64"];
/** Conversions that WebAssembly has for scalars only. */
function missing(from: DType, to: DType): string | undefined {
  if (BIG.includes(from) && (to === "f32" || to === "f16")) return `f32x4.convert_${from}x2`;
  if (isFloat(from) && BIG.includes(to)) return `i64x2.trunc_sat_${from}`;
  return undefined;
}
const kernel = (
  name: string,
  op: "cast" | "satcast" | "bitcast",
  from: DType,
  to: DType,
  body: Kernel["body"],
): Kernel => ({
  name: `${name} ${from} -> ${to}`,
  inputs: [from],
  result: to,
  body,
  want: ([x]) => applyOp(op, to, [from], [x!]),
});

describe.each(DTYPES)("from %s", (from) => {
  it("casts", async () => {
    for (const to of DTYPES) {
      const k = kernel("cast", "cast", from, to, ([x]) => x.cast(to));
      await check(k, missing(from, to), ["symbolic"]);
    }
  }, 60_000);
  it("saturates", async () => {
    for (const to of DTYPES) {
      if (!isInteger(from) || !isInteger(to)) continue;
      await check(
        kernel("satcast", "satcast", from, to, ([x]) => x.satCast(to)),
        undefined,
        ["symbolic"],
      );
    }
  }, 60_000);
  it("reinterprets", async () => {
    for (const to of DTYPES) {
      // a NaN has many patterns of bits: integers only
      if (bytesOf(from) !== bytesOf(to) || isFloat(from) || isFloat(to) || from === "bool" || to === "bool") continue;
      await check(
        kernel("bitcast", "bitcast", from, to, ([x]) => x.bitcast(to)),
        undefined,
        ["symbolic"],
      );
    }
  });
  it("chooses by its comparisons", async () => {
    for (const of of ["i8", "f32", "i64"] as const) {
      const chooses: Kernel = {
        name: `select by ${from} of ${of}`,
        inputs: [from, from, of, of],
        result: of,
        body: ([a, b, x, y]) => te.select(a.le(b), x, y),
        want: ([a, b, x, y]) => (a! <= b! ? x! : y!),
      };
      const combined: Kernel = {
        name: `comparisons of ${from} and ${of}`,
        inputs: [from, from, of, of],
        result: "bool",
        body: ([a, b, x, y]) => a.lt(b).and(x.ne(y)).or(b.eq(a)),
        want: ([a, b, x, y]) => ((a! < b! && x !== y) || a === b ? 1 : 0),
      };
      await check(chooses, undefined, ["guard"]);
      await check(combined, undefined, ["symbolic"]);
    }
  }, 60_000);
});
