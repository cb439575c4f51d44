/**
 * `npm start`: the main job in one go. A matrix product and a convolution, written as expressions, get their default
 * schedules, are compiled, checked against the oracle, measured against what this machine can do at most, and written to
 * files that anything with a WebAssembly engine runs. No schedule is written here; gemm.ts and conv2d.ts do that by hand.
 */
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { createLimit, limitOf, measure } from "../src/driver/index.ts";
import {
  build,
  compile,
  compute,
  constantEdge,
  placeholder,
  type Schedule,
  schedule,
  sum,
  type Tensor,
  wasm,
} from "../src/index.ts";
import { evaluate } from "../src/oracle.ts";
import { arena } from "../src/runtime/index.ts";
import { defaultSchedule } from "../src/schedules.ts";
import { check, random } from "./support/check.ts";

// 512 x 512 x 512
const A = placeholder("A", [512, 512]);
const B = placeholder("B", [512, 512]);
const gemm = compute("gemm", { i: 512, j: 512 }, ({ i, j }) => sum({ k: 512 }, ({ k }) => A.at(i, k).mul(B.at(k, j))));

// 3x3, 56x56x64 -> 56x56x64, NHWC, padded by one, with bias and relu6
const [H, W, CI, CO] = [56, 56, 64, 64];
const X = placeholder("X", { h: H, w: W, c: CI });
const F = placeholder("F", { r: 3, q: 3, c: CI, o: CO });
const bias = placeholder("bias", [CO]);
const edge = constantEdge(X, 0);
const padded = compute("padded", { h: H + 2, w: W + 2, c: CI }, ({ h, w, c }) => edge.at(h.sub(1), w.sub(1), c));
const conv = compute("conv", { h: H, w: W, o: CO }, ({ h, w, o }) =>
  sum({ r: 3, q: 3, c: CI }, ({ r, q, c }) => padded.at(h.add(r), w.add(q), c).mul(F.at(r, q, c, o)))
    .add(bias.at(o))
    .clamp(0, 6),
);

interface Job {
  readonly name: string;
  // biome-ignore lint/suspicious/noExplicitAny: a tensor of anything
  readonly tensor: Tensor<"f32", any, any, any, any>;
  readonly shape: readonly number[];
  readonly flops: number;
  readonly inputs: Record<string, Float32Array>;
}
const jobs: Job[] = [
  {
    name: "gemm",
    tensor: gemm,
    shape: [512, 512],
    flops: 2 * 512 ** 3,
    inputs: { A: random(512 * 512, 1), B: random(512 * 512, 2) },
  },
  {
    name: "conv",
    tensor: conv,
    shape: [H, W, CO],
    flops: 2 * H * W * CO * 9 * CI,
    inputs: { X: random(H * W * CI, 3), F: random(9 * CI * CO, 4), bias: random(CO, 5) },
  },
];

const relaxed = createLimit().relaxed;
const runs: Record<string, () => unknown> = {};
for (const { name, tensor, shape, inputs } of jobs) {
  const s: Schedule<typeof tensor> = schedule(tensor);
  defaultSchedule(s, wasm({ relaxed }));
  console.log(`--- ${name}: the default schedule for ${relaxed ? "relaxed SIMD" : "simd128"}\n${s}\n`);

  // Inputs and the result live in the kernel's own memory: a call copies nothing.
  const memory = arena();
  const kernel = (await compile(tensor, { arena: memory })) as unknown as (
    args: Record<string, Float32Array>,
    options: { into: Float32Array },
  ) => Float32Array;
  const place = (data: Float32Array): Float32Array => {
    const view = memory.array("f32", [data.length]);
    view.set(data);
    return view;
  };
  const args = Object.fromEntries(Object.entries(inputs).map(([n, data]) => [n, place(data)]));
  const into = memory.array("f32", shape);
  runs[name] = () => kernel(args, { into });
  check(name, kernel(args, { into }), (at) => evaluate(tensor, inputs, { at }), shape);
  console.log();
}

// Kernels and the machine's limit (the best register-only loop of multiply-adds) take turns in one run.
const limit = createLimit();
for (const k of limit.kernels) runs[k.name] = () => k.run();
const times = await measure(runs, { rounds: 15, minMs: 8, budgetMs: 20_000 });
const best = limitOf(limit, (k) => times[k.name]!.ms).gflops;
console.log(`Node ${process.versions.node}, one thread; limit of this machine: ${best.toFixed(1)} GFLOP/s`);
for (const { name, flops } of jobs) {
  const speed = flops / times[name]!.ms / 1e6;
  console.log(
    `${name.padEnd(5)} ${times[name]!.ms.toFixed(2)} ms  ${speed.toFixed(1)} GFLOP/s  ${((100 * speed) / best).toFixed(0)} % of the limit`,
  );
}

for (const { name, tensor } of jobs) {
  const artifact = await build(tensor);
  writeFileSync(`${name}.wasm`, artifact.wasm);
  console.log(
    `\nwrote ${name}.wasm: ${artifact.wasm.length} bytes, no imports. Run with nothing but the WebAssembly API:`,
  );
  const plain = spawnSync(process.execPath, ["examples/support/plain.mjs", `${name}.wasm`], { encoding: "utf8" });
  process.stdout.write(plain.stdout + plain.stderr);
  if (plain.status !== 0) process.exitCode = 1;
}
