import { exprToJson } from "../../../schedule/expr-data.ts";
import type { IndexMapData } from "../../../schedule/index.ts";
import {
  add,
  type Buffer,
  buffersIn,
  type Expr,
  floordiv,
  floormod,
  int,
  isFloat,
  mul,
  physicalShape,
  sub,
  variable,
} from "../../../src/ir/index.ts";
import { type Choice, FACTORS, pick, type Site, type Step } from "./view.ts";

const written = (y: Site): Buffer[] => [...buffersIn(y.block).writes];
const digits = (e: Expr, n: number): [Expr, Expr] => [floordiv(e, int(n)), floormod(e, int(n))];
const turned = <T>(list: readonly T[], by: number): T[] => list.map((_, d) => list[(d + by) % list.length]!);

/** A map of the kinds that people write: dimensions moved, cut, tiled, fused, turned round; sometimes one that keeps nothing apart. */
function mapFor(c: Choice, b: Buffer): IndexMapData {
  const shape = physicalShape(b);
  if (shape.length === 0) return { vars: [], index: [c.x.a % 3] };
  const vars = shape.map((_, d) => variable(`i${d}`));
  const { a, b: m, c: n } = c.x;
  const d = m % vars.length;
  const e = (d + 1) % vars.length;
  const f = FACTORS[n % FACTORS.length]!;
  const g = FACTORS[a % FACTORS.length]!;
  const others = vars.filter((_, i) => i !== d);
  const rest = others.filter((v) => v !== vars[e]);
  const kinds: (() => readonly Expr[])[] = [
    () => turned(vars, 1 + (a % Math.max(1, vars.length - 1))),
    () => {
      const [o, i] = digits(vars[d]!, f);
      return a % 2 === 0 ? [o, ...others, i] : [...others, i, o];
    },
    () => {
      if (d === e) return digits(vars[d]!, f);
      const [p, q] = [digits(vars[d]!, f), digits(vars[e]!, g)];
      return [p[0], q[0], ...rest, p[1], q[1]];
    },
    // one in four a little too tight
    () => (d === e ? [vars[d]!] : [...rest, add(mul(vars[d]!, sub(shape[e]!, int(a % 4 === 1 ? 1 : 0))), vars[e]!)]),
    () => vars.map((v, i) => (i === d ? sub(sub(shape[d]!, int(1)), v) : v)),
    () => vars.map((v, i) => (i === d ? add(mul(v, int(1 + (f % 3))), int(a % 3)) : v)),
    () => {
      const [o, i] = digits(vars[d]!, f);
      return [...others, add(mul(i, floordiv(add(shape[d]!, int(f - 1)), int(f))), o)];
    },
  ];
  const wrong: (() => readonly Expr[])[] = [
    () => (others.length > 0 ? others : [int(0)]),
    () => vars.map((v, i) => (i === d ? sub(v, int(1)) : v)),
    () => vars.map((v, i) => (i === d ? floormod(v, int(f)) : v)),
    () => [vars.reduce((x, v) => add(mul(x, int(f)), v), int(0) as Expr)],
  ];
  const index = pick(c.plausible ? kinds : [...kinds, ...wrong], n + m)!();
  const names = new Map(vars.map((v) => [v, v.name]));
  return { vars: vars.map((v) => v.name), index: index.map((x) => exprToJson(x, names, c.v.s.func)) };
}

export const layouts: Readonly<Record<string, Step>> = {
  transformLayout: (c) => {
    const b = c.block((y) => !y.output && written(y).every((w) => physicalShape(w).length <= 4 && !w.layout?.align));
    const w = b && pick(written(b), c.x.b);
    if (!w) return undefined;
    const map = mapFor(c, w);
    const constant = c.x.a % 5 === 0 ? c.v.s.func.inputs.find((x) => x.constant) : undefined;
    if (constant) return () => c.v.s.transformLayout(constant.name, mapFor(c, constant));
    const what = c.x.b % 2 === 0 ? b.handle : w.name;
    const pad = c.x.a % 3 === 0 ? { pad: c.plausible || !isFloat(w.dtype) ? 1 : 0.5 } : {};
    return () => c.v.s.transformLayout(what, map, pad);
  },
  storageAlign: (c) => {
    const b = c.block((y) => !y.output);
    const w = b && written(b)[0];
    if (!w) return undefined;
    const dim = c.x.b % (physicalShape(w).length + (c.plausible ? 0 : 1));
    const factor = FACTORS[c.x.c % FACTORS.length]!;
    return () => c.v.s.storageAlign(b.handle, dim, factor, c.x.a % factor);
  },
  reindex: (c) => {
    const b = c.block(() => true);
    if (!b) return undefined;
    const { reads, writes } = buffersIn(b.block);
    const r = pick(
      [...reads].filter((y) => !writes.has(y)),
      c.x.c,
    );
    return r && (() => c.v.s.reindex(b.handle, r.name, c.x.b % 2 === 0 ? "workspace" : "local"));
  },
};
