/**
 * Places every intermediate buffer: at the innermost point that encloses all its accesses (or where storeAt says), inside a
 * side of a branch where only that side needs it, with the shape of the region that is touched there, and rewrites the
 * accesses to be relative to that region.
 *
 * Before: scheduled IR, reductions already initialised by blocks of their own, layouts applied. After: `intermediates` is
 * empty, each intermediate has one Alloc, with the strides and the padding that its layout asked for. A buffer that a block
 * updates in place (a reduction, a scan) is placed outside the loops that carry the update, or its partial results would be lost
 * between iterations.
 */
import { alignedStrides, coverRegion, Facts, prove, type Range, simplifyIndex, unionRanges } from "../arith/index.ts";
import {
  type Block,
  type Buffer,
  blocksOf,
  buffer,
  buffersIn,
  constInt,
  type Expr,
  eq,
  exprsOf,
  type Func,
  int,
  isConst,
  load,
  mapExpr,
  not,
  rebuildStmt,
  type Stmt,
  seq,
  sub,
  substitute,
  usesVar,
  type Var,
  varsOf,
  visitExpr,
} from "../ir/index.ts";
import { assuming } from "./conditions.ts";
import { fillPadding } from "./layouts.ts";
import { underCondition } from "./trim.ts";

/** `logical`: what physical buffers stand for (see layouts.ts). */
export function allocate(f: Func, logical: ReadonlyMap<Buffer, Buffer> = new Map()): Func {
  let body = f.body;
  for (const b of f.intermediates) body = place(body, b, f.intermediates, logical.get(b));
  return { ...f, intermediates: [], body };
}

/** Loops that must stay inside the allocation of `b`: those that feed reduction or ordered axes of its updating blocks. */
function carriers(blocks: readonly Block[], b: Buffer): Set<Var> {
  const out = new Set<Var>();
  for (const k of blocks) {
    const { reads, writes } = buffersIn(k.body);
    if (!writes.has(b) || !reads.has(b)) continue;
    for (const it of k.iters) if (it.kind !== "spatial") varsOf(it.binding, out);
  }
  return out;
}

function place(root: Stmt, b: Buffer, all: readonly Buffer[], logical: Buffer | undefined): Stmt {
  const blocks = blocksOf(root).filter((k) => touches(k, b));
  if (blocks.length === 0) return root;
  const carried = carriers(blocks, b);
  const storeAt = blocks.map((k) => k.storeAt).find((v) => v !== undefined && buffersWritten(blocks, v).has(b));
  const go = (s: Stmt, facts: Facts): Stmt => {
    const here = (): Stmt => allocAround(s, b, facts, logical);
    switch (s.kind) {
      case "for": {
        if (storeAt === "root" || carried.has(s.var) || s.loop === "vectorized") return here();
        const inner = facts.withVar(s.var, s.min, s.extent);
        return { ...s, body: s.var === storeAt ? allocAround(s.body, b, inner, logical) : go(s.body, inner) };
      }
      case "seq": {
        const using = s.body.filter((x) => touches(x, b));
        if (using.length !== 1) return here();
        return { ...s, body: s.body.map((x) => (x === using[0] ? go(x, facts) : x)) };
      }
      case "if": {
        const sides = [s.then, ...(s.otherwise ? [s.otherwise] : [])];
        const using = sides.filter((x) => touches(x, b));
        if (storeAt === "root" || using.length !== 1) return here();
        return underCondition(s, facts, (x, known) => (x === using[0] ? go(x, known) : x));
      }
      case "alloc":
      case "let":
        // Allocations of other intermediates enclose everything that touches them: go on inside.
        return s.kind === "alloc" && !all.includes(s.buffer) && s.buffer === b ? s : { ...s, body: go(s.body, facts) };
      default:
        return here();
    }
  };
  return go(root, Facts.empty);
}

const buffersWritten = (blocks: readonly Block[], at: Var | "root"): Set<Buffer> =>
  new Set(blocks.filter((k) => k.storeAt === at).flatMap((k) => [...buffersIn(k.body).writes]));

function touches(s: Stmt, b: Buffer): boolean {
  const io = buffersIn(s);
  return io.reads.has(b) || io.writes.has(b);
}

function allocAround(s: Stmt, b: Buffer, facts: Facts, logical: Buffer | undefined): Stmt {
  const region = touched(s, b, facts);
  const zero = region.map((r) => isConst(r.min, 0));
  const scope = b.scope === "global" ? "workspace" : b.scope;
  const shape = region.map((r) => r.extent);
  const align = logical?.layout?.align;
  const fresh = buffer(b.name, b.dtype, shape, scope, align && alignedStrides(shape, align));
  const rebase = (index: readonly Expr[]): Expr[] =>
    index.map((e, d) => (zero[d] ? e : simplifyIndex(sub(e, region[d]!.min), facts)));
  const memo = new Map<Expr, Expr>();
  const fe = (e: Expr): Expr =>
    mapExpr(e, (x) => (x.kind === "load" && x.buffer === b ? load(fresh, rebase(x.index)) : x), memo);
  const moved = (x: Stmt): Stmt => {
    if (!touches(x, b)) return x;
    const r = rebuildStmt(x, moved, fe);
    return r.kind === "store" && r.buffer === b ? { ...r, buffer: fresh, index: rebase(r.index) } : r;
  };
  const body = moved(s);
  const padding = logical && fillPadding(fresh, logical, region, facts);
  return { kind: "alloc", buffer: fresh, body: padding ? seq([padding, body]) : body };
}

/** The region of `b` that `s` touches, in terms of the variables around `s`. */
function touched(s: Stmt, b: Buffer, facts: Facts): Range[] {
  let region: Range[] | undefined;
  const add = (index: readonly Expr[], ranges: ReadonlyMap<Var, Range>, known: Facts, bind: ReadonlyMap<Var, Expr>) => {
    const r = coverRegion(
      index.map((i) => substitute(i, bind)),
      ranges,
      known,
      b.shape,
    ).map((x, d) => wholeWhere(x, b.shape[d]!, known));
    region = region === undefined ? r : unionRanges(region, r, facts);
  };
  const walk = (x: Stmt, ranges: ReadonlyMap<Var, Range>, known: Facts, bind: ReadonlyMap<Var, Expr>): void => {
    if (!touches(x, b)) return;
    const seen = new Set<Expr>();
    for (const e of exprsOf(x))
      visitExpr(e, (n) => void (n.kind === "load" && n.buffer === b && add(n.index, ranges, known, bind)), seen);
    switch (x.kind) {
      case "for": {
        const [min, extent] = [substitute(x.min, bind), substitute(x.extent, bind)];
        const inner = new Map(ranges).set(x.var, { min, extent });
        return walk(x.body, inner, known.withVar(x.var, min, extent), bind);
      }
      case "block": {
        const inner = new Map(bind);
        for (const it of x.iters) inner.set(it.var, it.binding);
        const k = known.withCondition(x.predicate);
        if (x.init) walk(x.init, ranges, k, inner);
        return walk(x.body, ranges, k, inner);
      }
      case "store":
        if (x.buffer === b) add(x.index, ranges, known, bind);
        return;
      case "if": {
        const condition = substitute(x.condition, bind);
        walk(x.then, ranges, assuming(known, condition), bind);
        if (x.otherwise) walk(x.otherwise, ranges, assuming(known, not(condition)), bind);
        return;
      }
      case "seq":
        for (const y of x.body) walk(y, ranges, known, bind);
        return;
      case "alloc":
        return walk(x.body, ranges, known, bind);
      case "let":
        return walk(x.body, ranges, known, new Map(bind).set(x.var, substitute(x.value, bind)));
      case "assign":
        return;
      default:
        return x satisfies never;
    }
  };
  walk(s, new Map(), facts, new Map());
  return (region ?? b.shape.map((extent) => ({ min: int(0), extent }))).map((r, d) => keepWhole(r, b.shape[d]!));
}

/** A condition may say how large a dimension is: then all of it is called by the name that it has outside of the branch, too. */
function wholeWhere(r: Range, whole: Expr, facts: Facts): Range {
  if (r.extent === whole || constInt(whole) !== undefined || !isConst(r.min, 0)) return r;
  return prove(eq(r.extent, whole), facts) ? { min: r.min, extent: whole } : r;
}
/**
 * A region no smaller than the dimension starts at 0: fewer offsets to compute. One whose extent differs from iteration to
 * iteration is taken whole, since memory is planned once.
 */
function keepWhole(r: Range, whole: Expr): Range {
  if (usesVar(r.extent, (v) => v.size === undefined)) return { min: int(0), extent: whole };
  const [a, w] = [constInt(r.extent), constInt(whole)];
  return r.extent === whole || (a !== undefined && w !== undefined && a >= w) ? { min: int(0), extent: whole } : r;
}
