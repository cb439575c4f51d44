/** Warnings about work that need not be done. */
import type { Place } from "../../../schedule/index.ts";
import { type Block, buffersIn, type Expr, type For, type Var, varsOf, visitExpr } from "../../ir/index.ts";
import type { Workshop } from "../workshop.ts";
import { amount, type Finder, times, worthwhile } from "./finder.ts";

/** The innermost loop that a block shares with those who read it: for each of its iterations it computes what they need. */
function sharedLoop(w: Workshop, p: Place<Block>): For | undefined {
  const { writes } = buffersIn(p.node);
  const readers = w.places.filter((r) => r !== p && [...buffersIn(r.node).reads].some((b) => writes.has(b)));
  return p.loops.filter((l) => readers.some((r) => r.loops.includes(l))).at(-1);
}
/** Points that a block computes, and those that it had to before it was scheduled. */
function pointsOf(w: Workshop, p: Place<Block>) {
  const { points } = w.quantities.blocks.get(p.node.id)!;
  const needed = w.neededPoints(p);
  const factor = needed === 0 ? 0 : points / needed;
  const quantities = {
    factor: amount(factor, "times"),
    computed: amount(points, "points"),
    needed: amount(needed, "points"),
  };
  return { factor, quantities, counts: `(${Math.round(points)} points for ${needed})` };
}

export const recomputation: Finder = {
  least: worthwhile,
  find: (w) =>
    w.places.flatMap((p) => {
      const { factor, quantities, counts } = pointsOf(w, p);
      const at = sharedLoop(w, p);
      if (factor <= w.limits.recomputation || at === undefined) return [];
      return [
        {
          code: "recomputation",
          message:
            `each element of ${p.node.id.name} is computed ${times(factor)} on average ${counts}, in each iteration of ${w.name(at.var)} what it needs: ` +
            "compute it at a loop further out, in larger tiles, or keep what the last iteration computed (storeAt)",
          loops: [at.var],
          blocks: [p.node.id],
          quantities,
          share: w.shareOf(p),
        },
      ];
    }),
};

const hasMin = (e: Expr): boolean => {
  let found = false;
  visitExpr(e, (x) => {
    if (x.kind === "op" && x.op === "min") found = true;
    return !found;
  });
  return found;
};
/** Loops of the axes that were padded, or whose last part is moved back. */
function tailLoops(w: Workshop, p: Place<Block>): Var[] {
  const before = w.extentsBefore(p);
  const grown = p.node.iters.filter((it, d) => hasMin(it.binding) || (before !== undefined && before[d] !== it.extent));
  const vars = new Set(grown.flatMap((it) => [...varsOf(it.binding)]));
  return p.loops.map((l) => l.var).filter((v) => vars.has(v));
}
export const wastedTail: Finder = {
  least: worthwhile,
  find: (w) =>
    w.places.flatMap((p) => {
      const { factor, quantities, counts } = pointsOf(w, p);
      if (factor <= w.limits.recomputation || sharedLoop(w, p)) return [];
      const loops = tailLoops(w, p);
      const at = loops.length > 0 ? ` in ${w.names(loops)}` : "";
      return [
        {
          code: "wasted-tail",
          message:
            `${p.node.id.name} computes ${times(factor)} as many points as it has ${counts}, to fill up the last part${at}: ` +
            'split by a factor that divides, by a smaller one, or with the tail "guard" or "peel"',
          loops,
          blocks: [p.node.id],
          quantities,
          share: w.shareOf(p),
        },
      ];
    }),
};

export const deadProducer: Finder = {
  least: () => 0,
  find: (w) =>
    w.places.flatMap((p) => {
      const { writes } = buffersIn(p.node);
      const read = [...writes].some((b) => w.places.some((r) => r !== p && buffersIn(r.node).reads.has(b)));
      if (read || [...writes].some((b) => w.func.outputs.includes(b))) return [];
      return [
        {
          code: "dead-producer",
          message: `nobody reads what ${p.node.id.name} computes`,
          loops: [],
          blocks: [p.node.id],
          buffers: [...writes].map((b) => b.name),
          share: w.shareOf(p),
        },
      ];
    }),
};
