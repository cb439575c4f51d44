/** What a target can do, as pure data. Nothing here compiles anything. */
import { bytesOf, type DType, type OpName, TilewrightError } from "../ir/index.ts";
import { wasmHas } from "./wasm-ops.ts";

/** WebAssembly with 128-bit SIMD. Features beyond simd128 are opt-in. */
export interface WasmTarget {
  readonly kind: "wasm";
  /** Relaxed SIMD instructions may be used (the module is then invalid on engines without them). */
  readonly relaxed: boolean;
  readonly threads: boolean;
  /** a * b + c may be contracted to a fused multiply-add where the target has one. */
  readonly contract: boolean;
}
export interface WasmOptions {
  readonly relaxed?: boolean;
  readonly threads?: boolean;
  /** Default: on with relaxed SIMD. */
  readonly contract?: boolean;
}
export type Target = WasmTarget;

export const WASM_OPTIONS: readonly (keyof WasmOptions)[] = ["relaxed", "threads", "contract"];
/** Throws TilewrightError `target-options` for what is no such option. A target's own `kind` may be among them: `wasm({ ...t })`. */
export function wasm(o: WasmOptions = {}): WasmTarget {
  const fail = (message: string): never => {
    throw new TilewrightError("target-options", `wasm: ${message}`);
  };
  if (typeof o !== "object" || o === null || Array.isArray(o))
    fail(`the options are ${o}, but a record such as { relaxed: true } was expected`);
  for (const [key, v] of Object.entries(o)) {
    if (key === "kind" && v === "wasm") continue;
    if (!(WASM_OPTIONS as readonly string[]).includes(key))
      fail(`there is no option ${JSON.stringify(key)}: there are ${WASM_OPTIONS.join(", ")}`);
    if (v !== undefined && typeof v !== "boolean") fail(`${key} is ${String(v)}, but true or false was expected`);
  }
  return Object.freeze({
    kind: "wasm",
    relaxed: o.relaxed ?? false,
    threads: o.threads ?? false,
    contract: o.contract ?? o.relaxed ?? false,
  });
}

/** What keeps a value from being a target; undefined where it is one. */
export function targetFault(x: unknown): string | undefined {
  if (typeof x !== "object" || x === null) {
    const shown = typeof x === "string" ? JSON.stringify(x) : typeof x === "function" ? "a function" : String(x);
    return `the target is ${shown}, but wasm() or wasm({ ... }) was expected`;
  }
  const { kind, ...rest }: Readonly<Record<string, unknown>> = { ...x };
  if (kind !== "wasm")
    return `the target's kind is ${typeof kind === "string" ? JSON.stringify(kind) : typeof kind}, but only wasm() and wasm({ ... }) are targets`;
  const missing = WASM_OPTIONS.find((key) => typeof rest[key] !== "boolean");
  return missing && `the target has no ${missing}: make it with wasm({ ... })`;
}

export const VECTOR_BYTES = 16;
/** Vector registers that engines on x64 hand out (V8 keeps one of sixteen for itself); the register-tile budget. */
export const VECTOR_REGISTERS = 15;
/** Lanes of one vector register. f16 is computed as f32, so it has as many lanes as that. */
export const nativeLanes = (d: DType): number => VECTOR_BYTES / Math.max(bytesOf(d), d === "f16" ? 4 : 1);
/** Whether one (or a short fixed sequence of) vector instruction does `op`, given operand dtypes and the result's. */
export const hasVectorOp = (t: Target, op: OpName, args: readonly DType[], result: DType): boolean =>
  wasmHas(op, op === "select" || op === "where" ? args[1]! : args[0]!, result, true, t.relaxed);

export * from "./abi.ts";
export * from "./lowered.ts";
export * from "./wasm-instructions.ts";
export * from "./wasm-ops.ts";
