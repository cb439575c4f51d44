/** One case: everybody's answer is checked, then all are measured in turns, with the machine's limits taking theirs among them. */
import { gflops, type Limit, limitOf } from "../src/driver/limit.ts";
import { type MeasureOptions, measure, speedup, type Timed, type Timing } from "../src/driver/measure.ts";
import type { Case } from "./cases/index.ts";
import type { Kit } from "./kit.ts";
import { bandwidthAt, type Machine } from "./machine.ts";
import { bytesOf, contestants, instantiate, type Variant } from "./ours.ts";
import { type Library, type Peer, peersOf } from "./peers.ts";
import { difference, type Work, wrong } from "./work/index.ts";

export interface Row {
  readonly name: string;
  readonly kind: Peer["kind"];
  readonly direct: boolean;
  readonly ms: number;
  readonly min: number;
  /** Undefined, as the next one, where the work counts no operations. */
  readonly gflops: number | undefined;
  readonly percentOfLimit: number | undefined;
  /** Of the time that the larger of arithmetic at the limit and memory traffic at the speed of a copy would take. */
  readonly percentOfRoofline: number;
  /** Memory-bound work: of the measured copy, or of the pass of exp where that takes longer. */
  readonly percentOfMemory: number | undefined;
  /** For what is not the default schedule: its speed relative to that. */
  readonly toDefault: number | undefined;
  /** Speed relative to the best peer, from the ratios within each round; undefined without a peer. */
  readonly toBestPeer: number | undefined;
}
export interface Report {
  readonly group: string;
  readonly case: string;
  readonly classes: readonly string[];
  readonly flops: number | undefined;
  readonly bytes: number;
  readonly limit: Limit;
  /** Of a copy of as many bytes, in GB/s. */
  readonly bandwidth: number;
  /** What binds the roofline. */
  readonly bound: "compute" | "memory";
  readonly memoryMs: { readonly copy: number; readonly exp: number | undefined } | undefined;
  readonly rounds: number;
  readonly rows: readonly Row[];
  /** Contestants with a wrong answer, and this project's that could not be built or run: not timed. */
  readonly wrong: readonly string[];
}

/** What a case may take: it is the list as a whole that has to end. Limits are soft, and slow cases get at least three rounds. */
const QUICK: MeasureOptions = { rounds: 5, minMs: 2, warmMs: 150, budgetMs: 3500 };
const FULL: MeasureOptions = { rounds: 15, minMs: 4, warmMs: 400, budgetMs: 9000 };

const LIMIT = "limit: ";
const COPY = "memory: copy";
const EXP = "memory: exp";

export interface Setting {
  readonly machine: Machine;
  readonly kit: Kit | undefined;
  readonly libraries: readonly Library[];
  readonly quick: boolean;
}

export async function compare(c: Case, { machine, kit, libraries, quick }: Setting): Promise<Report> {
  const work = c.work();
  const variants: readonly Variant[] = machine.limit.relaxed ? ["relaxed", "plain"] : ["plain"];
  const nobody = { peers: [], failures: [] };
  const ours = kit === undefined ? nobody : await contestants(kit, c.ours, work.inputs, variants);
  const all = [...ours.peers, ...(await peersOf(libraries, work))];
  const { good, bad } = await checked(work, all);

  const fns: { [name: string]: Timed } = {};
  for (const k of machine.limit.kernels) fns[LIMIT + k.name] = k.run;
  if (c.memory !== undefined) fns[COPY] = machine.copies.moving(work.bytes);
  const exp = c.memory === "exp" && kit !== undefined ? await expOver(kit, work, variants[0]!) : undefined;
  if (exp !== undefined) fns[EXP] = exp;
  for (const p of good) fns[p.name] = () => p.run();
  const t = await measure(fns, quick ? QUICK : FULL);
  for (const p of all) p.dispose();

  const limit = limitOf(machine.limit, (k) => t[LIMIT + k.name]!.ms);
  const bandwidth = bandwidthAt(machine.bandwidth, work.bytes);
  const computeMs = (work.flops ?? 0) / limit.gflops / 1e6;
  const trafficMs = work.bytes / bandwidth / 1e6;
  const best = fastest(good.filter((p) => p.kind === "peer").map((p) => t[p.name]!));
  const slowest = fastest(
    [t[COPY], t[EXP]].filter((x) => x !== undefined),
    -1,
  );
  const rows = good.map((p): Row => {
    const { ms, min } = t[p.name]!;
    const ofDefault = p.instead === undefined ? undefined : t[p.instead];
    const speed = work.flops === undefined ? undefined : gflops(work.flops, ms);
    return {
      ...{ name: p.name, kind: p.kind, direct: p.direct, ms, min, gflops: speed },
      percentOfLimit: speed === undefined ? undefined : (100 * speed) / limit.gflops,
      percentOfRoofline: (100 * Math.max(computeMs, trafficMs)) / ms,
      percentOfMemory: slowest && 100 * speedup(t[p.name]!, slowest),
      toDefault: ofDefault && speedup(t[p.name]!, ofDefault),
      toBestPeer: best && speedup(t[p.name]!, best),
    };
  });
  return {
    ...{ group: c.group, case: c.name, classes: c.classes, flops: work.flops, bytes: work.bytes, limit, bandwidth },
    bound: computeMs >= trafficMs ? "compute" : "memory",
    memoryMs: t[COPY] && { copy: t[COPY].ms, exp: t[EXP]?.ms },
    rounds: Object.values(t)[0]!.samples.length,
    ...{ rows, wrong: [...ours.failures, ...bad] },
  };
}

/** Against the definition; where there is none, against the first answer. */
async function checked(work: Work, all: readonly Peer[]): Promise<{ good: readonly Peer[]; bad: readonly string[] }> {
  const bad: string[] = [];
  const good: Peer[] = [];
  let first: Float32Array | undefined;
  for (const p of all) {
    const answer = await p.result();
    const other = work.at === undefined && first !== undefined ? difference(work, answer, first) : undefined;
    const problem = wrong(work, answer) ?? other;
    first ??= answer;
    if (problem === undefined) good.push(p);
    else bad.push(`${p.name}: ${problem}`);
  }
  return { good, bad };
}

/** What the math function alone takes: exp of every element, by the default schedule. */
async function expOver(kit: Kit, work: Work, variant: Variant): Promise<Timed> {
  const { X } = work.inputs;
  const x = kit.tw.placeholder("X", [X!.length]);
  const pass = kit.tw.compute("E", [X!.length], (i) => x.at(i).exp());
  const p = instantiate(EXP, await bytesOf(kit, pass, variant), { X: X! });
  return () => p.run();
}

/** The fastest of several, or with -1 the slowest. */
const fastest = (t: readonly Timing[], sign: 1 | -1 = 1): Timing | undefined =>
  t.length === 0 ? undefined : t.reduce((a, b) => (sign * b.ms < sign * a.ms ? b : a));
