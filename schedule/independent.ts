/**
 * Whether the iterations of a loop may run at the same time. Lanes of a vectorized loop run together, one statement after the
 * other; iterations of parallel and bound loops run apart, each at its own pace and with scratch memory of its own.
 */
import { constBounds, invertIndex, linear, simplifyIndex, solveAffineBindings } from "../src/arith/index.ts";
import {
  add,
  type Block,
  type Buffer,
  constInt,
  type Expr,
  type For,
  type Func,
  int,
  mul,
  physicalIndex,
  substitute,
  usesVar,
  type Var,
  variable,
  varsOf,
  visitExpr,
  visitStmt,
} from "../src/ir/index.ts";
import { feeding, has, isUpdate, selfReadLoops, storesOf, visitsOnce } from "./analysis.ts";
import { numbersIn } from "./digits.ts";
import { type Complaint, refuse } from "./error.ts";
import { gridProblem, lanesAround } from "./grid.ts";
import { dependence, stepText, writtenText } from "./hints.ts";
import { bindingsOf, flowProblem } from "./regions.ts";
import { blocksIn, factsAround, factsIn, io, type Place, shared, treeOf } from "./tree.ts";

export type Pace = "together" | "apart";
export type Hindrance = Pick<Complaint, "code" | "message" | "marks">;

/**
 * What makes one iteration need another, by kind: `carried` (a reduction or a scan goes on from one to the next), `same-element` (they
 * write the same place), `stored` (they would share scratch memory). Undefined where nothing does.
 */
export function hindrance(f: Func, p: Place<For>, pace: Pace): (Hindrance & { readonly code: Kind }) | undefined {
  for (const b of blocksIn(p.node)) {
    const q = treeOf(f).blocks.get(b.id)!;
    const found = carried(f, p, b) ?? sameElement(f, p, q, pace) ?? stored(f, p, q, pace);
    if (found) return found;
  }
  return undefined;
}
export type Kind = "carried" | "same-element" | "stored";
type Found = (Hindrance & { readonly code: Kind }) | undefined;

function carried(f: Func, p: Place<For>, b: Block): Found {
  const loop = p.node.var;
  const axis = b.iters.find((it) => it.kind !== "spatial" && usesVar(it.binding, (v) => v === loop));
  if (axis)
    return {
      code: "carried",
      message:
        axis.kind === "reduction"
          ? `loop ${loop.name} carries the reduction of ${b.id.name}: all its iterations add to ${writtenText(treeOf(f).blocks.get(b.id)!)}`
          : `loop ${loop.name} carries the steps of ${b.id.name}: ${stepText(f, b)}`,
      marks: [loop, b.id],
    };
  if (!isUpdate(b) || !selfReadLoops(b).has(loop)) return undefined;
  const steps = feeding(b, "ordered");
  const inside = loopsIn(p.node);
  const late = has(b, "ordered") ? inside.find((x) => steps.has(x.var)) : p.node;
  if (late === undefined) return undefined;
  return {
    code: "carried",
    message: `the steps of ${b.id.name} read across ${loop.name}, and run inside it: ${stepText(f, b)}`,
    marks: [loop, late.var],
  };
}

function sameElement(f: Func, p: Place<For>, q: Place<Block>, pace: Pace): Found {
  const b = q.node;
  const inside = q.loops.slice(p.loops.length + 1);
  const written = [...io(b).writes].filter((x) => pace === "together" || !ownMemory(f, p, x));
  const free = pace === "together" ? [] : inside;
  const again = pace === "together" && isUpdate(b) && !visitsOnce(b, [p.node, ...inside], factsAround(p));
  if (!again && written.every((x) => distinct(b, x, p, free))) return undefined;
  const loop = p.node.var;
  return {
    code: "same-element",
    message: `iterations of ${loop.name} write the same elements of ${b.id.name}: ${writtenText(q)}`,
    marks: [loop, b.id],
  };
}

function stored(f: Func, p: Place<For>, q: Place<Block>, pace: Pace): Found {
  const b = q.node;
  const loop = p.node.var;
  const tree = treeOf(f);
  const readers = blocksIn(p.node).filter((x) => x !== b && [...io(x).reads].some((y) => io(b).writes.has(y)));
  // iterations that only write it share nothing
  if (readers.length === 0) return undefined;
  const at = b.storeAt;
  const place = at && at !== "root" && tree.loops.get(at);
  const around = at === "root" || (place && shared(place, p).length === place.loops.length && place.order < p.order);
  if (at && (around || (pace === "together" && at === loop)))
    return {
      code: "stored",
      message: `${b.id.name} is stored at ${at === "root" ? at : at.name} and computed and read inside ${loop.name}: ${pace === "together" ? "lanes" : "its iterations"} would share its buffer`,
      marks: [loop, b.id],
    };
  if (pace === "together") return undefined;
  // what they read of memory that all of them see has to be their own
  for (const r of readers) {
    const reader = tree.blocks.get(r.id)!;
    for (const x of io(b).writes) {
      if (!io(r).reads.has(x) || ownMemory(f, p, x) || (io(r).writes.has(x) && q.order > reader.order)) continue;
      const why = flowProblem(q, reader, x);
      if (why) return { code: "stored", message: `${why}: ${dependence(q, reader, x)}`, marks: [loop, b.id, r.id] };
    }
  }
  return undefined;
}

const loopsIn = (l: For): For[] => {
  const out: For[] = [];
  visitStmt(l.body, (s) => void (s.kind === "for" && out.push(s)));
  return out;
};

/**
 * Refuses a step after which iterations of a parallel or bound loop could no longer run apart.
 */
export function keepApart(before: Func, after: Func, primitive: string): void {
  for (const p of treeOf(after).loops.values()) {
    const { loop, bind, var: v } = p.node;
    if (loop !== "parallel" && loop !== "bound") continue;
    const found = lanesAround(p) ?? (bind && gridProblem(after, p)) ?? hindrance(after, p, "apart");
    if (!found) continue;
    const tree = treeOf(before);
    refuse(before, {
      primitive,
      condition: 0,
      code: "apart",
      message: `loop ${v.name} is ${loop}, and then ${found.message}`,
      marks: (found.marks ?? []).filter((m) => ("kind" in m ? tree.loops.has(m) : tree.blocks.has(m))),
      legal: [`${primitive} before ${v.name} becomes ${loop}`, `${primitive} of other loops`],
    });
  }
}

/** Whether each iteration has a buffer of its own: all who use it are inside, and it is allocated there. */
function ownMemory(f: Func, p: Place<For>, x: Buffer): boolean {
  if (!f.intermediates.includes(x)) return false;
  const tree = treeOf(f);
  const users = [...tree.blocks.values()].filter((u) => io(u.node).reads.has(x) || io(u.node).writes.has(x));
  if (!users.every((u) => u.loops.includes(p.node))) return false;
  return users.every(({ node }) => {
    if (!io(node).writes.has(x)) return true;
    const at = node.storeAt;
    if (at === "root" || (at && at !== p.node.var && !tree.loops.get(at)?.loops.includes(p.node))) return false;
    // what goes on from one iteration of a loop around to the next is kept outside of that
    const steps = feeding(node, "reduction", "ordered");
    return !io(node).reads.has(x) || !p.loops.some((l) => steps.has(l.var));
  });
}

/**
 * Whether iterations of a loop write different elements of a buffer, the loops around it standing still, and those in `free` being
 * anywhere.
 */
function distinct(b: Block, x: Buffer, p: Place<For>, free: readonly For[]): boolean {
  const l = p.node;
  const loop = l.var;
  const stores = storesOf(b).filter((s) => s.buffer === x);
  const { layout } = x;
  // elements that share a cell are as good as one
  const cells = layout !== undefined && !invertIndex(layout.vars, x.shape, layout.index);
  const places = stores.map((s) => ({ inner: s.inner, index: cells ? physicalIndex(x, s.index) : s.index }));
  const facts = factsAround(p);
  const inner = factsIn([l, ...free], facts).withCondition(b.predicate);
  // a loop of which the block's condition leaves out the ends counts from where it begins
  const starts = new Map<Var, Expr>();
  const ranges = [l, ...free].map((y) => {
    const all = { var: y.var, extent: y.extent };
    const { min, max } = constBounds(y.var, inner);
    if (y === l || !(max < 2 ** 31) || max < min || (min <= 0 && max + 1 >= (constInt(y.extent) ?? 0))) return all;
    const moved = { var: variable(y.var.name), extent: int(max - min + 1) };
    starts.set(y.var, add(moved.var, int(min)));
    return moved;
  });
  const bind = new Map([...bindingsOf(b)].map(([v, e]) => [v, substitute(e, starts)]));
  // where an element is in these dimensions tells the iterations apart, whatever else the block's body loops over
  const fixed = places[0]!.index.flatMap((at, d) => {
    const same = places.every((s) => s.index[d] === at && ![...s.inner.keys()].some((v) => varsOf(at).has(v)));
    return same && !readsMemory(at) ? [simplifyIndex(substitute(at, bind), inner)] : [];
  });
  const using = fixed.filter((e) => usesVar(e, (v) => v === loop));
  // where the block's condition leaves one iteration, there is no other to write the same
  const mine = constBounds(loop, inner);
  if (using.length === 0) return mine.max <= mine.min;
  const moving = new Set(ranges.map((y) => y.var));
  const numbers = [...using, ...numbersIn(using, moving)];
  const used = (list: readonly Expr[]) =>
    ranges.filter((y) => y.var === loop || list.some((e) => usesVar(e, (v) => v === y.var)));
  const solved = (list: readonly Expr[]): boolean =>
    solveAffineBindings(
      list,
      list.map((_, n) => variable(`=${n}`)),
      used(list),
      facts,
    ) !== undefined;
  const plain = (e: Expr): boolean => {
    const terms = linear(e, inner).terms.filter((t) => usesVar(t.atom, (v) => moving.has(v)));
    return terms.length === 1 && terms[0]!.atom === loop;
  };
  const backwards = (e: Expr): Expr => simplifyIndex(mul(e, int(-1)), inner);
  return numbers.some((e) => plain(e) || solved([e]) || solved([backwards(e)])) || solved(using);
}
function readsMemory(e: Expr): boolean {
  let found = false;
  visitExpr(e, (x) => {
    if (x.kind === "load") found = true;
    return !found;
  });
  return found;
}
