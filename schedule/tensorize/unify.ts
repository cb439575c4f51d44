/** Finding what the operands of an intrinsic stand for in a program, and where the two first differ. */
import { isLossless } from "../../src/arith/index.ts";
import { type Buffer, type DType, type Expr, isInteger, type Load, opInfo } from "../../src/ir/index.ts";
import { type BoundsOf, inDType } from "./canonical.ts";

/** What operands stand for, by the buffers that they are in the semantics. */
export type Bindings = ReadonlyMap<Buffer, Expr>;
export interface Difference {
  readonly pattern: Expr;
  readonly program: Expr;
  readonly why: string;
}

export class Unifier {
  readonly #bounds: BoundsOf;
  #furthest = -1;
  /** Where the attempt that went furthest failed. */
  difference: Difference | undefined;

  constructor(bounds: BoundsOf) {
    this.#bounds = bounds;
  }

  /** Every way to see `program` as `pattern`, whose loads are operands. */
  *all(pattern: Expr, program: Expr, bound: Bindings, matched = 0): Generator<Bindings> {
    if (pattern.kind === "load") {
      yield* this.#bind(pattern, program, program, bound, matched);
      return;
    }
    const operand = widened(pattern);
    if (operand !== undefined && pattern.dtype === program.dtype) {
      const narrow = inDType(program, operand.dtype, this.#bounds);
      if (narrow !== undefined) yield* this.#bind(operand, narrow, program, bound, matched);
      else this.#fail(pattern, program, `its values are not known to be ${operand.dtype}`, matched);
      return;
    }
    if (pattern.dtype !== program.dtype)
      return this.#fail(pattern, program, `${program.dtype} here, ${pattern.dtype} there`, matched);
    if (pattern.kind === "const" || program.kind !== "op" || pattern.kind !== "op") {
      if (pattern === program) yield bound;
      else this.#fail(pattern, program, "another expression", matched);
      return;
    }
    if (pattern.op !== program.op)
      return this.#fail(pattern, program, `${program.op} here, ${pattern.op} there`, matched);
    for (const args of this.#orders(pattern, program)) yield* this.#args(args, bound, matched + 1);
  }

  *#args(pairs: readonly (readonly [Expr, Expr])[], bound: Bindings, matched: number): Generator<Bindings> {
    const [first, ...rest] = pairs;
    if (first === undefined) {
      yield bound;
      return;
    }
    for (const b of this.all(first[0], first[1], bound, matched)) yield* this.#args(rest, b, matched + 1);
  }

  *#bind(operand: Load, value: Expr, program: Expr, bound: Bindings, matched: number): Generator<Bindings> {
    const old = bound.get(operand.buffer);
    if (value.dtype !== operand.dtype)
      this.#fail(operand, program, `${value.dtype} here, ${operand.dtype} there`, matched);
    else if (old !== undefined && old !== value)
      this.#fail(operand, program, "one operand stands for two expressions", matched);
    else yield new Map(bound).set(operand.buffer, value);
  }

  /** The operands side by side, in every order that means the same. */
  *#orders(p: Expr & { kind: "op" }, e: Expr & { kind: "op" }): Generator<readonly (readonly [Expr, Expr])[]> {
    if (!opInfo(p.op).commutative) {
      yield p.args.map((a, i) => [a, e.args[i]!] as const);
      return;
    }
    const [a, b] = [terms(p), terms(e)];
    const many = a.length === b.length && a.length <= MOST_TERMS;
    const [left, right] = many ? [a, b] : [p.args, e.args];
    for (const order of permutations(right)) yield left.map((x, i) => [x, order[i]!] as const);
  }

  #fail(pattern: Expr, program: Expr, why: string, matched: number): void {
    if (matched <= this.#furthest) return;
    this.#furthest = matched;
    this.difference = { pattern, program, why };
  }
}
const MOST_TERMS = 5;

/** The operand under a conversion that keeps its values. */
function widened(e: Expr): Load | undefined {
  if (e.kind !== "op" || e.op !== "cast") return undefined;
  const x = e.args[0]!;
  return x.kind === "load" && isLossless(x.dtype, e.dtype) ? x : undefined;
}

const regroups = (op: (Expr & { kind: "op" })["op"], d: DType): boolean =>
  opInfo(op).associative === true && (isInteger(d) || d === "bool" || op === "min" || op === "max");
/** The operands of a chain of one associative operation. */
export function terms(e: Expr & { kind: "op" }): readonly Expr[] {
  if (!regroups(e.op, e.dtype)) return e.args;
  return e.args.flatMap((a) => (a.kind === "op" && a.op === e.op && a.dtype === e.dtype ? terms(a) : [a]));
}
function* permutations<T>(list: readonly T[]): Generator<readonly T[]> {
  if (list.length <= 1) yield list;
  for (const [i, x] of list.entries())
    if (list.length > 1)
      for (const rest of permutations([...list.slice(0, i), ...list.slice(i + 1)])) yield [x, ...rest];
}
