/**
 * Carries out the last lowering stage over one linear memory, as the compiled module will: pointers, byte addresses that
 * count as unsigned, immediate offsets that are added without wrapping. Buffers lie apart, with canaries between them.
 */
import { type Buffer, bytesOf, type DType, type Expr, fromBits16, type Scalar, toBits16 } from "../ir/index.ts";
import type { AbiBuffer, Lowered, SizeExpr } from "../target/index.ts";
import { arrayFor, fillGarbage, holds, InterpretError, type TypedArrayLike } from "./arrays.ts";
import type { Eval, ExprCompiler, NumberEval, Vector } from "./expr.ts";
import { bindParameters, type InterpretOptions } from "./interpret.ts";
import { denseStrides, spanOf } from "./placement.ts";
import { type StatementMemory, StmtCompiler } from "./statement.ts";

/** The value of a size expression of an ABI; division rounds down, by zero gives zero. */
export function evalSize(e: SizeExpr, sizes: Readonly<Record<string, number>>): number {
  if (typeof e === "number") return e;
  if ("size" in e) {
    const v = Object.hasOwn(sizes, e.size) ? sizes[e.size] : undefined;
    if (v === undefined) throw new InterpretError(`size ${e.size} is missing`);
    return v;
  }
  const [a, b] = e.args.map((x) => evalSize(x, sizes)) as [number, number];
  switch (e.op) {
    case "add":
      return a + b;
    case "sub":
      return a - b;
    case "mul":
      return a * b;
    case "floordiv":
      return b === 0 ? 0 : Math.floor(a / b);
    case "floormod":
      return b === 0 ? 0 : a - b * Math.floor(a / b);
    case "min":
      return Math.min(a, b);
    case "max":
      return Math.max(a, b);
    default:
      return e.op satisfies never;
  }
}

interface Region {
  readonly name: string;
  readonly start: number;
  readonly end: number;
  readonly writable: boolean;
}
const CANARY = 0xcb;
/** Bytes of canary around every buffer: more than any vector access reaches. */
const MARGIN = 64;
const FIRST = 1024;

class LinearMemory implements StatementMemory {
  readonly #regions: readonly Region[];
  readonly #view: DataView;
  constructor(regions: readonly Region[], bytes: ArrayBuffer) {
    this.#regions = regions;
    this.#view = new DataView(bytes);
  }
  allocate(b: Buffer): never {
    throw new InterpretError(`an alloc of ${b.name} in the last stage`);
  }

  #check(at: number, size: number, write: boolean, last: Region | undefined): Region {
    let r = last;
    if (r === undefined || at < r.start || at + size > r.end)
      r = this.#regions.find((x) => at >= x.start && at + size <= x.end);
    if (r === undefined) {
      const near = this.#regions.map((x) => `${x.name}: ${x.start} to ${x.end}`).join(", ");
      throw new InterpretError(`${write ? "write" : "read"} of ${size} bytes at address ${at}, outside (${near})`);
    }
    if (write && !r.writable) throw new InterpretError(`write at address ${at} into the input ${r.name}`);
    return r;
  }
  /** The address as wasm computes it, with a constant that a top-level addition contributes as the immediate offset. */
  #address(e: Expr, c: ExprCompiler): NumberEval {
    if (e.kind === "op" && e.op === "add" && e.args[1]!.kind === "const") {
      const offset = e.args[1]!.value as number;
      const base = c.number(e.args[0]!);
      if (offset >= 0)
        return () => {
          const b = base();
          if (b < 0) throw new InterpretError(`address ${b} with the immediate offset ${offset} traps`);
          return b + offset;
        };
    }
    const f = c.number(e);
    return () => f() >>> 0;
  }
  /** Checked address of the first byte of an access of `lanes` elements. */
  #access(b: Buffer, index: readonly Expr[], c: ExprCompiler, write: boolean): [address: NumberEval, lanes: number] {
    const i = index[0]!;
    if (b.scope !== "address") throw new InterpretError(`${b.name} is accessed, but not by address`);
    const lanes = i.lanes;
    if (lanes !== 1 && i.kind !== "ramp") throw new InterpretError("a vector access that is not dense");
    const address = this.#address(i.kind === "ramp" ? i.base : i, c);
    const stride = i.kind === "ramp" ? c.number(i.stride) : undefined;
    const size = lanes * bytesOf(b.dtype);
    let last: Region | undefined;
    return [
      () => {
        if (stride && stride() !== bytesOf(b.dtype)) throw new InterpretError("a vector access that is not dense");
        const at = address();
        last = this.#check(at, size, write, last);
        return at;
      },
      lanes,
    ];
  }
  reader(b: Buffer, index: readonly Expr[], c: ExprCompiler): Eval {
    const [address, lanes] = this.#access(b, index, c, false);
    const get = getter(this.#view, b.dtype);
    if (lanes === 1) return () => get(address());
    const bytes = bytesOf(b.dtype);
    return () => {
      const at = address();
      return Array.from({ length: lanes }, (_, k) => get(at + k * bytes));
    };
  }
  writer(b: Buffer, index: readonly Expr[], value: Expr, c: ExprCompiler): () => void {
    const [address, lanes] = this.#access(b, index, c, true);
    const set = setter(this.#view, b.dtype);
    if (lanes !== value.lanes) throw new InterpretError(`a store of ${value.lanes} lanes to ${lanes} places`);
    const f = c.value(value);
    const bytes = bytesOf(b.dtype);
    if (lanes === 1)
      return () => {
        const v = f() as Scalar;
        set(address(), v);
      };
    return () => {
      const v = f() as Vector;
      const at = address();
      for (let k = 0; k < lanes; k++) set(at + k * bytes, v[k]!);
    };
  }
}

function getter(view: DataView, d: DType): (at: number) => Scalar {
  switch (d) {
    case "f64":
      return (at) => view.getFloat64(at, true);
    case "f32":
      return (at) => view.getFloat32(at, true);
    case "f16":
      return (at) => fromBits16(view.getUint16(at, true));
    case "i64":
      return (at) => view.getBigInt64(at, true);
    case "u64":
      return (at) => view.getBigUint64(at, true);
    case "i32":
      return (at) => view.getInt32(at, true);
    case "u32":
      return (at) => view.getUint32(at, true);
    case "i16":
      return (at) => view.getInt16(at, true);
    case "u16":
      return (at) => view.getUint16(at, true);
    case "i8":
      return (at) => view.getInt8(at);
    case "u8":
      return (at) => view.getUint8(at);
    case "bool":
      return (at) => (view.getUint8(at) ? 1 : 0);
    default:
      return d satisfies never;
  }
}
function setter(view: DataView, d: DType): (at: number, v: Scalar) => void {
  switch (d) {
    case "f64":
      return (at, v) => view.setFloat64(at, v as number, true);
    case "f32":
      return (at, v) => view.setFloat32(at, v as number, true);
    case "f16":
      return (at, v) => view.setUint16(at, toBits16(v as number), true);
    case "i64":
    case "u64":
      return (at, v) => view.setBigInt64(at, v as bigint, true);
    case "i32":
    case "u32":
      return (at, v) => view.setInt32(at, v as number, true);
    case "i16":
    case "u16":
      return (at, v) => view.setInt16(at, v as number, true);
    case "i8":
    case "u8":
    case "bool":
      return (at, v) => view.setInt8(at, v as number);
    default:
      return d satisfies never;
  }
}

/**
 * Runs the last lowering stage and returns its outputs by name. Throws InterpretError for any access that does not lie
 * within one buffer, for a write to an input, for an address that traps, and when a canary was overwritten.
 *
 *     const { C } = interpretLowered(lowered, { A, B });
 */
export function interpretLowered(
  lowered: Lowered,
  inputs: Readonly<Record<string, TypedArrayLike>>,
  options: InterpretOptions = {},
): Record<string, TypedArrayLike> {
  const prepared = lowered.prepare && interpretPart(lowered.prepare, inputs, options, "output");
  return interpretPart(lowered, prepared ? { ...inputs, ...prepared } : inputs, options, "input");
}

function interpretPart(
  lowered: Lowered,
  inputs: Readonly<Record<string, TypedArrayLike>>,
  options: InterpretOptions,
  preparedAs: "input" | "output",
): Record<string, TypedArrayLike> {
  const { abi, params } = lowered;
  const roles = abi.params.map((p) => (p.role === "prepared" ? preparedAs : p.role));
  const sizes = options.sizes ?? {};
  const regions: Region[] = [];
  let free = FIRST;
  const place = (name: string, bytes: number, writable: boolean): Region => {
    const start = Math.ceil((free + MARGIN) / 16) * 16;
    const r = { name, start, end: start + bytes, writable };
    free = r.end;
    regions.push(r);
    return r;
  };
  const spans = new Map<string, number>();
  const placed = abi.params.map((p, k) => {
    if (p.role === "scratch") return place("scratch", evalSize(abi.scratch, sizes), true);
    if (p.role === "size" || p.role === "scalar") return undefined;
    const n = elementsOf(p, sizes);
    spans.set(p.name, n);
    return place(p.name, n * bytesOf(p.dtype), roles[k] === "output");
  });
  const bytes = new Uint8Array(Math.ceil((free + MARGIN) / 16) * 16).fill(CANARY);
  const arrayAt = (p: AbiBuffer, r: Region): TypedArrayLike => {
    const a = arrayFor(p.dtype, 0);
    const make = a.constructor as new (b: ArrayBuffer, at: number, n: number) => TypedArrayLike;
    return new make(bytes.buffer, r.start, spans.get(p.name)!);
  };
  const memory = new LinearMemory(regions, bytes.buffer);
  const c = new StmtCompiler(memory);
  const outputs: [string, TypedArrayLike][] = [];
  const fill = (p: AbiBuffer, r: Region, written: boolean): void => {
    const to = arrayAt(p, r);
    if (written) {
      if (options.fill === "zero") to.fill(0 as never);
      else fillGarbage(p.dtype, to);
      outputs.push([p.name, to]);
      return;
    }
    const a = inputs[p.name];
    if (a === undefined) throw new InterpretError(`input ${p.name} is missing`);
    if (!holds(p.dtype, a) || a.length < spans.get(p.name)!)
      throw new InterpretError(`input ${p.name} needs ${spans.get(p.name)} elements of ${p.dtype}`);
    (to as Uint8Array).set(a.subarray(0, to.length) as Uint8Array);
  };
  for (const [k, p] of abi.params.entries()) {
    const v = params[k]!;
    const r = placed[k];
    switch (p.role) {
      case "size":
        bindParameters(c.exprs, [v], { [v.name]: evalSize({ size: p.name }, sizes) }, "size");
        continue;
      case "scalar": {
        const x = options.scalars?.[p.name];
        if (x === undefined) throw new InterpretError(`scalar ${p.name} is missing`);
        bindParameters(c.exprs, [v], { [v.name]: x }, "scalar");
        continue;
      }
      case "scratch":
        if (options.fill === "zero") bytes.fill(0, r!.start, r!.end);
        else bytes.fill(0xa5, r!.start, r!.end);
        break;
      case "prepared":
      case "input":
      case "output":
        fill(p, r!, roles[k] === "output");
        break;
      default:
        return p satisfies never;
    }
    c.exprs.cell(v).v = r!.start;
  }
  c.compile(lowered.body)();
  let at = 0;
  for (const r of [...regions, { name: "the end", start: bytes.length, end: bytes.length }]) {
    for (; at < r.start; at++)
      if (bytes[at] !== CANARY)
        throw new InterpretError(`the canary before ${r.name} was overwritten at address ${at}`);
    at = r.end;
  }
  return Object.fromEntries(outputs.map(([name, a]) => [name, a.slice()]));
}

function elementsOf(p: AbiBuffer, sizes: Readonly<Record<string, number>>): number {
  const shape = p.shape.map((e) => evalSize(e, sizes));
  return spanOf(shape, p.strides ? p.strides.map((e) => evalSize(e, sizes)) : denseStrides(shape));
}
