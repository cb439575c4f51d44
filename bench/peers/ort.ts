/** onnxruntime-web: its wasm backend, models made in memory. */
import onnxProto from "onnx-proto";
import * as ort from "onnxruntime-web";
import { type Conv, outSize } from "../data.ts";
import type { Library, Peer } from "./peer.ts";

const { onnx } = onnxProto;
ort.env.wasm.numThreads = 1;
ort.env.logLevel = "error";

const FLOAT = onnx.TensorProto.DataType.FLOAT;

interface Constant {
  readonly name: string;
  readonly dims: readonly number[];
  readonly data: Float32Array;
}
interface Input {
  readonly name: string;
  readonly dims: readonly number[];
}

const described = ({ name, dims }: Input) => ({
  name,
  type: { tensorType: { elemType: FLOAT, shape: { dim: dims.map((dimValue) => ({ dimValue })) } } },
});

function model(nodes: onnxProto.onnx.INodeProto[], inputs: Input[], output: Input, constants: Constant[]): Uint8Array {
  return onnx.ModelProto.encode({
    irVersion: 7,
    opsetImport: [{ domain: "", version: 13 }],
    graph: {
      name: "g",
      node: nodes,
      input: inputs.map(described),
      output: [described(output)],
      initializer: constants.map(({ name, dims, data }) => ({
        ...{ name, dims: [...dims], dataType: FLOAT },
        rawData: new Uint8Array(data.buffer, data.byteOffset, data.byteLength),
      })),
    },
  }).finish();
}

async function peer(name: string, bytes: Uint8Array, feeds: Record<string, ort.Tensor>, dims: readonly number[]) {
  const session = await ort.InferenceSession.create(bytes, {
    executionProviders: ["wasm"],
    graphOptimizationLevel: "all",
  });
  // A place for the answer that is there before the call saves an allocation in every call.
  const size = dims.reduce((a, b) => a * b, 1);
  const fetches = { Y: new ort.Tensor("float32", new Float32Array(size), dims) };
  return {
    name,
    run: () => session.run(feeds, fetches),
    async answer(): Promise<Float32Array> {
      const { Y } = await session.run(feeds);
      return Y!.data as Float32Array;
    },
    dispose: () => void session.release(),
  };
}

const tensor = (data: Float32Array, dims: readonly number[]) => new ort.Tensor("float32", data, dims);

async function gemm(work: Parameters<Library["gemm"]>[0], constant: boolean): Promise<Peer> {
  const { m, n, k, a, b } = work;
  const bDims = [k, n];
  const inputs = [{ name: "A", dims: [m, k] }, ...(constant ? [] : [{ name: "B", dims: bDims }])];
  const bytes = model(
    [{ opType: "MatMul", input: ["A", "B"], output: ["Y"] }],
    inputs,
    { name: "Y", dims: [m, n] },
    constant ? [{ name: "B", dims: bDims, data: b }] : [],
  );
  const feeds = { A: tensor(a, [m, k]), ...(constant ? {} : { B: tensor(b, bDims) }) };
  const p = await peer(constant ? "ort-web" : "ort-web (B at run time)", bytes, feeds, [m, n]);
  return { ...p, result: p.answer };
}

/** HWIO -> OIHW; for depthwise HWC -> C1HW. */
function filters(c: Conv): Float32Array {
  const inner = c.depthwise ? 1 : c.cin;
  const out = new Float32Array(c.w.length);
  const taps = c.size * c.size;
  for (let o = 0; o < c.cout; o++) {
    for (let i = 0; i < inner; i++) {
      for (let t = 0; t < taps; t++) {
        out[(o * inner + i) * taps + t] = c.depthwise ? c.w[t * c.cin + o]! : c.w[(t * c.cin + i) * c.cout + o]!;
      }
    }
  }
  return out;
}

/** `planes` x `points` -> `points` x `planes`. */
function transpose(x: Float32Array, planes: number, points: number): Float32Array {
  const out = new Float32Array(x.length);
  for (let p = 0; p < planes; p++) for (let q = 0; q < points; q++) out[q * planes + p] = x[p * points + q]!;
  return out;
}

async function conv(c: Conv): Promise<Peer> {
  const pad = (c.size - 1) / 2;
  const [oh, ow] = [outSize(c.height, c.stride), outSize(c.width, c.stride)];
  const ints = (name: string, values: number[]) => ({
    name,
    type: onnx.AttributeProto.AttributeType.INTS,
    ints: values,
  });
  const bytes = model(
    [
      {
        opType: "Conv",
        input: ["X", "W", "bias"],
        output: ["conv"],
        attribute: [
          ints("kernel_shape", [c.size, c.size]),
          ints("strides", [c.stride, c.stride]),
          ints("pads", [pad, pad, pad, pad]),
          { name: "group", type: onnx.AttributeProto.AttributeType.INT, i: c.depthwise ? c.cin : 1 },
        ],
      },
      { opType: "Clip", input: ["conv", "low", "high"], output: ["Y"] },
    ],
    [{ name: "X", dims: [1, c.cin, c.height, c.width] }],
    { name: "Y", dims: [1, c.cout, oh, ow] },
    [
      { name: "W", dims: [c.cout, c.depthwise ? 1 : c.cin, c.size, c.size], data: filters(c) },
      { name: "bias", dims: [c.cout], data: c.bias },
      { name: "low", dims: [], data: Float32Array.of(0) },
      { name: "high", dims: [], data: Float32Array.of(6) },
    ],
  );
  // Its own layout is NCHW; the transposition is not part of what is timed.
  const x = transpose(c.x, c.height * c.width, c.cin);
  const p = await peer("ort-web (NCHW)", bytes, { X: tensor(x, [1, c.cin, c.height, c.width]) }, [1, c.cout, oh, ow]);
  return { ...p, result: async () => transpose(await p.answer(), c.cout, oh * ow) };
}

export const ortWeb: Library = {
  name: "ort-web",
  gemm: (work) => gemm(work, true),
  gemmRuntime: (work) => gemm(work, false),
  conv,
};
