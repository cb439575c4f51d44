/** Index maps as users type them, for hints. */
import { type Expr, Names, opInfo, printExpr, type Var } from "../src/ir/index.ts";

/** What operations on indices are called as methods. */
const METHODS: ReadonlyMap<string, string> = new Map([
  ["add", "add"],
  ["sub", "sub"],
  ["mul", "mul"],
  ["floordiv", "div"],
  ["floormod", "mod"],
  ["min", "min"],
  ["max", "max"],
]);

/** E.g. `j.mul(8).add(k)`; a constant on the left moves to the right, or into a function: `sub(7, j)`. */
function typed(e: Expr, names: Names): string {
  const method = e.kind === "op" ? METHODS.get(e.op) : undefined;
  if (e.kind !== "op" || method === undefined) return printExpr(e, names);
  const [a, b] = e.args as readonly [Expr, Expr];
  if (a.kind !== "const") return `${typed(a, names)}.${method}(${typed(b, names)})`;
  if (opInfo(e.op).commutative) return `${typed(b, names)}.${method}(${typed(a, names)})`;
  return `${method}(${typed(a, names)}, ${typed(b, names)})`;
}

/** E.g. `(k, j) => [j.div(8), k, j.mod(8)]`. */
export function typedMap(vars: readonly Var[], index: readonly Expr[]): string {
  const names = new Names(vars);
  return `(${vars.map((v) => names.of(v)).join(", ")}) => [${index.map((e) => typed(e, names)).join(", ")}]`;
}
