/**
 * The table of scalar operations: names, arity, operand rules, algebraic facts, how they print.
 * What each computes is in semantics.ts. A vector operation is the scalar one, lane by lane.
 */
import { bitsOf, type DType, isFloat, isInteger, isSigned, widened } from "./dtype.ts";

export interface OpInfo {
  readonly arity: 1 | 2 | 3;
  /** Result dtype from operand dtypes, or a sentence saying what was expected. `cast`-like ops return undefined: the node names its dtype. */
  readonly result: (...d: DType[]) => DType | { readonly expected: string } | undefined;
  readonly commutative?: boolean;
  /** Associative on integers and bool (float arithmetic never is). */
  readonly associative?: boolean;
  readonly infix?: string;
  /** Approximated in compiled code within a stated bound, so exempt from bit-for-bit comparison. */
  readonly approximate?: boolean;
}

type Check = (d: DType) => boolean;
const expected = (what: string) => ({ expected: what });
const same =
  (ok: Check, what: string) =>
  (...d: DType[]) =>
    d.every((x) => x === d[0]) && ok(d[0]!) ? d[0]! : expected(`operands of one ${what} dtype`);
const numeric = same((d) => d !== "bool", "numeric");
const integer = same(isInteger, "integer");
const float = same(isFloat, "float");
const bits = same((d) => isInteger(d) || d === "bool", "integer or bool");
const narrow: Check = (d) => isInteger(d) && bitsOf(d) < 64;
const compare = (...d: DType[]): DType | { expected: string } =>
  d[0] === d[1] ? "bool" : expected("operands of one dtype");
const choice = (...d: DType[]): DType | { expected: string } =>
  d[0] === "bool" && d[1] === d[2] ? d[1]! : expected("a bool condition and two values of one dtype");
const widening = (...d: DType[]): DType | { expected: string } =>
  d[0] === d[1] && narrow(d[0]!) ? widened(d[0]!)! : expected("two operands of one integer dtype below 64 bits");
const named = () => undefined;

export const OPS = {
  // arithmetic: integers wrap, floats round to their dtype after every operation
  add: { arity: 2, result: numeric, commutative: true, associative: true, infix: "+" },
  sub: { arity: 2, result: numeric, infix: "-" },
  mul: { arity: 2, result: numeric, commutative: true, associative: true, infix: "*" },
  div: { arity: 2, result: float, infix: "/" },
  /** Rounds towards minus infinity; x / 0 = 0. */
  floordiv: { arity: 2, result: integer, infix: "//" },
  /** Has the sign of the divisor; x % 0 = 0. */
  floormod: { arity: 2, result: integer, infix: "%" },
  /** Rounds towards zero; x / 0 = 0. */
  truncdiv: { arity: 2, result: integer },
  /** Has the sign of the dividend; rem(x, 0) = 0. */
  truncrem: { arity: 2, result: integer },
  /** Fused multiply-add a * b + c, rounded once. */
  fma: { arity: 3, result: float },
  neg: { arity: 1, result: numeric },
  abs: { arity: 1, result: numeric },
  /** IEEE minimum: NaN if either is NaN, -0 below +0. */
  min: { arity: 2, result: numeric, commutative: true, associative: true },
  max: { arity: 2, result: numeric, commutative: true, associative: true },
  /** b < a ? b : a (so the first operand where either is NaN or both are zeros). */
  pmin: { arity: 2, result: float },
  /** a < b ? b : a. */
  pmax: { arity: 2, result: float },
  // comparison, false where an operand is NaN (ne: true)
  eq: { arity: 2, result: compare, commutative: true, infix: "==" },
  ne: { arity: 2, result: compare, commutative: true, infix: "!=" },
  lt: { arity: 2, result: compare, infix: "<" },
  le: { arity: 2, result: compare, infix: "<=" },
  gt: { arity: 2, result: compare, infix: ">" },
  ge: { arity: 2, result: compare, infix: ">=" },
  // logic on bool, bitwise on integers; both sides are evaluated
  and: { arity: 2, result: bits, commutative: true, associative: true, infix: "&" },
  or: { arity: 2, result: bits, commutative: true, associative: true, infix: "|" },
  xor: { arity: 2, result: bits, commutative: true, associative: true, infix: "^" },
  not: { arity: 1, result: bits },
  /** The count is taken modulo the width, as in WebAssembly. */
  shl: { arity: 2, result: integer, infix: "<<" },
  /** Arithmetic for signed, logical for unsigned dtypes; the count is taken modulo the width. */
  shr: { arity: 2, result: integer, infix: ">>" },
  /** Both values are evaluated. */
  select: { arity: 3, result: choice },
  /** Only the chosen value is evaluated: it guards the accesses inside. */
  where: { arity: 3, result: choice },
  // conversion: int to int wraps, float to int truncates and saturates (NaN: 0), to bool is "is not zero"
  cast: { arity: 1, result: named },
  /** Integer to narrower or other-signed integer, saturating. */
  satcast: { arity: 1, result: named },
  /** The same bits as another dtype of the same width. */
  bitcast: { arity: 1, result: named },
  // fixed point
  addSat: { arity: 2, result: integer, commutative: true },
  subSat: { arity: 2, result: integer },
  mulSat: { arity: 2, result: integer, commutative: true },
  widenAdd: { arity: 2, result: widening, commutative: true },
  widenSub: { arity: 2, result: widening },
  widenMul: { arity: 2, result: widening, commutative: true },
  /** floor((a + b) / 2) without overflow. */
  halvingAdd: { arity: 2, result: integer, commutative: true },
  /** floor((a + b + 1) / 2) without overflow. */
  roundingHalvingAdd: { arity: 2, result: integer, commutative: true },
  /** floor(a / 2^b + 1/2), without overflow in between; b must lie in [0, width). */
  roundingShr: { arity: 2, result: integer },
  /** saturate(floor(a * b / 2^(width-1) + 1/2)): the Q-format product (signed dtypes). */
  roundingMulQ: { arity: 2, result: same((d) => isInteger(d) && isSigned(d), "signed integer"), commutative: true },
  // functions
  sqrt: { arity: 1, result: float },
  floor: { arity: 1, result: float },
  ceil: { arity: 1, result: float },
  trunc: { arity: 1, result: float },
  /** To nearest, halves to even. */
  round: { arity: 1, result: float },
  rsqrt: { arity: 1, result: float, approximate: true },
  exp: { arity: 1, result: float, approximate: true },
  log: { arity: 1, result: float, approximate: true },
  tanh: { arity: 1, result: float, approximate: true },
  sigmoid: { arity: 1, result: float, approximate: true },
  erf: { arity: 1, result: float, approximate: true },
  sin: { arity: 1, result: float, approximate: true },
  cos: { arity: 1, result: float, approximate: true },
  pow: { arity: 2, result: float, approximate: true },
} as const satisfies { readonly [name: string]: OpInfo };

export type OpName = keyof typeof OPS;
export const OP_NAMES = Object.keys(OPS) as readonly OpName[];
export const opInfo = (op: OpName): OpInfo => OPS[op];
