/**
 * Takes f16 out of a statement: every f16 value becomes an f32 that is exactly representable in f16.
 *
 * Before: any statement without reductions. After: no expression, buffer or variable of dtype f16, but for parameters (below).
 * - Each arithmetic operation is done in f32 and rounded to f16 at once, halves to even, so results are those of f16
 *   arithmetic to the bit (f32 has more than twice the digits, so rounding twice is rounding once; fma goes through f64).
 * - f16 buffers are replaced by `replace(buffer)`, which gives the same buffer for the same one every time: of dtype u16 for
 *   memory (loads and stores convert bits), of dtype f32 for registers (no conversion).
 * - Variables set by Let and Assign become f32 variables. Any other f16 variable is a scalar parameter: it stays, read as its
 *   bits (`bitcast u16`) once per use.
 */
import {
  type Buffer,
  constant,
  type Expr,
  IrError,
  load,
  type OpName,
  op,
  rebuildStmt,
  type Stmt,
  type Var,
  variable,
  visitStmt,
  withChildren,
} from "../../ir/index.ts";
import { add, bitcast, cast, mul } from "./build.ts";
import { fromHalfBits, roundToHalf, toHalfBits } from "./f16-bits.ts";

/** Operations on f16 values whose f32 result is an f16 already. */
const EXACT: ReadonlySet<OpName> = new Set([
  "neg",
  "abs",
  "min",
  "max",
  "pmin",
  "pmax",
  "floor",
  "ceil",
  "trunc",
  "round",
  "select",
  "where",
]);

export function legalizeF16(s: Stmt, replace: (b: Buffer) => Buffer): Stmt {
  const bound = new Map<Var, Var>();
  visitStmt(s, (x) => {
    if ((x.kind === "let" || x.kind === "assign") && x.var.dtype === "f16" && !bound.has(x.var))
      bound.set(x.var, variable(x.var.name, "f32", { lanes: x.var.lanes, mutable: x.var.mutable }));
  });
  const memo = new Map<Expr, Expr>();
  const fe = (e: Expr): Expr => halfExpr(e, replace, bound, memo);
  const walk = (x: Stmt): Stmt => {
    const y = rebuildStmt(x, walk, fe);
    switch (y.kind) {
      case "store": {
        if (y.buffer.dtype !== "f16") return y;
        const b = replace(y.buffer);
        return { ...y, buffer: b, value: b.dtype === "u16" ? toHalfBits(y.value) : y.value };
      }
      case "alloc":
        return y.buffer.dtype === "f16" ? { ...y, buffer: replace(y.buffer) } : y;
      case "let":
      case "assign":
        return y.var.dtype === "f16" ? { ...y, var: bound.get(y.var)! } : y;
      default:
        return y;
    }
  };
  return walk(s);
}

/** The expression without f16; where it was f16, an f32. Variables in `bound` are replaced. */
export function expandF16(e: Expr, replace: (b: Buffer) => Buffer, bound: ReadonlyMap<Var, Var> = new Map()): Expr {
  return halfExpr(e, replace, bound, new Map());
}

function halfExpr(e: Expr, replace: (b: Buffer) => Buffer, bound: ReadonlyMap<Var, Var>, memo: Map<Expr, Expr>): Expr {
  const old = memo.get(e);
  if (old !== undefined) return old;
  const go = (x: Expr): Expr => halfExpr(x, replace, bound, memo);
  const r = rewrite(e, go, replace, bound);
  memo.set(e, r);
  return r;
}

function rewrite(e: Expr, go: (e: Expr) => Expr, replace: (b: Buffer) => Buffer, bound: ReadonlyMap<Var, Var>): Expr {
  switch (e.kind) {
    case "const":
      return e.dtype === "f16" ? constant("f32", e.value) : e;
    case "var":
      return e.dtype === "f16" ? (bound.get(e) ?? fromHalfBits(bitcast("u16", e))) : e;
    case "load": {
      const index = e.index.map(go);
      if (e.dtype !== "f16") return withChildren(e, index);
      const x = load(replace(e.buffer), index);
      return x.dtype === "u16" ? fromHalfBits(x) : x;
    }
    case "ramp":
      return withChildren(e, [go(e.base), go(e.stride)]);
    case "broadcast":
      return withChildren(e, [go(e.value)]);
    case "shuffle":
      return withChildren(e, e.vectors.map(go));
    case "call":
      return withChildren(e, e.args.map(go));
    case "op":
      return rewriteOp(e, e.args.map(go));
    case "reduce":
      throw new IrError("a reduction expression where f16 is legalized");
    default:
      return e satisfies never;
  }
}

function rewriteOp(e: Expr & { kind: "op" }, args: readonly Expr[]): Expr {
  const [from, to] = [e.args[0]!.dtype, e.dtype];
  const value = args[0]!;
  switch (e.op) {
    case "cast":
      return castHalf(value, from, to);
    case "satcast":
      return from === "f16" && to !== "f16"
        ? op("satcast", [value], to)
        : to === "f16"
          ? castHalf(value, from, to)
          : op("satcast", args, to);
    case "bitcast": {
      if (from === "f16") return to === "f16" ? value : bitcast(to, toHalfBits(value));
      return to === "f16" ? fromHalfBits(bitcast("u16", value)) : op("bitcast", args, to);
    }
    case "fma": {
      if (to !== "f16") break;
      // The product is exact; what the f64 sum may lose lies too far below the f16 digits to bring them to a tie.
      const [a, b, c] = args.map((x) => cast("f64", x)) as [Expr, Expr, Expr];
      return roundToHalf(add(mul(a, b), c));
    }
  }
  if (to !== "f16") return op(e.op, args, to);
  const r = op(e.op, args);
  return EXACT.has(e.op) ? r : roundToHalf(r);
}

/** `value` is the legalized operand. */
function castHalf(value: Expr, from: string, to: Expr["dtype"]): Expr {
  if (to !== "f16") return cast(to, value);
  if (from === "f16") return value;
  // f64 is rounded at once; integers are exact in f32 as far as f16 reaches (an i64 may be rounded beyond, to infinity)
  if (from === "f64") return roundToHalf(value);
  return from === "bool" ? cast("f32", value) : roundToHalf(cast("f32", value));
}
