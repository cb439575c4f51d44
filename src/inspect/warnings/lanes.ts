/** Warnings about vector code: none at all, short vectors, lanes that lie apart. */
import { type Place, readsOf, storesOf } from "../../../schedule/index.ts";
import {
  type Block,
  type Buffer,
  constInt,
  type Expr,
  type For,
  substitute,
  usesVar,
  visitExpr,
  visitStmt,
} from "../../ir/index.ts";
import { nativeLanes, VECTOR_BYTES } from "../../target/index.ts";
import type { Strided } from "../lowered.ts";
import { countOf, type Env, groupOf, midway, numberOf, sample } from "../numbers.ts";
import type { Workshop } from "../workshop.ts";
import {
  amount,
  carries,
  type Finder,
  hotOnly,
  isVector,
  percent,
  regionsIn,
  scatters,
  steps,
  worthwhile,
} from "./finder.ts";

/** The innermost loop of a block, where that accumulates into one element, one scalar after another. */
function serialReduction(w: Workshop, p: Place<Block>): For | undefined {
  const last = steps(w, p).at(-1);
  if (last === undefined || p.loops.some(isVector) || !carries(p.node, last.var, "reduction")) return undefined;
  return carries(p.node, last.var, "spatial") || scatters(p.node) ? undefined : last;
}
export const scalarReduction: Finder = {
  least: hotOnly,
  find: (w) =>
    w.places.flatMap((p) => {
      const last = serialReduction(w, p);
      if (last === undefined) return [];
      const share = w.shareOf(p);
      const name = p.node.id.name;
      return [
        {
          code: "scalar-reduction",
          message:
            `loop ${w.name(last.var)} accumulates into one element of ${name}, each step waiting for the one before: ` +
            `split it, rfactor(${name}, the inner part) and vectorize that, or vectorize a loop of another axis`,
          loops: [last.var],
          blocks: [p.node.id],
          quantities: { work: amount(share * 100, "%") },
          share,
        },
      ];
    }),
};

/** Whether some loop could become lanes: one whose iterations don't wait for each other, and write where they alone do. */
const hasLanes = (w: Workshop, p: Place<Block>): boolean =>
  !scatters(p.node) && steps(w, p).some((l) => carries(p.node, l.var, "spatial") && !carries(p.node, l.var, "ordered"));
export const noVectorCode: Finder = {
  least: hotOnly,
  find: (w) => {
    const other = new Set(w.places.filter((p) => serialReduction(w, p)).map((p) => p.node.id));
    return regionsIn(w).flatMap(({ region, loop, share }) => {
      if (region.vectors > 0) return [];
      const blocks = w.blocksOfRegion(region).filter((id) => {
        const p = w.places.find((x) => x.node.id === id)!;
        return w.shareOf(p) > 0 && hasLanes(w, p) && !other.has(id);
      });
      if (blocks.length === 0) return [];
      const lanes = w.places.flatMap((p) => (blocks.includes(p.node.id) ? (p.loops.find(isVector)?.var ?? []) : []));
      const cause =
        lanes.length === 0
          ? `: vectorize a loop around ${w.names(blocks)}`
          : `, though ${w.names(lanes)} is vectorized: what ${w.names(blocks)} computes has no vector instructions there, or its lanes lie apart`;
      return [
        {
          code: "no-vector-code",
          message: `loop ${w.name(loop)}, ${percent(share)} of the instructions, has no vector code${cause}`,
          loops: [...new Set([loop, ...lanes])],
          blocks,
          quantities: { work: amount(share * 100, "%") },
          share,
        },
      ];
    });
  },
};

export const plainIntrinsic: Finder = {
  least: worthwhile,
  find: (w) =>
    w.lowered.warnings.flatMap((x) => {
      const loop = [...w.quantities.loops.values()].find((l) => l.loop.var === x.loop)?.loop;
      if (loop?.tensor === undefined) return [];
      const blocks = w.inside(loop.var);
      return [
        {
          code: "plain-intrinsic",
          message: `loop ${w.name(loop.var)} is tensorized, but becomes plain vectors and no ${loop.tensor.intrinsic.name}: ${x.fault ?? x.message}`,
          loops: [loop.var],
          blocks,
          share: w.shareOfAll(blocks),
        },
      ];
    }),
};

/** Lanes no further apart are loaded by registers. */
const DENSE = 2;
/** Elements between the lanes of a loop in an access; undefined where that is irregular. */
function strideIn(
  w: Workshop,
  p: Place<Block>,
  lanes: For,
  buffer: Buffer,
  index: readonly Expr[],
): number | undefined {
  const { sizes } = w.quantities;
  const bound = new Map(p.node.iters.map((it) => [it.var, it.binding]));
  const logical = index.map((e) => substitute(e, bound));
  const { layout } = buffer;
  const physical = layout
    ? layout.index.map((e) => substitute(e, new Map(layout.vars.map((v, d) => [v, logical[d]!]))))
    : logical;
  const shape = (layout?.shape ?? buffer.shape).map((e) => countOf(e, sizes));
  const strides =
    buffer.strides?.map((e) => countOf(e, sizes)) ?? shape.map((_, d) => shape.slice(d + 1).reduce((n, x) => n * x, 1));
  const at = midway(p.loops, sizes);
  const [here, next] = [0, 1].map((i): Env => new Map([...at, [lanes.var, i]]));
  return physical.reduce<number | undefined>((sum, e, d) => {
    // what data decides is the same for all lanes where it does not change with them
    if (sum === undefined || !usesVar(e, (v) => v === lanes.var)) return sum;
    const [from, to] = [numberOf(e, here!), numberOf(e, next!)];
    return from === undefined || to === undefined ? undefined : sum + (to - from) * strides[d]!;
  }, 0);
}
/** The loop of lanes of a block, where these lie apart in a buffer that it reads or writes. */
function lanesApart(w: Workshop, p: Place<Block>, name: string, store: boolean): For | undefined {
  const lanes = p.loops.find(isVector);
  if (lanes === undefined) return undefined;
  const accesses = store ? storesOf(p.node) : readsOf(p.node, () => true);
  const apart = accesses.some((a) => {
    if (a.buffer.name !== name) return false;
    const stride = (l: For): number | undefined => strideIn(w, p, l, a.buffer, a.index);
    const here = stride(lanes);
    if (here !== undefined) return Math.abs(here) > DENSE;
    // places that data decides are what they are, unless another loop goes along memory
    const isDense = (l: For): boolean => l !== lanes && Math.abs(stride(l) ?? Infinity) <= DENSE && stride(l) !== 0;
    return steps(w, p).some((l) => carries(p.node, l.var, "spatial") && isDense(l));
  });
  return apart ? lanes : undefined;
}
export const stridedAccess: Finder = {
  least: worthwhile,
  find: (w) => {
    const byBuffer = new Map<string, Strided[]>();
    for (const a of w.lowered.strided) {
      const key = `${a.buffer.name} ${a.store}`;
      byBuffer.set(key, [...(byBuffer.get(key) ?? []), a]);
    }
    return [...byBuffer.values()].flatMap((list) => {
      const { buffer, stride, store } = list[0]!;
      const part = list.reduce((n, a) => n + a.times, 0) / w.lowered.accesses;
      const users = w.users(buffer.name).filter((p) => lanesApart(w, p, buffer.name, store));
      if (users.length === 0 || w.lowered.accesses === 0 || part < w.limits.share) return [];
      const loops = [...new Set(users.map((p) => lanesApart(w, p, buffer.name, store)!.var))];
      const gap = stride === undefined ? "at irregular distances" : `${Math.abs(stride)} elements apart`;
      const way = store
        ? "vectorize a loop along its memory, or change its layout"
        : `vectorize a loop along its memory, or copy it in another order with cacheRead(..., { order })`;
      return [
        {
          code: "strided-access",
          message:
            `lanes of loop ${w.names(loops)} ${store ? "write" : "read"} ${w.bufferName(buffer.name)} ${gap}, lane by lane, in ${percent(part)} of the ` +
            `vector accesses: ${way}`,
          loops,
          blocks: users.map((p) => p.node.id),
          buffers: [buffer.name],
          quantities: {
            accesses: amount(part * 100, "%"),
            ...(stride === undefined ? {} : { stride: amount(Math.abs(stride), "elements") }),
          },
          share: w.shareOfAll(users.map((p) => p.node.id)),
        },
      ];
    });
  },
};

/** Lanes of a register of the widest values that a block computes with. */
function lanesOf(b: Block): number {
  let least = VECTOR_BYTES;
  const see = (e: Expr): void =>
    visitExpr(e, (x) => {
      if (x.dtype !== "bool") least = Math.min(least, nativeLanes(x.dtype));
      // an index is no value
      return x.kind !== "load";
    });
  visitStmt(b.body, (s) => {
    if (s.kind === "store" || s.kind === "let" || s.kind === "assign") see(s.value);
  });
  return least;
}
/** Registers for some lanes: full ones, and pieces of 1, 2, 4, ... lanes. */
function pieces(lanes: number, native: number): { readonly full: number; readonly short: number } {
  let short = 0;
  for (let rest = lanes % native; rest > 0; rest &= rest - 1) short++;
  return { full: Math.floor(lanes / native), short };
}
export const shortVectors: Finder = {
  least: worthwhile,
  find: (w) =>
    w.places.flatMap((p) => {
      const lanes = p.loops.find((l) => l.loop === "vectorized");
      const n = lanes && constInt(lanes.extent);
      if (!lanes || n === undefined) return [];
      const native = lanesOf(p.node);
      const conditions = [p.node.predicate, ...p.branches.map((x) => x.condition)];
      const group = groupOf(lanes, conditions, p.loops);
      let full = 0;
      let short = 0;
      const others = group.loops.filter((l) => l !== lanes);
      sample(others, midway(p.loops, w.quantities.sizes), (env) => {
        let count = 0;
        const here = new Map(env);
        for (let i = 0; i < n; i++) {
          here.set(lanes.var, i);
          if (group.conditions.every((c) => (numberOf(c, here) ?? 1) !== 0)) count++;
        }
        const cut = pieces(count, native);
        full += cut.full;
        short += cut.short;
      });
      const part = short / Math.max(1, full + short);
      if (part <= w.limits.shortVectors) return [];
      return [
        {
          code: "short-vectors",
          message:
            `${percent(part)} of the vectors of loop ${w.name(lanes.var)} are shorter than ${native} lanes: ` +
            `what is left over for ${p.node.id.name} after full ones takes as long as they do`,
          loops: [lanes.var],
          blocks: [p.node.id],
          quantities: { short: amount(part * 100, "%"), register: amount(native, "lanes") },
          share: w.shareOf(p),
        },
      ];
    }),
};
