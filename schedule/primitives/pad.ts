import { Facts, prove, simplifyIndex } from "../../src/arith/index.ts";
import {
  add,
  and,
  type Block,
  type BlockId,
  type BlockIter,
  type Buffer,
  type Expr,
  eq,
  type For,
  type Func,
  floordiv,
  ge,
  int,
  lt,
  mul,
  printExpr,
  replaceBuffers,
  type Stmt,
  type Store,
  seq,
  store,
  sub,
  usesVar,
  type Var,
  visitExpr,
  where,
  zeroOf,
} from "../../src/ir/index.ts";
import { isComplete, type Read, readsOf, renamed, storedAt, storesOf } from "../analysis.ts";
import { badArgument, describe, MAX_MULTIPLE } from "../arguments.ts";
import { type Complaint, refuse } from "../error.ts";
import { type GivenScalar, givenConstant } from "../expr-data.ts";
import { accepted, atLoops, loopsAround, type Primitives } from "../hints.ts";
import type { Outcome } from "../outcome.ts";
import { contribution } from "../padding.ts";
import { readProblem } from "../regions.ts";
import { blocksIn, factsAround, io, type Place, replaceStmt, rewrite, tidy, treeOf, writersOf } from "../tree.ts";
import { findBlock, findLoop } from "./find.ts";

const NAME = "pad";
/** What a padded element is set to: a value of the dtype, as text where JSON has no number for it. */
export type PadValue = GivenScalar;
/**
 * Lengthens an axis of a block to a multiple, so that splits of it divide. A spatial axis lengthens the dimension of the buffer
 * that it writes too: there the block stores `value` (0 when not given); a reduction stores what it computes there, and nobody looks.
 * A reduction axis is lengthened only where the points that are added change nothing. Whoever reads the buffer reads what it read before.
 *
 *     s.pad(copy, i, 4)      // for i in 10  ->  for i in 12:  A.workspace[vi] = where(vi < 10, A[vi], 0.0)
 *
 * Conditions:
 * 1. the loop is around the block, and around no other;
 * 2. the loop is a spatial or a reduction axis of the block as a whole: neither split nor fused nor cut by a condition;
 * 3. for a spatial axis: the block alone writes its buffers, which are intermediates that lie row by row;
 * 4. for a spatial axis: each store is at the axis in one dimension, and nowhere else;
 * 5. what a reduction reads in the part that is added is inside its buffers;
 * 6. for a reduction axis: what is added combines to nothing new, as far as the producers of what it reads tell;
 * 7. what the block reads there was computed before.
 *
 * All handles survive.
 */
export function pad(f: Func, block: BlockId, loop: Var, multiple: number, value?: PadValue): Outcome {
  const p = findBlock(f, block);
  const l = findLoop(f, loop);
  if (!(Number.isSafeInteger(multiple) && multiple > 0 && multiple <= MAX_MULTIPLE))
    badArgument(f, NAME, `the multiple is ${describe(multiple)}, not a positive whole number of at most 2^30`, [
      "a multiple of 4",
    ]);
  if (value !== undefined) for (const x of io(p.node).writes) padConstant(f, x, value);
  const bad = (c: Omit<Complaint, "primitive">): never => refuse(f, { primitive: NAME, ...c });
  const others = (): string[] => padHints(f, block, loopsAround(f, block), multiple, value);
  if (!p.loops.includes(l.node))
    bad({
      condition: 1,
      code: "not-around",
      message: `loop ${loop.name} is not around block ${block.name}`,
      marks: [loop, block],
      legal: others,
    });
  const neighbour = blocksIn(l.node).find((b) => b.id !== block);
  if (neighbour)
    bad({
      condition: 1,
      code: "shared",
      message: `loop ${loop.name} is around ${neighbour.id.name} as well as around ${block.name}`,
      marks: [loop, neighbour.id],
      legal: () => [...others(), `split(${loop.name}, ..., { tail: "pad" }), which pads every block inside`],
    });
  const problem = { hint: others, bad };
  return padLoop(f, l, multiple, value, problem);
}

interface Report {
  readonly hint: () => readonly string[];
  readonly bad: (c: Omit<Complaint, "primitive">) => never;
}

/** Lengthens a loop, the axis that it is of every block below, and their buffers. */
export function padLoop(
  f: Func,
  l: Place<For>,
  multiple: number,
  value: PadValue | undefined,
  report: Report,
): Outcome {
  const facts = factsAround(l);
  const { extent } = l.node;
  const padded = simplifyIndex(mul(floordiv(add(extent, int(multiple - 1)), int(multiple)), int(multiple)), facts);
  const below = blocksIn(l.node).map((b) => treeOf(f).blocks.get(b.id)!);
  const axes = new Map(below.map((p) => [p.node, axisOf(p, l, report)]));
  if (prove(eq(padded, extent), facts)) return { func: f };

  const buffers = new Map<Buffer, Buffer>();
  for (const p of below) {
    const axis = axes.get(p.node);
    if (axis?.kind === "spatial") lengthen(f, p, axis, padded, buffers, report);
  }
  const changed = rewrite(l.node, (s) => {
    if (s.kind !== "block") return s;
    const axis = axes.get(s);
    if (axis === undefined) return s;
    const iters = s.iters.map((it) => (it === axis ? { ...it, extent: padded } : it));
    return { ...s, iters, body: bodyOf(f, s, axis, value) };
  });
  const body = replaceBuffers(replaceStmt(f, l.node, { ...(changed as For), extent: padded }).body, buffers);
  const func = tidy({ ...f, body, intermediates: f.intermediates.map((b) => buffers.get(b) ?? b) });

  for (const p of below) {
    const axis = axes.get(p.node);
    const now = treeOf(func).blocks.get(p.node.id)!;
    if (axis !== undefined)
      checkAdded(f, func, now, now.node.iters.find((it) => it.var === axis.var)!, axis.extent, multiple, report);
    // also of a block that computes the same once more in each iteration
    checkComputed(func, now, report);
  }
  return { func, replaced: buffers };
}

/** The axis of a block that the loop is; undefined where the block computes the same in every iteration. */
function axisOf(p: Place<Block>, l: Place<For>, report: Report): BlockIter | undefined {
  const b = p.node;
  const loop = l.node.var;
  const uses = (e: Expr): boolean => usesVar(e, (v) => v === loop);
  const using = b.iters.filter((it) => uses(it.binding));
  const inner = p.loops.slice(l.loops.length + 1).find((x) => uses(x.extent));
  const axis = using[0];
  const refused = (what: string): never =>
    report.bad({
      condition: 2,
      code: "axis",
      message: `loop ${loop.name} is no whole axis of ${b.id.name}: ${what}`,
      marks: [loop, b.id],
      legal: () => [...report.hint(), "pad before split, fuse and computeAt"],
    });
  if (uses(b.predicate)) refused(`it computes only where ${printExpr(b.predicate)}`);
  if (inner) refused(`the extent of ${inner.var.name} depends on it`);
  if (axis === undefined) return isComplete(b) ? undefined : refused("each iteration adds to the same elements");
  if (using.length > 1 || axis.binding !== loop) {
    const names = using.map((it) => `${it.var.name} = ${printExpr(it.binding)}`).join(", ");
    return refused(names);
  }
  if (axis.kind === "ordered") return refused(`${axis.var.name} counts its steps`);
  const whole = prove(eq(axis.extent, l.node.extent), Facts.empty);
  if (!whole)
    return refused(`${axis.var.name} has ${printExpr(axis.extent)} values, the loop ${printExpr(l.node.extent)}`);
  return axis;
}

/** The buffers that a block writes, longer along an axis. */
function lengthen(
  f: Func,
  p: Place<Block>,
  axis: BlockIter,
  padded: Expr,
  buffers: Map<Buffer, Buffer>,
  report: Report,
): void {
  const b = p.node;
  for (const x of io(b).writes) {
    const refused = (
      condition: number,
      code: string,
      why: string,
      marks: Complaint["marks"],
      legal: Complaint["legal"],
    ) =>
      report.bad({
        condition,
        code,
        message: `${x.name}, which block ${b.id.name} writes, ${why}`,
        marks: marks!,
        legal: legal!,
      });
    const other = writersOf(f, x).find((w) => w.node !== b);
    if (f.outputs.includes(x))
      refused(3, "output", "is an output of the function", [b.id], (q) =>
        accepted(["workspace", "local"] as const, (scope) => q.cacheWrite(f, b.id, scope)).map(
          (scope) => `cacheWrite(${b.id.name}, "${scope}") before that`,
        ),
      );
    if (other)
      refused(3, "writers", `is written by ${other.node.id.name} too`, [b.id, other.node.id], () => [
        ...report.hint(),
        "pad before decomposeReduction",
      ]);
    if (x.layout || x.strides)
      refused(3, "layout", "has a layout made for its size", [b.id], () => [
        ...report.hint(),
        "pad before transformLayout",
      ]);
    const at = storedAt(b, x)?.indexOf(axis.var) ?? -1;
    const mentions = (e: Expr): boolean => usesVar(e, (v) => v === axis.var) || readsMemory(e);
    const stray = storesOf(b).some(
      (s) =>
        s.buffer === x &&
        (s.index.some((e, d) => d !== at && mentions(e)) ||
          [...s.inner.values()].some((r) => mentions(r.min) || mentions(r.extent))),
    );
    if (at < 0 || stray || !prove(eq(x.shape[at]!, axis.extent)))
      refused(4, "store", `has no dimension that is ${axis.var.name}`, [b.id], () => report.hint());
    buffers.set(x, Object.freeze({ ...x, shape: x.shape.map((n, d) => (d === at ? padded : n)) }));
  }
}

function readsMemory(e: Expr): boolean {
  let found = false;
  visitExpr(e, (x) => {
    if (x.kind === "load") found = true;
    return !found;
  });
  return found;
}

/** The body, storing `value` in what is added to a spatial axis. */
function bodyOf(f: Func, b: Block, axis: BlockIter, value: PadValue | undefined): Stmt {
  if (axis.kind !== "spatial" || !isComplete(b)) {
    if (value !== undefined)
      badArgument(f, NAME, `a value is given for ${b.id.name}, a reduction: it holds what it computes`, ["no value"]);
    return b.body;
  }
  const inside = lt(axis.var, axis.extent);
  const filled = (x: Buffer): Expr => padConstant(f, x, value ?? zeroOf(x.dtype));
  const list = b.body.kind === "seq" ? b.body.body : [b.body];
  if (list.every((s): s is Store => s.kind === "store"))
    return seq(list.map((s) => store(s.buffer, s.index, where(inside, s.value, filled(s.buffer)))));
  return { kind: "if", condition: inside, then: b.body, otherwise: filling(b, axis, filled) };
}
/** Stores to the same places, of other values and whatever the conditions were: where there is a place without these. */
function filling(b: Block, axis: BlockIter, filled: (x: Buffer) => Expr): Stmt {
  const facts = b.iters.reduce((f, it) => f.withVar(it.var, int(0), it.extent), Facts.empty);
  return seq(
    storesOf(b).map((w) => {
      const s = renamed(w);
      const known = [...s.inner].reduce((f, [v, r]) => f.withVar(v, r.min, r.extent), facts);
      const guards = s.index
        .flatMap((e, d) => (e === axis.var ? [] : [ge(e, int(0)), lt(e, s.buffer.shape[d]!)]))
        .filter((c) => !prove(c, known));
      const put = store(s.buffer, s.index, filled(s.buffer));
      return [...s.inner].reduceRight<Stmt>(
        (body, [v, r]): For => ({ kind: "for", var: v, min: r.min, extent: r.extent, loop: "serial", body }),
        guards.length === 0 ? put : { kind: "if", condition: guards.reduce(and), then: put },
      );
    }),
  );
}
function padConstant(f: Func, b: Buffer, value: PadValue): Expr {
  const made = givenConstant(b.dtype, value);
  if (made) return made;
  return badArgument(f, NAME, `${b.name} holds ${b.dtype}, and ${describe(value)} is none`, [`a value of ${b.dtype}`]);
}

/** Whether the part that is added to an axis may be computed at all, and changes nothing where it is reduced. */
function checkAdded(
  before: Func,
  f: Func,
  p: Place<Block>,
  axis: BlockIter,
  old: Expr,
  multiple: number,
  report: Report,
): void {
  const b = p.node;
  let added = b.iters.reduce((x, it) => (it === axis ? x : x.withVar(it.var, int(0), it.extent)), Facts.empty);
  added = added.withVar(axis.var, old, sub(axis.extent, old));
  const hint =
    (r: Read | undefined): ((q: Primitives) => string[]) =>
    (q) =>
      operandHints(q, before, b.id, axis, r, multiple);
  if (!isComplete(b)) {
    const r = readsOf(b, () => true).find((x) => concerns(x, axis) && !inside(x, added));
    if (r)
      report.bad({
        condition: 5,
        code: "reads",
        message: `for ${axis.var.name} from ${printExpr(old)} on, ${b.id.name} may read outside of ${r.buffer.name}: ${r.buffer.name}[${r.index.map((e) => printExpr(e)).join(", ")}]`,
        marks: [b.id],
        legal: hint(r),
      });
  }
  if (axis.kind === "reduction") {
    const more = contribution(f, b, added);
    if (more)
      report.bad({
        condition: 6,
        code: "neutral",
        message: `for ${axis.var.name} from ${printExpr(old)} on, ${b.id.name} would combine ${printExpr(more)}, which may change its result`,
        marks: [b.id],
        legal: hint(undefined),
      });
  }
}
function checkComputed(f: Func, p: Place<Block>, report: Report): void {
  const problem = readProblem(treeOf(f).blocks.values(), p);
  if (problem)
    report.bad({
      condition: 7,
      code: "computed",
      message: problem.why,
      marks: [p.node.id, problem.writer.node.id],
      legal: () => [...report.hint(), `pad before computeAt`],
    });
}
const concerns = (r: Read, axis: BlockIter): boolean =>
  [...r.index, ...r.guards, ...[...r.inner.values()].flatMap((x) => [x.min, x.extent])].some((e) =>
    usesVar(e, (v) => v === axis.var),
  );
function inside(r: Read, facts: Facts): boolean {
  let known = facts;
  for (const [v, range] of r.inner) known = known.withVar(v, range.min, range.extent);
  for (const g of r.guards) known = known.withCondition(g);
  return r.index.every((e, d) => prove(and(ge(e, int(0)), lt(e, r.buffer.shape[d]!)), known));
}

/** Which operand has to be padded first: it is copied before that where it is an input. */
function operandHints(
  q: Primitives,
  f: Func,
  block: BlockId,
  axis: BlockIter,
  only: Read | undefined,
  multiple: number,
): string[] {
  const b = findBlock(f, block).node;
  const reads = readsOf(b, (x) => !io(b).writes.has(x) && (only === undefined || x.name === only.buffer.name));
  const identity = b.combiner?.identities[0];
  const value = identity?.kind === "const" && identity.value ? identity.value : undefined;
  const out = reads.flatMap((r): string[] => {
    const d = r.index.findIndex((e) => usesVar(e, (v) => v === axis.var));
    if (d < 0) return [];
    const along = (g: Func, id: BlockId): string[] => {
      const w = treeOf(g).blocks.get(id)!.node;
      const places = [...io(w).writes].map((x) => storedAt(w, x)?.[d]);
      const loops = w.iters.filter((it) => places.includes(it.var)).map((it) => it.binding);
      const whole = loops.filter((e): e is Var => e.kind === "var");
      const padded = (v: Var): Outcome => pad(g, id, v, multiple, value);
      const longer = accepted(whole, padded).filter((v) => padded(v).func !== g);
      return padHints(g, id, longer, multiple, value).map((s) => `${s} before that`);
    };
    const writer = writersOf(f, r.buffer)[0]?.node.id;
    if (writer) return along(f, writer);
    return accepted([r.buffer], (x) => q.cacheRead(f, block, x, "workspace")).flatMap((x) => {
      const o = q.cacheRead(f, block, x, "workspace");
      return along(o.func, o.copy).map((s) => `cacheRead(${block.name}, ${x.name}, "workspace") and ${s}`);
    });
  });
  if (out.length > 0) return [...new Set(out)];
  return [...new Set(reads.map((r) => `padding ${r.buffer.name} with ${value ?? 0}`))];
}
/** Loops along which a block could be padded. */
const padHints = (f: Func, block: BlockId, loops: readonly Var[], multiple: number, value?: PadValue): string[] =>
  atLoops(f, NAME, block, loops, (v) => pad(f, block, v, multiple, value)).map(
    (s) => `${s.slice(0, -1)}, ${multiple}${value === undefined ? "" : `, ${value}`})`,
  );
