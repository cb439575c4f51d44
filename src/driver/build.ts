/**
 * From what the user wrote to what runs: tensors or schedules in, an artifact (plain data) or a kernel (in memory) out.
 *
 * Without a schedule each variant of the module gets the default one for its features: the simd128 module and the relaxed one
 * are scheduled apart. A schedule of the caller's own is used for both.
 */
import { emitWasm } from "../../codegen/wasm/index.ts";
import { defaultSchedule } from "../../schedule/defaults/index.ts";
import { Schedule } from "../../schedule/index.ts";
import {
  type AnyTensor,
  type ArgsOf,
  type ConstantsOf,
  createFunc,
  isTensor,
  type Kernel,
  type KernelOf,
  type ResultOf,
  type TensorRecord,
} from "../../te/index.ts";
import { type Func, printFunc, TilewrightError } from "../ir/index.ts";
import { type LowerResult, lowerFunc } from "../lower/index.ts";
import { type Kernel as AnyKernel, type LoadOptions, load } from "../runtime/index.ts";
import { type Abi, type Target, type WasmTarget, wasm } from "../target/index.ts";
import { cheapest } from "./algorithms.ts";
import { type Artifact, makeArtifact } from "./artifact.ts";
import { checkAbi, checkBuildable, checkOptions, told } from "./check.ts";

/** A tensor, several by name, or a schedule of either. */
// biome-ignore lint/suspicious/noExplicitAny: a schedule of anything
export type Buildable = AnyTensor | TensorRecord | Schedule<any>;

export interface BuildOptions {
  /**
   * What the module may use. Default: a plain simd128 module and a relaxed-SIMD variant. With a target that names no relaxed
   * SIMD, only the plain module is built.
   */
  readonly target?: WasmTarget;
  /** Name of the exported function; the tensor's name when absent. */
  readonly name?: string;
  /**
   * "auto" (default): a tensor with several algorithms (a 3x3 convolution) is computed by the one that takes the fewest cycles by account;
   * results may round differently. "direct": every tensor as its expression says. Schedules by hand are of expressions, always.
   */
  readonly algorithm?: "auto" | "direct";
}
const OPTIONS = ["target", "name", "algorithm"] as const;
export type CompileOptions = BuildOptions & LoadOptions;

/**
 * Compiles to plain data: the module's bytes, its ABI, types and a small loader. Nothing is run.
 *
 *     const artifact = await build(C);
 *     await writeFile("gemm.wasm", artifact.wasm);
 *
 * Throws ScheduleError, TilewrightError("unroll-budget") and other typed errors of the compiler: `nothing-to-build`,
 * `build-options`, `kernel-name`, `too-many-parameters`, `too-deep`.
 */
export async function build(x: Buildable, options: BuildOptions = {}): Promise<Artifact> {
  checkOptions(options, OPTIONS);
  checkBuildable(x);
  const target = options.target ?? wasm({ relaxed: true });
  if (target.threads)
    throw new TilewrightError(
      "unsupported-feature",
      "threads are not supported yet: leave `threads` out of wasm({ ... })",
    );
  const plainTarget = wasm({ ...target, relaxed: false, contract: false });
  const plain = await emit(x, plainTarget, options);
  const relaxed = target.relaxed ? await emit(x, target, options) : undefined;
  return makeArtifact({
    wasm: plain.module.wasm,
    relaxed: relaxed?.module.wasm,
    abi: plain.abi,
    wat: () => plain.module.wat,
    warnings: [...plain.lowered.warnings, ...(relaxed?.lowered.warnings ?? [])],
  });
}

/**
 * Builds and loads the best variant for this engine.
 *
 *     const gemm = await compile(C);
 *     const c = gemm({ A: a, B: b });
 */
export async function compile<const X extends Buildable>(
  x: X,
  options: CompileOptions = {},
): Promise<CompiledKernel<X>> {
  checkOptions(options, [...OPTIONS, "arena"]);
  const { arena, ...rest } = options;
  return (await load(await build(x, rest), { arena })) as unknown as CompiledKernel<X>;
}
export type CompiledKernel<X> = KernelOf<X> &
  Omit<AnyKernel, "prepare"> & {
    /** Takes all constants at once, and returns a kernel of the other arguments. */
    prepare(
      constants: ConstantsOf<X>,
    ): Kernel<Omit<ArgsOf<X>, keyof ConstantsOf<X>>, ResultOf<X>> & Omit<AnyKernel, "prepare">;
  };

/** Compiles, runs once, returns the result: for trying things out. `run(C, { A: a, B: b })`. */
export async function run<const X extends Buildable>(
  x: X,
  args: ArgsOf<X>,
  options: CompileOptions = {},
): Promise<ResultOf<X>> {
  const kernel = (await compile(x, options)) as (args: ArgsOf<X>) => ResultOf<X>;
  return kernel(args);
}

export interface LoweringStage {
  readonly name: string;
  readonly text: string;
}
/** Every stage of lowering as text, the scheduled loop nest first. `lower(C).map((s) => s.text)`. */
export function lower(x: Buildable, options: BuildOptions = {}): LoweringStage[] {
  checkOptions(options, OPTIONS);
  checkBuildable(x);
  const target = options.target ?? wasm();
  const stages: LoweringStage[] = [];
  const onStage = (name: string, f: Func): void => void stages.push({ name, text: printFunc(f) });
  try {
    lowerFunc(scheduleFor(x, target, options.algorithm).func, target, { onStage });
  } catch (e) {
    throw told(e);
  }
  return stages;
}

/** The caller's schedule, or the default one for the target. */
export function scheduleFor(
  x: Buildable,
  target: Target,
  algorithm: BuildOptions["algorithm"] = "auto",
): Schedule<unknown> {
  if (x instanceof Schedule) return x as Schedule<unknown>;
  checkBuildable(x);
  const created = createFunc(isTensor(x) ? [x] : x, undefined, algorithm === "direct" ? undefined : cheapest);
  const s = new Schedule<unknown>(x, created);
  defaultSchedule(s as never, target);
  return s;
}

async function emit(x: Buildable, target: WasmTarget, options: BuildOptions) {
  try {
    const s = scheduleFor(x, target, options.algorithm);
    const lowered = lowerFunc(s.func, target);
    const abi = named(lowered, s.of, options.name);
    checkAbi(abi);
    const prepare = lowered.prepare && { prepare: { ...lowered.prepare, name: abi.prepare!.name } };
    const module = await emitWasm({ ...lowered, ...prepare, name: abi.name, abi }, target);
    return { lowered, abi, module };
  } catch (e) {
    throw told(e);
  }
}

/** Results of a record are called by the record's keys, whatever their tensors are called. */
function named(lowered: LowerResult, of: unknown, name: string | undefined): Abi {
  const own = name ?? lowered.abi.name;
  const prepare = lowered.abi.prepare && { prepare: { ...lowered.abi.prepare, name: `${own}.prepare` } };
  const abi = { ...lowered.abi, name: own, ...prepare };
  if (isTensor(of)) return { ...abi, results: "single" };
  const byTensor = new Map(Object.entries(of as TensorRecord).map(([key, t]) => [t.name, key]));
  const params = abi.params.map((p) => (p.role === "output" ? { ...p, name: byTensor.get(p.name) ?? p.name } : p));
  return { ...abi, params, results: "record" };
}
