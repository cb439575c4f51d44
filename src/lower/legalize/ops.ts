/**
 * Rewrites operations that have no WebAssembly instruction into ones that have.
 *
 * Before: expressions without f16 and math functions, scalars and vectors of any lanes. After: every operation is in WASM_OPS
 * or WASM_CONVERSIONS (target/wasm-ops.ts says what may remain), `where` on vectors excepted; values are the same to the bit.
 *
 * The rows below are read from the top: the first whose operation, operand dtypes and form (scalar or vector) match is applied, and
 * what it gives is legalized in turn. Running the pass again changes nothing, so it may be (and has to be) run again
 * after vectors have been cut: a vector's last lane may have become a scalar, and scalars have fewer instructions.
 */
import { concat, type DType, type Expr, mapExpr, type OpName, op } from "../../ir/index.ts";
import { type Target, wasmHas } from "../../target/index.ts";
import { cast, intConstant, lane, lt, select } from "./build.ts";
import { expandFmaF32, expandFmaF64 } from "./fma.ts";
import { compareBools, compareUnsigned, expandCast, expandSatcast } from "./ops-convert.ts";
import { type DivOp, divisionIsSafe, expandDivision, type Facts } from "./ops-division.ts";
import {
  expandAbs,
  expandAddSat,
  expandHalvingAdd,
  expandMinMax,
  expandMulSat,
  expandRoundingHalvingAdd,
  expandRoundingMulQ,
  expandRoundingShr,
  expandSubSat,
  expandVectorShift,
  expandWiden,
} from "./ops-fixed.ts";

export type { Facts as LegalizeFacts };

type Form = "scalar" | "vector" | "any";
interface Row {
  readonly ops: readonly OpName[];
  /** Operand dtypes; all when absent. */
  readonly on?: readonly DType[];
  readonly form: Form;
  readonly to: (o: OpName, args: readonly Expr[], result: DType, facts: Facts) => Expr;
}
type Rewrite2 = (a: Expr, b: Expr) => Expr;
const row = (ops: OpName | readonly OpName[], form: Form, on: readonly DType[] | undefined, to: Row["to"]): Row => ({
  ops: typeof ops === "string" ? [ops] : ops,
  form,
  to,
  ...(on ? { on } : {}),
});
const binary = (o: OpName, form: Form, f: Rewrite2, on?: readonly DType[]): Row =>
  row(o, form, on, (_, [a, b]) => f(a!, b!));

const WIDE: readonly DType[] = ["i64", "u64"];
const COMPARISONS: readonly OpName[] = ["eq", "ne", "lt", "le", "gt", "ge"];
const DIVISIONS: readonly DivOp[] = ["floordiv", "floormod", "truncdiv", "truncrem"];

/** The operation on each lane by itself. */
const scalarize = (o: OpName, args: readonly Expr[], result: DType): Expr =>
  concat(
    Array.from({ length: args[0]!.lanes }, (_, i) =>
      op(
        o,
        args.map((a) => lane(a, i)),
        result,
      ),
    ),
  );

const ROWS: readonly Row[] = [
  // arithmetic
  row("mul", "vector", ["i8", "u8"], (_, args, d) => cast(d, op("widenMul", args))),
  row(DIVISIONS, "vector", WIDE, (o, args, d, facts) => {
    const c = intConstant(args[1]!);
    const shifts = c !== undefined && (c === -1n || c === 0n || (c > 0n && (c & (c - 1n)) === 0n));
    return shifts ? expandDivision(o as DivOp, args[0]!, args[1]!, facts) : scalarize(o, args, d);
  }),
  row(DIVISIONS, "any", undefined, (o, [a, b], _, facts) => expandDivision(o as DivOp, a!, b!, facts)),
  row("fma", "any", ["f32"], (_, [a, b, c]) => expandFmaF32(a!, b!, c!)),
  row("fma", "any", ["f64"], (_, [a, b, c]) => expandFmaF64(a!, b!, c!)),
  row("abs", "any", undefined, (_, [a]) => expandAbs(a!)),
  row(["min", "max"], "any", undefined, (o, [a, b]) => expandMinMax(o as "min", a!, b!)),
  binary("pmin", "scalar", (a, b) => select(lt(b, a), b, a)),
  binary("pmax", "scalar", (a, b) => select(lt(a, b), b, a)),
  // comparison
  row(COMPARISONS, "any", ["bool"], (o, [a, b]) => compareBools(o, a!, b!)),
  row(COMPARISONS, "vector", ["u64"], (o, [a, b]) => compareUnsigned(o, a!, b!)),
  // bits
  row(["shl", "shr"], "vector", undefined, (o, [a, b]) => expandVectorShift(o as "shl", a!, b!)),
  // conversion
  row("cast", "any", undefined, (o, [x], to) => expandCast(x!, to) ?? scalarize(o, [x!], to)),
  row("satcast", "any", undefined, (_, [x], to) => expandSatcast(x!, to)),
  // only one to the same dtype is ever missing
  row("bitcast", "any", undefined, (o, args, to) => (args[0]!.dtype === to ? args[0]! : op(o, args, to))),
  // fixed point
  binary("addSat", "any", expandAddSat),
  binary("subSat", "any", expandSubSat),
  binary("mulSat", "any", expandMulSat),
  row(["widenAdd", "widenSub", "widenMul"], "any", undefined, (o, [a, b]) => expandWiden(o as "widenAdd", a!, b!)),
  binary("halvingAdd", "any", expandHalvingAdd),
  binary("roundingHalvingAdd", "any", expandRoundingHalvingAdd),
  binary("roundingShr", "any", expandRoundingShr),
  binary("roundingMulQ", "any", expandRoundingMulQ),
];
const BY_OP = new Map<OpName, Row[]>();
for (const r of ROWS) for (const o of r.ops) BY_OP.set(o, [...(BY_OP.get(o) ?? []), r]);

/** Whether a node can stay as it is, given that its operands are legal. */
export function isLegal(e: Expr, target: Target, facts: Facts = {}): boolean {
  if (e.kind !== "op") return true;
  const [a, b] = e.args;
  const vector = e.lanes > 1;
  if (e.op === "where") return true;
  const from = e.op === "select" ? b!.dtype : a!.dtype;
  if (!wasmHas(e.op, from, e.dtype, vector, target.relaxed)) return false;
  if (e.op === "shl" || e.op === "shr") return !vector || isUniform(b!);
  if (e.op === "truncdiv" || e.op === "truncrem") return divisionIsSafe(e.op, a!, b!, facts);
  return true;
}
const isUniform = (e: Expr): boolean =>
  e.kind === "broadcast" ||
  (e.kind === "shuffle" && e.picks.every((p) => p === e.picks[0]) && e.vectors.every((v) => v.lanes === 1));

/**
 * The expression in operations that remain. `facts` may prove operands positive or non-negative, which makes scalar
 * division cheaper. `memo` may be shared between calls with one target and one set of facts.
 *
 *     legalizeOps(op("floordiv", [i, int(8)]), wasm()); // i >> 3
 *     legalizeOps(op("pmin", [a, b]), wasm());          // select(b < a, b, a) for scalars
 */
export function legalizeOps(e: Expr, target: Target, facts: Facts = {}, memo: Map<Expr, Expr> = new Map()): Expr {
  const one = (x: Expr): Expr => {
    if (x.kind !== "op" || isLegal(x, target, facts)) return x;
    const from = x.args[x.op === "select" ? 1 : 0]!.dtype;
    const form: Form = x.lanes > 1 ? "vector" : "scalar";
    const found = BY_OP.get(x.op)?.find(
      (r) => (r.form === "any" || r.form === form) && (r.on === undefined || r.on.includes(from)),
    );
    // what has no row (math functions, f16) is for another pass
    if (found === undefined) return x;
    const r = found.to(x.op, x.args, x.dtype, facts);
    return r === x ? x : mapExpr(r, one, memo);
  };
  return mapExpr(e, one, memo);
}
