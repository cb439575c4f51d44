/** Builds lowered functions by hand, runs them in WebAssembly, and reads memory back. */
import binaryen from "binaryen";
import { expect } from "vitest";
import wabt from "wabt";
import { emitWasm, type WasmModule } from "../../codegen/wasm/index.ts";
import {
  add,
  type Buffer,
  buffer,
  bytesOf,
  type DType,
  type Expr,
  fromBits16,
  int,
  isFloat,
  load,
  maxInt,
  minInt,
  mul,
  normalize,
  ramp,
  type Scalar,
  type Stmt,
  store,
  toBits16,
  type Var,
  variable,
} from "../../src/ir/index.ts";
import { type Abi, type Lowered, type WasmTarget, wasm } from "../../src/target/index.ts";

const memories = new Map<DType, Buffer>();
/** Linear memory seen as elements of a dtype. */
export function memoryOf(d: DType): Buffer {
  let b = memories.get(d);
  if (b === undefined) {
    b = buffer(`mem_${d}`, d, [], "address");
    memories.set(d, b);
  }
  return b;
}
const index = (address: Expr, d: DType, lanes: number): Expr[] => [ramp(address, int(bytesOf(d)), lanes)];
export const loadAt = (address: Expr, d: DType, lanes = 1): Expr => load(memoryOf(d), index(address, d, lanes));
export const storeAt = (address: Expr, value: Expr): Stmt =>
  store(memoryOf(value.dtype), index(address, value.dtype, value.lanes), value);
export const pointer = (name: string): Var => variable(name, "i32");
/** base + i * bytes + offset */
export const at = (base: Expr, i: Expr, bytes: number, offset = 0): Expr => {
  const a = add(base, mul(i, int(bytes)));
  return offset === 0 ? a : add(a, int(offset));
};
export const loop = (v: Var, extent: Expr | number, body: Stmt): Stmt => ({
  kind: "for",
  var: v,
  min: int(0),
  extent: typeof extent === "number" ? int(extent) : extent,
  loop: "serial",
  body,
});

export function lowered(params: readonly Var[], body: Stmt, name = "kernel"): Lowered {
  const abi: Abi = {
    version: 1,
    name,
    params: params.map((p) => ({ role: "scalar", name: p.name, dtype: p.dtype })),
    scratch: 0,
  };
  return { name, params, abi, body };
}

const tools = wabt();
/** By Binaryen and by wabt. */
export async function validate(bytes: Uint8Array, target: WasmTarget): Promise<void> {
  const m = binaryen.readBinary(bytes);
  const f = binaryen.Features;
  const used = f.SIMD128 | f.SignExt | f.NontrappingFPToInt | f.MutableGlobals | f.BulkMemory;
  m.setFeatures(target.relaxed ? used | f.RelaxedSIMD : used);
  expect(m.validate()).toBe(1);
  m.dispose();
  const w = await tools;
  const features = {
    simd: true,
    sat_float_to_int: true,
    sign_extension: true,
    bulk_memory: true,
    mutable_globals: true,
    relaxed_simd: target.relaxed,
  };
  const parsed = w.readWasm(bytes, features);
  parsed.validate();
  parsed.destroy();
}

export interface Running {
  readonly module: WasmModule;
  readonly memory: DataView;
  readonly call: (...args: Scalar[]) => void;
}
export async function start(l: Lowered, target: WasmTarget = wasm()): Promise<Running> {
  const module = await emitWasm(l, target);
  expect(WebAssembly.validate(module.wasm as BufferSource)).toBe(true);
  await validate(module.wasm, target);
  const { instance } = await WebAssembly.instantiate(module.wasm as BufferSource);
  const memory = instance.exports.memory as WebAssembly.Memory;
  return {
    module,
    memory: new DataView(memory.buffer),
    call: instance.exports[l.name] as (...args: Scalar[]) => void,
  };
}

export function read(m: DataView, at: number, d: DType): Scalar {
  switch (d) {
    case "f64":
      return m.getFloat64(at, true);
    case "f32":
      return m.getFloat32(at, true);
    case "f16":
      return fromBits16(m.getUint16(at, true));
    case "i64":
      return m.getBigInt64(at, true);
    case "u64":
      return m.getBigUint64(at, true);
    case "i32":
      return m.getInt32(at, true);
    case "u32":
      return m.getUint32(at, true);
    case "i16":
      return m.getInt16(at, true);
    case "u16":
      return m.getUint16(at, true);
    case "i8":
      return m.getInt8(at);
    default:
      return m.getUint8(at);
  }
}
export function write(m: DataView, at: number, d: DType, v: Scalar): void {
  if (d === "f64") m.setFloat64(at, Number(v), true);
  else if (d === "f32") m.setFloat32(at, Number(v), true);
  else if (d === "f16") m.setUint16(at, toBits16(Number(v)), true);
  else if (bytesOf(d) === 8) m.setBigUint64(at, BigInt.asUintN(64, BigInt(v)), true);
  else if (bytesOf(d) === 4) m.setUint32(at, Number(v), true);
  else if (bytesOf(d) === 2) m.setUint16(at, Number(v), true);
  else m.setUint8(at, Number(v));
}
export const writeAll = (m: DataView, at: number, d: DType, list: readonly Scalar[]): void => {
  for (const [i, v] of list.entries()) write(m, at + i * bytesOf(d), d, v);
};
export const readAll = (m: DataView, at: number, d: DType, n: number): Scalar[] =>
  Array.from({ length: n }, (_, i) => read(m, at + i * bytesOf(d), d));

/** A small generator of reproducible numbers in [0, 1). */
export function random(seed: number): () => number {
  let s = seed | 0;
  return () => {
    s = (s + 0x6d2b79f5) | 0;
    let t = Math.imul(s ^ (s >>> 15), 1 | s);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}
const FLOAT_SPECIALS = [
  0,
  -0,
  1,
  -1,
  0.5,
  -0.5,
  1.5,
  2.5,
  -2.5,
  3,
  NaN,
  Infinity,
  -Infinity,
  1e-45,
  -1e-40,
  2147483648,
  -2147483649,
  4294967296,
  1e10,
  -1e30,
  3.4e38,
  255,
  256,
  -129,
  32768,
  65535.5,
  0.49999997,
  8388609,
  2147483520,
];
/** The values of a dtype at which operations go wrong. */
export function specials(d: DType): Scalar[] {
  if (d === "bool") return [0, 1];
  if (isFloat(d)) return FLOAT_SPECIALS.map((x) => normalize(d, x));
  const [lo, hi] = [minInt(d), maxInt(d)];
  const list = [
    0n,
    1n,
    2n,
    3n,
    7n,
    hi,
    hi - 1n,
    lo,
    lo + 1n,
    hi / 2n,
    hi / 2n + 1n,
    lo === 0n ? 5n : -1n,
    lo === 0n ? 9n : -2n,
  ];
  return list.map((x) => normalize(d, x));
}
export function randomValue(d: DType, rnd: () => number): Scalar {
  if (d === "bool") return rnd() < 0.5 ? 0 : 1;
  if (rnd() < 0.3) {
    const s = specials(d);
    return s[Math.floor(rnd() * s.length)]!;
  }
  if (isFloat(d)) return normalize(d, (rnd() - 0.5) * 2 ** Math.floor(rnd() * 40 - 10));
  const bits = BigInt(Math.floor(rnd() * 2 ** 32)) * 2n ** 32n + BigInt(Math.floor(rnd() * 2 ** 32));
  return normalize(d, bits >> BigInt(Math.floor(rnd() * 64)));
}
export const showValues = (list: readonly Scalar[]): string =>
  list.map((v) => (Object.is(v, -0) ? "-0" : String(v))).join(" ");
/** The text of the innermost loops of a module: everything from `(loop`. */
export const loopText = (wat: string): string => wat.slice(wat.indexOf("(loop"));
