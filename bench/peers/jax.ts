/** jax-js: its wasm backend, traced once with jit. */
import { blockUntilReady, defaultDevice, init, jit, nn, numpy as np } from "@jax-js/jax";
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

/** Function of arrays, traced with the first call; later ones find the kernel. */
async function traced(f: (...xs: np.Array[]) => np.Array, given: readonly [Float32Array, number[]][]): Promise<Peer> {
  await start();
  const xs = given.map(([data, shape]) => np.array(data).reshape(shape));
  await blockUntilReady(xs);
  const g = jit(f);
  const call = (): np.Array => g(...xs.map((x) => x.ref));
  const first = call();
  await first.blockUntilReady();
  first.dispose();
  return {
    ...{ name: "jax-js", kind: "peer", direct: true },
    async run() {
      const y = call();
      await y.blockUntilReady();
      y.dispose();
    },
    result: () => call().dataSync() as Float32Array,
    dispose() {
      for (const x of xs) x.dispose();
      g.dispose();
    },
  };
}

export const jax: Library = {
  name: "jax-js",
  async peer(work) {
    switch (work.kind) {
      case "gemm": {
        // It packs nothing ahead of time, so B constant or not is the same to it.
        const { m, n, k, a, b } = work;
        const product = (x: np.Array, y: np.Array): np.Array => np.matmul(x, y);
        return oneThread(() =>
          traced(product as never, [
            [a, [m, k]],
            [b, [k, n]],
          ]),
        );
      }
      case "softmax":
        return oneThread(() => traced((x) => nn.softmax(x!, -1), [[work.x, [work.rows, work.columns]]]));
      default:
        // A convolution takes seconds, and the other operators it would have to be composed of are no faster.
        return undefined;
    }
  },
};
