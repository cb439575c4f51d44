import { describe, expect, it } from "vitest";
import { schedule } from "../../schedule/index.ts";
import { vectorizeReduction } from "../../schedule/library/index.ts";
import {
  add,
  broadcast,
  cast,
  type Expr,
  type Func,
  floordiv,
  int,
  load,
  lt,
  mul,
  ramp,
  type Stmt,
  seq,
  store,
  variable as v,
} from "../../src/ir/index.ts";
import { forward } from "../../src/lower/forward.ts";
import { argmax, compute, createFunc, dim, placeholder, sum } from "../../te/index.ts";
import { alloc, buf, f32, func, letIn, loop, size, temp, when } from "./parts.ts";
import { check, golden, text, unchanged } from "./stages.ts";

const A = buf("A", "f32", 32);
const C = buf("C", "f32", 32);
const at = (b: ReturnType<typeof buf>, i: Expr | number, n = 1): Expr =>
  load(b, [ramp(typeof i === "number" ? int(i) : i, int(1), n)]);
const put = (b: ReturnType<typeof buf>, i: Expr | number, value: Expr): Stmt =>
  store(b, [ramp(typeof i === "number" ? int(i) : i, int(1), value.lanes)], value);
const f = (body: Stmt, more = {}): Func => func("f", [A], [C], body, more);
const go = (x: Func, run = {}): string => text(unchanged(x, forward(x), run));
const n = size("n", 1, 16);
const run = { sizes: { n: 3 } };

describe("forward", () => {
  it("what was stored is loaded from where it was computed; only the last store stays", () => {
    const body = seq([put(C, n, f32(0)), put(C, n, add(at(C, n), at(A, 0))), put(C, n, add(at(C, n), at(A, 1)))]);
    expect(go(f(body, { sizes: [n] }), run)).toMatchInlineSnapshot(`
      "
      func f(n, A: f32[32]) -> C: f32[32]:
        let c = A[0] + 0.0
        C[n] = c + A[1]
      "
    `);
  });
  it("a place that may be another ends it; one that is a known distance away does not", () => {
    const i = v("i");
    const body = loop(
      i,
      4,
      seq([
        put(C, i, at(A, 0)),
        put(C, add(i, int(8)), at(A, 1)),
        put(C, i, add(at(C, i), at(C, add(i, int(8))))),
        put(C, mul(i, int(2)), at(A, 2)),
        put(C, add(i, int(16)), at(C, i)),
      ]),
    );
    expect(go(f(body))).toMatchInlineSnapshot(`
      "
      func f(A: f32[32]) -> C: f32[32]:
        for i in 4:
          let c = A[0]
          let c_1 = A[1]
          C[i + 8] = c_1
          C[i] = c + c_1
          C[i * 2] = A[2]
          C[i + 16] = C[i]
      "
    `);
  });
  it("vectors: the same run of elements, nothing that overlaps it in part", () => {
    const two = (x: number): Expr => broadcast(f32(x), 2);
    const body = seq([
      put(C, 0, add(at(A, 0, 4), broadcast(f32(1), 4))),
      put(C, 8, at(C, 0, 4)),
      put(C, 2, two(5)),
      put(C, 12, at(C, 0, 4)),
      put(C, 4, at(C, 2, 2)),
    ]);
    expect(go(f(body))).toMatchInlineSnapshot(`
      "
      func f(A: f32[32]) -> C: f32[32]:
        let c = A[ramp(0, 1, 4)] + x4(1.0)
        C[ramp(0, 1, 4)] = c
        C[ramp(8, 1, 4)] = c
        C[ramp(2, 1, 2)] = x2(5.0)
        C[ramp(12, 1, 4)] = C[ramp(0, 1, 4)]
        C[ramp(4, 1, 2)] = x2(5.0)
      "
    `);
  });
  it("through lets, whose scopes reach on; not across loops and branches", () => {
    const [a, i] = [v("a", "f32"), v("i")];
    const body = seq([
      letIn(a, at(A, 3), seq([put(C, 0, a), put(C, 1, add(at(C, 0), a))])),
      put(C, 1, add(at(C, 1), at(C, 0))),
      loop(i, 2, put(C, 0, add(at(C, 0), at(A, i)))),
      when(lt(n, int(4)), put(C, 2, at(C, 1))),
    ]);
    expect(go(f(body, { sizes: [n] }), run)).toMatchInlineSnapshot(`
      "
      func f(n, A: f32[32]) -> C: f32[32]:
        let a = A[3]
        C[0] = a
        let c = a + a
        C[1] = c + a
        for i in 2:
          C[0] = C[0] + A[i]
        if n < 4:
          C[2] = C[1]
      "
    `);
  });
  it("an index that is read from memory is no known place", () => {
    const code = buf("code", "i32", 4);
    const body = seq([
      put(C, load(code, [int(0)]), f32(1)),
      put(C, load(code, [int(0)]), add(at(C, load(code, [int(0)])), f32(2))),
    ]);
    const x = func("f", [A, code], [C], body, {});
    const inputs = { A: new Float32Array(32), code: Int32Array.from([3, 1, 2, 0]) };
    expect(go(x, { inputs })).toMatchInlineSnapshot(`
      "
      func f(A: f32[32], code: i32[4]) -> C: f32[32]:
        C[code[0]] = 1.0
        C[code[0]] = C[code[0]] + 2.0
      "
    `);
  });
  it("an index looks at memory, too", () => {
    const [P, i] = [temp("P", "i32", 1), v("i")];
    const to = (x: Expr): Stmt => store(P, [int(0)], x);
    const body = alloc(
      P,
      loop(
        i,
        4,
        seq([to(i), put(C, load(P, [int(0)]), f32(1)), to(add(i, int(4))), put(C, load(P, [int(0)]), f32(2))]),
      ),
    );
    expect(go(f(body))).toMatchInlineSnapshot(`
      "
      func f(A: f32[32]) -> C: f32[32]:
        for i in 4:
          C[i] = 1.0
          let p = i + 4
          C[p] = 2.0
      "
    `);
  });
  it("scratch memory that is only written disappears", () => {
    const [T, U, i] = [temp("T", "f32", 4), temp("U", "f32", 4), v("i")];
    const body = alloc(
      T,
      alloc(U, loop(i, 4, seq([put(T, i, at(A, i)), put(U, i, at(A, i)), put(C, i, add(at(T, i), f32(1)))]))),
    );
    expect(go(f(body))).toMatchInlineSnapshot(`
      "
      func f(A: f32[32]) -> C: f32[32]:
        for i in 4:
          let t = A[i]
          C[i] = t + 1.0
      "
    `);
  });
  it("narrow integers come back as they were stored", () => {
    const [X, Y] = [buf("X", "i32", 4), buf("Y", "u8", 4)];
    const body = seq([
      store(Y, [int(0)], cast("u8", load(X, [int(0)]))),
      store(Y, [int(1)], floordiv(load(Y, [int(0)]), cast("u8", int(2)))),
    ]);
    const x = func("f", [X], [Y], body, {});
    unchanged(x, forward(x), { inputs: { X: Int32Array.from([511, 0, 0, 0]) } });
    expect(text(forward(x))).toMatchInlineSnapshot(`
      "
      func f(X: i32[4]) -> Y: u8[4]:
        let y = u8(X[0])
        Y[0] = y
        Y[1] = y // u8(2)
      "
    `);
  });
});

describe("reductions in lanes", () => {
  const lanes = (count: number): Func => {
    const k = dim("k", { min: 0, max: 100 });
    const X = placeholder("X", [3, k]);
    const Y = compute("Y", { i: 3 }, ({ i }) => sum({ k }, ({ k }) => X.at(i, k)));
    const s = schedule(createFunc([Y]));
    const b = s.block("Y");
    vectorizeReduction(s, b, s.loopList(b)[1]!, count);
    return s.func;
  };
  it("an unknown remainder takes lanes of registers by a ladder of branches", { timeout: 60_000 }, async () => {
    expect(golden(lanes(4), "partition loops", { sizes: { k: 7 } })).toMatchInlineSnapshot(`
      "
      func Y(k, X: f32[k * 3]) -> Y: f32[3]:
        for i in 3:
          alloc Y.rf: f32[4] in local
          vectorized ki in 4:
            Y.rf[ki] = 0.0
          for ko in k // 4:
            vectorized ki_1 in 4:
              Y.rf[ki_1] = Y.rf[ki_1] + X[i * k + ko * 4 + ki_1]
          if k // 4 < (k + 3) // 4:
            if (k - k // 4 * 4) // 2 % 2 == 1:
              vectorized ki_1 in 2:
                Y.rf[ki_1] = Y.rf[ki_1] + X[i * k + k // 4 * 4 + ki_1]
              if (k - k // 4 * 4) // 1 % 2 == 1:
                Y.rf[2] = Y.rf[2] + X[i * k + k // 4 * 4 + 2]
            else:
              if (k - k // 4 * 4) // 1 % 2 == 1:
                Y.rf[0] = Y.rf[0] + X[i * k + k // 4 * 4]
          Y[i] = 0.0
          unrolled ki_2 in 4:
            Y[i] = Y[i] + Y.rf[ki_2]
      "
    `);
    for (const count of [4, 6, 16]) {
      const r = await check(lanes(count), ...[0, 1, 6, 15, 31].map((k) => ({ sizes: { k } })));
      expect(r.warnings).toEqual([]);
    }
  });
  it("both values of an argmax stay in registers", () => {
    const X = placeholder("X", [3, 20]);
    const Y = compute("Y", { i: 3 }, ({ i }) => argmax({ k: 20 }, ({ k }) => X.at(i, k)));
    const s = schedule(Y);
    vectorizeReduction(s, Y, s.loops(Y).k, 4);
    const out = golden(s.func, "forward");
    expect(out).not.toMatch(/alloc|Y\.acc_0\[/);
    expect(out.match(/ Y\[i\] =/g)).toHaveLength(1);
  });
});
