/** Random index expressions over ranged variables, evaluated exactly. */
import { Facts, type Ranged } from "../../src/arith/index.ts";
import * as I from "../../src/ir/index.ts";

export class Random {
  #s: number;
  constructor(seed: number) {
    this.#s = seed >>> 0;
  }
  next(): number {
    this.#s = (this.#s + 0x6d2b79f5) >>> 0;
    let t = this.#s;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  }
  /** In [lo, hi]. */
  int(lo: number, hi: number): number {
    return lo + Math.floor(this.next() * (hi - lo + 1));
  }
  pick<T>(list: readonly T[]): T {
    return list[this.int(0, list.length - 1)]!;
  }
}

export type Env = ReadonlyMap<I.Var, number>;
const floormod = (a: number, b: number): number => (b === 0 ? 0 : a - b * Math.floor(a / b));

/** Exact value of an index expression or condition (numbers stay far below 2^53 in these tests). */
export function exactly(e: I.Expr, env: Env): number {
  if (e.kind === "const") return Number(e.value);
  if (e.kind === "var") {
    const v = env.get(e);
    if (v === undefined) throw new Error(`no value for ${e.name}`);
    return v;
  }
  if (e.kind !== "op") throw new Error(`unexpected ${e.kind}`);
  const [a, b, c] = e.args.map((x) => exactly(x, env)) as [number, number, number];
  switch (e.op) {
    case "add":
      return a + b;
    case "sub":
      return a - b;
    case "mul":
      return a * b + 0;
    case "neg":
      return 0 - a;
    case "abs":
      return Math.abs(a);
    case "floordiv":
      return b === 0 ? 0 : Math.floor(a / b) + 0;
    case "floormod":
      return floormod(a, b);
    case "truncdiv":
      return b === 0 ? 0 : Math.trunc(a / b) + 0;
    case "truncrem":
      return b === 0 ? 0 : (a % b) + 0;
    case "min":
      return Math.min(a, b);
    case "max":
      return Math.max(a, b);
    case "select":
    case "where":
      return a ? b : c;
    case "eq":
      return Number(a === b);
    case "ne":
      return Number(a !== b);
    case "lt":
      return Number(a < b);
    case "le":
      return Number(a <= b);
    case "gt":
      return Number(a > b);
    case "ge":
      return Number(a >= b);
    case "and":
      return a & b;
    case "or":
      return a | b;
    case "xor":
      return a ^ b;
    case "not":
      return 1 - a;
    default:
      throw new Error(`unexpected ${e.op}`);
  }
}

export interface World {
  readonly facts: Facts;
  /** Ranged variables, outer first. */
  readonly ranges: ReadonlyMap<I.Var, Ranged>;
  readonly sizes: readonly I.Var[];
  readonly vars: readonly I.Var[];
  readonly conditions: readonly I.Expr[];
  /** A point of the world, or undefined where the draw was empty or against a condition. */
  sample(r: Random): Env | undefined;
}

/** Sizes, loops (some with symbolic or dependent ranges), and some conditions. */
export function world(r: Random, withConditions = true): World {
  const sizes = ["n", "m"].map((name) => {
    const multipleOf = r.pick([1, 1, 4]);
    return I.variable(name, "i32", { size: { min: multipleOf, max: 40, multipleOf } });
  });
  let facts = Facts.empty;
  const ranges = new Map<I.Var, Ranged>();
  for (const name of ["i", "j", "k"].slice(0, r.int(1, 3))) {
    const v = I.variable(name);
    const outer = [...ranges.keys()];
    const c = r.int(1, 12);
    const extents: I.Expr[] = [
      I.int(c),
      I.int(c),
      I.int(r.pick([4, 6, 8])),
      sizes[0]!,
      I.floordiv(I.add(sizes[1]!, I.int(5)), I.int(6)),
    ];
    if (outer.length > 0) {
      const o = r.pick(outer);
      extents.push(I.min(I.int(c), I.sub(sizes[0]!, I.mul(o, I.int(r.int(1, 6))))));
    }
    const extent = r.pick(extents);
    const min = r.next() < 0.7 || outer.length === 0 ? I.int(r.next() < 0.7 ? 0 : r.int(-4, 4)) : r.pick(outer);
    facts = facts.withVar(v, min, extent);
    ranges.set(v, { min, extent });
  }
  const vars = [...ranges.keys()];
  const conditions: I.Expr[] = [];
  const w = { facts, ranges, sizes, vars, conditions };
  if (withConditions)
    for (let k = r.int(0, 2); k > 0; k--) {
      const c = condition(r, w, 2);
      conditions.push(c);
      w.facts = w.facts.withCondition(c);
    }
  return {
    ...w,
    sample: (rr) => {
      const env = new Map<I.Var, number>();
      for (const s of sizes) env.set(s, s.size!.multipleOf * rr.int(1, Math.floor(40 / s.size!.multipleOf)));
      for (const [v, g] of ranges) {
        const extent = exactly(g.extent, env);
        if (extent < 1) return undefined;
        const at = rr.next();
        env.set(v, exactly(g.min, env) + (at < 0.2 ? 0 : at < 0.4 ? extent - 1 : rr.int(0, extent - 1)));
      }
      return conditions.every((c) => exactly(c, env) === 1) ? env : undefined;
    },
  };
}

type Leaves = Pick<World, "vars" | "sizes">;
export function expression(r: Random, w: Leaves, depth: number): I.Expr {
  if (depth === 0 || r.next() < 0.1) {
    const at = r.next();
    if (at < 0.55) return r.pick(w.vars);
    return at < 0.75 ? r.pick(w.sizes) : I.int(r.int(-8, 12));
  }
  const sub = (): I.Expr => expression(r, w, depth - 1);
  const small = (): I.Expr => I.int(r.pick([1, 2, 3, 4, 4, 6, 8, 12, 24]));
  switch (r.int(0, 13)) {
    case 0:
    case 1:
    case 2:
      return I.add(sub(), sub());
    case 3:
      return I.sub(sub(), sub());
    case 4:
    case 5:
      return I.mul(sub(), r.next() < 0.85 ? small() : r.pick([...w.sizes, ...w.vars]));
    case 6:
    case 7:
      return I.floordiv(sub(), r.next() < 0.85 ? small() : r.next() < 0.8 ? r.pick(w.sizes) : I.int(r.int(-5, 5)));
    case 8:
    case 9:
      return I.floormod(sub(), r.next() < 0.85 ? small() : r.next() < 0.8 ? r.pick(w.sizes) : I.int(r.int(-5, 5)));
    case 10:
      return I.min(sub(), sub());
    case 11:
      return I.max(sub(), sub());
    case 12:
      return I.select(condition(r, w, depth - 1), sub(), sub());
    default:
      return r.pick([
        () => I.op("abs", [sub()]),
        () => I.op("neg", [sub()]),
        () => I.op("truncdiv", [sub(), small()]),
        () => I.op("truncrem", [sub(), small()]),
      ])();
  }
}
export function condition(r: Random, w: Leaves, depth: number): I.Expr {
  const sub = (): I.Expr => expression(r, w, Math.max(depth - 1, 0));
  if (depth > 1 && r.next() < 0.3) {
    const inner = (): I.Expr => condition(r, w, depth - 1);
    return r.pick([() => I.and(inner(), inner()), () => I.or(inner(), inner()), () => I.not(inner())])();
  }
  return r.pick([I.lt, I.lt, I.le, I.gt, I.ge, I.eq, I.ne])(sub(), sub());
}
export const describeEnv = (env: Env): string => [...env].map(([v, k]) => `${v.name}=${k}`).join(" ");
export const describeWorld = (w: World): string =>
  [
    ...[...w.ranges].map(([v, g]) => `${v.name} in ${I.printExpr(g.min)} .. +${I.printExpr(g.extent)}`),
    ...w.conditions.map((c) => I.printExpr(c)),
    ...w.sizes.map((s) => `${s.name}%${s.size!.multipleOf}`),
  ].join("; ");
