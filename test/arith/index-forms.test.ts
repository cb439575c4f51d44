/** What simplified indices look like, and what can be proved: the cases that scheduling and lowering live on. */
import { describe, expect, test } from "vitest";
import * as A from "../../src/arith/index.ts";
import * as I from "../../src/ir/index.ts";

const { int, add, sub, mul, floordiv, floormod, lt, le, ge, eq, ne, and, or, not, min, max } = I;
const F = A.Facts.empty;
const size = (name: string, more: Partial<I.SizeFacts> = {}): I.Var =>
  I.variable(name, "i32", { size: { min: 1, max: 2 ** 31 - 1, multipleOf: 1, ...more } });
const show = (e: I.Expr | undefined): string => (e === undefined ? "undefined" : I.printExpr(e));
const idx = (e: I.Expr, f: A.Facts = F): string => show(A.simplifyIndex(e, f));

const io = I.variable("io");
const ii = I.variable("ii");
const x = I.variable("x");
const y = I.variable("y");
const n = size("n");
const m = size("m");
const tiles = F.withVar(io, int(0), int(85)).withVar(ii, int(0), int(6));
const i = add(mul(io, int(6)), ii);

describe("sums", () => {
  test("collect terms, in one order", () => {
    expect(idx(add(add(ii, int(3)), mul(int(6), io)))).toBe("io*6 + ii + 3".replaceAll("*", " * "));
    expect(A.simplifyIndex(add(x, y))).toBe(A.simplifyIndex(add(y, x)));
    expect(idx(sub(add(x, y), x))).toBe("y");
    expect(idx(sub(int(5), x))).toBe("5 - x");
    expect(idx(mul(add(x, int(2)), n))).toBe("x * n + n * 2");
    expect(idx(sub(mul(x, n), mul(n, x)))).toBe("0");
    expect(idx(sub(n, mul(io, int(6))))).toBe("n - io * 6");
  });
  test("a loop of one iteration is its start", () => {
    expect(idx(add(x, y), F.withVar(x, int(0), int(1)))).toBe("y");
  });
});

describe("comparisons", () => {
  test("drop common factors, whatever they are", () => {
    for (let g = 2; g < 400; g++) {
      expect(idx(lt(mul(x, int(g)), mul(y, int(g))))).toBe("x < y");
      expect(idx(eq(mul(x, int(g)), mul(y, int(g))))).toBe("x == y");
    }
  });
});

describe("quotients and remainders", () => {
  test("of a split", () => {
    expect(idx(floordiv(i, int(6)), tiles)).toBe("io");
    expect(idx(floormod(i, int(6)), tiles)).toBe("ii");
    expect(idx(floordiv(i, int(510)), tiles)).toBe("0");
    expect(idx(add(mul(floordiv(x, int(8)), int(8)), floormod(x, int(8))))).toBe("x");
    expect(
      idx(
        add(
          add(mul(floordiv(x, int(32)), int(32)), mul(floormod(floordiv(x, int(8)), int(4)), int(8))),
          floormod(x, int(8)),
        ),
      ),
    ).toBe("x");
    expect(idx(floordiv(floordiv(x, int(4)), int(3)))).toBe("x // 12");
    expect(idx(floormod(floormod(x, int(12)), int(4)))).toBe("x % 4");
    expect(idx(floordiv(floormod(x, int(12)), int(4)))).toBe("x // 4 % 3");
  });
  test("with partial divisors", () => {
    const f = F.withVar(y, int(0), int(4));
    expect(idx(floordiv(add(mul(x, int(4)), y), int(8)), f)).toBe("x // 2");
    expect(idx(floormod(add(mul(x, int(4)), y), int(8)), f)).toBe("x % 2 * 4 + y");
    expect(idx(floormod(add(mul(x, int(9)), y), int(8)), f)).toBe("(x + y) % 8");
  });
  test("of symbolic sizes", () => {
    const n4 = size("n", { multipleOf: 4 });
    expect(idx(mul(floordiv(n4, int(4)), int(4)))).toBe("n");
    expect(idx(floormod(n4, int(4)))).toBe("0");
    expect(idx(floordiv(add(n4, int(3)), int(4)))).toBe("n // 4");
    const f = F.withVar(x, int(0), m).withVar(y, int(0), n);
    expect(idx(floordiv(add(mul(x, n), y), n), f)).toBe("x");
    expect(idx(floormod(add(mul(x, n), y), n), f)).toBe("y");
    expect(idx(add(mul(floordiv(x, n), n), floormod(x, n)))).toBe("x");
    expect(idx(floordiv(mul(n, m), n))).toBe("m");
  });
  test("negative divisors and zero", () => {
    expect(idx(floordiv(x, int(-1)))).toBe("-x");
    expect(idx(floordiv(x, int(0)))).toBe("0");
    expect(idx(floormod(int(-7), int(4)))).toBe("1");
  });
});

describe("conditions", () => {
  test("have one form", () => {
    expect(idx(lt(i, n))).toBe("io * 6 + ii < n");
    expect(idx(not(lt(i, n)))).toBe("n < io * 6 + ii + 1");
    expect(idx(le(add(x, int(1)), n))).toBe("x < n");
    expect(idx(ge(x, int(1)))).toBe("x >= 1");
    expect(idx(I.gt(x, int(0)))).toBe("x >= 1");
    expect(idx(lt(mul(x, int(4)), int(10)))).toBe("x < 3");
    expect(idx(lt(floordiv(x, int(4)), int(3)))).toBe("x < 12");
    expect(idx(eq(add(x, int(1)), int(3)))).toBe("x == 2");
    expect(idx(eq(mul(x, int(2)), int(3)))).toBe("false");
  });
  test("are decided by ranges", () => {
    expect(A.prove(lt(i, int(510)), tiles)).toBe(true);
    expect(A.prove(lt(i, int(509)), tiles)).toBe(false);
    expect(idx(and(lt(ii, int(6)), lt(x, n)), tiles)).toBe("x < n");
    expect(idx(or(lt(ii, int(6)), lt(x, n)), tiles)).toBe("true");
  });
  test("by other conditions", () => {
    const f = F.withVar(x, int(0), n);
    expect(A.prove(lt(x, n), f)).toBe(true);
    expect(A.prove(le(add(x, int(1)), n), f)).toBe(true);
    const g = F.withVar(io, int(0), m).withVar(ii, int(0), int(6)).withCondition(lt(i, n));
    expect(A.prove(lt(i, n), g)).toBe(true);
    expect(A.prove(lt(i, add(n, int(3))), g)).toBe(true);
    expect(A.prove(lt(i, sub(n, int(1))), g)).toBe(false);
    const h = F.withCondition(and(le(x, y), lt(y, n)));
    expect(A.prove(lt(x, n), h)).toBe(true);
    expect(A.prove(ne(x, n), h)).toBe(true);
  });
  test("of symbolic loops", () => {
    const tilesN = F.withVar(io, int(0), floordiv(add(n, int(5)), int(6)));
    expect(A.prove(lt(mul(io, int(6)), n), tilesN)).toBe(true);
    const inner = tilesN.withVar(ii, int(0), min(int(6), sub(n, mul(io, int(6)))));
    expect(A.prove(lt(i, n), inner)).toBe(true);
    expect(A.prove(ge(i, int(0)), inner)).toBe(true);
    const full = F.withVar(io, int(0), floordiv(n, int(6))).withVar(ii, int(0), int(6));
    expect(A.prove(lt(i, n), full)).toBe(true);
    expect(A.prove(lt(add(mul(x, n), y), mul(m, n)), F.withVar(x, int(0), m).withVar(y, int(0), n))).toBe(true);
    expect(A.prove(ge(mul(n, m), int(1)))).toBe(true);
    expect(A.prove(le(n, mul(n, m)))).toBe(true);
  });
  test("by congruence", () => {
    const n4 = size("n", { multipleOf: 4 });
    expect(A.prove(ne(add(n4, int(1)), mul(x, int(4))))).toBe(true);
    expect(A.congruence(add(mul(x, int(6)), int(4)))).toEqual({ modulus: 6, remainder: 4 });
  });
});

describe("minima and choices", () => {
  test("with provable order", () => {
    expect(idx(min(add(x, int(1)), x))).toBe("x");
    expect(idx(max(int(0), min(ii, int(5))), tiles)).toBe("ii");
    expect(idx(min(int(6), min(x, int(4))))).toBe("min(x, 4)");
    expect(idx(I.select(lt(ii, int(6)), x, y), tiles)).toBe("x");
    expect(idx(I.where(lt(x, int(4)), min(x, int(7)), y))).toBe("where(x < 4, x, y)");
    expect(idx(I.select(lt(x, y), x, y))).toBe("min(x, y)");
  });
});

describe("vectors", () => {
  test("keep their shape", () => {
    const r = I.ramp(x, int(1), 4);
    expect(idx(add(r, I.broadcast(int(3), 4)))).toBe("ramp(x + 3, 1, 4)");
    expect(idx(mul(r, I.broadcast(n, 4)))).toBe("ramp(x * n, n, 4)");
    const f = F.withVar(x, int(0), int(5));
    expect(idx(lt(r, I.broadcast(int(8), 4)), f)).toBe("x4(true)");
    expect(A.prove(lt(r, I.broadcast(int(7), 4)), f)).toBe(false);
    expect(idx(floordiv(I.ramp(mul(x, int(4)), int(1), 4), I.broadcast(int(4), 4)))).toBe("x4(x)");
    expect(show(A.simplify(lt(r, I.broadcast(int(8), 4)), f))).toBe("x4(true)");
  });
});

describe("value mode", () => {
  test("leaves what might wrap", () => {
    const wraps = lt(x, add(x, int(1)));
    expect(A.simplify(wraps)).toBe(wraps);
    expect(A.simplify(wraps, F.withVar(x, int(0), int(9)))).toBe(I.TRUE);
    const big = floordiv(mul(x, int(2 ** 20)), int(2 ** 20));
    expect(A.simplify(big, F.withVar(x, int(0), int(2 ** 20)))).toBe(big);
    expect(A.simplify(big, F.withVar(x, int(0), int(2 ** 10)))).toBe(x);
  });
  test("simplifies indices of loads", () => {
    const b = I.buffer("B", "f32", [n]);
    const f = F.withVar(ii, int(0), int(6));
    const e = I.cast("f64", I.load(b, [floordiv(i, int(6))]));
    expect(show(A.simplify(e, f))).toBe("f64(B[io])");
    const guarded = I.where(ge(x, int(1)), I.load(b, [max(sub(x, int(1)), int(0))]), I.constant("f32", 0));
    expect(show(A.simplify(guarded, F.withVar(x, int(0), n)))).toBe("where(x >= 1, B[x - 1], 0.0)");
  });
  test("folds constants and applies float rules", () => {
    const v = I.variable("v", "f32");
    const c = (k: number): I.Expr => I.constant("f32", k);
    expect(A.simplify(mul(v, c(1)))).toBe(v);
    expect(A.simplify(add(v, c(0)))).not.toBe(v);
    expect(A.simplify(add(c(1), c(2)))).toBe(c(3));
    expect(show(A.simplify(I.op("div", [v, c(4)])))).toBe("v * 0.25");
  });
});

describe("regions", () => {
  const r = (min_: I.Expr, extent: I.Expr): A.Range => ({ min: min_, extent });
  const text = (l: readonly A.Range[] | undefined): string =>
    l === undefined ? "undefined" : l.map((d) => `${show(d.min)} .. +${show(d.extent)}`).join("; ");
  test("cover", () => {
    const tile = new Map([[ii, r(int(0), int(6))]]);
    expect(text(A.coverRegion([i], tile, F.withVar(io, int(0), int(85)), [int(510)]))).toBe("io * 6 .. +6");
    expect(text(A.coverRegion([sub(i, int(1))], tile, F.withVar(io, int(0), int(85)), [int(510)]))).toBe(
      "max(io * 6 - 1, 0) .. +6",
    );
    const clipped = new Map([[ii, r(int(0), min(int(6), sub(n, mul(io, int(6)))))]]);
    expect(text(A.coverRegion([i], clipped, F.withVar(io, int(0), floordiv(add(n, int(5)), int(6))), [n]))).toBe(
      "io * 6 .. +6",
    );
    expect(text(A.coverRegion([x], new Map([[x, r(int(0), n)]]), F, [n]))).toBe("0 .. +n");
    const b = I.buffer("B", "i32", [n]);
    expect(text(A.coverRegion([I.load(b, [x])], new Map([[x, r(int(0), n)]]), F, [m]))).toBe("0 .. +m");
    const k = I.variable("k");
    const conv = new Map([
      [ii, r(int(0), int(4))],
      [k, r(int(0), int(3))],
    ]);
    expect(
      text(
        A.coverRegion(
          [sub(add(add(mul(io, int(8)), mul(ii, int(2))), k), int(1))],
          conv,
          F.withVar(io, int(0), int(7)),
          [int(56)],
        ),
      ),
    ).toBe("max(io * 8 - 1, 0) .. +9");
    expect(text(A.coverRegion([floordiv(x, int(8)), floormod(x, int(8))], new Map([[x, r(int(0), int(64))]])))).toBe(
      "0 .. +8; 0 .. +8",
    );
  });
  test("exact", () => {
    const both = new Map([
      [io, r(int(0), int(85))],
      [ii, r(int(0), int(6))],
    ]);
    expect(text(A.exactRegion([i], both))).toBe("0 .. +510");
    expect(text(A.exactRegion([add(mul(io, int(7)), ii)], both))).toBe("undefined");
    expect(text(A.exactRegion([io, ii], both))).toBe("0 .. +85; 0 .. +6");
    expect(text(A.exactRegion([io, io], both))).toBe("undefined");
    expect(text(A.exactRegion([floordiv(x, int(8)), floormod(x, int(8))], new Map([[x, r(int(0), int(64))]])))).toBe(
      "0 .. +8; 0 .. +8",
    );
    const sym = new Map([
      [x, r(int(0), m)],
      [y, r(int(0), n)],
    ]);
    expect(text(A.exactRegion([add(mul(x, n), y)], sym))).toBe("0 .. +n * m");
  });
  test("union", () => {
    expect(text(A.unionRanges([r(mul(io, int(6)), int(6))], [r(add(mul(io, int(6)), int(2)), int(6))]))).toBe(
      "io * 6 .. +8",
    );
  });
});

describe("inverse maps", () => {
  const out = [I.variable("t0"), I.variable("t1")];
  const solve = (bindings: I.Expr[], vars: [I.Var, I.Expr][]): string => {
    const s = A.solveAffineBindings(
      bindings,
      out,
      vars.map(([v, extent]) => ({ var: v, extent })),
    );
    return s === undefined ? "undefined" : [...s].map(([v, e]) => `${v.name} = ${show(e)}`).join(", ");
  };
  test("split, fuse, permute", () => {
    expect(
      solve(
        [i],
        [
          [io, int(85)],
          [ii, int(6)],
        ],
      ),
    ).toBe("io = t0 // 6, ii = t0 % 6");
    expect(solve([floordiv(x, int(8)), floormod(x, int(8))], [[x, int(64)]])).toBe("x = t0 * 8 + t1");
    expect(
      solve(
        [y, x],
        [
          [x, int(4)],
          [y, n],
        ],
      ),
    ).toBe("x = t1, y = t0");
    expect(
      solve(
        [add(x, y)],
        [
          [x, int(4)],
          [y, int(4)],
        ],
      ),
    ).toBe("undefined");
    expect(
      solve(
        [x],
        [
          [x, int(4)],
          [y, int(4)],
        ],
      ),
    ).toBe("undefined");
    expect(
      solve(
        [x],
        [
          [x, int(4)],
          [y, int(1)],
        ],
      ),
    ).toBe("x = t0, y = 0");
    expect(
      solve(
        [add(mul(x, n), y)],
        [
          [x, m],
          [y, n],
        ],
      ),
    ).toBe("x = t0 // n, y = t0 % n");
  });
});

describe("solving conditions", () => {
  const solve = (c: I.Expr, v: I.Var, inner: [I.Var, I.Expr][] = [], f: A.Facts = F): string => {
    const s = A.solveCondition(c, v, f, new Map(inner.map(([w, extent]) => [w, { min: int(0), extent }])));
    return s === undefined ? "undefined" : `${show(s.min)} .. ${show(s.max)}`;
  };
  test("linear", () => {
    const f = F.withVar(io, int(0), m).withVar(x, int(0), m);
    expect(solve(lt(i, n), io, [[ii, int(6)]], f)).toBe("undefined .. n // 6 - 1");
    expect(solve(lt(i, int(510)), io, [[ii, int(6)]], f)).toBe("undefined .. 84");
    expect(solve(and(ge(add(x, y), int(1)), lt(add(x, y), int(57))), x, [[y, int(3)]], f)).toBe("1 .. 54");
    expect(solve(lt(sub(n, mul(x, int(4))), int(0)), x, [], f)).toBe("n // 4 + 1 .. undefined");
    expect(solve(ne(x, int(3)), x, [], f)).toBe("undefined");
    expect(solve(lt(mul(x, n), m), x, [], f)).toBe("undefined .. (m - 1) // n");
  });
  test("a product that is not 0 has no factor that is", () => {
    const [h, w] = [size("h", { min: 0 }), size("w", { min: 0 })];
    const f = F.withVar(x, int(0), mul(h, w));
    expect(A.prove(ge(w, int(1)), f)).toBe(true);
    expect(A.prove(ge(h, int(1)), f)).toBe(true);
    expect(A.prove(ge(w, int(1)), F.withCondition(ge(mul(h, w), int(0))))).toBe(false);
    expect(A.prove(ge(y, int(1)), F.withVar(y, int(-3), int(9)).withCondition(ge(mul(h, y), int(1))))).toBe(false);
  });
  test("not of arithmetic that may wrap around", () => {
    expect(solve(lt(add(x, int(1)), n), x)).toBe("undefined");
    expect(solve(lt(x, n), x)).toBe("undefined .. n - 1");
    const f = F.withVar(x, int(0), int(5000));
    expect(solve(lt(mul(x, int(2 ** 20)), int(8)), x, [], f)).toBe("undefined");
    expect(A.prove(lt(x, int(3)), f.withCondition(lt(mul(x, int(2 ** 20)), int(8))))).toBe(false);
    expect(A.prove(lt(x, int(3)), F.withCondition(lt(add(x, int(5)), int(8))))).toBe(false);
  });
});
