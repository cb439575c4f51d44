/** TensorFlow.js (wasm backend), for what ONNX lacks or defines in another way. */
import * as wasm from "@tensorflow/tfjs-backend-wasm";
import * as tf from "@tensorflow/tfjs-core";
import { ARRAYS, type Data } from "./data.ts";

let ready: Promise<void> | undefined;
function start(): Promise<void> {
  ready ??= (async () => {
    wasm.setThreadsCount(1);
    if (!(await tf.setBackend("wasm"))) throw new Error("TensorFlow.js has no wasm backend here");
    await tf.ready();
  })();
  return ready;
}

/** The value of a computation, of f32 or i32. */
export async function compute(body: (library: typeof tf, tensor: (x: Data) => tf.Tensor) => tf.Tensor): Promise<Data> {
  await start();
  const y = tf.tidy(() =>
    body(tf, (x) => tf.tensor(x.data as Float32Array, [...x.shape], x.dtype === "i32" ? "int32" : "float32")),
  );
  try {
    const dtype = y.dtype === "int32" ? "i32" : "f32";
    return { dtype, shape: y.shape, data: ARRAYS[dtype].from(y.dataSync() as Float32Array) };
  } finally {
    y.dispose();
  }
}
