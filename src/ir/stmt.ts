/**
 * Statements, buffers and functions.
 *
 * One node set serves two levels. *Scheduled* IR has Blocks under For loops that start at 0, and one index per buffer
 * dimension. *Lowered* IR has no Blocks, flat accesses, vectors, Alloc, Let and Assign.
 *
 * Statements are plain immutable objects; handles are identities: a loop is its variable, a block its id.
 */
import type { DType } from "./dtype.ts";
import type { Combiner, Expr, Var } from "./expr.ts";
import type { Intrinsic } from "./intrinsic.ts";

/**
 * Where a buffer lives. `global`: a parameter or an intermediate in linear memory; `workspace`: scratch in linear
 * memory; `local`: registers; `shared`: workgroup memory (GPU). `address`: not a buffer of its own but linear memory by byte
 * address, as the last lowering stage accesses it (see target/lowered.ts).
 */
export type Scope = "global" | "workspace" | "local" | "shared" | "address";

/** The stride of a physical dimension is `offset` modulo `factor` (elements). */
export interface Align {
  readonly dim: number;
  readonly factor: number;
  readonly offset: number;
}
/**
 * How a buffer lies in memory. Accesses speak of the logical index whatever the layout is; lowering maps them. Two elements
 * that are needed at the same time never share a cell.
 */
export interface Layout {
  /** The logical index, one variable per dimension of the buffer. */
  readonly vars: readonly Var[];
  /** The physical index over `vars` and sizes, without a read of memory. */
  readonly index: readonly Expr[];
  /** Physical extents: every logical index of the buffer lands inside. Row-major, but for `align`. */
  readonly shape: readonly Expr[];
  /** The way back: the logical index of a cell, over `cells` (a physical index), where it has one. */
  readonly cells: readonly Var[];
  readonly inverse: readonly Expr[];
  readonly align?: readonly Align[];
  /** A constant that cells hold which no logical index reaches; without it their contents are undefined. */
  readonly pad?: Expr;
}

export interface Buffer {
  readonly kind: "buffer";
  readonly name: string;
  readonly dtype: DType;
  /** Logical extents. */
  readonly shape: readonly Expr[];
  readonly scope: Scope;
  /** Elements between neighbours in each dimension; row-major and dense when absent. */
  readonly strides?: readonly Expr[];
  /** Where elements lie; where `strides` or row-major order says when absent. Never beside `strides`. */
  readonly layout?: Layout;
  /** An input that stays the same from call to call (weights): what depends on such inputs alone can be prepared once. */
  readonly constant?: boolean;
}

export const buffer = (
  name: string,
  dtype: DType,
  shape: readonly Expr[],
  scope: Scope = "global",
  strides?: readonly Expr[],
  layout?: Layout,
): Buffer =>
  Object.freeze({
    kind: "buffer",
    name,
    dtype,
    shape,
    scope,
    ...(strides ? { strides } : {}),
    ...(layout ? { layout } : {}),
  });

export type LoopKind = "serial" | "unrolled" | "vectorized" | "parallel" | "bound" | "tensorized";
/** What does the work of a tensorized loop and of the loops inside it. */
export interface Tensorized {
  readonly intrinsic: Intrinsic;
  /** Inputs whose values callers keep within the range that the intrinsic needs, by name. */
  readonly assume: readonly string[];
}
/** Where an iteration of a bound loop runs on a GPU's grid: which workgroup, or which invocation of one. */
export type GridIndex = `${"workgroup" | "local"}.${"x" | "y" | "z"}`;
/** What happens to iterations of a split beyond the original extent. */
export type Tail = "guard" | "peel" | "pad" | "shift";

export interface For {
  readonly kind: "for";
  readonly var: Var;
  /** 0 in scheduled IR. */
  readonly min: Expr;
  readonly extent: Expr;
  readonly loop: LoopKind;
  /** Of a bound loop, and of no other. */
  readonly bind?: GridIndex;
  /** Of a tensorized loop, and of no other. */
  readonly tensor?: Tensorized;
  readonly body: Stmt;
  /** On the inner loops of a split: its tail policy. */
  readonly tail?: Tail;
  readonly annotations?: Readonly<Record<string, string | number | boolean>>;
}

/** Annotations of blocks that primitives leave for each other. Users can't set them. */
export const NOTES = ["partial", "revisits", "prepared", "twin"] as const;
/** Those of them that are printed: they say what users asked for. The others are about what proofs may rely on. */
export const PRINTED_NOTES: readonly string[] = ["prepared"];
export type Note = (typeof NOTES)[number];
/** What else is printed of loops as `key: value`. */
export const PRINTED_KEYS: readonly string[] = ["tail", "assume"];

export type IterKind = "spatial" | "reduction" | "ordered";
/** An axis of a block: `var` runs over [0, extent); `binding` is its value in terms of the loops around the block. */
export interface BlockIter {
  readonly var: Var;
  readonly extent: Expr;
  readonly kind: IterKind;
  readonly binding: Expr;
}
/** A block's identity across rewriting. */
export interface BlockId {
  readonly name: string;
}
/**
 * The statement that computes one tensor (or several at once). For each assignment of its loops where `predicate`
 * holds: bind the axes, run `init` if every reduction axis is 0, run `body`. Reads and writes are derived, never declared.
 * `predicate` and the bindings speak of loops; `init` and `body` speak of axis variables and of nothing else but
 * sizes, scalars and loops inside the block. `init` never mentions a reduction axis.
 */
export interface Block {
  readonly kind: "block";
  readonly id: BlockId;
  readonly iters: readonly BlockIter[];
  readonly predicate: Expr;
  readonly init?: Stmt;
  readonly body: Stmt;
  /**
   * Of a reduction: what its update combines with. The stored values are `combiner.results`, with the elements that are written
   * for `lhs` and what one point contributes for `rhs`.
   */
  readonly combiner?: Combiner;
  /**
   * The loop (by variable) whose body holds the allocation of what this block writes, or `root`: outside of all loops. What is
   * written stays for all iterations of the loops inside. The innermost place possible when absent.
   */
  readonly storeAt?: Var | "root";
  readonly annotations?: Readonly<Record<string, string | number | boolean>>;
}
export interface If {
  readonly kind: "if";
  readonly condition: Expr;
  readonly then: Stmt;
  readonly otherwise?: Stmt;
}
/** Writes `value` (as many lanes as the index) to the buffer. */
export interface Store {
  readonly kind: "store";
  readonly buffer: Buffer;
  readonly index: readonly Expr[];
  readonly value: Expr;
}
export interface Seq {
  readonly kind: "seq";
  readonly body: readonly Stmt[];
}
/** The buffer exists while the body runs; its contents start undefined. */
export interface Alloc {
  readonly kind: "alloc";
  readonly buffer: Buffer;
  readonly body: Stmt;
}
/** The value is computed once, before the body. */
export interface Let {
  readonly kind: "let";
  readonly var: Var;
  readonly value: Expr;
  readonly body: Stmt;
}
/** Sets a mutable variable (lowered IR). Mutable variables live for the whole function. */
export interface Assign {
  readonly kind: "assign";
  readonly var: Var;
  readonly value: Expr;
}
export type Stmt = For | Block | If | Store | Seq | Alloc | Let | Assign;

/** Several statements in order, flattened; one statement stays itself. */
export function seq(list: readonly Stmt[]): Stmt {
  const flat = list.flatMap((s) => (s.kind === "seq" ? s.body : [s]));
  return flat.length === 1 ? flat[0]! : { kind: "seq", body: flat };
}
export const NOTHING: Stmt = Object.freeze({ kind: "seq", body: [] });
export const isNothing = (s: Stmt): boolean => s.kind === "seq" && s.body.every(isNothing);
export const store = (b: Buffer, index: readonly Expr[], value: Expr): Store => ({
  kind: "store",
  buffer: b,
  index,
  value,
});

/** The compiler's unit. */
export interface Func {
  readonly name: string;
  readonly inputs: readonly Buffer[];
  readonly outputs: readonly Buffer[];
  /** Symbolic sizes, i32. */
  readonly sizes: readonly Var[];
  readonly scalars: readonly Var[];
  /** Scheduled IR: intermediate buffers, not yet placed by Alloc. Empty after lowering. */
  readonly intermediates: readonly Buffer[];
  readonly body: Stmt;
}
