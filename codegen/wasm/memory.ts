/** Loads and stores: whole and partial vectors, splats, widening loads, single lanes. */
import { bytesOf, constInt, type DType, type Expr, type Load, type Shuffle, type Store } from "../../src/ir/index.ts";
import type { Ref } from "./binaryen.ts";
import type { Context } from "./context.ts";
import { CodegenError } from "./error.ts";
import { intShape, scalarType, signOf, type Writer } from "./writer.ts";

/** Immediate offsets are unsigned 32-bit; sizes beyond that never pass the checks at entry. */
export function splitAddress(e: Expr): { base: Expr; offset: number } {
  if (e.kind === "op" && e.op === "add") {
    const c = constInt(e.args[1]!);
    if (c !== undefined && c >= 0) return { base: e.args[0]!, offset: c };
  }
  return { base: e, offset: 0 };
}

/** The byte address of an access; checks that a vector access is dense. */
export function addressOf(what: string, d: DType, lanes: number, index: readonly Expr[]): Expr {
  const at = index[0];
  if (index.length !== 1 || at === undefined)
    throw new CodegenError("internal", `${what}: an access has one byte address, not ${index.length} indices`);
  if (lanes === 1) return at;
  if (at.kind !== "ramp" || constInt(at.stride) !== bytesOf(d))
    throw new CodegenError("unsupported-op", `${what}: ${lanes} lanes of ${d} that do not lie next to each other`);
  return at.base;
}

const scalarLoad: { readonly [D in DType]: string } = {
  f64: "f64.load",
  f32: "f32.load",
  f16: "i32.load16_u",
  i64: "i64.load",
  u64: "i64.load",
  i32: "i32.load",
  u32: "i32.load",
  i16: "i32.load16_s",
  u16: "i32.load16_u",
  i8: "i32.load8_s",
  u8: "i32.load8_u",
  bool: "i32.load8_u",
};
const scalarStore = (d: DType): string => {
  const bytes = bytesOf(d);
  return bytes >= 4 ? `${scalarType(d)}.store` : `i32.store${bytes * 8}`;
};

/** A load as it stands: a scalar, or the bytes of a vector in the low end of a register. */
export function emitLoad(c: Context, e: Load): Ref {
  const { w } = c;
  const align = bytesOf(e.dtype);
  const { base, offset } = c.address(e);
  if (e.lanes === 1) {
    const v = w.i(scalarLoad[e.dtype], offset, align, base);
    return e.dtype === "bool" ? w.m.i32.ne(v, w.i32(0)) : v;
  }
  const bytes = e.lanes * bytesOf(e.dtype);
  switch (bytes) {
    case 16:
      return w.m.v128.load(offset, align, base);
    case 8:
    case 4:
      return w.i(`v128.load${bytes * 8}_zero`, offset, align, base);
    case 2:
      return w.i("v128.load16_lane", offset, align, 0, base, w.splat("u8", 0));
    default:
      throw new CodegenError("internal", `a load of ${bytes} bytes`);
  }
}

/** A scalar load straight into all lanes. */
export function emitSplatLoad(c: Context, e: Load): Ref {
  const { base, offset } = c.address(e);
  return c.w.i(`v128.load${bytesOf(e.dtype) * 8}_splat`, offset, bytesOf(e.dtype), base);
}

/** A dense load of 2, 4 or 8 bytes, over and over in all of the register. */
export function emitRepeatedLoad(c: Context, e: Load): Ref {
  const { base, offset } = c.address(e);
  return c.w.i(`v128.load${e.lanes * bytesOf(e.dtype) * 8}_splat`, offset, bytesOf(e.dtype), base);
}

/** A load of 8 bytes, every lane extended to twice its width. */
export function emitWideningLoad(c: Context, e: Load): Ref {
  const { base, offset } = c.address(e);
  const bits = bytesOf(e.dtype) * 8;
  return c.w.i(`v128.load${bits}x${64 / bits}_${signOf(e.dtype)}`, offset, bytesOf(e.dtype), base);
}

/** A contiguous slice that starts at a multiple of its length, as the register and the lane of that size in it. */
function alignedSlice(e: Expr): { whole: Expr; lane: number } | undefined {
  if (e.kind !== "shuffle" || e.vectors.length !== 1 || e.vectors[0]!.lanes === 1) return undefined;
  const start = (e as Shuffle).picks[0]!;
  if (start % e.lanes !== 0 || !e.picks.every((p, i) => p === start + i)) return undefined;
  return { whole: e.vectors[0]!, lane: start / e.lanes };
}

export function emitStore(c: Context, s: Store): Ref {
  const { w } = c;
  const d = s.value.dtype;
  const align = bytesOf(d);
  const { base, offset } = c.address(s);
  const { lanes } = s.value;
  const bytes = lanes * align;
  if (bytes === 16) return w.m.v128.store(offset, align, base, vectorBytes(c, s.value));
  const from = d === "bool" || c.held(s.value) ? undefined : alignedSlice(s.value);
  if (lanes === 1 && from === undefined) return w.i(scalarStore(d), offset, align, base, c.value(s.value));
  if (![1, 2, 4, 8].includes(bytes)) throw new CodegenError("internal", `a store of ${bytes} bytes`);
  const v = from ? c.value(from.whole) : vectorBytes(c, s.value);
  return w.i(`v128.store${bytes * 8}_lane`, offset, align, from?.lane ?? 0, base, v);
}

/** A vector as memory holds it: bools as bytes of 0 and 1. */
function vectorBytes(c: Context, e: Expr): Ref {
  return e.dtype === "bool" ? c.w.m.v128.and(c.mask(e, 8), c.w.splat("u8", 1)) : c.value(e);
}

export const replaceLane = (w: Writer, d: DType, bits: number, v: Ref, lane: number, x: Ref): Ref =>
  w.i(`${d === "f32" ? "f32x4" : d === "f64" ? "f64x2" : intShape(bits)}.replace_lane`, v, lane, x);
