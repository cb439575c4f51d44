/**
 * Runs the lessons in docs/lessons, and README.md in the same way: `npm run lessons`, or some of them by `npm run lessons -- 03 reductions`.
 *
 * The ts blocks of a page are one module. It is type-checked and run, and what each block prints must be the text block that
 * follows it (a block without one prints nothing). A number after ~ may be any other: times vary. `--update` writes what was
 * printed into the pages. Links between pages must lead somewhere.
 */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { difference, expected, linksOf, moduleOf, outputsOf, type Page, parsePage, updated } from "./lessons/page.ts";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const folder = join(root, "docs/lessons");
const FACE = "README";
const pathOf = (name: string): string => join(name === FACE ? root : folder, `${name}.md`);
/** Not under version control. */
const work = join(root, "out/lessons");
const LIMIT_MS = 2 * 60_000;

/** What users import, as the sources that it is built from. */
function sources(): Map<string, string> {
  const { name, exports } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as {
    readonly name: string;
    readonly exports: Readonly<Record<string, { readonly default: string }>>;
  };
  return new Map(
    Object.entries(exports).map(([path, { default: built }]) => {
      const source = join(root, built.replace("./dist/", "").replace(/\.js$/, ".ts"));
      if (!existsSync(source)) throw new Error(`package.json exports ${built}, but there is no ${source}`);
      return [name + path.slice(1), relative(work, source)];
    }),
  );
}

interface Lesson {
  readonly name: string;
  readonly page: Page;
  /** What is wrong. */
  readonly failures: string[];
}

function read(name: string, files: ReadonlyMap<string, string>): Lesson {
  const page = parsePage(readFileSync(pathOf(name), "utf8"));
  writeFileSync(join(work, `${name}.ts`), moduleOf(page, files));
  return { name, page, failures: [] };
}

/** All modules in one go: most of the time goes into the sources that they share. Returns messages that are about no lesson. */
function typeCheck(lessons: readonly Lesson[]): string[] {
  const config = {
    extends: relative(work, join(root, "tsconfig.json")),
    compilerOptions: { rootDir: relative(work, root) },
    include: [],
    files: lessons.map((l) => `${l.name}.ts`),
  };
  writeFileSync(join(work, "tsconfig.json"), JSON.stringify(config));
  const tsc = join(root, "node_modules/typescript/bin/tsc");
  const { stdout, status } = spawnSync(process.execPath, [tsc, "-p", work, "--pretty", "false"], { encoding: "utf8" });
  if (status === 0) return [];
  const elsewhere: string[] = [];
  for (const message of stdout.split(/\n(?=\S)/).filter((m) => m.trim() !== "")) {
    const [, file, line] = /^(\S+)\.ts\((\d+),\d+\)/.exec(message) ?? [];
    const lesson = lessons.find((l) => file?.endsWith(`/${l.name}`) || file === l.name);
    if (lesson) lesson.failures.push(message.replace(/^[^:]*/, `line ${line}`));
    else elsewhere.push(message);
  }
  return elsewhere;
}

/** Packages stay outside: through tsx, Binaryen alone takes longer to load than all lessons to run. */
async function bundle(lessons: readonly Lesson[]): Promise<void> {
  await build({
    entryPoints: lessons.map((l) => join(work, `${l.name}.ts`)),
    outdir: work,
    outExtension: { ".js": ".mjs" },
    bundle: true,
    splitting: true,
    packages: "external",
    platform: "node",
    format: "esm",
    target: "node20",
    keepNames: true,
    sourcemap: "inline",
    logLevel: "error",
  });
}

interface Ran {
  readonly printed: string;
  readonly errors: string;
  /** Why it ended, if not as it should. */
  readonly end: string | undefined;
}
function run(name: string): Promise<Ran> {
  return new Promise((done) => {
    const child: ChildProcess = spawn(process.execPath, ["--enable-source-maps", join(work, `${name}.mjs`)], {
      cwd: root,
      env: { ...process.env, NO_COLOR: "1" },
      stdio: ["ignore", "pipe", "pipe"],
      timeout: LIMIT_MS,
    });
    const [out, errors]: [Buffer[], Buffer[]] = [[], []];
    child.stdout!.on("data", (x: Buffer) => out.push(x));
    child.stderr!.on("data", (x: Buffer) => errors.push(x));
    child.on("close", (code, signal) =>
      done({
        printed: Buffer.concat(out).toString(),
        errors: Buffer.concat(errors).toString(),
        end: code === 0 ? undefined : `it ended with ${signal ?? code}`,
      }),
    );
  });
}

/** Runs a lesson; what it prints must be what its page says, or the page is made to say it. */
async function check({ name, page, failures }: Lesson, update: boolean): Promise<void> {
  const { printed, errors, end } = await run(name);
  const outputs = outputsOf(page, printed);
  if (end) failures.push(`${end}\n${errors}`);
  else if (errors.trim() !== "") failures.push(`it complains:\n${errors}`);
  if (update && !end) {
    const text = updated(page, outputs);
    if (text !== page.lines.join("\n")) {
      writeFileSync(pathOf(name), text);
      console.log(`--- ${name}: updated`);
    }
    failures.push(...parsePage(text).problems);
    return;
  }
  failures.push(...page.problems);
  for (const link of linksOf(page))
    if (!existsSync(join(dirname(pathOf(name)), link))) failures.push(`it links to ${link}, which is not there`);
  page.blocks.forEach((b, n) => {
    // blocks after the one that failed print nothing
    const wrong = outputs[n] && difference(expected(page, b), outputs[n]);
    if (wrong !== undefined)
      failures.push(`line ${b.code.open + 1}: it prints something else (- as the page says, + as it is)\n${wrong}`);
  });
}

/** The table of contents leads to files that are there, and to every lesson. */
function contents(names: readonly string[]): string[] {
  const links = linksOf(parsePage(readFileSync(join(root, "docs/README.md"), "utf8")));
  return [
    ...links.filter((l) => !existsSync(join(root, "docs", l))).map((l) => `it links to ${l}, which is not there`),
    ...names.filter((n) => !links.includes(`lessons/${n}.md`)).map((n) => `lesson ${n} is missing`),
  ].map((m) => `docs/README.md: ${m}`);
}

const args = process.argv.slice(2);
const update = args.includes("--update");
const wanted = args.filter((a) => !a.startsWith("--"));
const odd = args.find((a) => a.startsWith("--") && a !== "--update");
if (odd) throw new Error(`there is no option ${odd}: there is --update`);
const all = readdirSync(folder)
  .filter((f) => f.endsWith(".md"))
  .map((f) => f.slice(0, -3))
  .sort();
const names = [FACE, ...all].filter(
  (n) => wanted.length === 0 || wanted.some((w) => n.includes(w.replace(/\.md$/, ""))),
);
rmSync(work, { recursive: true, force: true });
mkdirSync(work, { recursive: true });
const files = sources();
const lessons = names.map((n) => read(n, files));
const elsewhere = lessons.length > 0 ? typeCheck(lessons) : [];
const sound = lessons.filter((l) => l.failures.length === 0);
if (sound.length > 0) await bundle(sound);

const waiting = [...lessons];
async function worker(): Promise<void> {
  for (let l = waiting.shift(); l !== undefined; l = waiting.shift()) {
    const start = performance.now();
    if (sound.includes(l)) await check(l, update);
    const seconds = ((performance.now() - start) / 1000).toFixed(1);
    console.log(`--- ${l.name}: ${l.failures.length === 0 ? "ok" : "FAILED"} (${seconds} s)`);
    for (const f of l.failures) console.log(`${f}\n`);
  }
}
await Promise.all(Array.from({ length: Math.min(4, availableParallelism()) }, worker));

elsewhere.push(...contents(all));
for (const m of elsewhere) console.log(`${m}\n`);
const failed = lessons.filter((l) => l.failures.length > 0).map((l) => l.name);
console.log(`${lessons.length - failed.length} of ${lessons.length} lessons are as their pages say`);
if (lessons.length === 0) console.log("there are no such lessons: that cannot be right");
if (failed.length > 0) console.log(`failed: ${failed.join(", ")}`);
if (elsewhere.length > 0) console.log(`outside of the lessons: ${elsewhere.length} faults, see above`);
process.exitCode = failed.length > 0 || elsewhere.length > 0 || lessons.length === 0 ? 1 : 0;
