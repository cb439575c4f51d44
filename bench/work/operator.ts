import type * as tensorflow from "@tensorflow/tfjs-core";
import { type Data, sizeOf, transposed } from "../data.ts";
import type { Graph, Value } from "../onnx.ts";
import { noise, type Operand, type WorkBase } from "./work.ts";

/** An operand: its values are in [low, high), whole numbers from low to high - 1 for i32. */
export interface Given {
  readonly dtype: "f32" | "i32";
  readonly shape: readonly number[];
  /** Known ahead of time, so that it may be prepared once. */
  readonly constant: boolean;
  readonly low: number;
  readonly high: number;
}
/** How a library does the work: in another layout if it has no other. Rearranging is not part of what is timed. */
export interface Side<Build> {
  readonly build: Build;
  /** By operand, the order of its axes that the library takes. */
  readonly orders?: Readonly<Record<string, readonly number[]>>;
  /** The order of the answer's axes that makes it the work's. */
  readonly back?: readonly number[];
  /** The name of its layout. */
  readonly note?: string;
}
export type Values = Readonly<Record<string, Value>>;
export type Tensors = Readonly<Record<string, tensorflow.Tensor>>;
export type OnnxSide = Side<(g: Graph, x: Values) => Value> & { readonly opset?: number };
export type TfjsSide = Side<(tf: typeof tensorflow, x: Tensors) => tensorflow.Tensor>;

/** What a library has in one operator, or in a few: it brings its own way along. Its answers are compared with each other. */
export interface Operator extends WorkBase {
  readonly kind: "operator";
  readonly given: Readonly<Record<string, Given>>;
  readonly onnx: OnnxSide | undefined;
  readonly tfjs: TfjsSide | undefined;
}
export interface OperatorShape {
  readonly given: Readonly<Record<string, Given>>;
  /** Elements of the answer. */
  readonly length: number;
  readonly flops?: number;
  /** Elements read of the operands, where that is not all of them. */
  readonly reads?: number;
  readonly bound: number;
  readonly onnx?: OnnxSide;
  readonly tfjs?: TfjsSide;
}

function valuesOf({ dtype, shape, low, high }: Given, seed: number): Operand {
  const spread = noise(sizeOf(shape), seed).map((v) => low + ((v + 1) / 2) * (high - low));
  return dtype === "f32" ? spread : Int32Array.from(spread, Math.floor);
}

export function operatorOf({ given, length, flops, reads, bound, onnx, tfjs }: OperatorShape): Operator {
  const inputs = Object.fromEntries(Object.entries(given).map(([name, g], i) => [name, valuesOf(g, 20 + i)]));
  const read = reads ?? Object.values(given).reduce((n, g) => n + sizeOf(g.shape), 0);
  return { kind: "operator", given, inputs, length, flops, bytes: 4 * (read + length), bound, onnx, tfjs };
}

/** The operands as a library takes them. */
export const operandsOf = ({ given, inputs }: Operator, side: Side<unknown>): Readonly<Record<string, Data>> =>
  Object.fromEntries(
    Object.entries(given).map(([name, { dtype, shape }]) => {
      const x: Data = { dtype, shape, data: inputs[name]! };
      const order = side.orders?.[name];
      return [name, order === undefined ? x : transposed(x, order)];
    }),
  );

/** The work's answer from that of a library. */
export const answerOf = ({ back }: Side<unknown>, y: Data): Float32Array =>
  (back === undefined ? y : transposed(y, back)).data as Float32Array;
