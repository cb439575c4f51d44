import { describe, expect, test } from "vitest";
import { CONV } from "./conv.ts";
import { ELEMENTWISE } from "./elementwise.ts";
import { GEMM } from "./gemm.ts";
import { checkIdiom, type Idiom } from "./idiom.ts";

import { PRODUCTS } from "./products.ts";
import { ROWS } from "./rows.ts";
import { STENCIL } from "./stencil.ts";

const FAMILIES: Readonly<Record<string, readonly Idiom[]>> = {
  "matrix products": GEMM,
  "more products": PRODUCTS,
  convolutions: CONV,
  stencils: STENCIL,
  "rows and columns": ROWS,
  "element by element": ELEMENTWISE,
};
const all = Object.values(FAMILIES).flat();

for (const [family, idioms] of Object.entries(FAMILIES))
  describe(family, { timeout: 60_000 }, () => {
    test.each(idioms)("$name", checkIdiom);
  });

test("there are many, by different names", () => {
  expect(new Set(all.map((i) => i.name)).size).toBe(all.length);
  expect(all.length).toBeGreaterThanOrEqual(100);
});
