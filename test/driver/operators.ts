/** Operators as users write them, without a schedule, each in several shapes. */
import {
  argmax,
  compute,
  constantEdge,
  dim,
  type Extent,
  einsum,
  max,
  placeholder,
  scan,
  sum,
} from "../../src/index.ts";
import type { Sizes } from "../idioms/sizes.ts";
import type { Outputs } from "./support.ts";

export interface Case {
  readonly name: string;
  readonly make: () => Outputs;
  readonly sizes?: readonly Sizes[];
}

function gemm(m: Extent, n: Extent, k: Extent, epilogue = false) {
  const A = placeholder("A", [m, k]);
  const B = placeholder("B", [k, n]);
  const bias = placeholder("bias", [n]);
  return compute("C", { i: m, j: n }, ({ i, j }) => {
    const c = sum({ k }, (v) => A.at(i, v.k).mul(B.at(v.k, j)));
    return epilogue ? c.add(bias.at(j)).max(0) : c.add(0).sub(0);
  });
}
function plain(m: Extent, n: Extent, k: Extent) {
  const A = placeholder("A", [m, k]);
  const B = placeholder("B", [k, n]);
  return compute("C", { i: m, j: n }, ({ i, j }) => sum({ k }, (v) => A.at(i, v.k).mul(B.at(v.k, j))));
}
function conv(H: number, W: number, CI: number, CO: number, stride = 1) {
  const X = placeholder("X", [H, W, CI]);
  const F = placeholder("F", [3, 3, CI, CO]);
  const bias = placeholder("bias", [CO]);
  const e = constantEdge(X, 0);
  const P = compute("P", { h: H + 2, w: W + 2, c: CI }, ({ h, w, c }) => e.at(h.sub(1), w.sub(1), c));
  const [OH, OW] = [Math.floor((H - 1) / stride) + 1, Math.floor((W - 1) / stride) + 1];
  return compute("Y", { h: OH, w: OW, o: CO }, ({ h, w, o }) =>
    sum({ r: 3, q: 3, c: CI }, ({ r, q, c }) =>
      P.at(h.mul(stride).add(r), w.mul(stride).add(q), c).mul(F.at(r, q, c, o)),
    )
      .add(bias.at(o))
      .clamp(0, 6),
  );
}
function softmax(R: Extent, C: Extent) {
  const X = placeholder("X", [R, C]);
  const top = compute("top", { r: R }, ({ r }) => max({ c: C }, ({ c }) => X.at(r, c)));
  const e = compute("e", { r: R, c: C }, ({ r, c }) => X.at(r, c).sub(top.at(r)).exp());
  const total = compute("total", { r: R }, ({ r }) => sum({ c: C }, ({ c }) => e.at(r, c)));
  return compute("Y", { r: R, c: C }, ({ r, c }) => e.at(r, c).div(total.at(r)));
}

const GEMMS: readonly (readonly [number, number, number])[] = [
  [1, 1, 1],
  [3, 5, 7],
  [16, 16, 16],
  [17, 33, 9],
  [40, 24, 31],
  [64, 1, 12],
  [1, 64, 12],
];
const CONVS: readonly (readonly [number, number, number, number, number])[] = [
  [5, 5, 3, 8, 1],
  [7, 9, 4, 13, 1],
  [8, 8, 5, 16, 2],
  [1, 3, 2, 1, 1],
];
export const OPERATORS: readonly Case[] = [
  ...GEMMS.map(([m, n, k]): Case => ({ name: `gemm ${m}x${n}x${k}`, make: () => plain(m, n, k) })),
  ...GEMMS.slice(1, 5).map(
    ([m, n, k]): Case => ({ name: `gemm ${m}x${n}x${k} with bias and relu`, make: () => gemm(m, n, k, true) }),
  ),
  {
    name: "gemm of symbolic sizes with an epilogue",
    make: () => gemm(dim("m"), dim("n"), dim("k"), true),
    sizes: [
      { m: 0, n: 4, k: 4 },
      { m: 5, n: 9, k: 0 },
      { m: 13, n: 21, k: 6 },
      { m: 4, n: 8, k: 1 },
    ],
  },
  {
    name: "a batch of products",
    make: () => einsum("C", "b i k, b k j -> b i j", placeholder("A", [3, 9, 5]), placeholder("B", [3, 5, 11])),
  },
  {
    name: "a product with its result transposed",
    make: () => einsum("C", "i k, k j -> j i", placeholder("A", [14, 9]), placeholder("B", [9, 11])),
  },
  {
    name: "a product of two transposed",
    make: () => einsum("C", "k i, j k -> i j", placeholder("A", [9, 14]), placeholder("B", [19, 9])),
  },
  {
    name: "bilinear: three operands",
    make: () =>
      einsum(
        "C",
        "i a, a b, b j -> i j",
        placeholder("A", [5, 3]),
        placeholder("M", [3, 4]),
        placeholder("B", [4, 10]),
      ),
  },
  ...CONVS.map(
    ([h, w, ci, co, st]): Case => ({
      name: `conv ${h}x${w}x${ci} -> ${co}, stride ${st}`,
      make: () => conv(h, w, ci, co, st),
    }),
  ),
  {
    name: "depthwise",
    make: () => {
      const X = placeholder("X", [9, 10, 13]);
      const F = placeholder("F", [3, 3, 13]);
      return compute("Y", { h: 7, w: 8, c: 13 }, ({ h, w, c }) =>
        sum({ r: 3, q: 3 }, ({ r, q }) => X.at(h.add(r), w.add(q), c).mul(F.at(r, q, c))).max(0),
      );
    },
  },
  {
    name: "max pooling",
    make: () => {
      const X = placeholder("X", [10, 9, 5], "i8");
      return compute("Y", { h: 5, w: 4, c: 5 }, ({ h, w, c }) =>
        max({ r: 2, q: 2 }, ({ r, q }) => X.at(h.mul(2).add(r), w.mul(2).add(q), c)),
      );
    },
  },
  {
    name: "blur of two stages",
    make: () => {
      const X = placeholder("X", [14, 23], "u16");
      const bx = compute("bx", { y: 14, x: 21 }, ({ y, x }) =>
        X.at(y, x)
          .add(X.at(y, x.add(1)))
          .add(X.at(y, x.add(2)))
          .div(3),
      );
      return compute("by", { y: 12, x: 21 }, ({ y, x }) =>
        bx
          .at(y, x)
          .add(bx.at(y.add(1), x))
          .add(bx.at(y.add(2), x))
          .div(3),
      );
    },
  },
  { name: "softmax 5x37", make: () => softmax(5, 37) },
  { name: "softmax 1x1", make: () => softmax(1, 1) },
  {
    name: "softmax of symbolic size",
    make: () => softmax(dim("r"), dim("c")),
    sizes: [
      { r: 0, c: 3 },
      { r: 4, c: 1 },
      { r: 3, c: 19 },
    ],
  },
  {
    name: "argmax of rows and of columns",
    make: () => {
      const X = placeholder("X", [11, 19]);
      return {
        rows: compute("rows", { r: 11 }, ({ r }) => argmax({ c: 19 }, ({ c }) => X.at(r, c))),
        columns: compute("columns", { c: 19 }, ({ c }) => argmax({ r: 11 }, ({ r }) => X.at(r, c))),
      };
    },
  },
  {
    name: "a scan over symbolic time",
    make: () => {
      const t = dim("t");
      const X = placeholder("X", [t, 21]);
      return scan(
        "S",
        { t },
        { s: 21 },
        { init: ({ s }) => X.at(0, s), step: ({ t, s }, p) => p(s).mul(0.5).add(X.at(t, s)) },
      );
    },
    sizes: [{ t: 0 }, { t: 1 }, { t: 9 }],
  },
  {
    name: "mean and variance, then a normalized row",
    make: () => {
      const X = placeholder("X", [6, 29]);
      const mean = compute("mean", { r: 6 }, ({ r }) => sum({ c: 29 }, ({ c }) => X.at(r, c)).div(29));
      const va = compute("va", { r: 6 }, ({ r }) =>
        sum({ c: 29 }, ({ c }) =>
          X.at(r, c)
            .sub(mean.at(r))
            .mul(X.at(r, c).sub(mean.at(r))),
        ).div(29),
      );
      return compute("Y", { r: 6, c: 29 }, ({ r, c }) => X.at(r, c).sub(mean.at(r)).mul(va.at(r).add(1e-3).rsqrt()));
    },
  },
  {
    name: "a chain of element-wise stages over a symbolic length",
    make: () => {
      const n = dim("n");
      const X = placeholder("X", [n]);
      const a = compute("a", { i: n }, ({ i }) => X.at(i).mul(2).add(1));
      const b = compute("b", { i: n }, ({ i }) => a.at(i).mul(a.at(i)).sub(X.at(i)));
      return compute("c", { i: n }, ({ i }) => b.at(i).abs().sqrt());
    },
    sizes: [{ n: 0 }, { n: 1 }, { n: 7 }, { n: 8 }, { n: 33 }],
  },
  {
    name: "transpose of three axes",
    make: () => {
      const X = placeholder("X", [5, 6, 7], "i16");
      return compute("Y", { k: 7, i: 5, j: 6 }, ({ k, i, j }) => X.at(i, j, k));
    },
  },
  {
    name: "a sum of everything",
    make: () => {
      const X = placeholder("X", [9, 11], "i32");
      return compute("s", [], () => sum({ i: 9, j: 11 }, ({ i, j }) => X.at(i, j)));
    },
  },
];
