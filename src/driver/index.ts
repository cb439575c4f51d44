/** The public part of the driver room. */
export { type Artifact, filesOf } from "./artifact.ts";
export {
  type Buildable,
  type BuildOptions,
  build,
  type CompiledKernel,
  type CompileOptions,
  compile,
  type LoweringStage,
  lower,
  run,
} from "./build.ts";
export { createLimit, gflops, type Limit, type LimitKernel, type LimitSet, limitOf, measureLimit } from "./limit.ts";
export { Interleaved, type MeasureOptions, measure, speedup, type Timing } from "./measure.ts";
