/**
 * Loading Binaryen, and the few entry points its typed builder lacks.
 *
 * Binaryen is 14 MB, so it is imported only when something is compiled, once, and by a name that the package's import map resolves.
 */
import type binaryen from "#binaryen";
import { CodegenError } from "./error.ts";

export type Binaryen = typeof binaryen;
export type Module = binaryen.Module;
/** An expression under construction. Belongs to one module and to one place in it. */
export type Ref = binaryen.ExpressionRef;
export type WasmType = "i32" | "i64" | "f32" | "f64" | "v128";

/** The raw API: what the builder does not wrap. */
interface Raw {
  _BinaryenSIMDTernary(module: number, op: number, a: Ref, b: Ref, c: Ref): Ref;
  /** Declared on modules, but found here. */
  readonly Function: { setLocalName(func: number, local: number, name: string): void };
}

let loading: Promise<Binaryen> | undefined;
/** The Binaryen library, imported on first use. */
export function loadBinaryen(): Promise<Binaryen> {
  loading ??= import("#binaryen").then((m) => m.default);
  return loading;
}

/** `a * b + c` with one rounding where the engine has it, on all lanes; needs the relaxed SIMD feature. */
export function relaxedMadd(lib: Binaryen, m: Module, shape: "f32x4" | "f64x2", a: Ref, b: Ref, c: Ref): Ref {
  const op = shape === "f32x4" ? lib.RelaxedMaddVecF32x4 : lib.RelaxedMaddVecF64x2;
  return (lib as unknown as Raw)._BinaryenSIMDTernary(m.ptr, op, a, b, c);
}

/** Names a local for the text form and for debuggers. */
export const nameLocal = (lib: Binaryen, func: number, local: number, name: string): void =>
  (lib as unknown as Raw).Function.setLocalName(func, local, name);

export type Instruction = (...args: readonly (number | bigint)[]) => Ref;
/**
 * The builder for an instruction by its path in Binaryen's builder, such as `i32x4.add`. These paths are what the
 * instruction tables hold; for SIMD they are the names of the WebAssembly specification.
 */
export function instruction(m: Module, path: string): Instruction {
  let at: unknown = m;
  for (const part of path.split(".")) at = (at as Readonly<Record<string, unknown>> | undefined)?.[part];
  if (typeof at !== "function") throw new CodegenError("internal", `Binaryen has no builder named ${path}`);
  return at as Instruction;
}
