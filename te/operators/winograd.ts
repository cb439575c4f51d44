// biome-ignore-all lint/suspicious/noExplicitAny: `any` as a type argument means "whatever facts", and must not be checked
/** Winograd convolutions: tiles of the result from fewer multiplications, at the price of additions and some digits. */
import { asserted } from "../access.ts";
import { compute } from "../compute.ts";
import type { Expr } from "../expr.ts";
import { where } from "../functions.ts";
import { sum } from "../reduce.ts";
import type { Tensor } from "../tensor.ts";
import { describe } from "../text.ts";
import type { DTypeOf, Extent } from "../types.ts";
import {
  affineIndex,
  Call,
  type IndexRecord,
  plus,
  quotient,
  record,
  sameExtent,
  shapeText,
  type TensorOf,
  times,
  type Values,
} from "./common.ts";
import { fuse, type Point, product, unfuse } from "./fused.ts";
import { type ConvolvedInStages, type Ungrouped, ungrouped } from "./im2col.ts";
import type { Optional } from "./normalization.ts";
import type { DepthwiseOptions } from "./operands.ts";
import { padded, type Sliding } from "./window.ts";

type Value = Expr<any, any>;
type Transform = (x: readonly Value[]) => readonly Value[];
/**
 * F(m, 3) in one dimension: m neighbouring results of a filter of three taps are output(weights(g) * input(d)), element by element, for
 * m + 2 neighbouring elements d. The published matrices G, B' and A', written so that rows share what they have in common.
 */
export interface Winograd {
  readonly tile: 2 | 4;
  /** G: 3 taps to m + 2 factors. */
  readonly weights: Transform;
  /** B': m + 2 elements to m + 2 factors. */
  readonly input: Transform;
  /** A': m + 2 products to m results. */
  readonly output: Transform;
}

/** Interpolation points 0, 1, -1 (and infinity). */
const F2: Winograd = {
  tile: 2,
  weights: ([g0, g1, g2]) => {
    const [even, odd] = [g0!.add(g2!).mul(0.5), g1!.mul(0.5)];
    return [g0!, even.add(odd), even.sub(odd), g2!];
  },
  input: ([d0, d1, d2, d3]) => [d0!.sub(d2!), d1!.add(d2!), d2!.sub(d1!), d1!.sub(d3!)],
  output: ([m0, m1, m2, m3]) => [m0!.add(m1!).add(m2!), m1!.sub(m2!).sub(m3!)],
};
/** Interpolation points 0, 1, -1, 2, -2 (and infinity). */
const F4: Winograd = {
  tile: 4,
  weights: ([g0, g1, g2]) => {
    const ends = g0!.add(g2!);
    const [even, odd] = [g0!.mul(1 / 24).add(g2!.mul(1 / 6)), g1!.mul(1 / 12)];
    return [g0!.mul(1 / 4), ends.add(g1!).mul(-1 / 6), ends.sub(g1!).mul(-1 / 6), even.add(odd), even.sub(odd), g2!];
  },
  input: ([d0, d1, d2, d3, d4, d5]) => {
    const [even1, odd1] = [d4!.sub(d2!.mul(4)), d3!.sub(d1!.mul(4))];
    const [even2, odd2] = [d4!.sub(d2!), d3!.sub(d1!)];
    const twice = odd2.mul(2);
    return [
      d0!.sub(d2!).mul(4).add(even2),
      even1.add(odd1),
      even1.sub(odd1),
      even2.add(twice),
      even2.sub(twice),
      d5!.sub(d3!).sub(odd2.mul(4)),
    ];
  },
  output: ([m0, m1, m2, m3, m4, m5]) => {
    const [even1, odd1] = [m1!.add(m2!), m1!.sub(m2!)];
    const [even2, odd2] = [m3!.add(m4!), m3!.sub(m4!)];
    return [m0!.add(even1).add(even2), odd1.add(odd2.mul(2)), even1.add(even2.mul(4)), odd1.add(odd2.mul(8)).add(m5!)];
  },
};
/** By tile. */
export const TRANSFORMS = { 2: F2, 4: F4 } as const;

/** One of several expressions. Where the index is constant (its loop unrolled), nothing is left of the choice. */
const pick = (i: Point, list: readonly Value[]): Value =>
  list.slice(0, -1).reduceRight<Value>((rest, e, n) => where(i.eq(n), e, rest), list.at(-1)!);
const each = (n: number, of: (i: number) => Value): Value[] => Array.from({ length: n }, (_, i) => of(i));

export interface WinogradOptions<B> extends Pick<DepthwiseOptions<2, B>, "padding" | "layout" | "bias"> {
  /** Rows and columns of the result that are computed together; 4 unless told otherwise. */
  readonly tile?: 2 | 4;
}

/**
 * `conv2d` for kernels of 3 x 3, stride 1, by Winograd's minimal filtering: tiles of m x m results come from (m + 2)^2 products per
 * pair of channels, not 9 m^2. F(2x2, 3x3), `tile: 2`, takes 2.25 times fewer multiplications, F(4x4, 3x3), `tile: 4`, 4 times fewer.
 * X, W, bias, result, padding and layouts as `conv2d`; f32 or f64. Transforms are stages of their own, one per dimension. With
 * T = n * ceil(h' / m) * ceil(w' / m) tiles in one axis:
 *
 *     name.weights.rows[a, kw, c, o], name.weights[a, b, c, o]   U = G W G', of W alone: can be prepared where that is constant
 *     name.tiles.rows[a, x, t, c],    name.tiles[a, b, t, c]     V = B' X B, of tiles of (m + 2) x (m + 2), zeros beyond the edges
 *     name.products[a, b, t, o]       M = sum over c of V[a, b, t, c] * U[a, b, c, o]: (m + 2)^2 matrix products
 *     name.rows[y, b, t, o],          name[n, h, w, o]           Y = A' M A, plus the bias
 *
 * Splitting h and w of the result by m makes everything of one tile a point of the outer loops. Padding (and what partial tiles
 * read behind the edge) is a stage of its own, `name`.pad.
 *
 *     const Y = winogradConv2d("Y", placeholder("X", [1, 56, 56, 64]), placeholder("W", [3, 3, 64, 64]), { padding: 1 });
 *     const Z = winogradConv2d("Z", X, W, { tile: 2, padding: "same", bias: placeholder("b", [64]) });
 *
 * Rounding, in f32, measured for normally distributed X and W with C = 64: the largest error is 4e-7 of the largest result for tiles
 * of 2, 7e-6 for tiles of 4 (8e-7 for `conv2d`), the root mean square 3e-7 and 2e-6 of the results' (4e-7). An infinity or a NaN in X
 * can make NaN of all results of its tiles.
 *
 * Sizes but the kernel's may be symbolic. Throws TeError as `conv2d`, and for kernels other than 3 x 3, other dtypes, another tile;
 * there is no option stride, dilation or groups. (Winograd 1980; Lavin and Gray 2016.)
 */
export function winogradConv2d<
  const N extends string,
  const X extends TensorOf<"f32" | "f64">,
  const W extends Tensor<DTypeOf<X>, any, any, any, any>,
  const B extends Optional = undefined,
>(name: N, x: X, w: W, options: WinogradOptions<B> = {}): ConvolvedInStages<N, X, W, B> {
  const call = new Call("winogradConv2d", name);
  call.options(options, ["tile", "padding", "layout", "bias"]);
  const { tile = 4, ...rest } = options;
  if (tile !== 2 && tile !== 4) throw call.error("te.option", `tile is ${describe(tile)}: expected 2 or 4`);
  const conv = ungrouped(call, x, w, rest);
  const { input, kernel, windows } = conv;
  if (input.dtype !== "f32" && input.dtype !== "f64")
    throw call.error(
      "te.dtype",
      `"${input.name}" is ${input.dtype}: the transforms need f32 or f64; take conv2d, or cast in a compute first`,
    );
  if (windows.some((v) => v.taps !== 3))
    throw call.error(
      "te.extent",
      `W "${kernel.name}" ${shapeText(kernel.shape)} has ${windows.map((v) => v.taps).join(" x ")} taps: expected 3 x 3; take conv2d`,
    );
  return convolve(name, conv, TRANSFORMS[tile]) as never;
}

function convolve(name: string, conv: Ungrouped, f: Winograd): Values {
  const { input, bias, place, windows, channels, made } = conv;
  const [m, alpha] = [f.tile, f.tile + 2];
  const batch = input.shape[0]!;
  const tiles = [batch, ...windows.map((v) => quotient(plus(v.out, m - 1), m))];
  const t = product(tiles);
  const u = transformedWeights(name, conv, f);
  const v = transformedTiles(name, conv, f, tiles);
  const products: Values = compute(`${name}.products`, { a: alpha, b: alpha, t, o: made }, ({ a, b, t, o }) =>
    sum({ c: channels }, ({ c }) => v.at(a, b, t, c).mul(u.at(a, b, c, o))),
  ) as never;
  const rows: Values = compute(`${name}.rows`, { y: m, b: alpha, t, o: made }, ({ y, b, t, o }) =>
    pick(y, f.output(each(alpha, (a) => products.at(a, b, t, o)))),
  ) as never;
  const shape = place.order(
    batch,
    windows.map((w) => w.out),
    made,
  );
  return compute(name, record(place.order("n", place.spatial, "o"), shape), (axes: IndexRecord) => {
    const [n, h, w, o] = [axes.n!, axes.h!, axes.w!, axes.o!];
    // there is a tile for every position, whether or not a proof would find that
    const tile = asserted(fuse([n, h.div(m), w.div(m)], tiles));
    const total = pick(w.mod(m), f.output(each(alpha, (b) => rows.at(h.mod(m), b, tile, o))));
    return bias === undefined ? total : total.add(bias.at(o));
  }) as never;
}

/** U = G W G'. */
function transformedWeights(name: string, { kernel, place, channels: c, made: o }: Ungrouped, f: Winograd): Values {
  const alpha = f.tile + 2;
  const at = (kh: number, kw: Point, c: Point, o: Point): Value =>
    place.last ? kernel.at(kh, kw, c, o) : kernel.at(o, c, kh, kw);
  const rows: Values = compute(`${name}.weights.rows`, { a: alpha, kw: 3, c, o }, ({ a, kw, c, o }) =>
    pick(a, f.weights(each(3, (kh) => at(kh, kw, c, o)))),
  ) as never;
  return compute(`${name}.weights`, { a: alpha, b: alpha, c, o }, ({ a, b, c, o }) =>
    pick(b, f.weights(each(3, (kw) => rows.at(a, kw, c, o)))),
  ) as never;
}

/** V = B' X B, for tiles that overlap by two rows and columns. */
function transformedTiles(name: string, conv: Ungrouped, f: Winograd, tiles: readonly Extent[]): Values {
  const { input, place, channels: c } = conv;
  const [m, alpha] = [f.tile, f.tile + 2];
  const windows = conv.windows.map((v, d): Sliding => {
    const covered = plus(times(tiles[d + 1]!, m), 2);
    return { ...v, covered, padded: v.padded || !sameExtent(covered, v.covered) };
  });
  const p = padded(name, input, place, windows, 0);
  const t = product(tiles);
  const rows: Values = compute(`${name}.tiles.rows`, { a: alpha, x: alpha, t, c }, ({ a, x, t, c }) => {
    const [n, th, tw] = unfuse(t, tiles);
    // whole tiles fit into the padded input, whether or not a proof would find that
    const column = asserted(affineIndex(tw!, m, x));
    const element = (i: number): Value =>
      p.at(...place.order(asserted(n!), [asserted(affineIndex(th!, m, i)), column], c));
    return pick(a, f.input(each(alpha, element)));
  }) as never;
  return compute(`${name}.tiles`, { a: alpha, b: alpha, t, c }, ({ a, b, t, c }) =>
    pick(b, f.input(each(alpha, (x) => rows.at(a, x, t, c)))),
  ) as never;
}
