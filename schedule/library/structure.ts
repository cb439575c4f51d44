/** What recipes look at to decide: nothing here changes a schedule. */
import { Facts, linear } from "../../src/arith/index.ts";
import {
  type Block,
  childStmts,
  type For,
  type IterKind,
  type Stmt,
  type Store,
  substitute,
  usesVar,
  type Var,
  visitStmt,
} from "../../src/ir/index.ts";
import { checkSchedule } from "../arguments.ts";
import type { BlockLike, Schedule } from "../index.ts";
import { flatIndex } from "../tensorize/nest.ts";

export type AnySchedule = Schedule<unknown>;

export interface BlockPlace {
  readonly node: Block;
  /** Statements around it, outermost first. */
  readonly path: readonly Stmt[];
}
/** Where a block stands. */
export function blockAt(s: AnySchedule, block: BlockLike): BlockPlace {
  checkSchedule(s, "blockAt");
  const id = s.handle(block).id;
  let found: BlockPlace | undefined;
  const go = (x: Stmt, path: readonly Stmt[]): void => {
    if (x.kind === "block" && x.id === id) found = { node: x, path };
    else if (x.kind !== "block") for (const y of childStmts(x)) go(y, [...path, x]);
  };
  go(s.func.body, []);
  return found!;
}
export const feeds = (b: Block, v: Var, kind: IterKind): boolean =>
  b.iters.some((it) => it.kind === kind && usesVar(it.binding, (x) => x === v));

/** Among loops, the one whose neighbouring iterations write neighbouring elements, as they lie in memory. */
export function contiguousLoop(b: Block, loops: readonly For[]): For | undefined {
  const stores: Store[] = [];
  visitStmt(b.body, (s) => void (s.kind === "store" && stores.push(s)));
  const [store] = stores;
  if (!store) return undefined;
  const facts = loops.reduce((f, l) => f.withVar(l.var, l.min, l.extent), Facts.empty);
  const axes = new Map(b.iters.map((it) => [it.var, it.binding]));
  const place = flatIndex(
    store.buffer,
    store.index.map((e) => substitute(e, axes)),
    facts,
  );
  const { terms } = linear(place, facts);
  return loops.find((l) => terms.some((t) => t.atom === l.var && t.coefficient === 1));
}
