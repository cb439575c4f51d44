/**
 * Intrinsics: hardware operations as data. What one computes is an expression that oracles can run, what it needs is stated,
 * and how each target emits it is a tree of instructions.
 */
import type { DType } from "./dtype.ts";
import { TilewrightError } from "./error.ts";
import type { Expr, Load, Reduce, Var } from "./expr.ts";
import { Names, printExpr } from "./print.ts";
import type { Buffer } from "./stmt.ts";

/** An axis of an intrinsic: `var` runs over [0, extent). */
export interface IntrinsicAxis {
  readonly var: Var;
  readonly extent: number;
}
/** A vector that goes in. In the body it is a read of `buffer`, row-major, so that each element is one lane. */
export interface IntrinsicOperand<N extends string = string> {
  readonly name: N;
  readonly buffer: Buffer;
  readonly dtype: DType;
  readonly lanes: number;
  /** Values outside of these bounds (inclusive) give results that differ between machines. */
  readonly range?: readonly [min: number, max: number];
}
/** An instruction over operands, as a tree; a node that stands in several places is computed once. */
export type IntrinsicCode =
  | { readonly kind: "operand"; readonly name: string }
  | {
      readonly kind: "instruction";
      /** By its official name, such as `i32x4.add`. */
      readonly name: string;
      /** Lane numbers, or the bytes of a constant. */
      readonly immediates: readonly number[];
      readonly args: readonly IntrinsicCode[];
    };
/** What a target must have beyond its base. */
export type IntrinsicFeature = "relaxed";

export interface Intrinsic<N extends string = string> {
  readonly kind: "intrinsic";
  readonly name: string;
  /** Lanes of the result, the last axis moving fastest. Reduction axes stand in the body. */
  readonly axes: readonly IntrinsicAxis[];
  readonly operands: readonly IntrinsicOperand<N>[];
  readonly dtype: DType;
  readonly lanes: number;
  /** A lane of the result over `axes`: element by element, a reduction, or an operand combined with a reduction. */
  readonly body: Expr;
  readonly features: readonly IntrinsicFeature[];
  readonly emit: { readonly wasm?: IntrinsicCode };
}

/** The reduction of an intrinsic's body and the operand it is combined with, where it has them. */
export function intrinsicParts(body: Expr): { readonly reduction?: Reduce; readonly accumulator?: Load } {
  if (body.kind === "reduce") return { reduction: body };
  if (body.kind !== "op" || body.args.length !== 2) return {};
  const [a, b] = body.args as [Expr, Expr];
  const [reduction, accumulator] = a.kind === "reduce" ? [a, b] : [b, a];
  return reduction.kind === "reduce" && accumulator.kind === "load" ? { reduction, accumulator } : {};
}
const registry = new Map<string, Intrinsic>();

function contentOf(x: Intrinsic): string {
  const names = new Names();
  const axes = x.axes.map((a) => `${names.of(a.var)}:${a.extent}`);
  const operands = x.operands.map((o) => `${names.of(o.buffer)}:${o.dtype}x${o.lanes}:${o.range ?? ""}`);
  const body = printExpr(x.body, names);
  return JSON.stringify([axes, operands, x.dtype, body, x.features, x.emit]);
}

/**
 * Makes an intrinsic known by its name, under which traces refer to it. One that says the same as another of its name is that
 * other one; throws TilewrightError (`intrinsic-name`) where they differ.
 */
export function registerIntrinsic<N extends string>(x: Intrinsic<N>): Intrinsic<N> {
  const old = registry.get(x.name);
  if (old === undefined) {
    registry.set(x.name, x);
    return x;
  }
  if (contentOf(old) !== contentOf(x))
    throw new TilewrightError(
      "intrinsic-name",
      `another intrinsic is named "${x.name}": give this one a name of its own`,
    );
  return old as Intrinsic<N>;
}
export const intrinsicNamed = (name: string): Intrinsic | undefined => registry.get(name);
export const intrinsicNames = (): readonly string[] => [...registry.keys()];
