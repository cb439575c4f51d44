/** What every step has to keep, whichever primitive it is. */
import type { Func } from "../src/ir/index.ts";
import { keepApart } from "./independent.ts";
import { keepCarried } from "./kept.ts";
import type { Outcome } from "./outcome.ts";
import { keepPrepared } from "./primitives/prepare.ts";
import { checkTensorized } from "./tensorize/check.ts";
import { freshStores } from "./tree.ts";

/** The outcome of a primitive as the schedule takes it over; refused where what was promised before does not hold any more. */
export function settle<T extends Outcome>(before: Func, done: T, primitive: string): T {
  keepPrepared(before, done.func, primitive);
  checkTensorized(before, done.func, primitive);
  const func = freshStores(done.func);
  keepApart(before, func, primitive);
  keepCarried(before, func, primitive, done.replaced);
  return { ...done, func };
}
export type Settle = typeof settle;
