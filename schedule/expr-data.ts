/**
 * Expressions as plain JSON, for traces: exact both ways, over named variables, sizes, scalars and constants.
 *
 *     8, true                                    i32 and bool constants
 *     "j"                                        a variable
 *     { size: "n" }, { scalar: "alpha" }         parameters of the function
 *     { constant: "f32", value: 0.5 }            any other constant; "NaN", "-0" and 64-bit integers as text
 *     ["floordiv", "j", 8]                       an operation by its name in the table of operations
 *     ["cast:f32", "j"]                          one that names its dtype
 */
import {
  constant,
  type DType,
  type Expr,
  type Func,
  IrError,
  isBig,
  isDType,
  OP_NAMES,
  type OpName,
  op,
  opInfo,
  type Scalar,
  TilewrightError,
  type Var,
} from "../src/ir/index.ts";
import { short } from "./arguments.ts";
import { jsonFault } from "./json.ts";
import type { Json } from "./trace.ts";

/** Nodes one expression may have as a tree, and levels. */
const NODES = 10_000;
const LEVELS = 700;

const bad = (what: string): never => {
  throw new TilewrightError("schedule.trace", what);
};
const shown = (x: Json | undefined): string => short(JSON.stringify(x) ?? "undefined");

/** A value of any dtype as JSON. */
export function scalarToJson(v: Scalar): Json {
  if (Object.is(v, -0)) return "-0";
  return typeof v === "bigint" || !Number.isFinite(v) ? String(v) : v;
}
export function scalarFromJson(dtype: DType, x: Json): Scalar {
  const special = SPECIAL.find((v) => scalarToJson(v) === x);
  if (special !== undefined && !isBig(dtype)) return special;
  const whole = isBig(dtype) && (Number.isSafeInteger(x) || (typeof x === "string" && /^-?\d+$/.test(x)));
  if (whole) return BigInt(x as number | string);
  return typeof x === "number" && !isBig(dtype) ? x : bad(`${shown(x)} is no value of ${dtype}`);
}
/** Numbers that JSON has no words for. */
const SPECIAL: readonly number[] = [-0, NaN, Infinity, -Infinity];

/** A value that a caller or a trace may give for a dtype: as text where JSON has no number for it. */
export type GivenScalar = Scalar | boolean | string;
export const givenToJson = (x: GivenScalar): Json =>
  typeof x === "number" || typeof x === "bigint" ? scalarToJson(x) : x;
/** The constant that is meant, the same from the caller as from the trace; undefined where the dtype has no such value. */
export function givenConstant(dtype: DType, x: GivenScalar): Expr | undefined {
  if (!["number", "bigint", "boolean", "string"].includes(typeof x)) return undefined;
  try {
    return constant(dtype, typeof x === "boolean" ? x : scalarFromJson(dtype, givenToJson(x)));
  } catch (e) {
    if (e instanceof TilewrightError) return undefined;
    throw e;
  }
}

/** Writes an expression over `vars`, by their names here, and the parameters of `f`. */
export function exprToJson(e: Expr, vars: ReadonlyMap<Var, string>, f: Func): Json {
  let left = NODES;
  const go = (x: Expr, level: number): Json => {
    if (left-- <= 0) return bad(`an expression of more than ${NODES} operations is too long`);
    if (level > LEVELS) return bad(`an expression nested more than ${LEVELS} levels deep is too deep`);
    switch (x.kind) {
      case "const":
        if (x.dtype === "i32") return Number(x.value);
        if (x.dtype === "bool") return x.value !== 0;
        return { constant: x.dtype, value: scalarToJson(x.value) };
      case "var": {
        const name = vars.get(x);
        if (name !== undefined) return name;
        if (f.sizes.includes(x)) return { size: x.name };
        if (f.scalars.includes(x)) return { scalar: x.name };
        return bad(`${x.name} is no variable here, and no size or scalar of ${f.name}`);
      }
      case "op": {
        const name = opInfo(x.op).result(...x.args.map((a) => a.dtype)) === undefined ? `${x.op}:${x.dtype}` : x.op;
        return [name, ...x.args.map((y) => go(y, level + 1))];
      }
      default:
        return bad(`a ${x.kind} can't be written down`);
    }
  };
  return go(e, 1);
}

/** Reads what `exprToJson` wrote. Throws TilewrightError for anything else. */
export function exprFromJson(json: Json, vars: ReadonlyMap<string, Var>, f: Func): Expr {
  const parameter = (list: readonly Var[], kind: string, name: Json): Expr =>
    list.find((v) => v.name === name) ?? bad(`no ${kind} ${shown(name)} in this function`);
  const go = (x: Json): Expr => {
    if (typeof x === "number" || typeof x === "boolean") return constant(typeof x === "number" ? "i32" : "bool", x);
    if (typeof x === "string") return vars.get(x) ?? bad(`no variable ${shown(x)} here`);
    if (Array.isArray(x)) {
      const [name, ...args] = x as readonly Json[];
      const [kind, dtype] = String(name).split(":") as [string, string | undefined];
      if (typeof name !== "string" || !isOp(kind) || (dtype !== undefined && !isDType(dtype)))
        return bad(`${shown(name)} is no operation`);
      return op(kind, args.map(go), dtype as DType | undefined);
    }
    const r = x as { readonly [k: string]: Json } | null;
    if (r && "size" in r) return parameter(f.sizes, "size", r.size!);
    if (r && "scalar" in r) return parameter(f.scalars, "scalar", r.scalar!);
    if (r && typeof r.constant === "string" && isDType(r.constant))
      return constant(r.constant, scalarFromJson(r.constant, r.value ?? null));
    return bad(`${shown(x)} is no expression`);
  };
  const fault = jsonFault(json);
  if (fault !== undefined) return bad(`an expression ${fault}`);
  try {
    return go(json);
  } catch (e) {
    if (e instanceof IrError) return bad(`malformed expression: ${e.message}`);
    throw e;
  }
}
const isOp = (name: string): name is OpName => (OP_NAMES as readonly string[]).includes(name);
