/** The two blocks of a reduction in two stages: one that keeps partial results, and one that combines them. */
import {
  and,
  type Block,
  type BlockId,
  type BlockIter,
  type Buffer,
  type Combiner,
  type Expr,
  type For,
  int,
  load,
  buffer as makeBuffer,
  mapExpr,
  mapStmt,
  type Stmt,
  seq,
  store,
  substitute,
  substituteStmt,
  TRUE,
  type Update,
  updateOf,
  usesVar,
  type Var,
  variable,
  where,
} from "../src/ir/index.ts";
import { conjuncts, feeding, PARTIAL, REVISITS } from "./analysis.ts";
import { axisName, freshName } from "./tree.ts";

/** A dimension of what a reduction updates in which every point chooses its element, as in a histogram. */
export interface Open {
  readonly dim: number;
  readonly extent: Expr;
  /** The variable that runs through the dimension where the block's init does. */
  readonly var: Var;
}
/** A reduction as the parts that both stages are made of. */
export interface Parts {
  readonly block: Block;
  readonly combiner: Combiner;
  readonly update: Update;
  /** Those that are not the block's spatial axes. */
  readonly open: readonly Open[];
  /** The init of one element. */
  readonly start: Stmt;
}

const spatialOf = (b: Block): BlockIter[] => b.iters.filter((it) => it.kind === "spatial");

/** Takes an update and an init apart; undefined where a dimension is neither a spatial axis nor one that the init runs through. */
export function partsOf(block: Block, combiner: Combiner, update: Update): Parts | undefined {
  const axes = new Set<Expr>(spatialOf(block).map((it) => it.var));
  const loops: For[] = [];
  let start = block.init!;
  for (; start.kind === "for"; start = start.body) loops.push(start);
  const first = start.kind === "seq" ? start.body[0] : start;
  if (first?.kind !== "store") return undefined;
  const open: Open[] = [];
  for (const [dim, e] of update.index.entries()) {
    if (axes.delete(e)) continue;
    const loop = loops.find((l) => l.var === first.index[dim]);
    if (loop === undefined) return undefined;
    open.push({ dim, extent: update.targets[0]!.shape[dim]!, var: loop.var });
  }
  // an axis that is no dimension would have several points that start one element
  return axes.size === 0 && open.length === loops.length ? { block, combiner, update, open, start } : undefined;
}

/** What partial results are kept for: iterations of some loops, each an axis. */
export interface Kept {
  readonly loop: Var;
  readonly extent: Expr;
  readonly name: string;
}
export interface Partial {
  readonly id: BlockId;
  readonly buffers: readonly Buffer[];
  readonly kept: readonly Kept[];
  /** The place of a partial result: the place of the result, and the iteration that it belongs to. */
  readonly place: (result: readonly Expr[], kept: readonly Expr[]) => Expr[];
}
/** Buffers for partial results, whose new dimensions stand at position `at`. */
export function partialBuffers(
  p: Parts,
  id: BlockId,
  loops: readonly { readonly var: Var; readonly extent: Expr }[],
  at: number,
  bufferName: (name: string) => string,
): Partial {
  const names = new Set(spatialOf(p.block).map((it) => axisName(it.var)));
  for (const o of p.open) names.add(o.var.name);
  const kept = loops.map((l): Kept => {
    const name = freshName(l.var.name, names);
    names.add(name);
    return { loop: l.var, extent: l.extent, name };
  });
  const place = <T>(result: readonly T[], fresh: readonly T[]): T[] => [
    ...result.slice(0, at),
    ...fresh,
    ...result.slice(at),
  ];
  const taken = new Set<string>();
  const buffers = p.update.targets.map((t) => {
    const name = freshName(bufferName(`${t.name}.rf`), taken);
    taken.add(name);
    // where the reduction's axes are those of the result, the buffer holds what they run through, padded or not
    const own = p.update.index.map((e, d) => spatialOf(p.block).find((it) => it.var === e)?.extent ?? t.shape[d]!);
    return makeBuffer(
      name,
      t.dtype,
      place(
        own,
        kept.map((k) => k.extent),
      ),
    );
  });
  return { id, buffers, kept, place };
}

const loopsAround = (list: readonly { readonly var: Var; readonly extent: Expr }[], body: Stmt): Stmt =>
  list.reduceRight<Stmt>((s, l) => ({ kind: "for", min: int(0), loop: "serial", ...l, body: s }), body);

/** The conditions of a predicate that say nothing of the loops that carry the reduction. */
function still(b: Block, map: ReadonlyMap<Var, Expr>): Expr {
  const red = feeding(b, "reduction");
  const list = conjuncts(b.predicate).filter((c) => !usesVar(c, (v) => red.has(v)));
  return list.map((c) => substitute(c, map)).reduce((x, y) => (x === TRUE ? y : and(x, y)), TRUE);
}

/**
 * Computes the partial results, in copies of the block's loops: each loop that carries the reduction is an axis of its own. Guards
 * of these loops are conditions of the update, so that every partial result is initialised.
 */
export function partialBlock(p: Parts, partial: Partial, copies: ReadonlyMap<Var, Var>, loops: readonly For[]): Block {
  const { block: b, combiner, update } = p;
  const red = feeding(b, "reduction");
  const taken = new Set(spatialOf(b).map((it) => it.var.name));
  const axes = new Map<Var, Var>();
  for (const k of partial.kept) axes.set(k.loop, variable(`v${k.name}`));
  for (const v of axes.values()) taken.add(v.name);
  const rest = loops.filter((l) => red.has(l.var) && !axes.has(l.var));
  for (const l of rest) {
    const name = freshName(`v${l.var.name}`, taken);
    taken.add(name);
    axes.set(l.var, variable(name));
  }
  const spatial = spatialOf(b);
  const own = new Map<Var, Var>(spatial.map((it) => [it.var, variable(it.var.name)]));
  const axis = (loop: Var, extent: Expr, kind: BlockIter["kind"]): BlockIter => ({
    var: axes.get(loop)!,
    extent,
    kind,
    binding: copies.get(loop)!,
  });
  const iters: BlockIter[] = [
    ...spatial.map((it) => ({ ...it, var: own.get(it.var)!, binding: substitute(it.binding, copies) })),
    ...partial.kept.map((k) => axis(k.loop, k.extent, "spatial")),
    ...rest.map((l) => axis(l.var, l.extent, "reduction")),
  ];
  // what the body says of the axes of the reduction, said of the loops that carry it
  const map = new Map<Var, Expr>(own);
  for (const it of b.iters) if (it.kind === "reduction") map.set(it.var, substitute(it.binding, axes));
  const fresh = partial.kept.map((k) => axes.get(k.loop)!);
  const guards = conjuncts(b.predicate)
    .filter((c) => usesVar(c, (v) => red.has(v)))
    .map((c) => substitute(c, axes));
  const guard = guards.length > 0 ? guards.reduce((x, y) => and(x, y)) : undefined;
  // the same loops make the same promises
  const notes = Object.entries(b.annotations ?? {}).filter(([k]) => k === PARTIAL || k === REVISITS);
  const common: Omit<Block, "body"> = {
    kind: "block",
    id: partial.id,
    iters,
    predicate: still(b, copies),
    ...(notes.length > 0 ? { annotations: Object.fromEntries(notes) } : {}),
  };
  if (rest.length === 0 && p.open.length === 0) {
    const at = partial.place(
      update.index.map((e) => substitute(e, map)),
      fresh,
    );
    const conditions = [...(guard ? [guard] : []), ...update.conditions.map((c) => substitute(c, map))];
    const value = (c: number): Expr =>
      conditions.reduceRight(
        (x, condition) => where(condition, x, combiner.identities[c]!),
        substitute(update.terms[c]!, map),
      );
    return { ...common, body: seq(partial.buffers.map((x, c) => store(x, at, value(c)))) };
  }
  const body = redirected(b.body, update.targets, partial, fresh);
  const then = substituteStmt(body, map);
  const through = p.open.map((o) => ({ var: variable(o.var.name), extent: o.extent }));
  const start = partial.place(elementAt(p, own, through), fresh);
  const init = seq(partial.buffers.map((x, c) => store(x, start, combiner.identities[c]!)));
  return {
    ...common,
    init: loopsAround(through, init),
    body: guard ? { kind: "if", condition: guard, then } : then,
    combiner,
  };
}

/** One element of the result: its spatial axes renamed, and a variable for each open dimension. */
const elementAt = (p: Parts, own: ReadonlyMap<Var, Var>, open: readonly { readonly var: Var }[]): Expr[] =>
  p.update.index.map((e, d) => {
    const at = p.open.findIndex((o) => o.dim === d);
    return at < 0 ? substitute(e, own) : open[at]!.var;
  });

/** A body that updates partial results instead of results. */
function redirected(body: Stmt, targets: readonly Buffer[], partial: Partial, fresh: readonly Expr[]): Stmt {
  const to = new Map(targets.map((t, c) => [t, partial.buffers[c]!]));
  const memo = new Map<Expr, Expr>();
  const fe = (e: Expr): Expr =>
    mapExpr(
      e,
      (x) => (x.kind === "load" && to.has(x.buffer) ? load(to.get(x.buffer)!, partial.place(x.index, fresh)) : x),
      memo,
    );
  return mapStmt(
    body,
    (x) =>
      x.kind === "store" && to.has(x.buffer)
        ? { ...x, buffer: to.get(x.buffer)!, index: partial.place(x.index, fresh) }
        : x,
    fe,
  );
}

/** The block over the partial results, and loops of its own for open dimensions. */
export function finalBlock(p: Parts, partial: Partial): { readonly block: Block; readonly open: readonly For[] } {
  const { block: b, combiner, update } = p;
  const open = p.open.map((o) => {
    const loop = variable(o.var.name);
    return { from: o.var, loop, axis: variable(`v${o.var.name}`), extent: o.extent };
  });
  const across = open.map((o): BlockIter => ({ var: o.axis, extent: o.extent, kind: "spatial", binding: o.loop }));
  const fresh = partial.kept.map(
    (k): BlockIter => ({ var: variable(`v${k.name}`), extent: k.extent, kind: "reduction", binding: k.loop }),
  );
  const index = elementAt(
    p,
    new Map(),
    open.map((o) => ({ var: o.axis })),
  );
  const at = partial.place(
    index,
    fresh.map((it) => it.var),
  );
  const block: Block = {
    ...b,
    iters: [...spatialOf(b), ...across, ...fresh],
    predicate: still(b, new Map()),
    init: substituteStmt(p.start, new Map(open.map((o) => [o.from, o.axis]))),
    body: updateOf(
      combiner,
      update.targets,
      index,
      partial.buffers.map((x) => load(x, at)),
    ),
  };
  const loops = open.map(
    (o): For => ({ kind: "for", var: o.loop, min: int(0), extent: o.extent, loop: "serial", body: seq([]) }),
  );
  return { block, open: loops };
}
