import { type Func, type Intrinsic, intrinsicNamed, intrinsicNames, type Var } from "../../src/ir/index.ts";
import type { AnyTensor } from "../../te/index.ts";
import { badArgument, describe } from "../arguments.ts";
import { type Complaint, refuse } from "../error.ts";
import { accepted, loopsNear, onLoops } from "../hints.ts";
import type { Outcome } from "../outcome.ts";
import { tensorizedAt } from "../tensorize/check.ts";
import { isProblem } from "../tensorize/nest.ts";
import { replaceStmt, treeOf } from "../tree.ts";
import { findLoop } from "./find.ts";

const NAME = "tensorize";
export interface TensorizeOptions {
  /** Inputs, or their names, whose values callers keep in the range that the intrinsic needs of an operand. */
  readonly assume?: readonly (AnyTensor | string)[];
}

/**
 * Marks a loop, with the loops inside it, to become one hardware instruction. Which loop is which axis of the intrinsic is found out,
 * operands of commutative operations may stand in any order, and conversions that lose nothing do not matter. Of a reduction the
 * update is matched; its init stays what it is. The nest stays as it is until lowering, so that everything else sees its plain meaning.
 *
 *     s.tensorize(ji, intrinsics.i32x4_dot_i16x8_s)
 *
 * On a target that lacks a feature which the intrinsic requires, the nest is lowered as vectorized and unrolled loops, with a warning.
 *
 * Conditions:
 * 1. the loop and those inside it are serial, and no loop around it is vectorized or tensorized;
 * 2. one block stands inside, and one store in it;
 * 3. extents of the loop and of those inside it are constants;
 * 4. the block's predicate does not depend on the loops;
 * 5. the block reads what it writes only where it writes it;
 * 6. the block computes what the intrinsic computes;
 * 7. the loops make up the axes of the intrinsic, so that the lanes of the result lie next to each other;
 * 8. each operand has one value per lane;
 * 9. the lanes of each operand lie in at most 4 pieces of memory, without conditions of their own;
 * 10. the values of operands are proven, or assumed, to lie in the range that the intrinsic needs.
 *
 * All handles survive. A later step after which these conditions would not hold any more is refused (code "tensorized").
 */
export function tensorize(f: Func, loop: Var, intrinsic: Intrinsic, assume: readonly string[] = []): Outcome {
  const given: unknown = intrinsic;
  if (typeof given !== "object" || given === null || (given as Intrinsic).kind !== "intrinsic")
    badArgument(f, NAME, `expected an intrinsic, but was given ${describe(given)}`, () => {
      const here = fitting(f, loop);
      return here.length > 0 ? here : intrinsicNames();
    });
  const inputs = f.inputs.map((b) => b.name);
  const stray = assume.find((a) => !inputs.includes(a));
  if (stray !== undefined) badArgument(f, NAME, `assume speaks of inputs, and ${describe(stray)} is none`, inputs);
  if (assume.length > 0 && intrinsic.operands.every((o) => o.range === undefined))
    badArgument(f, NAME, `${intrinsic.name} needs no values in a range, so there is nothing to assume`, [
      `${NAME}(${loop.name}, ${intrinsic.name})`,
    ]);
  const l = findLoop(f, loop).node;
  const bad = (c: Omit<Complaint, "primitive" | "legal">, hints: readonly string[] = []): never =>
    refuse(f, {
      primitive: NAME,
      ...c,
      legal: () => [
        ...onLoops(f, NAME, loopsNear(f, [loop]), (v) => tensorize(f, v, intrinsic, assume), `, ${intrinsic.name}`),
        ...fitting(f, loop),
        ...hints,
      ],
    });
  if (l.loop !== "serial")
    return bad({ condition: 1, code: "kind", message: `loop ${loop.name} is ${l.loop} already`, marks: [loop] }, [
      `${NAME} before ${loop.name} is ${l.loop}`,
    ]);
  const func = replaceStmt(f, l, { ...l, loop: "tensorized", tensor: { intrinsic, assume: [...assume] } });
  const m = tensorizedAt(func, treeOf(func).loops.get(loop)!);
  if (isProblem(m)) {
    const { legal, ...rest } = m;
    return bad(rest, legal);
  }
  return { func, ...(m.reassociates ? { reassociates: true } : {}) };
}
/** Steps with intrinsics that a loop could become. */
const fitting = (f: Func, loop: Var): string[] =>
  accepted(intrinsicNames(), (n) => tensorize(f, loop, intrinsicNamed(n)!)).map((n) => `${NAME}(${loop.name}, ${n})`);
