/**
 * Arenas: one linear memory for arrays and for the kernels that work on them. An array takes
 * the first gap that it fits. What lies above the last array is staging space for the kernels' calls.
 */
import type { DType } from "../ir/index.ts";
import { elementBytes, isDType, viewAt } from "./dtypes.ts";
import { ArenaError, show, wrongOptions } from "./errors.ts";
import { alignUp, formatBytes, grow, LIMIT, PAGE, type Place, type Room } from "./place.ts";
import type { AnyArray, Arrays } from "./types.ts";

export interface ArenaOptions {
  /** The most the memory may grow to: bytes, or text such as `"64KB"`, `"512MB"`, `"1GB"` (powers of 1024). At most 2 GB. */
  readonly max?: number | string;
  /** What it starts with (default: 16 MB, or `max` where that is less). Memory that is never touched costs only address space on most systems. */
  readonly initial?: number | string;
  /** A memory that worker threads can share. Growing it detaches no array. */
  readonly shared?: boolean;
}

const bad = (message: string): ArenaError => new ArenaError("arena-options", `arena${message}`);
const ARENA = Symbol.for("tilewright.arena");
/** Not 0, so that a forgotten pointer does not look like an array. */
const BASE = 64;

/** What an array was made as; shared by all its views. */
interface Made {
  readonly dtype: DType;
  readonly length: number;
  readonly address: number;
  /** Just behind its memory, a multiple of 16. */
  readonly end: number;
  /** False once freed. */
  live: boolean;
  /** Of a prepared kernel, which goes on reading it. */
  kept?: boolean;
}

/**
 * Makes an arena. Arrays in it go to its kernels without a copy.
 *
 *     const mem = arena({ max: "1GB" });
 *     const x = mem.array("f32", [n, 64]);
 */
export const arena = (options: ArenaOptions = {}): Arena => new Arena(options);

export const isArena = (x: unknown): x is Arena => (x as Arena | null)?.[ARENA] === true;

export class Arena implements Place {
  readonly [ARENA] = true;
  readonly memory: WebAssembly.Memory;
  readonly shared: boolean;
  /** In bytes. */
  readonly max: number;
  /** The live arrays by address. */
  #blocks: Made[] = [];
  /** Bytes from here on were never written, so they are zero. */
  #clean = 0;
  /** Free bytes that `array` leaves for the kernels' calls. */
  #headroom = PAGE;
  readonly #made = new WeakMap<object, Made>();
  readonly #buffers = new WeakSet<object>();

  constructor(options: ArenaOptions) {
    const wrong = wrongOptions(options, ["max", "initial", "shared"]);
    if (wrong) throw bad(`: ${wrong}`);
    const max = parseBytes("max", options.max ?? "1GB");
    const initial = parseBytes("initial", options.initial ?? Math.min(max, 16 * 2 ** 20));
    if (max > LIMIT || max < PAGE || initial > max)
      throw bad(
        `: max ${formatBytes(max)} and initial ${formatBytes(initial)} must be 64 KB to 2 GB, initial up to max`,
      );
    this.max = Math.floor(max / PAGE) * PAGE;
    this.shared = options.shared ?? false;
    try {
      this.memory = new WebAssembly.Memory({
        initial: Math.max(1, Math.floor(initial / PAGE)),
        maximum: this.max / PAGE,
        ...(this.shared ? { shared: true } : {}),
      });
    } catch (e) {
      throw new ArenaError("out-of-memory", `arena: the engine gives no memory of up to ${formatBytes(max)}: ${e}`);
    }
    this.#buffers.add(this.memory.buffer);
  }

  /** Bytes up to the end of the last array. */
  get used(): number {
    return this.#blocks.at(-1)?.end ?? BASE;
  }

  /**
   * A new array of zeros, 16-byte aligned. It may have to grow the memory, which detaches every array handed out so far
   * unless the arena is shared: get those again with `view`, or allocate (or `reserve`) everything first.
   * Throws `ArenaError` (`arena-full`) beyond `max`.
   */
  array<D extends DType>(dtype: D, shape: number | readonly number[]): Arrays[D] {
    const dims = Array.isArray(shape) ? shape : [shape];
    const refuse = (x: unknown, what: string): never => {
      throw bad(`.array("${dtype}", [${dims}]): ${show(x)} is not a ${what}`);
    };
    if (!isDType(dtype)) refuse(dtype, "dtype");
    for (const d of dims) if (!Number.isInteger(d) || d < 0) refuse(d, "length");
    const length = dims.reduce((a, d) => a * d, 1);
    const bytes = length * elementBytes(dtype);
    // even an empty array takes room, so that no two arrays have one address
    const size = Math.max(16, alignUp(bytes));
    let address = BASE;
    let i = 0;
    for (let x = this.#blocks[i]; x && x.address - address < size; x = this.#blocks[++i]) address = x.end;
    const end = address + size;
    if (end > this.max) throw this.#full(`arena.array: ${dtype}[${dims}] takes ${formatBytes(bytes)}`, address);
    this.#grow(Math.min(end + this.#headroom, this.max));
    const made: Made = { dtype, length, address, end, live: true };
    this.#blocks.splice(i, 0, made);
    const dirty = Math.min(end, this.#clean) - address;
    if (dirty > 0) new Uint8Array(this.memory.buffer, address, dirty).fill(0);
    this.#clean = Math.max(this.#clean, end);
    return this.#viewOf(made) as Arrays[D];
  }

  /** The array itself, or a fresh view of the same elements if the memory has grown since. */
  view<T extends AnyArray>(array: T): T {
    const made = this.#lookUp(array, "view");
    if (array.buffer === this.memory.buffer) return array;
    return this.#viewOf(made) as T;
  }

  /** Gives an array's memory back. It and its views must not be used any more; kernels refuse them. */
  free(array: AnyArray): void {
    const made = this.#lookUp(array, "free");
    made.live = false;
    this.#blocks.splice(this.#blocks.indexOf(made), 1);
  }

  /** Gives all arrays back at once. What `prepare` made of constants stays: its kernels go on reading it. */
  reset(): void {
    for (const x of this.#blocks) x.live = !!x.kept;
    this.#blocks = this.#blocks.filter((x) => x.live);
  }

  /** Makes room for so many more bytes of arrays and staging, so that nothing later has to grow the memory. Grows it as `array` does. */
  reserve(bytes: number | string): void {
    const more = parseBytes("reserve", bytes);
    const used = this.used;
    if (used + more > this.max) throw this.#full(`arena.reserve: ${formatBytes(more)} are asked for`, used);
    this.#grow(used + more);
  }

  // ---- what kernels ask of the memory they run in

  knows(array: object): boolean {
    return this.#made.has(array);
  }
  addressOf(array: AnyArray): number {
    if (array.buffer !== this.memory.buffer && !this.#buffers.has(array.buffer)) return -1;
    return array.byteOffset;
  }
  mayHold(array: AnyArray): boolean {
    const made = this.#made.get(array);
    if (made) return made.live;
    // a view of the caller's own making: it must stay inside one array
    const end = array.byteOffset + array.byteLength;
    return this.#blocks.some((x) => x.address <= array.byteOffset && end <= x.end);
  }
  /** Kernels announce what their calls will stage, so that `array` leaves room for it. */
  leaveRoom(bytes: number): void {
    this.#headroom = Math.max(this.#headroom, bytes);
  }
  stage(bytes: number, kernel: string): number {
    this.leaveRoom(bytes);
    const start = this.used;
    const need = start + bytes;
    const wants = `${kernel} needs ${formatBytes(bytes)} of the arena for scratch and arrays outside of it`;
    if (need > this.max) throw this.#full(wants, start);
    if (need > this.memory.buffer.byteLength && !this.shared && this.#blocks.length > 0)
      throw new ArenaError(
        "arena-full",
        `${wants}; growing now would detach the arrays in use: call arena.reserve(${bytes}) before making any`,
      );
    this.#grow(need);
    this.#clean = Math.max(this.#clean, need);
    return start;
  }

  keep(bytes: number): Room {
    const array = this.array("u8", bytes);
    this.#made.get(array)!.kept = true;
    return { address: array.byteOffset, free: () => this.free(array) };
  }

  #viewOf(made: Made): AnyArray {
    const view = viewAt(made.dtype, this.memory.buffer, made.address, made.length);
    this.#made.set(view, made);
    return view;
  }
  #lookUp(array: AnyArray, what: string): Made {
    const made = this.#made.get(array);
    if (!made?.live)
      throw new ArenaError(
        "arena-array",
        `arena.${what}: ${made ? "it was freed before" : "not an array of this arena"}`,
      );
    return made;
  }
  #full(wants: string, used: number): ArenaError {
    const [max, left] = [formatBytes(this.max), formatBytes(this.max - used)];
    return new ArenaError("arena-full", `${wants}, but of max ${max} only ${left} are left`);
  }
  #grow(need: number): void {
    if (need <= this.memory.buffer.byteLength) return;
    grow(this.memory, need, this.max);
    this.#buffers.add(this.memory.buffer);
  }
}

/** Bytes from a number or from text like `64KB` (powers of 1024). */
export function parseBytes(what: string, x: number | string): number {
  const m = typeof x === "string" ? /^\s*(\d+(?:\.\d+)?)\s*([kmg]?)i?b?\s*$/i.exec(x) : undefined;
  const n =
    typeof x === "number"
      ? x
      : m
        ? Number(m[1]) * 1024 ** ["", "k", "m", "g"].indexOf(m[2]!.toLowerCase())
        : Number.NaN;
  if (!Number.isFinite(n) || n < 0)
    throw bad(`: ${what} is ${show(x)}, but must be bytes or text such as "64KB" or "1GB"`);
  return Math.floor(n);
}
