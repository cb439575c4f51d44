import { describe, expect, it } from "vitest";
import {
  add,
  and,
  buffer,
  type Func,
  floordiv,
  floormod,
  ge,
  int,
  load,
  lt,
  mul,
  seq,
  store,
  sub,
  type Var,
  variable as v,
  where,
} from "../../src/ir/index.ts";
import { dissolveBlocks } from "../../src/lower/blocks.ts";
import { compute, constantEdge, createFunc, dim, placeholder, scan, sum } from "../../te/index.ts";
import { block, buf, ceil, dims, f32, func, gemm, iter, loop, rows, size, temp, vec } from "./parts.ts";
import { check, golden } from "./stages.ts";

/** B[x] = A[x] * 2 computed where a consumer C[x] = B[x] + B[x + 1] + B[x + 2] needs it, per tile of 4. */
function stencil(n: number | Var, storeAt?: "x"): Func {
  const m = typeof n === "number" ? int(n) : n;
  const [A, B, C] = [buf("A", "f32", add(m, int(2))), temp("B", "f32", add(m, int(2))), buf("C", "f32", m)];
  const [x, xi, p] = [v("x"), v("xi"), v("p")];
  const [vx, vp] = [v("vx"), v("vp")];
  const at = add(mul(x, int(4)), xi);
  const from = add(mul(x, int(4)), p);
  const produce = block("B", [iter(vp, add(m, int(2)), from)], store(B, [vp], mul(load(A, [vp]), f32(2))), {
    predicate: lt(from, add(m, int(2))),
    ...(storeAt ? { storeAt: x } : {}),
  });
  const consume = block(
    "C",
    [iter(vx, m, at)],
    store(C, [vx], add(add(load(B, [vx]), load(B, [add(vx, int(1))])), load(B, [add(vx, int(2))]))),
    { predicate: lt(at, m) },
  );
  const body = loop(x, ceil(m, 4), seq([loop(p, 6, produce), loop(xi, 4, consume)]));
  return func("blur", [A], [C], body, { sizes: typeof n === "number" ? [] : [n], intermediates: [B] });
}

describe("init reductions", () => {
  it("stands before the loop that carries the reduction", () => {
    expect(golden(gemm(2, 3, 4), "init reductions")).toMatchInlineSnapshot(`
      "
      func gemm(A: f32[2, 4], B: f32[4, 3]) -> C: f32[2, 3]:
        for i in 2:
          for j in 3:
            block C.init(vi = i, vj = j):
              C[vi, vj] = 0.0
            for k in 4:
              block C(vi_1 = i, vj_1 = j, vk (reduce) = k):
                C[vi_1, vj_1] = C[vi_1, vj_1] + A[vi_1, vk] * B[vk, vj_1]
      "
    `);
  });
  it("covers guarded and fused loops without leaving the buffer", () => {
    const [A, C] = [buf("A", "f32", 5, 7), buf("C", "f32", 5)];
    const [fo, fi, vi, vk] = [v("fo"), v("fi"), v("vi"), v("vk")];
    const f = add(mul(fo, int(8)), fi);
    const iters = [iter(vi, 5, floordiv(f, int(7))), iter(vk, 7, floormod(f, int(7)), "reduction")];
    const b = block("C", iters, store(C, [vi], add(load(C, [vi]), load(A, [vi, vk]))), {
      init: store(C, [vi], f32(0)),
      predicate: lt(f, int(35)),
    });
    expect(golden(func("f", [A], [C], loop(fo, 5, loop(fi, 8, b))), "init reductions")).toMatchInlineSnapshot(`
      "
      func f(A: f32[5, 7]) -> C: f32[5]:
        for fo in 5:
          for fi in 8:
            block C.init(vi = (fo * 8 + fi) // 7) if fo * 8 + fi < 35:
              C[vi] = 0.0
        for fo_1 in 5:
          for fi_1 in 8:
            block C(vi_1 = (fo_1 * 8 + fi_1) // 7, vk (reduce) = (fo_1 + fi_1) % 7) if fo_1 * 8 + fi_1 < 35:
              C[vi_1] = C[vi_1] + A[vi_1, vk]
      "
    `);
  });
});

describe("allocate", () => {
  it("puts a buffer at the innermost point around its accesses, with the shape of what is touched", () => {
    expect(golden(stencil(9), "allocate")).toMatchInlineSnapshot(`
      "
      func blur(A: f32[9 + 2]) -> C: f32[9]:
        for x in (9 + 3) // 4:
          alloc B: f32[6] in workspace
          for p in 6:
            block B(vp = x * 4 + p) if x * 4 + p < 9 + 2:
              B[vp - x * 4] = A[vp] * 2.0
          for xi in 4:
            block C(vx = x * 4 + xi) if x * 4 + xi < 9:
              C[vx] = B[vx - x * 4] + B[vx - x * 4 + 1] + B[vx - x * 4 + 2]
      "
    `);
  });
  it("keeps a constant shape when sizes are symbolic", async () => {
    const n = size("n");
    const f = stencil(n);
    expect(golden(f, "allocate", { sizes: { n: 9 } })).toMatchInlineSnapshot(`
      "
      func blur(n, A: f32[n + 2]) -> C: f32[n]:
        for x in (n + 3) // 4:
          alloc B: f32[6] in workspace
          for p in 6:
            block B(vp = x * 4 + p) if x * 4 + p < n + 2:
              B[vp - x * 4] = A[vp] * 2.0
          for xi in 4:
            block C(vx = x * 4 + xi) if x * 4 + xi < n:
              C[vx] = B[vx - x * 4] + B[vx - x * 4 + 1] + B[vx - x * 4 + 2]
      "
    `);
    await check(f, ...[0, 1, 3, 4, 9].map((x) => ({ sizes: { n: x } })));
  });
  it("obeys storeAt", () => {
    const [A, B, C] = [buf("A", "f32", 4, 8), temp("B", "f32", 4, 8), buf("C", "f32", 4, 8)];
    const [i, j, vi, vj, wi, wj] = [v("i"), v("j"), v("vi"), v("vj"), v("vi"), v("vj")];
    const p = block("B", [iter(vi, 4, i), iter(vj, 8, j)], store(B, [vi, vj], load(A, [vi, vj])), { storeAt: i });
    const c = block("C", [iter(wi, 4, i), iter(wj, 8, j)], store(C, [wi, wj], load(B, [wi, wj])));
    const f = func("f", [A], [C], loop(i, 4, loop(j, 8, seq([p, c]))), { intermediates: [B] });
    expect(golden(f, "allocate")).toMatchInlineSnapshot(`
      "
      func f(A: f32[4, 8]) -> C: f32[4, 8]:
        for i in 4:
          alloc B: f32[1, 8] in workspace
          for j in 8:
            block B(vi = i, vj = j):  # stored at i
              B[vi - i, vj] = A[vi, vj]
            block C(vi_1 = i, vj_1 = j):
              C[vi_1, vj_1] = B[vi_1 - i, vj_1]
      "
    `);
    const free = { ...f, body: loop(i, 4, loop(j, 8, seq([{ ...p, storeAt: undefined } as typeof p, c]))) };
    expect(golden(free, "allocate")).toMatchInlineSnapshot(`
      "
      func f(A: f32[4, 8]) -> C: f32[4, 8]:
        for i in 4:
          for j in 8:
            alloc B: f32[1, 1] in workspace
            block B(vi = i, vj = j):
              B[vi - i, vj - j] = A[vi, vj]
            block C(vi_1 = i, vj_1 = j):
              C[vi_1, vj_1] = B[vi_1 - i, vj_1 - j]
      "
    `);
  });
  it("carries partial results outside the loops of their reduction", () => {
    const A = placeholder("A", [4, 8]);
    const S = compute("S", { i: 4 }, ({ i }) => sum({ k: 8 }, ({ k }) => A.at(i, k)));
    const D = compute("D", { i: 4 }, ({ i }) => S.at(i).mul(2));
    expect(golden(createFunc([D]).func, "allocate")).toMatchInlineSnapshot(`
      "
      func D(A: f32[4, 8]) -> D: f32[4]:
        alloc S: f32[4] in workspace
        for i in 4:
          block S.init(vi = i):
            S[vi] = 0.0
          for k in 8:
            block S(vi_1 = i, vk (reduce) = k):
              S[vi_1] = S[vi_1] + A[vi_1, vk]
        for i_1 in 4:
          block D(vi_2 = i_1):
            D[vi_2] = S[vi_2] * 2.0
      "
    `);
    // in one loop over i the sum is a single number, held outside k only
    const [T, X, Y] = [temp("T", "f32", 4), buf("X", "f32", 4, 8), buf("Y", "f32", 4)];
    const [i, k, a, b, c, e] = [v("i"), v("k"), v("a"), v("b"), v("c"), v("e")];
    const body = loop(
      i,
      4,
      seq([
        block("Z", [iter(a, 4, i)], store(T, [a], f32(0))),
        loop(
          k,
          8,
          block("T", [iter(b, 4, i), iter(c, 8, k, "reduction")], store(T, [b], add(load(T, [b]), load(X, [b, c])))),
        ),
        block("Y", [iter(e, 4, i)], store(Y, [e], load(T, [e]))),
      ]),
    );
    expect(golden(func("f", [X], [Y], body, { intermediates: [T] }), "allocate")).toMatchInlineSnapshot(`
      "
      func f(X: f32[4, 8]) -> Y: f32[4]:
        for i in 4:
          alloc T: f32[1] in workspace
          block Z(a = i):
            T[a - i] = 0.0
          for k in 8:
            block T(b = i, c (reduce) = k):
              T[b - i] = T[b - i] + X[b, c]
          block Y(e = i):
            Y[e] = T[e - i]
      "
    `);
  });
  it("keeps all steps of a scan outside its ordered loop", () => {
    const A = placeholder("A", [6, 3]);
    const S = scan(
      "S",
      { t: 6 },
      { j: 3 },
      { init: ({ j }) => A.at(0, j), step: ({ t, j }, prev) => prev(j).add(A.at(t, j)) },
    );
    const D = compute("D", { t: 6, j: 3 }, ({ t, j }) => S.at(t, j).mul(2));
    expect(golden(createFunc([D]).func, "allocate")).toMatchInlineSnapshot(`
      "
      func D(A: f32[6, 3]) -> D: f32[6, 3]:
        alloc S: f32[6, 3] in workspace
        for t in 6:
          for j in 3:
            block S(vt (ordered) = t, vj = j):
              S[vt, vj] = where(vt == 0, A[0, vj], S[vt - 1, vj] + A[vt, vj])
        for t_1 in 6:
          for j_1 in 3:
            block D(vt_1 = t_1, vj_1 = j_1):
              D[vt_1, vj_1] = S[vt_1, vj_1] * 2.0
      "
    `);
  });
  it("never sits inside a vectorized loop", () => {
    const [A, B, C] = [buf("A", "f32", 8), temp("B", "f32", 8), buf("C", "f32", 8)];
    const [i, a, b] = [v("i"), v("a"), v("b")];
    const p = block("B", [iter(a, 8, i)], store(B, [a], load(A, [a])));
    const c = block("C", [iter(b, 8, i)], store(C, [b], load(B, [b])));
    const f = func("f", [A], [C], vec(i, 8, seq([p, c])), { intermediates: [B] });
    expect(golden(f, "allocate")).toMatchInlineSnapshot(`
      "
      func f(A: f32[8]) -> C: f32[8]:
        alloc B: f32[8] in workspace
        vectorized i in 8:
          block B(a = i):
            B[a] = A[a]
          block C(b = i):
            C[b] = B[b]
      "
    `);
  });
  it("takes a dimension whole whose extent would change from iteration to iteration", async () => {
    const n = size("n", 0, 64);
    const [A, B, C] = [buf("A", "f32", n), temp("B", "f32", n), buf("C", "f32", n)];
    const [i, j, k, vj, vi, vk, wi] = [v("i"), v("j"), v("k"), v("vj"), v("vi"), v("vk"), v("wi")];
    const p = block("B", [iter(vj, n, add(i, j))], store(B, [vj], load(A, [vj])));
    const z = block("Z", [iter(wi, n, i)], store(C, [wi], f32(0)));
    const c = block(
      "C",
      [iter(vi, n, i), iter(vk, n, add(i, k), "reduction")],
      store(C, [vi], add(load(C, [vi]), load(B, [vk]))),
    );
    const body = loop(i, n, seq([loop(j, sub(n, i), p), z, loop(k, sub(n, i), c)]));
    const f = func("f", [A], [C], body, { sizes: [n], intermediates: [B] });
    expect(golden(f, "allocate", { sizes: { n: 5 } })).toMatchInlineSnapshot(`
      "
      func f(n, A: f32[n]) -> C: f32[n]:
        for i in n:
          alloc B: f32[n] in workspace
          for j in n - i:
            block B(vj = i + j):
              B[vj] = A[vj]
          block Z(wi = i):
            C[wi] = 0.0
          for k in n - i:
            block C(vi = i, vk (reduce) = i + k):
              C[vi] = C[vi] + B[vk]
      "
    `);
    await check(f, ...[0, 1, 5].map((x) => ({ sizes: { n: x } })));
  });
});

describe("dissolve blocks", () => {
  it("writes bindings into the statements and makes the predicate a condition", () => {
    const [A, C] = [buf("A", "f32", 10), buf("C", "f32", 10)];
    const [o, i, vi] = [v("o"), v("i"), v("vi")];
    const at = add(mul(o, int(4)), i);
    const b = block("C", [iter(vi, 10, at)], store(C, [vi], load(A, [vi])), { predicate: lt(at, int(10)) });
    expect(golden(func("f", [A], [C], loop(o, 3, loop(i, 4, b))), "dissolve blocks")).toMatchInlineSnapshot(`
      "
      func f(A: f32[10]) -> C: f32[10]:
        for o in 3:
          for i in 4:
            if o * 4 + i < 10:
              C[o * 4 + i] = A[o * 4 + i]
      "
    `);
  });
  it("refuses an init that is still inside", () => {
    expect(() => dissolveBlocks(gemm(2, 2, 2))).toThrow(/block C still has an init/);
  });
});

describe("flatten", () => {
  it("uses strides where a buffer has them, sizes otherwise", () => {
    const n = size("n");
    const A = buffer("A", "f32", dims(3, n), "global", [int(1), int(3)]);
    const C = buf("C", "f32", 3, n);
    const [i, j, vi, vj] = [v("i"), v("j"), v("vi"), v("vj")];
    const b = block("C", [iter(vi, 3, i), iter(vj, n, j)], store(C, [vi, vj], load(A, [vi, vj])));
    const f = func("f", [A], [C], loop(i, 3, loop(j, n, b)), { sizes: [n] });
    expect(golden(f, "flatten", { sizes: { n: 5 } })).toMatchInlineSnapshot(`
      "
      func f(n, A: f32[n * 3]) -> C: f32[n * 3]:
        for i in 3:
          for j in n:
            C[i * n + j] = A[j * 3 + i]
      "
    `);
  });
  it("gives a number the index 0", () => {
    const A = placeholder("A", [4]);
    const S = compute("S", {}, () => sum({ k: 4 }, ({ k }) => A.at(k)));
    expect(golden(createFunc([S]).func, "flatten")).toMatchInlineSnapshot(`
      "
      func S(A: f32[4]) -> S: f32[1]:
        S[0] = 0.0
        for k in 4:
          S[0] = S[0] + A[k]
      "
    `);
  });
  it("drops loops of one step and decided conditions", () => {
    const [A, C] = [buf("A", "f32", 1, 5), buf("C", "f32", 1, 5)];
    const [i, j, vi, vj] = [v("i"), v("j"), v("vi"), v("vj")];
    const value = where(and(ge(vi, int(0)), lt(vj, int(5))), load(A, [vi, vj]), f32(0));
    const b = block("C", [iter(vi, 1, i), iter(vj, 5, j)], store(C, [vi, vj], value), { predicate: lt(j, int(9)) });
    expect(golden(func("f", [A], [C], loop(i, 1, loop(j, 5, b))), "flatten")).toMatchInlineSnapshot(`
      "
      func f(A: f32[5]) -> C: f32[5]:
        for j in 5:
          C[j] = A[j]
      "
    `);
  });
  it("believes no condition about memory that is written under it", async () => {
    const [A, C, D] = [buf("A", "f32", 9), buf("C", "f32", 9), buf("D", "f32", 9)];
    const positive = (x: Var) => lt(f32(0), load(C, [x]));
    const body = (x: Var) =>
      seq([
        store(C, [x], load(A, [x])),
        store(D, [x], f32(5)),
        {
          kind: "if",
          condition: positive(x),
          then: seq([store(C, [x], f32(-1)), store(D, [x], where(positive(x), f32(1), f32(2)))]),
        },
      ]);
    expect(golden(func("f", [A], [C, D], rows("C", 9, body)), "flatten")).toMatchInlineSnapshot(`
      "
      func f(A: f32[9]) -> C: f32[9], D: f32[9]:
        for i in 9:
          C[i] = A[i]
          D[i] = 5.0
          if 0.0 < C[i]:
            C[i] = -1.0
            D[i] = where(0.0 < C[i], 1.0, 2.0)
      "
    `);
    for (const loop of ["serial", "unrolled", "vectorized"] as const)
      await check(func("f", [A], [C, D], rows("C", 9, body, { loop })));
  });
});

describe("sizes of nothing", () => {
  it("n = 0 runs no loop, touches no memory and plans no negative space", async () => {
    const n = size("n", 0, 64);
    const A = buf("A", "f32", mul(n, int(2)), 100);
    const B = temp("B", "f32", mul(n, int(2)), 100);
    const C = buf("C", "f32", n, 100);
    const [i, j, p, q] = [v("i"), v("j"), v("p"), v("q")];
    const [vi, vj, wi, wj] = [v("vi"), v("vj"), v("vi"), v("vj")];
    const two = (x: Var) => mul(x, int(2));
    const b = block("B", [iter(vi, mul(n, int(2)), two(i)), iter(vj, 100, j)], store(B, [vi, vj], load(A, [vi, vj])));
    const c = block("C", [iter(wi, n, p), iter(wj, 100, q)], store(C, [wi, wj], load(B, [two(wi), wj])));
    const body = seq([loop(i, n, loop(j, 100, b)), loop(p, n, loop(q, 100, c))]);
    const f = func("f", [A], [C], body, { sizes: [n], intermediates: [B] });
    const lowered = await check(f, ...[0, 1, 2, 5].map((x) => ({ sizes: { n: x } })));
    expect(JSON.stringify(lowered.abi.scratch)).toMatchInlineSnapshot(
      `"{"op":"mul","args":[{"op":"max","args":[{"op":"sub","args":[{"op":"mul","args":[{"size":"n"},200]},100]},0]},4]}"`,
    );
  });
  it("symbolic sizes that are 0 in any dimension", async () => {
    const [m, n] = [dim("m", { min: 0, max: 50 }), dim("n", { min: 0, max: 50 })];
    const A = placeholder("A", [m, n]);
    const P = constantEdge(A, 0);
    const C = compute("C", { i: m, j: n }, ({ i, j }) => P.at(i.sub(1), j).add(P.at(i.add(1), j)));
    const S = compute("S", { i: m }, ({ i }) => sum({ k: n }, ({ k }) => C.at(i, k)));
    const { func: f } = createFunc([S]);
    await check(f, ...[0, 1, 2, 5].flatMap((a) => [0, 1, 7].map((b) => ({ sizes: { m: a, n: b } }))));
  });
});
