/** Operators: ordinary expressions for the usual layers and array functions. */

export {
  elu,
  type Floats,
  gelu,
  hardSigmoid,
  hardSwish,
  type Like,
  leakyRelu,
  mish,
  relu,
  relu6,
  sigmoid,
  silu,
  softplus,
  tanh,
} from "./activation.ts";
export { type Attended, type AttentionOptions, attention } from "./attention.ts";
export type { Broadcast } from "./broadcast.ts";
export type { Carried, ShapeIn, TensorOf } from "./common.ts";
export {
  type Convolved,
  conv1d,
  conv2d,
  conv3d,
  type Depthwise,
  depthwiseConv2d,
} from "./convolution.ts";
export {
  type Beside,
  type Binary,
  type Both,
  type BroadcastAll,
  broadcastAdd,
  broadcastDiv,
  broadcastMax,
  broadcastMin,
  broadcastMul,
  broadcastPow,
  broadcastSub,
  type Elements,
  elementwise,
  type ShapeOfBoth,
} from "./elementwise.ts";
export { type ConvolvedInStages, im2colConv2d } from "./im2col.ts";
export {
  type CumsumOptions,
  cumsum,
  type Gathered,
  gather,
  type OneHotOptions,
  oneHot,
} from "./indexing.ts";
export {
  concat,
  type Joined,
  type Moved,
  type PadOptions,
  pad,
  type Range,
  type Reshaped,
  reshape,
  slice,
  stack,
  transpose,
} from "./layout.ts";
export {
  type BatchNames,
  type Dense,
  type DenseNames,
  type DenseOptions,
  dense,
  type MatmulOptions,
  matmul,
  type Product,
} from "./matmul.ts";
export {
  type AxisOption,
  type BatchNormOptions,
  batchNorm,
  type GroupNormOptions,
  groupNorm,
  layerNorm,
  logSoftmax,
  type Normalized,
  type Optional,
  rmsNorm,
  type ScaleAndBias,
  softmax,
} from "./normalization.ts";
export type { ConvOptions, DepthwiseOptions } from "./operands.ts";
export {
  type AveragePoolOptions,
  averagePool1d,
  averagePool2d,
  averagePool3d,
  type GlobalPoolOptions,
  globalAveragePool,
  globalMaxPool,
  type MaxPoolOptions,
  maxPool1d,
  maxPool2d,
  maxPool3d,
  type Pooled,
  type PoolOptions,
} from "./pooling.ts";
export {
  type AxesOptions,
  type ReducedShape,
  type Reduction,
  reduceMax,
  reduceMean,
  reduceMin,
  reduceProd,
  reduceSum,
  reduceVariance,
  type VarianceOptions,
} from "./reduction.ts";
export { type Resized, type ResizeOptions, resize } from "./resize.ts";
export { type ConvTransposeOptions, convTranspose1d, convTranspose2d, convTranspose3d } from "./transposed.ts";
export type { Layouts, Padding, PerAxis, Rank, SpatialNames, WindowOptions } from "./window.ts";
export { type WinogradOptions, winogradConv2d } from "./winograd.ts";
