/** The types of the runtime's face. */
import type { DType } from "../ir/index.ts";
import type { Abi } from "../target/index.ts";
import type { Arena } from "./arena.ts";

/** The typed array that holds each dtype. f16 is held as its bits, bool as 0 and 1. */
export interface Arrays {
  readonly f64: Float64Array;
  readonly f32: Float32Array;
  readonly f16: Uint16Array;
  readonly i64: BigInt64Array;
  readonly i32: Int32Array;
  readonly i16: Int16Array;
  readonly i8: Int8Array;
  readonly u64: BigUint64Array;
  readonly u32: Uint32Array;
  readonly u16: Uint16Array;
  readonly u8: Uint8Array;
  readonly bool: Uint8Array;
}
export type AnyArray = Arrays[DType];
/** Arguments of a kernel whose types are not known: by name, arrays, sizes and scalars. */
export type AnyArgs = Readonly<Record<string, AnyArray | number | bigint | boolean | undefined>>;
export type AnyResult = AnyArray | Readonly<Record<string, AnyArray>>;

export type Bytes = Uint8Array | ArrayBuffer;
/** What `build` returns, as far as running it goes. `wasm` is valid on every engine with simd128. */
export interface Loadable {
  readonly wasm: Bytes;
  readonly variants?: { readonly relaxed?: Bytes | undefined };
}
export interface LoadOptions {
  /** Kernels loaded with one arena share its memory, so its arrays go between them without copies. */
  readonly arena?: Arena | undefined;
}

/**
 * A kernel in memory. Call it with one record of arrays, sizes and scalars; it returns the result, or a record of several.
 *
 *     const y = k({ A: a, n: 37 });
 *     k({ A: a }, { into: y });
 *
 * Sizes that follow from array lengths may be left out. Throws `RuntimeArgumentError`, before anything is written, for
 * arguments that do not fit.
 */
export interface Kernel<I = AnyArgs, O = AnyResult> {
  (args: I, options?: { readonly into?: O }): O;
  readonly abi: Abi;
  /** Which of the artifact's modules this engine runs. */
  readonly variant: "plain" | "relaxed";
  /** The kernel's linear memory: its own, or the arena's. */
  readonly memory: WebAssembly.Memory;
  /**
   * Takes the constants (inputs marked so), runs what depends on them alone, and returns a kernel that keeps the results in its
   * memory: it takes the other arguments only. Without this each call prepares anew.
   *
   *     const dense = k.prepare({ W: w });
   *     dense({ X: x });
   *
   * In an arena it makes arrays, so it may grow the memory as `array` does.
   */
  prepare(constants: AnyArgs): Kernel<Partial<I>, O>;
  /** The module's exports, for callers that place buffers themselves. */
  readonly raw: WebAssembly.Exports;
}
