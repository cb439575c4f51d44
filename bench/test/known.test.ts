/** The table of best schedules known: what it names exists, and builds. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { CASES } from "../cases/index.ts";
import { BEST_KNOWN, keyOf, readKnown } from "../cases/known.ts";
import { kitOf } from "../kit.ts";
import { bytesOf, targetOf, type Variant } from "../ours.ts";

describe("best schedules known", async () => {
  const kit = await kitOf();
  test("every entry is of a case", () => {
    const names = CASES.map(keyOf);
    assert.deepEqual(
      Object.keys(readKnown()).filter((name) => !names.includes(name)),
      [],
    );
  });
  for (const c of CASES)
    for (const entry of c.ours.filter((e) => e.label === BEST_KNOWN))
      test(`${keyOf(c)}, ${entry.variant}: it isn't the default schedule`, async () => {
        const v = entry.variant as Variant;
        const bytes = async (e: typeof entry): Promise<Uint8Array> =>
          await bytesOf(kit, await e.make(kit, targetOf(kit, v)), v, e.asWritten);
        assert.notDeepEqual(await bytes(entry), await bytes(c.ours[0]!));
      });
});
