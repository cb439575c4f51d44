/** Matrix multiplication beside the machine's limit and the libraries: `npm run gemm -- --quick`. */
import { gemmOf } from "./data.ts";
import { contestants, face, gemmOperands, gemmTensor } from "./ours.ts";
import { libraries, peersOf } from "./peers.ts";
import { chosen, compare, finish, options, print, type Report } from "./report.ts";

interface Case {
  readonly name: string;
  /** Rows of A, columns of B, and what they share. */
  readonly size: readonly [m: number, n: number, k: number];
  readonly quick?: boolean;
}
const CASES: readonly Case[] = [
  { name: "64", size: [64, 64, 64] },
  { name: "128", size: [128, 128, 128] },
  { name: "256", size: [256, 256, 256], quick: true },
  { name: "512", size: [512, 512, 512], quick: true },
  { name: "768", size: [768, 768, 768] },
  { name: "1024", size: [1024, 1024, 1024] },
  { name: "333x777x555", size: [333, 777, 555], quick: true },
  { name: "336x784x560", size: [336, 784, 560] },
  { name: "37x53x29", size: [37, 53, 29], quick: true },
  { name: "1x1000x1024", size: [1, 1000, 1024] },
  { name: "1000x1x1024", size: [1000, 1, 1024] },
];

const o = options();
const libs = await libraries();
const tw = o.peersOnly ? undefined : await face();
const reports: Report[] = [];
for (const c of chosen(CASES, o)) {
  const work = gemmOf(...c.size);
  const mine = tw === undefined ? [] : await contestants(tw, gemmTensor(tw, ...c.size), gemmOperands(work));
  const constant = await peersOf(libs, (l) => l.gemm(work));
  const atRunTime = await peersOf(libs, (l) => l.gemmRuntime(work));
  const report = await compare(c.name, work, [...mine, ...constant, ...atRunTime], o.quick);
  print(report);
  reports.push(report);
}
finish(reports, o);
