/**
 * Leaves only what the target has: f16 becomes f32 with rounding, math functions become polynomials, operations without an
 * instruction become sequences of ones that have. Before: vectors of any width. After: the same, in legal operations.
 */
import { type Buffer, buffer, type Expr, type Func, mapExprs, withBody } from "../ir/index.ts";
import type { Target } from "../target/index.ts";
import { expandMath, legalizeF16, legalizeOps } from "./legalize/index.ts";

export function legalize(f: Func, target: Target): Func {
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
  const body = legalizeF16(f.body, replace);
  const fe = (e: Expr): Expr => legalizeOps(expandMath(e, target), target);
  return withBody({ ...f, inputs: f.inputs.map(flat), outputs: f.outputs.map(flat) }, mapExprs(body, fe));
}
