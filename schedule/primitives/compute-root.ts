import { Facts } from "../../src/arith/index.ts";
import { type Block, type BlockId, type Func, int, NOTHING, type Stmt, seq } from "../../src/ir/index.ts";
import { note, PARTIAL, REVISITS } from "../analysis.ts";
import { type Complaint, refuse } from "../error.ts";
import { dependence, onBlocks, placesFor } from "../hints.ts";
import { named, type Outcome } from "../outcome.ts";
import { readProblem } from "../regions.ts";
import { blocksIn, io, readersOf, rewrite, tidy, treeOf, writersOf } from "../tree.ts";
import { assemble, regenerate } from "./compute-at.ts";
import { findBlock } from "./find.ts";
import { deadWith } from "./inline.ts";

const NAME = "computeRoot";
/**
 * Computes a block as a nest of its own outside of all loops: all of its elements, before the nest of its first consumer, or, where
 * nobody reads it, after the nest it stands in. Undoes computeAt and reverseComputeAt; the block's loops are made anew, named
 * after its axes.
 *
 *     s.computeRoot(blurX)
 *
 * Conditions:
 * 1. the block is the only one that writes its buffers (not decomposed);
 * 2. what it reads was computed before that place.
 *
 * Dies: the block's own loops. Born: its new loops. The block survives.
 */
export function computeRoot(f: Func, block: BlockId): Outcome {
  const b = findBlock(f, block).node;
  const bad = (c: Omit<Complaint, "primitive">): never => refuse(f, { primitive: NAME, ...c });
  const { writes } = io(b);
  for (const x of writes) {
    const other = writersOf(f, x).find((w) => w.node !== b);
    if (other)
      bad({
        condition: 1,
        code: "writers",
        message: `${x.name}, which block ${block.name} writes, is written by ${other.node.id.name} too`,
        marks: [block, other.node.id],
        legal: ["computeRoot before decomposeReduction"],
      });
  }
  const consumers = new Set<Block>([...writes].flatMap((x) => readersOf(f, x)).map((c) => c.node));
  const whole = b.iters.map((it) => ({ min: int(0), extent: it.extent }));
  const { nest, loops } = regenerate(b, whole, Facts.empty);
  const { storeAt, ...rest } = note(nest.block, { [PARTIAL]: false, [REVISITS]: false });
  const made = assemble({ loops: nest.loops, block: storeAt === "root" ? { ...rest, storeAt } : rest });

  const list = f.body.kind === "seq" ? f.body.body : [f.body];
  const holds = (s: Stmt, test: (x: Block) => boolean): boolean => blocksIn(s).some(test);
  const first = list.findIndex((s) => holds(s, (x) => consumers.has(x)));
  const at = first >= 0 ? first : list.findIndex((s) => holds(s, (x) => x === b)) + 1;
  const without = (s: Stmt): Stmt => rewrite(s, (x) => (x === b ? NOTHING : x));
  const body = seq([...list.slice(0, at).map(without), made, ...list.slice(at).map(without)]);
  const func = tidy({ ...f, body });
  const here = treeOf(func).blocks.get(block)!;
  const problem = readProblem(treeOf(func).blocks.values(), here);
  if (problem)
    bad({
      condition: 2,
      code: "reads",
      message: `${problem.why}: ${dependence(problem.writer, here, problem.buffer)}`,
      marks: [block, problem.writer.node.id],
      legal: (primitives) => [
        ...onBlocks(NAME, [problem.writer.node.id], (x) => computeRoot(f, x)),
        ...placesFor(primitives, f, block),
      ],
    });
  const died = new Map(deadWith(f, func, block, []));
  died.delete(block);
  return { func, born: named(loops), died };
}
