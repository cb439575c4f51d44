import { describe, expect, test } from "vitest";
import { BRANCHES } from "./branches.ts";
import { CONSTANT } from "./constant.ts";
import { CONV } from "./conv.ts";
import { ELEMENTWISE } from "./elementwise.ts";
import { GEMM } from "./gemm.ts";
import { checkIdiom, type Idiom } from "./idiom.ts";
import { INTRINSICS } from "./intrinsics.ts";
import { LAYOUT } from "./layout.ts";
import { LOOPS } from "./loops.ts";

import { PRODUCTS } from "./products.ts";
import { REDUCTIONS } from "./reductions.ts";
import { ROWS } from "./rows.ts";
import { SLIDING } from "./sliding.ts";
import { STENCIL } from "./stencil.ts";
import { BY_HAND } from "./te.ts";

const FAMILIES: Readonly<Record<string, readonly Idiom[]>> = {
  "matrix products": GEMM,
  "more products": PRODUCTS,
  convolutions: CONV,
  layouts: LAYOUT,
  "ends of loops, and loops at once": LOOPS,
  "several versions": BRANCHES,
  constants: CONSTANT,
  stencils: STENCIL,
  "sliding windows": SLIDING,
  "rows and columns": ROWS,
  reductions: REDUCTIONS,
  "element by element": ELEMENTWISE,
  "at computed positions, by hand": BY_HAND,
  "instructions and blocks": INTRINSICS,
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
