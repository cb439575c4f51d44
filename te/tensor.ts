// biome-ignore-all lint/suspicious/noExplicitAny: `any` as a type argument means "whatever facts", and must not be checked
/** Tensors and the plain data behind them. Computations stay data here; createFunc turns them into loops. */
import {
  type Buffer,
  type Combiner,
  type DType,
  exprsOf,
  type Expr as Node,
  type Stmt,
  type Var,
  visitExpr,
  visitStmt,
} from "../src/ir/index.ts";
import { readTensor } from "./access.ts";
import type { Expr } from "./expr.ts";
import type { AnyTensor, Extent, IndexArgs, Read, Shape } from "./types.ts";

/** An axis of a computation: `var` runs over [0, extent). */
export interface TensorAxis {
  readonly var: Var;
  readonly extent: Node;
}
export interface PlaceholderSource {
  readonly kind: "placeholder";
}
/** `outputs[k]` at the axes is `bodies[k]`: expressions over the axes' variables, sizes and scalars; reductions inside. */
export interface ComputeSource {
  readonly kind: "compute";
  readonly name: string;
  readonly axes: readonly TensorAxis[];
  readonly outputs: readonly Buffer[];
  readonly bodies: readonly Node[];
}
/**
 * Step 0 is `inits[k]` (over `axes`), each later one `steps[k]` (over `ordered` and `axes`), in order. Steps read the state
 * before them as loads of `outputs[...]` at `ordered.var - 1`. Shape of every output: [ordered extent, ...extents of axes].
 */
export interface ScanSource {
  readonly kind: "scan";
  readonly name: string;
  readonly ordered: TensorAxis;
  readonly axes: readonly TensorAxis[];
  readonly outputs: readonly Buffer[];
  readonly inits: readonly Node[];
  readonly steps: readonly Node[];
}
/**
 * The result starts as `init` (over `axes`); then, for each point of `over` where `where` holds, the element at the position `at` is
 * combined with `value`. A position outside of the result is left out.
 */
export interface ScatterSource {
  readonly kind: "scatter";
  readonly name: string;
  readonly axes: readonly TensorAxis[];
  readonly over: readonly TensorAxis[];
  readonly outputs: readonly [Buffer];
  readonly combiner: Combiner;
  readonly init: Node;
  readonly where: Node | undefined;
  readonly at: readonly Node[];
  /** Per dimension: whether the position may be outside. */
  readonly checked: readonly boolean[];
  /** Evaluated only where the position is inside. */
  readonly value: Node;
}
/**
 * For each point of the axes the body, a statement over their variables, sizes and scalars: it writes the elements of the outputs
 * that stand at the axes (their leading dimensions), all of them, and memory that it allocates.
 */
export interface NestSource {
  readonly kind: "nest";
  readonly name: string;
  readonly axes: readonly TensorAxis[];
  readonly outputs: readonly Buffer[];
  readonly body: Stmt;
}
/** How a tensor's values come about. Results computed together share one source object. */
export type Source = PlaceholderSource | ComputeSource | ScanSource | ScatterSource | NestSource;

declare const facts: unique symbol;
export type FactsKey = typeof facts;
const TENSOR: unique symbol = Symbol.for("tilewright.tensor") as never;
const owners = new WeakMap<Buffer, AnyTensor>();

/**
 * A named array of values: an input, or the result of a computation. Made by `placeholder`, `compute`, `scan`, `scatter` and `nest`.
 *
 *     const A = placeholder("A", [512, 64]);            // A.shape is [512, 64], A.dtype "f32"
 *     const B = compute("B", { i: 512 }, ({ i }) => A.at(i, 0));
 *
 * Type parameters: dtype, names of axes, facts (inputs, sizes, reductions), shape, name.
 */
export class Tensor<
  D extends DType = DType,
  L extends string = string,
  F = any,
  S extends Shape = Shape,
  N extends string = string,
> {
  declare readonly [facts]: F;
  readonly name: N;
  readonly dtype: D;
  /** Extents as they were given: numbers, or expressions of symbolic sizes. */
  readonly shape: S;
  /** Names of the axes (i0, i1, ... for a computation over an array shape); empty for an input without named axes. */
  readonly axes: readonly L[];
  /** The memory that stands for this tensor in the IR. */
  readonly buffer: Buffer;
  readonly source: Source;

  constructor(name: N, dtype: D, shape: S, axes: readonly L[], buffer: Buffer, source: Source) {
    this.name = name;
    this.dtype = dtype;
    this.shape = shape;
    this.axes = axes;
    this.buffer = buffer;
    this.source = source;
    owners.set(buffer, this);
    Object.freeze(this);
  }
  get [TENSOR](): true {
    return true;
  }
  /**
   * The element at an index: one i32 expression or number per axis, or one record of them by axis name.
   *
   *     A.at(i, k.add(1))
   *     C.at({ j: 0, i })
   *
   * Throws TeError for a wrong rank, an unknown axis name, an index that is not i32, and (when the enclosing body closes, but
   * pointing here) an index that can't be proven inside the tensor. An index that depends on data is clamped (see `asserted`).
   */
  at(...index: IndexArgs<L, S>): Expr<D, Read<F>> {
    return readTensor(this, index as readonly unknown[]) as Expr<D, Read<F>>;
  }
  /** Templates and operators would otherwise turn a tensor into text. */
  [Symbol.toPrimitive](hint: string): string {
    if (hint === "string") return this.name;
    throw new TypeError(
      `tensor "${this.name}" in an arithmetic operator: read an element with .at(...) and use methods`,
    );
  }
}

/** Whether a value is a Tensor, of any copy of this package. */
export const isTensor = (x: unknown): x is AnyTensor => typeof x === "object" && x !== null && TENSOR in x;

/** The tensor that a buffer stands for. */
export const tensorOf = (buffer: Buffer): Tensor | undefined => owners.get(buffer);

/** The expressions that define a source: bodies, inits and steps, and whatever stands in statements. */
export function definitions(source: Source): readonly Node[] {
  switch (source.kind) {
    case "placeholder":
      return [];
    case "compute":
      return source.bodies;
    case "scan":
      return [...source.inits, ...source.steps];
    case "scatter":
      return [source.init, ...(source.where ? [source.where] : []), ...source.at, source.value];
    case "nest": {
      const out = new Set<Node>();
      visitStmt(source.body, (s) => {
        for (const e of exprsOf(s)) out.add(e);
      });
      return [...out];
    }
    default:
      return source satisfies never;
  }
}

/** Buffers that expressions read, in order of first appearance. */
export function buffersRead(list: readonly Node[]): Buffer[] {
  const out = new Set<Buffer>();
  const seen = new Set<Node>();
  for (const e of list) visitExpr(e, (x) => void (x.kind === "load" && out.add(x.buffer)), seen);
  return [...out];
}

/**
 * Every tensor that the outputs need, inputs included, each after all that it reads. Results that are computed together
 * stand together, also those that nobody asked for. `sourceOf` may name another source than a tensor's own, for the same outputs.
 */
export function reachable(outputs: readonly Tensor[], sourceOf: (t: Tensor) => Source = (t) => t.source): Tensor[] {
  const done = new Set<Source | Tensor>();
  const order: Tensor[] = [];
  const visit = (t: Tensor): void => {
    const source = sourceOf(t);
    const unit = source.kind === "placeholder" ? t : source;
    if (done.has(unit)) return;
    done.add(unit);
    const own: readonly Buffer[] = source.kind === "placeholder" ? [t.buffer] : source.outputs;
    for (const b of buffersRead(definitions(source))) {
      const read = tensorOf(b);
      // some read what they wrote before
      if (read !== undefined && !own.includes(b)) visit(read);
    }
    order.push(...own.map((b) => tensorOf(b)!));
  };
  for (const t of outputs) visit(t);
  return order;
}

export type { Extent, Shape };
