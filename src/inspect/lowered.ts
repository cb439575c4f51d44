/**
 * Reading the last stage of lowering that still has buffers: which loop is hot, whether it is vector code, how many registers
 * its body needs, which accesses jump through memory.
 */
import {
  type Buffer,
  bytesOf,
  children,
  constInt,
  type Expr,
  exprsOf,
  type For,
  type Func,
  isFloat,
  type Stmt,
  type Var,
  visitExpr,
} from "../ir/index.ts";
import { type LowerWarning, lowerFunc } from "../lower/index.ts";
import type { Target } from "../target/index.ts";
import { countOf, type Env, midway, numberOf } from "./numbers.ts";

/** What runs as often as one loop iterates: its body, without the loops inside. */
export interface Region {
  /** Absent: the function's own statements. */
  readonly loop?: For;
  /** The loops around that one, outermost first. */
  readonly around: readonly For[];
  /** Times it runs in one call. */
  readonly times: number;
  readonly body: readonly Stmt[];
  /** Operations, loads and stores in one run; a vector counts as one. */
  readonly instructions: number;
  readonly vectors: number;
}
/** An access of several lanes that are not neighbours. */
export interface Strided {
  readonly buffer: Buffer;
  /** Elements between lanes; undefined where that is irregular. */
  readonly stride: number | undefined;
  readonly lanes: number;
  readonly store: boolean;
  readonly times: number;
}
export interface Allocated {
  readonly buffer: Buffer;
  readonly bytes: number;
  /** Loops around its allocation. */
  readonly loops: readonly Var[];
}
export interface Inspected {
  readonly regions: readonly Region[];
  readonly strided: readonly Strided[];
  /** Vector accesses to memory in one call. */
  readonly accesses: number;
  readonly allocated: readonly Allocated[];
  readonly warnings: readonly LowerWarning[];
}

/** Calls `visit` for each statement with how often it runs, and the loops around it. A branch is judged by a steady iteration. */
function walk(f: Func, env: Env, visit: (s: Stmt, times: number, loops: readonly For[]) => void): void {
  const go = (s: Stmt, times: number, loops: readonly For[], at: Env): void => {
    visit(s, times, loops);
    switch (s.kind) {
      case "for":
        return go(s.body, times * countOf(s.extent, at), [...loops, s], midway([s], at));
      case "if": {
        const holds = numberOf(s.condition, at);
        const share = holds === undefined ? 0.5 : holds === 0 ? 0 : 1;
        go(s.then, times * share, loops, at);
        if (s.otherwise) go(s.otherwise, times * (1 - share), loops, at);
        return;
      }
      case "let": {
        const v = s.value.lanes === 1 ? numberOf(s.value, at) : undefined;
        return go(s.body, times, loops, v === undefined ? at : new Map([...at, [s.var, v]]));
      }
      case "seq":
        for (const x of s.body) go(x, times, loops, at);
        return;
      case "alloc":
      case "block":
        return go(s.body, times, loops, at);
      case "store":
      case "assign":
        return;
      default:
        return s satisfies never;
    }
  };
  go(f.body, 1, [], env);
}

interface Stages {
  readonly target: Target;
  readonly byName: ReadonlyMap<string, Func>;
  readonly warnings: readonly LowerWarning[];
}
const lowered = new WeakMap<Func, Stages>();
/** The stages of lowering by name, the last ones kept: several questions are asked of one function. */
export function stagesOf(f: Func, target: Target): Stages {
  const old = lowered.get(f);
  if (old?.target === target) return old;
  const byName = new Map<string, Func>();
  const { warnings } = lowerFunc(f, target, { onStage: (name, stage) => byName.set(name, stage) });
  const stages = { target, byName, warnings };
  lowered.set(f, stages);
  return stages;
}

/** What the stages of lowering show. */
export function inspect(f: Func, target: Target, sizes: Env): Inspected {
  const { byName, warnings } = stagesOf(f, target);
  const last = byName.get("hoist")!;
  const wide = byName.get("vectorize")!;
  const strided: Strided[] = [];
  let accesses = 0;
  walk(wide, sizes, (s, times) => {
    const see = (buffer: Buffer, index: Expr, store: boolean): void => {
      if (index.lanes === 1 || index.kind === "broadcast" || buffer.scope === "local") return;
      accesses += times;
      const stride = index.kind === "ramp" ? constInt(index.stride) : undefined;
      // neighbours forwards or backwards, and every other element, are loaded by registers
      if (stride !== undefined && Math.abs(stride) <= 2) return;
      strided.push({ buffer, stride, lanes: index.lanes, store, times });
    };
    if (s.kind === "store") see(s.buffer, s.index[0]!, true);
    for (const e of exprsOf(s)) visitExpr(e, (x) => void (x.kind === "load" && see(x.buffer, x.index[0]!, false)));
  });
  const allocated: Allocated[] = [];
  walk(last, sizes, (s, _, loops) => {
    if (s.kind !== "alloc") return;
    const bytes = s.buffer.shape.reduce((n, e) => n * countOf(e, sizes), bytesOf(s.buffer.dtype));
    allocated.push({ buffer: s.buffer, bytes, loops: loops.map((l) => l.var) });
  });
  return { regions: regionsOf(last, sizes), strided, accesses, allocated, warnings };
}

function regionsOf(f: Func, sizes: Env): Region[] {
  type Growing = { around: readonly For[]; times: number; body: Stmt[]; instructions: number; vectors: number };
  const own = new Map<For | undefined, Growing>();
  walk(f, sizes, (s, times, loops) => {
    const loop = loops.at(-1);
    const r = own.get(loop) ?? { around: loops.slice(0, -1), times, body: [], instructions: 0, vectors: 0 };
    own.set(loop, r);
    if (s.kind !== "store" && s.kind !== "assign" && s.kind !== "let") return;
    r.body.push(s);
    const part = r.times === 0 ? 0 : times / r.times;
    const lanes = (e: Expr): void => {
      r.instructions += part;
      if (e.lanes > 1) r.vectors += part;
    };
    for (const e of exprsOf(s))
      visitExpr(e, (x) => void ((x.kind === "op" || x.kind === "load" || x.kind === "call") && lanes(x)));
    if (s.kind === "store") lanes(s.value);
  });
  return [...own].map(([loop, r]) => ({ ...(loop ? { loop } : {}), ...r }));
}

/** Values that live in the registers of vectors and floats. */
const inVectorRegister = (e: Expr): boolean => e.lanes > 1 || isFloat(e.dtype);

export interface Pressure {
  /** Values that stay in registers from one iteration to the next. */
  readonly carried: number;
  /** Those among them that each iteration changes. */
  readonly updated: number;
  /** Values of one iteration that live at the same time, at most. */
  readonly temporary: number;
}
/** Vector registers that one run of a region needs, in program order. */
export function pressureOf(r: Region): Pressure {
  const inner = new Set<Var>();
  const lastUse = new Map<Var, number>();
  const carried = new Set<Var>();
  const updated = new Set<Var>();
  for (const [at, s] of r.body.entries()) {
    if (s.kind === "let" && inVectorRegister(s.var)) inner.add(s.var);
    if (s.kind === "assign" && inVectorRegister(s.var)) {
      carried.add(s.var);
      updated.add(s.var);
    }
    for (const e of exprsOf(s))
      visitExpr(e, (x) => {
        if (x.kind !== "var" || !inVectorRegister(x)) return;
        if (inner.has(x)) lastUse.set(x, at);
        else carried.add(x);
      });
  }
  let temporary = 0;
  const live = new Set<Var>();
  for (const [at, s] of r.body.entries()) {
    if (s.kind !== "store" && s.kind !== "assign" && s.kind !== "let") continue;
    const dying = [...live].filter((v) => (lastUse.get(v) ?? at) <= at).length;
    // an accumulator's new value takes the place of the old one
    const need = s.kind === "assign" ? partsFor(s.value) : registersFor(s.value);
    temporary = Math.max(temporary, live.size + Math.max(0, need - dying));
    for (const v of live) if ((lastUse.get(v) ?? at) <= at) live.delete(v);
    if (s.kind === "let" && inner.has(s.var)) live.add(s.var);
    temporary = Math.max(temporary, live.size);
  }
  return { carried: carried.size, updated: updated.size, temporary };
}
/** Registers to compute an expression beyond those of the variables in it. */
function registersFor(e: Expr): number {
  if (e.kind === "var" || !inVectorRegister(e)) return 0;
  // an index is computed elsewhere, and a value repeated in all lanes is loaded so
  if (e.kind === "const" || e.kind === "load" || e.kind === "broadcast") return 1;
  return Math.max(1, partsFor(e));
}
/** Registers that the operands of an expression take at once, the one that needs most first; variables have theirs already. */
const partsFor = (e: Expr): number =>
  children(e)
    .map(registersFor)
    .filter((n) => n > 0)
    .sort((x, y) => y - x)
    .reduce((most, n, held) => Math.max(most, n + held), 0);
