import { bytesOf, constInt, visitStmt } from "../../src/ir/index.ts";
import { VECTOR_BYTES } from "../../src/target/index.ts";
import { badArgument, checkLoop, checkSchedule, describe } from "../arguments.ts";
import type { BlockHandle, BlockLike, Loop, Schedule } from "../index.ts";
import { type AnySchedule, blockAt } from "./structure.ts";

/** Lanes that are combined one by one at the end; more of them are folded in halves first. */
const FEW = 4;

export interface VectorReduction {
  /** The blocks of partial results: over the reduction first, then over the lanes of those before. */
  readonly partials: readonly BlockHandle[];
  /** The loop over the lanes of the first: where the time goes. */
  readonly lanes: Loop;
}

/**
 * Makes vector code of a reduction along one of its loops, in an explicit form: every lane reduces the points that fall to it, in
 * registers, and at the end the lanes are combined. Several registers of lanes hide the latency of each other's operations.
 *
 *     vectorizeReduction(s, C, k, 16);      // dot products: four vectors of four f32 sums
 *
 * The lanes stand in the block's innermost spatial loop, the other loops of its reduction inside. Throws ScheduleError as split,
 * rfactor, computeAt and vectorize do, and leaves the schedule as it was then; marked `reassociates` as rfactor is.
 */
export function vectorizeReduction<X>(s: Schedule<X>, block: BlockLike, loop: Loop, lanes: number): VectorReduction {
  const name = "vectorizeReduction";
  checkSchedule(s, name);
  if (!(Number.isInteger(lanes) && lanes > 1))
    badArgument(s.func, name, `lanes is ${describe(lanes)}, not a whole number above 1`, ["8", "16"]);
  checkLoop(s.func, name, loop);
  const partials: BlockHandle[] = [];
  let first: Loop | undefined;
  const illegal = s.attempt(() => {
    reductionInside(s, block);
    const register = registerOf(s as AnySchedule, block);
    let rest = loop;
    for (let n = lanes; ; n = Math.min(register, powerBelow(n))) {
      const made = lanewise(s, block, rest, loop.name, n);
      partials.push(made.rf);
      if (first === undefined) first = made.lanes;
      else for (const l of made.reduction) s.unroll(l);
      rest = made.rest;
      if (n <= FEW) break;
    }
    s.unroll(rest);
  });
  if (illegal) throw illegal;
  return { partials, lanes: first! };
}

const powerBelow = (n: number): number => 2 ** Math.ceil(Math.log2(n) - 1);

/** Puts the block's own loops that carry its reduction inside the others. */
function reductionInside<X>(s: Schedule<X>, block: BlockLike): void {
  const own = s.ownLoops(block);
  const [outer, inner] = [true, false].map((x) => own.filter((l) => (s.axisKind(block, l) === "spatial") === x));
  const order = [...outer!, ...inner!];
  if (order.some((l, i) => l !== own[i])) s.reorder(...order);
}

/** Lanes of one register, of the widest values that the block combines. */
function registerOf(s: AnySchedule, block: BlockLike): number {
  let bytes = 1;
  visitStmt(blockAt(s, block).node.body, (x) => {
    if (x.kind === "store") bytes = Math.max(bytes, bytesOf(x.buffer.dtype));
  });
  return VECTOR_BYTES / bytes;
}

function extentOf(s: AnySchedule, block: BlockLike, l: Loop): number | undefined {
  const node = blockAt(s, block).path.find((x) => x.kind === "for" && x.var === l.var);
  return node?.kind === "for" ? constInt(node.extent) : undefined;
}

interface Lanewise {
  readonly rf: BlockHandle;
  readonly lanes: Loop;
  /** The loops of the partial results that carry their reduction. */
  readonly reduction: readonly Loop[];
  /** The block's loop over the lanes. */
  readonly rest: Loop;
}
/** Partial results for `n` interleaved parts of a loop, one per lane, where the block is. */
function lanewise<X>(s: Schedule<X>, block: BlockLike, loop: Loop, name: string, n: number): Lanewise {
  const parts = s.split(loop, { [`${name}o`]: "rest", [`${name}i`]: n }) as Record<string, Loop>;
  const rest = parts[`${name}i`]!;
  const around = s.loopList(block);
  const { rf, loops } = s.rfactor(block, rest);
  s.setScope(rf, "local");
  const at = around.findLast((l) => l !== rest && s.loopList(block).includes(l));
  if (at) s.computeAt(rf, at);
  const own = s.ownLoops(rf);
  // one element of the block is left there, so the lanes are the only spatial loop, but for some of one iteration
  const spatial = own.filter((l) => s.axisKind(rf, l) === "spatial");
  const lanes = (
    at ? (spatial.find((l) => extentOf(s as AnySchedule, rf, l) === n) ?? spatial[0]) : Object.values(loops)[0]
  ) as Loop;
  const reduction = own.filter((l) => s.axisKind(rf, l) === "reduction");
  if (own.at(-1) !== lanes) s.reorder(...reduction, lanes);
  s.vectorize(lanes);
  return { rf, lanes, reduction, rest };
}

export interface TwoLevelOptions {
  /** Where the dimension of the chunks stands among those of the partial results; last when absent. */
  readonly at?: number;
}
/**
 * Cuts a reduction into chunks of `size` points: partial results of the chunks, by a block of their own, are reduced by the block
 * itself. Chunks are independent of each other, and float sums of sums lose less than one long sum.
 *
 *     const { rf, loops } = twoLevelReduction(s, C, k, 256);
 *
 * Returns the block of the chunks, and its loops over the chunks and over the points of one. Throws ScheduleError as split and
 * rfactor do, and leaves the schedule as it was then.
 */
export function twoLevelReduction<X>(
  s: Schedule<X>,
  block: BlockLike,
  loop: Loop,
  size: number,
  options: TwoLevelOptions = {},
): { readonly rf: BlockHandle; readonly loops: { readonly outer: Loop; readonly inner: Loop } } {
  checkSchedule(s, "twoLevelReduction");
  checkLoop(s.func, "twoLevelReduction", loop);
  let made: { rf: BlockHandle; loops: { outer: Loop; inner: Loop } } | undefined;
  const illegal = s.attempt(() => {
    const [o, i] = [`${loop.name}o`, `${loop.name}i`];
    const parts = s.split(loop, { [o]: "rest", [i]: size }) as Record<string, Loop>;
    const { rf, loops } = s.rfactor(block, parts[o]!, options);
    const outer = Object.values(loops)[0] as Loop;
    const own = s.ownLoops(rf);
    made = { rf, loops: { outer, inner: own[own.indexOf(outer) + 1]! } };
  });
  if (illegal) throw illegal;
  return made!;
}
