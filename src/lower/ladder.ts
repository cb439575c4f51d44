/**
 * Pieces of a vector for lanes of registers, where how many lanes take part is known at run time only: registers can't be
 * addressed by a number. Used by cascade.ts and vectorize.ts.
 */
import {
  accessesOf,
  type Buffer,
  type Expr,
  eq,
  floordiv,
  floormod,
  int,
  isNothing,
  NOTHING,
  type Stmt,
  seq,
  visitStmt,
} from "../ir/index.ts";

/** Whether `count` has the power of two `w` among those that it is the sum of. */
export const hasPower = (count: Expr, w: number): Expr => eq(floormod(floordiv(count, int(w)), int(2)), int(1));

/** Statements that a ladder may have: it has a copy of the code for each lane. */
const LIMIT = 600;

/** Whether lanes are those of registers that live on after the statement, and it is small enough to be copied for them. */
export function needsLadder(s: Stmt, lanes: number): boolean {
  const inside = new Set<Buffer>();
  let size = 0;
  visitStmt(s, (x) => {
    size++;
    if (x.kind === "alloc") inside.add(x.buffer);
  });
  return lanes * size <= LIMIT && accessesOf(s).some((a) => a.buffer.scope === "local" && !inside.has(a.buffer));
}

/**
 * The first `count` of at most `most` lanes: a branch for each power of two, and below it pieces of their own for either
 * outcome, so that each piece knows which lanes it takes.
 */
export function ladder(count: Expr, most: number, piece: (w: number, off: number) => Stmt): Stmt {
  const from = (w: number, off: number): Stmt => {
    if (w < 1) return NOTHING;
    const without = from(w / 2, off);
    if (off + w > most) return without;
    const then = seq([piece(w, off), from(w / 2, off + w)]);
    return { kind: "if", condition: hasPower(count, w), then, ...(isNothing(without) ? {} : { otherwise: without }) };
  };
  return from(2 ** Math.floor(Math.log2(most)), 0);
}
