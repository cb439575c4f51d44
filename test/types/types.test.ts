import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";

const folder = fileURLToPath(new URL(".", import.meta.url));

/** Diagnostics of one compiler run over this folder, as `file:line`. */
function diagnostics(): { readonly at: ReadonlySet<string>; readonly text: string } {
  const run = spawnSync("npx", ["tsc", "--noEmit", "--pretty", "false", "-p", `${folder}tsconfig.json`], {
    cwd: folder,
    encoding: "utf8",
  });
  const at = new Set<string>();
  for (const m of run.stdout.matchAll(/^([^\s(]+)\((\d+),\d+\): error/gm)) at.add(`${m[1]!.split("/").at(-1)}:${m[2]}`);
  return { at, text: run.stdout };
}

describe("types", { timeout: 120_000 }, () => {
  const { at, text } = diagnostics();
  const marked = readFileSync(`${folder}rejected.ts`, "utf8")
    .split("\n")
    .flatMap((line, n) => (/\/\/ error\b/.test(line) && !line.startsWith("//") ? [`rejected.ts:${n + 1}`] : []));

  test("what should type-check does, with the inferred types stated", () => {
    expect(
      [...at].filter((d) => !d.startsWith("rejected")),
      text,
    ).toEqual([]);
  });
  test("every marked mistake is an error", () => {
    expect(marked.length).toBeGreaterThan(20);
    expect(marked.filter((l) => !at.has(l))).toEqual([]);
  });
  test("and no other line is", () => {
    expect(
      [...at].filter((d) => d.startsWith("rejected") && !marked.includes(d)),
      text,
    ).toEqual([]);
  });
});
