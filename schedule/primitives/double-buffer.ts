import { constBounds, coverRegion, foldDimension, linear, simplifyIndex } from "../../src/arith/index.ts";
import {
  and,
  type Block,
  type BlockId,
  type BlockIter,
  type Buffer,
  constInt,
  type Expr,
  type For,
  type Func,
  floordiv,
  int,
  layoutOf,
  load,
  lt,
  mapExpr,
  mapStmt,
  mul,
  type Stmt,
  sub,
  TRUE,
  usesVar,
  type Var,
  variable,
  withLayout,
} from "../../src/ir/index.ts";
import { note, PARTIAL, storedAt } from "../analysis.ts";
import { type Complaint, refuse } from "../error.ts";
import type { Outcome } from "../outcome.ts";
import { factsAt, flowOf } from "../regions.ts";
import { factsAround, factsIn, io, mapBlocks, type Place, rewrite, tidy } from "../tree.ts";
import { findBlock, findLoop } from "./find.ts";
import { aheadProblem, consumersOf, keepFlows, keptOutside, lostRead, needs, placesAhead, skew } from "./skew.ts";

const NAME = "doubleBuffer";

/**
 * Runs a block one iteration of a loop ahead of those that read it, with two copies of its buffer that are written in turn: while
 * one is read, the next is made. The buffer gets a leading dimension, the number of the iteration, of which two are kept; the block
 * gets an axis for it. Blocks in the loop that this one needs run ahead with it.
 *
 *     s.doubleBuffer(copy, ko)      // a tile of A for iteration ko + 1 is copied before iteration ko multiplies
 *
 * Without a loop: the innermost one around the block and all who read it.
 *
 * Conditions:
 * 1. the block is the only one that writes its buffers (not decomposed), they are no outputs, it is no scan, and somebody reads it;
 * 2. the loop is around the block and all who read what it writes;
 * 3. the loop is serial, no vectorized loop is around it, no bound inside depends on it, and where it carries a reduction it is
 *    never empty;
 * 4. what is written in one iteration is read in that one only;
 * 5. the axes of each block that reads it tell the iteration: one of them is a multiple of the loop, plus less than that multiple;
 * 6. the buffers are stored outside of the loop (where storeAt says, if it was said), and no loop that shares them is parallel;
 * 7. the buffers have no padding;
 * 8. all that is read inside the loop is found as before.
 *
 * All handles survive. The loop gets one more iteration.
 */
export function doubleBuffer(f: Func, block: BlockId, loop?: Var): Outcome {
  const p = findBlock(f, block);
  const b = p.node;
  const legal = (): string[] => placesAhead(f, NAME, block, loop, doubleBuffer);
  const bad = (c: Omit<Complaint, "primitive">): never => refuse(f, { primitive: NAME, legal, ...c });
  const consumers = consumersOf(f, b);
  const inner = p.loops.findLast((x) => consumers.every((c) => c.loops.includes(x)));
  const chosen = loop ?? inner?.var;
  if (chosen === undefined)
    return bad({
      condition: 2,
      code: "no-loop",
      message: `no loop is around block ${block.name} and all who read what it writes`,
      marks: [block, ...consumers.map((c) => c.node.id)],
    });
  const l = findLoop(f, chosen);
  const site = aheadProblem(f, p, l);
  if (site) bad(site);
  for (const x of io(b).writes) {
    const late = consumers.find((c) => io(c.node).reads.has(x) && flowOf(p, c, x).carried);
    if (late)
      bad({
        condition: 4,
        code: "carried",
        message: `${late.node.id.name} reads what ${block.name} wrote in earlier iterations`,
        marks: [chosen, block, late.node.id],
      });
  }
  const at = new Map<BlockId, Expr>();
  for (const c of consumers) {
    const iteration = iterationOf(c, chosen);
    if (iteration === undefined)
      return bad({
        condition: 5,
        code: "iteration",
        message: `the axes of ${c.node.id.name} don't tell in which iteration of loop ${chosen.name} it runs`,
        marks: [chosen, c.node.id],
      });
    at.set(c.node.id, iteration);
  }
  const kept = keptOutside(p, l);
  if ("code" in kept) return bad(kept);
  const extent = l.node.extent;
  const buffers = new Map<Buffer, Buffer>();
  for (const x of io(b).writes) {
    const two = x.layout?.pad ? undefined : foldDimension(tiles(p, l, numbered(x, chosen, extent), x), 0, int(2));
    if (two === undefined)
      return bad({
        condition: 7,
        code: "layout",
        message: `${x.name} is padded already`,
        marks: [block],
        legal: [`doubleBuffer(${block.name}, ...) before its layout is changed`],
      });
    buffers.set(x, two);
  }

  const number = variable(`v${chosen.name}`);
  const axis: BlockIter = { var: number, extent, kind: "spatial", binding: chosen };
  const moved: Block = {
    ...note(withIteration(b, buffers, number), { [PARTIAL]: true }),
    iters: [axis, ...b.iters],
    storeAt: kept.at,
  };
  const ahead = needs(l.node, b);
  const ends = lt(chosen, extent);
  const made = rewrite(skew(l, 1, ahead), (s) => {
    if (s.kind !== "block" || !ahead.has(s)) return s;
    const x = s === b ? moved : s;
    return { ...x, predicate: x.predicate === TRUE ? ends : and(ends, x.predicate) };
  });
  const body = mapBlocks(
    rewrite(f.body, (s) => (s === l.node ? made : s)),
    (x) => (at.has(x.id) ? withIteration(x, buffers, at.get(x.id)!) : x),
  );
  const func = tidy({ ...f, body, intermediates: f.intermediates.map((x) => buffers.get(x) ?? x) });
  keepFlows(f, func, l.node, ahead);
  const lost = lostRead(func, chosen);
  if (lost) bad(lost);
  return { func, replaced: buffers };
}

/** The buffer with one more dimension in front. */
function numbered(x: Buffer, loop: Var, extent: Expr): Buffer {
  const l = layoutOf(x);
  const [v, cell] = [variable(loop.name), variable(loop.name)];
  const { strides: _, ...rest } = x;
  return withLayout(
    { ...rest, shape: [extent, ...x.shape] },
    {
      ...l,
      vars: [v, ...l.vars],
      index: [v, ...l.index],
      shape: [extent, ...l.shape],
      cells: [cell, ...l.cells],
      inverse: [cell, ...l.inverse],
      ...(l.align ? { align: l.align.map((a) => ({ ...a, dim: a.dim + 1 })) } : {}),
    },
  );
}

/** Of dimensions along which the block moves with the loop, only as much is kept as one iteration writes. */
function tiles(p: Place<Block>, l: Place<For>, numbered: Buffer, x: Buffer): Buffer {
  const facts = factsIn([l.node], factsAround(l));
  const inner = p.loops.slice(l.loops.length + 1);
  const ranges = new Map(inner.map((y) => [y.var, { min: y.min, extent: y.extent }]));
  return (storedAt(p.node, x) ?? []).reduce<Buffer>((made, axis, d) => {
    const it = p.node.iters.find((y) => y.var === axis);
    if (!it || !usesVar(it.binding, (v) => v === l.node.var)) return made;
    const [range] = coverRegion([it.binding], ranges, facts, [it.extent]);
    return (constInt(range!.extent) && foldDimension(made, d + 1, range!.extent)) || made;
  }, numbered);
}

/** A block with accesses to the numbered buffers, at an iteration given in terms of its axes. */
function withIteration(b: Block, buffers: ReadonlyMap<Buffer, Buffer>, at: Expr): Block {
  const memo = new Map<Expr, Expr>();
  const fe = (e: Expr): Expr =>
    mapExpr(
      e,
      (x) => {
        const to = x.kind === "load" ? buffers.get(x.buffer) : undefined;
        return to && x.kind === "load" ? load(to, [at, ...x.index]) : x;
      },
      memo,
    );
  const fs = (s: Stmt): Stmt => {
    const to = s.kind === "store" ? buffers.get(s.buffer) : undefined;
    return to && s.kind === "store" ? { ...s, buffer: to, index: [at, ...s.index] } : s;
  };
  return { ...b, ...(b.init ? { init: mapStmt(b.init, fs, fe) } : {}), body: mapStmt(b.body, fs, fe) };
}

/** The iteration of a loop in terms of a block's axes. */
function iterationOf(c: Place<Block>, loop: Var): Expr | undefined {
  const facts = factsAt(c);
  for (const it of c.node.iters) {
    const step = linear(it.binding, facts).terms.find((t) => t.atom === loop)?.coefficient ?? 0;
    const rest = simplifyIndex(sub(it.binding, mul(loop, int(step))), facts);
    if (step < 1 || usesVar(rest, (v) => v === loop)) continue;
    const { min, max } = constBounds(rest, facts);
    if (Number.isSafeInteger(min) && max - min < step) return simplifyIndex(floordiv(sub(it.var, int(min)), int(step)));
  }
  return undefined;
}
