// biome-ignore-all lint/suspicious/noExplicitAny: `any` as a type argument means "whatever facts", and must not be checked
/** Intrinsics of the user's own: semantics as a tensor, instructions as plain data. */
import { simplifyIndex } from "../src/arith/index.ts";
import {
  bytesOf,
  children,
  constInt,
  type Expr,
  type Intrinsic,
  type IntrinsicAxis,
  type IntrinsicCode,
  type IntrinsicFeature,
  type IntrinsicOperand,
  int,
  intrinsicParts,
  isFloat,
  isInteger,
  type Load,
  nearNames,
  type Reduce,
  registerIntrinsic,
  substitute,
  usesVar,
  type Var,
  visitExpr,
} from "../src/ir/index.ts";
import { WASM_INSTRUCTIONS, type WasmValue } from "../src/target/index.ts";
import { describe } from "./build.ts";
import { checkOptions, isRecord } from "./check.ts";
import { TeError } from "./error.ts";
import { isTensor, type Tensor, tensorOf } from "./tensor.ts";
import type { FactsOf, In } from "./types.ts";

declare const token: unique symbol;
/** A vector (or, in between, a scalar) in the tree of instructions. */
export interface Token {
  readonly [token]: true;
}
/** One instruction by its official name: operands in their order, then lane numbers or bytes (a list where there are several). */
export type Emit = (name: string, ...operands: readonly (Token | number | readonly number[])[]) => Token;

export type OperandNames<X> = FactsOf<X> extends infer F ? (F extends In<infer N, any> ? N : never) : never;
export interface IntrinsicSpec<X extends Tensor<any, any, any, any, any>> {
  readonly name: string;
  /**
   * What it computes, over axes of constant extents. Each placeholder it reads is an operand, one vector register or less, read at one
   * index; the lanes of the result are the axes of the tensor. An element may be any expression of operands, a reduction, or an
   * operand combined with a reduction (an accumulator).
   */
  readonly semantics: X;
  readonly requires?: {
    /** What the target must have. */
    readonly features?: readonly IntrinsicFeature[];
    /** Bounds (inclusive) of operands' values outside of which machines differ. */
    readonly ranges?: { readonly [N in OperandNames<X>]?: readonly [min: number, max: number] };
  };
  readonly emit: {
    readonly wasm: (operands: { readonly [N in OperandNames<X>]: Token }, i: Emit) => Token;
  };
}

const told = (x: unknown): string => (typeof x === "string" ? JSON.stringify(x) : describe(x));
const fail = (name: string, why: string): TeError => new TeError("te.intrinsic", `intrinsic "${name}": ${why}`);

/**
 * Describes a hardware operation: what it computes, what it needs, and the instructions it is.
 *
 *     const dot = defineIntrinsic({
 *       name: "dot",
 *       semantics: compute("dot", { i: 4 }, ({ i }) =>
 *         c.at(i).add(sum({ k: 2 }, ({ k }) => a.at(i, k).cast("i32").mul(b.at(i, k).cast("i32"))))),
 *       emit: { wasm: ({ a, b, c }, i) => i("i32x4.add", c, i("i32x4.dot_i16x8_s", a, b)) },
 *     });
 *     s.tensorize(ji, dot);
 *
 * The instructions are taken on trust: nothing compares them with the semantics. A kernel of the semantics with the intrinsic in
 * its place, against `evaluate`, does (docs/lessons/09-instructions.md).
 *
 * Throws TeError (`te.intrinsic`) for semantics of another form, for an unknown instruction or operands that don't suit it, and
 * TilewrightError (`intrinsic-name`) for a name that another intrinsic has.
 */
export function defineIntrinsic<X extends Tensor<any, any, any, any, any>>(
  spec: IntrinsicSpec<X>,
): Intrinsic<OperandNames<X>> {
  if (!isRecord(spec))
    throw new TeError("te.intrinsic", `defineIntrinsic takes a record, but was given ${describe(spec)}`);
  checkOptions(spec, ["name", "semantics", "requires", "emit"], "defineIntrinsic", "te.intrinsic");
  const { name, semantics, requires, emit } = spec;
  if (typeof name !== "string" || !/^[\p{L}_][\p{L}\p{N}_.]*$/u.test(name))
    throw new TeError("te.intrinsic", `an intrinsic can't be named ${told(name)}: letters, digits, "_" and "."`);
  checkOptions(requires, ["features", "ranges"], `intrinsic "${name}": requires`, "te.intrinsic");
  const features: unknown = requires?.features ?? [];
  if (!Array.isArray(features)) throw fail(name, `the features are ${told(features)}: expected a list, ["relaxed"]`);
  const ranges: unknown = requires?.ranges ?? {};
  if (!isRecord(ranges)) throw fail(name, `the ranges are ${told(ranges)}: expected [min, max] by operand`);
  for (const f of features) if (f !== "relaxed") throw fail(name, `there is no feature ${told(f)}: there is "relaxed"`);
  const { axes, body, dtype } = bodyOf(name, semantics);
  const operands = operandsOf(name, axes, body, ranges);
  if (!isRecord(emit) || typeof emit.wasm !== "function")
    throw fail(name, "emit says nothing of wasm: emit: { wasm: (operands, i) => i(...) }");
  const code = codeOf(
    name,
    operands.map((o) => o.name),
    emit.wasm as never,
    features.includes("relaxed"),
  );
  const lanes = axes.reduce((n, a) => n * a.extent, 1);
  checkVector(name, "the result", dtype, lanes);
  return registerIntrinsic<OperandNames<X>>(
    Object.freeze({
      kind: "intrinsic",
      name,
      axes,
      operands: operands as unknown as readonly IntrinsicOperand<OperandNames<X>>[],
      dtype,
      lanes,
      body,
      features: [...features],
      emit: { wasm: code },
    }),
  );
}

function checkVector(name: string, what: string, dtype: Expr["dtype"], lanes: number): void {
  if ((!isFloat(dtype) && !isInteger(dtype)) || dtype === "f16")
    throw fail(name, `${what} is ${dtype}: no lanes hold that`);
  if (lanes < 2 || (lanes & (lanes - 1)) !== 0 || lanes * bytesOf(dtype) > 16)
    throw fail(name, `${what} has ${lanes} lanes of ${dtype}: expected a power of two of them, 16 bytes at most`);
}

function bodyOf(name: string, x: unknown) {
  if (!isTensor(x)) throw fail(name, `its semantics is ${describe(x)}: expected a tensor that compute returned`);
  const { source } = x as Tensor;
  if (source.kind !== "compute" || source.bodies.length !== 1)
    throw fail(name, `its semantics "${x.name}" is no single compute(...)`);
  const body = source.bodies[0]!;
  const constant = (a: { readonly var: Var; readonly extent: Expr }): IntrinsicAxis => {
    const extent = constInt(a.extent);
    if (extent === undefined || extent < 1) throw fail(name, `axis ${a.var.name} has no constant extent of at least 1`);
    return { var: a.var, extent };
  };
  const axes = source.axes.map(constant);
  for (const r of reductionsIn(body)) r.axes.forEach(constant);
  checkForm(name, body);
  return { axes, body, dtype: body.dtype };
}

function reductionsIn(e: Expr): Reduce[] {
  const out: Reduce[] = [];
  visitExpr(e, (x) => void (x.kind === "reduce" && out.push(x)));
  return out;
}
function checkForm(name: string, body: Expr): void {
  const found = reductionsIn(body);
  if (found.length === 0) return;
  const { reduction, accumulator } = intrinsicParts(body);
  if (reduction === undefined)
    throw fail(name, "a reduction is its whole element, or is combined with one operand: c.at(i).add(sum(...))");
  const how = reduction.combiner.results[0];
  if (reduction.condition || reduction.values.length > 1 || how?.kind !== "op" || how.args.length !== 2)
    throw fail(name, `the ${reduction.combiner.name} is no plain reduction of one value`);
  if (accumulator && (body.kind !== "op" || body.op !== how.op))
    throw fail(
      name,
      `the accumulator is combined by ${body.kind === "op" ? body.op : body.kind}, the reduction by ${how.op}`,
    );
}

function operandsOf(
  name: string,
  axes: readonly IntrinsicAxis[],
  body: Expr,
  ranges: Readonly<Record<string, unknown>>,
): IntrinsicOperand[] {
  const extents = new Map<Var, number>(axes.map((a) => [a.var, a.extent]));
  for (const r of reductionsIn(body)) for (const a of r.axes) extents.set(a.var, constInt(a.extent)!);
  const reads = new Map<string, Load>();
  const walk = (e: Expr, inside: boolean): void => {
    if (e.kind === "var")
      throw fail(
        name,
        inside ? `an index depends on ${e.name}, which is no axis` : `${e.name} stands outside of an index`,
      );
    if (e.kind !== "load") {
      for (const k of e.kind === "reduce" ? e.values : children(e)) walk(k, inside);
      return;
    }
    const t = tensorOf(e.buffer);
    if (t?.source.kind !== "placeholder") throw fail(name, `it reads ${e.buffer.name}, which is no placeholder`);
    if (e.buffer.strides) throw fail(name, `operand ${e.buffer.name} has strides: a vector is dense`);
    const old = reads.get(e.buffer.name);
    if (old !== undefined && old !== e)
      throw fail(
        name,
        `operand ${e.buffer.name} is read at two indices: give the axis between them a reduction of its own`,
      );
    reads.set(e.buffer.name, e);
  };
  walk(body, false);
  const known = [...reads.keys()];
  for (const n of Object.keys(ranges))
    if (!known.includes(n)) throw fail(name, `it has no operand "${n}": there are ${known.join(", ")}`);
  return [...reads.values()].map((read): IntrinsicOperand => {
    const { buffer } = read;
    const lanes = lanesOf(name, read, extents);
    checkVector(name, `operand ${buffer.name}`, buffer.dtype, lanes);
    const range = ranges[buffer.name];
    if (range !== undefined && !isRange(range))
      throw fail(name, `the range of ${buffer.name} is ${told(range)}: expected [min, max]`);
    return { name: buffer.name, buffer, dtype: buffer.dtype, lanes, ...(range ? { range: [range[0], range[1]] } : {}) };
  });
}

const isRange = (x: unknown): x is readonly [number, number] =>
  Array.isArray(x) && x.length === 2 && typeof x[0] === "number" && x[0] <= x[1] && typeof x[1] === "number";

/** The number of elements of an operand; each must be read at one point of the axes that its index depends on. */
function lanesOf(name: string, read: Load, extents: ReadonlyMap<Var, number>): number {
  const { buffer } = read;
  const shape = buffer.shape.map((e) => constInt(e));
  if (shape.some((n) => n === undefined)) throw fail(name, `operand ${buffer.name} has no constant shape`);
  const lanes = (shape as number[]).reduce((a, b) => a * b, 1);
  const own = [...extents].filter(([v]) => read.index.some((i) => usesVar(i, (x) => x === v)));
  const seen = new Set<number>();
  const go = (d: number, at: ReadonlyMap<Var, Expr>): void => {
    if (d < own.length) {
      const [v, n] = own[d]!;
      for (let x = 0; x < n; x++) go(d + 1, new Map(at).set(v, int(x)));
      return;
    }
    const index = read.index.map((i) => constInt(simplifyIndex(substitute(i, at))));
    const lane = index.reduce((f: number, i, k) => f * shape[k]! + (i ?? Number.NaN), 0);
    if (Number.isNaN(lane)) throw fail(name, `an index of operand ${buffer.name} is no expression of axes`);
    if (seen.has(lane)) throw fail(name, `operand ${buffer.name} reads lane ${lane} at two points of its axes`);
    seen.add(lane);
  };
  go(0, new Map());
  if (seen.size !== lanes)
    throw fail(name, `only ${seen.size} of the ${lanes} elements of operand ${buffer.name} are read`);
  return lanes;
}
/** Calls the user's function once, with tokens for operands, and checks every instruction. */
function codeOf(
  name: string,
  operands: readonly string[],
  make: (operands: Readonly<Record<string, Token>>, i: Emit) => Token,
  relaxed: boolean,
): IntrinsicCode {
  const types = new Map<IntrinsicCode, WasmValue>();
  const isToken = (x: unknown): x is IntrinsicCode =>
    typeof x === "object" && x !== null && types.has(x as IntrinsicCode);
  const used = new Set<string>();
  const tokens = operands.map((o): [string, IntrinsicCode] => {
    const t: IntrinsicCode = Object.freeze({ kind: "operand", name: o });
    types.set(t, "v128");
    return [o, t];
  });
  const emit = (instruction: string, ...given: readonly unknown[]): IntrinsicCode => {
    const known = WASM_INSTRUCTIONS.get(instruction);
    if (known === undefined) {
      const near = nearNames(String(instruction), WASM_INSTRUCTIONS.keys());
      const meant = near.length > 0 ? `: is it ${near.join(", ")}?` : "";
      throw fail(name, `there is no instruction ${told(instruction)}${meant}`);
    }
    if (known.relaxed && !relaxed) throw fail(name, `${instruction} needs requires: { features: ["relaxed"] }`);
    const args = given.filter(isToken);
    const rest = given.filter((x) => !isToken(x)).flat();
    const wanted = known.takes.join(", ") || "nothing";
    if (args.map((a) => types.get(a)).join() !== known.takes.join())
      throw fail(
        name,
        `${instruction} takes ${wanted}, but was given ${args.map((a) => types.get(a)).join(", ") || "nothing"}`,
      );
    const { count, limit } = known.immediates ?? { count: 0, limit: undefined };
    const fits = (x: unknown): boolean =>
      typeof x === "number" && (limit === undefined || (Number.isInteger(x) && x >= 0 && x < limit));
    if (rest.length !== count || !rest.every(fits))
      throw fail(
        name,
        `${instruction} has ${count} number(s)${limit ? ` below ${limit}` : ""} in it, but was given ${rest.map(describe).join(", ") || "none"}`,
      );
    for (const a of args) if (a.kind === "operand") used.add(a.name);
    const node: IntrinsicCode = Object.freeze({
      kind: "instruction",
      name: instruction,
      immediates: rest as number[],
      args,
    });
    types.set(node, known.gives);
    return node;
  };
  const code: unknown = make(Object.fromEntries(tokens) as never, emit as unknown as Emit);
  if (!isToken(code) || types.get(code) !== "v128") throw fail(name, "emit.wasm returns no vector: return i(...)");
  const unused = operands.find((o) => !used.has(o));
  if (unused !== undefined && code.kind === "instruction") throw fail(name, `emit.wasm leaves operand ${unused} out`);
  return code;
}
