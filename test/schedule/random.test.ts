import { expect, test } from "vitest";
import { placeInit, replay, ScheduleError } from "../../schedule/index.ts";
import { blocksOf } from "../../src/ir/index.ts";
import { results, same } from "./helper.ts";
import { ACTIONS, PROGRAMS, Random, step } from "./random.ts";

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
        same(s, before, sizes);
      }
      // lowering's own treatment of inits
      let f = s.func;
      for (const b of blocksOf(f.body)) if (b.init) f = placeInit(f, b.id);
      for (const z of sizes) expect(results(f, z)).toEqual(results(before, z));
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
