import { constBounds, type Facts, foldDimension, foldOf, linear, prove, simplifyIndex } from "../../src/arith/index.ts";
import {
  add,
  and,
  type Block,
  type BlockId,
  type Buffer,
  type Expr,
  type For,
  type Func,
  int,
  isConst,
  mul,
  not,
  replaceBuffers,
  type Stmt,
  sub,
  substitute,
  TRUE,
  usesVar,
  type Var,
  variable,
  visitExpr,
} from "../../src/ir/index.ts";
import { bound, conjuncts, feeding, note, PARTIAL, REVISITS, readsOf, storedAt } from "../analysis.ts";
import { badArgument, checkOptions, describe } from "../arguments.ts";
import { type Complaint, refuse } from "../error.ts";
import { atLoops, loopsAround } from "../hints.ts";
import { named, type Outcome } from "../outcome.ts";
import { bindingsOf, factsAt } from "../regions.ts";
import { axisName, factsAround, factsIn, io, mapBlocks, ownLoops, type Place, rewrite, tidy, treeOf } from "../tree.ts";
import { assemble } from "./compute-at.ts";
import { findBlock, findLoop } from "./find.ts";
import {
  aheadProblem,
  clipped,
  consumersOf,
  keepFlows,
  keptOutside,
  lostRead,
  needs,
  placesAhead,
  skew,
} from "./skew.ts";

export interface FoldOptions {
  /** Indices along the dimension that are kept; the fewest possible when absent. */
  readonly factor?: number;
}
const NAME = "foldStorage";

/**
 * A sliding window. From one iteration of a loop to the next, what is needed of a block moves along one of its axes: the block
 * then computes only what is new, and the rest is still there from before. Its buffer lies outside of the loop, but only as many
 * indices along that axis as are needed at one time: index r is kept where r % factor is.
 *
 *     s.computeAt(bx, y); s.foldStorage(bx, y)      // by reads rows y .. y+2 of bx: each is computed once, three are kept
 *
 * Before the first iteration there is nothing yet, so the loop begins earlier by as many iterations as it takes to fill the window:
 * its extent grows, and all other blocks inside run that many iterations later, under a predicate. (Blocks that this one needs
 * stay.) In a chain of stages begin with the last one, before the stages that it reads come into the loop.
 *
 * Conditions:
 * 1. the block is the only one that writes its buffers (not decomposed), they are no outputs, it is no scan, and somebody reads it;
 * 2. the loop is around the block and all who read what it writes;
 * 3. the loop is serial, no vectorized loop is around it, no bound inside depends on it, and where it carries a reduction it is
 *    never empty;
 * 4. what is needed in one iteration is a window: it moves along one axis by a constant whole number, is as long in all iterations,
 *    and the same in all loops inside that hold the block;
 * 5. the block's own loops along that axis are in no other axis, and no condition joins them to a reduction;
 * 6. the buffers are stored outside of the loop (where storeAt says, if it was said), and no loop that shares them is parallel;
 * 7. the buffers are not folded along that axis yet and have no padding; `factor` is a whole number no smaller than the window;
 * 8. all that is read inside the loop is found as before.
 *
 * Dies: the block's loops along that axis, where one index is left to compute. Everything else survives, the loop included. Born:
 * a loop over new indices, where there are several of them and they had no single loop before.
 */
export function foldStorage(f: Func, block: BlockId, loop: Var, options: FoldOptions = {}): Outcome {
  checkOptions(f, NAME, options, ["factor"]);
  const p = findBlock(f, block);
  const l = findLoop(f, loop);
  const b = p.node;
  const legal = (): string[] => placesAhead(f, NAME, block, loop, (g, b, v) => foldStorage(g, b, v, options));
  const bad = (c: Omit<Complaint, "primitive">): never => refuse(f, { primitive: NAME, legal, ...c });
  const site = aheadProblem(f, p, l);
  if (site) bad(site);
  const w = windowOf(f, p, l);
  if ("code" in w) return bad(w);
  const kept = keptOutside(p, l);
  if ("code" in kept) return bad(kept);

  // a power of two is no faster: the remainder is taken once per index, outside of the loops that fill it
  const factor = options.factor === undefined ? w.length : options.factor;
  if (!(Number.isSafeInteger(factor) && factor > 0 && factor < 2 ** 31))
    badArgument(f, NAME, `factor is ${describe(options.factor)}, not a positive whole number`, [`factor: ${w.length}`]);
  const axis = b.iters[w.axis]!;
  if (factor < w.length)
    bad({
      condition: 7,
      code: "factor",
      message: `${w.length} indices along ${axisName(axis.var)} are needed at one time, more than the factor ${factor}`,
      marks: [block, loop],
      legal: [`factor: ${w.length}`],
    });
  const buffers = new Map<Buffer, Buffer>();
  for (const x of io(b).writes) {
    const d = storedAt(b, x)?.indexOf(axis.var) ?? -1;
    if (d < 0)
      bad({
        condition: 4,
        code: "region",
        message: `block ${block.name} does not store ${x.name} at its axis ${axisName(axis.var)}`,
        marks: [block],
      });
    const before = foldOf(x, d);
    const folded = before === undefined && !x.layout?.pad ? foldDimension(x, d, int(factor)) : undefined;
    if (folded === undefined)
      return bad({
        condition: 7,
        code: "layout",
        message: `${x.name} is ${before === undefined ? "padded" : `folded to ${before} indices along ${axisName(axis.var)}`} already`,
        marks: [block],
        legal:
          before === undefined
            ? [`foldStorage(${block.name}, ...) before its layout is changed`]
            : () => atLoops(f, NAME, block, loopsAround(f, block), (v) => foldStorage(f, block, v)),
      });
    buffers.set(x, folded);
  }

  const own = ownLoops(p);
  const lag = Math.max(0, Math.ceil((w.last - w.count + 1 - w.first) / w.step));
  const facts = factsAround(l).withVar(loop, int(0), add(l.node.extent, int(lag)));
  const nest = newest(p, l, w, lag, facts);
  if ("code" in nest) return bad(nest);
  const moved: Block = { ...note(nest.block, { [PARTIAL]: true, [REVISITS]: true }), storeAt: kept.at };
  const ahead = needs(l.node, b);
  const top: Stmt = own[0] ?? b;
  const inner = (x: Block): readonly For[] =>
    treeOf(f)
      .blocks.get(x.id)!
      .loops.slice(l.loops.length + 1);
  const made = rewrite(skew(l, lag, ahead), (s) => {
    if (s === top) return assemble({ loops: nest.loops, block: moved });
    if (s.kind !== "block" || !ahead.has(s) || lag === 0) return s;
    // in the last iterations they may do again what is done
    return note(clipped(s, factsIn(inner(s), facts)), { [REVISITS]: true });
  });
  const body = mapBlocks(
    rewrite(f.body, (s) => (s === l.node ? made : s)),
    (x) => replaceBuffers(x, buffers) as Block,
  );
  const func = tidy({ ...f, body, intermediates: f.intermediates.map((x) => buffers.get(x) ?? x) });
  keepFlows(f, func, l.node, ahead);
  const lost = lostRead(func, loop);
  if (lost) bad(lost);
  const died = new Map(own.filter((x) => !treeOf(func).loops.has(x.var)).map((x) => [x.var, [] as Var[]]));
  const born = named(nest.loops.map((x) => x.var).filter((v) => !treeOf(f).loops.has(v)));
  return { func, born, died, replaced: buffers };
}

/** Along an axis, what is needed in an iteration: base + step * loop + [last - length + 1, last]. */
interface Window {
  /** Position of the axis among the block's. */
  readonly axis: number;
  readonly step: number;
  readonly base: Expr;
  readonly last: number;
  readonly length: number;
  /** New indices per iteration. */
  readonly count: number;
  /** The lowest that is ever needed, from base. */
  readonly first: number;
}
type Problem = Omit<Complaint, "primitive">;

function windowOf(f: Func, p: Place<Block>, l: Place<For>): Window | Problem {
  const [b, loop] = [p.node, l.node.var];
  const name = b.id.name;
  const bad = (code: string, message: string, marks: readonly (Var | BlockId)[] = []): Problem => ({
    condition: 4,
    code,
    message,
    marks: [loop, b.id, ...marks],
  });
  const needed: {
    readonly axis: number;
    readonly at: Expr;
    readonly facts: Facts;
    /** Without the conditions of the read: in a short loop these leave a single iteration, where nothing is seen to move. */
    readonly wide: Facts;
    readonly by: Place<Block>;
    readonly inner: ReadonlySet<Var>;
  }[] = [];
  for (const c of consumersOf(f, b)) {
    const bind = bindingsOf(c.node);
    for (const r of readsOf(c.node, (x) => io(b).writes.has(x)).map((x) => bound(x, bind))) {
      const places = storedAt(b, r.buffer);
      if (places === undefined)
        return bad("region", `block ${name} does not store at its axes, so the region to compute is not known`);
      const inner = new Set([...c.loops.slice(l.loops.length + 1).map((x) => x.var), ...r.inner.keys()]);
      const within = [...r.inner].reduce((x, [v, range]) => x.withVar(v, range.min, range.extent), factsAt(c));
      // what is never read needs nothing
      if (r.guards.some((g) => prove(not(g), within))) continue;
      const facts = r.guards.reduce((x, g) => x.withCondition(g), within);
      places.forEach((v, d) => {
        const axis = b.iters.findIndex((it) => it.var === v);
        if (axis >= 0) needed.push({ axis, at: r.index[d]!, facts, wide: within, by: c, inner });
      });
    }
  }
  const moving = needed.filter((x) => usesVar(x.at, (v) => v === loop));
  const axes = [...new Set(moving.map((x) => x.axis))];
  if (axes.length !== 1)
    return bad(
      "axes",
      axes.length === 0
        ? `what is read of ${name} is the same in all iterations of loop ${loop.name}`
        : `what is read of ${name} moves with loop ${loop.name} along ${axes.map((i) => axisName(b.iters[i]!.var)).join(" and ")}`,
    );
  const axis = axes[0]!;
  const along = axisName(b.iters[axis]!.var);
  // what runs once moves as it would if it ran on
  const runs = isConst(l.node.extent, 1) ? variable(loop.name) : loop;
  const slopes = moving.map((x) => slopesOf(substitute(x.at, new Map([[loop, runs]])), runs, x.inner, x.wide));
  const one = slopes[0]?.[0];
  const strange = slopes.findIndex((s) => s?.length === 0 || s?.some((y) => y.step !== one?.step) !== false);
  if (one === undefined || strange >= 0 || !Number.isInteger(one.step) || one.step < 1)
    return bad(
      "step",
      `the place along ${along} where ${moving[Math.max(0, strange)]!.by.node.id.name} reads ${name} does not grow by the same whole number in each iteration of loop ${loop.name}`,
      [moving[Math.max(0, strange)]!.by.node.id],
    );
  const { step, base } = one;
  const held = p.loops.slice(l.loops.length + 1);
  let [lo, hi, first] = [Infinity, -Infinity, Infinity];
  for (const x of needed) {
    if (x.axis !== axis) continue;
    const z = held.find((y) => x.by.loops.includes(y) && usesVar(x.at, (v) => v === y.var));
    if (z)
      return bad(
        "inside",
        `block ${name} is computed inside loop ${z.var.name}, and what is read of it moves along ${along} with that loop too`,
        [z.var],
      );
    const local = constBounds(sub(x.at, add(mul(loop, int(step)), base)), x.facts);
    lo = Math.min(lo, local.min);
    hi = Math.max(hi, local.max);
    first = Math.min(first, constBounds(sub(x.at, base), x.facts).min);
  }
  if (![lo, hi].every(Number.isSafeInteger))
    return bad(
      "length",
      `how many indices along ${along} are read of ${name} in one iteration of loop ${loop.name} has no bound`,
    );
  const length = hi - lo + 1;
  return { axis, step, base, last: hi, length, count: Math.min(step, length), first: Math.max(first, lo) };
}

/** How an index moves with a loop: by how much, and from where, as far as loops outside say. Clamps are looked through. */
function slopesOf(
  e: Expr,
  loop: Var,
  inner: ReadonlySet<Var>,
  facts: Facts,
): readonly { step: number; base: Expr }[] | undefined {
  const out: { step: number; base: Expr }[] = [];
  const moves = (x: Expr): boolean => usesVar(x, (v) => v === loop);
  let fuel = 16;
  const go = (x: Expr): boolean => {
    if (fuel-- <= 0) return false;
    const { terms } = linear(x, facts);
    const choice = terms.find((t) => t.atom !== loop && moves(t.atom));
    if (choice === undefined) {
      const step = terms.find((t) => t.atom === loop)?.coefficient;
      if (step === undefined) return true;
      const outer = terms.filter(
        (t) => t.atom !== loop && !usesVar(t.atom, (v) => inner.has(v)) && !readsMemory(t.atom),
      );
      const base = outer.reduce<Expr>((s, t) => add(s, mul(t.atom, int(t.coefficient))), int(0));
      out.push({ step, base: simplifyIndex(base, facts) });
      return true;
    }
    const { atom, coefficient } = choice;
    if (atom.kind !== "op" || !["min", "max", "select", "where"].includes(atom.op)) return false;
    const rest = sub(x, mul(atom, int(coefficient)));
    return atom.args.slice(atom.args.length === 3 ? 1 : 0).every((a) => go(add(rest, mul(a, int(coefficient)))));
  };
  return go(e) ? out : undefined;
}
function readsMemory(e: Expr): boolean {
  let found = false;
  visitExpr(e, (x) => {
    if (x.kind === "load") found = true;
    return !found;
  });
  return found;
}

/** The block's own loops and the block, for what is new in an iteration. */
function newest(
  p: Place<Block>,
  l: Place<For>,
  w: Window,
  lag: number,
  facts: Facts,
): { loops: readonly For[]; block: Block } | Problem {
  const b = p.node;
  const axis = b.iters[w.axis]!;
  const own = ownLoops(p);
  const old = own.filter((x) => usesVar(axis.binding, (v) => v === x.var));
  const gone = new Set<Var>([l.node.var, ...old.map((x) => x.var)]);
  const bad = (code: string, message: string): Problem => ({
    condition: 5,
    code,
    message,
    marks: [b.id, ...old.map((x) => x.var)],
    legal: [`foldStorage(${b.id.name}, ${l.node.var.name}) right after computeAt`],
  });
  const shared = b.iters.find((it) => it !== axis && old.some((x) => usesVar(it.binding, (v) => v === x.var)));
  if (shared)
    return bad(
      "loops",
      `loops of ${b.id.name} along ${axisName(axis.var)} are in its axis ${axisName(shared.var)} too`,
    );
  const red = feeding(b, "reduction");
  const parts = conjuncts(b.predicate);
  const dropped = parts.filter((c) => usesVar(c, (v) => gone.has(v)));
  if (dropped.some((c) => usesVar(c, (v) => red.has(v))))
    return bad("condition", `a condition of ${b.id.name} joins its loops along ${axisName(axis.var)} to its reduction`);

  const single = old.length === 1 ? old[0] : undefined;
  const row: For | undefined =
    w.count === 1
      ? undefined
      : {
          // its kind with all that goes with it: what it is bound to, its intrinsic, its notes
          ...(single ?? { kind: "for", var: variable(axisName(axis.var)), loop: "serial" }),
          min: int(0),
          extent: int(w.count),
          body: b,
        };
  // the newest indices, `lag` iterations before anybody reads them
  const start = add(w.base, add(mul(l.node.var, int(w.step)), int(w.last - w.count + 1 - w.step * lag)));
  const iters = b.iters.map((it) => (it === axis ? { ...it, binding: row ? add(start, row.var) : start } : it));
  const place = own.findIndex((x) => old.includes(x));
  const loops = own.flatMap((x, i) => (old.includes(x) ? (i === place && row ? [row] : []) : [x]));
  if (place < 0 && row) loops.unshift(row);
  const predicate = parts
    .filter((c) => !dropped.includes(c))
    .reduce<Expr>((x, y) => (x === TRUE ? y : and(x, y)), TRUE);
  const around = p.loops.slice(l.loops.length + 1, p.loops.length - own.length);
  const block = clipped({ ...b, iters, predicate }, factsIn([...around, ...loops], facts));
  return { loops, block };
}
