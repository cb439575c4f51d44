/** The network in ONNX Runtime, as one model made in memory (NCHW, its own layout): the wasm build and the native one. */
import onnxProto from "onnx-proto";
import type * as Ort from "onnxruntime-web";
import { elements, type Image, type Layer, type Network, type Runner, type Shape } from "./network.ts";

const { onnx } = onnxProto;
const { FLOAT, INT64 } = onnx.TensorProto.DataType;
const { INT, INTS } = onnx.AttributeProto.AttributeType;

const dimsOf = (s: Shape): number[] => (s.length === 3 ? [1, s[2], s[0], s[1]] : [1, s[0]]);

/** `points` x `planes` -> `planes` x `points`. */
function transpose(x: Float32Array, points: number, planes: number): Float32Array<ArrayBuffer> {
  const out = new Float32Array(x.length);
  for (let q = 0; q < points; q++) for (let p = 0; p < planes; p++) out[p * points + q] = x[q * planes + p]!;
  return out;
}
const channelsFirst = (x: Float32Array, [height, width, channels]: Image): Float32Array<ArrayBuffer> =>
  transpose(x, height * width, channels);

/** H W I O -> O I H W; for depthwise H W C -> C 1 H W. */
function filters(l: Extract<Layer, { readonly kind: "conv" | "depthwise" }>, w: Float32Array): Float32Array {
  const taps = l.size ** 2;
  const [cin, cout] = [l.kind === "conv" ? l.input[2] : 1, l.output[2]];
  const byOutput = transpose(w, taps * cin, cout);
  const out = new Float32Array(w.length);
  for (let o = 0; o < cout; o++) {
    const of = (x: Float32Array): Float32Array => x.subarray(o * taps * cin, (o + 1) * taps * cin);
    of(out).set(transpose(of(byOutput), taps, cin));
  }
  return out;
}

function model(net: Network): Uint8Array {
  const node: onnxProto.onnx.INodeProto[] = [];
  const initializer: onnxProto.onnx.ITensorProto[] = [];
  const constant = (name: string, dims: number[], data: Float32Array | BigInt64Array): string => {
    const rawData = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    initializer.push({ name, dims, dataType: data instanceof Float32Array ? FLOAT : INT64, rawData });
    return name;
  };
  const ints = (name: string, values: number[]) => ({ name, type: INTS, ints: values });
  const integer = (name: string, value: number) => ({ name, type: INT, i: value });
  const low = constant("low", [], Float32Array.of(0));
  const high = constant("high", [], Float32Array.of(6));
  let x = "X";
  net.layers.forEach((l, i) => {
    const y = i === net.layers.length - 1 ? "Y" : l.name;
    const p = net.parameters[i];
    if (l.kind === "conv" || l.kind === "depthwise") {
      const depthwise = l.kind === "depthwise";
      const w = constant(`${l.name}.w`, [l.output[2], depthwise ? 1 : l.input[2], l.size, l.size], filters(l, p!.w));
      const bias = constant(`${l.name}.bias`, [l.output[2]], p!.bias);
      const attribute = [
        ints("kernel_shape", [l.size, l.size]),
        ints("strides", [l.stride, l.stride]),
        ints("pads", [l.pad, l.pad, l.pad, l.pad]),
        integer("group", depthwise ? l.input[2] : 1),
      ];
      node.push({ opType: "Conv", input: [x, w, bias], output: [`${l.name}.conv`], attribute });
      node.push({ opType: "Clip", input: [`${l.name}.conv`, low, high], output: [y] });
    } else if (l.kind === "pool") {
      const flat = constant(`${l.name}.shape`, [2], BigInt64Array.of(1n, BigInt(l.output[0])));
      node.push({ opType: "GlobalAveragePool", input: [x], output: [`${l.name}.pool`] });
      node.push({ opType: "Reshape", input: [`${l.name}.pool`, flat], output: [y] });
    } else if (l.kind === "dense") {
      const w = constant(`${l.name}.w`, [l.input[0], l.output[0]], p!.w);
      const bias = constant(`${l.name}.bias`, [l.output[0]], p!.bias);
      node.push({ opType: "Gemm", input: [x, w, bias], output: [y] });
    } else node.push({ opType: "Softmax", input: [x], output: [y], attribute: [integer("axis", 1)] });
    x = y;
  });
  const value = (name: string, s: Shape) => ({
    name,
    type: { tensorType: { elemType: FLOAT, shape: { dim: dimsOf(s).map((dimValue) => ({ dimValue })) } } },
  });
  return onnx.ModelProto.encode({
    irVersion: 7,
    opsetImport: [{ domain: "", version: 13 }],
    graph: {
      ...{ name: "network", node, initializer },
      input: [value("X", net.layers[0]!.input)],
      output: [value("Y", net.layers.at(-1)!.output)],
    },
  }).finish();
}

type Runtime = Pick<typeof Ort, "InferenceSession" | "Tensor">;

async function runner(name: string, ort: Runtime, provider: string, net: Network): Promise<Runner> {
  const { input } = net.layers[0]!;
  const { output } = net.layers.at(-1)!;
  const session = await ort.InferenceSession.create(model(net), {
    ...{ executionProviders: [provider], graphOptimizationLevel: "all", intraOpNumThreads: 1, interOpNumThreads: 1 },
  });
  const first = input.length === 3 ? channelsFirst(net.input, input) : net.input;
  const feeds = { X: new ort.Tensor("float32", first, dimsOf(input)) };
  // A place for the answer that is there before the call saves an allocation in every call.
  const answer = new Float32Array(elements(output));
  const fetches = { Y: new ort.Tensor("float32", answer, dimsOf(output)) };
  return {
    own: false,
    name,
    run: () => session.run(feeds, fetches),
    async result() {
      const { Y } = await session.run(feeds);
      return (Y!.data as Float32Array).slice();
    },
    dispose: () => void session.release(),
  };
}

export async function ortWeb(net: Network): Promise<Runner> {
  const ort = await import("onnxruntime-web");
  ort.env.wasm.numThreads = 1;
  ort.env.logLevel = "error";
  return runner("ort-web", ort, "wasm", net);
}

/** Native code with wider vectors: how far away it is. */
export async function ortNative(net: Network): Promise<Runner> {
  return runner("ort native", await import("onnxruntime-node"), "cpu", net);
}
