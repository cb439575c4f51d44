import type { Loop } from "../../../schedule/index.ts";
import { before, free, pick, type Site, type Step } from "./view.ts";

/** Loops of other nests that the outermost loops of `y` could join, down to each of them. */
function partners(y: Site, sites: readonly Site[]): Loop[] {
  const out = new Set<Loop>();
  for (const z of sites) {
    let depth = y.loops.findIndex((l, i) => l !== z.loops[i]);
    for (; depth >= 0 && depth < Math.min(y.loops.length, z.loops.length); depth++) {
      const [a, b] = [y.nodes[depth]!, z.nodes[depth]!];
      if (a.extent !== b.extent || a.loop !== "serial" || b.loop !== "serial") break;
      out.add(z.loops[depth]!);
    }
  }
  return [...out];
}

/** Whether one of two blocks touches what the other writes. */
function meet(a: Site, b: Site): boolean {
  const touches = (x: Site, y: Site): boolean => [...x.writes].some((w) => y.reads.has(w) || y.writes.has(w));
  return touches(a, b) || touches(b, a);
}

export const moves: Readonly<Record<string, Step>> = {
  computeAt: (c) => {
    const used = (y: Site): boolean => !y.output && c.v.consumers(y).some((k) => k.loops.length > 0);
    // a sum that is computed again must start again
    const sums = (y: Site): boolean => used(y) && y.block.init !== undefined;
    const b = c.block(c.x.a % 3 === 0 && c.v.sites.some(sums) ? sums : used);
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
    if (b && c.x.b % 4 === 0) return () => c.v.s.storeAt(b.handle, "root");
    return loop && (() => c.v.s.storeAt(b.handle, loop));
  },
  computeRoot: (c) => {
    const b = c.block((y) => y.loops.length > 0 && c.v.sites.some((z) => z !== y && z.loops[0] === y.loops[0]));
    return b && (() => c.v.s.computeRoot(b.handle));
  },
  computeWith: (c) => {
    const { sites } = c.v;
    // now and then one that reads the other, or something between them
    const careful = c.x.b % 5 !== 0;
    const reads = c.x.b % 2 === 0;
    const apart = (y: Site): Site[] => {
      const at = sites.indexOf(y);
      const between = (n: number): Site[] =>
        sites.slice(Math.min(n, at), Math.max(n, at) + 1).filter((z) => z !== y && !(reads && z === sites[n]));
      return sites.filter((z, n) => z !== y && !(careful && between(n).some((m) => meet(y, m))));
    };
    const b = c.block((y) => partners(y, apart(y)).length > 0);
    const loops = b && c.plausible ? partners(b, apart(b)) : sites.flatMap((z) => z.loops);
    const loop = pick(loops, c.x.c);
    return b && loop && (() => c.v.s.computeWith(b.handle, loop));
  },
  reverseComputeAt: (c) => {
    const follows = (y: Site): boolean => c.v.producers(y).some((p) => before(p).length > 0);
    // what is computed on several sides of a branch is where this may go wrong
    const twins = (y: Site): boolean =>
      follows(y) && c.v.producers(y).some((p) => p.block.annotations?.twin !== undefined);
    const some = c.x.a % 2 === 0 && c.v.sites.some(twins);
    const b = c.block(some ? twins : follows);
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
};
