/**
 * What a loop carries from one iteration to later ones: a block reads what another one, in the same loop, wrote iterations ago. That
 * takes memory that outlives the iteration (Block.storeAt says from where on), and of which nothing is overwritten too early: a
 * folded buffer keeps the last elements along a dimension only.
 */
import { type Facts, foldOf, linear, prove, simplifyIndex, symbolicBounds } from "../src/arith/index.ts";
import {
  add,
  type Block,
  type Buffer,
  type Expr,
  type For,
  floordiv,
  floormod,
  ge,
  int,
  isConst,
  lt,
  mul,
  sub,
  substitute,
  usesVar,
  type Var,
  variable,
} from "../src/ir/index.ts";
import { storedAt } from "./analysis.ts";
import { within } from "./coverage.ts";
import { factsAround, type Place, shared } from "./tree.ts";
import { writtenBy } from "./written.ts";

/** One read, and what is known where it happens. */
export interface Element {
  readonly index: readonly Expr[];
  readonly facts: Facts;
}
/** Loops, next to each other, that together count iterations: `at` is the number of the present one. */
interface Counter {
  /** Loops outside of them around the writer. */
  readonly depth: number;
  readonly loops: readonly For[];
  readonly at: Expr;
}

/** How many of the loops around a block are outside of the memory that holds what it writes, as far as the block says. */
function outsideOfMemory(p: Place<Block>): number {
  const at = p.node.storeAt;
  if (at === undefined) return p.loops.length;
  if (at === "root") return 0;
  const i = p.loops.findIndex((l) => l.var === at);
  return i < 0 ? p.loops.length : i + 1;
}
const inOrder = (l: For): boolean => l.loop === "serial" || l.loop === "unrolled";

/** Loops around both blocks whose iterations use the same memory. */
export const sharing = (writer: Place<Block>, reader: Place<Block>): readonly For[] =>
  shared(writer, reader).slice(outsideOfMemory(writer));
/** A loop whose iterations would use the same memory at the same time. */
export const atOnce = (writer: Place<Block>, reader: Place<Block>): For | undefined =>
  sharing(writer, reader).find((l) => !inOrder(l));

/** Loops whose earlier iterations may have written something that is still there, from the inside out, one by one, then together. */
function counters(writer: Place<Block>, reader: Place<Block>): Counter[] {
  const loops = sharing(writer, reader);
  const first = shared(writer, reader).length - loops.length;
  // what is computed under conditions of its own isn't computed in each iteration
  if (!loops.every(inOrder) || writer.branches.some((b) => b.depth > first)) return [];
  const out: Counter[] = [];
  for (let n = 1; n <= Math.min(3, loops.length); n++)
    for (let i = loops.length - n; i >= 0; i--) {
      const some = loops.slice(i, i + n);
      const inner = some.slice(1);
      if (inner.some((l) => some.some((x) => usesVar(l.extent, (v) => v === x.var)))) continue;
      const at = inner.reduce<Expr>((e, l) => add(mul(e, l.extent), l.var), some[0]!.var);
      out.push({ depth: first + i, loops: some, at });
    }
  return out;
}

/** A block in the iteration of a number; undefined where it does not depend on the number alone. */
function inIteration(p: Place<Block>, c: Counter, number: Var, facts: Facts): Block | undefined {
  const last = c.loops.at(-1)!.var;
  // c.at = what the outer loops count + last
  const map = new Map<Var, Expr>([[last, sub(number, sub(c.at, last))]]);
  const to = (e: Expr): Expr => simplifyIndex(substitute(e, map), facts);
  const own = new Set(c.loops.map((l) => l.var));
  const left = (e: Expr): boolean => usesVar(e, (v) => own.has(v));
  if (p.loops.slice(c.depth + c.loops.length).some((l) => left(l.extent))) return undefined;
  const b = rebound(p.node, to);
  return b.iters.some((it) => left(it.binding)) || left(b.predicate) ? undefined : b;
}
const rebound = (b: Block, to: (e: Expr) => Expr): Block => ({
  ...b,
  iters: b.iters.map((it) => ({ ...it, binding: to(it.binding) })),
  predicate: to(b.predicate),
});

/** Answers by dimension and index: reads of neighbours have most of them in common. */
function remembered(ask: (d: number, e: Element) => boolean): (d: number, e: Element) => boolean {
  const known = new WeakMap<Facts, Map<Expr, boolean>[]>();
  return (d, e) => {
    const of = known.get(e.facts) ?? [];
    known.set(e.facts, of);
    of[d] ??= new Map();
    const at = e.index[d]!;
    const old = of[d].get(at);
    if (old !== undefined) return old;
    const answer = ask(d, e);
    of[d].set(at, answer);
    return answer;
  };
}

/** What says whether a block writes an element while the loops given run. */
export function writesOf(
  b: Block,
  loops: readonly For[],
  base: Facts,
  buffer: Buffer,
): ((e: Element) => boolean) | undefined {
  const region = writtenBy(b, loops, base);
  // an element is complete when the points of the axes at which it stands have been computed
  const places = storedAt(b, buffer);
  if (region === undefined || places === undefined) return undefined;
  const runs = new WeakMap<Facts, boolean>();
  const inside = remembered((d, { index, facts }) => {
    const values = region.axes[b.iters.findIndex((it) => it.var === places[d])]!;
    return within(index[d]!, values, buffer.shape[d]).every((c) => prove(c, facts));
  });
  return (e) => {
    const run = runs.get(e.facts) ?? region.outer.every((c) => prove(c, e.facts));
    runs.set(e.facts, run);
    return run && places.every((axis, d) => axis === undefined || inside(d, e));
  };
}

/** The loops that carry an element from where it was written to the read; undefined where that can't be proved. */
export function carriersOf(
  writer: Place<Block>,
  reader: Place<Block>,
  buffer: Buffer,
  elements: readonly Element[],
): ReadonlyMap<Element, Counter> | undefined {
  const found = new Map<Element, Counter>();
  let left = elements;
  for (const c of counters(writer, reader)) {
    if (left.length === 0) break;
    const before = everythingSoFar(writer, reader, buffer, c);
    const one = oneEarlier(writer, reader, buffer, c);
    const here = left.filter((e) => before?.(e) || one(e));
    for (const e of here) found.set(e, c);
    left = left.filter((e) => !found.has(e));
  }
  return left.length === 0 ? found : undefined;
}

/** Loops between the counted ones and the reader stand still; those of the writer alone run. */
const ownLoopsOf = (writer: Place<Block>, reader: Place<Block>): readonly For[] =>
  writer.loops.slice(shared(writer, reader).length);

function everythingSoFar(
  writer: Place<Block>,
  reader: Place<Block>,
  buffer: Buffer,
  c: Counter,
): ((e: Element) => boolean) | undefined {
  const base = factsAround(writer, shared(writer, reader).length);
  const number = variable("before");
  const extent = simplifyIndex(add(c.at, int(1)), base);
  const b = inIteration(writer, c, number, base.withVar(number, int(0), extent));
  if (b === undefined) return undefined;
  const run: For = { ...c.loops[0]!, var: number, min: int(0), extent };
  return writesOf(b, [run, ...ownLoopsOf(writer, reader)], base, buffer);
}

/** The iteration that wrote an element follows from the place of the element, where an axis counts iterations. */
function oneEarlier(writer: Place<Block>, reader: Place<Block>, buffer: Buffer, c: Counter): (e: Element) => boolean {
  const base = factsAround(writer, shared(writer, reader).length);
  const own = ownLoopsOf(writer, reader);
  const places = storedAt(writer.node, buffer) ?? [];
  const number = variable("at");
  const general = inIteration(writer, c, number, base);
  const checks = new Map<number, ((e: Element) => boolean) | undefined>();
  return (e) => {
    for (const [d, axis] of places.entries()) {
      const binding = general?.iters.find((it) => it.var === axis)?.binding;
      if (binding === undefined || own.some((l) => usesVar(binding, (v) => v === l.var))) continue;
      const step = linear(binding).terms.find((t) => t.atom === number)?.coefficient;
      if (step === undefined) continue;
      const now = substitute(binding, new Map([[number, c.at]]));
      const apart = simplifyIndex(sub(e.index[d]!, now), e.facts);
      const behind = simplifyIndex(floordiv(apart, int(step)), e.facts);
      if (behind.kind !== "const" || !isConst(simplifyIndex(floormod(apart, int(step)), e.facts), 0)) continue;
      const distance = Number(behind.value);
      const at = add(c.at, int(distance));
      if (distance > 0 || !prove(ge(at, int(0)), e.facts)) return false;
      if (!checks.has(distance)) {
        const then = rebound(general!, (x) => substitute(x, new Map([[number, at]])));
        checks.set(distance, writesOf(then, own, base, buffer));
      }
      return checks.get(distance)?.(e) ?? false;
    }
    return false;
  };
}

/**
 * Why an element may be gone by the time it is read. Elements that are a multiple of the factor apart along a folded dimension
 * share a place; nothing newer may lie there. What is written up to now is less than a factor ahead of the element, rises from
 * iteration to iteration, and is no longer than a factor in each. Where one dimension counts iterations, the others only have to
 * keep apart what is written in one.
 */
export function overwritten(
  writer: Place<Block>,
  reader: Place<Block>,
  buffer: Buffer,
  elements: readonly Element[],
  carriers: ReadonlyMap<Element, Counter>,
): string | undefined {
  const dims = buffer.shape.flatMap((_, d) => (foldOf(buffer, d) === undefined ? [] : [d]));
  const known = new Map<Counter | undefined, readonly Fold[]>();
  for (const element of elements) {
    const counter = carriers.get(element);
    const folds = known.get(counter) ?? dims.map((d) => foldIn(writer, reader, buffer, d, counter));
    known.set(counter, folds);
    const counted = folds.some((x) => x.counts && x.once && x.newer(x.dimension, element));
    const bad = folds.find((x) => !x.once || !(counted || x.newer(x.dimension, element)));
    if (bad)
      return `${buffer.name} keeps the last ${bad.factor} along dimension ${bad.dimension}: can't prove that what ${reader.node.id.name} reads is still there`;
  }
  return undefined;
}

/** How a block fills a folded dimension. */
interface Fold {
  readonly dimension: number;
  readonly factor: number;
  /** What one iteration writes has places of its own. */
  readonly once: boolean;
  /** Different iterations write different indices. */
  readonly counts: boolean;
  /** Whether nothing newer lies where an element does. */
  readonly newer: (d: number, e: Element) => boolean;
}

function foldIn(
  writer: Place<Block>,
  reader: Place<Block>,
  buffer: Buffer,
  dimension: number,
  counter: Counter | undefined,
): Fold {
  const factor = foldOf(buffer, dimension)!;
  const axis = storedAt(writer.node, buffer)?.[dimension];
  const depth = counter ? counter.depth + counter.loops.length : shared(writer, reader).length;
  const number = variable("at");
  const outer = factsAround(writer, depth);
  const base = counter ? outer.withVar(number, int(0), add(counter.at, int(1))) : outer;
  const b = counter ? inIteration(writer, counter, number, base) : writer.node;
  const e = b?.iters.find((it) => it.var === axis)?.binding;
  const ranges = new Map(writer.loops.slice(depth).map((l) => [l.var, { min: l.min, extent: l.extent }]));
  const ends = e && symbolicBounds(e, ranges, base);
  if (ends === undefined) return { dimension, factor, once: false, counts: false, newer: () => false };
  const once = prove(lt(sub(ends.max, ends.min), int(factor)), base);
  if (!counter) return { dimension, factor, once, counts: false, newer: () => once };
  const next = substitute(ends.min, new Map([[number, add(number, int(1))]]));
  const newest = substitute(ends.max, new Map([[number, counter.at]]));
  const rises = prove(ge(next, ends.min), base);
  return {
    dimension,
    factor,
    once,
    counts: prove(ge(next, add(ends.max, int(1))), base),
    newer: remembered((d, x) => rises && prove(lt(sub(newest, x.index[d]!), int(factor)), x.facts)),
  };
}
