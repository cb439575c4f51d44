/** The WebAssembly code generator: lowered IR in, bytes out. */
export { CodegenError } from "./error.ts";
export { emitInstruction } from "./instructions.ts";
export { intrinsics } from "./intrinsics.ts";
export { type EmitOptions, emitWasm, HEAP_BASE, type WasmModule } from "./module.ts";
