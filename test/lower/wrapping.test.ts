/** Arithmetic on data wraps around: nothing may be concluded from it as if it were index arithmetic, which does not overflow. */
import { describe, expect, test } from "vitest";
import { defaultSchedule } from "../../schedule/defaults/index.ts";
import { type Schedule, schedule } from "../../schedule/index.ts";
import { lowerFunc } from "../../src/lower/index.ts";
import { evaluate, interpret, interpretLowered } from "../../src/reference/index.ts";
import { wasm } from "../../src/target/index.ts";
import { compute, type Expr, lit, nest, placeholder, scalar, scatter, select, sum, where } from "../../te/index.ts";

const [LOW, HIGH] = [-(2 ** 31), 2 ** 31 - 1];
const ENDS = [0, 3, HIGH, HIGH - 4, HIGH - 5, LOW, -4];

// biome-ignore lint/suspicious/noExplicitAny: schedules of anything
function agrees(s: Schedule<any>, inputs: Record<string, Int32Array>, scalars: Record<string, number> = {}): void {
  const want = Array.from(evaluate(s.of, inputs, { scalars }) as Int32Array);
  const name = s.of.name as string;
  const options = { scalars };
  const byDefault = schedule(s.of);
  defaultSchedule(byDefault as never, wasm());
  for (const f of [s.func, byDefault.func]) {
    expect(Array.from(interpret(f, inputs, options)[name] as Int32Array)).toEqual(want);
    expect(Array.from(interpretLowered(lowerFunc(f, wasm()), inputs, options)[name] as Int32Array)).toEqual(want);
  }
}
const numbers = (n: number): Int32Array => Int32Array.from({ length: n }, (_, i) => i + 1);
const ends = (n: number): Int32Array => Int32Array.from({ length: n }, (_, i) => ENDS[i % ENDS.length]!);

describe("comparisons that wrap", () => {
  const k = scalar("k", "i32");
  const X = placeholder("X", [14], "i32");
  const ahead = (i: Expr<"i32">): Expr<"bool"> => i.add(k).lt(k.add(4));

  test("of scalar parameters, in every kind of condition", () => {
    const Y = compute("Y", { i: 14 }, ({ i }) => where(ahead(i), X.at(i), 77));
    const Z = compute("Z", { j: 2 }, ({ j }) =>
      sum({ r: 7 }, ({ r }) => X.at(j.mul(7).add(r)), { where: ({ r }) => ahead(r) }),
    );
    const S = scatter("S", { b: 14 }, { i: 14 }, ({ i }) => ({ at: [i], value: X.at(i) }), {
      where: ({ i }) => ahead(i),
    });
    const N = nest("N", { reads: [X, k], results: { shape: { i: 14 }, dtype: "i32" } }, (_, out, b) => {
      b.for("i", 14, (i) => b.if(ahead(i), () => out.store([i], X.at(i))));
    });
    for (const t of [Y, Z, S, N]) for (const v of ENDS) agrees(schedule(t), { X: numbers(14) }, { k: v });
  });
  test("of data", () => {
    const N = nest("N", { reads: [X], results: { shape: { i: 14 }, dtype: "i32" } }, (_, out, b) => {
      b.for("i", 14, (i) => b.if(X.at(i).add(5).gt(X.at(i)), () => out.store([i], 1)));
    });
    const S = scatter("S", { b: 2 }, { i: 14 }, ({ i }) => ({ at: [i.mod(2)], value: lit(1, "i32") }), {
      where: ({ i }) => X.at(i).add(5).gt(X.at(i)),
    });
    for (const t of [N, S]) agrees(schedule(t), { X: ends(14) });
  });
  test("a part of a producer is not what such a condition seems to say", () => {
    const A = placeholder("A", [4, 14], "i32");
    const P = compute("P", { a: 4, i: 14 }, ({ a, i }) => A.at(a, i).add(1));
    const C = compute("C", { a: 4, i: 14 }, ({ a, i }) => where(ahead(i), P.at(a, i), 77));
    const s = schedule(C);
    s.computeAt(P, s.loops(C).a as never);
    for (const v of ENDS) agrees(s, { A: numbers(56) }, { k: v });
  });
});

test("positions of constant loops that wrap", () => {
  const X = placeholder("X", [5000], "i32");
  const S = scatter("S", { b: 8 }, { i: 5000 }, ({ i }) => ({ at: [i.mul(2 ** 20)], value: X.at(i) }));
  agrees(schedule(S), { X: numbers(5000) });
});

test("a conversion keeps what the sum wrapped to", () => {
  const X = placeholder("X", [14], "i32");
  const Y = compute("Y", { i: 14 }, ({ i }) =>
    select(
      X.at(i)
        .mod(8)
        .mul(2 ** 30)
        .cast("i64")
        .lt(0n),
      1,
      i
        .mul(2 ** 30)
        .cast("i64")
        .div(2n)
        .cast("i32"),
    ),
  );
  agrees(schedule(Y), { X: numbers(14) });
});
