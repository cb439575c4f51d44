/** Small functions by hand, for tests of the IR. */
import {
  add,
  type Block,
  type BlockIter,
  type Buffer,
  buffer,
  constant,
  type Expr,
  type For,
  type Func,
  type IterKind,
  int,
  load,
  mul,
  type Stmt,
  store,
  TRUE,
  type Var,
  variable,
} from "../../src/ir/index.ts";

export const loop = (v: Var, extent: number | Expr, body: Stmt, more: Partial<For> = {}): For => ({
  kind: "for",
  var: v,
  min: int(0),
  extent: typeof extent === "number" ? int(extent) : extent,
  loop: "serial",
  body,
  ...more,
});
export const iter = (v: Var, extent: number | Expr, binding: Expr, kind: IterKind = "spatial"): BlockIter => ({
  var: v,
  extent: typeof extent === "number" ? int(extent) : extent,
  kind,
  binding,
});
export const block = (name: string, iters: readonly BlockIter[], body: Stmt, more: Partial<Block> = {}): Block => ({
  kind: "block",
  id: { name },
  iters,
  predicate: TRUE,
  body,
  ...more,
});
export const dims = (...n: (number | Expr)[]): Expr[] => n.map((x) => (typeof x === "number" ? int(x) : x));
export const func = (
  name: string,
  inputs: Buffer[],
  outputs: Buffer[],
  body: Stmt,
  more: Partial<Func> = {},
): Func => ({
  name,
  inputs,
  outputs,
  sizes: [],
  scalars: [],
  intermediates: [],
  body,
  ...more,
});

export const zero = constant("f32", 0);

/** C = A * B as it is before any scheduling. */
export function gemm(M: number, N: number, K: number | Expr, more: Partial<Func> = {}): Func {
  const [A, B, C] = [buffer("A", "f32", dims(M, K)), buffer("B", "f32", dims(K, N)), buffer("C", "f32", dims(M, N))];
  const [i, j, k] = [variable("i"), variable("j"), variable("k")];
  const [vi, vj, vk] = [variable("vi"), variable("vj"), variable("vk")];
  const b = block(
    "C",
    [iter(vi, M, i), iter(vj, N, j), iter(vk, K, k, "reduction")],
    store(C, [vi, vj], add(load(C, [vi, vj]), mul(load(A, [vi, vk]), load(B, [vk, vj])))),
    { init: store(C, [vi, vj], zero) },
  );
  return func("gemm", [A, B], [C], loop(i, M, loop(j, N, loop(k, K, b))), more);
}
