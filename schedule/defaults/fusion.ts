/** Which stages disappear into others: inlining of cheap element-wise stages, and epilogues of reductions. */
import {
  type Block,
  type BlockId,
  blocksOf,
  buffersIn,
  type Expr,
  opInfo,
  visitExpr,
  visitExprsIn,
  visitStmt,
} from "../../src/ir/index.ts";
import { ScheduleError } from "../error.ts";
import { type BlockHandle, blockHandle } from "../handles.ts";
import { type AnySchedule, shapeOf, sizeOf } from "./analysis.ts";

/** Instructions, roughly: a math function is a polynomial. */
function cost(block: Block): number {
  let n = 0;
  visitExprsIn(block.body, (e) => {
    if (e.kind === "op") n += opInfo(e.op).approximate ? 20 : e.op === "where" ? 4 : 1;
  });
  return n;
}

interface Consumers {
  readonly blocks: readonly Block[];
  /** Places in expressions that read it. */
  readonly reads: number;
}
function consumersOf(s: AnySchedule, block: Block): Consumers {
  const { writes } = buffersIn(block);
  const blocks = blocksOf(s.func.body).filter((b) => b !== block && [...buffersIn(b).reads].some((x) => writes.has(x)));
  let reads = 0;
  const count = (e: Expr): void => visitExpr(e, (x) => void (x.kind === "load" && writes.has(x.buffer) && reads++));
  for (const b of blocks) {
    visitStmt(b.body, (x) => {
      if (x.kind === "store" || x.kind === "let") count(x.value);
      if (x.kind === "if") count(x.condition);
    });
  }
  return { blocks, reads };
}

/**
 * Inlines, consumers first, every stage that costs no more to compute again than to store and load: one read in one place
 * that is not repeated (in a reduction, or for many more points than the stage has), or next to no arithmetic.
 */
export function inlineStages(s: AnySchedule): void {
  for (const b of [...s.blocks()].reverse()) {
    const block = blocksOf(s.func.body).find((x) => x.id === b.id);
    if (block === undefined || block.init || block.iters.some((i) => i.kind !== "spatial")) continue;
    const { blocks, reads } = consumersOf(s, block);
    const points = pointsOf(block);
    const repeated = blocks.some((c) => repeats(c) || pointsOf(c) > MANY * points);
    const price = cost(block);
    const worth = repeated ? price <= 1 && !isConditional(block) : reads <= 1 || price * (reads - 1) <= 4;
    if (blocks.length === 0 || !worth) continue;
    try {
      s.computeInline(b);
    } catch (e) {
      if (!(e instanceof ScheduleError)) throw e;
    }
  }
}
/** A consumer of so many times the points reads each element that often. */
const MANY = 4;
const pointsOf = (b: Block): number => b.iters.reduce((n, i) => n * sizeOf(i), 1);
/** Whether one point of the block's result is computed in several steps: a reduction, a scan, loops of the body. */
function repeats(block: Block): boolean {
  let found = block.iters.some((i) => i.kind !== "spatial");
  visitStmt(block.body, (s) => {
    if (s.kind === "for") found = true;
  });
  return found;
}
function isConditional(block: Block): boolean {
  let found = false;
  visitExprsIn(block.body, (e) => {
    if (e.kind === "op" && e.op === "where") found = true;
  });
  return found;
}

/** The one element-wise block that consumes a reduction at the same position and nothing else does. */
export function epilogueOf(s: AnySchedule, block: Block): BlockHandle | undefined {
  const { writes } = buffersIn(block);
  if ([...writes].some((b) => s.func.outputs.includes(b))) return undefined;
  const { blocks } = consumersOf(s, block);
  const e = blocks[0];
  if (blocks.length !== 1 || e === undefined || e.iters.some((i) => i.kind !== "spatial")) return undefined;
  const shape = shapeOf(e);
  if (e.iters.length !== block.iters.filter((i) => i.kind === "spatial").length) return undefined;
  const same = shape.reads
    .filter((r) => writes.has(r.buffer))
    .every((r) => r.index.length === e.iters.length && r.index.every((x, d) => x === e.iters[d]!.var));
  return same ? blockHandle(e.id as BlockId) : undefined;
}
