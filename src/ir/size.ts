/** Values of symbolic sizes, against what `dim` promised of them. */
import type { Var } from "./expr.ts";

/** What a whole number breaks of the promises about a size; undefined where it keeps them all. */
export function sizeFault({ name, size }: Var, value: number): string | undefined {
  const { min = 0, max = 2 ** 31 - 1, multipleOf = 1 } = size ?? {};
  if (value >= min && value <= max && value % multipleOf === 0) return undefined;
  const multiple = multipleOf === 1 ? "" : ` and a multiple of ${multipleOf}`;
  return `the size ${name} is ${value}, but must be from ${min} to ${max}${multiple}`;
}
