/**
 * Weights that stay. A dense layer is called many times with the same weights, so what depends on them alone should be
 * computed once: here, packing them into panels that lie the way the inner loop walks.
 *
 * A placeholder marked `constant` makes that possible. The built module then holds two functions: the kernel, and the step that prepares
 * what the kernel keeps. `kernel.prepare({ W, bias })` runs the step and returns a kernel of the other arguments.
 *
 * Run it: npm run ts examples/weights.ts
 */
import { build, compile, compute, measure, placeholder, schedule, sum } from "../src/index.ts";
import { evaluate } from "../src/oracle.ts";
import { pack, unrollAndVectorize } from "../src/schedules.ts";
import { check, random } from "./support/check.ts";

const [M, N, K] = [49, 500, 512];
const X = placeholder("X", { i: M, k: K });
// stored the other way round, as frameworks keep them: one row per output
const W = placeholder("W", { j: N, k: K }, "f32", { constant: true });
const bias = placeholder("bias", { j: N }, "f32", { constant: true });
const Y = compute("Y", { i: M, j: N }, ({ i, j }) =>
  sum({ k: K }, ({ k }) => X.at(i, k).mul(W.at(j, k)))
    .add(bias.at(j))
    .max(0),
);

const s = schedule(Y);
const { i, j, k } = s.loops(Y);
const { io, ii } = s.split(i, { io: "rest", ii: 4 }, { tail: "peel" });
const { jo, ji } = s.split(j, { jo: "rest", ji: 8 });
s.reorder(jo, io, k, ii, ji);
// Panels of eight columns, K x 8 each; 500 columns leave half a panel over, which is filled with zeros.
const panels = pack(s, Y, W, "root", { layout: (j, k) => [j.div(8), k, j.mod(8)], pad: 0 });
// Not in every call: once.
s.prepare(panels);
const out = s.epilogue(Y);
s.setScope(Y, "local");
s.reverseComputeAt(out, io);
const init = s.decomposeReduction(Y, k);
for (const b of [Y, init, out]) unrollAndVectorize(s, b);
console.log(`${s}\n`);

const artifact = await build(s);
console.log(`exports ${artifact.abi.name} and ${artifact.abi.prepare?.name}\n`);

const [x, w, b] = [random(M * K, 1), random(N * K, 2), random(N, 3)];
const kernel = await compile(s);
const layer = kernel.prepare({ W: w, bias: b });
check("dense layer", layer({ X: x }), (at) => evaluate(Y, { X: x, W: w, bias: b }, { at }), [M, N]);

// The default schedule does the same by itself.
const plain = (await compile(Y)).prepare({ W: w, bias: b });
const times = await measure(
  {
    "packed once": () => layer({ X: x }),
    "packed in every call": () => kernel({ X: x, W: w, bias: b }),
    "default schedule, packed once": () => plain({ X: x }),
  },
  { rounds: 5, minMs: 1, budgetMs: 3000 },
);
for (const [name, t] of Object.entries(times))
  console.log(`${((2 * M * N * K) / t.ms / 1e6).toFixed(1).padStart(6)} GFLOP/s  ${name}`);
