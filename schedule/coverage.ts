/**
 * What several blocks write together that were one before: the sides of an `if`, the parts of a range. An element is written
 * where one of them certainly writes it; which one that is may depend on conditions.
 */
import { Facts, prove } from "../src/arith/index.ts";
import {
  add,
  and,
  type Block,
  type Buffer,
  type Expr,
  eq,
  ge,
  type If,
  int,
  isConst,
  lt,
  not,
  usesVar,
  variable,
} from "../src/ir/index.ts";
import { isUpdate, storedAt, TWIN } from "./analysis.ts";
import { type Branch, exclusive, factsAround, io, type Place, shared } from "./tree.ts";
import { type Values, writtenBy } from "./written.ts";

/** An element of a buffer, and a point of the reduction that makes it. */
export interface Element {
  readonly index: readonly Expr[];
  /** Values of the reduction axes; absent where any point will do. */
  readonly steps?: readonly Expr[];
}
/** A block, seen from where the outermost `depth` loops around it stand still. */
interface Part {
  readonly place: Place<Block>;
  readonly depth: number;
  /** Branches that are taken wherever we ask. */
  readonly taken: ReadonlySet<If>;
  /** Branches whose other side writes the same: as good as none. */
  readonly either: ReadonlySet<If>;
}

/**
 * The conditions under which `v` is one of these values. `whole`: an extent that `v` is known to be below.
 */
export function within(v: Expr, values: Values, whole?: Expr): Expr[] {
  const plain = isConst(values.min, 0) && values.extent === whole;
  const range = plain ? [] : [ge(v, values.min), lt(v, add(values.min, values.extent))];
  return [...range, ...values.conditions.map((c) => c(v))];
}

/** When a part writes an element; undefined where that is not known. */
function conditionsOf(part: Part, buffer: Buffer): ((e: Element) => Expr[]) | undefined {
  const { place: p, depth } = part;
  const open = p.branches.filter((b) => !part.taken.has(b.node) && !part.either.has(b.node));
  const predicate = [...open.map((b) => b.condition), p.node.predicate].reduce((x, y) => and(x, y));
  const region = writtenBy({ ...p.node, predicate }, p.loops.slice(depth), factsOf(part));
  const places = storedAt(p.node, buffer);
  if (region === undefined || places === undefined) return undefined;
  const axis = (i: number): Values => region.axes[i]!;
  const steps = p.node.iters.flatMap((it, i) => (it.kind === "reduction" ? [i] : []));
  return (e) => [
    ...region.outer,
    ...places.flatMap((v, d) => {
      const i = p.node.iters.findIndex((it) => it.var === v);
      return i < 0 ? [] : within(e.index[d]!, axis(i), buffer.shape[d]);
    }),
    ...(e.steps ?? []).flatMap((x, n) => within(x, axis(steps[n]!), p.node.iters[steps[n]!]!.extent)),
  ];
}
const factsOf = (part: Part): Facts => factsAround(part.place, part.depth, (b) => !part.either.has(b.node));

/** Whether the conditions of one of the parts hold. */
function oneHolds(parts: readonly (readonly Expr[])[], facts: Facts): boolean {
  const [first, ...rest] = parts;
  if (first === undefined) return false;
  let known = facts;
  for (const c of first) {
    if (prove(c, known)) continue;
    // where it fails, another part must do
    if (!oneHolds(rest, known.withCondition(not(c)))) return false;
    known = known.withCondition(c);
  }
  return true;
}

function covers(parts: readonly Part[], buffer: Buffer, e: Element, facts: Facts): boolean {
  const found = settle(parts, buffer, e).map((p) => conditionsOf(p, buffer)?.(e));
  return oneHolds(
    found.filter((x) => x !== undefined),
    facts,
  );
}

/**
 * Where a condition changes from iteration to iteration of the loops that run, and both sides write the same in each: one of
 * them stands for both.
 */
function settle(parts: readonly Part[], buffer: Buffer, like: Element): readonly Part[] {
  const tried = new Set<If>();
  let now = parts;
  for (;;) {
    const next = now.flatMap((p) => varying(p).map((branch) => ({ p, branch }))).find((x) => !tried.has(x.branch.node));
    if (next === undefined) return now;
    const { node } = next.branch;
    tried.add(node);
    const group = now.filter((p) => p.place.branches.some((b) => b.node === node));
    const one = group.find((p) => standsForAll(p, node, group, buffer, like));
    if (one) now = [...now.filter((p) => !group.includes(p)), { ...one, either: new Set([...one.either, node]) }];
  }
}
const varying = (p: Part): Branch[] =>
  p.place.branches.filter((b) => {
    if (p.taken.has(b.node) || p.either.has(b.node)) return false;
    return usesVar(b.condition, (v) => p.place.loops.slice(p.depth).some((l) => l.var === v));
  });

/** Whether each side of an `if` writes at least what `one` would write without it. */
function standsForAll(one: Part, node: If, group: readonly Part[], buffer: Buffer, like: Element): boolean {
  const at = one.place.branches.findIndex((b) => b.node === node);
  const { depth } = one.place.branches[at]!;
  const outside = new Set([...one.taken, ...one.place.branches.slice(0, at).map((b) => b.node)]);
  const either = new Set([...one.either, node]);
  const alone: Part = { place: one.place, depth, taken: outside, either };
  const when = conditionsOf(alone, buffer);
  if (when === undefined) return false;
  let facts = factsOf(alone);
  const fresh = (n: number, extents: readonly Expr[]): Expr[] =>
    Array.from({ length: n }, (_, d) => {
      const v = variable("x");
      facts = facts.withVar(v, int(0), extents[d]!);
      return v;
    });
  const steps = one.place.node.iters.filter((it) => it.kind === "reduction");
  const e: Element = {
    index: fresh(buffer.shape.length, buffer.shape),
    ...(like.steps
      ? {
          steps: fresh(
            steps.length,
            steps.map((it) => it.extent),
          ),
        }
      : {}),
  };
  const inside = when(e).reduce((f, c) => f.withCondition(c), facts);
  return [true, false].every((then) => {
    const side = group.filter((p) => p.place.branches.some((b) => b.node === node && b.then === then));
    const parts = side.map((p): Part => ({ ...p, depth, taken: new Set([...outside, node]) }));
    const condition = then ? node.condition : not(node.condition);
    return covers(parts, buffer, e, inside.withCondition(condition));
  });
}

/** Blocks that were one with `writer` and may have written what `reader` reads; itself among them. */
export function twinsOf(writer: Place<Block>, reader: Place<Block>, buffer: Buffer): readonly Place<Block>[] {
  const twin = writer.node.annotations?.[TWIN];
  if (twin === undefined) return [writer];
  // what is missing of an element that is being accumulated: its start, or some of its points
  const accumulates = (b: Block): boolean => isUpdate(b) && b.init === undefined;
  const asked = accumulates(writer.node);
  return [...writer.tree.blocks.values()].filter((p) => {
    if (p.node.annotations?.[TWIN] !== twin || !io(p.node).writes.has(buffer) || p.node === reader.node) return false;
    if (p.order > reader.order || exclusive(p, reader)) return false;
    return asked ? accumulates(p.node) || p.node.init !== undefined : !accumulates(p.node);
  });
}

/**
 * Whether twins together have written every one of some elements before `reader` runs, in the same iteration of the loops
 * around it and each of them.
 */
export function writtenTogether(
  twins: readonly Place<Block>[],
  reader: Place<Block>,
  buffer: Buffer,
  elements: readonly { readonly index: readonly Expr[]; readonly facts: Facts }[],
): boolean {
  const [first] = twins;
  if (first === undefined) return false;
  const axes = (b: Block): Expr[] => b.iters.filter((it) => it.kind === "reduction").map((it) => it.extent);
  const extents = axes(first.node);
  const complete = twins.some((p) => isUpdate(p.node) && p.node.init === undefined);
  if (complete && !twins.every((p) => sameExtents(axes(p.node), extents))) return false;
  const taken = new Set(reader.branches.map((b) => b.node));
  const parts = twins.map((place): Part => ({ place, depth: shared(place, reader).length, taken, either: new Set() }));
  return elements.every(({ index, facts }) => {
    if (!complete) return covers(parts, buffer, { index }, facts);
    let known = facts;
    const steps = extents.map((n) => {
      const v = variable("x");
      known = known.withVar(v, int(0), n);
      return v;
    });
    return covers(parts, buffer, { index, steps }, known);
  });
}
const sameExtents = (a: readonly Expr[], b: readonly Expr[]): boolean =>
  a.length === b.length && a.every((x, i) => x === b[i] || prove(eq(x, b[i]!), Facts.empty));

/** A branch around `writer`, not around `reader`, whose other side does not write the buffer. */
export function oneSided(writer: Place<Block>, reader: Place<Block>, buffer: Buffer): Branch | undefined {
  return writer.branches.find((b) => {
    if (reader.branches.some((y) => y.node === b.node)) return false;
    return ![...writer.tree.blocks.values()].some(
      (p) => io(p.node).writes.has(buffer) && p.branches.some((y) => y.node === b.node && y.then !== b.then),
    );
  });
}
