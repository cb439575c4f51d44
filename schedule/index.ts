/** Schedules: a function under checked rewriting, its trace, and the primitives. Other rooms import from here. */
export { ScheduleError } from "./error.ts";
export type { BlockHandle, BlockLike, Loop, LoopNamesOf, LoopRecord } from "./handles.ts";
export type { SplitLoops } from "./methods/loops.ts";
export { placeInit } from "./primitives/decompose.ts";
export type { Factor, SplitOptions } from "./primitives/split.ts";
export { Schedule, schedule } from "./schedule.ts";
export { Stage } from "./stage.ts";
export { type Json, replay, type Trace, type TraceStep } from "./trace.ts";
