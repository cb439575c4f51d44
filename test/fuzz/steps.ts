/**
 * Random schedules from plain data. Each step names a primitive and gives numbers that pick its arguments among what is there;
 * arguments are chosen to be plausible, not to be legal. An illegal step must throw ScheduleError and change nothing.
 */
import { type Block, blocksOf, buffersIn, constInt } from "../../src/ir/index.ts";
import { type BlockHandle, type Loop, type Schedule, ScheduleError } from "../../schedule/index.ts";

export interface StepSpec {
  readonly primitive: number;
  readonly a: number;
  readonly b: number;
  readonly c: number;
}
export type Tally = Map<string, { accepted: number; refused: number; why: Map<string, number> }>;
// biome-ignore lint/suspicious/noExplicitAny: a schedule of anything
type AnySchedule = Schedule<any>;

const FACTORS = [2, 3, 4, 8, 5, 16, 7, 1, 6, 32];
const SCOPES = ["workspace", "local", "global"] as const;

interface Site {
  readonly s: AnySchedule;
  readonly blocks: readonly BlockHandle[];
  readonly of: (b: BlockHandle) => Block;
}
const pick = <T>(list: readonly T[], n: number): T | undefined => (list.length === 0 ? undefined : list[n % list.length]);

function related(site: Site, block: BlockHandle, side: "consumers" | "producers"): BlockHandle[] {
  const own = buffersIn(site.of(block));
  return site.blocks.filter((b) => {
    const io = buffersIn(site.of(b));
    const [from, to] = side === "consumers" ? [own.writes, io.reads] : [io.writes, own.reads];
    return b !== block && [...from].some((x) => to.has(x));
  });
}

type Step = (site: Site, block: BlockHandle, loop: Loop | undefined, x: StepSpec) => (() => unknown) | undefined;

const STEPS: Readonly<Record<string, Step>> = {
  split: ({ s }, _b, l, x) => {
    if (!l) return undefined;
    const f = FACTORS[x.c % FACTORS.length]!;
    const tail = x.a % 2 === 0 ? "guard" : "peel";
    const parts =
      x.a % 7 === 3
        ? { [`${l.name}a`]: "rest" as const, [`${l.name}b`]: 2, [`${l.name}c`]: f }
        : x.a % 7 === 5
          ? { [`${l.name}i`]: f, [`${l.name}o`]: "rest" as const }
          : { [`${l.name}o`]: "rest" as const, [`${l.name}i`]: f };
    return () => s.split(l, parts, { tail });
  },
  fuse: ({ s }, b, l) => {
    const list = s.loopList(b);
    const next = l && list[list.indexOf(l) + 1];
    return next && (() => s.fuse(l, next));
  },
  reorder: ({ s }, b, l, x) => {
    const list = s.loopList(b);
    if (!l || list.length < 2) return undefined;
    const at = list.indexOf(l);
    const some = list.slice(x.c % 2 === 0 ? 0 : at, at + 2 + (x.c % 3));
    const turned = [...some.slice(1 + (x.a % Math.max(1, some.length - 1))), ...some.slice(0, 1 + (x.a % Math.max(1, some.length - 1)))];
    return () => s.reorder(...turned);
  },
  tile: ({ s }, b, l, x) => {
    const list = s.loopList(b);
    const next = l && list[list.indexOf(l) + 1];
    if (!next) return undefined;
    const [f, g] = [FACTORS[x.c % FACTORS.length]!, FACTORS[x.a % FACTORS.length]!];
    return () =>
      s.tile(l, next, { [`${l.name}o`]: "rest", [`${l.name}i`]: f }, { [`${next.name}o`]: "rest", [`${next.name}i`]: g });
  },
  unroll: ({ s }, b, _l, x) => {
    const l = pick(s.loopList(b).filter((y) => (extentOf(s, y) ?? 99) <= 8), x.b);
    return l && (() => s.unroll(l));
  },
  vectorize: ({ s }, b, l, x) => {
    const list = s.loopList(b);
    const target = x.c % 3 === 0 ? l : list.at(-1);
    if (!target) return undefined;
    return x.a % 3 === 0 ? () => s.vectorize(target, FACTORS[x.a % 5]!) : () => s.vectorize(target);
  },
  computeAt: (site, b, l, x) => {
    const to = pick(related(site, b, "consumers"), x.a);
    const loop = to ? pick(site.s.loopList(to), x.c) : l;
    return loop && (() => site.s.computeAt(b, loop));
  },
  storeAt: ({ s }, b, _l, x) => {
    const loop = pick(s.loopList(b), x.c);
    return loop && (() => s.storeAt(b, loop));
  },
  reverseComputeAt: (site, b, l, x) => {
    const from = pick(related(site, b, "producers"), x.a);
    const loop = from ? pick(site.s.loopList(from), x.c) : l;
    return loop && (() => site.s.reverseComputeAt(b, loop));
  },
  computeInline: ({ s }, b) => () => s.computeInline(b),
  reverseComputeInline: ({ s }, b) => () => s.reverseComputeInline(b),
  cacheRead: (site, b, _l, x) => {
    const reads = [...buffersIn(site.of(b)).reads].filter((r) => !buffersIn(site.of(b)).writes.has(r));
    const r = pick(reads, x.c);
    return r && (() => site.s.cacheRead(b, r.name, SCOPES[x.a % 2]!));
  },
  cacheWrite: ({ s }, b, _l, x) => () => s.cacheWrite(b, SCOPES[x.a % 2]!),
  setScope: ({ s }, b, _l, x) => () => s.setScope(b, SCOPES[x.a % 3]!),
  decomposeReduction: ({ s }, b, l) => (l ? () => s.decomposeReduction(b, l) : undefined),
};
export const PRIMITIVES = Object.keys(STEPS);
/** Steps worth trying more often: they open the way for others. */
const DRAW = [...PRIMITIVES, "split", "split", "computeAt", "reverseComputeAt", "vectorize", "reorder", "decomposeReduction", "storeAt"];

function extentOf(s: AnySchedule, l: Loop): number | undefined {
  let n: number | undefined;
  const go = (x: (typeof s)["func"]["body"]): void => {
    if (x.kind === "for") {
      if (x.var === l.var) n = constInt(x.extent);
      go(x.body);
    } else if (x.kind === "seq") x.body.forEach(go);
  };
  go(s.func.body);
  return n;
}

/** Applies the steps; what was refused is counted, and anything but a clean ScheduleError is thrown. */
export function applySteps(s: AnySchedule, steps: readonly StepSpec[], tally?: Tally): void {
  for (const x of steps) {
    const name = DRAW[x.primitive % DRAW.length]!;
    const blocks = s.blocks();
    const all = new Map(blocksOf(s.func.body).map((b) => [b.id, b]));
    const block = pick(blocks, x.a)!;
    const site: Site = { s, blocks, of: (b) => all.get(b.id)! };
    const run = STEPS[name]!(site, block, pick(s.loopList(block), x.b), x);
    if (!run) continue;
    const row = tally?.get(name) ?? { accepted: 0, refused: 0, why: new Map() };
    tally?.set(name, row);
    const [before, func, steps0] = [s.toString(), s.func, s.trace.length];
    try {
      run();
      row.accepted++;
    } catch (e) {
      if (!(e instanceof ScheduleError)) throw e;
      row.refused++;
      row.why.set(e.code, (row.why.get(e.code) ?? 0) + 1);
      if (s.func !== func || s.toString() !== before || s.trace.length !== steps0)
        throw new Error(`${name} was refused, but changed the schedule`);
    }
  }
}
