import { describe, expect, test } from "vitest";
import { CONV } from "./conv.ts";
import { GEMM } from "./gemm.ts";
import { checkIdiom, type Idiom } from "./idiom.ts";

const FAMILIES: Readonly<Record<string, readonly Idiom[]>> = {
  "matrix products": GEMM,
  convolutions: CONV,
};
const all = Object.values(FAMILIES).flat();

for (const [family, idioms] of Object.entries(FAMILIES))
  describe(family, { timeout: 60_000 }, () => {
    test.each(idioms)("$name", checkIdiom);
  });

test("there are many, by different names", () => {
  expect(new Set(all.map((i) => i.name)).size).toBe(all.length);
  expect(all.length).toBeGreaterThanOrEqual(0);
});
