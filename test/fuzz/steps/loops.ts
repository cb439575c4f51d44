import type { Loop } from "../../../schedule/index.ts";
import { type Buffer, constInt, type GridIndex } from "../../../src/ir/index.ts";
import { carries, FACTORS, loopOf, pick, type Site, type Step, serial } from "./view.ts";

const INDICES: readonly GridIndex[] = ["workgroup.x", "local.x", "workgroup.y", "local.y", "workgroup.z", "local.z"];
const TAILS = ["guard", "peel", "shift", "pad"] as const;
/** Loops that are an axis of the block, neither split nor fused. */
const whole = (y: Site): Loop[] => y.loops.filter((l) => y.block.iters.some((it) => it.binding === l.var));
/** What its iterations could do at once. */
const apart = (y: Site): Loop[] => serial(y).filter((l) => !carries(y, l, ["reduction", "ordered"]));

export const loops: Readonly<Record<string, Step>> = {
  split: (c) => {
    const b = c.block((y) => serial(y).length > 0);
    const l = b && loopOf(c, b);
    if (!l) return undefined;
    const { x, v } = c;
    const f = FACTORS[x.c % FACTORS.length]!;
    const tails = c.plausible && b.output ? TAILS.filter((t) => t !== "pad") : TAILS;
    const tail = pick(tails, x.a)!;
    const parts =
      x.a % 7 === 3
        ? { [`${l.name}a`]: "rest" as const, [`${l.name}b`]: 2, [`${l.name}c`]: f }
        : x.a % 7 === 5
          ? { [`${l.name}i`]: f, [`${l.name}o`]: "rest" as const }
          : { [`${l.name}o`]: "rest" as const, [`${l.name}i`]: f };
    return () => v.s.split(l, parts, { tail });
  },
  fuse: (c) => {
    const b = c.block((y) => serial(y).length > 1);
    const l = b && loopOf(c, b);
    const next = l && b.loops[b.loops.indexOf(l) + 1];
    return next && (() => c.v.s.fuse(l, next));
  },
  reorder: (c) => {
    const b = c.block((y) => y.loops.length > 1);
    const l = b && pick(b.loops, c.x.b);
    if (!l || b.loops.length < 2) return undefined;
    const at = b.loops.indexOf(l);
    const some = b.loops.slice(c.x.c % 2 === 0 ? 0 : at, at + 2 + (c.x.c % 3));
    const by = 1 + (c.x.a % Math.max(1, some.length - 1));
    return () => c.v.s.reorder(...some.slice(by), ...some.slice(0, by));
  },
  tile: (c) => {
    const b = c.block((y) => serial(y).length > 1);
    const l = b && loopOf(c, b);
    const next = l && b.loops[b.loops.indexOf(l) + 1];
    if (!next) return undefined;
    const [f, g] = [FACTORS[c.x.c % FACTORS.length]!, FACTORS[c.x.a % FACTORS.length]!];
    return () =>
      c.v.s.tile(
        l,
        next,
        { [`${l.name}o`]: "rest", [`${l.name}i`]: f },
        { [`${next.name}o`]: "rest", [`${next.name}i`]: g },
      );
  },
  unroll: (c) => {
    const small = (y: Site): Loop[] => y.loops.filter((_, i) => (constInt(y.nodes[i]!.extent) ?? 99) <= 8);
    const b = c.block((y) => small(y).length > 0);
    const l = b && pick(small(b), c.x.b);
    return l && (() => c.v.s.unroll(l));
  },
  parallel: (c) => {
    const b = c.block((y) => apart(y).length > 0);
    const l = b && pick(c.plausible ? apart(b) : b.loops, c.x.b);
    return l && (() => c.v.s.parallel(l));
  },
  bind: (c) => {
    const b = c.block((y) => apart(y).length > 0);
    const l = b && pick(c.plausible ? apart(b) : b.loops, c.x.b);
    const index = pick(INDICES, c.x.c)!;
    return l && (() => c.v.s.bind(l, index));
  },
  annotate: (c) => {
    const b = c.block(() => true);
    const target = b && (c.x.c % 2 === 0 ? b.handle : pick(b.loops, c.x.b));
    const key = c.plausible ? ["note", "hot"][c.x.a % 2]! : "partial";
    const value = [true, 3, "why @not", "@0.i", undefined][c.x.b % 5];
    return target && (() => c.v.s.annotate(target, key, value));
  },
  pad: (c) => {
    const reduces = (y: Site, l: Loop): boolean => carries(y, l, ["reduction"]);
    const may = (y: Site): Loop[] => whole(y).filter((l) => !y.output || reduces(y, l));
    const b = c.block((y) => may(y).length > 0);
    const l = b && pick(c.plausible ? may(b) : b.loops, c.x.b);
    if (!l) return undefined;
    const { s } = c.v;
    const n = FACTORS[c.x.c % FACTORS.length]!;
    const value = b.complete && c.x.a % 3 === 0 ? 1 : undefined;
    if (!c.plausible || b.complete) return () => s.pad(b.handle, l, n, value);
    // what it reads has to be padded before: copies of that
    return () => {
      const illegal = s.attempt(() => {
        for (const r of b.reads as ReadonlySet<Buffer>) {
          if (b.writes.has(r)) continue;
          const copy = s.cacheRead(b.handle, r.name, "workspace");
          for (const x of s.loopList(copy)) s.pad(copy, x, n);
        }
        s.pad(b.handle, l, n);
      });
      if (illegal) throw illegal;
    };
  },
  vectorize: (c) => {
    const open = (y: Site): Loop[] => (y.nodes.some((n) => n.loop === "vectorized") ? [] : apart(y));
    const b = c.block((y) => open(y).length > 0);
    if (!b) return undefined;
    const list = c.plausible ? open(b) : b.loops;
    const target = c.x.c % 3 === 0 ? pick(list, c.x.b) : list.at(-1);
    if (!target) return undefined;
    const constant = constInt(b.nodes[b.loops.indexOf(target)]!.extent) !== undefined;
    return c.x.a % 3 === 0 || !constant
      ? () => c.v.s.vectorize(target, [4, 8, 2, 3, 16][c.x.c % 5]!)
      : () => c.v.s.vectorize(target);
  },
};
