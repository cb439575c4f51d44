/** What the instruction families need from the emitter that drives them, and the form of their tables. */
import type { DType, Expr, Load, Op, OpName, Store } from "../../src/ir/index.ts";
import type { WasmTarget } from "../../src/target/index.ts";
import type { Ref } from "./binaryen.ts";
import { scalarType, shapeOf, signOf, type Writer } from "./writer.ts";

/**
 * Emission follows evaluation: an operand must be emitted in the order in which WebAssembly evaluates it, because the first
 * emission of a shared subexpression sets the local that later ones read.
 */
export interface Context {
  readonly w: Writer;
  readonly target: WasmTarget;
  /** Any scalar, or a vector other than bool. Lanes beyond the expression's are unspecified. */
  value(e: Expr): Ref;
  /** A bool vector as lanes of `bits` ones or zeros. */
  mask(e: Expr, bits: number): Ref;
  /** The lane width in which a bool vector comes without conversion; 0 where any width is as good. */
  maskBits(e: Expr): number;
  /** The base address (an i32) and the immediate offset of an access. */
  address(access: Load | Store): { readonly base: Ref; readonly offset: number };
  /** A branch on a scalar condition: only the chosen arm runs. */
  choose(condition: Expr, arms: readonly [Expr, Expr], emit: (e: Expr) => Ref): Ref;
  /** Whether the value waits in a local already, so that folding it into another instruction would compute it twice. */
  held(e: Expr): boolean;
}
/** Code over the emitted operands. */
export type Code = (c: Context, e: Op, args: readonly Ref[]) => Ref;
/** The name of an instruction, `%` standing for the dtype's s or u, or code. */
export type Rule = string | Code;
/** `dtypes` are those of the first operand, separated by blanks. */
export type Row = readonly [op: OpName, dtypes: string, rule: Rule];
export type Table = ReadonlyMap<string, Rule>;

export const ALL_INTS = "i8 u8 i16 u16 i32 u32 i64 u64";
/** Integers that wasm has scalars of. */
export const WIDE_INTS = "i32 u32 i64 u64";
export const FLOATS = "f32 f64";

export function table(rows: readonly Row[]): Table {
  const t = new Map<string, Rule>();
  for (const [op, dtypes, rule] of rows) for (const d of dtypes.split(" ")) t.set(`${op} ${d}`, rule);
  return t;
}
export const lookup = (t: Table, op: OpName, d: DType): Rule | undefined => t.get(`${op} ${d}`);
export const instructionFor = (rule: string, d: DType, vector: boolean): string =>
  `${vector ? shapeOf(d) : scalarType(d)}.${rule.replace("%", signOf(d))}`;
