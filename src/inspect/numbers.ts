/**
 * Sizes as numbers: what an index expression is worth, and for which share of its iterations a condition holds. Symbolic sizes
 * take the values given, or what `dim` calls typical.
 */
import {
  applyOp,
  type Expr,
  type For,
  type Func,
  type Scalar,
  sizeFault,
  TilewrightError,
  type Var,
  visitExpr,
} from "../ir/index.ts";

export type Env = ReadonlyMap<Var, number>;
export type Sizes = Readonly<Record<string, number>>;

/**
 * Values of the symbolic sizes. Throws TilewrightError `inspect-sizes` where one is not known or is no such size, `size-range`
 * where it is not what `dim` promised.
 */
export function sizesOf(f: Func, sizes: Sizes = {}): Env {
  const fail = (message: string): never => {
    throw new TilewrightError("inspect-sizes", message);
  };
  const names = f.sizes.map((v) => v.name);
  for (const [n, x] of Object.entries(sizes)) {
    const v = f.sizes.find((y) => y.name === n);
    if (v === undefined) fail(`there is no size "${n}": there are ${names.join(", ") || "none"}`);
    if (!Number.isSafeInteger(x)) fail(`size ${n} is ${String(x)}, not a whole number`);
    const fault = sizeFault(v!, x);
    if (fault !== undefined) throw new TilewrightError("size-range", fault);
  }
  const value = (v: Var): number =>
    (Object.hasOwn(sizes, v.name) ? sizes[v.name] : v.size?.typical) ??
    fail(`size ${v.name} is not known: give { sizes: { ${v.name}: ... } }, or dim("${v.name}", { typical: ... })`);
  return new Map(f.sizes.map((v) => [v, value(v)]));
}

type Run = (env: Env) => Scalar | undefined;
const compiled = new WeakMap<Expr, Run>();
function compile(e: Expr): Run {
  const old = compiled.get(e);
  if (old) return old;
  const run = build(e);
  compiled.set(e, run);
  return run;
}
function build(e: Expr): Run {
  if (e.kind === "const") return () => e.value;
  if (e.kind === "var") return (env) => env.get(e);
  if (e.kind !== "op") return () => undefined;
  const args = e.args.map(compile);
  const types = e.args.map((a) => a.dtype);
  return (env) => {
    const values: Scalar[] = [];
    for (const a of args) {
      const v = a(env);
      if (v === undefined) return undefined;
      values.push(v);
    }
    return applyOp(e.op, e.dtype, types, values);
  };
}
/** The value of a scalar expression; undefined where it depends on data or on a variable without a value. */
export function numberOf(e: Expr, env: Env): number | undefined {
  const v = compile(e)(env);
  return v === undefined ? undefined : Number(v);
}
/** The value of an extent or shape; 1 where it depends on data. */
export const countOf = (e: Expr, env: Env): number => Math.max(0, numberOf(e, env) ?? 1);

/** `env` with the loops in the middle of their ranges: a steady iteration. */
export function midway(loops: readonly For[], env: Env): Env {
  const out = new Map(env);
  for (const l of loops) {
    const n = countOf(l.extent, out);
    out.set(l.var, countOf(l.min, out) + Math.max(0, Math.floor((n - 1) / 2)));
  }
  return out;
}

/** Points at which conditions are tried where there are too many to try all. */
const SAMPLES = 4096;
const EXHAUSTIVE = 1 << 16;

/**
 * Calls `visit` with iterations of the loops: with all where they are few, else with some that are spread evenly. Returns how
 * many it were.
 */
export function sample(loops: readonly For[], env: Env, visit: (env: Env) => void): number {
  const at = midway(loops, env);
  const total = loops.reduce((n, l) => n * countOf(l.extent, at), 1);
  const here = new Map(env);
  if (total <= EXHAUSTIVE) {
    let count = 0;
    const go = (d: number): void => {
      const l = loops[d];
      if (l === undefined) {
        count++;
        return visit(here);
      }
      const [lo, n] = [countOf(l.min, here), countOf(l.extent, here)];
      for (let i = 0; i < n; i++) {
        here.set(l.var, lo + i);
        go(d + 1);
      }
    };
    go(0);
    return count;
  }
  // a sequence of points that fills a cube evenly: multiples of powers of the root of x^(d+1) = x + 1
  let root = 2;
  for (let i = 0; i < 40; i++) root = (1 + root) ** (1 / (loops.length + 1));
  for (let k = 0; k < SAMPLES; k++)
    loops.forEach((l, d) => {
      const part = (0.5 + (k + 1) * root ** -(d + 1)) % 1;
      here.set(l.var, countOf(l.min, here) + Math.floor(part * countOf(l.extent, here)));
      if (d === loops.length - 1) visit(here);
    });
  return SAMPLES;
}

const dependsOnData = (e: Expr): boolean => {
  let found = false;
  visitExpr(e, (x) => {
    if (x.kind === "load" || x.kind === "reduce") found = true;
    return !found;
  });
  return found;
};
/** What must hold all together. */
const parts = (c: Expr): Expr[] => (c.kind === "op" && c.op === "and" ? c.args.flatMap(parts) : [c]);
/** Those of them that are decided by loops and sizes. */
const knownParts = (conditions: readonly Expr[]): Expr[] =>
  conditions.flatMap(parts).filter((c) => !dependsOnData(c) && !(c.kind === "const" && c.value === 1));
interface Group {
  readonly conditions: readonly Expr[];
  readonly loops: readonly For[];
}
/** Conditions that have no loop in common, nor loops whose bounds depend on each other: each group is tried by itself. */
function groups(conditions: readonly Expr[], loops: readonly For[]): Group[] {
  const own = new Map(loops.map((l) => [l.var, l]));
  const loopsIn = (e: Expr, found: Set<For>): Set<For> => {
    visitExpr(e, (x) => {
      const l = x.kind === "var" ? own.get(x) : undefined;
      if (l === undefined || found.has(l)) return;
      found.add(l);
      loopsIn(l.min, found);
      loopsIn(l.extent, found);
    });
    return found;
  };
  let out: { conditions: Expr[]; loops: Set<For> }[] = [];
  for (const c of conditions) {
    const used = loopsIn(c, new Set());
    const [near, far] = [true, false].map((meets) =>
      out.filter((g) => [...g.loops].some((l) => used.has(l)) === meets),
    );
    const together = { conditions: [...near!.flatMap((g) => g.conditions), c], loops: new Set(used) };
    for (const g of near!) for (const l of g.loops) together.loops.add(l);
    out = [...far!, together];
  }
  return out.map((g) => ({ conditions: g.conditions, loops: loops.filter((l) => g.loops.has(l)) }));
}
/** What decides for which iterations of a loop all conditions hold: those that speak of it, with all the loops they speak of. */
export function groupOf(loop: For, conditions: readonly Expr[], loops: readonly For[]): Group {
  const found = groups(knownParts(conditions), loops).find((g) => g.loops.includes(loop));
  return found ?? { conditions: [], loops: [loop] };
}
/** For which share of the iterations of some loops all conditions hold; those on data count as holding. */
export function shareOf(conditions: readonly Expr[], loops: readonly For[], env: Env): number {
  let share = 1;
  for (const g of groups(knownParts(conditions), loops)) {
    let held = 0;
    const tried = sample(g.loops, env, (here) => {
      if (g.conditions.every((c) => (numberOf(c, here) ?? 1) !== 0)) held++;
    });
    share *= tried === 0 ? 0 : held / tried;
  }
  return share;
}
