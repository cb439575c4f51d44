/** MobileNet v1, one image, one thread: a chain of this project's kernels beside the libraries. `npm run mobilenet -- --rounds 9`. */
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { createLimit } from "../src/driver/limit.ts";
import { check, compare, networkFlops, print } from "./networks/compare.ts";
import { mobilenet } from "./networks/mobilenet.ts";
import { elements, type Network, type Runner } from "./networks/network.ts";

/** `--rounds n` (0 only checks the answers)  `--brief` (no table of layers)  `--peers-only`  `--json file` */
const { values: o } = parseArgs({
  options: {
    rounds: { type: "string", default: "15" },
    brief: { type: "boolean", default: false },
    "peers-only": { type: "boolean", default: false },
    json: { type: "string" },
  },
});
const rounds = Number(o.rounds);
if (!Number.isInteger(rounds) || rounds < 0)
  throw new Error(`--rounds is ${o.rounds}: expected a whole number, 0 to check the answers only`);

/** What `make` gives, after a trial run; failures are reported, never silent. */
async function attempt(name: string, make: () => Promise<Runner>): Promise<Runner[]> {
  try {
    const r = await make();
    await r.run();
    return [r];
  } catch (e) {
    console.error(`left out: ${name}: ${e instanceof Error ? e.message : e}`);
    return [];
  }
}

async function own(net: Network): Promise<Runner[]> {
  try {
    const { buildLayers, chain } = await import("./networks/ours.ts");
    const start = performance.now();
    const artifacts = await buildLayers(net);
    const seconds = ((performance.now() - start) / 1000).toFixed(1);
    console.log(`${net.layers.length} layers of ${artifacts.size} shapes, built in ${seconds} s`);
    const variants = createLimit().relaxed ? (["relaxed", "plain"] as const) : (["plain"] as const);
    const made: Runner[] = [];
    for (const v of variants) made.push(...(await attempt(`tilewright, ${v}`, () => chain(net, artifacts, v))));
    return made;
  } catch (e) {
    console.error(`left out: tilewright: ${e instanceof Error ? e.message : e}`);
    return [];
  }
}

const net = mobilenet();
const flops = networkFlops(net);
const parameters = net.parameters.reduce((a, p) => a + (p === undefined ? 0 : p.w.length + p.bias.length), 0);
console.log(`node ${process.version}`);
console.log(`${net.name}: ${(flops / 1e9).toFixed(2)} GFLOP, ${(parameters / 1e6).toFixed(1)} million parameters`);
const runners = [
  ...(o["peers-only"] ? [] : await own(net)),
  ...(await attempt("tfjs-wasm", async () => (await import("./networks/tfjs.ts")).tfjs(net))),
  ...(await attempt("ort-web", async () => (await import("./networks/ort.ts")).ortWeb(net))),
  ...(await attempt("ort native", async () => (await import("./networks/ort.ts")).ortNative(net))),
];
console.log(`${elements(net.layers.at(-1)!.output)} numbers, compared with the definition in f64:`);
const problems = await check(net, runners);
const good = runners.filter((r) => !problems.has(r));
const missing = !o["peers-only"] && !runners.some((r) => r.own);
if (problems.size > 0 || missing || runners.length === 0) process.exitCode = 1;
const report = rounds > 0 && good.length > 0 ? await compare(net, good, rounds) : undefined;
for (const r of runners) r.dispose();
if (report !== undefined) print(report, !o.brief);
if (o.json !== undefined) {
  const about = { node: process.version, v8: process.versions.v8, arch: process.arch, network: net.name, flops };
  const wrong = [...problems].map(([r, problem]) => ({ name: r.name, problem }));
  writeFileSync(o.json, `${JSON.stringify({ ...about, ...report, wrong }, null, 2)}\n`);
}
