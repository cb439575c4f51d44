/**
 * What got slower from one revision to another: `npm run regress -- HEAD~1 . --groups gemm --threshold 5`. A revision is whatever git
 * knows, or "." for the files as they are.
 *
 * Each revision builds the same cases with its own compiler, in a process of its own. Then both modules of a case run in one
 * process, in turns; what seems slower is measured a second time, and only what is slower twice counts.
 */
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { measure, speedup } from "../src/driver/measure.ts";
import { type Case, chosen } from "./cases/index.ts";
import { ROOT } from "./kit.ts";
import { list } from "./options.ts";
import { instantiate } from "./ours.ts";
import { type Built, MANIFEST, type Order } from "./regress-build.ts";
import { difference, type Work, wrong } from "./work/index.ts";

interface Compared {
  readonly what: string;
  /** Speed of the second revision relative to the first. */
  readonly ratio: number;
}

const root = fileURLToPath(ROOT);
const here = fileURLToPath(new URL("./", import.meta.url));

function run(command: string, args: readonly string[], cwd: string): void {
  const { status, error } = spawnSync(command, args, { cwd, stdio: ["ignore", "inherit", "inherit"] });
  if (status !== 0) throw new Error(`${command} ${args[0]} failed: ${error?.message ?? `exit ${status}`}`);
}

/** The files of a revision in a folder of their own. An archive, not a worktree: nothing is left in the repository if this is stopped. */
function checkout(revision: string, folder: string): string {
  if (revision === ".") return root;
  mkdirSync(folder);
  const archive = `${folder}.tar`;
  run("git", ["archive", "--format=tar", `--output=${archive}`, revision], root);
  run("tar", ["-xf", archive, "-C", folder], root);
  symlinkSync(join(root, "node_modules"), join(folder, "node_modules"), "junction");
  return folder;
}

function build(revision: string, order: Omit<Order, "root" | "out">, folder: string): readonly Built[] {
  const out = join(folder, "built");
  mkdirSync(out, { recursive: true });
  console.log(`building ${revision}`);
  const whole: Order = { ...order, root: checkout(revision, join(folder, "files")), out };
  run(
    process.execPath,
    ["--import", "../scripts/run/typescript.mjs", join(here, "regress-build.ts"), JSON.stringify(whole)],
    here,
  );
  const built = JSON.parse(readFileSync(join(out, MANIFEST), "utf8")) as readonly Built[];
  return built.map((b) => (b.file === undefined ? b : { ...b, file: join(out, b.file) }));
}

const kernel = (name: string, file: string, work: Work) =>
  instantiate(name, new Uint8Array(readFileSync(file)), work.inputs);

async function ratioOf(work: Work, files: readonly [string, string], rounds: number): Promise<number> {
  const [a, b] = [kernel("first", files[0], work), kernel("second", files[1], work)];
  const answers = [a.result() as Float32Array, b.result() as Float32Array] as const;
  const problem = wrong(work, answers[0]) ?? wrong(work, answers[1]) ?? difference(work, answers[1], answers[0]);
  if (problem !== undefined) throw new Error(`answers differ: ${problem}`);
  const t = await measure(
    { first: () => a.run(), second: () => b.run() },
    { rounds, minMs: 4, warmMs: 300, budgetMs: 4000 },
  );
  return speedup(t.second, t.first);
}

async function comparison(first: readonly Built[], second: readonly Built[], cases: readonly Case[], slower: number) {
  const compared: Compared[] = [];
  const notes: string[] = [];
  const faults: string[] = [];
  let same = 0;
  let work: Work | undefined;
  let of: Case | undefined;
  for (const [i, a] of first.entries()) {
    const b = second[i]!;
    const what = `${a.group} ${a.case}, ${a.name}`;
    for (const [which, x] of [
      ["first", a],
      ["second", b],
    ] as const)
      if (x.error !== undefined) notes.push(`not built by the ${which}: ${what}: ${x.error}`);
    if (a.file !== undefined && b.file === undefined) faults.push(`no longer built: ${what}`);
    if (a.file === undefined || b.file === undefined) continue;
    const c = cases.find((x) => x.group === a.group && x.name === a.case)!;
    if (c !== of || work === undefined) [of, work] = [c, c.work()];
    const files = [a.file, b.file] as const;
    if (readFileSync(files[0]).equals(readFileSync(files[1]))) {
      same++;
      continue;
    }
    try {
      const once = await ratioOf(work, files, 9);
      compared.push({ what, ratio: once >= slower ? once : Math.max(once, await ratioOf(work, files, 21)) });
    } catch (e) {
      faults.push(`${what}: ${e instanceof Error ? e.message : e}`);
    }
  }
  return { compared, same, notes, faults };
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    groups: { type: "string" },
    cases: { type: "string" },
    quick: { type: "boolean", default: false },
    threshold: { type: "string", default: "5" },
  },
});
const threshold = Number(values.threshold);
if (positionals.length !== 2 || !(threshold > 0))
  throw new Error(
    'usage: npm run regress -- FIRST SECOND [--groups a,b] [--cases a,b] [--quick] [--threshold 5]; a revision, or "."',
  );
const order = { groups: list(values.groups), cases: list(values.cases), quick: values.quick };
const cases = chosen(order);
const folder = mkdtempSync(join(tmpdir(), "tilewright-regress-"));
try {
  const [first, second] = positionals.map((r, i) => build(r, order, join(folder, `${i}`))) as [Built[], Built[]];
  const slower = 1 - threshold / 100;
  const { compared, same, notes, faults } = await comparison(first, second, cases, slower);
  for (const n of notes) console.log(n);
  console.log(`\nspeed of ${positionals[1]} relative to ${positionals[0]}`);
  const sorted = compared.toSorted((a, b) => a.ratio - b.ratio);
  for (const c of sorted) console.log(`  ${c.ratio.toFixed(3)}  ${c.ratio < slower ? "SLOWER " : "       "}${c.what}`);
  if (sorted.length + same === 0) faults.push("there was nothing to compare");
  for (const f of faults) console.log(`  FAULT  ${f}`);
  const count = sorted.filter((c) => c.ratio < slower).length;
  console.log(`${count} of ${sorted.length} slower by more than ${threshold} %, and ${same} with the same bytes`);
  if (count > 0 || faults.length > 0) process.exitCode = 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
