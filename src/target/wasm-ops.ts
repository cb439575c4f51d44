/**
 * The contract between legalization and the wasm code generator: the operations that may remain in lowered IR, as data.
 *
 * Legalization (lower/legalize) rewrites every operation that is not listed here. Code generation emits every one that is,
 * by one instruction or a short fixed sequence. Structural nodes (const, var, load, ramp, broadcast, shuffle) are the code
 * generator's own. How to read the table, and what else the code generator can rely on:
 *
 * - An entry names the dtype of the operands (of `select` and `where`: of the values). Conversions list [from, to] pairs.
 * - Scalars: i8 i16 u8 u16 and bool live in an i32, sign- or zero-extended; the code generator renormalizes after add, sub,
 *   mul, neg, not, shl and narrowing casts. Counts of shifts are taken modulo the width (mask them for 8 and 16 bits).
 * - `truncdiv` and `truncrem` remain for 32- and 64-bit scalars only, and operands never trap: the divisor is never 0, and
 *   never -1 under the smallest dividend of a signed truncdiv. They map to div_s, div_u, rem_s, rem_u as they are.
 * - Vector `shl` and `shr`: the count is a broadcast (or a vector constant, which is one), so a scalar count will do.
 * - Vector masks (bool): `and or xor not select` work on masks; comparisons of bools are rewritten.
 * - Vector casts between integers of any widths remain: widening by (repeated) extend_low of the source's signedness,
 *   narrowing by dropping high bytes (wrap). Same width: nothing to emit.
 * - Vector `widenMul` is extmul_low: lanes fit the wide dtype, so the operands are the low halves of their registers.
 * - Vector `satcast` is narrow_*: the source is signed and twice the width.
 * - `cast` of bool to numbers remains (vectors: the mask in the width of the result, and a splat of 1), casts to bool never do.
 * - The only f16 left is a scalar parameter, under a `bitcast` to u16: its bits, as the parameter has them (masked to 16 bits).
 * - Vector `where` remains only with one condition for all lanes (a broadcast): a branch.
 * - `fma` is relaxed_madd, for vectors and only where the target has relaxed SIMD.
 */
import type { DType, OpName } from "../ir/index.ts";

export interface WasmOp {
  /** Operand dtypes of the scalar form. */
  readonly scalar: readonly DType[];
  /** Operand dtypes of the vector form. */
  readonly vector: readonly DType[];
  /** The vector form exists with relaxed SIMD only. */
  readonly relaxed?: true;
}
export type WasmConversion = readonly [from: DType, to: DType];
export interface WasmConversions {
  readonly scalar: readonly WasmConversion[];
  readonly vector: readonly WasmConversion[];
}

const NONE: readonly DType[] = [];
const FLOATS: readonly DType[] = ["f32", "f64"];
const SIGNED: readonly DType[] = ["i8", "i16", "i32", "i64"];
const UNSIGNED: readonly DType[] = ["u8", "u16", "u32", "u64"];
const INTS: readonly DType[] = [...SIGNED, ...UNSIGNED];
const UP_TO_16: readonly DType[] = ["i8", "i16", "u8", "u16"];
const UP_TO_32: readonly DType[] = ["i8", "i16", "i32", "u8", "u16", "u32"];
const FROM_32: readonly DType[] = ["i32", "i64", "u32", "u64"];
const NUMERIC: readonly DType[] = [...INTS, ...FLOATS];
const ALL: readonly DType[] = [...NUMERIC, "bool"];

const ordered: WasmOp = { scalar: NUMERIC, vector: [...UP_TO_32, "i64", ...FLOATS] };
const floatOnly: WasmOp = { scalar: FLOATS, vector: FLOATS };

/** Every operation that is not a conversion. An op that is absent never remains. */
export const WASM_OPS: { readonly [O in OpName]?: WasmOp } = {
  add: { scalar: NUMERIC, vector: NUMERIC },
  sub: { scalar: NUMERIC, vector: NUMERIC },
  mul: { scalar: NUMERIC, vector: ["i16", "u16", ...FROM_32, ...FLOATS] },
  div: floatOnly,
  truncdiv: { scalar: FROM_32, vector: NONE },
  truncrem: { scalar: FROM_32, vector: NONE },
  fma: { scalar: NONE, vector: FLOATS, relaxed: true },
  neg: { scalar: NUMERIC, vector: NUMERIC },
  abs: { scalar: FLOATS, vector: [...SIGNED, ...FLOATS] },
  min: { scalar: FLOATS, vector: [...UP_TO_32, ...FLOATS] },
  max: { scalar: FLOATS, vector: [...UP_TO_32, ...FLOATS] },
  pmin: { scalar: NONE, vector: FLOATS },
  pmax: { scalar: NONE, vector: FLOATS },
  eq: { scalar: NUMERIC, vector: NUMERIC },
  ne: { scalar: NUMERIC, vector: NUMERIC },
  lt: ordered,
  le: ordered,
  gt: ordered,
  ge: ordered,
  and: { scalar: [...INTS, "bool"], vector: [...INTS, "bool"] },
  or: { scalar: [...INTS, "bool"], vector: [...INTS, "bool"] },
  xor: { scalar: [...INTS, "bool"], vector: [...INTS, "bool"] },
  not: { scalar: [...INTS, "bool"], vector: [...INTS, "bool"] },
  shl: { scalar: INTS, vector: INTS },
  shr: { scalar: INTS, vector: INTS },
  select: { scalar: ALL, vector: ALL },
  where: { scalar: ALL, vector: NONE },
  addSat: { scalar: NONE, vector: UP_TO_16 },
  subSat: { scalar: NONE, vector: UP_TO_16 },
  widenMul: { scalar: NONE, vector: UP_TO_32 },
  roundingHalvingAdd: { scalar: NONE, vector: ["u8", "u16"] },
  roundingMulQ: { scalar: NONE, vector: ["i16"] },
  sqrt: floatOnly,
  floor: floatOnly,
  ceil: floatOnly,
  trunc: floatOnly,
  round: floatOnly,
};

const pairs = (from: readonly DType[], to: readonly DType[]): WasmConversion[] =>
  from.flatMap((f) => to.filter((t) => t !== f).map((t): WasmConversion => [f, t]));
const sameWidth: readonly WasmConversion[] = [
  ...pairs(["i8", "u8"], ["i8", "u8"]),
  ...pairs(["i16", "u16"], ["i16", "u16"]),
  ...pairs(["i32", "u32", "f32"], ["i32", "u32", "f32"]),
  ...pairs(["i64", "u64", "f64"], ["i64", "u64", "f64"]),
];

export const WASM_CONVERSIONS: {
  readonly cast: WasmConversions;
  readonly satcast: WasmConversions;
  readonly bitcast: WasmConversions;
} = {
  cast: {
    scalar: [
      ...pairs(INTS, INTS),
      ...pairs(INTS, FLOATS),
      // trunc_sat
      ...pairs(FLOATS, FROM_32),
      ...pairs(FLOATS, FLOATS),
      ...pairs(["bool"], NUMERIC),
    ],
    vector: [
      ...pairs(INTS, INTS),
      // convert, convert_low
      ...pairs(["i32", "u32"], FLOATS),
      // trunc_sat, trunc_sat_zero
      ...pairs(FLOATS, ["i32", "u32"]),
      // promote_low, demote_zero
      ...pairs(FLOATS, FLOATS),
      ...pairs(["bool"], NUMERIC),
    ],
  },
  satcast: {
    scalar: [],
    vector: [
      ["i16", "i8"],
      ["i16", "u8"],
      ["i32", "i16"],
      ["i32", "u16"],
    ],
  },
  bitcast: { scalar: [...sameWidth, ["f16", "u16"]], vector: sameWidth },
};

/** Whether the code generator emits `op` on operands of `from` (the value dtype for select and where) giving `to`. */
export function wasmHas(op: OpName, from: DType, to: DType, vector: boolean, relaxed: boolean): boolean {
  if (op === "cast" || op === "satcast" || op === "bitcast") {
    const list = vector ? WASM_CONVERSIONS[op].vector : WASM_CONVERSIONS[op].scalar;
    return list.some(([f, t]) => f === from && t === to);
  }
  const row = WASM_OPS[op];
  if (row === undefined || (row.relaxed && !relaxed)) return false;
  return (vector ? row.vector : row.scalar).includes(from);
}
