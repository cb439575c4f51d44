/** All warnings, in the order in which those of equal work are told. */
import type { Found } from "../types.ts";
import type { Workshop } from "../workshop.ts";
import { type Finder, told } from "./finder.ts";
import { noVectorCode, plainIntrinsic, scalarReduction, shortVectors, stridedAccess } from "./lanes.ts";
import { indexDivision, localInMemory, scratchOverCache } from "./memory.ts";
import { accumulatorInMemory, registerTile } from "./registers.ts";
import { deadProducer, recomputation, wastedTail } from "./work.ts";

const FINDERS: readonly Finder[] = [
  noVectorCode,
  scalarReduction,
  plainIntrinsic,
  registerTile,
  accumulatorInMemory,
  stridedAccess,
  recomputation,
  wastedTail,
  shortVectors,
  scratchOverCache,
  localInMemory,
  indexDivision,
  deadProducer,
];
/** What is likely slow, the most work first. */
export const findAll = (w: Workshop): Found[] => FINDERS.flatMap((f) => told(w, f)).sort((a, b) => b.share - a.share);
