import { prove, simplifyIndex } from "../../src/arith/index.ts";
import {
  type BlockId,
  type Buffer,
  buffersIn,
  type Expr,
  eq,
  type For,
  type Func,
  printExpr,
  type Stmt,
  seq,
  substitute,
  substituteStmt,
  type Var,
} from "../../src/ir/index.ts";
import { type Complaint, refuse } from "../error.ts";
import { atLoops, placesAfter, placesFor } from "../hints.ts";
import { inStep } from "../in-step.ts";
import type { Handle, Outcome } from "../outcome.ts";
import { blocksIn, factsAround, type Place, rewrite, tidy, treeOf } from "../tree.ts";
import { findBlock, findLoop, listNames } from "./find.ts";

const NAME = "computeWith";
/**
 * Runs two nests as one, down to a loop: the block's loops from the outermost one inwards join those of the other nest down to
 * the loop given, and what they hold is put into its body, in the order in which the nests stood.
 *
 *     s.computeWith(D, i)      // for i: C(i)  for i: D(i)  ->  for i: { C(i); D(i) }
 *
 * Conditions:
 * 1. the block and the loop belong to different nests of one sequence, and no branch stands between the loop and that;
 * 2. the block has as many loops there, each holding the next and nothing else, of the same extents;
 * 3. all of these loops are serial;
 * 4. neither nest reads or writes what the other writes, but that the later one may read what the same iteration of the earlier one
 *    has just finished: by loops of the same extents in the same order inside, with an index proven to be the one written;
 * 5. nor does the block's nest what a nest between them writes, or the other way round.
 *
 * Dies: the block's loops that join others (successors: those). Everything else survives.
 */
export function computeWith(f: Func, block: BlockId, loop: Var): Outcome {
  const p = findBlock(f, block);
  const l = findLoop(f, loop);
  const legal: Complaint["legal"] = (primitives) => [
    ...atLoops(f, NAME, block, treeOf(f).loops.keys(), (v) => computeWith(f, block, v)),
    ...placesFor(primitives, f, block),
    ...placesAfter(primitives, f, block),
  ];
  const bad = (c: Omit<Complaint, "primitive">): never => refuse(f, { primitive: NAME, legal, ...c });
  const common = p.path.filter((s, i) => l.path[i] === s);
  const at = common.at(-1);
  const theirs = [...l.path.slice(common.length), l.node];
  if (p.loops.includes(l.node) || at?.kind !== "seq" || theirs.some((s) => s.kind === "if"))
    return bad({
      condition: 1,
      code: "nests",
      message: p.loops.includes(l.node)
        ? `loop ${loop.name} is around block ${block.name} already`
        : `loop ${loop.name} and block ${block.name} are not in two nests of one sequence`,
      marks: [loop, block],
    });
  const target = theirs.filter((s): s is For => s.kind === "for");
  const path = [...p.path.slice(common.length), p.node];
  const own: For[] = [];
  for (const s of path.slice(0, target.length)) if (s.kind === "for" && own.length === path.indexOf(s)) own.push(s);
  if (own.length < target.length)
    bad({
      condition: 2,
      code: "loops",
      message: `${block.name} has ${own.length} loop(s) that hold nothing but the next there, to join ${listNames(target.map((x) => x.var))}`,
      marks: [...own.map((x) => x.var), block, loop],
    });
  const joined = new Map<Var, Var>();
  const facts = factsAround(l);
  for (const [i, x] of own.entries()) {
    const [mine, other] = [substitute(x.extent, joined), target[i]!.extent];
    if (!prove(eq(mine, other), facts))
      bad({
        condition: 2,
        code: "extent",
        message: `loop ${x.var.name} of ${block.name} has ${text(mine)} iterations, loop ${target[i]!.var.name} has ${text(other)}`,
        marks: [x.var, target[i]!.var],
      });
    joined.set(x.var, target[i]!.var);
  }
  const special = [...own, ...target].find((x) => x.loop !== "serial");
  if (special)
    bad({
      condition: 3,
      code: "kind",
      message: `loop ${special.var.name} is ${special.loop} already; do this before it becomes that`,
      marks: [special.var, block],
    });
  const later = p.order > l.order;
  independent(bad, at.body, own[0]!, target[0]!, p, (b) => later && inStep(f, b, l, own[0]!, joined));

  const inner = own.at(-1)!.body;
  const moved = rewrite(substituteStmt(inner, joined), (s) =>
    s.kind === "block" && s.storeAt && s.storeAt !== "root" && joined.has(s.storeAt)
      ? { ...s, storeAt: joined.get(s.storeAt)! }
      : s,
  );
  const into: For = { ...l.node, body: seq(later ? [l.node.body, moved] : [moved, l.node.body]) };
  const list = at.body.flatMap((s): Stmt[] =>
    s === own[0] ? [] : [s === target[0] ? rewrite(s, (x) => (x === l.node ? into : x)) : s],
  );
  const func = tidy({ ...f, body: rewrite(f.body, (s) => (s === at ? seq(list) : s)) });
  return { func, died: new Map<Handle, readonly Handle[]>([...joined].map(([from, to]) => [from, [to]])) };
}

const text = (e: Expr): string => printExpr(simplifyIndex(e));

/** Refuses nests that depend on each other, and a nest between them that depends on the one that moves. */
function independent(
  bad: (c: Omit<Complaint, "primitive">) => never,
  list: readonly Stmt[],
  own: Stmt,
  target: Stmt,
  p: Place<Stmt & { readonly kind: "block" }>,
  inStep: (b: Buffer) => boolean,
): void {
  const why = (a: Stmt, b: Stmt): Buffer | undefined => {
    const [x, y] = [buffersIn(a), buffersIn(b)];
    const meets = (w: Buffer): boolean => y.reads.has(w) || y.writes.has(w);
    return [...x.writes].find(meets) ?? [...y.writes].find((w) => x.reads.has(w) && !(b === target && inStep(w)));
  };
  const users = (s: Stmt, of: (x: ReturnType<typeof buffersIn>) => ReadonlySet<Buffer>, b: Buffer): BlockId[] =>
    blocksIn(s)
      .filter((x) => of(buffersIn(x)).has(b))
      .map((x) => x.id);
  const say = (condition: number, code: string, other: Stmt): void => {
    const b = why(own, other);
    if (!b) return;
    const [from, to] = buffersIn(own).writes.has(b) ? [own, other] : [other, own];
    const writers = users(from, (x) => x.writes, b);
    const readers = users(to, (x) => x.reads, b);
    const rest = readers.length > 0 ? readers : users(to, (x) => x.writes, b);
    const verb = readers.length > 0 ? "reads" : "writes too";
    const where = condition === 5 ? " between the two nests" : "";
    bad({
      condition,
      code,
      message: `${listNames(writers)} writes ${b.name}, which ${listNames(rest)} ${verb}${where}: ${p.node.id.name} can't move there`,
      marks: [...writers, ...rest],
    });
  };
  say(4, "dependence", target);
  const [i, j] = [list.indexOf(own), list.indexOf(target)];
  for (const s of list.slice(Math.min(i, j) + 1, Math.max(i, j))) say(5, "between", s);
}
