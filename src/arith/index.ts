/**
 * Arithmetic on expressions: simplification, bounds, proofs, affine forms and regions. Other rooms import from here.
 *
 * Index mode (`simplifyIndex`, bounds, proofs, regions) takes integers as exact; value mode (`simplify`) is right for
 * wrap-around, NaN, infinities and signed zeros.
 */
import { type Expr, TRUE, type Var } from "../ir/index.ts";
import { type Affine, affineOf, invert, type Ranged } from "./affine.ts";
import { boundsOf } from "./bounds.ts";
import { congruenceOf } from "./congruence.ts";
import { type Congruence, Facts, type Interval } from "./facts.ts";
import { linOf, sortedTerms } from "./linear.ts";
import { cover, exact, type Range, union } from "./regions.ts";
import { simplifyNode } from "./simplify.ts";
import { type Ends, type Solution, solve, symbolicEnds } from "./symbolic.ts";

export { isExact } from "./bounds.ts";
export { foldOf, isFolded } from "./folds.ts";
export {
  alignedStrides,
  extentsOf,
  foldDimension,
  insideOf,
  invertIndex,
  reached,
} from "./layout.ts";
export { isLossless } from "./lossless.ts";
export { type Affine, type Congruence, type Ends, Facts, type Interval, type Range, type Ranged, type Solution };

/**
 * An equal expression, simpler: constants folded, rules applied, indices in canonical form. Right for any value.
 *
 *     simplify(add(x, constant("f32", -0))) // x
 */
export const simplify = (e: Expr, facts: Facts = Facts.empty): Expr => simplifyNode(e, facts, "value");

/**
 * The canonical form of an index expression (exact integers): equal sums, quotients and conditions usually become the same
 * object.
 *
 *     simplifyIndex(floordiv(add(mul(io, int(6)), ii), int(6)), facts) // io, where 0 <= ii < 6
 */
export const simplifyIndex = (e: Expr, facts: Facts = Facts.empty): Expr => simplifyNode(e, facts, "index");

/** Inclusive bounds of an integer expression of any shape; infinite where nothing is known. */
export function constBounds(e: Expr, facts: Facts = Facts.empty): Interval {
  const b = boundsOf(simplifyNode(e, facts, "index"), facts);
  return { min: b.min + 0, max: b.max + 0 };
}

/** `e` is `remainder` modulo `modulus`. Modulus 0: it is exactly the remainder; modulus 1: nothing is known. */
export const congruence = (e: Expr, facts: Facts = Facts.empty): Congruence =>
  congruenceOf(simplifyNode(e, facts, "index"), facts);

/** Whether a condition (of any lanes) certainly holds. False means "not proved". */
export function prove(cond: Expr, facts: Facts = Facts.empty): boolean {
  const s = simplifyNode(cond, facts, "index");
  return s === TRUE || (s.kind === "broadcast" && s.value === TRUE);
}

/**
 * Bounds of `e` in terms of the variables that are left when those in `ranges` (outer loops first) run over their ranges.
 * Undefined where there are none (a data-dependent index).
 */
export const symbolicBounds = (
  e: Expr,
  ranges: ReadonlyMap<Var, Ranged>,
  facts: Facts = Facts.empty,
): Ends | undefined => symbolicEnds(e, ranges, facts);

/** e = sum of coefficient * variable + rest, all free of `vars`; undefined where e is not of that form. */
export const affine = (e: Expr, vars: ReadonlySet<Var>, facts: Facts = Facts.empty): Affine | undefined =>
  affineOf(e, vars, facts);

export interface LinearForm {
  readonly terms: readonly { readonly atom: Expr; readonly coefficient: number }[];
  readonly constant: number;
}
/** The linear form over atoms (anything that is no sum or constant multiple is one), in canonical order. */
export function linear(e: Expr, facts: Facts = Facts.empty): LinearForm {
  const l = linOf(simplifyNode(e, facts, "index"));
  return { terms: sortedTerms(l).map(([atom, coefficient]) => ({ atom, coefficient })), constant: l.constant };
}

/**
 * A box around everything an access touches while `ranges` (outer loops first) run. With `shape` it starts inside the buffer, and
 * a dimension whose index has no bounds is taken whole; without, that is an error (code `region`). Extents are constants where
 * possible, so a box may reach beyond the end of the buffer.
 */
export const coverRegion = (
  index: readonly Expr[],
  ranges: ReadonlyMap<Var, Ranged>,
  facts: Facts = Facts.empty,
  shape?: readonly Expr[],
): Range[] => cover(index, ranges, facts, shape);

/** The box of which an access touches every element while `ranges` run; undefined where that is not certain. */
export const exactRegion = (
  index: readonly Expr[],
  ranges: ReadonlyMap<Var, Ranged>,
  facts: Facts = Facts.empty,
): Range[] | undefined => exact(index, ranges, facts);

/** The box around two boxes of the same rank. */
export const unionRanges = (a: readonly Range[], b: readonly Range[], facts: Facts = Facts.empty): Range[] =>
  union(a, b, facts);

/**
 * The inverse of an index map: each variable (in [0, extent)) in terms of `targets[i]`, the value of `bindings[i]`. Undefined
 * unless the map is provably injective and of split and fuse shape.
 *
 *     solveAffineBindings([floordiv(f, int(8)), floormod(f, int(8))], [x, y], [{ var: f, extent: int(64) }]) // f = x*8 + y
 */
export const solveAffineBindings = (
  bindings: readonly Expr[],
  targets: readonly Expr[],
  vars: readonly { readonly var: Var; readonly extent: Expr }[],
  facts: Facts = Facts.empty,
): ReadonlyMap<Var, Expr> | undefined => invert(bindings, targets, vars, facts);

/**
 * The inclusive interval of `v` in which `cond` (comparisons joined by `and`) certainly holds for all values of the variables in
 * `inner`. An end that is absent is unbounded; undefined where there is no such interval in closed form.
 *
 *     solveCondition(lt(add(mul(io, int(6)), ii), n), io, facts, new Map([[ii, { min: int(0), extent: int(6) }]]))
 *     // { max: (n - 6) // 6 }, printed n // 6 - 1
 */
export const solveCondition = (
  cond: Expr,
  v: Var,
  facts: Facts = Facts.empty,
  inner: ReadonlyMap<Var, Ranged> = new Map(),
): Solution | undefined => solve(cond, v, facts, inner);
