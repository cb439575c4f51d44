/** Every rule of every table, for every dtype it claims: both sides are evaluated on special and random values. */
import { describe, expect, test } from "vitest";
import { applyRule, type Pattern, type Rule, type RuleTable } from "../../src/arith/pattern.ts";
import { BOOL_RULES, CHOICE_RULES } from "../../src/arith/rules-bool.ts";
import { CAST_RULES } from "../../src/arith/rules-cast.ts";
import { FLOAT_RULES } from "../../src/arith/rules-float.ts";
import { INDEX_RULES } from "../../src/arith/rules-index.ts";
import { INT_RULES, SIGNED_RULES, UNSIGNED_RULES } from "../../src/arith/rules-int.ts";
import * as I from "../../src/ir/index.ts";
import { type Env, exactly, Random } from "./random.ts";

const TABLES = [INT_RULES, SIGNED_RULES, UNSIGNED_RULES, FLOAT_RULES, BOOL_RULES, CHOICE_RULES, CAST_RULES];

function specials(d: I.DType): I.Scalar[] {
  if (d === "bool") return [0, 1];
  if (I.isFloat(d)) {
    const tiny = d === "f64" ? 5e-324 : d === "f32" ? 2 ** -149 : 2 ** -24;
    const huge = d === "f64" ? Number.MAX_VALUE : d === "f32" ? 3.4028234663852886e38 : 65504;
    return [0, -0, 1, -1, 2, -2, 0.5, 0.25, 3, 1.5, -2.5, tiny, -tiny, huge, -huge, Infinity, -Infinity, NaN];
  }
  const [lo, hi] = [I.minInt(d), I.maxInt(d)];
  const list = new Set([
    0n,
    1n,
    2n,
    3n,
    5n,
    8n,
    lo,
    lo + 1n,
    hi,
    hi - 1n,
    hi / 2n,
    ...(I.isSigned(d) ? [-1n, -2n, -7n] : []),
  ]);
  return [...list].map((v) => I.normalize(d, v));
}
function randomValue(d: I.DType, r: Random): I.Scalar {
  if (r.next() < 0.4) return r.pick(specials(d));
  if (I.isFloat(d)) return I.normalize(d, (r.next() - 0.5) * 2 ** r.int(-20, 20));
  return I.normalize(
    d,
    r.next() < 0.5
      ? BigInt(r.int(-9, 9))
      : (BigInt(r.int(0, 2 ** 31 - 1)) << 33n) ^ BigInt(r.int(0, 2 ** 31)) ^ (1n << 63n),
  );
}

function evaluate(e: I.Expr, env: ReadonlyMap<I.Expr, I.Scalar>): I.Scalar {
  if (e.kind === "const") return e.value;
  if (e.kind === "var") return env.get(e)!;
  if (e.kind !== "op") throw new Error(e.kind);
  return I.applyOp(
    e.op,
    e.dtype,
    e.args.map((a) => a.dtype),
    e.args.map((a) => evaluate(a, env)),
  );
}
const same = (a: I.Scalar, b: I.Scalar): boolean => Object.is(a, b) || (typeof a === "bigint" && a === b);

/** The pattern as an expression: variables of the dtypes given, constants of the values given. */
interface Choice {
  readonly dtype: (name: string) => I.DType;
  readonly constant: (name: string) => I.Scalar;
  readonly casts: I.DType[];
}
function instance(p: Pattern, c: Choice, vars: Map<string, I.Var>, dtype: I.DType): I.Expr {
  switch (p.kind) {
    case "any": {
      let v = vars.get(p.name);
      if (v === undefined) {
        v = I.variable(p.name, c.dtype(p.name));
        vars.set(p.name, v);
      }
      return v;
    }
    case "constant":
      return I.constant(dtype, c.constant(p.name));
    case "value":
      return I.constant(dtype, p.value);
    case "op": {
      const casts = p.op === "cast" || p.op === "satcast";
      const to = casts ? c.casts.shift() : undefined;
      const at = p.op === "select" || p.op === "where" ? 1 : 0;
      const named = p.args.map((a) =>
        a.kind === "value" || a.kind === "constant" ? undefined : instance(a, c, vars, dtype),
      );
      const beside = named.slice(at).find((a) => a !== undefined)?.dtype ?? dtype;
      return I.op(
        p.op,
        named.map((a, i) => a ?? instance(p.args[i]!, c, vars, i < at ? "bool" : beside)),
        to,
      );
    }
  }
}
const constantsIn = (p: Pattern, into: Set<string> = new Set()): Set<string> => {
  if (p.kind === "constant") into.add(p.name);
  if (p.kind === "op") for (const a of p.args) constantsIn(a, into);
  return into;
};

/** Expressions that look like the rule's pattern. */
function* instances(t: RuleTable, r: Rule, d: I.DType): Generator<{ e: I.Expr; vars: I.Var[] }> {
  const compares =
    t === BOOL_RULES && r.pattern.op === "not" && r.pattern.args[0]!.kind === "op" && r.pattern.args[0]!.op !== "not";
  const inner: readonly I.DType[] = compares ? ["i8", "u8", "i32", "f32", "u64"] : t === CAST_RULES ? I.DTYPES : [d];
  const outer: readonly I.DType[] = t === CAST_RULES ? I.DTYPES : [d];
  for (const x of inner)
    for (const to of outer) {
      const names = [...constantsIn(r.pattern)];
      const values = specials(x);
      const combos = values.length ** names.length;
      for (let k = 0; k < combos; k++) {
        const chosen = new Map(names.map((n, i) => [n, values[Math.floor(k / values.length ** i) % values.length]!]));
        const vars = new Map<string, I.Var>();
        // the dtype of the table is that of the first operand: for a cast of a cast, of the cast in the middle
        const casts = t === CAST_RULES ? (r.pattern.args[0]!.kind === "op" ? [to, d] : [to]) : [];
        const dtype = (n: string): I.DType => (n === "P" ? "bool" : t === CAST_RULES && casts.length === 1 ? d : x);
        try {
          const e = instance(r.pattern, { dtype, constant: (n) => chosen.get(n)!, casts }, vars, x);
          yield { e, vars: [...vars.values()] };
        } catch (error) {
          // satcast exists on integers only, and such
          if (!(error instanceof I.IrError) || t !== CAST_RULES) throw error;
        }
      }
    }
}

describe("value rules", () => {
  for (const t of TABLES)
    describe(t.name, () => {
      test("names are unique", () => expect(new Set(t.rules.map((r) => r.name)).size).toBe(t.rules.length));
      for (const r of t.rules)
        test(r.name, () => {
          let applied = 0;
          const random = new Random(7);
          for (const d of t.dtypes)
            for (const { e, vars } of instances(t, r, d)) {
              const out = applyRule(r, e);
              if (out === undefined) continue;
              applied++;
              expect(out.dtype).toBe(e.dtype);
              const lists = vars.map((v) => specials(v.dtype));
              const all = lists.reduce((n, l) => n * l.length, 1);
              const few = e.kind === "op" && constantsIn(r.pattern).size > 1;
              for (let k = 0; k < (few ? 24 : Math.min(all, 400) + 40); k++) {
                let rest = all <= 400 ? k : random.int(0, all - 1);
                const env = new Map<I.Expr, I.Scalar>();
                vars.forEach((v, i) => {
                  const exhaust = !few && k < Math.min(all, 400);
                  env.set(v, exhaust ? lists[i]![rest % lists[i]!.length]! : randomValue(v.dtype, random));
                  rest = Math.floor(rest / lists[i]!.length);
                });
                const want: I.Scalar = evaluate(e, env);
                const got: I.Scalar = evaluate(out, env);
                if (!same(want, got))
                  expect.fail(
                    `${I.printExpr(e)} = ${want}, but ${I.printExpr(out)} = ${got} (${d}, ${[...env].map(([v, value]) => `${(v as I.Var).name}=${value}`)})`,
                  );
              }
            }
          expect(applied).toBeGreaterThan(0);
        });
    });
});

describe("index rules", () => {
  for (const r of INDEX_RULES.rules)
    test(r.name, () => {
      const random = new Random(3);
      let applied = 0;
      for (let k = 0; k < 300; k++) {
        const vars = new Map<string, I.Var>();
        const c = random.int(-6, 9);
        const e = instance(
          r.pattern,
          { dtype: (n) => (n === "P" ? "bool" : "i32"), constant: () => c, casts: [] },
          vars,
          "i32",
        );
        const out = applyRule(r, e);
        if (out === undefined) continue;
        applied++;
        const env: Env = new Map(
          [...vars.values()].map((v) => [v, v.dtype === "bool" ? random.int(0, 1) : random.int(-40, 40)]),
        );
        expect(exactly(out, env), I.printExpr(e)).toBe(exactly(e, env));
      }
      expect(applied).toBeGreaterThan(20);
    });
});
