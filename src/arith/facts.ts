/**
 * What is known at a point of the program: the ranges of variables and the conditions that hold. Immutable, so that results
 * can be remembered per instance.
 */
import { and, constInt, type Expr, FALSE, ge, int, TRUE, type Var } from "../ir/index.ts";
import { intervalOf, isExact } from "./bounds.ts";
import { conjuncts, greaterEqualForms, replaceAtom } from "./conditions.ts";
import {
  divideBounds,
  factorsOf,
  isIndexTyped,
  isProduct,
  type Lin,
  linAdd,
  linAtom,
  linOf,
  linPlus,
} from "./linear.ts";
import { simplifyNode } from "./simplify.ts";

export interface Interval {
  readonly min: number;
  readonly max: number;
}
export interface Congruence {
  readonly modulus: number;
  readonly remainder: number;
}
/** A variable's range as given, and its two ends as linear forms. */
export interface VarRange {
  readonly var: Var;
  readonly min: Expr;
  readonly extent: Expr;
  readonly first: Lin;
  readonly last: Lin;
  readonly constant: boolean;
  readonly order: number;
}
interface Memo<K extends object, T> {
  get(k: K): T | undefined;
  set(k: K, v: T): unknown;
}

export class Facts {
  readonly ranges: ReadonlyMap<Var, VarRange>;
  /** Each is known to be >= 0. */
  readonly conditions: readonly Lin[];
  /** Conditions that are not linear inequalities, known true or false. */
  readonly truths: ReadonlyMap<Expr, Expr>;
  /** Bounds of atoms that follow from the conditions. */
  readonly tight: ReadonlyMap<Expr, Interval>;
  readonly multiples: ReadonlyMap<Expr, Congruence>;
  /** False: symbolic sizes count as unbounded above (used to look for bounds that hold for every size). */
  readonly sizeLimits: boolean;

  readonly indexMemo: Memo<Expr, Expr>;
  readonly valueMemo: Memo<Expr, Expr>;
  readonly boundsMemo: Memo<Expr, Interval>;
  readonly congruenceMemo: Memo<Expr, Congruence>;
  readonly fitsMemo: Memo<Expr, boolean>;
  readonly pureMemo: Memo<Expr, boolean>;
  readonly exactMemo: Memo<Expr, boolean>;
  readonly #children = new WeakMap<Expr, Facts>();
  /** The last range given to each variable, so that what is found out inside a loop is found out once. */
  readonly #ranged = new WeakMap<Var, { readonly min: Expr; readonly extent: Expr; readonly facts: Facts }>();
  readonly #lanes = new Map<Var, Facts>();
  #unlimited: Facts | undefined;
  readonly #forever: boolean;

  private constructor(from: Partial<Facts>, forever = false) {
    this.ranges = from.ranges ?? new Map();
    this.conditions = from.conditions ?? [];
    this.truths = from.truths ?? new Map();
    this.tight = from.tight ?? new Map();
    this.multiples = from.multiples ?? new Map();
    this.sizeLimits = from.sizeLimits ?? true;
    this.#forever = forever;
    // `empty` lives as long as the program, so it must not keep expressions alive; the others are short-lived
    this.indexMemo = forever ? new WeakMap() : new Map();
    this.valueMemo = forever ? new WeakMap() : new Map();
    this.boundsMemo = forever ? new WeakMap() : new Map();
    this.congruenceMemo = forever ? new WeakMap() : new Map();
    this.fitsMemo = forever ? new WeakMap() : new Map();
    this.pureMemo = forever ? new WeakMap() : new Map();
    this.exactMemo = forever ? new WeakMap() : new Map();
  }

  static readonly empty: Facts = new Facts({}, true);

  /**
   * With `v` in [min, min + extent), where the extent is at least 1 because the code that asks runs.
   *
   *     const f = Facts.empty.withVar(ii, int(0), int(6));
   *     prove(lt(ii, int(6)), f); // true
   */
  withVar(v: Var, min: Expr, extent: Expr): Facts {
    const old = this.#ranged.get(v);
    if (old !== undefined && old.min === min && old.extent === extent) return old.facts;
    const facts = this.#withVar(v, min, extent);
    this.#ranged.set(v, { min, extent, facts });
    return facts;
  }
  #withVar(v: Var, min: Expr, extent: Expr): Facts {
    const lo = simplifyNode(min, this, "index");
    const ext = simplifyNode(extent, this, "index");
    const nonEmpty = constInt(ext) !== undefined ? this : this.withCondition(ge(ext, int(1)));
    const base = nonEmpty.#without(v);
    const first = linOf(lo);
    const last = linPlus(linAdd(first, linOf(ext)), -1);
    const ranges = new Map(base.ranges);
    const order = ranges.size;
    const constant = first.terms.size === 0 && last.terms.size === 0;
    ranges.set(v, { var: v, min: lo, extent: ext, first, last, constant, order });
    return new Facts({ ...base, ranges });
  }

  /**
   * With a condition known to hold. Conjunctions are taken apart; what is no linear inequality is remembered as it is, and what
   * may wrap around is left out.
   */
  withCondition(c: Expr): Facts {
    const old = this.#children.get(c);
    if (old !== undefined) return old;
    const made = this.#withCondition(c);
    this.#children.set(c, made);
    return made;
  }
  #withCondition(c: Expr): Facts {
    const exact = conjuncts(c).filter((p) => isExact(p, this));
    if (exact.length === 0) return this;
    const s = simplifyNode(
      exact.reduce((a, b) => and(a, b)),
      this,
      "index",
    );
    if (s === TRUE || s === FALSE || s.lanes !== 1) return this;
    const forms: Lin[] = [];
    const truths = new Map(this.truths);
    const multiples = new Map(this.multiples);
    for (const p of conjuncts(s)) {
      truths.set(p, TRUE);
      if (p.kind === "op" && p.op === "not") truths.set(p.args[0]!, FALSE);
      const ge0 = greaterEqualForms(p);
      for (const l of ge0 ?? []) forms.push(l, ...onlyWay(l, this), ...nonZeroFactors(l, this));
      if (p.kind === "op" && p.op === "eq") noteRemainder(p.args[0]!, p.args[1]!, multiples);
    }
    const tight = new Map(this.tight);
    // a second round lets one condition profit from the bounds another one gave
    let current = new Facts({ ...this, truths, multiples, conditions: [...this.conditions, ...forms] });
    for (let round = 0; round < 2; round++) {
      for (const l of current.conditions) tighten(l, current, tight);
      current = new Facts({ ...current, tight: new Map(tight) });
    }
    return current;
  }

  /** With a lane variable (see vectors.ts); remembered. */
  withLane(v: Var, lanes: number): Facts {
    let f = this.#lanes.get(v);
    if (f === undefined) {
      f = new Facts(this.withVar(v, int(0), int(lanes)), this.#forever);
      this.#lanes.set(v, f);
    }
    return f;
  }
  /** The same without upper limits of symbolic sizes. */
  withoutSizeLimits(): Facts {
    if (!this.sizeLimits) return this;
    if (this.#unlimited === undefined) {
      let f = new Facts({ ...this, sizeLimits: false, tight: new Map(), conditions: this.conditions });
      const tight = new Map<Expr, Interval>();
      for (const l of f.conditions) tighten(l, f, tight);
      f = new Facts({ ...f, tight }, this.#forever);
      this.#unlimited = f;
    }
    return this.#unlimited;
  }

  /** Forgets a variable that is being bound again. */
  #without(v: Var): Facts {
    if (!this.ranges.has(v)) return this;
    const free = (e: Expr): boolean => !mentions(e, v);
    const ranges = new Map([...this.ranges].filter(([w, r]) => w !== v && free(r.min) && free(r.extent)));
    return new Facts({
      ranges,
      sizeLimits: this.sizeLimits,
      conditions: this.conditions.filter((l) => [...l.terms.keys()].every(free)),
      truths: new Map([...this.truths].filter(([e]) => free(e))),
      tight: new Map([...this.tight].filter(([e]) => free(e))),
      multiples: new Map([...this.multiples].filter(([e]) => free(e))),
    });
  }
}

function mentions(e: Expr, v: Var): boolean {
  switch (e.kind) {
    case "var":
      return e === v;
    case "const":
      return false;
    case "op":
      return e.args.some((a) => mentions(a, v));
    case "load":
      return e.index.some((a) => mentions(a, v));
    default:
      return true;
  }
}

/** From x % c == r. */
function noteRemainder(a: Expr, b: Expr, into: Map<Expr, Congruence>): void {
  const r = constInt(b);
  if (r === undefined || a.kind !== "op" || a.op !== "floormod") return;
  const c = constInt(a.args[1]!);
  if (c !== undefined && c > 1) into.set(a.args[0]!, { modulus: c, remainder: r });
}

/** From l >= 0, where one side of a maximum (or of a minimum that is taken away) can't be what makes it so: with the other side. */
function onlyWay(l: Lin, f: Facts): Lin[] {
  for (const [e, k] of l.terms) {
    if (e.kind !== "op" || !isIndexTyped(e) || (k > 0 ? e.op !== "max" : e.op !== "min")) continue;
    const sides = e.args.map((a) => replaceAtom(l, e, linOf(a)));
    const possible = sides.filter((s) => intervalOf(s, f).max >= 0);
    if (possible.length === 1) return [possible[0]!, ...onlyWay(possible[0]!, f)];
  }
  return [];
}

/** From k * (a * b) - c >= 0, where that can't be of a product of 0: each factor that is never negative is at least 1. */
function nonZeroFactors(l: Lin, f: Facts): Lin[] {
  const [only] = l.terms;
  if (only === undefined || l.terms.size > 1 || l.constant >= 0) return [];
  const [atom, k] = only;
  const factors = isProduct(atom) ? factorsOf(atom) : [];
  if (k < 0 || !factors.every((x) => intervalOf(linAtom(x), f).min >= 0)) return [];
  return factors.map((x) => linPlus(linAtom(x), -1));
}

/** From k*a + rest >= 0: bounds of each atom a. */
function tighten(l: Lin, f: Facts, into: Map<Expr, Interval>): void {
  for (const [atom, k] of l.terms) {
    const rest = linAdd(l, { terms: new Map([[atom, k]]), constant: 0 }, -1);
    const high = intervalOf(rest, f).max;
    if (high === Infinity) continue;
    const old = into.get(atom) ?? { min: -Infinity, max: Infinity };
    if (k > 0) into.set(atom, { min: Math.max(old.min, -divideBounds(high, k)), max: old.max });
    else into.set(atom, { min: old.min, max: Math.min(old.max, divideBounds(high, -k)) });
  }
}
