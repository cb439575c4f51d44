/** Whether a loop nest computes what an intrinsic computes, and the vector statement that takes its place. */
import { type Facts, simplify, simplifyIndex } from "../../src/arith/index.ts";
import {
  type Block,
  type Buffer,
  call,
  constInt,
  type Expr,
  type For,
  type Intrinsic,
  int,
  intrinsicParts,
  isFloat,
  type Load,
  load,
  mapExpr,
  type OpName,
  op,
  printExpr,
  ramp,
  type Store,
  store,
  substitute,
  usesVar,
  type Var,
  visitExpr,
} from "../../src/ir/index.ts";
import { type Assignment, type Axis, assignments, axesOf, type Point, pointsOf } from "./axes.ts";
import { type BoundsOf, canonical } from "./canonical.ts";
import { denseFrom, MOST_PIECES, NoVector, piecesIn, vectorOf } from "./lanes.ts";
import { flatLoads, isProblem, type Nest, nestAt, type Problem } from "./nest.ts";
import { sideBySide } from "./text.ts";
import { type Bindings, type Difference, terms, Unifier } from "./unify.ts";
import { operandBounds } from "./values.ts";

export interface Match {
  readonly nest: Nest;
  /** The one statement that does what the nest does, conditions apart; accesses have one flat index. */
  readonly store: Store;
  /** What the block stores, in the words of the intrinsic: operands have the dtypes that it takes. */
  readonly settled: Expr;
  /** The loop along which neighbouring lanes of the result lie. */
  readonly along: Var | undefined;
  /** The order of a float reduction changes. */
  readonly reassociates: boolean;
}

/** What is common to all ways of seeing a nest as an intrinsic. */
interface Question {
  readonly nest: Nest;
  readonly intrinsic: Intrinsic;
  /** How the intrinsic reduces. */
  readonly operation?: OpName;
  /** The result of the intrinsic is combined with what was there by an operation of its own. */
  readonly combine: boolean;
  /** What values operands take; absent where it was looked at before. */
  readonly bounds?: BoundsOf;
  readonly marks: readonly (Var | Block["id"])[];
}

/**
 * The match of the nest from `loop` inwards with an intrinsic, or why there is none. `facts`: what holds around the loop; `bounds`:
 * what values expressions take under facts.
 */
export function matchNest(
  loop: For,
  intrinsic: Intrinsic,
  facts: Facts,
  bounds: (facts: Facts) => BoundsOf,
): Match | Problem {
  const nest = nestAt(loop, facts);
  if (isProblem(nest)) return nest;
  const marks = nest.block ? [loop.var, nest.block.id] : [loop.var];
  const title = nest.block?.id.name ?? nest.store.buffer.name;
  const own = bounds(nest.facts);
  const { buffer } = nest.store;
  const self = load(
    buffer,
    nest.store.index.map((e) => simplifyIndex(e, nest.facts)),
  );
  const plain = simplify(nest.store.value, nest.facts);
  const other = foreignRead(plain, self);
  if (other)
    return {
      condition: 5,
      code: "self",
      message: `${title} writes ${printExpr(self)} and reads ${printExpr(other)}, which another lane may write`,
      marks,
    };
  const value = canonical(plain, own);
  const pattern = patternOf(intrinsic);
  const unifier = new Unifier(own);
  const differ = (d: Difference): Problem => ({
    condition: 6,
    code: "body",
    message: sideBySide(title, value, intrinsic, pattern.body, d),
    marks,
  });
  const q: Question = { nest, intrinsic, marks, combine: false, bounds: own };
  if (pattern.reduction === undefined)
    return best(unifier.all(pattern.body, value, new Map()), (b) => place(q, b)) ?? differ(unifier.difference!);
  const { operation, term: inner, accumulator } = pattern.reduction;
  const term = termOf(value, self, operation);
  if (term === undefined)
    return differ({ pattern: pattern.body, program: value, why: `${title} is no reduction by ${operation}` });
  const start: Bindings = accumulator ? new Map([[accumulator.buffer, self]]) : new Map();
  if (accumulator && accumulator.dtype !== self.dtype)
    return differ({ pattern: accumulator, program: self, why: `${self.dtype} here, ${accumulator.dtype} there` });
  const found = best(unifier.all(inner, term, start), (b) => place({ ...q, operation, combine: !accumulator }, b));
  return found ?? differ(unifier.difference!);
}

/**
 * The same of a nest whose store is in the words of the intrinsic already (see `Match.settled`): which operand is which stands there,
 * and what had to be proven of their values was.
 */
export function matchSettled(loop: For, intrinsic: Intrinsic, facts: Facts): Match | Problem {
  const nest = nestAt(loop, facts);
  if (isProblem(nest)) return nest;
  const { value } = nest.store;
  const { reduction, accumulator } = intrinsicParts(intrinsic.body);
  const operation = patternOf(intrinsic).reduction?.operation;
  const found = new Map<Buffer, Expr>();
  const [self, term] = value.kind === "op" ? value.args : [];
  const reads = reduction
    ? value.kind === "op" && value.op === operation && readOff(reduction.values[0]!, term!, found)
    : readOff(intrinsic.body, value, found);
  const marks = [loop.var];
  if (!reads) return { condition: 6, code: "body", message: `${nest.store.buffer.name} changed its form`, marks };
  if (accumulator) found.set(accumulator.buffer, self!);
  return place(
    { nest, intrinsic, marks, combine: !!reduction && !accumulator, ...(operation ? { operation } : {}) },
    found,
  );
}
/** What stands where the semantics reads its operands; false where anything else differs. */
function readOff(pattern: Expr, program: Expr, found: Map<Buffer, Expr>): boolean {
  if (pattern.kind === "load") {
    const old = found.get(pattern.buffer);
    found.set(pattern.buffer, program);
    return program.dtype === pattern.dtype && (old === undefined || old === program);
  }
  if (pattern.kind !== "op" || program.kind !== "op") return pattern === program;
  return (
    pattern.op === program.op &&
    pattern.dtype === program.dtype &&
    pattern.args.every((a, i) => readOff(a, program.args[i]!, found))
  );
}

/** The first success, or else the problem that came furthest; undefined where there is nothing to try. */
function best<T>(candidates: Iterable<T>, f: (x: T) => Match | Problem): Match | Problem | undefined {
  let furthest: Problem | undefined;
  for (const x of candidates) {
    const r = f(x);
    if (!isProblem(r)) return r;
    if (furthest === undefined || r.condition > furthest.condition) furthest = r;
  }
  return furthest;
}

/** A read of what the store writes at another element. */
function foreignRead(value: Expr, self: Expr): Expr | undefined {
  let found: Expr | undefined;
  visitExpr(value, (x) => {
    if (x.kind === "load" && x !== self && x.buffer === (self as Load).buffer) found = x;
  });
  return found;
}

interface Pattern {
  readonly body: Expr;
  readonly reduction?: { readonly operation: OpName; readonly term: Expr; readonly accumulator: Load | undefined };
}
const patterns = new WeakMap<Intrinsic, Pattern>();
function patternOf(x: Intrinsic): Pattern {
  let p = patterns.get(x);
  if (p === undefined) {
    const plain = operandBounds(x);
    const { reduction, accumulator } = intrinsicParts(x.body);
    const how = reduction?.combiner.results[0];
    p =
      reduction && how?.kind === "op"
        ? {
            body: x.body,
            reduction: {
              operation: how.op,
              term: canonical(simplify(reduction.values[0]!), plain),
              accumulator,
            },
          }
        : { body: canonical(simplify(x.body), plain) };
    patterns.set(x, p);
  }
  return p;
}

/** value = term combined with self: the term. */
function termOf(value: Expr, self: Expr, operation: OpName): Expr | undefined {
  if (value.kind !== "op" || value.op !== operation) return undefined;
  const list = [...terms(value)];
  const at = list.indexOf(self);
  if (at < 0 || list.length < 2) return undefined;
  list.splice(at, 1);
  return list.reduce((a, b) => op(operation, [a, b]));
}

/** Tries every way to give the loops to the axes, for one way to see operands in the body. */
function place(q: Question, bindings: Bindings): Match | Problem {
  const axes = axesOf(q.intrinsic);
  const loops = q.nest.counted;
  const found = best(assignments(axes, loops), (a) => check(q, bindings, axes, a));
  if (found) return found;
  const list = (all: readonly { readonly var: Var; readonly extent: number }[]): string =>
    all
      .filter((a) => a.extent > 1)
      .map((a) => `${a.var.name} in ${a.extent}`)
      .join(", ") || "none";
  return {
    condition: 7,
    code: "axes",
    message: `the loops (${list(loops)}) do not make up the axes of ${q.intrinsic.name} (${list(axes)})`,
    marks: q.marks,
    legal: axes.filter((a) => a.extent > 1).map((a) => `a loop of ${a.extent} for ${a.var.name}`),
  };
}

function laneAt(index: readonly Expr[], shape: readonly Expr[], at: ReadonlyMap<Var, Expr>): number {
  return index.reduce((f, e, d) => f * constInt(shape[d]!)! + constInt(simplifyIndex(substitute(e, at)))!, 0);
}

function check(q: Question, bindings: Bindings, axes: readonly Axis[], assignment: Assignment): Match | Problem {
  const { nest, intrinsic, marks } = q;
  const { facts, store: s } = nest;
  const points = pointsOf(axes, assignment);
  const names = [...assignment].map(([a, ls]) => `${a.name} = ${ls.map((l) => l.var.name).join(", ")}`).join("; ");
  const bad = (condition: number, code: string, message: string, legal: string[] = []): Problem => ({
    condition,
    code,
    message: `${message}${names ? ` (with ${names})` : ""}`,
    marks,
    legal,
  });
  /** One expression per lane, or the lane that is two things. */
  const lanesFor = (e: Expr, count: number, lane: (p: Point) => number): Expr[] | number => {
    const flat = flatLoads(nest.inLoops(e), facts);
    const out = new Array<Expr>(count);
    for (const p of points) {
      const x = atPoint(flat, p.loops, facts);
      const l = lane(p);
      if (out[l] !== undefined && out[l] !== x) return l;
      out[l] = x;
    }
    return out;
  };
  const spatial = intrinsic.axes;
  const resultLane = (p: Point): number => spatial.reduce((f, a) => f * a.extent + constInt(p.axes.get(a.var)!)!, 0);
  const results = lanesFor(load(s.buffer, s.index), intrinsic.lanes, resultLane);
  if (typeof results === "number")
    return bad(7, "axes", `lane ${results} of the result is more than one element of ${s.buffer.name}`);
  const first = denseFrom(
    results.map((e) => (e as Load).index[0]!),
    facts,
  );
  if (first === undefined)
    return bad(
      7,
      "result",
      `the lanes of the result do not lie next to each other, in their order, in ${s.buffer.name}`,
      [`an order of dimensions of ${s.buffer.name} in which they do`],
    );
  const vectors: Expr[] = [];
  for (const o of intrinsic.operands) {
    const read = readOf(intrinsic, o.buffer);
    const value = bindings.get(o.buffer)!;
    const lanes = lanesFor(value, o.lanes, (p) => laneAt(read.index, o.buffer.shape, p.axes));
    if (typeof lanes === "number")
      return bad(
        8,
        "operand",
        `lane ${lanes} of operand ${o.name} would be more than one value: ${o.name} does not change along ${unusedAxes(read, axes)}`,
      );
    const { pieces, buffer } = piecesIn(lanes, facts);
    if (q.bounds && pieces > MOST_PIECES)
      return bad(
        9,
        "gather",
        `operand ${o.name} is put together from ${pieces} places in ${buffer?.name}, more than ${MOST_PIECES}`,
        [`a copy of ${buffer?.name} (cacheRead) stored in the order in which ${o.name} takes it`],
      );
    try {
      vectors.push(vectorOf(lanes, facts));
    } catch (e) {
      if (!(e instanceof NoVector)) throw e;
      return bad(9, "lanes", `operand ${o.name} is no vector: ${e.message}`);
    }
  }
  const far = q.bounds && outOfRange(intrinsic, bindings, q.bounds);
  if (far) return bad(10, "range", far.message, far.legal);
  const result = call(intrinsic, vectors);
  const at = ramp(first, int(1), intrinsic.lanes);
  const { reduction, accumulator } = intrinsicParts(intrinsic.body);
  const self = load(s.buffer, s.index);
  const term = instance(reduction ? reduction.values[0]! : intrinsic.body, bindings);
  const steps = axes.reduce((n, a) => (a.reduces ? n * a.extent : n), 1);
  return {
    nest,
    store: store(s.buffer, [at], q.combine ? op(q.operation!, [vectorOf(results, facts), result]) : result),
    settled: reduction ? op(q.operation!, [accumulator ? bindings.get(accumulator.buffer)! : self, term]) : term,
    along: alongOf(spatial, assignment),
    reassociates: reduction !== undefined && isFloat(intrinsic.dtype) && steps > 1,
  };
}

/** The first operand whose values are not known to lie where the intrinsic needs them. */
function outOfRange(
  x: Intrinsic,
  bindings: Bindings,
  bounds: BoundsOf,
): { readonly message: string; readonly legal: string[] } | undefined {
  for (const { name, buffer, range } of x.operands) {
    if (range === undefined) continue;
    const value = bindings.get(buffer)!;
    const [least, most] = range;
    const is = bounds(value);
    if (is.min >= least && is.max <= most) continue;
    const end = (n: number): string => (Number.isFinite(n) ? String(n) : "anything");
    return {
      message: `operand ${name} of ${x.name} must lie in ${least} to ${most}, but ${printExpr(value)} may be ${end(is.min)} to ${end(is.max)}`,
      legal: [
        `.clamp(${least}, ${most}) where the values are computed`,
        "assume: the input they come from, where callers see to it",
      ],
    };
  }
  return undefined;
}

/** The semantics with what operands stand for. */
const instance = (e: Expr, bindings: Bindings): Expr =>
  mapExpr(e, (x) => (x.kind === "load" ? (bindings.get(x.buffer) ?? x) : x));
function readOf(x: Intrinsic, b: Load["buffer"]): Load {
  let found: Load | undefined;
  visitExpr(x.body, (e) => {
    if (e.kind === "load" && e.buffer === b) found = e;
  });
  return found!;
}
const unusedAxes = (read: Load, axes: readonly Axis[]): string =>
  axes
    .filter((a) => a.extent > 1 && !read.index.some((i) => usesVar(i, (v) => v === a.var)))
    .map((a) => a.var.name)
    .join(", ");
function alongOf(spatial: Intrinsic["axes"], assignment: Assignment): Var | undefined {
  const last = spatial.findLast((a) => a.extent > 1);
  return last && assignment.get(last.var)?.at(-1)?.var;
}

/** What an expression with flat loads is at one point of the nest. */
function atPoint(e: Expr, at: ReadonlyMap<Var, Expr>, facts: Facts): Expr {
  return mapExpr(substitute(e, at), (x) =>
    x.kind === "load" ? load(x.buffer, [simplifyIndex(x.index[0]!, facts)]) : x,
  );
}
