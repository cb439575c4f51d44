import { describe, expect, it } from "vitest";
import { schedule } from "../../schedule/index.ts";
import { unrollAndVectorize } from "../../schedule/library/index.ts";
import { add, type Expr, type Func, int, load, mul, type Stmt, seq, store, variable as v } from "../../src/ir/index.ts";
import { keepInRegisters } from "../../src/lower/keep.ts";
import { compute, createFunc, dim, placeholder, scatter, sum } from "../../te/index.ts";
import { buf, func, loop, size } from "./parts.ts";
import { check, text, unchanged } from "./stages.ts";

const A = buf("A", "f32", 32);
const C = buf("C", "f32", 32);
const at = (b: ReturnType<typeof buf>, i: Expr | number): Expr => load(b, [typeof i === "number" ? int(i) : i]);
const put = (b: ReturnType<typeof buf>, i: Expr | number, value: Expr): Stmt =>
  store(b, [typeof i === "number" ? int(i) : i], value);
const f = (body: Stmt, more = {}): Func => func("f", [A], [C], body, more);
const go = (x: Func, run = {}): string => text(unchanged(x, keepInRegisters(x), run));
const [i, k] = [v("i"), v("k")];
const more = (b: ReturnType<typeof buf>, x: Expr | number, y: Expr): Stmt => put(b, x, add(at(b, x), y));

describe("keep in registers", () => {
  it("what every iteration adds to is loaded before the loop and stored after it", () => {
    expect(go(f(loop(i, 4, loop(k, 8, more(C, i, at(A, k))))))).toMatchInlineSnapshot(`
      "
      func f(A: f32[32]) -> C: f32[32]:
        for i in 4:
          c := C[i]
          for k in 8:
            c := c + A[k]
          C[i] = c
      "
    `);
  });
  it("through all loops that hold nothing else; a loop that may not run is asked first", () => {
    const n = size("n", 0, 4);
    const body = loop(i, n, loop(k, 8, more(C, 3, at(A, k))));
    const want = go(f(body, { sizes: [n] }), { sizes: { n: 2 } });
    expect(want).toMatchInlineSnapshot(`
      "
      func f(n, A: f32[32]) -> C: f32[32]:
        if 1 <= n:
          c := C[3]
          for i in n:
            for k in 8:
              c := c + A[k]
          C[3] = c
      "
    `);
    expect(go(f(body, { sizes: [n] }), { sizes: { n: 0 } })).toBe(want);
    // the inner one would have to be asked each time: it alone is kept
    const inner = loop(i, 4, loop(k, n, more(C, 3, at(A, k))));
    expect(go(f(inner, { sizes: [n] }), { sizes: { n: 3 } })).toMatchInlineSnapshot(`
      "
      func f(n, A: f32[32]) -> C: f32[32]:
        for i in 4:
          if 1 <= n:
            c := C[3]
            for k in n:
              c := c + A[k]
            C[3] = c
      "
    `);
  });
  it("not what another access may be, nor what moves", () => {
    const moving = f(loop(k, 8, more(C, k, at(A, k))));
    const apart = f(loop(k, 8, seq([more(C, 20, at(A, k)), more(C, 21, at(C, 20))])));
    const near = f(loop(k, 8, seq([more(C, 4, at(A, k)), put(C, k, at(A, 0))])));
    const looked = f(loop(k, 8, seq([more(C, 4, at(A, k)), put(C, 20, at(C, k))])));
    expect(keepInRegisters(moving)).toEqual(moving);
    expect(go(apart)).toContain("c := C[20]");
    for (const x of [near, looked]) expect(go(x)).not.toContain(":=");
  });
  it("not more than there are registers for", () => {
    const many = (n: number): Func =>
      f(loop(k, 8, seq(Array.from({ length: n }, (_, x) => more(C, x, mul(at(A, k), at(A, x)))))));
    expect(go(many(12))).toContain("C[11] = c_11");
    expect(go(many(13))).not.toContain(":=");
  });
});

describe("in programs", () => {
  it("a reduction in blocks adds to what the block before left", async () => {
    const [X, Y] = [placeholder("X", [12, 40]), placeholder("Y", [40, 16])];
    const P = compute("P", { i: 12, j: 16 }, ({ i, j }) => sum({ k: 40 }, ({ k }) => X.at(i, k).mul(Y.at(k, j))));
    const s = schedule(P);
    const l = s.loops(P);
    const { io, ii } = s.split(l.i, { io: "rest", ii: 3 });
    const { jo, ji } = s.split(l.j, { jo: "rest", ji: 8 });
    const { ko, ki } = s.split(l.k, { ko: "rest", ki: 20 });
    s.decomposeReduction(P, io);
    s.reorder(ko, jo, io, ki, ii, ji);
    unrollAndVectorize(s, P);
    const lowered = await check(s.func);
    const inner = text(lowered.body).split("for ki in 20:")[1]!.split("mem[ramp(pP")[0]!;
    expect(inner.match(/\bp(_\d+)? := p/g)).toHaveLength(6);
    expect(inner).not.toContain("= mem[ramp(pP");
  });
  it("sizes that may be 0, and positions that data give", async () => {
    const n = dim("n", { min: 0, max: 9 });
    const X = placeholder("X", [4, n], "i32");
    const R = compute("R", { i: 4 }, ({ i }) => sum({ k: n }, ({ k }) => X.at(i, k)));
    await check(createFunc([R]).func, ...[0, 1, 5].map((x) => ({ sizes: { n: x } })));
    const codes = placeholder("codes", [20], "i32");
    const H = scatter("H", { b: 4 }, { i: 20 }, ({ i }) => ({ at: [codes.at(i).mod(4)], value: i }));
    await check(createFunc([H]).func, {});
  });
});
