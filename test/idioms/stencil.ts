/** Stages that read neighbours: blurs, separable filters, boundaries, resampling. */
import {
  compute,
  constantEdge,
  dim,
  mirrorEdge,
  placeholder,
  repeatEdge,
  scan,
  schedule,
  select,
  wrapEdge,
} from "../../src/index.ts";
import type { Idiom } from "./idiom.ts";

function blur(H = 13, W = 37) {
  const X = placeholder("X", [H + 2, W + 2], "u16");
  const bx = compute("bx", { y: H + 2, x: W }, ({ y, x }) =>
    X.at(y, x)
      .add(X.at(y, x.add(1)))
      .add(X.at(y, x.add(2)))
      .div(3),
  );
  const by = compute("by", { y: H, x: W }, ({ y, x }) =>
    bx
      .at(y, x)
      .add(bx.at(y.add(1), x))
      .add(bx.at(y.add(2), x))
      .div(3),
  );
  return { bx, by, s: schedule(by) };
}
type Blur = ReturnType<typeof blur>;
const vectors = ({ bx, by, s }: Blur): void => {
  for (const t of [bx, by]) {
    const x = s.loopList(t).at(-1)!;
    const { xi } = s.split(x, { xo: "rest", xi: 8 });
    s.vectorize(xi);
  }
};
const BLURS: Readonly<Record<string, (b: Blur) => void>> = {
  "all of the first stage before the second": vectors,
  inlined: (b) => {
    b.s.computeInline(b.bx);
    b.s.vectorize(b.s.split(b.s.loops(b.by).x, { xo: "rest", xi: 8 }).xi);
  },
  "per row": (b) => {
    b.s.computeAt(b.bx, b.s.loops(b.by).y);
    vectors(b);
  },
  "per strip of rows": (b) => {
    const { yo } = b.s.split(b.s.loops(b.by).y, { yo: "rest", yi: 4 });
    b.s.computeAt(b.bx, yo);
    vectors(b);
  },
  "per tile, both in vectors": (b) => {
    const { y, x } = b.s.loops(b.by);
    const { xo, xi } = b.s.tile(y, x, { yo: "rest", yi: 4 }, { xo: "rest", xi: 16 });
    b.s.computeAt(b.bx, xo);
    b.s.vectorize(xi);
    b.s.vectorize(b.s.loops(b.bx).x);
  },
  "computed per row, stored per strip (storeAt)": (b) => {
    const { yo, yi } = b.s.split(b.s.loops(b.by).y, { yo: "rest", yi: 4 }, { tail: "peel" });
    b.s.computeAt(b.bx, yi);
    b.s.storeAt(b.bx, yo);
    vectors(b);
  },
  "consumer moved to its producer (reverseComputeAt by tiles of the first stage)": (b) => {
    // the first stage has more rows than the second: only columns can be shared
    const { y, x } = b.s.loops(b.bx);
    const { xo, xi } = b.s.split(x, { xo: "rest", xi: 8 });
    b.s.reorder(xo, y, xi);
    b.s.reverseComputeAt(b.by, xo);
    b.s.vectorize(xi);
    b.s.vectorize(b.s.loops(b.by).x);
  },
  "unrolled rows in vector tiles": (b) => {
    const { y, x } = b.s.loops(b.by);
    const { yi, xi } = b.s.tile(y, x, { yo: "rest", yi: 2 }, { xo: "rest", xi: 8 });
    b.s.computeInline(b.bx);
    b.s.vectorize(xi);
    b.s.unroll(yi);
  },
};

const edges = { constant: constantEdge, repeat: repeatEdge, mirror: mirrorEdge, wrap: wrapEdge };
function laplace(edge: keyof typeof edges): Idiom {
  return {
    name: `five points with a ${edge} boundary, conditions only at the rim`,
    make: () => {
      const [H, W] = [9, 30];
      const X = placeholder("X", [H, W]);
      const e = edge === "constant" ? constantEdge(X, 0) : edges[edge](X);
      const Y = compute("Y", { y: H, x: W }, ({ y, x }) =>
        e
          .at(y.sub(1), x)
          .add(e.at(y.add(1), x))
          .add(e.at(y, x.sub(1)))
          .add(e.at(y, x.add(1)))
          .sub(X.at(y, x).mul(4)),
      );
      const s = schedule(Y);
      s.vectorize(s.split(s.loops(Y).x, { xo: "rest", xi: 8 }).xi);
      return s;
    },
    wat: [/f32x4\.add/],
  };
}

export const STENCIL: readonly Idiom[] = [
  ...Object.entries(BLURS).map(
    ([way, steps]): Idiom => ({
      name: `blur, ${way}`,
      make: () => {
        const b = blur();
        steps(b);
        return b.s;
      },
      wat: [/i16x8\.add/],
    }),
  ),
  {
    name: "blur of a picture of symbolic size, per strip",
    make: () => {
      const [h, w] = [dim("h"), dim("w")];
      const X = placeholder("X", [h.add(2), w]);
      const bx = compute("bx", { y: h.add(2), x: w }, ({ y, x }) => X.at(y, x).mul(0.5));
      const by = compute("by", { y: h, x: w }, ({ y, x }) =>
        bx
          .at(y, x)
          .add(bx.at(y.add(1), x))
          .add(bx.at(y.add(2), x)),
      );
      const s = schedule(by);
      const { yo } = s.split(s.loops(by).y, { yo: "rest", yi: 4 });
      s.computeAt(bx, yo);
      for (const t of [bx, by]) s.vectorize(s.split(s.loopList(t).at(-1)!, { xo: "rest", xi: 8 }).xi);
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
    name: "three separable stages, each in the rows of the next",
    make: () => {
      const [H, W] = [10, 29];
      const X = placeholder("X", [H + 4, W + 4]);
      const a = compute("a", { y: H + 4, x: W }, ({ y, x }) => X.at(y, x).add(X.at(y, x.add(4))));
      const b = compute("b", { y: H + 2, x: W }, ({ y, x }) =>
        a
          .at(y, x)
          .add(a.at(y.add(2), x))
          .mul(0.5),
      );
      const c = compute("c", { y: H, x: W }, ({ y, x }) =>
        b
          .at(y, x)
          .mul(b.at(y.add(2), x))
          .add(1),
      );
      const s = schedule(c);
      const { yo, yi } = s.split(s.loops(c).y, { yo: "rest", yi: 3 });
      s.computeAt(b, yo);
      s.computeAt(a, s.loops(b).y);
      s.storeAt(a, yo);
      for (const t of [a, b, c]) s.vectorize(s.split(s.loopList(t).at(-1)!, { xo: "rest", xi: 8 }).xi);
      void yi;
      return s;
    },
    wat: [/f32x4\.mul/],
  },
  {
    name: "one producer, two consumers, computed at a loop around both",
    make: () => {
      const X = placeholder("X", [12, 34]);
      const g = compute("g", { y: 12, x: 34 }, ({ y, x }) => X.at(y, x).mul(X.at(y, x)));
      const dx = compute("dx", { y: 10, x: 32 }, ({ y, x }) => g.at(y, x.add(2)).sub(g.at(y, x)));
      const dy = compute("dy", { y: 10, x: 32 }, ({ y, x }) => g.at(y.add(2), x).sub(g.at(y, x)));
      const m = compute("m", { y: 10, x: 32 }, ({ y, x }) => dx.at(y, x).abs().add(dy.at(y, x).abs()));
      const s = schedule(m);
      const { y } = s.loops(m);
      s.computeAt(dy, y);
      s.computeAt(dx, y);
      s.computeAt(g, y);
      for (const t of [g, dx, dy, m]) s.vectorize(s.split(s.loopList(t).at(-1)!, { xo: "rest", xi: 8 }).xi);
      return s;
    },
    wat: [/f32x4\.abs/],
  },
  ...(["constant", "repeat", "mirror", "wrap"] as const).map(laplace),
  {
    name: "nearest neighbour by index arithmetic, up by 3/2",
    make: () => {
      const X = placeholder("X", [8, 20]);
      const Y = compute("Y", { y: 12, x: 30 }, ({ y, x }) => X.at(y.mul(2).div(3), x.mul(2).div(3)));
      const s = schedule(Y);
      s.vectorize(s.split(s.loops(Y).x, { xo: "rest", xi: 4 }).xi);
      return s;
    },
  },
  {
    name: "half size by averaging four, two rows per step",
    make: () => {
      const X = placeholder("X", [14, 36], "u8");
      const Y = compute("Y", { y: 7, x: 18 }, ({ y, x }) => {
        const at = (dy: number, dx: number) => X.at(y.mul(2).add(dy), x.mul(2).add(dx)).cast("u16");
        return at(0, 0).add(at(0, 1)).add(at(1, 0)).add(at(1, 1)).add(2).shr(2).cast("u8");
      });
      const s = schedule(Y);
      s.vectorize(s.split(s.loops(Y).x, { xo: "rest", xi: 8 }).xi);
      return s;
    },
    wat: [/i16x8\.add/],
  },
  {
    name: "linear interpolation in rows, weights made once",
    make: () => {
      const X = placeholder("X", [6, 17]);
      const w = compute("w", { x: 32 }, ({ x }) => x.mod(2).cast("f32").mul(0.5));
      const Y = compute("Y", { y: 6, x: 32 }, ({ y, x }) => {
        const [a, b] = [X.at(y, x.div(2)), X.at(y, x.div(2).add(1))];
        return a.add(b.sub(a).mul(w.at(x)));
      });
      const s = schedule(Y);
      s.vectorize(s.split(s.loops(Y).x, { xo: "rest", xi: 8 }).xi);
      s.vectorize(s.loops(w).x, 8);
      return s;
    },
    wat: [/f32x4\.mul/],
  },
  {
    name: "steps of a heat equation: neighbours of the step before",
    make: () => {
      const X = placeholder("X", [40]);
      const T = scan(
        "T",
        { t: 6 },
        { x: 40 },
        {
          init: ({ x }) => X.at(x),
          step: ({ x }, p) =>
            p(x).add(
              p(x.sub(1).max(0))
                .add(p(x.add(1).min(39)))
                .sub(p(x).mul(2))
                .mul(0.25),
            ),
        },
      );
      const s = schedule(T);
      s.vectorize(s.split(s.loops(T).x, { xo: "rest", xi: 4 }).xi);
      return s;
    },
    wat: [/f32x4\.mul/],
  },
  {
    name: "median of three, branch free",
    make: () => {
      const X = placeholder("X", [50], "u8");
      const e = repeatEdge(X);
      const Y = compute("Y", { x: 50 }, ({ x }) => {
        const [a, b, c] = [e.at(x.sub(1)), e.at(x), e.at(x.add(1))];
        return a.min(b).max(a.max(b).min(c));
      });
      const s = schedule(Y);
      s.vectorize(s.split(s.loops(Y).x, { xo: "rest", xi: 16 }).xi);
      return s;
    },
    wat: [/i8x16\.min_u/],
  },
  {
    name: "threshold of a blurred picture: stencil, then select, in strips",
    make: () => {
      const { by } = blur(12, 24);
      const Y = compute("Y", { y: 12, x: 24 }, ({ y, x }) => select(by.at(y, x).gt(3), by.at(y, x), 0));
      const s = schedule(Y);
      const { yo } = s.split(s.loops(Y).y, { yo: "rest", yi: 4 });
      s.computeAt(by, yo);
      const bx = s.block("bx");
      s.computeAt(bx, s.loops(by).y);
      for (const t of [bx, by, Y]) s.vectorize(s.split(s.loopList(t).at(-1)!, { xo: "rest", xi: 8 }).xi);
      return s;
    },
    wat: [/i16x8\.add/],
  },
];
