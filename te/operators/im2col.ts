// biome-ignore-all lint/suspicious/noExplicitAny: `any` as a type argument means "whatever facts", and must not be checked
/** Convolutions as one matrix product, over windows written out side by side. */
import { asserted } from "../access.ts";
import { compute } from "../compute.ts";
import type { Expr } from "../expr.ts";
import { sum } from "../reduce.ts";
import type { Tensor } from "../tensor.ts";
import type { DTypeOf, Extent, NumericType } from "../types.ts";
import {
  Call,
  type Carried,
  type IndexRecord,
  record,
  type ShapeIn,
  shapeText,
  type TensorOf,
  type Values,
} from "./common.ts";
import { fuse, type Point, product, unfuse } from "./fused.ts";
import { reshape } from "./layout.ts";
import type { Optional } from "./normalization.ts";
import { biasOf, type DepthwiseOptions, operands } from "./operands.ts";
import {
  constantTaps,
  type Placement,
  padded,
  type Sliding,
  type SpatialNames,
  sliding,
  tapAt,
  type WindowOptions,
} from "./window.ts";

/** Loops: n, h, w, o. The reduction belongs to the stage `name`.products. */
export type ConvolvedInStages<N extends string, X, W, B> = Tensor<
  DTypeOf<X>,
  "n" | "o" | SpatialNames[2],
  Carried<X> | Carried<W> | Carried<B>,
  ShapeIn<X>,
  N
>;

/** The operands of a convolution of one group over two axes, checked. */
export interface Ungrouped {
  readonly input: Values;
  readonly kernel: Values;
  readonly bias: Values | undefined;
  readonly place: Placement;
  readonly windows: readonly Sliding[];
  readonly channels: Extent;
  /** Channels of the result. */
  readonly made: Extent;
}
export function ungrouped(
  call: Call,
  x: unknown,
  w: unknown,
  options: WindowOptions & { readonly layout?: unknown; readonly bias?: unknown },
): Ungrouped {
  const { input, kernel, place } = operands(call, 2, x, w, options.layout, (p) => (p.last ? "HWIO" : "OIHW"));
  const ws = kernel.shape;
  const taps = constantTaps(
    call,
    place.last ? ws.slice(0, 2) : ws.slice(2),
    `a spatial axis of W "${kernel.name}" ${shapeText(ws)}`,
  );
  const channels = input.shape[place.channelAxis]!;
  const made = place.last ? ws[3]! : ws[0]!;
  call.same(
    channels,
    place.last ? ws[2]! : ws[1]!,
    `the number of channels of "${input.name}" ${shapeText(input.shape)}`,
    `that of "${kernel.name}" ${shapeText(ws)}`,
  );
  const bias = biasOf(call, input, options.bias, made);
  const windows = sliding(call, place.inner(input.shape), taps, options);
  return { input, kernel, bias, place, windows, channels, made };
}

/**
 * `conv2d` of one group as a matrix product: the elements of each window are written side by side, and rows of them multiplied by
 * the weights seen as a matrix. X, W, bias, result, options and layouts as `conv2d`. With K = kh * kw * C, in layout "NHWC":
 *
 *     name.columns[r, k]  = X[n, h * stride + kh * dilation, w * stride + kw * dilation, c]   r = (n, h, w), k = (kh, kw, c), fused
 *     name.weights[k, o]  = W[kh, kw, c, o]
 *     name.products[r, o] = sum over k of name.columns[r, k] * name.weights[k, o]
 *     name[n, h, w, o]    = name.products[r, o] + bias[o]
 *
 * In layout "NCHW", where positions are next to each other in memory: columns `[n, K, h' * w']` with k = (c, kh, kw), weights `[O, K]`,
 * products `[n, O, h' * w']`. Padding is a stage of its own, `name`.pad.
 *
 *     const Y = im2colConv2d("Y", placeholder("X", [1, 14, 14, 256]), placeholder("W", [3, 3, 256, 256]), { padding: 1 });
 *     const Z = im2colConv2d("Z", X, W, { stride: 2, padding: "same", bias: placeholder("b", [256]) });
 *
 * As many multiplications as `conv2d`, and kh * kw times the input in memory, for one long reduction and rows of all positions
 * of all images: worth it where images are small. For kernels of 1 x 1 the columns are a mere copy. The weights depend on W
 * alone, so the stage can be prepared where that is constant. Dtypes as `conv2d`, all sizes but the kernel's may be symbolic. Throws
 * TeError as `conv2d`; there is no option `groups`. (Chellapilla, Puri and Simard 2006; Caffe.)
 */
export function im2colConv2d<
  const N extends string,
  const X extends TensorOf<NumericType>,
  const W extends Tensor<DTypeOf<X>, any, any, any, any>,
  const B extends Optional = undefined,
>(name: N, x: X, w: W, options: DepthwiseOptions<2, B> = {}): ConvolvedInStages<N, X, W, B> {
  const call = new Call("im2colConv2d", name);
  call.options(options, ["stride", "dilation", "padding", "layout", "bias"]);
  const conv = ungrouped(call, x, w, options);
  return (conv.place.last ? channelsLast(name, conv) : channelsFirst(name, conv)) as never;
}

/** Element (tap, c) of a window, in the padded input. */
function reader({ input, place, windows }: Ungrouped, name: string) {
  const p = padded(name, input, place, windows, 0);
  return (n: Point, window: readonly Point[], tap: readonly Point[], c: Point): Expr<any, any> => {
    const at = windows.map((v, d) => tapAt(v, window[d]!, tap[d]!));
    // parts of fused axes are within the axes that were fused, whether or not a proof would find that
    return p.at(...place.order(n, at, c).map(asserted));
  };
}

function channelsLast(name: string, conv: Ungrouped): Values {
  const { input, kernel, bias, windows, channels, made } = conv;
  const positions = [input.shape[0]!, ...windows.map((v) => v.out)];
  const elements = [...windows.map((v) => v.taps), channels];
  const [r, k] = [product(positions), product(elements)];
  const read = reader(conv, name);
  const columns: Values = compute(`${name}.columns`, { r, k }, ({ r, k }) => {
    const [n, ...window] = unfuse(r, positions);
    const [kh, kw, c] = unfuse(k, elements);
    return read(n!, window, [kh!, kw!], c!);
  }) as never;
  const weights: Values = reshape(`${name}.weights`, kernel, [k, made]) as never;
  const products: Values = compute(`${name}.products`, { r, o: made }, ({ r, o }) =>
    sum({ k }, ({ k }) => columns.at(r, k).mul(weights.at(k, o))),
  ) as never;
  return compute(name, record(["n", "h", "w", "o"], [...positions, made]), ({ n, h, w, o }: IndexRecord) => {
    const total = products.at(asserted(fuse([n!, h!, w!], positions)), o!);
    return bias === undefined ? total : total.add(bias.at(o!));
  }) as never;
}

function channelsFirst(name: string, conv: Ungrouped): Values {
  const { input, kernel, bias, windows, channels, made } = conv;
  const batch = input.shape[0]!;
  const positions = windows.map((v) => v.out);
  const elements = [channels, ...windows.map((v) => v.taps)];
  const [r, k] = [product(positions), product(elements)];
  const read = reader(conv, name);
  const columns: Values = compute(`${name}.columns`, { n: batch, k, r }, ({ n, k, r }) => {
    const [c, kh, kw] = unfuse(k, elements);
    return read(n, unfuse(r, positions), [kh!, kw!], c!);
  }) as never;
  const weights: Values = reshape(`${name}.weights`, kernel, [made, k]) as never;
  const products: Values = compute(`${name}.products`, { n: batch, o: made, r }, ({ n, o, r }) =>
    sum({ k }, ({ k }) => weights.at(o, k).mul(columns.at(n, k, r))),
  ) as never;
  return compute(name, record(["n", "o", "h", "w"], [batch, made, ...positions]), ({ n, o, h, w }: IndexRecord) => {
    const total = products.at(n!, o!, asserted(fuse([h!, w!], positions)));
    return bias === undefined ? total : total.add(bias.at(o!));
  }) as never;
}
