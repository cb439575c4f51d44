import type { Work } from "../work/index.ts";

/** Somebody who can do the work, one thread, everything that can be done ahead of time already done. */
export interface Peer {
  readonly name: string;
  /** `far`: native code with wider vectors, shown beside the others but in no comparison with them. */
  readonly kind: "ours" | "peer" | "far";
  /** Needs the operations that the work counts, so that it can't exceed the machine's limit. */
  readonly direct: boolean;
  /** For a schedule or an algorithm of this project that is not the default one: who is. */
  readonly instead?: string;
  /** Does the work once; finished when it returns, or when the promise it returns resolves. */
  run(): unknown;
  /** The answer in the layout of the work (pictures and convolutions: NHWC). */
  result(): Float32Array | Promise<Float32Array>;
  dispose(): void;
}

export interface Library {
  readonly name: string;
  /** Undefined where the library lacks the operator, or is too slow to wait for. */
  peer(work: Work): Promise<Peer | undefined>;
}
