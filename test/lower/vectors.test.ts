import { describe, expect, it } from "vitest";
import {
  add,
  and,
  type Buffer,
  cast,
  constant,
  type DType,
  type Expr,
  type Func,
  floordiv,
  floormod,
  ge,
  int,
  load,
  lt,
  mul,
  not,
  op,
  or,
  select,
  seq,
  store,
  sub,
  type Var,
  variable as v,
  where,
} from "../../src/ir/index.ts";
import { cutLanes, piecesOf } from "../../src/lower/lanes.ts";
import { vectorize } from "../../src/lower/vectorize.ts";
import { wasm } from "../../src/target/index.ts";
import { buf, f32, func, letIn, local, loop, rows, size, vec, when } from "./parts.ts";
import { check, golden, text, unchanged } from "./stages.ts";

const wide = (f: Func, run = {}): string => text(unchanged(f, vectorize(f), run));
/** A vectorized loop by hand, as partitioning leaves it. */
const flat = (ins: Buffer[], outs: Buffer[], n: number, body: (i: Var) => ReturnType<typeof seq>, more = {}): Func => {
  const i = v("i");
  return func("f", ins, outs, vec(i, n, body(i)), more);
};
const A = buf("A", "f32", 32);
const C = buf("C", "f32", 32);

describe("vectorize", () => {
  it("dense, strided, reversed, gathered and uniform reads", () => {
    const [I, D, E] = [buf("I", "i32", 8), buf("D", "f32", 32), buf("E", "f32", 8)];
    const body = (i: Var) =>
      seq([
        store(C, [i], add(load(A, [add(i, int(3))]), load(A, [mul(i, int(2))]))),
        store(D, [sub(int(7), i)], add(load(A, [sub(int(9), i)]), load(A, [int(5)]))),
        store(D, [add(mul(i, int(3)), int(8))], load(A, [floormod(mul(i, i), int(5))])),
        store(E, [i], load(A, [and(load(I, [i]), int(7))])),
      ]);
    expect(wide(flat([A, I], [C, D, E], 8, body))).toMatchInlineSnapshot(`
      "
      func f(A: f32[32], I: i32[8]) -> C: f32[32], D: f32[32], E: f32[8]:
        C[ramp(0, 1, 8)] = A[ramp(3, 1, 8)] + A[ramp(0, 2, 8)]
        D[ramp(7, -1, 8)] = A[ramp(9, -1, 8)] + x8(A[5])
        D[ramp(8, 3, 8)] = A[ramp(0, 1, 8) * ramp(0, 1, 8) % x8(5)]
        E[ramp(0, 1, 8)] = A[I[ramp(0, 1, 8)] & x8(7)]
      "
    `);
  });
  it("serial loops inside stay loops, unless their bounds differ between lanes", () => {
    const [k, j] = [v("k"), v("j")];
    const sum = (i: Var, x: Var) => store(C, [i], add(load(C, [i]), load(A, [add(mul(i, int(4)), x)])));
    const same = (i: Var) => seq([store(C, [i], f32(0)), loop(k, 4, sum(i, k))]);
    expect(wide(flat([A], [C], 4, same))).toMatchInlineSnapshot(`
      "
      func f(A: f32[32]) -> C: f32[32]:
        C[ramp(0, 1, 4)] = x4(0.0)
        for k in 4:
          C[ramp(0, 1, 4)] = C[ramp(0, 1, 4)] + A[ramp(k, 4, 4)]
      "
    `);
    const growing = (i: Var) => seq([store(C, [i], f32(0)), loop(j, i, sum(i, j))]);
    expect(wide(flat([A], [C], 3, growing))).toMatchInlineSnapshot(`
      "
      func f(A: f32[32]) -> C: f32[32]:
        C[ramp(0, 1, 3)] = x3(0.0)
        C[1] = C[1] + A[4]
        for j in 2:
          C[2] = C[2] + A[j + 8]
      "
    `);
  });
  it("a vectorized loop inside another one is written out", () => {
    const [j, X, Y] = [v("j"), buf("X", "f32", 12), buf("Y", "f32", 12)];
    const body = (i: Var) => vec(j, 3, store(Y, [add(mul(i, int(3)), j)], load(X, [add(mul(i, int(3)), j)])));
    expect(wide(flat([X], [Y], 4, body))).toMatchInlineSnapshot(`
      "
      func f(X: f32[12]) -> Y: f32[12]:
        unrolled j in 3:
          Y[ramp(j, 3, 4)] = X[ramp(j, 3, 4)]
      "
    `);
  });
  it("lets become vectors where they differ between lanes", () => {
    const [t, u] = [v("t", "f32"), v("u", "f32")];
    const body = (i: Var) => letIn(t, load(A, [i]), letIn(u, load(A, [int(0)]), store(C, [i], add(mul(t, t), u))));
    expect(wide(flat([A], [C], 4, body))).toMatchInlineSnapshot(`
      "
      func f(A: f32[32]) -> C: f32[32]:
        let t = A[ramp(0, 1, 4)]
        let u = A[0]
        C[ramp(0, 1, 4)] = t * t + x4(u)
      "
    `);
  });
  it("guards that a constant number of lanes pass shorten the vector", () => {
    const body = (i: Var) => when(and(lt(i, int(5)), ge(i, int(2))), store(C, [i], load(A, [i])));
    expect(wide(flat([A], [C], 8, body))).toMatchInlineSnapshot(`
      "
      func f(A: f32[32]) -> C: f32[32]:
        C[ramp(2, 1, 3)] = A[ramp(2, 1, 3)]
      "
    `);
  });
  it("guards with an unknown bound become widths 8, 4, 2, 1; what is uniform is asked once", () => {
    const [n, m] = [size("n", 0, 8), size("m", 0, 8)];
    const body = (i: Var) => when(and(lt(i, n), lt(int(3), m)), store(C, [i], load(A, [i])));
    const f = flat([A], [C], 8, body, { sizes: [n, m] });
    expect(wide(f, { sizes: { n: 7, m: 4 } })).toMatchInlineSnapshot(`
      "
      func f(n, m, A: f32[32]) -> C: f32[32]:
        if 3 < m:
          if n // 8 == 1:
            C[ramp(0, 1, 8)] = A[ramp(0, 1, 8)]
          if n // 4 % 2 == 1:
            C[ramp(n // 8 * 8, 1, 4)] = A[ramp(n // 8 * 8, 1, 4)]
          if n // 2 % 2 == 1:
            C[ramp(n // 4 * 4, 1, 2)] = A[ramp(n // 4 * 4, 1, 2)]
          if n % 2 == 1:
            C[n - 1] = A[n - 1]
      "
    `);
    for (const x of [0, 1, 3, 8]) unchanged(f, vectorize(f), { sizes: { n: x, m: 8 } });
  });
  it("guards of any other shape, and guards around lets, run lane by lane", () => {
    const data = (i: Var) => when(lt(load(A, [i]), f32(0)), store(C, [i], load(A, [i])), store(C, [i], f32(1)));
    expect(wide(flat([A], [C], 2, data))).toMatchInlineSnapshot(`
      "
      func f(A: f32[32]) -> C: f32[32]:
        if A[0] < 0.0:
          C[0] = A[0]
        else:
          C[0] = 1.0
        if A[1] < 0.0:
          C[1] = A[1]
        else:
          C[1] = 1.0
      "
    `);
    const t = v("t", "f32");
    const bound = (i: Var) => letIn(t, mul(load(A, [i]), f32(3)), when(lt(i, int(2)), store(C, [i], t)));
    expect(wide(flat([A], [C], 3, bound))).toMatchInlineSnapshot(`
      "
      func f(A: f32[32]) -> C: f32[32]:
        let t = A[ramp(0, 1, 3)] * x3(3.0)
        C[0] = shuffle([t], [0])
        C[1] = shuffle([t], [1])
      "
    `);
  });
  it("an index with a let in its stride is a gather", () => {
    const t = v("t");
    const body = (i: Var) => letIn(t, mul(i, i), store(C, [i], load(A, [floormod(mul(i, t), int(8))])));
    expect(wide(flat([A], [C], 4, body))).toMatchInlineSnapshot(`
      "
      func f(A: f32[32]) -> C: f32[32]:
        let t = ramp(0, 1, 4) * ramp(0, 1, 4)
        C[ramp(0, 1, 4)] = A[ramp(0, 1, 4) * t % x4(8)]
      "
    `);
  });
  it("far more lanes than registers become a loop over chunks", async () => {
    const [X, Y] = [buf("X", "f32", 2500), buf("Y", "f32", 2500)];
    const f = func(
      "f",
      [X],
      [Y],
      rows("Y", 2500, (i) => store(Y, [i], add(load(X, [i]), f32(1))), { loop: "vectorized" }),
    );
    expect(golden(f, "vectorize")).toMatchInlineSnapshot(`
      "
      func f(X: f32[2500]) -> Y: f32[2500]:
        for i in 19:
          Y[ramp(i * 128, 1, 128)] = X[ramp(i * 128, 1, 128)] + x128(1.0)
        Y[ramp(2432, 1, 68)] = X[ramp(2432, 1, 68)] + x68(1.0)
      "
    `);
    await check(f);
  });
  it("needs a constant extent", () => {
    const n = size("n");
    const i = v("i");
    const f = func("f", [A], [C], vec(i, n, store(C, [i], f32(1))), { sizes: [n] });
    expect(() => vectorize(f)).toThrow(/vectorized loop i has no constant extent/);
  });
});

describe("cut lanes", () => {
  const cut = (f: Func): string => {
    const w = vectorize(f);
    return text(unchanged(f, cutLanes(w, wasm())));
  };
  it("pieces are registers, then halves of what is left", () => {
    expect(piecesOf(13, 4).map((p) => p.lanes)).toEqual([4, 4, 4, 1]);
    expect(piecesOf(7, 4).map((p) => `${p.start}+${p.lanes}`)).toEqual(["0+4", "4+2", "6+1"]);
    expect(piecesOf(31, 16).map((p) => p.lanes)).toEqual([16, 8, 4, 2, 1]);
  });
  it("a remainder ends in a scalar", () => {
    expect(cut(flat([A], [C], 7, (i) => store(C, [i], add(load(A, [i]), f32(1)))))).toMatchInlineSnapshot(`
      "
      func f(A: f32[32]) -> C: f32[32]:
        C[ramp(0, 1, 4)] = A[ramp(0, 1, 4)] + x4(1.0)
        C[ramp(4, 1, 2)] = A[ramp(4, 1, 2)] + x2(1.0)
        C[6] = A[6] + 1.0
      "
    `);
  });
  it("stride 2 and -1 are dense reads and a shuffle, other strides scalars", () => {
    const body = (i: Var) =>
      store(C, [i], add(load(A, [mul(i, int(2))]), add(load(A, [sub(int(9), i)]), load(A, [mul(i, int(3))]))));
    expect(cut(flat([A], [C], 4, body))).toMatchInlineSnapshot(`
      "
      func f(A: f32[32]) -> C: f32[32]:
        C[ramp(0, 1, 4)] = shuffle([A[ramp(0, 1, 4)], A[ramp(3, 1, 4)]], [0, 2, 5, 7]) + (shuffle([A[ramp(6, 1, 4)]], [3, 2, 1, 0]) + shuffle([A[0], A[3], A[6], A[9]], [0, 1, 2, 3]))
      "
    `);
  });
  it("reads with stride 2 touch nothing past the last lane", () => {
    const [X, Y] = [buf("X", "f32", 7), buf("Y", "f32", 4)];
    expect(cut(flat([X], [Y], 4, (i) => store(Y, [i], load(X, [mul(i, int(2))]))))).toMatchInlineSnapshot(`
      "
      func f(X: f32[7]) -> Y: f32[4]:
        Y[ramp(0, 1, 4)] = shuffle([X[ramp(0, 1, 4)], X[ramp(3, 1, 4)]], [0, 2, 5, 7])
      "
    `);
  });
  it("scatters lane by lane", () => {
    expect(cut(flat([A], [C], 3, (i) => store(C, [mul(i, int(5))], load(A, [i]))))).toMatchInlineSnapshot(`
      "
      func f(A: f32[32]) -> C: f32[32]:
        C[0] = A[0]
        C[5] = A[1]
        C[10] = A[2]
      "
    `);
  });
  const convert = (from: DType, to: DType, n: number): Func => {
    const [X, Y] = [buf("X", from, n), buf("Y", to, n)];
    return flat([X], [Y], n, (i) => store(Y, [i], cast(to, load(X, [i]))));
  };
  it("widening reads as many narrow lanes as the wide register takes", () => {
    expect(cut(convert("u8", "i32", 8))).toMatchInlineSnapshot(`
      "
      func f(X: u8[8]) -> Y: i32[8]:
        Y[ramp(0, 1, 4)] = i32(X[ramp(0, 1, 4)])
        Y[ramp(4, 1, 4)] = i32(X[ramp(4, 1, 4)])
      "
    `);
  });
  it("widening a computed value takes parts of one narrow register", () => {
    const [X, Y] = [buf("X", "u8", 16), buf("Y", "i32", 16)];
    const sum = (i: Var) => cast("i32", add(load(X, [i]), constant("u8", 1)));
    expect(cut(flat([X], [Y], 16, (i) => store(Y, [i], sum(i))))).toMatchInlineSnapshot(`
      "
      func f(X: u8[16]) -> Y: i32[16]:
        Y[ramp(0, 1, 4)] = i32(shuffle([X[ramp(0, 1, 16)] + x16(u8(1))], [0, 1, 2, 3]))
        Y[ramp(4, 1, 4)] = i32(shuffle([X[ramp(0, 1, 16)] + x16(u8(1))], [4, 5, 6, 7]))
        Y[ramp(8, 1, 4)] = i32(shuffle([X[ramp(0, 1, 16)] + x16(u8(1))], [8, 9, 10, 11]))
        Y[ramp(12, 1, 4)] = i32(shuffle([X[ramp(0, 1, 16)] + x16(u8(1))], [12, 13, 14, 15]))
      "
    `);
  });
  it("narrowing joins the conversions of its registers", () => {
    expect(cut(convert("i32", "i8", 10))).toMatchInlineSnapshot(`
      "
      func f(X: i32[10]) -> Y: i8[10]:
        Y[ramp(0, 1, 8)] = shuffle([i8(X[ramp(0, 1, 4)]), i8(X[ramp(4, 1, 4)])], [0, 1, 2, 3, 4, 5, 6, 7])
        Y[ramp(8, 1, 2)] = i8(X[ramp(8, 1, 2)])
      "
    `);
  });
  it("f64 has two lanes", () => {
    expect(cut(convert("f32", "f64", 5))).toMatchInlineSnapshot(`
      "
      func f(X: f32[5]) -> Y: f64[5]:
        Y[ramp(0, 1, 2)] = f64(X[ramp(0, 1, 2)])
        Y[ramp(2, 1, 2)] = f64(X[ramp(2, 1, 2)])
        Y[4] = f64(X[4])
      "
    `);
  });
  it("a choice with one condition for all lanes stays whole, otherwise each lane chooses", () => {
    const body = (i: Var) => store(C, [i], where(lt(load(A, [int(0)]), f32(0)), load(A, [i]), f32(1)));
    expect(cut(flat([A], [C], 4, body))).toMatchInlineSnapshot(`
      "
      func f(A: f32[32]) -> C: f32[32]:
        C[ramp(0, 1, 4)] = where(x4(A[0] < 0.0), A[ramp(0, 1, 4)], x4(1.0))
      "
    `);
    const each = (i: Var) => store(C, [i], where(lt(i, int(1)), load(A, [i]), f32(1)));
    expect(cut(flat([A], [C], 2, each))).toMatchInlineSnapshot(`
      "
      func f(A: f32[32]) -> C: f32[32]:
        C[ramp(0, 1, 2)] = shuffle([where(0 < 1, A[0], 1.0), where(1 < 1, A[1], 1.0)], [0, 1])
      "
    `);
  });
  it("vector lets are cut like what uses them", () => {
    const t = v("t", "i16");
    const [X, Y, Z] = [buf("X", "i16", 12), buf("Y", "i32", 12), buf("Z", "i16", 12)];
    const body = (i: Var) => letIn(t, load(X, [i]), seq([store(Y, [i], cast("i32", t)), store(Z, [i], t)]));
    expect(cut(flat([X], [Y, Z], 12, body))).toMatchInlineSnapshot(`
      "
      func f(X: i16[12]) -> Y: i32[12], Z: i16[12]:
        let t = X[ramp(0, 1, 8)]
        let t_1 = X[ramp(8, 1, 4)]
        Y[ramp(0, 1, 4)] = i32(shuffle([t], [0, 1, 2, 3]))
        Y[ramp(4, 1, 4)] = i32(shuffle([t], [4, 5, 6, 7]))
        Y[ramp(8, 1, 4)] = i32(t_1)
        Z[ramp(0, 1, 8)] = t
        Z[ramp(8, 1, 4)] = t_1
      "
    `);
  });
});

describe("vectors from end to end", () => {
  const NARROW: DType[] = ["u8", "i8", "u16", "i16", "i32", "u32", "i64", "u64", "f32", "f64", "f16", "bool"];
  it.each(NARROW)("%s to every other dtype and back, with remainders", async (from) => {
    for (const to of NARROW) {
      const n = 13;
      const [X, Y, Z] = [buf("X", from, n), buf("Y", to, n), buf("Z", from, n)];
      const to2 = (e: Expr): Expr => (e.dtype === to ? e : cast(to, e));
      const from2 = (e: Expr): Expr => (e.dtype === from ? e : cast(from, e));
      const body = rows("Y", n, (i) => seq([store(Y, [i], to2(load(X, [i]))), store(Z, [i], from2(load(Y, [i])))]), {
        loop: "vectorized",
      });
      await check(func("f", [X], [Y, Z], body));
    }
  });
  it("masks of several widths in one condition", async () => {
    for (const n of [1, 3, 16, 37]) {
      const [M, X, Y] = [buf("M", "bool", n), buf("X", "f64", n), buf("Y", "i8", n)];
      const [D, E, L] = [buf("D", "bool", n), buf("E", "i16", n), local("L", "bool", n)];
      const first = rows("L", n, (i) => store(L, [i], or(load(M, [i]), lt(load(Y, [i]), constant("i8", 0)))), {
        loop: "vectorized",
      });
      const then = rows(
        "D",
        n,
        (i) =>
          seq([
            store(D, [i], and(load(L, [i]), lt(load(X, [i]), constant("f64", 0)))),
            store(
              E,
              [i],
              select(or(load(L, [i]), not(load(M, [i]))), cast("i16", load(Y, [i])), cast("i16", load(X, [i]))),
            ),
          ]),
        { loop: "vectorized" },
      );
      await check(func("f", [M, X, Y], [D, E], seq([first, then]), { intermediates: [L] }));
    }
  });
  it("indices and conditions that come from memory", async () => {
    const [I, X, Y] = [buf("I", "i32", 13), buf("X", "f32", 13), buf("Y", "f32", 13)];
    const inside = (i: Expr): Expr => and(ge(load(I, [i]), int(0)), lt(load(I, [i]), int(13)));
    const pick = rows("Y", 13, (i) => store(Y, [i], where(inside(i), load(X, [load(I, [i])]), f32(-1))), {
      loop: "vectorized",
    });
    await check(func("f", [I, X], [Y], pick));
    const branch = rows(
      "Y",
      13,
      (i) => seq([store(Y, [i], f32(-1)), when(inside(i), store(Y, [i], load(X, [load(I, [i])])))]),
      { loop: "vectorized" },
    );
    await check(func("f", [I, X], [Y], branch));
  });
  it("lets that read a buffer stored under them", async () => {
    for (const kind of ["serial", "unrolled", "vectorized"] as const)
      for (const n of [1, 3, 8, 13]) {
        const [X, Y, Z] = [buf("X", "f32", n), buf("Y", "f32", n), buf("Z", "f32", n)];
        const [t, u] = [v("t", "f32"), v("u", "f32")];
        const body = (i: Var) =>
          seq([
            store(Y, [i], load(X, [i])),
            letIn(
              t,
              load(Y, [i]),
              letIn(
                u,
                add(t, f32(1)),
                seq([
                  store(Y, [i], add(load(Y, [i]), u)),
                  store(Z, [i], add(add(load(Y, [i]), t), u)),
                  store(Y, [i], select(lt(f32(0), t), u, load(Y, [i]))),
                ]),
              ),
            ),
          ]);
        await check(func("f", [X], [Y, Z], rows("Y", n, body, { loop: kind })));
      }
  });
  it("a loop whose length is a let, per lane", async () => {
    const [X, Y, t, k] = [buf("X", "f32", 8), buf("Y", "f32", 8), v("t"), v("k")];
    const body = (i: Var) =>
      seq([
        store(Y, [i], f32(0)),
        letIn(t, floormod(mul(i, int(3)), int(5)), loop(k, t, store(Y, [i], add(load(Y, [i]), load(X, [k]))))),
      ]);
    await check(func("f", [X], [Y], rows("Y", 8, body, { loop: "vectorized" })));
  });
  it("in place, reading ahead", async () => {
    for (const kind of ["serial", "unrolled", "vectorized"] as const)
      for (const n of [1, 7, 8, 33]) {
        const [X, Y] = [buf("X", "f32", n + 2), buf("Y", "f32", n + 2)];
        const ahead = (i: Var) => store(Y, [i], add(load(Y, [i]), load(Y, [add(i, int(2))])));
        const body = seq([
          rows("copy", n + 2, (i) => store(Y, [i], load(X, [i])), { loop: kind }),
          rows("ahead", n, ahead, { loop: kind }),
        ]);
        await check(func("f", [X], [Y], body));
      }
  });
  it("a vector of axis values", async () => {
    const n = 11;
    const outs = [buf("P", "i32", n), buf("Q", "f32", n), buf("R", "u8", n), buf("S", "i64", n)];
    const body = (i: Var) =>
      seq([
        store(outs[0]!, [i], op("truncdiv", [sub(mul(i, i), int(20)), int(3)])),
        store(outs[1]!, [i], cast("f32", floordiv(i, int(2)))),
        store(outs[2]!, [i], cast("u8", i)),
        store(outs[3]!, [i], cast("i64", sub(int(3), i))),
      ]);
    await check(func("f", [], outs, rows("P", n, body, { loop: "vectorized" })));
  });
});
