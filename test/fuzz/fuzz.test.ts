/**
 * A few hundred fuzz cases from a fixed seed: the same every time. `npm run fuzz` does any number; what it finds is replayed by
 * the seed or the case that it prints.
 */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { caseSpec, describeCase, runCase } from "./run.ts";
import { PRIMITIVES, type Tally } from "./steps/index.ts";

const SEED = 20_261_120;
const CASES = 300;

describe("fuzzing", () => {
  it(`agrees in ${CASES} cases from seed ${SEED}`, async () => {
    const tally: Tally = new Map();
    let done = 0;
    const property = fc.asyncProperty(caseSpec, async (spec) => {
      await runCase(spec, tally);
      done++;
    });
    const out = await fc.check(property, { seed: SEED, numRuns: CASES, endOnFailure: true });
    if (out.failed)
      expect.fail(
        `npm run fuzz -- --case '${JSON.stringify(out.counterexample![0])}'\n${describeCase(out.counterexample![0])}\n${out.errorInstance}`,
      );
    expect(done).toBe(CASES);
    expect(PRIMITIVES.filter((p) => (tally.get(p)?.accepted ?? 0) === 0)).toEqual([]);
  }, 180_000);

  it("gives the same case for the same seed", () => {
    const sample = (): unknown => fc.sample(caseSpec, { seed: 7, numRuns: 3 });
    expect(sample()).toEqual(sample());
  });
});
