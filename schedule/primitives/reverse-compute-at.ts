import { linear, simplifyIndex } from "../../src/arith/index.ts";
import {
  and,
  type Block,
  type BlockId,
  type Expr,
  type Func,
  int,
  NOTHING,
  type Stmt,
  seq,
  sub,
  substitute,
  type Var,
} from "../../src/ir/index.ts";
import { feeding, has, isUpdate, note, PARTIAL, REVISITS, readsOf, storesOf, visitsOnce } from "../analysis.ts";
import { type Complaint, refuse } from "../error.ts";
import { named, type Outcome } from "../outcome.ts";
import { coversDomain, flowProblem, readProblem, type Values, writtenBy } from "../regions.ts";
import { blocksIn, factsIn, io, type Place, readersOf, rewrite, tidy, treeOf } from "../tree.ts";
import { assemble, regenerate, tailOf } from "./compute-at.ts";
import { findBlock, findLoop, listNames } from "./find.ts";
import { deadWith } from "./inline.ts";

const NAME = "reverseComputeAt";
/**
 * Computes a block inside a loop of its producers, as soon as they have produced what it reads: in each iteration the
 * elements that depend on what was written in it, after the last producer. Its loops are made anew, named after its axes.
 *
 *     reverseComputeAt(relu, io)
 *
 * Conditions:
 * 1. a block that computes what this one reads is inside the loop, and this one stands after the loop;
 * 2. every loop that carries a reduction of those producers is inside the loop (a scan's steps are complete one by one);
 * 3. no loop at or around that place is vectorized;
 * 4. the block is no scan, and the only one that writes its buffers;
 * 5. its axes are known from what the producers write: it reads at axis + constant, and the producers' region is exact;
 * 6. what it reads was computed by then;
 * 7. over all iterations it computes all of its elements;
 * 8. whoever reads it does so later, and finds what it needs.
 *
 * Dies: the block's own loops. Born: its new loops. The block survives.
 */
export function reverseComputeAt(f: Func, block: BlockId, loop: Var): Outcome {
  const p = findBlock(f, block);
  const l = findLoop(f, loop);
  const b = p.node;
  const bad = (c: Omit<Complaint, "primitive">): never => refuse(f, { primitive: NAME, ...c });
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
      legal: feeds.flatMap((w) => w.loops.map((x) => x.var.name)),
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
    if (outer) {
      const at = w.loops.findIndex((x) => carried.has(x.var));
      bad({
        condition: 2,
        code: "carried",
        message: `loop ${outer.var.name} carries the computation of ${w.node.id.name}, which is not finished inside it`,
        marks: [outer.var, w.node.id],
        legal: w.loops.slice(0, at).map((x) => `reverseComputeAt(${block.name}, ${x.var.name})`),
      });
    }
  }
  const lanes = [...l.loops, l.node].find((x) => x.loop === "vectorized");
  if (lanes)
    bad({
      condition: 3,
      code: "vectorized",
      message: `loop ${lanes.var.name} is vectorized; move ${block.name} there before that`,
      marks: [lanes.var],
    });
  const other = all.find((w) => w.node !== b && [...io(w.node).writes].some((x) => own.writes.has(x)));
  if (has(b, "ordered") || (isUpdate(b) && !b.init) || other)
    bad({
      condition: 4,
      code: "kind",
      message: other
        ? `${other.node.id.name} writes what ${block.name} writes too`
        : `block ${block.name} is a scan or a decomposed reduction`,
      marks: [block],
    });

  const around = [...l.loops, l.node];
  const facts = factsIn(around);
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
  if (moved.storeAt && !around.some((x) => x.var === moved.storeAt)) {
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
  if (reads) bad({ condition: 6, code: "reads", message: reads.why, marks: [block, loop, reads.writer.node.id] });
  const total = writtenBy(here.node, here.loops, factsIn([]));
  if (!total || !coversDomain(here.node, total, factsIn([])))
    bad({
      condition: 7,
      code: "cover",
      message: `can't prove that all elements of ${block.name} are computed inside ${listNames(around.map((x) => x.var))}`,
      marks: [block, loop],
    });
  func = place({ [PARTIAL]: false, [REVISITS]: !visitsOnce(here.node, here.loops, factsIn([])) });
  here = treeOf(func).blocks.get(block)!;
  for (const x of own.writes)
    for (const r of readersOf(func, x)) {
      const why = flowProblem(here, r, x);
      if (why) bad({ condition: 8, code: "consumers", message: why, marks: [block, loop, r.node.id] });
    }
  const died = new Map(deadWith(f, func, block, []));
  died.delete(block);
  return { func, born: named(loops), died };
}

/** The values of each axis for which one iteration's writes are what the block reads; undefined entries: not determined. */
function solveAxes(
  b: Block,
  producers: readonly Place<Block>[],
  depth: number,
): { axes: (Values | undefined)[]; outer: Expr[] } | undefined {
  const axes: (Values | undefined)[] = b.iters.map(() => undefined);
  const outer: Expr[] = [];
  for (const w of producers) {
    const written = writtenBy(w.node, w.loops.slice(depth), factsIn(w.loops.slice(0, depth)));
    if (written === undefined) return undefined;
    outer.push(...written.outer);
    for (const s of storesOf(w.node))
      for (const r of readsOf(b, (x) => x === s.buffer))
        for (const [d, e] of r.index.entries()) {
          const form = linear(e);
          const i = b.iters.findIndex((it) => form.terms.length === 1 && it.var === form.terms[0]!.atom);
          const v = w.node.iters.findIndex((it) => it.var === s.index[d]);
          if (v < 0) return undefined;
          if (i < 0 || form.terms[0]!.coefficient !== 1 || b.iters[i]!.kind !== "spatial" || axes[i]) continue;
          const from = written.axes[v]!;
          const shift = int(form.constant);
          axes[i] = {
            min: simplifyIndex(sub(from.min, shift)),
            extent: from.extent,
            conditions: from.conditions.map((c) => (x: Expr) => c(substitute(e, new Map([[b.iters[i]!.var, x]])))),
          };
        }
  }
  return { axes, outer };
}
