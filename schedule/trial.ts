/** While hints are looked for, what they try is checked as steps are; whoever tries knows nothing of that. */
import type { Outcome } from "./outcome.ts";

type Check = (o: Outcome) => void;
let current: Check | undefined;

export function onTrial<R>(check: Check, look: () => R): R {
  const before = current;
  current = check;
  try {
    return look();
  } finally {
    current = before;
  }
}
/** Throws what the schedule would throw. */
export const tried = (o: Outcome): void => current?.(o);
