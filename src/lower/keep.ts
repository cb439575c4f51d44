/**
 * Keeps in registers what a loop accumulates in memory: elements that every iteration reads and writes at the same place are
 * loaded before the loop and stored after it. A block of a reduction can so add to results that other blocks began.
 *
 * Only nests whose innermost body is straight-line code, and only as many elements as an engine has registers for. Before:
 * unrolled, lanes cut, stores forwarded. After: the same, with fewer accesses.
 */
import { prove } from "../arith/index.ts";
import {
  type Expr,
  exprsOf,
  type For,
  type Func,
  int,
  le,
  load,
  mapExpr,
  type Stmt,
  type Store,
  seq,
  usesVar,
  type Var,
  variable,
  visitExpr,
  withBody,
} from "../ir/index.ts";
import { VECTOR_REGISTERS } from "../target/index.ts";
import { isPure } from "./conditions.ts";
import { type Line, linesOf, ofLines } from "./lines.ts";
import { mayOverlap, samePlace } from "./places.ts";
import { walkFacts } from "./walk.ts";

/** Beside the accumulators: two vectors of an operand and a broadcast of the other. */
const OPERANDS = 3;

export function keepInRegisters(f: Func): Func {
  return withBody(
    f,
    walkFacts(f.body, (s, facts) => {
      if (s.kind !== "for") return s;
      const nest = nestOf(s);
      if (nest === undefined) return s;
      let inside = facts;
      for (const l of nest.loops) {
        // whether an inner loop runs at all would have to be asked in each iteration of the outer one
        if (l !== s && !prove(le(int(1), l.extent), inside)) return s;
        inside = inside.withVar(l.var, l.min, l.extent);
      }
      const places = accumulators(nest);
      if (places.length === 0 || places.length > VECTOR_REGISTERS - OPERANDS) return s;
      const kept = keep(nest, places);
      const runs = le(int(1), s.extent);
      return prove(runs, facts) ? kept : { kind: "if", condition: runs, then: kept };
    }),
  );
}

interface Nest {
  /** Outermost first; each is all that the one around it contains. */
  readonly loops: readonly For[];
  readonly lines: readonly Line[];
}
function nestOf(s: For): Nest | undefined {
  const loops = [s];
  let body = s.body;
  for (; body.kind === "for"; body = body.body) loops.push(body);
  const lines = linesOf(body);
  return lines && { loops, lines };
}

/** Stores to places that stay the same, that are read before, and that nothing else in the nest can touch. */
function accumulators({ loops, lines }: Nest): readonly Store[] {
  const bound = new Set<Var>(loops.map((l) => l.var));
  for (const l of lines) if (l.kind === "let") bound.add(l.var);
  const fixed = (e: Expr): boolean => isPure(e) && !usesVar(e, (v) => bound.has(v));
  const loads: { buffer: Store["buffer"]; index: readonly Expr[] }[] = [];
  const seen = new Set<Expr>();
  for (const l of lines)
    for (const e of l.kind === "let" ? [l.value] : exprsOf(l))
      visitExpr(e, (x) => void (x.kind === "load" && loads.push(x)), seen);
  const stores = lines.filter((l) => l.kind === "store");
  const found: Store[] = [];
  for (const s of stores) {
    // a vector of bool has no one register form
    if ((s.value.dtype === "bool" && s.value.lanes > 1) || !s.index.every(fixed)) continue;
    if (found.some((x) => samePlace(x, s.buffer, s.index))) continue;
    const mine = (x: { buffer: Store["buffer"]; index: readonly Expr[] }): boolean =>
      samePlace(s, x.buffer, x.index) || x.buffer !== s.buffer || !mayOverlap(s.index, x.index);
    const read = loads.some((x) => samePlace(s, x.buffer, x.index));
    if (read && loads.every(mine) && stores.every(mine)) found.push(s);
  }
  return found;
}

function keep({ loops, lines }: Nest, places: readonly Store[]): Stmt {
  const registers = places.map((p) =>
    variable(p.buffer.name.toLowerCase(), p.value.dtype, { lanes: p.value.lanes, mutable: true }),
  );
  const homeOf = (buffer: Store["buffer"], index: readonly Expr[]): Var | undefined =>
    registers[places.findIndex((p) => samePlace(p, buffer, index))];
  const memo = new Map<Expr, Expr>();
  const read = (e: Expr): Expr => mapExpr(e, (x) => (x.kind === "load" ? (homeOf(x.buffer, x.index) ?? x) : x), memo);
  const body = lines.map((l): Line => {
    if (l.kind !== "store") return { ...l, value: read(l.value) };
    const home = homeOf(l.buffer, l.index);
    const value = read(l.value);
    return home ? { kind: "assign", var: home, value } : { ...l, index: l.index.map(read), value };
  });
  const inner = loops.reduceRight<Stmt>((s, l) => ({ ...l, body: s }), ofLines(body));
  return seq([
    ...places.map((p, n): Stmt => ({ kind: "assign", var: registers[n]!, value: load(p.buffer, p.index) })),
    inner,
    ...places.map((p, n): Stmt => ({ ...p, value: registers[n]! })),
  ]);
}
