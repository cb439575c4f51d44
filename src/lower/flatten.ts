/**
 * Gives every buffer one dimension: accesses become element offsets by the buffer's strides (row-major when it names
 * none). Before: one index per dimension. After: one index, shapes of one extent. Returns which flat buffer stands for
 * which parameter.
 */
import { simplifyIndex } from "../arith/index.ts";
import { add, type Buffer, buffer, type Expr, type Func, int, load, mapExpr, mapStmt, mul, sub } from "../ir/index.ts";

export function flatten(f: Func): { func: Func; flat: ReadonlyMap<Buffer, Buffer> } {
  const flat = new Map<Buffer, Buffer>();
  const flatOf = (b: Buffer): Buffer => {
    let x = flat.get(b);
    if (x === undefined) {
      x = buffer(b.name, b.dtype, [elementsOf(b)], b.scope);
      flat.set(b, x);
    }
    return x;
  };
  const memo = new Map<Expr, Expr>();
  const fe = (e: Expr): Expr =>
    mapExpr(e, (x) => (x.kind === "load" ? load(flatOf(x.buffer), [offset(x.buffer, x.index)]) : x), memo);
  const body = mapStmt(
    f.body,
    (s) => {
      if (s.kind === "store") return { ...s, buffer: flatOf(s.buffer), index: [offset(s.buffer, s.index)] };
      return s.kind === "alloc" ? { ...s, buffer: flatOf(s.buffer) } : s;
    },
    fe,
  );
  return { func: { ...f, inputs: f.inputs.map(flatOf), outputs: f.outputs.map(flatOf), body }, flat };
}

/** Elements between neighbours in each dimension. */
export function stridesOf(b: Buffer): readonly Expr[] {
  if (b.strides) return b.strides;
  const out: Expr[] = [];
  let step: Expr = int(1);
  for (let d = b.shape.length - 1; d >= 0; d--) {
    out.unshift(step);
    step = simplifyIndex(mul(step, b.shape[d]!));
  }
  return out;
}
/** Elements from the first to just past the last. */
export function elementsOf(b: Buffer): Expr {
  if (!b.strides) return simplifyIndex(b.shape.reduce(mul, int(1)));
  const last = b.shape.map((n, d) => mul(sub(n, int(1)), b.strides![d]!)).reduce(add, int(1));
  return simplifyIndex(last);
}
const offset = (b: Buffer, index: readonly Expr[]): Expr => {
  const strides = stridesOf(b);
  return simplifyIndex(index.map((i, d) => mul(i, strides[d]!)).reduce(add, int(0)));
};
