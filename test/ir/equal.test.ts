import { describe, expect, it } from "vitest";
import {
  add,
  buffer,
  equalFunc,
  equalStmt,
  explainDifference,
  type For,
  int,
  load,
  type Stmt,
  seq,
  store,
  variable,
} from "../../src/ir/index.ts";
import { dims, func, gemm, loop, zero } from "./build.ts";

describe("equality up to renaming", () => {
  it("functions built twice are equal, others are not", () => {
    expect(equalFunc(gemm(8, 6, 4), gemm(8, 6, 4))).toBe(true);
    expect(equalFunc(gemm(8, 6, 4), gemm(8, 6, 4), { names: true })).toBe(true);
    expect(equalFunc(gemm(8, 6, 4), gemm(8, 6, 5))).toBe(false);
    expect(explainDifference(gemm(8, 6, 4), gemm(8, 6, 4))).toBeUndefined();
  });
  it("names count only when asked for", () => {
    const make = (name: string): Stmt => {
      const B = buffer("B", "f32", dims(4), "workspace");
      const v = variable(name);
      return { kind: "alloc", buffer: B, body: loop(v, 4, store(B, [v], zero)) };
    };
    expect(equalStmt(make("i"), make("j"))).toBe(true);
    expect(equalStmt(make("i"), make("j"), { names: true })).toBe(false);
    expect(explainDifference(make("i"), make("j"), { names: true })).toBe(
      "names differ: i and j\n  left:  for i in 4:\n  right: for j in 4:",
    );
  });
  it("matches variables one to one", () => {
    const B = buffer("B", "i32", dims(4, 4));
    const make = (swap: boolean): Stmt => {
      const [i, j] = [variable("i"), variable("j")];
      return loop(i, 4, loop(j, 4, store(B, swap ? [j, i] : [i, j], add(i, j))));
    };
    expect(equalStmt(make(false), make(false))).toBe(true);
    expect(equalStmt(make(false), make(true))).toBe(false);
    const v = variable("v");
    const both = loop(v, 4, store(B, [v, v], v));
    const [i] = [variable("i")];
    expect(equalStmt(both, loop(i, 4, store(B, [i, i], i)))).toBe(true);
    expect(explainDifference(make(false), make(true))).toContain("indices differ: i and j");
  });
  it("one variable bound by several loops in turn", () => {
    const B = buffer("B", "i32", dims(4));
    const v = variable("v");
    const twice = seq([loop(v, 4, store(B, [v], v)), loop(v, 4, store(B, [v], v))]);
    const [a, b] = [variable("a"), variable("b")];
    const apart = seq([loop(a, 4, store(B, [a], a)), loop(b, 4, store(B, [b], b))]);
    expect(equalStmt(twice, apart)).toBe(true);
    const wrong = seq([loop(a, 4, store(B, [a], a)), loop(b, 4, store(B, [b], int(0)))]);
    expect(equalStmt(twice, wrong)).toBe(false);
  });
  it("free variables and buffers must be the same, unless they are to be matched", () => {
    const make = (): Stmt => {
      const [B, n] = [buffer("B", "i32", dims(4)), variable("n")];
      return store(B, [n], load(B, [n]));
    };
    expect(equalStmt(make(), make())).toBe(false);
    expect(equalStmt(make(), make(), { matchFree: true })).toBe(true);
  });
  it("loop kinds, annotations, tails, inits and parameters count", () => {
    const f = gemm(4, 4, 4);
    const l = f.body as For;
    const change = (more: Partial<For>) => explainDifference(f, { ...f, body: { ...l, ...more } });
    expect(change({ loop: "parallel" })).toBe(
      "loop kinds differ: serial and parallel\n  left:  for i in 4:\n  right: parallel i in 4:",
    );
    expect(change({ tail: "guard" })).toBeUndefined();
    expect(change({ tail: "peel" })).toContain("tail policies differ");
    expect(change({ annotations: { a: 1 } })).toContain("annotation a differs: undefined and 1");
    expect(change({ body: seq([]) })).toContain("a for here, a seq there");
    const g = func("g", [...f.inputs], [buffer("C", "f64", dims(4, 4))], f.body);
    expect(explainDifference(f, g)).toBe(
      "dtypes of buffers differ: f32 and f64\n  left:  C: f32[4, 4]\n  right: C: f64[4, 4]",
    );
  });
});
