/** Random schedules over a handful of programs, from a seed. */
import { type BlockLike, type Loop, type Schedule, ScheduleError, schedule } from "../../schedule/index.ts";
import { io, treeOf } from "../../schedule/tree.ts";
import type { Func } from "../../src/ir/index.ts";
import { compute, dim, max, placeholder, scan, sum, where } from "../../te/index.ts";

export interface Case {
  readonly schedule: Schedule<unknown>;
  readonly before: Func;
  readonly sizes: readonly Record<string, number>[];
  readonly log: string[];
}
export class Random {
  #x: number;
  constructor(seed: number) {
    this.#x = (seed * 2654435761) >>> 0 || 1;
    for (let i = 0; i < 4; i++) this.below(2);
  }
  below(n: number): number {
    this.#x ^= this.#x << 13;
    this.#x >>>= 0;
    this.#x ^= this.#x >>> 17;
    this.#x ^= this.#x << 5;
    this.#x >>>= 0;
    return this.#x % n;
  }
  pick<T>(list: readonly T[]): T {
    return list[this.below(list.length)]!;
  }
}
type Make = (r: Random) => { s: Schedule<unknown>; sizes?: Record<string, number>[] };
const n = (r: Random, ...l: number[]): number => r.pick(l);
const of = (x: Parameters<typeof schedule>[0]): Schedule<unknown> => schedule(x) as unknown as Schedule<unknown>;

export const PROGRAMS: Readonly<Record<string, Make>> = {
  gemm: (r) => {
    const [M, N, K] = [n(r, 5, 6, 8), n(r, 4, 7, 8), n(r, 3, 4, 6)];
    const A = placeholder("A", [M, K]);
    const B = placeholder("B", { k: K, j: N });
    return { s: of(compute("C", { i: M, j: N }, ({ i, j }) => sum({ k: K }, ({ k }) => A.at(i, k).mul(B.at(k, j))))) };
  },
  epilogue: (r) => {
    const [M, N, K] = [n(r, 5, 6), n(r, 4, 7), n(r, 3, 4)];
    const A = placeholder("A", [M, K]);
    const B = placeholder("B", [K, N]);
    const bias = placeholder("bias", [N]);
    const C = compute("C", { i: M, j: N }, ({ i, j }) =>
      sum({ k: K }, ({ k }) => A.at(i, k).mul(B.at(k, j)))
        .add(bias.at(j))
        .max(3),
    );
    const D = compute("D", { a: M, b: N }, ({ a, b }) => C.at(a, b).mul(2));
    return { s: of(D) };
  },
  conv: (r) => {
    const [H, W, CI, CO] = [n(r, 5, 6), n(r, 4, 5), n(r, 2, 3), n(r, 3, 4)];
    const X = placeholder("X", [H, W, CI]);
    const K = placeholder("K", [3, 3, CI, CO]);
    const P = compute("P", { h: H + 2, w: W + 2, c: CI }, ({ h, w, c }) =>
      where(
        h
          .ge(1)
          .and(h.lt(H + 1))
          .and(w.ge(1))
          .and(w.lt(W + 1)),
        X.at(h.sub(1), w.sub(1), c),
        0,
      ),
    );
    const Y = compute("Y", { y: H, x: W, o: CO }, ({ y, x, o }) =>
      sum({ dy: 3, dx: 3, ci: CI }, ({ dy, dx, ci }) => P.at(y.add(dy), x.add(dx), ci).mul(K.at(dy, dx, ci, o))),
    );
    const Z = compute("Z", { y: H, x: W, o: CO }, ({ y, x, o }) => Y.at(y, x, o).max(10));
    return { s: of(Z) };
  },
  stencil: (r) => {
    const [H, W] = [n(r, 6, 9), n(r, 5, 8)];
    const X = placeholder("X", [H + 2, W + 2], "i32");
    const bx = compute("bx", { y: H + 2, x: W }, ({ y, x }) =>
      X.at(y, x)
        .add(X.at(y, x.add(1)))
        .add(X.at(y, x.add(2))),
    );
    const by = compute("by", { y: H, x: W }, ({ y, x }) =>
      bx
        .at(y, x)
        .add(bx.at(y.add(1), x))
        .add(bx.at(y.add(2), x)),
    );
    return {
      s: of(r.below(2) ? by : { by, bz: compute("bz", { y: H, x: W }, ({ y, x }) => by.at(y, x).sub(bx.at(y, x))) }),
    };
  },
  symbolic: () => {
    const m = dim("m", { min: 0, max: 64 });
    const X = placeholder("X", [m.add(1), 8]);
    const S = compute("S", { i: m.add(1) }, ({ i }) => sum({ j: 8 }, ({ j }) => X.at(i, j)));
    const T = compute("T", { i: m, j: 8 }, ({ i, j }) =>
      X.at(i, j)
        .add(S.at(i))
        .add(S.at(i.add(1))),
    );
    return { s: of(T), sizes: [{ m: 0 }, { m: 1 }, { m: 7 }, { m: 12 }] };
  },
  reduceSymbolic: () => {
    const k = dim("k", { min: 0, max: 64 });
    const A = placeholder("A", [5, k]);
    const B = placeholder("B", [k, 6]);
    const C = compute("C", { i: 5, j: 6 }, ({ i, j }) => sum({ q: k }, ({ q }) => A.at(i, q).mul(B.at(q, j))));
    return { s: of(C), sizes: [{ k: 0 }, { k: 1 }, { k: 5 }, { k: 8 }] };
  },
  scan: (r) => {
    const [T, N] = [n(r, 4, 6), n(r, 5, 6)];
    const X = placeholder("X", [T, N]);
    const two = r.below(2) === 1;
    const U = compute("U", { t: T, i: N }, ({ t, i }) => X.at(t, i).mul(2));
    const S = scan(
      "S",
      { t: T },
      { i: N },
      {
        init: ({ i }) => U.at(0, i),
        step: ({ t, i }, prev) =>
          two
            ? prev(i)
                .add(where(i.ge(1), prev(i.sub(1)), 0))
                .add(U.at(t, i))
            : prev(i).add(U.at(t, i)),
      },
    );
    return { s: of(compute("V", { t: T, i: N }, ({ t, i }) => S.at(t, i).add(1))) };
  },
  rows: (r) => {
    const [M, N] = [n(r, 4, 5), n(r, 6, 7)];
    const X = placeholder("X", [M, N]);
    const mx = compute("mx", { i: M }, ({ i }) => max({ k: N }, ({ k }) => X.at(i, k)));
    const ex = compute("ex", { i: M, j: N }, ({ i, j }) => X.at(i, j).sub(mx.at(i)).abs());
    const sm = compute("sm", { i: M }, ({ i }) => sum({ k: N }, ({ k }) => ex.at(i, k)));
    const so = compute("so", { i: M, j: N }, ({ i, j }) => ex.at(i, j).mul(sm.at(i)));
    return { s: of(so) };
  },
  transpose: (r) => {
    const [M, N] = [n(r, 4, 6), n(r, 5, 8)];
    const X = placeholder("X", [M, N]);
    const a = compute("a", { i: M, j: N }, ({ i, j }) => X.at(i, j).add(1));
    const b = compute("b", { p: N, q: M }, ({ p, q }) => a.at(q, p).mul(3));
    const c = compute("c", { f: N * M }, ({ f }) => b.at(f.div(M), f.mod(M)).sub(1));
    return { s: of(c) };
  },
};

export const ACTIONS: readonly string[] = [
  "split",
  "split",
  "split",
  "splitFixed",
  "fuse",
  "reorder",
  "reorder",
  "unroll",
  "vectorize",
  "vectorizeN",
  "tile",
  "computeAt",
  "computeAt",
  "computeAt",
  "reverseComputeAt",
  "reverseComputeAt",
  "storeAt",
  "computeInline",
  "reverseComputeInline",
  "cacheRead",
  "cacheWrite",
  "setScope",
  "decomposeReduction",
];
/** A loop around a block that shares a buffer with this one. */
function neighbour(
  s: Schedule<unknown>,
  r: Random,
  block: BlockLike,
  mine: "reads" | "writes",
  theirs: "reads" | "writes",
): Loop | undefined {
  if (r.below(4) === 0) return undefined;
  const places = [...treeOf(s.func).blocks.values()];
  const own = io(places.find((p) => p.node.id === s.handle(block).id)!.node)[mine];
  const others = places.filter((p) => [...io(p.node)[theirs]].some((b) => own.has(b)) && p.loops.length > 0);
  if (others.length === 0) return undefined;
  const v = r.pick(r.pick(others).loops).var;
  return { kind: "loop", name: v.name, var: v };
}
let fresh = 0;
/** One random step; returns the primitive's name. Throws what the primitive throws. */
export function step(s: Schedule<unknown>, r: Random, action: string, log: string[]): void {
  const block: BlockLike = r.pick(s.blocks());
  const loops = s.loopList(block);
  const all = [...treeOf(s.func).loops.keys()].map((v) => ({ kind: "loop", name: v.name, var: v }) as Loop);
  if (all.length === 0) return;
  const loop = r.pick(loops.length > 0 && r.below(4) > 0 ? loops : all);
  const tail = r.pick(["guard", "peel"] as const);
  const f = (): number => r.pick([1, 2, 3, 4, 5, 8, 16]);
  const x = `x${fresh++}`;
  log.push(`${action} ${block.name} ${loop.name}`);
  switch (action) {
    case "split": {
      const parts = r.pick([
        { [`${x}o`]: "rest", [`${x}i`]: f() },
        { [`${x}o`]: f(), [`${x}i`]: "rest" },
        { [`${x}o`]: "rest", [`${x}m`]: f(), [`${x}i`]: f() },
      ] as const);
      return void s.split(loop, parts as Record<string, number | "rest">, { tail });
    }
    case "splitFixed":
      return void s.split(loop, { [`${x}o`]: f(), [`${x}i`]: f() }, { tail });
    case "fuse": {
      const i = r.below(Math.max(1, loops.length - 1));
      const k = 2 + r.below(2);
      return void s.fuseAs(x, ...loops.slice(i, i + k));
    }
    case "reorder": {
      const own = r.below(4) > 0 ? s.ownLoops(block) : loops;
      const list = own.filter(() => r.below(3) > 0).sort(() => r.below(3) - 1);
      return s.reorder(...list);
    }
    case "tile":
      if (loops.length < 2) return;
      return void s.tile(
        loops[0]!,
        loops[1]!,
        { [`${x}a`]: "rest", [`${x}b`]: f() },
        { [`${x}c`]: "rest", [`${x}d`]: f() },
      );
    case "unroll":
      return s.unroll(loop);
    case "vectorize":
      return s.vectorize(loop);
    case "vectorizeN":
      return void s.vectorize(loop, r.pick([2, 4, 8]));
    case "computeAt":
      return void s.computeAt(block, neighbour(s, r, block, "writes", "reads") ?? r.pick(all));
    case "reverseComputeAt":
      return void s.reverseComputeAt(block, neighbour(s, r, block, "reads", "writes") ?? r.pick(all));
    case "storeAt":
      return s.storeAt(block, loop);
    case "computeInline":
      return s.computeInline(block);
    case "reverseComputeInline":
      return s.reverseComputeInline(block);
    case "cacheRead": {
      const b = r.pick([...s.func.inputs, ...s.func.intermediates, ...s.func.outputs]);
      return void s.cacheRead(block, b.name, r.pick(["workspace", "local"] as const));
    }
    case "cacheWrite":
      return void s.cacheWrite(block, "local");
    case "setScope":
      return s.setScope(block, r.pick(["workspace", "local", "global"] as const));
    case "decomposeReduction":
      return void s.decomposeReduction(block, loop);
    default:
      throw new Error(action);
  }
}
export { ScheduleError };
