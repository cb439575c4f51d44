/**
 * Contracts a * b + c to a fused multiply-add where the target has one for vectors and the caller allows it. Changes
 * rounding (one instead of two), never more. Before and after: vectors fit registers.
 */
import { broadcast, constant, type Expr, type Func, mapExpr, mapExprs, type Op, op, withBody } from "../ir/index.ts";
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
  if (e.op === "sub" && isProduct(b)) {
    const n = b.args.findIndex((x) => negated(x) !== undefined);
    if (n >= 0) return op("fma", [b.args[1 - n]!, negated(b.args[n]!)!, a]);
  }
  return e;
}
/** A constant with the other sign, so that subtracting a multiple is adding one; exact for floats. */
function negated(e: Expr): Expr | undefined {
  if (e.kind === "broadcast") {
    const v = negated(e.value);
    return v && broadcast(v, e.lanes);
  }
  return e.kind === "const" ? constant(e.dtype, -Number(e.value), e.lanes) : undefined;
}
