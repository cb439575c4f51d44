/** The oracles: `evaluate` straight from expressions, `interpret` for any stage of the IR. Slow, obvious, and right. */
export {
  arrayFor,
  arrayOf,
  fillGarbage,
  holds,
  InterpretError,
  readElement,
  type TypedArrayLike,
  writeElement,
} from "./arrays.ts";
export {
  type Bounded,
  type EvaluateOptions,
  evaluate,
  evaluateWithBound,
  firstMismatch,
  type Inputs,
  type Mismatch,
} from "./evaluate.ts";
export { type InterpretOptions, interpret } from "./interpret.ts";
export { compileIntrinsic } from "./intrinsic.ts";
export { evalSize, interpretLowered } from "./lowered.ts";
