/** The public part of the lowering room. */
export { type LowerOptions, type LowerResult, lowerFunc } from "./pipeline.ts";
export type { LowerWarning } from "./promote.ts";
