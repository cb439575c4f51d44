/** jax-js: its wasm backend, traced once with jit. */
import { blockUntilReady, defaultDevice, init, jit, numpy as np } from "@jax-js/jax";
import type { Gemm } from "../data.ts";
import type { Library, Peer } from "./peer.ts";

let ready: Promise<void> | undefined;

function start(): Promise<void> {
  ready ??= (async () => {
    const devices = await init("wasm");
    if (!devices.includes("wasm")) throw new Error("jax-js has no wasm backend here");
    defaultDevice("wasm");
  })();
  return ready;
}

/**
 * jax-js goes for worker threads and a shared memory wherever a global `Worker` exists, and other libraries define one in Node. Everything
 * here is to run on one thread; and its memory must stay of the kind its kernels are compiled for.
 */
async function oneThread<T>(work: () => Promise<T>): Promise<T> {
  const scope = globalThis as { Worker?: unknown };
  const worker = scope.Worker;
  delete scope.Worker;
  try {
    return await work();
  } finally {
    if (worker !== undefined) scope.Worker = worker;
  }
}

async function gemm({ m, n, k, a, b }: Gemm): Promise<Peer> {
  await start();
  const A = np.array(a).reshape([m, k]);
  const B = np.array(b).reshape([k, n]);
  await blockUntilReady([A, B]);
  const f = jit((x: np.Array, y: np.Array) => np.matmul(x, y));
  // The first call compiles the kernel; later ones find it.
  const first = f(A.ref, B.ref);
  await first.blockUntilReady();
  first.dispose();
  return {
    name: "jax-js",
    async run() {
      const y = f(A.ref, B.ref);
      await y.blockUntilReady();
      y.dispose();
    },
    result: () => f(A.ref, B.ref).dataSync() as Float32Array,
    dispose() {
      A.dispose();
      B.dispose();
      f.dispose();
    },
  };
}

export const jax: Library = {
  name: "jax-js",
  gemm: (work) => oneThread(() => gemm(work)),
  // It packs nothing ahead of time.
  gemmRuntime: async () => undefined,
  // A case takes seconds.
  conv: async () => undefined,
};
