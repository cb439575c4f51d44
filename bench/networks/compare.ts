/** Runners of one network beside each other: are they right, how long does a run take, and how long does each layer. */
import { createLimit, gflops, type Limit, limitOf } from "../../src/driver/limit.ts";
import { measure, median, speedup, type Timed } from "../../src/driver/measure.ts";
import { flopsOf, type Layer, type Network, type Runner, shapeText } from "./network.ts";
import { distance, reference, wrong } from "./reference.ts";

/** Time and share of the limit by runner; no shares where the number of operations is not counted. */
export interface LayerRow {
  readonly name: string;
  readonly shapes: string;
  readonly ms: { readonly [runner: string]: number };
  readonly percentOfLimit: { readonly [runner: string]: number };
}
export interface RunnerRow {
  readonly name: string;
  /** Median over the rounds, and the fastest, for one run. */
  readonly ms: number;
  readonly min: number;
  readonly gflops: number;
  readonly percentOfLimit: number;
  /** For this project's runners: time relative to each library's, the median of the ratios within each round. */
  readonly ratioTo: { readonly [peer: string]: number };
}
export interface Report {
  readonly limit: Limit;
  readonly runners: readonly RunnerRow[];
  readonly layers: readonly LayerRow[];
  /** Layers of one kind taken together. */
  readonly kinds: readonly LayerRow[];
}

/** What is wrong with each runner's answer (the first layer that is, where layers can be run apart); nothing for those that are right. */
export async function check(net: Network, runners: readonly Runner[]): Promise<ReadonlyMap<Runner, string>> {
  const want = reference(net);
  const problems = new Map<Runner, string>();
  for (const r of runners) {
    let problem: string | undefined;
    r.layers?.forEach((l, i) => {
      l.run();
      problem ??= wrong(net.layers[i]!, l.result(), want[i]!);
    });
    const got = await r.result();
    problem ??= wrong(net.layers.at(-1)!, got, want.at(-1)!);
    if (problem !== undefined) problems.set(r, problem);
    const off = distance(got, want.at(-1)!).toExponential(1);
    console.log(`  ${r.name.padEnd(24)}${problem === undefined ? `right (off by ${off})` : `WRONG ${problem}`}`);
  }
  return problems;
}

/** ms of each layer within whole runs: medians over the rounds, in which the runners take turns. */
function layerTimes(runners: readonly Runner[], rounds: number): readonly (readonly [string, readonly number[]])[] {
  const samples = runners.flatMap((r) =>
    r.layers === undefined ? [] : [{ r, lists: r.layers.map((): number[] => []) }],
  );
  for (let round = 0; round < rounds; round++) {
    for (const { r, lists } of samples) {
      r.layers!.forEach((l, i) => {
        const start = performance.now();
        l.run();
        lists[i]!.push(performance.now() - start);
      });
    }
  }
  return samples.map(({ r, lists }) => [r.name, lists.map(median)] as const);
}

const LIMIT = "limit: ";
/** Measures all runners, with the limit's kernels taking their turns among them, then their layers. */
export async function compare(net: Network, runners: readonly Runner[], rounds: number): Promise<Report> {
  const set = createLimit();
  const fns: { [name: string]: Timed } = {};
  for (const k of set.kernels) fns[LIMIT + k.name] = k.run;
  for (const r of runners) fns[r.name] = () => r.run();
  const t = await measure(fns, { rounds, minMs: 5, warmMs: 1500 });
  const limit = limitOf(set, (k) => t[LIMIT + k.name]!.ms);
  const percent = (flops: number, ms: number): number => (100 * gflops(flops, ms)) / limit.gflops;

  const flops = networkFlops(net);
  const peers = runners.filter((r) => !r.own);
  const rows = runners.map((r): RunnerRow => {
    const { ms, min } = t[r.name]!;
    const ratios = r.own ? peers.map((p): [string, number] => [p.name, speedup(t[p.name]!, t[r.name]!)]) : [];
    const speed = { gflops: gflops(flops, ms), percentOfLimit: percent(flops, ms) };
    return { name: r.name, ms, min, ...speed, ratioTo: Object.fromEntries(ratios) };
  });

  const times = layerTimes(runners, rounds);
  const together = (name: string, shapes: string, of: readonly Layer[]): LayerRow => {
    const counts = of.map(flopsOf);
    const total = counts.includes(undefined) ? undefined : counts.reduce<number>((a, n) => a + n!, 0);
    const sums = times.map(([runner, ms]): [string, number] => [
      runner,
      of.reduce((a, l) => a + ms[net.layers.indexOf(l)]!, 0),
    ]);
    const shares = total === undefined ? [] : sums.map(([runner, ms]) => [runner, percent(total, ms)] as const);
    return { name, shapes, ms: Object.fromEntries(sums), percentOfLimit: Object.fromEntries(shares) };
  };
  const layers = net.layers.map((l) =>
    together(l.name, `${shapeText(l.input).padStart(11)} > ${shapeText(l.output)}`, [l]),
  );
  const kinds = [...new Set(net.layers.map((l) => l.kind))].flatMap((kind) => {
    const of = net.layers.filter((l) => l.kind === kind);
    return of.length > 1 ? [together(kind, `${of.length} layers`.padStart(11), of)] : [];
  });
  return { limit, runners: rows, layers, kinds };
}

export const networkFlops = (net: Network): number => net.layers.reduce((a, l) => a + (flopsOf(l) ?? 0), 0);

export function print(report: Report, withLayers: boolean): void {
  console.log(`\nlimit ${report.limit.gflops.toFixed(1)} GFLOP/s (${report.limit.best})`);
  for (const r of report.runners) {
    const figures = [
      r.name.padEnd(24),
      `${r.ms.toFixed(2)} ms`.padStart(11),
      `${r.gflops.toFixed(1)} GFLOP/s`.padStart(15),
      `${r.percentOfLimit.toFixed(0)} %`.padStart(6),
      ...Object.entries(r.ratioTo).map(([name, ratio]) => `   ${ratio.toFixed(3)} of ${name}`),
    ];
    console.log(`  ${figures.join("")}`);
  }
  const names = Object.keys(report.layers[0]?.ms ?? {});
  if (!withLayers || names.length === 0) return;
  const width = Math.max(...names.map((n) => n.length + 2), 20);
  console.log(`\n  ${"layer".padEnd(36)}${names.map((n) => n.padStart(width)).join("")}`);
  for (const row of [...report.layers, ...report.kinds]) {
    const cells = names.map((n) => {
      const percent = row.percentOfLimit[n];
      return `${row.ms[n]!.toFixed(3)} ms${(percent === undefined ? "" : `${percent.toFixed(0)} %`).padStart(6)}`;
    });
    const label = `${row.name.padEnd(10)}${row.shapes}`;
    console.log(`  ${label.padEnd(36)}${cells.map((c) => c.padStart(width)).join("")}`);
  }
}
