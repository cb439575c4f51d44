import type { Loop } from "../../../schedule/index.ts";
import { before, free, pick, type Site, type Step } from "./view.ts";

export const moves: Readonly<Record<string, Step>> = {
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
};
