/** What values buffers hold, as far as the stores to them say. */
import { constBounds, Facts, type Interval } from "../../src/arith/index.ts";
import {
  type Buffer,
  bitsOf,
  constant,
  type Expr,
  type Intrinsic,
  isInteger,
  mapExpr,
  max,
  min,
  type Stmt,
  visitStmt,
} from "../../src/ir/index.ts";
import { type BoundsOf, fits } from "./canonical.ts";

/**
 * Bounds of integer expressions under `facts`, where an element of a buffer that `s` writes is one of the values that `s` stores to it
 * (nothing reads an element before it is written). `assumed`: what callers promise of inputs.
 */
export function valueBounds(s: Stmt, assumed: ReadonlyMap<Buffer, Interval> = new Map()): (facts: Facts) => BoundsOf {
  const stored = new Map<Buffer, Expr[]>();
  visitStmt(s, (x) => void (x.kind === "store" && stored.set(x.buffer, [...(stored.get(x.buffer) ?? []), x.value])));
  const known = new Map<Buffer, Interval | undefined>(assumed);
  const ofBuffer = (b: Buffer): Interval | undefined => {
    if (known.has(b)) return known.get(b);
    // a buffer that is computed from itself may hold anything
    known.set(b, undefined);
    const values = stored.get(b);
    if (values === undefined || !isInteger(b.dtype) || bitsOf(b.dtype) > 32) return undefined;
    const all = values.map((v) => bounds(v, Facts.empty));
    const r = { min: Math.min(...all.map((i) => i.min)), max: Math.max(...all.map((i) => i.max)) };
    // bounds beyond the dtype say that something may have wrapped
    if (fits(r, b.dtype)) known.set(b, r);
    return known.get(b);
  };
  const bounds = (e: Expr, facts: Facts): Interval => boundsWith(e, ofBuffer, facts);
  return (facts) => (e) => bounds(e, facts);
}
/** The same inside an intrinsic: operands are within their stated ranges. */
export function operandBounds(x: Intrinsic): BoundsOf {
  const range = (b: Buffer): Interval | undefined => {
    const r = x.operands.find((o) => o.buffer === b)?.range;
    return r && isInteger(b.dtype) ? { min: r[0], max: r[1] } : undefined;
  };
  return (e) => boundsWith(e, range, Facts.empty);
}

/** Bounds where reads of some buffers are known to lie in an interval. */
function boundsWith(e: Expr, of: (b: Buffer) => Interval | undefined, facts: Facts): Interval {
  const told = mapExpr(e, (x) => {
    const i = x.kind === "load" ? of(x.buffer) : undefined;
    return i === undefined ? x : min(max(x, constant(x.dtype, i.min)), constant(x.dtype, i.max));
  });
  return constBounds(told, facts);
}
