/** The face of the package: expressions, schedules, build, load. Further exports: ./schedules, ./runtime, ./oracle. */

export { intrinsics } from "../codegen/wasm/index.ts";
export {
  type Choice,
  type ChoiceSettings,
  choicesOf,
  choose,
  type Decisions,
  type ExplainOptions,
  explain,
  formatTrace,
  type Json,
  parseTrace,
  type ReplayOptions,
  replay,
  Schedule,
  ScheduleError,
  schedule,
  type Trace,
  type TraceStep,
  withChoices,
} from "../schedule/index.ts";
export * from "../te/index.ts";
export * from "./driver/index.ts";
export {
  type AnalyzeOptions,
  analyze,
  type Quantity,
  type ShowOptions,
  type Sizes,
  show,
  type Warning,
  type WarningCode,
} from "./inspect/index.ts";
export { type DType, type Intrinsic, TilewrightError } from "./ir/index.ts";
export { type Arena, type ArenaOptions, arena, load, RuntimeArgumentError } from "./runtime/index.ts";
export { type Abi, type SizeExpr, type Target, type WasmOptions, type WasmTarget, wasm } from "./target/index.ts";
