import binaryen from "binaryen";
import { describe, expect, it } from "vitest";
import wabt from "wabt";
import { emitInstruction } from "../../codegen/wasm/index.ts";
import { WASM_INSTRUCTIONS, type WasmInstruction } from "../../src/target/index.ts";

/** What disassemblers still call by the names of an early draft. */
const DRAFT_NAMES: Readonly<Record<string, string>> = {
  "i16x8.relaxed_dot_i8x16_i7x16_s": "i16x8.dot_i8x16_i7x16_s",
  "i32x4.relaxed_dot_i8x16_i7x16_add_s": "i32x4.dot_i8x16_i7x16_add_s",
};

/** A module with one function that is this instruction over its parameters. */
function moduleOf(name: string, x: WasmInstruction): { bytes: Uint8Array; text: string } {
  const m = new binaryen.Module();
  const f = binaryen.Features;
  m.setFeatures(f.MVP | f.SIMD128 | (x.relaxed ? f.RelaxedSIMD : 0));
  const args = x.takes.map((t, i) => m.local.get(i, binaryen[t]));
  const { count = 0, limit = 100 } = x.immediates ?? {};
  const immediates = Array.from({ length: count }, (_, i) => (i * 7 + 1) % limit);
  const body = emitInstruction(binaryen, m, name, immediates, args);
  m.addFunction("f", binaryen.createType(x.takes.map((t) => binaryen[t])), binaryen[x.gives], [], body);
  m.addFunctionExport("f", "f");
  expect(m.validate()).toBe(1);
  const bytes = m.emitBinary();
  const text = m.emitText();
  m.dispose();
  return { bytes, text };
}

describe("every instruction of the table", async () => {
  const tools = await wabt();
  it.each([...WASM_INSTRUCTIONS])("%s", (name, x) => {
    const { bytes, text } = moduleOf(name, x);
    const read = tools.readWasm(bytes, { simd: true, relaxed_simd: x.relaxed === true });
    read.validate();
    // the encoding, as a tool that shares nothing with the emitter reads it
    const dis = read.toText({});
    read.destroy();
    const named = (n: string): boolean => dis.includes(`${n}\n`) || dis.includes(`${n} `) || dis.includes(`${n})`);
    expect(named(name) || named(DRAFT_NAMES[name] ?? name), `${name} in\n${dis}\n${text}`).toBe(true);
    if (!x.relaxed) expect(WebAssembly.validate(bytes as BufferSource)).toBe(true);
  });

  it("has the 200 or so of simd128, and all of relaxed SIMD", () => {
    const relaxed = [...WASM_INSTRUCTIONS.values()].filter((x) => x.relaxed).length;
    expect(relaxed).toBe(20);
    expect(WASM_INSTRUCTIONS.size - relaxed).toBeGreaterThan(200);
  });

  it("gives a typed error for another name", () => {
    const m = new binaryen.Module();
    expect(() => emitInstruction(binaryen, m, "i32x4.dot", [], [])).toThrow(
      expect.objectContaining({ name: "CodegenError", code: "unknown-instruction" }),
    );
    m.dispose();
  });
});
