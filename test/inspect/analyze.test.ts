import { describe, expect, test } from "vitest";
import { intrinsics } from "../../codegen/wasm/index.ts";
import { defaultSchedule } from "../../schedule/defaults/index.ts";
import { type Schedule, schedule } from "../../schedule/index.ts";
import { unrollAndVectorize } from "../../schedule/library/index.ts";
import { type AnalyzeOptions, analyze, type Warning } from "../../src/inspect/index.ts";
import { type Block, buffer, type For, replaceBuffers, seq, substituteStmt, variable } from "../../src/ir/index.ts";
import { wasm } from "../../src/target/index.ts";
import {
  addAll,
  compute,
  constantEdge,
  createFunc,
  dim,
  type Extent,
  lit,
  max,
  placeholder,
  scan,
  scatter,
  sum,
} from "../../te/index.ts";

function gemm(M: Extent, N: Extent, K: Extent) {
  const A = placeholder("A", [M, K]);
  const B = placeholder("B", [K, N]);
  const C = compute("C", { i: M, j: N }, ({ i, j }) => sum({ k: K }, ({ k }) => A.at(i, k).mul(B.at(k, j))));
  return { A, B, C };
}
/** A register tile of rows x columns over the whole reduction, as written by hand. */
function tiled(rows: number, columns: number, M = 120, N = 128) {
  const { C } = gemm(M, N, 64);
  const s = schedule(C);
  const { i, j, k } = s.loops(C);
  const { io, ii } = s.split(i, { io: "rest", ii: rows });
  const { jo, ji } = s.split(j, { jo: "rest", ji: columns });
  s.reorder(jo, io, k, ii, ji);
  const { copy } = s.cacheWrite(C, "local");
  s.reverseComputeAt(copy, io);
  const init = s.decomposeReduction(C, k);
  for (const b of [C, init, copy]) unrollAndVectorize(s, b);
  return { s, C, k, ii, ji, jo, copy };
}
function blur(H = 64, W = 256) {
  const X = placeholder("X", [H + 2, W + 2]);
  const a = compute("a", { y: H + 2, x: W }, ({ y, x }) =>
    X.at(y, x)
      .add(X.at(y, x.add(1)))
      .add(X.at(y, x.add(2))),
  );
  const b = compute("b", { y: H, x: W }, ({ y, x }) =>
    a
      .at(y, x)
      .add(a.at(y.add(1), x))
      .add(a.at(y.add(2), x)),
  );
  return { X, a, b };
}
const rows = (R: number, C: number) => {
  const X = placeholder("X", [R, C]);
  return { X, s: compute("s", { r: R }, ({ r }) => sum({ c: C }, ({ c }) => X.at(r, c))) };
};
const twice = (n: Extent) => {
  const X = placeholder("X", [n]);
  return { X, Y: compute("Y", { i: n }, ({ i }) => X.at(i).mul(2)) };
};

type Any = Schedule<unknown>;
const all = (s: unknown, options: AnalyzeOptions = {}): Warning[] => analyze(s as Any, wasm(), options);
const find = (s: unknown, code: string, options?: AnalyzeOptions): Warning | undefined =>
  all(s, options).find((w) => w.code === code);
const told = (w: Warning | undefined): string =>
  w
    ? [w.message, w.refs.join(" "), ...Object.entries(w.quantities).map(([n, q]) => `${n}: ${q.value} ${q.unit}`)].join(
        "\n",
      )
    : "";

describe("warnings", () => {
  test("no vector code in the hot loop", () => {
    const { Y } = twice(1000);
    const s = schedule(Y);
    const w = find(s, "no-vector-code")!;
    expect(told(w)).toMatchInlineSnapshot(`
      "loop i, 100 % of the instructions, has no vector code: vectorize a loop around Y
      Y.i Y
      work: 100 %"
    `);
    expect(w.loops).toEqual([s.loops(Y).i]);
    expect(w.blocks).toEqual([s.handle(Y)]);
    expect(w.nest).toMatch(/for i in 1000:\n {2}\^+\n {4}block Y\(vi = i\):\n {4}\^+/);
    s.vectorize(s.split(s.loops(Y).i, { io: "rest", ii: 8 }).ii);
    expect(all(s)).toEqual([]);
  });
  test("a reduction of scalars", () => {
    const { s: t } = rows(64, 256);
    const s = schedule(t);
    expect(told(find(s, "scalar-reduction"))).toMatchInlineSnapshot(`
      "loop c accumulates into one element of s, each step waiting for the one before: split it, rfactor(s, the inner part) and vectorize that, or vectorize a loop of another axis
      s.c s
      work: 100 %"
    `);
    const { ci } = s.split(s.loops(t).c, { co: "rest", ci: 4 });
    const { rf, loops } = s.rfactor(t, ci);
    s.reorder(s.loopList(rf).find((l) => l.name === "co")!, loops.ci);
    s.vectorize(loops.ci);
    expect(find(s, "scalar-reduction")).toBeUndefined();
  });
  test("a register tile over the budget", () => {
    expect(told(find(tiled(8, 16).s, "register-tile"))).toMatchInlineSnapshot(`
      "the body of loop k needs 38 registers, of which 32 are kept from one iteration to the next, and there are 15: make the tile smaller (ii_1, ji_1)
      C.k @0.ii @1.ji C
      needed: 38 registers
      kept: 32 registers
      available: 15 registers"
    `);
    const { s, k, ii, ji } = tiled(8, 8);
    expect(find(s, "register-tile")!.loops).toEqual([k, ii, ji]);
    expect(find(tiled(4, 8).s, "register-tile")).toBeUndefined();
    expect(find(tiled(3, 12).s, "register-tile")).toBeUndefined();
    // without a fused multiply-add each product takes a register more
    const over = (rows: number, columns: number, relaxed: boolean): number | undefined => {
      const found = analyze(tiled(rows, columns).s as unknown as Any, wasm({ relaxed }));
      return found.find((w) => w.code === "register-tile")?.quantities.needed?.value;
    };
    expect([over(6, 8, false), over(6, 8, true)]).toEqual([16, undefined]);
    expect([over(8, 8, false), over(8, 8, true)]).toEqual([20, 19]);
  });
  test("many values of one iteration are no tile", () => {
    const X = placeholder("X", [64, 64]);
    const parts = (n: number) => Array.from({ length: n }, (_, k) => k);
    const a = compute("a", { i: 32, j: 32 }, ({ i, j }) =>
      addAll(
        parts(32).map((k) =>
          X.at(i.add(k), j)
            .mul(X.at(i, j.add(k)))
            .mul(X.at(i.add(k), j)),
        ),
      ),
    );
    const s = schedule(a);
    s.vectorize(s.split(s.loops(a).j, { jo: "rest", ji: 8 }).ji);
    expect(all(s)).toEqual([]);
  });
  test("an accumulator in memory", () => {
    const { C } = gemm(32, 64, 32);
    const s = schedule(C);
    const { i, j, k } = s.loops(C);
    // more than lowering keeps in registers by itself
    s.reorder(i, k, j);
    s.vectorize(j);
    const w = find(s, "accumulator-in-memory")!;
    expect(told(w)).toMatchInlineSnapshot(`
      "each iteration of loop k reads elements of C and writes them back: keep them in registers with cacheWrite(C, "local"), its copy after the loop
      C.k C
      work: 99.17238950519459 %"
    `);
    expect([w.loops, w.buffers]).toEqual([[k], ["C"]]);
    expect(find(tiled(4, 8).s, "accumulator-in-memory")).toBeUndefined();
  });
  test("an accumulator in memory, summed up from outside", () => {
    const { C } = gemm(32, 64, 32);
    const s = schedule(C);
    const { i, j, k } = s.loops(C);
    s.reorder(i, k, j);
    const { jo, ji } = s.split(j, { jo: "rest", ji: 8 });
    s.vectorize(ji);
    const w = find(s, "accumulator-in-memory")!;
    expect(w.message).toBe(
      "each iteration of loop k reads elements of C and writes them back: move it inside jo, around a tile that fits registers, " +
        'and keep that there with cacheWrite(C, "local")',
    );
    expect(w.loops).toEqual([k, jo]);
  });
  test("strided access", () => {
    const { s: t } = rows(64, 256);
    const s = schedule(t);
    const { ri } = s.split(s.loops(t).r, { ro: "rest", ri: 4 });
    s.reorder(s.loops(t).c, ri);
    s.vectorize(ri);
    const w = find(s, "strided-access")!;
    expect(told(w)).toMatchInlineSnapshot(`
      "lanes of loop ri read X 256 elements apart, lane by lane, in 33 % of the vector accesses: vectorize a loop along its memory, or copy it in another order with cacheRead(..., { order })
      @0.ri s
      accesses: 33.28998699609883 %
      stride: 256 elements"
    `);
    expect([w.loops, w.buffers]).toEqual([[ri], ["X"]]);
    expect(find(tiled(4, 8).s, "strided-access")).toBeUndefined();
  });
  test("strided stores, and distances that are irregular", () => {
    const X = placeholder("X", [32, 32]);
    const I = placeholder("I", [32], "i32");
    const Y = compute("Y", { i: 32, j: 32 }, ({ i, j }) => X.at(I.at(i), j));
    const s = schedule(Y);
    s.reorder(s.loops(Y).j, s.loops(Y).i);
    s.vectorize(s.loops(Y).i);
    const messages = all(s)
      .filter((w) => w.code === "strided-access")
      .map((w) => w.message);
    expect(messages).toEqual([
      expect.stringMatching(/^lanes of loop i write Y 32 elements apart/),
      expect.stringMatching(/^lanes of loop i read X at irregular distances/),
    ]);
  });
  test("lanes apart are those of the block that has them", () => {
    const X = placeholder("X", [32, 32]);
    const a = compute("a", { i: 32, j: 32 }, ({ i, j }) => X.at(i, j).mul(2));
    const b = compute("b", { i: 32, j: 32 }, ({ i, j }) => X.at(i, j).add(a.at(i, j)));
    const s = schedule(b);
    const { i, j } = s.loops(b);
    s.reorder(j, i);
    s.vectorize(i);
    s.vectorize(s.loops(a).j);
    const w = all(s).find((x) => x.code === "strided-access" && x.buffers[0] === "X")!;
    expect([w.loops, w.blocks.map((x) => x.name)]).toEqual([[i], ["b"]]);
    expect(w.message).toMatch(/^lanes of loop i_1 read X 32 elements apart/);
  });
  test("code that never runs has no share of the accesses", () => {
    const X = placeholder("X", [dim("n", { typical: 0, min: 0 }), 32]);
    const Y = compute("Y", { i: X.shape[0]!, j: 32 }, ({ i, j }) => X.at(i, j).mul(2));
    const s = schedule(Y);
    s.reorder(s.loops(Y).j, s.loops(Y).i);
    const { ii } = s.split(s.loops(Y).i, { io: "rest", ii: 4 });
    s.reorder(s.loops(Y).j, ii);
    s.vectorize(ii);
    for (const w of all(s, { share: 0 })) expect(w.message).not.toContain("NaN");
    expect(find(s, "strided-access")).toBeUndefined();
  });
  test("a table that data reads is what it is", () => {
    const T = placeholder("T", [256]);
    const X = placeholder("X", [64], "u8");
    const Y = compute("Y", { i: 64 }, ({ i }) => T.at(X.at(i).cast("i32")));
    const s = schedule(Y);
    s.vectorize(s.loops(Y).i);
    expect(find(s, "strided-access")).toBeUndefined();
  });
  test("every other element is no strided access", () => {
    const X = placeholder("X", [512]);
    const Y = compute("Y", { i: 256 }, ({ i }) => X.at(i.mul(2)));
    const s = schedule(Y);
    s.vectorize(s.split(s.loops(Y).i, { io: "rest", ii: 8 }).ii);
    expect(all(s)).toEqual([]);
  });
  test("recomputation", () => {
    const { a, b } = blur();
    const s = schedule(b);
    s.computeAt(a, s.loops(b).y);
    for (const t of [a, b]) s.vectorize(s.split(s.loops(t).x, { xo: "rest", xi: 8 }).xi);
    const w = find(s, "recomputation")!;
    expect(told(w)).toMatchInlineSnapshot(`
      "each element of a is computed 2.9 times on average (49152 points for 16896), in each iteration of y what it needs: compute it at a loop further out, in larger tiles, or keep what the last iteration computed (storeAt)
      b.y a
      factor: 2.909090909090909 times
      computed: 49152 points
      needed: 16896 points"
    `);
    expect(w.loops).toEqual([s.loops(b).y]);
    expect(find(s, "recomputation", { recomputation: 3 })).toBeUndefined();
    const t = schedule(b);
    const { yo } = t.split(t.loops(b).y, { yo: "rest", yi: 32 });
    t.computeAt(a, yo);
    expect(find(t, "recomputation")).toBeUndefined();
  });
  test("a tail that dominates", () => {
    const { Y } = twice(7);
    const s = schedule(Y);
    s.vectorize(s.split(s.loops(Y).i, { io: "rest", ii: 4 }).ii);
    expect(told(find(s, "short-vectors"))).toMatchInlineSnapshot(`
      "67 % of the vectors of loop ii are shorter than 4 lanes: what is left over for Y after full ones takes as long as they do
      @0.ii Y
      short: 66.66666666666666 %
      register: 4 lanes"
    `);
    const t = schedule(twice(103).Y);
    const [i] = t.loopList(t.blocks()[0]!);
    t.vectorize(t.split(i!, { io: "rest", ii: 4 }, { tail: "peel" }).ii);
    expect(find(t, "short-vectors")).toBeUndefined();
    expect(find(t, "short-vectors", { shortVectors: 0.05 })).toBeDefined();
  });
  test.each(["pad", "shift"] as const)("a tail that is filled up: %s", (tail) => {
    const stages = (width: number) => {
      const X = placeholder("X", [64, width]);
      const T = compute("T", { r: 64, i: width }, ({ r, i }) => X.at(r, i).mul(2));
      const Y = compute("Y", { r: 64, i: width }, ({ r, i }) => T.at(r, i).mul(3));
      const s = schedule(Y);
      const { ii } = s.split(s.loops(T).i, { io: "rest", ii: 16 }, { tail });
      s.vectorize(ii);
      return { s, ii };
    };
    const { s, ii } = stages(17);
    const w = find(s, "wasted-tail")!;
    expect(told(w)).toBe(
      "T computes 1.9 times as many points as it has (2048 points for 1088), to fill up the last part in io, ii: " +
        'split by a factor that divides, by a smaller one, or with the tail "guard" or "peel"\n' +
        "@0.io @0.ii T\nfactor: 1.8823529411764706 times\ncomputed: 2048 points\nneeded: 1088 points",
    );
    expect(w.loops).toContain(ii);
    expect(find(s, "recomputation")).toBeUndefined();
    expect(find(stages(63).s, "wasted-tail")).toBeUndefined();
  });
  test("narrow results of wide arithmetic fill registers", () => {
    const X = placeholder("X", [64, 96], "u8");
    const Y = compute("Y", { r: 64, i: 96 }, ({ r, i }) => X.at(r, i).cast("f32").mul(0.5).cast("u8"));
    const s = schedule(Y);
    s.vectorize(s.split(s.loops(Y).i, { io: "rest", ii: 4 }).ii);
    expect(find(s, "short-vectors")).toBeUndefined();
  });
  test("a vector that is short by itself", () => {
    const X = placeholder("X", [100, 3]);
    const Y = compute("Y", { i: 100, c: 3 }, ({ i, c }) => X.at(i, c).mul(2));
    const s = schedule(Y);
    s.vectorize(s.loops(Y).c);
    expect(find(s, "short-vectors")!.message).toMatch(/^100 % of the vectors of loop c are shorter than 4 lanes/);
  });
  test("scratch over the cache", () => {
    const { B, C } = gemm(64, 1024, 512);
    const s = schedule(C);
    const copy = s.cacheRead(C, B, "workspace");
    expect(told(find(s, "scratch-over-cache"))).toMatchInlineSnapshot(`
      "B.workspace takes 2 MiB of scratch memory, more than the 1 MiB of cache it should stay in: compute B.workspace at a loop further in
      @0.copy
      size: 2097152 bytes
      cache: 1048576 bytes"
    `);
    expect(find(s, "scratch-over-cache", { cache: 4 << 20 })).toBeUndefined();
    const { jo } = s.split(s.loops(C).j, { jo: "rest", ji: 8 });
    s.reorder(jo, s.loops(C).i);
    s.computeAt(copy, jo);
    expect(find(s, "scratch-over-cache")).toBeUndefined();
    expect(find(s, "scratch-over-cache", { cache: 8192 })!.message).toContain("inside loop jo");
  });
  test("a local buffer in memory", () => {
    const { C } = gemm(16, 16, 16);
    const s = schedule(C);
    const { i, j, k } = s.loops(C);
    s.reorder(i, k, j);
    const { copy } = s.cacheWrite(C, "local");
    s.reverseComputeAt(copy, i);
    s.decomposeReduction(C, k);
    const w = find(s, "local-in-memory")!;
    expect(told(w)).toMatchInlineSnapshot(`
      "local buffer C.local lives in memory: an index changes with j: unroll or vectorize j
      @3.j @3.init C @1.copy"
    `);
    expect(w.loops.map((l) => l.name)).toEqual(["j"]);
    expect(find(tiled(4, 8).s, "local-in-memory")).toBeUndefined();
  });
  test("divisions to find a place", () => {
    const X = placeholder("X", [64, 7, 9]);
    const Y = compute("Y", { i: 64, j: 9, k: 7 }, ({ i, j, k }) => X.at(i, k, j).mul(2));
    const s = schedule(Y);
    s.fuse(s.loops(Y).j, s.loops(Y).k);
    expect(told(find(s, "index-division"))).toMatchInlineSnapshot(`
      "each iteration of loop j_k divides 2 times to find places in memory: split loops by what divides their extents instead of fusing them
      @0.j_k Y
      divisions: 2 times"
    `);
    expect(find(schedule(Y), "index-division")).toBeUndefined();
  });
  test("divisions of a folded buffer", () => {
    const window = (columns: number, factor?: number) => {
      const { a, b } = window3();
      const s = schedule(b);
      const { y, x } = s.loops(b);
      const { xo, xi } = s.split(x, { xo: "rest", xi: columns });
      s.reorder(xo, y, xi);
      s.vectorize(xi);
      s.computeAt(a, y);
      s.foldStorage(a, y, factor === undefined ? {} : { factor });
      s.vectorize(s.loopList(a).at(-1)!);
      return find(s, "index-division");
    };
    const window3 = () => {
      const X = placeholder("X", [66, 64]);
      const a = compute("a", { y: 66, x: 64 }, ({ y, x }) => X.at(y, x).mul(2));
      const b = compute("b", { y: 64, x: 64 }, ({ y, x }) =>
        a
          .at(y, x)
          .add(a.at(y.add(1), x))
          .add(a.at(y.add(2), x)),
      );
      return { a, b };
    };
    // a few columns down the picture: each iteration finds its rows, and does little else
    expect(window(4)!.message).toBe(
      "each iteration of loop y divides 3 times to find places in memory: fold a by a power of two (foldStorage with { factor }), " +
        "or move loop y outwards",
    );
    expect(window(4, 4)).toBeUndefined();
    // row by row the division is done once for a whole row
    const { a, b } = window3();
    const s = schedule(b);
    s.computeAt(a, s.loops(b).y);
    s.foldStorage(a, s.loops(b).y);
    expect(find(s, "index-division")).toBeUndefined();
  });
  test("an intrinsic that the target lacks", () => {
    const [A, B, D] = (["A", "B", "D"] as const).map((n) => placeholder(n, [8, 4]));
    const C = compute("C", { r: 8, i: 4 }, ({ r, i }) => D!.at(r, i).add(A!.at(r, i).mul(B!.at(r, i))));
    const s = schedule(C);
    s.tensorize(s.loops(C).i, intrinsics.f32x4_relaxed_madd);
    const w = find(s, "plain-intrinsic")!;
    expect(w.message).toBe(
      "loop i is tensorized, but becomes plain vectors and no f32x4.relaxed_madd: the target has no relaxed SIMD",
    );
    expect(w.loops).toEqual([s.loops(C).i]);
    expect(analyze(s as unknown as Any, wasm({ relaxed: true }))).toEqual([]);
  });
  test("a producer that nobody reads", () => {
    const { Y } = twice(64);
    const created = createFunc([Y]);
    const unread = buffer("unread", "f32", Y.buffer.shape);
    const loop = created.func.body as For;
    const again = replaceBuffers(loop.body, new Map([[Y.buffer, unread]])) as Block;
    const v = variable("i");
    const idle = substituteStmt({ ...again, id: { name: "idle" } }, new Map([[loop.var, v]]));
    const body = seq([loop, { ...loop, var: v, body: idle }]);
    const s = schedule({ ...created, func: { ...created.func, intermediates: [unread], body } });
    expect(find(s, "dead-producer")).toMatchObject({ message: "nobody reads what idle computes", buffers: ["unread"] });
    expect(find(schedule(Y), "dead-producer")).toBeUndefined();
  });
  test("come in the order of their work", () => {
    const { a, b } = blur();
    const c = compute("c", { y: 4 }, ({ y }) => sum({ x: 256 }, ({ x }) => b.at(y, x)));
    const s = schedule({ b, c });
    s.computeAt(a, s.loops(b).y);
    const list = all(s, { share: 0 });
    expect(list.map((w) => [w.code, w.blocks.map((x) => x.name).join(" ")])).toMatchInlineSnapshot(`
      [
        [
          "no-vector-code",
          "a",
        ],
        [
          "recomputation",
          "a",
        ],
        [
          "no-vector-code",
          "b",
        ],
      ]
    `);
  });
});

describe("what can't be otherwise", () => {
  test("steps of a scan, and sums at computed places, have no lanes to offer", () => {
    const X = placeholder("X", [256]);
    const S = scan("S", { t: 256 }, {}, { init: () => X.at(0), step: ({ t }, before) => before().add(X.at(t)) });
    expect(all(schedule(S))).toEqual([]);
    const P = placeholder("P", [4096], "u8");
    const H = scatter("H", { bin: 256 }, { p: 4096 }, ({ p }) => ({ at: [P.at(p).cast("i32")], value: lit(1, "i32") }));
    expect(all(schedule(H))).toEqual([]);
    const Q = placeholder("Q", [64, 64], "u8");
    const G = scatter("G", { bin: 256 }, { y: 64, x: 64 }, ({ y, x }) => ({
      at: [Q.at(y, x).cast("i32")],
      value: lit(1, "i32"),
    }));
    const t = schedule(G);
    t.split(t.loops(G).x, { xo: "rest", xi: 8 });
    expect(all(t)).toEqual([]);
  });
});
describe("names", () => {
  test("are those of the loop nest that is shown", () => {
    const { s } = tiled(8, 8);
    for (const w of all(s)) {
      const under = w.nest.split("\n").filter((_, n, lines) => /^ *\^+$/.test(lines[n + 1] ?? ""));
      const told = [...w.message.matchAll(/\b(?:i|j|k)[io]?(?:_\d+)?\b/g)].map((m) => m[0]);
      expect(told.length).toBeGreaterThan(0);
      for (const name of told) expect(under.some((l) => l.includes(` ${name} in `))).toBe(true);
    }
  });
  test("of a loop that another of its name stands before", () => {
    const { a, b } = blur();
    const s = schedule(b);
    s.vectorize(s.split(s.loops(a).x, { xo: "rest", xi: 8 }).xi);
    expect(find(s, "no-vector-code")!.message).toMatch(/^loop x, /);
    const t = schedule(b);
    t.vectorize(t.split(t.loops(a).y, { yo: "rest", x: 4 }).x);
    const [first, second] = all(t).filter((w) => w.code === "no-vector-code");
    expect(first!.message).toMatch(
      /^loop x_1, 5\d % of the instructions, has no vector code, though x is vectorized: /,
    );
    expect(second!.message).toMatch(/^loop x_2, /);
    expect(second!.nest).toMatch(/for x_2 in 256:\n *\^/);
  });
});
describe("many small places", () => {
  test("count together", () => {
    const X = placeholder("X", [4096]);
    let last = compute("s0", { i: 4096 }, ({ i }) => X.at(i).mul(2));
    for (let n = 1; n < 32; n++) {
      const before = last;
      last = compute(`s${n}` as "s0", { i: 4096 }, ({ i }) => before.at(i).mul(2));
    }
    const found = all(schedule(last)).filter((w) => w.code === "no-vector-code");
    expect(found).toHaveLength(32);
  });
});

describe("default schedules", () => {
  const conv = (H: number, W: number, CI: number, CO: number, stride: number) => {
    const X = placeholder("X", [H, W, CI]);
    const F = placeholder("F", [3, 3, CI, CO]);
    const e = constantEdge(X, 0);
    const P = compute("P", { h: H + 2, w: W + 2, c: CI }, ({ h, w, c }) => e.at(h.sub(1), w.sub(1), c));
    return compute("Y", { h: H / stride, w: W / stride, o: CO }, ({ h, w, o }) =>
      sum({ r: 3, q: 3, c: CI }, ({ r, q, c }) =>
        P.at(h.mul(stride).add(r), w.mul(stride).add(q), c).mul(F.at(r, q, c, o)),
      ).max(0),
    );
  };
  const softmax = (R: number, C: number) => {
    const X = placeholder("X", [R, C]);
    const top = compute("top", { r: R }, ({ r }) => max({ c: C }, ({ c }) => X.at(r, c)));
    const e = compute("e", { r: R, c: C }, ({ r, c }) => X.at(r, c).sub(top.at(r)).exp());
    const total = compute("total", { r: R }, ({ r }) => sum({ c: C }, ({ c }) => e.at(r, c)));
    return compute("Y", { r: R, c: C }, ({ r, c }) => e.at(r, c).div(total.at(r)));
  };
  const warningsOf = (t: Parameters<typeof schedule>[0], relaxed: boolean, options?: AnalyzeOptions): Warning[] => {
    const s = schedule(t) as unknown as Any;
    defaultSchedule(s as never, wasm({ relaxed }));
    return analyze(s, wasm({ relaxed }), options);
  };
  test.each([false, true])(
    "have nothing to warn about, relaxed %s",
    (relaxed) => {
      for (const t of [gemm(512, 512, 512).C, gemm(510, 500, 100).C, gemm(96, 80, 64).C, gemm(17, 33, 9).C])
        expect(warningsOf(t, relaxed)).toEqual([]);
      for (const t of [conv(28, 28, 32, 64, 1), conv(28, 28, 32, 64, 2), conv(32, 32, 3, 16, 1)])
        expect(warningsOf(t, relaxed)).toEqual([]);
      const any = gemm(dim("m", { typical: 90 }), dim("n", { typical: 70 }), 32).C;
      expect(warningsOf(any, relaxed)).toEqual([]);
      // the reductions of a softmax run along memory, so lanes of rows are far apart: that is so
      const left = warningsOf(softmax(64, 512), relaxed).filter((w) => w.code !== "strided-access");
      expect(left).toEqual([]);
    },
    60_000,
  );
});

describe("what untyped callers may pass", () => {
  const s = schedule(twice(8).Y);
  test.each<[unknown, string, RegExp]>([
    [{ cahce: 1 }, "inspect-options", /no option "cahce": there are sizes, cache/],
    [{ cache: "1" }, "inspect-options", /cache is "1", but a number/],
    [{ share: NaN }, "inspect-options", /share is NaN/],
    [{ sizes: { n: 4 } }, "inspect-sizes", /no size "n": there are none/],
  ])("%j", (options, code, message) => {
    expect(() => all(s, options as never)).toThrow(
      expect.objectContaining({ code, message: expect.stringMatching(message) }),
    );
  });
  test("a symbolic size without a value", () => {
    expect(() => all(schedule(twice(dim("n")).Y))).toThrow(/size n is not known/);
    expect(find(schedule(twice(dim("n")).Y), "no-vector-code", { sizes: { n: 100 } })).toBeDefined();
  });
});
