import { constInt } from "../../src/ir/index.ts";
import { badArgument, checkOptions, checkSchedule, describe } from "../arguments.ts";
import type { BlockLike, Loop, Schedule } from "../index.ts";
import { type AnySchedule, blockAt, contiguousLoop, feeds } from "./structure.ts";

export interface UnrollOptions {
  /** Iterations that may be written out, all loops together. Default 64. */
  readonly budget?: number;
}

/** Lanes of a vector cut from a long loop: any target's register takes a part of it. */
const LANES = 16;

/**
 * Vectorizes the loop over the block's contiguous elements, if it is innermost among the block's spatial loops and has a
 * constant extent, and unrolls the constant spatial loops around it, from the inside out, as the budget allows. Loops that
 * other blocks stand in too are left alone.
 *
 *     for (const b of [C, init, copy]) unrollAndVectorize(s, b);
 */
export function unrollAndVectorize<X>(s: Schedule<X>, block: BlockLike, options: UnrollOptions = {}): void {
  const name = "unrollAndVectorize";
  checkSchedule(s, name);
  checkOptions(s.func, name, options, ["budget"]);
  if (options.budget !== undefined && !(typeof options.budget === "number" && options.budget >= 0))
    badArgument(s.func, name, `budget is ${describe(options.budget)}, not a number of iterations`, ["budget: 64"]);
  const p = blockAt(s as AnySchedule, block);
  const first = p.path.findLastIndex((x) => x.kind === "seq" || x.kind === "if") + 1;
  const own = p.path.slice(first).flatMap((x) => (x.kind === "for" ? [x] : []));
  // inside the innermost loop that carries a reduction or is too long to write out
  const inner: typeof own = [];
  for (const l of [...own].reverse()) {
    if (feeds(p.node, l.var, "reduction") || feeds(p.node, l.var, "ordered") || constInt(l.extent) === undefined) break;
    inner.push(l);
  }
  const handle = (l: (typeof own)[number]): Loop => {
    const h = s.loopList(block).find((x) => x.var === l.var);
    if (!h) throw new TypeError(`loop ${l.var.name} is gone`);
    return h;
  };
  const lanes = contiguousLoop(p.node, inner);
  let budget = options.budget ?? 64;
  if (lanes && lanes.loop === "serial" && constInt(lanes.extent)! > 1) {
    const long = constInt(lanes.extent)! > budget;
    const name = lanes.var.name;
    // a long row is a loop over vectors, not one enormous vector
    const parts = { [`${name}o`]: "rest", [`${name}i`]: LANES } as const;
    const step = (): void => s.vectorize(long ? (s.split(handle(lanes), parts)[`${name}i`] as Loop) : handle(lanes));
    s.attempt(step);
    if (long) return;
  }
  for (const l of inner) {
    if (l === lanes || l.loop !== "serial") continue;
    const n = constInt(l.extent)!;
    if (n > budget) return;
    s.unroll(handle(l));
    budget = Math.floor(budget / Math.max(1, n));
  }
}
