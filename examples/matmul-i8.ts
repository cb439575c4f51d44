/**
 * A matrix product of bytes, by an instruction that multiplies and adds pairs.
 *
 * `i32x4.dot_i16x8_s` takes eight products of 16-bit numbers and leaves four sums of two. The schedule brings its loops into the
 * shape of the instruction (4 columns, 2 steps of k) and puts it in their place; `tensorize` checks that both compute the
 * same. Run it: npm run ts examples/matmul-i8.ts
 */
import { compile, compute, intrinsics, placeholder, schedule, sum } from "../src/index.ts";
import { evaluate } from "../src/oracle.ts";
import { unrollAndVectorize } from "../src/schedules.ts";
import { check } from "./support/check.ts";

/** The product of an m x k and a k x n matrix of i8, summed in i32, in register tiles of 4 x 8. */
export function byteProduct(m: number, n: number, k: number) {
  const A = placeholder("A", { i: m, k }, "i8");
  const B = placeholder("B", { k, j: n }, "i8");
  // Bytes become 16-bit numbers on the way: every product of two bytes fits.
  const A16 = compute("A16", { i: m, k }, ({ i, k }) => A.at(i, k).cast("i16"));
  const B16 = compute("B16", { k, j: n }, ({ k, j }) => B.at(k, j).cast("i16"));
  const C = compute("C", { i: m, j: n }, ({ i, j }) =>
    sum({ k }, ({ k }) => A16.at(i, k).cast("i32").mul(B16.at(k, j).cast("i32"))),
  );

  const s = schedule(C);
  const loops = s.loops(C);
  const { io, ii } = s.split(loops.i, { io: "rest", ii: 4 });
  const { jo, jm, ji } = s.split(loops.j, { jo: "rest", jm: 2, ji: 4 });
  const { ko, ki } = s.split(loops.k, { ko: "rest", ki: 2 });
  s.reorder(jo, io, ko, ii, jm, ji, ki);

  // A panel of B per 8 columns, two steps of k side by side: one vector holds 4 columns x 2 steps.
  s.computeAt(B16, jo);
  s.transformLayout(B16, (k, j) => [k.div(2), j, k.mod(2)]);

  const { copy } = s.cacheWrite(C, "local");
  s.reverseComputeAt(copy, io);
  const init = s.decomposeReduction(C, ko);
  // The two innermost loops are the instruction. A's pair is the same for all columns: it is loaded by one splat.
  s.tensorize(ji, intrinsics.i32x4_dot_i16x8_add_s);
  s.unroll(ii);
  s.unroll(jm);
  for (const block of [init, copy, A16]) unrollAndVectorize(s, block);

  const panel = s.loops(B16);
  const pair = s.split(panel.k, { ko: "rest", ki: 2 });
  s.reorder(pair.ko, panel.j, pair.ki);
  s.unroll(panel.j);
  s.vectorize(pair.ki);
  return { C, s };
}

if (process.argv[1]?.endsWith("matmul-i8.ts")) {
  const [M, N, K] = [64, 96, 128];
  const { C, s } = byteProduct(M, N, K);
  console.log(`${s}\n`);

  // Almost the same is not the same: the error shows both sides where they first differ.
  const X = placeholder("X", [4, 2], "i16");
  const D = compute("D", { i: 4 }, ({ i }) => sum({ k: 2 }, ({ k }) => X.at(i, k).cast("i32").mul(3).add(1)));
  const d = schedule(D);
  const why = d.attempt(() => d.tensorize(d.loops(D).i, intrinsics.i32x4_dot_i16x8_s));
  console.log(`refused: ${why?.message}\n`);

  const bytes = (count: number, step: number): Int8Array => Int8Array.from({ length: count }, (_, x) => x * step);
  const args = { A: bytes(M * K, 37), B: bytes(K * N, 91) };
  const product = await compile(s);
  check("matmul of i8", product(args), (at) => evaluate(C, args, { at }), [M, N], 0);
}
