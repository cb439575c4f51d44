/**
 * Mutation testing of the fuzzer: `npm run mutants`. Each mutant is applied alone to a copy of the sources, and the fuzzer runs
 * there until it fails. Prints after how many cases each was found; fails where one survives, or where a mutant's text no
 * longer stands in the sources once.
 *
 *     npm run mutants -- --only split --runs 2000 --seed 1 --jobs 2
 */
import { spawn } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { MUTANTS, type Mutant } from "./mutants.ts";

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const { values } = parseArgs({
  options: {
    only: { type: "string" },
    runs: { type: "string", default: "2000" },
    seed: { type: "string", default: "1" },
    jobs: { type: "string", default: "1" },
  },
});
/** What the fuzzer needs. */
const SOURCES = ["src", "te", "schedule", "codegen", "test/fuzz", "package.json", "tsconfig.json"];
/** A mutant that makes the compiler or a kernel run forever is found, too. */
const PATIENCE_MS = 15 * 60_000;

function copyOfSources(): string {
  const to = mkdtempSync(join(tmpdir(), "tilewright-mutants-"));
  mkdirSync(join(to, "test"));
  for (const s of SOURCES) if (existsSync(join(root, s))) cpSync(join(root, s), join(to, s), { recursive: true });
  symlinkSync(join(root, "node_modules"), join(to, "node_modules"));
  return to;
}

interface Verdict {
  readonly found: boolean;
  readonly what: string;
}
function fuzz(folder: string): Promise<Verdict> {
  const args = [
    "--import",
    join(root, "scripts/run/typescript.mjs"),
    "test/fuzz/main.ts",
    "--quick",
    "--runs",
    values.runs,
    "--seed",
    values.seed,
  ];
  return new Promise((done) => {
    const child = spawn(process.execPath, args, { cwd: folder, stdio: ["ignore", "pipe", "pipe"] });
    let text = "";
    const add = (x: Buffer): void => {
      text += x;
    };
    child.stdout.on("data", add);
    child.stderr.on("data", add);
    let hung = false;
    const timer = setTimeout(() => {
      hung = true;
      child.kill("SIGKILL");
    }, PATIENCE_MS);
    child.on("close", (code) => {
      clearTimeout(timer);
      const cases = /found after (\d+) cases/.exec(text)?.[1];
      if (hung) done({ found: true, what: `hangs after ${PATIENCE_MS / 60_000} minutes` });
      else if (cases !== undefined) {
        const why = /^\w*(?:Mismatch|Error): .*$/m.exec(text)?.[0] ?? "";
        // code that can't run is found by anything
        if (/^(Reference|Syntax)Error/.test(why)) return done({ found: false, what: `is no code: ${why}` });
        done({ found: true, what: `found after ${cases.padStart(4)} cases  ${why.slice(0, 110)}` });
      } else if (code === 0) done({ found: false, what: `SURVIVED ${values.runs} cases` });
      else done({ found: false, what: `the fuzzer did not run: ${text.slice(-400)}` });
    });
  });
}

async function one(folder: string, x: Mutant): Promise<Verdict> {
  const path = join(folder, x.file);
  const source = readFileSync(path, "utf8");
  if (source.split(x.find).length !== 2) return { found: false, what: `its text is not in ${x.file} exactly once` };
  writeFileSync(
    path,
    source.replace(x.find, () => x.replace),
  );
  try {
    return await fuzz(folder);
  } finally {
    writeFileSync(path, source);
  }
}

const chosen = MUTANTS.filter((x) => values.only === undefined || x.name.includes(values.only));
const queue = [...chosen];
const survivors: string[] = [];
async function worker(): Promise<void> {
  const folder = copyOfSources();
  try {
    for (let x = queue.shift(); x !== undefined; x = queue.shift()) {
      const v = await one(folder, x);
      if (!v.found) survivors.push(x.name);
      console.log(`${x.name.padEnd(60)} ${v.what}`);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
await Promise.all(Array.from({ length: Math.max(1, Number(values.jobs)) }, worker));
console.log(`\n${chosen.length - survivors.length} of ${chosen.length} mutants found`);
if (survivors.length > 0) console.log(`not found: ${survivors.join("; ")}`);
process.exitCode = survivors.length > 0 || chosen.length === 0 ? 1 : 0;
