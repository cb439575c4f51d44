import { expect } from "vitest";
import type { Schedule, ScheduleError } from "../../schedule/index.ts";
import { simplifyIndex } from "../../src/arith/index.ts";
import {
  type Buffer,
  constInt,
  type Expr,
  type For,
  type Func,
  int,
  mapExpr,
  type Stmt,
  seq,
  substituteStmt,
  variable,
  verify,
} from "../../src/ir/index.ts";
import { arrayFor, interpret, type TypedArrayLike } from "../../src/reference/index.ts";

/** Small whole numbers, so that float sums are exact in any order. */
export function fill(b: Buffer, n: number, seed: number): TypedArrayLike {
  const a = arrayFor(b.dtype, n);
  let x = seed * 7919 + 17;
  for (let i = 0; i < n; i++) {
    x = (x * 1103515245 + 12345) & 0x7fffffff;
    const v = (x >> 8) % 9;
    (a as { [i: number]: number | bigint })[i] = b.dtype === "i64" || b.dtype === "u64" ? BigInt(v) : v;
  }
  return a;
}
const sizeOf = (b: Buffer, sizes: Record<string, number>): number =>
  b.shape.reduce((n, e) => n * evalSize(e, sizes), 1);
function evalSize(e: Expr, sizes: Record<string, number>): number {
  const x = mapExpr(e, (v) => (v.kind === "var" ? int(sizes[v.name]!) : v));
  return constInt(simplifyIndex(x))!;
}
export function results(f: Func, sizes: Record<string, number> = {}): Record<string, number[]> {
  const inputs = Object.fromEntries(f.inputs.map((b, i) => [b.name, fill(b, sizeOf(b, sizes), i + 1)]));
  const out = interpret(f, inputs, { sizes });
  return Object.fromEntries(Object.entries(out).map(([k, v]) => [k, Array.from(v as ArrayLike<number>, Number)]));
}

/** The schedule is well formed and computes what the unscheduled function does. */
export function same(s: Schedule<unknown>, before: Func, sizes: readonly Record<string, number>[] = [{}]): void {
  verify(s.func, "scheduled");
  for (const z of sizes) {
    const [a, b] = [results(before, z), results(s.func, z)];
    for (const k of Object.keys(a)) {
      const at = a[k]!.findIndex((v, i) => !Object.is(v, b[k]![i]) && v !== b[k]![i]);
      if (at >= 0)
        throw new Error(`${k}[${at}]: ${a[k]![at]} before, ${b[k]![at]} after, sizes ${JSON.stringify(z)}\n${s}`);
    }
  }
}
/** The body's text, without the header lines. */
export const nest = (s: Schedule<unknown>): string =>
  `${s}`
    .split("\n")
    .filter((l) => !/^func|^ {2}buffer/.test(l))
    .map((l) => l.slice(2))
    .join("\n");

/** The error of an illegal step, which must leave the schedule as it was. */
export function illegal(s: Schedule<unknown>, step: () => unknown): ScheduleError {
  const before = `${s}`;
  const steps = s.trace.length;
  let error: unknown;
  try {
    step();
  } catch (e) {
    error = e;
  }
  if (error === undefined) throw new Error(`this should have been refused, but gave\n${s}`);
  if ((error as Error).name !== "ScheduleError") throw error;
  expect(`${s}`).toBe(before);
  expect(s.trace.length).toBe(steps);
  return error as ScheduleError;
}

/** Vectorized loops as vectors would run: all lanes do one statement before any does the next. */
export function inLockStep(f: Func): Func {
  const sink = (s: Stmt, lanes: readonly For[]): Stmt => {
    switch (s.kind) {
      case "for":
        return s.loop === "vectorized" ? sink(s.body, [...lanes, s]) : { ...s, body: sink(s.body, lanes) };
      case "seq":
        return seq(s.body.map((x) => sink(x, lanes)));
      default:
        return lanes.reduceRight<Stmt>((body, l) => {
          const v = variable(l.var.name);
          return { ...l, var: v, body: substituteStmt(body, new Map([[l.var, v]])) };
        }, s);
    }
  };
  return { ...f, body: sink(f.body, []) };
}
