/** Casts: widening by extension of register halves, narrowing by packing pairs of registers, and conversions to and from floats. */
import {
  bitsOf,
  type DType,
  type Expr,
  isFloat,
  isInteger,
  isSigned,
  type Op,
  type Shuffle,
} from "../../src/ir/index.ts";
import type { Ref } from "./binaryen.ts";
import { narrowPair, unsupported } from "./compare.ts";
import type { Context } from "./context.ts";
import { emitWideningLoad } from "./memory.ts";
import { intShape, scalarType, signOf } from "./writer.ts";

// ---- scalars

export function emitScalarConversion(c: Context, e: Op): Ref {
  const { w } = c;
  const [from, to] = [e.args[0]!.dtype, e.dtype];
  const [tf, tt] = [scalarType(from), scalarType(to)];
  if (e.op === "satcast") throw unsupported(e);
  const v = c.value(e.args[0]!);
  if (e.op === "bitcast") {
    if (tf !== tt) return w.i(`${tt}.reinterpret`, v);
    return w.normalized(to === "f16" ? "u16" : to, v);
  }
  if (from === "f16" || to === "f16") throw unsupported(e);
  if (to === "bool") return w.i(`${tf}.ne`, v, w.constant(from, 0));
  const s = signOf(from);
  if (isFloat(from)) {
    if (isFloat(to)) return from === to ? v : w.i(to === "f32" ? "f32.demote" : "f64.promote", v);
    if (bitsOf(to) < 32) throw unsupported(e);
    return w.i(`${tt}.trunc_${signOf(to)}_sat.${tf}`, v);
  }
  if (isFloat(to)) return w.i(`${tt}.convert_${s}.${tf}`, v);
  if (tt === "i64") return tf === "i64" ? v : w.i(`i64.extend_${s}`, v);
  const low = tf === "i64" ? w.m.i32.wrap(v) : v;
  // a value that fits already is normalized already
  const fits = bitsOf(from) < bitsOf(to) && (isSigned(to) || !isSigned(from));
  return fits ? low : w.normalized(to, low);
}

// ---- vectors

/** A slice of one vector that starts at a multiple of its length. */
function sliceOf(e: Expr): { whole: Expr; start: number } | undefined {
  if (e.kind !== "shuffle" || e.vectors.length !== 1 || e.vectors[0]!.lanes <= e.lanes) return undefined;
  const start = e.picks[0]!;
  return start % e.lanes === 0 && e.picks.every((p, i) => p === start + i)
    ? { whole: e.vectors[0]!, start }
    : undefined;
}

/** Lanes start .. of a register, extended from `from` to `to` bits: each step takes the half they lie in. */
export function extendLanes(c: Context, v: Ref, start: number, from: number, to: number, sign: "s" | "u"): Ref {
  let [r, at] = [v, start];
  for (let bits = from; bits < to; bits *= 2) {
    const half = 64 / bits;
    r = c.w.i(`${intShape(bits * 2)}.extend_${at >= half ? "high" : "low"}_${intShape(bits)}_${sign}`, r);
    at %= half;
  }
  if (at === 0) return r;
  // fewer lanes than the wide register has, from the middle of it
  const x = c.w.dup("v128", r);
  const skip = (at * to) / 8;
  return c.w.shuffle(
    x.first,
    x.again(),
    Array.from({ length: 16 }, (_, i) => (i + skip) % 16),
  );
}
function widen(c: Context, e: Expr, to: number): Ref {
  const from = bitsOf(e.dtype);
  const sign = signOf(e.dtype);
  if (e.kind === "load" && !c.held(e) && e.lanes * from === 64)
    return extendLanes(c, emitWideningLoad(c, e), 0, from * 2, to, sign);
  const slice = c.held(e) ? undefined : sliceOf(e);
  if (slice) return extendLanes(c, c.value(slice.whole), slice.start, from, to, sign);
  return extendLanes(c, c.value(e), 0, from, to, sign);
}

/** How one step of narrowing packs two registers of `bits` wide lanes. */
type Pack = (a: Ref, b: Ref, bits: number) => Ref;
interface Narrowing {
  /** What each source needs before packing. */
  readonly prepare: (v: Ref) => Ref;
  readonly pack: Pack;
}
function narrowing(c: Context, e: Op): Narrowing | undefined {
  const { w } = c;
  const [from, to] = [e.args[0]!.dtype, e.dtype];
  if (!isInteger(from) || !isInteger(to) || bitsOf(to) >= bitsOf(from)) return undefined;
  const pack =
    (last: "s" | "u"): Pack =>
    (a, b, bits) =>
      bits === 64
        ? narrowPair(w, a, b, 64)
        : w.i(`${intShape(bits / 2)}.narrow_${intShape(bits)}_${bits / 2 === bitsOf(to) ? last : "s"}`, a, b);
  if (e.op === "satcast") {
    if (!isSigned(from) || bitsOf(from) > 32) return undefined;
    return { prepare: (v) => v, pack: pack(signOf(to)) };
  }
  // wrapping: with the high bits cleared, saturation changes nothing
  if (bitsOf(to) === 32) return { prepare: (v) => v, pack: pack("u") };
  const keep = 2 ** bitsOf(to) - 1;
  return {
    prepare: (v) =>
      w.m.v128.and(v, w.splat(from === "i64" || from === "u64" ? "u64" : bitsOf(from) === 32 ? "u32" : "u16", keep)),
    pack: pack("u"),
  };
}
/** Packs registers (a power of two of them, each full, or one) until lanes are `to` bits wide. */
function packAll(c: Context, registers: readonly Ref[], n: Narrowing, from: number, to: number): Ref {
  let list = registers.map(n.prepare);
  for (let bits = from; bits > to; bits /= 2) {
    const next: Ref[] = [];
    for (let i = 0; i < list.length; i += 2) {
      const a = list[i]!;
      if (list[i + 1] !== undefined) next.push(n.pack(a, list[i + 1]!, bits));
      else {
        const x = c.w.dup("v128", a);
        next.push(n.pack(x.first, x.again(), bits));
      }
    }
    list = next;
  }
  return list[0]!;
}

/** `concat(cast(a), cast(b), ...)` of full registers narrowed alike: they are packed together. */
export function emitPackedConcat(c: Context, e: Shuffle): Ref | undefined {
  const first = e.vectors[0]!;
  if (first.kind !== "op" || (first.op !== "cast" && first.op !== "satcast")) return undefined;
  const from = first.args[0]!.dtype;
  const total = e.vectors.length * first.lanes;
  if (e.picks.length !== total || !e.picks.every((p, i) => p === i)) return undefined;
  if (first.lanes * bitsOf(from) !== 128 || total * bitsOf(e.dtype) > 128) return undefined;
  const sources: Expr[] = [];
  for (const v of e.vectors) {
    if (v.kind !== "op" || v.op !== first.op || v.args[0]!.dtype !== from || v.lanes !== first.lanes) return undefined;
    if (c.held(v)) return undefined;
    sources.push(v.args[0]!);
  }
  const n = narrowing(c, first);
  if (n === undefined) return undefined;
  return packAll(
    c,
    sources.map((x) => c.value(x)),
    n,
    bitsOf(from),
    bitsOf(e.dtype),
  );
}

export function emitVectorConversion(c: Context, e: Op): Ref {
  const { w } = c;
  const x = e.args[0]!;
  const [from, to] = [x.dtype, e.dtype];
  if (e.op === "bitcast" || (from === to && from !== "bool")) return c.value(x);
  if (from === "bool" && e.op === "cast" && to !== "f16") return w.m.v128.and(c.mask(x, bitsOf(to)), w.splat(to, 1));
  const [wide, narrow] = [bitsOf(from), bitsOf(to)];
  if (isInteger(from) && isInteger(to)) {
    if (e.op === "cast" && wide === narrow) return c.value(x);
    if (e.op === "cast" && wide < narrow) return widen(c, x, narrow);
    const n = narrowing(c, e);
    if (n === undefined) throw unsupported(e);
    return packAll(c, [c.value(x)], n, wide, narrow);
  }
  const path = e.op === "cast" ? FLOAT_CONVERSIONS[`${from} ${to}`] : undefined;
  if (path !== undefined) return w.i(path, c.value(x));
  // narrow integers on their way to a float pass through i32
  if (e.op === "cast" && isInteger(from) && wide < 32) {
    const direct = FLOAT_CONVERSIONS[`i32 ${to}`];
    if (direct !== undefined) return w.i(direct, widen(c, x, 32));
  }
  throw unsupported(e);
}

const FLOAT_CONVERSIONS: { readonly [P in `${DType} ${DType}`]?: string } = {
  "i32 f32": "f32x4.convert_i32x4_s",
  "u32 f32": "f32x4.convert_i32x4_u",
  "i32 f64": "f64x2.convert_low_i32x4_s",
  "u32 f64": "f64x2.convert_low_i32x4_u",
  "f32 i32": "i32x4.trunc_sat_f32x4_s",
  "f32 u32": "i32x4.trunc_sat_f32x4_u",
  "f64 i32": "i32x4.trunc_sat_f64x2_s_zero",
  "f64 u32": "i32x4.trunc_sat_f64x2_u_zero",
  "f32 f64": "f64x2.promote_low_f32x4",
  "f64 f32": "f32x4.demote_f64x2_zero",
};
