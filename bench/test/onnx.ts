/** ONNX models, run by onnxruntime-web (wasm, one thread). */
import * as ort from "onnxruntime-web";
import { encode, Graph, NAMES, type Value } from "../onnx.ts";
import { ARRAYS, type Data, type DType, type TypedArray } from "./data.ts";

export { type Attribute, float, Graph, none, type Value } from "../onnx.ts";

ort.env.wasm.numThreads = 1;
ort.env.logLevel = "error";

/** The value of a graph. The newest operators that rows use are of opset 23. */
export async function infer(build: (g: Graph) => Value, opset = 23): Promise<Data> {
  const g = new Graph();
  const result = build(g);
  const session = await ort.InferenceSession.create(encode(g, result, opset), { executionProviders: ["wasm"] });
  try {
    const feeds = Object.fromEntries(
      [...g.feeds].map(([name, x]) => [name, new ort.Tensor(NAMES[x.dtype], x.data as never, x.shape)]),
    );
    const y = (await session.run(feeds))[result]!;
    const dtype = (Object.keys(NAMES) as DType[]).find((d) => NAMES[d] === y.type);
    if (dtype === undefined) throw new Error(`a result of type ${y.type}`);
    if (!(y.data instanceof ARRAYS[dtype])) throw new Error(`the result is no array of ${dtype}`);
    return { dtype, shape: y.dims, data: y.data as TypedArray };
  } finally {
    await session.release();
  }
}
