import type { Buildable, WasmTarget } from "../../src/index.ts";
import type { Kit } from "../kit.ts";
import type { Variant } from "../ours.ts";
import type { Work } from "../work/index.ts";

/** A way in which this project does the work. */
export interface Entry {
  /** "" for the default schedule; otherwise what is special: "by hand", "Winograd". */
  readonly label: string;
  /** It needs the operations that the work counts. One that computes otherwise may seem to exceed the machine's limit. */
  readonly direct: boolean;
  /** Compiled with `algorithm: "direct"`. */
  readonly asWritten?: boolean;
  /** The only variant it is meant for. */
  readonly variant?: Variant;
  /** The expression, or a schedule of one for this target. */
  make(kit: Kit, target: WasmTarget): Buildable | Promise<Buildable>;
}

export interface Case {
  readonly group: string;
  readonly name: string;
  /** Among the few of `--quick`. */
  readonly quick: boolean;
  /** What it counts under in the geometric means, besides its group. */
  readonly classes: readonly string[];
  /** For memory-bound work, what it is judged by: a copy of as many bytes, or the larger of that and a pass of exp over the data. */
  readonly memory?: "copy" | "exp";
  work(): Work;
  readonly ours: readonly Entry[];
  /** Other expressions of the same result, which `search.ts` tries as well. */
  readonly forms?: { readonly [name: string]: (kit: Kit) => Buildable };
}

/** The default schedule of an expression. */
export const byDefault = (make: (kit: Kit) => Buildable): Entry => ({ label: "", direct: true, make });
/** The default algorithm, which may need fewer operations, and the expression as it is written. */
export const byAlgorithm = (make: (kit: Kit) => Buildable): readonly Entry[] => [
  { label: "", direct: false, make },
  { label: "direct", direct: true, asWritten: true, make },
];
