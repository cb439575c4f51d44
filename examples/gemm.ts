/**
 * A matrix product, scheduled by hand.
 *
 * The expression says what C is and nothing about loops. The schedule then shapes the loops, one checked step at a time, into
 * the nest that every fast GEMM has: a register tile of C that stays in registers over the whole of k, fed by a packed
 * panel of B. Run it: npm run ts examples/gemm.ts
 */
import { compile, compute, placeholder, schedule, sum } from "../src/index.ts";
import { evaluate } from "../src/oracle.ts";
import { unrollAndVectorize } from "../src/schedules.ts";
import { check, random } from "./support/check.ts";

const [M, N, K] = [510, 512, 512];
const A = placeholder("A", [M, K]);
const B = placeholder("B", [K, N]);
const C = compute("C", { i: M, j: N }, ({ i, j }) => sum({ k: K }, ({ k }) => A.at(i, k).mul(B.at(k, j))));

// A schedule starts as the plain loops: i, j, k around one multiply-add.
const s = schedule(C);
console.log(`plain:\n${s}\n`);

// Tiles of 4 rows by 8 columns. 510 is not a multiple of 4: `peel` gives the last rows a loop of their own.
const { i, j, k } = s.loops(C);
const { io, ii } = s.split(i, { io: "rest", ii: 4 }, { tail: "peel" });
const { jo, ji } = s.split(j, { jo: "rest", ji: 8 });
s.reorder(jo, io, k, ii, ji);

// A contiguous K x 8 panel of B, packed once per column block. Without it every step of k would touch another page.
s.computeAt(s.cacheRead(C, B, "workspace"), jo);

// C accumulates in registers ("local"); `copy` writes the finished tile to memory.
const { copy } = s.cacheWrite(C, "local");
s.reverseComputeAt(copy, io);
const init = s.decomposeReduction(C, k);
for (const block of [C, init, copy]) unrollAndVectorize(s, block);
console.log(`scheduled:\n${s}\n`);

const gemm = await compile(s);
const args = { A: random(M * K, 1), B: random(K * N, 2) };
const c = gemm(args);

// The oracle computes from the expression alone, so it can't share a mistake with the compiler.
check("gemm", c, (at) => evaluate(C, args, { at }), [M, N]);
