// biome-ignore-all lint/suspicious/noExplicitAny: kernels are made from tables, so no static type can follow them
/** Element-wise kernels of every operation: built, lowered, emitted, looked at, and run against the semantics table. */
import { expect } from "vitest";
import { emitWasm } from "../../codegen/wasm/index.ts";
import { schedule } from "../../schedule/index.ts";
import { applyOp, bytesOf, type DType, normalize, type OpName, opInfo, type Scalar } from "../../src/ir/index.ts";
import { lowerFunc } from "../../src/lower/index.ts";
import { arrayOf, readElement, type TypedArrayLike } from "../../src/reference/index.ts";
import { load } from "../../src/runtime/index.ts";
import { VECTOR_BYTES, wasm } from "../../src/target/index.ts";
import * as te from "../../te/index.ts";
import { Random, randomValue, specials } from "../legalize/values.ts";
import {
  find,
  innermostLoops,
  isSimd,
  lanesStored,
  type Node,
  parseFunction,
  scalarCode,
  storedBytes,
  withoutLoops,
} from "./wat.ts";

export const LENGTH = 64 + 7;
/** Steps of the vectorized loop: one register of bytes, several of anything wider. */
const STEPS = 16;

export interface Kernel {
  readonly name: string;
  readonly inputs: readonly DType[];
  readonly result: DType;
  readonly body: (args: any[], at: any) => any;
  /** What the result has to be; `close` where it is not exact. */
  readonly want: (args: Scalar[], i: number) => Scalar;
  readonly ulps?: number;
  readonly values?: (d: DType, r: Random, operand: number) => Scalar;
}
export type Form = "guard" | "peel" | "symbolic";

export interface Emitted {
  readonly root: Node;
  readonly hot: Node;
  /** Scalar code in the hot loop; empty for vector code. */
  readonly scalar: readonly string[];
  /** Lanes per store before and after the hot loop. */
  readonly tail: readonly number[];
  /** Instructions of the tail that take vectors apart or put them together lane by lane. */
  readonly picked: readonly string[];
  readonly run: (inputs: Record<string, TypedArrayLike>) => TypedArrayLike;
}

export async function emit(k: Kernel, form: Form): Promise<Emitted> {
  const n: any = form === "symbolic" ? te.dim("n", { min: 1 }) : LENGTH;
  const tensors = k.inputs.map((d, j) => te.placeholder(`X${j}`, [n], d)) as any[];
  const Y: any = te.compute("Y", { i: n }, ({ i }: any) =>
    k.body(
      tensors.map((t) => t.at(i)),
      i,
    ),
  );
  const s: any = schedule(Y);
  const { i } = s.loops(Y);
  const { ii } = s.split(i, { io: "rest", ii: STEPS }, { tail: form === "guard" ? "guard" : "peel" });
  s.vectorize(ii);
  const module = await emitWasm(lowerFunc(s.func, wasm()), wasm());
  const root = parseFunction(module.wat);
  const loops = innermostLoops(root).filter((l) => find(l, (x) => storedBytes(x) !== undefined).length > 0);
  expect(loops.length, `${k.name}: loops with stores`).toBe(1);
  const tail = withoutLoops(root);
  const kernel: any = await load(module.wasm);
  return {
    root,
    hot: loops[0]!,
    scalar: scalarCode(loops[0]!),
    tail: lanesStored(tail, bytesOf(k.result)),
    picked: find(tail, (x) => /\.(extract|replace)_lane/.test(x.name)).map((x) => x.name),
    run: (inputs) => kernel(inputs),
  };
}

/** Powers of two that make up `n` lanes, none above a register. */
export function cascade(n: number, most: number): number[] {
  const out: number[] = [];
  for (let w = most; w >= 1; w /= 2) for (; n >= w; n -= w) out.push(w);
  return out;
}

/** The hot loop and the tail of a kernel that must be vector code. */
export function expectVector(k: Kernel, form: Form, e: Emitted): void {
  const what = `${k.name} (${form})`;
  expect(e.scalar, `${what}: scalar code in the hot loop`).toEqual([]);
  expect(find(e.hot, isSimd).length, `${what}: SIMD instructions`).toBeGreaterThan(0);
  expectTail(k, form, e);
}
/** The tail is pieces of 8, 4, 2, 1 lanes, no loop; only the last lane may be scalar. */
export function expectTail(k: Kernel, form: Form, e: Emitted): void {
  // as many lanes as a register of what lies in memory has
  const native = VECTOR_BYTES / bytesOf(k.result);
  const pieces = form === "symbolic" ? [8, 4, 2, 1] : [4, 2, 1];
  const want = pieces.flatMap((w) => cascade(w, native));
  expect([...e.tail], `${k.name} (${form}): lanes of the tail's stores`).toEqual(want);
  expect(e.picked, `${k.name} (${form}): lanes taken apart in the tail`).toEqual([]);
}

/** Both forms of a kernel, looked at and run. `missing` names the instruction for want of which the loop is scalar. */
export async function check(k: Kernel, missing: string | undefined, forms: readonly Form[]): Promise<void> {
  for (const form of forms) {
    const e = await emit(k, form);
    if (missing === undefined) expectVector(k, form, e);
    else
      expect(e.scalar.length, `${k.name} (${form}) is vector code, though there is no ${missing}`).toBeGreaterThan(0);
    expectValues(k, form, e);
    if (form === "symbolic") for (const n of [5, 26]) expectValues(k, form, e, n);
  }
}

export function dataFor(k: Kernel, length: number): { arrays: Record<string, TypedArrayLike>; rows: Scalar[][] } {
  const r = new Random(7);
  const first = k.inputs[0] === undefined ? [] : specials(k.inputs[0]);
  const columns = k.inputs.map((d, j) =>
    Array.from({ length }, (_, i) => {
      if (k.values) return normalize(d, k.values(d, r, j));
      if (j === 0 && i < first.length) return first[i]!;
      return randomValue(d, r);
    }),
  );
  const arrays = Object.fromEntries(k.inputs.map((d, j) => [`X${j}`, arrayOf(d, columns[j]!)]));
  return { arrays, rows: Array.from({ length }, (_, i) => columns.map((c) => c[i]!)) };
}

const EPSILON: { readonly [D in DType]?: number } = { f64: 2 ** -52, f32: 2 ** -23, f16: 2 ** -10 };
export function expectValues(k: Kernel, form: Form, e: Emitted, length = LENGTH): void {
  const { arrays, rows } = dataFor(k, length);
  const got = e.run(arrays);
  rows.forEach((row, i) => {
    const want = k.want(row, i);
    const value = readElement(k.result, got, i);
    if (Object.is(value, want)) return;
    if (k.ulps !== undefined && typeof want === "number" && typeof value === "number") {
      const unit = Math.max(
        Math.abs(want),
        k.result === "f64" ? 2 ** -1022 : k.result === "f32" ? 2 ** -126 : 2 ** -14,
      );
      if (Math.abs(want - value) <= k.ulps * EPSILON[k.result]! * unit) return;
    }
    expect.fail(`${k.name} (${form})[${i}] of ${row} is ${value}, expected ${want}`);
  });
}

// ---- operations by name

/** The method of an expression for an operation; all others have the operation's name. */
const METHOD: { readonly [O in OpName]?: string } = {
  floordiv: "div",
  floormod: "mod",
  truncdiv: "truncDiv",
  truncrem: "rem",
};
/** Ulps that functions may be off by; f16 is rounded from f32. */
const MATH_ULPS = 8;

/** The kernel Y[i] = op(A[i], B[i], ...) on operands of one dtype; undefined where the dtype lacks the operation. */
export function kernelOf(op: OpName, d: DType): Kernel | undefined {
  const info = opInfo(op);
  const choice = op === "select" || op === "where";
  const types: DType[] = choice ? ["bool", d, d] : Array.from({ length: info.arity }, () => d);
  const result = info.result(...types);
  if (result === undefined || typeof result === "object") return undefined;
  const method = METHOD[op] ?? op;
  const body = (args: any[]): any => (choice ? (te as any)[op](...args) : args[0][method](...args.slice(1)));
  const values = domainOf(op, d);
  return {
    name: `${op} ${d}`,
    inputs: types,
    result,
    body,
    want: (args) => applyOp(op, result, types, args),
    ...(info.approximate ? { ulps: MATH_ULPS } : {}),
    ...(values ? { values } : {}),
  };
}
/** Where an operation is defined, or its approximation promised, for part of its operands only. */
function domainOf(op: OpName, d: DType): Kernel["values"] | undefined {
  if (op === "roundingShr")
    return (x, r, j) => {
      if (j === 0) return randomValue(x, r);
      const n = r.below(bytesOf(x) * 8);
      return bytesOf(x) === 8 ? BigInt(n) : n;
    };
  if (op === "fma" && d === "f64") return (_, r) => (r.unit() - 0.5) * 2 ** (r.below(80) - 40);
  if (!opInfo(op).approximate) return undefined;
  const positive = op === "log" || op === "pow" || op === "rsqrt";
  return (_, r, j) => (positive && j === 0 ? 0.01 + r.unit() * 20 : (r.unit() - 0.5) * 8);
}
