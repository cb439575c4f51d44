// biome-ignore-all lint/suspicious/noExplicitAny: `any` as a type argument means "whatever facts", and must not be checked
/** Elements chosen by indices, and running sums. */
import { isInteger } from "../../src/ir/index.ts";
import { checkDType } from "../build.ts";
import { compute } from "../compute.ts";
import type { Expr } from "../expr.ts";
import { lit, select, where } from "../functions.ts";
import { scan } from "../scan.ts";
import type { Tensor } from "../tensor.ts";
import { describe } from "../text.ts";
import type { AnyTensor, DType, DTypeOf, Extent, IntType, NumericType, Shape } from "../types.ts";
import type { Like } from "./activation.ts";
import { Call, type Carried, type IndexRecord, plus, record, type TensorOf, type Values } from "./common.ts";
import type { AxisOption } from "./normalization.ts";

type Point = Expr<"i32", any>;
function indexTensor(call: Call, x: unknown): Values {
  const t = call.tensor(x, "the indices");
  if (!isInteger(t.dtype))
    throw call.error(
      "te.dtype",
      `the indices "${t.name}" are ${t.dtype}: expected integers; cast("i32") them in a compute first`,
    );
  return t;
}

export type Gathered<N extends string, X, I> = Tensor<DTypeOf<X>, `i${number}`, Carried<X> | Carried<I>, Shape, N>;
/**
 * Parts of X along an axis (the first unless told otherwise), chosen by indices: the axis gives way to the axes of the indices. X
 * `[a, n, b]` and indices `[p, q]` along axis 1 make `[a, p, q, b]`. The dtype of X stays; indices are integers.
 *
 *     const E = gather("E", placeholder("table", [30522, 768]), placeholder("tokens", [128], "i32")); // [128, 768]
 *     const C = gather("C", X, columns, { axis: -1 });
 *
 * An index outside of the axis means its nearest element (negative ones don't count from the end). Throws TeError for indices that
 * are no integers and an axis that X lacks. (NumPy: take with mode "clip"; ONNX: Gather.)
 */
export function gather<const N extends string, const X extends AnyTensor, const I extends TensorOf<IntType>>(
  name: N,
  x: X,
  indices: I,
  options: AxisOption = {},
): Gathered<N, X, I> {
  const call = new Call("gather", name);
  call.options(options, ["axis"]);
  const [t, at] = [call.tensor(x, "X"), indexTensor(call, indices)];
  const axis = call.axis(options.axis ?? 0, t.shape.length);
  const rank = at.shape.length;
  return compute(name, t.shape.toSpliced(axis, 1, ...at.shape), (...p) => {
    const i: Point = at.at(...p.slice(axis, axis + rank)).satCast("i32");
    return t.at(...p.slice(0, axis), i, ...p.slice(axis + rank));
  }) as never;
}

export interface OneHotOptions<D extends DType> extends AxisOption {
  /** How many values an index may have: the extent of the new axis. */
  readonly depth: Extent;
  /** Of the result; f32 unless told otherwise. */
  readonly dtype?: D;
  /** Where the position is the index; 1 unless told otherwise. */
  readonly on?: number | bigint | boolean;
  /** Elsewhere; 0 unless told otherwise. */
  readonly off?: number | bigint | boolean;
}
/**
 * A new axis (the last unless told otherwise) of extent `depth`, 1 where its position is the index and 0 elsewhere: indices `[n]` make
 * `[n, depth]`. An index outside of it makes zeros only.
 *
 *     const H = oneHot("H", placeholder("labels", [32], "i32"), { depth: 10 });
 *     const M = oneHot("M", labels, { depth: 10, axis: 0, dtype: "u8", on: 255 });
 *
 * Throws TeError for indices that are no integers, a bad depth, values that the dtype can't hold. (ONNX: OneHot.)
 */
export function oneHot<const N extends string, const I extends TensorOf<IntType>, const D extends DType = "f32">(
  name: N,
  indices: I,
  options: OneHotOptions<D>,
): Tensor<D, `i${number}`, Carried<I>, Shape, N> {
  const call = new Call("oneHot", name);
  call.options(options, ["axis", "depth", "dtype", "on", "off"]);
  const t = indexTensor(call, indices);
  if (options?.depth === undefined) throw call.error("te.option", "depth is missing: give it, as in { depth: 10 }");
  const dtype: DType = options.dtype ?? "f32";
  checkDType(dtype, call.title);
  const axis = call.axis(options.axis ?? -1, t.shape.length + 1);
  const { on = dtype === "bool" ? true : 1, off = dtype === "bool" ? false : 0 } = options;
  const value = (v: unknown, option: string): Expr<any, any> => {
    try {
      return lit(v as never, dtype);
    } catch (e) {
      throw call.error(
        "te.option",
        `${option} is ${describe(v)}, which is no value of ${dtype}: ${(e as Error).message}`,
      );
    }
  };
  const [yes, no] = [value(on, "on"), value(off, "off")];
  return compute(name, t.shape.toSpliced(axis, 0, options.depth), (...p) => {
    const i: Point = t.at(...p.toSpliced(axis, 1)).satCast("i32");
    return select(i.eq(p[axis]!), yes, no as never);
  }) as never;
}

export interface CumsumOptions extends AxisOption {
  /** The sum of what stands before an element, without itself. */
  readonly exclusive?: boolean;
  /** From the end to the start. */
  readonly reverse?: boolean;
}
/**
 * Running sums along an axis, the last unless told otherwise; shape and dtype of X stay, integers wrap.
 *
 *     const S = cumsum("S", placeholder("X", [8, 64]));
 *     const E = cumsum("E", X, { axis: 0, exclusive: true });
 *
 * Sums are added in order. They are a stage `name`.sums, whose first axis is the summed one. Throws TeError for bool and an axis that X
 * lacks. (NumPy: cumsum; ONNX: CumSum.)
 */
export function cumsum<const N extends string, const X extends TensorOf<NumericType>>(
  name: N,
  x: X,
  options: CumsumOptions = {},
): Like<N, X> {
  const call = new Call("cumsum", name);
  call.options(options, ["axis", "exclusive", "reverse"]);
  const t = call.numeric(x, "X");
  const axis = call.axis(options.axis ?? -1, t.shape.length);
  const [exclusive, reverse] = [call.flag(options.exclusive, "exclusive"), call.flag(options.reverse, "reverse")];
  const n = t.shape[axis]!;
  const end = (i: Point): Point => (reverse ? (plus(plus(n, -1), i.neg() as never) as Point) : i);
  const names = t.shape.map((_, d) => `i${d}`).filter((_, d) => d !== axis);
  const rest = names.map((q) => t.shape[Number(q.slice(1))]!);
  const read = (axes: IndexRecord, i: Point): Expr<any, any> =>
    t.at(...names.map((q) => axes[q]!).toSpliced(axis, 0, i));
  const sums: Values = scan(`${name}.sums`, { t: n }, record(names, rest), {
    init: (axes: IndexRecord) => read(axes, (reverse ? plus(n, -1) : 0) as never),
    step: (axes: IndexRecord, previous: any) => previous(...names.map((q) => axes[q]!)).add(read(axes, end(axes.t!))),
  } as never) as never;
  return compute(name, t.shape, (...p) => {
    const i = end(p[axis]!);
    const others = p.toSpliced(axis, 1);
    if (!exclusive) return sums.at(i, ...others);
    return where(i.ge(1), sums.at(i.sub(1), ...others), 0 as never);
  }) as never;
}
