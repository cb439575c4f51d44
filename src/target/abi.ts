/** The description a built module carries in its `tilewright` custom section: everything a loader must know. */
import type { DType } from "../ir/index.ts";

/** An integer function of the symbolic sizes, as data. Division rounds down. */
export type SizeExpr =
  | number
  | { readonly size: string }
  | {
      readonly op: "add" | "sub" | "mul" | "floordiv" | "floormod" | "min" | "max";
      readonly args: readonly [SizeExpr, SizeExpr];
    };

export interface AbiBuffer {
  /** `prepared`: made by the preparation step and read by the kernel; callers keep its memory, not its contents. */
  readonly role: "input" | "output" | "prepared";
  readonly name: string;
  readonly dtype: DType;
  readonly shape: readonly SizeExpr[];
  /** In elements; dense row-major when absent. */
  readonly strides?: readonly SizeExpr[];
  /** What the pointer must be a multiple of, in bytes; 16 when absent. */
  readonly align?: number;
}
export interface AbiSize {
  readonly role: "size";
  readonly name: string;
  readonly min: number;
  readonly max: number;
  readonly multipleOf: number;
}
export interface AbiScalar {
  readonly role: "scalar";
  readonly name: string;
  readonly dtype: DType;
}
/** Pointer to scratch memory of `Abi.scratch` bytes, 16-byte aligned. Always the last parameter. */
export interface AbiScratch {
  readonly role: "scratch";
}
export type AbiParam = AbiBuffer | AbiSize | AbiScalar | AbiScratch;

export interface Abi {
  readonly version: 1;
  /** Name of the exported function. Other exports: `memory`, and the global `heap` (first free byte). */
  readonly name: string;
  /** In the order of the function's parameters: buffers as i32 pointers, sizes as i32, scalars by dtype (narrow integers, f16 and bool as i32). */
  readonly params: readonly AbiParam[];
  readonly scratch: SizeExpr;
  /** Whether a call returns the one output itself or a record by name. Absent: a record when there are several. */
  readonly results?: "single" | "record";
  /**
   * The step that turns constant inputs into the kernel's `prepared` parameters: a function of its own, which has the same `prepared`
   * parameters, in the same order, and writes them. Absent: no input is constant.
   */
  readonly prepare?: Abi;
}
