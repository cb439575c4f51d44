/** Layouts of buffers: from a logical index to the place in memory. */
import { type Expr, type Var, variable } from "./expr.ts";
import type { Buffer, Layout, Scope } from "./stmt.ts";
import { substitute } from "./visit.ts";

/** The extents of the box of memory behind a buffer. */
export const physicalShape = (b: Buffer): readonly Expr[] => b.layout?.shape ?? b.shape;

/** The index of an element in that box, from its logical index. */
export function physicalIndex(b: Buffer, index: readonly Expr[]): readonly Expr[] {
  if (!b.layout) return index;
  const map = new Map<Var, Expr>(b.layout.vars.map((v, d) => [v, index[d]!]));
  return b.layout.index.map((e) => substitute(e, map));
}

/** The layout of a buffer, made explicit where it has none; `names` are those of its dimensions then. */
export function layoutOf(b: Buffer, names: readonly string[] = []): Layout {
  if (b.layout) return b.layout;
  const vars = b.shape.map((_, d) => variable(names[d] ?? `i${d}`));
  return { vars, index: vars, shape: b.shape, cells: vars, inverse: vars };
}

/** The same buffer in another scope. */
export const withScope = (b: Buffer, scope: Scope): Buffer => Object.freeze({ ...b, scope });
/** The same buffer elsewhere in memory. */
export function withLayout(b: Buffer, layout: Layout): Buffer {
  const { strides: _, ...rest } = b;
  return Object.freeze({ ...rest, layout });
}
