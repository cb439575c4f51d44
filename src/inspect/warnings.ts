/** The warnings: each finder looks for one thing, and says which loops and blocks it means and how much of the work they are. */
import { type Place, storesOf } from "../../schedule/index.ts";
import {
  type Block,
  type BlockIter,
  type Buffer,
  buffersIn,
  constInt,
  type Expr,
  exprsOf,
  type For,
  type IterKind,
  type Op,
  usesVar,
  type Var,
  visitExpr,
} from "../ir/index.ts";
import { nativeLanes, VECTOR_REGISTERS } from "../target/index.ts";
import { pressureOf, type Region, type Strided } from "./lowered.ts";
import { countOf, midway, numberOf, sample } from "./numbers.ts";
import { bytesText } from "./text.ts";
import type { Found, Quantity } from "./types.ts";
import type { Workshop } from "./workshop.ts";

type Finder = (w: Workshop) => Found[];

const amount = (value: number, unit: Quantity["unit"]): Quantity => ({ value, unit });
const percent = (share: number): string => `${Math.round(share * 100)} %`;
const times = (x: number): string => `${x < 10 ? x.toFixed(1) : Math.round(x)} times`;
const names = (list: readonly { readonly name: string }[]): string => [...new Set(list.map((x) => x.name))].join(", ");

const carries = (b: Block, v: Var, kind: IterKind): boolean =>
  b.iters.some((it: BlockIter) => it.kind === kind && usesVar(it.binding, (x) => x === v));
/** Loops around a block that take more than one step, outermost first. */
const steps = (w: Workshop, p: Place<Block>): For[] =>
  p.loops.filter((l) => countOf(l.extent, midway(p.loops, w.quantities.sizes)) > 1);
const isVector = (l: For): boolean => l.loop === "vectorized" || l.loop === "tensorized";

/** Regions worth a look, by the share of the instructions they are. */
function hot(w: Workshop, least: number): { readonly region: Region; readonly share: number }[] {
  const { regions } = w.lowered;
  const total = regions.reduce((n, r) => n + r.times * r.instructions, 0);
  const all = regions.map((region) => ({ region, share: (region.times * region.instructions) / Math.max(total, 1) }));
  return all.filter((x) => x.region.loop !== undefined && x.share >= least);
}

/** A reduction whose loop is innermost, one scalar after another. */
function scalarReductions(w: Workshop): (Found & { readonly loop: Var })[] {
  return w.places.flatMap((p) => {
    const share = w.shareOf(p);
    const last = steps(w, p).at(-1);
    if (share < HOT || last === undefined || p.loops.some(isVector) || !carries(p.node, last.var, "reduction"))
      return [];
    if (carries(p.node, last.var, "spatial")) return [];
    const name = p.node.id.name;
    const v = last.var.name;
    return [
      {
        code: "scalar-reduction",
        message:
          `loop ${v} adds to one element of ${name} after another, each waiting for the one before: ` +
          `split it, rfactor(${name}, the inner part) and vectorize that, or vectorize a loop of another axis`,
        loops: [last.var],
        blocks: [p.node.id],
        quantities: { work: amount(share * 100, "%") },
        share,
        loop: last.var,
      },
    ];
  });
}
/** Of all work: what decides how fast the whole is. */
const HOT = 0.25;

const noVectorCode: Finder = (w) => {
  const told = new Set(scalarReductions(w).flatMap((x) => x.blocks));
  const found = hot(w, HOT).filter(({ region }) => region.vectors === 0);
  return found.flatMap(({ region, share }) => {
    const loop = w.loopOf(region.loop!);
    const blocks = w.blocksOfRegion(region).filter((id) => w.shareOfAll([id]) >= w.limits.share);
    if (loop === undefined || blocks.length === 0 || blocks.every((id) => told.has(id))) return [];
    return [
      {
        code: "no-vector-code",
        message: `loop ${loop.name}, ${percent(share)} of the instructions, has no vector code: vectorize a loop around ${names(blocks)}`,
        loops: [loop],
        blocks,
        quantities: { work: amount(share * 100, "%") },
        share,
      },
    ];
  });
};

const registerTile: Finder = (w) =>
  hot(w, 2 * w.limits.share).flatMap(({ region, share }) => {
    const { carried, temporary } = pressureOf(region);
    const loop = w.loopOf(region.loop!);
    if (carried + temporary <= VECTOR_REGISTERS || loop === undefined) return [];
    const blocks = w.blocksOfRegion(region);
    const tile = w.places
      .filter((p) => blocks.includes(p.node.id))
      .flatMap((p) => p.loops.slice(p.loops.findIndex((l) => l.var === loop) + 1));
    const loops = [...new Set(tile.filter((l) => l.loop !== "serial").map((l) => l.var))];
    return [
      {
        code: "register-tile",
        message:
          `the body of loop ${loop.name} needs ${carried + temporary} registers, of which ${carried} are kept from one iteration ` +
          `to the next, and there are ${VECTOR_REGISTERS}: make the tile smaller${loops.length > 0 ? ` (${names(loops)})` : ""}`,
        loops: [loop, ...loops],
        blocks,
        quantities: {
          needed: amount(carried + temporary, "registers"),
          kept: amount(carried, "registers"),
          available: amount(VECTOR_REGISTERS, "registers"),
        },
        share,
      },
    ];
  });

/** Buffers of which a region reads and writes an element that is the same in each of its iterations. */
function accumulators(r: Region): Set<string> {
  const own = new Set<Var>([r.loop!.var]);
  const read = new Set<string>();
  const out = new Set<string>();
  const key = (b: Buffer, index: readonly Expr[]): string => `${b.name} ${index.map((e) => e.id).join()}`;
  for (const s of r.body) {
    if (s.kind === "let") own.add(s.var);
    for (const e of exprsOf(s)) visitExpr(e, (x) => void (x.kind === "load" && read.add(key(x.buffer, x.index))));
    if (s.kind !== "store" || !read.has(key(s.buffer, s.index))) continue;
    if (!s.index.some((e) => usesVar(e, (v) => own.has(v)))) out.add(s.buffer.name);
  }
  return out;
}
const accumulatorInMemory: Finder = (w) => {
  const found = new Map<string, Found>();
  for (const { region, share } of hot(w, w.limits.share))
    for (const name of accumulators(region)) {
      const loop = w.loopOf(region.loop!);
      const blocks = w.writers(name).filter((p) => loop && p.loops.some((l) => l.var === loop));
      if (loop === undefined || blocks.length === 0 || found.has(name)) continue;
      found.set(name, {
        code: "accumulator-in-memory",
        message:
          `each iteration of loop ${loop.name} reads elements of ${name} and writes them back: keep them in registers with ` +
          `cacheWrite(${blocks[0]!.node.id.name}, "local"), its copy after the loop`,
        loops: [loop],
        blocks: blocks.map((p) => p.node.id),
        buffers: [name],
        quantities: { work: amount(share * 100, "%") },
        share,
      });
    }
  return [...found.values()];
};

const stridedAccess: Finder = (w) => {
  const byBuffer = new Map<string, Strided[]>();
  for (const a of w.lowered.strided)
    byBuffer.set(`${a.buffer.name} ${a.store}`, [...(byBuffer.get(`${a.buffer.name} ${a.store}`) ?? []), a]);
  return [...byBuffer.values()].flatMap((list) => {
    const { buffer, stride, store } = list[0]!;
    const share = list.reduce((n, a) => n + a.times, 0) / w.lowered.accesses;
    const users = w.users(buffer.name).filter((p) => {
      const { reads, writes } = buffersIn(p.node);
      return (
        p.loops.some((l) => l.loop === "vectorized") &&
        [...(store ? writes : reads)].some((b) => b.name === buffer.name)
      );
    });
    const work = users.reduce((n, p) => n + w.shareOf(p), 0);
    if (share < w.limits.share || users.length === 0) return [];
    const lanes = users.flatMap((p) => p.loops.filter((l) => l.loop === "vectorized").map((l) => l.var));
    const gap = stride === undefined ? "at irregular distances" : `${Math.abs(stride)} elements apart`;
    const way = store
      ? "vectorize a loop along its memory, or change its layout"
      : `vectorize a loop along its memory, or copy it in another order with cacheRead(..., { order })`;
    return [
      {
        code: "strided-access",
        message:
          `lanes of loop ${names(lanes)} ${store ? "write" : "read"} ${buffer.name} ${gap}, lane by lane, in ${percent(share)} of the ` +
          `vector accesses: ${way}`,
        loops: [...new Set(lanes)],
        blocks: users.map((p) => p.node.id),
        buffers: [buffer.name],
        quantities: {
          accesses: amount(share * 100, "%"),
          ...(stride === undefined ? {} : { stride: amount(Math.abs(stride), "elements") }),
        },
        share: work,
      },
    ];
  });
};

const recomputation: Finder = (w) =>
  w.places.flatMap((p) => {
    const q = w.quantities.blocks.get(p.node.id)!;
    const share = w.shareOf(p);
    const factor = q.domain === 0 ? 0 : q.points / q.domain;
    if (factor <= w.limits.recomputation || share < w.limits.share) return [];
    // the loops it shares with those who read it are those for whose iterations it is computed again
    const { writes } = buffersIn(p.node);
    const readers = w.places.filter((r) => r !== p && [...buffersIn(r.node).reads].some((b) => writes.has(b)));
    const at = p.loops.filter((l) => readers.some((r) => r.loops.includes(l))).at(-1);
    const where = at ? `, in each iteration of ${at.var.name} what it needs` : "";
    return [
      {
        code: "recomputation",
        message:
          `each element of ${p.node.id.name} is computed ${times(factor)} on average (${Math.round(q.points)} points for ${q.domain})${where}: ` +
          "compute it at a loop further out, in larger tiles, or keep what the last iteration computed (storeAt)",
        loops: at ? [at.var] : [],
        blocks: [p.node.id],
        quantities: {
          factor: amount(factor, "times"),
          computed: amount(q.points, "points"),
          needed: amount(q.domain, "points"),
        },
        share,
      },
    ];
  });

/** Registers for some lanes: full ones, and pieces of 1, 2, 4, ... lanes. */
function pieces(lanes: number, native: number): { readonly full: number; readonly short: number } {
  let short = 0;
  for (let rest = lanes % native; rest > 0; rest &= rest - 1) short++;
  return { full: Math.floor(lanes / native), short };
}
const shortVectors: Finder = (w) =>
  w.places.flatMap((p) => {
    const share = w.shareOf(p);
    const lanes = p.loops.find((l) => l.loop === "vectorized");
    const n = lanes && constInt(lanes.extent);
    const dtype = storesOf(p.node)[0]?.buffer.dtype;
    if (share < w.limits.share || !lanes || n === undefined || dtype === undefined) return [];
    const conditions = [p.node.predicate, ...p.branches.map((x) => x.condition)];
    const used = (l: For): boolean => conditions.some((c) => usesVar(c, (v) => v === l.var));
    let full = 0;
    let short = 0;
    sample(
      p.loops.filter((l) => l !== lanes && used(l)),
      w.quantities.sizes,
      (env) => {
        let count = 0;
        const here = new Map(env);
        for (let i = 0; i < n; i++) {
          here.set(lanes.var, i);
          if (conditions.every((c) => (numberOf(c, here) ?? 1) !== 0)) count++;
        }
        const cut = pieces(count, nativeLanes(dtype));
        full += cut.full;
        short += cut.short;
      },
    );
    const part = short / Math.max(1, full + short);
    if (part <= w.limits.shortVectors) return [];
    return [
      {
        code: "short-vectors",
        message:
          `${percent(part)} of the vectors of loop ${lanes.var.name} are shorter than ${nativeLanes(dtype)} lanes: ` +
          `what is left over for ${p.node.id.name} after full ones takes as long as they do`,
        loops: [lanes.var],
        blocks: [p.node.id],
        quantities: { short: amount(part * 100, "%"), register: amount(nativeLanes(dtype), "lanes") },
        share,
      },
    ];
  });

const scratchOverCache: Finder = (w) =>
  w.lowered.allocated.flatMap(({ buffer, bytes, loops }) => {
    if (bytes <= w.limits.cache) return [];
    const writers = w.writers(buffer.name);
    const known = loops.filter((v) => writers.some((p) => p.loops.some((l) => l.var === v)));
    const place = known.length > 0 ? ` inside loop ${known.at(-1)!.name}` : "";
    return [
      {
        code: "scratch-over-cache",
        message:
          `${buffer.name} takes ${bytesText(bytes)} of scratch memory${place}, more than the ${bytesText(w.limits.cache)} of cache it should ` +
          `stay in: compute ${names(writers.map((p) => p.node.id))} at a loop further in`,
        loops: known.slice(-1),
        blocks: writers.map((p) => p.node.id),
        buffers: [buffer.name],
        quantities: { size: amount(bytes, "bytes"), cache: amount(w.limits.cache, "bytes") },
        share: writers.reduce((n, p) => n + w.shareOf(p), 0),
      },
    ];
  });

const localInMemory: Finder = (w) =>
  w.lowered.warnings.flatMap((x) => {
    if (x.code !== "local-demoted" || x.buffer === undefined) return [];
    const users = w.users(x.buffer);
    const all = [...w.quantities.loops.keys()];
    const loop = all.find((v) => v === x.loop) ?? all.find((v) => v.name === x.loop?.name);
    return [
      {
        code: "local-in-memory",
        message: `${x.message}${loop ? `: unroll or vectorize ${loop.name}` : ""}`,
        loops: loop ? [loop] : [],
        blocks: users.map((p) => p.node.id),
        buffers: [x.buffer],
        share: users.reduce((n, p) => n + w.shareOf(p), 0),
      },
    ];
  });

const DIVISIONS: ReadonlySet<string> = new Set(["floordiv", "floormod", "truncdiv", "truncrem"]);
/** Divisions of indices by what is no power of two, in places that are no data. */
function divisions(r: Region): Op[] {
  const found = new Set<Op>();
  const index = (e: Expr): void =>
    visitExpr(e, (x) => {
      const by = x.kind === "op" && DIVISIONS.has(x.op) && x.lanes === 1 ? constInt(x.args[1]!) : 1;
      if (x.kind === "op" && (by === undefined || by <= 0 || (by & (by - 1)) !== 0)) found.add(x);
    });
  for (const s of r.body) {
    if (s.kind === "store") for (const e of s.index) index(e);
    for (const e of exprsOf(s)) visitExpr(e, (x) => void (x.kind === "load" && x.index.forEach(index)));
  }
  return [...found];
}
const indexDivision: Finder = (w) =>
  hot(w, HOT).flatMap(({ region, share }) => {
    const loop = w.loopOf(region.loop!);
    const count = divisions(region).length;
    if (loop === undefined || count === 0) return [];
    return [
      {
        code: "index-division",
        message: `each iteration of loop ${loop.name} divides ${count} times to find places in memory: split loops by what divides their extents instead of fusing them`,
        loops: [loop],
        blocks: w.blocksOfRegion(region),
        quantities: { divisions: amount(count, "times") },
        share,
      },
    ];
  });

const deadProducer: Finder = (w) =>
  w.places.flatMap((p) => {
    const { writes } = buffersIn(p.node);
    const read = [...writes].some((b) => w.places.some((r) => r !== p && buffersIn(r.node).reads.has(b)));
    if (read || [...writes].some((b) => w.func.outputs.includes(b))) return [];
    return [
      {
        code: "dead-producer",
        message: `nobody reads what ${p.node.id.name} computes`,
        loops: [],
        blocks: [p.node.id],
        buffers: [...writes].map((b) => b.name),
        share: w.shareOf(p),
      },
    ];
  });

export const FINDERS: readonly Finder[] = [
  noVectorCode,
  scalarReductions,
  registerTile,
  accumulatorInMemory,
  stridedAccess,
  recomputation,
  shortVectors,
  scratchOverCache,
  localInMemory,
  indexDivision,
  deadProducer,
];
