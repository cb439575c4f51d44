import { type BlockId, type For, type Func, type Var, withBody } from "../../src/ir/index.ts";
import { type Complaint, refuse } from "../error.ts";
import { accepted, loopsAround, loopText, onBlocks } from "../hints.ts";
import { lostFlow } from "../kept.ts";
import type { Outcome } from "../outcome.ts";
import { io, mapBlocks, treeOf } from "../tree.ts";
import { findBlock, findLoop } from "./find.ts";

/**
 * Keeps what a block writes in one place for all iterations of the loops inside `loop`: its buffer is allocated in that loop's
 * body, or outside of all loops (`root`). Where the block is computed does not change, but what it wrote in earlier iterations of the
 * loops inside may then be read in later ones: sliding windows (foldStorage) live there, and reverseComputeAt may move a consumer that
 * looks back to where its producer is.
 *
 *     s.storeAt(blurX, yo)
 *     s.storeAt(blurX, "root")
 *
 * Conditions:
 * 1. the loop is around the block;
 * 2. the block writes no output: those are the caller's;
 * 3. no loop between it and the block is parallel or bound, and neither it nor one of those is vectorized;
 * 4. everyone who reads or writes those buffers is inside the loop;
 * 5. what is carried from one iteration of a loop to later ones still is: `loop` is outside of that loop.
 *
 * All handles survive.
 */
export function storeAt(f: Func, block: BlockId, loop: Var | "root"): Outcome {
  const p = findBlock(f, block);
  const l = loop === "root" ? undefined : findLoop(f, loop).node;
  const name = loop === "root" ? loop : loop.name;
  const legal = (): string[] =>
    accepted<Var | "root">([...loopsAround(f, block), "root"], (v) => storeAt(f, block, v)).map(
      (v) => `storeAt(${block.name}, ${v === "root" ? '"root"' : loopText(f, v)})`,
    );
  const bad = (c: Omit<Complaint, "primitive">): never => refuse(f, { primitive: "storeAt", legal, ...c });
  const marks = loop === "root" ? [] : [loop];
  const at = l ? p.loops.indexOf(l) : 0;
  if (at < 0)
    bad({
      condition: 1,
      code: "not-around",
      message: `loop ${name} is not around block ${block.name}`,
      marks: [...marks, block],
    });
  const output = [...io(p.node).writes].find((x) => f.outputs.includes(x));
  if (output)
    bad({
      condition: 2,
      code: "output",
      message: `${output.name}, which block ${block.name} writes, is an output of the function: the caller stores it`,
      marks: [block],
      legal: (p) => onBlocks("cacheWrite", [block], (b) => p.cacheWrite(f, b, "workspace"), ', "workspace"'),
    });
  // iterations of a parallel loop itself have a buffer each
  const together = (x: For): boolean =>
    x.loop === "vectorized" || (x !== l && (x.loop === "parallel" || x.loop === "bound"));
  const kind = p.loops.slice(at).find(together);
  if (kind)
    bad({
      condition: 3,
      code: "kind",
      message: `loop ${kind.var.name} is ${kind.loop}: its iterations can't share what ${block.name} writes`,
      marks: [kind.var, block],
    });
  const own = [...io(p.node).writes];
  const users = [...treeOf(f).blocks.values()].filter((x) => {
    const { reads, writes } = io(x.node);
    return own.some((b) => reads.has(b) || writes.has(b));
  });
  const outside = users.find((x) => l && !x.loops.includes(l));
  if (outside)
    bad({
      condition: 4,
      code: "users",
      message: `${outside.node.id.name}, outside of loop ${name}, uses ${own.map((b) => b.name).join(", ")}, which ${block.name} writes`,
      marks: [...marks, outside.node.id],
    });
  // a decomposed reduction has two blocks for one buffer
  const body = mapBlocks(f.body, (b) => (own.some((x) => io(b).writes.has(x)) ? { ...b, storeAt: loop } : b));
  const func = withBody(f, body);
  const lost = lostFlow(f, func);
  if (lost)
    bad({
      condition: 5,
      code: "carried",
      message: `in a buffer made anew in each iteration of loop ${name}, ${lost.why}`,
      marks: [...marks, block, lost.reader.node.id],
    });
  return { func };
}
