import { describe, expect, it } from "vitest";
import { addAbi } from "../../src/driver/artifact.ts";
import { importMemory, ModuleError, readAbi } from "../../src/runtime/index.ts";
import { addAbiOf, addModule, assemble, f16Module, gemmModule, pairModule } from "./modules.ts";

const compiled = (b: Uint8Array): WebAssembly.Module => new WebAssembly.Module(b as BufferSource);

describe("the ABI section", () => {
  it("is read from bytes and from compiled modules", () => {
    const b = addModule();
    expect(readAbi(b)).toEqual(addAbiOf());
    expect(readAbi(compiled(b))).toEqual(addAbiOf());
    // a view into a larger, shared buffer
    const shared = new Uint8Array(new SharedArrayBuffer(b.length + 9), 5, b.length);
    shared.set(b);
    expect(readAbi(shared)).toEqual(addAbiOf());
  });
  it("keeps names beyond ASCII", () => {
    const named = { ...addAbiOf(), name: "größe" };
    const b = addAbi(assemble("(module)"), named);
    expect(WebAssembly.Module.customSections(compiled(b), "tilewright")).toHaveLength(1);
    expect(readAbi(b)).toEqual(named);
  });
  it("says what is wrong with other bytes", () => {
    const bare = assemble("(module)");
    const message = (f: () => unknown): string => {
      try {
        f();
      } catch (e) {
        if (e instanceof ModuleError) return e.message;
        throw e;
      }
      return "";
    };
    expect(message(() => readAbi(Uint8Array.of(1, 2, 3)))).toMatch(/not a WebAssembly module/);
    expect(message(() => readAbi(bare))).toMatch(/not built by Tilewright/);
    expect(message(() => readAbi(compiled(bare)))).toMatch(/not built by Tilewright/);
    expect(message(() => readAbi(addModule().subarray(0, 40)))).toMatch(/not a whole/);
    expect(message(() => readAbi(addAbi(bare, { ...addAbiOf(), version: 2 as 1 })))).toMatch(/version 2/);
    const garbled = addAbi(bare, addAbiOf());
    garbled[garbled.indexOf(0x7b)] = 0x21;
    expect(message(() => readAbi(garbled))).toMatch(/not JSON/);
  });
});

describe("importMemory", () => {
  const modules = { add: addModule, gemm: gemmModule, copy: f16Module, pair: pairModule };
  const limits = [
    { initial: 0 },
    { initial: 1, maximum: 300 },
    { initial: 1, maximum: 16384, shared: true },
    { initial: 200 },
  ];
  for (const [name, make] of Object.entries(modules))
    it(`${name}: validates, imports one memory, still exports it`, () => {
      for (const l of limits) {
        const m = compiled(importMemory(make(), l));
        expect(WebAssembly.Module.imports(m)).toEqual([{ module: "env", name: "memory", kind: "memory" }]);
        expect(WebAssembly.Module.exports(m)).toEqual(WebAssembly.Module.exports(compiled(make())));
        expect(readAbi(m).name).toBe(name);
        const memory = new WebAssembly.Memory({
          initial: l.initial,
          ...(l.maximum ? { maximum: l.maximum } : {}),
          ...(l.shared ? { shared: true } : {}),
        });
        const { exports } = new WebAssembly.Instance(m, { env: { memory } });
        expect(exports.memory).toBe(memory);
      }
    });
  it("works on the given memory", () => {
    const memory = new WebAssembly.Memory({ initial: 1 });
    const m = compiled(importMemory(addModule(), { initial: 1 }));
    const add = new WebAssembly.Instance(m, { env: { memory } }).exports.add as (...a: number[]) => void;
    const x = new Float32Array(memory.buffer);
    x.set([1, 2, 3, 4], 16);
    add(64, 64, 128, 4, 10, 1024);
    expect([...x.subarray(32, 36)]).toEqual([20, 40, 60, 80]);
  });
  it("keeps start functions, globals, tables and several functions working", () => {
    const b = assemble(`(module
      (type $t (func (result i32)))
      (func $helper (result i32) (i32.const 40))
      (table 1 funcref) (memory (export "memory") 2 5)
      (global $g (mut i32) (i32.const 0)) (elem (i32.const 0) $helper)
      (start $init)
      (func $init (global.set $g (i32.const 2)))
      (func (export "f") (result i32) (i32.add (global.get $g) (call_indirect (type $t) (i32.const 0)))))`);
    const memory = new WebAssembly.Memory({ initial: 1 });
    const i = new WebAssembly.Instance(compiled(importMemory(b, { initial: 0 })), { env: { memory } });
    expect((i.exports.f as () => number)()).toBe(42);
  });
  it("refuses what it cannot do", () => {
    const with_ = (text: string) => () => importMemory(assemble(`(module ${text})`), { initial: 0 });
    expect(with_("")).toThrow(/0 memories/);
    expect(with_(`(memory 1) (data (i32.const 0) "x")`)).toThrow(/data at fixed addresses/);
    expect(with_(`(import "env" "memory" (memory 1))`)).toThrow(/imports already/);
    expect(() => importMemory(addModule(), { initial: 1, shared: true })).toThrow(/needs a maximum/);
  });
});
