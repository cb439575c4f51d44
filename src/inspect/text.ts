/** Numbers as people read them. */

/** A number with at most three digits that matter: `12.3 M`. */
export function short(n: number): string {
  const steps = ["", " k", " M", " G", " T"];
  let k = 0;
  for (; Math.abs(n) >= 999.5 && k < steps.length - 1; k++) n /= 1000;
  return `${Number(n.toPrecision(3))}${steps[k]}`;
}
/** A size in memory: `16 KiB`. */
export function bytesText(n: number): string {
  const steps = ["bytes", "KiB", "MiB", "GiB"];
  let k = 0;
  for (; n >= 1024 && k < steps.length - 1; k++) n /= 1024;
  return `${Number(n.toPrecision(n < 1000 ? 3 : 4))} ${n === 1 && k === 0 ? "byte" : steps[k]}`;
}
/** How many of something: `1 op`, `12.3 k ops`. */
export const counted = (n: number, one: string): string => `${short(n)} ${one}${n === 1 ? "" : "s"}`;
