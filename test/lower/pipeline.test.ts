import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  add,
  and,
  blocksOf,
  constInt,
  eq,
  type Func,
  floordiv,
  floormod,
  int,
  load,
  lt,
  mapStmt,
  mul,
  printFunc,
  type Stmt,
  seq,
  store,
  type Var,
  variable as v,
  varsOf,
  visitStmt,
  where,
  withBody,
} from "../../src/ir/index.ts";
import { lowerFunc } from "../../src/lower/index.ts";
import { interpret } from "../../src/reference/index.ts";
import { wasm } from "../../src/target/index.ts";
import { createFunc } from "../../te/index.ts";
import { checkLowering, inputsOf, judge } from "../fuzz/check.ts";
import { makeProgram } from "../fuzz/program.ts";
import { block, buf, f32, func, gemm, iter, local, loop, rows, size, temp, unrolled, vec } from "./parts.ts";
import { check } from "./stages.ts";

/** Random loops of constant extent become vectorized or unrolled, wherever that is legal without looking further. */
function annotated(f: Func, choose: () => number): Func {
  const hasVector = (s: Stmt): boolean => {
    let found = false;
    visitStmt(s, (x) => {
      if (x.kind === "for" && x.loop === "vectorized") found = true;
    });
    return found;
  };
  const parallel = (s: Stmt, x: Var): boolean =>
    blocksOf(s).every((b) =>
      b.iters.every((i) => i.kind === "spatial" || (i.kind === "reduction" && !varsOf(i.binding).has(x))),
    );
  return withBody(
    f,
    mapStmt(f.body, (s) => {
      const n = s.kind === "for" ? constInt(s.extent) : undefined;
      if (s.kind !== "for" || n === undefined) return s;
      const c = choose() % 4;
      if (c === 0 && parallel(s.body, s.var) && !hasVector(s.body)) return { ...s, loop: "vectorized" };
      return c === 1 && n <= 8 ? { ...s, loop: "unrolled" } : s;
    }),
  );
}

describe("lowerFunc", () => {
  it("hands out every stage in order", () => {
    const names: string[] = [];
    lowerFunc(gemm(4, 4, 4), wasm(), { onStage: (n) => names.push(n) });
    expect(names).toMatchInlineSnapshot(`
      [
        "scheduled",
        "settle intrinsics",
        "init reductions",
        "layouts",
        "allocate",
        "serialize",
        "dissolve blocks",
        "flatten",
        "tensorize",
        "hoist guards",
        "speculate on data",
        "partition loops",
        "speculate",
        "vectorize",
        "legalize",
        "cut lanes",
        "unroll",
        "promote locals",
        "forward",
        "keep in registers",
        "contract",
        "share",
        "hoist",
        "plan scratch",
        "addresses",
      ]
    `);
  });
  it("random programs, with random loops vectorized and unrolled, mean the same at every stage", {
    timeout: 120000,
  }, async () => {
    const number = fc.nat({ max: 999 });
    const one = fc.record({ kind: number, pick: number, x: number, y: number, z: number });
    const spec = fc.record({ dtype: number, outputs: number, stages: fc.array(one, { minLength: 1, maxLength: 4 }) });
    const choices = fc.infiniteStream(fc.nat({ max: 3 }));
    await fc.assert(
      fc.asyncProperty(spec, choices, fc.nat({ max: 9999 }), async (program, choice, seed) => {
        const p = makeProgram(program);
        const plain = createFunc(Object.values(p.outputs)).func;
        const f = annotated(plain, () => choice.next().value as number);
        const inputs = inputsOf(p, seed);
        const want = interpret(plain, inputs, { sizes: p.sizes });
        try {
          await checkLowering(f, p, inputs, want, judge(p, inputs), { everyStage: true, canaries: true });
        } catch (e) {
          throw new Error(`${(e as Error).message}\n${printFunc(f)}`);
        }
      }),
      { numRuns: 60, seed: 7 },
    );
  });
});

describe("hard cases from end to end", () => {
  const sizes = (...list: number[]) => list.map((n) => ({ sizes: { n } }));
  it("loops of one step, of every kind", async () => {
    for (const kind of ["serial", "unrolled", "vectorized", "parallel"] as const) {
      const [A, C, L] = [buf("A", "f32", 1, 3), buf("C", "f32", 1, 3), local("L", "f32", 1, 3)];
      const nest = (name: string, body: (i: Var, j: Var) => Stmt): Stmt => {
        const [i, j, vi, vj] = [v("i"), v("j"), v("vi"), v("vj")];
        return loop(i, 1, loop(j, 3, block(name, [iter(vi, 1, i), iter(vj, 3, j)], body(vi, vj))), { loop: kind });
      };
      const body = seq([
        nest("L", (i, j) => store(L, [i, j], load(A, [i, j]))),
        nest("C", (i, j) => store(C, [i, j], mul(load(L, [i, j]), f32(2)))),
      ]);
      await check(func("f", [A], [C], body, { intermediates: [L] }));
    }
  });
  it("a symbolic matrix product, tiled and packed, for every kind of remainder", { timeout: 60000 }, async () => {
    const [m, n, kk] = [size("m"), size("n"), size("kk")];
    const [A, B, C] = [buf("A", "f32", m, kk), buf("B", "f32", kk, n), buf("C", "f32", m, n)];
    const [P, L] = [temp("P", "f32", kk, n), local("L", "f32", m, n)];
    const [jo, io] = [v("jo"), v("io")];
    const i = (x: Var) => add(mul(io, int(2)), x);
    const j = (x: Var) => add(mul(jo, int(8)), x);
    const ceil = (a: Var, b: number) => floordiv(add(a, int(b - 1)), int(b));
    const pack = (): Stmt => {
      const [k, x, vk, vj] = [v("k"), v("x"), v("vk"), v("vj")];
      const b = block("P", [iter(vk, kk, k), iter(vj, n, j(x))], store(P, [vk, vj], load(B, [vk, vj])), {
        predicate: lt(j(x), n),
      });
      return loop(k, kk, vec(x, 8, b));
    };
    const tile = (name: string, make: (i: Var, j: Var, k: Var) => Stmt, reduce = false): Stmt => {
      const [x, y, k, vi, vj, vk] = [v("x"), v("y"), v("k"), v("vi"), v("vj"), v("vk")];
      const iters = [iter(vi, m, i(x)), iter(vj, n, j(y)), ...(reduce ? [iter(vk, kk, k, "reduction")] : [])];
      const both = { predicate: and(lt(i(x), m), lt(j(y), n)) };
      const inner = unrolled(x, 2, vec(y, 8, block(name, iters, make(vi, vj, vk), both)));
      return reduce ? loop(k, kk, inner) : inner;
    };
    const update = (x: Var, y: Var, k: Var) =>
      store(L, [x, y], add(load(L, [x, y]), mul(load(A, [x, k]), load(P, [k, y]))));
    const tiles = seq([
      tile("init", (x, y) => store(L, [x, y], f32(0))),
      tile("update", update, true),
      tile("copy", (x, y) => store(C, [x, y], load(L, [x, y]))),
    ]);
    const body = loop(jo, ceil(n, 8), seq([pack(), loop(io, ceil(m, 2), tiles)]));
    const f = func("gemm", [A, B], [C], body, { sizes: [m, n, kk], intermediates: [P, L] });
    const runs = [
      [0, 5, 3],
      [1, 1, 1],
      [2, 8, 0],
      [3, 7, 4],
      [4, 15, 2],
      [5, 18, 3],
    ].map(([a, b, c]) => ({ sizes: { m: a!, n: b!, kk: c! } }));
    const lowered = await check(f, ...runs);
    expect(lowered.warnings).toEqual([]);
  });
  it("conditions on data inside vectorized loops, under guards", async () => {
    const n = size("n");
    const [A, C] = [buf("A", "i32", n), buf("C", "i32", n)];
    const [o, ii, vi] = [v("o"), v("ii"), v("vi")];
    const at = add(mul(o, int(4)), ii);
    const odd = eq(floormod(load(A, [vi]), int(2)), int(1));
    const value = where(odd, load(A, [floormod(load(A, [vi]), n)]), where(lt(vi, int(3)), int(-1), load(A, [vi])));
    const b = block("C", [iter(vi, n, at)], store(C, [vi], value), { predicate: lt(at, n) });
    const f = func("f", [A], [C], loop(o, floordiv(add(n, int(3)), int(4)), vec(ii, 4, b)), { sizes: [n] });
    await check(f, ...sizes(0, 1, 2, 3, 4, 5, 7, 8, 11));
  });
  it("buffers made in loops, in unrolled loops, and around vectors", async () => {
    for (const kind of ["serial", "unrolled", "vectorized"] as const) {
      const [A, T, C] = [buf("A", "f32", 4, 9), temp("T", "f32", 4, 9), buf("C", "f32", 4, 9)];
      const [i, j, k, a, b, c, d] = [v("i"), v("j"), v("k"), v("a"), v("b"), v("c"), v("d")];
      const make = block("T", [iter(a, 4, i), iter(b, 9, j)], store(T, [a, b], mul(load(A, [a, b]), f32(3))));
      const value = add(load(T, [c, d]), load(T, [c, floormod(mul(d, int(2)), int(9))]));
      const use = block("C", [iter(c, 4, i), iter(d, 9, k)], store(C, [c, d], value));
      const body = loop(i, 4, seq([loop(j, 9, make), loop(k, 9, use)]), { loop: kind });
      await check(func("f", [A], [C], body, { intermediates: [T] }));
    }
  });
  it("an unroll too large is refused by name, a vector of any width is not", async () => {
    const [A, C] = [buf("A", "u8", 100_000), buf("C", "u8", 100_000)];
    const body = (kind: "unrolled" | "vectorized") =>
      rows("C", 100_000, (i) => store(C, [i], load(A, [i])), { loop: kind });
    expect(() => lowerFunc(func("f", [A], [C], body("unrolled")), wasm())).toThrow(/unrolling loop i \(100000 steps\)/);
    await check(func("f", [A], [C], body("vectorized")));
  });
});
