/** What decides may be computed from data by any function: conditions, positions. */
import { expect, test } from "vitest";
import { compile } from "../../src/index.ts";
import { evaluate } from "../../src/reference/index.ts";
import { nest, placeholder } from "../../te/index.ts";

test("math functions in conditions and positions", async () => {
  const X = placeholder("X", [9]);
  const N = nest("N", { reads: [X], results: { shape: { i: 9 }, dtype: "f32" } }, (_, out, b) => {
    b.for("i", 9, (i) =>
      b.if(
        X.at(i).sigmoid().gt(0.6),
        () => out.store([i], X.at(i)),
        () => out.store([X.at(i).sin().mul(4).cast("i32").max(0)], 1),
      ),
    );
  });
  const x = Float32Array.from({ length: 9 }, (_, i) => i - 4);
  const kernel = await compile(N);
  expect(kernel({ X: x })).toEqual(evaluate(N, { X: x }));
});
