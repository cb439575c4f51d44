/** The face of the package: expressions, schedules, build, load. Further exports: ./schedules, ./runtime, ./oracle. */

export { Schedule, ScheduleError, schedule } from "../schedule/index.ts";
export * from "../te/index.ts";
export * from "./driver/index.ts";
export { type DType, TilewrightError } from "./ir/index.ts";
export { type Arena, type ArenaOptions, arena, load, RuntimeArgumentError } from "./runtime/index.ts";
export { type Abi, type SizeExpr, type Target, type WasmOptions, type WasmTarget, wasm } from "./target/index.ts";
