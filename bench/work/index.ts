/** The work that everybody is given. */
import type { Attention } from "./attention.ts";
import type { Conv } from "./conv.ts";
import type { Gemm } from "./gemm.ts";
import type { Operator } from "./operator.ts";
import type { Picture } from "./picture.ts";
import type { Pool } from "./pool.ts";
import type { LayerNorm, Softmax } from "./rows.ts";

export type Work = Gemm | Conv | Softmax | LayerNorm | Pool | Attention | Picture | Operator;

export { type Attention, attentionOf } from "./attention.ts";
export { type Activation, type Conv, type ConvShape, convOf } from "./conv.ts";
export { type Gemm, gemmOf } from "./gemm.ts";
export {
  answerOf,
  type Given,
  type OnnxSide,
  type Operator,
  type OperatorShape,
  operandsOf,
  operatorOf,
  type TfjsSide,
} from "./operator.ts";
export { type Picture, type PictureShape, pictureOf } from "./picture.ts";
export { type Pool, type PoolShape, poolOf } from "./pool.ts";
export { EPSILON, type LayerNorm, layerNormOf, type Softmax, softmaxOf } from "./rows.ts";
export { difference, noise, type Operand, type Operands, type WorkBase, wrong } from "./work.ts";
