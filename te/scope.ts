/**
 * What is open while the user's callbacks run: a stack of frames, one per body, so that an axis used outside its body, a
 * reduction inside a reduction and a comparison that got lost are seen where they happen.
 */
import { Facts } from "../src/arith/index.ts";
import { int, type Expr as Node, type Var, visitExpr } from "../src/ir/index.ts";
import { checkDepth } from "./check.ts";
import { TeError } from "./error.ts";
import { brief } from "./text.ts";

/**
 * `combine` is the body of a combiner: it sees partial results and nothing else. `inner` is a loop or a branch inside the
 * body of a nest.
 */
export type FrameKind = "compute" | "scan" | "scatter" | "nest" | "inner" | "reduce" | "combine";
/** Bodies that take no reduction, as messages call them. */
const WITHOUT: { readonly [K in FrameKind]?: string } = { scan: "a scan", scatter: "a scatter", nest: "a nest" };

export interface FrameAxis {
  readonly name: string;
  readonly var: Var;
  readonly extent: Node;
}
export interface Frame {
  readonly kind: FrameKind;
  /** The tensor, or the reduction, whose body this is. */
  readonly owner: string;
  readonly axes: readonly FrameAxis[];
  /** Ranges of all axes visible here. */
  facts: Facts;
  /** Values that were named in it, where a body has such. */
  readonly locals: Set<Var>;
  /** Comparisons made while this frame was on top: each must reach the result. */
  readonly comparisons: Set<Node>;
}

const frames: Frame[] = [];
const axisOwners = new WeakMap<Var, string>();
const scalarVars = new WeakSet<Var>();

export const registerScalar = (v: Var): void => void scalarVars.add(v);
export const isScalarVar = (v: Var): boolean => scalarVars.has(v);

/** Whether a value depends on data: on elements of tensors or on scalar parameters. */
export function dependsOnData(e: Node): boolean {
  let data = false;
  visitExpr(e, (x) => {
    if (x.kind === "load" || x.kind === "reduce" || (x.kind === "var" && isScalarVar(x))) data = true;
    return !data;
  });
  return data;
}

/** Frames whose axes may be used now: up to the body of the tensor under construction. */
function visible(): Frame[] {
  const out: Frame[] = [];
  for (let n = frames.length - 1; n >= 0; n--) {
    const f = frames[n]!;
    out.push(f);
    if (f.kind !== "reduce" && f.kind !== "inner") break;
  }
  return out;
}
/** The tensor whose body is open, for messages: `"D": ` or nothing. */
export function where(): string {
  const f = visible().at(-1);
  return f === undefined || f.kind === "reduce" ? "" : `"${f.owner}": `;
}
export const openFacts = (): Facts => frames.at(-1)?.facts ?? Facts.empty;

export const withRanges = (facts: Facts, axes: readonly { readonly var: Var; readonly extent: Node }[]): Facts =>
  axes.reduce((f, a) => f.withVar(a.var, int(0), a.extent), facts);

/** Throws when a reduction may not begin here, or one of its axes has the name of an axis around it. */
export function checkReductionStart(what: string, names: readonly string[]): void {
  for (const f of visible()) {
    if (f.kind === "combine")
      throw new TeError("te.nested-reduction", `${what} over ${quote(names)} inside the combiner of "${f.owner}"`);
    if (f.kind === "reduce")
      throw new TeError(
        "te.nested-reduction",
        `${where()}${what} over ${quote(names)} inside the reduction over ${quote(f.axes.map((a) => a.name))}: ` +
          `compute the inner one as a tensor of its own, then read that with .at(...)`,
      );
    const place = WITHOUT[f.kind];
    if (place !== undefined)
      throw new TeError(
        "te.nested-reduction",
        `${where()}${what} over ${quote(names)} inside ${place}: compute it as a tensor of its own, then read that with .at(...)`,
      );
    for (const a of f.axes)
      if (names.includes(a.name))
        throw new TeError(
          "te.shadow",
          `"${f.owner}": the ${what} axis "${a.name}" hides the tensor's own axis "${a.name}": give it another name`,
        );
  }
}
export const quote = (names: readonly string[]): string => names.map((n) => `"${n}"`).join(", ");

/** Throws when the variable is an axis that is not visible here. */
export function checkVisible(v: Var): void {
  const owner = axisOwners.get(v);
  if (owner === undefined) return;
  for (const f of visible()) if (f.axes.some((a) => a.var === v) || f.locals.has(v)) return;
  throw outside(v, owner, visible().at(-1)?.owner);
}
function outside(v: Var, owner: string, here: string | undefined): TeError {
  if (here === owner)
    return new TeError(
      "te.scope",
      `"${owner}": "${v.name}" is used outside of the loop or branch that made it: put it into memory (b.alloc) to keep it`,
    );
  const axis = v.name;
  const place = here === undefined ? "outside of any body" : `in the body of "${here}"`;
  return new TeError(
    "te.scope",
    `axis "${axis}" belongs to "${owner}" but is used ${place}: ` +
      `an axis has a meaning only inside the callback that received it; read other tensors with .at(...)`,
  );
}
export const noteComparison = (e: Node): void => void frames.at(-1)?.comparisons.add(e);

/**
 * Runs a body with its axes in scope and checks what it returned. `results` picks the expressions out of the callback's value
 * (throwing when it isn't what it should be); `given` are conditions that always hold inside.
 */
export function inFrame<T, R>(
  kind: FrameKind,
  owner: string,
  axes: readonly FrameAxis[],
  body: () => T,
  results: (value: T) => { readonly result: R; readonly nodes: readonly Node[]; readonly bound?: readonly Var[] },
  given: readonly Node[] = [],
): R {
  const base = kind === "reduce" ? openFacts() : Facts.empty;
  const facts = given.reduce((f, c) => f.withCondition(c), withRanges(base, axes));
  const frame: Frame = { kind, owner, axes, facts, locals: new Set(), comparisons: new Set() };
  for (const a of axes) axisOwners.set(a.var, owner);
  frames.push(frame);
  try {
    const value = body();
    // a body that branched on a comparison often returns nothing at all: the comparison is the better thing to name
    if (value === undefined && kind !== "nest") checkComparisons(frame, []);
    const { result, nodes, bound } = results(value);
    checkDepth(`"${owner}"`, nodes);
    checkComparisons(frame, nodes);
    checkVariables(frame, nodes, bound);
    return result;
  } finally {
    frames.pop();
  }
}

/** Whether the innermost body that is running is that of `owner`. */
export function isOpen(owner: string, kind: FrameKind): boolean {
  const f = visible().at(-1);
  return f !== undefined && f.kind === kind && f.owner === owner;
}
/** Runs the body of a loop or branch inside a nest. */
export function innerFrame<T>(axes: readonly FrameAxis[], facts: Facts, run: () => T): T {
  const { owner, comparisons } = frames.at(-1)!;
  for (const a of axes) axisOwners.set(a.var, owner);
  frames.push({ kind: "inner", owner, axes, facts, locals: new Set(), comparisons });
  try {
    return run();
  } finally {
    frames.pop();
  }
}
/** A value that has a name from here to the end of the loop or branch. */
export function openLocal(v: Var, owner: string): void {
  axisOwners.set(v, owner);
  frames.at(-1)!.locals.add(v);
}
export const setOpenFacts = (facts: Facts): void => {
  frames.at(-1)!.facts = facts;
};

function checkComparisons(frame: Frame, nodes: readonly Node[]): void {
  if (frame.comparisons.size === 0) return;
  const reached = new Set<Node>();
  for (const n of nodes) visitExpr(n, () => {}, reached);
  for (const c of frame.comparisons)
    if (!reached.has(c))
      throw new TeError(
        "te.lost-comparison",
        `"${frame.owner}": the comparison ${brief(c)} never reaches the result. A comparison is an expression, always ` +
          `true to JavaScript's if, ?: and &&: choose with ${frame.kind === "nest" ? "b.if(c, ...), " : ""}select(c, a, b) or where(c, a, b), ` +
          "combine with .and(...), .or(...)",
      );
}

/** Every axis variable in the nodes must be visible, or bound by a reduction inside them. */
function checkVariables(frame: Frame, nodes: readonly Node[], bound: readonly Var[] = []): void {
  const allowed = new Set<Var>(bound);
  for (const f of visible()) for (const a of f.axes) allowed.add(a.var);
  const seen = new Set<Node>();
  for (const n of nodes)
    visitExpr(
      n,
      (e) => {
        if (e.kind === "reduce") for (const a of e.axes) allowed.add(a.var);
      },
      seen,
    );
  for (const e of seen)
    if (e.kind === "var" && !allowed.has(e)) {
      const owner = axisOwners.get(e);
      if (owner !== undefined) throw outside(e, owner, frame.owner);
    }
  const place = WITHOUT[frame.kind];
  if (frame.kind === "reduce" || place !== undefined)
    for (const e of seen)
      if (e.kind === "reduce")
        throw new TeError(
          "te.nested-reduction",
          `${where()}a ${e.combiner.name} over ${quote(e.axes.map((a) => a.var.name))} is used inside ` +
            `${place === undefined ? `the reduction over ${quote(frame.axes.map((a) => a.name))}` : `the ${frame.kind} "${frame.owner}"`}: ` +
            "compute the inner one as a tensor of its own, then read that with .at(...)",
        );
}
