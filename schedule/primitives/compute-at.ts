import { coverRegion, type Facts, prove, type Range, simplifyIndex, unionRanges } from "../../src/arith/index.ts";
import {
  add,
  and,
  type Block,
  type BlockId,
  type BlockIter,
  type Buffer,
  buffersIn,
  constInt,
  type Expr,
  type For,
  type Func,
  ge,
  int,
  isConst,
  lt,
  NOTHING,
  type Stmt,
  seq,
  type Tail,
  TRUE,
  usesVar,
  type Var,
  variable,
} from "../../src/ir/index.ts";
import { bound, note, PARTIAL, REVISITS, readsOf, reductionNest, selfReadAxes, storedAt } from "../analysis.ts";
import { type Complaint, refuse } from "../error.ts";
import { dependence, placesAfter, placesFor } from "../hints.ts";
import { named, type Outcome } from "../outcome.ts";
import { bindingsOf, factsAt, readProblem } from "../regions.ts";
import {
  axisName,
  blocksIn,
  factsInside,
  io,
  type Place,
  readersOf,
  rewrite,
  tidy,
  treeOf,
  writersOf,
} from "../tree.ts";
import { findBlock, findLoop } from "./find.ts";
import { deadWith } from "./inline.ts";

const NAME = "computeAt";
/**
 * Computes a block inside a loop of its consumers: in each iteration exactly the region that they read in it, before the first
 * of them. The block's loops are made anew, named after its axes, with the smallest constant extents that cover the region
 * where there are such (plus a predicate); reduction axes keep their full extents. Splits of the block's old loops are lost.
 *
 *     s.computeAt(blurX, y)
 *
 * Conditions:
 * 1. the block is the only one that writes its buffers (not decomposed), and somebody reads them;
 * 2. it writes no output of the function;
 * 3. all consumers are inside the loop, which is not one of the block's own, and does not carry the reduction of a consumer
 *    whose init reads the block;
 * 4. what the block reads was computed before that place, as far as the new region needs it;
 * 5. no loop at or around that place is vectorized;
 * 6. the region is known: the block's stores are at its axes. (Ordered axes of a scan, and axes across which its steps read,
 *    are computed in full.)
 *
 * Dies: the block's own loops. Born: its new loops. The block survives.
 */
export function computeAt(f: Func, block: BlockId, loop: Var): Outcome {
  const p = findBlock(f, block);
  const l = findLoop(f, loop);
  const b = p.node;
  const legal: Complaint["legal"] = (primitives) => placesFor(primitives, f, block);
  const bad = (c: Omit<Complaint, "primitive">): never => refuse(f, { primitive: NAME, legal, ...c });
  const written = io(b).writes;
  for (const x of written) {
    const other = writersOf(f, x).find((w) => w.node !== b);
    if (other)
      bad({
        condition: 1,
        code: "writers",
        message: `${x.name}, which block ${block.name} writes, is written by ${other.node.id.name} too`,
        marks: [block, other.node.id],
        legal: ["computeAt before decomposeReduction"],
      });
    if (f.outputs.includes(x))
      bad({
        condition: 2,
        code: "output",
        message: `${x.name}, which block ${block.name} writes, is an output of the function`,
        marks: [block],
        legal: (primitives) => placesAfter(primitives, f, block),
      });
  }
  const consumers = [...written].flatMap((x) => readersOf(f, x)).filter((c) => c.node !== b);
  if (consumers.length === 0)
    bad({ condition: 1, code: "unread", message: `nobody reads what ${block.name} computes`, marks: [block] });
  const outside = consumers.find((c) => !c.loops.includes(l.node));
  if (outside)
    bad({
      condition: 3,
      code: "consumers",
      message: `${outside.node.id.name}, which reads what ${block.name} computes, is not inside loop ${loop.name}`,
      marks: [loop, outside.node.id],
    });
  const late = consumers.find((c) => reductionNest(c).includes(l.node) && initReads(c.node, written));
  if (late)
    bad({
      condition: 3,
      code: "init",
      message: `the init of ${late.node.id.name} reads what ${block.name} computes, and stands before loop ${loop.name}, which carries its reduction`,
      marks: [loop, late.node.id],
    });
  const lanes = [...l.loops, l.node].find((x) => x.loop === "vectorized");
  if (lanes)
    bad({
      condition: 5,
      code: "vectorized",
      message: `loop ${lanes.var.name} is vectorized; move ${block.name} there before that`,
      marks: [lanes.var],
    });

  const facts = factsInside(l);
  const region = requiredAxes(b, consumers, l, facts);
  if (region === undefined)
    return bad({
      condition: 6,
      code: "region",
      message: `block ${block.name} does not store at its axes, so the region to compute is not known`,
      marks: [block],
    });
  const followed = followedAxes(b, consumers, l);
  const { nest, loops, partial } = regenerate(b, region, facts, tailOf(consumers, l), followed);
  const keeps = b.storeAt === "root" || [...l.loops, l.node].some((x) => x.var === b.storeAt);
  const storeAt = keeps ? b.storeAt : undefined;
  const finished = withStore(nest, storeAt, partial);
  const into = (body: Stmt): Stmt => {
    const list = body.kind === "seq" ? body.body : [body];
    const at = list.findIndex((s) => blocksIn(s).some((x) => consumers.some((c) => c.node === x)));
    return seq([...list.slice(0, at), finished, ...list.slice(at)]);
  };
  // the block may stand inside the loop already
  const without = (s: Stmt): Stmt => rewrite(s, (x) => (x === b ? NOTHING : x));
  const body = rewrite(f.body, (s) =>
    s === l.node ? { ...l.node, body: into(without(l.node.body)) } : s === b ? NOTHING : s,
  );
  const func = tidy({ ...f, body });
  const tree = treeOf(func);
  const here = tree.blocks.get(block)!;
  const problem = readProblem(tree.blocks.values(), here);
  if (problem)
    bad({
      condition: 4,
      code: "reads",
      message: `${problem.why}: ${dependence(problem.writer, here, problem.buffer)}`,
      marks: [block, loop, problem.writer.node.id],
    });
  const died = new Map(deadWith(f, func, block, []));
  died.delete(block);
  return { func, born: named(loops), died };
}

const initReads = (b: Block, buffers: ReadonlySet<Buffer>): boolean =>
  b.init !== undefined && [...buffersIn(b.init).reads].some((x) => buffers.has(x));

/** The tail policy of the loops inside `l` around some blocks, if one is not the default. */
export const tailOf = (blocks: readonly Place<Block>[], l: Place<For>): Tail | undefined =>
  blocks.flatMap((c) => c.loops.slice(l.loops.length + 1)).find((x) => x.tail !== undefined && x.tail !== "guard")
    ?.tail;

/** What consumers read, per axis of the block; whole axes where nothing better is known. */
function requiredAxes(b: Block, consumers: readonly Place<Block>[], l: Place<For>, facts: Facts): Range[] | undefined {
  const whole = b.iters.map((it) => ({ min: int(0), extent: it.extent }));
  const own = io(b).writes;
  const places = new Map([...own].map((x) => [x, storedAt(b, x)]));
  const axes = b.iters.filter((it) => it.kind === "spatial" && [...places.values()].every((p) => p?.includes(it.var)));
  if ([...places.values()].includes(undefined)) return undefined;
  const depth = l.loops.length + 1;
  let region: Range[] | undefined;
  for (const c of consumers) {
    const bind = bindingsOf(c.node);
    for (const r of readsOf(c.node, (x) => own.has(x)).map((x) => bound(x, bind))) {
      const ranges = new Map<Var, Range>(c.loops.slice(depth).map((x) => [x.var, { min: x.min, extent: x.extent }]));
      for (const [v, range] of r.inner) ranges.set(v, range);
      const box = smallest(r.index, ranges, c, r.guards, facts, r.buffer.shape);
      const one = axes.map((it) => box[places.get(r.buffer)!.indexOf(it.var)]!);
      region = region === undefined ? one : unionRanges(region, one, facts);
    }
  }
  if (region === undefined) return undefined;
  const full = selfReadAxes(b);
  return b.iters.map((it, i) => {
    const at = axes.indexOf(it);
    return at < 0 || full.has(it.var) ? whole[i]! : region![at]!;
  });
}
/** Axes along which what consumers read moves with the loops around the place, even where these run once. */
function followedAxes(b: Block, consumers: readonly Place<Block>[], l: Place<For>): Set<BlockIter> {
  const around = new Set([...l.loops, l.node].map((x) => x.var));
  const moving = consumers.flatMap((c) => {
    const bind = bindingsOf(c.node);
    const reads = readsOf(c.node, (x) => io(b).writes.has(x)).map((x) => bound(x, bind));
    return reads.flatMap((r) =>
      (storedAt(b, r.buffer) ?? []).filter((_, d) => usesVar(r.index[d]!, (v) => around.has(v))),
    );
  });
  return new Set(b.iters.filter((it) => moving.includes(it.var)));
}
/** The region of one read: without the consumer's conditions where that gives constants, else with them. */
function smallest(
  at: readonly Expr[],
  ranges: ReadonlyMap<Var, Range>,
  c: Place<Block>,
  guards: readonly Expr[],
  facts: Facts,
  shape: readonly Expr[],
): Range[] {
  const plain = unclipped(at, ranges, facts, shape);
  if (guards.length === 0 && plain?.every((r) => constInt(r.extent) !== undefined)) return plain;
  const inner = guards.reduce((x, g) => x.withCondition(g), factsAt(c));
  return coverRegion(at, ranges, inner, shape);
}
function unclipped(
  at: readonly Expr[],
  ranges: ReadonlyMap<Var, Range>,
  facts: Facts,
  shape: readonly Expr[],
): Range[] | undefined {
  try {
    return coverRegion(at, ranges, facts).map((r, d) => {
      const [n, whole] = [constInt(r.extent), constInt(shape[d]!)];
      return n !== undefined && whole !== undefined && n >= whole ? { min: int(0), extent: shape[d]! } : r;
    });
  } catch {
    return undefined; // an index without bounds
  }
}

/**
 * A nest that computes a block for a region of its axes; `tail` is for loops that may run beyond the end of an axis. An axis of one
 * element keeps its loop, as longer ones do, unless it is among the `followed`, for which a loop around stands.
 */
export function regenerate(
  b: Block,
  region: readonly Range[],
  facts: Facts,
  tail?: Tail,
  followed: ReadonlySet<BlockIter> = new Set(),
): { nest: { loops: readonly For[]; block: Block }; loops: Var[]; partial: boolean } {
  const loops: For[] = [];
  let known = facts;
  let partial = false;
  const iters = b.iters.map((it, i): BlockIter => {
    const r = region[i]!;
    const full = isConst(r.min, 0) && r.extent === it.extent;
    if (!full && !(isConst(r.min, 0) && prove(ge(r.extent, it.extent), facts))) partial = true;
    const extent = simplifyIndex(r.extent, facts);
    if (isConst(extent, 1) && (!full || followed.has(it))) return { ...it, binding: r.min };
    const v = variable(axisName(it.var));
    known = known.withVar(v, int(0), extent);
    const cut = tail !== undefined && !prove(lt(add(r.min, v), it.extent), known);
    loops.push({ kind: "for", var: v, min: int(0), extent, loop: "serial", body: NOTHING, ...(cut ? { tail } : {}) });
    return { ...it, binding: add(r.min, v) };
  });
  let predicate: Expr = TRUE;
  for (const it of iters) {
    if (it.kind === "reduction") continue;
    const c = simplifyIndex(and(ge(it.binding, int(0)), lt(it.binding, it.extent)), known);
    if (c !== TRUE) predicate = predicate === TRUE ? c : and(predicate, c);
  }
  return { nest: { loops, block: { ...b, iters, predicate } }, loops: loops.map((x) => x.var), partial };
}
export const assemble = (nest: { loops: readonly For[]; block: Block }): Stmt =>
  nest.loops.reduceRight<Stmt>((s, l) => ({ ...l, body: s }), nest.block);

function withStore(nest: { loops: readonly For[]; block: Block }, storeAt: Block["storeAt"], partial: boolean): Stmt {
  const { storeAt: _, ...rest } = note(nest.block, { [PARTIAL]: partial, [REVISITS]: true });
  return assemble({ loops: nest.loops, block: { ...rest, ...(storeAt ? { storeAt } : {}) } });
}
