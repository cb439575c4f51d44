import { describe, expect, test } from "vitest";
import { printFunc } from "../../src/ir/index.ts";
import {
  addAll,
  argmax,
  asserted,
  compute,
  constantEdge,
  createFunc,
  dim,
  einsum,
  lit,
  max,
  mirrorEdge,
  placeholder,
  reachable,
  reduce,
  repeatEdge,
  scalar,
  scan,
  sum,
  type Tensor,
  tensorOf,
  where,
  wrapEdge,
} from "../../te/index.ts";

const text = (...outputs: Tensor[]): string => printFunc(createFunc(outputs).func);
const A = placeholder("A", [16, 8]);
const B = placeholder("B", [8, 4]);
const n = dim("n");
const X = placeholder("X", [n, 64]);

describe("loop nests", () => {
  test("element by element", () => {
    const R = compute("R", A.shape, (...v) => A.at(...v).max(0));
    expect(text(R)).toBe(`func R(A: f32[16, 8]) -> R: f32[16, 8]:
  for i0 in 16:
    for i1 in 8:
      block R(vi0 = i0, vi1 = i1):
        R[vi0, vi1] = max(A[vi0, vi1], 0.0)`);
  });
  test("a body that is a reduction accumulates in place", () => {
    const C = compute("C", { i: 16, j: 4 }, ({ i, j }) => sum({ k: 8 }, ({ k }) => A.at(i, k).mul(B.at(k, j))));
    expect(text(C)).toBe(`func C(A: f32[16, 8], B: f32[8, 4]) -> C: f32[16, 4]:
  for i in 16:
    for j in 4:
      for k in 8:
        block C(vi = i, vj = j, vk (reduce) = k):
          init:
            C[vi, vj] = 0.0
          C[vi, vj] = C[vi, vj] + A[vi, vk] * B[vk, vj]`);
    const { blocks } = createFunc([C]);
    expect(blocks.get(C)).toEqual({ main: { name: "C" }, reductions: [{ name: "C" }] });
    expect(blocks.get(C)!.main).toBe(blocks.get(C)!.reductions[0]);
    const E = einsum("C", "i k, k j -> i j", A, B);
    expect(text(E)).toBe(text(C));
  });
  test("a reduction inside arithmetic gets an epilogue", () => {
    const D = compute("D", { i: 16 }, ({ i }) => sum({ k: 8 }, ({ k }) => A.at(i, k)).mul(0.125));
    expect(text(D)).toBe(`func D(A: f32[16, 8]) -> D: f32[16]:
  buffer D.acc: f32[16]
  for i in 16:
    for k in 8:
      block D.acc(vi = i, vk (reduce) = k):
        init:
          D.acc[vi] = 0.0
        D.acc[vi] = D.acc[vi] + A[vi, vk]
  for i_1 in 16:
    block D.out(vi_1 = i_1):
      D[vi_1] = D.acc[vi_1] * 0.125`);
    const b = createFunc([D]).blocks.get(D)!;
    expect([b.main.name, b.epilogue?.name]).toEqual(["D.acc", "D.out"]);
  });
  test("two reductions: the tensor means the epilogue", () => {
    const V = compute("V", { i: 16 }, ({ i }) =>
      max({ k: 8 }, ({ k }) => A.at(i, k)).sub(sum({ k: 8 }, ({ k }) => A.at(i, k))),
    );
    const b = createFunc([V]).blocks.get(V)!;
    expect(b.main.name).toBe("V.out");
    expect(b.reductions.map((r) => r.name)).toEqual(["V.acc0", "V.acc1"]);
  });
  test("argmax: the index accumulates in the output, its value beside it; a condition becomes an if", () => {
    const am = compute("am", { i: 16 }, ({ i }) =>
      argmax({ k: 8 }, ({ k }) => A.at(i, k), { where: ({ k }) => k.ne(3) }),
    );
    const { func, blocks } = createFunc([am]);
    expect(func.intermediates.map((b) => `${b.name}: ${b.dtype}`)).toEqual(["am.acc_0: f32"]);
    expect(blocks.get(am)).toEqual({ main: { name: "am" }, reductions: [{ name: "am" }] });
    const t = printFunc(func);
    expect(t).toContain("if vk != 3:");
    expect(t).toMatch(
      /let new\.am\.acc_0 = .*\n.*let new\.am = .*\n.*am\.acc_0\[vi\] = new\.am\.acc_0\n.*am\[vi\] = new\.am/,
    );
  });
  test("several results of one reduction share a block", () => {
    const R = compute("R", { i: 16 }, ({ i }) => {
      const [s, q] = reduce(
        { k: 8 },
        {
          values: ({ k }) => [A.at(i, k), A.at(i, k).mul(A.at(i, k))],
          combine: (a, b) => [a[0].add(b[0]), a[1].add(b[1])],
          identity: [0, 0],
        },
      );
      return { s, q };
    });
    const { func, blocks } = createFunc([R.s, R.q]);
    expect(func.intermediates).toEqual([]);
    expect(blocks.get(R.s)!.main).toBe(blocks.get(R.q)!.main);
    expect(blocks.get(R.s)!.main.name).toBe("R");
    // asked for alone, the other one is an intermediate
    expect(createFunc([R.q]).func.intermediates.map((b) => b.name)).toEqual(["R.s"]);
    expect(R.s.source).toBe(R.q.source);
  });
  test("results of which one needs an epilogue", () => {
    const R = compute("R", { i: 16 }, ({ i }) => {
      const m = max({ k: 8 }, ({ k }) => A.at(i, k));
      return { m, twice: m.mul(2), none: i };
    });
    const { func, blocks } = createFunc([R.m, R.twice, R.none]);
    expect(func.intermediates).toEqual([]);
    expect(blocks.get(R.m)).toEqual({ main: { name: "R" }, reductions: [{ name: "R" }] });
    expect(blocks.get(R.twice)).toEqual({
      main: { name: "R" },
      epilogue: { name: "R.out" },
      reductions: [{ name: "R" }],
    });
    expect(blocks.get(R.none)).toEqual({ main: { name: "R.out" }, epilogue: { name: "R.out" }, reductions: [] });
  });
  test("rank 0", () => {
    const total = compute("total", [], () => sum({ i: 16, k: 8 }, ({ i, k }) => A.at(i, k)));
    expect(text(total)).toContain("total[] = total[] + A[vi, vk]");
    const half = compute("half", {}, () => total.at().mul(0.5));
    expect(text(half)).toContain("  block half():\n    half[] = total[] * 0.5");
  });
  test("scan", () => {
    const S = scan(
      "S",
      { t: n },
      { i: 64 },
      {
        init: ({ i }) => X.at(0, i),
        step: ({ t, i }, prev) => prev(i).add(X.at(t, i)),
      },
    );
    expect(text(S)).toBe(`func S(n, X: f32[n, 64]) -> S: f32[n, 64]:
  for t in n:
    for i in 64:
      block S(vt (ordered) = t, vi = i):
        S[vt, vi] = where(vt == 0, X[0, vi], S[vt - 1, vi] + X[vt, vi])`);
    expect(S.axes).toEqual(["t", "i"]);
    expect(reachable([S]).map((t) => t.name)).toEqual(["X", "S"]);
  });
  test("scan of two states, read by name, beyond its neighbours through where", () => {
    const F = scan(
      "F",
      { t: 20 },
      { i: 8 },
      {
        init: ({ i }) => ({ a: i, b: i.add(1) }),
        step: ({ i }, prev) => ({ a: prev.b({ i }), b: where(i.ge(1), prev.a(i.sub(1)), 0).add(prev.b(i)) }),
      },
    );
    const { func, blocks } = createFunc([F.b]);
    expect(func.intermediates.map((b) => b.name)).toEqual(["F.a"]);
    expect(blocks.get(F.a)!.main).toBe(blocks.get(F.b)!.main);
    expect(printFunc(func)).toMatch(/let new\.F\.a = .*\n.*let new\.F\.b = .*\n.*F\.a\[vt, vi\] = new\.F\.a/);
    expect(() => scan("G", { t: 20 }, { i: 8 }, { init: ({ i }) => i, step: ({ i }, prev) => prev(i.sub(1)) })).toThrow(
      /index 1 of "G", i - 1, can't be proven to be at least 0/,
    );
  });
});

describe("functions", () => {
  test("producers first; an output that is read by others; parameters in order of first use", () => {
    const m = dim("m");
    const Y = placeholder("Y", [m, n]);
    const s = scalar("s", "f64");
    const P = compute("P", { i: m, j: n }, ({ i, j }) => Y.at(i, j).cast("f64").mul(s));
    const R = compute("R", { j: n }, ({ j }) => where(m.gt(0), P.at(0, j), 0).add(1));
    const { func } = createFunc([R, P], "both");
    expect(func.name).toBe("both");
    expect(func.outputs.map((b) => b.name)).toEqual(["R", "P"]);
    expect(func.inputs.map((b) => b.name)).toEqual(["Y"]);
    expect(func.sizes.map((v) => v.name)).toEqual(["m", "n"]);
    expect(func.scalars.map((v) => v.name)).toEqual(["s"]);
    expect(reachable([R, P]).map((t) => t.name)).toEqual(["Y", "P", "R"]);
    expect(tensorOf(P.buffer)).toBe(P);
  });
  test("intermediates of one name get blocks of different names", () => {
    const step = (t: typeof A | ReturnType<typeof once>) => once(t as typeof A);
    const once = (t: typeof A) => compute("relu", t.shape, (...v) => t.at(...v).max(0));
    const { func } = createFunc([compute("out", A.shape, (i, j) => step(step(A)).at(i, j))]);
    expect(printFunc(func)).toContain("block relu_1(");
  });
  test("strides", () => {
    const pitch = dim("pitch");
    const img = placeholder("img", { y: 4, x: 3 }, "u8", { strides: [pitch, 4] });
    const R = compute("R", { y: 4, x: 3 }, ({ y, x }) => img.at({ x, y }));
    expect(text(R)).toContain("func R(pitch, img: u8[4, 3] strides [pitch, 4]) -> R: u8[4, 3]:");
  });
});

describe("reads", () => {
  const idx = placeholder("idx", [10], "i32");
  test("an index from data is clamped, unless asserted; in an empty tensor there is nothing to clamp to", () => {
    const G = compute("G", { i: 10, j: 8 }, ({ i, j }) => A.at(idx.at(i), j));
    expect(text(G)).toContain("A[max(min(idx[vi], 15), 0), vj]");
    const H = compute("H", { i: 10, j: 8 }, ({ i, j }) => A.at(asserted(idx.at(i)), j));
    expect(text(H)).toContain("A[idx[vi], vj]");
    const I = compute("I", { i: 10 }, ({ i }) => X.at(idx.at(i), 0));
    expect(text(I)).toContain("where(n > 0, X[max(min(idx[vi], n - 1), 0), 0], 0.0)");
    const lut = placeholder("lut", [256], "u8");
    const img = placeholder("img", [10], "u8");
    const L = compute("L", { i: 10 }, ({ i }) => lut.at(img.at(i).cast("i32")));
    expect(text(L)).toContain("lut[i32(img[vi])]");
  });
  test("conditions around a read count: where, its other side, reductions, and nesting", () => {
    compute("D", { i: 16, j: 8 }, ({ i, j }) => where(j.ge(1).and(i.lt(10)), A.at(i.add(6), j.sub(1)), 0));
    compute("D", { i: 16, j: 8 }, ({ i, j }) => where(j.lt(1), 0, A.at(i, j.sub(1))));
    compute("D", { i: 16, j: 8 }, ({ i, j }) => where(j.lt(1).or(i.gt(3)), 0, A.at(i.add(2), j.sub(1))));
    compute("D", { i: 16 }, ({ i }) =>
      sum({ k: 8 }, ({ k }) => A.at(i.add(k), k), { where: ({ k }) => i.add(k).lt(16) }),
    );
    compute("D", { y: n.sub(2), x: 64 }, ({ y, x }) => addAll([0, 1, 2].map((d) => X.at(y.add(d), x))));
  });
  test("a condition on wrapping data proves nothing but itself", () => {
    const safe = compute("D", { i: 10 }, ({ i }) => {
      const p = idx.at(i).add(5);
      return constantEdge(A, -1).at(p, 0);
    });
    expect(text(safe)).toContain("where(idx[vi] + 5 >= 0 & idx[vi] + 5 < 16, A[idx[vi] + 5, 0], -1.0)");
    const clamped = compute("D", { i: 10 }, ({ i }) => where(idx.at(i).add(5).lt(16), A.at(idx.at(i), 0), 0));
    expect(text(clamped)).toContain("A[max(min(idx[vi], 15), 0), 0]");
  });
  test("an index may be a reduction of the same body", () => {
    const D = compute("D", { i: 16 }, ({ i }) =>
      A.at(
        i,
        argmax({ k: 8 }, ({ k }) => A.at(i, k)),
      ),
    );
    expect(text(D)).toContain("D[vi_1] = A[vi_1, max(min(D.acc_1[vi_1], 7), 0)]");
  });
  test("proofs don't trust arithmetic on data not to wrap around", () => {
    const D = compute("D", { i: 10 }, ({ i }) => A.at(0, idx.at(i).mul(10).add(3).mod(10)));
    expect(text(D)).toContain("A[0, max(min((idx[vi] * 10 + 3) % 10, 7), 0)]");
  });
  test("edges", () => {
    const of = (r: { at: typeof A.at }) => text(compute("D", { i: 16, j: 8 }, ({ i, j }) => r.at(i.sub(1), j)));
    expect(of(constantEdge(A, 7))).toContain("where(vi - 1 >= 0, A[vi - 1, vj], 7.0)");
    expect(of(repeatEdge(A))).toContain("A[max(min(vi - 1, 15), 0), vj]");
    expect(of(wrapEdge(A))).toContain("A[(vi - 1) % 16, vj]");
    expect(of(mirrorEdge(A))).toContain("(vi - 1) % (16 * 2)");
    for (const edge of [constantEdge(X, 0), repeatEdge(X), wrapEdge(X), mirrorEdge(X), mirrorEdge(X, { edge: "once" })])
      compute("D", { y: n, x: 64 }, ({ y, x }) => edge.at(y.add(3), x.sub(70)));
  });
});

test("equal combiners are one object, so equal reductions are one node", () => {
  const make = () =>
    reduce(
      { k: 8 },
      { values: ({ k }) => [A.at(0, k)], combine: (a, b) => [a[0].max(b[0])], identity: [Number.NEGATIVE_INFINITY] },
    )[0].node;
  const [a, b] = [make(), make()];
  expect(a.kind === "reduce" && b.kind === "reduce" && a.combiner === b.combiner).toBe(true);
});
test("a long chain stays fast", () => {
  const start = performance.now();
  compute("D", { i: 16, j: 8 }, ({ i, j }) => {
    let e = A.at(i, j);
    for (let t = 0; t < 300; t++) e = e.mul(e).add(lit(t, "f32"));
    return e;
  });
  expect(performance.now() - start).toBeLessThan(2000);
});
