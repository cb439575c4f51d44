/**
 * The long run: `npm run fuzz -- --runs 20000 --seed 1 --shard 0/4`. Prints acceptance per primitive; a failure is shrunk and
 * printed with the seed and the case that replays it. `--case '<json>'` runs one case; `--keep` goes on after a failure;
 * `--quick` does not shrink.
 */
import { parseArgs } from "node:util";
import fc from "fast-check";
import { type CaseSpec, caseSpec, describeCase, runCase } from "./run.ts";
import { PRIMITIVES, type Tally } from "./steps/index.ts";

const { values } = parseArgs({
  options: {
    runs: { type: "string", default: "1000" },
    seed: { type: "string", default: String(Date.now() % 1_000_000) },
    shard: { type: "string", default: "0/1" },
    case: { type: "string" },
    keep: { type: "boolean", default: false },
    quick: { type: "boolean", default: false },
  },
});

if (values.case) {
  const spec = JSON.parse(values.case) as CaseSpec;
  console.log(describeCase(spec));
  await runCase(spec);
  console.log("passed");
  process.exit(0);
}

const [index, shards] = values.shard.split("/").map(Number) as [number, number];
const runs = Math.ceil(Number(values.runs) / shards);
const seed = Number(values.seed) + index * 7919;
const tally: Tally = new Map();
const kinds = new Map<string, number>();
const dtypes = new Map<string, number>();
let symbolic = 0;
let done = 0;
let limited = 0;
let failures = 0;
const started = Date.now();

/** Runs until `runs` cases have passed or one fails; returns what failed, shrunk. */
async function campaign(from: number, count: number): Promise<string | undefined> {
  // from the first failure on, cases are attempts at shrinking it
  let failed = false;
  const property = fc.asyncProperty(caseSpec, async (spec) => {
    try {
      const r = await runCase(spec, failed ? undefined : tally);
      if (failed) return;
      done++;
      if (r.limited) limited++;
      for (const k of new Set(r.kinds)) kinds.set(k, (kinds.get(k) ?? 0) + 1);
      for (const d of new Set(r.dtypes)) dtypes.set(d, (dtypes.get(d) ?? 0) + 1);
      if (r.symbolic) symbolic++;
      if (done % 500 === 0) console.log(`${done} cases, ${((Date.now() - started) / done).toFixed(1)} ms each`);
    } catch (e) {
      if (!failed) console.log(`found after ${done + 1} cases`);
      failed = true;
      throw e;
    }
  });
  const out = await fc.check(property, { seed: from, numRuns: count, endOnFailure: values.quick });
  if (!out.failed) return undefined;
  const spec = out.counterexample![0];
  const error =
    out.errorInstance instanceof Error
      ? (out.errorInstance.stack ?? String(out.errorInstance))
      : String(out.errorInstance);
  return `seed ${from}, after ${out.numRuns} cases and ${out.numShrinks} shrinks\n${describeCase(spec)}\n${error.slice(0, 3000)}`;
}

for (let from = seed, left = runs; left > 0; from += 104729) {
  const before = done;
  const failure = await campaign(from, Math.min(left, 500));
  if (failure) {
    failures++;
    console.log(`FAILED\n${failure}\n`);
    if (!values.keep || failures >= 10) break;
  }
  left -= Math.max(1, Math.min(500, done - before || 500));
}

console.log(`\nprimitive              accepted   refused`);
for (const name of PRIMITIVES) {
  const r = tally.get(name) ?? { accepted: 0, refused: 0, why: new Map<string, number>() };
  const why = [...r.why].sort((a, b) => b[1] - a[1]).slice(0, 3);
  console.log(
    `${name.padEnd(22)} ${String(r.accepted).padStart(8)}  ${String(r.refused).padStart(8)}   ${why.map(([c, k]) => `${c} ${k}`).join(", ")}`,
  );
}
console.log(`stages: ${[...kinds].map(([k, c]) => `${k} ${c}`).join(", ")}`);
console.log(`dtypes: ${[...dtypes].map(([k, c]) => `${k} ${c}`).join(", ")}; symbolic sizes ${symbolic}`);
console.log(`${done} cases, ${limited} at a stated limit, ${failures} failures, seed ${seed}`);
process.exitCode = failures > 0 ? 1 : 0;
