/** Moving lanes: broadcasts, ramps, shuffles, vectors built from scalars, and scalars taken out of vectors. */
import {
  bytesOf,
  constant,
  type DType,
  type Expr,
  isFloat,
  type Load,
  type Ramp,
  type Shuffle,
  shuffle,
  zeroOf,
} from "../../src/ir/index.ts";
import type { Ref } from "./binaryen.ts";
import { narrowPair, splatBool } from "./compare.ts";
import type { Context } from "./context.ts";
import { emitPackedConcat } from "./convert.ts";
import { CodegenError } from "./error.ts";
import { emitRepeatedLoad, emitSplatLoad, replaceLane } from "./memory.ts";
import { putLane, shapeOf, signOf } from "./writer.ts";

/** One lane of the result: a lane of a vector, or a scalar (lane 0 of it). */
interface Pick {
  readonly source: Expr;
  readonly lane: number;
}

export function emitBroadcast(c: Context, value: Expr): Ref {
  const { w } = c;
  if (value.kind === "const") return w.splat(value.dtype, value.value);
  if (value.kind === "load" && !c.held(value)) return emitSplatLoad(c, value);
  return w.i(`${shapeOf(value.dtype)}.splat`, c.value(value));
}

/** base + [0, stride, 2 * stride, ...] */
export function emitRamp(c: Context, e: Ramp): Ref {
  const { w } = c;
  const d = e.dtype;
  const step = e.stride.kind === "const" ? e.stride.value : undefined;
  if (isFloat(d) || d === "bool" || (step === undefined && bytesOf(d) === 1))
    throw new CodegenError("unsupported-op", `a ramp of ${e.lanes} lanes of ${d} with a stride that is not constant`);
  const view = new DataView(new ArrayBuffer(16));
  const bytes = bytesOf(d);
  for (let i = 0; i * bytes < 16; i++) {
    const v = BigInt(i) * BigInt(step ?? 1);
    putLane(view, i * bytes, d, bytes === 8 ? BigInt.asIntN(64, v) : Number(BigInt.asIntN(32, v)));
  }
  const steps = w.bytes(new Uint8Array(view.buffer));
  const base = emitBroadcast(c, e.base);
  const shape = shapeOf(d);
  if (step !== undefined) return w.i(`${shape}.add`, base, steps);
  return w.i(`${shape}.add`, base, w.i(`${shape}.mul`, emitBroadcast(c, e.stride), steps));
}

/** Looks through shuffles inside a shuffle, where that does not take apart one that combines vectors. */
function resolve(c: Context, vectors: readonly Expr[], picks: readonly number[]): Pick[] {
  const places: Pick[] = vectors.flatMap((source) =>
    Array.from({ length: source.lanes }, (_, lane) => ({ source, lane })),
  );
  let out = picks.map((p) => places[p]!);
  for (;;) {
    let changed = false;
    for (const inner of new Set(out.map((p) => p.source))) {
      if (inner.kind === "broadcast" && inner.value.kind === "const") {
        const { value } = inner;
        out = out.map((p) => (p.source === inner ? { source: value, lane: 0 } : p));
        changed = true;
      }
      if (inner.kind !== "shuffle" || c.held(inner)) continue;
      const places: Pick[] = inner.vectors.flatMap((source) =>
        Array.from({ length: source.lanes }, (_, lane) => ({ source, lane })),
      );
      const used = out.filter((p) => p.source === inner).map((p) => places[inner.picks[p.lane]!]!);
      if (new Set(used.map((p) => p.source)).size !== 1) continue;
      out = out.map((p) => (p.source === inner ? places[inner.picks[p.lane]!]! : p));
      changed = true;
    }
    if (!changed) return out;
  }
}

function extractLane(c: Context, d: DType, p: Pick): Ref {
  const { w } = c;
  if (d === "bool") {
    const bits = c.maskBits(p.source) || 8;
    const v = w.i(`i${bits}x${128 / bits}.extract_lane${bits < 32 ? "_s" : ""}`, c.mask(p.source, bits), p.lane);
    return w.m.i32.and(bits === 64 ? w.m.i32.wrap(v) : v, w.i32(1));
  }
  return w.i(`${shapeOf(d)}.extract_lane${bytesOf(d) < 4 ? `_${signOf(d)}` : ""}`, c.value(p.source), p.lane);
}

/** Picks from any number of vectors, combined two at a time; `undefined` lanes do not matter. */
function combine(c: Context, wanted: readonly (Pick | undefined)[], size: number, emit: (e: Expr) => Ref): Ref {
  const { w } = c;
  const sources = [...new Set(wanted.flatMap((p) => (p ? [p.source] : [])))];
  if (sources.length > 2) {
    const half = 2 ** Math.ceil(Math.log2(sources.length) - 1);
    const left = new Set(sources.slice(0, half));
    const gather = (side: boolean): Pick[] => {
      const list: Pick[] = [];
      for (const p of wanted)
        if (p && left.has(p.source) === side && !list.some((q) => q.source === p.source && q.lane === p.lane))
          list.push(p);
      return list;
    };
    const sides = [gather(true), gather(false)];
    const refs = sides.map((s) => combine(c, s, size, emit));
    const bytes = shuffleBytes(wanted, size, (p) => {
      const which = left.has(p.source) ? 0 : 1;
      const at = sides[which]!.findIndex((q) => q.source === p.source && q.lane === p.lane);
      return which * 16 + at * size;
    });
    return w.shuffle(refs[0]!, refs[1]!, bytes);
  }
  if (sources.length === 2) {
    const refs = sources.map(emit);
    const bytes = shuffleBytes(wanted, size, (p) => (p.source === sources[0] ? 0 : 16) + p.lane * size);
    return w.shuffle(refs[0]!, refs[1]!, bytes);
  }
  const v = emit(sources[0]!);
  if (wanted.every((p, i) => p === undefined || p.lane === i)) return v;
  const bytes = shuffleBytes(wanted, size, (p) => p.lane * size);
  const x = w.dup("v128", v);
  return w.shuffle(x.first, x.again(), bytes);
}
function shuffleBytes(wanted: readonly (Pick | undefined)[], size: number, at: (p: Pick) => number): number[] {
  return Array.from({ length: 16 }, (_, i) => {
    const p = wanted[Math.floor(i / size)];
    return p ? at(p) + (i % size) : i;
  });
}

/** A scalar for a lane: a bool becomes a lane of ones or zeros. */
function laneValue(c: Context, d: DType, bits: number, e: Expr): Ref {
  const v = c.value(e);
  if (d !== "bool") return v;
  const all = c.w.m.i32.sub(c.w.i32(0), v);
  return bits === 64 ? c.w.m.i64.extend_s(all) : all;
}
function splatLane(c: Context, d: DType, bits: number, e: Expr): Ref {
  return d === "bool" ? splatBool(c.w, c.value(e), bits) : emitBroadcast(c, e);
}

/** A shuffle; `bits` is the lane width (for bool vectors the wanted one). One-lane results are scalars. */
export function emitShuffle(c: Context, e: Shuffle, bits: number): Ref {
  const d = e.dtype;
  const packed = d === "bool" ? packedMasks(c, e, bits) : emitPackedConcat(c, e);
  if (packed !== undefined) return packed;
  const wanted = resolve(c, e.vectors, e.picks);
  const { w } = c;
  const repeated = d === "bool" ? undefined : repeatedLoad(c, wanted, bits / 8);
  if (repeated !== undefined) return emitRepeatedLoad(c, repeated);
  if (e.lanes === 1) {
    const p = wanted[0]!;
    return p.source.lanes === 1 ? c.value(p.source) : extractLane(c, d, p);
  }
  const size = bits / 8;
  const emit = (v: Expr): Ref => (d === "bool" ? c.mask(v, bits) : c.value(v));
  const scalars = wanted.map((p) => (p.source.lanes === 1 ? p.source : undefined));
  if (scalars.every((s) => s === undefined)) return combine(c, wanted, size, emit);

  const view = new DataView(new ArrayBuffer(16));
  const constants = scalars.map((s) => (s?.kind === "const" ? s : undefined));
  for (const [i, k] of constants.entries()) if (k) putLane(view, i * size, d, k.value, bits);
  if (constants.every((k) => k !== undefined)) return w.bytes(new Uint8Array(view.buffer));

  // Lanes come with the base vector (other vectors and constants, or else a splat), or are put in one by one.
  const base = wanted.map((p) => (p.source.lanes === 1 ? undefined : p));
  if (constants.some((k) => k !== undefined)) {
    const zero = constant(d, zeroOf(d));
    const list = constants.map((k) => k ?? zero);
    const source = shuffle(list, [...list.keys()]);
    for (const [lane, k] of constants.entries()) if (k) base[lane] = { source, lane };
  }
  const splat = base.every((p) => p === undefined) ? mostFrequent(scalars as Expr[]) : undefined;
  const open = new Set([...wanted.keys()].filter((i) => base[i] === undefined && scalars[i] !== splat));
  const loads: { lane: number; load: Load }[] = [];
  for (const lane of open) {
    const s = scalars[lane]!;
    const once = scalars.filter((x) => x === s).length === 1;
    if (s.kind === "load" && once && d !== "bool" && !c.held(s)) {
      loads.push({ lane, load: s });
      open.delete(lane);
    }
  }
  // a lane load evaluates its address before its vector, so the outermost comes first
  const addresses = loads.map(({ load }) => c.address(load));
  let r = splat ? splatLane(c, d, bits, splat) : combine(c, base, size, emit);
  for (const lane of open) r = replaceLane(w, d, bits, r, lane, laneValue(c, d, bits, scalars[lane]!));
  for (let i = loads.length - 1; i >= 0; i--) {
    const { base, offset } = addresses[i]!;
    r = w.i(`v128.load${bits}_lane`, offset, size, loads[i]!.lane, base, r);
  }
  return r;
}

/** A short dense load of which the lanes are repeated in order. */
function repeatedLoad(c: Context, wanted: readonly Pick[], size: number): Load | undefined {
  const { source } = wanted[0]!;
  const n = source.lanes;
  if (source.kind !== "load" || n === 1 || n >= wanted.length || c.held(source) || ![2, 4, 8].includes(n * size))
    return undefined;
  return wanted.every((p, l) => p.source === source && p.lane === l % n) ? source : undefined;
}

function mostFrequent(list: readonly Expr[]): Expr {
  const count = new Map<Expr, number>();
  for (const s of list) count.set(s, (count.get(s) ?? 0) + 1);
  let best = list[0]!;
  for (const [s, n] of count) if (n > count.get(best)!) best = s;
  return best;
}

/** Two full masks next to each other, at half their width: one instruction. */
function packedMasks(c: Context, e: Shuffle, bits: number): Ref | undefined {
  const [a, b] = e.vectors;
  if (e.vectors.length !== 2 || a!.lanes !== b!.lanes || a!.lanes * bits !== 64) return undefined;
  if (!e.picks.every((p, i) => p === i) || e.lanes !== 2 * a!.lanes) return undefined;
  if (c.maskBits(a!) !== 2 * bits || c.maskBits(b!) !== 2 * bits) return undefined;
  return narrowPair(c.w, c.mask(a!, 2 * bits), c.mask(b!, 2 * bits), 2 * bits);
}
