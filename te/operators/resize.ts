// biome-ignore-all lint/suspicious/noExplicitAny: `any` as a type argument means "whatever facts", and must not be checked
/** Images of another size. */
import { compute } from "../compute.ts";
import { repeatEdge } from "../edges.ts";
import type { Expr } from "../expr.ts";
import { extentNode } from "../extent.ts";
import type { Tensor } from "../tensor.ts";
import { describe } from "../text.ts";
import type { AnyTensor, DTypeOf, Extent, SizeOf } from "../types.ts";
import { Call, type Carried, type IndexRecord, plus, quotient, record, type ShapeIn, times } from "./common.ts";
import { type Layouts, placement } from "./window.ts";

export interface ResizeOptions<H extends Extent = Extent, W extends Extent = Extent> {
  /** Height and width of the result. */
  readonly size: readonly [H, W];
  /** "bilinear" (floats only) unless told otherwise. */
  readonly method?: "nearest" | "bilinear";
  /**
   * Where element i of n' lies among n: at (i + 1/2) * n / n' - 1/2 ("half-pixel"), at i * n / n' ("asymmetric"), or at
   * i * (n - 1) / (n' - 1) ("align-corners"). "half-pixel" unless told otherwise.
   */
  readonly coordinates?: "half-pixel" | "asymmetric" | "align-corners";
  readonly layout?: Layouts[2];
}
export type Resized<N extends string, X, H> = Tensor<
  DTypeOf<X>,
  "n" | "h" | "w" | "c",
  Carried<X> | SizeOf<H>,
  ShapeIn<X>,
  N
>;

/** A position among the input's elements as a fraction of whole numbers: nothing is rounded before it is used. */
interface Fraction {
  readonly numerator: Expr<"i32", any>;
  readonly denominator: Extent;
}
/** What may be divided by; a symbolic extent is only where the division is done at all, unless `less` was taken off. */
const atLeastOne = (n: Extent, less = false): Extent => (typeof n === "number" ? Math.max(n, 1) : less ? n.max(1) : n);
function position(i: Expr<"i32", any>, from: Extent, to: Extent, coordinates: string): Fraction {
  if (coordinates === "asymmetric") return { numerator: i.mul(from as never), denominator: atLeastOne(to) };
  if (coordinates === "half-pixel")
    return {
      numerator: i
        .mul(2)
        .add(1)
        .mul(from as never)
        .sub(to as never),
      denominator: atLeastOne(times(to, 2)),
    };
  // a single element stands at the start
  const steps = plus(to, -1);
  return { numerator: i.mul(plus(from, -1) as never), denominator: atLeastOne(steps, true) };
}

/**
 * An image of another size: X `[n, h, w, C]` (layout "NHWC") or `[n, C, h, w]` ("NCHW") to height and width `size`. "nearest" takes the
 * element nearest to each position (half-pixel: the one whose square holds it; asymmetric: the one before it), of any dtype; "bilinear"
 * weighs the four around it, of floats. Beyond the edge continues the element at the edge.
 *
 *     const Y = resize("Y", placeholder("X", [1, 56, 56, 64]), { size: [112, 112] });
 *     const Z = resize("Z", X, { size: [28, 28], method: "nearest", coordinates: "asymmetric" });
 *
 * Positions are exact: twice the product of an axis' old and new extents must be below 2^31. Throws TeError for other ranks, a bad size,
 * integers with "bilinear". (ONNX: Resize; TensorFlow: image.resize.)
 */
export function resize<
  const N extends string,
  const X extends AnyTensor,
  const H extends Extent,
  const W extends Extent,
>(name: N, x: X, options: ResizeOptions<H, W>): Resized<N, X, H | W> {
  const call = new Call("resize", name);
  call.options(options, ["size", "method", "coordinates", "layout"]);
  const method = call.oneOf(options?.method, "method", ["nearest", "bilinear"], "bilinear");
  const coordinates = call.oneOf(
    options?.coordinates,
    "coordinates",
    ["half-pixel", "asymmetric", "align-corners"],
    "half-pixel",
  );
  const t = method === "bilinear" ? call.float(x, "X") : call.tensor(x, "X");
  const place = placement(call, 2, options?.layout);
  call.rank(t, "X", 4, place.layout);
  const size: unknown = options?.size;
  if (!Array.isArray(size) || size.length !== 2)
    throw call.error("te.option", `size is ${describe(size)}: expected height and width, as in { size: [112, 112] }`);
  const to = size as readonly Extent[];
  to.forEach((n, d) => void extentNode(n, `axis ${d} of the size of ${call.title}`));
  const from = place.inner(t.shape);
  from.forEach((n, d) => {
    const m = to[d]!;
    if (typeof n === "number" && typeof m === "number" && 2 * n * m >= 2 ** 31)
      throw call.error(
        "te.extent",
        `from ${n} to ${m} elements: twice their product must be below 2^31; resize in two steps`,
      );
  });
  const edge = repeatEdge(t);
  const shape = place.order(t.shape[0]!, to, t.shape[place.channelAxis]!);
  return compute(name, record(place.order("n", place.spatial, "c"), shape), (axes: IndexRecord) => {
    const at = [axes.h!, axes.w!].map((i, d) => position(i, from[d]!, to[d]!, coordinates));
    const read = (h: Expr<"i32", any>, w: Expr<"i32", any>): Expr<any, any> =>
      edge.at(...(place.order(axes.n!, [h, w], axes.c!) as never));
    const low = at.map((p) => p.numerator.div(p.denominator as never));
    if (method === "nearest") {
      if (coordinates === "asymmetric") return read(low[0]!, low[1]!);
      // half a denominator more: rounded to the nearest, halves up
      const near = at.map((p) => p.numerator.add(quotient(p.denominator, 2) as never).div(p.denominator as never));
      return read(near[0]!, near[1]!);
    }
    const part = at.map((p): Expr<any, any> => {
      const rest: Expr<any, any> = p.numerator.mod(p.denominator as never).cast(t.dtype);
      const all = p.denominator;
      return typeof all === "number" ? rest.div(all) : rest.div(all.cast(t.dtype));
    });
    const mix = (a: Expr<any, any>, b: Expr<any, any>, f: Expr<any, any>): Expr<any, any> => a.add(b.sub(a).mul(f));
    const [h, w] = low as [Expr<"i32", any>, Expr<"i32", any>];
    const row = (i: Expr<"i32", any>): Expr<any, any> => mix(read(i, w), read(i, w.add(1)), part[1]!);
    return mix(row(h), row(h.add(1)), part[0]!);
  }) as never;
}
