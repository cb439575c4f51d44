/** What the results of operators know of their operands: checked by the compiler, and run. */
import { expect, expectTypeOf, test } from "vitest";
import { type Arrays, compile, dim, type KernelOf, type LoopNames, placeholder } from "../../src/index.ts";
import * as ops from "../../src/ops.ts";

type Arguments<X> = Parameters<KernelOf<X>>[0];
type F32 = Arrays["f32"];

const n = dim("n");
const A = placeholder("A", [n, 8]);
const B = placeholder("B", [8, 6]);
const bias = placeholder("bias", [6]);

test("arguments are inferred through operators", async () => {
  const R = ops.relu("R", ops.broadcastAdd("S", ops.matmul("C", A, B), bias));
  expectTypeOf<Arguments<typeof R>>().toEqualTypeOf<{
    readonly A: F32;
    readonly B: F32;
    readonly bias: F32;
    readonly n?: number;
  }>();
  const kernel = await compile(R);
  const r: Float32Array = kernel({
    A: new Float32Array(16),
    B: new Float32Array(48),
    bias: new Float32Array(6).fill(2),
  });
  expect([...r]).toEqual(new Array(12).fill(2));
  // @ts-expect-error there is no such argument
  expect(() => kernel({ A: new Float32Array(16), B: new Float32Array(48), bias: new Float32Array(6), D: 1 })).toThrow();
});
test("names of loops and axes, shapes and names of results", () => {
  const C = ops.matmul("C", A, B);
  expectTypeOf<LoopNames<typeof C>>().toEqualTypeOf<"i" | "j" | "k">();
  expectTypeOf(C.name).toEqualTypeOf<"C">();
  expectTypeOf(C.shape.length).toEqualTypeOf<2>();
  const R = ops.silu("R", C);
  expectTypeOf<LoopNames<typeof R>>().toEqualTypeOf<"i0" | "i1">();
  const X = placeholder("X", [1, 8, 8, 4]);
  const Y = ops.conv2d("Y", X, placeholder("W", [3, 3, 4, 6]), { bias });
  expectTypeOf<LoopNames<typeof Y>>().toEqualTypeOf<"n" | "h" | "w" | "o" | "kh" | "kw" | "c">();
  expectTypeOf<Arguments<typeof Y>>().toEqualTypeOf<{ readonly X: F32; readonly W: F32; readonly bias: F32 }>();
  expect(Y.axes).toEqual(["n", "h", "w", "o"]);
});
test("dtypes", () => {
  const I = placeholder("I", [4, 4], "i32");
  expectTypeOf(ops.relu("R", I).dtype).toEqualTypeOf<"i32">();
  expectTypeOf(ops.oneHot("H", I, { depth: 3, dtype: "u8" }).dtype).toEqualTypeOf<"u8">();
  expectTypeOf(ops.elementwise("E", [I], (x) => x.cast("f64")).dtype).toEqualTypeOf<"f64">();
  // @ts-expect-error no logistic function of integers
  expect(() => ops.sigmoid("S", I)).toThrow(/"I" is i32/);
  // @ts-expect-error two dtypes
  expect(() => ops.matmul("C", B, I)).toThrow();
  const [X, W] = [placeholder("X", [1, 8, 8, 4]), placeholder("W", [3, 3, 4, 6])];
  // @ts-expect-error no such option
  expect(() => ops.conv2d("Y", X, W, { strides: 2 })).toThrow();
});
