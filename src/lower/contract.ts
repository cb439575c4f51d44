/**
 * Contracts a * b + c to a fused multiply-add where the target has one for vectors and the caller allows it. Changes
 * rounding (one instead of two), never more. Before and after: vectors fit registers.
 */
import { type Expr, type Func, mapExpr, mapExprs, type Op, op, withBody } from "../ir/index.ts";
import type { Target } from "../target/index.ts";

export function contract(f: Func, target: Target): Func {
  if (!target.contract || !target.relaxed) return f;
  const memo = new Map<Expr, Expr>();
  return withBody(
    f,
    mapExprs(f.body, (e) => mapExpr(e, fuse, memo)),
  );
}

const isProduct = (e: Expr): e is Op => e.kind === "op" && e.op === "mul";
function fuse(e: Expr): Expr {
  if (e.kind !== "op" || e.lanes === 1 || (e.dtype !== "f32" && e.dtype !== "f64")) return e;
  const [a, b] = [e.args[0]!, e.args[1]!];
  if (e.op === "add" && isProduct(b)) return op("fma", [b.args[0]!, b.args[1]!, a]);
  if (e.op === "add" && isProduct(a)) return op("fma", [a.args[0]!, a.args[1]!, b]);
  return e;
}
