/** What callers may hand to the driver, and errors of its parts that would tell them nothing. */
import { Schedule } from "../../schedule/index.ts";
import { isTensor } from "../../te/index.ts";
import { TilewrightError } from "../ir/index.ts";
import { type Abi, targetFault } from "../target/index.ts";

const show = (x: unknown): string => {
  if (typeof x === "string") return JSON.stringify(x);
  if (typeof x === "object" && x !== null) return Array.isArray(x) ? "an array" : "an object";
  return typeof x === "function" ? "a function" : String(x);
};
const isRecord = (x: unknown): x is Readonly<Record<string, unknown>> =>
  typeof x === "object" && x !== null && !Array.isArray(x) && !ArrayBuffer.isView(x);

/** Throws TilewrightError `nothing-to-build` for what is no tensor, no record of tensors and no schedule. */
export function checkBuildable(x: unknown): void {
  const fail = (message: string): never => {
    throw new TilewrightError("nothing-to-build", message);
  };
  const expected = "a tensor, a record of tensors or a schedule was expected";
  if (x instanceof Schedule || isTensor(x)) return;
  if (typeof x !== "object" || x === null) return fail(`${show(x)} cannot be built: ${expected}`);
  const entries = Object.entries(x);
  if (entries.length === 0) fail(`there is no tensor to build: ${expected}`);
  for (const [key, t] of entries) if (!isTensor(t)) fail(`${key} is ${show(t)}, but ${expected}`);
}

/** Throws TilewrightError `build-options` for options that are none, and `kernel-name` for a name that cannot be exported. */
export function checkOptions(options: unknown, known: readonly string[]): void {
  const fail = (message: string): never => {
    throw new TilewrightError("build-options", message);
  };
  if (!isRecord(options))
    return fail(`the options are ${show(options)}, but a record such as { name, target } was expected`);
  if ("kind" in options) fail("a target was given as the options: pass it as { target: wasm() }");
  for (const key of Object.keys(options))
    if (!known.includes(key)) fail(`there is no option ${JSON.stringify(key)} here: there are ${known.join(", ")}`);
  const fault = options.target === undefined ? undefined : targetFault(options.target);
  if (fault !== undefined) fail(fault);
  const { algorithm, name } = options;
  if (algorithm !== undefined && algorithm !== "auto" && algorithm !== "direct")
    fail(`the algorithm is ${show(algorithm)}, but "auto" or "direct" was expected`);
  if (name === undefined) return;
  if (typeof name !== "string" || name === "")
    throw new TilewrightError("kernel-name", `the name is ${show(name)}, but a text that is not empty was expected`);
  if (UNWRITABLE.test(name))
    throw new TilewrightError(
      "kernel-name",
      `the name is ${show(name)}, but half of a surrogate pair or a null character can't stand in a module's export`,
    );
}
/** What UTF-8 has no bytes for, and what ends a text in the code generator's library. */
const UNWRITABLE = /[\p{Surrogate}\0]/u;

/** What engines take: more parameters make a module invalid everywhere. */
const MOST_PARAMETERS = 1000;
const EXPORTS = ["memory", "heap"];
/** Whether a module can have this face. */
export function checkAbi({ name, params }: Abi): void {
  if (EXPORTS.includes(name) || name === "")
    throw new TilewrightError(
      "kernel-name",
      `the kernel's name is ${show(name)}, which the module exports besides it: pass another as { name: "..." }`,
    );
  if (params.length > MOST_PARAMETERS)
    throw new TilewrightError(
      "too-many-parameters",
      `the kernel ${name} has ${params.length} parameters, but engines take at most ${MOST_PARAMETERS}: join tensors or split the kernel`,
    );
}

/** The error to throw instead of one that says nothing to the caller; others stay as they are. */
export function told(e: unknown): unknown {
  const text = String((e as { message?: unknown } | null)?.message ?? e);
  if (e instanceof Error && /call stack|too much recursion/i.test(text))
    return new TilewrightError("too-deep", "an expression or nest is too deep; split the tensor into stages");
  // Binaryen throws objects of its own
  if (!(e instanceof Error) || e instanceof WebAssembly.RuntimeError)
    return new TilewrightError("codegen", `the WebAssembly code generator failed: ${text}`);
  return e;
}
