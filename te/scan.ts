// biome-ignore-all lint/suspicious/noExplicitAny: `any` as a type argument means "whatever facts", and must not be checked
/** `scan`: a tensor built step by step along an ordered axis, each step reading the one before. */
import { type DType, ge, int, type Expr as Node, sub } from "../src/ir/index.ts";
import { type IndexList, indexList, type Readable, readAt } from "./access.ts";
import { checkReads } from "./bounds.ts";
import { describe, operand } from "./build.ts";
import { checkFunction, checkOptions, isRecord } from "./check.ts";
import { finish, outputBuffers, type ResultParts, resultParts } from "./compute.ts";
import { TeError } from "./error.ts";
import { type Expr, wrap } from "./expr.ts";
import { type AxisList, checkName, openAxes } from "./extent.ts";
import { axisRecord } from "./reduce.ts";
import { inFrame, quote } from "./scope.ts";
import type { Tensor } from "./tensor.ts";
import type { AnyExpr, Axes, ExprRecord, Extent, FactsOf, Index, Named, Names, SizeOf, Vals } from "./types.ts";

/** Reads the state of the step before, at any position: indices in the order of the axes, or one record by name. */
export type PreviousAt<D extends DType, A> = (
  ...index: readonly Index[] | [{ readonly [K in Names<A>]: Index }]
) => Expr<D, never>;
export type Previous<R, A> = [R] extends [Expr<infer D, any>]
  ? PreviousAt<D, A>
  : { readonly [K in Names<R>]: R[K] extends Expr<infer D, any> ? PreviousAt<D, A> : never };
/** What a step returns: as `init`, dtype by dtype. */
export type StepOf<R> = [R] extends [Expr<infer D, any>]
  ? Expr<D, any>
  : { readonly [K in Names<R>]: R[K] extends Expr<infer D, any> ? Expr<D, any> : never };
export type PartFacts<R> = [R] extends [Expr<any, infer F>] ? F : FactsOf<R[keyof R]>;
export type ScanFacts<T, A, R, Q> = PartFacts<R> | PartFacts<Q> | SizeOf<Vals<T>> | SizeOf<Vals<A>>;
export type Scanned<N extends string, T, A, R, Q> = [R] extends [Expr<infer D, any>]
  ? Tensor<D, Names<T> | Names<A>, ScanFacts<T, A, R, Q>, readonly Extent[], N>
  : {
      readonly [K in Names<R>]: R[K] extends Expr<infer D, any>
        ? Tensor<D, Names<T> | Names<A>, ScanFacts<T, A, R, Q>, readonly Extent[], `${N}.${K}`>
        : never;
    };
export interface ScanSpec<T, A, R, Q> {
  /** The state at step 0. */
  readonly init: (axes: Axes<A>) => R;
  /** The state at step t > 0. */
  readonly step: (axes: Axes<T & A>, previous: Previous<R, A>) => Q;
}

/**
 * A recurrence over one ordered axis; shape [T, ...axes], every step kept. Records from `init` and `step` make several states.
 *
 *     const S = scan("S", { t: T }, { i: N }, {
 *       init: ({ i }) => X.at(0, i), step: ({ t, i }, prev) => prev(i).add(X.at(t, i)) });
 *
 * Throws TeError as `compute` does, for a reduction inside (compute it as a tensor first), and where `step` differs from `init`
 * in names or dtypes.
 */
export function scan<
  const N extends string,
  const T extends Named,
  const A extends Named,
  R extends AnyExpr | ExprRecord,
  Q extends StepOf<R>,
>(name: N, ordered: T, axes: A, spec: ScanSpec<T, A, R, Q>): Scanned<N, T, A, R, Q> {
  checkName(name, "tensor");
  if (!isRecord(spec))
    throw new TeError("te.body", `scan "${name}": expected { init, step }, but was given ${describe(spec)}`);
  checkOptions(spec, ["init", "step"], `scan "${name}"`);
  checkFunction(spec.init, `init of scan "${name}"`, "({ i }) => A.at(0, i)");
  checkFunction(spec.step, `step of scan "${name}"`, "({ t, i }, previous) => previous(i)");
  const time = openAxes(ordered, name);
  const space = openAxes(axes, name);
  const [t, ...more] = time.axes;
  if (t === undefined || more.length > 0)
    throw new TeError(
      "te.extent",
      `scan "${name}": expected one ordered axis, as in { t: 100 }, but was given ${time.axes.length}`,
    );
  if (space.axes.some((a) => a.name === t.name))
    throw new TeError(
      "te.shadow",
      `scan "${name}": the ordered axis "${t.name}" and an axis of the state share their name`,
    );
  const all: AxisList = { axes: [t, ...space.axes], shape: [...time.shape, ...space.shape], named: true };

  const parts = (callback: string) => (value: unknown) => {
    const result = resultParts(value, name, callback);
    return { result, nodes: result.nodes };
  };
  // a state exists only where there is a step 0
  const exists = [ge(t.extent, int(1))];
  const init = inFrame(
    "scan",
    name,
    space.axes,
    () => spec.init(axisRecord(space.axes) as never),
    parts("init"),
    exists,
  );
  checkReads(name, init.nodes, space.axes, exists);

  const outputs = outputBuffers(name, all, init.keys, init.nodes);
  const spaceNames = space.axes.map((a) => a.name);
  const before = sub(t.var, int(1));
  const readers = outputs.map((buffer) => {
    // the state at one step, as users index it: without the ordered axis
    const state: Readable = {
      name: `previous ${buffer.name}`,
      axes: spaceNames,
      buffer: { ...buffer, shape: buffer.shape.slice(1) },
    };
    const previous = (...args: readonly unknown[]): never => {
      const list = indexList(state, args);
      const index: IndexList = { nodes: [before, ...list.nodes], asserted: [false, ...list.asserted] };
      return wrap(readAt({ name: buffer.name, axes: all.axes.map((a) => a.name), buffer }, index, previous as never));
    };
    return previous;
  });
  const previous = init.keys === undefined ? readers[0] : Object.fromEntries(init.keys.map((k, n) => [k, readers[n]]));
  const started = [ge(t.var, int(1))];
  const step = inFrame(
    "scan",
    name,
    all.axes,
    () => spec.step(axisRecord(all.axes) as never, previous as never),
    parts("step"),
    started,
  );
  const steps = matchStates(name, init, step);
  checkReads(name, steps, all.axes, started);
  return finish(
    name,
    all,
    init,
    (made) => ({
      kind: "scan",
      name,
      ordered: { var: t.var, extent: t.extent },
      axes: space.axes.map((a) => ({ var: a.var, extent: a.extent })),
      outputs: made,
      inits: init.nodes,
      steps,
    }),
    outputs,
  ) as never;
}

/** The steps in the order of the inits. */
function matchStates(name: string, init: ResultParts, step: ResultParts): Node[] {
  const [a, b] = [init.keys ?? [""], step.keys ?? [""]];
  if (a.length !== b.length || a.some((k) => !b.includes(k)))
    throw new TeError("te.body", `scan "${name}": init returns ${states(init)}, but step returns ${states(step)}`);
  return a.map((k, n) =>
    operand({ node: step.nodes[b.indexOf(k)]!, dtype: "" }, init.nodes[n]!.dtype, `step of scan "${name}"`),
  );
}
const states = (p: ResultParts): string => (p.keys === undefined ? "one expression" : `a record of ${quote(p.keys)}`);
