/** Printing what came out, and deciding whether a run may be believed. */
import { writeFileSync } from "node:fs";
import type { Report, Row } from "./compare.ts";
import type { Machine } from "./machine.ts";

/** More than this of the limit means that the limit or the count of operations is wrong. */
const AT_MOST_PERCENT = 102;

/** What makes a run fail: wrong answers, and direct kernels faster than the machine. Native code has wider vectors than the limit's. */
export function faults(reports: readonly Report[]): readonly string[] {
  return reports.flatMap((r) => [
    ...r.wrong.map((w) => `${r.group} ${r.case}: WRONG ${w}`),
    ...r.rows
      .filter((row) => row.kind !== "far" && row.direct && (row.percentOfLimit ?? 0) > AT_MOST_PERCENT)
      .map((row) => `${r.group} ${r.case}: ${row.name} shows ${percent(row.percentOfLimit)} of the limit`),
  ]);
}

const percent = (x: number | undefined): string => (x === undefined ? "" : `${x.toFixed(0)} %`);

export function printMachine({ bandwidth }: Machine): void {
  const size = (bytes: number): string => (bytes < 2 ** 20 ? `${bytes / 2 ** 10} KiB` : `${bytes / 2 ** 20} MiB`);
  console.log(`node ${process.version}, V8 ${process.versions.v8}, ${process.arch}`);
  console.log(
    `copies, read and written: ${bandwidth.map((b) => `${size(b.bytes)} ${b.gbs.toFixed(0)} GB/s`).join(", ")}`,
  );
}

export function printReport(r: Report): void {
  const rounds = r.rounds === 1 ? "1 round" : `${r.rounds} rounds`;
  const machine = `limit ${r.limit.gflops.toFixed(1)} GFLOP/s (${r.limit.best}), copy ${r.bandwidth.toFixed(0)} GB/s`;
  console.log(`\n${r.group} ${r.case}   ${machine}, bound by ${r.bound}, ${rounds}`);
  for (const row of r.rows) console.log(`  ${printRow(row)}`);
  if (r.memoryMs !== undefined) {
    const exp = r.memoryMs.exp === undefined ? "" : `, exp alone ${r.memoryMs.exp.toPrecision(3)} ms`;
    console.log(`  a copy of as many bytes ${r.memoryMs.copy.toPrecision(3)} ms${exp}`);
  }
  for (const w of r.wrong) console.log(`  WRONG ${w}`);
}

function printRow(row: Row): string {
  const far = row.kind === "far" ? "   (far mark)" : "";
  return [
    row.name.padEnd(32),
    `${row.ms.toPrecision(4)} ms`.padStart(12),
    (row.gflops === undefined ? "" : `${row.gflops.toFixed(1)} GFLOP/s`).padStart(15),
    (row.percentOfLimit === undefined ? "" : `${percent(row.percentOfLimit)} of limit`).padStart(16),
    `${percent(row.percentOfRoofline)} of roofline`.padStart(20),
    row.percentOfMemory === undefined ? "" : `${percent(row.percentOfMemory)} of memory`.padStart(18),
    row.toDefault === undefined ? "" : `${row.toDefault.toFixed(2)} x default`.padStart(16),
    row.toBestPeer === undefined ? "" : `${row.toBestPeer.toFixed(2)} x best peer`.padStart(18),
    far,
  ].join("");
}

export interface Mean {
  readonly group: string;
  readonly class: string;
  readonly name: string;
  readonly cases: number;
  /** Geometric mean of the speed relative to the best peer of each case. */
  readonly mean: number;
  readonly worst: number;
  readonly worstCase: string;
}

/** This project's speed relative to the best peer, over each group ("all") and each class of its cases. */
export function means(reports: readonly Report[]): readonly Mean[] {
  interface Point {
    readonly case: string;
    readonly ratio: number;
  }
  const points = new Map<string, { readonly key: readonly [string, string, string]; readonly points: Point[] }>();
  for (const r of reports) {
    for (const row of r.rows) {
      if (row.kind !== "ours" || row.toBestPeer === undefined) continue;
      for (const c of ["all", ...r.classes]) {
        const key = [r.group, c, row.name] as const;
        const entry = points.get(key.join("\n")) ?? { key, points: [] };
        entry.points.push({ case: r.case, ratio: row.toBestPeer });
        points.set(key.join("\n"), entry);
      }
    }
  }
  const all = [...points.values()].map(({ key: [group, className, name], points: p }) => {
    const worst = p.reduce((a, b) => (b.ratio < a.ratio ? b : a));
    return {
      ...{ group, class: className, name, cases: p.length },
      mean: Math.exp(p.reduce((s, x) => s + Math.log(x.ratio), 0) / p.length),
      ...{ worst: worst.ratio, worstCase: worst.case },
    };
  });
  // "all" before the classes.
  const rank = (m: Mean): string => [m.group, m.class === "all" ? "" : m.class, m.name].join("\n");
  return all.toSorted((a, b) => rank(a).localeCompare(rank(b)));
}

export function printMeans(all: readonly Mean[]): void {
  if (all.length > 0) console.log("\nSpeed relative to the best peer of each case, geometric means");
  for (const m of all) {
    const what = `${m.group}, ${m.class}`.padEnd(30) + m.name.padEnd(32);
    const count = `${m.cases} ${m.cases === 1 ? "case" : "cases"}`.padStart(9);
    console.log(`  ${what}${m.mean.toFixed(2)} x ${count}, least ${m.worst.toFixed(2)} x (${m.worstCase})`);
  }
}

export function writeJson(file: string, machine: Machine, reports: readonly Report[]): void {
  const about = { node: process.version, v8: process.versions.v8, arch: process.arch, date: new Date().toISOString() };
  const content = { about, bandwidth: machine.bandwidth, faults: faults(reports), means: means(reports), reports };
  writeFileSync(file, `${JSON.stringify(content, null, 2)}\n`);
}
