/** Measuring contestants against each other and the limit in one run, and printing what came out. */
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { createLimit, gflops, type Limit, limitOf } from "../src/driver/limit.ts";
import { measure, speedup, type Timed, type Timing } from "../src/driver/measure.ts";
import { type Conv, flopsOf, type Gemm, wrong } from "./data.ts";
import type { Peer } from "./peers/peer.ts";

export interface Options {
  /** Case names to run; all when empty. */
  readonly cases: readonly string[];
  readonly quick: boolean;
  readonly peersOnly: boolean;
  readonly json: string | undefined;
}

/** `--cases a,b  --quick  --peers-only  --json file` */
export function options(): Options {
  const { values } = parseArgs({
    options: {
      cases: { type: "string" },
      quick: { type: "boolean", default: false },
      "peers-only": { type: "boolean", default: false },
      json: { type: "string" },
    },
  });
  return {
    cases: values.cases?.split(",").filter((c) => c !== "") ?? [],
    quick: values.quick,
    peersOnly: values["peers-only"],
    json: values.json,
  };
}

export interface Row {
  readonly name: string;
  readonly ms: number;
  readonly min: number;
  readonly gflops: number;
  readonly percentOfLimit: number;
  /** Speed relative to the best peer, from the ratios within each round; undefined without a peer. */
  readonly toBestPeer: number | undefined;
}
export interface Report {
  readonly case: string;
  readonly limit: Limit;
  readonly rows: readonly Row[];
  /** Contestants with a wrong answer: not timed. */
  readonly wrong: readonly string[];
}

const isOurs = (name: string): boolean => name.startsWith("tilewright");
const LIMIT = "limit: ";

/**
 * Checks every answer against the definition (in f64, at sampled places), then measures all contestants with the limit's kernels
 * taking their turns among them. Contestants are disposed of.
 */
export async function compare(name: string, work: Gemm | Conv, all: readonly Peer[], quick: boolean): Promise<Report> {
  const bad: string[] = [];
  const good: Peer[] = [];
  for (const p of all) {
    const problem = wrong(work, await p.result());
    if (problem === undefined) good.push(p);
    else bad.push(`${p.name}: ${problem}`);
  }
  const set = createLimit();
  const fns: { [name: string]: Timed } = {};
  for (const k of set.kernels) fns[LIMIT + k.name] = k.run;
  for (const p of good) fns[p.name] = () => p.run();
  const t = await measure(fns, quick ? { rounds: 5, minMs: 2, warmMs: 150 } : { rounds: 15, minMs: 5, warmMs: 500 });
  for (const p of all) p.dispose();
  const limit = limitOf(set, (k) => t[LIMIT + k.name]!.ms);
  const best = fastest(good.filter((p) => !isOurs(p.name)).map((p) => t[p.name]!));
  const rows = good.map((p): Row => {
    const { ms, min } = t[p.name]!;
    const speed = gflops(flopsOf(work), ms);
    return {
      ...{ name: p.name, ms, min, gflops: speed, percentOfLimit: (100 * speed) / limit.gflops },
      toBestPeer: best && speedup(t[p.name]!, best),
    };
  });
  return { case: name, limit, rows, wrong: bad };
}

const fastest = (t: readonly Timing[]): Timing | undefined =>
  t.length === 0 ? undefined : t.reduce((a, b) => (b.ms < a.ms ? b : a));

export function print(r: Report): void {
  console.log(`\n${r.case}   (limit ${r.limit.gflops.toFixed(1)} GFLOP/s, ${r.limit.best})`);
  for (const row of r.rows) {
    const figures = [
      row.name.padEnd(28),
      `${row.ms.toPrecision(4)} ms`.padStart(12),
      `${row.gflops.toFixed(1)} GFLOP/s`.padStart(15),
      `${row.percentOfLimit.toFixed(0)} %`.padStart(6),
      row.toBestPeer === undefined ? "" : `${row.toBestPeer.toFixed(2)} x best peer`.padStart(18),
    ];
    console.log(`  ${figures.join("")}`);
  }
  for (const w of r.wrong) console.log(`  WRONG ${w}`);
}

/** Writes the JSON file if one was asked for; a wrong answer makes the process fail. */
export function finish(reports: readonly Report[], o: Options): void {
  const about = { node: process.version, v8: process.versions.v8, arch: process.arch };
  if (o.json !== undefined) writeFileSync(o.json, `${JSON.stringify({ ...about, reports }, null, 2)}\n`);
  if (reports.some((r) => r.wrong.length > 0)) process.exitCode = 1;
}

/** The cases asked for by name; an unknown name is an error. */
export function chosen<T extends { readonly name: string; readonly quick?: boolean }>(
  all: readonly T[],
  o: Options,
): T[] {
  const unknown = o.cases.filter((c) => !all.some((a) => a.name === c));
  if (unknown.length > 0)
    throw new Error(`no case ${unknown.join(", ")}; there are ${all.map((a) => a.name).join(", ")}`);
  if (o.cases.length > 0) return all.filter((a) => o.cases.includes(a.name));
  return all.filter((a) => !o.quick || a.quick === true);
}
