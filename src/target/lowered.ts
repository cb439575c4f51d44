/**
 * What lowering hands to a code generator: a function of scalars and pointers over linear memory.
 *
 * The body holds serial For, If, Store, Seq, Let and Assign. Every access goes through a buffer of scope `address`, whose one
 * index is a byte address: a scalar, or for a dense vector `ramp(address, bytes of an element, lanes)`. In an address of
 * the form `add(x, c)` with a constant c >= 0, x is known not to wrap, so c may become an immediate offset.
 */
import type { Stmt, Var } from "../ir/index.ts";
import type { Abi } from "./abi.ts";

export interface Lowered {
  readonly name: string;
  /** In the order of `abi.params`: pointers, sizes, scalars, scratch. */
  readonly params: readonly Var[];
  readonly abi: Abi;
  readonly body: Stmt;
  /** What runs once for all calls with the same constants (abi.prepare). */
  readonly prepare?: Lowered;
}
