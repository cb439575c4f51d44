/**
 * One case, checked from end to end. `evaluate` is the judge of values (within its bound); everything behind the schedule
 * must agree bit for bit: every stage interpreted, the last stage in simulated memory, and the module in the engine.
 */
import { isDeepStrictEqual } from "node:util";
import wabt from "wabt";
import { emitWasm } from "../../codegen/wasm/index.ts";
import { formatTrace, parseTrace, replay, type Trace } from "../../schedule/index.ts";
import { type DType, explainDifference, type Func, opInfo, printFunc, visitExprsIn } from "../../src/ir/index.ts";
import { lowerFunc } from "../../src/lower/index.ts";
import { evaluateWithBound } from "../../src/reference/evaluate.ts";
import { interpret, interpretLowered, readElement, type TypedArrayLike } from "../../src/reference/index.ts";
import { load } from "../../src/runtime/index.ts";
import { wasm } from "../../src/target/index.ts";
import { createFunc } from "../../te/index.ts";
import { runAmongCanaries } from "./canaries.ts";
import { firstDifference, generator, randomArray } from "./data.ts";
import { Mismatch } from "./mismatch.ts";
import type { Program } from "./program.ts";
import type { AnySchedule } from "./steps/view.ts";

export { Mismatch };
export type Arrays = Record<string, TypedArrayLike>;

export function inputsOf(p: Program, seed: number): Arrays {
  const next = generator(seed);
  return Object.fromEntries(p.inputs.map((i) => [i.name, randomArray(i.dtype, i.length, next)]));
}

/** Math functions compute differently in each oracle: then only bounds can be compared. */
export function isApproximate(f: Func): boolean {
  let found = false;
  visitExprsIn(f.body, (e) => {
    if (e.kind === "op" && opInfo(e.op).approximate) found = true;
    return !found;
  });
  return found;
}

export function sameBits(what: string, f: Func, want: Arrays, got: Arrays): void {
  for (const b of f.outputs) {
    const at = firstDifference(b.dtype, want[b.name]!, got[b.name]!);
    if (at !== undefined)
      throw new Mismatch(
        `${what}: ${b.name}[${at}] is ${got[b.name]![at]}, expected ${want[b.name]![at]} (${b.dtype}, ${want[b.name]!.length} elements)`,
      );
  }
}

export type Judge = (what: string, got: Arrays) => void;
/** Compares with `evaluate`, computed once. */
export function judge(p: Program, inputs: Arrays): Judge {
  const names = Object.keys(p.outputs);
  // a program may have inputs and sizes that none of its outputs needs
  const { func } = createFunc(p.outputs);
  const needed = <T>(all: Readonly<Record<string, T>>, list: readonly { readonly name: string }[]): Record<string, T> =>
    Object.fromEntries(list.map(({ name }) => [name, all[name]!]));
  const want = evaluateWithBound(p.outputs, needed(inputs, func.inputs), { sizes: needed(p.sizes, func.sizes) });
  return (what, got) => {
    for (const n of names) {
      const d = p.outputs[n]!.dtype as DType;
      const { values, bound } = want[n]!;
      for (let i = 0; i < values.length; i++) {
        if (bound[i] === Infinity) continue;
        const [w, g] = [Number(readElement(d, values, i)), Number(readElement(d, got[n]!, i))];
        if (Object.is(w, g) || w === g || Math.abs(w - g) <= bound[i]! || (Number.isNaN(w) && Number.isNaN(g)))
          continue;
        throw new Mismatch(`${what}: ${n}[${i}] is ${g}, evaluate says ${w} within ${bound[i]} (${d})`);
      }
    }
  };
}

/** The trace as JSON and as text says the same, and does the same again. */
export function checkTrace(s: AnySchedule, again: () => AnySchedule): void {
  const text = formatTrace(s.trace);
  for (const [form, trace] of [
    ["JSON", JSON.parse(JSON.stringify(s.trace)) as Trace],
    ["text", parseTrace(text)],
  ] as const) {
    if (!isDeepStrictEqual(trace, s.trace))
      throw new Mismatch(`the trace is not what its ${form} says:\n${text}\n${JSON.stringify(s.trace)}`);
    const t = replay(trace, again());
    const why = explainDifference(t.func, s.func, { names: true });
    if (why !== undefined || `${t}` !== `${s}`)
      throw new Mismatch(
        `the trace replays from ${form} to another function (${why}):\n${t}\ninstead of\n${s}\n${text}`,
      );
  }
}

export interface CheckOptions {
  /** Interpret the function after every pass. */
  readonly everyStage?: boolean;
  /** Run the module among canaries, at the ends of its memory. */
  readonly canaries?: boolean;
  /** Check the relaxed variant too. */
  readonly relaxed?: boolean;
}

/** Interprets stages of lowering and runs the module; all must give the bits of `want`. */
export async function checkLowering(
  f: Func,
  p: Program,
  inputs: Arrays,
  want: Arrays,
  judged: Judge,
  check: CheckOptions = {},
): Promise<void> {
  const options = { sizes: p.sizes };
  const approximate = isApproximate(f);
  const compare = (what: string, got: Arrays): void => (approximate ? judged(what, got) : sameBits(what, f, want, got));
  const stages: [string, Func][] = [];
  const lowered = lowerFunc(f, wasm(), { onStage: (name, s) => check.everyStage && stages.push([name, s]) });
  const lost = lowered.warnings.find((w) => w.code === "intrinsic-unmatched");
  if (lost) throw new Mismatch(`an intrinsic that was accepted is lost in lowering: ${lost.message}\n${printFunc(f)}`);
  let prepared: Arrays = {};
  for (const [name, s] of stages) {
    // these two only make sense with the places of buffers in memory
    if (name.endsWith("addresses") || name.endsWith("plan scratch")) continue;
    try {
      if (name.startsWith("prepare: ")) prepared = interpret(s, inputs, options);
      else compare(`after "${name}"`, interpret(s, { ...inputs, ...prepared }, options));
    } catch (e) {
      throw e instanceof Mismatch
        ? e
        : new Mismatch(`after "${name}": ${e instanceof Error ? e.stack : e}\n${printFunc(s)}`);
    }
  }
  const last = interpretLowered(lowered, inputs, options);
  compare("lowered", last);
  const module = await emitWasm(lowered, wasm());
  if (!WebAssembly.validate(module.wasm as BufferSource)) throw new Mismatch("the engine refuses the module");
  const kernel = await load(module.wasm);
  const used = Object.fromEntries(f.inputs.map((b) => [b.name, inputs[b.name]!]));
  const sizes = Object.fromEntries(f.sizes.map((v) => [v.name, p.sizes[v.name]!]));
  const result = kernel({ ...used, ...sizes } as never) as TypedArrayLike | Arrays;
  const names = f.outputs.map((b) => b.name);
  const got = (names.length === 1 ? { [names[0]!]: result } : result) as Arrays;
  sameBits("wasm against the interpreted last stage", f, last, got);
  if (check.canaries)
    for (const round of [0, 1])
      sameBits(
        "wasm among canaries",
        f,
        last,
        await runAmongCanaries(module.wasm, lowered.abi, inputs, p.sizes, round),
      );
  if (check.relaxed) await checkRelaxed(f, p, inputs, judged);
}

/** Fused multiply-adds round once where two roundings were: closer to the truth, so within the bound of `evaluate`. */
async function checkRelaxed(f: Func, p: Program, inputs: Arrays, judged: Judge): Promise<void> {
  const target = wasm({ relaxed: true });
  const lowered = lowerFunc(f, target);
  judged("relaxed, lowered", interpretLowered(lowered, inputs, { sizes: p.sizes }));
  const { wasm: bytes } = await emitWasm(lowered, target);
  if (WebAssembly.validate(bytes as BufferSource))
    judged("relaxed wasm", await runAmongCanaries(bytes, lowered.abi, inputs, p.sizes, 0));
  else await validateElsewhere(bytes);
}

let tools: ReturnType<typeof wabt> | undefined;
/** For engines without relaxed SIMD. */
async function validateElsewhere(bytes: Uint8Array): Promise<void> {
  tools ??= wabt();
  const m = (await tools).readWasm(bytes, { ...FEATURES, relaxed_simd: true });
  try {
    m.validate();
  } catch (e) {
    throw new Mismatch(`the relaxed module is not valid: ${e}`);
  } finally {
    m.destroy();
  }
}
const FEATURES = { simd: true, sat_float_to_int: true, sign_extension: true, bulk_memory: true, mutable_globals: true };
