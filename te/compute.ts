/** `compute`: a tensor, or several at once, from an expression per point. */
import { type Buffer, buffer, type Expr as Node } from "../src/ir/index.ts";
import { checkReads } from "./bounds.ts";
import { describe } from "./build.ts";
import { checkFunction, checkSize } from "./check.ts";
import { TeError } from "./error.ts";
import { Axis, isExpr } from "./expr.ts";
import { type AxisList, checkName, openAxes } from "./extent.ts";
import { checkParameters } from "./parameters.ts";
import { axisRecord, expectExpr } from "./reduce.ts";
import { inFrame } from "./scope.ts";
import { type Source, Tensor } from "./tensor.ts";
import type { AnyExpr, AxesSpec, Body, Computed, ExprRecord } from "./types.ts";

/**
 * A tensor whose element at each point of the axes is the body's expression; a record of expressions gives a record of
 * tensors, computed together. Axes are a record of named extents, or a shape (names i0, i1, ...; callback with one argument per axis).
 *
 *     const C = compute("C", { i: M, j: N }, ({ i, j }) => sum({ k: K }, ({ k }) => A.at(i, k).mul(B.at(k, j))));
 *     const R = compute("relu", x.shape, (...v) => x.at(...v).max(0));
 *
 * Throws TeError for bad names and extents, for a body that returns no expression, lets go of a comparison, uses an axis of
 * another tensor, or reads where it can't be proven to be inside (at the line of the read).
 */
export function compute<const N extends string, const A extends AxesSpec, R extends AnyExpr | ExprRecord>(
  name: N,
  axes: A,
  body: (...axes: Body<A>) => R,
): Computed<N, A, R> {
  checkName(name, "tensor");
  const list = openAxes(axes, name);
  checkFunction(body, `the body of "${name}"`, "({ i }) => A.at(i)");
  const call = (): unknown => (body as (...args: unknown[]) => unknown)(...bodyArgs(list));
  const parts = inFrame("compute", name, list.axes, call, (value) => {
    const result = resultParts(value, name, "body");
    return { result, nodes: result.nodes };
  });
  checkReads(name, parts.nodes, list.axes);
  return finish(name, list, parts, (outputs) => ({
    kind: "compute",
    name,
    axes: list.axes.map((a) => ({ var: a.var, extent: a.extent })),
    outputs,
    bodies: parts.nodes,
  })) as never;
}

export const bodyArgs = (list: AxisList): readonly unknown[] =>
  list.named ? [axisRecord(list.axes)] : list.axes.map((a) => new Axis(a.name, a.var));

/** One result (`keys` undefined), or named ones. */
export interface ResultParts {
  readonly keys: readonly string[] | undefined;
  readonly nodes: readonly Node[];
}

export function resultParts(value: unknown, owner: string, callback: string): ResultParts {
  const plain =
    typeof value === "object" && value !== null && [Object.prototype, null].includes(Object.getPrototypeOf(value));
  if (isExpr(value) || !plain) return { keys: undefined, nodes: [expectExpr(value, owner, callback).node] };
  const entries = Object.entries(value as object);
  if (entries.length === 0)
    throw new TeError("te.body", `the ${callback} of "${owner}" returned an empty record: nothing to compute`);
  for (const [k, e] of entries) {
    checkName(k, `"${owner}": result`);
    if (!isExpr(e))
      throw new TeError("te.body", `result "${k}" of "${owner}" is ${describe(e)}: expected an expression`);
  }
  return { keys: entries.map(([k]) => k), nodes: entries.map(([, e]) => (e as AnyExpr).node) };
}

/** Buffers, source and tensors around results. `shape` is that of every result. */
export function finish(
  name: string,
  list: AxisList,
  parts: ResultParts,
  source: (outputs: readonly Buffer[]) => Source,
  prepared?: readonly Buffer[],
): unknown {
  const outputs = prepared ?? outputBuffers(name, list, parts.keys, parts.nodes);
  const made = source(outputs);
  return finishTensors(
    name,
    outputs.map((buffer, n) => ({ key: parts.keys?.[n], buffer, list })),
    made,
  );
}
/** The tensors of a source: one (without a key), or a record of them. */
export function finishTensors(
  name: string,
  results: readonly { readonly key: string | undefined; readonly buffer: Buffer; readonly list: AxisList }[],
  source: Source,
): unknown {
  checkParameters(name, source);
  const tensors = results.map(({ buffer: b, list }) => {
    const axes = list.axes.map((a) => a.name);
    return new Tensor(b.name, b.dtype, list.shape, axes, b, source);
  });
  return results[0]!.key === undefined
    ? tensors[0]
    : Object.freeze(Object.fromEntries(results.map((r, n) => [r.key, tensors[n]])));
}

export const outputBuffers = (
  name: string,
  list: AxisList,
  keys: readonly string[] | undefined,
  nodes: readonly Node[],
): readonly Buffer[] => {
  checkSize(
    name,
    list.axes.map((a) => a.extent),
  );
  return nodes.map((e, n) =>
    buffer(
      keys === undefined ? name : `${name}.${keys[n]}`,
      e.dtype,
      list.axes.map((a) => a.extent),
    ),
  );
};
