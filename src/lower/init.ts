/**
 * Gives every reduction that still has its init inside the block a statement of its own before the outermost loop that
 * carries the reduction, never a branch inside it. Before: any scheduled IR. After: no Block has an `init`.
 */
import { placeInit } from "../../schedule/index.ts";
import { blocksOf, type Func } from "../ir/index.ts";

export function initReductions(f: Func): Func {
  return blocksOf(f.body).reduce((g, b) => (b.init ? placeInit(g, b.id) : g), f);
}
