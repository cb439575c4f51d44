import { describe, expect, it } from "vitest";
import { type Schedule, schedule } from "../../schedule/index.ts";
import { unrollAndVectorize } from "../../schedule/library/index.ts";
import {
  add,
  type Buffer,
  buffer,
  type Expr,
  type Func,
  int,
  load,
  mapStmt,
  type Scope,
  type Stmt,
  seq,
  store,
  variable,
} from "../../src/ir/index.ts";
import { interpret } from "../../src/reference/index.ts";
import { compute, dim, type Extent, placeholder, sum } from "../../te/index.ts";
import { loop } from "./parts.ts";
import { check, golden, inputsFor, stage } from "./stages.ts";

/** B in panels of eight columns, each made where its column block is computed. */
function panels(m: Extent, n: Extent, k: Extent, scope: Scope, more: (s: Schedule<unknown>) => void = () => {}) {
  const A = placeholder("A", { i: m, k });
  const B = placeholder("B", { k, j: n });
  const C = compute("C", { i: m, j: n }, ({ i, j }) => sum({ k }, ({ k }) => A.at(i, k).mul(B.at(k, j))));
  const s = schedule(C);
  const { i, j } = s.loops(C);
  const { jo, ji } = s.split(j, { jo: "rest", ji: 8 });
  s.reorder(jo, i, s.loops(C).k, ji);
  const copy = s.cacheRead(C, B, scope);
  s.transformLayout(copy, (k, j) => [j.div(8), k, j.mod(8)], { pad: -1 });
  s.computeAt(copy, jo);
  more(s);
  return s;
}
/** What the cells of a buffer hold when the body of its allocation has run: its whole memory as another output, the last time counts. */
function withCells(f: Func, name: string): Func {
  let cells: Buffer | undefined;
  const body = mapStmt(f.body, (s): Stmt => {
    if (s.kind !== "alloc" || s.buffer.name !== name) return s;
    const { shape } = s.buffer;
    cells = buffer("cells", s.buffer.dtype, shape);
    const vars = shape.map((_, d) => variable(`c${d}`));
    const copy = shape.reduceRight<Stmt>(
      (inner, n, d) => loop(vars[d]!, n, inner),
      store(cells, vars, load(s.buffer, vars)),
    );
    return { ...s, body: seq([s.body, copy]) };
  });
  return { ...f, outputs: [...f.outputs, cells!], body };
}

describe("layouts", () => {
  it("turns accesses into places, block by block", () => {
    const s = panels(4, 16, 5, "workspace");
    expect(golden(s.func, "layouts")).toMatchInlineSnapshot(`
      "
      func C(A: f32[4, 5], B: f32[5, 16]) -> C: f32[4, 16]:
        buffer B.workspace: f32[2, 5, 8] in workspace
        for jo in 2:
          for k in 5:
            for j in 8:
              block B.workspace(vk = k, vj = jo * 8 + j):
                B.workspace[vj // 8, vk, vj % 8] = B[vk, vj]
          for i in 4:
            for ji in 8:
              block C.init(vi = i, vj_1 = jo * 8 + ji):
                C[vi, vj_1] = 0.0
            for k_1 in 5:
              for ji_1 in 8:
                block C(vi_1 = i, vj_2 = jo * 8 + ji_1, vk_1 (reduce) = k_1):
                  C[vi_1, vj_2] = C[vi_1, vj_2] + A[vi_1, vk_1] * B.workspace[vj_2 // 8, vk_1, vj_2 % 8]
      "
    `);
  });
  it("keeps one panel where one is made at a time, with its strides and its padding", () => {
    const s = panels(4, 13, 5, "workspace", (x) => x.storageAlign("B.workspace", 1, 4, 2));
    expect(golden(s.func, "allocate")).toMatchInlineSnapshot(`
      "
      func C(A: f32[4, 5], B: f32[5, 13]) -> C: f32[4, 13]:
        for jo in 2:
          alloc B.workspace: f32[1, 5, 8] strides [50, 10, 1] in workspace
          for p0 in 1:
            for p1 in 5:
              for p2 in 8:
                if jo * 8 + p2 >= 13:
                  B.workspace[p0, p1, p2] = -1.0
          for k in 5:
            for j in 8:
              block B.workspace(vk = k, vj = jo * 8 + j) if jo * 8 + j < 13:
                B.workspace[vj // 8 - jo, vk, vj % 8] = B[vk, vj]
          for i in 4:
            for ji in 8:
              block C.init(vi = i, vj_1 = jo * 8 + ji) if jo * 8 + ji < 13:
                C[vi, vj_1] = 0.0
            for k_1 in 5:
              for ji_1 in 8:
                block C(vi_1 = i, vj_2 = jo * 8 + ji_1, vk_1 (reduce) = k_1) if jo * 8 + ji_1 < 13:
                  C[vi_1, vj_2] = C[vi_1, vj_2] + A[vi_1, vk_1] * B.workspace[vj_2 // 8 - jo, vk_1, vj_2 % 8]
      "
    `);
  });
  it("leaves nothing of the map in the loops", () => {
    const s = panels(4, 16, 5, "workspace");
    expect(golden(s.func, "flatten")).toMatchInlineSnapshot(`
      "
      func C(A: f32[20], B: f32[80]) -> C: f32[64]:
        for jo in 2:
          alloc B.workspace: f32[40] in workspace
          for k in 5:
            for j in 8:
              B.workspace[k * 8 + j] = B[k * 16 + jo * 8 + j]
          for i in 4:
            for ji in 8:
              C[i * 16 + jo * 8 + ji] = 0.0
            for k_1 in 5:
              for ji_1 in 8:
                C[i * 16 + jo * 8 + ji_1] = C[i * 16 + jo * 8 + ji_1] + A[i * 5 + k_1] * B.workspace[k_1 * 8 + ji_1]
      "
    `);
  });
  it("pads the cells that no index reaches, and no others", () => {
    const X = placeholder("X", { y: 5, x: 6 });
    const T = compute("T", { y: 5, x: 6 }, ({ y, x }) => X.at(y, x).add(1));
    const Y = compute("Y", { y: 5, x: 6 }, ({ y, x }) => T.at(y, x).mul(2));
    const s = schedule(Y);
    s.transformLayout(T, (y, x) => [y.div(2), x.div(4), y.mod(2), x.mod(4)], { pad: -7 });
    const f = withCells(stage(s.func, "allocate"), "T");
    const X0 = inputsFor(s.func).X as Float32Array;
    const { cells } = interpret(f, { X: X0 });
    const want: number[] = [];
    for (let a = 0; a < 3; a++)
      for (let b = 0; b < 2; b++)
        for (let c = 0; c < 2; c++)
          for (let d = 0; d < 4; d++) {
            const [y, x] = [a * 2 + c, b * 4 + d];
            want.push(y < 5 && x < 6 ? Math.fround(X0[y * 6 + x]! + 1) : -7);
          }
    expect(Array.from(cells as Float32Array)).toEqual(want);
  });
  it("pads what a fold and two maps leave over", () => {
    const X = placeholder("X", { x: 11 });
    const T = compute("T", { x: 11 }, ({ x }) => X.at(x).add(1));
    const Y = compute("Y", { x: 11 }, ({ x }) => T.at(x).mul(2));
    const s = schedule(Y);
    s.transformLayout(T, (x) => [x.div(4), x.mod(4)]);
    s.transformLayout(T, (a, b) => [b, a.mul(2)], { pad: 9 });
    const f = withCells(stage(s.func, "allocate"), "T");
    const X0 = inputsFor(s.func).X as Float32Array;
    const { cells } = interpret(f, { X: X0 });
    const want = Array.from({ length: 20 }, (_, p) => {
      const [b, a] = [Math.floor(p / 5), p % 5];
      const x = (a / 2) * 4 + b;
      return a % 2 === 0 && x < 11 ? Math.fround(X0[x]! + 1) : 9;
    });
    expect(Array.from(cells as Float32Array)).toEqual(want);
  });

  const finish = (s: Schedule<unknown>): Func => {
    for (const b of s.blocks()) unrollAndVectorize(s, b);
    return s.func;
  };
  it.each<readonly [string, Scope, number]>([
    ["whole panels", "workspace", 16],
    ["a tail", "workspace", 13],
    ["less than a panel", "workspace", 3],
    ["in registers", "local", 13],
  ])("is right at every stage: %s", async (_, scope, n) => {
    await check(finish(panels(5, n, 4, scope)));
    await check(finish(panels(5, n, 4, scope, (s) => s.storageAlign(`B.${scope}`, 1, 8, 3))));
  });
  it("is right at every stage with sizes known at run time", async () => {
    const n = dim("n", { max: 64 });
    const k = dim("k", { max: 64 });
    const runs = [
      { sizes: { n: 21, k: 5 } },
      { sizes: { n: 16, k: 3 } },
      { sizes: { n: 3, k: 1 } },
      { sizes: { n: 0, k: 4 } },
      { sizes: { n: 9, k: 0 } },
    ];
    await check(finish(panels(5, n, k, "workspace")), ...runs);
    const aligned = panels(5, n, k, "workspace", (s) => s.storageAlign("B.workspace", 0, 16, 5));
    await check(finish(aligned), ...runs);
    // strides that depend on a size
    const A = placeholder("A", { y: k, x: n });
    const T = compute("T", { y: k, x: n }, ({ y, x }) => A.at(y, x).mul(2));
    const Y = compute("Y", { y: k, x: n }, ({ y, x }) => T.at(y, x).add(1));
    const s = schedule(Y);
    s.storageAlign(T, 0, 8, 3);
    await check(s.func, ...runs);
  });
  it("has parameters of its own shape where they are laid out too", () => {
    const W = buffer("W", "f32", [int(3), int(5)]);
    const [y, x] = [variable("y"), variable("x")];
    const [vy, vx] = [variable("vy"), variable("vx")];
    const index: readonly Expr[] = [vx, vy];
    const laid: Buffer = {
      ...W,
      layout: { vars: [vy, vx], index, shape: [int(5), int(3)], cells: [vx, vy], inverse: [vy, vx] },
    };
    const Y = buffer("Y", "f32", [int(3), int(5)]);
    const f: Func = {
      name: "f",
      inputs: [laid],
      outputs: [Y],
      sizes: [],
      scalars: [],
      intermediates: [],
      body: loop(y, 3, loop(x, 5, store(Y, [y, x], add(load(laid, [y, x]), load(laid, [y, x]))))),
    };
    expect(golden(f, "layouts", { inputs: inputsFor(f) })).toMatchInlineSnapshot(`
      "
      func f(W: f32[5, 3]) -> Y: f32[3, 5]:
        for y in 3:
          for x in 5:
            Y[y, x] = W[x, y] + W[x, y]
      "
    `);
  });
});
