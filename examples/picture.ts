/**
 * Looking at a schedule. The matrix product of gemm.ts as a page of HTML, before and after.
 *
 * Writes out/gemm-plain.html and out/gemm.html; open them in a browser. Each is one file that loads nothing, so it can go into a bug
 * report as it is. Run it: npm run ts examples/picture.ts
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { compute, placeholder, schedule, show, sum, wasm } from "../src/index.ts";
import { unrollAndVectorize } from "../src/schedules.ts";

const [M, N, K] = [510, 512, 512];
const A = placeholder("A", [M, K]);
const B = placeholder("B", [K, N]);
const C = compute("C", { i: M, j: N }, ({ i, j }) => sum({ k: K }, ({ k }) => A.at(i, k).mul(B.at(k, j))));

mkdirSync("out", { recursive: true });
// The plain loops. Point at loop k: one run of it reads a row of A and a whole column of B for one element of C, 0.25 operations
// per byte. The warning at it says what that means.
writeFileSync("out/gemm-plain.html", show(C, { html: true }));

const s = schedule(C);
const { i, j, k } = s.loops(C);
const { io, ii } = s.split(i, { io: "rest", ii: 6 }, { tail: "peel" });
const { jo, ji } = s.split(j, { jo: "rest", ji: 8 });
s.reorder(jo, io, k, ii, ji);
s.computeAt(s.cacheRead(C, B, "workspace"), jo);
const { copy } = s.cacheWrite(C, "local");
s.reverseComputeAt(copy, io);
const init = s.decomposeReduction(C, k);
for (const block of [C, init, copy]) unrollAndVectorize(s, block);

const page = show(s, { html: true, target: wasm({ relaxed: true }) });
writeFileSync("out/gemm.html", page);
console.log(`out/gemm.html, ${(page.length / 1024).toFixed(0)} KB. What to look at:

- Point at io, then at the k inside it. A run of that k reads 6 rows of A and the panel of B, and C is not there: it lives in registers,
  so a byte that moves serves several operations. That is what the tile is for.
- B.workspace in the table of buffers: 512 x 512 as it is spoken of, 512 x 8 in memory, because it is packed once for each jo.
- The trace: press the right arrow key. Step 5 (computeAt) moves the copy of B under jo, green lines came and struck ones went.
  Step 8 (decomposeReduction) takes the init out of the loop k.`);

// Text says the same where there is no browser.
console.log(`\n${show(s)}`);
