/**
 * Leaves only what the target has: f16 becomes f32 with rounding, math functions become polynomials, operations without an
 * instruction become sequences of ones that have.
 *
 * `legalizeValues` runs on vectors of any width and leaves indices alone, which must stay readable for the passes that
 * follow. `legalizeRest` runs last, on the scalars of addresses, conditions and loop bounds, which data may decide by any function.
 */
import {
  type Buffer,
  buffer,
  children,
  type Expr,
  type Func,
  type Load,
  mapExpr,
  mapExprs,
  mapStmt,
  type Stmt,
  type Var,
  variable,
  withBody,
  withChildren,
} from "../ir/index.ts";
import type { Target } from "../target/index.ts";
import { expandMath, legalizeF16, legalizeOps } from "./legalize/index.ts";

export function legalizeValues(f: Func, target: Target): Func {
  const replaced = new Map<Buffer, Buffer>();
  const replace = (b: Buffer): Buffer => {
    let r = replaced.get(b);
    if (!r) {
      // In registers an f16 is held as the f32 of the same value.
      r = buffer(b.name, b.scope === "local" ? "f32" : "u16", b.shape, b.scope, b.strides);
      replaced.set(b, r);
    }
    return r;
  };
  const flat = (b: Buffer): Buffer => (b.dtype === "f16" ? replace(b) : b);
  const legal = (e: Expr): Expr => {
    // Loads stand aside as variables meanwhile, so that their indices are not rewritten.
    const holes = new Map<Load, Var>();
    const back = new Map<Expr, Expr>();
    const memo = new Map<Expr, Expr>();
    const abstract = (x: Expr): Expr => {
      const old = memo.get(x);
      if (old) return old;
      let r: Expr;
      if (x.kind === "load") {
        const hole = holes.get(x) ?? variable(x.buffer.name, x.dtype, { lanes: x.lanes });
        holes.set(x, hole);
        back.set(hole, x);
        r = hole;
      } else r = withChildren(x, children(x).map(abstract));
      memo.set(x, r);
      return r;
    };
    const done = legalizeOps(expandMath(abstract(e), target), target);
    return back.size === 0 ? done : mapExpr(done, (x) => back.get(x) ?? x);
  };
  const go = (s: Stmt): Stmt => {
    if (s.kind === "store" || s.kind === "let" || s.kind === "assign") return { ...s, value: legal(s.value) };
    return s;
  };
  const body = mapStmt(legalizeF16(f.body, replace), go);
  return withBody({ ...f, inputs: f.inputs.map(flat), outputs: f.outputs.map(flat) }, body);
}

export function legalizeRest(s: Stmt, target: Target): Stmt {
  const memo = new Map<Expr, Expr>();
  return mapExprs(s, (e) => legalizeOps(expandMath(e, target), target, {}, memo));
}
