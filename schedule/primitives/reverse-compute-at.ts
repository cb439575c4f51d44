import { type Facts, linear, prove, simplifyIndex, unionRanges } from "../../src/arith/index.ts";
import {
  and,
  type Block,
  type BlockId,
  type Expr,
  type For,
  type Func,
  int,
  NOTHING,
  type Stmt,
  seq,
  sub,
  substitute,
  type Var,
  variable,
} from "../../src/ir/index.ts";
import { feeding, has, isUpdate, note, PARTIAL, REVISITS, readsOf, storedAt, TWIN, visitsOnce } from "../analysis.ts";
import { within } from "../coverage.ts";
import { type Complaint, refuse } from "../error.ts";
import { dependence, placesAfter, placesFor } from "../hints.ts";
import { named, type Outcome } from "../outcome.ts";
import { coversDomain, flowProblem, readProblem, underBranches, type Values, writtenBy } from "../regions.ts";
import {
  blocksIn,
  exclusive,
  factsAround,
  factsIn,
  factsInside,
  io,
  type Place,
  readersOf,
  rewrite,
  shared,
  tidy,
  treeOf,
} from "../tree.ts";
import { assemble, regenerate, tailOf } from "./compute-at.ts";
import { findBlock, findLoop, listNames } from "./find.ts";
import { deadWith } from "./inline.ts";

const NAME = "reverseComputeAt";
/**
 * Computes a block inside a loop of its producers, as soon as they have produced what it reads: in each iteration the
 * elements that depend on what was written in it, after the last producer. Its loops are made anew, named after its axes.
 *
 *     s.reverseComputeAt(relu, io)
 *
 * Conditions:
 * 1. a block that computes what this one reads is inside the loop, and this one stands after the loop;
 * 2. every loop that carries a reduction of those producers is inside the loop (a scan's steps are complete one by one);
 * 3. no loop at or around that place is vectorized;
 * 4. the block is no scan, and the only one that writes its buffers, but for the other side of a branch;
 * 5. its axes are known from what the producers write: it reads at axis + constant, and the producers' region is exact;
 * 6. what it reads was computed by then;
 * 7. over all iterations it computes all of its elements, or those that it computed in each iteration of loops around both places;
 * 8. whoever reads it does so later, and finds what it needs.
 *
 * Dies: the block's own loops. Born: its new loops. The block survives.
 */
export function reverseComputeAt(f: Func, block: BlockId, loop: Var): Outcome {
  const p = findBlock(f, block);
  const l = findLoop(f, loop);
  const b = p.node;
  const legal: Complaint["legal"] = (primitives) => [
    ...placesAfter(primitives, f, block),
    ...placesFor(primitives, f, block),
  ];
  const bad = (c: Omit<Complaint, "primitive">): never => refuse(f, { primitive: NAME, legal, ...c });
  const all = [...treeOf(f).blocks.values()];
  const own = io(b);
  const feeds = all.filter((w) => w.node !== b && [...io(w.node).writes].some((x) => own.reads.has(x)));
  const producers = feeds.filter((w) => w.loops.includes(l.node));
  if (producers.length === 0)
    bad({
      condition: 1,
      code: "producers",
      message: `nothing that ${block.name} reads is computed inside loop ${loop.name}`,
      marks: [loop, block],
    });
  if (p.loops.includes(l.node) || p.order < l.order)
    bad({
      condition: 1,
      code: "order",
      message: `block ${block.name} does not stand after loop ${loop.name}`,
      marks: [loop, block],
    });
  for (const w of producers) {
    const carried = feeding(w.node, "reduction");
    const outer = [...l.loops, l.node].find((x) => carried.has(x.var));
    if (outer)
      bad({
        condition: 2,
        code: "carried",
        message: `loop ${outer.var.name} carries the reduction of ${w.node.id.name}, which ${block.name} reads: it is not finished inside`,
        marks: [outer.var, w.node.id],
      });
  }
  const lanes = [...l.loops, l.node].find((x) => x.loop === "vectorized");
  if (lanes)
    bad({
      condition: 3,
      code: "vectorized",
      message: `loop ${lanes.var.name} is vectorized; move ${block.name} there before that`,
      marks: [lanes.var],
    });
  const other = all.find(
    (w) => w.node !== b && !exclusive(w, p) && [...io(w.node).writes].some((x) => own.writes.has(x)),
  );
  if (has(b, "ordered") || (isUpdate(b) && !b.init) || other)
    bad({
      condition: 4,
      code: "kind",
      message: other
        ? `${other.node.id.name} writes ${[...own.writes].map((x) => x.name).join(", ")} too, which block ${block.name} writes`
        : `block ${block.name} is a scan or a decomposed reduction`,
      marks: [block],
    });

  const around = [...l.loops, l.node];
  const facts = factsInside(l);
  const region = solveAxes(b, producers, around.length);
  if (region === undefined)
    return bad({
      condition: 5,
      code: "region",
      message: `can't tell which elements of ${block.name} depend on what one iteration of ${loop.name} writes`,
      marks: [block, loop],
    });
  const { nest, loops } = regenerate(
    b,
    region.axes.map((r, i) => r ?? { min: int(0), extent: b.iters[i]!.extent }),
    facts,
    tailOf(producers, l),
  );
  let predicate = nest.block.predicate;
  for (const c of region.outer) predicate = and(predicate, c);
  nest.block.iters.forEach((it, i) => {
    for (const c of region.axes[i]?.conditions ?? []) predicate = and(predicate, c(it.binding));
  });
  const inner = factsIn(nest.loops, facts);
  let moved: Block = { ...nest.block, predicate: simplifyIndex(predicate, inner) };
  if (moved.storeAt && moved.storeAt !== "root" && !around.some((x) => x.var === moved.storeAt)) {
    const { storeAt: _, ...rest } = moved;
    moved = rest;
  }
  // noted first, so that the proofs below are asked for
  moved = note(moved, { [PARTIAL]: true, [REVISITS]: true });
  const into = (body: Stmt): Stmt => {
    const list = body.kind === "seq" ? body.body : [body];
    const at = list.findLastIndex((s) => blocksIn(s).some((x) => producers.some((c) => c.node === x)));
    const made = assemble({ loops: nest.loops, block: moved });
    return seq([...list.slice(0, at + 1), made, ...list.slice(at + 1)]);
  };
  const place = (notes: Record<string, boolean>): Func => {
    moved = note(moved, notes);
    const body = rewrite(f.body, (s) =>
      s === l.node ? { ...l.node, body: into(l.node.body) } : s === b ? NOTHING : s,
    );
    return tidy({ ...f, body });
  };
  let func = place({});
  let here = treeOf(func).blocks.get(block)!;
  const reads = readProblem(treeOf(func).blocks.values(), here);
  if (reads)
    bad({
      condition: 6,
      code: "reads",
      message: `${reads.why}: ${dependence(reads.writer, here, reads.buffer)}`,
      marks: [block, loop, reads.writer.node.id],
    });
  const whole = computesAll(here, commonBranches(p, l));
  if (!whole && !computesAsMuch(p, here, l))
    bad({
      condition: 7,
      code: "cover",
      message: `can't prove that all elements of ${block.name} are computed inside ${listNames(around.map((x) => x.var))}`,
      marks: [block, loop],
    });
  const partial = !whole && b.annotations?.[PARTIAL] === true;
  func = place({ [PARTIAL]: partial, [REVISITS]: !visitsOnce(here.node, here.loops, factsIn([])) });
  here = treeOf(func).blocks.get(block)!;
  for (const x of own.writes)
    for (const r of readersOf(func, x)) {
      const why = flowProblem(here, r, x);
      if (why)
        bad({
          condition: 8,
          code: "consumers",
          message: `${why}: ${dependence(here, r, x)}`,
          marks: [block, loop, r.node.id],
        });
    }
  const died = new Map(deadWith(f, func, block, []));
  died.delete(block);
  return { func, born: named(loops), died };
}

/** How many of the branches around a loop are around a block, too. */
const commonBranches = (p: Place<Block>, l: Place<For>): number =>
  l.branches.filter((x, i) => p.branches[i]?.node === x.node && p.branches[i]?.then === x.then).length;

/** Whether a block computes every point of its axes where the outermost `branches` around it are taken. */
function computesAll(p: Place<Block>, branches: number): boolean {
  const taken = p.branches.slice(0, branches);
  // what depends on loops is not the same for all the iterations that are needed
  if (taken.some((x) => x.depth > 0)) return false;
  const facts = taken.reduce((f, x) => f.withCondition(x.condition), factsIn([]));
  const w = writtenBy(underBranches(p, branches), p.loops, facts);
  return w !== undefined && coversDomain(p.node, w, facts);
}
/** Whether a block computes, in each iteration of the loops around both places, what it computed in the old one. */
function computesAsMuch(old: Place<Block>, now: Place<Block>, l: Place<For>): boolean {
  const depth = shared(old, l).length;
  if (depth === 0) return false;
  const branches = commonBranches(old, l);
  const facts = factsAround(now, depth, (x) => now.branches.indexOf(x) < branches);
  const written = (p: Place<Block>) => writtenBy(underBranches(p, branches), p.loops.slice(depth), facts);
  const [before, after] = [written(old), written(now)];
  if (before === undefined || after === undefined) return false;
  let known = before.outer.reduce((f, c) => f.withCondition(c), facts);
  const point = now.node.iters.map((it, i) => {
    const x = variable("x");
    known = known.withVar(x, int(0), it.extent);
    for (const c of within(x, before.axes[i]!)) known = known.withCondition(c);
    return x;
  });
  const needed = [...after.outer, ...after.axes.flatMap((v, i) => within(point[i]!, v))];
  return needed.every((c) => prove(c, known));
}

/** The values of each axis for which one iteration's writes are what the block reads; undefined entries: not determined. */
function solveAxes(
  b: Block,
  producers: readonly Place<Block>[],
  depth: number,
): { axes: (Values | undefined)[]; outer: Expr[] } | undefined {
  const axes: (Values | undefined)[] = b.iters.map(() => undefined);
  const by = new Map<number, Place<Block>>();
  const outer: Expr[] = [];
  for (const w of producers) {
    const written = writtenBy(w.node, w.loops.slice(depth), factsAround(w, depth));
    if (written === undefined) return undefined;
    outer.push(...written.outer);
    for (const x of io(w.node).writes) {
      const reads = readsOf(b, (y) => y === x);
      const places = storedAt(w.node, x);
      if (reads.length > 0 && places === undefined) return undefined;
      for (const r of reads)
        for (const [d, e] of r.index.entries()) {
          const axis = places![d];
          const form = linear(e);
          const i = b.iters.findIndex((it) => form.terms.length === 1 && it.var === form.terms[0]!.atom);
          if (axis === undefined || i < 0 || form.terms[0]!.coefficient !== 1) continue;
          const known = axes[i] && by.get(i)!;
          if (b.iters[i]!.kind !== "spatial" || (known && !areTwins(known, w))) continue;
          const from = written.axes[w.node.iters.findIndex((it) => it.var === axis)]!;
          const shift = int(form.constant);
          const values: Values = {
            min: simplifyIndex(sub(from.min, shift)),
            extent: from.extent,
            conditions: from.conditions.map((c) => (y: Expr) => c(substitute(e, new Map([[b.iters[i]!.var, y]])))),
          };
          axes[i] = known && !exclusive(known, w) ? together(axes[i]!, values, factsAround(w, depth)) : values;
          by.set(i, w);
        }
    }
  }
  return { axes, outer };
}
const areTwins = (a: Place<Block>, b: Place<Block>): boolean =>
  a.node !== b.node &&
  a.node.annotations?.[TWIN] !== undefined &&
  a.node.annotations[TWIN] === b.node.annotations?.[TWIN];
/** What two parts of one range give together. */
function together(a: Values, b: Values, facts: Facts): Values {
  if (a.conditions.length > 0 || b.conditions.length > 0) return a;
  return { ...unionRanges([a], [b], facts)[0]!, conditions: [] };
}
