/**
 * Tensors straight from their definitions: for each point, the body; for each reduction, all its terms in order. Float
 * sums and products are carried out in higher precision and rounded once; every other operation is the one of the
 * semantics table. Values are computed when asked for and kept, so that a few sampled outputs cost only what they need.
 */
import { type AnyTensor, checkResults, isTensor, type Source, tensorOf } from "../../te/index.ts";
import { type Buffer, type DType, type Expr, isDType, type Scalar } from "../ir/index.ts";
import { arrayFor, holds, InterpretError, isRecord, readElement, type TypedArrayLike, writeElement } from "./arrays.ts";
import { type Memory, NestRun } from "./nest.ts";
import { checkEvaluation } from "./parameters.ts";
import { denseStrides, spanOf } from "./placement.ts";
import { runScatter } from "./scatter.ts";
import { type Environment, error, setError, Term } from "./term.ts";

export interface EvaluateOptions {
  readonly sizes?: Readonly<Record<string, number>>;
  readonly scalars?: Readonly<Record<string, Scalar>>;
  /** Only these positions, in this order (one list of indices per position); everything otherwise. */
  readonly at?: readonly (readonly number[])[];
  /** For bounds: products may be contracted into sums without rounding of their own. Default: true. */
  readonly contract?: boolean;
}
export interface Bounded {
  readonly values: TypedArrayLike;
  /**
   * Per element of `values`: how far a compiled result may be from it. 0: equal (NaN for NaN); Infinity: nothing can be
   * said.
   */
  readonly bound: Float64Array;
}
export type Inputs = Readonly<Record<string, TypedArrayLike>>;
type Tensors = Readonly<Record<string, AnyTensor>>;

/** The elements of one tensor, as far as they are known. */
interface Elements {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly strides: readonly number[];
  readonly data: TypedArrayLike;
  readonly errors: Float64Array | undefined;
  /** Makes element i known; undefined for inputs. */
  readonly know: ((i: number) => void) | undefined;
}

class Evaluation implements Environment {
  readonly contract: boolean;
  readonly track: boolean;
  readonly #inputs: Inputs;
  readonly #options: EvaluateOptions;
  readonly #elements = new Map<Buffer, Elements>();

  constructor(inputs: Inputs, options: EvaluateOptions, track: boolean) {
    this.#inputs = inputs;
    this.#options = options;
    this.track = track;
    this.contract = options.contract ?? true;
  }
  parameter(name: string, isSize: boolean): Scalar {
    const values = (isSize ? this.#options.sizes : this.#options.scalars) ?? {};
    const v = Object.hasOwn(values, name) ? values[name] : undefined;
    if (v === undefined)
      throw new InterpretError(
        isSize
          ? `size ${name} is missing: pass it as { sizes: { ${name}: ... } }`
          : `scalar ${name} is missing: pass it as { scalars: { ${name}: ... } }`,
      );
    return v;
  }
  computed(b: Buffer): boolean {
    return tensorOf(b)?.source.kind !== "placeholder";
  }
  read(b: Buffer): (index: readonly number[]) => Scalar {
    let e: Elements | undefined;
    return (index) => {
      e ??= this.elements(b);
      return this.element(e, this.position(e, index));
    };
  }
  position(e: Elements, index: readonly number[]): number {
    let at = 0;
    for (let d = 0; d < e.shape.length; d++) {
      const i = index[d]!;
      if (!(i >= 0 && i < e.shape[d]!))
        throw new InterpretError(`read of ${e.name}[${index.join(", ")}], but its shape is [${e.shape.join(", ")}]`);
      at += i * e.strides[d]!;
    }
    return at;
  }
  element(e: Elements, i: number): Scalar {
    e.know?.(i);
    setError(e.errors ? e.errors[i]! : 0);
    return readElement(e.dtype, e.data, i);
  }
  elements(b: Buffer): Elements {
    let e = this.#elements.get(b);
    if (e !== undefined) return e;
    const t = tensorOf(b);
    if (t === undefined) throw new InterpretError(`${b.name} belongs to no tensor`);
    if (t.source.kind === "placeholder") {
      e = this.#input(b);
      this.#elements.set(b, e);
      return e;
    }
    this.#define(t.source);
    return this.#elements.get(b)!;
  }
  #numbers(list: readonly Expr[]): number[] {
    return list.map((x) => new Term(this, [x]).scalar(x)() as number);
  }
  #input(b: Buffer): Elements {
    const data = Object.hasOwn(this.#inputs, b.name) ? this.#inputs[b.name] : undefined;
    if (data === undefined) throw new InterpretError(`input ${b.name} is missing`);
    const shape = this.#numbers(b.shape);
    const strides = b.strides ? this.#numbers(b.strides) : denseStrides(shape);
    const n = spanOf(shape, strides);
    if (!holds(b.dtype, data) || data.length < n)
      throw new InterpretError(`input ${b.name} of shape [${shape.join(", ")}] needs ${n} elements of ${b.dtype}`);
    return { name: b.name, dtype: b.dtype, shape, strides, data, errors: undefined, know: undefined };
  }

  /** Sets up the elements of all results of a computation. */
  #define(source: Source): void {
    if (source.kind === "placeholder") return;
    const outputs = source.outputs.map((b) => {
      const shape = this.#numbers(b.shape);
      const n = spanOf(shape, denseStrides(shape));
      return { b, shape, strides: denseStrides(shape), n, done: new Uint8Array(n) };
    });
    const made = outputs.map((o) => ({
      name: o.b.name,
      dtype: o.b.dtype,
      shape: o.shape,
      strides: o.strides,
      data: arrayFor(o.b.dtype, o.n),
      errors: this.track ? new Float64Array(o.n) : undefined,
    }));
    const put = (k: number, i: number, v: Scalar): void => {
      const e = made[k]!;
      writeElement(e.dtype, e.data, i, v);
      if (e.errors) e.errors[i] = error();
      outputs[k]!.done[i] = 1;
    };
    const know = this.#knower(source, made, put);
    outputs.forEach((o, k) => {
      const f = know(k);
      this.#elements.set(o.b, {
        ...made[k]!,
        know: (i) => {
          if (o.done[i] === 0) f(i);
        },
      });
    });
  }
  #knower(
    source: Exclude<Source, { kind: "placeholder" }>,
    made: readonly Memory[],
    put: (k: number, i: number, v: Scalar) => void,
  ): (k: number) => (i: number) => void {
    switch (source.kind) {
      case "compute":
        return this.#compute(source, made, put);
      case "scan":
        return this.#scan(source, made, put);
      case "scatter":
        return () => () => runScatter(this, source, { ...made[0]!, put: (i, v) => put(0, i, v) });
      case "nest":
        return this.#nest(source, made, put);
      default:
        return source satisfies never;
    }
  }
  /** One point of the axes makes all elements that stand there, in every result. */
  #nest(
    source: Source & { kind: "nest" },
    made: readonly Memory[],
    put: (k: number, i: number, v: Scalar) => void,
  ): (k: number) => (i: number) => void {
    const run = new NestRun(this, source, made);
    const extents = this.#numbers(source.axes.map((a) => a.extent));
    const strides = denseStrides(extents);
    const slices = made.map((m) => spanOf(m.shape.slice(extents.length), m.strides.slice(extents.length)));
    return (k) => (i) => {
      const point = Math.floor(i / slices[k]!);
      const certain = run.at(extents.map((n, d) => Math.floor(point / strides[d]!) % n));
      made.forEach((m, j) => {
        for (let x = point * slices[j]!; x < (point + 1) * slices[j]!; x++) {
          setError(certain ? (m.errors?.[x] ?? 0) : Infinity);
          put(j, x, readElement(m.dtype, m.data, x));
        }
      });
    };
  }
  #compute(
    source: Source & { kind: "compute" },
    made: readonly { readonly strides: readonly number[] }[],
    put: (k: number, i: number, v: Scalar) => void,
  ): (k: number) => (i: number) => void {
    const terms = source.bodies.map((body) => {
      const term = new Term(this, [body]);
      const cells = source.axes.map((a) => term.cell(a.var));
      return { term, cells, f: term.scalar(body) };
    });
    return (k) => {
      const { term, cells, f } = terms[k]!;
      const { strides } = made[k]!;
      return (i) => {
        let rest = i;
        for (let d = 0; d < cells.length; d++) {
          const s = strides[d]!;
          const v = Math.floor(rest / s);
          cells[d]!.v = v;
          rest -= v * s;
        }
        term.begin();
        put(k, i, f());
      };
    };
  }
  /** Steps are computed whole, in order: a deep recursion from the last step down would overflow the stack. */
  #scan(
    source: Source & { kind: "scan" },
    made: readonly { readonly shape: readonly number[]; readonly strides: readonly number[] }[],
    put: (k: number, i: number, v: Scalar) => void,
  ): (k: number) => (i: number) => void {
    const build = (list: readonly Expr[]) =>
      list.map((body) => {
        const term = new Term(this, [body]);
        const cells = [source.ordered, ...source.axes].map((a) => term.cell(a.var));
        return { term, cells, f: term.scalar(body) };
      });
    const [inits, steps] = [build(source.inits), build(source.steps)];
    const { shape, strides } = made[0]!;
    let next = 0;
    const step = (t: number): void => {
      const index = shape.map(() => 0);
      index[0] = t;
      const all = (d: number, base: number): void => {
        if (d < shape.length) {
          for (let i = 0; i < shape[d]!; i++) {
            index[d] = i;
            all(d + 1, base + i * strides[d]!);
          }
          return;
        }
        (t === 0 ? inits : steps).forEach(({ term, cells, f }, k) => {
          index.forEach((v, a) => {
            cells[a]!.v = v;
          });
          term.begin();
          put(k, base, f());
        });
      };
      all(1, t * strides[0]!);
    };
    return () => (i) => {
      const t = Math.floor(i / strides[0]!);
      while (next <= t) step(next++);
    };
  }

  all(b: Buffer): Bounded {
    const e = this.elements(b);
    const at = this.#options.at;
    for (const index of at ?? [])
      if (!Array.isArray(index) || index.length !== e.shape.length || !index.every(Number.isInteger))
        throw new InterpretError(
          `[${index}] in at is no position of ${e.name}: expected a list of ${e.shape.length} whole numbers`,
        );
    const positions = at?.map((index) => this.position(e, index));
    const n = positions?.length ?? spanOf(e.shape, e.strides);
    const values = arrayFor(e.dtype, n);
    const bound = new Float64Array(n);
    for (let k = 0; k < n; k++) {
      writeElement(e.dtype, values, k, this.element(e, positions ? positions[k]! : k));
      bound[k] = error();
    }
    return { values, bound };
  }
}

/** A schedule is no record of tensors, though it holds some. */
const isPlain = (x: unknown): boolean => isRecord(x) && [Object.prototype, null].includes(Object.getPrototypeOf(x));

function run(
  x: AnyTensor | Tensors,
  inputs: Inputs,
  options: EvaluateOptions,
  track: boolean,
): Bounded | Record<string, Bounded> {
  if (!isTensor(x) && !(isPlain(x) && Object.values(x).every(isTensor)))
    throw new InterpretError("evaluate takes a tensor or a record of tensors: evaluate(C, { A, B })");
  checkEvaluation(isTensor(x) ? [x] : Object.values(x), inputs, options);
  checkResults(isTensor(x) ? [x] : x);
  const e = new Evaluation(inputs, options, track);
  if (isTensor(x)) return e.all(x.buffer);
  return Object.fromEntries(Object.entries(x as Tensors).map(([name, t]) => [name, e.all(t.buffer)]));
}

/**
 * The elements of a tensor (row-major), or of a record of tensors, from typed arrays for its inputs by name. Throws
 * InterpretError for a missing or short input, for inputs and options that the tensors don't have, for a size that is not what
 * `dim` promised (code `size-range`), and for a read outside a tensor.
 *
 *     const c = evaluate(C, { A, B });
 *     const some = evaluate(C, { A, B }, { at: [[0, 0], [511, 17]] });
 */
export function evaluate(x: AnyTensor, inputs: Inputs, options?: EvaluateOptions): TypedArrayLike;
export function evaluate(x: Tensors, inputs: Inputs, options?: EvaluateOptions): Record<string, TypedArrayLike>;
export function evaluate(
  x: AnyTensor | Tensors,
  inputs: Inputs,
  options: EvaluateOptions = {},
): TypedArrayLike | Record<string, TypedArrayLike> {
  const r = run(x, inputs, options, false);
  if (isTensor(x)) return (r as Bounded).values;
  return Object.fromEntries(Object.entries(r as Record<string, Bounded>).map(([k, v]) => [k, v.values]));
}

/**
 * As `evaluate`, with a bound per element on the distance to any correct compiled result: whatever order its reductions
 * take, with or without contraction, with approximated functions within 8 ulp.
 *
 *     const { values, bound } = evaluateWithBound(C, { A, B });
 *     firstMismatch("f32", kernel({ A, B }), { values, bound }); // undefined
 */
export function evaluateWithBound(x: AnyTensor, inputs: Inputs, options?: EvaluateOptions): Bounded;
export function evaluateWithBound(x: Tensors, inputs: Inputs, options?: EvaluateOptions): Record<string, Bounded>;
export function evaluateWithBound(
  x: AnyTensor | Tensors,
  inputs: Inputs,
  options: EvaluateOptions = {},
): Bounded | Record<string, Bounded> {
  return run(x, inputs, options, true);
}

export interface Mismatch {
  readonly at: number;
  readonly got: Scalar;
  readonly expected: Scalar;
  readonly bound: number;
}
/**
 * The first element that lies outside its bound; undefined where there is none. Zeros of either sign are equal, NaN equals NaN. `want` is what
 * `evaluateWithBound` gives. Throws InterpretError for anything else, another number of elements, and a dtype that there isn't.
 */
export function firstMismatch(dtype: DType, got: TypedArrayLike, want: Bounded): Mismatch | undefined {
  const fail = (message: string): never => {
    throw new InterpretError(`firstMismatch: ${message}`);
  };
  if (!isDType(dtype)) fail(`${String(dtype)} is no dtype`);
  if (!ArrayBuffer.isView(got)) fail("what was got is no typed array");
  const { values, bound } = Object(want) as Partial<Bounded>;
  if (!ArrayBuffer.isView(values) || !ArrayBuffer.isView(bound))
    return fail("what was expected is no { values, bound }: evaluateWithBound gives it");
  if (got.length !== values.length || bound.length !== values.length)
    fail(`${got.length} elements were got, ${values.length} expected, with ${bound.length} bounds`);
  for (let i = 0; i < want.values.length; i++) {
    const bound = want.bound[i]!;
    if (bound === Infinity) continue;
    const [g, w] = [readElement(dtype, got, i), readElement(dtype, want.values, i)];
    const same = g === w || (Number.isNaN(g) && Number.isNaN(w));
    if (!same && !(bound > 0 && Math.abs(Number(g) - Number(w)) <= bound)) return { at: i, got: g, expected: w, bound };
  }
  return undefined;
}
