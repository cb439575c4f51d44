// What must type-check, and what must be inferred. Nothing here runs: types.test.ts hands it to the compiler.
import {
  type Arrays,
  type Axis,
  add,
  addAll,
  argmax,
  compute,
  constantEdge,
  dim,
  div,
  type Expr,
  einsum,
  type KernelOf,
  type LoopNames,
  lit,
  max,
  maximum,
  nest,
  placeholder,
  reduce,
  repeatEdge,
  scalar,
  scan,
  scatter,
  select,
  sub,
  sum,
  type Tensor,
  where,
} from "../../te/index.ts";

type Eq<A, B> = (<X>() => X extends A ? 1 : 2) extends <X>() => X extends B ? 1 : 2 ? true : false;
function ok<_ extends true>(): void {}
declare function compile<X>(x: X): Promise<KernelOf<X>>;

const [M, N, K] = [512, 512, 512];
const A = placeholder("A", [M, K]);
const B = placeholder("B", [K, N]);
const bias = placeholder("bias", [N]);
const C = compute("C", { i: M, j: N }, ({ i, j }) => sum({ k: K }, ({ k }) => A.at(i, k).mul(B.at(k, j))));
const C2 = compute("C2", { i: M, j: N }, ({ i, j }) =>
  sum({ k: K }, ({ k }) => A.at(i, k).mul(B.at(k, j)))
    .add(bias.at(j))
    .max(0),
);
ok<Eq<LoopNames<typeof C>, "i" | "j" | "k">>();
const gemm = await compile(C);
const c: Float32Array = gemm({ A: new Float32Array(1), B: new Float32Array(1) });
const g2 = await compile(C2);
const y: Float32Array = g2({ A: new Float32Array(1), B: new Float32Array(1), bias: new Float32Array(1) });
ok<Eq<Parameters<typeof gemm>[0], { readonly A: Float32Array; readonly B: Float32Array }>>();
ok<Eq<Parameters<typeof g2>[0], { readonly A: Float32Array; readonly B: Float32Array; readonly bias: Float32Array }>>();

// two stages; symbolic sizes flow through
const n = dim("n");
const X = placeholder("X", [n, 64], "u8");
const bx = compute("bx", { y: n, x: 62 }, ({ y, x }) =>
  X.at(y, x)
    .cast("i32")
    .add(X.at(y, x.add(1)).cast("i32")),
);
const by = compute("by", { y: 60, x: 62 }, ({ y, x }) => bx.at(y, x).add(bx.at(y.add(1), x)));
const kb = await compile(by);
const r: Int32Array = kb({ X: new Uint8Array(4) });
ok<Eq<Parameters<typeof kb>[0], { readonly X: Uint8Array; readonly n?: number }>>();
const shorter = compute("shorter", { y: n.sub(2), x: 62 }, ({ y, x }) => X.at(y.add(2), x));
const ks = await compile(shorter);
ok<Eq<Parameters<typeof ks>[0], { readonly X: Uint8Array; readonly n?: number }>>();

// generic rank
function relu<D extends "f32" | "f64", L extends string, F>(x: Tensor<D, L, F>) {
  return compute("relu", x.shape, (...v) => x.at(...v).max(0));
}
const re = relu(C2);
const kr = await compile(re);
ok<Eq<Parameters<typeof kr>[0], { readonly A: Float32Array; readonly B: Float32Array; readonly bias: Float32Array }>>();
// reductions that a tensor has finished are not its readers'
ok<Eq<LoopNames<typeof re>, string>>();

// several outputs
const two = await compile({ C, by });
const o = two({ A: new Float32Array(1), B: new Float32Array(1), X: new Uint8Array(1), n: 3 });
ok<Eq<typeof o, { readonly C: Float32Array; readonly by: Int32Array }>>();

// positional rank
const P4 = compute("P4", [4, 5], (a, b) => A.at(a, b));
const P4b = compute("P4b", [4, 5], (...v) => A.at(...v));
P4.at(1, 2);
P4b.at({ i0: 1, i1: 2 });
ok<Eq<LoopNames<typeof P4>, "i0" | "i1">>();
C.at({ j: 1, i: 2 });

// helpers: facts of both operands, or none known
function lerp<F, G>(a: Expr<"f32", F>, b: Expr<"f32", G>, t: number) {
  return a.mul(1 - t).add(b.mul(t));
}
const L = compute("L", { i: M, j: N }, ({ i, j }) => lerp(A.at(i, j), bias.at(j), 0.5));
ok<Eq<Parameters<KernelOf<typeof L>>[0], { readonly A: Float32Array; readonly bias: Float32Array }>>();
function lossy(a: Expr<"f32">): Expr<"f32"> {
  return a.mul(2);
}
const Lo = compute("Lo", { i: M, j: N }, ({ i, j }) => lossy(A.at(i, j)));
const kLo = await compile(Lo);
kLo({ anything: 1 });
function pick(i: Axis, j: Axis) {
  return A.at(i, j);
}
compute("picked", { i: M, j: N }, ({ i, j }) => pick(i, j));

function leaky<D extends "f32" | "f64", L extends string, F>(x: Tensor<D, L, F>) {
  return compute("leaky", x.shape, (...v) =>
    select(x.at(...v).gt(0), x.at(...v), x.at(...v).mul(0.1)).add(sub(1, x.at(...v))),
  );
}
const lk = leaky(C2);
ok<Eq<ReturnType<KernelOf<typeof lk>>, Float32Array>>();
ok<Eq<Parameters<KernelOf<typeof lk>>[0], Parameters<typeof g2>[0]>>();

// lists
const taps = [1, 2, 1];
compute("T3", { i: M, j: N - 2 }, ({ i, j }) =>
  taps.map((w, t) => A.at(i, j.add(t)).mul(w)).reduce((a, b) => a.add(b)),
);
const many = compute("many", { i: M, j: N }, ({ i, j }) => addAll([A.at(i, j), B.at(i, j), bias.at(j)]));
ok<
  Eq<
    Parameters<KernelOf<typeof many>>[0],
    { readonly A: Float32Array; readonly B: Float32Array; readonly bias: Float32Array }
  >
>();
const Sx = compute("Sx", { i: M, j: N }, ({ i, j }) => select(i.lt(3), A.at(i, j), 0));
ok<Eq<Parameters<KernelOf<typeof Sx>>[0], { readonly A: Float32Array }>>();

// functions
const alpha = scalar("alpha");
const steps = scalar("steps", "i64");
const F1 = compute("F1", { i: M, j: N }, ({ i, j }) =>
  add(sub(1, A.at(i, j)), div(1, B.at(i, j)), alpha, 2).mul(maximum(A.at(i, j), 0).sigmoid()),
);
ok<
  Eq<Parameters<KernelOf<typeof F1>>[0], { readonly A: Float32Array; readonly B: Float32Array; readonly alpha: number }>
>();
const F2 = compute("F2", { i: 3 }, () => steps.add(1n));
ok<Eq<Parameters<KernelOf<typeof F2>>[0], { readonly steps: bigint }>>();
const F3 = compute("F3", [1], () => lit(1, "f16").exp());
ok<Eq<ReturnType<KernelOf<typeof F3>>, Arrays["f16"]>>();
const dotted = compute("dotted", { y: 60, x: 62 }, ({ y, x }) => X.at(y, x).widenMul(3).widenAdd(1));
ok<Eq<(typeof dotted)["dtype"], "u32">>();

// edges
const edge = constantEdge(A, alpha);
const lap = compute("lap", { i: M, j: N }, ({ i, j }) => edge.at(i.sub(1), j).add(repeatEdge(B).at(i, j.add(1))));
ok<
  Eq<
    Parameters<KernelOf<typeof lap>>[0],
    { readonly A: Float32Array; readonly B: Float32Array; readonly alpha: number }
  >
>();

// reductions
const am = compute("am", { i: M }, ({ i }) => argmax({ k: K }, ({ k }) => A.at(i, k), { where: ({ k }) => k.ne(i) }));
ok<Eq<ReturnType<KernelOf<typeof am>>, Int32Array>>();
const stats = compute("stats", { i: M }, ({ i }) => {
  const [s, q] = reduce(
    { k: K },
    {
      values: ({ k }) => [A.at(i, k), A.at(i, k).mul(A.at(i, k)).cast("f64")],
      combine: (a, b) => [a[0].add(b[0]), a[1].add(b[1])],
      identity: [0, 0],
    },
  );
  return { s, q: q.sqrt() };
});
const kst = await compile(stats);
const st = kst({ A: new Float32Array(1) });
ok<Eq<typeof st, { readonly s: Float32Array; readonly q: Float64Array }>>();
ok<Eq<LoopNames<typeof stats.q>, "i" | "k">>();
ok<Eq<(typeof stats.q)["name"], "stats.q">>();

// einsum
const E = einsum("E", "i k, k j -> i j", A, B);
ok<Eq<LoopNames<typeof E>, "i" | "j" | "k">>();
ok<Eq<Parameters<KernelOf<typeof E>>[0], { readonly A: Float32Array; readonly B: Float32Array }>>();
compute("Et", { j: N, i: M }, ({ i, j }) => E.at(i, j).add(E.at({ i, j })));

// scans
const S = scan("S", { t: M }, { i: N }, { init: ({ i }) => A.at(0, i), step: ({ t, i }, p) => p(i).add(B.at(t, i)) });
ok<Eq<Parameters<KernelOf<typeof S>>[0], { readonly A: Float32Array; readonly B: Float32Array }>>();
ok<Eq<LoopNames<typeof S>, "i" | "t">>();
const fib = scan(
  "fib",
  { t: 20 },
  {},
  {
    init: () => ({ a: lit(0, "i32"), b: lit(1, "i32") }),
    step: (_, prev) => ({ a: prev.b(), b: prev.a().add(prev.b()) }),
  },
);
ok<Eq<ReturnType<KernelOf<typeof fib>>, { readonly a: Int32Array; readonly b: Int32Array }>>();

// softmax, in one tensor and in several
const mx = compute("mx", { i: M }, ({ i }) => max({ k: K }, ({ k }) => A.at(i, k)));
const ex = compute("ex", { i: M, k: K }, ({ i, k }) => A.at(i, k).sub(mx.at(i)).exp());
const sm = compute("sm", { i: M, k: K }, ({ i, k }) => ex.at(i, k).div(sum({ q: K }, ({ q }) => ex.at(i, q))));
ok<Eq<LoopNames<typeof sm>, "i" | "k" | "q">>();
compute("shift", { i: M, j: N }, ({ i, j }) => where(i.ge(1).and(j.gt(2)), A.at(i.sub(1), j), 0));

// a long chain
let deep: Expr<"f32", never> = lit(0, "f32");
for (let t = 0; t < 10; t++) deep = deep.add(t);
export const used = { c, y, r, deep };

// accumulation at computed positions: the loops are those of the points
const img = placeholder("img", { y: 480, x: n }, "u8");
const scale = scalar("scale");
const H = scatter("H", { bin: 256 }, { y: 480, x: n }, ({ y, x }) => ({
  at: [img.at(y, x).cast("i32")],
  value: lit(1, "u32"),
}));
ok<Eq<(typeof H)["dtype"], "u32">>();
ok<Eq<LoopNames<typeof H>, "y" | "x">>();
const hist = await compile(H);
ok<Eq<Parameters<typeof hist>[0], { readonly img: Uint8Array; readonly n?: number }>>();
const counts: Uint32Array = hist({ img: new Uint8Array(1) });
const start = placeholder("start", { y: 480, bin: 256 });
const rows = scatter(
  "rows",
  { y: 480, bin: 256 },
  { y: 480, x: n },
  ({ y, x }) => ({ at: { y, bin: img.at(y, x).cast("i32") }, value: img.at(y, x).cast("f32").mul(scale) }),
  { combine: "max", init: ({ y, bin }) => start.at(y, bin), where: ({ x }) => x.lt(3) },
);
ok<Eq<LoopNames<typeof rows>, "y" | "x">>();
const byRow = await compile(rows);
ok<
  Eq<
    Parameters<typeof byRow>[0],
    { readonly img: Uint8Array; readonly start: Float32Array; readonly scale: number; readonly n?: number }
  >
>();
scatter("own", { k: 4 }, { i: 6 }, ({ i }) => ({ at: [i.mod(4)], value: A.at(i, 0) }), {
  combine: { combine: (a, b) => select(a.abs().gt(b.abs()), a, b), identity: 0 },
  init: 1,
});
// what follows reads it as any tensor
const remap = compute("remap", { y: 480, x: n }, ({ y, x }) => H.at({ bin: img.at(y, x).cast("i32") }).cast("f32"));
ok<Eq<LoopNames<typeof remap>, "y" | "x">>();

// loop nests by hand: results typed by their record, arguments by what is read
const sorted = nest(
  "sorted",
  {
    reads: [img, scale, n],
    axes: { y: 480 },
    results: { value: { shape: { x: n }, dtype: "u8" }, from: { shape: [n], dtype: "i32" } },
  },
  ({ y }, { value, from }, b) => {
    const best = b.alloc("best", [], "f32");
    const seen = b.alloc("seen", { k: 256 }, "i32");
    b.for("x", n, (x) => {
      const v: Expr<"u8", never> = value.at(x);
      const p = b.let("p", img.at(y, x).cast("f32").mul(scale));
      b.if(
        p.gt(best.at()),
        () => best.store([], p),
        () => from.store([x], seen.at({ k: 0 })),
      );
      b.for("j", { from: x.add(1), to: n, step: 2 }, (j) => value.store({ x: j }, v), { unroll: false });
    });
  },
);
ok<Eq<(typeof sorted.value)["dtype"], "u8">>();
ok<Eq<(typeof sorted.value)["name"], "sorted.value">>();
ok<Eq<LoopNames<typeof sorted.from>, "y">>();
const sort = await compile(sorted);
ok<Eq<Parameters<typeof sort>[0], { readonly img: Uint8Array; readonly scale: number; readonly n?: number }>>();
const order: Int32Array = sort({ img: new Uint8Array(1), scale: 1 }).from;
const table = nest("table", { results: { shape: [256], dtype: "f32" } }, (_, out, b) =>
  b.for("i", 256, (i) => out.store([i], i.cast("f32").sqrt())),
);
ok<Eq<keyof Parameters<KernelOf<typeof table>>[0], never>>();
ok<Eq<(typeof table)["shape"]["length"], 1>>();
void [counts, order];
