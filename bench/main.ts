/** Every case beside the machine's limits and the libraries, in one run on one thread: `npm run bench -- --quick`. */
import { writeFileSync } from "node:fs";
import { chosen } from "./cases/index.ts";
import { compare, type Report } from "./compare.ts";
import { ownKit } from "./kit.ts";
import { machine } from "./machine.ts";
import { options } from "./options.ts";
import { libraries } from "./peers.ts";
import { faults, means, printMachine, printMeans, printReport, writeJson } from "./report.ts";

const o = options();
const cases = chosen(o);
const setting = {
  machine: await machine(o.quick),
  kit: o.ours ? await ownKit() : undefined,
  libraries: o.peers ? await libraries() : [],
  quick: o.quick,
};
printMachine(setting.machine);
const reports: Report[] = [];
for (const c of cases) {
  const report = await compare(c, setting);
  printReport(report);
  reports.push(report);
}
printMeans(means(reports));
const found = faults(reports);
for (const f of found) console.log(f);
if (o.json !== undefined) writeJson(o.json, setting.machine, reports);
if (o.svg !== undefined) {
  // Loaded only here: it takes longer to load than a case to measure.
  const { picture } = await import("./picture.ts");
  writeFileSync(o.svg, await picture(reports));
}
if (found.length > 0 || reports.some((r) => r.rows.length === 0)) process.exitCode = 1;
