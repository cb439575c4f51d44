/**
 * A schedule is a list of steps. Record it, print it, replay it on another shape, have it explained, and leave some of
 * it to be decided.
 *
 * Whatever a schedule was taken through stands in its trace as plain data. The trace as text is what to keep in a file, to
 * compare, to put into a bug report. Run it: npm run ts examples/trace.ts
 */
import {
  analyze,
  choose,
  compile,
  compute,
  explain,
  formatTrace,
  parseTrace,
  placeholder,
  replay,
  ScheduleError,
  schedule,
  show,
  sum,
  withChoices,
} from "../src/index.ts";
import { evaluate } from "../src/oracle.ts";
import { check, random } from "./support/check.ts";

function product(M: number, N: number, K: number) {
  const A = placeholder("A", [M, K]);
  const B = placeholder("B", [K, N]);
  const C = compute("C", { i: M, j: N }, ({ i, j }) => sum({ k: K }, ({ k }) => A.at(i, k).mul(B.at(k, j))));
  return { B, C };
}

// Record: every step that was accepted is there.
const { B, C } = product(512, 512, 512);
const s = schedule(C);
const { i, j, k } = s.loops(C);
const { io, ii } = s.split(i, { io: "rest", ii: 4 }, { tail: "peel" });
const { jo, ji } = s.split(j, { jo: "rest", ji: 8 });
s.reorder(jo, io, k, ii, ji);
s.computeAt(s.cacheRead(C, B, "workspace"), jo);
s.vectorize(ji);
s.unroll(ii);
const text = formatTrace(s.trace);
console.log(`the trace:\n${text}\n`);

// Replay, from text, on another shape of the same operator. Results have the names that the text gives them.
const small = product(90, 77, 64);
const again = replay(parseTrace(text), schedule(small.C));
console.log(`on another shape:\n${again}\n`);
const kernel = await compile(again);
const args = { A: random(90 * 64, 1), B: random(64 * 77, 2) };
check("replayed", kernel(args), (at) => evaluate(small.C, args, { at }), [90, 77]);

// Where a step is illegal on the other program, the error names it, and nothing is done.
const other = compute("C", { i: 16, j: 16 }, ({ i, j }) => placeholder("A", [16, 16]).at(i, j).mul(2));
try {
  replay(s.trace, schedule(other));
  throw new Error("a trace of another operator was accepted");
} catch (error) {
  if (!(error instanceof ScheduleError)) throw error;
  console.log(`\non another operator:\n${error.message.split("\n")[0]}\n`);
}

// Explain: each step with what it changed. Without `diff`, with the whole loop nest after it.
console.log(`explained:\n${explain(again, { diff: true })}\n`);

// Choices: a recipe says where it could go several ways. Who runs it decides by name, and the decision is a step.
const recipe = (x: typeof again): void => {
  const { C } = small;
  const { io, ii } = x.split(x.loops(C).i, { io: "rest", ii: choose("rows", [2, 3, 4]) });
  const { jo, ji } = x.split(x.loops(C).j, { jo: "rest", ji: choose("columns", [4, 8]) });
  x.reorder(io, jo, x.loops(C).k, ii, ji);
  x.vectorize(ji);
  x.unroll(ii);
};
const decided = schedule(small.C);
withChoices(decided, { rows: 3 }, recipe);
console.log(`decided:\n${formatTrace(decided.trace)}\n`);

// What it costs, line by line, and what is likely slow about the plain loops that isn't about these.
console.log(`${show(decided)}\n`);
const warnings = [schedule(small.C), decided].map((x) => analyze(x).map((w) => `${w.code}: ${w.message}`));
console.log(
  `plain loops:\n${warnings[0]!.join("\n")}\n\ndecided: ${warnings[1]!.length} warnings\n${warnings[1]!.join("\n")}`,
);
