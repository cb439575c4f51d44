import { describe, expect, test } from "vitest";
import { type Loop, schedule } from "../../schedule/index.ts";
import { type Quantities, quantitiesOf, show } from "../../src/inspect/index.ts";
import { compute, dim, type Extent, nest, placeholder, sum } from "../../te/index.ts";

function gemm(M: Extent, N: Extent, K: Extent) {
  const A = placeholder("A", [M, K]);
  const B = placeholder("B", [K, N]);
  const C = compute("C", { i: M, j: N }, ({ i, j }) => sum({ k: K }, ({ k }) => A.at(i, k).mul(B.at(k, j))));
  return { A, B, C };
}
const blur = () => {
  const X = placeholder("X", [18, 32], "u16");
  const a = compute("a", { y: 18, x: 30 }, ({ y, x }) => X.at(y, x).add(X.at(y, x.add(2))));
  const b = compute("b", { y: 16, x: 30 }, ({ y, x }) => a.at(y, x).add(a.at(y.add(2), x)));
  return { a, b };
};
/** What each loop says, by name. */
const levels = (q: Quantities) =>
  Object.fromEntries(
    [...q.loops.values()].map((l) => [
      l.loop.var.name,
      {
        runs: l.runs,
        extent: l.extent,
        ops: l.ops,
        bytes: l.bytes,
        touched: Object.fromEntries(l.touched.map((t) => [t.buffer.name, t.shape.join("x")])),
      },
    ]),
  );

describe("quantities", () => {
  test("of a plain matrix product, loop by loop", () => {
    const q = quantitiesOf(schedule(gemm(8, 16, 32).C).func);
    expect(levels(q)).toEqual({
      i: {
        runs: 1,
        extent: 8,
        ops: 8192,
        bytes: 4 * (8 * 32 + 32 * 16 + 8 * 16),
        touched: { A: "8x32", B: "32x16", C: "8x16" },
      },
      j: {
        runs: 8,
        extent: 16,
        ops: 1024,
        bytes: 4 * (32 + 32 * 16 + 16),
        touched: { A: "1x32", B: "32x16", C: "1x16" },
      },
      k: { runs: 128, extent: 32, ops: 64, bytes: 4 * (32 + 32 + 1), touched: { A: "1x32", B: "32x1", C: "1x1" } },
    });
    expect(q.whole.intensity).toBeCloseTo(8192 / 3584, 9);
    expect(q.buffers.map((b) => [b.buffer.name, b.bytes])).toEqual([
      ["A", 1024],
      ["B", 2048],
      ["C", 512],
    ]);
  });
  test("bytes of intermediates are those of the place they get", () => {
    const { a, b } = blur();
    const s = schedule(b);
    const bytes = () => quantitiesOf(s.func).buffers.find((x) => x.buffer.name === "a")!.bytes;
    expect(bytes()).toBe(18 * 30 * 2);
    s.computeAt(a, s.loops(b).y);
    expect(bytes()).toBe(3 * 30 * 2);
  });
  test("what is made and used up inside does not cross a level", () => {
    const { a, b } = blur();
    const s = schedule(b);
    s.computeAt(a, s.loops(b).y);
    const { y } = s.loops(b);
    const level = quantitiesOf(s.func).loops.get(y.var)!;
    expect(level.touched.map((t) => [t.buffer.name, t.inside, t.read, t.written])).toEqual([
      ["X", false, true, false],
      ["a", true, true, true],
      ["b", false, false, true],
    ]);
    expect(level.bytes).toBe(2 * (18 * 32 + 16 * 30));
  });
  test("points that guards leave out are not counted", () => {
    const { C } = gemm(10, 7, 4);
    const s = schedule(C);
    s.split(s.loops(C).i, { io: "rest", ii: 4 });
    s.split(s.loops(C).j, { jo: "rest", ji: 8 });
    const q = [...quantitiesOf(s.func).blocks.values()][0]!;
    expect([q.points, q.domain, q.ops]).toEqual([10 * 7 * 4, 10 * 7 * 4, 2]);
  });
  test("of large loops, each by itself", () => {
    const { C } = gemm(1001, 1003, 1009);
    const s = schedule(C);
    const { i, j, k } = s.loops(C);
    s.split(i, { io: "rest", ii: 64 });
    s.split(j, { jo: "rest", ji: 64 });
    s.split(k, { ko: "rest", ki: 64 });
    const q = [...quantitiesOf(s.func).blocks.values()][0]!;
    expect(q.points / q.domain).toBeCloseTo(1, 12);
  });
  test("of conditions that speak of the same loops", () => {
    const X = placeholder("X", [40]);
    const a = compute("a", { i: 40 }, ({ i }) => X.at(i).mul(2));
    const b = compute("b", { i: 40 }, ({ i }) => a.at(i).add(1));
    const s = schedule(b);
    const { io } = s.split(s.loops(b).i, { io: "rest", ii: 16 });
    s.computeAt(a, io);
    const { ii } = s.split(s.loopList(a).at(-1)!, { id: "rest", ii: 3 }) as { ii: Loop };
    s.split(ii, { ie: "rest", ij: 2 });
    for (const q of quantitiesOf(s.func).blocks.values())
      expect([q.block.id.name, q.points]).toEqual([q.block.id.name, 40]);
  });
  test("a side of a branch that these sizes never take does not run", () => {
    const n = dim("n", { typical: 64 });
    const X = placeholder("X", [n]);
    const Y = compute("Y", { i: n }, ({ i }) => X.at(i).mul(2));
    const s = schedule(Y);
    s.specialize(s.loops(Y).i, n.eq(64));
    const runs = (sizes: Record<string, number>) =>
      [...quantitiesOf(s.func, { sizes }).loops.values()].map((l) => l.runs);
    expect(runs({})).toEqual([1, 0]);
    expect(runs({ n: 65 })).toEqual([0, 1]);
    expect(
      show(s)
        .split("\n")
        .filter((l) => l.includes("for i")),
    ).toEqual([
      expect.stringMatching(/for i in 64: +# 1 x 64: 64 ops/),
      expect.stringMatching(/for i_1 in n: +# 0 x 64$/),
    ]);
  });
  test("of what is computed again", () => {
    const { a, b } = blur();
    const s = schedule(b);
    s.computeAt(a, s.loops(b).y);
    const q = [...quantitiesOf(s.func).blocks.values()].find((x) => x.block.id.name === "a")!;
    expect([q.points, q.domain]).toEqual([16 * 3 * 30, 18 * 30]);
  });
  test("multiply-adds are two operations, and moving data none", () => {
    const X = placeholder("X", [8]);
    const ops = (t: Parameters<typeof schedule>[0]) => [...quantitiesOf(schedule(t).func).blocks.values()][0]!.ops;
    expect(ops(compute("a", { i: 8 }, ({ i }) => X.at(i).fma(2, 1)))).toBe(2);
    expect(ops(compute("b", { i: 8 }, ({ i }) => X.at(i.add(0)).cast("i32")))).toBe(0);
    expect(ops(compute("c", { i: 8 }, ({ i }) => X.at(i).mul(X.at(i)).sqrt()))).toBe(2);
  });
});

describe("symbolic sizes", () => {
  const sym = () => gemm(dim("m", { typical: 100 }), dim("n"), 16).C;
  test("take the values given, or typical ones", () => {
    const q = quantitiesOf(schedule(sym()).func, { sizes: { n: 50 } });
    expect(q.whole.ops).toBe(2 * 100 * 50 * 16);
    expect(q.buffers.map((b) => b.bytes)).toEqual([100 * 16 * 4, 16 * 50 * 4, 100 * 50 * 4]);
  });
  test.each<[Record<string, number>, RegExp, string?]>([
    [{}, /size n is not known: give \{ sizes: \{ n: \.\.\. \} \}/],
    [{ n: 1, q: 2 }, /no size "q": there are m, n/],
    [{ n: 1.5 }, /size n is 1.5, not a whole number/],
    [{ n: -1 }, /size n is -1, but must be from 0/, "size-range"],
  ])("%j is refused", (sizes, message, code = "inspect-sizes") => {
    expect(() => quantitiesOf(schedule(sym()).func, { sizes })).toThrow(
      expect.objectContaining({ code, message: expect.stringMatching(message) }),
    );
  });
});

test("of a hand-written nest with memory of its own", () => {
  const n = dim("n", { typical: 8 });
  const X = placeholder("X", [n]);
  const Y = nest("Y", { reads: [X], results: { shape: { i: n }, dtype: "f32" } }, (_, out, b) => {
    const row = b.alloc("row", [n], "f32");
    b.for("x", n, (x) => row.store([n.sub(x.add(1))], X.at(x)));
    b.for("z", n, (z) => out.store([z], row.at(z)));
  });
  const { buffers, blocks } = quantitiesOf(schedule(Y).func);
  expect(buffers.map((b) => b.bytes)).toEqual([32, 32]);
  expect([...blocks.values()].map((b) => b.points)).toEqual([1]);
});

test("show writes them beside the loop nest", () => {
  const { B, C } = gemm(dim("m", { typical: 96 }), 64, 32);
  const s = schedule(C);
  const { i, j, k } = s.loops(C);
  const { jo, ji } = s.split(j, { jo: "rest", ji: 8 });
  s.reorder(jo, i, k, ji);
  s.computeAt(s.cacheRead(C, B, "workspace"), jo);
  expect(`\n${show(s)}\n`).toMatchInlineSnapshot(`
    "
    m = 96
    func C(m, A: f32[m, 32], B: f32[32, 64]) -> C: f32[m, 64]:
      buffer B.workspace: f32[32, 64] in workspace
      for jo in 8:                                                    # 1 x 8: 393 k ops, moves 44 KiB, 8.73 ops per byte
        for k in 32:                                                  # 8 x 32: moves 2 KiB
          for j in 8:                                                 # 256 x 8: moves 64 bytes
            block B.workspace(vk = k, vj = jo * 8 + j):               # 2.05 k points, 0 ops each
              B.workspace[vk, vj] = B[vk, vj]
        for i in m:                                                   # 8 x 96: 49.2 k ops, moves 16 KiB, 3 ops per byte
          for k_1 in 32:                                              # 768 x 32: 512 ops, moves 1.16 KiB, 0.432 ops per byte
            for ji in 8:                                              # 24.6 k x 8: 16 ops, moves 68 bytes, 0.235 ops per byte
              block C(vi = i, vj_1 = jo * 8 + ji, vk_1 (reduce) = k_1):  # 197 k points, 2 ops each
                init:
                  C[vi, vj_1] = 0.0
                C[vi, vj_1] = C[vi, vj_1] + A[vi, vk_1] * B.workspace[vk_1, vj_1]

    A: 12 KiB, 96 x 32 of 4 bytes
    B: 8 KiB, 32 x 64 of 4 bytes
    C: 24 KiB, 96 x 64 of 4 bytes
    B.workspace: 1 KiB in workspace, 32 x 8 of 4 bytes
    whole: 1 run: 393 k ops, moves 44 KiB, 8.73 ops per byte
    "
  `);
  expect(show(C, { sizes: { m: 7 } })).toContain("m = 7\n");
});

test("one is singular", () => {
  const X = placeholder("X", [3], "u8");
  const Y = compute("Y", { x: 1 }, ({ x }) => X.at(x).max(7));
  const text = show(schedule(Y));
  expect(text).toContain("1 point, 1 op each");
  expect(text).toContain("X: 3 bytes, 3 of 1 byte\n");
  expect(text).toContain("Y: 1 byte, 1 of 1 byte\n");
});
