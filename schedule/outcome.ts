import type { BlockId, Buffer, Func, Var } from "../src/ir/index.ts";

export type Handle = Var | BlockId;
/** What a primitive did. */
export interface Outcome {
  readonly func: Func;
  /** Loops and blocks that are born, by output name. */
  readonly born?: ReadonlyMap<string, Handle>;
  /** Loops and blocks that are gone, and what stands for them now. */
  readonly died?: ReadonlyMap<Handle, readonly Handle[]>;
  /** Buffers that were replaced. */
  readonly replaced?: ReadonlyMap<Buffer, Buffer>;
  /** The order of a float reduction changed: results may differ by rounding. */
  readonly reassociates?: boolean;
}
/** Names for new loops, in order; repeated names get a number. */
export function named(list: readonly Handle[]): Map<string, Handle> {
  const out = new Map<string, Handle>();
  for (const h of list) {
    let name = h.name;
    for (let n = 1; out.has(name); n++) name = `${h.name}_${n}`;
    out.set(name, h);
  }
  return out;
}
