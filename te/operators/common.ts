// biome-ignore-all lint/suspicious/noExplicitAny: `any` as a type argument means "whatever facts", and must not be checked
/** What operators share: arguments checked under the operator's name, extents compared and computed, indices in records. */
import { Facts, prove } from "../../src/arith/index.ts";
import { constInt, type DType, eq, isFloat, printExpr } from "../../src/ir/index.ts";
import { checkOptions } from "../check.ts";
import { TeError, type TeErrorCode } from "../error.ts";
import type { Expr } from "../expr.ts";
import { checkName, extentNode } from "../extent.ts";
import { isTensor, type Tensor } from "../tensor.ts";
import { describe } from "../text.ts";
import type { AnyTensor, Extent, FactsOf, Index, Read, Shape } from "../types.ts";

/** A tensor of one of the dtypes, whatever else it is. */
export type TensorOf<D extends DType> = Tensor<D, any, any, any, any>;
/** What results carry on from the operands they read. */
export type Carried<X> = Read<FactsOf<X>>;
/** The shape of an operand, as far as types know it. */
export type ShapeIn<X> = X extends Tensor<any, any, any, infer S, any> ? S : Shape;
/** Operands inside of operators: element reads are of whatever the operator's signature admitted. */
export type Values = Tensor<any, string, any, Shape, string>;

/** One call of an operator: its errors begin with the operator's and the result's name. */
export class Call {
  readonly title: string;
  constructor(operator: string, name: unknown) {
    checkName(name, "tensor");
    this.title = `${operator} "${String(name)}"`;
  }
  error(code: TeErrorCode, why: string): TeError {
    return new TeError(code, `${this.title}: ${why}`);
  }
  /** An operand that must be a tensor. */
  tensor(x: unknown, role: string): Values {
    if (!isTensor(x)) throw this.error("te.body", `${role} is ${describe(x)}: expected a tensor`);
    return x;
  }
  /** An operand that must be a tensor of numbers. */
  numeric(x: unknown, role: string): Values {
    const t = this.tensor(x, role);
    if (t.dtype === "bool")
      throw this.error("te.dtype", `${role} "${t.name}" is bool: expected numbers; cast("u8") them in a compute first`);
    return t;
  }
  /** An operand that must be a tensor of f64, f32 or f16. */
  float(x: unknown, role: string): Values {
    const t = this.tensor(x, role);
    if (!isFloat(t.dtype))
      throw this.error(
        "te.dtype",
        `${role} "${t.name}" is ${t.dtype}: expected f64, f32 or f16; cast("f32") it in a compute first`,
      );
    return t;
  }
  sameDType(a: Values, b: Values): void {
    if (a.dtype !== b.dtype)
      throw this.error(
        "te.dtype",
        `"${a.name}" is ${a.dtype}, but "${b.name}" is ${b.dtype}: cast one of them in a compute first`,
      );
  }
  rank(t: Values, role: string, low: number, layout: string, high = low): void {
    const r = t.shape.length;
    if (r >= low && r <= high) return;
    const wanted = low === high ? `${low}` : high === Infinity ? `at least ${low}` : `${low} to ${high}`;
    throw this.error(
      "te.rank",
      `${role} "${t.name}" has ${r} axes, ${shapeText(t.shape)}: expected ${wanted}, ${layout}`,
    );
  }
  /** Throws unless two extents are the same for all sizes. */
  same(a: Extent, b: Extent, whatA: string, whatB: string): void {
    if (!sameExtent(a, b))
      throw this.error("te.extent", `${whatA} is ${extentText(a)}, but ${whatB} is ${extentText(b)}: they must agree`);
  }
  options(x: unknown, known: readonly string[]): void {
    checkOptions(x, known, this.title);
  }
  /** An option that is true or false. */
  flag(x: unknown, option: string, otherwise = false): boolean {
    if (x === undefined) return otherwise;
    if (typeof x !== "boolean") throw this.error("te.option", `${option} is ${describe(x)}: expected true or false`);
    return x;
  }
  /** An option that is a finite number. */
  number(x: unknown, option: string, otherwise: number): number {
    if (x === undefined) return otherwise;
    if (typeof x !== "number" || !Number.isFinite(x))
      throw this.error("te.option", `${option} is ${describe(x)}: expected a finite number`);
    return x;
  }
  /** An option that is a whole number within bounds. */
  whole(x: unknown, option: string, low: number, high = 2 ** 31 - 1): number {
    if (typeof x !== "number" || !Number.isInteger(x) || x < low || x > high) {
      const range = high === 2 ** 31 - 1 ? `, ${low} or more` : ` from ${low} to ${high}`;
      throw this.error("te.option", `${option} is ${describe(x)}: expected a whole number${range}`);
    }
    return x;
  }
  /** An option that is one of some texts. */
  oneOf<const T extends string>(x: unknown, option: string, known: readonly T[], otherwise: T): T {
    if (x === undefined) return otherwise;
    const found = known.find((k) => k === x);
    if (found === undefined)
      throw this.error(
        "te.option",
        `${option} is ${typeof x === "string" ? `"${x}"` : describe(x)}: expected one of ${known.map((k) => `"${k}"`).join(", ")}`,
      );
    return found;
  }
  /** An axis by its position; negative ones count from the end. */
  axis(x: unknown, rank: number, option = "axis"): number {
    if (rank === 0) throw this.error("te.rank", `${option} is ${describe(x)}, but there are no axes`);
    const d = this.whole(x, option, -rank, rank - 1);
    return d < 0 ? d + rank : d;
  }
  /** Several different axes, in ascending order; all of them where nothing is said. */
  axes(x: unknown, rank: number, option = "axes"): readonly number[] {
    if (x === undefined) return Array.from({ length: rank }, (_, d) => d);
    const list = (Array.isArray(x) ? x : [x]).map((a) => this.axis(a, rank, option));
    if (new Set(list).size !== list.length)
      throw this.error("te.option", `${option} names an axis twice: [${list.join(", ")}]`);
    return list.sort((a, b) => a - b);
  }
}

/** Whether two extents are the same for all sizes. */
export function sameExtent(a: Extent, b: Extent): boolean {
  const [x, y] = [extentNode(a, "an operand"), extentNode(b, "an operand")];
  return x === y || prove(eq(x, y), Facts.empty);
}
/** The extent as a number, where it is one. */
export const known = (x: Extent): number | undefined => constInt(extentNode(x, "an operand"));
export const isOne = (x: Extent): boolean => known(x) === 1;
export const extentText = (x: Extent): string => printExpr(extentNode(x, "an operand"));
export const shapeText = (s: Shape): string => `[${s.map(extentText).join(", ")}]`;

/** a + b, as a number where both are. */
export function plus(a: Extent, b: Extent): Extent {
  if (typeof b !== "number") return typeof a === "number" ? plus(b, a) : a.add(b);
  if (typeof a === "number") return a + b;
  return b === 0 ? a : b < 0 ? a.sub(-b) : a.add(b);
}
/** a * n, as a number where a is one. */
export const times = (a: Extent, n: number): Extent => (typeof a === "number" ? a * n : n === 1 ? a : a.mul(n));
/** a / n rounded down, as a number where a is one. */
export const quotient = (a: Extent, n: number): Extent =>
  typeof a === "number" ? Math.floor(a / n) : n === 1 ? a : a.div(n);

/** index * stride + offset, without what does nothing. */
export function affineIndex(i: Expr<"i32", any>, stride: number, offset: Index): Expr<"i32", any> {
  const scaled = stride === 1 ? i : i.mul(stride);
  return offset === 0 ? scaled : scaled.add(offset);
}

export type IndexRecord = Readonly<Record<string, Expr<"i32", any>>>;
/** Names with their extents, for `compute` and reductions. */
export const record = (names: readonly string[], extents: Shape): Record<string, Extent> =>
  Object.fromEntries(names.map((n, d) => [n, extents[d]!]));

export type { AnyTensor };
