/** Places in memory, as far as their flat indices tell them apart. */
import { linear } from "../arith/index.ts";
import { type Buffer, constInt, type Expr, type Store } from "../ir/index.ts";

/** Whether a store writes exactly what an access touches. */
export const samePlace = (s: Store, b: Buffer, index: readonly Expr[]): boolean =>
  s.buffer === b && s.index.length === index.length && s.index.every((e, d) => e === index[d]);

/** A dense run of elements: where it begins, as what is known at run time only and a number. */
interface Place {
  readonly base: string;
  readonly at: number;
  readonly lanes: number;
}
const places = new WeakMap<Expr, { readonly place: Place | undefined }>();
function placeOf(index: readonly Expr[]): Place | undefined {
  const e = index[0];
  if (index.length !== 1 || e === undefined) return undefined;
  let known = places.get(e);
  if (known === undefined) {
    known = { place: dense(e) };
    places.set(e, known);
  }
  return known.place;
}
function dense(e: Expr): Place | undefined {
  const start = e.lanes === 1 ? e : e.kind === "ramp" && constInt(e.stride) === 1 ? e.base : undefined;
  if (start === undefined) return undefined;
  const { terms, constant } = linear(start);
  return { base: terms.map((t) => `${t.coefficient}*${t.atom.id}`).join(), at: constant, lanes: e.lanes };
}
/** Whether two accesses may touch a common element: not where they are a known distance apart. */
export function mayOverlap(a: readonly Expr[], b: readonly Expr[]): boolean {
  const [x, y] = [placeOf(a), placeOf(b)];
  if (!x || !y || x.base !== y.base) return true;
  return y.at - x.at > -y.lanes && y.at - x.at < x.lanes;
}
