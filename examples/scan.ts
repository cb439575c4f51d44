/**
 * A scan: each step depends on the one before.
 *
 * An exponential moving average of many signals at once. Time is an ordered axis and stays a loop in order; the signals are
 * independent, so they become vector lanes. Trying to vectorize time is an error that says why.
 * Run it: npm run ts examples/scan.ts
 */
import { compile, placeholder, ScheduleError, scan, schedule } from "../src/index.ts";
import { evaluate } from "../src/oracle.ts";
import { check, random } from "./support/check.ts";

const [T, S] = [250, 96];
const X = placeholder("X", [T, S]);
const ema = scan(
  "ema",
  { t: T },
  { s: S },
  {
    init: ({ s }) => X.at(0, s),
    step: ({ t, s }, prev) => prev(s).mul(0.9).add(X.at(t, s).mul(0.1)),
  },
);

const plan = schedule(ema);
const { t, s } = plan.loops(ema);
try {
  plan.vectorize(t);
  throw new Error("time was vectorized");
} catch (error) {
  if (!(error instanceof ScheduleError)) throw error;
  console.log(`${error.message}\n`);
}
const { si } = plan.split(s, { so: "rest", si: 8 });
plan.vectorize(si);
console.log(`${plan}\n`);

const kernel = await compile(plan);
const args = { X: random(T * S, 1) };
check("scan", kernel(args), (at) => evaluate(ema, args, { at }), [T, S]);
