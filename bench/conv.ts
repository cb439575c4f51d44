/** Convolutions (NHWC, bias and relu6) beside the machine's limit and the libraries: `npm run conv -- --quick`. */
import { type ConvShape, convOf } from "./data.ts";
import { contestants, convOperands, convTensor, face } from "./ours.ts";
import { libraries, peersOf } from "./peers.ts";
import { chosen, compare, finish, options, print, type Report } from "./report.ts";

interface Case {
  readonly name: string;
  readonly shape: ConvShape;
  readonly quick?: boolean;
}
const dense = (side: number, cin: number, cout: number, size: number, stride = 1): ConvShape => ({
  ...{ height: side, width: side, cin, cout, size, stride, depthwise: false },
});
const depthwise = (side: number, channels: number, stride: number): ConvShape => ({
  ...{ height: side, width: side, cin: channels, cout: channels, size: 3, stride, depthwise: true },
});
const CASES: readonly Case[] = [
  { name: "3x3-64-56", shape: dense(56, 64, 64, 3), quick: true },
  { name: "3x3-128-28", shape: dense(28, 128, 128, 3) },
  { name: "3x3-3-32-224-s2", shape: dense(224, 3, 32, 3, 2) },
  { name: "1x1-512-14", shape: dense(14, 512, 512, 1), quick: true },
  { name: "1x1-64-128-56", shape: dense(56, 64, 128, 1) },
  { name: "dw-32-112", shape: depthwise(112, 32, 1), quick: true },
  { name: "dw-64-112-s2", shape: depthwise(112, 64, 2) },
];

const o = options();
const libs = await libraries();
const tw = o.peersOnly ? undefined : await face();
const reports: Report[] = [];
for (const c of chosen(CASES, o)) {
  const work = convOf(c.shape);
  const mine = tw === undefined ? [] : await contestants(tw, convTensor(tw, work), convOperands(work));
  const report = await compare(c.name, work, [...mine, ...(await peersOf(libs, (l) => l.conv(work)))], o.quick);
  print(report);
  reports.push(report);
}
finish(reports, o);
