import { intrinsics } from "../../../codegen/wasm/index.ts";
import type { Loop } from "../../../schedule/index.ts";
import { isLossless } from "../../../src/arith/index.ts";
import { constInt, type Intrinsic, intrinsicParts, type Store, visitExpr, visitStmt } from "../../../src/ir/index.ts";
import { type AnySchedule, carries, FACTORS, loopOf, pick, type Site, type Step, serial } from "./view.ts";

const ALL: readonly Intrinsic[] = Object.values(intrinsics);

/** The one store of a block. */
function storeOf(y: Site): Store | undefined {
  const stores: Store[] = [];
  visitStmt(y.block.body, (x) => void (x.kind === "store" && stores.push(x)));
  return stores.length === 1 ? stores[0] : undefined;
}
/** Loops of a block alone that count a reduction, and those that count elements. */
const own = (y: Site): Loop[] => serial(y).filter((l) => y.own.includes(l));
const reducing = (y: Site): Loop[] => own(y).filter((l) => carries(y, l, ["reduction"]));
const spatial = (y: Site): Loop[] => own(y).filter((l) => carries(y, l, ["spatial"]));
/** The last loop of a multiple of n iterations, or the last one. */
function fitting(y: Site, list: readonly Loop[], n: number): Loop | undefined {
  const whole = list.filter((l) => (constInt(y.nodes[y.loops.indexOf(l)]!.extent) ?? 1) % n === 0);
  return whole.at(-1) ?? list.at(-1);
}
const stepsOf = (x: Intrinsic): number[] =>
  (intrinsicParts(x.body).reduction?.axes ?? []).map((a) => constInt(a.extent)!);
const whole = (y: Site, list: readonly Loop[], n: number): boolean => {
  const l = fitting(y, list, n);
  return l !== undefined && (constInt(y.nodes[y.loops.indexOf(l)]!.extent) ?? 1) % n === 0;
};
/** Whether a block adds products of what the operands could be. */
function multiplies(y: Site, x: Intrinsic): boolean {
  const value = storeOf(y)?.value;
  if (value?.kind !== "op" || value.op !== "add" || value.dtype !== x.dtype) return false;
  const product = value.args.find((a) => a.kind === "op" && (a.op === "mul" || a.op === "widenMul"));
  // the first operand may be the sum so far
  const wide = x.operands.at(-1)!.dtype;
  let fits = product !== undefined;
  if (product)
    visitExpr(product, (e) => {
      if (e.kind !== "load") return true;
      fits &&= isLossless(e.dtype, wide);
      return false;
    });
  return fits;
}
const suits = (y: Site, x: Intrinsic): boolean =>
  multiplies(y, x) &&
  whole(y, spatial(y), x.lanes) &&
  whole(
    y,
    reducing(y),
    stepsOf(x).reduce((n, e) => n * e, 1),
  );

/** Loops of the extents of the intrinsic's axes, innermost, and the intrinsic in their place. */
function asIntrinsic(s: AnySchedule, y: Site, x: Intrinsic, lanes: Loop, over: Loop | undefined): void {
  const extent = (l: Loop): number | undefined => constInt(y.nodes[y.loops.indexOf(l)]!.extent);
  const part = (l: Loop, n: number, name: string): Loop =>
    extent(l) === n ? l : (s.split(l, { [`${name}o`]: "rest", [`${name}i`]: n }) as Record<string, Loop>)[`${name}i`]!;
  const inner = [part(lanes, x.lanes, lanes.name)];
  const sizes = stepsOf(x);
  if (sizes.length > 0 && over) {
    const whole = part(
      over,
      sizes.reduce((a, b) => a * b, 1),
      over.name,
    );
    if (sizes.length === 1) inner.push(whole);
    else {
      const names = sizes.map((_, d) => `${over.name}${d}`);
      const parts = s.split(whole, Object.fromEntries(sizes.map((n, d) => [names[d]!, n]))) as Record<string, Loop>;
      inner.push(...names.map((n) => parts[n]!));
    }
  }
  const rest = s.ownLoops(y.handle).filter((l) => !inner.includes(l));
  s.reorder(...rest, ...inner);
  s.tensorize(inner[0]!, x);
}

export const blocks: Readonly<Record<string, Step>> = {
  blockize: (c) => {
    const b = c.block((y) => y.loops.length > 0);
    if (!b) return undefined;
    const l = loopOf(c, b);
    const split = c.plausible && l && c.x.c % 2 === 0 ? FACTORS[c.x.c % 4]! : undefined;
    if (!l) return undefined;
    if (split === undefined) return () => c.v.s.blockize(l);
    return () => {
      const why = c.v.s.attempt(() => {
        const parts = c.v.s.split(l, { [`${l.name}o`]: "rest", [`${l.name}i`]: split }) as Record<string, Loop>;
        const own = c.v.s.ownLoops(b.handle);
        const inner = parts[`${l.name}i`]!;
        c.v.s.reorder(...own.filter((x) => x !== inner), inner);
        c.v.s.blockize(inner);
      });
      if (why) throw why;
    };
  },
  tensorize: (c) => {
    const b = c.block((y) => reducing(y).length > 0 && spatial(y).length > 0 && ALL.some((x) => suits(y, x)));
    if (!b) return undefined;
    const x = pick(c.plausible ? ALL.filter((y) => suits(b, y)) : ALL, c.x.c);
    if (!x) return undefined;
    if (!c.plausible) {
      const l = pick(b.loops, c.x.b);
      return l && (() => c.v.s.tensorize(l, x));
    }
    const odd = c.x.b % 8 === 0;
    const lanes = odd ? pick(spatial(b), c.x.b) : fitting(b, spatial(b), x.lanes);
    const steps = stepsOf(x).reduce((n, e) => n * e, 1);
    const over = odd ? pick(reducing(b), c.x.b) : fitting(b, reducing(b), steps);
    if (!lanes) return undefined;
    return () => {
      const why = c.v.s.attempt(() => asIntrinsic(c.v.s, b, x, lanes, over));
      if (why) throw why;
    };
  },
};
