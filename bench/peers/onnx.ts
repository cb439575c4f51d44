/** The work as ONNX models, made in memory: for ONNX Runtime on the web and native. */
import onnxProto from "onnx-proto";
import { type Conv, EPSILON, type Pool, type Work } from "../work/index.ts";

const { onnx } = onnxProto;
const FLOAT = onnx.TensorProto.DataType.FLOAT;
const OPSET = 17;

interface Named {
  readonly name: string;
  readonly dims: readonly number[];
}
interface Data extends Named {
  readonly data: Float32Array;
}

/** One model, what to feed it, and how its answer `Y` becomes the work's. */
export interface OnnxModel {
  readonly bytes: Uint8Array;
  readonly feeds: readonly Data[];
  readonly dims: readonly number[];
  /** Where its own layout is another one. */
  readonly note: string | undefined;
  answer(y: Float32Array): Float32Array;
}

type Node = onnxProto.onnx.INodeProto;
type Attribute = onnxProto.onnx.IAttributeProto;
const { AttributeType } = onnx.AttributeProto;
const ints = (name: string, values: readonly number[]): Attribute => ({
  name,
  type: AttributeType.INTS,
  ints: [...values],
});
const int = (name: string, i: number): Attribute => ({ name, type: AttributeType.INT, i });
const float = (name: string, f: number): Attribute => ({ name, type: AttributeType.FLOAT, f });
const node = (opType: string, input: string[], output: string, attribute: Attribute[] = []): Node => ({
  ...{ opType, input, output: [output], attribute },
});

interface Graph {
  readonly nodes: Node[];
  readonly feeds: readonly Data[];
  readonly constants?: readonly Data[];
  readonly dims: readonly number[];
  readonly note?: string;
  answer?(y: Float32Array): Float32Array;
}

const described = ({ name, dims }: Named) => ({
  name,
  type: { tensorType: { elemType: FLOAT, shape: { dim: dims.map((dimValue) => ({ dimValue })) } } },
});

function encode({ nodes, feeds, constants = [], dims, note, answer }: Graph): OnnxModel {
  const bytes = onnx.ModelProto.encode({
    irVersion: 8,
    opsetImport: [{ domain: "", version: OPSET }],
    graph: {
      name: "g",
      node: nodes,
      input: feeds.map(described),
      output: [described({ name: "Y", dims })],
      initializer: constants.map(({ name, dims, data }) => ({
        ...{ name, dims: [...dims], dataType: FLOAT },
        rawData: new Uint8Array(data.buffer, data.byteOffset, data.byteLength),
      })),
    },
  }).finish();
  return { bytes, feeds, dims, note, answer: (y) => answer?.(y) ?? y };
}

/** `planes` x `points` -> `points` x `planes`. */
function transpose(x: Float32Array, planes: number, points: number): Float32Array {
  const out = new Float32Array(x.length);
  for (let p = 0; p < planes; p++) for (let q = 0; q < points; q++) out[q * planes + p] = x[p * points + q]!;
  return out;
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

/** Pictures in its own layout, NCHW; the transpositions are not part of what is timed. */
function pictures(of: Conv | Pool, channels: number, outChannels: number) {
  const x = transpose(of.x, of.height * of.width, channels);
  return {
    feeds: [{ name: "X", dims: [1, channels, of.height, of.width], data: x }],
    dims: [1, outChannels, of.outHeight, of.outWidth],
    note: "NCHW",
    answer: (y: Float32Array) => transpose(y, outChannels, of.outHeight * of.outWidth),
  };
}

function conv(c: Conv): Graph {
  const pad = (c.size - 1) / 2;
  const linear = c.activation === "none";
  const attributes = [
    ints("kernel_shape", [c.size, c.size]),
    ints("strides", [c.stride, c.stride]),
    ints("pads", [pad, pad, pad, pad]),
    int("group", c.depthwise ? c.cin : 1),
  ];
  const after = {
    none: [],
    relu: [node("Relu", ["conv"], "Y")],
    relu6: [node("Clip", ["conv", "low", "high"], "Y")],
  }[c.activation];
  return {
    ...pictures(c, c.cin, c.cout),
    nodes: [node("Conv", ["X", "W", "bias"], linear ? "Y" : "conv", attributes), ...after],
    constants: [
      { name: "W", dims: [c.cout, c.depthwise ? 1 : c.cin, c.size, c.size], data: filters(c) },
      { name: "bias", dims: [c.cout], data: c.bias },
      ...(c.activation === "relu6"
        ? [
            { name: "low", dims: [], data: Float32Array.of(0) },
            { name: "high", dims: [], data: Float32Array.of(6) },
          ]
        : []),
    ],
  };
}

function pool(p: Pool): Graph {
  const shared = pictures(p, p.channels, p.channels);
  const of = p.of === "max" ? "MaxPool" : "AveragePool";
  if (p.global) return { ...shared, nodes: [node(`Global${of}`, ["X"], "Y")] };
  const attributes = [
    ints("kernel_shape", [p.size, p.size]),
    ints("strides", [p.stride, p.stride]),
    ints("pads", [p.pad, p.pad, p.pad, p.pad]),
  ];
  return { ...shared, nodes: [node(of, ["X"], "Y", attributes)] };
}

function graph(work: Work): Graph | undefined {
  switch (work.kind) {
    case "gemm": {
      const B = { name: "B", dims: [work.k, work.n], data: work.b };
      return {
        nodes: [node("MatMul", ["A", "B"], "Y")],
        feeds: [{ name: "A", dims: [work.m, work.k], data: work.a }, ...(work.constant ? [] : [B])],
        constants: work.constant ? [B] : [],
        dims: [work.m, work.n],
      };
    }
    case "conv":
      return conv(work);
    case "pool":
      return pool(work);
    case "softmax": {
      const dims = [work.rows, work.columns];
      return {
        nodes: [node("Softmax", ["X"], "Y", [int("axis", -1)])],
        feeds: [{ name: "X", dims, data: work.x }],
        dims,
      };
    }
    case "layerNorm": {
      const dims = [work.rows, work.columns];
      return {
        nodes: [node("LayerNormalization", ["X", "scale", "bias"], "Y", [int("axis", -1), float("epsilon", EPSILON)])],
        feeds: [{ name: "X", dims, data: work.x }],
        constants: [
          { name: "scale", dims: [work.columns], data: work.scale },
          { name: "bias", dims: [work.columns], data: work.bias },
        ],
        dims,
      };
    }
    case "attention": {
      const dims = [work.heads, work.tokens, work.width];
      return {
        // The runtime's optimiser joins the transposition and the scale with the first product.
        nodes: [
          node("Transpose", ["K"], "Kt", [ints("perm", [0, 2, 1])]),
          node("MatMul", ["Q", "Kt"], "product"),
          node("Mul", ["product", "scale"], "scores"),
          node("Softmax", ["scores"], "weights", [int("axis", -1)]),
          node("MatMul", ["weights", "V"], "Y"),
        ],
        feeds: [
          { name: "Q", dims, data: work.q },
          { name: "K", dims, data: work.k },
          { name: "V", dims, data: work.v },
        ],
        constants: [{ name: "scale", dims: [], data: Float32Array.of(1 / Math.sqrt(work.width)) }],
        dims,
      };
    }
    case "picture":
      return undefined;
    default:
      return work satisfies never;
  }
}

/** Undefined for work that ONNX has no operators for. */
export function modelOf(work: Work): OnnxModel | undefined {
  const g = graph(work);
  return g && encode(g);
}
