/**
 * What the types of large programs cost, in instantiations: the type checker's own measure of work, the same on every machine. What
 * it spends on the library itself is taken away.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { chainText, netText, nothing } from "./programs.ts";

const path = (file: string): string => fileURLToPath(new URL(file, import.meta.url));
const te = path("../../te/index.ts");

interface Cost {
  readonly instantiations: number;
  readonly seconds: number;
}
function check(program: string): Cost {
  const dir = mkdtempSync(`${tmpdir()}/types-scale-`);
  try {
    writeFileSync(`${dir}/user.ts`, program);
    writeFileSync(`${dir}/package.json`, '{ "type": "module" }');
    const options = { noEmit: true, rewriteRelativeImportExtensions: false, types: [] };
    writeFileSync(
      `${dir}/tsconfig.json`,
      JSON.stringify({
        extends: path("../../tsconfig.json"),
        compilerOptions: options,
        include: [`${dir}/user.ts`],
        exclude: [],
      }),
    );
    const run = spawnSync("npx", ["tsc", "--pretty", "false", "--extendedDiagnostics", "-p", dir], {
      cwd: path("."),
      encoding: "utf8",
    });
    const errors = run.stdout.split("\n").filter((l) => l.includes("user.ts"));
    expect(errors).toEqual([]);
    const figure = (name: string): number => Number(new RegExp(`${name}:\\s+([\\d.]+)`).exec(run.stdout)![1]);
    return { instantiations: figure("Instantiations"), seconds: figure("Check time") };
  } finally {
    rmSync(dir, { recursive: true });
  }
}

describe("types of large programs", { timeout: 120_000 }, () => {
  const base = check(nothing(te));
  const costs = (what: string, program: string, budget: number): void => {
    const { instantiations, seconds } = check(program);
    const own = instantiations - base.instantiations;
    console.log(`${what}: ${own} instantiations, ${(seconds - base.seconds).toFixed(2)} s beyond the library's own`);
    expect(own).toBeLessThan(budget);
  };
  test("an expression of 300 operations: at most 20 instantiations each", () =>
    costs("300 operations", chainText(te, 300), 20 * 300));
  test("a net of 60 layers: at most 2000 instantiations each", () => costs("60 layers", netText(te, 60), 2000 * 60));
});
