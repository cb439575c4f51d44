import type { BlockId, Func, Var } from "../../src/ir/index.ts";
import { type Complaint, refuse } from "../error.ts";
import type { Outcome } from "../outcome.ts";
import { io, replaceStmt, treeOf } from "../tree.ts";
import { findBlock, findLoop } from "./find.ts";

/**
 * Keeps what a block writes in one place for all iterations of the loops inside `loop`: its buffer is allocated in that loop's
 * body. Where the block is computed does not change.
 *
 *     storeAt(blurX, yo)
 *
 * Conditions:
 * 1. the loop is around the block;
 * 2. the block writes no output: those are the caller's;
 * 3. neither the loop nor one between it and the block's own is parallel or vectorized;
 * 4. everyone who reads or writes those buffers is inside the loop.
 *
 * All handles survive.
 */
export function storeAt(f: Func, block: BlockId, loop: Var): Outcome {
  const p = findBlock(f, block);
  const l = findLoop(f, loop);
  const bad = (c: Omit<Complaint, "primitive">): never => refuse(f, { primitive: "storeAt", ...c });
  const at = p.loops.indexOf(l.node);
  if (at < 0)
    bad({
      condition: 1,
      code: "not-around",
      message: `loop ${loop.name} is not around block ${block.name}`,
      marks: [loop, block],
      legal: p.loops.map((x) => `storeAt(${block.name}, ${x.var.name})`),
    });
  const output = [...io(p.node).writes].find((x) => f.outputs.includes(x));
  if (output)
    bad({ condition: 2, code: "output", message: `${output.name} is an output of the function`, marks: [block] });
  const kind = p.loops.slice(at).find((x) => x.loop === "parallel" || x.loop === "vectorized");
  if (kind)
    bad({
      condition: 3,
      code: "kind",
      message: `loop ${kind.var.name} is ${kind.loop}: its iterations can't share memory`,
      marks: [kind.var, block],
    });
  const own = [...io(p.node).writes];
  const users = [...treeOf(f).blocks.values()].filter((x) => {
    const { reads, writes } = io(x.node);
    return own.some((b) => reads.has(b) || writes.has(b));
  });
  const outside = users.find((x) => !x.loops.includes(l.node));
  if (outside)
    bad({
      condition: 4,
      code: "users",
      message: `${outside.node.id.name} uses what ${block.name} writes outside of loop ${loop.name}`,
      marks: [loop, outside.node.id],
    });
  return { func: replaceStmt(f, p.node, { ...p.node, storeAt: loop }) };
}
