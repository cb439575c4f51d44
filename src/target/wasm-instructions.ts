/**
 * The SIMD instructions of WebAssembly that work on values (memory is reached by loads and stores of the IR), by their official
 * names: what each takes and gives.
 */

export type WasmValue = "i32" | "i64" | "f32" | "f64" | "v128";
/** What stands in the instruction itself: so many numbers, each below the limit (constants of a type have none). */
export interface WasmImmediates {
  readonly count: number;
  readonly limit?: number;
}
export interface WasmInstruction {
  readonly takes: readonly WasmValue[];
  readonly gives: WasmValue;
  readonly immediates?: WasmImmediates;
  /** Exists with relaxed SIMD only. */
  readonly relaxed?: true;
}

const V = "v128";
const all = (shapes: readonly string[], ops: string, x: WasmInstruction): [string, WasmInstruction][] =>
  shapes.flatMap((s) => ops.split(" ").map((o): [string, WasmInstruction] => [`${s}.${o}`, x]));

const unary: WasmInstruction = { takes: [V], gives: V };
const binary: WasmInstruction = { takes: [V, V], gives: V };
const ternary: WasmInstruction = { takes: [V, V, V], gives: V };
const test: WasmInstruction = { takes: [V], gives: "i32" };
const shift: WasmInstruction = { takes: [V, "i32"], gives: V };
const relaxed = (x: WasmInstruction): WasmInstruction => ({ ...x, relaxed: true });
const lanes = (
  shape: string,
  scalar: WasmValue,
  count: number,
  extract: string,
): readonly [string, WasmInstruction][] => {
  const immediates = { count: 1, limit: count };
  return [
    [`${shape}.splat`, { takes: [scalar], gives: V }],
    ...all([shape], extract, { takes: [V], gives: scalar, immediates }),
    [`${shape}.replace_lane`, { takes: [V, scalar], gives: V, immediates }],
  ];
};

const INTS = ["i8x16", "i16x8", "i32x4", "i64x2"];
const UP_TO_32 = INTS.slice(0, 3);
const UP_TO_16 = INTS.slice(0, 2);
const FLOATS = ["f32x4", "f64x2"];
const both = (name: string): string => `${name}_s ${name}_u`;
const halves = (name: string, of: string): string => `${both(`${name}_low_${of}`)} ${both(`${name}_high_${of}`)}`;
/** Operations from a shape to the one of twice the width. */
const widening = (narrow: string, wide: string): readonly [string, WasmInstruction][] => [
  ...all([wide], halves("extend", narrow), unary),
  ...all([wide], halves("extmul", narrow), binary),
];

export const WASM_INSTRUCTIONS: ReadonlyMap<string, WasmInstruction> = new Map<string, WasmInstruction>([
  ["v128.const", { takes: [], gives: V, immediates: { count: 16, limit: 256 } }],
  ...(["i32", "i64", "f32", "f64"] as const).map((t): [string, WasmInstruction] => [
    `${t}.const`,
    { takes: [], gives: t, immediates: { count: 1 } },
  ]),
  // lanes
  ...lanes("i8x16", "i32", 16, both("extract_lane")),
  ...lanes("i16x8", "i32", 8, both("extract_lane")),
  ...lanes("i32x4", "i32", 4, "extract_lane"),
  ...lanes("i64x2", "i64", 2, "extract_lane"),
  ...lanes("f32x4", "f32", 4, "extract_lane"),
  ...lanes("f64x2", "f64", 2, "extract_lane"),
  ["i8x16.shuffle", { ...binary, immediates: { count: 16, limit: 32 } }],
  ["i8x16.swizzle", binary],
  // bits
  ...all(["v128"], "and andnot or xor", binary),
  ["v128.not", unary],
  ["v128.bitselect", ternary],
  ["v128.any_true", test],
  ...all(INTS, "all_true bitmask", test),
  ...all(INTS, "shl shr_s shr_u", shift),
  ["i8x16.popcnt", unary],
  // comparison
  ...all(INTS, "eq ne", binary),
  ...all(UP_TO_32, ["lt", "gt", "le", "ge"].map(both).join(" "), binary),
  ...all(["i64x2"], "lt_s gt_s le_s ge_s", binary),
  ...all(FLOATS, "eq ne lt gt le ge", binary),
  // integers
  ...all(INTS, "add sub", binary),
  ...all(INTS, "abs neg", unary),
  ...all(INTS.slice(1), "mul", binary),
  ...all(UP_TO_32, `${both("min")} ${both("max")}`, binary),
  ...all(UP_TO_16, `${both("add_sat")} ${both("sub_sat")} avgr_u`, binary),
  ["i16x8.q15mulr_sat_s", binary],
  ["i32x4.dot_i16x8_s", binary],
  ...all(["i16x8"], both("extadd_pairwise_i8x16"), unary),
  ...all(["i32x4"], both("extadd_pairwise_i16x8"), unary),
  ...widening("i8x16", "i16x8"),
  ...widening("i16x8", "i32x4"),
  ...widening("i32x4", "i64x2"),
  ...all(["i8x16"], both("narrow_i16x8"), binary),
  ...all(["i16x8"], both("narrow_i32x4"), binary),
  // floats
  ...all(FLOATS, "add sub mul div min max pmin pmax", binary),
  ...all(FLOATS, "abs neg sqrt ceil floor trunc nearest", unary),
  ...all(["i32x4"], `${both("trunc_sat_f32x4")} trunc_sat_f64x2_s_zero trunc_sat_f64x2_u_zero`, unary),
  ...all(["f32x4"], `${both("convert_i32x4")} demote_f64x2_zero`, unary),
  ...all(["f64x2"], `${both("convert_low_i32x4")} promote_low_f32x4`, unary),
  // relaxed
  ...all(FLOATS, "relaxed_madd relaxed_nmadd", relaxed(ternary)),
  ...all(FLOATS, "relaxed_min relaxed_max", relaxed(binary)),
  ...all(INTS, "relaxed_laneselect", relaxed(ternary)),
  ["i8x16.relaxed_swizzle", relaxed(binary)],
  ["i16x8.relaxed_q15mulr_s", relaxed(binary)],
  ["i16x8.relaxed_dot_i8x16_i7x16_s", relaxed(binary)],
  ["i32x4.relaxed_dot_i8x16_i7x16_add_s", relaxed(ternary)],
  ...all(["i32x4"], both("relaxed_trunc_f32x4"), relaxed(unary)),
  ...all(["i32x4"], "relaxed_trunc_f64x2_s_zero relaxed_trunc_f64x2_u_zero", relaxed(unary)),
]);
