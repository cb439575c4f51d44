import type { Loop } from "../../../schedule/index.ts";
import { before, pick, type Site, type Step } from "./view.ts";

export const reductions: Readonly<Record<string, Step>> = {
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
