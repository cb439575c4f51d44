/**
 * Replaces math functions (exp log tanh sigmoid erf pow sin cos rsqrt, on f32 and f64) by arithmetic that SIMD has.
 *
 * Before: any expression, scalars or vectors of any lanes, no f16. After: none of these functions; only add sub mul div sqrt,
 * abs neg trunc, pmin pmax, comparisons, select, integer add sub and or xor and constant shifts, bitcast, and casts among f32, f64 and i32.
 * There are no branches, no tables and no calls, so a vector stays one. The error bounds (docs/math.md) hold with every
 * multiply-add contracted to a fused one, with none, and with any mix.
 */
import { type Expr, mapExpr, op } from "../../ir/index.ts";
import type { Target } from "../../target/index.ts";
import { div, like } from "./build.ts";
import { expandErf } from "./math-erf.ts";
import { expandExp, expandSigmoid, expandTanh } from "./math-exp.ts";
import { expandLog } from "./math-log.ts";
import { expandPow } from "./math-pow.ts";
import { expandCos, expandSin } from "./math-trig.ts";

/** 1 / sqrt(x): at most 1.5 ulp; infinity of the same sign at ±0, NaN below. */
const expandRsqrt = (x: Expr): Expr => div(like(x, 1), op("sqrt", [x]));

/** `memo` may be shared between calls with one target. */
export function expandMath(e: Expr, _target: Target, memo: Map<Expr, Expr> = new Map()): Expr {
  return mapExpr(e, expandOne, memo);
}

function expandOne(e: Expr): Expr {
  if (e.kind !== "op") return e;
  const x = e.args[0]!;
  switch (e.op) {
    case "exp":
      return expandExp(x);
    case "log":
      return expandLog(x);
    case "tanh":
      return expandTanh(x);
    case "sigmoid":
      return expandSigmoid(x);
    case "erf":
      return expandErf(x);
    case "sin":
      return expandSin(x);
    case "cos":
      return expandCos(x);
    case "pow":
      return expandPow(x, e.args[1]!);
    case "rsqrt":
      return expandRsqrt(x);
    default:
      return e;
  }
}
