// biome-ignore-all lint/suspicious/noExplicitAny: `any` as a type argument means "whatever facts", and must not be checked
/** Scaled dot-product attention. */
import { compute } from "../compute.ts";
import { lit, where } from "../functions.ts";
import type { Tensor } from "../tensor.ts";
import type { DTypeOf, Extent, Red, Shape } from "../types.ts";
import type { Floats } from "./activation.ts";
import { broadcastShape, readBroadcast } from "./broadcast.ts";
import { Call, type Carried, known, plus, sameExtent, shapeText, type Values } from "./common.ts";
import { type BatchNames, matmul } from "./matmul.ts";
import { type Optional, softmax } from "./normalization.ts";

export interface AttentionOptions<M> {
  /** What scores are multiplied with; 1 / sqrt(d) unless told otherwise. */
  readonly scale?: number;
  /** Added to the scores before softmax, broadcast to `[..., q, k]`; -Infinity where nothing is to be seen. */
  readonly mask?: M;
  /** Query i sees the keys up to i + k - q only; false unless told otherwise. */
  readonly causal?: boolean;
}
export type Attended<N extends string, Q, K, V, M> = Tensor<
  DTypeOf<Q>,
  "i" | "j" | BatchNames<Shape, 2>,
  Carried<Q> | Carried<K> | Carried<V> | Carried<M> | Red<"k">,
  Shape,
  N
>;

/**
 * softmax(Q K' / sqrt(d)) V for queries Q `[..., q, d]`, keys K `[..., k, d]` and values V `[..., k, e]`: `[..., q, e]`. Leading axes
 * (batches, heads) broadcast. Floats of one dtype.
 *
 *     const Y = attention("Y", placeholder("Q", [12, 197, 64]), placeholder("K", [12, 197, 64]), placeholder("V", [12, 197, 64]));
 *     const Z = attention("Z", Q, K, V, { causal: true });
 *
 * Stages: `name`.product, `name`.scores, `name`.masked (mask or causal), those of a `softmax` named `name`.weights. A query that sees no key gives NaN. Throws
 * TeError for other dtypes and fewer than two axes, extents that don't fit, a mask that doesn't broadcast. (Vaswani et al. 2017;
 * PyTorch: scaled_dot_product_attention; ONNX: Attention.)
 */
export function attention<
  const N extends string,
  const Q extends Floats,
  const K extends Tensor<DTypeOf<Q>, any, any, any, any>,
  const V extends Tensor<DTypeOf<Q>, any, any, any, any>,
  const M extends Optional = undefined,
>(name: N, q: Q, k: K, v: V, options: AttentionOptions<M> = {}): Attended<N, Q, K, V, M> {
  const call = new Call("attention", name);
  call.options(options, ["scale", "mask", "causal"]);
  const [queries, keys, values] = [call.float(q, "Q"), call.float(k, "K"), call.float(v, "V")];
  call.rank(queries, "Q", 2, "[..., q, d]", Infinity);
  call.rank(keys, "K", 2, "[..., k, d]", Infinity);
  call.rank(values, "V", 2, "[..., k, e]", Infinity);
  for (const t of [keys, values]) call.sameDType(queries, t);
  const d = queries.shape.at(-1)!;
  const shown = (t: Values): string => `"${t.name}" ${shapeText(t.shape)}`;
  call.same(d, keys.shape.at(-1)!, `d of ${shown(queries)}`, `d of ${shown(keys)}`);
  call.same(keys.shape.at(-2)!, values.shape.at(-2)!, `k of ${shown(keys)}`, `k of ${shown(values)}`);
  const causal = call.flag(options.causal, "causal");
  const mask = options.mask === undefined ? undefined : call.float(options.mask, "mask");
  const scores = scaled(name, call, queries, keys, d, options.scale);
  const shape = scores.shape;
  if (mask !== undefined) {
    call.sameDType(queries, mask);
    const both = broadcastShape(call, [scores, mask]);
    if (both.length !== shape.length || both.some((n, a) => !sameExtent(n, shape[a]!)))
      throw call.error(
        "te.extent",
        `mask ${shown(mask)} is larger than the scores ${shapeText(shape)}: give it their shape, or extents of 1`,
      );
  }
  return matmul(
    name,
    softmax(`${name}.weights`, masked(name, scores, mask, causal)) as never,
    values as never,
  ) as never;
}

/** The scores of all pairs. The scale is applied to the products: it is one multiplication per score instead of d. */
function scaled(name: string, call: Call, q: Values, k: Values, d: Extent, scale: unknown): Values {
  const product: Values = matmul(`${name}.product`, q as never, k as never, { transposeB: true }) as never;
  const n = known(d);
  const factor =
    scale !== undefined || n !== undefined
      ? lit(call.number(scale, "scale", 1 / Math.sqrt(n ?? 1)), q.dtype)
      : (d as any).cast(q.dtype).rsqrt();
  return compute(`${name}.scores`, product.shape, (...p) => product.at(...p).mul(factor)) as never;
}
function masked(name: string, scores: Values, mask: Values | undefined, causal: boolean): Values {
  if (mask === undefined && !causal) return scores;
  const [rows, columns] = scores.shape.slice(-2) as [Extent, Extent];
  const ahead = plus(columns, typeof rows === "number" ? -rows : rows.neg());
  return compute(`${name}.masked`, scores.shape, (...p) => {
    const own = scores.at(...p);
    const e = mask === undefined ? own : own.add(readBroadcast(mask, p));
    const [i, j] = p.slice(-2) as [(typeof p)[number], (typeof p)[number]];
    return causal ? where(j.le(i.add(ahead as never)), e, -Infinity as never) : e;
  }) as never;
}
