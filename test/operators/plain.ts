/**
 * Operators from their definitions, in plain JavaScript numbers: nothing here comes from the project. Arrays are row-major, of any
 * type; everything is computed in double precision.
 */

/** A row-major array with its shape. */
export interface Plain {
  readonly shape: readonly number[];
  readonly data: readonly number[];
}
export const sizeOf = (shape: readonly number[]): number => shape.reduce((n, x) => n * x, 1);

/** Every point of a shape, the last axis fastest. */
export function points(shape: readonly number[]): number[][] {
  return Array.from({ length: sizeOf(shape) }, (_, flat) => {
    const at: number[] = [];
    for (let d = shape.length - 1, rest = flat; d >= 0; d--) {
      at.unshift(rest % shape[d]!);
      rest = Math.floor(rest / shape[d]!);
    }
    return at;
  });
}
export function offset(shape: readonly number[], at: readonly number[]): number {
  return at.reduce((n, i, d) => n * shape[d]! + i, 0);
}
export function get(a: Plain, at: readonly number[]): number {
  if (at.length !== a.shape.length || at.some((i, d) => i < 0 || i >= a.shape[d]!))
    throw new RangeError(`[${at}] is outside of [${a.shape}]`);
  return a.data[offset(a.shape, at)]!;
}
/** The element, or something else outside. */
export const getOr = (a: Plain, at: readonly number[], otherwise: number): number =>
  at.some((i, d) => i < 0 || i >= a.shape[d]!) ? otherwise : get(a, at);
export const make = (shape: readonly number[], f: (at: readonly number[]) => number): Plain => ({
  shape,
  data: points(shape).map(f),
});
export const range = (n: number): number[] => Array.from({ length: n }, (_, i) => i);
export const total = (list: readonly number[]): number => list.reduce((a, b) => a + b, 0);

// ---- broadcasting

export function broadcastShapes(...shapes: readonly (readonly number[])[]): number[] {
  const rank = Math.max(...shapes.map((s) => s.length));
  return range(rank).map((d) => {
    const all = shapes.map((s) => s[d - rank + s.length] ?? 1).filter((n) => n !== 1);
    return all[0] ?? 1;
  });
}
/** The element for a point of a larger shape. */
export const getBroadcast = (a: Plain, at: readonly number[]): number =>
  get(
    a,
    a.shape.map((n, d) => (n === 1 ? 0 : at[at.length - a.shape.length + d]!)),
  );
export const zip = (f: (...values: number[]) => number, ...operands: readonly Plain[]): Plain =>
  make(broadcastShapes(...operands.map((o) => o.shape)), (at) => f(...operands.map((o) => getBroadcast(o, at))));

// ---- matrix products

export const swapLast = (a: Plain): Plain => {
  const [m, n] = a.shape.slice(-2) as [number, number];
  return make([...a.shape.slice(0, -2), n, m], (at) => get(a, [...at.slice(0, -2), at.at(-1)!, at.at(-2)!]));
};
export function matmul(a: Plain, b: Plain): Plain {
  const [m, k] = a.shape.slice(-2) as [number, number];
  const n = b.shape.at(-1)!;
  const batch = broadcastShapes(a.shape.slice(0, -2), b.shape.slice(0, -2));
  const matrix = (t: Plain, at: readonly number[], i: number, j: number): number => {
    const lead = t.shape.slice(0, -2);
    return get(t, [...lead.map((e, d) => (e === 1 ? 0 : at[batch.length - lead.length + d]!)), i, j]);
  };
  return make([...batch, m, n], (at) => {
    const [i, j] = at.slice(-2) as [number, number];
    const b0 = at.slice(0, -2);
    return total(range(k).map((q) => matrix(a, b0, i, q) * matrix(b, b0, q, j)));
  });
}

// ---- activations

/** Composite Simpson's rule on the integral of exp(-t^2). */
export function erf(x: number): number {
  if (Math.abs(x) > 6) return Math.sign(x);
  const n = 2000;
  const h = x / n;
  const f = (i: number): number => Math.exp(-((i * h) ** 2)) * (i === 0 || i === n ? 1 : i % 2 === 1 ? 4 : 2);
  return (2 / Math.sqrt(Math.PI)) * (h / 3) * total(range(n + 1).map(f));
}
const logistic = (x: number): number => 1 / (1 + Math.exp(-x));
export const activations = {
  relu: (x: number) => Math.max(x, 0),
  relu6: (x: number) => Math.min(Math.max(x, 0), 6),
  sigmoid: logistic,
  silu: (x: number) => x * logistic(x),
  tanh: Math.tanh,
  hardSwish: (x: number) => (x * Math.min(Math.max(x + 3, 0), 6)) / 6,
  softplus: (x: number) => Math.log1p(Math.exp(x)),
  mish: (x: number) => x * Math.tanh(Math.log1p(Math.exp(x))),
  gelu: (x: number) => (x / 2) * (1 + erf(x / Math.SQRT2)),
  elu: (x: number) => (x > 0 ? x : Math.expm1(x)),
  leakyRelu: (x: number) => (x >= 0 ? x : 0.01 * x),
  hardSigmoid: (x: number) => Math.min(Math.max(0.2 * x + 0.5, 0), 1),
} as const;
export const geluTanh = (x: number): number =>
  (x / 2) * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)));

// ---- reductions and norms

/** A function of all values along some axes, which become axes of extent 1 or vanish. */
export function reduceAxes(f: (values: number[]) => number, a: Plain, axes: readonly number[], keep = false): Plain {
  const over = a.shape.map((n, d) => (axes.includes(d) ? n : 1));
  const kept = make(
    a.shape.map((n, d) => (axes.includes(d) ? 1 : n)),
    (at) =>
      f(
        points(over).map((q) =>
          get(
            a,
            at.map((i, d) => i + q[d]!),
          ),
        ),
      ),
  );
  return keep ? kept : { ...kept, shape: a.shape.filter((_, d) => !axes.includes(d)) };
}
export const average = (v: readonly number[]): number => total(v) / v.length;
export const variance = (v: readonly number[], correction = 0): number => {
  const m = average(v);
  return total(v.map((x) => (x - m) ** 2)) / (v.length - correction);
};
/** Each value from itself and all values that share a cell: those whose `cellOf` is the same. */
export function byCell(
  f: (x: number, cell: readonly number[]) => number,
  a: Plain,
  cellOf: (at: readonly number[]) => string,
): Plain {
  const cells = new Map<string, number[]>();
  for (const at of points(a.shape)) {
    const key = cellOf(at);
    cells.set(key, [...(cells.get(key) ?? []), get(a, at)]);
  }
  return make(a.shape, (at) => f(get(a, at), cells.get(cellOf(at))!));
}
export const logSumExp = (v: readonly number[]): number => {
  const top = Math.max(...v);
  return top + Math.log(total(v.map((x) => Math.exp(x - top))));
};
export const normalize = (x: number, cell: readonly number[], epsilon: number): number =>
  (x - average(cell)) / Math.sqrt(variance(cell) + epsilon);

// ---- axes

export const transpose = (a: Plain, order: readonly number[]): Plain =>
  make(
    order.map((d) => a.shape[d]!),
    (at) =>
      get(
        a,
        a.shape.map((_, d) => at[order.indexOf(d)]!),
      ),
  );
/** [n, ..., c] as [n, c, ...]. */
export const channelsFirst = (a: Plain): Plain => {
  const r = a.shape.length;
  return transpose(a, [0, r - 1, ...range(r - 2).map((d) => d + 1)]);
};

// ---- windows

export interface Windows {
  readonly stride: readonly number[];
  readonly dilation: readonly number[];
  /** Before and behind. */
  readonly padding: readonly (readonly [number, number])[];
}
export const outputs = (inputs: readonly number[], taps: readonly number[], w: Windows): number[] =>
  inputs.map((n, d) => {
    const span = (taps[d]! - 1) * w.dilation[d]! + 1;
    return Math.floor((n + w.padding[d]![0] + w.padding[d]![1] - span) / w.stride[d]!) + 1;
  });
/** Padding that makes ceil(n / stride) windows, the odd element behind. */
export const samePadding = (
  inputs: readonly number[],
  taps: readonly number[],
  stride: readonly number[],
  dilation: readonly number[],
) =>
  inputs.map((n, d): readonly [number, number] => {
    const span = (taps[d]! - 1) * dilation[d]! + 1;
    const all = Math.max((Math.ceil(n / stride[d]!) - 1) * stride[d]! + span - n, 0);
    return [Math.floor(all / 2), all - Math.floor(all / 2)];
  });
const positions = (at: readonly number[], tap: readonly number[], w: Windows): number[] =>
  at.map((i, d) => i * w.stride[d]! + tap[d]! * w.dilation[d]! - w.padding[d]![0]);

/** x [n, ..., C], k [..., C / groups, O]. */
export function conv(x: Plain, k: Plain, w: Windows, groups = 1): Plain {
  const taps = k.shape.slice(0, -2);
  const [per, o] = k.shape.slice(-2) as [number, number];
  const shape = [x.shape[0]!, ...outputs(x.shape.slice(1, -1), taps, w), o];
  return make(shape, (at) => {
    const out = at.at(-1)!;
    const group = Math.floor(out / (o / groups));
    return total(
      points([...taps, per]).map((q) => {
        const inner = positions(at.slice(1, -1), q.slice(0, -1), w);
        return getOr(x, [at[0]!, ...inner, group * per + q.at(-1)!], 0) * get(k, [...q, out]);
      }),
    );
  });
}
/** x [n, ..., C], k [..., O, C]: every input element adds its multiple of the kernel to the result. */
export function convTranspose(x: Plain, k: Plain, w: Windows, more: readonly number[]): Plain {
  const taps = k.shape.slice(0, -2);
  const o = k.shape.at(-2)!;
  const inner = x.shape.slice(1, -1).map((n, d) => {
    const span = (taps[d]! - 1) * w.dilation[d]! + 1;
    return (n - 1) * w.stride[d]! + span - w.padding[d]![0] - w.padding[d]![1] + more[d]!;
  });
  const shape = [x.shape[0]!, ...inner, o];
  const data = new Array<number>(sizeOf(shape)).fill(0);
  for (const at of points(x.shape))
    for (const q of points([...taps, o])) {
      const to = [at[0]!, ...positions(at.slice(1, -1), q.slice(0, -1), w), q.at(-1)!];
      if (to.some((i, d) => i < 0 || i >= shape[d]!)) continue;
      data[offset(shape, to)]! += get(x, at) * get(k, [...q.slice(0, -1), q.at(-1)!, at.at(-1)!]);
    }
  return { shape, data };
}
/** x [n, ..., C]: a function of the values of each window, without those in the padding; and how many taps there are. */
export function pool(
  f: (values: number[], taps: number) => number,
  x: Plain,
  taps: readonly number[],
  w: Windows,
): Plain {
  const shape = [x.shape[0]!, ...outputs(x.shape.slice(1, -1), taps, w), x.shape.at(-1)!];
  return make(shape, (at) => {
    const values = points(taps).map((q) =>
      getOr(x, [at[0]!, ...positions(at.slice(1, -1), q, w), at.at(-1)!], Number.NaN),
    );
    return f(
      values.filter((v) => !Number.isNaN(v)),
      values.length,
    );
  });
}
