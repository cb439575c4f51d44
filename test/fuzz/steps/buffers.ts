import { buffersIn } from "../../../src/ir/index.ts";
import { pick, SCOPES, type Step } from "./view.ts";

export const buffers: Readonly<Record<string, Step>> = {
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
};
