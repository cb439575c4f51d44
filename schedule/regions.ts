/**
 * What a block writes while some loops run, exactly, and whether that is what another block reads: the proof behind every
 * primitive that moves computations. What can't be proved is refused.
 */
import { type Facts, isFolded, prove } from "../src/arith/index.ts";
import {
  and,
  type Block,
  type Buffer,
  buffersIn,
  type Expr,
  int,
  printExpr,
  type Var,
  variable,
} from "../src/ir/index.ts";
import { bound, feeding, PARTIAL, readsOf, reductionNest, TWIN } from "./analysis.ts";
import { atOnce, carriersOf, type Element, overwritten, writesOf } from "./carried.ts";
import { oneSided, twinsOf, within, writtenTogether } from "./coverage.ts";
import { exclusive, factsAround, io, type Place, shared } from "./tree.ts";
import { type Written, writtenBy } from "./written.ts";

export { type Values, type Written, writtenBy } from "./written.ts";

/** Whether the block computes every point of its axes over all its loops. */
export function isTotal(p: Place<Block>, facts: Facts): boolean {
  if (p.node.annotations?.[PARTIAL] !== true) return true;
  const w = writtenBy(underBranches(p), p.loops, facts);
  return w !== undefined && coversDomain(p.node, w, facts);
}
/** A block whose predicate says what the branches around it say, too: those inside the outermost `from`. */
export function underBranches(p: Place<Block>, from = 0): Block {
  const conditions = p.branches.slice(from).map((b) => b.condition);
  if (conditions.length === 0) return p.node;
  return { ...p.node, predicate: [...conditions, p.node.predicate].reduce((a, b) => and(a, b)) };
}
export function coversDomain(b: Block, w: Written, facts: Facts): boolean {
  if (!w.outer.every((c) => prove(c, facts))) return false;
  return b.iters.every((it, i) => {
    const x = variable("x");
    const f = facts.withVar(x, int(0), it.extent);
    const r = w.axes[i]!;
    return within(x, r).every((c) => prove(c, f));
  });
}

/** Binding of axes to loops, for substitution into what a block's body says. */
export const bindingsOf = (b: Block): Map<Var, Expr> => new Map(b.iters.map((it) => [it.var, it.binding]));

/** What holds where a block's body runs. */
export const factsAt = (p: Place<Block>): Facts => factsAround(p).withCondition(p.node.predicate);

/** How one block reads what another writes: why it would not be there, or whether it is there from an earlier iteration. */
export interface Flow {
  readonly why?: string;
  readonly carried: boolean;
}
interface Known {
  readonly around: string;
  readonly flow: Flow;
}
const flows = new WeakMap<Block, WeakMap<Block, Map<Buffer, Known>>>();
/** What a proof about a block depends on besides the block. */
const surroundings = (p: Place<Block>): string => p.loops.map((l) => `${l.var.id}:${l.extent.id}:${l.loop}`).join();

/**
 * Whether all that `reader` reads of `buffer` was written by `writer` before, in the same iteration of the loops around
 * both, or in an earlier one if the buffer outlives it, and is still there. It is proved once for blocks that stay as they are.
 */
export function flowOf(writer: Place<Block>, reader: Place<Block>, buffer: Buffer): Flow {
  // in branches, others matter too
  if ([writer, reader].some((p) => p.branches.length > 0 || p.node.annotations?.[TWIN] !== undefined))
    return proveFlow(writer, reader, buffer);
  const around = aroundBoth(writer, reader);
  const old = known(writer, reader).get(buffer);
  if (old?.around === around) return old.flow;
  const flow = proveFlow(writer, reader, buffer);
  known(writer, reader).set(buffer, { around, flow });
  return flow;
}
const aroundBoth = (writer: Place<Block>, reader: Place<Block>): string =>
  `${writer.order < reader.order} ${shared(writer, reader).length} ${surroundings(writer)} ${surroundings(reader)}`;
function known(writer: Place<Block>, reader: Place<Block>): Map<Buffer, Known> {
  const to = flows.get(writer.node) ?? new WeakMap<Block, Map<Buffer, Known>>();
  flows.set(writer.node, to);
  const of = to.get(reader.node) ?? new Map<Buffer, Known>();
  to.set(reader.node, of);
  return of;
}
/** Takes over what is proved of two blocks for what they have become, when everything else in the loops around them changed alike. */
export function sameFlow(
  from: readonly [writer: Place<Block>, reader: Place<Block>, buffer: Buffer],
  to: readonly [writer: Place<Block>, reader: Place<Block>, buffer: Buffer],
): void {
  const [writer, reader, buffer] = to;
  known(writer, reader).set(buffer, { around: aroundBoth(writer, reader), flow: flowOf(...from) });
}
/** Why what `reader` reads of `buffer` would not be there; undefined if it is. */
export const flowProblem = (writer: Place<Block>, reader: Place<Block>, buffer: Buffer): string | undefined =>
  flowOf(writer, reader, buffer).why;

function proveFlow(writer: Place<Block>, reader: Place<Block>, buffer: Buffer): Flow {
  const [w, r] = [writer.node, reader.node];
  const fine = { carried: false };
  const problem = (why: string): Flow => ({ why, carried: false });
  if (exclusive(writer, reader)) return fine;
  if (writer.order > reader.order)
    return problem(`${r.id.name} would read ${buffer.name} before ${w.id.name} computes it`);
  // an init stands before the loops that carry its reduction
  const first = r.init && buffersIn(r.init).reads.has(buffer) ? reductionNest(reader)[0] : undefined;
  if (first && writer.loops.includes(first))
    return problem(
      `the init of ${r.id.name} would read ${buffer.name} before loop ${first.var.name}, in which ${w.id.name} computes it`,
    );
  const around = shared(writer, reader);
  // a step of a scan is complete when it has run
  const carried = feeding(w, "reduction");
  const loop = around.find((l) => carried.has(l.var));
  if (loop)
    return problem(
      `${r.id.name} would read ${buffer.name} inside ${loop.var.name}, over which ${w.id.name} is still being computed`,
    );
  const branch = oneSided(writer, reader, buffer);
  if (branch)
    return problem(
      `${r.id.name} would read ${buffer.name}, which ${w.id.name} computes only if ${printExpr(branch.condition)}`,
    );
  const folded = isFolded(buffer);
  if (around.length === 0 && w.annotations?.[PARTIAL] !== true && !folded) return fine;
  const unproved = problem(
    `can't prove that ${w.id.name} has computed what ${r.id.name} reads of ${buffer.name} there`,
  );
  const facts = factsAt(reader);
  const bind = bindingsOf(r);
  const reads = readsOf(r, (x) => x === buffer).map((x): Element => {
    const read = bound(x, bind);
    const inside = [...read.inner].reduce((f, [v, range]) => f.withVar(v, range.min, range.extent), facts);
    return { index: read.index, facts: read.guards.reduce((f, g) => f.withCondition(g), inside) };
  });
  const twins = twinsOf(writer, reader, buffer);
  if (twins.length > 1) return writtenTogether(twins, reader, buffer, reads) && !folded ? fine : unproved;
  const common = writer.branches.filter((b) => reader.branches.some((y) => y.node === b.node));
  const base = factsAround(writer, around.length, (b) => common.includes(b));
  const here = writesOf(underBranches(writer, common.length), writer.loops.slice(around.length), base, buffer);
  const far = reads.filter((e) => !here?.(e));
  const carriers = carriersOf(writer, reader, buffer, far);
  if (carriers === undefined) return unproved;
  const race = carriers.size > 0 || folded ? atOnce(writer, reader) : undefined;
  if (race)
    return problem(
      `iterations of the ${race.loop} loop ${race.var.name} would share what ${w.id.name} keeps in ${buffer.name}`,
    );
  const why = folded ? overwritten(writer, reader, buffer, reads, carriers) : undefined;
  return why === undefined ? { carried: carriers.size > 0 } : problem(why);
}
/** The first problem of a block's reads, as it stands now. */
export function readProblem(
  all: Iterable<Place<Block>>,
  reader: Place<Block>,
): { readonly writer: Place<Block>; readonly buffer: Buffer; readonly why: string } | undefined {
  const own = io(reader.node);
  for (const writer of all) {
    if (writer.node === reader.node) continue;
    for (const b of io(writer.node).writes) {
      // a decomposed reduction: its init and its update write the same buffer
      if (!own.reads.has(b)) continue;
      if (own.writes.has(b) && writer.order > reader.order) continue;
      const why = flowProblem(writer, reader, b);
      if (why !== undefined) return { writer, buffer: b, why };
    }
  }
  return undefined;
}
