/**
 * Turns `local` buffers into variables: scalars and vectors that live in registers.
 *
 * Every access must have come down to a constant position once what is common to all of them is left out. A buffer
 * where that fails is demoted to `workspace` memory, with a warning that names it and the loop variable at fault.
 *
 * Before: unrolled, lanes cut. After: no buffer of scope `local`.
 */
import { linear } from "../arith/index.ts";
import {
  accessesOf,
  add,
  type Buffer,
  buffer,
  constant,
  constInt,
  type Expr,
  exprsOf,
  type Func,
  int,
  mapExpr,
  mapExprs,
  mapStmt,
  mul,
  printExpr,
  replaceBuffers,
  type Stmt,
  seq,
  shuffle,
  slice,
  type Var,
  variable,
  varsOf,
  visitStmt,
  withBody,
  zeroOf,
} from "../ir/index.ts";
import { nativeLanes } from "../target/index.ts";
import { isPure } from "./conditions.ts";
import { boundIn } from "./walk.ts";

export interface LowerWarning {
  readonly code: string;
  readonly message: string;
  /** What is wrong, without the names that lowering has. */
  readonly fault?: string;
  /** The buffer it speaks of, where it is one. */
  readonly buffer?: string;
  /** The loop at fault, where one is: its variable. */
  readonly loop?: Var;
}

/** Registers one buffer may become. Past it, engines spill everything and compile slowly. */
const LIMIT = 256;

export function promoteLocals(f: Func, warn: (w: LowerWarning) => void): Func {
  const go = (s: Stmt): Stmt => {
    if (s.kind !== "alloc" || s.buffer.scope !== "local") return s;
    const plan = planFor(s.body, s.buffer);
    if (!("why" in plan)) return rewrite(s.body, s.buffer, plan);
    const b = s.buffer;
    const { why, fault = why, loop } = plan;
    warn({
      code: "local-demoted",
      message: `local buffer ${b.name} lives in memory: ${why}`,
      fault,
      buffer: b.name,
      ...(loop ? { loop } : {}),
    });
    const memory = buffer(b.name, b.dtype, b.shape, "workspace");
    return { kind: "alloc", buffer: memory, body: replaceBuffers(s.body, new Map([[b, memory]])) };
  };
  return withBody(f, mapStmt(f.body, go));
}

interface Span {
  readonly start: number;
  readonly lanes: number;
}
interface Plan {
  /** The span of an index list, relative to the buffer's common base. */
  readonly spanOf: (index: readonly Expr[]) => Span;
  readonly homeOf: (s: Span) => { var: Var; span: Span };
  /** The variables given out so far. */
  readonly homes: () => Iterable<Var>;
}

/** Splits an index into what varies at run time and a constant. */
function position(index: Expr): { symbolic: Expr; at: number; lanes: number } | undefined {
  const dense = index.kind === "ramp" ? (constInt(index.stride) === 1 ? index.base : undefined) : index;
  if (dense === undefined || dense.lanes !== 1) return undefined;
  const { terms, constant } = linear(dense);
  // Terms come in a canonical order, so equal sums are equal expressions.
  const symbolic = terms.reduce<Expr>((s, t) => add(s, mul(t.atom, int(t.coefficient))), int(0));
  return { symbolic, at: constant, lanes: index.lanes };
}

/** Why a buffer can't live in registers, also without names, and the loop at fault. */
interface Obstacle {
  readonly why: string;
  readonly fault?: string;
  readonly loop?: Var;
}
const atIndex = (index: Expr, fault: string, loop?: Var): Obstacle => ({
  why: `index ${printExpr(index)} ${fault}${loop ? ` ${loop.name}` : ""}`,
  fault: `an index ${fault}`,
  ...(loop ? { loop } : {}),
});
function planFor(s: Stmt, b: Buffer): Plan | Obstacle {
  const spans: Span[] = [];
  let common: Expr | undefined;
  const own = boundIn(s);
  for (const a of accessesOf(s)) {
    if (a.buffer !== b) continue;
    const p = position(a.index[0]!);
    if (p === undefined) return atIndex(a.index[0]!, "is not a dense vector");
    if (!isPure(p.symbolic)) return atIndex(a.index[0]!, "is known at run time only");
    const culprit = [...varsOf(p.symbolic)].find((x) => own.has(x));
    if (culprit) return atIndex(a.index[0]!, "changes with", culprit);
    common ??= p.symbolic;
    if (p.symbolic !== common) return atIndex(a.index[0]!, "is not constant after unrolling");
    if (p.lanes > 1 && b.dtype === "bool") return { why: "vectors of bool have no one register form" };
    spans.push({ start: p.at, lanes: p.lanes });
  }
  const homes = clusters(spans, nativeLanes(b.dtype));
  if (homes.length > LIMIT) return { why: `it would take ${homes.length} registers` };
  const vars = new Map<Span, Var>();
  const homeOf = (x: Span) => {
    const span = homes.find((h) => h.start <= x.start && x.start + x.lanes <= h.start + h.lanes)!;
    let v = vars.get(span);
    if (v === undefined) {
      v = variable(homes.length === 1 ? b.name : `${b.name}${span.start}`, b.dtype, {
        lanes: span.lanes,
        mutable: true,
      });
      vars.set(span, v);
    }
    return { var: v, span };
  };
  if (spans.some((x) => homes.every((h) => x.start < h.start || x.start + x.lanes > h.start + h.lanes)))
    return { why: "its vectors overlap in different ways" };
  const spanOf = (index: readonly Expr[]): Span => {
    const p = position(index[0]!)!;
    return { start: p.at, lanes: p.lanes };
  };
  return { spanOf, homeOf, homes: () => vars.values() };
}

/** Disjoint register-sized homes that hold every span whole; overlapping spans share the largest of them, or fail later. */
function clusters(spans: readonly Span[], native: number): Span[] {
  const sorted = [...spans].sort((a, b) => b.lanes - a.lanes || a.start - b.start);
  const homes: Span[] = [];
  for (const s of sorted) {
    if (homes.some((h) => s.start < h.start + h.lanes && h.start < s.start + s.lanes)) continue;
    if (s.lanes <= native) homes.push(s);
  }
  return homes;
}

function rewrite(s: Stmt, b: Buffer, plan: Plan): Stmt {
  const memo = new Map<Expr, Expr>();
  const read = (index: readonly Expr[]): Expr => {
    const span = plan.spanOf(index);
    const home = plan.homeOf(span);
    return home.span.lanes === span.lanes ? home.var : slice(home.var, span.start - home.span.start, span.lanes);
  };
  const fe = (e: Expr): Expr => mapExpr(e, (x) => (x.kind === "load" && x.buffer === b ? read(x.index) : x), memo);
  const partial = new Set<Var>();
  const body = mapStmt(mapExprs(s, fe), (x) => {
    if (x.kind !== "store" || x.buffer !== b) return x;
    const span = plan.spanOf(x.index);
    const home = plan.homeOf(span);
    if (home.span.lanes === span.lanes) return { kind: "assign", var: home.var, value: x.value };
    partial.add(home.var);
    const [n, at] = [home.span.lanes, span.start - home.span.start];
    const picks = Array.from({ length: n }, (_, l) => (l >= at && l < at + span.lanes ? n + l - at : l));
    return { kind: "assign", var: home.var, value: shuffle([home.var, x.value], picks) };
  });
  // A register written lane by lane is read before all of it is written.
  const zeros = [...new Set([...partial, ...readFirst(body, new Set(plan.homes()))])].map(
    (v): Stmt => ({ kind: "assign", var: v, value: constant(v.dtype, zeroOf(v.dtype), v.lanes) }),
  );
  return seq([...zeros, body]);
}

/** Registers that are read before they are written, in the order of the text: in branches never taken, though that was beyond proof. */
function readFirst(s: Stmt, registers: ReadonlySet<Var>): Var[] {
  const written = new Set<Var>();
  const found = new Set<Var>();
  visitStmt(s, (x) => {
    for (const e of exprsOf(x)) for (const v of varsOf(e)) if (registers.has(v) && !written.has(v)) found.add(v);
    if (x.kind === "assign") written.add(x.var);
  });
  return [...found];
}
