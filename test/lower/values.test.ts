import { describe, expect, it } from "vitest";
import {
  add,
  broadcast,
  buffer,
  cast,
  concat,
  constant,
  type Expr,
  type Func,
  floordiv,
  int,
  load,
  lt,
  mul,
  op,
  ramp,
  type Stmt,
  seq,
  store,
  sub,
  variable as v,
  where,
} from "../../src/ir/index.ts";
import { contract } from "../../src/lower/contract.ts";
import { hoistInvariants } from "../../src/lower/hoist.ts";
import { type LowerWarning, promoteLocals } from "../../src/lower/promote.ts";
import { share } from "../../src/lower/share.ts";
import { UNROLL_BUDGET, unroll } from "../../src/lower/unroll.ts";
import { wasm } from "../../src/target/index.ts";
import { alloc, block, buf, f32, func, iter, letIn, local, loop, rows, size, unrolled, vec, when } from "./parts.ts";
import { check, text, unchanged } from "./stages.ts";

const A = buf("A", "f32", 32);
const B = buf("B", "f32", 32);
const C = buf("C", "f32", 32);
const at = (b: ReturnType<typeof buf>, i: Expr | number, n = 1): Expr =>
  load(b, [ramp(typeof i === "number" ? int(i) : i, int(1), n)]);
const put = (b: ReturnType<typeof buf>, i: Expr | number, value: Expr): Stmt =>
  store(b, [ramp(typeof i === "number" ? int(i) : i, int(1), value.lanes)], value);
const f = (body: Stmt, more = {}): Func => func("f", [A, B], [C], body, more);

describe("unroll", () => {
  const go = (x: Func, run = {}): string => text(unchanged(x, unroll(x), run));
  it("writes steps out, nested loops too", () => {
    const [i, j] = [v("i"), v("j")];
    const body = unrolled(i, 2, unrolled(j, 2, put(C, add(mul(i, int(2)), j), at(A, add(mul(j, int(2)), i)))));
    expect(go(f(body))).toMatchInlineSnapshot(`
      "
      func f(A: f32[32], B: f32[32]) -> C: f32[32]:
        C[0 * 2 + 0] = A[0 * 2 + 0]
        C[0 * 2 + 1] = A[1 * 2 + 0]
        C[1 * 2 + 0] = A[0 * 2 + 1]
        C[1 * 2 + 1] = A[1 * 2 + 1]
      "
    `);
  });
  it("each copy has allocations and lets of its own", () => {
    const [i, t, T] = [v("i"), v("t", "f32"), buffer("T", "f32", [int(1)], "workspace")];
    const body = alloc(T, letIn(t, at(A, i), seq([put(T, 0, t), put(C, i, add(at(T, 0), t))])));
    expect(go(f(unrolled(i, 2, body)))).toMatchInlineSnapshot(`
      "
      func f(A: f32[32], B: f32[32]) -> C: f32[32]:
        alloc T: f32[1] in workspace
        let t = A[0]
        T[0] = t
        C[0] = T[0] + t
        alloc T_1: f32[1] in workspace
        let t_1 = A[1]
        T_1[0] = t_1
        C[1] = T_1[0] + t_1
      "
    `);
  });
  it("loops without a constant extent run step by step", () => {
    const [i, j, n] = [v("i"), v("j"), size("n")];
    const body = loop(j, 2, unrolled(i, n, put(C, i, at(A, i))));
    expect(go(f(body, { sizes: [n] }), { sizes: { n: 4 } })).toMatchInlineSnapshot(`
      "
      func f(n, A: f32[32], B: f32[32]) -> C: f32[32]:
        for j in 2:
          for i in n:
            C[i] = A[i]
      "
    `);
  });
  it("refuses by name past the budget, at once", () => {
    const n = 1_000_000;
    const [X, Y, i, j] = [buf("X", "f32", n), buf("Y", "f32", n), v("i"), v("j")];
    const huge = func("f", [X], [Y], unrolled(i, n, store(Y, [i], load(X, [i]))));
    expect(() => unroll(huge)).toThrow(/unrolling loop i \(1000000 steps\) makes more than 20000 statements/);
    const nested = func("f", [X], [Y], unrolled(i, 1000, unrolled(j, 1000, store(Y, [i], load(X, [j])))));
    expect(() => unroll(nested)).toThrow(/unrolling loop i/);
    expect(UNROLL_BUDGET).toBe(20000);
  });
});

describe("promote locals", () => {
  const go = (x: Func, run = {}): [string, LowerWarning[]] => {
    const warnings: LowerWarning[] = [];
    return [
      text(
        unchanged(
          x,
          promoteLocals(x, ({ code, message }) => warnings.push({ code, message })),
          run,
        ),
      ),
      warnings,
    ];
  };
  it("vectors and scalars become registers", () => {
    const L = local("L", "f32", 5);
    const body = alloc(
      L,
      seq([put(L, 0, at(A, 0, 4)), put(L, 4, at(A, 4)), put(C, 0, at(L, 0, 4)), put(C, 4, at(L, 4))]),
    );
    expect(go(f(body))).toMatchInlineSnapshot(`
      [
        "
      func f(A: f32[32], B: f32[32]) -> C: f32[32]:
        L0 := A[ramp(0, 1, 4)]
        L4 := A[4]
        C[ramp(0, 1, 4)] = L0
        C[4] = L4
      ",
        [],
      ]
    `);
  });
  it("what all indices have in common does not matter", () => {
    const [L, n] = [local("L", "f32", 8), size("n", 0, 4)];
    const body = alloc(L, seq([put(L, n, at(A, 0, 4)), put(C, 0, at(L, add(n, int(2)))), put(C, 1, at(L, n))]));
    expect(go(f(body, { sizes: [n] }), { sizes: { n: 3 } })).toMatchInlineSnapshot(`
      [
        "
      func f(n, A: f32[32], B: f32[32]) -> C: f32[32]:
        L := A[ramp(0, 1, 4)]
        C[0] = shuffle([L], [2])
        C[1] = shuffle([L], [0])
      ",
        [],
      ]
    `);
  });
  it("a register written in parts starts at zero", () => {
    const L = local("L", "f32", 4);
    const body = alloc(L, seq([put(L, 0, at(A, 0, 2)), put(L, 2, at(A, 5, 2)), put(C, 0, at(L, 0, 4))]));
    expect(go(f(body))).toMatchInlineSnapshot(`
      [
        "
      func f(A: f32[32], B: f32[32]) -> C: f32[32]:
        L := x4(0.0)
        L := shuffle([L, A[ramp(0, 1, 2)]], [4, 5, 2, 3])
        L := shuffle([L, A[ramp(5, 1, 2)]], [0, 1, 4, 5])
        C[ramp(0, 1, 4)] = L
      ",
        [],
      ]
    `);
  });
  it("vectors that overlap in different ways live in memory", () => {
    const L = local("L", "f32", 8);
    const body = alloc(L, seq([put(L, 0, at(A, 0, 4)), put(L, 4, at(A, 4, 4)), put(C, 0, at(L, 2, 4))]));
    expect(go(f(body))).toMatchInlineSnapshot(`
      [
        "
      func f(A: f32[32], B: f32[32]) -> C: f32[32]:
        alloc L: f32[8] in workspace
        L[ramp(0, 1, 4)] = A[ramp(0, 1, 4)]
        L[ramp(4, 1, 4)] = A[ramp(4, 1, 4)]
        C[ramp(0, 1, 4)] = L[ramp(2, 1, 4)]
      ",
        [
          {
            "code": "local-demoted",
            "message": "local buffer L lives in memory: its vectors overlap in different ways",
          },
        ],
      ]
    `);
  });
  it("an index that is not constant demotes the buffer and names it", () => {
    const [L, i] = [local("L", "f32", 4), v("i")];
    const body = alloc(L, seq([loop(i, 4, put(L, i, at(A, i))), put(C, 0, at(L, 0, 4))]));
    expect(go(f(body))).toMatchInlineSnapshot(`
      [
        "
      func f(A: f32[32], B: f32[32]) -> C: f32[32]:
        alloc L: f32[4] in workspace
        for i in 4:
          L[i] = A[i]
        C[ramp(0, 1, 4)] = L[ramp(0, 1, 4)]
      ",
        [
          {
            "code": "local-demoted",
            "message": "local buffer L lives in memory: index i changes with i",
          },
        ],
      ]
    `);
  });
  it("masks and too many registers live in memory", () => {
    const [L, M] = [local("L", "bool", 4), local("M", "f32", 2000)];
    const zero = broadcast(f32(0), 4);
    const body = alloc(L, seq([put(L, 0, lt(at(A, 0, 4), zero)), put(C, 0, op("select", [at(L, 0, 4), zero, zero]))]));
    expect(go(f(body))[1]).toMatchInlineSnapshot(`
      [
        {
          "code": "local-demoted",
          "message": "local buffer L lives in memory: vectors of bool have no one register form",
        },
      ]
    `);
    const many = seq(Array.from({ length: 300 }, (_, i) => put(M, i, f32(i))));
    expect(go(f(alloc(M, seq([many, put(C, 0, at(M, 7))]))))[1]).toMatchInlineSnapshot(`
      [
        {
          "code": "local-demoted",
          "message": "local buffer M lives in memory: it would take 300 registers",
        },
      ]
    `);
  });
});

describe("contract", () => {
  const body = seq([
    put(C, 0, add(mul(at(A, 0, 4), at(B, 0, 4)), at(C, 0, 4))),
    put(C, 4, add(at(C, 4, 4), mul(at(A, 0, 4), at(B, 0, 4)))),
    put(C, 8, add(mul(at(A, 0), at(B, 0)), at(C, 8))),
    put(C, 9, sub(mul(at(A, 0, 4), at(B, 0, 4)), at(C, 9, 4))),
    put(C, 13, sub(at(C, 13, 4), mul(at(A, 0, 4), broadcast(f32(4), 4)))),
    put(C, 17, sub(at(C, 17, 4), mul(at(A, 0, 4), at(B, 0, 4)))),
  ]);
  it("vector products that are added, where the target can", () => {
    expect(text(contract(f(body), wasm({ relaxed: true })))).toMatchInlineSnapshot(`
      "
      func f(A: f32[32], B: f32[32]) -> C: f32[32]:
        C[ramp(0, 1, 4)] = fma(A[ramp(0, 1, 4)], B[ramp(0, 1, 4)], C[ramp(0, 1, 4)])
        C[ramp(4, 1, 4)] = fma(A[ramp(0, 1, 4)], B[ramp(0, 1, 4)], C[ramp(4, 1, 4)])
        C[8] = A[0] * B[0] + C[8]
        C[ramp(9, 1, 4)] = A[ramp(0, 1, 4)] * B[ramp(0, 1, 4)] - C[ramp(9, 1, 4)]
        C[ramp(13, 1, 4)] = fma(A[ramp(0, 1, 4)], x4(-4.0), C[ramp(13, 1, 4)])
        C[ramp(17, 1, 4)] = C[ramp(17, 1, 4)] - A[ramp(0, 1, 4)] * B[ramp(0, 1, 4)]
      "
    `);
    expect(contract(f(body), wasm())).toEqual(f(body));
    expect(contract(f(body), wasm({ relaxed: true, contract: false }))).toEqual(f(body));
  });
});

describe("share", () => {
  const go = (body: Stmt): string => text(unchanged(f(body), share(f(body))));
  it("computes once what is the same, just before its first use", () => {
    const [a, b] = [at(A, 0, 4), at(B, 0, 4)];
    const p = mul(a, b);
    expect(go(seq([put(C, 0, a), put(C, 4, add(p, a)), put(C, 8, add(p, b))]))).toMatchInlineSnapshot(`
      "
      func f(A: f32[32], B: f32[32]) -> C: f32[32]:
        let a = A[ramp(0, 1, 4)]
        C[ramp(0, 1, 4)] = a
        let b = B[ramp(0, 1, 4)]
        let t = a * b
        C[ramp(4, 1, 4)] = t + a
        C[ramp(8, 1, 4)] = t + b
      "
    `);
  });
  it("reads again what was written in between", () => {
    const c = at(C, 0);
    const body = seq([
      put(C, 0, f32(3)),
      put(C, 1, add(c, c)),
      put(C, 0, mul(c, f32(2))),
      put(C, 2, add(c, c)),
      put(C, 3, mul(c, f32(2))),
    ]);
    expect(go(body)).toMatchInlineSnapshot(`
      "
      func f(A: f32[32], B: f32[32]) -> C: f32[32]:
        C[0] = 3.0
        let c = C[0]
        C[1] = c + c
        C[0] = C[0] * 2.0
        let c_1 = C[0]
        C[2] = c_1 + c_1
        C[3] = C[0] * 2.0
      "
    `);
  });
  it("mutable variables have versions too", () => {
    const m = v("m", "f32", { mutable: true });
    const set = (e: Expr): Stmt => ({ kind: "assign", var: m, value: e });
    const s = mul(m, m);
    expect(go(seq([set(at(A, 0)), put(C, 0, add(s, s)), set(s), put(C, 1, add(s, s))]))).toMatchInlineSnapshot(`
      "
      func f(A: f32[32], B: f32[32]) -> C: f32[32]:
        m := A[0]
        let t = m * m
        C[0] = t + t
        m := t
        let t_1 = m * m
        C[1] = t_1 + t_1
      "
    `);
  });
  it("moves nothing out of a lazy choice", () => {
    const c = lt(at(A, 0), f32(0));
    const e = where(c, at(B, 1), f32(0));
    expect(
      go(seq([put(C, 0, e), put(C, 1, add(e, at(B, 1))), put(C, 2, where(c, at(B, 1), f32(1)))])),
    ).toMatchInlineSnapshot(`
      "
      func f(A: f32[32], B: f32[32]) -> C: f32[32]:
        let t = A[0] < 0.0
        let t_1 = where(t, B[1], 0.0)
        C[0] = t_1
        C[1] = t_1 + B[1]
        C[2] = where(t, B[1], 1.0)
      "
    `);
  });
  it("stops at loops and conditions", () => {
    const [i, s] = [v("i"), mul(at(A, 0), at(B, 0))];
    const body = seq([
      put(C, 0, add(s, s)),
      loop(i, 2, seq([put(C, 0, add(at(C, 0), f32(1))), put(C, 1, at(C, 0))])),
      when(lt(at(C, 0), f32(0)), put(C, 0, add(s, s))),
      put(C, 2, at(C, 0)),
    ]);
    expect(go(body)).toMatchInlineSnapshot(`
      "
      func f(A: f32[32], B: f32[32]) -> C: f32[32]:
        let t = A[0] * B[0]
        C[0] = t + t
        for i in 2:
          C[0] = C[0] + 1.0
          C[1] = C[0]
        if C[0] < 0.0:
          let t_1 = A[0] * B[0]
          C[0] = t_1 + t_1
        C[2] = C[0]
      "
    `);
  });
});

describe("hoist", () => {
  const go = (body: Stmt, more = {}, run = {}): string =>
    text(unchanged(f(body, more), hoistInvariants(f(body, more)), run));
  const [i, j] = [v("i"), v("j")];
  it("arithmetic, splats and loads go as far out as they may", () => {
    const value = add(mul(at(A, 0), at(B, i)), at(B, add(i, j)));
    expect(go(loop(i, 4, loop(j, 4, put(C, add(mul(i, int(4)), j), value))))).toMatchInlineSnapshot(`
      "
      func f(A: f32[32], B: f32[32]) -> C: f32[32]:
        let h = A[0]
        for i in 4:
          let h_1 = h * B[i]
          for j in 4:
            C[i * 4 + j] = h_1 + B[i + j]
      "
    `);
    const splat = add(broadcast(at(A, 3), 4), at(A, mul(i, int(4)), 4));
    expect(go(loop(i, 2, put(C, mul(i, int(4)), splat)))).toMatchInlineSnapshot(`
      "
      func f(A: f32[32], B: f32[32]) -> C: f32[32]:
        let h = x4(A[3])
        for i in 2:
          C[ramp(i * 4, 1, 4)] = h + A[ramp(i * 4, 1, 4)]
      "
    `);
  });
  it("no load leaves a loop that may not run, a condition, or a loop that writes its buffer", () => {
    const n = size("n");
    expect(go(loop(i, n, put(C, i, at(A, 0))), { sizes: [n] }, { sizes: { n: 0 } })).toMatchInlineSnapshot(`
      "
      func f(n, A: f32[32], B: f32[32]) -> C: f32[32]:
        for i in n:
          C[i] = A[0]
      "
    `);
    expect(go(loop(i, 4, when(lt(at(A, i), f32(0)), put(C, i, at(B, 0)))))).toMatchInlineSnapshot(`
      "
      func f(A: f32[32], B: f32[32]) -> C: f32[32]:
        for i in 4:
          if A[i] < 0.0:
            C[i] = B[0]
      "
    `);
    expect(go(loop(i, 4, put(C, i, where(lt(at(A, i), f32(0)), at(B, 0), f32(1)))))).toMatchInlineSnapshot(`
      "
      func f(A: f32[32], B: f32[32]) -> C: f32[32]:
        for i in 4:
          C[i] = where(A[i] < 0.0, B[0], 1.0)
      "
    `);
    expect(go(seq([put(C, 0, f32(1)), loop(i, 4, put(C, i, add(at(C, 0), f32(1))))]))).toMatchInlineSnapshot(`
      "
      func f(A: f32[32], B: f32[32]) -> C: f32[32]:
        C[0] = 1.0
        for i in 4:
          C[i] = C[0] + 1.0
      "
    `);
  });
  it("a loop that certainly runs by what is known around it gives up its loads", () => {
    const n = size("n");
    const body = when(lt(int(0), n), loop(i, n, put(C, i, at(A, 0))));
    expect(go(body, { sizes: [n] }, { sizes: { n: 3 } })).toMatchInlineSnapshot(`
      "
      func f(n, A: f32[32], B: f32[32]) -> C: f32[32]:
        if 0 < n:
          let h = A[0]
          for i in n:
            C[i] = h
      "
    `);
  });
  it("nothing that depends on lets, assignments or memory in the loop moves", () => {
    const [t, m] = [v("t", "f32"), v("m", "f32", { mutable: true })];
    const set = (e: Expr): Stmt => ({ kind: "assign", var: m, value: e });
    const body = seq([
      set(f32(1)),
      loop(i, 3, letIn(t, at(A, i), seq([put(C, i, add(mul(t, t), mul(m, m))), set(add(m, f32(1)))]))),
    ]);
    expect(go(body)).toMatchInlineSnapshot(`
      "
      func f(A: f32[32], B: f32[32]) -> C: f32[32]:
        m := 1.0
        for i in 3:
          let t = A[i]
          C[i] = t * t + m * m
          m := m + 1.0
      "
    `);
  });
  it("loops of no step at all compute the same", async () => {
    const n = size("n");
    const [X, Y, Z] = [buf("X", "f32", n, 8), buf("Y", "f32", n), buf("Z", "f32", 8)];
    const [k, c, vk, vc] = [v("k"), v("c"), v("vk"), v("vc")];
    const value = mul(load(X, [vk, vc]), load(Y, [floordiv(vk, int(4))]));
    const b = block("Z", [iter(vc, 8, c), iter(vk, n, k, "reduction")], store(Z, [vc], add(load(Z, [vc]), value)), {
      init: store(Z, [vc], f32(0)),
    });
    const g = func("f", [X, Y], [Z], loop(k, n, vec(c, 8, b)), { sizes: [n] });
    await check(g, ...[0, 1, 2, 5, 9].map((x) => ({ sizes: { n: x } })));
  });
});

describe("registers from end to end", () => {
  it("a tile that guards cut keeps its values, whatever its loops are", async () => {
    const n = size("n");
    for (const kind of ["vectorized", "unrolled", "serial"] as const) {
      const [X, Y, L] = [buf("X", "f32", n), buf("Y", "f32", n), local("L", "f32", n)];
      const [o, ii, ji, a, b] = [v("o"), v("ii"), v("ji"), v("a"), v("b")];
      const [p, q] = [add(mul(o, int(8)), ii), add(mul(o, int(8)), ji)];
      const make = block("L", [iter(a, n, p)], store(L, [a], mul(load(X, [a]), f32(2))), { predicate: lt(p, n) });
      const copy = block("Y", [iter(b, n, q)], store(Y, [b], load(L, [b])), { predicate: lt(q, n) });
      const tile = seq([loop(ii, 8, make, { loop: kind }), loop(ji, 8, copy, { loop: kind })]);
      const g = func("f", [X], [Y], loop(o, floordiv(add(n, int(7)), int(8)), tile), {
        sizes: [n],
        intermediates: [L],
      });
      await check(g, ...[0, 1, 5, 8, 15, 16].map((x) => ({ sizes: { n: x } })));
    }
  });
  it("parts of one register, and conversions between registers", async () => {
    const [X, Y, L] = [buf("X", "u8", 24), buf("Y", "i32", 24), local("L", "u8", 24)];
    const body = seq([
      rows("a", 2, (x) => store(L, [x], load(X, [x])), { loop: "vectorized" }),
      rows("b", 22, (x) => store(L, [add(x, int(2))], load(X, [x])), { loop: "vectorized" }),
      rows("c", 24, (x) => store(Y, [x], cast("i32", load(L, [x]))), { loop: "vectorized" }),
    ]);
    await check(func("f", [X], [Y], body, { intermediates: [L] }));
    expect(concat([constant("u8", 1), constant("u8", 2)]).lanes).toBe(2);
  });
});
