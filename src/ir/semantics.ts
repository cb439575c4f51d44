/**
 * What every scalar operation computes, for every dtype: the one table that constant folding, evaluate and interpret read,
 * and that compiled code is tested against.
 *
 * Values: number, bigint for i64 and u64, bool 0 or 1; f32 and f16 values are already rounded. Integers wrap; x / 0 = 0;
 * floats round once per operation. NaN payloads are not kept.
 */
import { bitsOf, type DType, isBig, isFloat, isSigned, maxInt, minInt, type Scalar } from "./dtype.ts";
import { IrError, normalize, roundToF16 } from "./expr.ts";
import { fromBits16, toBits16 } from "./float16.ts";
import { addRoundedToOdd, erf, fma64, roundToEven, sigmoid } from "./math.ts";
import { type OpName, opInfo } from "./ops.ts";

export type ScalarFn = (a: Scalar, b: Scalar, c: Scalar) => Scalar;
type NumFn = (a: number, b: number, c: number) => number;
type BigFn = (a: bigint, b: bigint, c: bigint) => bigint;
// Callers keep the promise that a dtype's values have its representation; the table below need not check each one.
const num = (f: NumFn): ScalarFn => f as unknown as ScalarFn;
const big = (f: BigFn): ScalarFn => f as unknown as ScalarFn;

type Round = (x: number) => number;
const rounding = (d: DType): Round => (d === "f32" ? Math.fround : d === "f16" ? roundToF16 : (x) => x);

/** Brings a whole number of magnitude below 2^53 into a dtype of at most 32 bits. */
const wrapping = (d: DType): Round => {
  switch (d) {
    case "i32":
      return (x) => x | 0;
    case "u32":
      return (x) => x >>> 0;
    case "i16":
      return (x) => (x << 16) >> 16;
    case "u16":
      return (x) => x & 0xffff;
    case "i8":
      return (x) => (x << 24) >> 24;
    case "u8":
      return (x) => x & 0xff;
    default:
      return (x) => (x ? 1 : 0);
  }
};
const wrapping64 = (d: DType): ((x: bigint) => bigint) =>
  d === "i64" ? (x) => BigInt.asIntN(64, x) : (x) => BigInt.asUintN(64, x);
const clamping = (d: DType): Round => {
  const [lo, hi] = [Number(minInt(d)), Number(maxInt(d))];
  return (x) => Math.min(Math.max(x, lo), hi);
};
const minBig = (a: bigint, b: bigint): bigint => (b < a ? b : a);
const maxBig = (a: bigint, b: bigint): bigint => (a < b ? b : a);
const clamping64 = (d: DType): ((x: bigint) => bigint) => {
  const [lo, hi] = [minInt(d), maxInt(d)];
  return (x) => minBig(maxBig(x, lo), hi);
};

function floatOp(op: OpName, d: DType): ScalarFn | undefined {
  const r = rounding(d);
  const exact = d === "f64";
  switch (op) {
    case "add":
      return num(exact ? (a, b) => a + b : d === "f32" ? (a, b) => Math.fround(a + b) : (a, b) => r(a + b));
    case "sub":
      return num(exact ? (a, b) => a - b : d === "f32" ? (a, b) => Math.fround(a - b) : (a, b) => r(a - b));
    case "mul":
      return num(exact ? (a, b) => a * b : d === "f32" ? (a, b) => Math.fround(a * b) : (a, b) => r(a * b));
    case "div":
      return num((a, b) => r(a / b));
    case "fma":
      // the product of two f32 or f16 is exact in f64
      return num(exact ? fma64 : (a, b, c) => r(addRoundedToOdd(a * b, c)));
    case "neg":
      return num((a) => -a);
    case "abs":
      return num(Math.abs);
    case "min":
      return num((a, b) => Math.min(a, b));
    case "max":
      return num((a, b) => Math.max(a, b));
    case "pmin":
      return num((a, b) => (b < a ? b : a));
    case "pmax":
      return num((a, b) => (a < b ? b : a));
    case "sqrt":
      return num((a) => r(Math.sqrt(a)));
    case "floor":
      return num(Math.floor);
    case "ceil":
      return num(Math.ceil);
    case "trunc":
      return num(Math.trunc);
    case "round":
      return num(roundToEven);
    case "rsqrt":
      return num((a) => r(1 / Math.sqrt(a)));
    case "exp":
      return num((a) => r(Math.exp(a)));
    case "log":
      return num((a) => r(Math.log(a)));
    case "tanh":
      return num((a) => r(Math.tanh(a)));
    case "sigmoid":
      return num((a) => r(sigmoid(a)));
    case "erf":
      return num((a) => r(erf(a)));
    case "sin":
      return num((a) => r(Math.sin(a)));
    case "cos":
      return num((a) => r(Math.cos(a)));
    case "pow":
      // as in C, where JavaScript says NaN: 1 to any power, and -1 to an infinite one, is 1
      return num((a, b) => (a === 1 || (a === -1 && Math.abs(b) === Infinity) ? 1 : r(a ** b)));
    default:
      return undefined;
  }
}

/** Integers of at most 32 bits, and bool. `d` is the operands' dtype, `out` the result's (they differ in widening operations). */
function intOp(op: OpName, d: DType, out: DType): ScalarFn | undefined {
  const w = wrapping(d);
  const sat = clamping(d);
  const mask = bitsOf(d) - 1;
  switch (op) {
    case "add":
      return num(d === "i32" ? (a, b) => (a + b) | 0 : (a, b) => w(a + b));
    case "sub":
      return num(d === "i32" ? (a, b) => (a - b) | 0 : (a, b) => w(a - b));
    case "mul":
      return num(d === "i32" ? Math.imul : (a, b) => w(Math.imul(a, b)));
    case "floordiv":
      return num((a, b) => (b === 0 ? 0 : w(Math.floor(a / b))));
    case "floormod":
      return num((a, b) => (b === 0 ? 0 : w(a - b * Math.floor(a / b))));
    case "truncdiv":
      return num((a, b) => (b === 0 ? 0 : w(Math.trunc(a / b))));
    case "truncrem":
      return num((a, b) => (b === 0 ? 0 : w(a % b)));
    case "neg":
      return num((a) => w(-a));
    case "abs":
      return num((a) => w(Math.abs(a)));
    case "min":
      return num((a, b) => Math.min(a, b));
    case "max":
      return num((a, b) => Math.max(a, b));
    case "and":
      return num((a, b) => w(a & b));
    case "or":
      return num((a, b) => w(a | b));
    case "xor":
      return num((a, b) => w(a ^ b));
    case "not":
      return num(d === "bool" ? (a) => (a ? 0 : 1) : (a) => w(~a));
    case "shl":
      return num((a, b) => w(a << (b & mask)));
    case "shr":
      return num(isSigned(d) ? (a, b) => a >> (b & mask) : (a, b) => a >>> (b & mask));
    case "addSat":
      return num((a, b) => sat(a + b));
    case "subSat":
      return num((a, b) => sat(a - b));
    case "mulSat":
      // where the product is not exact it is far outside; -0 is made 0
      return num((a, b) => sat(a * b) + 0);
    case "widenAdd":
    case "widenSub":
    case "widenMul": {
      if (isBig(out)) {
        const w64 = wrapping64(out);
        const f = op === "widenAdd" ? addBig : op === "widenSub" ? subBig : mulBig;
        return (a, b) => w64(f(BigInt(a), BigInt(b)));
      }
      const wide = wrapping(out);
      if (op === "widenAdd") return num((a, b) => wide(a + b));
      return num(op === "widenSub" ? (a, b) => wide(a - b) : (a, b) => wide(a * b));
    }
    case "halvingAdd":
      return num((a, b) => Math.floor((a + b) / 2));
    case "roundingHalvingAdd":
      return num((a, b) => Math.floor((a + b + 1) / 2));
    case "roundingShr":
      return num((a, b) => Math.floor(a / 2 ** (b & mask) + 0.5));
    case "roundingMulQ": {
      const [half, one] = [2 ** (bitsOf(d) - 2), 2 ** (bitsOf(d) - 1)];
      if (bitsOf(d) < 32) return num((a, b) => sat(Math.floor((a * b + half) / one)));
      return (a, b) => sat(Number((BigInt(a) * BigInt(b) + BigInt(half)) >> 31n));
    }
    default:
      return undefined;
  }
}

const addBig = (a: bigint, b: bigint): bigint => a + b;
const subBig = (a: bigint, b: bigint): bigint => a - b;
const mulBig = (a: bigint, b: bigint): bigint => a * b;
/** Quotient rounded towards minus infinity. */
function floorQuotient(a: bigint, b: bigint): bigint {
  const q = a / b;
  return a % b !== 0n && a < 0n !== b < 0n ? q - 1n : q;
}

function bigOp(op: OpName, d: DType): ScalarFn | undefined {
  const w = wrapping64(d);
  const sat = clamping64(d);
  switch (op) {
    case "add":
      return big((a, b) => w(a + b));
    case "sub":
      return big((a, b) => w(a - b));
    case "mul":
      return big((a, b) => w(a * b));
    case "floordiv":
      return big((a, b) => (b === 0n ? 0n : w(floorQuotient(a, b))));
    case "floormod":
      return big((a, b) => (b === 0n ? 0n : a - b * floorQuotient(a, b)));
    case "truncdiv":
      return big((a, b) => (b === 0n ? 0n : w(a / b)));
    case "truncrem":
      return big((a, b) => (b === 0n ? 0n : a % b));
    case "neg":
      return big((a) => w(-a));
    case "abs":
      return big((a) => w(a < 0n ? -a : a));
    case "min":
      return big(minBig);
    case "max":
      return big(maxBig);
    case "and":
      return big((a, b) => a & b);
    case "or":
      return big((a, b) => a | b);
    case "xor":
      return big((a, b) => a ^ b);
    case "not":
      return big((a) => w(~a));
    case "shl":
      return big((a, b) => w(a << (b & 63n)));
    case "shr":
      return big((a, b) => a >> (b & 63n));
    case "addSat":
      return big((a, b) => sat(a + b));
    case "subSat":
      return big((a, b) => sat(a - b));
    case "mulSat":
      return big((a, b) => sat(a * b));
    case "halvingAdd":
      return big((a, b) => (a + b) >> 1n);
    case "roundingHalvingAdd":
      return big((a, b) => (a + b + 1n) >> 1n);
    case "roundingShr":
      return big((a, b) => {
        const n = b & 63n;
        return n === 0n ? a : (a + (1n << (n - 1n))) >> n;
      });
    case "roundingMulQ":
      return big((a, b) => sat((a * b + (1n << 62n)) >> 63n));
    default:
      return undefined;
  }
}

function comparison(op: OpName): ScalarFn | undefined {
  switch (op) {
    case "eq":
      return (a, b) => (a === b ? 1 : 0);
    case "ne":
      return (a, b) => (a !== b ? 1 : 0);
    case "lt":
      return (a, b) => (a < b ? 1 : 0);
    case "le":
      return (a, b) => (a <= b ? 1 : 0);
    case "gt":
      return (a, b) => (a > b ? 1 : 0);
    case "ge":
      return (a, b) => (a >= b ? 1 : 0);
    default:
      return undefined;
  }
}

/** A whole number as a narrower float, rounded once: by way of f64 a 64-bit one would be rounded twice. */
function bigToFloat(v: bigint, r: Round): number {
  if (v >= -(2n ** 53n) && v <= 2n ** 53n) return r(Number(v));
  // 53 bits of it, rounded to odd
  const high = v >> 11n;
  return r(Number((v & 0x7ffn) === 0n ? high : high | 1n) * 2048);
}

function castOp(to: DType, from: DType): ScalarFn {
  if (to === from) return (a) => a;
  if (to === "bool") return (a) => (Number(a) === 0 ? 0 : 1);
  if (isFloat(to)) {
    const r = rounding(to);
    if (isBig(from) && to !== "f64") return (a) => bigToFloat(a as bigint, r);
    return (a) => r(Number(a));
  }
  if (isFloat(from)) return satcastOp(to, from);
  return (a) => normalize(to, a);
}

function satcastOp(to: DType, from: DType): ScalarFn {
  if (isFloat(to) || to === "bool") return castOp(to, from);
  if (isBig(to)) {
    const sat = clamping64(to);
    if (!isFloat(from)) return (a) => sat(BigInt(a));
    const [lo, hi] = [minInt(to), maxInt(to)];
    return (a) => {
      const x = a as number;
      if (Number.isNaN(x)) return 0n;
      return x === Infinity ? hi : x === -Infinity ? lo : sat(BigInt(Math.trunc(x)));
    };
  }
  const sat = clamping(to);
  if (isBig(from)) return (a) => sat(Number(a));
  // adding 0 turns -0 into 0
  return num((a) => (Number.isNaN(a) ? 0 : sat(Math.trunc(a)) + 0));
}

const view = new DataView(new ArrayBuffer(8));
function write(d: DType, v: Scalar): void {
  if (d === "f64") view.setFloat64(0, v as number, true);
  else if (d === "f32") view.setFloat32(0, v as number, true);
  else if (d === "f16") view.setUint16(0, toBits16(v as number), true);
  else view.setBigUint64(0, BigInt.asUintN(64, BigInt(v)), true);
}
function bitcastOp(to: DType, from: DType): ScalarFn {
  if (!isFloat(to) && !isFloat(from)) return (a) => normalize(to, a);
  return (a) => {
    write(from, a);
    if (to === "f64") return view.getFloat64(0, true);
    if (to === "f32") return view.getFloat32(0, true);
    if (to === "f16") return fromBits16(view.getUint16(0, true));
    return normalize(to, bitsOf(to) === 64 ? view.getBigUint64(0, true) : view.getUint32(0, true));
  };
}

function make(op: OpName, dtype: DType, argTypes: readonly DType[]): ScalarFn {
  const from = argTypes[0]!;
  switch (op) {
    case "select":
    case "where":
      return (c, a, b) => (c ? a : b);
    case "cast":
      return castOp(dtype, from);
    case "satcast":
      return satcastOp(dtype, from);
    case "bitcast":
      return bitcastOp(dtype, from);
    default: {
      const f =
        comparison(op) ?? (isFloat(from) ? floatOp(op, from) : isBig(from) ? bigOp(op, from) : intOp(op, from, dtype));
      if (f === undefined) throw new IrError(`${op} is not defined on ${argTypes.join(", ")}`);
      return f;
    }
  }
}

const made = new Map<string, ScalarFn>();
/**
 * The operation as a function of up to three operands (pass 0 for those it does not have).
 *
 *     const wrap = compileOp("add", "i8", ["i8", "i8"]);
 *     wrap(127, 1, 0); // -128
 */
export function compileOp(op: OpName, dtype: DType, argTypes: readonly DType[]): ScalarFn {
  const key = `${op}:${dtype}:${argTypes.join()}`;
  let f = made.get(key);
  if (f === undefined) {
    f = make(op, dtype, argTypes);
    made.set(key, f);
  }
  return f;
}

/**
 * One operation on values. `dtype` is the result's.
 *
 *     applyOp("floordiv", "i32", ["i32", "i32"], [-7, 2]); // -4
 */
export function applyOp(op: OpName, dtype: DType, argTypes: readonly DType[], values: readonly Scalar[]): Scalar {
  return compileOp(op, dtype, argTypes)(values[0]!, values[1] ?? 0, values[2] ?? 0);
}

/**
 * Whether an operation on constants may be replaced by its value: not where compiled code approximates (the folded value
 * would differ from the computed one), nor where bits are read as a float (a NaN's payload would be lost) or back.
 */
export function foldable(op: OpName, dtype?: DType, argTypes?: readonly DType[]): boolean {
  if (op === "bitcast") return dtype !== undefined && !isFloat(dtype) && !!argTypes && !argTypes.some(isFloat);
  return opInfo(op).approximate !== true;
}
