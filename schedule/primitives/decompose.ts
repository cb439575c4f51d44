import {
  and,
  type Block,
  type BlockId,
  type BlockIter,
  type Expr,
  type For,
  type Func,
  int,
  type Stmt,
  seq,
  substitute,
  substituteStmt,
  TRUE,
  usesVar,
  type Var,
  variable,
} from "../../src/ir/index.ts";
import { conjuncts, feeding, reductionNest, visitsOnce } from "../analysis.ts";
import { refuse } from "../error.ts";
import { named, type Outcome } from "../outcome.ts";
import { factsIn, freshBlockName, type Place, replaceStmt, rewrite, tidy, treeOf } from "../tree.ts";
import { findBlock, findLoop } from "./find.ts";

const NAME = "decomposeReduction";
/**
 * Gives the init of a reduction a block of its own, `<name>.init`, before a loop, with copies of the loops below that which
 * its axes need (kinds kept).
 *
 *     decomposeReduction(C, k)
 *
 * Conditions:
 * 1. the block is a reduction that still holds its init;
 * 2. the loop is around the block;
 * 3. no loop outside of it carries the reduction;
 * 4. inside the loop, each element is accumulated once: the block isn't computed again for its iterations.
 *
 * All handles survive. Born: the block `init` and its loops.
 */
export function decomposeReduction(f: Func, block: BlockId, loop: Var): Outcome & { readonly init: BlockId } {
  const p = findBlock(f, block);
  const l = findLoop(f, loop);
  const bad = (
    condition: number,
    code: string,
    message: string,
    marks: readonly (Var | BlockId)[],
    legal: string[] = [],
  ) => refuse(f, { primitive: NAME, condition, code, message, marks, legal });
  if (!p.node.init)
    bad(1, "no-init", `block ${block.name} has no init: it is no reduction, or decomposed already`, [block]);
  const at = p.loops.indexOf(l.node);
  const red = feeding(p.node, "reduction");
  const first = p.loops.findIndex((x) => red.has(x.var));
  const may = p.loops.slice(0, first < 0 ? p.loops.length : first + 1).map((x) => x.var.name);
  if (at < 0) bad(2, "not-around", `loop ${loop.name} is not around block ${block.name}`, [loop, block], may);
  const outer = p.loops.slice(0, at).find((x) => red.has(x.var));
  if (outer)
    bad(
      3,
      "carried-outside",
      `loop ${outer.var.name}, outside of ${loop.name}, carries the reduction: its init belongs before that`,
      [outer.var, loop],
      may,
    );
  if (!visitsOnce(p.node, p.loops.slice(at), factsIn(l.loops)))
    bad(4, "revisits", `block ${block.name} is computed again inside ${loop.name}`, [loop, block]);
  return place(f, p, at);
}

function place(f: Func, p: Place<Block>, at: number): Outcome & { readonly init: BlockId } {
  const b = p.node;
  const inside = p.loops.slice(at);
  const spatial = feeding(b, "spatial", "ordered");
  const kept = inside.filter((l) => spatial.has(l.var));
  const dropped = inside.filter((l) => !spatial.has(l.var));
  const loops = new Map<Var, Expr>([
    ...kept.map((l): [Var, Expr] => [l.var, variable(l.var.name)]),
    ...dropped.map((l): [Var, Expr] => [l.var, int(0)]),
  ]);
  const axes = b.iters.filter((it) => it.kind !== "reduction");
  const fresh = new Map<Var, Var>(axes.map((it) => [it.var, variable(it.var.name)]));
  const red = feeding(b, "reduction");
  // what is said of reduction loops alone says nothing of the elements
  const carries = (v: Var): boolean => red.has(v) && !spatial.has(v);
  const around = new Set(p.loops.map((l) => l.var));
  const predicate = conjuncts(b.predicate)
    .filter((c) => !usesVar(c, carries) || usesVar(c, (v) => around.has(v) && !carries(v)))
    .map((c) => substitute(c, loops));
  const id: BlockId = Object.freeze({ name: freshBlockName(f, `${b.id.name}.init`) });
  const init: Block = {
    kind: "block",
    id,
    iters: axes.map((it): BlockIter => ({ ...it, var: fresh.get(it.var)!, binding: substitute(it.binding, loops) })),
    predicate: predicate.reduce<Expr>((x, y) => (x === TRUE ? y : and(x, y)), TRUE),
    body: substituteStmt(b.init!, fresh),
    ...(b.storeAt ? { storeAt: b.storeAt } : {}),
    ...(b.annotations ? { annotations: b.annotations } : {}),
  };
  const nest = kept.reduceRight<Stmt>(
    (s, l): For => ({ ...l, var: loops.get(l.var) as Var, extent: substitute(l.extent, loops), body: s }),
    init,
  );
  const { init: _, ...update } = b;
  const target: Stmt = inside[0] ?? b;
  const changed = rewrite(target, (s) => (s === b ? update : s));
  const func = tidy(replaceStmt(f, target, seq([nest, changed])));
  const vars = kept.map((l) => loops.get(l.var) as Var);
  return { func, init: id, born: new Map([["init", id], ...named(vars)]) };
}

/**
 * Initialises a reduction before the outermost loop that carries it, or directly before the block where none does: what
 * lowering does for reductions that nobody decomposed.
 *
 *     placeInit(func, block.id)
 */
export function placeInit(f: Func, block: BlockId): Func {
  const p = treeOf(f).blocks.get(block);
  if (!p?.node.init) return f;
  return place(f, p, p.loops.length - reductionNest(p).length).func;
}
