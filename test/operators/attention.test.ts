import { describe, expect, test } from "vitest";
import { dim, placeholder } from "../../src/index.ts";
import * as ops from "../../src/ops.ts";
import { check, random } from "./helper.ts";
import * as plain from "./plain.ts";

function attended(q: plain.Plain, k: plain.Plain, v: plain.Plain, mask?: plain.Plain, causal = false): plain.Plain {
  const d = q.shape.at(-1)!;
  const scores = plain.zip((s) => s / Math.sqrt(d), plain.matmul(q, plain.swapLast(k)));
  const added = mask === undefined ? scores : plain.zip((s, x) => s + x, scores, mask);
  const [rows, columns] = scores.shape.slice(-2) as [number, number];
  const seen = plain.make(added.shape, (p) =>
    causal && p.at(-1)! > p.at(-2)! + columns - rows ? -Infinity : plain.get(added, p),
  );
  const weights = plain.byCell(
    (s, row) => Math.exp(s - plain.logSumExp(row)),
    seen,
    (p) => p.slice(0, -1).join(),
  );
  return plain.matmul(weights, v);
}
const tolerance = 1e-5;

describe("attention", () => {
  test.each([
    [[], 1, 1, 1, 1],
    [[], 5, 7, 4, 3],
    [[3], 8, 8, 16, 16],
    [[2, 3], 4, 9, 8, 5],
  ] as [number[], number, number, number, number][])(
    "batch %j, %i queries, %i keys of %i, values of %i",
    async (b, s, t, d, e) => {
      const [q, k, v] = [random([...b, s, d], 1, 2), random([...b, t, d], 2, 2), random([...b, t, e], 3)];
      const [Q, K, V] = [placeholder("Q", q.shape), placeholder("K", k.shape), placeholder("V", v.shape)];
      await check(ops.attention("Y", Q, K, V), { Q: q, K: k, V: v }, attended(q, k, v), { tolerance });
      const causal = ops.attention("Y", Q, K, V, { causal: true });
      await check(causal, { Q: q, K: k, V: v }, attended(q, k, v, undefined, true), { tolerance });
      const mask = random([s, t], 4, 3);
      const M = ops.attention("Y", Q, K, V, { mask: placeholder("M", [s, t]) });
      await check(M, { Q: q, K: k, V: v, M: mask }, attended(q, k, v, mask), { tolerance });
    },
  );
  test("symbolic sizes", async () => {
    const [b, s, t, d] = [dim("b"), dim("s"), dim("t"), dim("d")];
    const [q, k, v] = [random([2, 4, 6], 1, 2), random([2, 7, 6], 2, 2), random([2, 7, 5], 3)];
    const Y = ops.attention(
      "Y",
      placeholder("Q", [b, s, d]),
      placeholder("K", [b, t, d]),
      placeholder("V", [b, t, 5]),
      {
        causal: true,
      },
    );
    const want = attended(q, k, v, undefined, true);
    await check(Y, { Q: q, K: k, V: v }, want, { sizes: { b: 2, s: 4, t: 7, d: 6 }, tolerance });
  });
  test("bad input", () => {
    const p = (n: string, ...shape: number[]) => placeholder(n, shape);
    const [Q, K, V] = [p("Q", 4, 8), p("K", 6, 8), p("V", 6, 3)];
    expect(() => ops.attention("Y", Q, p("K", 6, 7), V)).toThrow(
      'attention "Y": d of "Q" [4, 8] is 8, but d of "K" [6, 7] is 7: they must agree',
    );
    expect(() => ops.attention("Y", Q, K, p("V", 5, 3))).toThrow(/k of "K" \[6, 8\] is 6, but k of "V" \[5, 3\] is 5/);
    expect(() => ops.attention("Y", Q, K, V, { mask: p("M", 2, 4, 6) })).toThrow(
      /mask "M" \[2, 4, 6\] is larger than the scores/,
    );
    expect(() => ops.attention("Y", Q, K, V, { mask: p("M", 5, 6) })).toThrow(/don't broadcast/);
    expect(() => ops.attention("Y", Q, K, V, { scale: "1" as never })).toThrow(
      /scale is string 1: expected a finite number/,
    );
    expect(() => ops.attention("Y", p("q", 4), K, V)).toThrow(/Q "q" has 1 axes, \[4\]: expected at least 2/);
    expect(() => ops.attention("Y", placeholder("I", [4, 8], "i32") as never, K as never, V as never)).toThrow(
      /"I" is i32/,
    );
  });
});
