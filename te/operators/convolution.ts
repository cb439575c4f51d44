// biome-ignore-all lint/suspicious/noExplicitAny: `any` as a type argument means "whatever facts", and must not be checked
/** Convolutions: ordinary, grouped, depthwise. As in all of deep learning the kernel is not mirrored: cross-correlations. */
import { type Alternative, withAlternatives } from "../alternatives.ts";
import { compute } from "../compute.ts";
import type { Expr } from "../expr.ts";
import { sum } from "../reduce.ts";
import type { Tensor } from "../tensor.ts";
import type { DTypeOf, Extent, NumericType, Red } from "../types.ts";
import {
  Call,
  type Carried,
  extentText,
  type IndexRecord,
  known,
  record,
  type ShapeIn,
  sameExtent,
  shapeText,
  type TensorOf,
  times,
  type Values,
} from "./common.ts";
import type { Optional } from "./normalization.ts";
import { biasOf, type ConvOptions, type DepthwiseOptions, operands } from "./operands.ts";
import { constantTaps, type Placement, padded, type Rank, type SpatialNames, sliding, tapAt } from "./window.ts";
import { winogradConv2d } from "./winograd.ts";

/** Loops: n, the spatial axes, o; the reduction goes over kd, kh, kw (as far as there are) and c. */
export type Convolved<R extends Rank, N extends string, X, W, B> = Tensor<
  DTypeOf<X>,
  "n" | "o" | SpatialNames[R],
  Carried<X> | Carried<W> | Carried<B> | Red<`k${SpatialNames[R]}` | "c">,
  ShapeIn<X>,
  N
>;

function conv(rank: Rank, name: string, x: unknown, w: unknown, options: ConvOptions<any, any>): never {
  const call = new Call(`conv${rank}d`, name);
  call.options(options, ["stride", "dilation", "padding", "groups", "layout", "bias"]);
  const upper = (p: Placement): string => p.spatial.join("").toUpperCase();
  const { input, kernel, place } = operands(call, rank, x, w, options.layout, (p) =>
    p.last ? `${upper(p)}IO` : `OI${upper(p)}`,
  );
  const groups = call.whole(options.groups ?? 1, "groups", 1);
  const ws = kernel.shape;
  const [o, perGroup] = place.last ? [ws.at(-1)!, ws.at(-2)!] : [ws[0]!, ws[1]!];
  const taps = constantTaps(
    call,
    place.last ? ws.slice(0, rank) : ws.slice(2),
    `a spatial axis of W "${kernel.name}" ${shapeText(ws)}`,
  );
  const channels = input.shape[place.channelAxis]!;
  const title = `the number of channels of "${input.name}" ${shapeText(input.shape)}`;
  if (groups === 1) call.same(channels, perGroup, title, `that of "${kernel.name}" ${shapeText(ws)}`);
  else {
    const [c, i, n] = [known(channels), known(perGroup), known(o)];
    if (c === undefined || i === undefined || n === undefined || c !== i * groups || n % groups !== 0)
      throw call.error(
        "te.extent",
        `${groups} groups: ${title} is ${extentText(channels)}, W "${kernel.name}" ${shapeText(ws)} takes ${extentText(perGroup)} per group ` +
          `and makes ${extentText(o)}: expected constants, groups times as many, and a multiple of groups`,
      );
  }
  const bias = biasOf(call, input, options.bias, o);
  const windows = sliding(call, place.inner(input.shape), taps, options);
  const p = padded(name, input, place, windows, 0);
  const made = (known(o) ?? 0) / groups;
  const ks = place.spatial.map((s) => `k${s}`);
  const shape = place.order(
    input.shape[0]!,
    windows.map((v) => v.out),
    o,
  );
  return compute(name, record(place.order("n", place.spatial, "o"), shape), (axes: IndexRecord) => {
    const out = axes.o!;
    const total: Expr<any, any> = sum(record([...ks, "c"], [...taps, perGroup]), (r: IndexRecord) => {
      const at = windows.map((v, d) => tapAt(v, axes[place.spatial[d]!]!, r[ks[d]!]!));
      const c = groups === 1 ? r.c! : out.div(Math.max(made, 1)).mul(known(perGroup)!).add(r.c!);
      const k = ks.map((q) => r[q]!);
      const weight = place.last ? kernel.at(...k, r.c!, out) : kernel.at(out, r.c!, ...k);
      return p.at(...place.order(axes.n!, at, c)).mul(weight);
    });
    return bias === undefined ? total : total.add(bias.at(out));
  }) as never;
}

/**
 * A convolution over one spatial axis; see `conv2d`. X `[n, w, C]` and W `[kw, C/groups, O]` (layout "NWC"), or X `[n, C, w]` and
 * W `[O, C/groups, kw]` ("NCW"). (ONNX: Conv.)
 *
 *     const Y = conv1d("Y", placeholder("X", [1, 400, 80]), placeholder("W", [3, 80, 384]), { padding: 1 });
 *     const Z = conv1d("Z", X, W, { stride: 2, padding: "same" });
 */
export function conv1d<
  const N extends string,
  const X extends TensorOf<NumericType>,
  const W extends Tensor<DTypeOf<X>, any, any, any, any>,
  const B extends Optional = undefined,
>(name: N, x: X, w: W, options: ConvOptions<1, B> = {}): Convolved<1, N, X, W, B> {
  return conv(1, name, x, w, options);
}
/**
 * A convolution over two spatial axes. Layout "NHWC": X `[n, h, w, C]`, W `[kh, kw, C/groups, O]`, result `[n, h', w', O]`; "NCHW":
 * X `[n, C, h, w]`, W `[O, C/groups, kh, kw]`, result `[n, O, h', w']`. Windows: h' = floor((h + padding - span) / stride) + 1 with a span
 * of (kh - 1) * dilation + 1, or ceil(h / stride) for padding "same". Bias `[O]`.
 *
 *     const Y = conv2d("Y", placeholder("X", [1, 56, 56, 64]), placeholder("W", [3, 3, 64, 128]), { stride: 2, padding: 1 });
 *     const R = relu("R", conv2d("Z", X, W, { padding: "same", bias: placeholder("b", [128]) }));
 *
 * All operands have one dtype, which is the result's and the one it accumulates in. Padding is a stage of its own, `name`.pad. Where
 * `winogradConv2d` computes the same, compiling without a schedule may choose that. All
 * sizes may be symbolic but the kernel's own, and channels where there are several groups. Throws TeError for other ranks, channels
 * and groups that don't fit, mixed dtypes, windows larger than the padded input, options that make no sense. (ONNX: Conv; the
 * weights of NHWC are TensorFlow's.)
 */
export function conv2d<
  const N extends string,
  const X extends TensorOf<NumericType>,
  const W extends Tensor<DTypeOf<X>, any, any, any, any>,
  const B extends Optional = undefined,
>(name: N, x: X, w: W, options: ConvOptions<2, B> = {}): Convolved<2, N, X, W, B> {
  const direct: Convolved<2, N, X, W, B> = conv(2, name, x, w, options);
  if (!isMinimal(x as Values, w as Values, options)) return direct;
  const { padding, layout, bias } = options;
  const same = {
    ...(padding === undefined ? {} : { padding }),
    ...(layout ? { layout } : {}),
    ...(bias ? { bias } : {}),
  };
  const by = (tile: 2 | 4): Alternative => ({
    name: `winograd-${tile}x${tile}`,
    make: () => winogradConv2d(name, x as never, w as never, { ...same, tile } as never) as never,
  });
  return withAlternatives(direct as never, [by(4), by(2)]) as never;
}
/** Whether Winograd's algorithm computes it. */
function isMinimal(x: Values, w: Values, o: ConvOptions<2, any>): boolean {
  const every = (v: unknown): boolean => v === undefined || [v].flat().every((n) => n === 1);
  const taps = o.layout === "NCHW" ? w.shape.slice(2) : w.shape.slice(0, 2);
  const plain = every(o.stride) && every(o.dilation) && every(o.groups);
  return plain && taps.every((n) => n === 3) && (x.dtype === "f32" || x.dtype === "f64");
}
/**
 * A convolution over three spatial axes; see `conv2d`. X `[n, d, h, w, C]` and W `[kd, kh, kw, C/groups, O]` (layout "NDHWC"), or
 * X `[n, C, d, h, w]` and W `[O, C/groups, kd, kh, kw]` ("NCDHW"). (ONNX: Conv.)
 *
 *     const Y = conv3d("Y", placeholder("X", [1, 16, 56, 56, 3]), placeholder("W", [3, 3, 3, 3, 64]), { padding: 1 });
 *     const Z = conv3d("Z", X, W, { stride: [1, 2, 2], padding: "same" });
 */
export function conv3d<
  const N extends string,
  const X extends TensorOf<NumericType>,
  const W extends Tensor<DTypeOf<X>, any, any, any, any>,
  const B extends Optional = undefined,
>(name: N, x: X, w: W, options: ConvOptions<3, B> = {}): Convolved<3, N, X, W, B> {
  return conv(3, name, x, w, options);
}

export type Depthwise<N extends string, X, W, B> = Tensor<
  DTypeOf<X>,
  "n" | "h" | "w" | "c",
  Carried<X> | Carried<W> | Carried<B> | Red<"kh" | "kw">,
  ShapeIn<X>,
  N
>;
/**
 * A convolution of each channel by itself, with M results per channel. Layout "NHWC": X `[n, h, w, C]`, W `[kh, kw, C, M]`, result
 * `[n, h', w', C * M]`; "NCHW": X `[n, C, h, w]`, W `[C * M, 1, kh, kw]`, result `[n, C * M, h', w']`. Result c comes from channel
 * floor(c / M). Bias `[C * M]`. Options, windows and dtypes as `conv2d`.
 *
 *     const Y = depthwiseConv2d("Y", placeholder("X", [1, 112, 112, 32]), placeholder("W", [3, 3, 32, 1]), { padding: 1 });
 *     const Z = depthwiseConv2d("Z", X, W, { stride: 2, padding: "same" });
 *
 * Throws TeError as `conv2d`, and where M is symbolic. (TensorFlow: depthwise_conv2d; ONNX: Conv with as many groups as channels.)
 */
export function depthwiseConv2d<
  const N extends string,
  const X extends TensorOf<NumericType>,
  const W extends Tensor<DTypeOf<X>, any, any, any, any>,
  const B extends Optional = undefined,
>(name: N, x: X, w: W, options: DepthwiseOptions<2, B> = {}): Depthwise<N, X, W, B> {
  const call = new Call("depthwiseConv2d", name);
  call.options(options, ["stride", "dilation", "padding", "layout", "bias"]);
  const { input, kernel, place } = operands(call, 2, x, w, options.layout, (p) =>
    p.last ? "[kh, kw, C, M]" : "[C * M, 1, kh, kw]",
  );
  const ws = kernel.shape;
  const channels = input.shape[place.channelAxis]!;
  const title = `the number of channels of "${input.name}" ${shapeText(input.shape)}`;
  const multiplier = place.last ? known(ws[3]!) : multiple(ws[0]!, channels);
  if (place.last) call.same(channels, ws[2]!, title, `that of "${kernel.name}" ${shapeText(ws)}`);
  if (multiplier === undefined || (!place.last && known(ws[1]!) !== 1))
    throw call.error(
      "te.extent",
      `W "${kernel.name}" is ${shapeText(ws)}, ${title} is ${extentText(channels)}: expected ` +
        (place.last ? "[kh, kw, C, M] with a constant M" : "[C * M, 1, kh, kw] with a whole M"),
    );
  const taken = multiplier;
  const count = times(channels, taken);
  const taps = constantTaps(
    call,
    place.last ? ws.slice(0, 2) : ws.slice(2),
    `a spatial axis of W "${kernel.name}" ${shapeText(ws)}`,
  );
  const bias = biasOf(call, input, options.bias, count);
  const windows = sliding(call, place.inner(input.shape), taps, options);
  const p = padded(name, input, place, windows, 0);
  const shape = place.order(
    input.shape[0]!,
    windows.map((v) => v.out),
    count,
  );
  return compute(name, record(place.order("n", place.spatial, "c"), shape), (axes: IndexRecord) => {
    const c = axes.c!;
    const total: Expr<any, any> = sum({ kh: taps[0]!, kw: taps[1]! }, ({ kh, kw }) => {
      const at = [tapAt(windows[0]!, axes.h!, kh), tapAt(windows[1]!, axes.w!, kw)];
      const from = taken === 1 ? c : c.div(Math.max(taken, 1));
      const weight = place.last
        ? kernel.at(kh, kw, from, taken === 1 ? 0 : c.mod(Math.max(taken, 1)))
        : kernel.at(c, 0, kh, kw);
      return p.at(...place.order(axes.n!, at, from)).mul(weight);
    });
    return bias === undefined ? total : total.add(bias.at(c));
  }) as never;
}
/** How many times one extent the other is, where that is a whole constant. */
function multiple(of: Extent, one: Extent): number | undefined {
  const [a, b] = [known(of), known(one)];
  if (a === undefined || b === undefined) return sameExtent(of, one) ? 1 : undefined;
  return a > 0 && b > 0 && a % b === 0 ? a / b : undefined;
}
