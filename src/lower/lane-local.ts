/**
 * Whether the lanes of the vectorized loops in a statement may run one group after another: all of the statement for lanes 0 to 3,
 * then all of it for lanes 4 and 5. They may if what a lane writes, only that lane touches.
 *
 * Before: flat accesses. Says no where it does not know.
 */
import { affine, type Facts, prove, simplifyIndex } from "../arith/index.ts";
import {
  type Buffer,
  childStmts,
  constInt,
  type Expr,
  exprsOf,
  type For,
  floormod,
  int,
  isConst,
  le,
  mul,
  type Stmt,
  usesVar,
  type Var,
  visitExpr,
} from "../ir/index.ts";
import { boundIn } from "./walk.ts";

interface Access {
  readonly index: Expr;
  /** The vectorized loop around it, if any. */
  readonly loop: For | undefined;
  /** Whether that loop runs several times. */
  readonly repeated: boolean;
}

/** `lanes`: how many lanes run at all. Lanes of one run of one loop are independent of each other by what vectorizing means. */
export function laneLocal(s: Stmt, lanes: Expr, facts: Facts): boolean {
  const { accesses, written } = accessesIn(s);
  const own = boundIn(s);
  for (const b of written) {
    const all = accesses.get(b)!;
    const first = all[0]!;
    if (first.loop !== undefined && !first.repeated && all.every((a) => a.loop === first.loop)) continue;
    const forms = all.map((a) => formOf(a, own));
    const f = forms[0];
    if (f === undefined) return false;
    if (!forms.every((x) => x !== undefined && x.step === f.step && x.rest === f.rest)) return false;
    const others = new Set(forms.flatMap((x) => x!.others));
    if (others.size > 0 && !apart(mul(lanes, int(f.step)), [...others], facts)) return false;
  }
  return true;
}

function accessesIn(s: Stmt): { accesses: ReadonlyMap<Buffer, readonly Access[]>; written: ReadonlySet<Buffer> } {
  const accesses = new Map<Buffer, Access[]>();
  const written = new Set<Buffer>();
  const put = (b: Buffer, a: Access): void => void accesses.set(b, [...(accesses.get(b) ?? []), a]);
  const walk = (x: Stmt, loop: For | undefined, repeated: boolean): void => {
    for (const e of exprsOf(x))
      visitExpr(e, (n) => void (n.kind === "load" && put(n.buffer, { index: n.index[0]!, loop, repeated })));
    if (x.kind === "store") {
      put(x.buffer, { index: x.index[0]!, loop, repeated });
      written.add(x.buffer);
    }
    const outside = x.kind === "for" && loop === undefined;
    const enters = outside && x.loop === "vectorized";
    for (const c of childStmts(x)) walk(c, enters ? x : loop, repeated || (outside && !enters));
  };
  walk(s, undefined, false);
  return { accesses, written };
}

/** index = step * lane + the sum of others * their loop variables + rest, with nothing of `own` in the others and the rest. */
function formOf(a: Access, own: ReadonlySet<Var>): { step: number; others: Expr[]; rest: Expr } | undefined {
  const lane = a.loop?.var;
  const form = lane && affine(a.index, own);
  const step = form && constInt(form.coefficients.get(lane) ?? int(0));
  if (form === undefined || step === undefined || step <= 0) return undefined;
  const others = [...form.coefficients].filter(([v, c]) => v !== lane && !isConst(c, 0)).map(([, c]) => c);
  const rest = simplifyIndex(form.rest);
  return [...others, rest].some((e) => usesVar(e, (v) => own.has(v))) ? undefined : { step, others, rest };
}

/**
 * Whether any sum of multiples of `steps` is 0 or at least `width` in size: one of them divides all, and is as large. (A step of
 * 0 is as large only when no lane runs.)
 */
function apart(width: Expr, steps: readonly Expr[], facts: Facts): boolean {
  return steps.some((s) => {
    const known = facts.withCondition(le(int(1), s));
    return prove(le(width, s), facts) && steps.every((x) => isConst(simplifyIndex(floormod(x, s), known), 0));
  });
}
