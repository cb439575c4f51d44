/**
 * An instruction of your own.
 *
 * WebAssembly adds neighbouring bytes in one instruction, `i16x8.extadd_pairwise_i8x16_u`. The compiler knows nothing of it until it is
 * told: what it computes, as an expression, and how it is written. From then on any loop nest that computes the same can
 * become that instruction. Here: a picture at half its size. Run it: npm run ts examples/own-intrinsic.ts
 */
import { compile, compute, defineIntrinsic, placeholder, schedule, sum } from "../src/index.ts";
import { evaluate } from "../src/oracle.ts";
import { unrollAndVectorize } from "../src/schedules.ts";
import { check } from "./support/check.ts";

// Ten lines: the operands, what each of the eight lanes is, and the instructions.
const a = placeholder("a", [8, 2], "u8");
const c = placeholder("c", [8], "u16");
const addPairs = defineIntrinsic({
  name: "u16x8.add_pairs",
  semantics: compute("addPairs", { i: 8 }, ({ i }) => c.at(i).add(sum({ k: 2 }, ({ k }) => a.at(i, k).cast("u16")))),
  emit: { wasm: ({ a, c }, i) => i("i16x8.add", c, i("i16x8.extadd_pairwise_i8x16_u", a)) },
});

// Each pixel of the small picture is the mean of four.
const [H, W] = [96, 128];
const X = placeholder("X", { y: 2 * H, x: 2 * W }, "u8");
const half = compute("half", { y: H, x: W }, ({ y, x }) =>
  sum({ dy: 2, dx: 2 }, ({ dy, dx }) => X.at(y.mul(2).add(dy), x.mul(2).add(dx)).cast("u16"))
    .add(2)
    .shr(2)
    .cast("u8"),
);

// The sum is a block of its own; `out` makes bytes of it. Pairs of neighbours in a row are the instruction.
const s = schedule(half);
const { y, x, dy, dx } = s.loops(half);
const { xo, xi } = s.split(x, { xo: "rest", xi: 16 });
const { xj, lane } = s.split(xi, { xj: 2, lane: 8 });
s.reorder(y, xo, dy, xj, lane, dx);
const { copy: out } = s.cacheWrite(half, "local");
s.reverseComputeAt(out, xo);
const init = s.decomposeReduction(half, dy);
s.tensorize(lane, addPairs);
s.unroll(dy);
s.unroll(xj);
for (const block of [init, out]) unrollAndVectorize(s, block);
console.log(`${s}\n`);

const shrink = await compile(s);
const args = { X: Uint8Array.from({ length: 4 * H * W }, (_, p) => (p * 7919) >> 3) };
check("half a picture", shrink(args), (at) => evaluate(half, args, { at }), [H, W], 0);
