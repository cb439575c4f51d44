/** Whatever is simplified, bounded, proved or solved must be so for every value of the variables. */
import { describe, expect, test } from "vitest";
import * as A from "../../src/arith/index.ts";
import * as I from "../../src/ir/index.ts";
import {
  condition,
  describeEnv,
  describeWorld,
  type Env,
  exactly,
  expression,
  Random,
  type World,
  world,
} from "./random.ts";

const WORLDS = Number(process.env.ARITH_RUNS ?? 1500);
const SEED = Number(process.env.ARITH_SEED ?? 1);
const show = (e: I.Expr): string => I.printExpr(e);

function points(w: World, r: Random, count = 12): Env[] {
  const out: Env[] = [];
  for (let k = 0; k < count * 4 && out.length < count; k++) {
    const env = w.sample(r);
    if (env) out.push(env);
  }
  return out;
}
function forWorlds(name: string, salt: number, body: (w: World, r: Random) => void, conditions = true): void {
  test(name, () => {
    for (let k = 0; k < WORLDS; k++) {
      const r = new Random(SEED * 1_000_003 + salt * 7919 + k);
      body(world(r, conditions), r);
    }
  });
}
const where = (w: World, env: Env): string => `where ${describeWorld(w)} at ${describeEnv(env)}`;

describe("random index expressions", () => {
  forWorlds("simplifyIndex keeps the value and is idempotent; bounds and congruence contain it", 1, (w, r) => {
    const e = expression(r, w, r.int(2, 4));
    const s = A.simplifyIndex(e, w.facts);
    const b = A.constBounds(e, w.facts);
    const c = A.congruence(e, w.facts);
    const l = A.linear(e, w.facts);
    for (const env of points(w, r)) {
      const v = exactly(e, env);
      const got = exactly(s, env);
      if (got !== v) expect.fail(`${show(e)} = ${v} became ${show(s)} = ${got} ${where(w, env)}`);
      if (v < b.min || v > b.max) expect.fail(`${show(e)} = ${v} not in ${b.min} .. ${b.max} ${where(w, env)}`);
      const rest = c.modulus === 0 ? v - c.remainder : (v - c.remainder) % c.modulus;
      if (rest !== 0) expect.fail(`${show(e)} = ${v} is not ${c.remainder} mod ${c.modulus} ${where(w, env)}`);
      const sum = l.terms.reduce((a, t) => a + t.coefficient * exactly(t.atom, env), l.constant);
      if (sum !== v) expect.fail(`linear form of ${show(e)}: ${sum}, not ${v} ${where(w, env)}`);
    }
  });

  let changed = 0;
  let total = 0;
  forWorlds("simplifying again with new facts changes little", 2, (w, r) => {
    const e = expression(r, w, r.int(1, 3));
    let again = A.Facts.empty;
    for (const [v, g] of w.ranges) again = again.withVar(v, g.min, g.extent);
    for (const c of w.conditions) again = again.withCondition(c);
    const s = A.simplifyIndex(e, w.facts);
    total++;
    if (A.simplifyIndex(s, again) !== s) changed++;
  });
  test("... in less than one of a hundred", () => expect(changed / total).toBeLessThan(0.01));

  forWorlds("conditions keep their truth, and what is proved holds", 3, (w, r) => {
    const c = condition(r, w, 3);
    const s = A.simplifyIndex(c, w.facts);
    const always = A.prove(c, w.facts);
    const never = A.prove(I.not(c), w.facts);
    for (const env of points(w, r)) {
      const v = exactly(c, env);
      if (exactly(s, env) !== v) expect.fail(`${show(c)} is ${v}, but became ${show(s)} ${where(w, env)}`);
      if ((always && v !== 1) || (never && v !== 0))
        expect.fail(`${show(c)} is ${v}, proved otherwise ${where(w, env)}`);
    }
  });

  let proved = 0;
  let true_ = 0;
  forWorlds("comparisons that hold everywhere are mostly proved", 4, (w, r) => {
    const c = I.lt(expression(r, w, 2), expression(r, w, 2));
    const ps = points(w, r, 60);
    if (ps.length < 30 || !ps.every((env) => exactly(c, env) === 1)) return;
    true_++;
    if (A.prove(c, w.facts)) proved++;
  });
  test("... at least three of four", () => expect(proved / true_).toBeGreaterThan(0.75));

  forWorlds("value mode keeps the value", 5, (w, r) => {
    const e = I.cast("f64", expression(r, w, 3));
    const s = A.simplify(e, w.facts) as I.Op;
    for (const env of points(w, r, 6)) {
      const want = exactly((e as I.Op).args[0]!, env);
      const got = s.kind === "op" ? exactly(s.args[0]!, env) : exactly(s, env);
      if (got !== want) expect.fail(`${show(e)} = ${want} became ${show(s)} = ${got} ${where(w, env)}`);
    }
  });
});

describe("symbolic answers", () => {
  forWorlds(
    "symbolicBounds contain the values, without the variables",
    6,
    (w, r) => {
      const inner = new Map([...w.ranges].slice(-r.int(1, w.vars.length)));
      let outer = A.Facts.empty;
      for (const [v, g] of w.ranges) if (!inner.has(v)) outer = outer.withVar(v, g.min, g.extent);
      const e = expression(r, w, 3);
      const b = A.symbolicBounds(e, inner, outer);
      if (b === undefined) return;
      for (const x of [b.min, b.max]) expect(I.usesVar(x, (y) => inner.has(y))).toBe(false);
      for (const env of points(w, r)) {
        const [v, lo, hi] = [e, b.min, b.max].map((x) => exactly(x, env)) as [number, number, number];
        if (v < lo || v > hi) expect.fail(`${show(e)} = ${v} not in ${show(b.min)} .. ${show(b.max)} ${where(w, env)}`);
      }
    },
    false,
  );

  forWorlds(
    "coverRegion contains every access",
    7,
    (w, r) => {
      const inner = new Map([...w.ranges].slice(-r.int(1, w.vars.length)));
      let outer = A.Facts.empty;
      for (const [v, g] of w.ranges) if (!inner.has(v)) outer = outer.withVar(v, g.min, g.extent);
      const index = [expression(r, w, 2), expression(r, w, 2)];
      const shape = [w.sizes[0]!, I.int(20)];
      const box = A.coverRegion(index, inner, outer, shape);
      for (const env of points(w, r)) {
        const at = index.map((x) => exactly(x, env));
        if (at.some((x, d) => x < 0 || x >= exactly(shape[d]!, env))) continue;
        at.forEach((x, d) => {
          const lo = exactly(box[d]!.min, env);
          const hi = lo + exactly(box[d]!.extent, env);
          if (x < lo || x >= hi || lo < 0)
            expect.fail(
              `${show(index[d]!)} = ${x} not in ${show(box[d]!.min)} .. +${show(box[d]!.extent)} ${where(w, env)}`,
            );
        });
      }
    },
    false,
  );

  test("exactRegion is what is touched, element by element", () => {
    let found = 0;
    for (let k = 0; k < WORLDS; k++) {
      const r = new Random(SEED * 31 + k);
      const [a, b] = [I.variable("a"), I.variable("b")];
      const [ea, eb] = [r.int(1, 6), r.int(1, 6)];
      const ranges = new Map([
        [a, { min: I.int(r.int(0, 2)), extent: I.int(ea) }],
        [b, { min: I.int(0), extent: I.int(eb) }],
      ]);
      const leaf = (): I.Expr => I.mul(r.pick([a, b]), I.int(r.pick([1, 1, -1, 2, ea, eb, eb + 1])));
      const one = (): I.Expr =>
        r.pick([
          () => I.add(leaf(), leaf()),
          leaf,
          () => I.floordiv(b, I.int(2)),
          () => I.floormod(b, I.int(2)),
          () => I.add(leaf(), I.int(3)),
        ])();
      const index = [one(), one()].slice(0, r.int(1, 2));
      const box = A.exactRegion(index, ranges);
      if (box === undefined) continue;
      found++;
      const touched = new Set<string>();
      for (const [va] of pairs(ranges, a))
        for (const [vb] of pairs(ranges, b))
          touched.add(
            index
              .map((x) =>
                exactly(
                  x,
                  new Map([
                    [a, va],
                    [b, vb],
                  ]),
                ),
              )
              .join(),
          );
      const none: Env = new Map();
      const lo = box.map((d) => exactly(d.min, none));
      const ext = box.map((d) => exactly(d.extent, none));
      expect(touched.size, index.map(show).join()).toBe(ext.reduce((x, y) => x * y, 1));
      for (const t of touched)
        t.split(",").forEach((x, d) => {
          expect(Number(x) >= lo[d]! && Number(x) < lo[d]! + ext[d]!).toBe(true);
        });
    }
    expect(found).toBeGreaterThan(WORLDS / 20);
  });
  function pairs(ranges: ReadonlyMap<I.Var, A.Ranged>, v: I.Var): [number][] {
    const g = ranges.get(v)!;
    const lo = exactly(g.min, new Map());
    return Array.from({ length: exactly(g.extent, new Map()) }, (_, i) => [lo + i]);
  }

  let solved = 0;
  forWorlds(
    "inside the interval of solveCondition the condition holds",
    8,
    (w, r) => {
      const v = w.vars[0]!;
      const inner = new Map([...w.ranges].slice(1));
      const c = I.lt(expression(r, w, 2), expression(r, w, 2));
      const both = r.next() < 0.5 ? c : I.and(c, I.ge(expression(r, w, 1), expression(r, w, 1)));
      const s = A.solveCondition(
        both,
        v,
        A.Facts.empty.withVar(v, w.ranges.get(v)!.min, w.ranges.get(v)!.extent),
        inner,
      );
      if (s === undefined) return;
      solved++;
      for (const env of points(w, r)) {
        const x = env.get(v)!;
        if ((s.min && x < exactly(s.min, env)) || (s.max && x > exactly(s.max, env))) continue;
        if (exactly(both, env) !== 1)
          expect.fail(`${show(both)} false in ${s.min && show(s.min)} .. ${s.max && show(s.max)} ${where(w, env)}`);
      }
    },
    false,
  );
  test("... and some are solved", () => expect(solved).toBeGreaterThan(WORLDS / 10));

  test("inverse maps give the variables back", () => {
    let found = 0;
    for (let k = 0; k < WORLDS; k++) {
      const r = new Random(SEED * 77 + k);
      const [a, b] = [I.variable("a"), I.variable("b")];
      const [ea, eb] = [r.int(1, 12), r.int(1, 12)];
      const c = r.pick([2, 3, 4, eb]);
      const bindings = r.pick([
        [I.add(I.mul(a, I.int(eb)), b)],
        [I.add(I.mul(a, I.int(c)), b)],
        [I.floordiv(a, I.int(c)), I.floormod(a, I.int(c)), b],
        [I.floormod(b, I.int(c)), I.add(I.mul(a, I.int(2)), I.int(3)), I.floordiv(b, I.int(c))],
        [I.floordiv(I.add(I.mul(a, I.int(eb)), b), I.int(c)), I.floormod(I.add(I.mul(a, I.int(eb)), b), I.int(c))],
        [I.add(a, b), b],
        [I.add(a, I.int(1)), I.floordiv(b, I.int(2))],
      ]);
      const targets = bindings.map((_, i) => I.variable(`t${i}`));
      const inverse = A.solveAffineBindings(bindings, targets, [
        { var: a, extent: I.int(ea) },
        { var: b, extent: I.int(eb) },
      ]);
      if (inverse === undefined) continue;
      found++;
      for (let va = 0; va < ea; va++)
        for (let vb = 0; vb < eb; vb++) {
          const env: Env = new Map([
            [a, va],
            [b, vb],
          ]);
          const at: Env = new Map(targets.map((t, i) => [t, exactly(bindings[i]!, env)]));
          const back = [a, b].map((v) => exactly(inverse.get(v)!, at));
          expect(back, bindings.map(show).join()).toEqual([va, vb]);
        }
    }
    expect(found).toBeGreaterThan(WORLDS / 4);
  });
});
