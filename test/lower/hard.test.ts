import { describe, it } from "vitest";
import {
  add,
  and,
  cast,
  constant,
  ge,
  int,
  le,
  load,
  lt,
  mul,
  op,
  select,
  seq,
  store,
  sub,
  variable as v,
  where,
} from "../../src/ir/index.ts";
import { block, buf, ceil, f32, func, iter, letIn, local, loop, rows, size, temp, vec, when } from "./parts.ts";
import { check } from "./stages.ts";

const LENGTHS = [0, 1, 2, 3, 5, 7, 8, 9, 15, 16, 17, 31].map((n) => ({ sizes: { n } }));
describe("hard programs, every stage carried out", () => {
  it("reads before and after the ends, under a guard of unknown length", async () => {
    const n = size("n");
    const A = buf("A", "f32", n),
      C = buf("C", "f32", n);
    const [io, ii, vi] = [v("io"), v("ii"), v("vi")];
    const i = add(mul(io, int(8)), ii);
    const b = block(
      "C",
      [iter(vi, n, i)],
      store(
        C,
        [vi],
        where(
          and(ge(vi, int(3)), lt(add(vi, int(2)), n)),
          add(load(A, [sub(vi, int(3))]), load(A, [add(vi, int(2))])),
          f32(0),
        ),
      ),
      { predicate: lt(i, n) },
    );
    for (const k of ["vectorized", "unrolled", "serial"] as const)
      await check(func("f", [A], [C], loop(io, ceil(n, 8), loop(ii, 8, b, { loop: k })), { sizes: [n] }), ...LENGTHS);
  });
  it("a window moved by a scalar parameter, also off both ends", async () => {
    const n = size("n");
    const s = v("s");
    const A = buf("A", "f32", n),
      C = buf("C", "f32", n);
    const [io, ii, vi] = [v("io"), v("ii"), v("vi")];
    const i = add(mul(io, int(8)), ii);
    const x = add(vi, s);
    const b = block("C", [iter(vi, n, i)], store(C, [vi], where(and(ge(x, int(0)), lt(x, n)), load(A, [x]), f32(0))), {
      predicate: lt(i, n),
    });
    for (const k of ["vectorized", "unrolled", "serial"] as const)
      await check(
        func("f", [A], [C], loop(io, ceil(n, 8), loop(ii, 8, b, { loop: k })), { sizes: [n], scalars: [s] }),
        ...[0, 1, 8, 17].flatMap((n) => [-20, -3, 0, 2, 30].map((s) => ({ sizes: { n }, scalars: { s } }))),
      );
  });
  it("conditions along the diagonal of two loops", async () => {
    const n = size("n", 0, 64);
    const A = buf("A", "f32", n, n),
      C = buf("C", "f32", n, n);
    const [i, jo, ji, vi, vj] = [v("i"), v("jo"), v("ji"), v("vi"), v("vj")];
    const j = add(mul(jo, int(4)), ji);
    const b = block(
      "C",
      [iter(vi, n, i), iter(vj, n, j)],
      store(
        C,
        [vi, vj],
        where(le(vj, vi), load(A, [vi, vj]), where(lt(sub(vj, vi), int(3)), load(A, [vj, vi]), f32(9))),
      ),
      { predicate: lt(j, n) },
    );
    for (const k of ["vectorized", "unrolled", "serial"] as const)
      await check(
        func("f", [A], [C], loop(i, n, loop(jo, ceil(n, 4), loop(ji, 4, b, { loop: k }))), { sizes: [n] }),
        ...[0, 1, 2, 3, 5, 7, 8, 9].map((n) => ({ sizes: { n } })),
      );
  });
  it("widths that are no power of two, read backwards", async () => {
    const n = size("n");
    const A = buf("A", "u8", n),
      C = buf("C", "i32", n);
    for (const w of [3, 5, 6, 12, 16, 20, 33]) {
      const [io, ii, vi] = [v("io"), v("ii"), v("vi")];
      const i = add(mul(io, int(w)), ii);
      const b = block("C", [iter(vi, n, i)], store(C, [vi], cast("i32", load(A, [sub(sub(n, int(1)), vi)]))), {
        predicate: lt(i, n),
      });
      await check(func("f", [A], [C], loop(io, ceil(n, w), vec(ii, w, b)), { sizes: [n] }), ...LENGTHS, {
        sizes: { n: 66 },
      });
    }
  });
  it("a reduction that leaves points out, lanes and steps compared", async () => {
    const n = size("n");
    const A = buf("A", "f32", n, 8),
      C = buf("C", "f32", 8);
    const [k, j, vk, vj] = [v("k"), v("j"), v("vk"), v("vj")];
    const b = block(
      "C",
      [iter(vj, 8, j), iter(vk, n, k, "reduction")],
      when(and(lt(f32(0), load(A, [vk, vj])), lt(vj, vk)), store(C, [vj], add(load(C, [vj]), load(A, [vk, vj])))),
      { init: store(C, [vj], f32(0)) },
    );
    await check(func("f", [A], [C], loop(k, n, vec(j, 8, b)), { sizes: [n] }), ...LENGTHS);
  });
  it("extents that are 0", async () => {
    const A = buf("A", "f32", 0, 4),
      C = buf("C", "f32", 4),
      T = temp("T", "f32", 0);
    const [k, j, vk, vj] = [v("k"), v("j"), v("vk"), v("vj")];
    const b = block(
      "C",
      [iter(vj, 4, j), iter(vk, 0, k, "reduction")],
      store(C, [vj], add(load(C, [vj]), load(A, [vk, vj]))),
      { init: store(C, [vj], f32(0)) },
    );
    await check(func("f", [A], [C], loop(k, 0, vec(j, 4, b))));
    const D = buf("D", "f32", 0);
    await check(
      func(
        "f",
        [A],
        [D],
        seq([
          rows("T", 0, (i) => store(T, [i], f32(1))),
          rows("D", 0, (i) => store(D, [i], load(T, [i])), { loop: "vectorized" }),
        ]),
        { intermediates: [T] },
      ),
    );
  });
  it("symbolic strides in the middle, forwards and backwards", async () => {
    const n = size("n", 0, 40);
    const A = buf("A", "f64", 7, n, 3),
      C = buf("C", "f64", n, 7);
    const [i, jo, ji, vi, vj] = [v("i"), v("jo"), v("ji"), v("vi"), v("vj")];
    const j = add(mul(jo, int(3)), ji);
    const b = block(
      "C",
      [iter(vi, n, i), iter(vj, 7, j)],
      store(C, [vi, vj], add(load(A, [vj, vi, int(2)]), load(A, [sub(int(6), vj), vi, int(0)]))),
      { predicate: lt(j, int(7)) },
    );
    for (const k of ["vectorized", "unrolled", "serial"] as const)
      await check(
        func("f", [A], [C], loop(jo, 3, loop(ji, 3, loop(i, n, b), { loop: k })), { sizes: [n] }),
        ...[0, 1, 2, 7].map((n) => ({ sizes: { n } })),
      );
  });
  it("registers of bool and i8 made from i64", async () => {
    const A = buf("A", "i64", 9),
      L = local("L", "bool", 9),
      M = local("M", "i8", 9),
      C = buf("C", "u8", 9);
    for (const k of ["vectorized", "unrolled", "serial"] as const)
      await check(
        func(
          "f",
          [A],
          [C],
          seq([
            rows(
              "L",
              9,
              (i) =>
                seq([store(L, [i], lt(load(A, [i]), constant("i64", 0n))), store(M, [i], cast("i8", load(A, [i])))]),
              { loop: k },
            ),
            rows(
              "C",
              9,
              (i) =>
                store(
                  C,
                  [i],
                  select(
                    load(L, [i]),
                    constant("u8", 3),
                    cast("u8", op("floordiv", [load(M, [i]), constant("i8", 3)])),
                  ),
                ),
              { loop: k },
            ),
          ]),
          { intermediates: [L, M] },
        ),
      );
  });
  it("one branch for all lanes around a math function, in a let", async () => {
    const A = buf("A", "f32", 16),
      C = buf("C", "f32", 16),
      D = buf("D", "f32", 16);
    const t = v("t", "f32");
    await check(
      func(
        "f",
        [A],
        [C, D],
        rows(
          "C",
          16,
          (i) =>
            letIn(
              t,
              where(lt(load(A, [int(3)]), f32(0)), op("exp", [load(A, [i])]), load(A, [int(2)])),
              seq([store(C, [i], mul(t, f32(2))), store(D, [i], where(lt(t, f32(1)), load(A, [i]), t))]),
            ),
          { loop: "vectorized" },
        ),
      ),
      { inputs: { A: Float32Array.from({ length: 16 }, (_, i) => (i === 3 ? 1 : i)) } },
    );
  });
  it("a tile updated in place by the rows of a loop inside it", async () => {
    const n = size("n");
    const A = buf("A", "f32", n, n),
      T = temp("T", "f32", n),
      C = buf("C", "f32", n, n);
    const [o, r, _k, ii, ji, _vr, vi, vj, wr, _wk] = [
      v("o"),
      v("r"),
      v("k"),
      v("ii"),
      v("ji"),
      v("vr"),
      v("vi"),
      v("vj"),
      v("wr"),
      v("wk"),
    ];
    const i = add(mul(o, int(8)), ii),
      j = add(mul(o, int(8)), ji);
    const z = block("T", [iter(vi, n, i)], store(T, [vi], load(A, [int(0), vi])), {
      predicate: and(lt(i, n), lt(int(0), n)),
    });
    const c = block(
      "C",
      [iter(wr, n, r), iter(vj, n, j)],
      seq([
        store(C, [wr, vj], add(load(T, [vj]), load(A, [wr, vj]))),
        store(T, [vj], mul(load(C, [wr, vj]), f32(0.5))),
      ]),
      { predicate: lt(j, n) },
    );
    await check(
      func("f", [A], [C], loop(o, ceil(n, 8), seq([vec(ii, 8, z), loop(r, n, vec(ji, 8, c))])), {
        sizes: [n],
        intermediates: [T],
      }),
      ...LENGTHS,
    );
  });
});
