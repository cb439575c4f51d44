import type { Func, Var } from "../../src/ir/index.ts";
import { type Complaint, refuse } from "../error.ts";
import { lanesAround } from "../grid.ts";
import { loopsNear, onLoops } from "../hints.ts";
import { hindrance, type Kind } from "../independent.ts";
import type { Outcome } from "../outcome.ts";
import { replaceStmt, treeOf } from "../tree.ts";
import { findLoop } from "./find.ts";

const NAME = "parallel";
const CONDITIONS: Readonly<Record<Kind, number>> = { carried: 3, "same-element": 4, stored: 5 };
/**
 * Marks a loop whose iterations may run at the same time, on threads where the target has them. Each iteration has its own copy of
 * what is computed and used inside it alone.
 *
 *     s.parallel(io)      // for io in 85:  ->  parallel io in 85:
 *
 * Conditions:
 * 1. the loop is serial;
 * 2. no loop around it is vectorized;
 * 3. no reduction and no scan below is carried by it;
 * 4. every block below writes other elements in each iteration, wherever the loops inside are, or elements of the iteration's own;
 * 5. what is computed and read below is computed in the same iteration, and not stored at a loop around it.
 *
 * All handles survive. Later steps that would break a condition are refused.
 */
export function parallel(f: Func, loop: Var): Outcome {
  const p = findLoop(f, loop);
  const legal = (): string[] => onLoops(f, NAME, loopsNear(f, [loop]), (v) => parallel(f, v));
  const bad = (c: Omit<Complaint, "primitive">): never => refuse(f, { primitive: NAME, legal, ...c });
  if (p.node.loop !== "serial")
    bad({ condition: 1, code: "kind", message: `loop ${loop.name} is ${p.node.loop} already`, marks: [loop] });
  const lanes = lanesAround(p);
  if (lanes) bad({ ...lanes, condition: 2 });
  const func = replaceStmt(f, p.node, { ...p.node, loop: "parallel" });
  const found = hindrance(func, treeOf(func).loops.get(loop)!, "apart");
  if (found) bad({ ...found, condition: CONDITIONS[found.code] });
  return { func };
}
