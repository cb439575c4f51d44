/**
 * A reduction of several values at once.
 *
 * argmax carries a pair, the best value and where it was. `reduce` is the general form: values, how two partial
 * results combine, and the identity. Here it finds the largest and the smallest of each column, and where they are, in one
 * pass. Columns are independent, so they go into the lanes of vectors. Run it: npm run ts examples/argmax.ts
 */
import { argmax, compile, compute, placeholder, reduce, schedule, select } from "../src/index.ts";
import { evaluate } from "../src/oracle.ts";
import { check, random } from "./support/check.ts";

const [R, C] = [300, 64];
const X = placeholder("X", [R, C]);
const best = compute("best", { c: C }, ({ c }) => argmax({ r: R }, ({ r }) => X.at(r, c)));

const s = schedule(best);
const { c, r } = s.loops(best);
const { ci } = s.split(c, { co: "rest", ci: 8 });
s.reorder(r, ci);
s.vectorize(ci);
console.log(`${s}\n`);

const kernel = await compile(s);
const args = { X: random(R * C, 1) };
check("argmax", kernel(args), (at) => evaluate(best, args, { at }), [C], 0);

const range = compute("range", { c: C }, ({ c }) => {
  const [low, high] = reduce(
    { r: R },
    {
      values: ({ r }) => [X.at(r, c), X.at(r, c)],
      identity: [Infinity, -Infinity],
      combine: (a, b) => [select(b[0]!.lt(a[0]!), b[0]!, a[0]!), select(b[1]!.gt(a[1]!), b[1]!, a[1]!)],
    },
  );
  return high!.sub(low!);
});
const spread = await compile(range);
check("range", spread(args), (at) => evaluate(range, args, { at }), [C]);
