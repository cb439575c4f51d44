// biome-ignore-all lint/suspicious/noExplicitAny: `any` as a type argument means "whatever facts", and must not be checked
/** Windows that slide over spatial axes: layouts, strides, dilation and padding, shared by convolutions and pooling. */
import { compute } from "../compute.ts";
import { constantEdge } from "../edges.ts";
import type { Expr } from "../expr.ts";
import { describe } from "../text.ts";
import type { Extent, Shape } from "../types.ts";
import { affineIndex, type Call, extentText, known, plus, quotient, times, type Values } from "./common.ts";

/** A number for all spatial axes, or one each. */
export type PerAxis = number | readonly number[];
/**
 * What stands around the input: nothing ("valid"); as much as makes one window per `stride` elements, the odd one behind ("same");
 * a number on both sides of all axes; or a number or [before, behind] for each axis.
 */
export type Padding = "valid" | "same" | number | readonly (number | readonly [number, number])[];

const SPATIAL = [["w"], ["h", "w"], ["d", "h", "w"]] as const;
/** Names of spatial axes. */
export interface SpatialNames {
  readonly 1: "w";
  readonly 2: "h" | "w";
  readonly 3: "d" | "h" | "w";
}
export interface Layouts {
  readonly 1: "NWC" | "NCW";
  readonly 2: "NHWC" | "NCHW";
  readonly 3: "NDHWC" | "NCDHW";
}
export type Rank = 1 | 2 | 3;

/** Where batch, channels and spatial axes stand. */
export interface Placement {
  readonly last: boolean;
  readonly layout: string;
  readonly spatial: readonly string[];
  readonly channelAxis: number;
  /** Extents of the spatial axes. */
  readonly inner: (shape: Shape) => Shape;
  /** One list in the layout's order. */
  readonly order: <T>(n: T, spatial: readonly T[], c: T) => readonly T[];
}
export function placement(call: Call, rank: Rank, layout: unknown): Placement {
  const spatial = SPATIAL[rank - 1]!;
  const middle = spatial.join("").toUpperCase();
  const [lastName, firstName] = [`N${middle}C`, `NC${middle}`];
  const name = call.oneOf(layout, "layout", [lastName, firstName], lastName);
  const last = name === lastName;
  return {
    last,
    layout: name,
    spatial,
    channelAxis: last ? rank + 1 : 1,
    inner: (s) => (last ? s.slice(1, -1) : s.slice(2)),
    order: (n, inner, c) => (last ? [n, ...inner, c] : [n, c, ...inner]),
  };
}

export interface WindowOptions {
  /** Elements from one window to the next; 1 unless told otherwise (pooling: the window's size). */
  readonly stride?: PerAxis;
  /** Elements from one tap of a window to the next; 1 unless told otherwise. */
  readonly dilation?: PerAxis;
  /** "valid" unless told otherwise. */
  readonly padding?: Padding;
}
/** Windows along one axis. */
export interface Sliding {
  readonly taps: number;
  readonly stride: number;
  readonly dilation: number;
  /** From the first to the last tap, both included. */
  readonly span: number;
  readonly input: Extent;
  readonly before: Extent;
  /** What stands behind the input; undefined for "same", which is never more than a window. */
  readonly behind?: number;
  /** How many windows there are. */
  readonly out: Extent;
  /** How much of the padded input they cover. */
  readonly covered: Extent;
  /** Whether they cover more than the input's own elements, or may. */
  readonly padded: boolean;
}

export function perAxis(
  call: Call,
  x: unknown,
  option: string,
  rank: number,
  low: number,
  otherwise: number,
): number[] {
  const list: readonly unknown[] = Array.isArray(x)
    ? x
    : Array.from({ length: rank }, () => (x === undefined ? otherwise : x));
  if (list.length !== rank)
    throw call.error("te.option", `${option} has ${list.length} entries: expected one number, or ${rank}`);
  return list.map((n) => call.whole(n, option, low));
}
/** "same", or elements before and behind each axis. */
export function sides(call: Call, x: unknown, rank: number): "same" | readonly (readonly [number, number])[] {
  if (x === "same") return "same";
  const expected = `expected "same", "valid", a number, or ${rank} of them (each a number or [before, behind])`;
  if (typeof x === "string" && x !== "valid") throw call.error("te.option", `padding is "${x}": ${expected}`);
  const all: unknown = x === undefined || x === "valid" ? 0 : x;
  const list: readonly unknown[] = Array.isArray(all) ? all : Array.from({ length: rank }, () => all);
  if (list.length !== rank) throw call.error("te.option", `padding has ${list.length} entries: ${expected}`);
  return list.map((p) => {
    const pair: readonly unknown[] = Array.isArray(p) ? p : [p, p];
    if (pair.length !== 2) throw call.error("te.option", `padding of one axis is ${describe(p)}: ${expected}`);
    return [call.whole(pair[0], "padding", 0), call.whole(pair[1], "padding", 0)] as const;
  });
}

/** Extents of windows, which must be constant. */
export const constantTaps = (call: Call, extents: Shape, what: string): number[] =>
  extents.map((n) => {
    const taps = known(n);
    if (taps === undefined || taps < 1)
      throw call.error("te.extent", `${what} has the extent ${extentText(n)}: expected a constant, 1 or more`);
    return taps;
  });

export function sliding(
  call: Call,
  inputs: Shape,
  taps: readonly number[],
  options: WindowOptions,
): readonly Sliding[] {
  const rank = inputs.length;
  const strides = perAxis(call, options.stride, "stride", rank, 1, 1);
  const dilations = perAxis(call, options.dilation, "dilation", rank, 1, 1);
  const padding = sides(call, options.padding, rank);
  return inputs.map((given, d): Sliding => {
    const input = known(given) ?? given;
    const [stride, dilation] = [strides[d]!, dilations[d]!];
    const span = (taps[d]! - 1) * dilation + 1;
    const base = { taps: taps[d]!, stride, dilation, span, input };
    if (padding === "same") {
      const out = quotient(plus(input, stride - 1), stride);
      const covered = plus(times(plus(out, -1), stride), span);
      const before = halfOfExcess(input, covered, stride, span);
      return { ...base, out, covered, before, padded: span > 1 || (stride > 1 && typeof input !== "number") };
    }
    const [before, behind] = padding[d]!;
    const room = plus(input, before + behind - span);
    if (typeof room === "number" && room < 0)
      throw call.error(
        "te.extent",
        `axis ${d} of the windows spans ${span} elements, but there are only ${extentText(plus(input, before + behind))} ` +
          "with padding: pad more, or take smaller windows",
      );
    const shared = { ...base, before, behind, padded: before + behind > 0 };
    if (stride === 1) {
      const covered = plus(input, before + behind);
      return { ...shared, out: plus(input, before + behind - span + 1), covered };
    }
    const steps = quotient(room, stride);
    return { ...shared, out: plus(steps, 1), covered: plus(times(steps, stride), span) };
  });
}
/** Half of what windows cover beyond the input; constant where the number of elements doesn't matter. */
function halfOfExcess(input: Extent, covered: Extent, stride: number, span: number): Extent {
  if (typeof input === "number" && typeof covered === "number") return Math.floor(Math.max(covered - input, 0) / 2);
  if (stride === 1) return Math.floor((span - 1) / 2);
  const excess = plus(covered, typeof input === "number" ? -input : input.neg());
  return typeof excess === "number" ? Math.floor(excess / 2) : excess.max(0).div(2);
}

/** Where all taps of a window lie in the padding: what is around the input there, and of how much; undefined where each meets an element, as far as is known. */
export function besideInput(w: Sliding): string | undefined {
  const spans = `windows span ${w.span}`;
  if (typeof w.before === "number" && w.before >= w.span) return `padding in front is ${w.before}, but ${spans}`;
  if (w.behind !== undefined && w.behind >= w.span) return `padding behind is ${w.behind}, but ${spans}`;
  const { input, before, out, stride, dilation, taps } = w;
  if (typeof input !== "number" || typeof before !== "number" || typeof out !== "number") return undefined;
  for (let i = 0; i < out; i++) {
    const first = i * stride - before;
    // from here on the first tap meets the input, until it lies behind
    if (first >= 0 && first < input) i = Math.max(i, Math.ceil((input + before) / stride) - 1);
    else if (!Array.from({ length: taps }, (_, k) => first + k * dilation).some((x) => x >= 0 && x < input))
      return `taps ${dilation} apart step over its ${input} elements`;
  }
  return undefined;
}

/** X as the windows see it: itself, or a stage `name`.pad with the value around it. */
export function padded(
  name: string,
  x: Values,
  place: Placement,
  windows: readonly Sliding[],
  value: number | bigint,
): Values {
  if (windows.every((w) => !w.padded)) return x;
  const edge = constantEdge(x, value as never);
  const inner = windows.map((w) => w.covered);
  const shape = place.order(x.shape[0]!, inner, x.shape[place.channelAxis]!);
  const names = place.order("n", place.spatial, "c");
  return compute(`${name}.pad`, Object.fromEntries(names.map((n, d) => [n, shape[d]!])), (axes: any) => {
    const at = windows.map((w, d) => {
      const i: Expr<"i32", any> = axes[place.spatial[d]!];
      return w.before === 0 ? i : i.sub(w.before as never);
    });
    return edge.at(...(place.order(axes.n, at, axes.c) as never));
  }) as never;
}
/** The index of a tap in the (padded) input. */
export const tapAt = (w: Sliding, window: Expr<"i32", any>, tap: Expr<"i32", any>): Expr<"i32", any> =>
  affineIndex(window, w.stride, affineIndex(tap, w.dilation, 0));
