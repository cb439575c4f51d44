/** The network in TensorFlow.js: its wasm backend (XNNPACK), one thread, weights kept as the same tensors so that they are packed once. */
import * as wasm from "@tensorflow/tfjs-backend-wasm";
import * as tf from "@tensorflow/tfjs-core";
import type { Layer, LayerRun, Network, Parameters, Runner } from "./network.ts";

async function start(): Promise<void> {
  wasm.setThreadsCount(1);
  if (!(await tf.setBackend("wasm"))) throw new Error("tfjs has no wasm backend here");
  await tf.ready();
  if (!(await tf.env().getAsync("WASM_HAS_SIMD_SUPPORT"))) throw new Error("tfjs runs without SIMD here");
}

type Operator = (x: tf.Tensor) => tf.Tensor;

function operatorOf(l: Layer, p: Parameters | undefined, keep: <T extends tf.Tensor>(t: T) => T): Operator {
  switch (l.kind) {
    case "conv":
    case "depthwise": {
      const { size, stride: strides, pad } = l;
      const filter = keep(tf.tensor4d(p!.w, [size, size, l.input[2], l.kind === "conv" ? l.output[2] : 1]));
      const bias = keep(tf.tensor1d(p!.bias));
      // Explicit padding: "same" pads on one side only where the stride is 2.
      const options = { filter, strides, pad, bias, activation: "relu6", dimRoundingMode: "floor" } as const;
      return l.kind === "conv"
        ? (x) => tf.fused.conv2d({ x: x as tf.Tensor4D, ...options })
        : (x) => tf.fused.depthwiseConv2d({ x: x as tf.Tensor4D, ...options });
    }
    case "pool": {
      const [height, width, channels] = l.input;
      return (x) => {
        const y = tf.avgPool(x as tf.Tensor4D, [height, width], 1, "valid");
        const flat = tf.reshape(y, [1, channels]);
        y.dispose();
        return flat;
      };
    }
    case "dense": {
      const b = keep(tf.tensor2d(p!.w, [l.input[0], l.output[0]]));
      const bias = keep(tf.tensor1d(p!.bias));
      return (x) => tf.fused.matMul({ a: x as tf.Tensor2D, b, bias });
    }
    case "softmax":
      return (x) => tf.softmax(x);
    default:
      return l satisfies never;
  }
}

/** Throws where the backend cannot start. Its kernels are synchronous, so nothing is waited for. */
export async function tfjs(net: Network): Promise<Runner> {
  await start();
  const held: tf.Tensor[] = [];
  const keep = <T extends tf.Tensor>(t: T): T => {
    held.push(t);
    return t;
  };
  const input = keep(tf.tensor(net.input, [1, ...net.layers[0]!.input]));
  // The last result; the one before it is given back as soon as it was read.
  let current: tf.Tensor = input;
  const layers = net.layers.map((l, i): LayerRun => {
    const f = operatorOf(l, net.parameters[i], keep);
    return {
      run() {
        const y = f(i === 0 ? input : current);
        if (current !== input) current.dispose();
        current = y;
      },
      result: () => (current.dataSync() as Float32Array).slice(),
    };
  });
  const run = (): void => {
    for (const l of layers) l.run();
  };
  return {
    own: false,
    name: "tfjs-wasm",
    run,
    result() {
      run();
      return layers.at(-1)!.result();
    },
    layers,
    dispose() {
      if (current !== input) current.dispose();
      for (const t of held) t.dispose();
    },
  };
}
