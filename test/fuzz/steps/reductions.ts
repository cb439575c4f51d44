import type { Loop } from "../../../schedule/index.ts";
import { vectorizeReduction } from "../../../schedule/library/index.ts";
import { before, carries, pick, type Site, type Step } from "./view.ts";

const carriers = (y: Site): Loop[] => y.loops.filter((l) => carries(y, l, ["reduction"]));
/** A reduction in one piece, with a loop that carries it. */
const whole = (y: Site): boolean => y.block.init !== undefined && carriers(y).length > 0;

export const reductions: Readonly<Record<string, Step>> = {
  decomposeReduction: (c) => {
    const may = (y: Site): Loop[] => y.loops.slice(0, before(y).length + 1);
    const reduces = (y: Site): boolean => y.block.init !== undefined && y.loops.length > 0;
    // what is computed again in each iteration of some loop is where this may go wrong
    const again = (y: Site): boolean => reduces(y) && y.block.annotations?.revisits === true;
    const b = c.block((y) => (c.v.sites.some(again) ? again(y) : reduces(y)));
    // an init before loops around its readers, too, comes once for what each of their iterations computes
    const shared = b && c.x.b % 3 !== 0 && again(b) ? may(b).filter((l) => !b.own.includes(l)) : [];
    const loop = b && pick(shared.length > 0 ? shared : c.plausible ? may(b) : b.loops, c.x.c);
    return loop && (() => c.v.s.decomposeReduction(b.handle, loop));
  },
  rfactor: (c) => {
    const b = c.block(whole);
    const list = b && (c.plausible ? carriers(b) : b.loops);
    const loop = list && pick(list, c.x.b);
    if (!loop) return undefined;
    const other = c.x.c % 3 === 0 ? list.find((l) => l !== loop) : undefined;
    const options = c.x.c % 4 === 1 ? { at: c.x.c % 3 } : {};
    return () => c.v.s.rfactor(b.handle, other ? [other, loop] : loop, options);
  },
  vectorizeReduction: (c) => {
    const b = c.block((y) => whole(y) && y.nodes.every((n) => n.loop === "serial"));
    const loop = b && pick(c.plausible ? carriers(b) : b.loops, c.x.b);
    return loop && (() => vectorizeReduction(c.v.s, b.handle, loop, [4, 8, 2, 16, 3, 6][c.x.c % 6]!));
  },
};
