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
  _BinaryenUnary(module: number, op: number, a: Ref): Ref;
  _BinaryenBinary(module: number, op: number, a: Ref, b: Ref): Ref;
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

/** An operation that the builder lacks, by the name of its number in the library. */
export function raw(lib: Binaryen, m: Module, operation: string, args: readonly Ref[]): Ref {
  const op = (lib as unknown as Readonly<Record<string, number | undefined>>)[operation];
  if (op === undefined) throw new CodegenError("internal", `Binaryen has no operation ${operation}`);
  const api = lib as unknown as Raw;
  const [a, b, c] = args;
  if (c !== undefined) return api._BinaryenSIMDTernary(m.ptr, op, a!, b!, c);
  return b !== undefined ? api._BinaryenBinary(m.ptr, op, a!, b) : api._BinaryenUnary(m.ptr, op, a!);
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
