// biome-ignore-all lint/suspicious/noExplicitAny: programs are built from data, so no static type can follow them
/** Products of matrices of narrow integers, summed in wider ones: what dot-product instructions are for. */
import type { DType } from "../../src/ir/index.ts";
import * as te from "../../te/index.ts";
import type { StageSpec, Value } from "./program.ts";
import type { Workshop } from "./written.ts";

const NARROW: readonly DType[] = ["i8", "i8", "u8", "i16"];

export function dotStage(s: StageSpec, w: Workshop): boolean {
  const [m, n, k] = [1 + (s.z % 3), 4 * (1 + (s.x % 4)), 4 * (1 + (s.y % 3))];
  const d = NARROW[(s.x + s.z) % NARROW.length]!;
  const sums: DType = d === "i8" && s.y % 4 === 1 ? "i16" : "i32";
  const a = w.input(d, [m, k], [m, k]);
  const shapes = [
    { shape: [k, n], index: (r: any, j: any) => [r, j] },
    { shape: [n, k], index: (r: any, j: any) => [j, r] },
    { shape: [k / 2, n, 2], index: (r: any, j: any) => [r.div(2), j, r.mod(2)] },
    { shape: [k / 4, n, 4], index: (r: any, j: any) => [r.div(4), j, r.mod(4)] },
    { shape: [n / 4, k, 4], index: (r: any, j: any) => [j.div(4), r, j.mod(4)] },
  ];
  const { shape, index } = shapes[s.pick % shapes.length]!;
  const b = w.input(d, shape, shape);
  const masked = s.z % 2 === 0 && d === "i8";
  const tensor = te.compute(
    w.name("C"),
    { a0: m, a1: n } as any,
    (({ a0, a1 }: any) =>
      te.sum({ k } as any, ({ k: r }: any) => {
        const x = (a.tensor as any).at(a0, r);
        const y = (b.tensor as any).at(...index(r, a1));
        const small = masked ? y.and(127) : y;
        if (s.y % 3 === 0 && sums === (d === "i16" ? "i32" : "i16") && d !== "u8") return small.widenMul(x);
        return s.y % 2 === 0 ? x.cast(sums).mul(small.cast(sums)) : small.cast(sums).mul(x.cast(sums));
      })) as any,
  ) as unknown as Value["tensor"];
  w.add({ tensor, shape: [m, n], real: [m, n] });
  return true;
}
