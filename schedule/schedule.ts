import { type AnyTensor, type CreatedFunc, createFunc, type TensorRecord } from "../te/index.ts";
import { badArgument, describe, isRecord } from "./arguments.ts";
import { isTensor } from "./handles.ts";
import { ChoiceMethods } from "./methods/choices.ts";

/**
 * A function under rewriting. Every primitive acts at once, keeps the meaning (float rounding aside), and throws ScheduleError
 * where it is illegal, leaving the schedule as it was. Print it at any time.
 *
 *     const s = schedule(C);
 *     const { i, j, k } = s.loops(C);
 *     const { io, ii } = s.split(i, { io: "rest", ii: 6 });
 *     console.log(`${s}`);
 */
export class Schedule<X = AnyTensor> extends ChoiceMethods<X> {
  /** A schedule of its own that begins where this one stands. Handles are good for both. */
  copy(): Schedule<X> {
    return new Schedule(this.of, this.session.copy());
  }
  /** A schedule of its own that begins where this one began, without its steps. */
  unscheduled(): Schedule<X> {
    return new Schedule(this.of, this.session.begin());
  }
}

/**
 * Begins a schedule: of a tensor, of several by name, or of a function made with createFunc.
 *
 *     const s = schedule(C);
 *     const t = schedule({ C, D });
 */
export function schedule<const X extends AnyTensor | TensorRecord | CreatedFunc>(x: X): Schedule<X> {
  if (isTensor(x)) return new Schedule<X>(x, createFunc([x]));
  const plain: boolean = isRecord(x);
  if (!plain)
    badArgument(undefined, "schedule", `expected a tensor, or a record of tensors, but was given ${describe(x)}`, [
      "schedule(C)",
      "schedule({ C, D })",
    ]);
  if ("func" in x && "blocks" in x) return new Schedule<X>(x, x as CreatedFunc);
  return new Schedule<X>(x, createFunc(x as TensorRecord));
}
