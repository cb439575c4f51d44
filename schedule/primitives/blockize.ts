import { affine, type Facts, prove, simplifyIndex } from "../../src/arith/index.ts";
import {
  add,
  and,
  type Block,
  type BlockIter,
  constInt,
  type Expr,
  eq,
  type For,
  type Func,
  floordiv,
  floormod,
  ge,
  int,
  isConst,
  lt,
  mul,
  type Stmt,
  substitute,
  substituteStmt,
  usesVar,
  type Var,
  variable,
} from "../../src/ir/index.ts";
import { conjuncts } from "../analysis.ts";
import { type Complaint, refuse } from "../error.ts";
import { loopsNear, onLoops } from "../hints.ts";
import type { Outcome } from "../outcome.ts";
import { blocksIn, factsAround, factsIn, replaceStmt, tidy } from "../tree.ts";
import { findLoop } from "./find.ts";

const NAME = "blockize";

/**
 * Makes one block of a loop, the loops inside it and the block inside those. Its axes are what the loops around it count; the
 * loops themselves become part of its body, kinds and all.
 *
 *     s.blockize(ii)      // for io: for ii in 4: block C(vi = io*4 + ii)  ->  for io: block C(vi = io): for ii in 4: ... vi*4 + ii ...
 *
 * Of a reduction, the init becomes a nest over those of the loops that count its elements.
 *
 * Conditions:
 * 1. one block stands inside, in loops only;
 * 2. the loop and those inside it are serial, unrolled or vectorized, and no loop around it is tensorized;
 * 3. each loop of several iterations counts one axis;
 * 4. bindings divide evenly: an axis of n values within the loops is bound to n times something, plus a number below n, and its extent
 *    is a multiple of n;
 * 5. the block's predicate does not depend on the loops.
 *
 * Dies: the loops. The block and everything else survives.
 */
export function blockize(f: Func, loop: Var): Outcome {
  const p = findLoop(f, loop);
  const bad = (c: Omit<Complaint, "primitive" | "legal">, hints: readonly string[] = []): never =>
    refuse(f, {
      primitive: NAME,
      ...c,
      legal: () => [...onLoops(f, NAME, loopsNear(f, [loop]), (v) => blockize(f, v)), ...hints],
    });
  const loops: For[] = [];
  let s: Stmt = p.node;
  for (; s.kind === "for"; s = s.body) loops.push(s);
  if (s.kind !== "block") {
    const inside = blocksIn(p.node).map((b) => b.id);
    const names = inside.map((b) => b.name).join(", ");
    return bad({
      condition: 1,
      code: "one-block",
      message: `inside loop ${loop.name} stands more than one block in loops: ${names}`,
      marks: [loop, ...inside],
    });
  }
  const b: Block = s;
  const odd =
    loops.find((l) => !["serial", "unrolled", "vectorized"].includes(l.loop)) ??
    p.loops.find((l) => l.loop === "tensorized");
  if (odd)
    bad({
      condition: 2,
      code: "kind",
      message: loops.includes(odd)
        ? `loop ${odd.var.name} is ${odd.loop}, which no loop in a block's body is`
        : `loop ${odd.var.name}, around loop ${loop.name}, is tensorized`,
      marks: [odd.var],
    });
  const around = factsAround(p);
  const facts = factsIn(loops, around);
  const counted = loops.filter((l) => !isConst(l.extent, 1));
  for (const l of counted) {
    const axes = b.iters.filter((it) => usesVar(it.binding, (v) => v === l.var));
    if (axes.length !== 1)
      bad({
        condition: 3,
        code: "counts",
        message: `loop ${l.var.name} counts ${axes.length === 0 ? "no axis" : `${axes.length} axes`} of block ${b.id.name}`,
        marks: [l.var, b.id],
      });
  }
  const once = new Map<Var, Expr>(loops.filter((l) => isConst(l.extent, 1)).map((l) => [l.var, int(0)]));
  const own = new Set(counted.map((l) => l.var));
  for (const c of conjuncts(b.predicate)) {
    const v = [...own].find((x) => usesVar(simplifyIndex(c, facts), (y) => y === x));
    if (v)
      bad(
        {
          condition: 5,
          code: "predicate",
          message: `block ${b.id.name} runs for some iterations of loop ${v.name} only`,
          marks: [v, b.id],
        },
        [`a split with a factor that divides, in place of the one that made ${v.name}`],
      );
  }
  const axes = b.iters.map((old) => {
    const it = { ...old, binding: substitute(old.binding, once) };
    const parts = partsOf(it, counted, around, facts);
    if (parts === undefined)
      return bad({
        condition: 4,
        code: "bindings",
        message: `axis ${it.var.name} of block ${b.id.name} is not a whole number of what the loops from ${loop.name} inwards count, plus that`,
        marks: [loop, b.id],
      });
    return { old: it, ...parts };
  });
  return {
    func: tidy(replaceStmt(f, p.node, blockOf({ ...b, predicate: substitute(b.predicate, once) }, counted, axes))),
    died: new Map(loops.map((l) => [l.var, []])),
  };
}

interface Parts {
  /** How many values the loops give. */
  readonly count: Expr;
  /** Which of them, in terms of the loops. */
  readonly inner: Expr;
  /** The axis of the new block. */
  readonly extent: Expr;
  readonly binding: Expr;
}
/** An axis as count * (what is around the loops) + (what the loops count). */
function partsOf(it: BlockIter, loops: readonly For[], around: Facts, facts: Facts): Parts | undefined {
  const form = affine(it.binding, new Set(loops.map((l) => l.var)), facts);
  if (form === undefined) return undefined;
  const digits = loops
    .flatMap((l) => {
      const step = form.coefficients.get(l.var);
      return step === undefined ? [] : [{ loop: l, step }];
    })
    .sort((a, b) => (constInt(a.step) ?? 0) - (constInt(b.step) ?? 0));
  if (digits.length === 0) {
    // a loop of one iteration at most stands for a number: one that is on the axis also where it never runs
    const placed = prove(and(ge(form.rest, int(0)), lt(form.rest, it.extent)), around);
    const same = !loops.some((l) => usesVar(it.binding, (v) => v === l.var));
    return placed || same ? { count: int(1), inner: int(0), extent: it.extent, binding: form.rest } : undefined;
  }
  // each digit counts on where the smaller ones stop
  let count: Expr = int(1);
  for (const d of digits) {
    if (d.step !== count && !prove(eq(d.step, count), around)) return undefined;
    count = simplifyIndex(mul(count, d.loop.extent), around);
  }
  const inner = simplifyIndex(
    digits.reduce<Expr>((e, d) => add(e, mul(d.loop.var, d.step)), int(0)),
    facts,
  );
  const rest = simplifyIndex(form.rest, around);
  // all of the axis, also where it may be empty, and nothing can be divided; of a loop that never runs nothing is left to place
  if (isConst(count, 0) || (isConst(rest, 0) && simplifyIndex(it.extent, around) === count))
    return { count, inner, extent: int(1), binding: int(0) };
  const divides = (e: Expr): boolean => prove(eq(floormod(e, count), int(0)), around);
  if (constInt(count) === undefined || !divides(rest) || !divides(it.extent)) return undefined;
  return {
    count,
    inner,
    extent: simplifyIndex(floordiv(it.extent, count), around),
    binding: simplifyIndex(floordiv(rest, count), around),
  };
}

function blockOf(b: Block, loops: readonly For[], axes: readonly (Parts & { readonly old: BlockIter })[]): Block {
  const iters = axes.map(
    (a): BlockIter => ({ ...a.old, var: variable(a.old.var.name), extent: a.extent, binding: a.binding }),
  );
  /** Some of the loops around a statement of the old block. */
  const nest = (list: readonly For[], inside: Stmt): Stmt => {
    const vars = new Map<Var, Expr>(
      loops.map((l) => [l.var, list.includes(l) ? variable(l.var.name) : int(0)] as const),
    );
    const values = new Map<Var, Expr>(
      axes.map((a, i) => {
        const whole = isConst(a.extent, 1) && isConst(a.binding, 0);
        return [a.old.var, whole ? a.inner : simplifyIndex(add(mul(iters[i]!.var, a.count), a.inner))] as const;
      }),
    );
    const body = substituteStmt(substituteStmt(inside, values), vars);
    return list.reduceRight<Stmt>((s, l): For => ({ ...l, var: vars.get(l.var) as Var, body: s }), body);
  };
  const elements = axes.filter((a) => a.old.kind !== "reduction");
  const spatial = loops.filter((l) => elements.some((a) => usesVar(a.inner, (v) => v === l.var)));
  const { init, combiner: _, ...rest } = b;
  return {
    ...rest,
    iters,
    ...(init ? { init: nest(spatial, init) } : {}),
    body: nest(loops, b.body),
  };
}
