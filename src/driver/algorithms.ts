/**
 * Which algorithm computes a tensor that has several: the one whose stages take the fewest cycles by a rough account of arithmetic and
 * memory. Rough is enough: where Winograd's convolution wins, it wins by half.
 */
import {
  type Algorithm,
  alternativesOf,
  buffersRead,
  definitions,
  reachable,
  type Source,
  type Tensor,
  tensorOf,
} from "../../te/index.ts";
import { type Buffer, bytesOf, constInt, type Expr, visitExpr } from "../ir/index.ts";

/** Multiply-adds of f32 in one cycle, and other operations. */
const PER_CYCLE = 8;
/** Bytes in one cycle, between stages, and of operands that come from far away. */
const NEAR = 12;
const FAR = 6;
/** What is left of the cycles where an alternative is worth its rounding. */
const MARGIN = 0.85;
/** What a symbolic size is taken for. */
const TYPICAL = 64;

/**
 * Chooses for each tensor. An alternative must gain a sixth at least, because it may round differently.
 *
 *     createFunc([Y], "Y", cheapest);
 */
export const cheapest: Algorithm = (t) => {
  const others = alternativesOf(t);
  if (others.length === 0) return undefined;
  const made = others.map((a) => a.make());
  const inputs = shared([t, ...made]);
  let best: Tensor | undefined;
  let least = MARGIN * cycles(t, inputs);
  for (const other of made) {
    const c = cycles(other, inputs);
    if (c < least) [best, least] = [other, c];
  }
  return best;
};

/** What all of them begin with. */
function shared(list: readonly Tensor[]): ReadonlySet<Tensor> {
  const [first, ...rest] = list.map((t) => new Set(reachable([t])));
  return new Set([...first!].filter((t) => rest.every((r) => r.has(t))));
}

/** Cycles of the stages after `inputs`, but those that constants alone decide. */
function cycles(t: Tensor, inputs: ReadonlySet<Tensor>): number {
  const ahead = new Map<Tensor, boolean>();
  const isAhead = (x: Tensor): boolean => {
    let r = ahead.get(x);
    if (r === undefined) {
      const read = buffersRead(definitions(x.source)).map((b) => tensorOf(b)!);
      r = x.source.kind === "placeholder" ? x.buffer.constant === true : read.every(isAhead);
      ahead.set(x, r);
    }
    return r;
  };
  let sum = 0;
  for (const x of reachable([t])) if (!inputs.has(x) && !isAhead(x)) sum += stage(x.source);
  return sum;
}

const extent = (e: Expr): number => constInt(e) ?? TYPICAL;
const product = (list: readonly Expr[]): number => list.reduce((n, e) => n * extent(e), 1);
const bytes = (b: Buffer): number => product(b.shape) * bytesOf(b.dtype);

function stage(s: Source): number {
  if (s.kind !== "compute") return 0;
  const points = product(s.axes.map((a) => a.extent));
  let sum = 0;
  for (const [n, body] of s.bodies.entries()) {
    const steps = reductionsIn(body);
    const reads = buffersRead([body]);
    // operands of a sum are read again and again, those of anything else once
    if (steps > 0) sum += (points * steps) / PER_CYCLE + reads.reduce((m, b) => m + bytes(b), 0) / FAR;
    else
      sum +=
        (points * operations(body)) / PER_CYCLE + reads.reduce((m, b) => m + bytes(b), bytes(s.outputs[n]!)) / NEAR;
  }
  return sum;
}
/** Steps of the reductions in an expression. */
function reductionsIn(e: Expr): number {
  let sum = 0;
  visitExpr(e, (x) => {
    if (x.kind !== "reduce") return true;
    sum += product(x.axes.map((a) => a.extent));
    return false;
  });
  return sum;
}
/** Operations at one point: of several cases, the average. */
function operations(e: Expr): number {
  if (e.kind !== "op") return 0;
  if (e.op === "where") {
    const cases = branches(e);
    return cases.reduce((n, c) => n + operations(c), 0) / cases.length;
  }
  return 1 + e.args.reduce((n, a) => n + operations(a), 0);
}
const branches = (e: Expr): readonly Expr[] =>
  e.kind === "op" && e.op === "where" ? [e.args[1]!, ...branches(e.args[2]!)] : [e];
