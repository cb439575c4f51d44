/** Operations by what they are to index arithmetic. */

/** What index mode computes exactly. */
export const INDEX_OPS: ReadonlySet<string> = new Set(
  "add sub mul neg abs floordiv floormod truncdiv truncrem min max select where".split(" "),
);
export const COMPARISONS: ReadonlySet<string> = new Set(["eq", "ne", "lt", "le", "gt", "ge"]);
export const LOGIC: ReadonlySet<string> = new Set(["and", "or", "not"]);
/** i32 results of these may not be those of exact arithmetic. */
export const WRAPPING: ReadonlySet<string> = new Set(["add", "sub", "mul", "neg", "abs", "floordiv", "truncdiv"]);
