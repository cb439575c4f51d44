/** What a warning says. */
import type { BlockHandle, Loop } from "../../schedule/index.ts";
import type { BlockId, Var } from "../ir/index.ts";
import type { Sizes } from "./numbers.ts";

export type WarningCode =
  | "no-vector-code"
  | "scalar-reduction"
  | "plain-intrinsic"
  | "register-tile"
  | "accumulator-in-memory"
  | "strided-access"
  | "recomputation"
  | "wasted-tail"
  | "short-vectors"
  | "scratch-over-cache"
  | "local-in-memory"
  | "index-division"
  | "dead-producer";

/** A number and what it counts. */
export interface Quantity {
  readonly value: number;
  readonly unit: "bytes" | "registers" | "elements" | "lanes" | "points" | "%" | "times";
}
export type Amounts = Readonly<Record<string, Quantity>>;

export interface Warning {
  readonly code: WarningCode;
  readonly message: string;
  /** The loops it means. */
  readonly loops: readonly Loop[];
  readonly blocks: readonly BlockHandle[];
  /** The same loops and blocks as a trace refers to them. */
  readonly refs: readonly string[];
  /** Names of the buffers it means. */
  readonly buffers: readonly string[];
  readonly quantities: Amounts;
  /** The loop nest, what is meant underlined with ^^^. */
  readonly nest: string;
}
/** A warning before handles are looked up. */
export interface Found {
  readonly code: WarningCode;
  readonly message: string;
  readonly loops: readonly Var[];
  readonly blocks: readonly BlockId[];
  readonly buffers?: readonly string[];
  readonly quantities?: Amounts;
  /** Of all work, between 0 and 1. */
  readonly share: number;
}

export interface AnalyzeOptions {
  /** Values of symbolic sizes; what `dim` calls typical where left out. */
  readonly sizes?: Sizes;
  /** Bytes of cache that scratch memory should fit. Default: 1 MiB, a common L2. */
  readonly cache?: number;
  /** How often an element may be computed before it is worth a warning. Default: 1.5 times. */
  readonly recomputation?: number;
  /** Share of a loop's vectors that may be short. Default: 0.4. */
  readonly shortVectors?: number;
  /** Share of all work below which nothing is worth a warning. Default: 0.05. */
  readonly share?: number;
}
export type Limits = Required<Omit<AnalyzeOptions, "sizes">>;
