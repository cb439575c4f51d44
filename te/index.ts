/** The language: what users write tensors with, and how tensors become functions. */
export { asserted } from "./access.ts";
export { type Alternative, alternativesOf, withAlternatives } from "./alternatives.ts";
export { Cells } from "./cells.ts";
export { compute } from "./compute.ts";
export { constantEdge, type EdgeReader, mirrorEdge, repeatEdge, wrapEdge } from "./edges.ts";
export { type EinsumIn, type EinsumOut, type EinsumShape, einsum, type Operands, type Words } from "./einsum.ts";
export { TeError, type TeErrorCode } from "./error.ts";
export { Axis, Cond, Dim, Expr, isExpr } from "./expr.ts";
export { type Algorithm, type CreatedFunc, createFunc, type TensorBlocks } from "./func.ts";
export {
  add,
  addAll,
  div,
  type FactsOfArgs,
  lit,
  maximum,
  minimum,
  mul,
  not,
  pow,
  select,
  sub,
  where,
} from "./functions.ts";
export { type DimOptions, dim, type Layout, placeholder, scalar } from "./inputs.ts";
export {
  defineIntrinsic,
  type Emit,
  type IntrinsicSpec,
  type OperandNames,
  type Token,
} from "./intrinsic.ts";
export {
  type CellsOf,
  type NestCells,
  type Nested,
  type NestFacts,
  type NestResult,
  type NestResults,
  type NestSpec,
  type NestTensor,
  nest,
} from "./nest.ts";
export { NestBuilder, type NestLoopOptions, type NestMemoryOptions, type NestRange } from "./nest-builder.ts";
export { checkResults, parametersOf } from "./parameters.ts";
export {
  all,
  any,
  argmax,
  argmin,
  type Identities,
  max,
  min,
  type Partials,
  prod,
  type ReduceResults,
  type ReduceSpec,
  type Results,
  reduce,
  sum,
} from "./reduce.ts";
export {
  type PartFacts,
  type Previous,
  type PreviousAt,
  type ScanFacts,
  type Scanned,
  type ScanSpec,
  type StepOf,
  scan,
} from "./scan.ts";
export {
  type Contribution,
  type Position,
  type PositionFacts,
  type ScatterCombiner,
  type Scattered,
  type ScatterOptions,
  scatter,
} from "./scatter.ts";
export {
  buffersRead,
  type ComputeSource,
  definitions,
  type FactsKey,
  isTensor,
  type NestSource,
  type PlaceholderSource,
  reachable,
  type ScanSource,
  type ScatterSource,
  type Source,
  Tensor,
  type TensorAxis,
  tensorOf,
} from "./tensor.ts";
export type * from "./types.ts";
