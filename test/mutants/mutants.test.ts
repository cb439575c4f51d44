/** The list of mutants stays current: every text to be replaced stands in its file exactly once. */
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { MUTANTS } from "./mutants.ts";

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

describe("mutants", () => {
  it("are at least twenty, with names of their own", () => {
    expect(MUTANTS.length).toBeGreaterThanOrEqual(20);
    expect(new Set(MUTANTS.map((m) => m.name)).size).toBe(MUTANTS.length);
  });
  it.each(MUTANTS.map((m) => [m.name, m] as const))("%s", (_, m) => {
    const found = readFileSync(join(root, m.file), "utf8").split(m.find).length - 1;
    expect(found, `"${m.find}" in ${m.file}`).toBe(1);
    expect(m.replace).not.toBe(m.find);
  });
});
