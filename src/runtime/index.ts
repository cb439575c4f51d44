/** Running built modules. This is the whole of `tilewright/runtime`: no path leads from here to the compiler. */
export type { Abi, AbiBuffer, AbiParam, AbiScalar, AbiScratch, AbiSize, SizeExpr } from "../target/index.ts";
export { type Arena, type ArenaOptions, arena } from "./arena.ts";
export { arrayName, elementBytes } from "./dtypes.ts";
export { ArenaError, type ArgumentCode, ModuleError, RuntimeArgumentError, TilewrightError } from "./errors.ts";
export { load } from "./kernel.ts";
export { importMemory, type MemoryImport, readAbi } from "./module.ts";
export { evalSize, printShape, printSize, type Sizes, sizesIn } from "./size.ts";
export type { AnyArgs, AnyArray, AnyResult, Arrays, Bytes, Kernel, Loadable, LoadOptions } from "./types.ts";
