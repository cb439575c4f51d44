/** The promise of a tensorized loop: that its nest computes what its intrinsic computes, on values in range. */
import type { Interval } from "../../src/arith/index.ts";
import {
  type Block,
  type BlockId,
  type Buffer,
  type For,
  type Func,
  type Intrinsic,
  type Var,
  withBody,
} from "../../src/ir/index.ts";
import { refuse } from "../error.ts";
import { factsAround, mapBlocks, type Place, treeOf } from "../tree.ts";
import { type Match, matchNest } from "./match.ts";
import { isProblem, type Problem } from "./nest.ts";
import { valueBounds } from "./values.ts";

/** Loops that are vectors of a nest inside: an intrinsic is one vector already. */
export const aroundVector = (p: Place<For>): For | undefined =>
  p.loops.find((l) => l.loop === "vectorized" || l.loop === "tensorized");

/** The match of a loop that has an intrinsic, or what is wrong with it. */
export function tensorizedAt(f: Func, p: Place<For>): Match | Problem {
  const { intrinsic, assume } = p.node.tensor!;
  const outer = aroundVector(p);
  if (outer)
    return {
      condition: 1,
      code: "kind",
      message: `loop ${outer.var.name}, around loop ${p.node.var.name}, is ${outer.loop}`,
      marks: [p.node.var, outer.var],
    };
  return matchNest(p.node, intrinsic, factsAround(p), valueBounds(f.body, assumed(f, intrinsic, assume)));
}
/** Bounds of inputs that callers keep within the range of every operand that has one. */
function assumed(f: Func, x: Intrinsic, names: readonly string[]): ReadonlyMap<Buffer, Interval> {
  const ranges = x.operands.flatMap((o) => (o.range ? [o.range] : []));
  const within = { min: Math.max(...ranges.map((r) => r[0])), max: Math.min(...ranges.map((r) => r[1])) };
  return new Map(f.inputs.filter((b) => names.includes(b.name)).map((b) => [b, within]));
}

/**
 * Refuses a step after which a tensorized loop would no longer keep its promise. `before` is the function that stays when it is
 * refused.
 */
export function checkTensorized(before: Func, after: Func, primitive: string): void {
  const old = treeOf(before);
  for (const [v, p] of treeOf(after).loops) {
    if (p.node.tensor === undefined) continue;
    const was = old.loops.get(v);
    const same = was?.node === p.node && was.loops.every((l, d) => l.loop === p.loops[d]?.loop);
    if (same && p.node.tensor.intrinsic.operands.every((o) => o.range === undefined)) continue;
    const m = tensorizedAt(after, p);
    if (!isProblem(m)) continue;
    const there = (x: Var | BlockId): boolean => ("kind" in x ? old.loops.has(x) : old.blocks.has(x));
    refuse(before, {
      primitive,
      condition: 0,
      code: "tensorized",
      message: `loop ${v.name} is tensorized and would no longer be a ${p.node.tensor.intrinsic.name}: ${m.message}`,
      marks: [v, ...(m.marks ?? []).filter((x) => x !== v)].filter(there),
      legal: [`${primitive} before ${v.name} is tensorized`],
    });
  }
}

/**
 * The function with the blocks of tensorized loops in the words of their intrinsics: what had to be proven of values then stands in the
 * code, so that lowering finds the same match without the proof.
 */
export function settleTensorized(f: Func): Func {
  const settled = new Map<Block, Block>();
  for (const p of treeOf(f).loops.values()) {
    if (p.node.tensor === undefined) continue;
    const m = tensorizedAt(f, p);
    if (isProblem(m) || m.nest.block === undefined) continue;
    settled.set(m.nest.block, { ...m.nest.block, body: { ...m.nest.store, value: m.settled } });
  }
  return settled.size === 0
    ? f
    : withBody(
        f,
        mapBlocks(f.body, (b) => settled.get(b) ?? b),
      );
}
