import { describe, expect, it } from "vitest";
import {
  add,
  and,
  type Expr,
  eq,
  type Func,
  floordiv,
  floormod,
  ge,
  int,
  load,
  lt,
  min,
  mul,
  type Stmt,
  seq,
  store,
  sub,
  variable as v,
  where,
} from "../../src/ir/index.ts";
import { compute, constantEdge, createFunc, mirrorEdge, placeholder } from "../../te/index.ts";
import { block, buf, ceil, f32, func, iter, letIn, loop, rows, size, temp, unrolled, vec } from "./parts.ts";
import { check, golden } from "./stages.ts";

const cutText = (f: Func, run = {}): string => golden(f, "partition loops", run);
const sizes = (...list: number[]) => list.map((n) => ({ sizes: { n } }));
const LENGTHS = sizes(0, 1, 2, 3, 5, 7, 8, 9, 15, 16, 17, 31);

/** A copy of A, in steps of `by`, with the guard that an imperfect split needs. */
function guarded(n: number | Expr, by: number, kind: "serial" | "vectorized" | "unrolled" = "serial"): Func {
  const m = typeof n === "number" ? int(n) : n;
  const [A, C] = [buf("A", "f32", m), buf("C", "f32", m)];
  const [io, ii, vi] = [v("io"), v("ii"), v("vi")];
  const at = add(mul(io, int(by)), ii);
  const b = block("C", [iter(vi, m, at)], store(C, [vi], mul(load(A, [vi]), f32(2))), { predicate: lt(at, m) });
  const body = loop(io, ceil(m, by), loop(ii, by, b, { loop: kind }));
  return func("f", [A], [C], body, { sizes: typeof n !== "number" && n.kind === "var" ? [n] : [] });
}

describe("guards of splits", () => {
  it("a constant remainder becomes a shorter last step", () => {
    expect(cutText(guarded(10, 4))).toMatchInlineSnapshot(`
      "
      func f(A: f32[10]) -> C: f32[10]:
        for io in 2:
          for ii in 4:
            C[io * 4 + ii] = A[io * 4 + ii] * 2.0
        for ii in 2:
          C[ii + 8] = A[ii + 8] * 2.0
      "
    `);
    expect(cutText(guarded(10, 4, "unrolled"))).toMatchInlineSnapshot(`
      "
      func f(A: f32[10]) -> C: f32[10]:
        for io in 2:
          unrolled ii in 4:
            C[io * 4 + ii] = A[io * 4 + ii] * 2.0
        unrolled ii in 2:
          C[ii + 8] = A[ii + 8] * 2.0
      "
    `);
    expect(cutText(guarded(8, 4))).toMatchInlineSnapshot(`
      "
      func f(A: f32[8]) -> C: f32[8]:
        for io in 2:
          for ii in 4:
            C[io * 4 + ii] = A[io * 4 + ii] * 2.0
      "
    `);
  });
  it("an unknown remainder of a serial loop runs that far", async () => {
    const n = size("n");
    expect(cutText(guarded(n, 4), { sizes: { n: 10 } })).toMatchInlineSnapshot(`
      "
      func f(n, A: f32[n]) -> C: f32[n]:
        for io in n // 4:
          for ii in 4:
            C[io * 4 + ii] = A[io * 4 + ii] * 2.0
        if n // 4 < (n + 3) // 4:
          for ii in n - n // 4 * 4:
            C[n // 4 * 4 + ii] = A[n // 4 * 4 + ii] * 2.0
      "
    `);
    await check(guarded(n, 4), ...LENGTHS);
  });
  it("an unrolled loop keeps its guard, but only in the last step", () => {
    const n = size("n");
    expect(cutText(guarded(n, 2, "unrolled"), { sizes: { n: 7 } })).toMatchInlineSnapshot(`
      "
      func f(n, A: f32[n]) -> C: f32[n]:
        for io in n // 2:
          unrolled ii in 2:
            C[io * 2 + ii] = A[io * 2 + ii] * 2.0
        if n // 2 < (n + 1) // 2:
          unrolled ii in 2:
            if n // 2 * 2 + ii < n:
              C[n // 2 * 2 + ii] = A[n // 2 * 2 + ii] * 2.0
      "
    `);
  });
  it("an unknown remainder of a vectorized loop becomes widths 4, 2, 1", async () => {
    const n = size("n");
    expect(cutText(guarded(n, 8, "vectorized"), { sizes: { n: 15 } })).toMatchInlineSnapshot(`
      "
      func f(n, A: f32[n]) -> C: f32[n]:
        for io in n // 8:
          vectorized ii in 8:
            C[io * 8 + ii] = A[io * 8 + ii] * 2.0
        if n // 8 < (n + 7) // 8:
          if (n - n // 8 * 8) // 4 % 2 == 1:
            vectorized ii in 4:
              C[n // 8 * 8 + ii] = A[n // 8 * 8 + ii] * 2.0
          if (n - n // 8 * 8) // 2 % 2 == 1:
            vectorized ii in 2:
              C[n // 4 * 4 + ii] = A[n // 4 * 4 + ii] * 2.0
          if (n - n // 8 * 8) // 1 % 2 == 1:
            C[n // 2 * 2] = A[n // 2 * 2] * 2.0
      "
    `);
    await check(guarded(n, 8, "vectorized"), ...LENGTHS);
    await check(guarded(size("n"), 12, "vectorized"), ...LENGTHS);
  });
  it("two dimensions are cut one inside the other", async () => {
    const [A, C] = [buf("A", "f32", 7, 9), buf("C", "f32", 7, 9)];
    const [io, jo, ii, ji, vi, vj] = [v("io"), v("jo"), v("ii"), v("ji"), v("vi"), v("vj")];
    const [i, j] = [add(mul(io, int(4)), ii), add(mul(jo, int(4)), ji)];
    const b = block("C", [iter(vi, 7, i), iter(vj, 9, j)], store(C, [vi, vj], load(A, [vi, vj])), {
      predicate: and(lt(i, int(7)), lt(j, int(9))),
    });
    const f = func("f", [A], [C], loop(io, 2, loop(jo, 3, loop(ii, 4, vec(ji, 4, b)))));
    expect(cutText(f)).toMatchInlineSnapshot(`
      "
      func f(A: f32[63]) -> C: f32[63]:
        for jo in 2:
          for ii in 4:
            vectorized ji in 4:
              C[ii * 9 + jo * 4 + ji] = A[ii * 9 + jo * 4 + ji]
        for ii in 4:
          C[ii * 9 + 8] = A[ii * 9 + 8]
        for jo in 2:
          for ii in 3:
            vectorized ji in 4:
              C[ii * 9 + jo * 4 + ji + 36] = A[ii * 9 + jo * 4 + ji + 36]
        for ii in 3:
          C[ii * 9 + 44] = A[ii * 9 + 44]
      "
    `);
    await check(f);
  });
  it("a guard under two vectorized loops with different unknown remainders", async () => {
    const [n, m] = [size("n"), size("m")];
    const [A, C, D] = [buf("A", "f32", m, n), buf("C", "f32", n), buf("D", "f32", m)];
    const [o, ii, ji, vi, vj] = [v("o"), v("ii"), v("ji"), v("vi"), v("vj")];
    const [i, j] = [add(mul(o, int(8)), ii), add(mul(o, int(4)), ji)];
    const c = block("C", [iter(vi, n, i)], store(C, [vi], load(A, [int(0), vi])), {
      predicate: and(lt(i, n), lt(int(0), m)),
    });
    const d = block("D", [iter(vj, m, j)], store(D, [vj], load(A, [vj, int(0)])), {
      predicate: and(lt(j, m), lt(int(0), n)),
    });
    const body = loop(o, add(ceil(n, 8), ceil(m, 4)), seq([vec(ii, 8, c), vec(ji, 4, d)]));
    const f = func("f", [A], [C, D], body, { sizes: [n, m] });
    const runs = [1, 4, 7, 9, 19].flatMap((a) => [1, 3, 5, 8, 11].map((b) => ({ sizes: { n: a, m: b } })));
    await check(f, ...runs);
  });
});

describe("conditions in expressions", () => {
  it("a padded read is tested near the ends only", async () => {
    const A = placeholder("A", [20]);
    const P = constantEdge(A, 0);
    const C = compute("C", { i: 20 }, ({ i }) => P.at(i.sub(2)).add(P.at(i.add(1))));
    const { func: f } = createFunc([C]);
    expect(cutText(f)).toMatchInlineSnapshot(`
      "
      func C(A: f32[20]) -> C: f32[20]:
        for i in 2:
          C[i] = A[i + 1] + 0.0
        for i in 2 .. +17:
          C[i] = A[i - 2] + A[i + 1]
        C[19] = A[17] + 0.0
      "
    `);
    await check(f);
  });
  it("a mirrored read", async () => {
    const A = placeholder("A", [20]);
    const M = mirrorEdge(A);
    const C = compute("C", { i: 20 }, ({ i }) => M.at(i.sub(2)).add(M.at(i.add(1))));
    await check(createFunc([C]).func);
  });
  it("the taps of a window inside the loop do not matter in the steady part", async () => {
    const n = size("n");
    const [A, C] = [buf("A", "f32", n), buf("C", "f32", n)];
    const [i, r, vi, vr, z, vz] = [v("i"), v("r"), v("vi"), v("vr"), v("z"), v("vz")];
    const x = sub(add(vi, vr), int(1));
    const value = where(and(ge(x, int(0)), lt(x, n)), load(A, [x]), f32(0));
    const c = block("C", [iter(vi, n, i), iter(vr, 3, r, "reduction")], store(C, [vi], add(load(C, [vi]), value)));
    const zero = block("Z", [iter(vz, n, z)], store(C, [vz], f32(0)));
    const f = func("f", [A], [C], seq([loop(z, n, zero), loop(i, n, loop(r, 3, c))]), { sizes: [n] });
    expect(cutText(f, { sizes: { n: 6 } })).toMatchInlineSnapshot(`
      "
      func f(n, A: f32[n]) -> C: f32[n]:
        for z in n:
          C[z] = 0.0
        if n >= 1:
          C[0] = C[0] + 0.0
          for r in 1 .. +min(n + 1, 3) - 1:
            C[0] = C[0] + A[r - 1]
          if n < 2:
            C[0] = C[0] + 0.0
        for i in min(n, 1) .. +max(min(n, 1), n - 1) - min(n, 1):
          for r in 3:
            C[i] = C[i] + A[i + r - 1]
        if n >= 2:
          for r in 2:
            C[n - 1] = C[n - 1] + A[r + n - 2]
          C[n - 1] = C[n - 1] + 0.0
      "
    `);
    await check(f, ...LENGTHS);
  });
  it("conditions that never hold anywhere steady, or read memory, stay", () => {
    const [I, C] = [buf("I", "i32", 9), buf("C", "i32", 9)];
    const never = rows("C", 9, (x) => store(C, [x], where(eq(floormod(x, int(2)), int(0)), x, int(7))));
    expect(cutText(func("f", [I], [C], never))).toMatchInlineSnapshot(`
      "
      func f(I: i32[9]) -> C: i32[9]:
        for i in 9:
          C[i] = where(i % 2 == 0, i, 7)
      "
    `);
    const memory = rows("C", 9, (x) => store(C, [x], where(lt(x, load(I, [x])), int(5), int(7))));
    expect(cutText(func("f", [I], [C], memory))).toMatchInlineSnapshot(`
      "
      func f(I: i32[9]) -> C: i32[9]:
        for i in 9:
          C[i] = where(i < I[i], 5, 7)
      "
    `);
  });
  it("a bound that a let inside the loop gives is no bound for the loop", async () => {
    const [I, C] = [buf("I", "i32", 20), buf("C", "i32", 20)];
    const t = v("t");
    const body = (kind: "serial" | "vectorized") =>
      rows("C", 20, (x) => letIn(t, load(I, [x]), store(C, [x], where(lt(x, t), int(7), int(9)))), { loop: kind });
    expect(cutText(func("f", [I], [C], body("serial")))).toMatchInlineSnapshot(`
      "
      func f(I: i32[20]) -> C: i32[20]:
        for i in 20:
          let t = I[i]
          C[i] = where(i < t, 7, 9)
      "
    `);
    await check(func("f", [I], [C], body("serial")));
    await check(func("f", [I], [C], body("vectorized")));
  });
  it("one condition under two loops of one variable holds where it holds under both", async () => {
    const [A, C] = [buf("A", "f32", 20, 8), buf("C", "f32", 20, 16)];
    const [i, j, vi, vj] = [v("i"), v("j"), v("vi"), v("vj")];
    const part = (name: string, extent: number): Stmt => {
      const read = load(A, [vi, floormod(vj, int(8))]);
      const value = where(lt(add(vi, vj), int(19)), read, f32(0));
      return loop(j, extent, block(name, [iter(vi, 20, i), iter(vj, 16, j)], store(C, [vi, vj], value)));
    };
    const f = func("f", [A], [C], loop(i, 20, seq([part("a", 4), part("b", 16)])));
    expect(cutText(f)).toMatchInlineSnapshot(`
      "
      func f(A: f32[160]) -> C: f32[320]:
        for i in 4:
          for j in 4:
            C[i * 16 + j] = A[i * 8 + j]
          for j in 16:
            C[i * 16 + j] = A[i * 8 + j % 8]
        for i in 4 .. +16:
          for j in min(19 - i, 4):
            C[i * 16 + j] = A[i * 8 + j]
          for j in min(19 - i, 4) .. +4 - min(19 - i, 4):
            C[i * 16 + j] = 0.0
          for j in 19 - i:
            C[i * 16 + j] = A[i * 8 + j % 8]
          for j in 19 - i .. +i - 3:
            C[i * 16 + j] = 0.0
      "
    `);
    await check(f);
  });
});

describe("the cascade", () => {
  const n = size("n");
  /** A tile of 8 columns: B is made, then C from what `read` says of B. */
  const tile = (read: (j: Expr) => Expr): Func => {
    const [A, B, C] = [buf("A", "f32", n), temp("B", "f32", n), buf("C", "f32", n)];
    const [o, ii, ji, vi, vj] = [v("o"), v("ii"), v("ji"), v("vi"), v("vj")];
    const [i, j] = [add(mul(o, int(8)), ii), add(mul(o, int(8)), ji)];
    const p = block("B", [iter(vi, n, i)], store(B, [vi], mul(load(A, [vi]), f32(2))), { predicate: lt(i, n) });
    const c = block("C", [iter(vj, n, j)], store(C, [vj], load(B, [read(vj)])), { predicate: lt(j, n) });
    const body = loop(o, ceil(n, 8), seq([vec(ii, 8, p), vec(ji, 8, c)]));
    return func("f", [A], [C], body, { sizes: [n], intermediates: [B] });
  };
  it("holds the whole tile where lanes keep to themselves", async () => {
    const f = tile((j) => j);
    expect(cutText(f, { sizes: { n: 13 } })).toMatchInlineSnapshot(`
      "
      func f(n, A: f32[n]) -> C: f32[n]:
        for o in n // 8:
          alloc B: f32[8] in workspace
          vectorized ii in 8:
            B[ii] = A[o * 8 + ii] * 2.0
          vectorized ji in 8:
            C[o * 8 + ji] = B[ji]
        if n // 8 < (n + 7) // 8:
          if (n - n // 8 * 8) // 4 % 2 == 1:
            alloc B_1: f32[8] in workspace
            vectorized ii in 4:
              B_1[ii] = A[n // 8 * 8 + ii] * 2.0
            vectorized ji in 4:
              C[n // 8 * 8 + ji] = B_1[ji]
          if (n - n // 8 * 8) // 2 % 2 == 1:
            alloc B_2: f32[8] in workspace
            vectorized ii in 2:
              B_2[n // 4 * 4 + ii - n // 8 * 8] = A[n // 4 * 4 + ii] * 2.0
            vectorized ji in 2:
              C[n // 4 * 4 + ji] = B_2[n // 4 * 4 + ji - n // 8 * 8]
          if (n - n // 8 * 8) // 1 % 2 == 1:
            alloc B_3: f32[8] in workspace
            B_3[n // 2 * 2 - n // 8 * 8] = A[n // 2 * 2] * 2.0
            C[n // 2 * 2] = B_3[n // 2 * 2 - n // 8 * 8]
      "
    `);
    await check(f, ...LENGTHS);
  });
  it("holds each loop alone where a lane reads what another lane wrote", async () => {
    const f = tile((j) => {
      const first = mul(floordiv(j, int(8)), int(8));
      return add(sub(sub(min(add(first, int(8)), n), int(1)), j), first);
    });
    expect(cutText(f, { sizes: { n: 13 } })).toMatchInlineSnapshot(`
      "
      func f(n, A: f32[n]) -> C: f32[n]:
        for o in n // 8:
          alloc B: f32[15] in workspace
          vectorized ii in 8:
            B[ii] = A[o * 8 + ii] * 2.0
          vectorized ji in 8:
            C[o * 8 + ji] = B[7 - ji]
        if n // 8 < (n + 7) // 8:
          alloc B_1: f32[15] in workspace
          if (n - n // 8 * 8) // 4 % 2 == 1:
            vectorized ii in 4:
              B_1[n // 8 * 8 + ii - max(n - 8, 0)] = A[n // 8 * 8 + ii] * 2.0
          if (n - n // 8 * 8) // 2 % 2 == 1:
            vectorized ii in 2:
              B_1[n // 4 * 4 + ii - max(n - 8, 0)] = A[n // 4 * 4 + ii] * 2.0
          if (n - n // 8 * 8) // 1 % 2 == 1:
            B_1[n // 2 * 2 - max(n - 8, 0)] = A[n // 2 * 2] * 2.0
          if (n - n // 8 * 8) // 4 % 2 == 1:
            vectorized ji in 4:
              C[n // 8 * 8 + ji] = B_1[n - ji - max(n - 8, 0) - 1]
          if (n - n // 8 * 8) // 2 % 2 == 1:
            vectorized ji in 2:
              C[n // 4 * 4 + ji] = B_1[n // 8 * 8 + n - n // 4 * 4 - ji - max(n - 8, 0) - 1]
          if (n - n // 8 * 8) // 1 % 2 == 1:
            C[n // 2 * 2] = B_1[n // 8 * 8 + n - n // 2 * 2 - max(n - 8, 0) - 1]
      "
    `);
    await check(f, ...LENGTHS);
  });
  it("keeps the order of writes that lanes of different steps make to one place", async () => {
    const [A, C] = [buf("A", "f32", 4, n), buf("C", "f32", add(n, int(4)))];
    const [o, ii, k, z, vi, vk, vz] = [v("o"), v("ii"), v("k"), v("z"), v("vi"), v("vk"), v("vz")];
    const i = add(mul(o, int(8)), ii);
    const zero = block("Z", [iter(vz, add(n, int(4)), z)], store(C, [vz], f32(0)));
    const write = store(C, [add(vi, vk)], load(A, [vk, vi]));
    const c = block("C", [iter(vk, 4, k, "ordered"), iter(vi, n, i)], write, { predicate: lt(i, n) });
    const body = seq([loop(z, add(n, int(4)), zero), loop(o, ceil(n, 8), loop(k, 4, vec(ii, 8, c)))]);
    const f = func("f", [A], [C], body, { sizes: [n] });
    expect(cutText(f, { sizes: { n: 13 } })).toMatchInlineSnapshot(`
      "
      func f(n, A: f32[n * 4]) -> C: f32[n + 4]:
        for z in n + 4:
          C[z] = 0.0
        for o in n // 8:
          for k in 4:
            vectorized ii in 8:
              C[o * 8 + ii + k] = A[k * n + o * 8 + ii]
        if n // 8 < (n + 7) // 8:
          for k in 4:
            if (n - n // 8 * 8) // 4 % 2 == 1:
              vectorized ii in 4:
                C[n // 8 * 8 + ii + k] = A[k * n + n // 8 * 8 + ii]
            if (n - n // 8 * 8) // 2 % 2 == 1:
              vectorized ii in 2:
                C[n // 4 * 4 + ii + k] = A[k * n + n // 4 * 4 + ii]
            if (n - n // 8 * 8) // 1 % 2 == 1:
              C[n // 2 * 2 + k] = A[k * n + n // 2 * 2]
      "
    `);
    await check(f, ...LENGTHS);
  });
  it("goes through serial loops over rows of a symbolic stride", async () => {
    const [A, C] = [buf("A", "f32", 6, n), buf("C", "f32", 6, n)];
    const [o, r, ii, vr, vi] = [v("o"), v("r"), v("ii"), v("vr"), v("vi")];
    const i = add(mul(o, int(4)), ii);
    const b = block("C", [iter(vr, 6, r), iter(vi, n, i)], store(C, [vr, vi], load(A, [vr, vi])), {
      predicate: lt(i, n),
    });
    const f = func("f", [A], [C], loop(o, ceil(n, 4), loop(r, 6, vec(ii, 4, b))), { sizes: [n] });
    expect(cutText(f, { sizes: { n: 7 } })).toMatchInlineSnapshot(`
      "
      func f(n, A: f32[n * 6]) -> C: f32[n * 6]:
        for o in n // 4:
          for r in 6:
            vectorized ii in 4:
              C[r * n + o * 4 + ii] = A[r * n + o * 4 + ii]
        if n // 4 < (n + 3) // 4:
          if (n - n // 4 * 4) // 2 % 2 == 1:
            for r in 6:
              vectorized ii in 2:
                C[r * n + n // 4 * 4 + ii] = A[r * n + n // 4 * 4 + ii]
          if (n - n // 4 * 4) // 1 % 2 == 1:
            for r in 6:
              C[r * n + n // 2 * 2] = A[r * n + n // 2 * 2]
      "
    `);
    await check(f, ...LENGTHS);
  });
});

describe("trimming", () => {
  it("a guard around a whole loop shortens it", () => {
    const [A, C] = [buf("A", "f32", 16), buf("C", "f32", 16)];
    const i = v("i");
    const [vi, wi] = [v("vi"), v("vi")];
    const b = (x: typeof vi) => block("C", [iter(x, 16, i)], store(C, [x], load(A, [x])), { predicate: lt(i, int(5)) });
    expect(cutText(func("f", [A], [C], vec(i, 16, b(vi))))).toMatchInlineSnapshot(`
      "
      func f(A: f32[16]) -> C: f32[16]:
        vectorized i in 5:
          C[i] = A[i]
      "
    `);
    expect(cutText(func("f", [A], [C], unrolled(i, 16, b(wi))))).toMatchInlineSnapshot(`
      "
      func f(A: f32[16]) -> C: f32[16]:
        unrolled i in 5:
          C[i] = A[i]
      "
    `);
  });
});
