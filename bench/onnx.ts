/** ONNX models made in memory. */
import onnxProto from "onnx-proto";
import type { Data, DType, TypedArray } from "./data.ts";

const { onnx } = onnxProto;
type NodeProto = onnxProto.onnx.INodeProto;
type AttributeProto = onnxProto.onnx.IAttributeProto;
const { DataType } = onnx.TensorProto;
const { AttributeType } = onnx.AttributeProto;

const CODES = {
  f32: DataType.FLOAT,
  f64: DataType.DOUBLE,
  i32: DataType.INT32,
  u32: DataType.UINT32,
  i64: DataType.INT64,
  i16: DataType.INT16,
  u16: DataType.UINT16,
  i8: DataType.INT8,
  u8: DataType.UINT8,
  bool: DataType.BOOL,
} as const satisfies Record<DType, number>;
/** What ONNX Runtime calls the dtypes of its tensors. */
export const NAMES = {
  f32: "float32",
  f64: "float64",
  i32: "int32",
  u32: "uint32",
  i64: "int64",
  i16: "int16",
  u16: "uint16",
  i8: "int8",
  u8: "uint8",
  bool: "bool",
} as const satisfies Record<DType, string>;

/** An attribute of type FLOAT. A plain number is an INT. */
export class Float {
  readonly value: number;
  constructor(value: number) {
    this.value = value;
  }
}
export const float = (x: number): Float => new Float(x);
export type Attribute = number | Float | string | readonly number[];

function attribute(name: string, x: Attribute): AttributeProto {
  if (x instanceof Float) return { name, type: AttributeType.FLOAT, f: x.value };
  if (typeof x === "string") return { name, type: AttributeType.STRING, s: new TextEncoder().encode(x) };
  const whole = typeof x === "number" ? [x] : [...x];
  if (!whole.every(Number.isInteger)) throw new Error(`attribute ${name} is ${x}: write float(...) for what is no INT`);
  return typeof x === "number"
    ? { name, type: AttributeType.INT, i: x }
    : { name, type: AttributeType.INTS, ints: whole };
}

/** The name of a value in a graph. */
export type Value = string & { readonly value: unique symbol };
/** An operand that is left out. */
export const none = "" as Value;

export class Graph {
  readonly nodes: NodeProto[] = [];
  readonly feeds = new Map<string, Data>();
  readonly constants = new Map<string, Data>();

  /** An input of the model. */
  feed(x: Data): Value {
    const name = `x${this.feeds.size}`;
    this.feeds.set(name, x);
    return name as Value;
  }
  /** An initializer. */
  constant(x: Data): Value {
    const name = `c${this.constants.size}`;
    this.constants.set(name, x);
    return name as Value;
  }
  /** A node with one result. */
  op(opType: string, inputs: readonly Value[], attributes: Readonly<Record<string, Attribute>> = {}): Value {
    const name = `y${this.nodes.length}`;
    const attribute_ = Object.entries(attributes).map(([key, x]) => attribute(key, x));
    this.nodes.push({ opType, input: [...inputs], output: [name], attribute: attribute_ });
    return name as Value;
  }
  cast(x: Value, dtype: DType): Value {
    return this.op("Cast", [x], { to: CODES[dtype] });
  }
}

const bytes = (x: TypedArray): Uint8Array => new Uint8Array(x.buffer, x.byteOffset, x.byteLength);

/** The bytes of a model of one result. Operators mean what they mean in this opset. */
export function encode(g: Graph, result: Value, opset: number): Uint8Array {
  return onnx.ModelProto.encode({
    irVersion: 10,
    opsetImport: [{ domain: "", version: opset }],
    graph: {
      name: "g",
      node: g.nodes,
      input: [...g.feeds].map(([name, { dtype, shape }]) => ({
        name,
        type: { tensorType: { elemType: CODES[dtype], shape: { dim: shape.map((dimValue) => ({ dimValue })) } } },
      })),
      // without a type: it is inferred
      output: [{ name: result }],
      initializer: [...g.constants].map(([name, x]) => ({
        name,
        dims: [...x.shape],
        dataType: CODES[x.dtype],
        rawData: bytes(x.data),
      })),
    },
  }).finish();
}
