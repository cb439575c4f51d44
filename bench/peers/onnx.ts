/** The work as ONNX models, made in memory: for ONNX Runtime on the web and native. */
import { type Data, data, single } from "../data.ts";
import { encode, float, Graph, type Value } from "../onnx.ts";
import {
  type Attention,
  answerOf,
  type Conv,
  EPSILON,
  type Operator,
  operandsOf,
  type Pool,
  type Work,
} from "../work/index.ts";

const OPSET = 17;
/** Of the operators' own group: the first with Gelu, and with the axes of all reductions as operands. */
const OPERATORS_OPSET = 20;

/** One model, what to feed it, and how its answer becomes the work's. */
export interface OnnxModel {
  readonly bytes: Uint8Array;
  readonly feeds: ReadonlyMap<string, Data>;
  /** The name of its answer. */
  readonly result: string;
  /** Where its own layout is another one. */
  readonly note: string | undefined;
  answer(y: Data): Float32Array;
}

interface Built {
  readonly result: Value;
  readonly opset?: number;
  readonly note?: string | undefined;
  answer?(y: Data): Float32Array;
}

const floats = (values: Float32Array, ...shape: readonly number[]): Data => ({ dtype: "f32", shape, data: values });

/** `planes` x `points` -> `points` x `planes`. */
function transpose(x: Float32Array, planes: number, points: number): Float32Array {
  const out = new Float32Array(x.length);
  for (let p = 0; p < planes; p++) for (let q = 0; q < points; q++) out[q * planes + p] = x[p * points + q]!;
  return out;
}

/** HWIO -> OIHW; for depthwise HWC -> C1HW. */
function filters(c: Conv): Data {
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
  return floats(out, c.cout, inner, c.size, c.size);
}

/** A picture in its own layout, NCHW; the transpositions are not part of what is timed. */
const fed = (g: Graph, of: Conv | Pool, channels: number): Value =>
  g.feed(floats(transpose(of.x, of.height * of.width, channels), 1, channels, of.height, of.width));
const inNchw = (result: Value, of: Conv | Pool, channels: number): Built => ({
  ...{ result, note: "NCHW" },
  answer: (y) => transpose(y.data as Float32Array, channels, of.outHeight * of.outWidth),
});
const windows = ({ size, stride, pad }: { size: number; stride: number; pad: number }) => ({
  ...{ kernel_shape: [size, size], strides: [stride, stride], pads: [pad, pad, pad, pad] },
});

function conv(g: Graph, c: Conv): Built {
  const { cin, cout, size, stride } = c;
  const operands = [fed(g, c, cin), g.constant(filters(c)), g.constant(floats(c.bias, cout))];
  const attributes = { ...windows({ size, stride, pad: (size - 1) / 2 }), group: c.depthwise ? cin : 1 };
  const linear = g.op("Conv", operands, attributes);
  const bounds = (): Value[] => [0, 6].map((v) => g.constant(single("f32", v)));
  const result = {
    none: () => linear,
    relu: () => g.op("Relu", [linear]),
    relu6: () => g.op("Clip", [linear, ...bounds()]),
  }[c.activation]();
  return inNchw(result, c, cout);
}

function pool(g: Graph, p: Pool): Built {
  const x = fed(g, p, p.channels);
  const of = p.of === "max" ? "MaxPool" : "AveragePool";
  return inNchw(p.global ? g.op(`Global${of}`, [x]) : g.op(of, [x], windows(p)), p, p.channels);
}

function attention(g: Graph, { heads, tokens, width, q, k, v }: Attention): Built {
  const [Q, K, V] = [q, k, v].map((x) => g.feed(floats(x, heads, tokens, width))) as [Value, Value, Value];
  // The runtime's optimiser joins the transposition and the scale with the first product.
  const product = g.op("MatMul", [Q, g.op("Transpose", [K], { perm: [0, 2, 1] })]);
  const scores = g.op("Mul", [product, g.constant(data("f32", [], [1 / Math.sqrt(width)]))]);
  return { result: g.op("MatMul", [g.op("Softmax", [scores], { axis: -1 }), V]) };
}

function operator(g: Graph, work: Operator): Built | undefined {
  const side = work.onnx;
  if (side === undefined) return undefined;
  const operands = operandsOf(work, side);
  const place = (name: string, x: Data): Value => (work.given[name]!.constant ? g.constant(x) : g.feed(x));
  const values = Object.fromEntries(Object.entries(operands).map(([name, x]) => [name, place(name, x)]));
  const opset = side.opset ?? OPERATORS_OPSET;
  return { result: side.build(g, values), opset, note: side.note, answer: (y) => answerOf(side, y) };
}

function built(g: Graph, work: Work): Built | undefined {
  switch (work.kind) {
    case "gemm": {
      const A = g.feed(floats(work.a, work.m, work.k));
      const b = floats(work.b, work.k, work.n);
      return { result: g.op("MatMul", [A, work.constant ? g.constant(b) : g.feed(b)]) };
    }
    case "conv":
      return conv(g, work);
    case "pool":
      return pool(g, work);
    case "softmax":
      return { result: g.op("Softmax", [g.feed(floats(work.x, work.rows, work.columns))], { axis: -1 }) };
    case "layerNorm": {
      const parameters = [work.scale, work.bias].map((x) => g.constant(floats(x, work.columns)));
      const operands = [g.feed(floats(work.x, work.rows, work.columns)), ...parameters];
      return { result: g.op("LayerNormalization", operands, { axis: -1, epsilon: float(EPSILON) }) };
    }
    case "attention":
      return attention(g, work);
    case "operator":
      return operator(g, work);
    case "picture":
      return undefined;
    default:
      return work satisfies never;
  }
}

/** Undefined for work that ONNX has no operators for. */
export function modelOf(work: Work): OnnxModel | undefined {
  const g = new Graph();
  const b = built(g, work);
  if (b === undefined) return undefined;
  const bytes = encode(g, b.result, b.opset ?? OPSET);
  const answer = b.answer ?? ((y: Data) => y.data as Float32Array);
  return { bytes, feeds: g.feeds, result: b.result, note: b.note, answer };
}
