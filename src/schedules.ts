/** `tilewright/schedules`: schedule functions built from the public primitives, and the default schedules made of them. */

export { type DefaultOptions, defaultSchedule } from "../schedule/defaults/index.ts";
export type { Tile } from "../schedule/defaults/tile.ts";
export * from "../schedule/library/index.ts";
