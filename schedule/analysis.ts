/** What primitives ask about blocks: kinds, dependences, and which loops feed which axes. */
import { type Facts, prove, solveAffineBindings } from "../src/arith/index.ts";
import {
  type Block,
  type Expr,
  eq,
  type For,
  type IterKind,
  isFloat,
  type Note,
  sub,
  substitute,
  TRUE,
  type Var,
  variable,
  varsOf,
} from "../src/ir/index.ts";
import { readsOf, renamed, storesOf } from "./accesses.ts";
import { io, type Place } from "./tree.ts";

export {
  type Access,
  bound,
  innerLoops,
  type Read,
  readsOf,
  renamed,
  storedAt,
  storesOf,
  type Write,
} from "./accesses.ts";

/** Loops in the bindings of axes of some kinds. */
export function feeding(b: Block, ...kinds: readonly IterKind[]): Set<Var> {
  const out = new Set<Var>();
  for (const it of b.iters) if (kinds.includes(it.kind)) varsOf(it.binding, out);
  return out;
}
export const has = (b: Block, kind: IterKind): boolean => b.iters.some((it) => it.kind === kind);
/** It reads what it writes: a reduction's update or a scan. */
export function isUpdate(b: Block): boolean {
  const { reads, writes } = io(b);
  return [...writes].some((w) => reads.has(w));
}
/** Every axis spatial, no init, and it does not read what it writes. */
export const isComplete = (b: Block): boolean =>
  b.init === undefined && b.iters.every((it) => it.kind === "spatial") && !isUpdate(b);

/** The conjuncts of a predicate. */
export function conjuncts(e: Expr): Expr[] {
  if (e === TRUE) return [];
  return e.kind === "op" && e.op === "and" ? e.args.flatMap(conjuncts) : [e];
}

/** Whether changing the order of the block's reduction may change its result by rounding. */
export function roundsDifferently(b: Block): boolean {
  if (!has(b, "reduction")) return false;
  if (b.combiner) return !b.combiner.exact;
  return storesOf(b).some((s) => {
    const v = s.value;
    const exact = v.kind === "op" && (v.op === "min" || v.op === "max");
    return isFloat(s.buffer.dtype) && !exact;
  });
}

/** Axes at which the block reads its own output at another index than it writes. */
export function selfReadAxes(b: Block): Set<Var> {
  const own = io(b).writes;
  const out = new Set<Var>();
  const stores = storesOf(b);
  // in another iteration of the body's own loops
  for (const r of readsOf(b, (x) => own.has(x)).map(renamed))
    for (const s of stores)
      if (s.buffer === r.buffer)
        s.index.forEach((at, d) => {
          if (!prove(eq(at, r.index[d]!))) for (const v of [...varsOf(at), ...varsOf(r.index[d]!)]) out.add(v);
        });
  return new Set(b.iters.map((it) => it.var).filter((v) => out.has(v)));
}
/** Loops that feed spatial axes through which a scan's steps depend on each other. */
export function selfReadLoops(b: Block): Set<Var> {
  const axes = selfReadAxes(b);
  const out = new Set<Var>();
  for (const it of b.iters) if (it.kind === "spatial" && axes.has(it.var)) varsOf(it.binding, out);
  return out;
}

/** Notes that primitives leave on a block: what they cannot promise any more. */
export const PARTIAL = "partial";
export const REVISITS = "revisits";
export const PREPARED = "prepared";
/** Blocks that were one before: the name of that one. */
export const TWIN = "twin";
export const note = (b: Block, notes: Readonly<Partial<Record<Note, boolean>>>): Block => {
  const all = Object.entries({ ...b.annotations, ...notes }).filter(([, v]) => v !== false);
  const { annotations: _, ...rest } = b;
  return all.length > 0 ? { ...rest, annotations: Object.fromEntries(all) } : rest;
};

/**
 * Whether these loops visit each point of the block's axes at most once while the others stand still. Blocks are born
 * that way; only blocks that are computed again for several iterations need a proof.
 */
export function visitsOnce(b: Block, loops: readonly For[], facts: Facts): boolean {
  if (b.annotations?.[REVISITS] !== true) return true;
  const targets = b.iters.map((it) => variable(`=${it.var.name}`));
  const vars = loops.map((l) => ({ var: l.var, extent: l.extent }));
  return (
    solveAffineBindings(
      b.iters.map((it) => it.binding),
      targets,
      vars,
      facts,
    ) !== undefined
  );
}
/** The loops from the outermost one that carries a reduction of the block inwards. */
export function reductionNest(p: Place<Block>): readonly For[] {
  const red = feeding(p.node, "reduction");
  const first = p.loops.findIndex((l) => red.has(l.var));
  return first < 0 ? [] : p.loops.slice(first);
}

/** An axis' binding with some loops at 0. */
export const atZero = (e: Expr, loops: Iterable<Var>, zero: Expr): Expr =>
  substitute(e, new Map([...loops].map((v) => [v, zero])));
export const difference = (a: Expr, b: Expr): Expr => sub(a, b);
