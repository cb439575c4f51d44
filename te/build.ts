/** Making nodes from what users pass: literals and expressions in, checked nodes out. Knows nothing of the Expr class. */
import {
  constant,
  constInt,
  type DType,
  IrError,
  cast as irCast,
  isBig,
  isDType,
  isFloat,
  maxInt,
  minInt,
  type Expr as Node,
  normalize,
  type OpName,
  op,
  varsOf,
} from "../src/ir/index.ts";
import { TeError } from "./error.ts";
import { checkVisible, dependsOnData, noteComparison, where } from "./scope.ts";
import { brief, describe } from "./text.ts";

export { describe, isPromise } from "./text.ts";

/** What stands for an expression in arguments: anything with a node (of any copy of this package). */
interface HasNode {
  readonly node: Node;
}
const hasNode = (x: unknown): x is HasNode => typeof x === "object" && x !== null && "node" in x && "dtype" in x;

export function checkDType(d: unknown, what: string): asserts d is DType {
  if (typeof d !== "string" || !isDType(d))
    throw new TeError(
      "te.dtype",
      `${what}: ${typeof d === "string" ? JSON.stringify(d) : describe(d)} is no dtype; ` +
        "there are f64 f32 f16 i64 i32 i16 i8 u64 u32 u16 u8 bool",
    );
}

/** A JavaScript value as a constant of a dtype; throws TeError where it isn't one of its values. */
export function literal(value: unknown, dtype: DType, what: string): Node {
  const fail = (why: string): TeError => new TeError("te.literal", `${where()}${what}: ${why}`);
  if (typeof value === "boolean" && dtype === "bool") return constant("bool", value);
  if (typeof value !== "number" && typeof value !== "bigint")
    throw fail(`expected an expression or a number, but was given ${describe(value)}`);
  if (isFloat(dtype)) {
    if (typeof value === "bigint") throw fail(`${value}n is a bigint, beside ${dtype}: write a number`);
    if (Number.isFinite(value) && !Number.isFinite(Number(normalize(dtype, value))))
      throw fail(`${value} is too large for ${dtype}: write Infinity if that is meant, or use a wider dtype`);
    return constant(dtype, value);
  }
  if (typeof value === "bigint" && !isBig(dtype)) throw fail(`${value}n is a bigint, beside ${dtype}: write a number`);
  if (typeof value === "number" && !Number.isInteger(value))
    throw fail(`${value} is not a whole number, beside ${dtype}: cast the expression to a float first`);
  if (typeof value === "number" && isBig(dtype) && !Number.isSafeInteger(value))
    throw fail(`${value} is too large to be exact as a number: write it as a bigint, with an n at the end`);
  const b = BigInt(value);
  if (b < minInt(dtype) || b > maxInt(dtype))
    throw fail(`${value} does not fit in ${dtype} (${minInt(dtype)} to ${maxInt(dtype)})`);
  return constant(dtype, value);
}

/** An operand beside an expression of the given dtype. */
export function operand(x: unknown, dtype: DType, method: string, beside?: Node): Node {
  if (!hasNode(x)) return literal(x, dtype, method);
  if (x.node.dtype !== dtype) {
    const left = beside === undefined ? dtype : `${brief(beside)} is ${dtype}`;
    throw new TeError(
      "te.dtype",
      `${where()}${method} mixes dtypes: ${left}, ${brief(x.node)} is ${x.node.dtype}; convert one of them with .cast("...")`,
    );
  }
  return x.node;
}

const DIVISIONS: ReadonlySet<OpName> = new Set<OpName>(["floordiv", "floormod", "truncdiv", "truncrem"]);
/** Dividing by 0 has a value, for data that may be 0; of an index by a 0 that is written there it is a slip. */
function checkDivisor(method: string, e: Node, by: Node): void {
  if (e.dtype === "i32" && constInt(by) === 0 && varsOf(e).size > 0 && !dependsOnData(e))
    throw new TeError(
      "te.literal",
      `${where()}${method} of ${brief(e)} by 0: an index has no quotient and no remainder there`,
    );
}

/** One operation, checked; `method` is what the user called it. */
export function build(name: OpName, method: string, args: readonly Node[], dtype?: DType): Node {
  for (const a of args) if (a.kind === "var") checkVisible(a);
  if (DIVISIONS.has(name)) checkDivisor(method, args[0]!, args[1]!);
  let node: Node;
  try {
    node = op(name, args, dtype);
  } catch (e) {
    if (!(e instanceof IrError)) throw e;
    const hint =
      args[0]!.dtype === "bool"
        ? '; turn a bool into a number with .cast("i32") or select(c, 1, 0)'
        : isFloat(args[0]!.dtype)
          ? '; convert with .cast("i32"), or floor() it'
          : '; convert with .cast("f32")';
    throw new TeError("te.dtype", `${where()}${method} of ${args.map(brief).join(", ")}: ${e.message}${hint}`);
  }
  if (node.dtype === "bool" && node.kind === "op") noteComparison(node);
  return node;
}

export function convert(kind: "cast" | "satcast" | "bitcast", node: Node, dtype: DType): Node {
  checkDType(dtype, `${where()}${kind === "satcast" ? "satCast" : kind} of ${brief(node)}`);
  if (node.dtype === dtype) return node;
  if (kind === "satcast" && (isFloat(dtype) || dtype === "bool" || node.dtype === "bool"))
    throw new TeError(
      "te.dtype",
      `${where()}satCast goes from an integer or float to an integer, not from ${node.dtype} to ${dtype}`,
    );
  if (node.kind === "var") checkVisible(node);
  return kind === "cast" ? irCast(dtype, node) : build(kind, kind, [node], dtype);
}
