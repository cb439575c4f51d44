/** What comes from outside: input tensors, scalar parameters, symbolic sizes. */
import { buffer, constInt, type DType, type Expr as Node, variable } from "../src/ir/index.ts";
import { checkDType, describe, literal } from "./build.ts";
import { checkOptions, checkSize } from "./check.ts";
import { TeError } from "./error.ts";
import { Dim, Expr } from "./expr.ts";
import { checkName, extentNode, openAxes } from "./extent.ts";
import { registerScalar } from "./scope.ts";
import { Tensor } from "./tensor.ts";
import type { AxesSpec, Extent, In, Names, Scal, Shape, ShapeOf, SizeOf, Vals } from "./types.ts";

export interface Layout<P extends readonly Extent[] = readonly Extent[], C extends boolean = boolean> {
  /**
   * Elements between neighbours along each axis, in the order of the axes; row-major and dense when absent. A row pitch is
   * `[pitch, 1]`, a crop has its full image's pitch, one channel of interleaved RGBA `[4 * width, 4]`.
   */
  readonly strides?: P;
  /**
   * The array stays the same for many calls (weights): a kernel takes it once, by `prepare`, and what depends on such inputs alone
   * may be computed then (see `Schedule.prepare`).
   */
  readonly constant?: C;
}

/**
 * An input tensor of the given shape (numbers, or expressions of symbolic sizes), f32 unless told otherwise.
 *
 *     const A = placeholder("A", [512, n]);
 *     const image = placeholder("image", { y: h, x: w }, "u8", { strides: [pitch, 1] });
 *
 *     const W = placeholder("W", { k: 512, j: 512 }, "f32", { constant: true });
 *
 * Throws TeError for a bad name, an extent that is negative or not whole, or strides that don't match the shape.
 */
export function placeholder<
  const N extends string,
  const S extends AxesSpec,
  D extends DType = "f32",
  const P extends readonly Extent[] = readonly [],
  const C extends boolean = false,
>(
  name: N,
  shape: S,
  dtype: D = "f32" as D,
  layout: Layout<P, C> = {},
): Tensor<D, S extends Shape ? never : Names<S>, In<N, D, C> | SizeOf<Vals<S>> | SizeOf<P[number]>, ShapeOf<S>, N> {
  checkName(name, "tensor");
  checkDType(dtype, `"${name}"`);
  checkOptions(layout, ["strides", "constant"], `"${name}"`);
  if (layout.constant !== undefined && typeof layout.constant !== "boolean")
    throw new TeError(
      "te.option",
      `"${name}": constant is ${describe(layout.constant)}, but true or false was expected`,
    );
  const list = openAxes(shape, name);
  let strides: readonly Node[] | undefined;
  if (layout.strides !== undefined) {
    if (!Array.isArray(layout.strides))
      throw new TeError(
        "te.extent",
        `the strides of "${name}" are ${describe(layout.strides)}: expected one number or dim(...) per axis, in a list`,
      );
    if (layout.strides.length !== list.axes.length)
      throw new TeError("te.extent", `"${name}" has ${list.axes.length} axes, but ${layout.strides.length} strides`);
    strides = layout.strides.map((s, d) => extentNode(s, `stride ${d} of "${name}"`));
  }
  checkSize(
    name,
    list.axes.map((a) => a.extent),
    strides,
  );
  const dense = buffer(
    name,
    dtype,
    list.axes.map((a) => a.extent),
    "global",
    strides,
  );
  const symbolic = layout.constant && list.axes.find((a) => constInt(a.extent) === undefined);
  if (symbolic)
    throw new TeError(
      "te.extent",
      `"${name}" is constant, but the extent of axis ${symbolic.name} is not: it is prepared before any size is known`,
    );
  const buf = layout.constant ? Object.freeze({ ...dense, constant: true }) : dense;
  const axes = list.named ? list.axes.map((a) => a.name) : [];
  return new Tensor(name, dtype, list.shape, axes, buf, { kind: "placeholder" }) as never;
}

/**
 * A scalar parameter of the kernel, f32 unless told otherwise.
 *
 *     const alpha = scalar("alpha");
 *     compute("Y", { i: n }, ({ i }) => X.at(i).mul(alpha));
 */
export function scalar<const N extends string, D extends DType = "f32">(
  name: N,
  dtype: D = "f32" as D,
): Expr<D, Scal<N, D>> {
  checkName(name, "scalar");
  checkDType(dtype, `scalar "${name}"`);
  const v = variable(name, dtype);
  registerScalar(v);
  return new Expr(v);
}

export interface DimOptions {
  /** Smallest size, inclusive; 0 unless told otherwise. */
  readonly min?: number;
  /** Largest size, inclusive; 2^31 - 1 unless told otherwise. */
  readonly max?: number;
  /** Hint for choosing schedules. */
  readonly typical?: number;
  readonly multipleOf?: number;
}

/**
 * A symbolic size: known when the kernel is called, not when it is compiled. What is promised here (bounds inclusive) is used in
 * proofs and checked at each call. Arithmetic on it makes extents: `n.sub(2)` (checked not to be negative at each call).
 *
 *     const n = dim("n", { min: 1, multipleOf: 4 });
 *     const X = placeholder("X", [n, 64]);
 */
export function dim<const N extends string>(name: N, options: DimOptions = {}): Dim<N> {
  checkName(name, "size");
  checkOptions(options, ["min", "max", "typical", "multipleOf"], `dim "${name}"`);
  const { min = 0, max = 2 ** 31 - 1, multipleOf = 1, typical } = options;
  const fail = (why: string): TeError => new TeError("te.extent", `dim "${name}": ${why}`);
  for (const [k, v] of Object.entries({ min, max, multipleOf, typical: typical ?? min })) {
    if (!Number.isInteger(v)) throw fail(`${k} is ${String(v)}, not a whole number`);
    literal(v, "i32", `${k} of dim "${name}"`);
  }
  if (min < 0) throw fail(`min is ${min}: sizes can't be negative`);
  if (multipleOf < 1) throw fail(`multipleOf is ${multipleOf}: expected 1 or more`);
  if (Math.ceil(min / multipleOf) * multipleOf > max)
    throw fail(`no multiple of ${multipleOf} lies in ${min} to ${max}`);
  if (typical !== undefined && (typical < min || typical > max))
    throw fail(`typical is ${typical}, outside of ${min} to ${max}`);
  return new Dim(
    name,
    variable(name, "i32", { size: { min, max, multipleOf, ...(typical === undefined ? {} : { typical }) } }),
  );
}
