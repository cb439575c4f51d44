import { linear, simplifyIndex, solveAffineBindings } from "../../src/arith/index.ts";
import {
  type Block,
  constInt,
  type Expr,
  type For,
  type Func,
  type LoopKind,
  usesVar,
  type Var,
  variable,
  visitStmt,
} from "../../src/ir/index.ts";
import { feeding, has, isUpdate, selfReadLoops, visitsOnce } from "../analysis.ts";
import { tellApart } from "../digits.ts";
import { type Complaint, refuse } from "../error.ts";
import type { Outcome } from "../outcome.ts";
import { blocksIn, factsIn, io, type Place, replaceStmt, shared, treeOf } from "../tree.ts";
import { findLoop } from "./find.ts";

const retag = (f: Func, l: For, loop: LoopKind): Func => replaceStmt(f, l, { ...l, loop });

function constantExtent(f: Func, primitive: string, l: For): number {
  const n = constInt(l.extent);
  if (n !== undefined) return n;
  return refuse(f, {
    primitive,
    condition: 1,
    code: "extent",
    message: `the extent of loop ${l.var.name} is not a constant`,
    marks: [l.var],
    legal: [`split ${l.var.name} by a constant first`],
  });
}

/**
 * Marks a loop to be written out iteration by iteration.
 *
 * Conditions:
 * 1. its extent is a constant;
 * 2. it is serial (or unrolled already).
 *
 * All handles survive.
 */
export function unroll(f: Func, loop: Var): Outcome {
  const l = findLoop(f, loop).node;
  constantExtent(f, "unroll", l);
  if (l.loop !== "serial" && l.loop !== "unrolled")
    refuse(f, {
      primitive: "unroll",
      condition: 2,
      code: "kind",
      message: `loop ${loop.name} is ${l.loop} already`,
      marks: [loop],
    });
  return { func: retag(f, l, "unrolled") };
}

/**
 * Marks a loop to become vector operations, one lane per iteration. Any constant extent will do: it is cut to what the target
 * has.
 *
 * Conditions:
 * 1. its extent is a constant;
 * 2. it is serial;
 * 3. no loop around it or inside it is vectorized;
 * 4. no reduction and no scan below is carried by it;
 * 5. every block below writes other elements in each iteration;
 * 6. extents of loops inside don't depend on it;
 * 7. no block below is stored at it or around it while it is computed and read inside.
 *
 * All handles survive.
 */
export function vectorize(f: Func, loop: Var): Outcome {
  const p = findLoop(f, loop);
  const l = p.node;
  const bad = (c: Omit<Complaint, "primitive">): never => refuse(f, { primitive: "vectorize", ...c });
  constantExtent(f, "vectorize", l);
  if (l.loop !== "serial")
    bad({ condition: 2, code: "kind", message: `loop ${loop.name} is ${l.loop} already`, marks: [loop] });
  const around = p.loops.find((x) => x.loop === "vectorized");
  const inside: For[] = [];
  visitStmt(l.body, (s) => void (s.kind === "for" && inside.push(s)));
  const other = around ?? inside.find((x) => x.loop === "vectorized");
  if (other)
    bad({
      condition: 3,
      code: "nested",
      message: `loop ${other.var.name}, ${around ? "around" : "inside"} ${loop.name}, is vectorized already`,
      marks: [loop, other.var],
      legal: [`unroll ${loop.name}`],
    });
  for (const b of blocksIn(l)) {
    const axis = b.iters.find((it) => it.kind !== "spatial" && usesVar(it.binding, (v) => v === loop));
    if (axis)
      bad({
        condition: 4,
        code: "carried",
        message: `loop ${loop.name} carries the ${axis.kind === "reduction" ? "reduction" : "steps"} of ${b.id.name}`,
        marks: [loop, b.id],
        legal: [`one of ${[...feeding(b, "spatial")].map((v) => v.name).join(", ")}`, `unroll ${loop.name}`],
      });
    if (has(b, "ordered") && selfReadLoops(b).has(loop)) {
      const steps = feeding(b, "ordered");
      const late = inside.find((x) => steps.has(x.var));
      if (late)
        bad({
          condition: 4,
          code: "carried",
          message: `the steps of ${b.id.name} read across ${loop.name}, and run inside it`,
          marks: [loop, late.var],
        });
    }
    const q = treeOf(f).blocks.get(b.id)!;
    if (!distinct(b, p) || (isUpdate(b) && !visitsOnce(b, q.loops.slice(p.loops.length), factsIn(p.loops))))
      bad({
        condition: 5,
        code: "same-element",
        message: `iterations of ${loop.name} write the same elements of ${b.id.name}`,
        marks: [loop, b.id],
        legal: [`compute ${b.id.name} outside of ${loop.name}`, `unroll ${loop.name}`],
      });
    const at = b.storeAt;
    const place = at && treeOf(f).loops.get(at);
    const keeps = place && (at === loop || shared(place, p).length === place.loops.length) && place.order <= p.order;
    // lanes that only write it share nothing
    const readInside = blocksIn(l).some((x) => x !== b && [...io(x).reads].some((y) => io(b).writes.has(y)));
    if (keeps && readInside)
      bad({
        condition: 7,
        code: "stored",
        message: `${b.id.name} is stored at ${at.name} and computed inside ${loop.name}`,
        marks: [loop, b.id],
      });
  }
  const dependent = inside.find((x) => usesVar(x.extent, (v) => v === loop));
  if (dependent)
    bad({
      condition: 6,
      code: "inner-extent",
      message: `the extent of loop ${dependent.var.name} depends on ${loop.name}`,
      marks: [loop, dependent.var],
    });
  return { func: retag(f, l, "vectorized") };
}

/** Whether iterations of a loop (the others standing still) write different elements. */
function distinct(b: Block, p: Place<For>): boolean {
  const l = p.node;
  const v = l.var;
  const using = b.iters.filter((it) => it.kind === "spatial" && usesVar(it.binding, (x) => x === v));
  if (using.length === 0) return constInt(l.extent) === 1;
  const plain = (e: Expr): boolean => {
    const mine = linear(e).terms.filter((t) => usesVar(t.atom, (x) => x === v));
    return mine.length === 1 && mine[0]!.atom === v;
  };
  if (using.some((it) => plain(it.binding))) return true;
  // quotients and remainders of a fused loop
  const targets = using.map((it) => variable(`=${it.var.name}`));
  const bindings = using.map((it) => it.binding);
  if (
    tellApart(
      bindings.map((e) => simplifyIndex(e, factsIn(p.loops))),
      v,
    )
  )
    return true;
  return solveAffineBindings(bindings, targets, [{ var: v, extent: l.extent }], factsIn(p.loops)) !== undefined;
}
