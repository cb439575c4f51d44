/** `tilewright/schedules`: schedule functions built from the public primitives, and the default schedules made of them. */

export { type DefaultOptions, defaultSchedule, type Tile } from "../schedule/defaults/index.ts";
export * from "../schedule/library/index.ts";
