/**
 * Random schedules from plain data. Each step names a primitive and gives numbers that pick its arguments among what is there.
 * Most of the time they are picked among those that look legal, sometimes among all: an illegal step must throw ScheduleError
 * and change nothing.
 */
import { type BlockHandle, type Loop, type Schedule, ScheduleError } from "../../schedule/index.ts";
import { type Block, blocksOf, buffersIn, constInt, type For, type Stmt, usesVar } from "../../src/ir/index.ts";

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

const pick = <T>(list: readonly T[], n: number): T | undefined =>
  list.length === 0 ? undefined : list[n % list.length];

/** One block as it stands. */
interface Site {
  readonly handle: BlockHandle;
  readonly block: Block;
  readonly loops: readonly Loop[];
  readonly nodes: readonly For[];
  readonly reads: ReadonlySet<unknown>;
  readonly writes: ReadonlySet<unknown>;
  /** Writes a result of the function. */
  readonly output: boolean;
  /** No reduction and no scan. */
  readonly complete: boolean;
}
interface View {
  readonly s: AnySchedule;
  readonly sites: readonly Site[];
  readonly consumers: (x: Site) => readonly Site[];
  readonly producers: (x: Site) => readonly Site[];
}

function viewOf(s: AnySchedule): View {
  const all = new Map(blocksOf(s.func.body).map((b) => [b.id, b]));
  const nodes = new Map<unknown, For>();
  const walk = (x: Stmt): void => {
    if (x.kind === "for") {
      nodes.set(x.var, x);
      walk(x.body);
    } else if (x.kind === "seq") x.body.forEach(walk);
  };
  walk(s.func.body);
  const sites = s.blocks().map((handle): Site => {
    const block = all.get(handle.id)!;
    const { reads, writes } = buffersIn(block);
    const loops = s.loopList(handle);
    const complete =
      !block.init && block.iters.every((i) => i.kind === "spatial") && ![...writes].some((w) => reads.has(w));
    return {
      handle,
      block,
      loops,
      nodes: loops.map((l) => nodes.get(l.var)!),
      reads,
      writes,
      output: [...writes].some((w) => s.func.outputs.includes(w)),
      complete,
    };
  });
  const meet = (a: ReadonlySet<unknown>, b: ReadonlySet<unknown>): boolean => [...a].some((x) => b.has(x));
  return {
    s,
    sites,
    consumers: (x) => sites.filter((y) => y !== x && meet(x.writes, y.reads)),
    producers: (x) => sites.filter((y) => y !== x && meet(y.writes, x.reads)),
  };
}

type Run = () => unknown;
/** What the numbers of one step pick. */
interface Choice {
  readonly v: View;
  readonly x: StepSpec;
  /** Only what looks legal. */
  readonly plausible: boolean;
  /** A block, among those that look right for the primitive. */
  readonly block: (looksRight: (s: Site) => boolean) => Site | undefined;
}
type Step = (c: Choice) => Run | undefined;

const serial = (x: Site): Loop[] => x.loops.filter((_, i) => x.nodes[i]!.loop === "serial");
const loopOf = (c: Choice, x: Site): Loop | undefined => pick(c.plausible ? serial(x) : x.loops, c.x.b);
const carries = (x: Site, l: Loop, kinds: readonly string[]): boolean =>
  x.block.iters.some((i) => kinds.includes(i.kind) && usesVar(i.binding, (v) => v === l.var));
/** Loops around x outside of whatever carries its reduction or its steps. */
function before(x: Site): Loop[] {
  const first = x.loops.findIndex((l) => carries(x, l, ["reduction", "ordered"]));
  return x.loops.slice(0, first < 0 ? x.loops.length : first);
}
const free = (x: Site, l: Loop): boolean =>
  x.nodes.slice(0, x.loops.indexOf(l) + 1).every((n) => n.loop !== "vectorized");

const STEPS: Readonly<Record<string, Step>> = {
  split: (c) => {
    const b = c.block((y) => serial(y).length > 0);
    const l = b && loopOf(c, b);
    if (!l) return undefined;
    const { x, v } = c;
    const f = FACTORS[x.c % FACTORS.length]!;
    const tail = x.a % 2 === 0 ? "guard" : "peel";
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
  vectorize: (c) => {
    const open = (y: Site): Loop[] =>
      y.nodes.some((n) => n.loop === "vectorized")
        ? []
        : serial(y).filter((l) => !carries(y, l, ["reduction", "ordered"]));
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
  computeAt: (c) => {
    const b = c.block((y) => !y.output && c.v.consumers(y).some((k) => k.loops.length > 0));
    if (!b) return undefined;
    const users = c.v.consumers(b);
    const to = pick(users, c.x.b);
    const shared = to?.loops.filter((l) => users.every((u) => u.loops.includes(l)) && free(to, l)) ?? [];
    const loop = pick(c.plausible && to ? shared : (to ?? b).loops, c.x.c);
    return loop && (() => c.v.s.computeAt(b.handle, loop));
  },
  storeAt: (c) => {
    const places = (y: Site): Loop[] => {
      const users = c.v.sites.filter((u) => [...y.writes].some((w) => u.reads.has(w) || u.writes.has(w)));
      return y.output ? [] : y.loops.filter((l) => users.every((u) => u.loops.includes(l)) && free(y, l));
    };
    const b = c.block((y) => places(y).length > 0);
    const loop = b && pick(c.plausible ? places(b) : b.loops, c.x.c);
    return loop && (() => c.v.s.storeAt(b.handle, loop));
  },
  reverseComputeAt: (c) => {
    const b = c.block((y) => c.v.producers(y).some((p) => before(p).length > 0));
    if (!b) return undefined;
    const from = pick(
      c.v.producers(b).filter((p) => !c.plausible || before(p).length > 0),
      c.x.b,
    );
    const loops = from && c.plausible ? before(from).filter((l) => free(from, l)) : (from ?? b).loops;
    const loop = pick(loops, c.x.c);
    return loop && (() => c.v.s.reverseComputeAt(b.handle, loop));
  },
  computeInline: (c) => {
    const b = c.block((y) => !y.output && y.complete && c.v.consumers(y).length > 0);
    return b && (() => c.v.s.computeInline(b.handle));
  },
  reverseComputeInline: (c) => {
    const b = c.block(
      (y) =>
        y.complete && c.v.producers(y).some((p) => p.complete && !p.output && c.v.consumers(p).every((k) => k === y)),
    );
    return b && (() => c.v.s.reverseComputeInline(b.handle));
  },
  cacheRead: (c) => {
    const b = c.block(() => true);
    if (!b) return undefined;
    const { reads, writes } = buffersIn(b.block);
    const r = pick(
      [...reads].filter((y) => !writes.has(y)),
      c.x.c,
    );
    return r && (() => c.v.s.cacheRead(b.handle, r.name, SCOPES[c.x.b % 2]!));
  },
  cacheWrite: (c) => {
    const b = c.block((y) => !c.v.sites.some((z) => z !== y && [...y.writes].some((w) => z.writes.has(w))));
    return b && (() => c.v.s.cacheWrite(b.handle, SCOPES[c.x.b % 2]!));
  },
  setScope: (c) => {
    const b = c.block((y) => !y.output);
    return b && (() => c.v.s.setScope(b.handle, SCOPES[c.x.b % 3]!));
  },
  decomposeReduction: (c) => {
    const may = (y: Site): Loop[] => y.loops.slice(0, before(y).length + 1);
    const reduces = (y: Site): boolean => y.block.init !== undefined && y.loops.length > 0;
    // what is computed again in each iteration of some loop is where this may go wrong
    const again = (y: Site): boolean => reduces(y) && y.block.annotations?.revisits === true;
    const b = c.block((y) => (c.v.sites.some(again) ? again(y) : reduces(y)));
    const loop = b && pick(c.plausible ? may(b) : b.loops, c.x.c);
    return loop && (() => c.v.s.decomposeReduction(b.handle, loop));
  },
};
export const PRIMITIVES = Object.keys(STEPS);
/** What has to come first where there is no place for a primitive yet. */
const INSTEAD: Readonly<Record<string, string>> = { storeAt: "computeAt", setScope: "cacheRead", fuse: "split" };
/** Steps worth trying more often: they open the way for others, or are rarely possible. */
const DRAW = [
  ...PRIMITIVES,
  ...["split", "split", "computeAt", "computeAt", "reverseComputeAt", "reverseComputeAt", "vectorize", "vectorize"],
  ...[
    "reorder",
    "decomposeReduction",
    "decomposeReduction",
    "storeAt",
    "storeAt",
    "reverseComputeInline",
    "reverseComputeInline",
  ],
];

/** Applies the steps; what was refused is counted, and anything but a clean ScheduleError is thrown. */
export function applySteps(s: AnySchedule, steps: readonly StepSpec[], tally?: Tally): void {
  for (const x of steps) {
    const v = viewOf(s);
    const plausible = (x.a + x.b + x.c) % 8 !== 0;
    const block = (looksRight: (y: Site) => boolean): Site | undefined =>
      pick(plausible ? v.sites.filter(looksRight) : v.sites, x.a);
    const choice: Choice = { v, x, plausible, block };
    const wanted = DRAW[x.primitive % DRAW.length]!;
    let name = wanted;
    let run = STEPS[name]!(choice);
    if (!run && plausible && INSTEAD[wanted]) {
      name = INSTEAD[wanted];
      run = STEPS[name]!(choice);
    }
    if (run) attempt(s, name, run, tally);
  }
}

/** Vectorizes an inner loop of every block that has none yet, as far as that is legal. */
export function vectorizeAll(s: AnySchedule, n: number, tally?: Tally): void {
  for (const [i, handle] of s.blocks().entries()) {
    const v = viewOf(s);
    const block = (): Site | undefined => v.sites.find((y) => y.handle === handle);
    // widths differ from block to block, so that registers are written and read in different pieces
    const m = n + i * 7;
    const x = { primitive: 0, a: m, b: m >> 2, c: 1 + (m % 5) };
    const run = STEPS.vectorize!({ v, x, plausible: true, block });
    if (run) attempt(s, "vectorize", run, tally);
  }
}

function attempt(s: AnySchedule, name: string, run: Run, tally: Tally | undefined): void {
  const [before, func, steps] = [s.toString(), s.func, s.trace.length];
  let code: string | undefined;
  try {
    run();
  } catch (e) {
    if (!(e instanceof ScheduleError)) throw e;
    code = e.code;
    if (s.func !== func || s.toString() !== before || s.trace.length !== steps)
      throw new Error(`${name} was refused, but changed the schedule`);
  }
  if (tally) count(tally, name, code);
}

function count(tally: Tally, name: string, code: string | undefined): void {
  const row = tally.get(name) ?? { accepted: 0, refused: 0, why: new Map<string, number>() };
  tally.set(name, row);
  if (code === undefined) row.accepted++;
  else {
    row.refused++;
    row.why.set(code, (row.why.get(code) ?? 0) + 1);
  }
}
