/** All cases, and choosing among them. */
import { attentionCases } from "./attention.ts";
import type { Case } from "./case.ts";
import { convCases } from "./conv.ts";
import { gemmCases } from "./gemm.ts";
import { readKnown, withKnown } from "./known.ts";
import { memoryCases } from "./memory.ts";
import { operatorCases } from "./operators.ts";
import { pictureCases } from "./pictures.ts";

export type { Case, Entry } from "./case.ts";

const known = readKnown();
export const CASES: readonly Case[] = [
  ...gemmCases,
  ...convCases,
  ...memoryCases,
  ...attentionCases,
  ...pictureCases,
  ...operatorCases,
].map((c) => withKnown(c, known));
export const GROUPS: readonly string[] = [...new Set(CASES.map((c) => c.group))];

export interface Choice {
  /** All when empty. */
  readonly groups: readonly string[];
  /** Case names; all when empty. Named ones are taken whether or not they are quick. */
  readonly cases: readonly string[];
  readonly quick: boolean;
}

/** The cases asked for; throws for names that are none. */
export function chosen({ groups, cases, quick }: Choice): readonly Case[] {
  const noGroup = groups.filter((g) => !GROUPS.includes(g));
  if (noGroup.length > 0) throw new Error(`no group ${noGroup.join(", ")}: there are ${GROUPS.join(", ")}`);
  const inGroups = CASES.filter((c) => groups.length === 0 || groups.includes(c.group));
  const names = inGroups.map((c) => c.name);
  const noCase = cases.filter((c) => !names.includes(c));
  if (noCase.length > 0) throw new Error(`no case ${noCase.join(", ")}: there are ${names.join(", ")}`);
  if (cases.length > 0) return inGroups.filter((c) => cases.includes(c.name));
  return quick ? inGroups.filter((c) => c.quick) : inGroups;
}
