/**
 * How far a compiled result may lie from the evaluated one. An error e of a value v says: the compiled value lies in
 * [v - e, v + e]; 0: it is the same value; Infinity: nothing can be said (a decision may fall the other way, a sum may
 * overflow). Only reductions and approximated functions bring errors in; every other operation on exact operands is exact.
 */
import {
  compileOp,
  type DType,
  isBig,
  isFloat,
  maxInt,
  minInt,
  type OpName,
  opInfo,
  type Scalar,
} from "../ir/index.ts";

/** Distance from 1 to the next value: twice the relative error of one rounding. */
export const EPSILON: { readonly [D in DType]?: number } = { f64: 2 ** -52, f32: 2 ** -23, f16: 2 ** -10 };
const SUBNORMAL: { readonly [D in DType]?: number } = { f64: 2 ** -1074, f32: 2 ** -149, f16: 2 ** -24 };
const NORMAL: { readonly [D in DType]?: number } = { f64: 2 ** -1022, f32: 2 ** -126, f16: 2 ** -14 };
const LARGEST: { readonly [D in DType]?: number } = {
  f64: Number.MAX_VALUE,
  f32: (2 - 2 ** -23) * 2 ** 127,
  f16: 65504,
};
/** Units in the last place that approximated functions may be off. */
const ULPS = 8;

export type ErrorFn = (values: readonly Scalar[], errors: readonly number[], result: Scalar) => number;

/** The errors of operands, carried over to the result (rounding of the result apart). All operands' errors are finite. */
function propagate(op: OpName, d: DType, types: readonly DType[]): ErrorFn {
  const f = compileOp(op, d, types);
  const from = types[0]!;
  const abs = (x: Scalar): number => Math.abs(Number(x));
  switch (op) {
    case "add":
    case "sub":
    case "widenAdd":
    case "widenSub":
      return (_, [a, b]) => a! + b!;
    case "mul":
    case "widenMul":
      return ([x, y], [a, b]) => abs(x!) * b! + abs(y!) * a! + a! * b!;
    case "fma":
      return ([x, y], [a, b, c]) => abs(x!) * b! + abs(y!) * a! + a! * b! + c!;
    case "div":
      return ([x, y], [a, b]) => {
        const least = abs(y!) - b!;
        return least > 0 ? (abs(x!) * b! + abs(y!) * a!) / (abs(y!) * least) : Infinity;
      };
    case "neg":
    case "abs":
      return (_, [a]) => a!;
    case "min":
    case "max":
    case "pmin":
    case "pmax":
      return (_, [a, b]) => Math.max(a!, b!);
    case "sin":
    case "cos":
      return (_, [a]) => Math.min(a!, 2);
    case "select":
    case "where":
      return ([, x, y], [c, a, b]) => {
        // -Infinity - -Infinity is NaN: the same value, so no distance
        const apart = x === y ? 0 : Math.abs(Number(x) - Number(y));
        return c === 0 ? 0 : apart + Math.max(a!, b!);
      };
    case "eq":
    case "ne":
    case "lt":
    case "le":
    case "gt":
    case "ge":
      // decided unless the intervals meet
      return ([x, y], [a, b]) => (Math.abs(Number(x) - Number(y)) > a! + b! ? 0 : 1);
    case "and":
    case "or":
      if (d !== "bool") return () => Infinity;
      return ([x, y], [a, b]) => {
        const settles = op === "and" ? 0 : 1;
        return (a === 0 && x === settles) || (b === 0 && y === settles) ? 0 : 1;
      };
    case "not":
    case "xor":
      return d === "bool" ? () => 1 : () => Infinity;
    case "floor":
    case "ceil":
    case "round":
    case "trunc":
    case "sqrt":
    case "rsqrt":
    case "exp":
    case "log":
    case "tanh":
    case "sigmoid":
    case "erf":
    case "cast":
    case "satcast": {
      // monotone: the ends of the interval go to the ends of the image
      const at = (x: number): Scalar => f(isBig(from) ? BigInt(Math.round(x)) : x, 0, 0);
      const integer = !isFloat(from);
      const fits = (x: number): boolean =>
        !integer || isFloat(d) || op === "satcast" || (x >= Number(minInt(d)) && x <= Number(maxInt(d)));
      if (d === "bool") return ([x], [a]) => (abs(x!) > a! ? 0 : 1);
      return ([x], [a], r) => {
        const [lo, hi] = [Number(x) - a!, Number(x) + a!];
        if (!fits(lo) || !fits(hi)) return Infinity;
        if ((op === "log" || op === "rsqrt") && lo <= 0) return Infinity;
        const [p, q] = [at(lo), at(hi)];
        return Math.max(Math.abs(Number(p) - Number(r)), Math.abs(Number(q) - Number(r)));
      };
    }
    case "pow":
      return ([x, y], [a, b], r) => {
        if (Number(x) - a! <= 0) return Infinity;
        // monotone in each operand, so the extremes are at the corners
        let e = 0;
        for (const p of [Number(x) - a!, Number(x) + a!])
          for (const q of [Number(y) - b!, Number(y) + b!]) e = Math.max(e, Math.abs(p ** q - Number(r)));
        return e;
      };
    default:
      return () => Infinity;
  }
}

/** Infinity where the value, moved by its error, might leave the dtype. */
export function within(d: DType, v: Scalar, e: number): number {
  if (Number.isNaN(e)) return Infinity;
  if (e === 0 || e === Infinity || d === "bool") return e;
  const x = Number(v);
  if (isFloat(d)) return Number.isFinite(x) && Math.abs(x) + e <= LARGEST[d]! ? e : Infinity;
  return x - e >= Number(minInt(d)) && x + e <= Number(maxInt(d)) ? e : Infinity;
}

/** Largest argument of sin and cos for which compiled code keeps its error bound (docs/math.md). */
const DOMAIN = 1e6;

/** The error of one operation's result. `inexact`: count a rounding even where operands are exact. */
export function errorOf(op: OpName, d: DType, types: readonly DType[], inexact: boolean): ErrorFn {
  const carry = propagate(op, d, types);
  const eps = EPSILON[d] ?? 0;
  const approximate = opInfo(op).approximate === true;
  const wavy = op === "sin" || op === "cos";
  // rounds nothing
  const exact = /^(neg|abs|select|where|p?min|p?max|floor|ceil|round|trunc)$/.test(op);
  const choice = op === "select" || op === "where";
  return (values, errors, r) => {
    let e = 0;
    const moved = errors.some((x) => x !== 0);
    if (moved) {
      // a decided choice takes one operand whole, whatever is the matter with the other
      if (choice && errors[0] === 0) e = errors[values[0] ? 1 : 2]!;
      else if (errors.some((x) => x === Infinity))
        e = op === "and" || op === "or" ? carry(values, errors, r) : Infinity;
      else e = carry(values, errors, r);
    }
    if (eps > 0 && !exact && e !== Infinity) {
      const size = Number.isFinite(r) ? Math.abs(r as number) : 0;
      if (e !== 0 || inexact) e += eps * (size + e) + SUBNORMAL[d]!;
      // beyond the stated domain of sin and cos only the range of results is promised
      if (wavy && Math.abs(values[0] as number) > DOMAIN) return Infinity;
      if (approximate && Number.isFinite(r)) {
        const scale = wavy && Math.abs(values[0] as number) > 1 ? Math.max(size, 1 / 16) : size;
        e += ULPS * eps * scale + NORMAL[d]!;
      }
    }
    return within(d, r, e);
  };
}

/** The error of a float sum of n terms in whatever order: `size` is the sum of their magnitudes, `error` of their errors. */
export function sumError(d: DType, n: number, v: number, size: number, error: number, contract: boolean): number {
  const steps = n - 1 + (contract ? 1 : 0);
  if (n === 0 || (error === 0 && steps === 0)) return error;
  // of f16, finite terms soon overflow to the other infinity, and the sum of both is none
  if (!Number.isFinite(v)) return error === 0 && !Number.isFinite(size) && (d !== "f16" || n <= 2) ? 0 : Infinity;
  const eps = EPSILON[d]!;
  const all = size + error;
  if (all * (1 + steps * eps) > LARGEST[d]!) return Infinity;
  return within(d, v, error + steps * eps * (1 + steps * eps) * all + eps * Math.abs(v) + SUBNORMAL[d]!);
}

/** The error of a float product. `size`: product of magnitudes, `upper`: with the errors added; `most`, `least`: of the factors above and below 1. */
export function prodError(
  d: DType,
  n: number,
  v: number,
  size: number,
  upper: number,
  most: number,
  least: number,
): number {
  const moved = upper !== size;
  if (n === 0 || (n === 1 && !moved)) return 0;
  if (!Number.isFinite(v)) return moved || Number.isFinite(most) ? Infinity : 0;
  if (v === 0 && !moved && most < LARGEST[d]! && size === 0 && least >= NORMAL[d]!) return 0;
  if (most > LARGEST[d]! || least < NORMAL[d]!) return Infinity;
  const eps = EPSILON[d]!;
  return within(d, v, upper - size + n * eps * (1 + n * eps) * upper + SUBNORMAL[d]!);
}
