/** TensorFlow.js: its wasm backend (XNNPACK inside, SIMD confirmed). Its kernels are synchronous, so nothing is waited for. */
import * as wasm from "@tensorflow/tfjs-backend-wasm";
import * as tf from "@tensorflow/tfjs-core";
import type { Data } from "../data.ts";
import {
  type Attention,
  answerOf,
  type Conv,
  EPSILON,
  type Gemm,
  type LayerNorm,
  type Operator,
  operandsOf,
  type Pool,
  type Work,
} from "../work/index.ts";
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
function peer(compute: () => tf.Tensor, held: readonly tf.Tensor[]): Peer {
  return {
    ...{ name: "tfjs-wasm", kind: "peer", direct: true },
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

function gemm({ m, n, k, a, b, constant }: Gemm): Peer {
  const A = tf.tensor2d(a, [m, k]);
  if (constant) {
    const B = tf.tensor2d(b, [k, n]);
    return peer(() => tf.matMul(A, B), [A, B]);
  }
  const compute = (): tf.Tensor => {
    const B = tf.tensor2d(b, [k, n]);
    const y = tf.matMul(A, B);
    B.dispose();
    return y;
  };
  return peer(compute, [A]);
}

function conv(c: Conv): Peer {
  const x = tf.tensor4d(c.x, [1, c.height, c.width, c.cin]);
  const bias = tf.tensor1d(c.bias);
  const filter = tf.tensor4d(c.w, [c.size, c.size, c.cin, c.depthwise ? 1 : c.cout]);
  // "same" pads on one side only where the stride does not divide; explicit padding is what the work says.
  const pad = (c.size - 1) / 2;
  const activation = ({ none: "linear", relu: "relu", relu6: "relu6" } as const)[c.activation];
  const options = { x, filter, strides: c.stride, pad, bias, activation } as const;
  const trunc = { ...options, dimRoundingMode: "floor" } as const;
  return peer(() => (c.depthwise ? tf.fused.depthwiseConv2d(trunc) : tf.fused.conv2d(trunc)), [x, bias, filter]);
}

function pool(p: Pool): Peer {
  const x = tf.tensor4d(p.x, [1, p.height, p.width, p.channels]);
  if (p.global) return peer(() => (p.of === "max" ? tf.max(x, [1, 2]) : tf.mean(x, [1, 2])), [x]);
  const make = p.of === "max" ? tf.maxPool : tf.avgPool;
  return peer(() => make(x, p.size, p.stride, p.pad, "floor"), [x]);
}

/** It has no kernel of its own for this. */
function layerNorm({ rows, columns, x, scale, bias }: LayerNorm): Peer {
  const X = tf.tensor2d(x, [rows, columns]);
  const [g, b] = [tf.tensor1d(scale), tf.tensor1d(bias)];
  const compute = (): tf.Tensor =>
    tf.tidy(() => {
      const centered = tf.sub(X, tf.mean(X, 1, true));
      const variance = tf.mean(tf.square(centered), 1, true);
      return tf.add(tf.mul(tf.mul(centered, tf.rsqrt(tf.add(variance, EPSILON))), g), b);
    });
  return peer(compute, [X, g, b]);
}

function attention({ heads, tokens, width, q, k, v }: Attention): Peer {
  const [Q, K, V] = [q, k, v].map((x) => tf.tensor3d(x, [heads, tokens, width])) as [tf.Tensor, tf.Tensor, tf.Tensor];
  const compute = (): tf.Tensor =>
    tf.tidy(() => tf.matMul(tf.softmax(tf.mul(tf.matMul(Q, K, false, true), 1 / Math.sqrt(width))), V));
  return peer(compute, [Q, K, V]);
}

function operator(work: Operator): Peer | undefined {
  const side = work.tfjs;
  if (side === undefined) return undefined;
  const tensor = ({ data, shape, dtype }: Data): tf.Tensor =>
    tf.tensor(data as Float32Array | Int32Array, [...shape], dtype === "i32" ? "int32" : "float32");
  const xs = Object.fromEntries(Object.entries(operandsOf(work, side)).map(([name, x]) => [name, tensor(x)]));
  const compute = (): tf.Tensor => tf.tidy(() => side.build(tf, xs));
  return {
    ...peer(compute, Object.values(xs)),
    name: side.note === undefined ? "tfjs-wasm" : `tfjs-wasm (${side.note})`,
    result() {
      const y = compute();
      const answer = answerOf(side, { dtype: "f32", shape: y.shape, data: y.dataSync().slice() as Float32Array });
      y.dispose();
      return answer;
    },
  };
}

function peerOf(work: Work): Peer | undefined {
  switch (work.kind) {
    case "gemm":
      return gemm(work);
    case "conv":
      return conv(work);
    case "pool":
      return pool(work);
    case "softmax": {
      const X = tf.tensor2d(work.x, [work.rows, work.columns]);
      return peer(() => tf.softmax(X), [X]);
    }
    case "layerNorm":
      return layerNorm(work);
    case "attention":
      return attention(work);
    case "operator":
      return operator(work);
    case "picture":
      return undefined;
    default:
      return work satisfies never;
  }
}

export const tfjs: Library = {
  name: "tfjs-wasm",
  async peer(work) {
    await start();
    return peerOf(work);
  },
};
