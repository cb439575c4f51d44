/**
 * Looks for schedules that are faster than the default one: `npm run search -- --groups gemm`. Tiles that registers hold, and the case's
 * other forms, are timed in turns with the default; the best two again, for longer, twice. What is faster each time goes to
 * cases/known.json, and from then on stands beside the default in the benchmarks as "best known". Where nothing is, the default is
 * the best known, and a former entry goes.
 */
import { writeFileSync } from "node:fs";
import { createLimit } from "../src/driver/limit.ts";
import { type MeasureOptions, measure, speedup, type Timed } from "../src/driver/measure.ts";
import type { Tile } from "../src/schedules.ts";
import { type Case, chosen } from "./cases/index.ts";
import { BEST_KNOWN, KNOWN_FILE, type Known, type KnownTable, keyOf, readKnown, scheduled } from "./cases/known.ts";
import { type Kit, kitOf } from "./kit.ts";
import { options } from "./options.ts";
import { bytesOf, instantiate, targetOf, type Variant } from "./ours.ts";
import { type Work, wrong } from "./work/index.ts";

/** How much faster it has to be, each time. */
const WORTH = 1.03;
/** Rows x vectors: for contractions all that use most of the 15 registers an engine on x64 hands out, for windows a few neighbours. */
const TILES: readonly Tile[] = "6x2 5x2 4x2 3x3 4x3 2x4 2x5 8x1 10x1 1x8 1x10 1x1 1x2 2x1 2x2 3x1 3x2 4x1"
  .split(" ")
  .map((t) => t.split("x").map(Number))
  .map(([rows, vectors]) => ({ rows: rows!, vectors: vectors! }));
const FIRST: MeasureOptions = { rounds: 3, minMs: 2, warmMs: 60, budgetMs: 8000 };
const SECOND: MeasureOptions = { rounds: 11, minMs: 3, warmMs: 200, budgetMs: 5000 };
const AGAIN = 2;

interface Candidate {
  readonly known: Known;
  readonly name: string;
  readonly run: Timed;
  readonly result: () => Float32Array | Promise<Float32Array>;
  /** The same in a memory of its own. */
  anew(): Candidate;
}
const nameOf = ({ form, tile }: Known): string =>
  [form, tile && `${tile.rows} x ${tile.vectors}`].filter((x) => x !== undefined).join(", ");

/** Everything that builds, and is not what was already built. */
async function candidates(kit: Kit, c: Case, work: Work, v: Variant): Promise<readonly Candidate[]> {
  const [target, seen, list] = [targetOf(kit, v), new Set<string>(), [] as Candidate[]];
  const add = (known: Known, bytes: Uint8Array<ArrayBuffer>): void => {
    const key = Buffer.from(bytes).toString("latin1");
    if (seen.has(key)) return;
    seen.add(key);
    const name = nameOf(known);
    const anew = (): Candidate => {
      const { run, result } = instantiate(name, bytes, work.inputs);
      return { known, name, run, result, anew };
    };
    list.push(anew());
  };
  const entry = c.ours[0]!;
  add({}, await bytesOf(kit, await entry.make(kit, target), v, entry.asWritten));
  for (const form of [undefined, ...Object.keys(c.forms ?? {})])
    for (const tile of [undefined, ...TILES]) {
      const known: Known = { ...(form === undefined ? {} : { form }), ...(tile === undefined ? {} : { tile }) };
      try {
        add(known, await bytesOf(kit, await scheduled(c, known, kit, target), v));
      } catch {
        // a tile that can't be built (its code would be too large) is no candidate
      }
    }
  return list;
}

const timed = (list: readonly Candidate[], o: MeasureOptions) =>
  measure(Object.fromEntries(list.map((x) => [x.name, x.run])), o);

/** What is faster than the default, and by how much; undefined where nothing is. */
async function best(kit: Kit, c: Case, v: Variant): Promise<{ known: Known; gain: number } | undefined> {
  const work = c.work();
  const all = await candidates(kit, c, work, v);
  const first = await timed(all, FIRST);
  const ranked = all.slice(1).sort((a, b) => first[a.name]!.ms - first[b.name]!.ms);
  const good = ranked.filter((x) => speedup(first[x.name]!, first[""]!) > WORTH).slice(0, 2);
  if (good.length === 0) return undefined;
  // in other memory each time: which pages it gets makes a difference of its own
  const gains = good.map(() => Infinity);
  for (let n = 0; n < AGAIN; n++) {
    const t = await timed(
      [all[0]!, ...good].map((x) => x.anew()),
      SECOND,
    );
    good.forEach((x, i) => {
      gains[i] = Math.min(gains[i]!, speedup(t[x.name]!, t[""]!));
    });
  }
  const gain = Math.max(...gains);
  if (gain < WORTH) return undefined;
  const x = good[gains.indexOf(gain)]!;
  const problem = wrong(work, await x.result());
  if (problem !== undefined) throw new Error(`${keyOf(c)}, ${x.name}: ${problem}`);
  return { known: x.known, gain };
}

const o = options();
const kit = await kitOf();
const variants: readonly Variant[] = createLimit().relaxed ? ["relaxed", "plain"] : ["plain"];
const table: { [name: string]: KnownTable[string] } = { ...readKnown() };
for (const c of chosen(o)) {
  // schedules written by hand are known without a search
  if (c.ours.some((e) => e.label !== "" && e.label !== "direct" && e.label !== BEST_KNOWN)) continue;
  for (const v of variants) {
    const found = await best(kit, c, v);
    const { [v]: _, ...others } = table[keyOf(c)] ?? {};
    table[keyOf(c)] = found ? { ...others, [v]: found.known } : others;
    if (Object.keys(table[keyOf(c)]!).length === 0) delete table[keyOf(c)];
    console.log(
      `${keyOf(c)}, ${v}: ${found ? `${nameOf(found.known)} is ${found.gain.toFixed(2)} x default` : "the default"}`,
    );
    // after each case: stopping loses one
    writeFileSync(KNOWN_FILE, `${JSON.stringify(table, null, 2)}\n`);
  }
}
