/** Sliding windows and double buffers: rows computed once and kept as long as they are read. */
import {
  addAll,
  compute,
  dim,
  placeholder,
  repeatEdge,
  type Schedule,
  schedule,
  sum,
  type Tensor,
} from "../../src/index.ts";
import { slidingWindow, unrollAndVectorize } from "../../src/schedules.ts";
import type { Idiom } from "./idiom.ts";

type Stage = Tensor<"u16"> | Tensor<"f32">;
/** Rows of each stage in vectors. */
// biome-ignore lint/suspicious/noExplicitAny: a schedule of anything
function vectors(s: Schedule<any>, stages: readonly Stage[], lanes = 8): void {
  for (const t of stages) {
    const { xi } = s.split(s.loopList(t).at(-1)!, { xo: "rest", xi: lanes });
    s.vectorize(xi);
  }
}
function blur(H = 13, W = 37) {
  const X = placeholder("X", [H + 2, W + 2], "u16");
  const bx = compute("bx", { y: H + 2, x: W }, ({ y, x }) => addAll([0, 1, 2].map((d) => X.at(y, x.add(d)))).div(3));
  const by = compute("by", { y: H, x: W }, ({ y, x }) => addAll([0, 1, 2].map((d) => bx.at(y.add(d), x))).div(3));
  const s = schedule(by);
  return { bx, by, s, ...s.loops(by) };
}
/** Vertical stencils of three rows in a chain, pictures all of one size. */
function chain(n: number, H: number, W: number) {
  const X = placeholder("X", { y: H, x: W });
  const stages: Tensor<"f32">[] = [];
  for (let k = 1; k <= n; k++) {
    const from = repeatEdge(stages.at(-1) ?? (X as unknown as Tensor<"f32">));
    stages.push(
      compute(`s${k}`, { y: H, x: W }, ({ y, x }) =>
        from
          .at(y.sub(1), x)
          .add(from.at(y, x).mul(2))
          .add(from.at(y.add(1), x))
          .mul(0.25),
      ) as Tensor<"f32">,
    );
  }
  const last = stages.at(-1)!;
  const s = schedule(last);
  return { stages, before: stages.slice(0, -1).reverse(), s, y: s.loopList(last)[0]! };
}

export const SLIDING: readonly Idiom[] = [
  {
    name: "blur in one loop, three rows of the first stage kept",
    make: () => {
      const { s, bx, by, y } = blur();
      slidingWindow(s, bx, y);
      vectors(s, [bx, by]);
      return s;
    },
    nest: [/i0 % 3/, /for y in 15/, /if y >= 2/],
    wat: [/i16x8\.add/],
  },
  {
    name: "blur in strips, a window for each, tails peeled",
    make: () => {
      const { s, bx, by, y } = blur();
      const { yi } = s.split(y, { yo: "rest", yi: 4 }, { tail: "peel" });
      slidingWindow(s, bx, yi);
      vectors(s, [bx, by]);
      return s;
    },
    nest: [/stored at yo/, /yi in 6/],
    wat: [/i16x8\.add/],
  },
  {
    name: "strips on threads, rows slide in each",
    make: () => {
      const { s, bx, by, y } = blur(24, 32);
      const { yo, yi } = s.split(y, { yo: "rest", yi: 8 });
      slidingWindow(s, bx, yi);
      vectors(s, [bx, by]);
      s.parallel(yo);
      return s;
    },
    nest: [/parallel yo/, /stored at yo/],
  },
  {
    name: "six stages in one loop, clamped at the rim",
    make: () => {
      const { s, stages, before, y } = chain(6, 11, 21);
      for (const t of before) slidingWindow(s, t, y);
      vectors(s, stages, 4);
      return s;
    },
    nest: [/if y >= 5/],
    wat: [/f32x4\.mul/],
  },
  {
    name: "a window in registers, read through a split longer than it",
    make: () => {
      const X = placeholder("X", [17]);
      const Y = compute("Y", { i: 17 }, ({ i }) => X.at(i).mul(2));
      const s = schedule(Y);
      const { copy } = s.cacheWrite(Y, "local");
      const { io, ii } = s.split(s.loops(copy).i, { io: "rest", ii: 4 });
      slidingWindow(s, Y, io);
      s.vectorize(s.loopList(Y).at(-1)!);
      const { o, l } = s.split(ii, { o: "rest", l: 16 });
      s.vectorize(l);
      s.unroll(o);
      return s;
    },
    nest: [/i0 % 4/],
    wat: [/f32x4\.mul/],
  },
  {
    name: "a loop over rows cut and written out after its window was made",
    make: () => {
      const { s, bx, by, y } = blur(16, 24);
      slidingWindow(s, bx, y);
      vectors(s, [bx, by]);
      const { yi } = s.split(y, { yo: "rest", yi: 3 });
      s.unroll(yi);
      return s;
    },
    wat: [/i16x8\.add/],
  },
  {
    name: "gray read by a blur ahead and by the result behind (unsharp)",
    make: () => {
      const [H, W] = [12, 20];
      const X = placeholder("X", [3, H + 4, W]);
      const gray = compute("gray", { y: H + 4, x: W }, ({ y, x }) =>
        X.at(0, y, x)
          .add(X.at(1, y, x))
          .add(X.at(2, y, x)),
      );
      const down = compute("down", { y: H, x: W }, ({ y, x }) =>
        addAll([1, 4, 6, 4, 1].map((w, d) => gray.at(y.add(d), x).mul(w / 16))),
      );
      const out = compute("out", { y: H, x: W }, ({ y, x }) => gray.at(y.add(2), x).mul(2).sub(down.at(y, x)));
      const s = schedule(out);
      const { y } = s.loops(out);
      for (const t of [down, gray]) slidingWindow(s, t, y);
      vectors(s, [gray, down, out], 4);
      return s;
    },
    nest: [/gray: .*i0 % 5/, /if y >= 4/],
    wat: [/f32x4\.mul/],
  },
  {
    name: "two gradients slide, their products are made in place (corners)",
    make: () => {
      const [H, W] = [10, 18];
      const X = placeholder("X", [H + 4, W + 4]);
      const Ix = compute("Ix", { y: H + 2, x: W + 2 }, ({ y, x }) => X.at(y.add(1), x.add(2)).sub(X.at(y.add(1), x)));
      const Iy = compute("Iy", { y: H + 2, x: W + 2 }, ({ y, x }) => X.at(y.add(2), x.add(1)).sub(X.at(y, x.add(1))));
      const nine = [0, 1, 2].flatMap((dy) => [0, 1, 2].map((dx) => [dy, dx] as const));
      const out = compute("out", { y: H, x: W }, ({ y, x }) => {
        const at = <T>(f: (r: ReturnType<typeof y.add>, c: ReturnType<typeof x.add>) => T): T[] =>
          nine.map(([dy, dx]) => f(y.add(dy), x.add(dx)));
        const xx = addAll(at((r, c) => Ix.at(r, c).mul(Ix.at(r, c))));
        const yy = addAll(at((r, c) => Iy.at(r, c).mul(Iy.at(r, c))));
        const xy = addAll(at((r, c) => Ix.at(r, c).mul(Iy.at(r, c))));
        return xx.mul(yy).sub(xy.mul(xy));
      });
      const s = schedule(out);
      const { y } = s.loops(out);
      for (const t of [Iy, Ix]) slidingWindow(s, t, y);
      vectors(s, [Ix, Iy, out], 4);
      return s;
    },
    nest: [/Ix: .*i0 % 3/, /Iy: .*i0 % 3/],
    wat: [/f32x4\.mul/],
  },
  {
    name: "half size: two new rows of three for each row of the result",
    make: () => {
      const [H, W] = [8, 24];
      const X = placeholder("X", [2 * H + 1, W]);
      const a = compute("a", { y: 2 * H + 1, x: W }, ({ y, x }) => X.at(y, x).mul(0.5));
      const b = compute("b", { y: H, x: W }, ({ y, x }) =>
        addAll([0, 1, 2].map((d) => a.at(y.mul(2).add(d), x))).mul(1 / 3),
      );
      const s = schedule(b);
      const { y } = s.loops(b);
      slidingWindow(s, a, y);
      vectors(s, [a, b], 4);
      return s;
    },
    nest: [/for y_1 in 2/, /i0 % 3/],
    wat: [/f32x4\.mul/],
  },
  {
    name: "rows of a convolution feed the next one (sums slide)",
    make: () => {
      const [H, W, C] = [9, 11, 4];
      const X = placeholder("X", [H + 4, W, C]);
      const F = placeholder("F", [3, C, C]);
      const conv = (name: string, from: { at: typeof X.at }, rows: number) =>
        compute(name, { y: rows, x: W, o: C }, ({ y, x, o }) =>
          sum({ r: 3, c: C }, ({ r, c }) => from.at(y.add(r), x, c).mul(F.at(r, c, o))),
        );
      const a = conv("a", X, H + 2);
      const b = conv("b", a as unknown as typeof X, H);
      const s = schedule(b);
      const { y } = s.loops(b);
      slidingWindow(s, a, y);
      for (const t of [a, b]) {
        const { o } = s.loops(t);
        s.reorder(s.loops(t).r, s.loops(t).c, o);
        s.vectorize(o);
      }
      return s;
    },
    nest: [/i0 % 3/],
    wat: [/f32x4\.mul/],
  },
  {
    name: "pictures of symbolic size in strips",
    make: () => {
      const [h, w] = [dim("h"), dim("w")];
      const X = placeholder("X", [h.add(2), w]);
      const a = compute("a", { y: h.add(2), x: w }, ({ y, x }) => X.at(y, x).mul(0.5));
      const b = compute("b", { y: h, x: w }, ({ y, x }) => addAll([0, 1, 2].map((d) => a.at(y.add(d), x))));
      const s = schedule(b);
      const { yi } = s.split(s.loops(b).y, { yo: "rest", yi: 4 });
      slidingWindow(s, a, yi);
      for (const t of [a, b]) s.vectorize(s.split(s.loopList(t).at(-1)!, { xo: "rest", xi: 8 }).xi);
      return s;
    },
    sizes: [
      { h: 0, w: 5 },
      { h: 1, w: 1 },
      { h: 9, w: 19 },
      { h: 8, w: 16 },
      { h: 3, w: 0 },
    ],
    wat: [/f32x4\.add/],
  },
  {
    name: "a reader that looks back, moved to where its rows are made",
    make: () => {
      const X = placeholder("X", [12, 20]);
      const a = compute("a", { y: 12, x: 20 }, ({ y, x }) => X.at(y, x).mul(0.5));
      const b = compute("b", { y: 12, x: 20 }, ({ y, x }) => a.at(y, x).sub(a.at(y.sub(1).max(0), x)));
      const s = schedule(b);
      const { y } = s.loops(a);
      s.storeAt(a, "root");
      s.reverseComputeAt(b, y);
      s.foldStorage(a, y);
      for (const t of [a, b]) s.vectorize(s.split(s.loopList(t).at(-1)!, { xo: "rest", xi: 4 }).xi);
      return s;
    },
    nest: [/i0 % 2/, /for y in 12/],
    wat: [/f32x4\.sub/],
  },
  {
    name: "a panel of B copied while the one before is multiplied (double buffer)",
    make: () => {
      const [M, N, K] = [12, 16, 30];
      const [A, B] = [placeholder("A", [M, K]), placeholder("B", [K, N])];
      const C = compute("C", { i: M, j: N }, ({ i, j }) => sum({ k: K }, ({ k }) => A.at(i, k).mul(B.at(k, j))));
      const s = schedule(C);
      const { i, j, k } = s.loops(C);
      const { ko, ki } = s.split(k, { ko: "rest", ki: 8 });
      s.reorder(ko, i, ki, j);
      const copy = s.cacheRead(C, B, "workspace");
      s.computeAt(copy, ko);
      s.doubleBuffer(copy, ko);
      const init = s.decomposeReduction(C, ko);
      for (const b of [C, init, copy]) unrollAndVectorize(s, b);
      return s;
    },
    nest: [/ko % 2/, /of \[2, 8, 16\]/],
    wat: [/f32x4\.mul/],
  },
];
