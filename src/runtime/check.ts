/** Checking a call's arguments against the ABI. Nothing is written here, and everything a call needs is found. */
import type { Abi, AbiBuffer, AbiParam, AbiSize } from "../target/index.ts";
import { arrayNames, elementBytes, holds, scalarValue } from "./dtypes.ts";
import {
  type ArgumentCode,
  aOrAn,
  className,
  isNot,
  plural,
  RuntimeArgumentError,
  show,
  wrongOptions,
} from "./errors.ts";
import { alignUp, LIMIT, type Place } from "./place.ts";
import { evalSize, extentOf, printShape, printSize, sizesIn, solveSize } from "./size.ts";
import type { AnyArray } from "./types.ts";

/** What is fixed about a kernel, found once. */
export interface Plan {
  readonly abi: Abi;
  /** Whether calls return a record of results by name. */
  readonly record: boolean;
  /** Positions in `abi.params` by name. */
  readonly position: ReadonlyMap<string, number>;
  /** The sizes that each parameter's shape mentions, by position. */
  readonly mentions: readonly (readonly string[])[];
  /** How messages call each array: `A`, `into`, `into.C`. */
  readonly labels: readonly string[];
}
export function planOf(abi: Abi): Plan {
  const { params } = abi;
  const record =
    (abi.results ?? (params.filter((p) => p.role === "output").length === 1 ? "single" : "record")) === "record";
  const isBuffer = (p: AbiParam): p is AbiBuffer => p.role === "input" || p.role === "output";
  return {
    abi,
    record,
    position: new Map(params.flatMap((p, i) => (p.role === "scratch" || p.role === "prepared" ? [] : [[p.name, i]]))),
    mentions: params.map((p) => {
      const names = new Set<string>();
      if (isBuffer(p)) for (const e of [...p.shape, ...(p.strides ?? [])]) sizesIn(e, names);
      return [...names];
    }),
    labels: params.map((p) =>
      p.role === "output" ? (record ? `into.${p.name}` : "into") : p.role === "scratch" ? "" : p.name,
    ),
  };
}

type Given = Readonly<Record<string, unknown>>;
const own = (o: Given, name: string): unknown => (Object.hasOwn(o, name) ? o[name] : undefined);
const describe = (b: AbiBuffer): string => `${aOrAn(arrayNames(b.dtype))} for ${b.dtype}${printShape(b)}`;

/**
 * A checked call. Everything is by position in `abi.params`. The constructor throws `RuntimeArgumentError` naming the
 * parameter for whatever does not fit.
 */
export class Call {
  /** The caller's arrays: undefined for results that get a fresh one (and for what is no buffer). */
  readonly arrays: (AnyArray | undefined)[] = [];
  /** Where an array lives in the kernel's memory, -1 when it must be staged. */
  readonly addresses: number[] = [];
  /** Elements of each buffer. */
  readonly lengths: number[] = [];
  /** Sizes and scalars. */
  readonly values: (number | bigint)[] = [];
  /** In bytes. */
  readonly scratch: number;
  readonly #plan: Plan;
  readonly #place: Place;
  // without a prototype: a size may be called toString
  readonly #sizes: Record<string, number> = Object.create(null);
  /** Which array's length told a size: its position, -1 for sizes that were given. */
  readonly #source: Record<string, number> = Object.create(null);

  constructor(plan: Plan, place: Place, args: unknown, options: unknown) {
    this.#plan = plan;
    this.#place = place;
    const given = this.#checkNames(args);
    const wrong = wrongOptions(options, ["into"]);
    if (wrong) this.#fail("argument-unknown", "options", `${wrong}: pass { into: array }`);
    const results = this.#checkInto((options as Given).into);
    plan.abi.params.forEach((p, i) => {
      if (p.role === "scratch") return;
      const v = own(p.role === "output" ? results : given, p.name);
      if (p.role === "input" || (p.role === "output" && v !== undefined)) this.arrays[i] = this.#checkArray(p, i, v);
      if (p.role === "scalar") this.values[i] = this.#checkScalar(p.name, p.dtype, v);
      if (p.role === "size" && v !== undefined) {
        if (!Number.isInteger(v))
          this.#fail("argument-value", p.name, `the size ${p.name} ${isNot(v, "a whole number")}`);
        this.#setSize(p, v as number, -1);
      }
    });
    this.#findSizes();
    this.scratch = evalSize(plan.abi.scratch, this.#sizes);
    this.#checkLengths();
    this.#checkPlaces();
  }

  #fail(code: ArgumentCode, parameter: string, message: string): never {
    throw new RuntimeArgumentError(code, this.#plan.abi.name, parameter, message);
  }
  /** As `fail`, for what is wrong with an argument itself; the message begins with its name. */
  #bad(what: string, parameter: string, message: string): never {
    this.#fail(`argument-${what}` as ArgumentCode, parameter, `${parameter} ${message}`);
  }
  #unknown(parameter: string, what: string, roles: (p: AbiParam) => boolean): never {
    const names = this.#plan.abi.params.flatMap((p) =>
      p.role !== "scratch" && p.role !== "prepared" && roles(p) ? [p.name] : [],
    );
    const name = parameter.replace("into.", "");
    this.#fail("argument-unknown", parameter, `there is no ${what} ${name}; it has ${names.join(", ")}`);
  }

  #checkNames(args: unknown): Given {
    const { abi, position } = this.#plan;
    if (typeof args !== "object" || args === null || ArrayBuffer.isView(args))
      return this.#fail("argument-type", "", `the arguments are ${show(args)}, but a record by name was expected`);
    const given = args as Given;
    for (const name of Object.keys(given)) {
      if (given[name] === undefined) continue;
      const p = abi.params[position.get(name) ?? -1];
      if (p === undefined) this.#unknown(name, "argument", (x) => x.role !== "output");
      if (p.role === "output")
        this.#bad("unknown", name, `is a result: pass its array as the second argument, { into: ... }`);
    }
    for (const p of abi.params) {
      if ((p.role !== "input" && p.role !== "scalar") || own(given, p.name) !== undefined) continue;
      const what = p.role === "input" ? describe(p) : `a value of ${p.dtype}`;
      this.#fail("argument-missing", p.name, `the argument ${p.name} is missing: ${what} was expected`);
    }
    return given;
  }

  /** The arrays for results, by name. */
  #checkInto(into: unknown): Given {
    const { record, abi, position } = this.#plan;
    if (into === undefined) return {};
    const isArray = ArrayBuffer.isView(into);
    if (typeof into !== "object" || into === null || record === isArray)
      return this.#fail("argument-type", "into", `into ${isNot(into, record ? "a record of arrays" : "an array")}`);
    if (isArray) return { [abi.params.find((p): p is AbiBuffer => p.role === "output")!.name]: into };
    for (const name of Object.keys(into))
      if (abi.params[position.get(name) ?? -1]?.role !== "output")
        this.#unknown(`into.${name}`, "result", (x) => x.role === "output");
    return into as Given;
  }

  #checkScalar(name: string, dtype: AbiBuffer["dtype"], v: unknown): number | bigint {
    const s = scalarValue(dtype, v);
    if (typeof s !== "object") return s;
    return this.#fail("argument-value", name, `the scalar ${name} (${dtype}) ${isNot(v, s.expected)}`);
  }

  #checkArray(b: AbiBuffer, i: number, array: unknown): AnyArray {
    const name = this.#plan.labels[i]!;
    if (!holds(b.dtype, array)) return this.#bad("type", name, `${isNot(array, describe(b))}`);
    const buffer = array.buffer as ArrayBufferLike & { resizable?: boolean; growable?: boolean };
    if (buffer.byteLength === 0 && isDetached(buffer)) {
      const why = this.#place.knows(array)
        ? "the arena's memory grew since; get the array again with arena.view()"
        : "its buffer was transferred, or its memory grew";
      this.#bad("detached", name, `is detached: ${why}`);
    }
    if (buffer.resizable || buffer.growable) this.#bad("memory", name, `is a view of a resizable buffer; pass a copy`);
    if (b.dtype === "bool" && b.role === "input") {
      const bytes = array as Uint8Array;
      let at = 0;
      while (at < bytes.length && bytes[at]! <= 1) at++;
      if (at < bytes.length)
        this.#fail("argument-value", name, `${name}[${at}] is ${bytes[at]}, but bool arrays hold 0 and 1`);
    }
    return array;
  }

  #from(size: string): string {
    const i = this.#source[size]!;
    return i < 0 ? "given" : `from the length of ${this.#plan.labels[i]}`;
  }
  /** Why a shape is as it is, e.g. ` with n = 37 (given)`. */
  #because(i: number): string {
    const known = this.#plan.mentions[i]!.filter((n) => this.#sizes[n] !== undefined);
    return known.length === 0
      ? ""
      : ` with ${known.map((n) => `${n} = ${this.#sizes[n]} (${this.#from(n)})`).join(", ")}`;
  }
  #setSize(s: AbiSize, v: number, source: number): void {
    const { name, min, max, multipleOf } = s;
    this.#sizes[name] = v;
    this.#source[name] = source;
    if (v >= min && v <= max && v % multipleOf === 0) return;
    const multiple = multipleOf === 1 ? "" : ` and a multiple of ${multipleOf}`;
    this.#fail(
      "size-range",
      name,
      `the size ${name} is ${v} (${this.#from(name)}), but must be from ${min} to ${max}${multiple}`,
    );
  }

  /** Sizes that were not given follow from the lengths of arrays, one unknown after another. */
  #findSizes(): void {
    const { abi, mentions, labels, position } = this.#plan;
    const sizes = this.#sizes;
    for (let found = true; found; ) {
      found = false;
      for (const [i, array] of this.arrays.entries()) {
        const unknown = array ? mentions[i]!.filter((n) => sizes[n] === undefined) : [];
        const s = abi.params[position.get(unknown[0]!) ?? -1];
        if (array === undefined || unknown.length !== 1 || s?.role !== "size") continue;
        const b = abi.params[i] as AbiBuffer;
        const v = solveSize(b, array.length, s, sizes);
        if (v === "none")
          this.#bad(
            "length",
            labels[i]!,
            `has ${plural(array.length, "element")}, which its shape ${printShape(b)} has for no ${s.name}${this.#because(i)}`,
          );
        if (v === undefined) continue;
        this.#setSize(s, v, i);
        found = true;
      }
    }
    abi.params.forEach((p, i) => {
      if (p.role !== "size") return;
      const v = sizes[p.name];
      if (v === undefined)
        this.#fail(
          "size-missing",
          p.name,
          `the size ${p.name} does not follow from the lengths of the arrays; pass ${p.name}`,
        );
      else this.values[i] = v;
    });
  }

  #checkLengths(): void {
    const { abi, mentions, labels } = this.#plan;
    let total = alignUp(this.scratch);
    let worst = "scratch";
    let worstBytes = total;
    abi.params.forEach((b, i) => {
      if (b.role !== "input" && b.role !== "output") return;
      const { least, most } = extentOf(b, this.#sizes);
      if (least < 0) {
        const dim = b.shape.find((e) => evalSize(e, this.#sizes) < 0)!;
        const is = `${printSize(dim)} is ${evalSize(dim, this.#sizes)}${this.#because(i)}`;
        this.#fail("size-range", b.name, `${b.name}${printShape(b)} has a negative dimension: ${is}`);
      }
      const length = this.arrays[i]?.length ?? least;
      if (length < least || length > most)
        this.#fail(
          // a length that speaks against another array's is a contradiction of the two; any other is just wrong
          mentions[i]!.some((n) => this.#source[n]! >= 0) ? "size-contradiction" : "argument-length",
          labels[i]!,
          `${labels[i]} has ${plural(length, "element")}, but ${least === most ? least : `${least} to ${most}`} were expected: its shape is ${printShape(b)}${this.#because(i)}`,
        );
      this.lengths[i] = length;
      const bytes = length * elementBytes(b.dtype);
      total += alignUp(bytes);
      if (bytes > worstBytes) [worst, worstBytes] = [b.name, bytes];
    });
    if (total >= LIMIT)
      this.#fail(
        "too-large",
        worst,
        `its buffers take ${total} bytes (${worst}: ${worstBytes}), the limit is ${LIMIT}`,
      );
  }

  /** Addresses, and that no result overlaps any other buffer (inputs may overlap one another). */
  #checkPlaces(): void {
    const { abi, labels } = this.#plan;
    this.arrays.forEach((array, i) => {
      if (array === undefined) return;
      const b = abi.params[i] as AbiBuffer;
      const at = this.#place.addressOf(array);
      this.addresses[i] = at;
      const align = b.align ?? 16;
      const name = labels[i]!;
      if (at >= 0 && !this.#place.mayHold(array))
        this.#bad("memory", name, `lies where the arena has no array (any more)`);
      if (at >= 0 && at % align !== 0)
        this.#bad(
          "alignment",
          name,
          `begins at byte ${at} of the arena, but a multiple of ${align} was expected; pass a copy`,
        );
    });
    this.arrays.forEach((a, i) => {
      if (a === undefined || abi.params[i]!.role !== "output") return;
      this.arrays.forEach((b, j) => {
        if (b === undefined || i === j) return;
        // two buffer objects of one growing shared memory are one place
        if (a.buffer !== b.buffer && (this.addresses[i]! < 0 || this.addresses[j]! < 0)) return;
        if (a.byteOffset >= b.byteOffset + b.byteLength || b.byteOffset >= a.byteOffset + a.byteLength) return;
        this.#bad("overlap", labels[i]!, `overlaps ${labels[j]} in memory; a result needs an array of its own`);
      });
    });
  }
}

function isDetached(buffer: ArrayBufferLike & { detached?: boolean }): boolean {
  if (buffer.detached !== undefined || className(buffer) !== "ArrayBuffer") return buffer.detached ?? false;
  try {
    new Uint8Array(buffer);
    return false;
  } catch {
    return true;
  }
}
