import { insideOf, prove } from "../../src/arith/index.ts";
import {
  and,
  type Block,
  type BlockId,
  type BlockIter,
  type Buffer,
  children,
  childStmts,
  constant,
  type Expr,
  exprsOf,
  type For,
  type Func,
  ge,
  int,
  type Load,
  load,
  lt,
  buffer as makeBuffer,
  mapExpr,
  Names,
  type Op,
  printExpr,
  type Scope,
  type Stmt,
  seq,
  store,
  substitute,
  TRUE,
  variable,
  varsOf,
  visitExpr,
  where,
  zeroOf,
} from "../../src/ir/index.ts";
import { checkNames, checkScope } from "../arguments.ts";
import { type Complaint, refuse } from "../error.ts";
import { onBlocks } from "../hints.ts";
import { named, type Outcome } from "../outcome.ts";
import {
  axisName,
  bufferName,
  freshBlockName,
  freshName,
  io,
  mapBody,
  replaceStmt,
  rewrite,
  treeOf,
  writersOf,
} from "../tree.ts";
import { rootChild, setScope } from "./cache.ts";
import { findBlock } from "./find.ts";

/**
 * A copy of what a block reads of a buffer, in the order in which it reads it: one dimension for each of the block's axes that the
 * index speaks of. An access pattern becomes a layout.
 *
 *     s.reindex(Y, X, "workspace")                           // X[h*2 + r, w + q, c] becomes X.re[h, w, r, q, c]: im2col
 *     s.reindex(Y, X, "workspace", { order: ["r", "q", "c", "h", "w"] })
 *
 * Where the read is one side of a `where` whose other side reads no memory (the zeros around an image), the copy holds the
 * choice, and the block reads without asking. `order` puts the axes in another order than the block's.
 *
 * Conditions:
 * 1. the block reads the buffer;
 * 2. the block doesn't write it;
 * 3. all its reads of the buffer are at one index, made of the block's axes, sizes and scalars: not of memory, and not of loops
 *    inside the block's body;
 * 4. the buffer is complete before the outermost loop around the block: it is an input, or its blocks stand before that;
 * 5. `order`, if given, names each axis in the index once.
 *
 * All handles survive. Born: the block `copy` and its loops, named after the axes.
 */
export function reindex(
  f: Func,
  block: BlockId,
  b: Buffer,
  scope: Scope,
  order?: readonly string[],
): Outcome & { readonly copy: BlockId } {
  checkScope(f, "reindex", 0, scope, [block]);
  if (order) checkNames(f, "reindex", "axes", order);
  const p = findBlock(f, block);
  const bad = (
    condition: number,
    code: string,
    message: string,
    legal: Complaint["legal"],
    marks: readonly BlockId[] = [block],
  ): never => refuse(f, { primitive: "reindex", condition, code, message, marks, ...(legal ? { legal } : {}) });
  const { reads, writes } = io(p.node);
  const others = [...reads].filter((x) => x !== b && !writes.has(x));
  const instead: Complaint["legal"] = () => others.map((x) => `reindex(${block.name}, ${x.name}, "${scope}")`);
  if (!reads.has(b)) bad(1, "not-read", `block ${block.name} does not read ${b.name}`, instead);
  if (writes.has(b))
    bad(2, "written", `block ${block.name} writes ${b.name} itself`, (all) => [
      ...others.map((x) => `reindex(${block.name}, ${x.name}, "${scope}")`),
      ...onBlocks("cacheWrite", [block], (x) => all.cacheWrite(f, x, scope), `, "${scope}"`),
    ]);

  const plain: Complaint["legal"] = (all) =>
    onBlocks("cacheRead", [block], (x) => all.cacheRead(f, x, b, scope), `, ${b.name}, "${scope}"`);
  const read = soleRead(f, p.node, b, (message) => bad(3, "index", message, plain));
  const root = rootChild(f, block);
  const rootOrder = p.loops[0] ? treeOf(f).loops.get(p.loops[0].var)!.order : p.order;
  const late = writersOf(f, b).find((w) => w.order > rootOrder);
  if (late)
    bad(
      4,
      "not-complete",
      `${b.name} is computed by ${late.node.id.name} inside the loops of ${block.name}`,
      () => onBlocks("setScope", [late.node.id], (x) => setScope(f, x, scope), `, "${scope}"`),
      [late.node.id, block],
    );

  const used = varsOf(read.whole);
  const axes = p.node.iters.filter((it) => used.has(it.var));
  const sorted = order ? inOrder(axes, order) : axes;
  if (!sorted) {
    const names = axes.map((it) => axisName(it.var));
    bad(
      5,
      "order",
      `[${order!.join(", ")}] does not name each axis once by which block ${block.name} reads ${b.name}`,
      [names, [...names].reverse()].map((x) => `order: [${x.join(", ")}]`),
    );
  }
  return insert(f, p.node, root, b, scope, read, sorted!);
}

/** How a block reads a buffer. */
interface SoleRead {
  readonly load: Load;
  /** The read, or the choice around it. */
  readonly whole: Expr;
}

function soleRead(f: Func, block: Block, b: Buffer, bad: (message: string) => never): SoleRead {
  const axes = new Set(block.iters.map((it) => it.var));
  const pure = (e: Expr): boolean => {
    let ok = true;
    visitExpr(e, (x) => {
      if (x.kind === "load" || x.kind === "reduce" || x.kind === "call") ok = false;
      if (x.kind === "var" && !axes.has(x) && !f.sizes.includes(x) && !f.scalars.includes(x)) ok = false;
      return ok;
    });
    return ok;
  };
  const loads = new Map<Load, Set<Expr | undefined>>();
  const seen = new Set<Expr>();
  const note = (e: Expr, parent: Expr | undefined): void => {
    if (e.kind === "load" && e.buffer === b) loads.set(e, (loads.get(e) ?? new Set()).add(parent));
  };
  const go = (s: Stmt): void => {
    for (const e of exprsOf(s)) {
      note(e, undefined);
      visitExpr(
        e,
        (x) => {
          for (const k of children(x)) note(k, x);
        },
        seen,
      );
    }
    for (const c of childStmts(s)) go(c);
  };
  if (block.init) go(block.init);
  go(block.body);

  const names = new Names();
  for (const v of axes) names.of(v);
  const text = [...loads.keys()].map((l) => printExpr(l, names));
  const name = `block ${block.id.name}`;
  const [first, ...more] = loads;
  if (!first || more.length > 0) return bad(`${name} reads ${b.name} at several indices: ${text.join(", ")}`);
  const [l, parents] = first;
  if (!l.index.every(pure)) return bad(`${name} reads ${text[0]}, which is not made of its axes and sizes alone`);
  if (![...axes].some((v) => l.index.some((e) => varsOf(e).has(v))))
    return bad(`${name} reads ${text[0]} for all its axes`);
  const [parent] = parents;
  const choice = parents.size === 1 && parent?.kind === "op" && parent.op === "where" ? parent : undefined;
  const lifts = choice && choice.args[1] !== choice.args[2] && choice.args.every((a) => a === l || pure(a));
  return { load: l, whole: lifts ? choice : l };
}

function inOrder(axes: readonly BlockIter[], order: readonly string[]): BlockIter[] | undefined {
  const found = order.map((n) => axes.find((it) => axisName(it.var) === n));
  return found.length === axes.length && found.every((it) => it !== undefined) ? (found as BlockIter[]) : undefined;
}

function insert(
  f: Func,
  block: Block,
  root: Stmt,
  b: Buffer,
  scope: Scope,
  read: SoleRead,
  axes: readonly BlockIter[],
): Outcome & { readonly copy: BlockId } {
  const fresh = makeBuffer(
    bufferName(f, `${b.name}.re`),
    b.dtype,
    axes.map((it) => it.extent),
    scope,
  );
  const id: BlockId = Object.freeze({ name: freshBlockName(f, fresh.name) });
  const taken = new Set<string>();
  const made = axes.map((it) => {
    const name = freshName(axisName(it.var), taken);
    taken.add(name);
    return { of: it.var, extent: it.extent, loop: variable(name), iter: variable(`v${name}`) };
  });
  const value = substitute(whereInside(read, b, axes), new Map(made.map((m) => [m.of, m.iter])));
  const iters = made.map((m): BlockIter => ({ var: m.iter, extent: m.extent, kind: "spatial", binding: m.loop }));
  const body = store(
    fresh,
    made.map((m) => m.iter),
    value,
  );
  const copy: Block = { kind: "block", id, iters, predicate: TRUE, body };
  const nest = made.reduceRight<Stmt>(
    (s, m): For => ({ kind: "for", var: m.loop, min: int(0), extent: m.extent, loop: "serial", body: s }),
    copy,
  );
  const replacement = load(
    fresh,
    axes.map((it) => it.var),
  );
  const swap = (e: Expr): Expr => mapExpr(e, (x) => (x === read.whole ? replacement : x));
  const changed = rewrite(root, (s) => (s === block ? mapBody(block, swap) : s));
  const func = replaceStmt(f, root, seq([nest, changed]));
  return {
    func: { ...func, intermediates: [...func.intermediates, fresh] },
    copy: id,
    born: new Map([["copy", id], ...named(made.map((m) => m.loop))]),
  };
}

/**
 * What the copy holds, for every point of the axes. The block may not come to some of them, or not read there: what would be
 * outside of the buffer nobody asks for.
 */
function whereInside(read: SoleRead, b: Buffer, axes: readonly BlockIter[]): Expr {
  const { load: l, whole } = read;
  const choice = whole === l ? undefined : (whole as Op);
  const positive = choice?.args[1] === l;
  const ranges = insideOf(
    axes.map((it) => it.var),
    axes.map((it) => it.extent),
  );
  const known = choice && positive ? ranges.withCondition(choice.args[0]!) : ranges;
  const open = l.index.flatMap((i, d) => [ge(i, int(0)), lt(i, b.shape[d]!)]).filter((c) => !prove(c, known));
  if (open.length === 0) return whole;
  const inside = open.reduce((x, y) => and(x, y));
  const guarded = where(inside, l, choice && positive ? choice.args[2]! : constant(b.dtype, zeroOf(b.dtype)));
  if (!choice) return guarded;
  const [c, x, y] = choice.args as readonly [Expr, Expr, Expr];
  return positive ? where(c, guarded, y) : where(c, x, guarded);
}
