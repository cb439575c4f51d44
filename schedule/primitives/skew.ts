/** Running some blocks of a loop ahead of the others: what the primitives that let a loop carry values have in common. */
import { prove, simplifyIndex } from "../../src/arith/index.ts";
import {
  add,
  and,
  type Block,
  type BlockId,
  type Expr,
  type For,
  type Func,
  ge,
  int,
  lt,
  rebuildStmt,
  type Stmt,
  sub,
  substitute,
  TRUE,
  usesVar,
  type Var,
  visitStmt,
} from "../../src/ir/index.ts";
import { feeding, has, selfReadAxes } from "../analysis.ts";
import type { Complaint } from "../error.ts";
import { accepted, atLoops, dependence, loopsAround, loopText, onBlocks } from "../hints.ts";
import type { Outcome } from "../outcome.ts";
import { readProblem, sameFlow } from "../regions.ts";
import { blocksIn, factsAround, factsIn, io, type Place, readersOf, treeOf, writersOf } from "../tree.ts";
import { computeAt } from "./compute-at.ts";
import { findBlock, findLoop } from "./find.ts";

type Problem = Omit<Complaint, "primitive">;
type Step = (f: Func, block: BlockId, loop: Var) => Outcome;

/** Where else a step would be accepted: for the block at other loops, after moving it, or for other blocks at the loop. */
export function placesAhead(f: Func, name: string, block: BlockId, loop: Var | undefined, step: Step): string[] {
  const here = atLoops(f, name, block, loopsAround(f, block), (v) => step(f, block, v));
  const consumers = consumersOf(f, findBlock(f, block).node);
  // inside of the loop little is left that moves
  const deepest = loop ? findLoop(f, loop).loops.length : Infinity;
  const common = consumers[0]?.loops.filter((l) => consumers.every((c) => c.loops.includes(l))) ?? [];
  const around = common.filter((_, i) => i <= deepest);
  const moved = accepted(
    around.map((l) => l.var),
    (v) => step(computeAt(f, block, v).func, block, v),
  ).map((v) => `computeAt(${block.name}, ${loopText(f, v)}) and ${name} there`);
  const others = loop ? blocksIn(findLoop(f, loop).node).map((b) => b.id) : [];
  const instead = onBlocks(
    name,
    others.filter((b) => b !== block),
    (b) => step(f, b, loop!),
    `, ${loop?.name}`,
  );
  return [...here, ...(here.length > 0 ? [] : moved), ...instead];
}

/** Why a block can't be computed for several iterations of a loop at once. The conditions are the first three of each primitive. */
export function aheadProblem(f: Func, p: Place<Block>, l: Place<For>): Problem | undefined {
  const [b, block, loop] = [p.node, p.node.id, l.node.var];
  for (const x of io(b).writes) {
    const other = writersOf(f, x).find((w) => w.node !== b);
    if (other)
      return {
        condition: 1,
        code: "writers",
        message: `${x.name}, which block ${block.name} writes, is written by ${other.node.id.name} too`,
        marks: [block, other.node.id],
        legal: ["the same before decomposeReduction"],
      };
    if (f.outputs.includes(x))
      return {
        condition: 1,
        code: "output",
        message: `${x.name}, which block ${block.name} writes, is an output of the function: it is kept whole`,
        marks: [block],
      };
  }
  if (has(b, "ordered") || selfReadAxes(b).size > 0)
    return {
      condition: 1,
      code: "scan",
      message: `block ${block.name} is a scan: its steps read each other`,
      marks: [block],
    };
  const consumers = consumersOf(f, b);
  if (consumers.length === 0)
    return { condition: 1, code: "unread", message: `nobody reads what ${block.name} computes`, marks: [block] };
  if (!p.loops.includes(l.node))
    return {
      condition: 2,
      code: "not-around",
      message: `loop ${loop.name} is not around block ${block.name}`,
      marks: [loop, block],
    };
  const outside = consumers.find((c) => !c.loops.includes(l.node));
  if (outside)
    return {
      condition: 2,
      code: "consumers",
      message: `${outside.node.id.name}, which reads what ${block.name} computes, is not inside loop ${loop.name}`,
      marks: [loop, outside.node.id],
    };
  return loopProblem(l);
}
export const consumersOf = (f: Func, b: Block): Place<Block>[] =>
  [...new Set([...io(b).writes].flatMap((x) => readersOf(f, x)))].filter((c) => c.node !== b);

function loopProblem(l: Place<For>): Problem | undefined {
  const loop = l.node.var;
  const kind = [...l.loops, l.node].find((x) => x.loop === "vectorized" || x.loop === "tensorized");
  const bad = kind ?? (l.node.loop === "serial" ? undefined : l.node);
  if (bad)
    return {
      condition: 3,
      code: "kind",
      message: `loop ${bad.var.name} is ${bad.loop}: its iterations don't run one after the other`,
      marks: [bad.var],
    };
  let problem: Problem | undefined;
  visitStmt(l.node.body, (s) => {
    const bound = s.kind === "for" ? s.extent : s.kind === "if" ? s.condition : undefined;
    if (bound && usesVar(bound, (v) => v === loop))
      problem ??= {
        condition: 3,
        code: "bounds",
        message:
          s.kind === "for"
            ? `the extent of loop ${s.var.name} depends on loop ${loop.name}`
            : `a branch inside loop ${loop.name} depends on it`,
        marks: s.kind === "for" ? [loop, s.var] : [loop],
      };
    return s.kind !== "block";
  });
  const empty = !prove(ge(l.node.extent, int(1)), factsAround(l));
  const carried = blocksIn(l.node).find((b) => empty && feeding(b, "reduction").has(loop));
  if (carried)
    problem ??= {
      condition: 3,
      code: "empty",
      message: `loop ${loop.name} carries the reduction of ${carried.id.name} and may be empty`,
      marks: [loop, carried.id],
    };
  return problem;
}

/** Blocks in a loop that a block needs, and that they need in turn; itself among them. */
export function needs(l: For, b: Block): Set<Block> {
  const all = blocksIn(l);
  const out = new Set([b]);
  for (const x of out) for (const w of all) if ([...io(w).writes].some((y) => io(x).reads.has(y))) out.add(w);
  return out;
}

/** Where memory is that outlives a loop, unless the block says so itself: in the body of the loop outside of it. */
export function keptOutside(p: Place<Block>, l: Place<For>): { at: Var | "root" } | Problem {
  const own = p.node.storeAt;
  const at = own ?? l.loops.at(-1)?.var ?? "root";
  const i = at === "root" ? -1 : l.loops.findIndex((x) => x.var === at);
  if (at !== "root" && i < 0)
    return {
      condition: 6,
      code: "stored",
      message: `${p.node.id.name} is stored at ${at.name}, which is not outside of loop ${l.node.var.name}`,
      marks: [at, l.node.var, p.node.id],
      legal: [`storeAt(${p.node.id.name}, ${l.loops.at(-1)?.var.name ?? '"root"'}) first`],
    };
  const race = l.loops.slice(i + 1).find((x) => x.loop !== "serial" && x.loop !== "unrolled");
  if (race)
    return {
      condition: 6,
      code: "shared",
      message: `loop ${race.var.name} is ${race.loop}: its iterations can't share what ${p.node.id.name} writes`,
      marks: [race.var, p.node.id],
      legal: [`storeAt(${p.node.id.name}, ${l.loops.at(-1)!.var.name}) first`],
    };
  return { at };
}

/** Limits a block to points that exist, as far as its predicate and `facts` don't say so. */
export function clipped(b: Block, facts: Facts): Block {
  let { predicate } = b;
  let known = facts.withCondition(predicate);
  for (const it of b.iters) {
    if (it.kind === "reduction") continue;
    const c = simplifyIndex(and(ge(it.binding, int(0)), lt(it.binding, it.extent)), known);
    if (c === TRUE) continue;
    predicate = predicate === TRUE ? c : and(predicate, c);
    known = known.withCondition(c);
  }
  return predicate === b.predicate ? b : { ...b, predicate };
}
type Facts = ReturnType<typeof factsAround>;

/** Runs the loop `lag` iterations longer: the blocks in `ahead` as they are, the others that much later. */
export function skew(l: Place<For>, lag: number, ahead: ReadonlySet<Block>): For {
  if (lag === 0) return l.node;
  const loop = l.node.var;
  const extent = simplifyIndex(add(l.node.extent, int(lag)), factsAround(l));
  const earlier = new Map<Var, Expr>([[loop, sub(loop, int(lag))]]);
  const late = (b: Block, inner: readonly For[]): Block => {
    const facts = factsIn(inner, factsAround(l).withVar(loop, int(0), extent));
    const predicate = substitute(b.predicate, earlier);
    const begun = ge(loop, int(lag));
    const implied = prove(begun, facts.withCondition(predicate));
    return {
      ...b,
      iters: b.iters.map((it) => ({ ...it, binding: substitute(it.binding, earlier) })),
      predicate: implied ? predicate : predicate === TRUE ? begun : and(begun, predicate),
    };
  };
  const go = (s: Stmt, inner: readonly For[]): Stmt => {
    if (s.kind === "block") return ahead.has(s) ? s : late(s, inner);
    return rebuildStmt(s, (x) => go(x, s.kind === "for" ? [...inner, s] : inner));
  };
  return { ...l.node, extent, body: go(l.node.body, []) };
}

/** What late blocks read of each other is as it was: they are late together. */
export function keepFlows(f: Func, func: Func, l: For, ahead: ReadonlySet<Block>): void {
  const [before, after] = [treeOf(f), treeOf(func)];
  const late = blocksIn(l).filter((b) => !ahead.has(b));
  for (const w of late)
    for (const r of late)
      for (const b of w === r ? [] : io(w).writes)
        if (io(r).reads.has(b) && io(after.blocks.get(w.id)!.node).writes.has(b))
          sameFlow(
            [before.blocks.get(w.id)!, before.blocks.get(r.id)!, b],
            [after.blocks.get(w.id)!, after.blocks.get(r.id)!, b],
          );
}

/** The first read that is no longer found, by or of a block in a loop. */
export function lostRead(f: Func, loop: Var): Problem | undefined {
  const tree = treeOf(f);
  const inside = new Set(blocksIn(tree.loops.get(loop)!.node));
  const written = new Set([...inside].flatMap((b) => [...io(b).writes]));
  for (const reader of tree.blocks.values()) {
    if (!inside.has(reader.node) && ![...io(reader.node).reads].some((b) => written.has(b))) continue;
    const problem = readProblem(tree.blocks.values(), reader);
    if (problem)
      return {
        condition: 8,
        code: "reads",
        message: `${problem.why}: ${dependence(problem.writer, reader, problem.buffer)}`,
        marks: [loop, problem.writer.node.id, reader.node.id],
      };
  }
  return undefined;
}
