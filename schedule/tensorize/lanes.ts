/** Vectors made of one scalar expression per lane: dense loads, repeated and shuffled ones, and operations on them. */
import { type Facts, linear, simplifyIndex } from "../../src/arith/index.ts";
import {
  add,
  type Buffer,
  broadcast,
  type Expr,
  int,
  type Load,
  load,
  mul,
  type Op,
  op,
  ramp,
  shuffle,
} from "../../src/ir/index.ts";

/** Lanes with no vector behind them: they differ in more than the places that they read. */
export class NoVector extends Error {}

/** How many separate pieces of memory a vector is put together from, at most. */
export const MOST_PIECES = 4;

/** The vector whose lanes these are. Loads have one, flat, index. Throws NoVector. */
export function vectorOf(lanes: readonly Expr[], facts: Facts): Expr {
  const first = lanes[0]!;
  if (lanes.every((e) => e === first)) return broadcast(first, lanes.length);
  if (first.kind === "load" && lanes.every((e) => e.kind === "load" && e.buffer === first.buffer))
    return loadOf(lanes as readonly Load[], facts);
  if (first.kind === "op" && lanes.every((e) => e.kind === "op" && e.op === first.op && e.dtype === first.dtype)) {
    const ops = lanes as readonly Op[];
    if (first.op === "where" && ops.some((e) => e.args[0] !== first.args[0]))
      throw new NoVector("lanes are guarded by different conditions");
    return op(
      first.op,
      first.args.map((_, i) =>
        vectorOf(
          ops.map((e) => e.args[i]!),
          facts,
        ),
      ),
      first.dtype,
    );
  }
  throw new NoVector("lanes are computed in different ways");
}

interface Run {
  /** The index of its first element. */
  readonly at: Expr;
  readonly key: string;
  readonly start: number;
  readonly length: number;
}

/** Where elements lie: those with one key differ by a constant. */
function position(e: Expr, facts: Facts): { readonly key: string; readonly at: number } {
  const { terms, constant } = linear(e, facts);
  const symbolic = terms.reduce<Expr>((s, t) => add(s, mul(t.atom, int(t.coefficient))), int(0));
  return { key: String(symbolic.id), at: constant };
}

/** Dense pieces of memory, powers of two long, that hold all of some elements and nothing else. */
function runsOf(indices: readonly Expr[], facts: Facts): Run[] {
  const byKey = new Map<string, Map<number, Expr>>();
  for (const e of indices) {
    const { key, at } = position(e, facts);
    byKey.set(key, (byKey.get(key) ?? new Map()).set(at, e));
  }
  const out: Run[] = [];
  for (const [key, places] of byKey) {
    const sorted = [...places.keys()].sort((a, b) => a - b);
    for (let i = 0; i < sorted.length; ) {
      let n = 1;
      while (i + n < sorted.length && sorted[i + n] === sorted[i]! + n) n++;
      const length = 2 ** Math.floor(Math.log2(n));
      out.push({ key, start: sorted[i]!, length, at: places.get(sorted[i]!)! });
      i += length;
    }
  }
  return out;
}

function loadOf(lanes: readonly Load[], facts: Facts): Expr {
  const { buffer } = lanes[0]!;
  const indices = lanes.map((l) => l.index[0]!);
  const runs = runsOf(indices, facts);
  let total = 0;
  const starts = runs.map((r) => {
    total += r.length;
    return total - r.length;
  });
  const picks = indices.map((e) => {
    const { key, at } = position(e, facts);
    const r = runs.findIndex((x) => x.key === key && x.start <= at && at < x.start + x.length);
    return starts[r]! + at - runs[r]!.start;
  });
  return shuffle(
    runs.map((r) => load(buffer, [ramp(r.at, int(1), r.length)])),
    picks,
  );
}

/** The number of pieces of memory that the loads of a vector are made of, and the buffer that needs most. */
export function piecesIn(lanes: readonly Expr[], facts: Facts): { readonly pieces: number; readonly buffer?: Buffer } {
  const first = lanes[0]!;
  if (lanes.every((e) => e === first)) return { pieces: 1 };
  if (first.kind === "load")
    return {
      pieces: runsOf(
        lanes.map((e) => (e as Load).index[0]!),
        facts,
      ).length,
      buffer: first.buffer,
    };
  if (first.kind !== "op") return { pieces: 1 };
  return first.args
    .map((_, i) =>
      piecesIn(
        lanes.map((e) => (e as Op).args[i]!),
        facts,
      ),
    )
    .reduce((a, b) => (b.pieces > a.pieces ? b : a), { pieces: 1 });
}

/** The first index, where lane l lies l elements after it. */
export function denseFrom(indices: readonly Expr[], facts: Facts): Expr | undefined {
  const first = position(indices[0]!, facts);
  const dense = indices.every((e, l) => {
    const p = position(e, facts);
    return p.key === first.key && p.at === first.at + l;
  });
  return dense ? simplifyIndex(indices[0]!, facts) : undefined;
}
