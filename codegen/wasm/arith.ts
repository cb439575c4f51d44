/**
 * Arithmetic and bit operations: the instruction per operation and dtype. What is not here, legalization has rewritten
 * (target/wasm-ops.ts is the contract).
 */
import { bitsOf, constInt, type Expr, isFloat, type Op } from "../../src/ir/index.ts";
import type { Ref } from "./binaryen.ts";
import { ALL_INTS, type Code, type Context, FLOATS, type Row, table, WIDE_INTS } from "./context.ts";
import { emitInstruction } from "./instructions.ts";
import { intShape, scalarType, shapeOf, signOf } from "./writer.ts";

// ---- scalars: narrow integers are computed in 32 bits and brought back into the dtype's range

/** An instruction of the wasm type, then normalization. */
const wrapped =
  (name: string): Code =>
  ({ w }, e, args) =>
    w.normalized(e.dtype, w.i(`${scalarType(e.dtype)}.${name.replace("%", signOf(e.dtype))}`, ...args));

const negate: Code = ({ w }, e, [a]) => {
  const t = scalarType(e.dtype);
  return w.normalized(e.dtype, w.i(`${t}.sub`, w.int(t, 0), a!));
};
const complement: Code = ({ w }, e, [a]) => {
  const t = scalarType(e.dtype);
  return w.normalized(e.dtype, w.i(`${t}.xor`, a!, w.int(t, -1)));
};
/** wasm takes the count modulo 32 or 64; narrow dtypes need a mask unless the count is known to be below the width. */
const shift =
  (name: string): Code =>
  (c, e, [a, b]) => {
    const bits = bitsOf(e.dtype);
    const known = constInt(e.args[1]!);
    const safe = bits >= 32 || (known !== undefined && known >= 0 && known < bits);
    return wrapped(name)(c, e, [a!, safe ? b! : c.w.m.i32.and(b!, c.w.i32(bits - 1))]);
  };

const SCALAR_ROWS: readonly Row[] = [
  ...(["add", "sub", "mul"] as const).flatMap((op): Row[] => [
    [op, ALL_INTS, wrapped(op)],
    [op, FLOATS, op],
  ]),
  ["div", FLOATS, "div"],
  ["truncdiv", WIDE_INTS, "div_%"],
  ["truncrem", WIDE_INTS, "rem_%"],
  ["neg", ALL_INTS, negate],
  ["neg", FLOATS, "neg"],
  ["abs", FLOATS, "abs"],
  ["min", FLOATS, "min"],
  ["max", FLOATS, "max"],
  ...(["and", "or", "xor"] as const).map((op): Row => [op, `${ALL_INTS} bool`, op]),
  ["not", "bool", "eqz"],
  ["not", ALL_INTS, complement],
  ["shl", ALL_INTS, shift("shl")],
  ["shr", ALL_INTS, shift("shr_%")],
  ...(["sqrt", "floor", "ceil", "trunc"] as const).map((op): Row => [op, FLOATS, op]),
  ["round", FLOATS, "nearest"],
];
export const SCALAR_ARITH = table(SCALAR_ROWS);

// ---- vectors

/** Shifts take one count for all lanes, an i32. */
const vectorShift =
  (name: string) =>
  (c: Context, e: Op): Ref | undefined => {
    const count = e.args[1]!;
    if (count.kind !== "broadcast") return undefined;
    const { w } = c;
    const a = c.value(e.args[0]!);
    const known = constInt(count);
    let n: Ref;
    if (known !== undefined) n = w.i32(known & (bitsOf(e.dtype) - 1));
    else {
      const v = c.value(count.value);
      n = scalarType(e.dtype) === "i64" ? w.m.i32.wrap(v) : v;
    }
    return w.i(`${shapeOf(e.dtype)}.${name.replace("%", signOf(e.dtype))}`, a, n);
  };

/**
 * min and max against a constant: pmin and pmax are one instruction where min and max are several, and keep a NaN that is
 * their first operand. Of two zeros they return the first, so the sign of a zero is set right afterwards.
 */
const bounded = (c: Context, e: Op): Ref | undefined => {
  if (!isFloat(e.dtype)) return undefined;
  const isConstant = (x: Expr): boolean => x.kind === "broadcast" && x.value.kind === "const";
  const [x, bound] = isConstant(e.args[0]!) ? [e.args[1]!, e.args[0]!] : [e.args[0]!, e.args[1]!];
  if (bound.kind !== "broadcast" || bound.value.kind !== "const") return undefined;
  const v = Number(bound.value.value);
  if (Number.isNaN(v)) return undefined;
  const { w } = c;
  const shape = shapeOf(e.dtype);
  const r = w.i(`${shape}.p${e.op}`, c.value(x), w.splat(e.dtype, v));
  if (e.op === "max" && Object.is(v, 0)) return w.i(`${shape}.add`, r, w.splat(e.dtype, 0));
  if (e.op === "min" && Object.is(v, -0)) return w.m.v128.or(r, w.splat(e.dtype, -0));
  return r;
};

/** Where in the upper half of its register an operand lies, if it is a slice of one: extmul_high reads it there. */
function upperHalf(e: Expr): Expr | undefined {
  if (e.kind !== "shuffle" || e.vectors.length !== 1) return undefined;
  const half = 64 / bitsOf(e.dtype);
  const whole = e.vectors[0]!;
  return whole.lanes === 2 * half && e.picks.every((p, i) => p === half + i) ? whole : undefined;
}
const extendedProduct = (c: Context, e: Op): Ref => {
  const d = e.args[0]!.dtype;
  const name = (half: string): string =>
    `${intShape(bitsOf(e.dtype))}.extmul_${half}_${intShape(bitsOf(d))}_${signOf(d)}`;
  const [a, b] = [upperHalf(e.args[0]!), upperHalf(e.args[1]!)];
  if (a && b) return c.w.i(name("high"), c.value(a), c.value(b));
  return c.w.i(name("low"), c.value(e.args[0]!), c.value(e.args[1]!));
};

/** Operations that look at their operands' form before they emit them; undefined: not of the form. */
export const VECTOR_PATTERNS: ReadonlyMap<string, (c: Context, e: Op) => Ref | undefined> = new Map([
  ["shl", vectorShift("shl")],
  ["shr", vectorShift("shr_%")],
  ["min", bounded],
  ["max", bounded],
  ["widenMul", extendedProduct],
]);

const UP_TO_16 = "i8 i16 u8 u16";
const UP_TO_32 = `${UP_TO_16} i32 u32`;
const VECTOR_ROWS: readonly Row[] = [
  ["add", `${ALL_INTS} ${FLOATS}`, "add"],
  ["sub", `${ALL_INTS} ${FLOATS}`, "sub"],
  ["mul", `i16 u16 ${WIDE_INTS} ${FLOATS}`, "mul"],
  ["div", FLOATS, "div"],
  ["neg", `${ALL_INTS} ${FLOATS}`, "neg"],
  ["abs", `i8 i16 i32 i64 ${FLOATS}`, "abs"],
  ["min", UP_TO_32, "min_%"],
  ["max", UP_TO_32, "max_%"],
  ["min", FLOATS, "min"],
  ["max", FLOATS, "max"],
  ["pmin", FLOATS, "pmin"],
  ["pmax", FLOATS, "pmax"],
  ...(["and", "or", "xor", "not"] as const).map(
    (op): Row => [op, ALL_INTS, ({ w }, _e, args) => w.i(`v128.${op}`, ...args)],
  ),
  ["addSat", UP_TO_16, "add_saturate_%"],
  ["subSat", UP_TO_16, "sub_saturate_%"],
  ["roundingHalvingAdd", "u8 u16", "avgr_u"],
  ["roundingMulQ", "i16", "q15mulr_sat_s"],
  ...(["sqrt", "floor", "ceil", "trunc"] as const).map((op): Row => [op, FLOATS, op]),
  ["round", FLOATS, "nearest"],
];
export const VECTOR_ARITH = table(VECTOR_ROWS);

const fused: Code = ({ w }, e, args) => emitInstruction(w.lib, w.m, `${shapeOf(e.dtype)}.relaxed_madd`, [], args);
/** Rows that need relaxed SIMD. */
export const VECTOR_RELAXED = table([["fma", FLOATS, fused]]);
