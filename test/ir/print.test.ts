import { describe, expect, it } from "vitest";
import {
  add,
  broadcast,
  buffer,
  constant,
  type Expr,
  type For,
  floordiv,
  floormod,
  int,
  load,
  lt,
  mul,
  op,
  printExpr,
  printFunc,
  printStmt,
  ramp,
  seq,
  shuffle,
  store,
  sub,
  variable,
  where,
} from "../../src/ir/index.ts";
import { block, dims, func, gemm, iter, loop, zero } from "./build.ts";

describe("printing", () => {
  it("a function as it is before scheduling", () => {
    expect(printFunc(gemm(8, 6, 4))).toBe(`\
func gemm(A: f32[8, 4], B: f32[4, 6]) -> C: f32[8, 6]:
  for i in 8:
    for j in 6:
      for k in 4:
        block C(vi = i, vj = j, vk (reduce) = k):
          init:
            C[vi, vj] = 0.0
          C[vi, vj] = C[vi, vj] + A[vi, vk] * B[vk, vj]`);
  });
  it("splits, predicates, loop kinds, tails, annotations, intermediates and sizes", () => {
    const n = variable("n", "i32", { size: { min: 1, max: 100, multipleOf: 1 } });
    const alpha = variable("alpha", "f32");
    const [X, T, Y] = [buffer("X", "f32", [n]), buffer("T", "f32", [n], "local"), buffer("Y", "f32", [n])];
    const [io, ii, i] = [variable("io"), variable("ii"), variable("i")];
    const at = add(mul(io, int(4)), ii);
    const [a, b] = [variable("vi"), variable("vi")];
    const first = block("T", [iter(a, n, at)], store(T, [a], mul(load(X, [a]), alpha)), { predicate: lt(at, n) });
    const second = block("Y", [iter(b, n, i)], store(Y, [b], load(T, [b])));
    const f = func(
      "scale",
      [X],
      [Y],
      seq([
        loop(io, floordiv(add(n, int(3)), int(4)), loop(ii, 4, first, { loop: "vectorized", tail: "peel" }), {
          loop: "parallel",
        }),
        loop(i, n, second, { loop: "unrolled", annotations: { prefetch: 2 } }),
      ]),
      { sizes: [n], scalars: [alpha], intermediates: [T] },
    );
    expect(printFunc(f)).toBe(`\
func scale(n, alpha: f32, X: f32[n]) -> Y: f32[n]:
  buffer T: f32[n] in local
  parallel io in (n + 3) // 4:
    vectorized ii in 4:  # tail: peel
      block T(vi = io * 4 + ii) if io * 4 + ii < n:
        T[vi] = X[vi] * alpha
  unrolled i in n:  # prefetch: 2
    block Y(vi_1 = i):
      Y[vi_1] = T[vi_1]`);
  });
  it("lowered statements", () => {
    const mem = buffer("f32", "f32", [], "address");
    const [p, x, acc] = [variable("p"), variable("x", "f32"), variable("acc", "f32", { lanes: 4, mutable: true })];
    const S = buffer("S", "i16", dims(8), "workspace");
    const i = variable("i");
    const s = seq([
      { kind: "assign", var: acc, value: broadcast(zero, 4) },
      loop(
        i,
        8,
        {
          kind: "let",
          var: x,
          value: load(mem, [add(p, int(4))]),
          body: {
            kind: "if",
            condition: lt(x, zero),
            then: store(mem, [ramp(p, int(4), 4)], add(acc, broadcast(x, 4))),
            otherwise: store(mem, [p], shuffle([acc], [2])),
          },
        },
        { min: int(1) },
      ),
      { kind: "alloc", buffer: S, body: seq([store(S, [int(0)], constant("i16", -3)), { kind: "seq", body: [] }]) },
    ]);
    expect(printStmt(s)).toBe(`\
acc := x4(0.0)
for i in 1 .. +8:
  let x = f32[p + 4]
  if x < 0.0:
    f32[ramp(p, 4, 4)] = acc + x4(x)
  else:
    f32[p] = shuffle([acc], [2])
alloc S: i16[8] in workspace
S[0] = i16(-3)`);
  });
  it("marks lines by loop, block, buffer and statement", () => {
    const f = gemm(2, 2, 2);
    const i = (f.body as For).var;
    const inner = (f.body as For).body;
    expect(
      printFunc(f, { marks: new Set<object>([i, inner]) })
        .split("\n")
        .slice(1, 5),
    ).toEqual(["  for i in 2:", "  ^^^^^^^^^^^", "    for j in 2:", "    ^^^^^^^^^^^"]);
    const lines: number[] = [];
    printFunc(f, { onLine: (s, l) => void (s === f.outputs[0] && lines.push(l)) });
    expect(lines).toEqual([6, 7]);
  });
  it("expressions with only the parentheses they need", () => {
    const [a, b, c] = [variable("a"), variable("b"), variable("c")];
    const cases: [Expr, string][] = [
      [mul(add(a, b), c), "(a + b) * c"],
      [add(a, mul(b, c)), "a + b * c"],
      [sub(a, sub(b, c)), "a - (b - c)"],
      [sub(sub(a, b), c), "a - b - c"],
      [floormod(floordiv(a, b), c), "a // b % c"],
      [floordiv(a, floormod(b, c)), "a // (b % c)"],
      [op("neg", [add(a, b)]), "-(a + b)"],
      [op("min", [a, add(b, c)]), "min(a, b + c)"],
      [op("cast", [a], "f32"), "f32(a)"],
      [op("satcast", [a], "i8"), "satcast_i8(a)"],
      [where(lt(a, b), a, b), "where(a < b, a, b)"],
      [constant("f32", 0.1), "0.1"],
      [constant("f32", 3), "3.0"],
      [constant("f32", -0), "-0.0"],
      [constant("f64", 2), "f64(2)"],
      [constant("i64", -5n), "i64(-5)"],
      [constant("f32", Infinity), "Infinity"],
      [constant("bool", true), "true"],
      [op("not", [lt(a, b)]), "!(a < b)"],
    ];
    for (const [e, text] of cases) expect(printExpr(e)).toBe(text);
  });
});
