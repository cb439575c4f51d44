import { buffersIn } from "../../../src/ir/index.ts";
import { pick, SCOPES, type Site, type Step } from "./view.ts";

const ahead = (y: Site): boolean => y.block.annotations?.prepared === true;

export const buffers: Readonly<Record<string, Step>> = {
  cacheRead: (c) => {
    const b = c.block(() => true);
    if (!b) return undefined;
    const { reads, writes } = buffersIn(b.block);
    const r = pick(
      [...reads].filter((y) => !writes.has(y)),
      c.x.c,
    );
    if (!r) return undefined;
    const users = c.v.sites.filter((y) => (c.plausible ? y.reads.has(r) && !y.writes.has(r) : y.reads.has(r)));
    const several = c.x.a % 2 === 0 ? users.filter((_, n) => n !== c.x.b % 3).map((y) => y.handle) : ("all" as const);
    const whose = users.length > 1 && c.x.c % 3 === 0 && several.length > 0 ? several : b.handle;
    return () => c.v.s.cacheRead(whose, r.name, SCOPES[c.x.b % 2]!);
  },
  cacheWrite: (c) => {
    const b = c.block((y) => !c.v.sites.some((z) => z !== y && [...y.writes].some((w) => z.writes.has(w))));
    return b && (() => c.v.s.cacheWrite(b.handle, SCOPES[c.x.b % 2]!));
  },
  prepare: (c) => {
    const inputs = new Set<unknown>(c.v.s.func.inputs.filter((y) => y.constant));
    const ready = (y: Site): boolean =>
      [...y.reads].every((r) => y.writes.has(r) || inputs.has(r) || c.v.sites.some((w) => w.writes.has(r) && ahead(w)));
    const b = c.block((y) => !y.output && !ahead(y) && ready(y));
    return b && (() => c.v.s.prepare(b.handle));
  },
  setScope: (c) => {
    const b = c.block((y) => !y.output);
    return b && (() => c.v.s.setScope(b.handle, SCOPES[c.x.b % 3]!));
  },
};
