/** Which stages disappear into others: inlining of cheap element-wise stages, and epilogues of reductions. */
import {
  type Block,
  type BlockId,
  type BlockIter,
  blocksOf,
  buffersIn,
  constInt,
  type Expr,
  int,
  isFloat,
  opInfo,
  visitExpr,
  visitExprsIn,
  visitStmt,
} from "../../src/ir/index.ts";
import { ScheduleError } from "../error.ts";
import { type BlockHandle, blockHandle, type Loop } from "../handles.ts";
import { type AnySchedule, contractionOf, shapeOf, sizeOf } from "./analysis.ts";
import { lanewiseAxis } from "./reduction.ts";
import { windowAxis } from "./window.ts";

/** Instructions, roughly: a math function is a polynomial, a division as slow as several others. */
function cost(block: Block): number {
  let n = 0;
  visitExprsIn(block.body, (e) => {
    if (e.kind === "op") n += opInfo(e.op).approximate ? 20 : SLOW.has(e.op) ? 8 : e.op === "where" ? 4 : 1;
  });
  return n;
}
const SLOW: ReadonlySet<string> = new Set(["div", "sqrt", "rsqrt", "floordiv", "floormod", "truncdiv", "truncrem"]);
/** A copy, or a conversion at most. */
function isCopy(block: Block): boolean {
  let n = 0;
  let casts = 0;
  visitExprsIn(block.body, (e) => {
    if (e.kind === "op" && e.op === "cast") casts++;
    else if (e.kind === "op" && (isFloat(e.dtype) || e.op === "where")) n += 1;
  });
  return n === 0 && casts <= 1;
}

interface Consumers {
  readonly blocks: readonly Block[];
  /** Places in expressions that read it. */
  readonly reads: number;
}
export function consumersOf(s: AnySchedule, block: Block): Consumers {
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
export function inlineStages(s: AnySchedule, done: ReadonlySet<BlockId>): void {
  for (const b of [...s.blocks()].reverse()) {
    if (done.has(b.id)) continue;
    const block = blocksOf(s.func.body).find((x) => x.id === b.id);
    if (block === undefined || block.init || block.iters.some((i) => i.kind !== "spatial")) continue;
    const { blocks, reads } = consumersOf(s, block);
    const points = pointsOf(block);
    const repeated = blocks.some((c) => repeats(c) || pointsOf(c) > MANY * points);
    const price = cost(block);
    const contracted = blocks.some(isProduct);
    const cheap = contracted ? isCopy(block) : price <= 1;
    const worth = repeated ? cheap && !isConditional(block) : reads <= 1 || price * (reads - 1) <= 4;
    if (blocks.length === 0 || !(worth || (isPadding(block) && blocks.every(isWindow)))) continue;
    try {
      s.computeInline(b);
    } catch (e) {
      if (!(e instanceof ScheduleError)) throw e;
    }
  }
}
/** An element of something else, or a constant: by where it is alone. */
function isPadding(block: Block): boolean {
  const plain = (e: Expr): boolean => {
    if (e.kind === "const") return true;
    if (e.kind === "load") return e.index.every(isPure);
    return e.kind === "op" && e.op === "where" && isPure(e.args[0]!) && plain(e.args[1]!) && plain(e.args[2]!);
  };
  return block.body.kind === "store" && plain(block.body.value);
}
function isPure(e: Expr): boolean {
  let pure = true;
  visitExpr(e, (x) => {
    if (x.kind === "load") pure = false;
  });
  return pure;
}
/** Written out for several results at once, so that the middle of the picture needs no test. */
function isWindow(block: Block): boolean {
  const shape = shapeOf(block);
  return contractionOf(shape) === undefined && windowAxis(shape) !== undefined;
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

/**
 * Computes stages in the loops of what consumes them as far as each iteration needs what no other needs: rows of a softmax pass from
 * stage to stage in the cache, not through memory. Contractions stay apart, they want all their rows at once.
 */
export function keepRows(s: AnySchedule, done: ReadonlySet<BlockId>): void {
  for (const b of [...s.blocks()].reverse()) {
    if (done.has(b.id)) continue;
    const block = blocksOf(s.func.body).find((x) => x.id === b.id);
    if (block === undefined || block.iters.some((i) => i.kind === "ordered") || isProduct(block)) continue;
    if ([...buffersIn(block).writes].some((w) => s.func.outputs.includes(w))) continue;
    const { blocks } = consumersOf(s, block);
    if (
      blocks.length === 0 ||
      blocks.some((c) => isProduct(c) || done.has(c.id)) ||
      (!isRowwise(block) && epilogueOf(s, block))
    )
      continue;
    const loop = commonLoop(s, block, blocks);
    if (loop) s.attempt(() => s.computeAt(b, loop));
  }
}
const isRowwise = (b: Block): boolean => lanewiseAxis(shapeOf(b)) !== undefined;
const isProduct = (b: Block): boolean => contractionOf(shapeOf(b)) !== undefined;

/** The innermost loop that all consumers share, outside of which they read the block's elements by their own axes, one by one. */
function commonLoop(s: AnySchedule, block: Block, consumers: readonly Block[]): Loop | undefined {
  const { writes } = buffersIn(block);
  const lists = consumers.map((c) => s.loopList(blockHandle(c.id)));
  let last: Loop | undefined;
  for (const [d, loop] of lists[0]!.entries()) {
    const same = consumers.every((c, n) => {
      const axis = c.iters.find((i) => i.binding === loop.var && i.kind === "spatial");
      const reads = shapeOf(c).reads.filter((r) => writes.has(r.buffer));
      const at = (r: { readonly index: readonly Expr[] }): boolean =>
        constInt(axis!.extent) === 1 || r.index[d] === axis!.var;
      // not what it computes one element after another, unless others stand there too
      const outer = d < lists[n]!.length - 1 || !s.ownLoops(blockHandle(c.id)).includes(loop);
      return outer && lists[n]![d] === loop && axis !== undefined && reads.every(at);
    });
    if (!same) break;
    last = loop;
  }
  return last;
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
  // an axis of one iteration stands still
  const at = (i: BlockIter): Expr => (constInt(i.extent) === 1 ? int(0) : i.var);
  const same = shape.reads
    .filter((r) => writes.has(r.buffer))
    .every((r) => r.index.length === e.iters.length && r.index.every((x, d) => x === at(e.iters[d]!)));
  return same ? blockHandle(e.id as BlockId) : undefined;
}
