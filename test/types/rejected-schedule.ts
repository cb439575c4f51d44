// What must be a compile error around schedules and kernels: each line marked with `// error` is a mistake that users make, and no
// other line may fail.
import {
  arena,
  build,
  compile,
  compute,
  defineIntrinsic,
  intrinsics,
  placeholder,
  run,
  schedule,
  sum,
  wasm,
} from "../../src/index.ts";
import { registerTile } from "../../src/schedules.ts";

const [M, N, K] = [512, 512, 512];
const A = placeholder("A", [M, K]);
const B = placeholder("B", [K, N]);
const C = compute("C", { i: M, j: N }, ({ i, j }) => sum({ k: K }, ({ k }) => A.at(i, k).mul(B.at(k, j))));
const s = schedule(C);
const { i, j, k } = s.loops(C);
// a misspelled loop
const { kk } = s.loops(C); // error
// loops of an input
const { z } = s.loops(A); // error
// a misspelled part of a split
const { io, iii } = s.split(i, { io: "rest", ii: 6 }); // error
// a factor that is neither a number nor "rest"
s.split(j, { jo: "outer", ji: 8 }); // error
// a tail policy that there is not
s.split(j, { jo: "rest", ji: 8 }, { tail: "scalar" }); // error
// loops are handles, not names
s.reorder(io, "j"); // error
s.vectorize("j"); // error
s.unroll(0); // error
// block and loop the wrong way round
s.computeAt(k, C); // error
// a scope that there is not
s.cacheRead(C, B, "register"); // error
s.cacheWrite(C, "registers"); // error
s.setScope(C, "stack"); // error
// `cacheWrite` returns two blocks
s.reverseComputeAt(s.cacheWrite(C, "local"), io); // error
// the wrong half of a copied schedule's result
const { compute: main, writeback } = s.cacheWrite(C, "local"); // error
// chains: a name that is gone, a name that never was, a name that is not yet there
schedule(C).stage(C).split("i", { io: "rest", ii: 6 }).reorder("io", "i", "k"); // error
schedule(C).stage(C).split("x", { io: "rest", ii: 6 }); // error
schedule(C).stage(C).vectorize("ji").split("j", { jo: "rest", ji: 8 }); // error
const { i: gone } = schedule(C).stage(C).split("i", { io: "rest", ii: 6 }).loops; // error
// recipes
registerTile(s, C, { i: "6" }); // error
// kernel arguments
const g = await compile(C);
g({ A: new Float32Array(1) }); // error
g({ A: new Float32Array(1), B: new Float32Array(1), b: new Float32Array(1) }); // error
g({ A: new Float32Array(1), B: new Float64Array(1) }); // error
g({ A: new Float32Array(1), B: [1, 2, 3] }); // error
g({ A: new Float32Array(1), B: new Float32Array(1) }, { into: new Float64Array(1) }); // error
g({ A: new Float32Array(1), B: new Float32Array(1) }, { out: new Float32Array(1) }); // error
const wrong: Int32Array = g({ A: new Float32Array(1), B: new Float32Array(1) }); // error
await run(C, { A: new Float32Array(1) }); // error
// a kernel is made asynchronously
compile(C)({ A: new Float32Array(1), B: new Float32Array(1) }); // error
// several results come by name
const two = await compile({ C, D: C });
two({ A: new Float32Array(1), B: new Float32Array(1) }).E; // error
// something that can't be built
await build(42); // error
await compile({ C: 1 }); // error
await build(C, { target: "wasm" }); // error
wasm({ simd: true }); // error
// operands of an instruction that there are not, features, and the order of arguments
const [oa, ob] = [placeholder("a", [4]), placeholder("b", [4])];
const semantics = compute("t", { i: 4 }, ({ i }) => oa.at(i).add(ob.at(i)));
defineIntrinsic({ name: "x", semantics, emit: { wasm: ({ a, q }, i) => i("f32x4.add", a, q) } }); // error
const fast = { features: ["fast"] } as const;
defineIntrinsic({ name: "x", semantics, requires: fast, emit: { wasm: ({ a, b }, i) => i("f32x4.add", a, b) } }); // error
s.tensorize(j, intrinsics.f32x4_mul_add, { assume: B }); // error
s.tensorize(intrinsics.f32x4_mul_add, j); // error
// versions: a condition that is none, a size that is none, a part that there is not, a loop by its name
s.specialize(j, 8); // error
s.specialize(j, ({ i }) => i.add(1)); // error
s.partition(j, { left: "all", body: "rest" }); // error
const { right } = s.partition(j, { left: 1, body: "rest" }); // error
s.specialize(j, ({ i }) => i.lt(2)).cold.loop("j"); // error
// memory
arena({ size: 3 }); // error
arena().array("float", [3]); // error
const ints: Int32Array = arena().array("f32", [3]); // error
export const used = { right, kk, z, iii, main, writeback, gone, wrong, ints };
