/**
 * This project's kernels, run as they ship: the bytes `build` returns, without a runtime around them. Operands lie in the module's
 * memory and stay there, so a call costs what the kernel costs.
 */
import { createLimit } from "../src/driver/limit.ts";
import { evalSize, readAbi, type SizeExpr } from "../src/runtime/index.ts";
import { type Conv, type Gemm, outSize } from "./data.ts";
import type { Peer } from "./peers/peer.ts";

interface Value {
  mul(x: Value | number): Value;
  add(x: Value | number): Value;
  sub(x: Value | number): Value;
  min(x: Value | number): Value;
  max(x: Value | number): Value;
}
interface Array_ {
  at(...index: readonly (Value | number)[]): Value;
}
export interface Tensor extends Array_ {
  readonly name: string;
}
type Axes = { readonly [name: string]: number };
type Body = (axes: { readonly [name: string]: Value }) => Value;
type Bytes = Uint8Array<ArrayBuffer>;
interface Artifact {
  readonly wasm: Bytes;
  readonly variants?: { readonly relaxed?: Bytes | { readonly wasm: Bytes } };
}
/** The part of the package's face that the benchmarks use. */
export interface Face {
  placeholder(name: string, shape: readonly number[]): Tensor;
  compute(name: string, axes: Axes, body: Body): Tensor;
  sum(axes: Axes, body: Body): Value;
  constantEdge(t: Tensor, value: number): Array_;
  wasm(options: { readonly relaxed?: boolean }): unknown;
  build(t: Tensor, options?: { readonly target?: unknown }): Promise<Artifact>;
}

/** The package, or undefined (with the reason printed) while it cannot be loaded: the peers can then still be measured. */
export async function face(): Promise<Face | undefined> {
  const path = "../src/index.ts";
  try {
    return (await import(path)) as Face;
  } catch (e) {
    console.error(`left out: tilewright: ${e instanceof Error ? e.message : e}`);
    return undefined;
  }
}

export type Variant = "relaxed" | "plain";

/** The bytes of one variant; undefined when there is no relaxed one. */
export async function bytesOf(tw: Face, t: Tensor, variant: Variant): Promise<Bytes | undefined> {
  const artifact = await tw.build(t, { target: tw.wasm({ relaxed: variant === "relaxed" }) });
  if (variant === "plain") return artifact.wasm;
  const relaxed = artifact.variants?.relaxed;
  return relaxed === undefined || relaxed instanceof Uint8Array ? relaxed : relaxed.wasm;
}

export type Operand = Float32Array | Int8Array;
export type Operands = { readonly [name: string]: Operand };
const ARRAYS = { f32: Float32Array, i32: Int32Array, i8: Int8Array } as const;
const arrayFor = (dtype: string): (typeof ARRAYS)[keyof typeof ARRAYS] => {
  if (!(dtype in ARRAYS)) throw new Error(`no array for ${dtype}`);
  return ARRAYS[dtype as keyof typeof ARRAYS];
};

/** A module at work: `run()` calls the kernel, `result()` copies out its one output. */
export function instantiate(name: string, bytes: Bytes, operands: Operands): Peer {
  const module = new WebAssembly.Module(bytes);
  const abi = readAbi(module);
  const sizeOf = (e: SizeExpr): number => evalSize(e, {});
  const { exports } = new WebAssembly.Instance(module);
  const memory = exports.memory as WebAssembly.Memory;
  let free = (exports.heap as WebAssembly.Global).value as number;
  // 64-byte alignment, and a cache line more between buffers: equal low address bits would fight for the same cache sets.
  const reserve = (size: number): number => {
    const at = Math.ceil(free / 64) * 64 + 64;
    free = at + size;
    return at;
  };
  const places = abi.params.map((p) => {
    if (p.role === "scratch") return reserve(sizeOf(abi.scratch));
    if (p.role === "size" || p.role === "scalar") throw new Error(`no value for ${p.role} ${p.name}`);
    return reserve(arrayFor(p.dtype).BYTES_PER_ELEMENT * p.shape.map(sizeOf).reduce((a, b) => a * b, 1));
  });
  const missing = Math.ceil((free - memory.buffer.byteLength) / 65536);
  if (missing > 0) memory.grow(missing);
  let output = { at: 0, length: 0, dtype: "f32" };
  abi.params.forEach((p, i) => {
    if (p.role === "output")
      output = { at: places[i]!, length: p.shape.map(sizeOf).reduce((a, b) => a * b, 1), dtype: p.dtype };
    if (p.role !== "input") return;
    const data = operands[p.name];
    if (data === undefined) throw new Error(`no operand ${p.name}`);
    new (arrayFor(p.dtype))(memory.buffer, places[i], data.length).set(data);
  });
  const kernel = exports[abi.name] as (...args: number[]) => void;
  const run = (): void => kernel(...places);
  return {
    name,
    run,
    result() {
      run();
      return Float32Array.from(new (arrayFor(output.dtype))(memory.buffer, output.at, output.length));
    },
    dispose() {},
  };
}

/** C = A B as an expression. */
export function gemmTensor(tw: Face, m: number, n: number, k: number): Tensor {
  const A = tw.placeholder("A", [m, k]);
  const B = tw.placeholder("B", [k, n]);
  return tw.compute("C", { i: m, j: n }, ({ i, j }) => tw.sum({ k }, ({ k: r }) => A.at(i!, r!).mul(B.at(r!, j!))));
}

/** NHWC convolution of one image with bias and relu6. */
export function convTensor(tw: Face, c: Conv): Tensor {
  const pad = (c.size - 1) / 2;
  const X = tw.placeholder("X", [c.height, c.width, c.cin]);
  const W = tw.placeholder("W", c.depthwise ? [c.size, c.size, c.cin] : [c.size, c.size, c.cin, c.cout]);
  const bias = tw.placeholder("bias", [c.cout]);
  const P = pad > 0 ? tw.constantEdge(X, 0) : X;
  const axes = { y: outSize(c.height, c.stride), x: outSize(c.width, c.stride), o: c.cout };
  const taps = { dy: c.size, dx: c.size };
  const pixel = (v: Value, d: Value): Value => (c.stride === 1 ? v : v.mul(c.stride)).add(d).sub(pad);
  const conv = tw.compute("conv", axes, ({ y, x, o }) =>
    c.depthwise
      ? tw.sum(taps, ({ dy, dx }) => P.at(pixel(y!, dy!), pixel(x!, dx!), o!).mul(W.at(dy!, dx!, o!)))
      : tw.sum({ ...taps, i: c.cin }, ({ dy, dx, i }) =>
          P.at(pixel(y!, dy!), pixel(x!, dx!), i!).mul(W.at(dy!, dx!, i!, o!)),
        ),
  );
  return tw.compute("Y", axes, ({ y, x, o }) => conv.at(y!, x!, o!).add(bias.at(o!)).max(0).min(6));
}

export const gemmOperands = (g: Gemm): Operands => ({ A: g.a, B: g.b });
export const convOperands = (c: Conv): Operands => ({ X: c.x, W: c.w, bias: c.bias });

/** What this project brings to a comparison: each variant this engine runs. Failures are reported and left out. */
export async function contestants(tw: Face, t: Tensor, operands: Operands): Promise<readonly Peer[]> {
  const variants: readonly Variant[] = createLimit().relaxed ? ["relaxed", "plain"] : ["plain"];
  const out: Peer[] = [];
  for (const v of variants) {
    const name = v === "plain" ? "tilewright" : "tilewright (relaxed)";
    try {
      const bytes = await bytesOf(tw, t, v);
      if (bytes === undefined) console.error(`left out: ${name}: no such variant of ${t.name}`);
      else out.push(instantiate(name, bytes, operands));
    } catch (e) {
      console.error(`left out: ${name}: ${e instanceof Error ? e.message : e}`);
    }
  }
  return out;
}
