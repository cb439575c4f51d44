import type { Loop } from "../../../schedule/index.ts";
import { slidingWindow } from "../../../schedule/library/index.ts";
import { free, pick, type Site, type Step, type View } from "./view.ts";

/** Loops around a block and all who read it. */
function common(v: View, y: Site): Loop[] {
  const users = v.consumers(y);
  if (y.output || users.length === 0) return [];
  return y.loops.filter((l) => users.every((u) => u.loops.includes(l)) && free(y, l));
}
/** Loops around all who read a block. */
function around(v: View, y: Site): Loop[] {
  const users = v.consumers(y);
  if (y.output || users.length === 0) return [];
  return users[0]!.loops.filter((l) => users.every((u) => u.loops.includes(l) && free(u, l)));
}
const FACTORS = [2, 3, 4, 5, 8, 16];

export const windows: Readonly<Record<string, Step>> = {
  foldStorage: (c) => {
    const b = c.block((y) => common(c.v, y).length > 0);
    const loop = b && pick(c.plausible ? common(c.v, b) : b.loops, c.x.c);
    const options = c.x.b % 4 === 0 ? { factor: FACTORS[c.x.a % FACTORS.length]! } : {};
    return loop && (() => c.v.s.foldStorage(b.handle, loop, options));
  },
  doubleBuffer: (c) => {
    const b = c.block((y) => common(c.v, y).length > 0);
    const loop = b && pick(c.plausible ? common(c.v, b) : b.loops, c.x.c);
    if (!b || !loop) return undefined;
    return c.x.b % 3 === 0 ? () => c.v.s.doubleBuffer(b.handle) : () => c.v.s.doubleBuffer(b.handle, loop);
  },
  slidingWindow: (c) => {
    const b = c.block((y) => y.complete && around(c.v, y).length > 0);
    const loop = b && pick(c.plausible ? around(c.v, b) : c.v.sites.flatMap((y) => y.loops), c.x.c);
    return b && loop && (() => slidingWindow(c.v.s, b.handle, loop, c.x.b % 4 === 1 ? { storeAt: "root" } : {}));
  },
};
