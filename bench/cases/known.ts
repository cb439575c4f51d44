/** The best schedules known: what `search.ts` found to be faster than the default one, as entries of the cases they are for. */
import { readFileSync } from "node:fs";
import type { AnyTensor, Schedule, WasmTarget } from "../../src/index.ts";
import type { Tile } from "../../src/schedules.ts";
import type { Kit } from "../kit.ts";
import type { Variant } from "../ours.ts";
import type { Case, Entry } from "./case.ts";

/** One way to do the work: an expression of it, and the tile of its reductions. */
export interface Known {
  /** By its name among the case's forms; absent: the expression as it is written. */
  readonly form?: string;
  /** Absent: as the default schedule has it. */
  readonly tile?: Tile;
}
export type KnownTable = { readonly [name: string]: { readonly [V in Variant]?: Known } };

export const KNOWN_FILE = new URL("known.json", import.meta.url);
export const BEST_KNOWN = "best known";
export const keyOf = (c: Case): string => `${c.group} ${c.name}`;
export const readKnown = (): KnownTable => JSON.parse(readFileSync(KNOWN_FILE, "utf8")) as KnownTable;

/** A schedule of a case's work. */
export async function scheduled(c: Case, known: Known, kit: Kit, target: WasmTarget): Promise<Schedule<AnyTensor>> {
  const make = known.form === undefined ? c.ours[0]!.make : c.forms?.[known.form];
  if (make === undefined) throw new Error(`${keyOf(c)} has no form ${known.form}`);
  const s = kit.tw.schedule((await make(kit, target)) as AnyTensor);
  kit.schedules.defaultSchedule(s as never, target, known.tile === undefined ? {} : { tile: known.tile });
  return s;
}

/** The case with an entry for each variant that something better is known for. */
export function withKnown(c: Case, table: KnownTable): Case {
  const entries = Object.entries(table[keyOf(c)] ?? {}).map(
    ([variant, known]): Entry => ({
      label: BEST_KNOWN,
      direct: known.form === undefined,
      asWritten: true,
      variant: variant as Variant,
      make: (kit, target) => scheduled(c, known, kit, target),
    }),
  );
  return entries.length === 0 ? c : { ...c, ours: [...c.ours, ...entries] };
}
