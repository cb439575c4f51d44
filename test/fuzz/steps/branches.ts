import type { Loop } from "../../../schedule/index.ts";
import { constInt, type For } from "../../../src/ir/index.ts";
import { Axis, type Expr } from "../../../te/index.ts";
import { type Choice, carries, loopOf, pick, type Site, type Step } from "./view.ts";

/** Nests that are copied again and again would grow without end. */
const BLOCKS = 14;

/** A comparison of a number below `limit`. */
function compare(e: Expr<"i32">, limit: number, a: number, b: number): Expr<"bool"> {
  const k = 1 + (a % Math.max(1, Math.min(16, limit - 1)));
  const list = [() => e.ge(k), () => e.mod(2 + (a % 3)).eq(0), () => e.lt(k), () => e.eq(k), () => e.ne(k)];
  return list[b % list.length]!();
}
interface Known {
  readonly e: Axis;
  readonly limit: number;
}
const loopsOf = (y: Site, count = y.loops.length): Known[] =>
  y.loops.slice(0, count).map((l, i) => ({ e: new Axis(l.name, l.var), limit: constInt(y.nodes[i]!.extent) ?? 12 }));
function conditionFor(c: Choice, y: Site, l: Loop): Expr<"bool"> | undefined {
  const { a, b, c: n } = c.x;
  const sizes = c.v.s.func.sizes.map((v): Known => ({ e: new Axis(v.name, v), limit: 20 }));
  const around = loopsOf(y, y.loops.indexOf(l)).filter((x) => x.limit > 1);
  // among all loops, those that are not around are not allowed
  const loops = c.plausible ? around : c.v.sites.flatMap((x) => loopsOf(x));
  const first = n % 2 === 0 && sizes.length > 0 ? pick(sizes, a) : (pick(loops, a) ?? pick(sizes, a));
  if (first === undefined) return undefined;
  const one = compare(first.e, first.limit, a >> 2, b);
  const second = pick([...sizes, ...around], a + 1);
  if (second === undefined || n % 3 !== 0) return one;
  const other = n % 4 === 0 ? second.e.ge(first.e) : compare(second.e, second.limit, b, n);
  return [() => one.and(other), () => one.or(other), () => one.and(other.not()), () => other][b % 4]!();
}
const open = (y: Site): For[] =>
  y.nodes.filter(
    (l, i) =>
      l.loop === "serial" && (constInt(l.extent) ?? 2) > 1 && !(y.block.init && carries(y, y.loops[i]!, ["reduction"])),
  );

export const branches: Readonly<Record<string, Step>> = {
  specialize: (c) => {
    const b = c.v.sites.length > BLOCKS ? undefined : c.block((y) => y.loops.length > 0);
    const l = b && loopOf(c, b);
    const condition = l && conditionFor(c, b, l);
    return condition && (() => c.v.s.specialize(l, condition));
  },
  partition: (c) => {
    const b = c.v.sites.length > BLOCKS ? undefined : c.block((y) => open(y).length > 0);
    const at = b && pick(c.plausible ? open(b) : b.nodes, c.x.b);
    const l = at && b.loops[b.nodes.indexOf(at)]!;
    if (!l) return undefined;
    const third = Math.max(1, Math.floor(((constInt(at.extent) ?? 9) - 1) / 3));
    const [first, last] = [1 + (c.x.a % third), 1 + (c.x.c % Math.min(2, third))];
    const size = pick(c.v.s.func.sizes, c.x.c);
    const half = size && c.x.a % 5 === 0 ? new Axis(size.name, size).div(2) : first;
    const list = [
      { head: half, body: "rest" },
      { head: half, body: "rest", tail: last },
      { body: "rest", tail: half },
      { a: last, b: half, body: "rest", c: 1 },
    ] as const;
    return () => c.v.s.partition(l, list[c.x.c % list.length]!);
  },
};
