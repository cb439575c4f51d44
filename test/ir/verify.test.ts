import { describe, expect, it } from "vitest";
import {
  add,
  type Block,
  broadcast,
  buffer,
  cast,
  type Expr,
  type Func,
  IrError,
  int,
  load,
  lt,
  mul,
  op,
  ramp,
  reduce,
  type Stmt,
  seq,
  store,
  variable,
  verify,
  verifyLowered,
  where,
} from "../../src/ir/index.ts";
import { block, dims, func, gemm, iter, loop, zero } from "./build.ts";

const X = buffer("X", "f32", dims(8));
const Y = buffer("Y", "f32", dims(8));
const [i, vi] = [variable("i"), variable("vi")];
const copy = block("Y", [iter(vi, 8, i)], store(Y, [vi], load(X, [vi])));
const around = (b: Stmt): Func => func("f", [X], [Y], loop(i, 8, b));
const message = (f: () => void): string => {
  try {
    f();
  } catch (e) {
    expect(e).toBeInstanceOf(IrError);
    return (e as Error).message;
  }
  return "accepted";
};
const scheduled = (f: Func): string => message(() => verify(f, "scheduled"));
const lowered = (s: Stmt, more: Partial<Func> = {}): string =>
  message(() => verify(func("f", [X], [Y], s, more), "lowered"));

describe("scheduled IR", () => {
  it("accepts what is well formed", () => {
    verify(gemm(8, 8, 8), "scheduled");
    verify(around(copy), "scheduled");
  });
  it("prints the function and underlines the culprit", () => {
    const v = variable("v");
    expect(scheduled(func("f", [X], [Y], loop(i, 8, loop(v, 4, copy, { min: int(1) }))))).toBe(`\
loop v does not start at 0
func f(X: f32[8]) -> Y: f32[8]:
  for i in 8:
    for v in 1 .. +4:
    ^^^^^^^^^^^^^^^^^
      block Y(vi = i):
        Y[vi] = X[vi]`);
  });
  const [k, vk, n] = [variable("k"), variable("vk"), variable("n")];
  const Z = buffer("Z", "f32", dims(8));
  const W = buffer("W", "i32", dims(8, 8));
  const cases: [string, Func, string][] = [
    ["a loop bound twice", around(loop(i, 4, copy)), "variable i is bound twice in one nest"],
    [
      "a loop bound again inside a block",
      around({ ...copy, body: loop(i, 4, copy.body) }),
      "variable i is bound twice",
    ],
    [
      "a variable nobody binds",
      func("f", [X], [Y], copy),
      "the binding of axis vi of block Y mentions i, which is not in scope",
    ],
    ["an extent of nowhere", func("f", [X], [Y], loop(k, n, copy)), "the extent of loop k mentions n"],
    ["a block twice", func("f", [X], [Y], seq([loop(i, 8, copy), loop(i, 8, copy)])), "block Y stands in two places"],
    [
      "a body that speaks of loops",
      around({ ...copy, body: store(Y, [i], load(X, [vi])) }),
      "the index of the store to Y mentions i",
    ],
    [
      "a predicate that speaks of axes",
      around({ ...copy, predicate: lt(vi, int(3)) }),
      "the predicate of block Y mentions vi",
    ],
    [
      "a predicate that is no bool",
      around({ ...copy, predicate: int(1) }),
      "the predicate of block Y must be a scalar bool",
    ],
    ["a binding that reads memory", around({ ...copy, iters: [iter(vi, 8, load(W, [i, i]))] }), "reads W"],
    [
      "an access of the wrong rank",
      around({ ...copy, body: store(Y, [vi], load(X, [vi, vi])) }),
      "X has 1 dimensions, but is given 2 indices: X[vi, vi]",
    ],
    [
      "a store of the wrong rank",
      around({ ...copy, body: store(Y, [], zero) }),
      "Y has 1 dimensions, but is given 0 indices",
    ],
    ["an index that is no i32", around({ ...copy, body: store(Y, [cast("i64", vi)], zero) }), "an index of dtype i64"],
    [
      "a value of another dtype",
      around({ ...copy, body: store(Y, [vi], vi) }),
      "a value of dtype i32 is stored to Y, which holds f32",
    ],
    [
      "a read of an unknown buffer",
      around({ ...copy, body: store(Y, [vi], load(Z, [vi])) }),
      "the value stored to Y reads Z",
    ],
    [
      "a store to an unknown buffer",
      around({ ...copy, body: store(Z, [vi], zero) }),
      "a store to Z, which is no parameter",
    ],
    ["a store to an input", around({ ...copy, body: store(X, [vi], zero) }), "a store to X, which is an input"],
    [
      "a vector",
      around({ ...copy, body: store(Y, [ramp(vi, int(1), 4)], broadcast(zero, 4)) }),
      "a vector access in scheduled IR",
    ],
    ["an init that mentions a reduction axis", init(), "the index of the store to Y mentions vk"],
    ["a reduction", around({ ...copy, body: store(Y, [vi], sumNode()) }), "a reduction inside a statement"],
    [
      "an assignment",
      around({ ...copy, body: { kind: "assign", var: variable("m", "f32", { mutable: true }), value: zero } }),
      "an assignment to m in scheduled IR",
    ],
    [
      "a condition that is no bool",
      around({ ...copy, body: { kind: "if", condition: vi, then: copy.body } }),
      "a condition must be a scalar bool",
    ],
  ];
  function init(): Func {
    const b: Block = {
      ...copy,
      iters: [iter(vi, 8, i), iter(vk, 4, k, "reduction")],
      init: store(Y, [vk], zero),
    };
    return around(loop(k, 4, b));
  }
  function sumNode(): Expr {
    const [a, b] = [variable("a", "f32"), variable("b", "f32")];
    const combiner = { name: "sum", lhs: [a], rhs: [b], results: [add(a, b)], identities: [zero], exact: false };
    return reduce(combiner, [{ var: k, extent: int(8) }], [load(X, [k])], undefined, 0);
  }
  for (const [name, f, text] of cases) it(`refuses ${name}`, () => expect(scheduled(f)).toContain(text));
  it("lets blocks in blocks see the outer axes, and nothing further out", () => {
    const [j, w] = [variable("j"), variable("w")];
    const inner = (binding: Expr) => block("in", [iter(w, 8, binding)], store(Y, [w], zero));
    const outer = (binding: Expr) => around(block("out", [iter(vi, 2, i)], loop(j, 4, inner(binding))));
    expect(scheduled(outer(add(mul(vi, int(4)), j)))).toBe("accepted");
    expect(scheduled(outer(add(mul(i, int(4)), j)))).toContain("mentions i, which is not in scope");
  });
});

describe("lowered IR", () => {
  const m = variable("m", "f32", { mutable: true });
  const T = buffer("T", "f32", dims(8), "workspace");
  it("accepts vectors, allocs, lets, assignments and flat accesses", () => {
    const D = buffer("D", "f32", dims(2, 4), "workspace");
    const x = variable("x", "f32", { lanes: 4 });
    const body = seq([
      { kind: "assign", var: m, value: zero },
      {
        kind: "alloc",
        buffer: D,
        body: seq([
          loop(i, 2, store(D, [ramp(mul(i, int(4)), int(1), 4)], broadcast(m, 4)), { min: int(1) }),
          {
            kind: "let",
            var: x,
            value: load(D, [broadcast(int(0), 4), ramp(int(0), int(1), 4)]),
            body: store(Y, [ramp(int(0), int(1), 4)], x),
          },
        ]),
      },
    ]);
    expect(lowered(body)).toBe("accepted");
  });
  const cases: [string, Stmt, string][] = [
    ["blocks", loop(i, 8, copy), "block Y in lowered IR"],
    ["reading a mutable variable first", store(Y, [int(0)], m), "reads m before anything is assigned"],
    [
      "assigning to a constant variable",
      { kind: "assign", var: variable("c", "f32"), value: zero },
      "which is not mutable",
    ],
    [
      "a let of a mutable variable",
      { kind: "let", var: m, value: zero, body: seq([]) },
      "a let of the mutable variable m",
    ],
    [
      "a let of another dtype",
      { kind: "let", var: variable("c", "f32"), value: int(1), body: seq([]) },
      "c is f32 x1, its value i32 x1",
    ],
    [
      "a buffer out of its scope",
      seq([{ kind: "alloc", buffer: T, body: seq([]) }, store(T, [int(0)], zero)]),
      "a store to T, which is no parameter",
    ],
    ["lanes that differ", store(Y, [ramp(int(0), int(1), 4)], broadcast(zero, 2)), "an index of 4 lanes for 2"],
  ];
  for (const [name, s, text] of cases) it(`refuses ${name}`, () => expect(lowered(s)).toContain(text));
  it("refuses intermediates", () => {
    expect(lowered(seq([]), { intermediates: [T] })).toContain("T is an intermediate in lowered IR");
  });
});

describe("the last stage", () => {
  const p = variable("p");
  const f32 = buffer("f32", "f32", [], "address");
  const f16 = buffer("f16", "f16", [], "address");
  const v4 = load(f32, [ramp(p, int(4), 4)]);
  const final = (body: Stmt): string => message(() => verifyLowered({ params: [p], body }));
  it("accepts dense accesses by address", () => {
    expect(final(loop(i, 4, store(f32, [ramp(add(p, int(16)), int(4), 4)], add(v4, v4))))).toBe("accepted");
    expect(final(store(f16, [p], cast("f16", cast("f32", load(f16, [p])))))).toBe("accepted");
  });
  const eight = load(f32, [ramp(p, int(4), 8)]);
  const three = load(f32, [ramp(p, int(4), 3)]);
  const h = load(f16, [p]);
  const cases: [string, Stmt, string][] = [
    ["loops that are not serial", loop(i, 4, seq([]), { loop: "unrolled" }), "loop i is still unrolled"],
    ["gathers", store(f32, [ramp(p, int(8), 4)], v4), "not a dense vector access"],
    ["more than a register", store(f32, [ramp(p, int(4), 8)], eight), "more than one vector register"],
    ["three lanes", store(f32, [ramp(p, int(4), 3)], three), "3 lanes are not a power of two"],
    ["f16 arithmetic", store(f16, [p], add(h, h)), "f16 arithmetic"],
    ["math functions", store(f32, [p], op("exp", [load(f32, [p])])), "exp should have been expanded"],
    ["where of vectors", store(f32, [ramp(p, int(4), 4)], where(lt(v4, v4), v4, v4)), "a where of vectors"],
    ["accesses by name", store(Y, [int(0)], zero), "Y is accessed, but not by address"],
    ["allocs", { kind: "alloc", buffer: Y, body: seq([]) }, "scratch memory should be planned"],
    ["unknown variables", store(f32, [i], zero), "mentions i, which is not in scope"],
  ];
  for (const [name, s, text] of cases) it(`refuses ${name}`, () => expect(final(s)).toContain(text));
});
