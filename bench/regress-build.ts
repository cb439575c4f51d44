/** One revision's modules for all cases, as files: `regress.ts` starts this once per revision, in a process of its own. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { createLimit } from "../src/driver/limit.ts";
import { chosen } from "./cases/index.ts";
import { kitOf } from "./kit.ts";
import { bytesOf, nameOf, targetOf, type Variant } from "./ours.ts";

/** What was built of one entry of one case, in one variant: a file in the same folder, or why there is none. */
export interface Built {
  readonly group: string;
  readonly case: string;
  readonly name: string;
  readonly file?: string;
  readonly error?: string;
}
export interface Order {
  readonly root: string;
  readonly out: string;
  readonly groups: readonly string[];
  readonly cases: readonly string[];
  readonly quick: boolean;
}
export const MANIFEST = "built.json";

async function main(order: Order): Promise<void> {
  const kit = await kitOf(pathToFileURL(`${order.root}/`));
  const variants: readonly Variant[] = createLimit().relaxed ? ["relaxed", "plain"] : ["plain"];
  const built: Built[] = [];
  for (const c of chosen(order)) {
    for (const entry of c.ours) {
      for (const v of variants) {
        if (v !== (entry.variant ?? v)) continue;
        const what = { group: c.group, case: c.name, name: nameOf(entry, v) };
        const file = `${built.length}.wasm`;
        try {
          writeFileSync(
            join(order.out, file),
            await bytesOf(kit, await entry.make(kit, targetOf(kit, v)), v, entry.asWritten),
          );
          built.push({ ...what, file });
        } catch (e) {
          built.push({ ...what, error: e instanceof Error ? e.message.split("\n")[0]! : String(e) });
        }
      }
    }
  }
  writeFileSync(join(order.out, MANIFEST), JSON.stringify(built));
}

// The order comes as JSON: case names have spaces.
if (process.argv[1]?.endsWith("regress-build.ts")) await main(JSON.parse(process.argv[2]!) as Order);
