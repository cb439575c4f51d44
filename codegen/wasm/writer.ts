/** A thin layer over Binaryen's builder: instructions by name, constants by dtype, locals, and naming of value shapes. */
import { bytesOf, type DType, isSigned, type Scalar, toBits16 } from "../../src/ir/index.ts";
import { type Binaryen, type Instruction, instruction, type Module, type Ref, type WasmType } from "./binaryen.ts";

/** The wasm type that holds a scalar. Narrow integers, bool and the bits of an f16 live in an i32. */
export function scalarType(d: DType): WasmType {
  if (d === "f64" || d === "f32") return d;
  return d === "i64" || d === "u64" ? "i64" : "i32";
}
export const typeOf = (d: DType, lanes: number): WasmType => (lanes === 1 ? scalarType(d) : "v128");
/** `i8x16` .. `i64x2` for lanes of that many bits. */
export const intShape = (bits: number): string => `i${bits}x${128 / bits}`;
/** The SIMD prefix for a dtype; f16 lanes are carried as bits. */
export function shapeOf(d: DType): string {
  if (d === "f32") return "f32x4";
  return d === "f64" ? "f64x2" : intShape(bytesOf(d) * 8);
}
export const signOf = (d: DType): "s" | "u" => (isSigned(d) && d !== "f16" ? "s" : "u");

/** Writes a scalar as its bytes in memory; bool lanes are masks of `bits` ones. */
export function putLane(view: DataView, at: number, d: DType, v: Scalar, bits = bytesOf(d) * 8): void {
  switch (d) {
    case "f64":
      return view.setFloat64(at, Number(v), true);
    case "f32":
      return view.setFloat32(at, Number(v), true);
    case "f16":
      return view.setUint16(at, toBits16(Number(v)), true);
    case "i64":
    case "u64":
      return view.setBigUint64(at, BigInt.asUintN(64, BigInt(v)), true);
    case "i32":
    case "u32":
      return view.setUint32(at, Number(v), true);
    case "i16":
    case "u16":
      return view.setUint16(at, Number(v), true);
    case "i8":
    case "u8":
      return view.setUint8(at, Number(v));
    case "bool":
      for (let i = 0; i < bits / 8; i++) view.setUint8(at + i, v ? 255 : 0);
      return;
    default:
      return d satisfies never;
  }
}

export class Writer {
  readonly lib: Binaryen;
  readonly m: Module;
  readonly #builders = new Map<string, Instruction>();
  readonly #params: readonly WasmType[];
  readonly #locals: WasmType[] = [];
  readonly #names = new Map<number, string>();
  readonly #free: { [T in WasmType]: number[] } = { i32: [], i64: [], f32: [], f64: [], v128: [] };
  #temps: number[] = [];
  /** Locals of vector constants, by their bytes, and those wanted by the loop that is being emitted. */
  readonly #kept = new Map<string, number>();
  #wanted: Map<number, Uint8Array> | undefined;

  constructor(lib: Binaryen, m: Module, params: readonly WasmType[]) {
    this.lib = lib;
    this.m = m;
    this.#params = params;
  }

  /** An instruction by its path in the builder, operands in the order of the builder. */
  i(path: string, ...args: readonly number[]): Ref {
    let f = this.#builders.get(path);
    if (f === undefined) {
      f = instruction(this.m, path);
      this.#builders.set(path, f);
    }
    return f(...args);
  }
  i32(v: number): Ref {
    return this.m.i32.const(v | 0);
  }
  /** A scalar constant of a dtype. */
  constant(d: DType, v: Scalar): Ref {
    switch (scalarType(d)) {
      case "f32":
        return this.m.f32.const(Number(v));
      case "f64":
        return this.m.f64.const(Number(v));
      case "i64":
        return this.m.i64.const(BigInt.asIntN(64, BigInt(v)));
      default:
        return d === "f16" ? this.i32(toBits16(Number(v))) : this.m.i32.const(Number(BigInt.asIntN(32, BigInt(v))));
    }
  }
  /** An integer constant of a wasm integer type. */
  int(t: WasmType, v: number | bigint): Ref {
    return t === "i64"
      ? this.m.i64.const(BigInt.asIntN(64, BigInt(v)))
      : this.i32(Number(BigInt.asIntN(32, BigInt(v))));
  }
  /** A vector constant from its bytes, zeros behind. */
  bytes(b: Uint8Array): Ref {
    const full = new Uint8Array(16);
    full.set(b);
    // zeros and ones are made by one instruction
    if (this.#wanted === undefined || full.every((x) => x === 0) || full.every((x) => x === 255))
      return this.m.v128.const(full);
    const key = full.join();
    let n = this.#kept.get(key);
    if (n === undefined) {
      n = this.local("v128", "c");
      this.#kept.set(key, n);
    }
    this.#wanted.set(n, full);
    return this.get(n);
  }
  /**
   * Emits the body of a loop in which vector constants are variables, and what sets them before it. Engines that build a
   * constant anew wherever it is used take three instructions for it.
   */
  keepingConstants(emit: () => Ref): { body: Ref; before: Ref[] } {
    const outer = this.#wanted;
    this.#wanted = new Map();
    const body = emit();
    const before = [...this.#wanted].map(([n, bytes]) => this.set(n, this.m.v128.const(bytes)));
    this.#wanted = outer;
    return { body, before };
  }
  /** All lanes of a vector the same constant (bool: a mask of `bits` wide lanes). */
  splat(d: DType, v: Scalar, bits = bytesOf(d) * 8): Ref {
    const view = new DataView(new ArrayBuffer(16));
    for (let at = 0; at < 16; at += bits / 8) putLane(view, at, d, v, bits);
    return this.bytes(new Uint8Array(view.buffer));
  }
  shuffle(a: Ref, b: Ref, bytes: readonly number[]): Ref {
    return this.m.i8x16.shuffle(a, b, bytes);
  }

  type(t: WasmType): number {
    return this.lib[t];
  }
  /** A local for the whole function. */
  local(t: WasmType, name?: string): number {
    const n = this.#params.length + this.#locals.push(t) - 1;
    if (name !== undefined) this.#names.set(n, name);
    return n;
  }
  /** A local that may be reused after `endStatement`. */
  temp(t: WasmType): number {
    const n = this.#free[t].pop() ?? this.local(t);
    this.#temps.push(n);
    return n;
  }
  endStatement(): void {
    for (const n of this.#temps) this.#free[this.typeOfLocal(n)].push(n);
    this.#temps = [];
  }
  typeOfLocal(n: number): WasmType {
    return this.#params[n] ?? this.#locals[n - this.#params.length]!;
  }
  get locals(): readonly WasmType[] {
    return this.#locals;
  }
  get names(): ReadonlyMap<number, string> {
    return this.#names;
  }
  nameLocal(n: number, name: string): void {
    this.#names.set(n, name);
  }
  get(n: number): Ref {
    return this.m.local.get(n, this.type(this.typeOfLocal(n)));
  }
  set(n: number, v: Ref): Ref {
    return this.m.local.set(n, v);
  }
  tee(n: number, v: Ref): Ref {
    return this.m.local.tee(n, v, this.type(this.typeOfLocal(n)));
  }

  /**
   * A value to be used several times: the first use must be evaluated before the others. Constants and locals are
   * simply copied.
   */
  dup(t: WasmType, v: Ref): { first: Ref; again: () => Ref } {
    const id = this.lib.getExpressionId(v);
    if (id === this.lib.LocalGetId || id === this.lib.ConstId)
      return { first: v, again: () => this.m.copyExpression(v) };
    const n = this.temp(t);
    return { first: this.tee(n, v), again: () => this.get(n) };
  }
  /** Wraps or extends an i32 back into the range of a narrow integer dtype. */
  normalized(d: DType, v: Ref): Ref {
    switch (d) {
      case "i8":
        return this.m.i32.extend8_s(v);
      case "i16":
        return this.m.i32.extend16_s(v);
      case "u8":
        return this.m.i32.and(v, this.i32(255));
      case "u16":
        return this.m.i32.and(v, this.i32(65535));
      default:
        return v;
    }
  }
}
