/** Looking at schedules: what they cost, and what is likely slow about them. */
export { analyze } from "./analyze.ts";
export type { Sizes } from "./numbers.ts";
export type { Inspectable } from "./options.ts";
export {
  type BlockQuantities,
  type BufferQuantities,
  type Level,
  type LoopLevel,
  type Quantities,
  type QuantityOptions,
  quantitiesOf,
  type Touched,
} from "./quantities.ts";
export { type ShowOptions, show } from "./show.ts";
export { bytesText, short } from "./text.ts";
export type { AnalyzeOptions, Quantity, Warning, WarningCode } from "./types.ts";
