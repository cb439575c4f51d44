/**
 * Forwards what straight-line code stores: a load of what was just stored takes the value from where it was computed, a store that
 * another one overwrites before anybody looks disappears, and so does scratch memory that nobody reads. This is what becomes
 * of an accumulator in memory when the loop that carries it is unrolled.
 *
 * Before: unrolled, lanes cut, `local` buffers promoted. After: the same, with fewer accesses. Only accesses at the same flat
 * index count as the same place; those that may overlap in any other way end what is known.
 */
import { simplify } from "../arith/index.ts";
import {
  accessesOf,
  type Buffer,
  type Expr,
  type Func,
  mapExpr,
  mapStmt,
  NOTHING,
  rebuildStmt,
  type Stmt,
  type Store,
  type Var,
  variable,
  visitStmt,
  withBody,
} from "../ir/index.ts";
import { isPure } from "./conditions.ts";
import { type Line, mapRuns, ofLines } from "./lines.ts";
import { mayOverlap, samePlace } from "./places.ts";

export function forward(f: Func): Func {
  return withBody(f, dropUnread(inStmt(f.body)));
}

const inStmt = (s: Stmt): Stmt => mapRuns(s, forwardRun, (x) => rebuildStmt(x, inStmt));

/** What is known of a place in memory. */
interface Known {
  readonly store: Store;
  /** The line of the store. */
  readonly at: number;
  /** The value, or what will be its name if somebody asks for it. */
  value: Expr | undefined;
  /** Somebody may look at memory. */
  seen: boolean;
}
const isTrivial = (e: Expr): boolean =>
  e.kind === "const" || (e.kind === "var" && !e.mutable) || (e.kind === "broadcast" && e.value.kind === "const");

function forwardRun(lines: readonly Line[]): Stmt {
  let known: Known[] = [];
  const names = new Map<number, Var>();
  const dead = new Set<number>();
  const nameOf = (k: Known): Expr => {
    if (k.value === undefined) {
      const v = variable(k.store.buffer.name.toLowerCase(), k.store.value.dtype, { lanes: k.store.value.lanes });
      names.set(k.at, v);
      k.value = v;
    }
    return k.value;
  };
  const read = (e: Expr): Expr => {
    const r = mapExpr(e, (x) => {
      if (x.kind !== "load") return x;
      const same = known.find((k) => samePlace(k.store, x.buffer, x.index));
      if (same) return nameOf(same);
      for (const k of known) if (k.store.buffer === x.buffer && mayOverlap(k.store.index, x.index)) k.seen = true;
      return x;
    });
    return r === e ? e : simplify(r);
  };
  const write = (s: Store, at: number): void => {
    for (const k of known) if (!k.seen && samePlace(k.store, s.buffer, s.index)) dead.add(k.at);
    known = known.filter((k) => k.store.buffer !== s.buffer || !mayOverlap(k.store.index, s.index));
    // a vector of bool has no one register form
    if (!s.index.every(isPure) || (s.value.dtype === "bool" && s.value.lanes > 1)) return;
    known.push({ store: s, at, value: isTrivial(s.value) ? s.value : undefined, seen: false });
  };
  const done = lines.map((l, at): Line => {
    const value = read(l.value);
    if (l.kind !== "store") return { ...l, value };
    const line: Store = { ...l, index: l.index.map(read), value };
    write(line, at);
    return line;
  });
  return ofLines(
    done.flatMap((l, at): Line[] => {
      const name = names.get(at);
      const kept = dead.has(at) ? [] : [name ? { ...l, value: name } : l];
      return name ? [{ kind: "let", var: name, value: l.value }, ...kept] : kept;
    }),
  );
}

/** Leaves out scratch memory that is written only. */
function dropUnread(s: Stmt): Stmt {
  const read = new Set(accessesOf(s).flatMap((a) => (a.store ? [] : [a.buffer])));
  const unread = new Set<Buffer>();
  visitStmt(s, (x) => void (x.kind === "alloc" && !read.has(x.buffer) && unread.add(x.buffer)));
  if (unread.size === 0) return s;
  const rest = mapStmt(s, (x) => {
    if (x.kind === "store" && unread.has(x.buffer)) return NOTHING;
    return x.kind === "alloc" && unread.has(x.buffer) ? x.body : x;
  });
  // what was read for those stores only
  return dropUnread(rest);
}
