import {
  and,
  type Block,
  type BlockId,
  type BlockIter,
  type Expr,
  type For,
  type Func,
  int,
  isConst,
  type Stmt,
  seq,
  substitute,
  substituteStmt,
  TRUE,
  usesVar,
  type Var,
  variable,
  varsOf,
} from "../../src/ir/index.ts";
import { conjuncts, feeding, isUpdate, reductionNest, visitsOnce } from "../analysis.ts";
import { type Complaint, refuse } from "../error.ts";
import { atLoops, loopsAround } from "../hints.ts";
import { named, type Outcome } from "../outcome.ts";
import { readProblem } from "../regions.ts";
import { tensorizedAt } from "../tensorize/check.ts";
import { isProblem } from "../tensorize/nest.ts";
import { factsAround, freshBlockName, type Place, replaceStmt, rewrite, tidy, treeOf, untensorized } from "../tree.ts";
import { findBlock, findLoop } from "./find.ts";

const NAME = "decomposeReduction";
/**
 * Gives the init of a reduction a block of its own, `<name>.init`, before a loop, with copies of the loops below that which
 * its axes need (kinds kept).
 *
 *     s.decomposeReduction(C, k)
 *
 * Conditions:
 * 1. the block is a reduction that still holds its init;
 * 2. the loop is around the block;
 * 3. no loop outside of it carries the reduction;
 * 4. inside the loop, each element is accumulated once: the block isn't computed again for its iterations;
 * 5. what the init reads was computed before the loop.
 *
 * All handles survive. Born: the block `init` and its loops.
 */
export function decomposeReduction(f: Func, block: BlockId, loop: Var): Outcome & { readonly init: BlockId } {
  const p = findBlock(f, block);
  const l = findLoop(f, loop);
  const may = (): string[] => atLoops(f, NAME, block, loopsAround(f, block), (v) => decomposeReduction(f, block, v));
  const bad = (
    condition: number,
    code: string,
    message: string,
    marks: readonly (Var | BlockId)[],
    legal: Complaint["legal"] = may,
  ) => refuse(f, { primitive: NAME, condition, code, message, marks, legal });
  if (!p.node.init) {
    const what = isUpdate(p.node) ? "it is decomposed already, or a scan" : "it is no reduction";
    bad(1, "no-init", `block ${block.name} has no init: ${what}`, [block], () => elsewhere(f));
  }
  const at = p.loops.indexOf(l.node);
  const red = feeding(p.node, "reduction");
  if (at < 0) bad(2, "not-around", `loop ${loop.name} is not around block ${block.name}`, [loop, block]);
  const outer = p.loops.slice(0, at).find((x) => red.has(x.var));
  if (outer)
    bad(
      3,
      "carried-outside",
      `loop ${outer.var.name}, outside of ${loop.name}, carries the reduction of ${block.name}: its init belongs before that`,
      [outer.var, loop],
    );
  if (!visitsOnce(p.node, p.loops.slice(at), factsAround(l)))
    bad(
      4,
      "revisits",
      `iterations of the loops from ${loop.name} inwards compute elements of ${block.name} again, so one init before them is not enough`,
      [loop, block],
    );
  const placed = place(f, p, at);
  const tree = treeOf(placed.func);
  const problem = readProblem(tree.blocks.values(), tree.blocks.get(placed.init)!);
  if (problem) bad(5, "reads", `before ${loop.name}, ${problem.why}`, [loop, block, problem.writer.node.id]);
  return placed;
}
/** Reductions of the function that still hold their init. */
function elsewhere(f: Func): string[] {
  const whole = [...treeOf(f).blocks.values()].filter((x) => x.node.init);
  return whole.flatMap((x) =>
    atLoops(
      f,
      NAME,
      x.node.id,
      x.loops.map((l) => l.var),
      (v) => decomposeReduction(f, x.node.id, v),
    ),
  );
}

function place(
  f: Func,
  p: Place<Block>,
  at: number,
): Outcome & { readonly init: BlockId; readonly copies: ReadonlyMap<Var, Var> } {
  const b = p.node;
  const inside = p.loops.slice(at);
  const spatial = feeding(b, "spatial", "ordered");
  const red = feeding(b, "reduction");
  const branches = p.branches.filter((x) => x.depth > at).map((x) => x.condition);
  const conditions = [...branches, ...conjuncts(b.predicate)];
  // loops that feed no axis may still decide for which iterations there is anything to compute
  const deciding = new Set(conditions.flatMap((c) => [...varsOf(c)].filter((v) => !red.has(v))));
  const keeps = (l: For): boolean => spatial.has(l.var) || deciding.has(l.var);
  const kept = inside.filter(keeps);
  const dropped = inside.filter((l) => !keeps(l));
  const loops = new Map<Var, Expr>([
    ...kept.map((l): [Var, Expr] => [l.var, variable(l.var.name)]),
    ...dropped.map((l): [Var, Expr] => [l.var, int(0)]),
  ]);
  const axes = b.iters.filter((it) => it.kind !== "reduction");
  const fresh = new Map<Var, Var>(axes.map((it) => [it.var, variable(it.var.name)]));
  // what is said of reduction loops alone says nothing of the elements
  const carries = (v: Var): boolean => red.has(v) && !spatial.has(v);
  const around = new Set(p.loops.map((l) => l.var));
  const predicate = conditions
    .filter((c) => !usesVar(c, carries) || usesVar(c, (v) => around.has(v) && !carries(v)))
    .map((c) => substitute(c, loops));
  const id: BlockId = Object.freeze({ name: freshBlockName(f, `${b.id.name}.init`) });
  const { own, body } = opened(substituteStmt(b.init!, fresh));
  const bound = axes.map(
    (it): BlockIter => ({ ...it, var: fresh.get(it.var)!, binding: substitute(it.binding, loops) }),
  );
  const init: Block = {
    kind: "block",
    id,
    iters: [...bound, ...own.map((x) => x.axis)],
    predicate: predicate.reduce<Expr>((x, y) => (x === TRUE ? y : and(x, y)), TRUE),
    body,
    ...(b.storeAt ? { storeAt: b.storeAt } : {}),
    ...(b.annotations ? { annotations: b.annotations } : {}),
  };
  const inner = own.reduceRight<Stmt>((s, x) => ({ ...x.loop, body: s }), init);
  const nest = kept.reduceRight<Stmt>(
    (s, l): For => ({ ...untensorized(l), var: loops.get(l.var) as Var, extent: substitute(l.extent, loops), body: s }),
    inner,
  );
  const { init: _, ...update } = b;
  const target: Stmt = inside[0] ?? b;
  const changed = rewrite(target, (s) => (s === b ? update : s));
  const func = tidy(replaceStmt(f, target, seq([nest, changed])));
  const vars = [...kept.map((l) => loops.get(l.var) as Var), ...own.map((x) => x.loop.var)];
  const copies = new Map(kept.map((l) => [l.var, loops.get(l.var) as Var]));
  return { func, init: id, copies, born: new Map([["init", id], ...named(vars)]) };
}

/** Loops of an init that runs over more than its block's axes: they become loops and axes of the init's own block. */
function opened(init: Stmt): { own: { loop: For; axis: BlockIter }[]; body: Stmt } {
  const own: { loop: For; axis: BlockIter }[] = [];
  let s = init;
  while (s.kind === "for" && isConst(s.min, 0) && !usesVar(s.extent, (v) => v.size === undefined)) {
    const loop = variable(s.var.name);
    const axis = variable(`v${s.var.name}`);
    own.push({
      loop: { ...s, var: loop },
      axis: { var: axis, extent: s.extent, kind: "spatial", binding: loop },
    });
    s = substituteStmt(s.body, new Map([[s.var, axis]]));
  }
  return { own, body: s };
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
  const carried = p.loops.length - reductionNest(p).length;
  const tensor = p.loops.findIndex((l) => l.tensor !== undefined);
  if (tensor < 0) return place(f, p, carried).func;
  // an intrinsic takes the place of its whole nest, so the init stands before that, as vectors of its own
  const m = tensorizedAt(f, treeOf(f).loops.get(p.loops[tensor]!.var)!);
  const { func, copies } = place(f, p, Math.min(carried, tensor));
  return p.loops.slice(tensor).reduce((g, l) => {
    const copy = copies.get(l.var);
    if (copy === undefined) return g;
    const { node } = treeOf(g).loops.get(copy)!;
    const lanes = !isProblem(m) && l.var === m.along;
    return replaceStmt(g, node, { ...node, loop: lanes ? "vectorized" : "unrolled" });
  }, func);
}
