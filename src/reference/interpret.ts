/**
 * Carries out a function at any stage of the IR, literally: slow, obvious, and strict about memory. Every access is
 * checked against its buffer, and what was never written reads as garbage.
 */
import {
  type Buffer,
  type DType,
  type Expr,
  type Func,
  fromBits16,
  type Scalar,
  toBits16,
  type Var,
  zeroOf,
} from "../ir/index.ts";
import { arrayFor, fillGarbage, holds, InterpretError, isRecord, type TypedArrayLike } from "./arrays.ts";
import type { Eval, ExprCompiler, NumberEval, Vector } from "./expr.ts";
import { checkSize } from "./parameters.ts";
import { denseStrides, type Placement, placementOf, spanOf } from "./placement.ts";
import { type StatementMemory, StmtCompiler } from "./statement.ts";

export interface InterpretOptions {
  /** Values of symbolic sizes, by name. */
  readonly sizes?: Readonly<Record<string, number>>;
  /** Values of scalar parameters, by name. */
  readonly scalars?: Readonly<Record<string, Scalar>>;
  /** What outputs and intermediates hold at first: recognisable garbage (NaN, 0xa5...) unless asked for zeros. */
  readonly fill?: "garbage" | "zero";
}

/** A buffer while the function runs. */
interface Store {
  data: TypedArrayLike;
  shape: readonly number[];
  strides: readonly number[];
  exists: boolean;
  /** The position of an element of a buffer with a layout. */
  place?: (index: readonly number[]) => number;
}
interface Elements {
  readonly get: (data: TypedArrayLike, i: number) => Scalar;
  readonly set: (data: TypedArrayLike, i: number, v: Scalar) => void;
}
type Raw = { [i: number]: Scalar };
const PLAIN: Elements = {
  get: (d, i) => d[i]!,
  set: (d, i, v) => {
    (d as Raw)[i] = v;
  },
};
const F16: Elements = {
  get: (d, i) => fromBits16(d[i] as number),
  set: (d, i, v) => {
    d[i] = toBits16(v as number);
  },
};
const BOOL: Elements = { get: (d, i) => (d[i] ? 1 : 0), set: PLAIN.set };
const elements = (d: DType): Elements => (d === "f16" ? F16 : d === "bool" ? BOOL : PLAIN);

class Buffers implements StatementMemory {
  readonly #stores = new Map<Buffer, Store>();
  readonly #fill: "garbage" | "zero";
  constructor(fill: "garbage" | "zero") {
    this.#fill = fill;
  }
  store(b: Buffer): Store {
    let s = this.#stores.get(b);
    if (s === undefined) {
      s = { data: new Uint8Array(0), shape: [], strides: [], exists: false };
      this.#stores.set(b, s);
    }
    return s;
  }
  /** Says where the elements of a buffer lie; returns how many its memory takes. */
  lay(b: Buffer, shape: readonly number[], strides: readonly number[], placement?: Placement): number {
    const s = this.store(b);
    s.shape = shape;
    s.strides = strides;
    s.exists = true;
    if (placement) s.place = placement.at;
    return placement ? placement.span : spanOf(shape, strides);
  }
  allocate(
    b: Buffer,
    shape: readonly number[],
    strides: readonly number[] = denseStrides(shape),
    placement?: Placement,
  ): void {
    const n = this.lay(b, shape, strides, placement);
    const s = this.store(b);
    if (s.data.length !== n || !holds(b.dtype, s.data)) s.data = arrayFor(b.dtype, n);
    if (this.#fill === "garbage") fillGarbage(b.dtype, s.data);
    else s.data.fill(0 as never);
  }

  #fail(b: Buffer, s: Store, index: readonly number[], what: string): never {
    if (!s.exists) throw new InterpretError(`${what} ${b.name}, which does not exist here`);
    throw new InterpretError(`${what} ${b.name}[${index.join(", ")}], but its shape is [${s.shape.join(", ")}]`);
  }
  /** The element's position in the data: one index per dimension, or one flat index. */
  #position(b: Buffer, s: Store, index: readonly number[], what: string): number {
    const { shape, strides } = s;
    if (index.length !== shape.length) {
      const i = index[0]!;
      if (index.length !== 1 || !(i >= 0 && i < s.data.length)) this.#fail(b, s, index, what);
      return i;
    }
    let at = 0;
    for (let d = 0; d < index.length; d++) {
      const i = index[d]!;
      if (!(i >= 0 && i < shape[d]!)) this.#fail(b, s, index, what);
      at += i * strides[d]!;
    }
    if (!s.exists) this.#fail(b, s, index, what);
    return s.place?.(index) ?? at;
  }
  #scalarPosition(b: Buffer, index: readonly Expr[], c: ExprCompiler, what: string): NumberEval {
    const s = this.store(b);
    const fs = index.map((i) => c.number(i));
    const [f, g] = [fs[0]!, fs[1]!];
    if (fs.length === 1 && !b.layout)
      return () => {
        const i = f();
        if (s.shape.length === 1 && i >= 0 && i < s.shape[0]!) return i * s.strides[0]!;
        return this.#position(b, s, [i], what);
      };
    if (fs.length === 2 && !b.layout)
      return () => {
        const [i, j] = [f(), g()];
        const [m, n] = s.shape as [number, number];
        if (s.shape.length === 2 && i >= 0 && i < m && j >= 0 && j < n) return i * s.strides[0]! + j * s.strides[1]!;
        return this.#position(b, s, [i, j], what);
      };
    return () =>
      this.#position(
        b,
        s,
        fs.map((x) => x()),
        what,
      );
  }
  #vectorPosition(b: Buffer, index: readonly Expr[], c: ExprCompiler, what: string): (lane: number) => number {
    const s = this.store(b);
    const fs = index.map((i) => c.vector(i) as () => readonly number[]);
    let lanes: (readonly number[])[] = [];
    return (lane) => {
      // all lanes' indices are computed when the first is asked for
      if (lane < 0) {
        lanes = fs.map((f) => f());
        return 0;
      }
      return this.#position(
        b,
        s,
        lanes.map((v) => v[lane]!),
        what,
      );
    };
  }

  reader(b: Buffer, index: readonly Expr[], c: ExprCompiler): Eval {
    const s = this.store(b);
    const { get } = elements(b.dtype);
    const n = index[0]?.lanes ?? 1;
    if (n === 1) {
      const position = this.#scalarPosition(b, index, c, "read of");
      if (get === PLAIN.get)
        return () => {
          const i = position();
          return s.data[i]!;
        };
      return () => {
        const i = position();
        return get(s.data, i);
      };
    }
    const position = this.#vectorPosition(b, index, c, "vector read of");
    const nothing = zeroOf(b.dtype);
    return () => {
      position(-1);
      const out = new Array<Scalar>(n);
      for (let i = 0; i < n; i++) out[i] = c.mask && !c.mask[i] ? nothing : get(s.data, position(i));
      return out;
    };
  }
  writer(b: Buffer, index: readonly Expr[], value: Expr, c: ExprCompiler): () => void {
    const s = this.store(b);
    const { set } = elements(b.dtype);
    if (value.lanes === 1) {
      const position = this.#scalarPosition(b, index, c, "write to");
      const f = c.scalar(value);
      return () => {
        const v = f();
        set(s.data, position(), v);
      };
    }
    const position = this.#vectorPosition(b, index, c, "vector write to");
    const f = c.value(value) as () => Vector;
    return () => {
      const v = f();
      position(-1);
      for (let i = 0; i < v.length; i++) set(s.data, position(i), v[i]!);
    };
  }
}

/** Sets sizes and scalars from the caller's record; each must be given. */
export function bindParameters(
  c: ExprCompiler,
  vars: readonly Var[],
  values: Readonly<Record<string, Scalar>>,
  what: string,
): void {
  for (const v of vars) {
    const x = Object.hasOwn(values, v.name) ? values[v.name] : undefined;
    if (x === undefined) throw new InterpretError(`${what} ${v.name} is missing`);
    if (v.size !== undefined) checkSize(v, x);
    c.cell(v).v = x;
  }
}

/**
 * Runs a function on typed arrays (f16 as Uint16Array of bits, bool as Uint8Array) and returns its outputs by name.
 * An input with strides takes the elements from its first to its last, a parameter with a layout its whole memory. Throws InterpretError naming buffer, index and
 * shape for an access outside a buffer, and for a missing or misfit argument.
 *
 *     const { C } = interpret(func, { A, B });
 *     const { Y } = interpret(func, { X }, { sizes: { n: 37 } });
 */
export function interpret(
  func: Func,
  inputs: Readonly<Record<string, TypedArrayLike>>,
  options: InterpretOptions = {},
): Record<string, TypedArrayLike> {
  if (!isRecord(func) || !isRecord(func.body) || !Array.isArray(func.inputs))
    throw new InterpretError(
      "interpret takes a function of the IR: for a schedule s give s.func, for a tensor C schedule(C).func",
    );
  if (!isRecord(inputs)) throw new InterpretError("interpret needs the inputs by name: interpret(func, { A, B })");
  if (!isRecord(options))
    throw new InterpretError("the options of interpret must be a record such as { sizes: { n: 8 } }");
  const memory = new Buffers(options.fill ?? "garbage");
  const c = new StmtCompiler(memory);
  bindParameters(c.exprs, func.sizes, options.sizes ?? {}, "size");
  bindParameters(c.exprs, func.scalars, options.scalars ?? {}, "scalar");
  const numbers = (list: readonly Expr[]): number[] => {
    c.exprs.begin(list)();
    return list.map((e) => c.exprs.number(e)());
  };
  const placement = (b: Buffer): Placement | undefined =>
    b.layout && placementOf(b, b.layout, memory, (x) => bindParameters(x, func.sizes, options.sizes ?? {}, "size"));
  for (const b of func.inputs) {
    const a = Object.hasOwn(inputs, b.name) ? inputs[b.name] : undefined;
    if (a === undefined) throw new InterpretError(`input ${b.name} is missing`);
    if (!holds(b.dtype, a))
      throw new InterpretError(`input ${b.name} holds ${b.dtype}, but was given a ${a.constructor.name}`);
    const shape = numbers(b.shape);
    const n = memory.lay(b, shape, b.strides ? numbers(b.strides) : denseStrides(shape), placement(b));
    if (a.length < n)
      throw new InterpretError(`input ${b.name} of shape [${shape.join(", ")}] needs ${n} elements, not ${a.length}`);
    memory.store(b).data = a;
  }
  for (const b of [...func.outputs, ...func.intermediates])
    memory.allocate(b, numbers(b.shape), undefined, placement(b));
  c.compile(func.body)();
  return Object.fromEntries(func.outputs.map((b) => [b.name, memory.store(b).data]));
}
