/**
 * One nest, several versions. Kernels are built once and called with any size, and pictures have borders; what is special
 * about some sizes or some rows need not cost anything elsewhere.
 *
 * `partition` cuts the range of a loop into parts: the rows at the border keep their tests, the rows between lose them.
 * `specialize` branches on a condition: where it holds, it makes the nest simpler; elsewhere a copy does the work. Old handles
 * mean the hot version; the others are asked for by them. Run it: npm run ts examples/branches.ts
 */
import { compile, compute, constantEdge, dim, placeholder, schedule, sum } from "../src/index.ts";
import { evaluate } from "../src/oracle.ts";
import { unrollAndVectorize } from "../src/schedules.ts";
import { check, random } from "./support/check.ts";

// ---- rows at the border apart: a difference of neighbours, zero outside of the picture

const [h, w] = [dim("h"), dim("w")];
const X = placeholder("X", { y: h, x: w });
const outside = constantEdge(X, 0);
const D = compute("D", { y: h, x: w }, ({ y, x }) => outside.at(y.add(1), x).sub(outside.at(y.sub(1), x)));

const rows = schedule(D);
const { y, x } = rows.loops(D);
const { top, bottom } = rows.partition(y, { top: 1, body: "rest", bottom: 1 });
// `x` is the body's loop now; the other parts have copies of it
for (const l of [x, top.loop(x), bottom.loop(x)])
  rows.vectorize(rows.split(l, { xo: "rest", xi: 8 }, { tail: "peel" }).xi);
// (the body prints its tests still: lowering drops those that the range of a part decides)
console.log(`${rows}\n`);

const difference = await compile(rows);
// sizes come from the shapes of the arrays, or are given; every one is right, though some parts are empty then
for (const [height, width] of [
  [480, 640],
  [2, 13],
  [1, 8],
] as const) {
  const sizes = { h: height, w: width };
  const image = { X: random(height * width, 1) };
  const oracle = (at: readonly (readonly number[])[]) => evaluate(D, image, { at, sizes });
  check(`difference of ${height} x ${width}`, difference({ ...image, ...sizes }), oracle, [height, width]);
}

// ---- sizes that divide apart: a matrix product whose columns come in eights, or not

const [m, n, k] = [dim("m"), dim("n"), dim("k")];
const A = placeholder("A", { i: m, k });
const B = placeholder("B", { k, j: n });
const C = compute("C", { i: m, j: n }, ({ i, j }) => sum({ k }, ({ k }) => A.at(i, k).mul(B.at(k, j))));

const s = schedule(C);
const loops = s.loops(C);
const { cold } = s.specialize(loops.i, n.mod(8).eq(0));
// the hot side: eight columns in registers, and no remainder to think of
const { jo, ji } = s.split(loops.j, { jo: "rest", ji: 8 });
const { io, ii } = s.split(loops.i, { io: "rest", ii: 4 }, { tail: "peel" });
s.reorder(jo, io, loops.k, ii, ji);
const { copy } = s.cacheWrite(C, "local");
s.reverseComputeAt(copy, io);
const init = s.decomposeReduction(C, loops.k);
for (const block of [C, init, copy]) unrollAndVectorize(s, block);
// the other side: short code that does for anything
const rest = cold.loops(C);
s.reorder(rest.k, rest.j);
s.vectorize(s.split(rest.j, { jo: "rest", ji: 8 }, { tail: "peel" }).ji);
console.log(`${s}\n`);

const product = await compile(s);
for (const columns of [64, 61]) {
  const sizes = { m: 33, n: columns, k: 47 };
  const matrices = { A: random(33 * 47, 2), B: random(47 * columns, 3) };
  const oracle = (at: readonly (readonly number[])[]) => evaluate(C, matrices, { at, sizes });
  check(`product with ${columns} columns`, product({ ...matrices, ...sizes }), oracle, [33, columns]);
}
