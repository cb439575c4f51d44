import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";

const folder = fileURLToPath(new URL(".", import.meta.url));

const tsc = (project: string) =>
  spawnSync("npx", ["tsc", "--noEmit", "--pretty", "false", "-p", project], { cwd: folder, encoding: "utf8" });

/** Diagnostics of one compiler run over this folder, as `file:line`. */
function diagnostics(): { readonly at: ReadonlySet<string>; readonly text: string } {
  const run = tsc(`${folder}tsconfig.json`);
  const at = new Set<string>();
  for (const m of run.stdout.matchAll(/^([^\s(]+)\((\d+),\d+\): error/gm)) at.add(`${m[1]!.split("/").at(-1)}:${m[2]}`);
  return { at, text: run.stdout };
}

describe("types", { timeout: 120_000 }, () => {
  const { at, text } = diagnostics();
  const marked = ["rejected.ts", "rejected-schedule.ts"].flatMap((file) =>
    readFileSync(`${folder}${file}`, "utf8")
      .split("\n")
      .flatMap((line, n) => (/\/\/ error\b/.test(line) && !line.startsWith("//") ? [`${file}:${n + 1}`] : [])),
  );

  test("what should type-check does, with the inferred types stated", () => {
    expect(
      [...at].filter((d) => !d.startsWith("rejected")),
      text,
    ).toEqual([]);
  });
  test("every marked mistake is an error", () => {
    expect(marked.length).toBeGreaterThan(60);
    expect(marked.filter((l) => !at.has(l))).toEqual([]);
  });
  test("and no other line is", () => {
    expect(
      [...at].filter((d) => d.startsWith("rejected") && !marked.includes(d)),
      text,
    ).toEqual([]);
  });
});

/** A module of a user's, compiled with declarations on: types that appear in inferred types must be exported. */
const MODULE = (te: string, chain: string): string => `
import * as te from ${JSON.stringify(te)};
export const n = te.dim("n");
export const A = te.placeholder("A", [n, 64]);
export const deep = te.compute("deep", A.shape, (i, j) => A.at(i, j)${chain});
export const C = te.compute("C", { i: n.sub(1) }, ({ i }) => te.sum({ k: 64 }, ({ k }) => A.at(i, k), { where: ({ k }) => k.lt(i) }));
export const R = te.compute("R", { i: n }, ({ i }) => ({ a: A.at(i, 0), b: te.argmax({ k: 64 }, ({ k }) => A.at(i, k)) }));
export const S = te.scan("S", { t: n }, { i: 64 }, { init: ({ i }) => A.at(0, i), step: ({ t, i }, prev) => prev(i).add(A.at(t, i)) });
export const E = te.einsum("E", "i k, i k -> i", A, A);
export const H = te.scatter("H", { bin: 256 }, { i: n }, ({ i }) => ({ at: [A.at(i, 0).cast("i32")], value: te.lit(1, "u32") }));
export const W = te.nest("W", { reads: [A], axes: { i: n }, results: { a: { shape: { x: 64 }, dtype: "f32" } } },
  ({ i }, { a }, b) => b.for("x", 64, (x) => a.store([x], A.at(i, x))));
export const edge = te.constantEdge(A, te.scalar("alpha"));
export const x = te.select(A.at(0, 0).lt(1), te.add(A.at(0, 0), 1), te.sub(1, A.at(0, 0)));
export const helper = <D extends te.FloatType, L extends string, F>(t: te.Tensor<D, L, F>) => te.compute("h", t.shape, (...v) => t.at(...v).exp());
`;

test("a chain of 300 operations type-checks quickly, and declarations can be emitted", { timeout: 60_000 }, () => {
  const dir = mkdtempSync(`${tmpdir()}/types-`);
  try {
    const chain = Array.from(
      { length: 300 },
      (_, k) => `.${["add", "mul", "max"][k % 3]}(${k % 2 ? k : "A.at(i, j)"})`,
    );
    writeFileSync(
      `${dir}/user.ts`,
      MODULE(fileURLToPath(new URL("../../te/index.ts", import.meta.url)), chain.join("")),
    );
    // noEmit: the compiler still reports what it could not have declared, and writes nothing
    const options = { noEmit: true, declaration: true, rewriteRelativeImportExtensions: false, types: [] };
    writeFileSync(`${dir}/package.json`, '{ "type": "module" }');
    const root = fileURLToPath(new URL("../../tsconfig.json", import.meta.url));
    writeFileSync(
      `${dir}/tsconfig.json`,
      JSON.stringify({ extends: root, compilerOptions: options, include: [`${dir}/user.ts`], exclude: [] }),
    );
    const start = performance.now();
    const run = tsc(dir);
    expect(run.stdout).toBe("");
    expect(performance.now() - start).toBeLessThan(20_000);
  } finally {
    rmSync(dir, { recursive: true });
  }
});
