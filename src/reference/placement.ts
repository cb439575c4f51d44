/** Where elements of a buffer with a layout lie, evaluated: physical, whatever the map, so that a wrong one is seen. */
import type { Align, Buffer, Expr, Layout, Var } from "../ir/index.ts";
import { InterpretError } from "./arrays.ts";
import { ExprCompiler, type Memory } from "./expr.ts";

export interface Placement {
  /** Elements of the box of memory. */
  readonly span: number;
  /** The position of an element. */
  readonly at: (index: readonly number[]) => number;
}

/** Elements from the first to just past the last. */
export const spanOf = (shape: readonly number[], strides: readonly number[]): number =>
  shape.some((n) => n <= 0) ? 0 : shape.reduce((s, n, d) => s + (n - 1) * strides[d]!, 1);

export function denseStrides(shape: readonly number[], align: readonly Align[] = []): number[] {
  const out: number[] = [];
  let step = 1;
  for (let d = shape.length - 1; d >= 0; d--) {
    const a = align.find((x) => x.dim === d);
    if (a) while (step % a.factor !== a.offset) step++;
    out.unshift(step);
    step *= shape[d]!;
  }
  return out;
}

/** `bind` gives values to sizes. */
export function placementOf(b: Buffer, l: Layout, memory: Memory, bind: (c: ExprCompiler) => void): Placement {
  const c = new ExprCompiler(memory);
  bind(c);
  const all = (list: readonly Expr[]): (() => number[]) => {
    const begin = c.begin(list);
    const fs = list.map((e) => c.number(e));
    return () => {
      begin();
      return fs.map((f) => f());
    };
  };
  const shape = all(l.shape)();
  const strides = denseStrides(shape, l.align);
  const cells = l.vars.map((v: Var) => c.cell(v));
  const map = all(l.index);
  const at = (index: readonly number[]): number => {
    for (const [d, x] of cells.entries()) x.v = index[d]!;
    const place = map();
    if (place.some((i, d) => !(i >= 0 && i < shape[d]!)))
      throw new InterpretError(
        `${b.name}[${index.join(", ")}] lies at [${place.join(", ")}], outside of its memory [${shape.join(", ")}]`,
      );
    return place.reduce((n, i, d) => n + i * strides[d]!, 0);
  };
  return { span: spanOf(shape, strides), at };
}
