/**
 * What a schedule costs in numbers, for warnings and pictures: bytes of buffers, which loop touches which region, operations,
 * and arithmetic intensity level by level. Everything is for one call, with symbolic sizes as numbers.
 */
import { type Place, readsOf, storesOf, treeOf } from "../../schedule/index.ts";
import { coverRegion, Facts, type Range, simplifyIndex, unionRanges } from "../arith/index.ts";
import {
  type Block,
  type BlockId,
  type Buffer,
  bytesOf,
  type Expr,
  type For,
  type Func,
  int,
  opInfo,
  type Stmt,
  substitute,
  type Var,
  visitExpr,
  visitStmt,
} from "../ir/index.ts";
import { type Target, wasm } from "../target/index.ts";
import { stagesOf } from "./lowered.ts";
import { countOf, type Env, midway, type Sizes, shareOf, sizesOf } from "./numbers.ts";

export interface QuantityOptions {
  /** Values of symbolic sizes; what `dim` calls typical where left out. */
  readonly sizes?: Sizes;
  readonly target?: Target;
}

/** What part of a buffer some iterations touch: a box around it. */
export interface Touched {
  readonly buffer: Buffer;
  /** The box in terms of the loops around the level, symbolic sizes as numbers. */
  readonly box: readonly Range[];
  /** Extents of the box, in elements. */
  readonly shape: readonly number[];
  readonly bytes: number;
  readonly read: boolean;
  readonly written: boolean;
  /** It is made and used up inside: nothing of it crosses the level. */
  readonly inside: boolean;
}
/** One run of a loop over all its iterations, or of the whole function. */
export interface Level {
  /** How often it runs in one call. */
  readonly runs: number;
  /** Arithmetic operations in one run. */
  readonly ops: number;
  readonly touched: readonly Touched[];
  /** Bytes in one run that come from outside or go there: registers and what lives inside only don't count. */
  readonly bytes: number;
  /** Operations per byte; infinite where nothing crosses. */
  readonly intensity: number;
}
export interface LoopLevel extends Level {
  readonly loop: For;
  readonly extent: number;
}
export interface BlockQuantities {
  readonly block: Block;
  /** Points computed in one call. */
  readonly points: number;
  /** Points that its axes span. */
  readonly domain: number;
  /** Arithmetic operations at one point, index arithmetic left out. */
  readonly ops: number;
}
export interface BufferQuantities {
  readonly buffer: Buffer;
  /** Extents as it lies in memory: of an intermediate, where it was placed. */
  readonly shape: readonly number[];
  readonly bytes: number;
}
export interface Quantities {
  readonly sizes: Env;
  readonly buffers: readonly BufferQuantities[];
  readonly blocks: ReadonlyMap<BlockId, BlockQuantities>;
  readonly loops: ReadonlyMap<Var, LoopLevel>;
  readonly whole: Level;
}

/** Operations that move, convert, compare or choose values are no arithmetic. */
const NO_ARITHMETIC = new Set(["cast", "satcast", "bitcast", "select", "where", "not", "and", "or", "xor"]);
/** Arithmetic operations to compute a value, shared parts once; a multiply-add counts as two. */
function opsIn(e: Expr, seen: Set<Expr>): number {
  let n = 0;
  visitExpr(
    e,
    (x) => {
      if (x.kind === "load") return false;
      if (x.kind !== "op") return true;
      const compares = opInfo(x.op).result(x.args[0]!.dtype, x.args[0]!.dtype) === "bool";
      if (!compares && !NO_ARITHMETIC.has(x.op)) n += x.op === "fma" ? 2 : 1;
      return true;
    },
    seen,
  );
  return n;
}
function opsAtPoint(s: Stmt, env: Env): number {
  const seen = new Set<Expr>();
  const go = (x: Stmt): number => {
    switch (x.kind) {
      case "store":
      case "assign":
        return opsIn(x.value, seen);
      case "let":
        return opsIn(x.value, seen) + go(x.body);
      case "for":
        return countOf(x.extent, env) * go(x.body);
      case "if":
        return Math.max(go(x.then), x.otherwise ? go(x.otherwise) : 0);
      case "seq":
        return x.body.reduce((n, y) => n + go(y), 0);
      case "alloc":
      case "block":
        return go(x.body);
      default:
        return x satisfies never;
    }
  };
  return go(s);
}

interface Access {
  readonly buffer: Buffer;
  readonly index: readonly Expr[];
  readonly written: boolean;
}
/** Accesses of a block in terms of the loops around it; reads of what it just wrote (its own accumulator) included. */
function accessesIn(b: Block, sizes: ReadonlyMap<Var, Expr>): Access[] {
  const bind = new Map(b.iters.map((it) => [it.var, it.binding]));
  const at = (index: readonly Expr[]): Expr[] => index.map((e) => substitute(substitute(e, bind), sizes));
  return [
    ...readsOf(b, () => true).map((r) => ({ buffer: r.buffer, index: at(r.index), written: false })),
    ...storesOf(b).map((s) => ({ buffer: s.buffer, index: at(s.index), written: true })),
  ];
}

/** What lies in one place: bytes from extents, or from strides. */
function laid(b: Buffer, env: Env): BufferQuantities {
  const shape = (b.layout?.shape ?? b.shape).map((e) => countOf(e, env));
  const elements = b.strides
    ? b.strides.reduce((n, s, d) => n + Math.max(0, shape[d]! - 1) * countOf(s, env), 1)
    : shape.reduce((n, x) => n * x, 1);
  return { buffer: b, shape, bytes: elements * bytesOf(b.dtype) };
}
/** Intermediates where lowering places them, with the extents that are left of them there. */
function placed(f: Func, target: Target): Map<string, Buffer> {
  const out = new Map<string, Buffer>();
  for (const [name, stage] of stagesOf(f, target).byName)
    if (name.endsWith("allocate"))
      visitStmt(stage.body, (s) => void (s.kind === "alloc" && out.set(s.buffer.name, s.buffer)));
  return out;
}

/** The quantities of a scheduled function. Throws TilewrightError `inspect-sizes` where a symbolic size has no value. */
export function quantitiesOf(f: Func, options: QuantityOptions = {}): Quantities {
  const sizes = sizesOf(f, options.sizes);
  const known = new Map<Var, Expr>([...sizes].map(([v, n]) => [v, int(n)]));
  const tree = treeOf(f);
  const places = [...tree.blocks.values()];
  const numbers = (e: Expr): Expr => simplifyIndex(substitute(e, known));
  const loopsOf = (loops: readonly For[]): For[] =>
    loops.map((l) => ({ ...l, min: numbers(l.min), extent: numbers(l.extent) }));

  const blocks = new Map<BlockId, BlockQuantities>();
  /** How often a statement inside some loops runs. */
  const times = (loops: readonly For[]): number => {
    const at = midway(loops, sizes);
    return loops.reduce((n, l) => n * countOf(l.extent, at), 1);
  };
  for (const p of places) {
    const conditions = [p.node.predicate, ...p.branches.map((x) => x.condition)].map(numbers);
    const points = times(p.loops) * shareOf(conditions, loopsOf(p.loops), sizes);
    const domain = p.node.iters.reduce((n, it) => n * countOf(it.extent, sizes), 1);
    blocks.set(p.node.id, { block: p.node, points, domain, ops: opsAtPoint(p.node.body, sizes) });
  }

  const accesses = new Map(places.map((p) => [p.node.id, accessesIn(p.node, known)]));
  const users = new Map<Buffer, Set<BlockId>>();
  for (const [id, list] of accesses)
    for (const a of list) users.set(a.buffer, (users.get(a.buffer) ?? new Set()).add(id));
  const interface_ = new Set([...f.inputs, ...f.outputs]);

  const level = (at?: Place<For>): Level => {
    const { loops: around, branches } = at ?? { loops: [], branches: [] };
    const loop = at?.node;
    const depth = around.length;
    const inside = places.filter((p) => loop === undefined || p.loops[depth] === loop);
    const own = new Set(inside.map((p) => p.node.id));
    const outer = loopsOf(around);
    const facts = outer.reduce((x, l) => x.withVar(l.var, l.min, l.extent), Facts.empty);
    const env = midway(outer, sizes);
    const boxes = new Map<Buffer, { box: Range[]; read: boolean; written: boolean }>();
    for (const p of inside)
      for (const a of accesses.get(p.node.id)!) {
        const ranges = new Map(loopsOf(p.loops.slice(depth)).map((l) => [l.var, { min: l.min, extent: l.extent }]));
        const box = coverRegion(a.index, ranges, facts, a.buffer.shape.map(numbers));
        const old = boxes.get(a.buffer);
        boxes.set(a.buffer, {
          box: old ? unionRanges(old.box, box, facts) : box,
          read: !a.written || old?.read === true,
          written: a.written || old?.written === true,
        });
      }
    const touched = [...boxes].map(([b, { box, read, written }]): Touched => {
      const shape = box.map((r, d) => Math.min(countOf(r.extent, env), countOf(b.shape[d]!, sizes)));
      const bytes = shape.reduce((n, x) => n * x, bytesOf(b.dtype));
      const temporary = !interface_.has(b) && [...users.get(b)!].every((id) => own.has(id));
      return { buffer: b, box, shape, bytes, read, written, inside: temporary };
    });
    const crossing = touched.filter((t) => t.buffer.scope !== "local" && !t.inside);
    const bytes = crossing.reduce((n, t) => n + t.bytes, 0);
    const conditions = branches.map((b) => numbers(b.condition));
    const runs = times(around) * shareOf(conditions, outer, sizes);
    const total = inside.reduce((n, p) => n + blocks.get(p.node.id)!.points * blocks.get(p.node.id)!.ops, 0);
    const ops = runs === 0 ? 0 : total / runs;
    return { runs, ops, touched, bytes, intensity: bytes === 0 ? Infinity : ops / bytes };
  };
  const loops = new Map<Var, LoopLevel>();
  for (const [v, p] of tree.loops) {
    const at = midway(p.loops, sizes);
    loops.set(v, { ...level(p), loop: p.node, extent: countOf(p.node.extent, at) });
  }
  const homes = placed(f, options.target ?? wasm());
  const buffers = [...f.inputs, ...f.outputs, ...f.intermediates].map((b) => {
    const home = f.intermediates.includes(b) ? homes.get(b.name) : undefined;
    return { ...laid(home ?? b, sizes), buffer: b };
  });
  return { sizes, buffers, blocks, loops, whole: level() };
}
