/**
 * What an illegal step says, and how to read it.
 *
 * Every step of a schedule is checked when it is taken. One that could change the result is refused, and the schedule stays
 * exactly as it was. The error says in this order: the primitive and the number of the condition in its description; what is
 * wrong, by the names of loop, block and buffer; what would be legal instead, found out by trying; the loop nest with the
 * culprit underlined. Run it: npm run ts examples/errors.ts
 */
import { compute, placeholder, ScheduleError, schedule, sum } from "../src/index.ts";

const A = placeholder("A", [64, 32]);
const B = placeholder("B", [32, 48]);
const C = compute("C", { i: 64, j: 48 }, ({ i, j }) => sum({ k: 32 }, ({ k }) => A.at(i, k).mul(B.at(k, j))));
const X = placeholder("X", [34, 50]);
const bx = compute("bx", { y: 34, x: 48 }, ({ y, x }) => X.at(y, x).add(X.at(y, x.add(2))));
const by = compute("by", { y: 32, x: 48 }, ({ y, x }) => bx.at(y, x).add(bx.at(y.add(2), x)));

/** Takes a step that must be refused, and shows what it says. */
function refused(what: string, step: () => unknown): ScheduleError {
  try {
    step();
  } catch (error) {
    if (!(error instanceof ScheduleError)) throw error;
    console.log(`${what}\n\n${error.message}\n`);
    return error;
  }
  throw new Error(`${what} was accepted`);
}

// All iterations of k add to one element, so they can't be lanes that run at once. Other loops can.
const s = schedule(C);
const { i, j, k } = s.loops(C);
const lanes = refused("vectorize(k):", () => s.vectorize(k));

// An error is data too: a program can react to `code`, and offer what is in `legal`.
console.log(
  `code ${lanes.code}, condition ${lanes.condition}, loops ${lanes.loops}, legal: ${lanes.legal.join(", ")}\n`,
);

// Two parts of four make sixteen, not sixty-four. Each of the ways offered would do.
refused("split into too few:", () => s.split(i, { io: 4, ii: 4 }));

// A handle that is gone names what stands in its place.
s.split(j, { jo: "rest", ji: 8 });
refused("a loop that was split:", () => s.unroll(j));

// bx is read by `by`, so it can be computed at loops of `by`; its own loops would go away.
const t = schedule(by);
refused("computeAt at the wrong loop:", () => t.computeAt(bx, t.loops(bx).y));

// One row of `by` reads two rows of `bx`: inside y they are both there. Once they are, y can't go inside x.
t.computeAt(bx, t.loops(by).y);
refused("reorder across what must be computed first:", () => t.reorder(t.loops(by).x, t.loops(by).y));

// Several steps as one: where one of them is illegal, none is done.
const before = `${t}`;
const why = t.attempt(() => {
  t.unroll(t.split(t.loops(by).y, { yo: "rest", yi: 2 }).yi);
  t.computeInline(by);
});
console.log(`attempt: ${why?.code}; the schedule is as it was: ${before === `${t}`}`);
if (why === undefined || before !== `${t}`) process.exitCode = 1;
