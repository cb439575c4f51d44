/** Runs every program in examples/ and fails if one of them fails: `npm run examples`, or `npm run examples -- blur gemm`. */
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const folder = join(root, "examples");
const LIMIT_MS = 4 * 60_000;

const wanted = process.argv.slice(2);
const all = readdirSync(folder)
  .filter((f) => f.endsWith(".ts"))
  .sort();
const programs = wanted.length === 0 ? all : wanted.map((w) => (w.endsWith(".ts") ? w : `${w}.ts`));
const failed: string[] = [];
for (const program of programs) {
  console.log(`--- examples/${program}`);
  const path = join(folder, program);
  const start = performance.now();
  const { status, signal } = existsSync(path)
    ? spawnSync(process.execPath, ["--import", "./scripts/run/typescript.mjs", path], {
        cwd: root,
        stdio: "inherit",
        timeout: LIMIT_MS,
      })
    : { status: 1, signal: "no such file" };
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  if (status === 0) console.log(`--- ok (${seconds} s)\n`);
  else {
    console.log(`--- FAILED (${status ?? signal}, ${seconds} s)\n`);
    failed.push(program);
  }
}
console.log(`${programs.length - failed.length} of ${programs.length} examples ran through`);
if (programs.length === 0) console.log("there are no examples: that cannot be right");
if (failed.length > 0) console.log(`failed: ${failed.join(", ")}`);
process.exitCode = failed.length > 0 || programs.length === 0 ? 1 : 0;
