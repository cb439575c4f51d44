// biome-ignore-all lint/suspicious/noExplicitAny: `any` as a type argument means "whatever facts", and must not be checked
/** Transposed convolutions without the zeros between elements of the input: one small convolution for each phase of the stride. */
import { asserted } from "../access.ts";
import { compute } from "../compute.ts";
import { constantEdge } from "../edges.ts";
import type { Expr } from "../expr.ts";
import { sum } from "../reduce.ts";
import type { Extent } from "../types.ts";
import { affineIndex, type IndexRecord, plus, quotient, record, type Values } from "./common.ts";
import type { Placement } from "./window.ts";

/** One spatial axis of the result. */
export interface Spread {
  readonly taps: number;
  readonly stride: number;
  readonly dilation: number;
  readonly out: Extent;
  /** Elements that are taken off in front. */
  readonly before: number;
}
export interface Transposed {
  readonly input: Values;
  /** Taps, O, C (channels last), or C, O, taps. */
  readonly kernel: Values;
  readonly bias: Values | undefined;
  readonly place: Placement;
  readonly axes: readonly Spread[];
  readonly channels: Extent;
  readonly made: Extent;
}

/** Whether there is something to gain, and taps fall into phases one after another. */
export const hasPhases = (axes: readonly Spread[]): boolean =>
  axes.some((a) => a.stride > 1) && axes.every((a) => a.stride === 1 || a.dilation === 1);

/** How one axis falls into phases: element i of the result is element `q` of phase `p`, where i + skipped = q * stride + p. */
interface Phase {
  readonly stride: number;
  readonly skipped: number;
  /** Elements of a phase. */
  readonly count: Extent;
  /** Taps of a phase, the input's elements from one to the next, and where the first tap of the first element stands. */
  readonly taps: number;
  readonly step: number;
  readonly first: number;
}
function phaseOf(a: Spread): Phase {
  const skipped = a.before % a.stride;
  const shared = { stride: a.stride, skipped, count: quotient(plus(a.out, skipped + a.stride - 1), a.stride) };
  return {
    ...shared,
    taps: Math.ceil(a.taps / a.stride),
    step: a.stride === 1 ? a.dilation : 1,
    first: Math.floor(a.before / a.stride),
  };
}

/**
 * The transposed convolution as stages, each an ordinary one. For one axis, with stride s and J = ceil(taps / s):
 *
 *     name.phases[n, p, q, o] = sum over j, c of X[n, q + first - j, c] * W[p + s * j, o, c]
 *     name[n, i, o]           = name.phases[n, (i + skipped) % s, (i + skipped) / s, o] + bias[o]
 */
export function byPhases(name: string, t: Transposed): Values {
  const { input, kernel, bias, place, channels, made } = t;
  const rank = t.axes.length;
  const list = t.axes.map(phaseOf);
  const x = around(`${name}.pad`, input, place, list);
  const w = wholeTaps(`${name}.weights`, kernel, place, list);
  const [ps, js] = [place.spatial.map((s) => `p${s}`), place.spatial.map((s) => `j${s}`)];
  const inner = place.order("n", place.spatial, "o").slice(1);
  const extents = place.order<Extent>(
    input.shape[0]!,
    list.map((p) => p.count),
    made,
  );
  const phases: Values = compute(
    `${name}.phases`,
    record(["n", ...ps, ...inner], [extents[0]!, ...list.map((p) => p.stride), ...extents.slice(1)]),
    (at: IndexRecord) =>
      sum(record([...js, "c"], [...list.map((p) => p.taps), channels]), (r: IndexRecord) => {
        // the last tap stands first
        const from = list.map((p, d) =>
          affineIndex(affineIndex(r[js[d]!]!, -p.step, at[place.spatial[d]!]!), 1, (p.taps - 1) * p.step),
        );
        const tap = list.map((p, d) => affineIndex(r[js[d]!]!, p.stride, at[ps[d]!]!));
        const weight = place.last ? w.at(...tap, at.o!, r.c!) : w.at(r.c!, at.o!, ...tap);
        return x.at(...place.order(at.n!, from, r.c!)).mul(weight);
      }),
  ) as never;
  const shape = place.order<Extent>(
    input.shape[0]!,
    t.axes.map((a) => a.out),
    made,
  );
  return compute(name, record(place.order("n", place.spatial, "o"), shape), (at: IndexRecord) => {
    const i = list.map((p, d) => affineIndex(at[place.spatial[d]!]!, 1, p.skipped));
    const phase = list.map((p, d) => i[d]!.mod(p.stride));
    const q = list.map((p, d) => asserted(i[d]!.div(p.stride)));
    const [n, ...rest] = place.order(at.n!, q, at.o!);
    const total = phases.at(n!, ...phase.slice(0, rank), ...rest);
    return bias === undefined ? total : total.add(bias.at(at.o!));
  }) as never;
}
/** The input with zeros around it, as far as taps of any phase reach. */
function around(name: string, x: Values, place: Placement, list: readonly Phase[]): Values {
  const reach = list.map((p) => (p.taps - 1) * p.step);
  const edge = constantEdge(x, 0 as never);
  const shape = place.order<Extent>(
    x.shape[0]!,
    list.map((p, d) => plus(p.count, reach[d]!)),
    x.shape[place.channelAxis]!,
  );
  return compute(name, record(place.order("n", place.spatial, "c"), shape), (at: IndexRecord) => {
    const i = list.map((p, d) => affineIndex(at[place.spatial[d]!]!, 1, p.first - reach[d]!));
    return edge.at(...(place.order(at.n!, i, at.c!) as never));
  }) as never;
}

/** The kernel with zeros behind its taps where phases don't all have as many of them. */
function wholeTaps(name: string, w: Values, place: Placement, list: readonly Phase[]): Values {
  const taps = place.last ? w.shape.slice(0, list.length) : w.shape.slice(2);
  if (list.every((p, d) => taps[d] === p.taps * p.stride)) return w;
  const edge = constantEdge(w, 0 as never);
  const [a, b] = place.last ? w.shape.slice(-2) : w.shape;
  const full = list.map((p) => p.taps * p.stride);
  const shape = place.last ? [...full, a!, b!] : [a!, b!, ...full];
  return compute(name, shape, (...at: readonly Expr<"i32", any>[]) => edge.at(...(at as never))) as never;
}
