import {
  type Block,
  type BlockId,
  type For,
  type Func,
  matchUpdate,
  type Stmt,
  seq,
  substitute,
  type Var,
  variable,
  varsOf,
} from "../../src/ir/index.ts";
import { conjuncts, feeding } from "../analysis.ts";
import { badArgument, checkOptions, describe } from "../arguments.ts";
import { type Complaint, refuse } from "../error.ts";
import { atLoops, loopsAround, onBlocks } from "../hints.ts";
import { brokenLaw } from "../laws.ts";
import { type Handle, named, type Outcome } from "../outcome.ts";
import { finalBlock, type Parts, partialBlock, partialBuffers, partsOf } from "../partial.ts";
import { bufferName, freshBlockName, ownLoops, type Place, replaceStmt, tidy, treeOf } from "../tree.ts";
import { computeRoot } from "./compute-root.ts";
import { findBlock, findLoop, listNames } from "./find.ts";

const NAME = "rfactor";
export interface RfactorOptions {
  /** Where the new dimensions stand among those of the partial results: 0 for first; last when absent. */
  readonly at?: number;
}

/**
 * Reduces in two stages. A new block `<name>.rf` before the block's nest keeps a partial result for every iteration of the given
 * loops and reduces over the other ones; the block then combines the partial results. The new block stands in a copy of the
 * block's own loops, in their order, and writes a new buffer with one more dimension per loop given.
 *
 *     const { ki } = s.split(k, { ko: "rest", ki: 4 })
 *     s.rfactor(C, ki)        // C.rf[i, ki] sums over ko, C[i] sums C.rf[i, ki] over ki
 *
 * Where points choose the elements that they update (a histogram), each iteration has a copy of all those elements, and the block
 * gets loops over them.
 *
 * Conditions:
 * 1. the block is a reduction that still holds its init;
 * 2. its combiner is known, and its spatial axes are dimensions of what it updates;
 * 3. the combiner is associative and commutative, and neutral for its identity (at least where the reduction starts from that);
 * 4. each loop given carries the reduction;
 * 5. loops that carry the reduction hold nothing else;
 * 6. they carry nothing else: they feed no spatial axis, and neither their extents nor the conditions on them speak of others.
 *
 * Dies: the other loops that carry the reduction (successors: the new block's). Born: the block `rf` and its loops. The block and
 * its remaining loops survive. Marked `reassociates` where the combiner rounds.
 */
export function rfactor(
  f: Func,
  block: BlockId,
  loops: readonly Var[],
  options: RfactorOptions = {},
): Outcome & { readonly rf: BlockId; readonly loops: readonly Var[] } {
  const p = findBlock(f, block);
  for (const l of loops) findLoop(f, l);
  checkOptions(f, NAME, options, ["at"]);
  const parts = known(f, p);
  const rank = parts.update.index.length;
  const { at = rank } = options;
  checkArguments(f, p, loops, at, rank);
  checkLoops(f, p, loops);

  const own = ownLoops(p);
  const red = feeding(p.node, "reduction");
  const copies = new Map<Var, Var>(own.map((l) => [l.var, variable(l.var.name)]));
  const id: BlockId = Object.freeze({ name: freshBlockName(f, `${block.name}.rf`) });
  const given = loops.map((l) => treeOf(f).loops.get(l)!.node);
  const partial = partialBuffers(parts, id, given, at, (name) => bufferName(f, name));
  const rfNest = nestOf(
    own.map((l) => ({ ...l, var: copies.get(l.var)!, extent: substitute(l.extent, copies) })),
    partialBlock(parts, partial, copies, own),
  );
  const final = finalBlock(parts, partial);
  const first = own.find((l) => loops.includes(l.var));
  const kept = own.flatMap((l): For[] => {
    if (!red.has(l.var)) return [l];
    if (!loops.includes(l.var)) return [];
    // the tail of a split was for guards, which the partial results take
    const { tail: _, ...rest } = l;
    return l === first ? [...final.open, rest] : [rest];
  });
  const nests = seq([rfNest, nestOf(kept, final.block)]);
  const func = tidy(replaceStmt(f, own[0] ?? p.node, nests));
  const vars = [...own.map((l) => copies.get(l.var)!), ...final.open.map((l) => l.var)];
  const gone = own.filter((l) => red.has(l.var) && !loops.includes(l.var));
  return {
    func: { ...func, intermediates: [...func.intermediates, ...partial.buffers] },
    rf: id,
    loops: loops.map((l) => copies.get(l)!),
    born: new Map<string, Handle>([["rf", id], ...named(vars)]),
    died: new Map(gone.map((l) => [l.var, [copies.get(l.var)!]])),
    ...(parts.combiner.exact ? {} : { reassociates: true }),
  };
}

/** Loops of a reduction that may be given. */
const factorable = (f: Func, p: Place<Block>): string[] =>
  atLoops(f, NAME, p.node.id, loopsAround(f, p.node.id), (v) => rfactor(f, p.node.id, [v]));
const nestOf = (loops: readonly For[], block: Block): Stmt =>
  loops.reduceRight<Stmt>((body, l) => ({ ...l, body }), block);

/** The block's update as a combiner and its operands. */
function known(f: Func, p: Place<Block>): Parts {
  const b = p.node;
  const bad = (c: Omit<Complaint, "primitive" | "marks">): never => refuse(f, { primitive: NAME, marks: [b.id], ...c });
  if (!b.init || !b.iters.some((it) => it.kind === "reduction")) {
    const others = (): string[] =>
      [...treeOf(f).blocks.values()].filter((x) => x.node.init).flatMap((x) => factorable(f, x));
    bad({
      condition: 1,
      code: "no-init",
      message: b.combiner
        ? `the init of ${b.id.name} was taken out of it by decomposeReduction`
        : `block ${b.id.name} is no reduction`,
      legal: b.combiner ? [`rfactor(${b.id.name}, ...) before decomposeReduction`] : others,
    });
  }
  const update = b.combiner && matchUpdate(b.body, b.combiner);
  if (!b.combiner || !update)
    return bad({
      condition: 2,
      code: "combiner",
      message: `can't tell how block ${b.id.name} combines its points`,
      legal: [`rfactor(${b.id.name}, ...) before what rewrote its body`],
    });
  const parts = partsOf(b, b.combiner, update);
  if (parts === undefined)
    return bad({
      condition: 2,
      code: "index",
      message: `can't tell which elements of ${listNames(update.targets)} block ${b.id.name} starts and updates`,
      legal: [`rfactor(${b.id.name}, ...) before what rewrote its body`],
    });
  const broken = brokenLaw(b.combiner, update.terms, startsFromIdentity(parts));
  if (broken !== undefined)
    bad({
      condition: 3,
      code: "order",
      message: `"${b.combiner.name}" of block ${b.id.name} is not associative and commutative with an identity: ${broken}`,
      legal: ["a combiner whose result does not depend on the order of its operands"],
    });
  return parts;
}

function startsFromIdentity({ start, combiner }: Parts): boolean {
  const stores = start.kind === "seq" ? start.body : [start];
  return stores.every((s, c) => s.kind === "store" && s.value === combiner.identities[c]);
}

function checkArguments(f: Func, p: Place<Block>, loops: readonly Var[], at: number, rank: number): void {
  const red = feeding(p.node, "reduction");
  if (loops.length === 0) badArgument(f, NAME, `no loop of ${p.node.id.name} is given`, factorable(f, p));
  const twice = loops.find((l, i) => loops.indexOf(l) < i);
  if (twice) badArgument(f, NAME, `loop ${twice.name} is given twice`, ["each loop once"]);
  if (!(Number.isInteger(at) && at >= 0 && at <= rank))
    badArgument(f, NAME, `at is ${describe(at)}, not a position among the ${rank} dimensions of ${p.node.id.name}`, [
      `0 to ${rank}`,
    ]);
  const stray = loops.find((l) => !red.has(l));
  if (stray)
    refuse(f, {
      primitive: NAME,
      condition: 4,
      code: "carries",
      message: `loop ${stray.name} does not carry the reduction of ${p.node.id.name}`,
      marks: [stray, p.node.id],
      legal: () => factorable(f, p),
    });
}

function checkLoops(f: Func, p: Place<Block>, loops: readonly Var[]): void {
  const b = p.node;
  const own = ownLoops(p);
  const red = feeding(b, "reduction");
  const carriers = p.loops.filter((l) => red.has(l.var));
  const outer = carriers.find((l) => !own.includes(l));
  if (outer) {
    const others = [...treeOf(f).blocks.values()].filter((x) => x.node !== b && x.loops.includes(outer));
    refuse(f, {
      primitive: NAME,
      condition: 5,
      code: "shared",
      message: `loop ${outer.var.name}, which carries the reduction of ${b.id.name}, holds ${listNames(others.map((x) => x.node.id))} too`,
      marks: [outer.var, ...others.map((x) => x.node.id)],
      legal: () => [
        ...onBlocks(
          "computeRoot",
          others.map((x) => x.node.id),
          (x) => computeRoot(f, x),
        ),
        `rfactor(${b.id.name}, ${listNames(loops)}) before they are computed there`,
      ],
    });
  }
  const mixed = (message: string, marks: readonly Var[], legal: string): never =>
    refuse(f, { primitive: NAME, condition: 6, code: "mixed", message, marks: [...marks, b.id], legal: [legal] });
  const first = `rfactor(${b.id.name}, ...) before the loops are fused`;
  const spatial = feeding(b, "spatial");
  const both = carriers.find((l) => spatial.has(l.var));
  if (both) mixed(`loop ${both.var.name} carries a spatial axis of ${b.id.name} and its reduction`, [both.var], first);
  for (const l of carriers) {
    const on = [...varsOf(l.extent)].find((v) => v.size === undefined);
    if (on) mixed(`the extent of loop ${l.var.name} depends on loop ${on.name}`, [l.var, on], first);
  }
  const around = new Set(p.loops.map((l) => l.var));
  for (const c of conjuncts(b.predicate)) {
    const own = [...varsOf(c)].filter((v) => around.has(v));
    const other = own.find((v) => !red.has(v));
    if (other && own.some((v) => red.has(v)))
      mixed(`a condition on the loops that carry the reduction speaks of loop ${other.name}`, own, first);
  }
}
