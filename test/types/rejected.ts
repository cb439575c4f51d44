// What must be a compile error: each line marked with `// error` is a mistake that users make, and no other line may fail.
import {
  compute,
  dim,
  type Expr,
  einsum,
  type KernelOf,
  lit,
  nest,
  placeholder,
  reduce,
  scan,
  scatter,
  select,
  sum,
} from "../../te/index.ts";

declare function compile<X>(x: X): KernelOf<X>;
const [M, N, K] = [512, 512, 512];
const A = placeholder("A", [M, K]);
const B = placeholder("B", [K, N]);
const Q = placeholder("Q", [K, N], "i8");
const C = compute("C", { i: M, j: N }, ({ i, j }) => sum({ k: K }, ({ k }) => A.at(i, k).mul(B.at(k, j))));

// a misspelled axis in a body
compute("D", { i: M, j: N }, ({ i, jj }) => A.at(i, jj)); // error
// a misspelled axis in an index record
compute("D", { i: M, j: N }, ({ i, j }) => C.at({ i, jj: j })); // error
// an index record that lacks an axis
compute("D", { i: M }, ({ i }) => C.at({ i })); // error
// wrong rank
compute("D", { i: M, j: N }, ({ i }) => A.at(i)); // error
// mixed dtypes
compute("D", { i: M, j: N }, ({ i, j }) => A.at(i, j).mul(Q.at(i, j))); // error
compute("D", { i: M, j: N }, ({ i, j }) => select(i.lt(j), A.at(i, j), Q.at(i, j))); // error
// a bigint beside a float
compute("D", { i: M, j: N }, ({ i, j }) => A.at(i, j).mul(2n)); // error
// a float index
compute("D", { i: M, j: N }, ({ i, j }) => A.at(i, B.at(i, j))); // error
// an operation that the dtype lacks
compute("D", { i: M, j: N }, ({ i, j }) => Q.at(i, j).exp()); // error
// operators
compute("D", { i: M, j: N }, ({ i, j }) => A.at(i, j) * 2); // error
compute("D", { i: M, j: N }, ({ i, j }) => A.at(i, j) + A.at(i, j)); // error
compute("D", { i: M, j: N }, ({ i, j }) => Math.max(A.at(i, j), 0)); // error
// comparisons as conditions
compute("D", { i: M, j: N }, ({ i, j }) => (i.lt(3) ? A.at(i, j) : A.at(j, i))); // error
compute("D", { i: M, j: N }, ({ i, j }) => (i < 3 ? A.at(i, j) : A.at(j, i))); // error
compute("D", { i: M, j: N }, ({ i, j }) => (i === j ? A.at(i, j) : A.at(j, i))); // error
compute("D", { i: M, j: N }, ({ i, j }) => {
  if (i.lt(j)) return A.at(i, j); // error
  return A.at(j, i);
});
// a condition that is no comparison
compute("D", { i: M, j: N }, ({ i, j }) => select(i, A.at(i, j), 0)); // error
// a reduction inside a reduction
compute("D", { i: M }, () => sum({ k: K }, ({ k }) => sum({ l: K }, ({ l }) => A.at(k, l)))); // error
// kernel arguments
const g = compile(C);
g({ A: new Float32Array(1) }); // error
g({ A: new Float32Array(1), B: new Float32Array(1), b: new Float32Array(1) }); // error
g({ A: new Float32Array(1), B: new Float64Array(1) }); // error
g({ A: new Float32Array(1), B: [1, 2, 3] }); // error
// accumulating over different inputs in a variable: use addAll
let e = A.at(0, 0);
for (let t = 0; t < 3; t++) e = e.add(B.at(t, 0)); // error
// a body without a result, or with a plain number
compute("D", { i: M, j: N }, ({ i, j }) => { A.at(i, j); }); // error
compute("D", { i: M, j: N }, () => 0); // error
// a tensor where an element is meant
compute("D", { i: M, j: N }, () => A); // error
// an input as an extent, a string as an extent
compute("D", { i: A.at(0, 0).cast("i32") }, ({ i }) => A.at(i, 0)); // error
compute("D", { i: "512" }, ({ i }) => A.at(i, 0)); // error
// an unknown dtype
placeholder("P", [1], "float32"); // error
// a misspelled option
dim("n", { maximum: 3 }); // error
// a scan whose step has another dtype
scan("S", { t: 3 }, { i: N }, { init: ({ i }) => A.at(0, i), step: ({ i }) => Q.at(0, i) }); // error
// a combiner with too many results
reduce({ k: K }, { values: ({ k }) => [A.at(0, k)], combine: (a, b) => [a[0].add(b[0]), b[0]], identity: [0] }); // error
// a name that einsum's result lacks
compute("D", { i: M, j: N }, ({ i, j }) => einsum("E", "i k, k j -> i j", A, B).at({ i, k: j })); // error
export const used: Expr<"f32"> = e;

// ---- accumulation at computed positions
const img = placeholder("img", { y: 480, x: 640 }, "u8");
// a position that is no index
scatter("H", { bin: 256 }, { y: 480, x: 640 }, ({ y, x }) => ({ at: [img.at(y, x)], value: lit(1, "i32") })); // error
// a position by a name that the result lacks
scatter("H", { bin: 256 }, { y: 480, x: 640 }, ({ y }) => ({ at: { bins: y }, value: lit(1, "i32") })); // error
// a number as value
scatter("H", { bin: 256 }, { y: 480, x: 640 }, ({ y }) => ({ at: [y], value: 1 })); // error
// an axis of the result in the body
scatter("H", { bin: 256 }, { y: 480, x: 640 }, ({ bin }) => ({ at: [bin], value: lit(1, "i32") })); // error
// a combiner that there is not
scatter("H", { bin: 4 }, { i: 4 }, ({ i }) => ({ at: [i], value: lit(1, "i32") }), { combine: "mean" }); // error
// a start of another dtype
scatter("H", { bin: 4 }, { i: 4 }, ({ i }) => ({ at: [i], value: lit(1, "i32") }), { init: () => lit(1, "f32") }); // error

// ---- nests by hand
const row = { shape: { x: 8 }, dtype: "f32" } as const;
// a result that there is not
nest("T", { results: { a: row } }, (_, { b }) => b.store([0], 1)); // error
// a value of another dtype
nest("T", { results: row }, (_, out) => out.store([0], lit(1, "i32"))); // error
// a wrong name of an axis
nest("T", { results: row }, (_, out) => out.store({ y: 0 }, 1)); // error
// a wrong rank
nest("T", { results: { shape: [2, 3], dtype: "f32" } }, (_, out) => out.store([0], 1)); // error
// an axis that there is not
nest("T", { axes: { y: 4 }, results: row }, ({ z }, out) => out.store([z], 1)); // error
// a dtype that there is not
nest("T", { results: { shape: [2], dtype: "f31" } }, () => {}); // error
// a branch on a number
nest("T", { results: row }, (_, out, b) => b.if(lit(1, "i32"), () => out.store([0], 1))); // error
// arguments that the nest does not read
compile(nest("T", { reads: [A], results: row }, (_, out) => out.store([0], A.at(0, 0))))({ B: new Float32Array(1) }); // error
