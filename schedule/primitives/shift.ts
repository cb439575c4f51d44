import { type Block, type For, type Func, usesVar } from "../../src/ir/index.ts";
import { feeding, has, isUpdate, selfReadLoops } from "../analysis.ts";
import type { Complaint } from "../error.ts";
import { stepText, writtenText } from "../hints.ts";
import { flowProblem } from "../regions.ts";
import { blocksIn, io, type Place, treeOf, writersOf } from "../tree.ts";

export type Obstacle = Pick<Complaint, "code" | "message" | "marks">;

/**
 * Why some iterations of a loop can't run twice: what a block below computes in one must follow from that iteration alone.
 */
export function repeatProblem(f: Func, p: Place<For>): Obstacle | undefined {
  for (const b of blocksIn(p.node)) {
    const found = carriedOver(f, p, b) ?? accumulated(f, p, b);
    if (found) return found;
  }
  return undefined;
}

/** A reduction or a scan goes on from one iteration of the loop, or of one around it, to the next. */
function carriedOver(f: Func, p: Place<For>, b: Block): Obstacle | undefined {
  const steps = feeding(b, "reduction", "ordered");
  const carrier = [p.node, ...p.loops].find((l) => steps.has(l.var));
  const loop = p.node.var;
  if (carrier)
    return {
      code: "carried",
      message:
        carrier === p.node
          ? `loop ${loop.name} carries the ${has(b, "ordered") ? "steps" : "reduction"} of ${b.id.name}: no point of it may be taken twice`
          : `loop ${carrier.var.name}, around ${loop.name}, carries ${b.id.name}, which would go on from what it has done already`,
      marks: carrier === p.node ? [loop, b.id] : [carrier.var, loop, b.id],
    };
  if (!isUpdate(b) || !selfReadLoops(b).has(loop)) return undefined;
  return {
    code: "carried",
    message: `the steps of ${b.id.name} read across ${loop.name}: ${stepText(f, b)}`,
    marks: [loop, b.id],
  };
}

/** It adds to what was there before: an init in the same iteration has to come first. */
function accumulated(f: Func, p: Place<For>, b: Block): Obstacle | undefined {
  if (!isUpdate(b) || b.init || has(b, "ordered")) return undefined;
  const q = treeOf(f).blocks.get(b.id)!;
  for (const x of io(b).writes) {
    if (!io(b).reads.has(x)) continue;
    const inits = writersOf(f, x).filter((w) => w.node !== b && w.order < q.order);
    const fresh = inits.some((w) => w.loops.includes(p.node) && flowProblem(w, q, x) === undefined);
    if (fresh) continue;
    return {
      code: "accumulates",
      message: `${b.id.name} adds to ${writtenText(q)}, which is not set anew in each iteration of ${p.node.var.name}`,
      marks: [p.node.var, b.id, ...inits.map((w) => w.node.id)],
    };
  }
  return undefined;
}

/** Whether the loop decides what a block computes. */
export const dependsOn = (b: Block, l: For): boolean => b.iters.some((it) => usesVar(it.binding, (v) => v === l.var));
