import { expect, test } from "vitest";
import { placeInit, replay, ScheduleError } from "../../schedule/index.ts";
import { treeOf } from "../../schedule/tree.ts";
import { blocksOf, constInt, type Func } from "../../src/ir/index.ts";
import { inLockStep, results, same } from "./helper.ts";
import { ACTIONS, PROGRAMS, Random, step } from "./random.ts";

/** Iterations of the longest nest: guards upon guards make it grow. */
const iterations = (f: Func): number =>
  Math.max(...[...treeOf(f).blocks.values()].map((p) => p.loops.reduce((n, l) => n * (constInt(l.extent) ?? 8), 1)));
const RUNS = Number(process.env.SCHEDULE_RUNS ?? 25);
const FROM = Number(process.env.SCHEDULE_FROM ?? 0);
const accepted = new Map<string, number>();
const refused = new Map<string, number>();

test.each(Object.keys(PROGRAMS))("random schedules of %s", (name) => {
  for (let seed = FROM; seed < FROM + RUNS; seed++) {
    const r = new Random(seed * 31 + name.length * 7 + name.charCodeAt(0));
    const { s, sizes = [{}] } = PROGRAMS[name]!(r);
    const before = s.func;
    const start = s.copy();
    const log: string[] = [];
    try {
      for (let n = 0; n < 14; n++) {
        const text = `${s}`;
        const action = r.pick(ACTIONS);
        try {
          step(s, r, action, log);
          accepted.set(action, (accepted.get(action) ?? 0) + 1);
        } catch (e) {
          if (!(e instanceof ScheduleError)) throw e;
          refused.set(e.code, (refused.get(e.code) ?? 0) + 1);
          log.pop();
          expect(`${s}`).toBe(text);
          continue;
        }
        if (iterations(s.func) > 60000) break;
        same(s, before, sizes);
      }
      if (iterations(s.func) > 200000) continue;
      // lowering's own treatment of inits
      let f = s.func;
      for (const b of blocksOf(f.body)) if (b.init) f = placeInit(f, b.id);
      for (const z of sizes) {
        expect(results(f, z)).toEqual(results(before, z));
        expect(results(inLockStep(f), z)).toEqual(results(before, z));
      }
      expect(`${replay(JSON.parse(JSON.stringify(s.trace)), start)}`).toBe(`${s}`);
    } catch (e) {
      throw new Error(`${name}, seed ${seed}: ${log.join("; ")}\n${(e as Error).stack}\n${s}`);
    }
  }
});
test("every primitive was accepted somewhere", () => {
  if (process.env.SCHEDULE_VERBOSE) {
    console.log(
      [...accepted]
        .sort()
        .map(([k, v]) => `${k} ${v}`)
        .join("\n"),
    );
    console.log(
      [...refused]
        .sort((a, b) => b[1] - a[1])
        .map(([k, v]) => `${k} ${v}`)
        .join("\n"),
    );
  }
  for (const a of new Set(ACTIONS)) expect(accepted.get(a) ?? 0, a).toBeGreaterThan(0);
});
