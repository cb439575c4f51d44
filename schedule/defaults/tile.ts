/**
 * Register tiles: how many rows and vectors of columns a step of a reduction multiplies, from what an engine's registers hold.
 */
import { type Target, VECTOR_BYTES, VECTOR_REGISTERS } from "../../src/target/index.ts";

export interface Tile {
  readonly rows: number;
  /** Vectors of columns. */
  readonly vectors: number;
}

/** Cycles until a sum can be added to again: that many accumulators, twice a cycle, keep the units busy. */
const LATENCY = 4;
/** What a broadcast, a vector, and the loop itself cost beside the arithmetic, in cycles: measured, as which of two tiles of one size is faster. */
const FUSED = { row: 0.05, vector: 0.1, step: 0.15 };
const APART = { row: 0.1, vector: 0.05, step: 0.15 };

/** Registers a step takes: the accumulators, the vectors (one is enough for a single row), a broadcast, and a product where that is not fused. */
const registers = (t: Tile, fused: boolean): number =>
  t.rows * t.vectors + (t.rows === 1 ? 1 : t.vectors) + 1 + (fused ? 0 : 1);

/** Bytes of the nearest cache, and cycles that a vector takes from the next one. */
const NEAREST = 32 * 1024;
const FAR = 0.9;

/** Cycles of one step: two multiply-adds and two loads start in each. A panel of many steps comes from the second cache for every row of tiles. */
function step({ rows, vectors }: Tile, fused: boolean, steps: number): number {
  const beside = fused ? FUSED : APART;
  const far = steps * vectors * VECTOR_BYTES > NEAREST ? vectors * FAR : 0;
  const busy = Math.max((rows * vectors) / 2, (rows + vectors) / 2, LATENCY, far);
  return busy + rows * beside.row + vectors * beside.vector + beside.step;
}

/** Pieces a length is cut into: how many whole ones, and the rest. */
const pieces = (length: number, of: number): readonly [count: number, size: number][] => {
  const whole = Math.floor(length / of);
  const rest = length - whole * of;
  return [...(whole > 0 ? [[whole, of] as const] : []), ...(rest > 0 ? [[1, rest] as const] : [])] as [
    number,
    number,
  ][];
};

/** Cycles of one step over all rows and columns; lanes left over are taken one by one. */
function cost(t: Tile, rows: number, columns: number, steps: number, lanes: number, fused: boolean): number {
  let sum = 0;
  for (const [m, r] of pieces(rows, t.rows))
    for (const [n, c] of pieces(columns, t.vectors * lanes))
      sum += m * n * step({ rows: r, vectors: Math.floor(c / lanes) + (c % lanes) }, fused, steps);
  return sum;
}

/**
 * The tile that takes the fewest cycles for a result of so many rows and columns, each a sum of so many products. Without a fused multiply-add, tiles of more than nine
 * accumulators spill on some engines, whose instruction scheduling starts products early.
 */
export function registerTileFor(target: Target, rows: number, columns: number, steps: number, lanes: number): Tile {
  const fused = target.contract && target.relaxed;
  let best: Tile = { rows: 1, vectors: 1 };
  let least = Infinity;
  for (let r = 1; r <= Math.min(rows, VECTOR_REGISTERS); r++)
    for (let v = 1; v <= Math.max(1, Math.ceil(columns / lanes)); v++) {
      const t = { rows: r, vectors: v };
      if (registers(t, fused) > VECTOR_REGISTERS || (!fused && r * v > 8 && r > 1)) continue;
      const c = cost(t, rows, columns, steps, lanes, fused);
      if (c < least) [best, least] = [t, c];
    }
  return best;
}
