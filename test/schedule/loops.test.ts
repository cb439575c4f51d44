import { describe, expect, test } from "vitest";
import { formatTrace, parseTrace, replay, schedule } from "../../schedule/index.ts";
import { pack, unrollAndVectorize } from "../../schedule/library/index.ts";
import { constInt, printFunc, type Stmt, visitStmt } from "../../src/ir/index.ts";
import { lowerFunc } from "../../src/lower/index.ts";
import { wasm } from "../../src/target/index.ts";
import { compute, dim, nest as handwritten, max, placeholder, reduce, scan, sum, where } from "../../te/index.ts";
import { checkRaces } from "../fuzz/races.ts";
import { fill, nest, same } from "./helper.ts";

const gemm = (m = 10, n = 13, k = 7) => {
  const A = placeholder("A", { i: m, k });
  const B = placeholder("B", { k, j: n });
  const C = compute("C", { i: m, j: n }, ({ i, j }) => sum({ k }, ({ k }) => A.at(i, k).mul(B.at(k, j))));
  const s = schedule(C);
  return { A, B, C, s, before: s.func, ...s.loops(C) };
};
const rows = (min: number) => {
  const n = dim("n", { min, max: 64 });
  const X = placeholder("X", [n]);
  const Y = compute("Y", { i: n }, ({ i }) => X.at(i).mul(2));
  const s = schedule(Y);
  return { X, Y, s, before: s.func, ...s.loops(Y) };
};
/** b reads a at two places, one row apart. */
const chain = () => {
  const X = placeholder("X", { y: 9, x: 8 });
  const a = compute("a", { y: 9, x: 8 }, ({ y, x }) => X.at(y, x).add(1));
  const b = compute("b", { y: 8, x: 8 }, ({ y, x }) => a.at(y, x).add(a.at(y.add(1), x)));
  const s = schedule(b);
  return { X, a, b, s, before: s.func, ...s.loops(b) };
};
/** The trace replays to the same text, from JSON and from text. */
const replays = (s: ReturnType<typeof gemm>["s"], again: () => ReturnType<typeof gemm>["s"]): void => {
  for (const trace of [JSON.parse(JSON.stringify(s.trace)), parseTrace(formatTrace(s.trace))])
    expect(`${replay(trace, again())}`).toBe(`${s}`);
};
const races = (s: { readonly func: Parameters<typeof checkRaces>[0] }, sizes: Record<string, number> = {}): void => {
  const size = (e: Parameters<typeof constInt>[0]): number => constInt(e) ?? sizes[(e as { name: string }).name]!;
  const inputs = s.func.inputs.map(
    (b) =>
      [
        b.name,
        fill(
          b,
          b.shape.reduce((n, e) => n * size(e), 1),
          1,
        ),
      ] as const,
  );
  checkRaces(s.func, Object.fromEntries(inputs), sizes);
};
const kinds = (s: Stmt): string[] => {
  const out: string[] = [];
  visitStmt(s, (x) => void (x.kind === "for" && out.push(x.loop)));
  return out;
};

describe("parallel", () => {
  test("a loop over tiles, whose panel is each iteration's own", () => {
    const { A, B, C, s, before, i, j, k } = gemm(10, 16, 7);
    const { io, ii } = s.split(i, { io: "rest", ii: 4 });
    const { jo, ji } = s.split(j, { jo: "rest", ji: 8 });
    s.reorder(jo, io, k, ii, ji);
    s.parallel(jo);
    pack(s, C, B, jo);
    // the same rows of A in each iteration of jo, in a copy of its own
    pack(s, C, A, io);
    s.vectorize(ji);
    same(s, before);
    races(s);
    expect(nest(s)).toMatchInlineSnapshot(`
      "parallel jo in 2:
        for k in 7:
          for j in 8:
            block B.workspace(vk = k, vj = jo * 8 + j):
              B.workspace[vk, vj] = B[vk, vj]
        for io in 3:
          for i in 4:
            for k_1 in 7:
              block A.workspace(vi = io * 4 + i, vk_1 = k_1) if io * 4 + i < 10:
                A.workspace[vi, vk_1] = A[vi, vk_1]
          for k_2 in 7:
            for ii in 4:
              vectorized ji in 8:
                block C(vi_1 = io * 4 + ii, vj_1 = jo * 8 + ji, vk_2 (reduce) = k_2) if io * 4 + ii < 10:
                  init:
                    C[vi_1, vj_1] = 0.0
                  C[vi_1, vj_1] = C[vi_1, vj_1] + A.workspace[vi_1, vk_2] * B.workspace[vk_2, vj_1]"
    `);
    const stages = new Map<string, Stmt>();
    const lowered = lowerFunc(s.func, wasm(), { onStage: (name, f) => stages.set(name, f.body) });
    expect(kinds(stages.get("allocate")!)).toContain("parallel");
    expect(kinds(stages.get("serialize")!)).not.toContain("parallel");
    expect(new Set(kinds(lowered.body))).toEqual(new Set(["serial"]));
  });
  test("strips, each with a window that slides inside", () => {
    const { a, s, before, y } = chain();
    const { yo, yi } = s.split(y, { yo: "rest", yi: 4 });
    s.computeAt(a, yi);
    s.storeAt(a, yo);
    s.parallel(yo);
    same(s, before);
    races(s);
    expect(nest(s)).toMatchInlineSnapshot(`
      "parallel yo in 2:
        for yi in 4:
          for y in 2:
            for x in 8:
              block a(vy = yo * 4 + yi + y, vx = x):  # stored at yo
                a[vy, vx] = X[vy, vx] + 1.0
          for x_1 in 8:
            block b(vy_1 = yo * 4 + yi, vx_1 = x_1):
              b[vy_1, vx_1] = a[vy_1, vx_1] + a[vy_1 + 1, vx_1]"
    `);
  });
  test("what is computed and read inside may overlap, what others read may not", () => {
    const { a, b, s, before, y } = chain();
    s.computeAt(a, y);
    const inside = s.copy();
    inside.parallel(inside.loops(b).y);
    same(inside, before);
    races(inside);
    const both = schedule({ a, b });
    both.parallel(both.loops(b).y);
    expect(() => both.parallel(both.loops(a).y)).not.toThrow();
  });
  test("steps of a scan around it, and a loop whose length is known at run time", () => {
    const n = dim("n", { min: 1, max: 30 });
    const X = placeholder("X", { t: 5, i: n });
    const S = scan(
      "S",
      { t: 5 },
      { i: n },
      {
        init: ({ i }) => X.at(0, i),
        step: ({ t, i }, prev) =>
          prev(i)
            .add(where(i.ge(1), prev(i.sub(1)), 0))
            .add(X.at(t, i)),
      },
    );
    const s = schedule(S);
    const before = s.func;
    s.parallel(s.loops(S).i);
    same(s, before, [{ n: 1 }, { n: 7 }]);
    races(s, { n: 7 });
  });
  test("the digits of a fused loop", () => {
    const { s, before, i, j, C } = gemm(6, 7, 3);
    const f = s.fuse(i, j);
    const { fo } = s.split(f, { fo: "rest", fi: 4 });
    s.parallel(fo);
    same(s, before);
    races(s);
    expect(s.loops(C)).toBeDefined();
  });
  test("later steps keep it so", () => {
    const { a, s, y, x } = chain();
    s.computeAt(a, y);
    s.parallel(y);
    expect(() => s.reorder(x, y)).toThrow(/chain/);
    expect(() => s.split(y, { yo: "rest", yi: 2 })).toThrow("split, condition 4");
    expect(() => s.storeAt(a, "root")).toThrow("storeAt, condition 3");
    s.storeAt(a, y);
    const t = gemm();
    t.s.parallel(t.i);
    t.s.reorder(t.j, t.i, t.k);
    expect(() => t.s.reorder(t.k, t.i)).not.toThrow();
    same(t.s, t.before);
  });
});

test("a race is found where there is one", () => {
  const { a, s, y } = chain();
  s.computeAt(a, y);
  const wrong = schedule({ a, b: s.of });
  const { yo, yi } = wrong.split(wrong.loops(s.of).y, { yo: "rest", yi: 3 }, { tail: "shift" });
  expect(() => wrong.parallel(yo)).toThrow("parallel, condition 4");
  wrong.parallel(yi);
  races(wrong);
  const body = (x: Stmt): Stmt => {
    if (x.kind === "seq") return { ...x, body: x.body.map(body) };
    return x.kind === "for" ? { ...x, loop: x.var === yo.var ? "parallel" : "serial", body: body(x.body) } : x;
  };
  expect(() => races({ func: { ...wrong.func, body: body(wrong.func.body) } })).toThrow(/parallel loop yo race for b/);
});

describe("bind", () => {
  test("a grid of workgroups, and the invocations of one", () => {
    const { C, s, before, i, j, k } = gemm(12, 16, 7);
    const { io, ii } = s.split(i, { io: "rest", ii: 4 });
    const { jo, ji } = s.split(j, { jo: "rest", ji: 8 });
    s.reorder(io, jo, ii, ji, k);
    s.bind(io, "workgroup.y");
    s.bind(jo, "workgroup.x");
    s.bind(ii, "local.y");
    s.bind(ji, "local.x");
    s.cacheWrite(C, "local");
    same(s, before);
    races(s);
    expect(nest(s)).toMatchInlineSnapshot(`
      "bound io in 3:  # workgroup.y
        bound jo in 2:  # workgroup.x
          bound ii in 4:  # local.y
            bound ji in 8:  # local.x
              for k in 7:
                block C(vi = io * 4 + ii, vj = jo * 8 + ji, vk (reduce) = k):
                  init:
                    C.local[vi, vj] = 0.0
                  C.local[vi, vj] = C.local[vi, vj] + A[vi, vk] * B[vk, vj]
      for i in 12:
        for j in 16:
          block C.copy(vi_1 = i, vj_1 = j):
            C[vi_1, vj_1] = C.local[vi_1, vj_1]"
    `);
    expect(new Set(kinds(lowerFunc(s.func, wasm()).body))).toEqual(new Set(["serial"]));
    replays(s, () => gemm(12, 16, 7).s);
  });
  test("a panel that the invocations of a workgroup fetch together", () => {
    const { B, C, s, before, i, j, k } = gemm(12, 16, 8);
    const { jo, ji } = s.split(j, { jo: "rest", ji: 8 });
    const { ko, ki } = s.split(k, { ko: "rest", ki: 4 });
    s.reorder(jo, ko, i, ji, ki);
    s.cacheWrite(C, "workspace");
    const panel = s.cacheRead(C, B, "shared");
    const fetch = s.computeAt(panel, ko);
    s.bind(jo, "workgroup.x");
    s.bind(i, "local.y");
    s.bind(ji, "local.x");
    s.bind(fetch.k!, "local.y");
    s.bind(fetch.j!, "local.x");
    same(s, before);
    races(s);
  });
});

describe("annotate", () => {
  test("notes are printed, kept and taken away", () => {
    const { C, s, before, i, j } = gemm();
    s.annotate(i, "why", "rows first");
    s.annotate(j, "cost", 3);
    s.annotate(C, "hot", true);
    const f = s.fuse(i, j);
    const { fo } = s.split(f, { fo: "rest", fi: 2 });
    expect(nest(s)).toMatchInlineSnapshot(`
      "for fo in 65:  # why: rows first, cost: 3
        for fi in 2:
          for k in 7:
            block C(vi = (fo * 2 + fi) // 13, vj = (fo * 2 + fi) % 13, vk (reduce) = k):  # hot: true
              init:
                C[vi, vj] = 0.0
              C[vi, vj] = C[vi, vj] + A[vi, vk] * B[vk, vj]"
    `);
    s.annotate(fo, "cost", undefined);
    s.annotate(C, "hot", "@0.text");
    same(s, before);
    expect(`${s}`).toContain("# why: rows first\n");
    replays(s, () => gemm().s);
  });
});

describe("split with the tail shift", () => {
  test("the last round begins earlier", () => {
    const { s, before, i } = rows(8);
    const { ii } = s.split(i, { io: "rest", ii: 8 }, { tail: "shift" });
    s.vectorize(ii);
    same(s, before, [{ n: 8 }, { n: 9 }, { n: 15 }, { n: 16 }, { n: 37 }]);
    expect(nest(s)).toMatchInlineSnapshot(`
      "for io in (n + 7) // 8:
        vectorized ii in 8:
          block Y(vi = ii + min(io * 8, n - 8)):
            Y[vi] = X[vi] * 2.0"
    `);
    const stages: string[] = [];
    lowerFunc(s.func, wasm(), { onStage: (name, f) => name === "partition loops" && stages.push(printFunc(f)) });
    // dense vectors, and no guard in the loop
    expect(stages[0]).toMatchInlineSnapshot(`
      "func Y(n, X: f32[n]) -> Y: f32[n]:
        for io in n // 8:
          vectorized ii in 8:
            Y[io * 8 + ii] = X[io * 8 + ii] * 2.0
        if n // 8 < (n + 7) // 8:
          vectorized ii in 8:
            Y[ii + n - 8] = X[ii + n - 8] * 2.0"
    `);
  });
  test("several parts, and a loop that divides", () => {
    const { s, before, j, C } = gemm(10, 29, 3);
    s.split(j, { jo: "rest", jm: 3, ji: 4 }, { tail: "shift" });
    const { i } = s.loops(C);
    s.split(i, { io: "rest", ii: 5 }, { tail: "shift" });
    same(s, before);
    expect(nest(s)).toMatchInlineSnapshot(`
      "for io in 2:
        for ii in 5:
          for jo in 3:
            for jm in 3:
              for ji in 4:
                for k in 3:
                  block C(vi = io * 5 + ii, vj = jm * 4 + ji + min(jo * 12, 17), vk (reduce) = k):
                    init:
                      C[vi, vj] = 0.0
                    C[vi, vj] = C[vi, vj] + A[vi, vk] * B[vk, vj]"
    `);
  });
  test("register tiles without remainders, copied out as soon as they are done", () => {
    const { B, C, s, before, i, j, k } = gemm();
    const { copy } = s.cacheWrite(C, "local");
    const { io, ii } = s.split(i, { io: "rest", ii: 4 }, { tail: "shift" });
    const { jo, ji } = s.split(j, { jo: "rest", ji: 8 }, { tail: "shift" });
    s.reorder(jo, io, k, ii, ji);
    pack(s, C, B, jo);
    s.reverseComputeAt(copy, io);
    const init = s.decomposeReduction(C, k);
    for (const b of [C, init, copy]) unrollAndVectorize(s, b);
    same(s, before);
    expect(nest(s)).toMatchInlineSnapshot(`
      "for jo in 2:
        for k in 7:
          for j in 8:
            block B.workspace(vk = k, vj = j + min(jo * 8, 5)):
              B.workspace[vk, vj] = B[vk, vj]
        for io in 3:
          unrolled ii in 4:
            vectorized ji in 8:
              block C.init(vi = ii + min(io * 4, 6), vj_1 = ji + min(jo * 8, 5)):
                C.local[vi, vj_1] = 0.0
          for k_1 in 7:
            unrolled ii_1 in 4:
              vectorized ji_1 in 8:
                block C(vi_1 = ii_1 + min(io * 4, 6), vj_2 = ji_1 + min(jo * 8, 5), vk_1 (reduce) = k_1):
                  C.local[vi_1, vj_2] = C.local[vi_1, vj_2] + A[vi_1, vk_1] * B.workspace[vk_1, vj_2]
          unrolled i in 4:
            vectorized j_1 in 8:
              block C.copy(vi_2 = i + min(io * 4, 6), vj_3 = j_1 + min(jo * 8, 5)):
                C[vi_2, vj_3] = C.local[vi_2, vj_3]"
    `);
  });
  test("an init in the same iteration starts the sum anew", () => {
    const { C, s, before, i, k } = gemm();
    s.decomposeReduction(C, k);
    const [outer] = s.loopList(C);
    s.split(outer!, { io: "rest", ii: 4 }, { tail: "shift" });
    same(s, before);
    expect(i.name).toBe("i");
  });
  test("columns of a scan", () => {
    const X = placeholder("X", { t: 5, i: 10 });
    const S = scan(
      "S",
      { t: 5 },
      { i: 10 },
      {
        init: ({ i }) => X.at(0, i),
        step: ({ t, i }, prev) => prev(i).add(X.at(t, i)),
      },
    );
    const s = schedule(S);
    const before = s.func;
    const { t, i } = s.loops(S);
    expect(() => s.split(i, { io: "rest", ii: 4 }, { tail: "shift" })).toThrow("split, condition 7");
    s.reorder(i, t);
    s.split(i, { io: "rest", ii: 4 }, { tail: "shift" });
    same(s, before);
  });
});

describe("pad", () => {
  test("not around a block that would read once more what an iteration before computed", () => {
    const X = placeholder("X", [1]);
    const E = compute("E", { i: 1 }, ({ i }) => X.at(i).add(3));
    const Y = compute("Y", { i: 1 }, ({ i }) => E.at(i).mul(2));
    const s = schedule(Y);
    const { i } = s.loops(E);
    s.reverseComputeAt(Y, i);
    const before = `${s}`;
    expect(() => s.split(i, { io: "rest", ii: 8 }, { tail: "pad" })).toThrow(
      /can't prove that E has computed what Y reads/,
    );
    expect(`${s}`).toBe(before);
  });
  test("what is added is stored where there is a place for it", () => {
    const X = placeholder("X", [5, 5]);
    const E = compute("E", { i: 5, j: 5 }, ({ i, j }) => X.at(i, j).add(1));
    const Y = compute("Y", { i: 5, j: 5 }, ({ i, j }) => E.at(i, j).mul(2));
    const s = schedule(Y);
    const before = s.func;
    const copy = s.cacheRead(E, X, "workspace");
    // longer than what it becomes part of, so that a test guards its stores
    s.split(s.ownLoops(copy)[1]!, { jo: "rest", ji: 4 }, { tail: "pad" });
    s.reverseComputeInline(E);
    s.pad(E, s.ownLoops(E)[0]!, 2, 1);
    same(s, before);
  });
  test("a product of whole tiles: operands, accumulators and sum", () => {
    const { A, B, C, s, before, i, j, k } = gemm();
    const [a, b] = [s.cacheRead(C, A, "workspace"), s.cacheRead(C, B, "workspace")];
    const { copy } = s.cacheWrite(C, "local");
    const [la, lb] = [s.loops(a), s.loops(b)];
    s.pad(a, la.i, 4);
    s.pad(a, la.k, 4);
    s.pad(b, lb.k, 4);
    s.pad(b, lb.j, 8);
    s.pad(C, i, 4);
    s.pad(C, j, 8);
    s.pad(C, k, 4);
    same(s, before);
    const { io, ii } = s.split(i, { io: "rest", ii: 4 });
    const { jo, ji } = s.split(j, { jo: "rest", ji: 8 });
    s.reorder(jo, io, k, ii, ji);
    s.computeAt(b, jo);
    s.reverseComputeAt(copy, io);
    const init = s.decomposeReduction(C, k);
    for (const x of [C, init, copy]) unrollAndVectorize(s, x);
    same(s, before);
    expect(`${s}`).toMatchInlineSnapshot(`
      "func C(A: f32[10, 7], B: f32[7, 13]) -> C: f32[10, 13]:
        buffer A.workspace: f32[12, 8] in workspace
        buffer B.workspace: f32[8, 16] in workspace
        buffer C.local: f32[12, 16] in local
        for i in 12:
          for k in 8:
            block A.workspace(vi = i, vk = k):
              A.workspace[vi, vk] = where(vk < 7, where(vi < 10, A[vi, vk], 0.0), 0.0)
        for jo in 2:
          for k_1 in 8:
            for j in 8:
              block B.workspace(vk_1 = k_1, vj = jo * 8 + j):
                B.workspace[vk_1, vj] = where(vj < 13, where(vk_1 < 7, B[vk_1, vj], 0.0), 0.0)
          for io in 3:
            unrolled ii in 4:
              vectorized ji in 8:
                block C.init(vi_1 = io * 4 + ii, vj_1 = jo * 8 + ji):
                  C.local[vi_1, vj_1] = 0.0
            for k_2 in 8:
              unrolled ii_1 in 4:
                vectorized ji_1 in 8:
                  block C(vi_2 = io * 4 + ii_1, vj_2 = jo * 8 + ji_1, vk_2 (reduce) = k_2):
                    C.local[vi_2, vj_2] = C.local[vi_2, vj_2] + A.workspace[vi_2, vk_2] * B.workspace[vk_2, vj_2]
            unrolled i_1 in 4:
              vectorized j_1 in 8:
                block C.copy(vi_3 = io * 4 + i_1, vj_3 = jo * 8 + j_1) if io * 4 + i_1 < 10 & jo * 8 + j_1 < 13:
                  C[vi_3, vj_3] = C.local[vi_3, vj_3]"
    `);
    replays(s, () => gemm().s);
  });
  test("with a size that is known at run time", () => {
    const n = dim("n", { min: 0, max: 40 });
    const X = placeholder("X", { i: 5, k: n });
    const Y = compute("Y", { i: 5 }, ({ i }) => sum({ k: n }, ({ k }) => X.at(i, k)));
    const s = schedule(Y);
    const before = s.func;
    const copy = s.cacheRead(Y, X, "workspace");
    s.pad(copy, s.loops(copy).k, 8);
    s.pad(Y, s.loops(Y).k, 8);
    s.split(s.loops(Y).k, { ko: "rest", ki: 8 });
    same(s, before, [{ n: 0 }, { n: 1 }, { n: 8 }, { n: 13 }]);
    expect(`${s}`).toMatchInlineSnapshot(`
      "func Y(n, X: f32[5, n]) -> Y: f32[5]:
        buffer X.workspace: f32[5, (n + 7) // 8 * 8] in workspace
        for i in 5:
          for k in (n + 7) // 8 * 8:
            block X.workspace(vi = i, vk = k):
              X.workspace[vi, vk] = where(vk < n, X[vi, vk], 0.0)
        for i_1 in 5:
          for ko in (n + 7) // 8:
            for ki in 8:
              block Y(vi_1 = i_1, vk_1 (reduce) = ko * 8 + ki):
                init:
                  Y[vi_1] = 0.0
                Y[vi_1] = Y[vi_1] + X.workspace[vi_1, vk_1]"
    `);
  });
  test("the value must be neutral for who reads it", () => {
    const X = placeholder("X", { i: 5, k: 6 });
    const Y = compute("Y", { i: 5 }, ({ i }) => max({ k: 6 }, ({ k }) => X.at(i, k)));
    const make = () => schedule(Y);
    const s = make();
    const copy = s.cacheRead(Y, X, "workspace");
    s.pad(copy, s.loops(copy).k, 4, -Infinity);
    s.pad(Y, s.loops(Y).k, 4);
    same(s, make().func);
    expect(formatTrace(s.trace)).toContain("-Infinity");
    const again = replay(JSON.parse(JSON.stringify(s.trace)), make());
    expect(`${again}`).toBe(`${s}`);
    // through a function that takes 0 to something else
    const E = compute("E", { i: 5, k: 6 }, ({ i, k }) => X.at(i, k).add(1));
    const Z = compute("Z", { i: 5 }, ({ i }) => sum({ k: 6 }, ({ k }) => E.at(i, k)));
    const t = schedule(Z);
    const input = t.cacheRead(E, X, "workspace");
    t.pad(input, t.loops(input).k, 4);
    t.computeInline(E);
    expect(() => t.pad(Z, t.loops(Z).k, 4)).toThrow(/would combine 1.0, which may change its result/);
  });
  test("a producer of padded values is asked what it makes of them", () => {
    const X = placeholder("X", { i: 5, k: 6 });
    const E = compute("E", { i: 5, k: 6 }, ({ i, k }) => X.at(i, k).mul(3));
    const Z = compute("Z", { i: 5 }, ({ i }) => sum({ k: 6 }, ({ k }) => E.at(i, k).neg()));
    const s = schedule(Z);
    const before = s.func;
    s.pad(E, s.loops(E).k, 4);
    s.pad(Z, s.loops(Z).k, 4);
    same(s, before);
  });
  test("products that aren't certainly 0 are refused", () => {
    const { A, B, C, s, k } = gemm();
    const [a, b] = [s.cacheRead(C, A, "workspace"), s.cacheRead(C, B, "workspace")];
    s.pad(a, s.loops(a).k, 4);
    const u = s.copy();
    u.pad(b, u.loops(b).k, 4, Infinity);
    expect(() => u.pad(C, k, 4)).toThrow(/would combine NaN/);
    s.pad(b, s.loops(b).k, 4, 5);
    expect(() => s.pad(C, k, 4)).not.toThrow();
    const t = gemm();
    const c = t.s.cacheRead(t.C, t.A, "workspace");
    t.s.pad(c, t.s.loops(c).k, 4);
    expect(() => t.s.pad(t.C, t.k, 4)).toThrow("pad, condition 5");
  });
  test("several results of one reduction", () => {
    const X = placeholder("X", { i: 6, k: 5 });
    const R = compute("R", { i: 6 }, ({ i }) => {
      const [s, q] = reduce(
        { k: 5 },
        {
          values: ({ k }) => [X.at(i, k), X.at(i, k).mul(X.at(i, k))],
          combine: (a, b) => [a[0].add(b[0]), a[1].add(b[1])],
          identity: [0, 0],
        },
      );
      return { s, q };
    });
    const Y = compute("Y", { i: 6 }, ({ i }) => R.s.at(i).sub(R.q.at(i)));
    const s = schedule(Y);
    const before = s.func;
    const copy = s.cacheRead(R.s, X, "workspace");
    for (const l of s.loopList(copy)) s.pad(copy, l, 4);
    const { i, k } = s.loops(R.s);
    s.pad(R.s, i, 4);
    s.pad(R.s, k!, 4);
    same(s, before);
    expect(`${s}`).toMatchInlineSnapshot(`
      "func Y(X: f32[6, 5]) -> Y: f32[6]:
        buffer R.s: f32[8]
        buffer R.q: f32[8]
        buffer X.workspace: f32[8, 8] in workspace
        for i in 8:
          for k in 8:
            block X.workspace(vi = i, vk = k):
              X.workspace[vi, vk] = where(vk < 5, where(vi < 6, X[vi, vk], 0.0), 0.0)
        for i_1 in 8:
          for k_1 in 8:
            block R(vi_1 = i_1, vk_1 (reduce) = k_1):
              init:
                R.s[vi_1] = 0.0
                R.q[vi_1] = 0.0
              let new.R.s = R.s[vi_1] + X.workspace[vi_1, vk_1]
              let new.R.q = R.q[vi_1] + X.workspace[vi_1, vk_1] * X.workspace[vi_1, vk_1]
              R.s[vi_1] = new.R.s
              R.q[vi_1] = new.R.q
        for i_2 in 6:
          block Y(vi_2 = i_2):
            Y[vi_2] = R.s[vi_2] - R.q[vi_2]"
    `);
  });
  test("a body of loops, whatever it computes", () => {
    const X = placeholder("X", { y: 6, x: 5 });
    const twice = handwritten(
      "twice",
      { reads: [X], axes: { y: 6 }, results: { shape: { x: 5 }, dtype: "f32" } },
      ({ y }, out, b) => b.for("x", 5, (x) => b.if(X.at(y, x).gt(1), () => out.store([x], X.at(y, x).mul(2)))),
    );
    const Z = compute("Z", { y: 6 }, ({ y }) => sum({ k: 5 }, ({ k }) => twice.at(y, k)));
    const s = schedule(Z);
    const before = s.func;
    s.pad(twice, s.loops(twice).y, 4, 1);
    same(s, before);
    expect(nest(s)).toMatchInlineSnapshot(`
      "for y in 8:
        block twice(vy = y):
          if vy < 6:
            for z0 in 5:
              twice[vy, z0] = 0.0
            for x in 5:
              if X[vy, x] > 1.0:
                twice[vy, x] = X[vy, x] * 2.0
          else:
            for z0_1 in 5:
              twice[vy, z0_1] = 1.0
            for x_1 in 5:
              twice[vy, x_1] = 1.0
      for y_1 in 6:
        for k in 5:
          block Z(vy_1 = y_1, vk (reduce) = k):
            init:
              Z[vy_1] = 0.0
            Z[vy_1] = Z[vy_1] + twice[vy_1, vk]"
    `);
  });
});

describe("split with the tail pad", () => {
  test("pads every block below, then divides", () => {
    const X = placeholder("X", { y: 10, x: 6 });
    const T = compute("T", { y: 10, x: 6 }, ({ y, x }) => X.at(y, x).mul(2));
    const Y = compute("Y", { y: 10, x: 6 }, ({ y, x }) => T.at(y, x).add(1));
    const Z = compute("Z", { y: 10, x: 6 }, ({ y, x }) => Y.at(y, x).add(T.at(y, x)));
    const s = schedule(Z);
    const before = s.func;
    const { y } = s.loops(T);
    s.reverseComputeAt(Y, y);
    s.split(y, { yo: "rest", yi: 4 }, { tail: "pad" });
    same(s, before);
    expect(`${s}`).toMatchInlineSnapshot(`
      "func Z(X: f32[10, 6]) -> Z: f32[10, 6]:
        buffer T: f32[12, 6]
        buffer Y: f32[12, 6]
        for yo in 3:
          for yi in 4:
            for x in 6:
              block T(vy = yo * 4 + yi, vx = x):
                T[vy, vx] = where(vy < 10, X[vy, vx] * 2.0, 0.0)
            for x_1 in 6:
              block Y(vy_1 = yo * 4 + yi, vx_1 = x_1):
                Y[vy_1, vx_1] = where(vy_1 < 10, T[vy_1, vx_1] + 1.0, 0.0)
        for y in 10:
          for x_2 in 6:
            block Z(vy_2 = y, vx_2 = x_2):
              Z[vy_2, vx_2] = Y[vy_2, vx_2] + T[vy_2, vx_2]"
    `);
  });
});
