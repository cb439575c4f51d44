/**
 * Gives every workspace buffer its place in scratch memory. Buffers whose lives do not overlap share space.
 *
 * Before: Alloc statements. After: none; each buffer has a byte offset from the scratch pointer, 16-byte aligned, and the
 * total is known (an expression of the symbolic sizes). Constant sizes are packed first-fit by life span; symbolic ones are
 * stacked behind them.
 */
import { simplifyIndex } from "../arith/index.ts";
import {
  add,
  type Buffer,
  bytesOf,
  childStmts,
  constInt,
  type Expr,
  exprsOf,
  type Func,
  floordiv,
  int,
  mapStmt,
  max,
  mul,
  type Stmt,
  visitExpr,
  withBody,
} from "../ir/index.ts";

export interface Scratch {
  readonly func: Func;
  readonly offsets: ReadonlyMap<Buffer, Expr>;
  readonly total: Expr;
}
interface Life {
  first: number;
  last: number;
}

export function planScratch(f: Func): Scratch {
  const lives = lifeSpans(f.body);
  const offsets = new Map<Buffer, Expr>();
  const placed: { at: number; size: number; life: Life }[] = [];
  let top = 0;
  const symbolic: [Buffer, Expr][] = [];
  const bySize = [...lives].map(([b, life]) => ({ b, life, bytes: sizeOf(b) }));
  bySize.sort((x, y) => (constInt(y.bytes) ?? 0) - (constInt(x.bytes) ?? 0));
  for (const { b, life, bytes } of bySize) {
    const size = constInt(bytes);
    if (size === undefined) {
      symbolic.push([b, bytes]);
      continue;
    }
    const rivals = placed.filter((p) => p.life.first <= life.last && life.first <= p.life.last);
    rivals.sort((x, y) => x.at - y.at);
    let at = 0;
    for (const r of rivals) if (at + size > r.at && at < r.at + r.size) at = r.at + r.size;
    placed.push({ at, size, life });
    offsets.set(b, int(at));
    top = Math.max(top, at + size);
  }
  let total: Expr = int(top);
  for (const [b, bytes] of symbolic) {
    offsets.set(b, total);
    total = simplifyIndex(add(total, bytes));
  }
  const body = mapStmt(f.body, (s) => (s.kind === "alloc" ? s.body : s));
  return { func: withBody(f, body), offsets, total };
}

/** Bytes of a flat buffer, rounded up to 16. What is empty for some sizes may have a negative extent there. */
function sizeOf(b: Buffer): Expr {
  const bytes = mul(max(b.shape[0]!, int(0)), int(bytesOf(b.dtype)));
  return simplifyIndex(mul(floordiv(add(bytes, int(15)), int(16)), int(16)));
}

/** From the first to the last statement that may touch each allocated buffer, loops counted whole. */
function lifeSpans(root: Stmt): Map<Buffer, Life> {
  const lives = new Map<Buffer, Life>();
  let clock = 0;
  const open = new Set<Buffer>();
  const touch = (b: Buffer, at: number): void => {
    if (!open.has(b)) return;
    const l = lives.get(b);
    if (l) l.last = Math.max(l.last, at);
    else lives.set(b, { first: at, last: at });
  };
  const walk = (s: Stmt): Set<Buffer> => {
    const start = clock++;
    const used = new Set<Buffer>();
    if (s.kind === "alloc") open.add(s.buffer);
    for (const e of exprsOf(s)) visitExpr(e, (n) => void (n.kind === "load" && used.add(n.buffer)));
    if (s.kind === "store") used.add(s.buffer);
    for (const b of used) touch(b, start);
    for (const c of childStmts(s)) for (const b of walk(c)) used.add(b);
    // A buffer allocated outside a loop lives through every iteration of it.
    if (s.kind === "for")
      for (const b of used)
        if (open.has(b)) {
          const l = lives.get(b)!;
          l.first = Math.min(l.first, start);
          l.last = Math.max(l.last, clock - 1);
        }
    if (s.kind === "alloc") {
      open.delete(s.buffer);
      used.delete(s.buffer);
    }
    return used;
  };
  walk(root);
  return lives;
}
