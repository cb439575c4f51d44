/** Where a kernel's call finds room: an arena, or the memory that a module owns. */
import { ArenaError } from "./errors.ts";
import type { AnyArray } from "./types.ts";

export const PAGE = 65536;
/** Addresses are i32 and must not look negative to address arithmetic. */
export const LIMIT = 2 ** 31;
export const alignUp = (n: number): number => Math.ceil(n / 16) * 16;

export interface Place {
  readonly memory: WebAssembly.Memory;
  /** Whether it handed this very array out (perhaps before the memory grew). */
  knows(array: object): boolean;
  /** The address of an array that lives in this memory, -1 for others. */
  addressOf(array: AnyArray): number;
  /** Whether an array that lives in this memory is in a part that is handed out, and so is not staging space. */
  mayHold(array: AnyArray): boolean;
  /** The address of so many bytes of staging space (16-byte aligned), valid for one call. May grow the memory. */
  stage(bytes: number, kernel: string): number;
  /** So many bytes that stay (16-byte aligned). May grow the memory. */
  keep(bytes: number): Room;
}
export interface Room {
  readonly address: number;
  /** Gives it back; in the reverse order of `keep`. */
  free(): void;
}

/** The memory of a module that is alone with it: all of it, from the `heap` up, is staging space. */
export class OwnMemory implements Place {
  readonly memory: WebAssembly.Memory;
  #heap: number;
  constructor(memory: WebAssembly.Memory, heap: number) {
    this.memory = memory;
    this.#heap = alignUp(heap);
  }
  knows(): boolean {
    return false;
  }
  addressOf(array: AnyArray): number {
    return array.buffer === this.memory.buffer ? array.byteOffset : -1;
  }
  mayHold(): boolean {
    return false;
  }
  stage(bytes: number): number {
    const need = this.#heap + bytes;
    if (need > this.memory.buffer.byteLength) grow(this.memory, need, LIMIT);
    return this.#heap;
  }
  keep(bytes: number): Room {
    const address = this.stage(bytes);
    this.#heap += alignUp(bytes);
    return {
      address,
      free: () => {
        this.#heap = address;
      },
    };
  }
}

/** Grows to at least `need` bytes: to twice the size where `max` and the engine allow it, so that growing stays rare. */
export function grow(memory: WebAssembly.Memory, need: number, max: number): void {
  const now = memory.buffer.byteLength;
  const exact = Math.ceil(need / PAGE);
  const generous = Math.max(exact, Math.min((2 * now) / PAGE, Math.floor(max / PAGE)));
  for (const pages of need > max ? [] : [generous, exact]) {
    try {
      memory.grow(pages - now / PAGE);
      return;
    } catch {
      // try the smaller step
    }
  }
  throw new ArenaError("out-of-memory", `the memory has ${formatBytes(now)} and cannot grow to ${formatBytes(need)}`);
}

export function formatBytes(n: number): string {
  const units = ["bytes", "KB", "MB", "GB"];
  let i = 0;
  let v = n;
  for (; v >= 1024 && i < 3; i++) v /= 1024;
  return `${Number.isInteger(v) ? v : v.toFixed(1)} ${units[i]}`;
}
