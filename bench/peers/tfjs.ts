/** TensorFlow.js: its wasm backend (XNNPACK inside, SIMD confirmed). Its kernels are synchronous, so nothing is waited for. */
import * as wasm from "@tensorflow/tfjs-backend-wasm";
import * as tf from "@tensorflow/tfjs-core";
import { type Conv, type Gemm, outSize } from "../data.ts";
import type { Library, Peer } from "./peer.ts";

let ready: Promise<void> | undefined;

function start(): Promise<void> {
  ready ??= (async () => {
    wasm.setThreadsCount(1);
    if (!(await tf.setBackend("wasm"))) throw new Error("tfjs has no wasm backend here");
    await tf.ready();
    if (!(await tf.env().getAsync("WASM_HAS_SIMD_SUPPORT"))) throw new Error("tfjs runs without SIMD here");
  })();
  return ready;
}

/** XNNPACK packs constant weights once per tensor: the same tensor object with every call. */
function peer(name: string, compute: () => tf.Tensor, held: readonly tf.Tensor[]): Peer {
  return {
    name,
    run: () => compute().dispose(),
    result() {
      const y = compute();
      const out = y.dataSync() as Float32Array;
      y.dispose();
      return out.slice();
    },
    dispose() {
      for (const t of held) t.dispose();
    },
  };
}

async function gemm({ m, n, k, a, b }: Gemm): Promise<Peer> {
  await start();
  const A = tf.tensor2d(a, [m, k]);
  const B = tf.tensor2d(b, [k, n]);
  return peer("tfjs-wasm", () => tf.matMul(A, B), [A, B]);
}

async function gemmRuntime({ m, n, k, a, b }: Gemm): Promise<Peer> {
  await start();
  const A = tf.tensor2d(a, [m, k]);
  const compute = (): tf.Tensor => {
    const B = tf.tensor2d(b, [k, n]);
    const y = tf.matMul(A, B);
    B.dispose();
    return y;
  };
  return peer("tfjs-wasm (B at run time)", compute, [A]);
}

async function conv(c: Conv): Promise<Peer> {
  await start();
  const x = tf.tensor4d(c.x, [1, c.height, c.width, c.cin]);
  const bias = tf.tensor1d(c.bias);
  const w = tf.tensor4d(c.w, [c.size, c.size, c.cin, c.depthwise ? 1 : c.cout]);
  const pad = (c.size - 1) / 2;
  // "same" pads on one side only where the stride does not divide; explicit padding is what the work says.
  const options = { x, filter: w, strides: c.stride, pad, bias, activation: "relu6" } as const;
  const compute = (): tf.Tensor => (c.depthwise ? tf.fused.depthwiseConv2d(options) : tf.fused.conv2d(options));
  const p = peer("tfjs-wasm", compute, [x, bias, w]);
  const points = outSize(c.height, c.stride) * outSize(c.width, c.stride) * c.cout;
  if ((p.result() as Float32Array).length !== points) throw new Error("tfjs: unexpected size of the answer");
  return p;
}

export const tfjs: Library = { name: "tfjs-wasm", gemm, gemmRuntime, conv };
