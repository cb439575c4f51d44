/**
 * Memory of hand-written nests starts as 0. Where every element is written before anything is read, that is so whatever it starts
 * as, and no zeros are stored.
 */
import { exactRegion, Facts, prove, type Range } from "../src/arith/index.ts";
import {
  type Buffer,
  buffersIn,
  constant,
  type Expr,
  ge,
  int,
  isConst,
  type Stmt,
  seq,
  store,
  type Var,
  variable,
  varsOf,
  zeroOf,
} from "../src/ir/index.ts";
import type { FrameAxis } from "./scope.ts";

/** The statement with zeros first for those results (at the axes) that it may leave unwritten, or read before. */
export function filled(s: Stmt, results: readonly Buffer[], axes: readonly FrameAxis[]): Stmt {
  const at = axes.map((a) => a.var);
  return seq([...results.filter((b) => !writesFirst(s, b, at.length)).map((b) => zeros(b, at)), s]);
}
export const filledMemory = (b: Buffer, s: Stmt): Stmt => (writesFirst(s, b, 0) ? s : seq([zeros(b, []), s]));

function zeros(b: Buffer, at: readonly Var[]): Stmt {
  const loops = b.shape.slice(at.length).map((extent, d) => ({ var: variable(`z${d}`), extent }));
  const all: Stmt = store(b, [...at, ...loops.map((l) => l.var)], constant(b.dtype, zeroOf(b.dtype)));
  return loops.reduceRight<Stmt>(
    (body, l) => ({ kind: "for", var: l.var, min: int(0), extent: l.extent, loop: "serial", body }),
    all,
  );
}

/** Whether all elements are certainly written before the first read. `outer` leading dimensions stand still. */
function writesFirst(s: Stmt, b: Buffer, outer: number): boolean {
  const mentions = (e: Expr): boolean => buffersIn(store(b, [], e)).reads.has(b);
  // true and false: decided; undefined: go on with the statements behind
  const go = (x: Stmt): boolean | undefined => {
    switch (x.kind) {
      case "seq":
        for (const y of x.body) {
          const r = go(y);
          if (r !== undefined) return r;
        }
        return undefined;
      case "let":
        return mentions(x.value) ? false : go(x.body);
      case "alloc":
        return go(x.body);
      default: {
        const { reads } = buffersIn(x);
        if (reads.has(b)) return false;
        return writesAll(x, b, outer, new Map()) ? true : undefined;
      }
    }
  };
  return go(s) === true;
}

/** Whether a statement that doesn't read the buffer writes all of it, in one store that always runs. */
function writesAll(s: Stmt, b: Buffer, outer: number, loops: ReadonlyMap<Var, Range>): boolean {
  switch (s.kind) {
    case "for":
      return writesAll(s.body, b, outer, new Map(loops).set(s.var, { min: s.min, extent: s.extent }));
    case "seq":
      return s.body.some((x) => writesAll(x, b, outer, loops));
    case "let":
    case "alloc":
      return writesAll(s.body, b, outer, loops);
    case "store": {
      if (s.buffer !== b) return false;
      const index = s.index.slice(outer);
      const used = new Set(index.flatMap((e) => [...varsOf(e)]));
      const idle = [...loops].filter(([v]) => !used.has(v));
      if (!idle.every(([, r]) => prove(ge(r.extent, int(1)), Facts.empty))) return false;
      const region = exactRegion(index, new Map([...loops].filter(([v]) => used.has(v))), Facts.empty);
      const shape = b.shape.slice(outer);
      return region?.every((r, d) => isConst(r.min, 0) && r.extent === shape[d]) ?? false;
    }
    default:
      return false;
  }
}
