/** Primitives that say how buffers lie in memory. Accesses stay as they are. */
import { constBounds, extentsOf, insideOf, invertIndex, simplifyIndex } from "../../src/arith/index.ts";
import {
  type Align,
  add,
  type BlockId,
  type Buffer,
  bytesOf,
  constInt,
  type Expr,
  type Func,
  floordiv,
  floormod,
  int,
  type Layout,
  layoutOf,
  Names,
  physicalShape,
  printExpr,
  replaceBuffers,
  substitute,
  type Var,
  visitExpr,
  withLayout,
} from "../../src/ir/index.ts";
import { storedAt } from "../analysis.ts";
import { badArgument, describe } from "../arguments.ts";
import { type Complaint, refuse } from "../error.ts";
import { type GivenScalar, givenConstant } from "../expr-data.ts";
import { accepted, onBlocks } from "../hints.ts";
import type { Outcome } from "../outcome.ts";
import { axisName, freshName, io, readersOf, writersOf } from "../tree.ts";
import { typedMap } from "../typed-text.ts";
import { findBlock } from "./find.ts";

/** A map from an index of a buffer's box of memory to one of another box. */
export interface IndexMap {
  readonly vars: readonly Var[];
  readonly index: readonly Expr[];
}

/** Whether a schedule may say how this buffer lies in memory: nobody outside of the function looks there. */
const mayLayOut = (f: Func, b: Buffer): boolean => f.intermediates.includes(b);

/** The buffers a block writes. */
export const buffersOf = (f: Func, block: BlockId): readonly Buffer[] => [...io(findBlock(f, block).node).writes];

/** Names for the dimensions of a buffer's box of memory: those of the axes at which it is written, where it lies as it is indexed. */
export function indexNames(f: Func, b: Buffer): string[] {
  const writer = writersOf(f, b)[0];
  const axes = b.layout || !writer ? undefined : storedAt(writer.node, b);
  const taken = new Set(f.sizes.map((v) => v.name));
  return physicalShape(b).map((_, d) => {
    const v = axes?.[d];
    const name = freshName(v ? axisName(v) : `${b.layout ? "p" : "i"}${d}`, taken);
    taken.add(name);
    return name;
  });
}

/** Blocks to underline for a buffer. */
const blocksOf = (f: Func, b: Buffer): BlockId[] => {
  const writers = writersOf(f, b);
  return [...new Set((writers.length > 0 ? writers : readersOf(f, b)).map((p) => p.node.id))];
};
type Bad = (condition: number, code: string, message: string, legal?: Complaint["legal"]) => never;
const complain =
  (f: Func, primitive: string, b: Buffer): Bad =>
  (condition, code, message, legal) =>
    refuse(f, { primitive, condition, code, message, marks: blocksOf(f, b), ...(legal ? { legal } : {}) });

function needOwn(f: Func, b: Buffer, bad: Bad): void {
  if (mayLayOut(f, b)) return;
  const output = f.outputs.includes(b);
  const copies: Complaint["legal"] = (p) =>
    output
      ? onBlocks("cacheWrite", blocksOf(f, b), (x) => p.cacheWrite(f, x, "workspace"), ', "workspace"')
      : onBlocks("cacheRead", blocksOf(f, b), (x) => p.cacheRead(f, x, b, "workspace"), `, ${b.name}, "workspace"`);
  bad(1, "parameter", `${b.name} is an ${output ? "output" : "input"}: it lies as the caller gives it`, copies);
}

const printMap = (vars: readonly Var[], index: readonly Expr[]): string => {
  const names = new Names(vars);
  return `(${vars.map((v) => names.of(v)).join(", ")}) -> (${index.map((e) => printExpr(e, names)).join(", ")})`;
};

/** No buffer takes more bytes than addresses count. */
const MAX_BYTES = 2 ** 31 - 1;
/** Bytes of a box of memory with symbolic extents taken as 1: at least so many. */
function leastBytes(b: Buffer, shape: readonly Expr[], align: readonly Align[] = []): number {
  let step = 1;
  for (let d = shape.length - 1; d >= 0; d--) {
    const a = align.find((x) => x.dim === d);
    if (a) step += (((a.offset - step) % a.factor) + a.factor) % a.factor;
    step *= constInt(shape[d]!) ?? 1;
  }
  return step * bytesOf(b.dtype);
}

/**
 * Lays buffers out in another way: the element at an index lies where the map sends the index. Nothing else changes; what is written
 * and read stays the same. A later map takes the indices that the former one gives.
 *
 *     s.transformLayout(packed, (k, j) => [j.div(8), k, j.mod(8)])      // panels of 8 columns
 *     s.transformLayout("X.workspace", (n, h, w, c) => [n, c.div(8), h, w, c.mod(8)])
 *
 * Extents follow from the map. Where it leaves cells out (13 columns in panels of 8), no access can reach them: they hold `pad`, or
 * anything where that isn't given.
 *
 * Conditions:
 * 1. the buffers are intermediates: inputs and outputs lie as the caller gives them;
 * 2. the map takes as many indices as each buffer has dimensions in memory;
 * 3. every index is mapped to indices provably of 0 and more, with an end in closed form;
 * 4. two indices provably never share a cell: the map can be inverted. It may take quotients and remainders by constants, fuse
 *    dimensions (`i.mul(16).add(j)`), change their order, turn them round, and combine these;
 * 5. a buffer takes less than 2^31 bytes;
 * 6. no alignment was asked for before: storageAlign comes after the last map.
 *
 * All handles survive.
 */
export function transformLayout(f: Func, buffers: readonly Buffer[], map: IndexMap, pad?: Padding): Outcome {
  const changed = new Map(buffers.map((b) => [b, laidOut(f, b, map, padOf(f, b, pad))]));
  return replaced(f, changed);
}
const replaced = (f: Func, map: ReadonlyMap<Buffer, Buffer>): Outcome => ({
  func: {
    ...f,
    intermediates: f.intermediates.map((b) => map.get(b) ?? b),
    body: replaceBuffers(f.body, map),
  },
  replaced: map,
});

/** A number for cells that nothing reaches, of whatever dtype they are; as text where JSON has no number for it. */
export type Padding = GivenScalar;
function padOf(f: Func, b: Buffer, pad: Padding | undefined): Expr | undefined {
  if (pad === undefined) return undefined;
  const made = givenConstant(b.dtype, pad);
  if (made) return made;
  return badArgument(f, "transformLayout", `pad is ${describe(pad)}, not a value of ${b.dtype}, as ${b.name} holds`, [
    "pad: 0",
  ]);
}

function laidOut(f: Func, b: Buffer, map: IndexMap, pad: Expr | undefined): Buffer {
  const bad = complain(f, "transformLayout", b);
  needOwn(f, b, bad);
  const old = layoutOf(b, indexNames(f, b));
  const [takes, has] = [map.vars.length, old.shape.length];
  if (takes !== has)
    bad(
      2,
      "rank",
      `the map takes ${takes} ${takes === 1 ? "index" : "indices"}, but ${b.name} has ${has} in memory`,
      () => [typedMap(old.vars, old.vars), ...sameRank(f, map).map((x) => `this map for "${x.name}"`)],
    );
  const text = printMap(map.vars, map.index);
  const extents = extentsOf(map.vars, old.shape, map.index);
  const lost = extents.indexOf(undefined);
  if (lost >= 0) {
    const names = new Names(map.vars);
    const e = map.index[lost]!;
    const { min } = constBounds(e, insideOf(map.vars, old.shape));
    const why = min < 0 ? "never below 0" : "bounded";
    bad(3, "outside", `can't prove that ${printExpr(e, names)}, where the map sends ${b.name}, is ${why}`, () =>
      shifted(f, b, map, lost, min),
    );
  }
  const shape = extents as readonly Expr[];
  const back = invertIndex(map.vars, old.shape, map.index);
  if (!back)
    return bad(4, "not-invertible", `can't prove that ${text} keeps the elements of ${b.name} apart`, () =>
      completed(f, b, old, map),
    );
  const bytes = leastBytes(b, shape);
  if (bytes > MAX_BYTES) bad(5, "too-large", `${b.name} would take ${bytes} bytes`, [typedMap(map.vars, map.vars)]);
  if (old.align && old.align.length > 0)
    bad(6, "aligned", `${b.name} is aligned already`, ["transformLayout before storageAlign"]);
  const through = (from: readonly Var[], to: readonly Expr[]): ReadonlyMap<Var, Expr> =>
    new Map(from.map((v, d) => [v, to[d]!]));
  const facts = insideOf(old.vars, b.shape);
  const [there, home] = [through(map.vars, old.index), through(old.cells, back.inverse)];
  const inside = insideOf(back.cells, shape);
  const value = pad ?? old.pad;
  const layout: Layout = {
    vars: old.vars,
    index: map.index.map((e) => simplifyIndex(substitute(e, there), facts)),
    shape,
    cells: back.cells,
    inverse: old.inverse.map((e) => simplifyIndex(substitute(e, home), inside)),
    ...(value ? { pad: value } : {}),
  };
  return withLayout(b, layout);
}
/** Buffers that the map could be of. */
const sameRank = (f: Func, map: IndexMap): Buffer[] =>
  f.intermediates.filter((b) => physicalShape(b).length === map.vars.length);
/** The map with what it goes below 0 by added. */
function shifted(f: Func, b: Buffer, map: IndexMap, at: number, min: number): string[] {
  if (!Number.isFinite(min) || min >= 0) return [typedMap(map.vars, map.vars)];
  const index = map.index.map((e, d) => (d === at ? simplifyIndex(add(e, int(-min))) : e));
  const maps = accepted([index, map.vars], (x) => transformLayout(f, [b], { vars: map.vars, index: x }));
  return [...new Set(maps.map((x) => typedMap(map.vars, x)))];
}
/** The map with a dimension more that tells apart what it does not; among several such maps, those that take the least memory. */
function completed(f: Func, b: Buffer, old: Layout, map: IndexMap): string[] {
  const more = map.vars.flatMap((v) => [v, ...whatIsLost(v, map.index)]).map((e) => [...map.index, e]);
  const maps = accepted(more, (index) => transformLayout(f, [b], { vars: map.vars, index }));
  const bytes = maps.map((x) => leastBytes(b, extentsOf(map.vars, old.shape, x) as readonly Expr[]));
  const dense = maps.filter((_, n) => bytes[n] === Math.min(...bytes));
  return (dense.length > 0 ? dense : [map.vars]).map((x) => typedMap(map.vars, x));
}
/** Of quotients of a variable the remainders, of remainders the quotients. */
function whatIsLost(v: Var, index: readonly Expr[]): Expr[] {
  const lost = new Set<Expr>();
  for (const e of index)
    visitExpr(e, (x) => {
      if (x.kind !== "op" || x.args[0] !== v) return;
      if (x.op === "floordiv") lost.add(floormod(v, x.args[1]!));
      if (x.op === "floormod") lost.add(floordiv(v, x.args[1]!));
    });
  return [...lost];
}

/**
 * Leaves room between neighbours: the stride of a dimension becomes the next number that is `offset` modulo `factor`. Counts
 * elements, and dimensions as they lie in memory.
 *
 *     s.storageAlign(tile, 0, 32, 1)     // rows begin in different banks
 *     s.storageAlign(T, 0, 4)                // every row begins at a multiple of 16 bytes (f32)
 *
 * Conditions:
 * 1. the buffers are intermediates: inputs and outputs lie as the caller gives them;
 * 2. the buffers have that dimension in memory;
 * 3. a buffer takes less than 2^31 bytes.
 *
 * All handles survive.
 */
export function storageAlign(
  f: Func,
  buffers: readonly Buffer[],
  dim: number,
  factor: number,
  offset: number = 0,
): Outcome {
  const whole = (x: unknown): boolean => Number.isInteger(x) && (x as number) >= 0;
  if (!whole(dim)) badArgument(f, "storageAlign", `${describe(dim)} is no dimension`, ["0", "1"]);
  if (!whole(factor) || factor < 1 || factor > MAX_BYTES)
    badArgument(f, "storageAlign", `the factor is ${describe(factor)}, not a positive whole number`, ["16", "32"]);
  if (!whole(offset) || offset >= factor)
    badArgument(f, "storageAlign", `the offset is ${describe(offset)}, not a whole number below ${factor}`, [
      `0 to ${factor - 1}`,
    ]);
  const map = new Map<Buffer, Buffer>();
  for (const b of buffers) {
    const bad = complain(f, "storageAlign", b);
    needOwn(f, b, bad);
    const old = layoutOf(b, indexNames(f, b));
    const rank = old.shape.length;
    if (dim >= rank)
      bad(
        2,
        "dimension",
        `${b.name} has ${rank} dimension${rank === 1 ? "" : "s"} in memory, and no dimension ${dim}`,
        [...old.shape.map((_, d) => `dimension ${d}`)],
      );
    const align = [...(old.align ?? []).filter((a) => a.dim !== dim), { dim, factor, offset }];
    const bytes = leastBytes(b, old.shape, align);
    if (bytes > MAX_BYTES) bad(3, "too-large", `${b.name} would take ${bytes} bytes`, ["a smaller factor"]);
    map.set(b, withLayout(b, { ...old, align }));
  }
  return replaced(f, map);
}
