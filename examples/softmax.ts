/**
 * Softmax over rows: four stages, one pass over each row while it is in cache.
 *
 * Subtracting the row's maximum keeps exp from overflowing. The stages share a loop over rows: what is computed for a row
 * is consumed in the same iteration, so the intermediates shrink to one row. Run it: npm run ts examples/softmax.ts
 */
import { compile, compute, max, placeholder, schedule, sum } from "../src/index.ts";
import { evaluate } from "../src/oracle.ts";
import { check, random } from "./support/check.ts";

const [R, C] = [197, 1000];
const X = placeholder("X", [R, C]);
const top = compute("top", { r: R }, ({ r }) => max({ c: C }, ({ c }) => X.at(r, c)));
const e = compute("e", { r: R, c: C }, ({ r, c }) => X.at(r, c).sub(top.at(r)).exp());
const total = compute("total", { r: R }, ({ r }) => sum({ c: C }, ({ c }) => e.at(r, c)));
const Y = compute("Y", { r: R, c: C }, ({ r, c }) => e.at(r, c).div(total.at(r)));

const s = schedule(Y);
const { r, c } = s.loops(Y);
const { ci } = s.split(c, { co: "rest", ci: 16 });
s.vectorize(ci);
// Producers, last to first, into the row of their consumer.
s.computeAt(total, r);
s.computeAt(e, r);
s.computeAt(top, r);
const exp = s.split(s.loops(e).c, { eo: "rest", ei: 16 });
s.vectorize(exp.ei);
s.setScope(total, "local");
s.setScope(top, "local");
console.log(`${s}\n`);

const softmax = await compile(s);
const args = { X: random(R * C, 1) };
check("softmax", softmax(args), (at) => evaluate(Y, args, { at }), [R, C]);
