/** What the machine can do, measured in the same run: the arithmetic limit, and how fast WebAssembly copies. */
import binaryen from "binaryen";
import { createLimit, type LimitSet } from "../src/driver/limit.ts";
import { measure, type Timed } from "../src/driver/measure.ts";

/** Bytes of one turn of the loop. */
const STEP = 128;
const PAGE = 65536;

/** A loop of vector loads and stores, written out: what it is to judge had no part in making it. */
function copyModule(): Uint8Array<ArrayBuffer> {
  const moves = Array.from({ length: STEP / 16 }, (_, i) => {
    const offset = `offset=${16 * i}`;
    return `(v128.store ${offset} (local.get $to) (v128.load ${offset} (local.get $from)))`;
  });
  const advance = (local: string): string =>
    `(local.set $${local} (i32.add (local.get $${local}) (i32.const ${STEP})))`;
  const module = binaryen.parseText(`(module
    (memory (export "memory") 1)
    (func (export "copy") (param $to i32) (param $from i32) (param $end i32)
      (loop $next
        ${moves.join("\n")}
        ${advance("to")}
        ${advance("from")}
        (br_if $next (i32.lt_u (local.get $from) (local.get $end))))))`);
  try {
    module.setFeatures(binaryen.Features.SIMD128);
    return module.emitBinary() as Uint8Array<ArrayBuffer>;
  } finally {
    module.dispose();
  }
}

/** Copies in one memory that grows as it must. */
export class Copies {
  readonly #memory: WebAssembly.Memory;
  readonly #copy: (to: number, from: number, end: number) => void;

  constructor() {
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(copyModule()));
    this.#memory = exports.memory as WebAssembly.Memory;
    this.#copy = exports.copy as (to: number, from: number, end: number) => void;
  }

  /** A copy that moves so many bytes through the caches: half of them read, half written. */
  moving(bytes: number): Timed {
    const half = Math.max(STEP, Math.ceil(bytes / 2 / STEP) * STEP);
    // A cache line between source and target: equal low address bits would fight for the same cache sets.
    const to = half + 64;
    const missing = Math.ceil((to + half - this.#memory.buffer.byteLength) / PAGE);
    if (missing > 0) this.#memory.grow(missing);
    // Pages that were never written are all one page of zeros, which would stay in the cache.
    new Uint8Array(this.#memory.buffer, 0, to + half).fill(1);
    return () => this.#copy(to, 0, half);
  }
}

export interface Bandwidth {
  /** Read and written together. */
  readonly bytes: number;
  /** Bytes per second, in billions. */
  readonly gbs: number;
}
const SIZES: readonly number[] = [16, 64, 256, 1024, 4096, 16384, 65536].map((k) => k * 1024);

export interface Machine {
  readonly limit: LimitSet;
  readonly copies: Copies;
  /** How fast copies of several sizes are, from the smallest to the largest. */
  readonly bandwidth: readonly Bandwidth[];
}

export async function machine(quick: boolean): Promise<Machine> {
  const copies = new Copies();
  const fns = Object.fromEntries(SIZES.map((bytes) => [`${bytes}`, copies.moving(bytes)]));
  const t = await measure(fns, quick ? { rounds: 5, minMs: 2, warmMs: 80 } : { rounds: 11, minMs: 5, warmMs: 200 });
  const bandwidth = SIZES.map((bytes) => ({ bytes, gbs: bytes / t[`${bytes}`]!.ms / 1e6 }));
  return { limit: createLimit(), copies, bandwidth };
}

/** The bandwidth for so many bytes: between two measured sizes on the line that joins them over the logarithm of the size. */
export function bandwidthAt(curve: readonly Bandwidth[], bytes: number): number {
  const next = curve.findIndex((p) => p.bytes >= bytes);
  if (next === 0) return curve[0]!.gbs;
  if (next < 0) return curve.at(-1)!.gbs;
  const [a, b] = [curve[next - 1]!, curve[next]!];
  const share = Math.log(bytes / a.bytes) / Math.log(b.bytes / a.bytes);
  return a.gbs + share * (b.gbs - a.gbs);
}
