// biome-ignore-all lint/suspicious/noExplicitAny: programs are built from data, so no static type can follow them
/** Stages of random programs that no expression says: accumulation at computed positions, and loop nests written by hand. */
import { type DType, isFloat, isInteger } from "../../src/ir/index.ts";
import * as te from "../../te/index.ts";
import type { StageSpec, Value } from "./program.ts";

type AnyExpr = te.Expr<any, any>;
type AnyCells = any;
export interface Workshop {
  readonly name: (prefix: string) => string;
  readonly input: (dtype: DType, shape: readonly any[], real: readonly number[]) => Value;
  readonly extent: (n: number, rank: number) => { readonly given: any; readonly real: number };
  readonly add: (v: Value) => void;
}
const LIMIT = 3000;
const product = (l: readonly number[]): number => l.reduce((a, b) => a * b, 1);
const named = (shape: readonly any[], from = 0): any =>
  Object.fromEntries(shape.map((e, d): [string, any] => [`a${d + from}`, e]).filter(([, e]) => e !== undefined));

/** True in exact arithmetic, and false where the sum wraps: for one number in four. */
export const wraps = (e: any): AnyExpr => {
  const far = e.cast("i32").mul(2 ** 30);
  return far.add(2 ** 30).gt(far);
};
/** A stage of its own before something. */
function shifted(v: Value, w: Workshop): Value {
  const d: DType = v.tensor.dtype;
  const tensor = (te.compute as any)(w.name("A"), [...v.shape], (...ix: AnyExpr[]) => {
    const e = (v.tensor as any).at(...ix);
    return d === "bool" ? e.not() : e.add(1);
  });
  return { ...v, tensor };
}

export function scatterStage(s: StageSpec, src: Value, d: DType, w: Workshop): boolean {
  const rank = src.shape.length;
  if (rank === 0 || product(src.real) > LIMIT) return false;
  const at = (v: Value, ix: readonly AnyExpr[]): AnyExpr => (v.tensor as any).at(...ix);
  const bins = w.extent(s.y, 2);
  // rows of their own, where there are rows, along any axis
  const rows = rank > 1 && s.x % 2 === 1;
  const along = Math.floor(s.z / 4) % rank;
  const codes = s.z % 4 === 3 ? undefined : w.input("i32", [src.shape[rank - 1]], [src.real[rank - 1]!]);
  const shape = rows ? [src.shape[along], bins.given] : [bins.given];
  const real = rows ? [src.real[along]!, bins.real] : [bins.real];
  if (product(real) > LIMIT) return false;
  const bin = (ix: readonly AnyExpr[]): AnyExpr => {
    if (codes) return at(codes, [ix[rank - 1]!]);
    if (d !== "bool" && !isFloat(d))
      return at(src, ix)
        .cast("i32")
        .add(s.x % 3);
    return ix[rank - 1]!.mul(1 + (s.y % 2)).sub(s.x % 2);
  };
  const ways = d === "bool" ? ["any", "all"] : ["sum", "max", "min", "sum", "prod"];
  const base = s.z % 3 === 1 ? w.input(d, shape, real) : undefined;
  const start = base && shifted(base, w);
  const options: any = { combine: ways[(s.x + s.z) % ways.length] };
  if (start) options.init = (ax: any): AnyExpr => at(start, rows ? [ax.row, ax.bin] : [ax.bin]);
  else if (s.z % 3 === 2) options.init = d === "bool" ? true : 1;
  if (s.y % 4 === 1) options.where = (ax: any): AnyExpr => ax.a0.lt(1 + (s.x % 6));
  // a sum that may wrap
  else if (s.y % 4 === 3 && codes)
    options.where = (ax: any): AnyExpr => {
      const code = at(codes, [ax[`a${rank - 1}`]]);
      return s.x % 2 === 0 ? wraps(code) : code.add(1 + (s.x % 6)).gt(code);
    };
  const axes = rows ? { row: src.shape[along], bin: bins.given } : { bin: bins.given };
  const over: Record<string, any> = {};
  src.shape.forEach((e, i) => {
    over[`a${i}`] = e;
  });
  const tensor = (te.scatter as any)(
    w.name("H"),
    axes,
    over,
    (ax: any) => {
      const ix = src.shape.map((_, i) => ax[`a${i}`]);
      return { at: rows ? [ix[along], bin(ix)] : [bin(ix)], value: at(src, ix) };
    },
    options,
  );
  w.add({ tensor, shape, real });
  return true;
}

export function nestStage(s: StageSpec, src: Value, d: DType, w: Workshop): boolean {
  const rank = src.shape.length;
  const n = src.shape[rank - 1];
  const real = src.real[rank - 1]!;
  if (rank === 0 || product(src.real) * real > 20 * LIMIT) return false;
  // leading axes as axes of the nest, or as loops written by hand
  const outer = s.x % 4 === 3 ? 0 : rank - 1;
  const loops = src.shape.slice(outer, rank - 1);
  const axes = named(src.shape.slice(0, outer));
  const own = named([...loops, n], outer);
  const add = (a: any, b: any): any => (d === "bool" ? a.xor(b) : s.z % 2 === 0 ? a.add(b) : a.max(b));
  const codes = s.y % 3 === 0 ? w.input("i32", [n], [real]) : undefined;
  const last = `a${rank - 1}`;
  /** Runs `f` for each row, with the indices that lead to it: as the source and as the results see them. */
  const rows = (ax: any, b: any, f: (full: AnyExpr[], inner: AnyExpr[]) => void): void => {
    const lead = Array.from({ length: outer }, (_, i) => ax[`a${i}`]);
    const go = (i: number, inner: AnyExpr[]): void => {
      if (i === rank - 1) f([...lead, ...inner], inner);
      else b.for(`a${i}`, src.shape[i], (x: AnyExpr) => go(i + 1, [...inner, x]));
    };
    go(outer, []);
  };
  const read = (full: readonly AnyExpr[], x: any): any => (src.tensor as any).at(...full, x);
  const bodies: ((out: AnyCells, ax: any, b: any) => void)[] = [
    // running totals in a register
    (out, ax, b) =>
      rows(ax, b, (full, inner) => {
        const total = b.alloc("total", [], d);
        b.for(last, n, (x: any) => {
          total.store([], add(total.at(), read(full, x)));
          out.store([...inner, x], total.at());
        });
      }),
    // a sum per element, over those before it: a loop whose end another loop gives
    (out, ax, b) =>
      rows(ax, b, (full, inner) =>
        b.for(last, n, (x: any) =>
          b.for("j", x.add(1), (j: any) => out.store([...inner, x], add(out.at(...inner, x), read(full, j)))),
        ),
      ),
    // insertion into a sorted row
    (out, ax, b) =>
      rows(ax, b, (full, inner) => {
        b.for(last, n, (x: any) => out.store([...inner, x], read(full, x)));
        b.for("i", { from: 1, to: n }, (i: any) =>
          b.for("j", i, (j: any) => {
            const [p, q] = [i.sub(j).sub(1), i.sub(j)];
            const [low, high] = [out.at(...inner, p), out.at(...inner, q)];
            const wrong = d === "bool" ? low.and(high.not()) : low.gt(high);
            b.if(wrong, () => {
              out.store([...inner, p], high);
              out.store([...inner, q], low);
            });
          }),
        );
      }),
    // elements somewhere, all but the first, or every second one; the others stay as they start
    (out, ax, b) =>
      rows(ax, b, (full, inner) =>
        b.for("x", { from: s.z % 2, to: n, step: 1 + (s.x % 2) }, (x: any) =>
          out.store([...inner, codes ? (codes.tensor as any).at(x) : x], read(full, x)),
        ),
      ),
    // a reversed copy of a row in memory, and a branch that data decide
    (out, ax, b) =>
      rows(ax, b, (full, inner) => {
        const row = b.alloc("row", [n], d);
        b.for("x", n, (x: any) => row.store([te.sub(n, x.add(1))], read(full, x)));
        b.for(last, n, (x: any) => {
          const [a, c] = [row.at(x), read(full, x)];
          b.if(
            d === "bool" ? a : isInteger(d) && s.x % 3 === 1 ? wraps(a) : a.gt(c),
            () => out.store([...inner, x], a),
            () => (s.z % 3 === 0 ? undefined : out.store([...inner, x], add(c, a))),
          );
        });
      }),
    // as many steps as data say
    (out, ax, b) =>
      rows(ax, b, (full, inner) =>
        b.for(last, n, (x: any) => {
          const end = codes ? (codes.tensor as any).at(x).min(3) : x.mod(3);
          const total = b.alloc("total", [2], d, s.z % 3 === 0 ? { scope: "local" } : {});
          b.for("k", { from: s.z % 2, to: end }, (k: any) =>
            total.store([k.mod(2)], add(total.at(k.mod(2)), read(full, x))),
          );
          out.store([...inner, x], total.at(s.z % 2));
        }),
      ),
    // eight at a time, written out
    (out, ax, b) =>
      rows(ax, b, (full, inner) =>
        b.for(last, n, (x: any) => {
          const acc = b.alloc("acc", [4], d, { scope: "local" });
          b.for("u", 4, (u: any) => acc.store([u], add(read(full, x), acc.at(u))), { unroll: true });
          out.store([...inner, x], add(acc.at(1), acc.at(3)));
        }),
      ),
  ];
  const pick = s.y % bodies.length;
  const usesCodes = codes !== undefined && (pick === 3 || pick === 5);
  const result = { shape: own, dtype: d };
  const two = s.x % 5 === 2;
  const body = (ax: any, out: any, b: any): void => {
    bodies[pick]!(two ? out.p : out, ax, b);
    if (!two) return;
    // one number for all rows together
    out.q.store([], te.lit(d === "bool" ? true : 1, d));
    rows(ax, b, (_, inner) => b.for("x", n, (x: any) => out.q.store([], add(out.q.at(), out.p.at(...inner, x)))));
  };
  const sizes = [...new Set(src.shape.filter((e) => typeof e !== "number"))];
  const made = (te.nest as any)(
    w.name("N"),
    {
      reads: [src.tensor, ...(usesCodes ? [codes.tensor] : []), ...sizes],
      axes,
      results: two ? { p: result, q: { shape: [], dtype: d } } : result,
    },
    body,
  );
  w.add({ tensor: two ? made.p : made, shape: src.shape, real: src.real });
  if (two) w.add({ tensor: made.q, shape: src.shape.slice(0, outer), real: src.real.slice(0, outer) });
  return true;
}
