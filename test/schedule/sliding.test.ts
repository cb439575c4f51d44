import { describe, expect, it } from "vitest";
import { replay, schedule } from "../../schedule/index.ts";
import { slidingWindow } from "../../schedule/library/index.ts";
import { compute, dim, placeholder, repeatEdge, scan, sum, type Tensor } from "../../te/index.ts";
import { illegal, nest, same } from "./helper.ts";

/** Three rows of a make one of b. */
const blur = (H = 10, W = 7) => {
  const X = placeholder("X", [H + 2, W]);
  const a = compute("a", { y: H + 2, x: W }, ({ y, x }) => X.at(y, x).mul(2));
  const b = compute("b", { y: H, x: W }, ({ y, x }) =>
    a
      .at(y, x)
      .add(a.at(y.add(1), x))
      .add(a.at(y.add(2), x)),
  );
  const s = schedule(b);
  return { a, b, s, before: s.func, ...s.loops(b) };
};
/** Stages that read three rows each of the one before. */
const chain = (n: number, H = 6, W = 5) => {
  const X = placeholder("X", [H + 2 * n, W]);
  const stages: Tensor<"f32">[] = [];
  for (let k = 1; k <= n; k++) {
    const from = stages[k - 2] ?? (X as unknown as Tensor<"f32">);
    const stage = compute(`s${k}`, { y: H + 2 * (n - k), x: W }, ({ y, x }) =>
      from
        .at(y, x)
        .add(from.at(y.add(1), x))
        .add(from.at(y.add(2), x)),
    );
    stages.push(stage as unknown as Tensor<"f32">);
  }
  const last = stages.at(-1)!;
  const s = schedule(last);
  return { stages, s, before: s.func, y: s.loopList(last)[0]! };
};

describe("foldStorage", () => {
  it("computes each row once and keeps as many as are read", () => {
    const { s, a, y, before } = blur();
    s.computeAt(a, y);
    s.foldStorage(a, y);
    expect(`${s}`).toMatchInlineSnapshot(`
      "func b(X: f32[12, 7]) -> b: f32[10, 7]:
        buffer a: f32[12, 7], layout (i0, i1) -> (i0 % 3, i1) of [3, 7]
        for y in 12:
          for x in 7:
            block a(vy = y, vx = x):  # stored at root
              a[vy, vx] = X[vy, vx] * 2.0
          for x_1 in 7:
            block b(vy_1 = y - 2, vx_1 = x_1) if y >= 2:
              b[vy_1, vx_1] = a[vy_1, vx_1] + a[vy_1 + 1, vx_1] + a[vy_1 + 2, vx_1]"
    `);
    same(s, before);
  });
  it("begins anew in each strip", () => {
    const { s, a, y, before } = blur();
    const { yi } = s.split(y, { yo: "rest", yi: 4 });
    s.computeAt(a, yi);
    s.foldStorage(a, yi);
    expect(nest(s)).toMatchInlineSnapshot(`
      "for yo in 3:
        for yi in 6:
          for x in 7:
            block a(vy = yo * 4 + yi, vx = x) if yo * 4 + yi < 12:  # stored at yo
              a[vy, vx] = X[vy, vx] * 2.0
          for x_1 in 7:
            block b(vy_1 = yo * 4 + yi - 2, vx_1 = x_1) if yi >= 2 & yo * 4 + yi < 12:
              b[vy_1, vx_1] = a[vy_1, vx_1] + a[vy_1 + 1, vx_1] + a[vy_1 + 2, vx_1]"
    `);
    same(s, before);
  });
  it("is kept where storeAt says", () => {
    const { s, a, y, before } = blur();
    const { yi } = s.split(y, { yo: "rest", yi: 4 });
    s.computeAt(a, yi);
    s.storeAt(a, "root");
    s.foldStorage(a, yi, { factor: 4 });
    expect(`${s}`).toMatch(/a: .*\(i0 % 4, i1\) of \[4, 7\]/);
    expect(nest(s)).toMatch(/stored at root/);
    same(s, before);
  });
  it("a chain in one loop, from the last stage to the first", () => {
    const { s, stages, y, before } = chain(4);
    for (const t of stages.slice(0, -1).reverse()) {
      s.computeAt(t, y);
      s.foldStorage(t, y);
    }
    expect(nest(s)).toMatchInlineSnapshot(`
      "for y in 12:
        for x in 5:
          block s1(vy = y, vx = x):  # stored at root
            s1[vy, vx] = X[vy, vx] + X[vy + 1, vx] + X[vy + 2, vx]
        for x_1 in 5:
          block s2(vy_1 = y - 2, vx_1 = x_1) if y >= 2:  # stored at root
            s2[vy_1, vx_1] = s1[vy_1, vx_1] + s1[vy_1 + 1, vx_1] + s1[vy_1 + 2, vx_1]
        for x_2 in 5:
          block s3(vy_2 = y - 4, vx_2 = x_2) if y >= 4:  # stored at root
            s3[vy_2, vx_2] = s2[vy_2, vx_2] + s2[vy_2 + 1, vx_2] + s2[vy_2 + 2, vx_2]
        for x_3 in 5:
          block s4(vy_3 = y - 6, vx_3 = x_3) if y >= 6:
            s4[vy_3, vx_3] = s3[vy_3, vx_3] + s3[vy_3 + 1, vx_3] + s3[vy_3 + 2, vx_3]"
    `);
    same(s, before);
  });
  it("from the first to the last works too, but keeps more", () => {
    const { s, stages, y, before } = chain(3);
    s.computeAt(stages[1]!, y);
    s.computeAt(stages[0]!, y);
    s.foldStorage(stages[0]!, y);
    s.foldStorage(stages[1]!, y);
    expect(`${s}`).toMatch(/s1: .*\(i0 % 5, i1\)/);
    expect(`${s}`).toMatch(/s2: .*\(i0 % 3, i1\)/);
    same(s, before);
  });
  it("looks through clamped places at the rim", () => {
    const X = placeholder("X", [9, 5]);
    const a = compute("a", { y: 9, x: 5 }, ({ y, x }) => X.at(y, x).mul(2));
    const e = repeatEdge(a);
    const b = compute("b", { y: 9, x: 5 }, ({ y, x }) => e.at(y.sub(1), x).add(e.at(y.add(1), x)));
    const s = schedule(b);
    const before = s.func;
    const { y } = s.loops(b);
    s.computeAt(a, y);
    s.foldStorage(a, y);
    expect(nest(s)).toMatchInlineSnapshot(`
      "for y in 10:
        for x in 5:
          block a(vy = y, vx = x) if y < 9:  # stored at root
            a[vy, vx] = X[vy, vx] * 2.0
        for x_1 in 5:
          block b(vy_1 = y - 1, vx_1 = x_1) if y >= 1:
            b[vy_1, vx_1] = a[max(min(vy_1 - 1, 8), 0), vx_1] + a[max(min(vy_1 + 1, 8), 0), vx_1]"
    `);
    same(s, before);
  });
  it("steps of several rows, and several new rows at a time", () => {
    const X = placeholder("X", [22, 5]);
    const a = compute("a", { y: 22, x: 5 }, ({ y, x }) => X.at(y, x).mul(2));
    const b = compute("b", { y: 9, x: 5 }, ({ y, x }) => sum({ r: 5 }, ({ r }) => a.at(y.mul(2).add(r), x)));
    const s = schedule(b);
    const before = s.func;
    const { y } = s.loops(b);
    s.computeAt(a, y);
    s.foldStorage(a, y);
    expect(nest(s)).toMatchInlineSnapshot(`
      "for y in 11:
        for y_1 in 2:
          for x in 5:
            block a(vy = y * 2 + y_1 - 1, vx = x) if y * 2 + y_1 >= 1:  # stored at root
              a[vy, vx] = X[vy, vx] * 2.0
        for x_1 in 5:
          for r in 5:
            block b(vy_1 = y - 2, vx_1 = x_1, vr (reduce) = r) if y >= 2:
              init:
                b[vy_1, vx_1] = 0.0
              b[vy_1, vx_1] = b[vy_1, vx_1] + a[vy_1 * 2 + vr, vx_1]"
    `);
    same(s, before);
  });
  it("tiles of rows slide, too", () => {
    const { s, a, y, before } = blur(12);
    const { yo } = s.split(y, { yo: "rest", yi: 4 });
    s.computeAt(a, yo);
    s.foldStorage(a, yo);
    expect(nest(s)).toMatchInlineSnapshot(`
      "for yo in 4:
        for y in 4:
          for x in 7:
            block a(vy = yo * 4 + y - 2, vx = x) if yo * 4 + y >= 2:  # stored at root
              a[vy, vx] = X[vy, vx] * 2.0
        for yi in 4:
          for x_1 in 7:
            block b(vy_1 = yo * 4 + yi - 4, vx_1 = x_1) if yo >= 1:
              b[vy_1, vx_1] = a[vy_1, vx_1] + a[vy_1 + 1, vx_1] + a[vy_1 + 2, vx_1]"
    `);
    same(s, before);
  });
  it("needs no extra iteration where a later reader looks back only", () => {
    const X = placeholder("X", [12, 5]);
    const g = compute("g", { y: 12, x: 5 }, ({ y, x }) => X.at(y, x).mul(2));
    const d = compute("d", { y: 10, x: 5 }, ({ y, x }) => g.at(y, x).add(g.at(y.add(2), x)));
    const o = compute("o", { y: 10, x: 5 }, ({ y, x }) => d.at(y, x).sub(g.at(y.add(1), x)));
    const s = schedule(o);
    const before = s.func;
    const { y } = s.loops(o);
    slidingWindow(s, d, y);
    slidingWindow(s, g, y);
    expect(`${s}`).toMatchInlineSnapshot(`
      "func o(X: f32[12, 5]) -> o: f32[10, 5]:
        buffer g: f32[12, 5], layout (i0, i1) -> (i0 % 3, i1) of [3, 5]
        buffer d: f32[10, 5], layout (i0, i1) -> (0, i1) of [1, 5]
        for y in 12:
          for x in 5:
            block g(vy = y, vx = x):  # stored at root
              g[vy, vx] = X[vy, vx] * 2.0
          for x_1 in 5:
            block d(vy_1 = y - 2, vx_1 = x_1) if y >= 2:  # stored at root
              d[vy_1, vx_1] = g[vy_1, vx_1] + g[vy_1 + 2, vx_1]
          for x_2 in 5:
            block o(vy_2 = y - 2, vx_2 = x_2) if y >= 2:
              o[vy_2, vx_2] = d[vy_2, vx_2] - g[vy_2 + 1, vx_2]"
    `);
    same(s, before);
  });
  it("a block of two results", () => {
    const X = placeholder("X", [12, 6]);
    const m = compute("m", { y: 12 }, ({ y }) => ({ first: X.at(y, 0).mul(2), last: X.at(y, 5).mul(3) }));
    const b = compute("b", { y: 10 }, ({ y }) => m.first.at(y).add(m.last.at(y.add(2))));
    const s = schedule(b);
    const before = s.func;
    const { y } = s.loops(b);
    const made = s.blocks()[0]!;
    s.computeAt(made, y);
    s.foldStorage(made, y);
    same(s, before);
  });
  it("sums are made anew in their row", () => {
    const X = placeholder("X", [12, 9]);
    const a = compute("a", { y: 12 }, ({ y }) => sum({ k: 9 }, ({ k }) => X.at(y, k)));
    const b = compute("b", { y: 10 }, ({ y }) => a.at(y).add(a.at(y.add(2))));
    const s = schedule(b);
    const before = s.func;
    const { y } = s.loops(b);
    s.computeAt(a, y);
    s.foldStorage(a, y);
    same(s, before);
    s.decomposeReduction(a, s.loops(a).k);
    expect(nest(s)).toMatchInlineSnapshot(`
      "for y in 12:
        block a.init(vy = y):  # stored at root
          a[vy] = 0.0
        for k in 9:
          block a(vy_1 = y, vk (reduce) = k):  # stored at root
            a[vy_1] = a[vy_1] + X[vy_1, vk]
        block b(vy_2 = y - 2) if y >= 2:
          b[vy_2] = a[vy_2] + a[vy_2 + 2]"
    `);
    same(s, before);
  });
  it("sizes that are not known", () => {
    const [h, w] = [dim("h"), dim("w")];
    const X = placeholder("X", [h.add(2), w]);
    const a = compute("a", { y: h.add(2), x: w }, ({ y, x }) => X.at(y, x).mul(2));
    const b = compute("b", { y: h, x: w }, ({ y, x }) => a.at(y, x).add(a.at(y.add(2), x)));
    const s = schedule(b);
    const before = s.func;
    const { y } = s.loops(b);
    const { yo, yi } = s.split(y, { yo: "rest", yi: 4 });
    slidingWindow(s, a, yi, { storeAt: yo });
    expect(nest(s)).toMatchInlineSnapshot(`
      "for yo in (h + 3) // 4:
        for yi in 6:
          for x in w:
            block a(vy = yo * 4 + yi, vx = x) if yo * 4 + yi < h + 2:  # stored at yo
              a[vy, vx] = X[vy, vx] * 2.0
          for x_1 in w:
            block b(vy_1 = yo * 4 + yi - 2, vx_1 = x_1) if yi >= 2 & yo * 4 + yi < h + 2:
              b[vy_1, vx_1] = a[vy_1, vx_1] + a[vy_1 + 2, vx_1]"
    `);
    same(s, before, [
      { h: 0, w: 3 },
      { h: 1, w: 1 },
      { h: 9, w: 4 },
      { h: 8, w: 5 },
    ]);
  });
  it("own loops along other axes survive", () => {
    const { s, a, y, before } = blur(10, 16);
    s.computeAt(a, y);
    const { xi } = s.split(s.loops(a).x, { xo: "rest", xi: 8 });
    s.vectorize(xi);
    s.foldStorage(a, y);
    expect(nest(s)).toMatch(/vectorized xi in 8:\n *block a\(vy = y, vx = xo \* 8 \+ xi\)/);
    same(s, before);
  });
  it("replays", () => {
    const { s, a, y } = blur();
    slidingWindow(s, a, y, { factor: 5 });
    const again = replay(s.trace, blur().s);
    expect(`${again}`).toBe(`${s}`);
  });
});

describe("what a loop carries stays carried", () => {
  const sliding = () => {
    const p = blur(12, 8);
    slidingWindow(p.s, p.a, p.y);
    return p;
  };
  it("unrolling and splitting keep the order", () => {
    const { s, y, before } = sliding();
    const { yi } = s.split(y, { yo: "rest", yi: 3 });
    s.unroll(yi);
    same(s, before);
  });
  it("what is split is known in its parts", () => {
    const { s, a, y, before } = sliding();
    s.split(y, { yo: "rest", yi: 3 });
    // proved again, since a block in the loop changes
    s.split(s.loops(a).x, { xo: "rest", xi: 4 });
    same(s, before);
  });
  it("the loop can't be turned inside out", () => {
    const { s, y } = sliding();
    const { yo, yi } = s.split(y, { yo: "rest", yi: 3 });
    const e = illegal(s, () => s.reorder(yi, yo));
    expect(e.code).toBe("reorder.dependence");
    expect(e.message).toMatch(/b reads a\[yo \* 3 \+ yi - 2, x\]/);
  });
  it("its iterations can't run at the same time", () => {
    const { s, y } = sliding();
    expect(illegal(s, () => s.vectorize(y)).code).toBe("vectorize.same-element");
    expect(illegal(s, () => s.parallel(y)).code).toBe("parallel.same-element");
  });
  it("it can't be cut, nor can the reader move away", () => {
    const { s, a, y } = sliding();
    expect(illegal(s, () => s.partition(y, { top: 2, body: "rest" })).code).toMatch(/^partition\./);
    expect(illegal(s, () => s.computeRoot(a)).code).toBe("computeRoot.carried");
  });
  it("a loop outside may run in parallel: each strip has a window of its own", () => {
    const { s, a, y, before } = blur(12, 8);
    const { yo, yi } = s.split(y, { yo: "rest", yi: 4 });
    slidingWindow(s, a, yi);
    s.parallel(yo);
    same(s, before);
    expect(illegal(s, () => s.storeAt(a, "root")).code).toBe("storeAt.kind");
  });
  it("loops inside may change places with each other", () => {
    const { s, a, y, before } = sliding();
    const { xo, xi } = s.split(s.loops(a).x, { xo: "rest", xi: 4 });
    s.reorder(xi, xo);
    s.unroll(xo);
    same(s, before);
    void y;
  });
  it("other stages come into the loop", () => {
    const { s, stages, y, before } = chain(3);
    slidingWindow(s, stages[1]!, y);
    s.computeAt(stages[0]!, y);
    expect(nest(s)).toMatch(/for y_1 in 3:/);
    same(s, before);
    s.computeInline(stages[0]!);
    same(s, before);
  });
  it("what would need rows that are gone is not inlined", () => {
    const { s, stages, y } = chain(3);
    slidingWindow(s, stages[1]!, y);
    slidingWindow(s, stages[0]!, y);
    expect(illegal(s, () => s.computeInline(stages[1]!)).code).toBe("computeInline.carried");
  });
});

describe("storeAt", () => {
  it("lets a consumer that looks back follow its producer", () => {
    const { s, a, b, before } = blur();
    const { y } = s.loops(a);
    expect(illegal(s, () => s.reverseComputeAt(b, y)).code).toMatch(/^reverseComputeAt\./);
    const X = placeholder("X", [10, 4]);
    const p = compute("p", { y: 10, x: 4 }, ({ y: r, x }) => X.at(r, x).mul(2));
    const q = compute("q", { y: 10, x: 4 }, ({ y: r, x }) => p.at(r, x).add(p.at(r.sub(1).max(0), x)));
    const t = schedule(q);
    const start = t.func;
    const rows = t.loops(p).y;
    expect(illegal(t, () => t.reverseComputeAt(q, rows)).code).toBe("reverseComputeAt.reads");
    t.storeAt(p, "root");
    t.reverseComputeAt(q, rows);
    t.foldStorage(p, rows);
    expect(`${t}`).toMatchInlineSnapshot(`
      "func q(X: f32[10, 4]) -> q: f32[10, 4]:
        buffer p: f32[10, 4], layout (i0, i1) -> (i0 % 2, i1) of [2, 4]
        for y in 10:
          for x in 4:
            block p(vy = y, vx = x):  # stored at root
              p[vy, vx] = X[vy, vx] * 2.0
          for x_1 in 4:
            block q(vy_1 = y, vx_1 = x_1):
              q[vy_1, vx_1] = p[vy_1, vx_1] + p[max(vy_1 - 1, 0), vx_1]"
    `);
    same(t, start);
    void before;
  });
  it("moves inwards as long as nothing is lost", () => {
    const { s, a, y, before } = blur(12);
    const { yo, yi } = s.split(y, { yo: "rest", yi: 4 });
    slidingWindow(s, a, yi, { storeAt: "root" });
    expect(illegal(s, () => s.storeAt(a, yi)).code).toBe("storeAt.carried");
    s.storeAt(a, yo);
    expect(nest(s)).toMatch(/stored at yo/);
    same(s, before);
  });
});

it("scans in the loop keep their steps in order", () => {
  const X = placeholder("X", [10, 4]);
  const a = compute("a", { t: 10, x: 4 }, ({ t, x }) => X.at(t, x).mul(2));
  const S = scan(
    "S",
    { t: 9 },
    { x: 4 },
    { init: ({ x }) => a.at(0, x), step: ({ t, x }, p) => p(x).add(a.at(t.add(1), x)) },
  );
  const s = schedule(S);
  const before = s.func;
  const { t } = s.loops(S);
  s.computeAt(a, t);
  const refused = s.attempt(() => s.foldStorage(a, t));
  if (refused) expect(refused.code).toMatch(/^foldStorage\./);
  same(s, before);
});
