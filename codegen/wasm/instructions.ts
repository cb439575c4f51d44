/**
 * Instructions by their official names: the table from src/target, and how Binaryen builds each of them. Its builder calls nearly all of
 * them by these names; the rest stands here.
 */
import { WASM_INSTRUCTIONS } from "../../src/target/index.ts";
import type { Binaryen, Module, Ref } from "./binaryen.ts";
import { instruction, raw } from "./binaryen.ts";
import { CodegenError } from "./error.ts";

/** Names under which the builder has what the specification calls something else. */
const BUILDER_NAMES: readonly (readonly [official: RegExp, builder: string])[] = [
  [/\.(add|sub)_sat_/, ".$1_saturate_"],
];

/** What the builder lacks: the operation's number is a constant of the library. */
const RAW: ReadonlyMap<string, string> = new Map([
  ["f32x4.relaxed_madd", "RelaxedMaddVecF32x4"],
  ["f32x4.relaxed_nmadd", "RelaxedNmaddVecF32x4"],
  ["f64x2.relaxed_madd", "RelaxedMaddVecF64x2"],
  ["f64x2.relaxed_nmadd", "RelaxedNmaddVecF64x2"],
  ["f32x4.relaxed_min", "RelaxedMinVecF32x4"],
  ["f32x4.relaxed_max", "RelaxedMaxVecF32x4"],
  ["f64x2.relaxed_min", "RelaxedMinVecF64x2"],
  ["f64x2.relaxed_max", "RelaxedMaxVecF64x2"],
  ["i8x16.relaxed_laneselect", "RelaxedLaneselectI8x16"],
  ["i16x8.relaxed_laneselect", "RelaxedLaneselectI16x8"],
  ["i32x4.relaxed_laneselect", "RelaxedLaneselectI32x4"],
  ["i64x2.relaxed_laneselect", "RelaxedLaneselectI64x2"],
  ["i8x16.relaxed_swizzle", "RelaxedSwizzleVecI8x16"],
  ["i16x8.relaxed_q15mulr_s", "RelaxedQ15MulrSVecI16x8"],
  ["i16x8.relaxed_dot_i8x16_i7x16_s", "RelaxedDotI8x16I7x16SToVecI16x8"],
  ["i32x4.relaxed_dot_i8x16_i7x16_add_s", "RelaxedDotI8x16I7x16AddSToVecI32x4"],
  ["i32x4.relaxed_trunc_f32x4_s", "RelaxedTruncSVecF32x4ToVecI32x4"],
  ["i32x4.relaxed_trunc_f32x4_u", "RelaxedTruncUVecF32x4ToVecI32x4"],
  ["i32x4.relaxed_trunc_f64x2_s_zero", "RelaxedTruncZeroSVecF64x2ToVecI32x4"],
  ["i32x4.relaxed_trunc_f64x2_u_zero", "RelaxedTruncZeroUVecF64x2ToVecI32x4"],
]);

/**
 * One instruction over emitted operands, in their official order.
 *
 *     emitInstruction(lib, m, "i32x4.extract_lane", [2], [v]);
 *
 * Throws CodegenError (`unknown-instruction`) for a name that the table does not have.
 */
export function emitInstruction(
  lib: Binaryen,
  m: Module,
  name: string,
  immediates: readonly number[],
  args: readonly Ref[],
): Ref {
  const known = WASM_INSTRUCTIONS.get(name);
  if (known === undefined) throw new CodegenError("unknown-instruction", `there is no instruction "${name}"`);
  const op = RAW.get(name);
  if (op !== undefined) return raw(lib, m, op, args);
  if (name === "v128.const") return m.v128.const([...immediates]);
  if (name === "i64.const") return m.i64.const(BigInt(immediates[0]!));
  const path = BUILDER_NAMES.reduce((n, [official, builder]) => n.replace(official, builder), name);
  if (name === "i8x16.shuffle") return m.i8x16.shuffle(args[0]!, args[1]!, [...immediates]);
  // lane numbers stand between the vector and the value that replaces a lane
  const [first, ...rest] = args;
  const operands = first === undefined ? immediates : [first, ...immediates, ...rest];
  return instruction(m, path)(...operands);
}
