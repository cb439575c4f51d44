import type { Func, GridIndex, Var } from "../../src/ir/index.ts";
import { badArgument, describe } from "../arguments.ts";
import { type Complaint, refuse } from "../error.ts";
import { type GridKind, gridProblem, INDICES, lanesAround } from "../grid.ts";
import { accepted, loopsNear, loopText } from "../hints.ts";
import { hindrance, type Kind } from "../independent.ts";
import type { Outcome } from "../outcome.ts";
import { replaceStmt, treeOf } from "../tree.ts";
import { findLoop } from "./find.ts";
import { split } from "./split.ts";

const NAME = "bind";
/** Sizes to suggest for a part of a loop. */
const PARTS = [64, 32, 16, 8, 4, 2];
const CONDITIONS: Readonly<Record<Kind | GridKind, number>> = {
  lanes: 2,
  twice: 3,
  order: 4,
  extent: 5,
  invocations: 6,
  carried: 7,
  "same-element": 8,
  stored: 9,
};
/**
 * Spreads a loop's iterations over a GPU's grid: over workgroups (`workgroup.x`, `.y`, `.z`), or over the invocations of one
 * (`local.x`, `.y`, `.z`). On WebAssembly, which has no grid, a bound loop runs one iteration after another.
 *
 *     s.bind(io, "workgroup.y")      // for io in 64:  ->  bound io in 64:  # workgroup.y
 *     s.bind(ii, "local.y")
 *
 * Conditions:
 * 1. the loop is serial;
 * 2. no loop around it is vectorized;
 * 3. no loop around it or inside it is bound to the same index;
 * 4. loops bound to workgroups stand outside of those bound to local indices;
 * 5. a local loop has a constant extent;
 * 6. the workgroup has at most 1024 invocations, the most that any WebGPU device allows: the product, over the local indices, of the
 *    longest loop that the nest binds to each;
 * 7. no reduction and no scan below is carried by it;
 * 8. every block below writes other elements in each iteration, wherever the loops inside are, or elements of the iteration's own;
 * 9. what is computed and read below is computed in the same iteration, and not stored at a loop around it.
 *
 * All handles survive. Later steps that would break a condition are refused.
 */
export function bind(f: Func, loop: Var, index: GridIndex): Outcome {
  if (!INDICES.includes(index)) badArgument(f, NAME, `there is no grid index ${describe(index)}`, [...INDICES]);
  const l = findLoop(f, loop).node;
  const bad = (c: Omit<Complaint, "primitive">): never =>
    refuse(f, { primitive: NAME, legal: () => hints(f, loop, index), ...c });
  if (l.loop !== "serial")
    bad({ condition: 1, code: "kind", message: `loop ${loop.name} is ${l.loop} already`, marks: [loop] });
  const func = replaceStmt(f, l, { ...l, loop: "bound", bind: index });
  const p = treeOf(func).loops.get(loop)!;
  const found = lanesAround(p) ?? gridProblem(func, p) ?? hindrance(func, p, "apart");
  if (found) bad({ ...found, condition: CONDITIONS[found.code] });
  return { func };
}

/** A part of the loop for this index, other loops for it, and other indices for this loop. */
function hints(f: Func, loop: Var, index: GridIndex): string[] {
  const serial = findLoop(f, loop).node.loop === "serial";
  const cut = accepted(serial && index.startsWith("local.") ? PARTS : [], (n) => {
    const o = split(f, loop, { o: "rest", i: n });
    return bind(o.func, o.born!.get("i") as Var, index);
  });
  const { name } = loop;
  const pairs = [
    ...loopsNear(f, [loop]).map((v) => [v, index] as const),
    ...INDICES.filter((i) => i !== index).map((i) => [loop, i] as const),
  ];
  return [
    ...cut
      .slice(0, 1)
      .map((n) => `split(${name}, { ${name}o: "rest", ${name}i: ${n} }) and bind(${name}i, "${index}")`),
    ...accepted(pairs, ([v, i]) => bind(f, v, i)).map(([v, i]) => `bind(${loopText(f, v)}, "${i}")`),
  ];
}
