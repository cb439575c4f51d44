import { simplifyIndex } from "../../src/arith/index.ts";
import {
  add,
  type Block,
  constInt,
  type Expr,
  type For,
  type Func,
  type If,
  type LoopKind,
  printExpr,
  substitute,
  usesVar,
  type Var,
  visitExpr,
  visitStmt,
} from "../../src/ir/index.ts";
import { innerLoops, storesOf } from "../analysis.ts";
import { type Complaint, refuse } from "../error.ts";
import { accepted, loopsNear, loopText, onLoops, type Primitives } from "../hints.ts";
import { hindrance, type Kind } from "../independent.ts";
import type { Outcome } from "../outcome.ts";
import { bindingsOf } from "../regions.ts";
import { blocksIn, type Place, replaceStmt } from "../tree.ts";
import { findLoop } from "./find.ts";
import { split } from "./split.ts";

const CONDITIONS: Readonly<Record<Kind, number>> = { carried: 4, "same-element": 5, stored: 7 };
const retag = (f: Func, l: For, loop: LoopKind): Func => replaceStmt(f, l, { ...l, loop });

function constantExtent(f: Func, primitive: string, l: For, again: (f: Func, v: Var) => Outcome): number {
  const n = constInt(l.extent);
  if (n !== undefined) return n;
  return refuse(f, {
    primitive,
    condition: 1,
    code: "extent",
    message: `the extent of loop ${l.var.name} is ${printExpr(l.extent)}, not a constant`,
    marks: [l.var],
    legal: () => [
      ...onPart(f, l.var, again, (part) => `${primitive}(${part})`),
      ...onLoops(f, primitive, loopsNear(f, [l.var]), (v) => again(f, v)),
    ],
  });
}

/** A step on the inner part of a loop that is split by a small number, where it would be accepted. */
function onPart(f: Func, loop: Var, step: (f: Func, inner: Var) => Outcome, text: (inner: string) => string): string[] {
  const { name } = loop;
  const cut = accepted([SMALL], (n) => {
    const o = split(f, loop, { o: "rest", i: n });
    return step(o.func, o.born!.get("i") as Var);
  });
  return cut.map((n) => `split(${loopText(f, loop)}, { ${name}o: "rest", ${name}i: ${n} }) and ${text(`${name}i`)}`);
}
const SMALL = 4;

/**
 * Marks a loop to be written out iteration by iteration.
 *
 *     s.unroll(ii)      // for ii in 4:  ->  unrolled ii in 4:
 *
 * Conditions:
 * 1. its extent is a constant;
 * 2. it is serial (or unrolled already).
 *
 * All handles survive.
 */
export function unroll(f: Func, loop: Var): Outcome {
  const l = findLoop(f, loop).node;
  constantExtent(f, "unroll", l, unroll);
  if (l.loop !== "serial" && l.loop !== "unrolled")
    refuse(f, {
      primitive: "unroll",
      condition: 2,
      code: "kind",
      message: `loop ${loop.name} is ${l.loop} already`,
      marks: [loop],
      legal: () => onLoops(f, "unroll", loopsNear(f, [loop]), (v) => unroll(f, v)),
    });
  return { func: retag(f, l, "unrolled") };
}

/**
 * Reductions that could go in several pieces: each has partial results of its own, which are combined at the end. Lanes share a
 * sum; where points choose the elements that they update, each piece has a copy of them all, in memory.
 */
function inPieces({ rfactor }: Primitives, f: Func, p: Place<For>): string[] {
  const loop = p.node.var;
  const [scattered, plain] = [true, false].map((x) => blocksIn(p.node).filter((b) => choosesPlaces(b) === x));
  const lanes = accepted(plain!, (b) => rfactor(f, b.id, [loop]));
  const copies = scattered!.flatMap((b) => {
    const pieces = (g: Func, v: Var): Outcome => rfactor(g, b.id, [v], { at: 0 });
    const text = (v: string): string => `rfactor(${b.id.name}, ${v}, { at: 0 })`;
    if ((constInt(p.node.extent) ?? Number.POSITIVE_INFINITY) > 2 * SMALL) return onPart(f, loop, pieces, text);
    return accepted([loop], (v) => pieces(f, v)).map((v) => text(loopText(f, v)));
  });
  return [...lanes.map((b) => `vectorizeReduction(s, ${b.id.name}, ${loopText(f, loop)}, 8)`), ...copies];
}
/** Whether it computes where it writes, instead of writing at its axes. */
const choosesPlaces = (b: Block): boolean =>
  storesOf(b).some((s) => s.index.some((e) => !usesOnly(e, new Set(b.iters.map((it) => it.var)))));
function usesOnly(e: Expr, known: ReadonlySet<Var>): boolean {
  let only = true;
  visitExpr(e, (x) => {
    if (x.kind === "load" || (x.kind === "var" && !known.has(x))) only = false;
  });
  return only;
}

/**
 * Marks a loop to become vector operations, one lane per iteration. Any constant extent will do: it is cut to what the target
 * has.
 *
 *     s.vectorize(ji)         // for ji in 8:  ->  vectorized ji in 8:
 *     s.vectorize(j, 8)       // the same for a new inner part of 8, and the outer part unrolled
 *
 * Conditions:
 * 1. its extent is a constant;
 * 2. it is serial;
 * 3. no loop around it or inside it is vectorized;
 * 4. no reduction and no scan below is carried by it;
 * 5. every block below writes other elements in each iteration;
 * 6. extents of loops inside don't depend on it, and no branch there;
 * 7. no block below is stored at it or around it while it is computed and read inside.
 *
 * All handles survive.
 */
export function vectorize(f: Func, loop: Var): Outcome {
  const p = findLoop(f, loop);
  const l = p.node;
  const legal = (): string[] => [
    ...onLoops(f, "vectorize", loopsNear(f, [loop]), (v) => vectorize(f, v)),
    ...onLoops(f, "unroll", l.loop === "serial" ? [loop] : [], (v) => unroll(f, v)),
  ];
  const bad = (c: Omit<Complaint, "primitive">): never => refuse(f, { primitive: "vectorize", legal, ...c });
  constantExtent(f, "vectorize", l, vectorize);
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
    });
  const found = hindrance(f, p, "together");
  const lanes: Complaint["legal"] = (primitives) => [...inPieces(primitives, f, p), ...legal()];
  if (found) bad({ ...found, condition: CONDITIONS[found.code], legal: found.code === "carried" ? lanes : legal });
  // loops between blocks, and loops of their bodies
  const bounds = inside.map((x): [Var, Expr] => [x.var, x.extent]);
  for (const b of blocksIn(l))
    for (const [v, r] of innerLoops(b)) bounds.push([v, substitute(add(r.min, r.extent), bindingsOf(b))]);
  const dependent = bounds.find(([, e]) => usesVar(e, (v) => v === loop));
  if (dependent)
    bad({
      condition: 6,
      code: "inner-extent",
      message: `the extent of loop ${dependent[0].name}, inside ${loop.name}, is ${printExpr(simplifyIndex(dependent[1]))}`,
      marks: [loop, dependent[0]],
    });
  let branch: If | undefined;
  visitStmt(l.body, (s) => {
    if (s.kind === "if" && usesVar(s.condition, (v) => v === loop)) branch ??= s;
    return s.kind !== "block";
  });
  if (branch)
    bad({
      condition: 6,
      code: "branch",
      message: `inside loop ${loop.name} stands a branch on ${printExpr(branch.condition)}, which lanes would take differently`,
      marks: [loop],
    });
  return { func: retag(f, l, "vectorized") };
}
