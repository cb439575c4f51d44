/** Warnings about what should live in registers. */
import { type Buffer, type Expr, exprsOf, usesVar, type Var, visitExpr } from "../../ir/index.ts";
import { VECTOR_REGISTERS } from "../../target/index.ts";
import { pressureOf, type Region } from "../lowered.ts";
import type { Found } from "../types.ts";
import type { Workshop } from "../workshop.ts";
import { amount, carries, type Finder, type Hot, regionsIn, scatters, worthwhile } from "./finder.ts";

/** A region whose values that are kept from one iteration to the next don't leave enough registers for its body. */
function tileOver(w: Workshop, { region, loop, share }: Hot): (Found & { readonly needed: number }) | undefined {
  const { carried, updated, temporary } = pressureOf(region);
  const needed = carried + temporary;
  // what is only loaded and used can be loaded again: a tile is what is kept and changed
  if (updated === 0 || needed <= VECTOR_REGISTERS) return undefined;
  const blocks = w.blocksOfRegion(region);
  const tile = w.places
    .filter((p) => blocks.includes(p.node.id))
    .flatMap((p) => p.loops.slice(p.loops.findIndex((l) => l.var === loop) + 1));
  const loops = [...new Set(tile.filter((l) => l.loop !== "serial").map((l) => l.var))];
  return {
    code: "register-tile",
    message:
      `the body of loop ${w.name(loop)} needs ${needed} registers, of which ${carried} are kept from one iteration ` +
      `to the next, and there are ${VECTOR_REGISTERS}: make the tile smaller${loops.length > 0 ? ` (${w.names(loops)})` : ""}`,
    loops: [loop, ...loops],
    blocks,
    quantities: {
      needed: amount(needed, "registers"),
      kept: amount(carried, "registers"),
      available: amount(VECTOR_REGISTERS, "registers"),
    },
    share,
    needed,
  };
}
export const registerTile: Finder = {
  least: (w) => 2 * w.limits.share,
  find: (w) => {
    // lowering may have made several loops of one: the worst speaks for all
    const worst = new Map<Var, Found & { readonly needed: number }>();
    for (const hot of regionsIn(w)) {
      const found = tileOver(w, hot);
      const old = worst.get(hot.loop);
      if (!found) continue;
      const share = found.share + (old?.share ?? 0);
      worst.set(hot.loop, { ...(old && old.needed >= found.needed ? old : found), share });
    }
    return [...worst.values()];
  },
};

/** Buffers of which a region reads an element and writes it back, and whether it is the same in each of its iterations. */
function updatesIn(r: Region): Map<string, boolean> {
  const own = new Set<Var>([r.loop!.var]);
  const read = new Set<string>();
  const out = new Map<string, boolean>();
  const key = (b: Buffer, index: readonly Expr[]): string => `${b.name} ${index.map((e) => e.id).join()}`;
  for (const s of r.body) {
    if (s.kind === "let") own.add(s.var);
    for (const e of exprsOf(s)) visitExpr(e, (x) => void (x.kind === "load" && read.add(key(x.buffer, x.index))));
    if (s.kind !== "store" || !read.has(key(s.buffer, s.index))) continue;
    const same = !s.index.some((e) => usesVar(e, (v) => own.has(v)));
    out.set(s.buffer.name, same || out.get(s.buffer.name) === true);
  }
  return out;
}
interface Update {
  readonly hot: Hot;
  /** The loop in each of whose iterations elements are updated that the one before updated, too. */
  readonly by: Var;
}
/** The loop that updates elements of a buffer again and again: that of the region itself, or one around it that sums up. */
function updater(w: Workshop, { loop }: Hot, name: string, same: boolean): Var | undefined {
  for (const { node, loops } of w.writers(name)) {
    const at = loops.findIndex((l) => l.var === loop);
    if (at < 0 || scatters(node)) continue;
    if (same) return loop;
    const sums = (v: Var): boolean => carries(node, v, "reduction") && !carries(node, v, "spatial");
    const outer = loops.slice(0, at).findLast((l) => sums(l.var));
    if (outer) return outer.var;
  }
  return undefined;
}
export const accumulatorInMemory: Finder = {
  least: worthwhile,
  find: (w) => {
    const byBuffer = new Map<string, Update>();
    // meant for registers already; why it lies in memory is a warning of its own
    const demoted = new Set(w.lowered.warnings.flatMap((x) => (x.code === "local-demoted" ? [x.buffer] : [])));
    for (const hot of regionsIn(w))
      for (const [name, same] of updatesIn(hot.region)) {
        if (demoted.has(name)) continue;
        const by = updater(w, hot, name, same);
        if (by && (byBuffer.get(name)?.hot.share ?? 0) < hot.share) byBuffer.set(name, { hot, by });
      }
    const alike = (x: Update, y: Update): boolean => x.by === y.by && x.hot.region === y.hot.region;
    const all = [...byBuffer.values()];
    return all
      .filter((u, n) => all.findIndex((x) => alike(x, u)) === n)
      .map((u) => {
        const { by, hot } = u;
        const names = [...byBuffer].filter(([, x]) => alike(x, u)).map(([name]) => name);
        const inside = new Set(w.inside(by));
        const blocks = [...new Set(names.flatMap((n) => w.writers(n).map((p) => p.node.id)))].filter((b) =>
          inside.has(b),
        );
        const way =
          by === hot.loop
            ? `keep them in registers with cacheWrite(${blocks[0]!.name}, "local"), its copy after the loop`
            : `move it inside ${w.name(hot.loop)}, around a tile that fits registers, and keep that there with cacheWrite(${blocks[0]!.name}, "local")`;
        return {
          code: "accumulator-in-memory",
          message: `each iteration of loop ${w.name(by)} reads elements of ${names.map((n) => w.bufferName(n)).join(", ")} and writes them back: ${way}`,
          loops: by === hot.loop ? [by] : [by, hot.loop],
          blocks,
          buffers: names,
          quantities: { work: amount(hot.share * 100, "%") },
          share: hot.share,
        };
      });
  },
};
