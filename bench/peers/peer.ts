import type { Conv, Gemm } from "../data.ts";

/** Somebody who can do the work, one thread, everything that can be done ahead of time already done. */
export interface Peer {
  readonly name: string;
  /** Does the work once; finished when it returns, or when the promise it returns resolves. */
  run(): unknown;
  /** The answer in the layout of the work (convolutions: NHWC). */
  result(): Float32Array | Promise<Float32Array>;
  dispose(): void;
}

export interface Library {
  readonly name: string;
  /** With the second operand constant, so that it may be packed ahead of time. */
  gemm(work: Gemm): Promise<Peer>;
  /** With the second operand given anew with every call; undefined where that makes no difference. */
  gemmRuntime(work: Gemm): Promise<Peer | undefined>;
  /** Undefined where the library is too slow to wait for. */
  conv(work: Conv): Promise<Peer | undefined>;
}
