/** Layouts of buffers: the memory that an index map needs, the way back, and which cells it reaches. */
import {
  type Align,
  add,
  and,
  type Buffer,
  constInt,
  type Expr,
  eq,
  floordiv,
  floormod,
  ge,
  int,
  type Layout,
  layoutOf,
  lt,
  max,
  mul,
  sub,
  substitute,
  TRUE,
  usesVar,
  type Var,
  variable,
  withLayout,
} from "../ir/index.ts";
import { affineForm, invert } from "./affine.ts";
import { boundsOf } from "./bounds.ts";
import { Facts } from "./facts.ts";
import { proveLe } from "./index-arith.ts";
import { emit, gcd, linOf } from "./linear.ts";
import { simplifyNode } from "./simplify.ts";
import { symbolicEnds } from "./symbolic.ts";

const simp = (e: Expr, facts: Facts): Expr => simplifyNode(e, facts, "index");

/** What holds of an index inside a box. */
export const insideOf = (vars: readonly Var[], shape: readonly Expr[]): Facts =>
  vars.reduce((f, v, d) => f.withVar(v, int(0), shape[d]!), Facts.empty);

/**
 * The extents of the smallest box from 0 that holds what an index expression yields while its variables run over a shape, dimension by
 * dimension; undefined where one has no bounds in closed form, or may go below 0.
 */
export function extentsOf(
  vars: readonly Var[],
  shape: readonly Expr[],
  index: readonly Expr[],
): readonly (Expr | undefined)[] {
  const ranges = new Map(vars.map((v, d) => [v, { min: int(0), extent: shape[d]! }]));
  const facts = insideOf(vars, shape);
  return index.map((e) => {
    const ends = symbolicEnds(e, ranges, Facts.empty);
    if (ends === undefined || !proveLe(int(0), ends.min, facts)) return undefined;
    const extent = simp(add(ends.max, int(1)), Facts.empty);
    // the ends of nothing need not make an interval
    return proveLe(int(0), extent, Facts.empty) ? extent : simp(max(extent, int(0)), Facts.empty);
  });
}

/** Divisors below this are worth rounding an extent up to. */
const DIVISOR = 2 ** 20;
/** What an extent has to be a multiple of so that quotients and remainders of the variable are digits of it. */
function divisorOf(v: Var, e: Expr): number {
  if (e.kind !== "op" || !usesVar(e, (x) => x === v)) return 1;
  const [a, b] = e.args;
  const c = e.op === "floordiv" || e.op === "floormod" ? constInt(b!) : undefined;
  if (c !== undefined && c > 0) return Math.min(c * divisorOf(v, a!), DIVISOR);
  return e.args.reduce((all, x) => commonMultiple(all, divisorOf(v, x)), 1);
}
const commonMultiple = (a: number, b: number): number => Math.min((a / gcd(a, b)) * b, DIVISOR);

/**
 * The way back of an index map over a box: each variable in terms of `cells`, the values of `index`. Undefined unless the map
 * is provably injective: quotients and remainders by constants, fused dimensions, permutations, dimensions turned round.
 *
 *     invertIndex([j], [int(13)], [floordiv(j, int(8)), floormod(j, int(8))]) // j = p0 * 8 + p1
 */
export function invertIndex(
  vars: readonly Var[],
  shape: readonly Expr[],
  index: readonly Expr[],
): { readonly cells: readonly Var[]; readonly inverse: readonly Expr[] } | undefined {
  const cells = index.map((_, d) => variable(`p${d}`));
  // as the shape is, and rounded up to whole tiles: what is injective on more is on less
  const rounded = shape.map((n, d) => {
    const c = int(index.reduce((all, e) => commonMultiple(all, divisorOf(vars[d]!, e)), 1));
    return simp(mul(floordiv(add(n, sub(c, int(1))), c), c), Facts.empty);
  });
  for (const extents of [shape, rounded]) {
    const facts = insideOf(vars, extents);
    const plain = index.map((e) => simp(e, facts));
    // a dimension that runs backwards is one that runs forwards from its end
    const own = new Set(vars);
    const turned = new Set<Var>();
    for (const e of plain)
      for (const [v, c] of affineForm(linOf(e), own)?.coefficients ?? []) {
        const k = emit(c);
        if (k !== undefined && boundsOf(k, facts).max < 0) turned.add(v);
      }
    const forwards = vars.map((v, d) => (turned.has(v) ? sub(sub(extents[d]!, int(1)), v) : v));
    const map = new Map(vars.map((v, d) => [v, forwards[d]!]));
    const solved = invert(
      plain.map((e) => substitute(e, map)),
      cells,
      vars.map((v, d) => ({ var: v, extent: extents[d]! })),
      Facts.empty,
    );
    if (!solved) continue;
    return { cells, inverse: forwards.map((e) => simp(substitute(e, solved), Facts.empty)) };
  }
  return undefined;
}

/** A condition over `cells`: some logical index of a buffer of this shape lies there. */
export function reached(l: Layout, shape: readonly Expr[]): Expr {
  const facts = insideOf(l.cells, l.shape);
  const inside = l.inverse.map((e, d) => and(ge(e, int(0)), lt(e, shape[d]!)));
  const back = new Map(l.vars.map((v, d) => [v, l.inverse[d]!]));
  const same = l.index.map((e, d) => eq(substitute(e, back), l.cells[d]!));
  return simp([...inside, ...same].reduce(and, TRUE), facts);
}

/** Elements between neighbours of each physical dimension: row-major, each stride the next that its alignment asks for. */
export function alignedStrides(shape: readonly Expr[], align: readonly Align[]): readonly Expr[] {
  const out: Expr[] = [];
  let step: Expr = int(1);
  for (let d = shape.length - 1; d >= 0; d--) {
    const a = align.find((x) => x.dim === d);
    if (a) step = simp(add(step, floormod(sub(int(a.offset), step), int(a.factor))), Facts.empty);
    out.unshift(step);
    step = simp(mul(step, shape[d]!), Facts.empty);
  }
  return out;
}

/**
 * A buffer of which only the last `factor` indices along a logical dimension keep a place of their own: element i lies where
 * element i % factor does. Undefined where its memory has no bounds in closed form.
 */
export function foldDimension(b: Buffer, dim: number, factor: Expr): Buffer | undefined {
  const old = layoutOf(b);
  const v = old.vars[dim]!;
  const facts = insideOf(old.vars, b.shape);
  const map = new Map([[v, floormod(v, factor)]]);
  const index = old.index.map((e) => simp(substitute(e, map), facts));
  const shape = extentsOf(old.vars, b.shape, index);
  return shape.every((e) => e !== undefined) ? withLayout(b, { ...old, index, shape: shape as Expr[] }) : undefined;
}
