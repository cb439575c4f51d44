/** From a lowered function to a WebAssembly module: no imports, one function (two with a preparation step), its memory, and the description of its parameters. */
import type { Lowered, WasmTarget } from "../../src/target/index.ts";
import { type Binaryen, loadBinaryen, type Module, nameLocal } from "./binaryen.ts";
import { CodegenError } from "./error.ts";
import { StmtEmitter } from "./stmt.ts";
import { scalarType, Writer } from "./writer.ts";

export interface EmitOptions {
  /**
   * Names of Binaryen passes to run; none by default. On matrix-multiply kernels none makes the code faster on every
   * engine: what moves code (`simplify-locals`) gains up to 6 % on Node 20 and costs up to 22 % on Node 24.
   */
  readonly passes?: readonly string[];
  /** Keeps the names of variables in the module, for debuggers. */
  readonly debugNames?: boolean;
}
export interface WasmModule {
  readonly wasm: Uint8Array;
  /** WebAssembly text with variable names, made when it is read. */
  readonly wat: string;
}

/** The first free byte of a module's memory: address 0 stays unused, so that no buffer has a null pointer. */
export const HEAP_BASE = 1024;
const MAX_PAGES = 65536;

function addFunction(lib: Binaryen, m: Module, l: Lowered, target: WasmTarget, names: boolean): void {
  const types = l.params.map((p) => {
    if (p.lanes !== 1) throw new CodegenError("internal", `parameter ${p.name} is a vector`);
    return scalarType(p.dtype);
  });
  const w = new Writer(lib, m, types);
  const body = new StmtEmitter(w, target, l.params).function(l.body);
  const func = m.addFunction(
    l.name,
    lib.createType(types.map((t) => lib[t])),
    lib.none,
    w.locals.map((t) => lib[t]),
    body,
  );
  if (names) {
    const used = new Set<string>();
    for (const [n, base] of w.names) {
      let name = base;
      for (let k = 1; used.has(name); k++) name = `${base}_${k}`;
      used.add(name);
      nameLocal(lib, func, n, name);
    }
  }
  m.addFunctionExport(l.name, l.name);
}

function makeModule(lib: Binaryen, l: Lowered, target: WasmTarget, names: boolean): Module {
  const m = new lib.Module();
  try {
    const f = lib.Features;
    m.setFeatures(
      f.MVP |
        f.SIMD128 |
        f.SignExt |
        f.NontrappingFPToInt |
        f.MutableGlobals |
        f.BulkMemory |
        (target.relaxed ? f.RelaxedSIMD : 0),
    );
    // first, because accesses refer to it
    m.setMemory(1, MAX_PAGES, "memory");
    for (const part of l.prepare ? [l, l.prepare] : [l]) addFunction(lib, m, part, target, names);
    m.addGlobal("heap", lib.i32, false, m.i32.const(HEAP_BASE));
    m.addGlobalExport("heap", "heap");
    m.addCustomSection("tilewright", new TextEncoder().encode(JSON.stringify(l.abi)));
    return m;
  } catch (e) {
    m.dispose();
    throw e;
  }
}

function runPasses(lib: Binaryen, m: Module, passes: readonly string[] = []): void {
  if (passes.length === 0) return;
  const saved = [lib.getOptimizeLevel(), lib.getShrinkLevel()] as const;
  lib.setOptimizeLevel(2);
  lib.setShrinkLevel(0);
  m.runPasses([...passes]);
  lib.setOptimizeLevel(saved[0]);
  lib.setShrinkLevel(saved[1]);
}

function emitText(lib: Binaryen, l: Lowered, target: WasmTarget, opts: EmitOptions): string {
  const m = makeModule(lib, l, target, true);
  try {
    runPasses(lib, m, opts.passes);
    return m.emitText();
  } finally {
    m.dispose();
  }
}

/**
 * Compiles a lowered function. The module imports nothing and exports `memory`, the function under its name (and its preparation
 * step under that one's), and the global `heap`, the first byte of memory that a caller may use. Its custom section `tilewright` is the ABI as JSON.
 * Throws CodegenError (`unsupported-op`) for an operation that WebAssembly has no instructions for.
 *
 *     const { wasm } = await emitWasm(lowered, target);
 *     const { instance } = await WebAssembly.instantiate(wasm);
 */
export async function emitWasm(l: Lowered, target: WasmTarget, opts: EmitOptions = {}): Promise<WasmModule> {
  const lib = await loadBinaryen();
  const m = makeModule(lib, l, target, opts.debugNames ?? false);
  try {
    runPasses(lib, m, opts.passes);
    lib.setDebugInfo(opts.debugNames ?? false);
    const wasm = m.emitBinary();
    let text: string | undefined;
    return {
      wasm,
      get wat() {
        text ??= emitText(lib, l, target, opts);
        return text;
      },
    };
  } finally {
    lib.setDebugInfo(false);
    m.dispose();
  }
}
