/** The public part of the IR room: other rooms import from here. */
export * from "./combine.ts";
export * from "./dtype.ts";
export * from "./equal.ts";
export * from "./error.ts";
export * from "./expr.ts";
export * from "./float16.ts";
export * from "./intrinsic.ts";
export * from "./layout.ts";
export * from "./near.ts";
export * from "./ops.ts";
export * from "./print.ts";
export * from "./semantics.ts";
export * from "./size.ts";
export * from "./stmt.ts";
export * from "./verify.ts";
export * from "./visit.ts";
