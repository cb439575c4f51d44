import { constBounds, type Facts, simplifyIndex } from "../../src/arith/index.ts";
import {
  type BlockId,
  type Expr,
  type For,
  type Func,
  type If,
  not,
  printExpr,
  type Var,
  varsOf,
  visitExpr,
} from "../../src/ir/index.ts";
import { feeding } from "../analysis.ts";
import { type Copy, copies, copyNames } from "../copy.ts";
import { type Complaint, refuse } from "../error.ts";
import { atLoops } from "../hints.ts";
import type { Outcome } from "../outcome.ts";
import { blocksIn, factsAround, type Place, replaceStmt, tidy } from "../tree.ts";
import { findLoop, listNames } from "./find.ts";

const NAME = "specialize";
/**
 * Gives the nest at a loop two versions: one where a condition holds, and a copy for where it does not. What the condition says
 * makes the first one simpler: extents become constants, guards disappear. The copy's blocks are named after those that they are
 * copies of, `<name>.cold`, and so are copies of buffers that live and die inside the nest.
 *
 *     s.specialize(io, n.mod(8).eq(0))      // if n % 8 == 0: for io ... else: for io ...
 *
 * Conditions:
 * 1. the condition speaks of sizes, scalar parameters and loops around the loop, and of nothing else;
 * 2. it computes no sums and products of integer scalar parameters, nor products of sizes, that might overflow;
 * 3. it is not decided already: it neither always holds there nor never;
 * 4. it is the same for all lanes: no loop of which it speaks is vectorized;
 * 5. no loop of which it speaks carries a reduction that holds its init.
 *
 * All handles survive and mean the first version. Born: the loops and blocks of the copy, as `cold.<name>`.
 */
export function specialize(f: Func, loop: Var, condition: Expr): Outcome & { readonly cold: Copy } {
  const p = findLoop(f, loop);
  const bad = (c: Omit<Complaint, "primitive">): never => refuse(f, { primitive: NAME, ...c });
  const around = new Set(p.loops.map((l) => l.var));
  const shown = printExpr(condition);
  const parameters = new Set([...f.sizes, ...f.scalars]);
  const can = (): string[] => subjects(f, p);
  const stranger = [...varsOf(condition)].find((v) => !parameters.has(v) && !around.has(v));
  if (stranger)
    bad({
      condition: 1,
      code: "variable",
      message: `${shown} speaks of ${stranger.name}, which is no size, no scalar parameter and no loop around ${loop.name}`,
      marks: [loop],
      legal: can,
    });
  const read = memoryIn(condition);
  if (read)
    bad({
      condition: 1,
      code: "memory",
      message: `${shown} reads memory (${read}), which may change inside loop ${loop.name}`,
      marks: [loop],
      legal: can,
    });
  const facts = factsAround(p);
  const sum = overflowing(condition, facts, f.scalars);
  if (sum)
    bad({
      condition: 2,
      code: "overflow",
      message: `${printExpr(sum)}, which is to decide about loop ${loop.name}, might overflow`,
      marks: [loop],
      legal: () => [...can(), ...wider(sum)],
    });
  const decided = [condition, not(condition)].map((c) => simplifyIndex(c, facts)).find((c) => c.kind === "const");
  if (decided) {
    const holds = simplifyIndex(condition, facts) === decided ? decided.value : !decided.value;
    bad({
      condition: 3,
      code: "decided",
      message: `${shown} ${holds ? "always holds" : "never holds"} around loop ${loop.name}`,
      marks: [loop],
      legal: can,
    });
  }
  const speaksOf = varsOf(condition);
  const lanes = p.loops.find((l) => l.loop === "vectorized" && speaksOf.has(l.var));
  if (lanes)
    bad({
      condition: 4,
      code: "vectorized",
      message: `${shown} differs between lanes: loop ${lanes.var.name} is vectorized`,
      marks: [lanes.var, loop],
      legal: can,
    });
  for (const b of blocksIn(p.node)) {
    const carrier = b.init && [...feeding(b, "reduction")].find((v) => around.has(v) && speaksOf.has(v));
    if (carrier) bad(carried(f, b.id, carrier, loop, shown));
  }
  const { original, copies: made, buffers } = copies(f, p, ["cold"], false);
  const cold = made.get("cold")!;
  const branch: If = { kind: "if", condition, then: original, otherwise: cold.stmt };
  const func = tidy(replaceStmt(f, p.node, branch));
  return {
    func: { ...func, intermediates: [...func.intermediates, ...buffers] },
    cold,
    born: copyNames("cold", cold),
  };
}

/** What a condition may speak of. */
function subjects(f: Func, p: Place<For>): string[] {
  const loops = p.loops.filter((l) => l.loop !== "vectorized").map((l) => l.var);
  const known = [...f.sizes, ...f.scalars, ...loops];
  if (known.length > 0) return [`a condition on ${listNames(known)}`];
  // around the outermost loop of constant extents nothing changes
  const inside = p.node.body.kind === "for" ? p.node.body.var.name : undefined;
  return inside ? [`specialize(${inside}, ...) with a condition on ${p.node.var.name}`] : [];
}

function carried(f: Func, block: BlockId, carrier: Var, loop: Var, shown: string): Omit<Complaint, "primitive"> {
  return {
    condition: 5,
    code: "reduction",
    message: `${shown} speaks of ${carrier.name}, which carries the reduction of ${block.name}, and ${block.name} still holds its init`,
    marks: [carrier, loop, block],
    legal: (p) => atLoops(f, "decomposeReduction", block, [carrier], (v) => p.decomposeReduction(f, block, v)),
  };
}

/** How to compute what may overflow. */
const wider = (e: Expr): string[] => [
  `i64 arithmetic: ${[...varsOf(e)].map((v) => `${v.name}.cast("i64")`).join(", ")}`,
];

function memoryIn(e: Expr): string | undefined {
  let found: string | undefined;
  visitExpr(e, (x) => {
    if (x.kind === "load") found ??= x.buffer.name;
  });
  return found;
}

const PRODUCTS: ReadonlySet<string> = new Set(["mul", "shl"]);
const SUMS: ReadonlySet<string> = new Set([...PRODUCTS, "add", "sub", "neg", "abs"]);
/**
 * Arithmetic on integers that come from outside, without known limits, and products of sizes that may exceed an index. (Sums of
 * sizes are of the same magnitude as what they are compared with.)
 */
export function overflowing(e: Expr, facts: Facts, scalars: readonly Var[] = []): Expr | undefined {
  let found: Expr | undefined;
  visitExpr(e, (x) => {
    if (x.kind !== "op" || x.dtype !== "i32" || !SUMS.has(x.op)) return;
    if (!PRODUCTS.has(x.op) && ![...varsOf(x)].some((v) => scalars.includes(v))) return;
    const { min, max } = constBounds(x, facts);
    if (!(min >= -(2 ** 31) && max < 2 ** 31)) found ??= x;
  });
  return found;
}
