/** The public part of the IR room: other rooms import from here. */
export * from "./dtype.ts";
export * from "./error.ts";
export * from "./expr.ts";
export * from "./ops.ts";
export * from "./print.ts";
export * from "./stmt.ts";
export * from "./visit.ts";
