/** Accumulation at computed positions, straight from its definition: every point in turn. */
import type { ScatterSource } from "../../te/index.ts";
import type { Scalar } from "../ir/index.ts";
import type { Accumulator, Cell } from "./accumulate.ts";
import { accumulators, type Environment, error, setError, Term } from "./term.ts";

/** The shape of the result, and where its elements go: the error of an element is in the register. */
export interface Destination {
  readonly shape: readonly number[];
  readonly strides: readonly number[];
  readonly put: (i: number, v: Scalar) => void;
}

/** Every index below the extents, in order. */
export function eachIndex(extents: readonly number[], f: (index: readonly number[]) => void): void {
  const index = extents.map(() => 0);
  const go = (d: number): void => {
    if (d === extents.length) return f(index);
    for (let i = 0; i < extents[d]!; i++) {
      index[d] = i;
      go(d + 1);
    }
  };
  go(0);
}

/** Fills the whole result: where the points go is known only when all have been looked at. */
export function runScatter(env: Environment, source: ScatterSource, to: Destination): void {
  const begin = accumulators(env, source.combiner, 0).begin;
  const all = new Map<number, Accumulator>();
  const place = (index: readonly number[]): number => index.reduce((n, i, d) => n + i * to.strides[d]!, 0);

  // elements that hold something else than what changes nothing
  const starts = source.init !== source.combiner.identities[0];
  const init = new Term(env, [source.init]);
  const axes = source.axes.map((a) => init.cell(a.var));
  const first = init.scalar(source.init);
  eachIndex(to.shape, (index) => {
    const acc = begin();
    all.set(place(index), acc);
    if (!starts) return;
    for (const [d, c] of axes.entries()) c.v = index[d]!;
    init.begin();
    const v = first();
    acc.add([{ v, e: error() }]);
  });

  const term = new Term(env, [...(source.where ? [source.where] : []), ...source.at, source.value]);
  const points = source.over.map((a) => term.cell(a.var));
  const extents = source.over.map((a) => term.scalar(a.extent)() as number);
  const where = source.where && term.scalar(source.where);
  const at = source.at.map((p) => term.scalar(p));
  const value = term.scalar(source.value);
  const point: Cell = { v: 0, e: 0 };
  // a point that might as well have gone elsewhere leaves nothing to say
  let uncertain = false;
  eachIndex(extents, (index) => {
    for (const [d, c] of points.entries()) c.v = index[d]!;
    term.begin();
    if (where) {
      const on = where();
      if (error() !== 0) uncertain = true;
      if (!on) return;
    }
    const position = at.map((f) => {
      const p = f() as number;
      if (error() !== 0) uncertain = true;
      return p;
    });
    if (position.some((p, d) => p < 0 || p >= to.shape[d]!)) return;
    point.v = value();
    point.e = error();
    all.get(place(position))!.add([point]);
  });
  for (const [i, acc] of all) {
    const { v, e } = acc.result();
    setError(uncertain ? Infinity : e);
    to.put(i, v);
  }
}
