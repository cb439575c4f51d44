/**
 * What a block's expression says about how to schedule it: which axes run along memory, which are reused, what kind of
 * loop nest it is. Nothing here knows operators; it looks at indices only.
 */
import { affine, simplifyIndex } from "../../src/arith/index.ts";
import {
  type Block,
  type BlockIter,
  type Buffer,
  constInt,
  type Expr,
  int,
  type Load,
  type Stmt,
  type Store,
  substitute,
  usesVar,
  type Var,
  varsOf,
  visitExprsIn,
  visitStmt,
} from "../../src/ir/index.ts";
import type { Schedule } from "../schedule.ts";

// biome-ignore lint/suspicious/noExplicitAny: a schedule of anything
export type AnySchedule = Schedule<any>;

export interface Access {
  readonly buffer: Buffer;
  readonly index: readonly Expr[];
  /** Axes of the block that the index depends on. */
  readonly uses: ReadonlySet<Var>;
}
export interface BlockShape {
  readonly block: Block;
  readonly stores: readonly Store[];
  /** Every access, with axes of one iteration left out of the indices. */
  readonly accesses: readonly { readonly buffer: Buffer; readonly index: readonly Expr[] }[];
  /** Reads of other buffers than the block's own outputs. */
  readonly reads: readonly Access[];
  readonly spatial: readonly BlockIter[];
  readonly reduction: readonly BlockIter[];
  readonly ordered: readonly BlockIter[];
  /** The axis that runs along the memory of the (first) output, if one does. */
  readonly along: BlockIter | undefined;
}

export function shapeOf(block: Block): BlockShape {
  const stores: Store[] = [];
  visitStmt(block.body, (s: Stmt) => void (s.kind === "store" && stores.push(s)));
  const own = new Set(stores.map((s) => s.buffer));
  const moving = new Set(block.iters.filter((i) => constInt(i.extent) !== 1).map((i) => i.var));
  const still = standing(block);
  const reads: Access[] = [];
  const seen = new Set<Load>();
  visitExprsIn(block.body, (e) => {
    if (e.kind !== "load" || own.has(e.buffer) || seen.has(e)) return;
    seen.add(e);
    const index = e.index.map((i) => simplifyIndex(substitute(i, still)));
    const uses = new Set<Var>();
    for (const i of index) for (const v of varsOf(i)) if (moving.has(v)) uses.add(v);
    reads.push({ buffer: e.buffer, index, uses });
  });
  const of = (kind: BlockIter["kind"]): BlockIter[] => block.iters.filter((i) => i.kind === kind);
  const last = stores[0]?.index.findLast((i) => !(i.kind === "var" && still.has(i)));
  const along =
    last && block.iters.find((i) => i.kind === "spatial" && moving.has(i.var) && strideIn(last, i.var) === 1);
  const accesses = [
    ...reads,
    ...stores.map((x) => ({ buffer: x.buffer, index: x.index.map((i) => substitute(i, still)) })),
  ];
  return {
    block,
    stores,
    accesses,
    reads,
    spatial: of("spatial"),
    reduction: of("reduction"),
    ordered: of("ordered"),
    along,
  };
}
/** Axes of one iteration, at the only place they have. */
export const standing = (block: Block): ReadonlyMap<Var, Expr> =>
  new Map(block.iters.filter((i) => constInt(i.extent) === 1).map((i) => [i.var, int(0)]));

/**
 * Whether two axes may be one in every access: wherever they appear, the second runs through a whole dimension of memory by itself and
 * the first steps, by one, through the dimension before it.
 */
export function fusable(
  accesses: readonly { readonly buffer: Buffer; readonly index: readonly Expr[] }[],
  p: BlockIter,
  q: BlockIter,
): boolean {
  return accesses.every(({ buffer, index }) => {
    const [ps, qs] = [p, q].map((i) => index.flatMap((e, d) => (usesVar(e, (v) => v === i.var) ? [d] : [])));
    if (ps!.length === 0 && qs!.length === 0) return true;
    const d = qs![0];
    return (
      ps!.length === 1 &&
      qs!.length === 1 &&
      ps![0] === d! - 1 &&
      index[d!] === q.var &&
      strideIn(index[d! - 1]!, p.var) === 1 &&
      !buffer.layout &&
      buffer.shape[d!] === q.extent
    );
  });
}

/** The constant coefficient of an axis in one index (0 when absent), or undefined. */
export function strideIn(index: Expr, v: Var): number | undefined {
  if (!varsOf(index).has(v)) return 0;
  const c = affine(index, new Set([v]))?.coefficients.get(v);
  return c && constInt(c);
}
/** Whether consecutive values of the axis are consecutive elements of the access. */
export const runsAlong = (a: Access, v: Var): boolean =>
  a.index.every((i, d) => strideIn(i, v) === (d === a.index.length - 1 ? 1 : 0));

/** The extent as a number; symbolic ones count as large. */
export const sizeOf = (i: BlockIter): number => constInt(i.extent) ?? 512;

/** A reduction in which some operand is reused along a spatial axis: a register tile pays. */
export interface Contraction extends BlockShape {
  /** The columns of the tile: along the output's memory, in vector lanes. */
  readonly columns: BlockIter;
  /** The rows of the tile: an axis along which the vector operands do not change. */
  readonly rows: BlockIter | undefined;
  /** Operands that change along the columns. */
  readonly panels: readonly Access[];
}

export function contractionOf(s: BlockShape): Contraction | undefined {
  const columns = s.along;
  if (columns === undefined || s.reduction.length === 0 || s.ordered.length > 0 || s.stores.length !== 1)
    return undefined;
  const panels = s.reads.filter((r) => r.uses.has(columns.var));
  const others = s.reads.filter((r) => !r.uses.has(columns.var));
  if (panels.length === 0 || others.length === 0) return undefined;
  const rows = s.spatial
    .filter((i) => i !== columns && panels.some((p) => !p.uses.has(i.var)) && others.some((o) => o.uses.has(i.var)))
    // the axis closest to the columns' own place in memory, among those long enough for a tile
    .reduce<BlockIter | undefined>(
      (best, i) => (best === undefined || sizeOf(i) >= Math.min(8, sizeOf(best)) ? i : best),
      undefined,
    );
  return { ...s, columns, rows, panels };
}
