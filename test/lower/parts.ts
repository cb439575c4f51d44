/** Short forms for building functions in the tests of lowering. */
import {
  add,
  type Block,
  type Buffer,
  buffer,
  constant,
  type DType,
  type Expr,
  type For,
  floordiv,
  int,
  type Stmt,
  type Var,
  variable,
} from "../../src/ir/index.ts";
import { block, dims, iter, loop } from "../ir/build.ts";

export { block, dims, func, gemm, iter, loop } from "../ir/build.ts";
export const size = (name: string, min = 0, max = 4096): Var =>
  variable(name, "i32", { size: { min, max, multipleOf: 1 } });
export const f32 = (x: number): Expr => constant("f32", x);
export const buf = (name: string, dtype: DType, ...shape: (number | Expr)[]): Buffer =>
  buffer(name, dtype, dims(...shape));
export const temp = (name: string, dtype: DType, ...shape: (number | Expr)[]): Buffer =>
  buffer(name, dtype, dims(...shape), "workspace");
export const local = (name: string, dtype: DType, ...shape: (number | Expr)[]): Buffer =>
  buffer(name, dtype, dims(...shape), "local");
export const vec = (v: Var, n: number | Expr, body: Stmt): For => loop(v, n, body, { loop: "vectorized" });
export const unrolled = (v: Var, n: number | Expr, body: Stmt): For => loop(v, n, body, { loop: "unrolled" });
export const ceil = (a: Expr, b: number): Expr => floordiv(add(a, int(b - 1)), int(b));

/** A loop of its own around a block of one axis. */
export function rows(
  name: string,
  extent: number | Expr,
  body: (v: Var) => Stmt,
  more: Partial<For> & { block?: Partial<Block> } = {},
): Stmt {
  const [i, vi] = [variable("i"), variable("vi")];
  const { block: b, ...l } = more;
  return loop(i, extent, block(name, [iter(vi, extent, i)], body(vi), b), l);
}
/** Statements by hand, outside blocks, as they are between passes. */
export const letIn = (v: Var, value: Expr, body: Stmt): Stmt => ({ kind: "let", var: v, value, body });
export const when = (condition: Expr, then: Stmt, otherwise?: Stmt): Stmt => ({
  kind: "if",
  condition,
  then,
  ...(otherwise ? { otherwise } : {}),
});
export const alloc = (b: Buffer, body: Stmt): Stmt => ({ kind: "alloc", buffer: b, body });
