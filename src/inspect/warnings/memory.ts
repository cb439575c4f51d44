/** Warnings about memory: what does not fit where it should be, and what it costs to find a place in it. */
import { foldOf } from "../../arith/index.ts";
import {
  type Buffer,
  constInt,
  type Expr,
  exprsOf,
  type Op,
  type Stmt,
  usesVar,
  type Var,
  visitExpr,
} from "../../ir/index.ts";
import type { Region } from "../lowered.ts";
import { bytesText } from "../text.ts";
import type { Workshop } from "../workshop.ts";
import { amount, type Finder, hotOnly, regionsIn } from "./finder.ts";

export const scratchOverCache: Finder = {
  least: () => 0,
  find: (w) =>
    w.lowered.allocated.flatMap(({ buffer, bytes, loops }) => {
      if (bytes <= w.limits.cache) return [];
      const writers = w.writers(buffer.name);
      const known = loops.filter((v) => writers.some((p) => p.loops.some((l) => l.var === v)));
      const place = known.length > 0 ? ` inside loop ${w.name(known.at(-1)!)}` : "";
      return [
        {
          code: "scratch-over-cache",
          message:
            `${w.bufferName(buffer.name)} takes ${bytesText(bytes)} of scratch memory${place}, more than the ${bytesText(w.limits.cache)} of cache it should ` +
            `stay in: compute ${w.names(writers.map((p) => p.node.id))} at a loop further in`,
          loops: known.slice(-1),
          blocks: writers.map((p) => p.node.id),
          buffers: [buffer.name],
          quantities: { size: amount(bytes, "bytes"), cache: amount(w.limits.cache, "bytes") },
          share: w.shareOfAll(writers.map((p) => p.node.id)),
        },
      ];
    }),
};

export const localInMemory: Finder = {
  least: () => 0,
  find: (w) =>
    w.lowered.warnings.flatMap((x) => {
      if (x.code !== "local-demoted" || x.buffer === undefined) return [];
      const users = w.users(x.buffer);
      const loop = x.loop && w.scheduled(x.loop, users);
      const cause = loop
        ? `${x.fault ?? x.message} ${w.name(loop)}: unroll or vectorize ${w.name(loop)}`
        : (x.fault ?? x.message);
      return [
        {
          code: "local-in-memory",
          message: `local buffer ${w.bufferName(x.buffer)} lives in memory: ${cause}`,
          loops: loop ? [loop] : [],
          blocks: users.map((p) => p.node.id),
          buffers: [x.buffer],
          share: w.shareOfAll(users.map((p) => p.node.id)),
        },
      ];
    }),
};

const DIVISIONS: ReadonlySet<string> = new Set(["floordiv", "floormod", "truncdiv", "truncrem"]);
/** A division takes as long as some other instructions. */
const DIVISION = 10;
/** Of the time that one iteration takes. */
const MUCH = 0.25;

/** Accesses of a statement, with their indices. */
function indicesOf(s: Stmt): { readonly buffer: Buffer; readonly index: readonly Expr[] }[] {
  const out: { readonly buffer: Buffer; readonly index: readonly Expr[] }[] = [];
  if (s.kind === "store") out.push(s);
  for (const e of exprsOf(s)) visitExpr(e, (x) => void (x.kind === "load" && out.push(x)));
  return out;
}
/** Divisions by what is no power of two that each iteration does to find places; those that stay the same all the time are hoisted. */
function divisions(r: Region): Map<Op, Set<string>> {
  const own = new Set<Var>([r.loop!.var]);
  for (const s of r.body) if (s.kind === "let" || s.kind === "assign") own.add(s.var);
  const found = new Map<Op, Set<string>>();
  for (const s of r.body)
    for (const { buffer, index } of indicesOf(s))
      for (const e of index)
        visitExpr(e, (x) => {
          if (x.kind === "load") return false;
          if (x.kind !== "op" || !DIVISIONS.has(x.op) || x.lanes > 1 || !usesVar(x, (v) => own.has(v))) return true;
          const by = constInt(x.args[1]!);
          if (by !== undefined && by > 0 && (by & (by - 1)) === 0) return true;
          found.set(x, (found.get(x) ?? new Set()).add(buffer.name));
          return true;
        });
  return found;
}
/** The period of a folded buffer, where that is what an index is divided by. */
function foldedBy(w: Workshop, name: string, by: number | undefined): boolean {
  const b = w.func.intermediates.find((x) => x.name === name);
  return b !== undefined && by !== undefined && b.shape.some((_, d) => foldOf(b, d) === by);
}
export const indexDivision: Finder = {
  least: hotOnly,
  find: (w) =>
    regionsIn(w).flatMap(({ region, loop, share }) => {
      const found = divisions(region);
      const cost = found.size * DIVISION;
      if (cost < MUCH * (cost + region.instructions)) return [];
      const folds = new Set<string>();
      let other = false;
      for (const [e, buffers] of found)
        for (const b of buffers) {
          if (foldedBy(w, b, constInt(e.args[1]!))) folds.add(b);
          else other = true;
        }
      const fold =
        `fold ${[...folds].map((b) => w.bufferName(b)).join(", ")} by a power of two (foldStorage with { factor }), ` +
        `or move loop ${w.name(loop)} outwards`;
      const split = "split loops by what divides their extents instead of fusing them";
      return [
        {
          code: "index-division",
          message:
            `each iteration of loop ${w.name(loop)} divides ${found.size} ${found.size === 1 ? "time" : "times"} to find places in memory: ` +
            [...(folds.size > 0 ? [fold] : []), ...(other ? [split] : [])].join("; "),
          loops: [loop],
          blocks: w.blocksOfRegion(region),
          quantities: { divisions: amount(found.size, "times") },
          share,
        },
      ];
    }),
};
