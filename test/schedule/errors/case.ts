import type { Schedule } from "../../../schedule/index.ts";

/** One illegal step: it must be refused for the reason stated, and its message is kept as golden text. */
export interface ErrorCase {
  readonly primitive: string;
  /** Number in the primitive's docstring; 0 for arguments that make no sense by themselves. */
  readonly condition: number;
  /** With the primitive's name in front, as `ScheduleError.code`. */
  readonly code: string;
  /** Tells apart cases of one primitive, condition and code; part of the file's name. */
  readonly name?: string;
  /** Why there is nothing legal to offer; without it `legal` must not be empty. */
  readonly noWayOut?: string;
  // biome-ignore lint/suspicious/noExplicitAny: a schedule of anything
  readonly make: () => { readonly s: Schedule<any>; readonly step: () => unknown };
}
