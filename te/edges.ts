/**
 * Boundary conditions: functions that wrap a tensor into something read at any index, inside or outside.
 *
 *     const e = repeatEdge(image);
 *     compute("dx", { y: h, x: w }, ({ y, x }) => e.at(y, x.add(1)).sub(e.at(y, x.sub(1))));
 */
import {
  and,
  type DType,
  floormod,
  int,
  load,
  max,
  min,
  mul,
  type Expr as Node,
  sub,
  where as whereNode,
} from "../src/ir/index.ts";
import { clampIndex, indexList, last, missingConditions, type Readable, readAt, unlessEmpty } from "./access.ts";
import { describe, operand } from "./build.ts";
import { checkOptions } from "./check.ts";
import { TeError } from "./error.ts";
import { type Expr, wrap } from "./expr.ts";
import { openFacts } from "./scope.ts";
import { isTensor, type Tensor } from "./tensor.ts";
import type { Arg, IndexArgs, Read, Shape } from "./types.ts";

/** A tensor that may be read beyond its edges. */
export interface EdgeReader<D extends DType, L extends string, F, S extends Shape> {
  readonly name: string;
  readonly dtype: D;
  readonly shape: S;
  readonly axes: readonly L[];
  at(...index: IndexArgs<L, S>): Expr<D, Read<F>>;
}

type AtNodes = (index: readonly Node[]) => Node;
function reader<D extends DType, L extends string, F, S extends Shape>(
  t: Tensor<D, L, never, S, string>,
  at: AtNodes,
): EdgeReader<D, L, F, S> {
  const read = (...index: readonly unknown[]): never => wrap(at(indexList(t as Readable, index).nodes));
  return Object.freeze({ name: t.name, dtype: t.dtype, shape: t.shape, axes: t.axes, at: read });
}

function checkTensor(edge: string, t: unknown): void {
  if (!isTensor(t)) throw new TeError("te.body", `${edge} of ${describe(t)}: expected a tensor, as in ${edge}(A)`);
}

/** Every index moved inside, dimension by dimension. */
function moved<D extends DType, L extends string, F, S extends Shape>(
  t: Tensor<D, L, F, S, string>,
  move: (index: Node, extent: Node) => Node,
): EdgeReader<D, L, F, S> {
  return reader(t as never, (index) => {
    const facts = openFacts();
    const forced: Node[] = [];
    const nodes = index.map((i, d) => {
      const extent = t.buffer.shape[d]!;
      if (missingConditions(i, extent, facts).length === 0) return i;
      forced.push(extent);
      return move(i, extent);
    });
    const read = readAt(t as Readable, { nodes, asserted: nodes.map(() => false) }, t.at);
    return unlessEmpty(read, forced, facts);
  });
}

/** Outside of the tensor is `value`. Outside elements are not read. */
export function constantEdge<D extends DType, L extends string, F, S extends Shape, G = never>(
  t: Tensor<D, L, F, S, string>,
  value: Arg<D, G>,
): EdgeReader<D, L, F | G, S> {
  checkTensor("constantEdge", t);
  operand(value, t.dtype, `constantEdge of "${t.name}"`);
  return reader(t as never, (index) => {
    const outside = operand(value, t.dtype, `constantEdge of "${t.name}"`);
    const conditions = index.flatMap((i, d) => missingConditions(i, t.buffer.shape[d]!, openFacts()));
    if (conditions.length === 0) return readAt(t as Readable, { nodes: index, asserted: index.map(() => false) }, t.at);
    return whereNode(conditions.reduce(and), load(t.buffer, index), outside);
  });
}
/** Outside continues with the nearest element: a b c c c. */
export function repeatEdge<D extends DType, L extends string, F, S extends Shape>(
  t: Tensor<D, L, F, S, string>,
): EdgeReader<D, L, F, S> {
  checkTensor("repeatEdge", t);
  return moved(t, clampIndex);
}
/** Outside begins again on the other side: a b c a b. */
export function wrapEdge<D extends DType, L extends string, F, S extends Shape>(
  t: Tensor<D, L, F, S, string>,
): EdgeReader<D, L, F, S> {
  checkTensor("wrapEdge", t);
  return moved(t, (i, extent) => {
    const wrapped = floormod(i, extent);
    // a remainder by a symbolic extent is inside only where the extent isn't 0; the clamp says so in a way that is easily proven
    return missingConditions(wrapped, extent, openFacts()).length === 0 ? wrapped : clampIndex(wrapped, extent);
  });
}
/** Outside goes back the way it came, the edge element twice (a b c c b) or, with `{ edge: "once" }`, once (a b c b a). */
export function mirrorEdge<D extends DType, L extends string, F, S extends Shape>(
  t: Tensor<D, L, F, S, string>,
  options: { readonly edge?: "once" | "twice" } = {},
): EdgeReader<D, L, F, S> {
  checkTensor("mirrorEdge", t);
  checkOptions(options, ["edge"], `mirrorEdge of "${t.name}"`);
  if (options.edge !== undefined && options.edge !== "once" && options.edge !== "twice")
    throw new TeError(
      "te.option",
      `mirrorEdge of "${t.name}": edge is ${JSON.stringify(options.edge) ?? "no text"}: expected "once" or "twice"`,
    );
  const once = options.edge === "once";
  return moved(t, (i, extent) => {
    // a period is there and back; the outer min adds nothing, but makes the bound obvious
    const n = once ? last(extent) : extent;
    const period = mul(n, int(2));
    const there = floormod(i, period);
    const back = sub(once ? period : sub(period, int(1)), there);
    return max(min(min(there, back), last(extent)), int(0));
  });
}
