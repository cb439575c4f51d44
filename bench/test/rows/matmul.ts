/** Matrix products, dense layers, attention. */
import { type Bound, doubles, exact, f32, f64, i32, type Spec, single, sums, transposed } from "../data.ts";
import { float, type Graph, infer, type Value } from "../onnx.ts";
import type { Row } from "../row.ts";

type Make = (shape: readonly number[]) => Spec;
const swapLast = (rank: number): number[] => [...Array(rank - 2).keys(), rank - 1, rank - 2];
const stored = (shape: readonly number[], swap: boolean): number[] =>
  swap ? swapLast(shape.length).map((d) => shape[d]!) : [...shape];

function matmul(a: readonly number[], b: readonly number[], ta: boolean, tb: boolean, make: Make, bound: Bound): Row {
  return {
    operator: "matmul",
    title: [ta ? "transposeA" : "", tb ? "transposeB" : ""].filter(Boolean).join(", "),
    inputs: { A: make(stored(a, ta)), B: make(stored(b, tb)) },
    args: ({ A, B }) => [A, B, { transposeA: ta, transposeB: tb }],
    expected: ({ A, B }) =>
      infer((g) => {
        const [x, y] = [ta ? transposed(A!, swapLast(a.length)) : A!, tb ? transposed(B!, swapLast(b.length)) : B!];
        return g.op("MatMul", [g.feed(x), g.feed(y)]);
      }),
    bound,
  };
}
const SIZES: readonly (readonly [number[], number[]])[] = [
  [
    [1, 1],
    [1, 1],
  ],
  [
    [7, 13],
    [13, 5],
  ],
  [
    [33, 65],
    [65, 31],
  ],
  [
    [3, 6, 10],
    [3, 10, 9],
  ],
];
const products: Row[] = SIZES.flatMap(([a, b]) =>
  [false, true].flatMap((ta) => [false, true].map((tb) => matmul(a, b, ta, tb, f32, sums(a.at(-1)!)))),
);
const batches = (
  [
    [
      [2, 1, 5, 6],
      [3, 6, 4],
    ],
    [
      [5, 6],
      [3, 6, 7],
    ],
    [
      [2, 3, 1, 9],
      [9, 1],
    ],
    [
      [64, 100],
      [100, 96],
    ],
    [
      [1, 37],
      [37, 70],
    ],
    [
      [70, 37],
      [37, 1],
    ],
  ] as [number[], number[]][]
).map(([a, b]) => matmul(a, b, false, false, f32, sums(a.at(-1)!)));
const dtypes = [
  matmul([9, 14], [14, 6], false, false, i32, exact),
  matmul([2, 9, 14], [14, 6], true, true, i32, exact),
  matmul([9, 14], [14, 6], false, true, f64, doubles(14)),
];

function dense(x: readonly number[], n: number, transposeW: boolean, bias: boolean): Row {
  const k = x.at(-1)!;
  return {
    operator: "dense",
    title: `${transposeW ? "transposeW" : ""}`,
    inputs: { X: f32(x), W: f32(transposeW ? [n, k] : [k, n]), ...(bias ? { b: f32([n]) } : {}) },
    args: ({ X, W, b }) => [X, W, { transposeW, bias: b }],
    expected: ({ X, W, b }) =>
      infer((g) => {
        // Gemm takes matrices only
        if (x.length === 2)
          return g.op(
            "Gemm",
            [X!, W!, ...(b ? [b] : [])].map((v) => g.feed(v)),
            { transB: transposeW ? 1 : 0 },
          );
        const y = g.op("MatMul", [g.feed(X!), g.feed(transposeW ? transposed(W!, [1, 0]) : W!)]);
        return b ? g.op("Add", [y, g.feed(b)]) : y;
      }),
    bound: sums(k),
  };
}
const layers = [[7], [1, 1], [6, 33], [2, 3, 17]].flatMap((x) => [
  dense(x, 5, false, true),
  dense(x, 10, true, true),
  dense(x, 3, false, false),
]);

interface Attending {
  readonly batch: readonly number[];
  readonly queries: number;
  readonly keys: number;
  readonly d: number;
  readonly e: number;
  readonly causal?: boolean;
  readonly mask?: readonly number[];
  readonly scale?: number;
}
function attention(o: Attending): Row {
  const { batch, queries, keys, d, e, causal = false, mask, scale } = o;
  const order = swapLast(batch.length + 2);
  return {
    operator: "attention",
    title: [causal ? "causal" : "", scale === undefined ? "" : `scale ${scale}`].filter(Boolean).join(", "),
    inputs: {
      Q: f32([...batch, queries, d], -2, 2),
      K: f32([...batch, keys, d], -2, 2),
      V: f32([...batch, keys, e]),
      ...(mask ? { M: f32(mask, -3, 3) } : {}),
    },
    args: ({ Q, K, V, M }) => [Q, K, V, { causal, mask: M, scale }],
    expected: ({ Q, K, V, M }) =>
      infer((g) => {
        const scores = g.op("MatMul", [g.feed(Q!), g.op("Transpose", [g.feed(K!)], { perm: order })]);
        let s = g.op("Mul", [scores, g.constant(single("f32", scale ?? 1 / Math.sqrt(d)))]);
        if (M) s = g.op("Add", [s, g.feed(M)]);
        if (causal) s = g.op("Add", [s, unseen(g, queries, keys)]);
        return g.op("MatMul", [g.op("Softmax", [s], { axis: -1 }), g.feed(V!)]);
      }),
    bound: sums(d + keys),
  };
}
/** -Infinity where key j stands after i + keys - queries: the last query sees all of them. */
function unseen(g: Graph, queries: number, keys: number): Value {
  const values = Array.from({ length: queries * keys }, (_, p) =>
    (p % keys) - Math.floor(p / keys) > keys - queries ? -Infinity : 0,
  );
  return g.constant({ dtype: "f32", shape: [queries, keys], data: Float32Array.from(values) });
}
const composed = [
  attention({ batch: [], queries: 1, keys: 1, d: 1, e: 1 }),
  attention({ batch: [3], queries: 5, keys: 9, d: 7, e: 6 }),
  attention({ batch: [2, 3], queries: 9, keys: 9, d: 16, e: 16, causal: true }),
  attention({ batch: [2], queries: 4, keys: 11, d: 8, e: 5, causal: true }),
  attention({ batch: [2, 3], queries: 5, keys: 6, d: 8, e: 8, mask: [5, 6] }),
  attention({ batch: [2, 3], queries: 5, keys: 6, d: 8, e: 8, mask: [2, 1, 1, 6], scale: 0.5 }),
];
/**
 * The operator of opset 23, for batches and heads `[b, h, ...]`. Its causal mask aligns query 0 with key 0, ours the last query with the
 * last key: the same where there are as many of both.
 */
const fused = [false, true].map((causal): Row => {
  const inputs = { Q: f32([2, 3, 7, 8]), K: f32([2, 3, 7, 8]), V: f32([2, 3, 7, 5]) };
  return {
    operator: "attention",
    title: `ONNX Attention${causal ? ", causal" : ""}`,
    inputs,
    args: ({ Q, K, V }) => [Q, K, V, { causal, scale: 0.25 }],
    expected: ({ Q, K, V }) =>
      infer((g) =>
        g.op("Attention", [g.feed(Q!), g.feed(K!), g.feed(V!)], { is_causal: causal ? 1 : 0, scale: float(0.25) }),
      ),
    bound: sums(8 + 7),
  };
});

export const matmulRows: readonly Row[] = [...products, ...batches, ...dtypes, ...layers, ...composed, ...fused];
