import { affine } from "../../src/arith/index.ts";
import type { Block, For, Func, Stmt, Var } from "../../src/ir/index.ts";
import { constInt, printExpr, usesVar } from "../../src/ir/index.ts";
import { feeding, has, reductionNest, roundsDifferently, selfReadLoops, visitsOnce } from "../analysis.ts";
import { type Complaint, refuse } from "../error.ts";
import { accepted, dependence, stepText } from "../hints.ts";
import type { Outcome } from "../outcome.ts";
import { readProblem } from "../regions.ts";
import { blocksIn, factsAround, replaceStmt, tidy, treeOf } from "../tree.ts";
import { findLoop, listNames } from "./find.ts";

const NAME = "reorder";
/**
 * Puts loops of one chain in the order given, outermost first. They trade places among themselves; other loops between
 * them stay where they are.
 *
 *     s.reorder(jo, io, k, ii, ji)
 *
 * Conditions:
 * 1. the loops are different;
 * 2. they stand in one chain: from the outermost to the innermost, each holds the next and nothing else;
 * 3. no loop's extent depends on a loop that would come to stand inside it;
 * 4. the steps of a scan stay in order: loops of its ordered axis keep their order among each other and among the loops of
 *    axes through which a step reads its predecessor elsewhere;
 * 5. where several blocks stand below, each reads only what was computed before, in the same iteration of the loops or, in memory
 *    that is kept, in an earlier one;
 * 6. no reduction is carried around loops for which its block is computed again;
 * 7. a reduction that still holds its init begins with the first of its points: where a loop feeds it through a fusion, loops
 *    that feed it keep their order.
 *
 * All handles survive. Marked `reassociates` where loops of one float reduction change their order.
 */
export function reorder(f: Func, loops: readonly Var[]): Outcome {
  const bad = (
    condition: number,
    code: string,
    message: string,
    marks: Complaint["marks"],
    legal: Complaint["legal"] = () => [nearest(f, loops)],
  ): never => refuse(f, { primitive: NAME, condition, code, message, marks, legal });
  if (new Set(loops).size < loops.length)
    bad(1, "loops", `a loop is given twice: ${listNames(loops)}`, loops, () => [
      `reorder(${listNames(new Set(loops))})`,
    ]);
  if (loops.length < 2) return { func: f };
  const places = loops.map((l) => findLoop(f, l)).sort((a, b) => a.order - b.order);
  const top = places[0]!.node;
  const bottom = places.at(-1)!.node;
  const chain: For[] = [];
  let at: Stmt = top;
  while (at.kind === "for") {
    chain.push(at);
    if (at === bottom) break;
    at = at.body;
  }
  const stray = places.find((p) => !chain.includes(p.node));
  if (stray) {
    const end = chain.at(-1)!;
    bad(
      2,
      "chain",
      `loop ${stray.node.var.name} is not in one chain with ${top.var.name}: ${endText(end)}`,
      [stray.node.var, end.var],
      () => chains(f, loops),
    );
  }
  const moving = new Set(loops);
  const queue = loops.map((l) => treeOf(f).loops.get(l)!.node);
  const order = chain.map((l) => (moving.has(l.var) ? queue.shift()! : l));
  if (order.every((l, i) => l === chain[i])) return { func: f };
  order.forEach((l, i) => {
    const late = order.slice(i + 1).find((x) => usesVar(l.extent, (v) => v === x.var));
    if (late)
      bad(3, "extent", `the extent of loop ${l.var.name} depends on loop ${late.var.name}, which would stand inside`, [
        l.var,
        late.var,
      ]);
  });
  const flipped: [Var, Var][] = [];
  for (let i = 0; i < order.length; i++)
    for (let j = i + 1; j < order.length; j++)
      if (chain.indexOf(order[i]!) > chain.indexOf(order[j]!)) flipped.push([order[i]!.var, order[j]!.var]);
  const below = blocksIn(bottom);
  let reassociates = false;
  for (const b of below) {
    scanOrder(f, b, flipped, bad);
    const red = feeding(b, "reduction");
    const turned = flipped.find(([x, y]) => red.has(x) && red.has(y));
    if (turned && b.init && !startsAtZero(b, red))
      bad(
        7,
        "init",
        `loops ${turned[1].name} and ${turned[0].name} were fused with others, so in another order ${b.id.name} would not begin ` +
          "where its init stands",
        [...turned, b.id],
        () => [nearest(f, loops), "decomposeReduction first"],
      );
    if (roundsDifferently(b) && flipped.some(([x, y]) => red.has(x) && red.has(y))) reassociates = true;
  }
  const nest = order.reduceRight<Stmt>((s, l) => ({ ...l, body: s }), bottom.body);
  const func = tidy(replaceStmt(f, top, nest));
  const all = treeOf(func);
  if (below.length > 1)
    for (const b of below) {
      const inside = below.map((x) => all.blocks.get(x.id)!);
      const problem = readProblem(inside, all.blocks.get(b.id)!);
      if (problem)
        bad(
          5,
          "dependence",
          `the loops hold several blocks that depend on each other: ${problem.why}: ${dependence(problem.writer, all.blocks.get(b.id)!, problem.buffer)}`,
          [...loops, b.id, problem.writer.node.id],
        );
    }
  for (const b of below) {
    const p = all.blocks.get(b.id)!;
    const inside = reductionNest(p);
    if (!visitsOnce(p.node, inside, factsAround(p, p.loops.length - inside.length)))
      bad(
        6,
        "revisits",
        `${b.id.name} is computed again for iterations of loops that would stand inside its reduction`,
        [...loops, b.id],
      );
  }
  return { func, ...(reassociates ? { reassociates } : {}) };
}

/** Whether the reduction's first point comes first in any order of its loops: plain sums of loops of its own. */
function startsAtZero(b: Block, red: ReadonlySet<Var>): boolean {
  return b.iters.every((it) => {
    const own = [...red].filter((v) => usesVar(it.binding, (x) => x === v));
    if (it.kind !== "reduction") return own.length === 0;
    const a = affine(it.binding, new Set(own));
    return a !== undefined && [...a.coefficients.values()].every((c) => (constInt(c) ?? -1) >= 0);
  });
}

function scanOrder(
  f: Func,
  b: Block,
  flipped: readonly [Var, Var][],
  bad: (condition: number, code: string, message: string, marks: readonly (Var | Block["id"])[]) => never,
): void {
  if (!has(b, "ordered")) return;
  const ordered = feeding(b, "ordered");
  const through = selfReadLoops(b);
  for (const [x, y] of flipped) {
    if (!ordered.has(x) && !ordered.has(y)) continue;
    const other = ordered.has(x) ? y : x;
    if (ordered.has(other) || through.has(other))
      bad(
        4,
        "scan",
        `loops ${y.name} and ${x.name} carry the steps of ${b.id.name}, whose order would change: ${stepText(f, b)}`,
        [x, y],
      );
  }
}

function endText({ var: v, body }: For): string {
  if (body.kind === "if") return `inside ${v.name} stands a branch on ${printExpr(body.condition)}`;
  const blocks = blocksIn(body).map((b) => b.id);
  return body.kind === "seq"
    ? `inside ${v.name} stand several statements (${listNames(blocks)})`
    : `inside ${v.name} stands no further loop`;
}

/** For each loop, the ones it could trade places with: they hold each other and nothing else. */
function chains(f: Func, loops: readonly Var[]): string[] {
  const tree = treeOf(f);
  const found = loops.map((l) => {
    const chain: Var[] = [];
    let top: For = tree.loops.get(l)!.node;
    for (const outer of [...tree.loops.get(l)!.loops].reverse()) {
      if (outer.body !== top) break;
      top = outer;
    }
    for (let at: Stmt = top; at.kind === "for"; at = at.body) chain.push(at.var);
    return chain;
  });
  const long = found.filter((c) => c.length > 1).map((c) => `reorder among ${listNames(c)}`);
  return [...new Set(long)];
}
/** How far the loops can go towards the order asked for, neighbour by neighbour. */
function nearest(f: Func, asked: readonly Var[]): string {
  const order = [...asked].sort((a, b) => treeOf(f).loops.get(a)!.order - treeOf(f).loops.get(b)!.order);
  const late = (a: Var, b: Var): boolean => asked.indexOf(a) > asked.indexOf(b);
  const before = [...order];
  for (let moved = true; moved; ) {
    moved = false;
    for (let i = 0; i + 1 < order.length; i++) {
      const [a, b] = [order[i]!, order[i + 1]!];
      if (!late(a, b)) continue;
      const swapped = order.with(i, b).with(i + 1, a);
      if (accepted([swapped], (x) => reorder(f, x)).length === 0) continue;
      order.splice(i, 2, b, a);
      moved = true;
    }
  }
  const kept = order.every((v, i) => v === before[i]);
  return kept ? `the order as it is: ${listNames(order)}` : `reorder(${listNames(order)})`;
}
