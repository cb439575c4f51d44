/** Whatever program and schedule: they can be looked at. What is said of them must at least be possible. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { explainSteps, formatSteps, type Schedule, schedule } from "../../schedule/index.ts";
import { LinePrinter } from "../../src/inspect/html/lines.ts";
import { analyze, quantitiesOf, show } from "../../src/inspect/index.ts";
import { printFunc, TilewrightError } from "../../src/ir/index.ts";
import { wasm } from "../../src/target/index.ts";
import { createFunc } from "../../te/index.ts";
import { makeProgram } from "../fuzz/program.ts";
import { caseSpec } from "../fuzz/run.ts";
import { applySteps, vectorizeAll } from "../fuzz/steps/index.ts";

function look(s: Schedule<unknown>, sizes: Readonly<Record<string, number>>): void {
  const q = quantitiesOf(s.func, { sizes });
  for (const b of q.blocks.values()) expect(b.points).toBeGreaterThanOrEqual(0);
  for (const l of [...q.loops.values(), q.whole]) {
    expect(l.bytes).toBeGreaterThanOrEqual(0);
    expect(l.ops).toBeGreaterThanOrEqual(0);
  }
  expect(show(s, { sizes }).split("\n").length).toBeGreaterThan(1);
  for (const w of analyze(s, wasm(), { sizes })) {
    expect(w.message).not.toMatch(/undefined|NaN/);
    expect([...w.loops, ...w.blocks]).not.toEqual([]);
    expect(w.refs.length).toBe(w.loops.length + w.blocks.length);
    expect(w.nest).toMatch(/\^/);
  }
}

describe("looking at random schedules", () => {
  it("works in 40 cases from one seed", () => {
    fc.assert(
      fc.property(caseSpec, (spec) => {
        const p = makeProgram(spec.program);
        const s = schedule(createFunc(Object.values(p.outputs)));
        applySteps(s, spec.steps);
        if (spec.data % 2 === 1) vectorizeAll(s, spec.data);
        const steps = explainSteps(s as unknown as Schedule<unknown>);
        expect(steps.map((x) => x.text)).toEqual(formatSteps(s.trace));
        const printer = new LinePrinter();
        for (const { after } of steps) {
          const lines = printer.of(after).map((l) => "  ".repeat(l.depth) + l.wording.text);
          expect(lines.join("\n")).toBe(printFunc(after));
        }
        try {
          look(
            s as unknown as Schedule<unknown>,
            Object.fromEntries(s.func.sizes.map((v) => [v.name, p.sizes[v.name]!])),
          );
        } catch (e) {
          if (!(e instanceof TilewrightError && e.code === "unroll-budget")) throw e;
        }
      }),
      { seed: 20_261_121, numRuns: 40 },
    );
  }, 120_000);
});
