/** The loop nest that an intrinsic is to take the place of: its loops, and the one store inside. */
import { alignedStrides, type Facts, simplifyIndex } from "../../src/arith/index.ts";
import {
  add,
  type Block,
  type Buffer,
  constInt,
  type Expr,
  type For,
  int,
  load,
  mapExpr,
  mul,
  physicalIndex,
  physicalShape,
  type Stmt,
  type Store,
  substitute,
  usesVar,
  type Var,
} from "../../src/ir/index.ts";
import { conjuncts } from "../analysis.ts";

/** Why a nest can't become an intrinsic: `condition` is the number in tensorize's description. */
export interface Problem {
  readonly condition: number;
  readonly code: string;
  readonly message: string;
  readonly marks?: readonly (Var | Block["id"])[];
  readonly legal?: readonly string[];
}
export const isProblem = (x: object): x is Problem => "condition" in x;

export interface Nest {
  /** All loops, outermost first. */
  readonly loops: readonly For[];
  /** Those of more than one iteration, with their constant extents. */
  readonly counted: readonly { readonly var: Var; readonly extent: number }[];
  /** Absent in lowered code. */
  readonly block?: Block;
  /** Conditions around the store; none depends on the loops. */
  readonly guards: readonly Expr[];
  /** In terms of the block's axes. */
  readonly store: Store;
  /** Axes in terms of loops of more than one iteration. */
  readonly inLoops: (e: Expr) => Expr;
  /** What holds inside, of loops and axes. */
  readonly facts: Facts;
}

/** `facts`: what holds around the loop. */
export function nestAt(loop: For, facts: Facts): Nest | Problem {
  const loops: For[] = [];
  let known = facts;
  let s: Stmt = loop;
  for (; s.kind === "for"; s = s.body) {
    const { var: v, extent } = s;
    if (s !== loop && s.loop !== "serial")
      return problem(1, "kind", `loop ${v.name}, inside ${loop.var.name}, is ${s.loop}`, [loop.var, v]);
    if (constInt(extent) === undefined)
      return problem(
        3,
        "extent",
        `the extent of loop ${v.name} is not a constant`,
        [v],
        [`a part of ${v.name} that is split off by a constant factor`],
      );
    loops.push(s);
    known = known.withVar(v, s.min, extent);
  }
  const guards: Expr[] = [];
  let block: Block | undefined;
  let bind = new Map<Var, Expr>();
  for (; s.kind === "if" && s.otherwise === undefined; s = s.then) guards.push(...conjuncts(s.condition));
  if (s.kind === "block") {
    block = s;
    guards.push(...conjuncts(s.predicate));
    bind = new Map(s.iters.map((it) => [it.var, it.binding]));
    for (const it of s.iters) known = known.withVar(it.var, int(0), it.extent);
    s = s.body;
  }
  const marks = block ? [loop.var, block.id] : [loop.var];
  if (s.kind !== "store") {
    const what = block ? `the body of block ${block.id.name} is more than one store` : "there is more than one block";
    return problem(2, "one-block", `inside loop ${loop.var.name} ${what}`, marks);
  }
  const own = loops.filter((l) => constInt(l.extent) !== 1);
  for (const g of guards) {
    const plain = simplifyIndex(g, known);
    const v = own.find((l) => usesVar(plain, (v) => v === l.var));
    if (v)
      return problem(
        4,
        "predicate",
        `${block ? `block ${block.id.name} runs` : "the store runs"} for some iterations of loop ${v.var.name} only`,
        block ? [v.var, block.id] : [v.var],
        [`a split with a factor that divides, in place of the one that made ${v.var.name}`],
      );
  }
  const zero = new Map<Var, Expr>(loops.filter((l) => constInt(l.extent) === 1).map((l) => [l.var, l.min]));
  const inLoops = (e: Expr): Expr => substitute(substitute(e, bind), zero);
  const counted = own.map((l) => ({ var: l.var, extent: constInt(l.extent)! }));
  return {
    ...{ loops, counted, guards: guards.map(inLoops), store: s, inLoops, facts: known },
    ...(block ? { block } : {}),
  };
}

const problem = (
  condition: number,
  code: string,
  message: string,
  marks: readonly (Var | Block["id"])[],
  legal: readonly string[] = [],
): Problem => ({ condition, code, message, marks, legal });

/** Where an element lies, in elements from the buffer's start. */
export function flatIndex(b: Buffer, index: readonly Expr[], facts: Facts): Expr {
  const steps = b.strides ?? alignedStrides(physicalShape(b), b.layout?.align ?? []);
  return simplifyIndex(
    physicalIndex(b, index)
      .map((e, d) => mul(e, steps[d]!))
      .reduce(add, int(0)),
    facts,
  );
}
/** The expression with one, flat, index per load. */
export const flatLoads = (e: Expr, facts: Facts): Expr =>
  mapExpr(e, (x) => (x.kind === "load" ? load(x.buffer, [flatIndex(x.buffer, x.index, facts)]) : x));
