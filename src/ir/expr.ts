/**
 * Expression nodes: immutable and hash-consed, so that equal structure is the same object and `===` is structural equality.
 * The table holds its nodes weakly (tuning builds millions; they must not leak).
 *
 * The constructors here only build. They check dtypes and lanes, and fold nothing: simplification lives in arith/.
 */
import { bitsOf, type DType, isBig, isFloat, maxInt, minInt, type Scalar } from "./dtype.ts";
import { TilewrightError } from "./error.ts";
import type { Intrinsic } from "./intrinsic.ts";
import { type OpName, opInfo } from "./ops.ts";
import type { Buffer } from "./stmt.ts";

interface Node {
  /** Unique per live node; used in interning keys and as a stable order of creation. */
  readonly id: number;
  readonly dtype: DType;
  /** 1 for scalars. */
  readonly lanes: number;
}

export interface Const extends Node {
  readonly kind: "const";
  readonly value: Scalar;
}
/** What is known of a symbolic size: bounds are inclusive. */
export interface SizeFacts {
  readonly min: number;
  readonly max: number;
  readonly multipleOf: number;
  /** A likely value, for heuristics only. */
  readonly typical?: number;
}
/** A variable is an identity: two variables of one name are different. */
export interface Var extends Node {
  readonly kind: "var";
  readonly name: string;
  /** Present on symbolic sizes (`dim`). */
  readonly size?: SizeFacts;
  /** Set by `Assign` statements (lowered IR only): reading it is not a pure function of the expression. */
  readonly mutable: boolean;
}
export interface Op extends Node {
  readonly kind: "op";
  readonly op: OpName;
  readonly args: readonly Expr[];
}
/**
 * A read of a buffer. Scheduled IR: one scalar index per dimension. Lowered IR: one flat index, a vector of lanes for a
 * vector load (dense where it is a ramp of stride 1).
 */
export interface Load extends Node {
  readonly kind: "load";
  readonly buffer: Buffer;
  readonly index: readonly Expr[];
}
/** base, base + stride, ... : lanes elements. */
export interface Ramp extends Node {
  readonly kind: "ramp";
  readonly base: Expr;
  readonly stride: Expr;
}
export interface Broadcast extends Node {
  readonly kind: "broadcast";
  readonly value: Expr;
}
/** Lanes picked by `picks` from the concatenation of the vectors (a scalar counts as one lane). */
export interface Shuffle extends Node {
  readonly kind: "shuffle";
  readonly vectors: readonly Expr[];
  readonly picks: readonly number[];
}
/** How partial results combine: `results[i]` in terms of `lhs` and `rhs`. Interned by structure of its own (see combiner.ts). */
export interface Combiner {
  readonly name: string;
  readonly lhs: readonly Var[];
  readonly rhs: readonly Var[];
  readonly results: readonly Expr[];
  readonly identities: readonly Expr[];
  /** Integer and logical combiners are; float sums are only up to rounding. */
  readonly exact: boolean;
}
export interface ReduceAxis {
  readonly var: Var;
  readonly extent: Expr;
}
/** One component of a reduction over axes. Only in tensor bodies: creating a Func turns it into a block. */
export interface Reduce extends Node {
  readonly kind: "reduce";
  readonly combiner: Combiner;
  readonly axes: readonly ReduceAxis[];
  readonly values: readonly Expr[];
  /** Points where it is false do not take part (and are not evaluated). */
  readonly condition: Expr | undefined;
  readonly component: number;
}
/** An intrinsic over whole vectors, one per operand in their order. Lowered IR only. */
export interface Call extends Node {
  readonly kind: "call";
  readonly intrinsic: Intrinsic;
  readonly args: readonly Expr[];
}
export type Expr = Const | Var | Op | Load | Ramp | Broadcast | Shuffle | Reduce | Call;

// ---- interning

const table = new Map<string, WeakRef<Expr>>();
const finalizer = new FinalizationRegistry<string>((key) => {
  if (table.get(key)?.deref() === undefined) table.delete(key);
});
let nextId = 1;

/** Nodes are immutable by type only: freezing each would double the cost of making one. */
function intern<T extends Expr>(key: string, make: (id: number) => T): T {
  const old = table.get(key)?.deref();
  if (old !== undefined) return old as T;
  const node = make(nextId++);
  table.set(key, new WeakRef(node));
  finalizer.register(node, key);
  return node;
}
/** Number of interned nodes still in the table (for leak tests). */
export const internedCount = (): number => table.size;

const identities = new WeakMap<object, number>();
let nextIdentity = 1;
/** A small number that stands for an object's identity in interning keys. */
export function identityOf(o: object): number {
  let n = identities.get(o);
  if (n === undefined) {
    n = nextIdentity++;
    identities.set(o, n);
  }
  return n;
}
const ids = (list: readonly Expr[]): string => list.map((e) => e.id).join(",");

/** A malformed node: a compiler bug unless a caller passed bad input through. */
export class IrError extends TilewrightError {
  override name = "IrError";
  constructor(message: string) {
    super("ir", message);
  }
}

// ---- constructors

const f16buf = new DataView(new ArrayBuffer(8));
/** The nearest f16 value (halves to even), as a number. */
export function roundToF16(x: number): number {
  if (!Number.isFinite(x) || x === 0) return x;
  const a = Math.abs(x);
  // 65520 is halfway between the largest f16 and the next power step
  if (a >= 65520) return x < 0 ? -Infinity : Infinity;
  f16buf.setFloat64(0, a);
  const e = Math.max(((f16buf.getUint32(0) >>> 20) & 0x7ff) - 1023, -14);
  const ulp = 2 ** (e - 10);
  const q = a / ulp;
  let r = Math.floor(q);
  const d = q - r;
  if (d > 0.5 || (d === 0.5 && r % 2 === 1)) r += 1;
  return x < 0 ? -r * ulp : r * ulp;
}

/** The value as this dtype holds it: floats rounded, integers wrapped, bool 0 or 1. Integers come from whole numbers. */
export function normalize(dtype: DType, v: Scalar): Scalar {
  switch (dtype) {
    case "f64":
      return Number(v);
    case "f32":
      return Math.fround(Number(v));
    case "f16":
      return roundToF16(Number(v));
    case "bool":
      return v ? 1 : 0;
    case "i64":
      return BigInt.asIntN(64, typeof v === "bigint" ? v : BigInt(v));
    case "u64":
      return BigInt.asUintN(64, typeof v === "bigint" ? v : BigInt(v));
    case "i32":
      return typeof v === "bigint" || !Number.isSafeInteger(v) ? Number(BigInt.asIntN(32, BigInt(v))) : v | 0;
    case "u32":
      return typeof v === "bigint" || !Number.isSafeInteger(v) ? Number(BigInt.asUintN(32, BigInt(v))) : v >>> 0;
    case "i16":
      return (Number(BigInt.asIntN(32, BigInt(v))) << 16) >> 16;
    case "i8":
      return (Number(BigInt.asIntN(32, BigInt(v))) << 24) >> 24;
    case "u16":
      return Number(BigInt.asIntN(32, BigInt(v))) & 0xffff;
    case "u8":
      return Number(BigInt.asIntN(32, BigInt(v))) & 0xff;
  }
}

/** A constant; throws when the value is not one the dtype can hold (fractions or out of range for integers). */
export function constant(dtype: DType, value: Scalar | boolean, lanes = 1): Expr {
  let v: Scalar = typeof value === "boolean" ? (value ? 1 : 0) : value;
  if (!isFloat(dtype)) {
    if (typeof v === "number" && !Number.isInteger(v)) throw new IrError(`${v} is not a value of ${dtype}`);
    const b = BigInt(v);
    if (b < minInt(dtype) || b > maxInt(dtype))
      throw new IrError(`${v} does not fit in ${dtype} (${minInt(dtype)} to ${maxInt(dtype)})`);
  }
  v = normalize(dtype, v);
  const key = `c${dtype}:${Object.is(v, -0) ? "-0" : String(v)}`;
  const c = intern<Const>(key, (id) => ({ id, kind: "const", dtype, lanes: 1, value: v }));
  return lanes === 1 ? c : broadcast(c, lanes);
}
export const int = (v: number): Expr => constant("i32", v);
export const bool = (v: boolean): Expr => constant("bool", v ? 1 : 0);
export const TRUE = bool(true);
export const FALSE = bool(false);
/** Zero of a dtype, as a JavaScript value. */
export const zeroOf = (d: DType): Scalar => (isBig(d) ? 0n : 0);

export function variable(
  name: string,
  dtype: DType = "i32",
  more: { lanes?: number; size?: SizeFacts; mutable?: boolean } = {},
): Var {
  return Object.freeze({
    id: nextId++,
    kind: "var",
    dtype,
    lanes: more.lanes ?? 1,
    name,
    mutable: more.mutable ?? false,
    ...(more.size ? { size: Object.freeze({ ...more.size }) } : {}),
  });
}

function lanesOf(what: string, args: readonly Expr[]): number {
  const n = args[0]!.lanes;
  for (const a of args) if (a.lanes !== n) throw new IrError(`${what}: operands of ${n} and ${a.lanes} lanes`);
  return n;
}

export function op(name: OpName, args: readonly Expr[], dtype?: DType): Expr {
  const info = opInfo(name);
  if (args.length !== info.arity)
    throw new IrError(`${name} takes ${info.arity} operand(s), but was given ${args.length}`);
  const r = info.result(...args.map((a) => a.dtype));
  if (r !== undefined && typeof r === "object")
    throw new IrError(`${name} expects ${r.expected}, but was given ${args.map((a) => a.dtype).join(", ")}`);
  const type = r ?? dtype;
  if (type === undefined) throw new IrError(`${name} needs the dtype to convert to`);
  if (name === "bitcast" && bitsOf(type) !== bitsOf(args[0]!.dtype))
    throw new IrError(`bitcast from ${args[0]!.dtype} to ${type}: the widths differ`);
  const lanes = lanesOf(name, args);
  return intern<Op>(`o${name}:${type}:${ids(args)}`, (id) => ({
    id,
    kind: "op",
    op: name,
    dtype: type,
    lanes,
    args: [...args],
  }));
}

export function load(buffer: Buffer, index: readonly Expr[]): Expr {
  const lanes = index.length === 0 ? 1 : lanesOf(`load ${buffer.name}`, index);
  return intern<Load>(`l${identityOf(buffer)}:${ids(index)}`, (id) => ({
    id,
    kind: "load",
    dtype: buffer.dtype,
    lanes,
    buffer,
    index: [...index],
  }));
}

export function ramp(base: Expr, stride: Expr, lanes: number): Expr {
  if (base.lanes !== 1 || stride.lanes !== 1) throw new IrError("ramp: base and stride must be scalars");
  if (base.dtype !== stride.dtype) throw new IrError(`ramp: base ${base.dtype} and stride ${stride.dtype} differ`);
  if (lanes === 1) return base;
  return intern<Ramp>(`r${base.id}:${stride.id}:${lanes}`, (id) => ({
    id,
    kind: "ramp",
    dtype: base.dtype,
    lanes,
    base,
    stride,
  }));
}

export function broadcast(value: Expr, lanes: number): Expr {
  if (value.lanes !== 1) throw new IrError("broadcast: the value must be a scalar");
  if (lanes === 1) return value;
  return intern<Broadcast>(`b${value.id}:${lanes}`, (id) => ({
    id,
    kind: "broadcast",
    dtype: value.dtype,
    lanes,
    value,
  }));
}

export function shuffle(vectors: readonly Expr[], picks: readonly number[]): Expr {
  const total = vectors.reduce((n, v) => n + v.lanes, 0);
  const dtype = vectors[0]!.dtype;
  for (const v of vectors) if (v.dtype !== dtype) throw new IrError(`shuffle: dtypes ${dtype} and ${v.dtype} differ`);
  for (const p of picks) if (p < 0 || p >= total) throw new IrError(`shuffle: lane ${p} of ${total}`);
  if (vectors.length === 1 && picks.length === total && picks.every((p, i) => p === i)) return vectors[0]!;
  return intern<Shuffle>(`s${ids(vectors)}:${picks.join(",")}`, (id) => ({
    id,
    kind: "shuffle",
    dtype,
    lanes: picks.length,
    vectors: [...vectors],
    picks: [...picks],
  }));
}
/** Lanes start .. start + lanes of a vector. */
export const slice = (v: Expr, start: number, lanes: number): Expr =>
  shuffle(
    [v],
    Array.from({ length: lanes }, (_, i) => start + i),
  );
/** The lanes of all vectors, one after another. */
export const concat = (vs: readonly Expr[]): Expr =>
  vs.length === 1
    ? vs[0]!
    : shuffle(
        vs,
        Array.from({ length: vs.reduce((n, v) => n + v.lanes, 0) }, (_, i) => i),
      );

export function reduce(
  combiner: Combiner,
  axes: readonly ReduceAxis[],
  values: readonly Expr[],
  condition: Expr | undefined,
  component: number,
): Expr {
  const dtype = values[component]!.dtype;
  const key = `R${identityOf(combiner)}:${axes.map((a) => `${a.var.id}.${a.extent.id}`)}:${ids(values)}:${condition?.id}:${component}`;
  return intern<Reduce>(key, (id) => ({
    id,
    kind: "reduce",
    dtype,
    lanes: 1,
    combiner,
    axes: [...axes],
    values: [...values],
    condition,
    component,
  }));
}

export function call(intrinsic: Intrinsic, args: readonly Expr[]): Expr {
  const { name, operands, dtype, lanes } = intrinsic;
  operands.forEach((o, i) => {
    const a = args[i];
    if (a === undefined || a.dtype !== o.dtype || a.lanes !== o.lanes)
      throw new IrError(`${name}: operand ${o.name} is ${o.dtype} x${o.lanes}, but was given ${a?.dtype} x${a?.lanes}`);
  });
  return intern<Call>(`C${identityOf(intrinsic)}:${ids(args)}`, (id) => ({
    id,
    kind: "call",
    dtype,
    lanes,
    intrinsic,
    args: [...args],
  }));
}

// ---- short forms used throughout the compiler

const bin = (name: OpName) => (a: Expr, b: Expr) => op(name, [a, b]);
export const add = bin("add");
export const sub = bin("sub");
export const mul = bin("mul");
export const floordiv = bin("floordiv");
export const floormod = bin("floormod");
export const min = bin("min");
export const max = bin("max");
export const eq = bin("eq");
export const ne = bin("ne");
export const lt = bin("lt");
export const le = bin("le");
export const gt = bin("gt");
export const ge = bin("ge");
export const and = bin("and");
export const or = bin("or");
export const not = (a: Expr): Expr => op("not", [a]);
export const select = (c: Expr, a: Expr, b: Expr): Expr => op("select", [c, a, b]);
export const where = (c: Expr, a: Expr, b: Expr): Expr => op("where", [c, a, b]);
export const cast = (d: DType, e: Expr): Expr => (e.dtype === d ? e : op("cast", [e], d));

/** The number behind an integer constant (of any lanes when it is a broadcast), else undefined. */
export function constInt(e: Expr): number | undefined {
  if (e.kind === "broadcast") return constInt(e.value);
  return e.kind === "const" && !isFloat(e.dtype) ? Number(e.value) : undefined;
}
export const isConst = (e: Expr, v: number): boolean => constInt(e) === v;
