// biome-ignore-all lint/suspicious/noExplicitAny: programs are built from data, so no static type can follow them
/**
 * Random programs from plain data: a case is a list of records of small numbers, so that fast-check can shrink it. Every list is
 * a valid program: numbers are taken modulo what is available.
 */
import { type DType, isFloat, isInteger } from "../../src/ir/index.ts";
import * as te from "../../te/index.ts";
import { chain } from "./chain.ts";
import { dotStage } from "./dots.ts";
import { DTYPES, EXTENTS, KINDS, MIDDLE, NARROW, PERMS, WIDE } from "./tables.ts";
import { windowStages } from "./windows.ts";
import { nestStage, scatterStage, wraps } from "./written.ts";

export interface StageSpec {
  readonly kind: number;
  readonly pick: number;
  readonly x: number;
  readonly y: number;
  readonly z: number;
}
export interface ProgramSpec {
  readonly dtype: number;
  readonly stages: readonly StageSpec[];
  readonly outputs: number;
}
type AnyTensor = te.Tensor<any, any, any, any, any>;
type AnyExpr = te.Expr<any, any>;

export interface Value {
  readonly tensor: AnyTensor;
  /** Extents as given, and as they are in this run. */
  readonly shape: readonly any[];
  readonly real: readonly number[];
}
export interface Program {
  readonly outputs: Record<string, AnyTensor>;
  readonly inputs: { name: string; dtype: DType; length: number }[];
  readonly sizes: Record<string, number>;
  readonly kinds: readonly string[];
}

/** Elements a tensor may have, and points a reduction may visit: evaluation must stay quick. */
const LIMIT = 6000;
const WORK = 60000;

const sameShape = (a: Value, b: Value): boolean =>
  a.shape.length === b.shape.length && a.shape.every((e, i) => e === b.shape[i]);
const product = (l: readonly number[]): number => l.reduce((a, b) => a * b, 1);

export function makeProgram(spec: ProgramSpec): Program {
  const values: Value[] = [];
  const inputs: Program["inputs"] = [];
  const sizes: Record<string, number> = {};
  const kinds: string[] = [];
  const main = DTYPES[spec.dtype % DTYPES.length]!;
  let next = 0;
  const name = (p: string): string => `${p}${next++}`;
  const symbolic = spec.outputs % 3 === 2;

  const extent = (n: number, rank: number): { given: any; real: number } => {
    const real = EXTENTS[n % (rank >= 3 ? 9 : EXTENTS.length)]!;
    if (!symbolic || n % 3 === 0) return { given: real, real };
    const s = name("n");
    sizes[s] = real;
    return { given: te.dim(s, { min: 1, max: 64 }), real };
  };
  const input = (dtype: DType, shape: readonly any[], real: readonly number[]): Value => {
    const id = name("X");
    // weights: what depends on them alone may be computed ahead of time
    const constant = shape.every((e) => typeof e === "number") && next % 3 === 1;
    const tensor = te.placeholder(id, [...shape], dtype, { constant }) as AnyTensor;
    inputs.push({ name: id, dtype, length: product(real) });
    return { tensor, shape, real };
  };
  const fresh = (s: StageSpec, dtype: DType): Value => {
    const rank = 1 + (s.z % 3);
    const e = [s.x, s.y, s.x + s.y].slice(0, rank).map((n) => extent(n, rank));
    return input(
      dtype,
      e.map((x) => x.given),
      e.map((x) => x.real),
    );
  };
  const define = (
    prefix: string,
    shape: readonly any[],
    real: readonly number[],
    body: (ix: AnyExpr[]) => AnyExpr,
  ): Value => {
    const axes = Object.fromEntries(shape.map((e, d) => [`a${d}`, e]));
    const tensor = te.compute(name(prefix), axes, (ax: any) => body(shape.map((_, d) => ax[`a${d}`]))) as AnyTensor;
    const v = { tensor, shape, real };
    values.push(v);
    return v;
  };
  const workshop = { name, input, extent, add: (v: Value) => void values.push(v) };
  const at = (v: Value, ix: readonly AnyExpr[]): AnyExpr => (v.tensor as any).at(...ix);

  for (const s of spec.stages) {
    const last = values.length === 0 ? undefined : values[values.length - 1 - (s.pick % Math.min(3, values.length))]!;
    const src = last ?? fresh(s, main);
    if (!last) values.push(src);
    const d: DType = src.tensor.dtype;
    const rank = src.shape.length;
    const kind = KINDS[s.kind % KINDS.length]!;
    // a number has no axis to work along
    if (rank === 0 && kind !== "elementwise" && kind !== "cast") continue;
    if (makeStage(kind, s, src, d, rank)) kinds.push(kind);
  }

  function makeStage(kind: (typeof KINDS)[number], s: StageSpec, src: Value, d: DType, rank: number): boolean {
    switch (kind) {
      case "elementwise": {
        const other = values.find((v) => v !== src && v.tensor.dtype === d && sameShape(v, src));
        define("E", src.shape, src.real, (ix) => chain(at(src, ix), other ? at(other, ix) : undefined, d, s));
        return true;
      }
      case "transpose": {
        if (rank < 2) return false;
        const perm = rank === 2 ? [1, 0] : PERMS[s.x % PERMS.length]!;
        define(
          "T",
          perm.map((p) => src.shape[p]),
          perm.map((p) => src.real[p]!),
          (ix) => {
            const back: AnyExpr[] = [];
            perm.forEach((p, i) => {
              back[p] = ix[i]!;
            });
            return at(src, back);
          },
        );
        return true;
      }
      case "contraction": {
        if (rank < 2 || d === "bool") return false;
        const n = extent(s.y, 2);
        const [m, k] = [src.real[rank - 2]!, src.real[rank - 1]!];
        if (product(src.real) * n.real > WORK || (product(src.real) / k) * n.real > LIMIT) return false;
        const flip = s.x % 2 === 1;
        const b = flip
          ? input(d, [n.given, src.shape[rank - 1]], [n.real, k])
          : input(d, [src.shape[rank - 1], n.given], [k, n.real]);
        const epilogue = s.z % 3;
        const swapped = s.x % 4 >= 2 && rank === 2;
        const batch = src.shape.slice(0, rank - 2);
        const shape = swapped ? [n.given, src.shape[0]] : [...batch, src.shape[rank - 2], n.given];
        const real = swapped ? [n.real, m] : [...src.real.slice(0, rank - 2), m, n.real];
        define("C", shape, real, (ix) => {
          const j = swapped ? ix[0]! : ix[rank - 1]!;
          const lead = swapped ? [ix[1]!] : ix.slice(0, rank - 1);
          const e: AnyExpr = te.sum({ k: src.shape[rank - 1] } as any, ({ k: kk }: any) => {
            const p = at(src, [...lead, kk]);
            return p.mul(at(b, flip ? [j, kk] : [kk, j]));
          });
          return epilogue === 0
            ? e
            : epilogue === 1
              ? e.add(at(b, flip ? [j, te.lit(0, "i32")] : [te.lit(0, "i32"), j]))
              : e.max(1);
        });
        return true;
      }
      case "conv": {
        const [stride, dilation, pad, taps] = [1 + (s.x % 2), 1 + (s.y % 2), s.z % 3, 1 + (s.x % 3)];
        const span = (taps - 1) * dilation;
        const n = src.real[0]!;
        const out = Math.floor((n + 2 * pad - span - 1) / stride) + 1;
        if (typeof src.shape[0] !== "number" || out < 1 || d === "bool" || product(src.real) * taps > WORK)
          return false;
        const w = input(d, [taps], [taps]);
        const padded = pad > 0 ? te.constantEdge(src.tensor as any, 0) : src.tensor;
        define(
          "V",
          [out, ...src.shape.slice(1)],
          [out, ...src.real.slice(1)],
          (ix) =>
            te.sum({ r: taps } as any, ({ r }: any) => {
              const i = ix[0]!.mul(stride).add(r.mul(dilation)).sub(pad);
              return (padded as any).at(i, ...ix.slice(1)).mul(at(w, [r]));
            }) as AnyExpr,
        );
        return true;
      }
      case "pool": {
        const n = src.real[rank - 1]!;
        const win = 1 + (s.x % 3);
        const stride = 1 + (s.y % 2);
        if (typeof src.shape[rank - 1] !== "number" || n < win || d === "bool") return false;
        const out = Math.floor((n - win) / stride) + 1;
        const f: any = s.z % 2 === 0 ? te.max : te.min;
        define("P", [...src.shape.slice(0, -1), out], [...src.real.slice(0, -1), out], (ix) =>
          f({ r: win }, ({ r }: any) => at(src, [...ix.slice(0, -1), ix[rank - 1]!.mul(stride).add(r)])),
        );
        return true;
      }
      case "reduce": {
        const drop = s.x % rank;
        const rest = src.shape.filter((_, i) => i !== drop);
        const real = src.real.filter((_, i) => i !== drop);
        const names = d === "bool" ? ["any", "all"] : ["sum", "max", "min", "argmax", "argmin", "prod"];
        const f = (te as any)[names[s.y % names.length]!];
        const scaled = s.z % 3 === 1 && d !== "bool";
        define("R", rest, real, (ix) => {
          const e = f({ r: src.shape[drop] }, ({ r }: any) => {
            const full = [...ix];
            full.splice(drop, 0, r);
            return at(src, full);
          });
          return scaled ? e.add(1) : e;
        });
        return true;
      }
      case "softmax": {
        if (!isFloat(d) || rank < 1) return false;
        const top = define(
          "M",
          src.shape.slice(0, -1),
          src.real.slice(0, -1),
          (ix) => te.max({ r: src.shape[rank - 1] } as any, ({ r }: any) => at(src, [...ix, r])) as AnyExpr,
        );
        const e = define("X", src.shape, src.real, (ix) =>
          at(src, ix)
            .sub(at(top, ix.slice(0, -1)))
            .exp(),
        );
        define("S", src.shape, src.real, (ix) =>
          at(e, ix)
            .mul(0.5)
            .add(at(top, ix.slice(0, -1))),
        );
        return true;
      }
      case "stencil": {
        const axis = s.x % rank;
        const by = 1 + (s.y % 2);
        if (typeof src.shape[axis] !== "number" || src.real[axis]! <= by) return false;
        const cut = (l: readonly any[]): any[] => l.map((n, i) => (i === axis ? n - by : n));
        define("Q", cut(src.shape), cut(src.real), (ix) => {
          const b = at(
            src,
            ix.map((e, i) => (i === axis ? e.add(by) : e)),
          );
          return d === "bool" ? at(src, ix).xor(b) : s.z % 2 === 0 ? at(src, ix).add(b) : at(src, ix).max(b);
        });
        return true;
      }
      case "scan": {
        if (d === "bool") return false;
        // each step reads a neighbour of the one before, so that its other loops hold the steps in order, too
        const lean = s.x % 2 === 0 && rank >= 2 && typeof src.shape[1] === "number" && src.real[1]! > 1;
        const axes = Object.fromEntries(src.shape.slice(1).map((e, i) => [`a${i + 1}`, e]));
        const tensor = (te.scan as any)(
          name("S"),
          { t: src.shape[0] } as any,
          axes as any,
          {
            init: (ax: any) => at(src, [te.lit(0, "i32"), ...src.shape.slice(1).map((_, i) => ax[`a${i + 1}`])]),
            step: (ax: any, prev: any) => {
              const ix = src.shape.slice(1).map((_, i) => ax[`a${i + 1}`]);
              const before = lean ? prev(ix[0].add(1).mod(src.shape[1]), ...ix.slice(1)) : prev(...ix);
              const now = at(src, [ax.t, ...ix]);
              return s.y % 2 === 0 ? before.add(now) : before.max(now);
            },
          } as any,
        ) as AnyTensor;
        values.push({ tensor, shape: src.shape, real: src.real });
        return true;
      }
      case "cast": {
        const to = DTYPES[s.x % DTYPES.length]!;
        define("K", src.shape, src.real, (ix) =>
          isInteger(d) && isInteger(to) && s.y % 2 === 0 ? at(src, ix).satCast(to as any) : at(src, ix).cast(to),
        );
        return true;
      }
      case "edge": {
        if (typeof src.shape[0] !== "number") return false;
        const f = [te.constantEdge, te.repeatEdge, te.mirrorEdge, te.wrapEdge][s.x % 4] as any;
        const edge = f === te.constantEdge ? f(src.tensor, 1) : f(src.tensor);
        const by = s.y % 3;
        define("B", src.shape, src.real, (ix) => edge.at(ix[0]!.sub(by), ...ix.slice(1)));
        return true;
      }
      case "choice": {
        define("W", src.shape, src.real, (ix) => {
          // near the end of its range the sum wraps, and the comparison is false
          const whole = isInteger(d) && s.z % 4 >= 2 ? at(src, ix).cast("i32") : undefined;
          const sum = () => (s.y % 2 === 0 ? whole?.add(s.y % 7).gt(whole) : whole && wraps(whole));
          const ofData = () => sum() ?? (d === "bool" ? at(src, ix) : at(src, ix).gt(1));
          const c = s.x % 2 === 0 ? ix[0]!.lt(1 + (s.y % 5)) : ofData();
          const [a, b] = [at(src, ix), d === "bool" ? at(src, ix).not() : at(src, ix).add(1)];
          return (s.z % 2 === 0 ? te.select : (te.where as any))(c, a, b);
        });
        return true;
      }
      case "mask": {
        // comparisons of one width that decide between values of another
        const [tos, thirds] = s.pick % 3 === 0 ? [DTYPES, DTYPES] : [MIDDLE, WIDE];
        const [to, third] = [tos[s.y % tos.length]!, thirds[(s.y + s.z) % thirds.length]!];
        const other =
          s.pick % 4 === 1 ? values.find((v) => v !== src && v.tensor.dtype !== d && sameShape(v, src)) : undefined;
        const narrow = NARROW[s.x % NARROW.length]!;
        define("H", src.shape, src.real, (ix) => {
          const e = at(src, ix);
          // computed before it is widened, so that it is cut where it lies in its register
          const wide: any = other ? at(other, ix) : (NARROW.includes(d) ? e.add(1) : e.cast(narrow)).cast(to);
          const w: DType = wide.dtype;
          const first: any = d === "bool" ? e : s.x % 2 === 0 ? e.gt(1) : e.ne(0);
          // made only where it is used: a comparison must reach the result
          const second = (): any => (w === "bool" ? wide : s.z % 2 === 0 ? wide.le(2) : wide.lt(1));
          const c = [() => first.and(second()), () => first.or(second().not()), () => first.xor(second()), () => first][
            s.z % 4
          ]!();
          const result = [
            () => te.select(c, wide, te.lit(w === "bool" ? true : 1, w)),
            () => te.select(c, e, te.lit(d === "bool" ? true : 3, d)),
            () => c,
            () => c.cast(third),
            () => te.select(c, te.lit(third === "bool" ? true : 2, third), te.lit(third === "bool" ? false : 1, third)),
          ][s.x % 5]!();
          return result as AnyExpr;
        });
        return true;
      }
      case "gather": {
        if (rank === 0) return false;
        const codes = input("i32", [src.shape[0]], [src.real[0]!]);
        define("G", src.shape, src.real, (ix) => at(src, [at(codes, [ix[0]!]), ...ix.slice(1)]));
        return true;
      }
      case "crop": {
        // every element or every second one, from somewhere inside
        if (rank === 0) return false;
        const axis = s.x % rank;
        const [step, from] = [1 + (s.y % 2), s.z % 4];
        const out = Math.floor((src.real[axis]! - from - 1) / step) + 1;
        if (typeof src.shape[axis] !== "number" || out < 1) return false;
        const cut = (l: readonly any[]): any[] => l.map((n, i) => (i === axis ? out : n));
        define("Z", cut(src.shape), cut(src.real), (ix) =>
          at(
            src,
            ix.map((e, i) => (i === axis ? e.mul(step).add(from) : e)),
          ),
        );
        return true;
      }
      case "flip": {
        const axis = s.x % rank;
        define("F", src.shape, src.real, (ix) =>
          at(
            src,
            ix.map((e, i) => (i === axis ? te.sub(src.shape[i], te.add(e, 1)) : e)),
          ),
        );
        return true;
      }
      case "outer": {
        if (rank !== 1 || d === "bool") return false;
        const b = fresh({ ...s, z: 0 }, d);
        if (src.real[0]! * b.real[0]! > LIMIT) return false;
        values.push(b);
        define("O", [src.shape[0], b.shape[0]], [src.real[0]!, b.real[0]!], (ix) =>
          at(src, [ix[0]!]).mul(at(b, [ix[1]!])),
        );
        return true;
      }
      case "twice": {
        const axes = Object.fromEntries(src.shape.map((e, i) => [`a${i}`, e]));
        const two = te.compute(
          name("D"),
          axes as any,
          ((ax: any) => {
            const ix = src.shape.map((_, i) => ax[`a${i}`]);
            const e = at(src, ix);
            return { p: d === "bool" ? e.not() : e.add(1), q: e };
          }) as any,
        ) as any;
        for (const t of [two.p, two.q]) values.push({ tensor: t, shape: src.shape, real: src.real });
        return true;
      }
      case "scatter":
        return scatterStage(s, src, d, workshop);
      case "nest":
        return nestStage(s, src, d, workshop);
      case "dot":
        return dotStage(s, workshop);
      case "windows":
        return windowStages(s, src, workshop);
      default:
        return kind satisfies never;
    }
  }

  const computed = values.filter((v) => v.tensor.source.kind !== "placeholder");
  if (computed.length === 0) {
    const src = values[0] ?? fresh({ kind: 0, pick: 0, x: 2, y: 3, z: 0 }, main);
    computed.push(define("E", src.shape, src.real, (ix) => at(src, ix)));
  }
  const outputs: Record<string, AnyTensor> = {};
  const out = computed.at(-1)!.tensor;
  outputs[out.name] = out;
  if (spec.outputs % 4 === 0 && computed.length > 1) {
    const more = computed[spec.outputs % computed.length]!.tensor;
    outputs[more.name] = more;
  }
  return { outputs, inputs, sizes, kinds };
}
