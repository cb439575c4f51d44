// biome-ignore-all lint/suspicious/noExplicitAny: `any` as a type argument means "whatever facts", and must not be checked
/** Transposed convolutions: gradients of convolutions with respect to their input, used to enlarge images. */
import { withAlternatives } from "../alternatives.ts";
import { compute } from "../compute.ts";
import { constantEdge } from "../edges.ts";
import type { Expr } from "../expr.ts";
import { where } from "../functions.ts";
import { sum } from "../reduce.ts";
import type { Tensor } from "../tensor.ts";
import type { DTypeOf, Extent, NumericType } from "../types.ts";
import { Call, type IndexRecord, plus, record, shapeText, type TensorOf, times, type Values } from "./common.ts";
import type { Convolved } from "./convolution.ts";
import type { Optional } from "./normalization.ts";
import { biasOf, type DepthwiseOptions, operands } from "./operands.ts";
import { byPhases, hasPhases, type Spread } from "./phases.ts";
import { constantTaps, type PerAxis, type Placement, perAxis, type Rank, sides } from "./window.ts";

export interface ConvTransposeOptions<R extends Rank, B> extends DepthwiseOptions<R, B> {
  /** Elements more behind each axis of the result; 0 unless told otherwise, and less than stride or dilation. */
  readonly outputPadding?: PerAxis;
}

function spreads(
  call: Call,
  inputs: readonly Extent[],
  taps: readonly number[],
  options: ConvTransposeOptions<any, any>,
): readonly Spread[] {
  const rank = inputs.length;
  const strides = perAxis(call, options.stride, "stride", rank, 1, 1);
  const dilations = perAxis(call, options.dilation, "dilation", rank, 1, 1);
  const more = perAxis(call, options.outputPadding, "outputPadding", rank, 0, 0);
  const padding = sides(call, options.padding, rank);
  return inputs.map((n, d): Spread => {
    const [stride, dilation] = [strides[d]!, dilations[d]!];
    if (more[d]! >= Math.max(stride, dilation))
      throw call.error(
        "te.option",
        `outputPadding is ${more[d]}: expected less than the stride or the dilation, ${Math.max(stride, dilation)}`,
      );
    const reach = (taps[d]! - 1) * dilation;
    // "same": stride elements of the result for each of the input
    const excess = reach + 1 - stride;
    const before = padding === "same" ? Math.max(0, Math.floor(excess / 2)) : padding[d]![0];
    const both = padding === "same" ? excess : before + padding[d]![1];
    const out = plus(times(plus(n, -1), stride), reach + 1 - both + more[d]!);
    if (typeof out === "number" && out < 0)
      throw call.error(
        "te.extent",
        `axis ${d} of the result would have ${out} elements: ${both} are taken off as padding`,
      );
    return { taps: taps[d]!, stride, dilation, out, before };
  });
}

const reachOf = (s: Spread): number => (s.taps - 1) * s.dilation;
/** The input with its elements `stride` apart and zeros between and around them, as windows of the result's elements see it: a stage `name`.spread. */
function spreadInput(name: string, x: Values, place: Placement, list: readonly Spread[]): Values {
  const edge = constantEdge(x, 0 as never);
  const names = place.order("n", place.spatial, "c");
  const shape = place.order<Extent>(
    x.shape[0]!,
    list.map((s) => plus(s.out, reachOf(s))),
    x.shape[place.channelAxis]!,
  );
  return compute(`${name}.spread`, record(names, shape), (axes: IndexRecord) => {
    const from = list.map((s, d) => plus(axes[place.spatial[d]!]!, s.before - reachOf(s)) as Expr<"i32", any>);
    const at = from.map((i, d) => (list[d]!.stride === 1 ? i : i.div(list[d]!.stride)));
    const value: Expr<any, any> = edge.at(...(place.order(axes.n!, at, axes.c!) as never));
    const hits = from.flatMap((i, d) => (list[d]!.stride === 1 ? [] : [i.mod(list[d]!.stride).eq(0)]));
    return hits.length === 0
      ? value
      : where(
          hits.reduce((a, b) => a.and(b)),
          value,
          0 as never,
        );
  }) as never;
}

function convTranspose(
  rank: Rank,
  name: string,
  x: unknown,
  w: unknown,
  options: ConvTransposeOptions<any, any>,
): never {
  const call = new Call(`convTranspose${rank}d`, name);
  call.options(options, ["stride", "dilation", "padding", "outputPadding", "layout", "bias"]);
  const upper = (p: Placement): string => p.spatial.join("").toUpperCase();
  const { input, kernel, place } = operands(call, rank, x, w, options.layout, (p) =>
    p.last ? `${upper(p)}OI` : `IO${upper(p)}`,
  );
  const ws = kernel.shape;
  const [o, c] = place.last ? [ws.at(-2)!, ws.at(-1)!] : [ws[1]!, ws[0]!];
  const channels = input.shape[place.channelAxis]!;
  call.same(
    channels,
    c,
    `the number of channels of "${input.name}" ${shapeText(input.shape)}`,
    `that of "${kernel.name}" ${shapeText(ws)}`,
  );
  const what = `a spatial axis of W "${kernel.name}" ${shapeText(ws)}`;
  const taps = constantTaps(call, place.last ? ws.slice(0, rank) : ws.slice(2), what);
  const bias = biasOf(call, input, options.bias, o);
  const list = spreads(call, place.inner(input.shape), taps, options);
  const u = spreadInput(name, input, place, list);
  const ks = place.spatial.map((s) => `k${s}`);
  const shape = place.order<Extent>(
    input.shape[0]!,
    list.map((s) => s.out),
    o,
  );
  const direct = compute(name, record(place.order("n", place.spatial, "o"), shape), (axes: IndexRecord) => {
    const out = axes.o!;
    const total: Expr<any, any> = sum(record([...ks, "c"], [...taps, c]), (r: IndexRecord) => {
      const at = list.map((s, d) =>
        axes[place.spatial[d]!]!.add(s.dilation === 1 ? r[ks[d]!]! : r[ks[d]!]!.mul(s.dilation)),
      );
      // the kernel's taps from the last to the first
      const k = list.map((s, d) => r[ks[d]!]!.mul(-1).add(s.taps - 1));
      const weight = place.last ? kernel.at(...k, out, r.c!) : kernel.at(r.c!, out, ...k);
      return u.at(...place.order(axes.n!, at, r.c!)).mul(weight);
    });
    return bias === undefined ? total : total.add(bias.at(out));
  });
  if (!hasPhases(list)) return direct as never;
  const parts = { input, kernel, bias, place, axes: list, channels, made: o };
  return withAlternatives(direct as never, [{ name: "phases", make: () => byPhases(name, parts) as never }]) as never;
}

/**
 * A transposed convolution over one spatial axis; see `convTranspose2d`. X `[n, w, C]` and W `[kw, O, C]` (layout "NWC"), or X
 * `[n, C, w]` and W `[C, O, kw]` ("NCW"). (ONNX: ConvTranspose.)
 *
 *     const Y = convTranspose1d("Y", placeholder("X", [1, 50, 64]), placeholder("W", [4, 32, 64]), { stride: 2, padding: 1 });
 *     const Z = convTranspose1d("Z", X, W, { stride: 2, padding: "same" });
 */
export function convTranspose1d<
  const N extends string,
  const X extends TensorOf<NumericType>,
  const W extends Tensor<DTypeOf<X>, any, any, any, any>,
  const B extends Optional = undefined,
>(name: N, x: X, w: W, options: ConvTransposeOptions<1, B> = {}): Convolved<1, N, X, W, B> {
  return convTranspose(1, name, x, w, options);
}
/**
 * A transposed convolution over two spatial axes: element (i, j) of the input adds itself times the kernel to the result from
 * (stride * i - padding, stride * j - padding) on. Layout "NHWC": X `[n, h, w, C]`, W `[kh, kw, O, C]`, result `[n, h', w', O]`; "NCHW":
 * X `[n, C, h, w]`, W `[C, O, kh, kw]`, result `[n, O, h', w']`. h' = (h - 1) * stride + (kh - 1) * dilation + 1 - padding +
 * outputPadding, with the padding of both sides, or h * stride for padding "same". Bias `[O]`.
 *
 *     const Y = convTranspose2d("Y", placeholder("X", [1, 28, 28, 64]), placeholder("W", [4, 4, 32, 64]), { stride: 2, padding: 1 });
 *     const Z = convTranspose2d("Z", X, W, { stride: 2, padding: "same", bias: placeholder("b", [32]) });
 *
 * Defined as a convolution of a stage `name`.spread, the input with zeros between its elements. Where the stride is more than 1 there is an
 * alternative (see `withAlternatives`) that leaves the zeros out: "phases", a smaller convolution for each position modulo the stride. Dtypes
 * and errors as `conv2d`; no groups. (Dumoulin and Visin 2016; ONNX: ConvTranspose; the weights of NHWC are Keras'.)
 */
export function convTranspose2d<
  const N extends string,
  const X extends TensorOf<NumericType>,
  const W extends Tensor<DTypeOf<X>, any, any, any, any>,
  const B extends Optional = undefined,
>(name: N, x: X, w: W, options: ConvTransposeOptions<2, B> = {}): Convolved<2, N, X, W, B> {
  return convTranspose(2, name, x, w, options);
}
/**
 * A transposed convolution over three spatial axes; see `convTranspose2d`. X `[n, d, h, w, C]` and W `[kd, kh, kw, O, C]` (layout
 * "NDHWC"), or X `[n, C, d, h, w]` and W `[C, O, kd, kh, kw]` ("NCDHW"). (ONNX: ConvTranspose.)
 *
 *     const Y = convTranspose3d("Y", placeholder("X", [1, 8, 8, 8, 16]), placeholder("W", [2, 2, 2, 8, 16]), { stride: 2 });
 *     const Z = convTranspose3d("Z", X, W, { stride: [1, 2, 2], padding: "same" });
 */
export function convTranspose3d<
  const N extends string,
  const X extends TensorOf<NumericType>,
  const W extends Tensor<DTypeOf<X>, any, any, any, any>,
  const B extends Optional = undefined,
>(name: N, x: X, w: W, options: ConvTransposeOptions<3, B> = {}): Convolved<3, N, X, W, B> {
  return convTranspose(3, name, x, w, options);
}
