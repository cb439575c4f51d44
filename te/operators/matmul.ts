// biome-ignore-all lint/suspicious/noExplicitAny: `any` as a type argument means "whatever facts", and must not be checked
/** Matrix products: with transposed operands, batches, and as a dense layer. */
import { compute } from "../compute.ts";
import type { Expr } from "../expr.ts";
import { sum } from "../reduce.ts";
import type { Tensor } from "../tensor.ts";
import type { AnyTensor, DTypeOf, Extent, NumericType, Red, Shape } from "../types.ts";
import { type Broadcast, broadcastShape, readBroadcast } from "./broadcast.ts";
import { Call, type Carried, type IndexRecord, record, type ShapeIn, shapeText, type TensorOf } from "./common.ts";

export interface MatmulOptions {
  /** A is stored [..., K, M]. */
  readonly transposeA?: boolean;
  /** B is stored [..., N, K]. */
  readonly transposeB?: boolean;
}
/** b0, b1, ... for axes of batches, where there may be any. */
export type BatchNames<S extends Shape, Own extends number> = S["length"] extends Own ? never : `b${number}`;
export type Product<N extends string, A, B> = Tensor<
  DTypeOf<A>,
  "i" | "j" | BatchNames<Broadcast<ShapeIn<A>, ShapeIn<B>>, 2>,
  Carried<A> | Carried<B> | Red<"k">,
  Broadcast<ShapeIn<A>, ShapeIn<B>>,
  N
>;

/**
 * The matrix product of A `[..., M, K]` and B `[..., K, N]`: `[..., M, N]`. Leading axes are batches, and broadcast. Axes of the
 * result are b0, b1, ..., i, j; the reduction is k.
 *
 *     const C = matmul("C", placeholder("A", [64, 32]), placeholder("B", [32, 48]));
 *     const S = matmul("S", Q, K, { transposeB: true }); // [12, 197, 64] and [12, 197, 64]: [12, 197, 197]
 *
 * Both operands have one dtype, which is the result's and the one it accumulates in (integers wrap; cast them to a wider dtype
 * first). Throws TeError for operands of fewer than two axes, for inner extents or batches that don't fit, for mixed dtypes.
 * (NumPy and ONNX: MatMul; BLAS: gemm.)
 */
export function matmul<
  const N extends string,
  const A extends TensorOf<NumericType>,
  const B extends Tensor<DTypeOf<A>, any, any, any, any>,
>(name: N, a: A, b: B, options: MatmulOptions = {}): Product<N, A, B> {
  const call = new Call("matmul", name);
  call.options(options, ["transposeA", "transposeB"]);
  const [ta, tb] = [call.flag(options.transposeA, "transposeA"), call.flag(options.transposeB, "transposeB")];
  const [x, y] = [call.numeric(a, "A"), call.numeric(b, "B")];
  call.rank(x, "A", 2, ta ? "[..., K, M]" : "[..., M, K]", Infinity);
  call.rank(y, "B", 2, tb ? "[..., N, K]" : "[..., K, N]", Infinity);
  call.sameDType(x, y);
  const [m, k] = ends(x.shape, ta);
  const [k2, n] = ends(y.shape, tb);
  call.same(k, k2, `K of "${x.name}" ${shapeText(x.shape)}`, `K of "${y.name}" ${shapeText(y.shape)}`);
  const batchOf = (t: typeof x) => ({ name: t.name, shape: t.shape.slice(0, -2) });
  const batch = broadcastShape(call, [batchOf(x), batchOf(y)]);
  const names = batch.map((_, d) => `b${d}`);
  const read = (t: typeof x, at: readonly Expr<"i32", any>[], row: any, column: any, swap: boolean): Expr<any, any> =>
    readBroadcastLast(t, at, swap ? [column, row] : [row, column]);
  return compute(name, record([...names, "i", "j"], [...batch, m, n]), (axes: IndexRecord) => {
    const at = names.map((q) => axes[q]!);
    return sum({ k }, ({ k }) => read(x, at, axes.i, k, ta).mul(read(y, at, k, axes.j, tb)));
  }) as never;
}

/** The last two extents as rows and columns. */
function ends(s: Shape, swap: boolean): readonly [Extent, Extent] {
  const [row, column] = [s.at(-2)!, s.at(-1)!];
  return swap ? [column, row] : [row, column];
}
/** Leading axes broadcast; the last ones are read as they are, also where they have extent 1. */
function readBroadcastLast(t: any, at: readonly Expr<"i32", any>[], last: readonly unknown[]): Expr<any, any> {
  const lead = t.shape.length - last.length;
  const head = { shape: t.shape.slice(0, lead), at: (...i: readonly unknown[]) => t.at(...i, ...last) };
  return readBroadcast(head as never, at);
}

export interface DenseOptions<B> {
  /** `[N]`, added to each row. */
  readonly bias?: B;
  /** The weights are stored [N, K]. */
  readonly transposeW?: boolean;
}
export type DenseNames<S extends Shape> = "j" | (S["length"] extends 1 ? never : "i") | BatchNames<S, 1 | 2>;
export type Dense<N extends string, X, W, B> = Tensor<
  DTypeOf<X>,
  DenseNames<ShapeIn<X>>,
  Carried<X> | Carried<W> | Carried<B> | Red<"k">,
  ShapeIn<X>,
  N
>;

/**
 * A fully connected layer: X `[..., K]` times W `[K, N]`, plus a bias `[N]` where there is one: `[..., N]`. Axes of the result are
 * b0, b1, ..., i, j; the reduction is k.
 *
 *     const Y = dense("Y", placeholder("X", [8, 784]), placeholder("W", [784, 128]), { bias: placeholder("b", [128]) });
 *     const H = relu("H", Y);
 *
 * All operands have one dtype, which is the result's and the one it accumulates in. Throws TeError for other ranks, extents that
 * don't fit, mixed dtypes. (ONNX: Gemm; Keras: Dense; PyTorch: Linear, which stores its weights transposed.)
 */
export function dense<
  const N extends string,
  const X extends TensorOf<NumericType>,
  const W extends Tensor<DTypeOf<X>, any, any, any, any>,
  const B extends AnyTensor | undefined = undefined,
>(name: N, x: X, w: W, options: DenseOptions<B> = {}): Dense<N, X, W, B> {
  const call = new Call("dense", name);
  call.options(options, ["bias", "transposeW"]);
  const swap = call.flag(options.transposeW, "transposeW");
  const [input, weights] = [call.numeric(x, "X"), call.numeric(w, "W")];
  call.rank(input, "X", 1, "[..., K]", Infinity);
  call.rank(weights, "W", 2, swap ? "[N, K]" : "[K, N]");
  call.sameDType(input, weights);
  const k = input.shape.at(-1)!;
  const [k2, n] = ends(weights.shape, swap);
  call.same(
    k,
    k2,
    `K of "${input.name}" ${shapeText(input.shape)}`,
    `K of "${weights.name}" ${shapeText(weights.shape)}`,
  );
  const bias = options.bias === undefined ? undefined : call.numeric(options.bias, "bias");
  if (bias !== undefined) {
    call.rank(bias, "bias", 1, "[N]");
    call.sameDType(input, bias);
    call.same(bias.shape[0]!, n, `the extent of "${bias.name}"`, `N of "${weights.name}" ${shapeText(weights.shape)}`);
  }
  const rows = input.shape.slice(0, -1);
  const names = rows.map((_, d) => (d === rows.length - 1 ? "i" : `b${d}`));
  return compute(name, record([...names, "j"], [...rows, n]), (axes: IndexRecord) => {
    const at = names.map((q) => axes[q]!);
    const j = axes.j!;
    const total: Expr<any, any> = sum({ k }, ({ k }) =>
      input.at(...at, k).mul(swap ? weights.at(j, k) : weights.at(k, j)),
    );
    return bias === undefined ? total : total.add(bias.at(j));
  }) as never;
}
